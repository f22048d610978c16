"""Schedules give PyTorch's rates, epoch by epoch."""

import json
import math
from pathlib import Path

import pytest

import minigrad
from minigrad import optim
from minigrad.optim import lr_scheduler

RECORDED = json.loads((Path(__file__).resolve().parent.parent / "data" / "schedules.json").read_text())


def optimizer_of(*rates):
    groups = [{"params": [minigrad.ones(1, requires_grad=True)], "lr": lr} for lr in rates]
    return optim.SGD(groups)


def case_name(case):
    return f"{case['schedule']}({case['options']})"


@pytest.mark.parametrize("case", RECORDED, ids=case_name)
def test_rates_are_pytorchs(case):
    optimizer = optimizer_of(0.3, 0.1)
    schedule = getattr(lr_scheduler, case["schedule"])(optimizer, **case["options"])
    seen = [schedule.get_last_lr()]
    for _ in case["rates"][1:]:
        optimizer.step()
        schedule.step()
        seen.append(schedule.get_last_lr())
        assert [group["lr"] for group in optimizer.param_groups] == seen[-1]
    for got, expected in zip(seen, case["rates"], strict=True):
        assert got == pytest.approx(expected, rel=1e-14)
    state = schedule.state_dict()
    if "milestones" in state:
        state["milestones"] = {str(key): count for key, count in state["milestones"].items()}
    for key, value in case["state_dict"].items():
        if key != "_get_lr_called_within_step":
            assert state[key] == (pytest.approx(value, rel=1e-14) if key == "_last_lr" else value)


def test_lambdas_scale_each_groups_first_rate():
    optimizer = optimizer_of(1.0, 2.0)
    schedule = lr_scheduler.LambdaLR(optimizer, [lambda epoch: 0.5**epoch, lambda epoch: 1 / 4])
    assert schedule.get_last_lr() == [1.0, 0.5]
    for _ in range(3):
        optimizer.step()
        schedule.step()
    assert schedule.get_last_lr() == [0.125, 0.5]
    one = lr_scheduler.LambdaLR(optimizer_of(1.0, 2.0), lambda epoch: 0.5)
    assert one.get_last_lr() == [0.5, 1.0]


def test_cosine_is_the_closed_form():
    optimizer = optimizer_of(1.0)
    schedule = lr_scheduler.CosineAnnealingLR(optimizer, T_max=7, eta_min=0.1)
    for epoch in range(1, 8):
        optimizer.step()
        schedule.step()
        expected = 0.1 + 0.9 * (1 + math.cos(math.pi * epoch / 7)) / 2
        assert schedule.get_last_lr() == pytest.approx([expected], rel=1e-12)


def test_a_rate_changed_by_hand_is_carried_on():
    optimizer = optimizer_of(0.1)
    schedule = lr_scheduler.MultiStepLR(optimizer, [2])
    optimizer.step()
    optimizer.param_groups[0]["lr"] = 9
    schedule.step()
    assert optimizer.param_groups[0]["lr"] == 9
    schedule.step()
    assert optimizer.param_groups[0]["lr"] == pytest.approx(0.9)


def test_a_tensor_rate_is_written_to():
    rate = minigrad.tensor(0.5)
    optimizer = optim.SGD([minigrad.ones(1, requires_grad=True)], lr=rate)
    schedule = lr_scheduler.StepLR(optimizer, 1, gamma=0.5)
    optimizer.step()
    schedule.step()
    assert optimizer.param_groups[0]["lr"] is rate
    assert rate.item() == 0.25
    assert schedule.base_lrs[0].item() == 0.5
    schedule.get_last_lr()[0].fill_(7.0)
    assert rate.item() == 0.25


def test_a_schedule_goes_on_where_it_was_saved():
    optimizer = optimizer_of(0.1)
    schedule = lr_scheduler.StepLR(optimizer, 3)
    for _ in range(2):
        optimizer.step()
        schedule.step()
    fresh = optimizer_of(0.1)
    resumed = lr_scheduler.StepLR(fresh, 99, gamma=0.9)
    fresh.load_state_dict(optimizer.state_dict())
    resumed.load_state_dict(schedule.state_dict())
    fresh.step()
    resumed.step()
    assert fresh.param_groups[0]["lr"] == pytest.approx(0.01)
    again = lr_scheduler.StepLR(fresh, 3, last_epoch=2)
    assert again.last_epoch == 3


def test_functions_are_not_saved_and_stay():
    schedule = lr_scheduler.LambdaLR(optimizer_of(1.0), lambda epoch: 0.5**epoch)
    schedule.optimizer.step()
    schedule.step()
    state = schedule.state_dict()
    assert "lr_lambdas" not in state and state["last_epoch"] == 1
    other = lr_scheduler.LambdaLR(optimizer_of(1.0), lambda epoch: 0.25**epoch)
    other.load_state_dict(state)
    other.optimizer.step()
    other.step()
    assert other.get_last_lr() == [0.0625]


def test_a_schedule_of_ones_own():
    class Inverse(lr_scheduler.LRScheduler):
        def get_lr(self):
            return [base / (1 + self.last_epoch) for base in self.base_lrs]

    optimizer = optimizer_of(1.0)
    schedule = Inverse(optimizer)
    optimizer.step()
    schedule.step()
    assert schedule.get_last_lr() == [0.5]


def test_the_module_is_found_as_the_lessons_look_for_it():
    assert lr_scheduler.MultiStepLR.__module__ == lr_scheduler.__name__


def test_stepping_the_schedule_first_is_warned_of_once():
    optimizer = optimizer_of(1.0)
    schedule = lr_scheduler.StepLR(optimizer, 2)
    with pytest.warns(UserWarning, match=r"`lr_scheduler.step\(\)` before `optimizer.step\(\)`"):
        schedule.step()
    schedule.step()
    stepped = optimizer_of(1.0)
    schedule = lr_scheduler.StepLR(stepped, 2)
    stepped.step()
    schedule.step()


def test_errors():
    with pytest.raises(TypeError, match="int is not an Optimizer"):
        lr_scheduler.StepLR(3, 2)
    with pytest.raises(KeyError, match=r"'initial_lr' is not specified in param_groups\[0\]"):
        lr_scheduler.StepLR(optimizer_of(1.0), 2, last_epoch=3)
    with pytest.raises(ValueError, match="Expected 1 lr_lambdas, but got 2"):
        lr_scheduler.LambdaLR(optimizer_of(1.0), [abs, abs])
    with pytest.raises(NotImplementedError, match=r"LRScheduler must say in get_lr\(\)"):
        lr_scheduler.LRScheduler(optimizer_of(1.0))
