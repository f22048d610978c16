"""Rates times a factor that depends on the epoch."""

import pytest

from minigrad.optim import lr_scheduler
from tests.optim.lr_scheduler.groups import make_optimizer


def test_lambda_lr_scales_the_first_rate_of_each_group():
    optimizer = make_optimizer(1.0, 2.0)
    schedule = lr_scheduler.LambdaLR(optimizer, [lambda epoch: 0.5**epoch, lambda epoch: 1 / 4])
    assert schedule.get_last_lr() == [1.0, 0.5]
    for _ in range(3):
        optimizer.step()
        schedule.step()
    assert schedule.get_last_lr() == [0.125, 0.5]
    one = lr_scheduler.LambdaLR(make_optimizer(1.0, 2.0), lambda epoch: 0.5)
    assert one.get_last_lr() == [0.5, 1.0]


def test_multiplicative_lr_multiplies_the_factors():
    optimizer = make_optimizer(1.0)
    schedule = lr_scheduler.MultiplicativeLR(optimizer, lambda epoch: 1 / epoch)
    for expected in (1, 1 / 2, 1 / 6):
        optimizer.step()
        schedule.step()
        assert schedule.get_last_lr() == [pytest.approx(expected)]


def test_functions_are_not_saved_and_are_kept_on_loading():
    schedule = lr_scheduler.LambdaLR(make_optimizer(1.0), lambda epoch: 0.5**epoch)
    schedule.optimizer.step()
    schedule.step()
    state = schedule.state_dict()
    assert state["lr_lambdas"] == [None] and state["last_epoch"] == 1
    assert next(iter(state)) == "base_lrs" and list(state)[-1] == "lr_lambdas"  # in PyTorch's order
    other = lr_scheduler.LambdaLR(make_optimizer(1.0), lambda epoch: 0.25**epoch)
    other.load_state_dict(state)
    other.optimizer.step()
    other.step()
    assert other.get_last_lr() == [0.0625]


def test_attributes_of_callable_objects_are_saved():
    class Power:
        def __init__(self, base):
            self.base = base

        def __call__(self, epoch):
            return self.base**epoch

    built_in = lr_scheduler.LambdaLR(make_optimizer(1.0), abs)
    built_in.load_state_dict(built_in.state_dict())  # it has no attributes to keep
    assert built_in.lr_lambdas == [abs]
    schedule = lr_scheduler.LambdaLR(make_optimizer(1.0), Power(0.5))
    other = lr_scheduler.LambdaLR(make_optimizer(1.0), Power(3.0))
    other.load_state_dict(schedule.state_dict())
    assert other.lr_lambdas[0].base == 0.5
    waves = [lr_scheduler.CyclicLR(make_optimizer(1.0, momentum=0.5), 0, 1, 2, scale_fn=Power(b)) for b in (0.5, 3.0)]
    waves[1].load_state_dict(waves[0].state_dict())
    assert waves[1].scale_fn(1) == 0.5


@pytest.mark.parametrize(
    ("name", "options", "text"),
    [
        ("ConstantLR", {"factor": 1.5}, "between 0 and 1, got 1.5"),
        ("LinearLR", {"start_factor": 0}, "Starting multiplicative factor"),
        ("LinearLR", {"end_factor": -1}, "Ending multiplicative factor"),
    ],
)
def test_options_out_of_range_are_refused(name, options, text):
    with pytest.raises(ValueError, match=text):
        getattr(lr_scheduler, name)(make_optimizer(1.0, momentum=0.9), **options)


def test_a_schedule_by_functions_refuses_a_number():
    for schedule in (lr_scheduler.LambdaLR, lr_scheduler.MultiplicativeLR):
        with pytest.raises(TypeError, match="lr_lambda should be a function, but got float"):
            schedule(make_optimizer(0.1), 0.9)
