"""Schedules one after another, and all at once."""

import pytest

from minigrad.optim import lr_scheduler
from tests.optim.lr_scheduler.groups import make_optimizer


def test_warm_restarts_begin_at_the_first_rate_in_a_sequence():
    optimizer = make_optimizer(0.2)
    restarts = lr_scheduler.CosineAnnealingWarmRestarts(optimizer, T_0=2)
    then = lr_scheduler.ConstantLR(optimizer, factor=0.5, total_iters=9)
    schedule = lr_scheduler.SequentialLR(optimizer, [restarts, then], milestones=[3])
    rates = [schedule.get_last_lr()[0]]
    for _ in range(3):
        optimizer.step()
        schedule.step()
        rates += schedule.get_last_lr()
    assert rates == pytest.approx([0.2, 0.1, 0.2, 0.1])


@pytest.mark.parametrize("inner", ["ChainedScheduler", "SequentialLR"])
def test_a_composed_schedule_begins_at_no_milestone(inner):
    optimizer = make_optimizer(1.0)
    plain, halved = lr_scheduler.StepLR(optimizer, 2), lr_scheduler.ExponentialLR(optimizer, 0.5)
    options = {"milestones": []} if inner == "SequentialLR" else {}
    parts = {"optimizer": optimizer, "schedulers": [halved], **options}
    schedule = lr_scheduler.SequentialLR(optimizer, [plain, getattr(lr_scheduler, inner)(**parts)], milestones=[1])
    optimizer.step()
    with pytest.raises(NotImplementedError, match=f"{inner} cannot begin at a milestone.*as its first scheduler only"):
        schedule.step()
    with pytest.raises(NotImplementedError, match="must say in get_lr"):
        schedule.get_lr()


def test_schedules_that_do_not_fit_together_are_refused():
    optimizer = make_optimizer(1.0, momentum=0.9)
    step, other = lr_scheduler.StepLR(optimizer, 2), lr_scheduler.StepLR(make_optimizer(1.0), 2)
    with pytest.raises(ValueError, match="at least one scheduler"):
        lr_scheduler.ChainedScheduler([])
    with pytest.raises(TypeError, match="at index 1 should have `optimizer`"):
        lr_scheduler.ChainedScheduler([step, 3])
    with pytest.raises(ValueError, match=r"belong to the same optimizer.*StepLR at index 1"):
        lr_scheduler.SequentialLR(optimizer, [step, other], [1])
    with pytest.raises(ValueError, match=r"does not support `ReduceLROnPlateau`.*index 0"):
        lr_scheduler.ChainedScheduler([lr_scheduler.ReduceLROnPlateau(optimizer)])
    with pytest.raises(ValueError, match="number of schedulers 1 and the number of milestones to be equal to 2"):
        lr_scheduler.SequentialLR(optimizer, [step], [1, 2])
