"""The rate falls when a metric stops improving."""

import warnings

import pytest

import minigrad as torch
from minigrad import optim
from minigrad.optim import lr_scheduler
from tests.optim.lr_scheduler.groups import make_optimizer
from tests.refusals import refusals


def test_plateau_with_an_epoch_warns_and_counts_from_it():
    schedule = lr_scheduler.ReduceLROnPlateau(make_optimizer(0.1))
    with pytest.warns(UserWarning, match="epoch parameter"):
        schedule.step(1.0, epoch=7)
    assert schedule.last_epoch == 7


@pytest.mark.parametrize(
    ("name", "options", "text"),
    [
        ("ReduceLROnPlateau", {"factor": 1.0}, "Factor should be < 1.0"),
        ("ReduceLROnPlateau", {"mode": "least"}, "mode least is unknown"),
        ("ReduceLROnPlateau", {"threshold_mode": "x"}, "threshold mode x is unknown"),
        ("ReduceLROnPlateau", {"min_lr": [0.1, 0.2]}, "expected 1 min_lrs, got 2"),
    ],
)
def test_options_out_of_range_are_refused(name, options, text):
    with pytest.raises(ValueError, match=text):
        getattr(lr_scheduler, name)(make_optimizer(1.0, momentum=0.9), **options)


def test_the_state_of_a_plateau_is_printed_in_pytorchs_order():
    schedule = lr_scheduler.ReduceLROnPlateau(make_optimizer(1.0))
    assert list(schedule.state_dict())[6:] == [
        "last_epoch", "_last_lr", "mode_worse", "mode", "threshold", "threshold_mode", "best", "cooldown_counter",
        "num_bad_epochs",
    ]  # fmt: skip


test_a_loss_that_is_no_number = refusals({
    "a text": (
        lambda: lr_scheduler.ReduceLROnPlateau(make_optimizer(0.1)).step("a"), ValueError,
        r"^ReduceLROnPlateau.step\(\) takes the loss of the epoch, a number, not str 'a'$"),
    "None": (lambda: lr_scheduler.ReduceLROnPlateau(make_optimizer(0.1)).step(None), TypeError, "not NoneType None$"),
})  # fmt: skip


def test_a_loss_with_its_graph_may_be_given_and_stays_in_it():
    w = torch.ones(1, requires_grad=True)
    scheduler = optim.lr_scheduler.ReduceLROnPlateau(optim.SGD([w], lr=1.0), patience=0)
    torch.advice.enable()
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        loss = (w * 3).sum()
        scheduler.step(loss)
    loss.backward()
    assert scheduler.best == 3 and w.grad.tolist() == [3]
