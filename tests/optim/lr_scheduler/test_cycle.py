"""Rates that rise and fall with the batches."""

import pytest

import minigrad
from minigrad import optim
from minigrad.optim import lr_scheduler
from tests.optim.lr_scheduler.groups import make_optimizer


def test_one_cycle_changes_betas_where_there_is_no_momentum():
    optimizer = optim.Adam([minigrad.ones(1, requires_grad=True)])
    schedule = lr_scheduler.OneCycleLR(optimizer, 0.1, total_steps=10)
    assert optimizer.param_groups[0]["betas"] == (0.95, 0.999)
    for _ in range(2):
        optimizer.step()
        schedule.step()
    assert optimizer.param_groups[0]["betas"] == (pytest.approx(0.85), 0.999)


def test_a_cycle_of_the_momentum_needs_an_optimizer_with_momentum():
    plain = optim.Adagrad([minigrad.ones(1, requires_grad=True)])
    for make in (
        lambda: lr_scheduler.CyclicLR(plain, 0.1, 1.0),
        lambda: lr_scheduler.OneCycleLR(plain, 0.1, total_steps=3),
    ):
        with pytest.raises(ValueError, match="must support momentum or beta1 with `cycle_momentum`"):
            make()


def test_one_cycle_has_an_end():
    optimizer = make_optimizer(1.0, momentum=0.9)
    schedule = lr_scheduler.OneCycleLR(optimizer, 0.1, total_steps=2)
    optimizer.step()
    schedule.step()
    schedule.step()
    with pytest.raises(ValueError, match=r"Tried to step 3 times. The specified number of total steps is 2"):
        schedule.step()


@pytest.mark.parametrize(
    ("name", "options", "text"),
    [
        (
            "CyclicLR",
            {"base_lr": 0, "max_lr": 1, "mode": "square"},
            "mode is invalid and scale_fn is None: got 'square'",
        ),
        ("CyclicLR", {"base_lr": [0, 1], "max_lr": 1}, "base_lr has 2 values, param_groups has 1"),
        ("OneCycleLR", {"max_lr": 1}, r"either total_steps OR \(epochs AND steps_per_epoch\)"),
        ("OneCycleLR", {"max_lr": 1, "total_steps": -1}, "positive integer total_steps, but got -1"),
        ("OneCycleLR", {"max_lr": 1, "epochs": 2, "steps_per_epoch": 0}, "positive integer steps_per_epoch"),
        ("OneCycleLR", {"max_lr": 1, "total_steps": 5, "pct_start": 2.0}, "float between 0 and 1 pct_start"),
        ("OneCycleLR", {"max_lr": 1, "total_steps": 5, "anneal_strategy": "x"}, "'cos' or 'linear', instead got x"),
    ],
)
def test_options_out_of_range_are_refused(name, options, text):
    with pytest.raises(ValueError, match=text):
        getattr(lr_scheduler, name)(make_optimizer(1.0, momentum=0.9), **options)
