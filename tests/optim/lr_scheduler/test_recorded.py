"""All schedules give the rates, the momenta and the states that PyTorch gave, epoch by epoch."""

import json
from pathlib import Path

import pytest

import minigrad
from minigrad.optim import lr_scheduler
from tests.optim.lr_scheduler.groups import make_optimizer
from tests.optim.test_trajectories import to_json

DATA = Path(__file__).resolve().parents[2] / "data"
RECORDED = json.loads((DATA / "schedules.json").read_text())


def case_name(case):
    return f"{case['schedule']}({case['options']})"


def make_schedule(case):
    """The schedule of a case, on the optimizer of tests/oracle/record_optim.py."""
    optimizer = make_optimizer(0.3, 0.1, momentum=0.9)
    if "parts" not in case:
        return getattr(lr_scheduler, case["schedule"])(optimizer, **case["options"])
    inner = [getattr(lr_scheduler, name)(optimizer, **options) for name, options in case["parts"]]
    arguments = [inner] if case["schedule"] == "ChainedScheduler" else [optimizer, inner]
    return getattr(lr_scheduler, case["schedule"])(*arguments, **case["options"])


def assert_same(got, expected):
    if isinstance(expected, dict):
        assert got.keys() == expected.keys()
        for key, value in expected.items():
            assert_same(got[key], value)
    elif isinstance(expected, list):
        assert len(got) == len(expected)
        for x, y in zip(got, expected, strict=True):
            assert_same(x, y)
    elif isinstance(expected, float):
        assert got == pytest.approx(expected, rel=1e-13, abs=1e-15)
    else:
        assert got == expected


@pytest.mark.parametrize("case", RECORDED["schedules"] + RECORDED["composed"], ids=case_name)
def test_rates_momenta_and_state_are_pytorchs(case):
    schedule = make_schedule(case)
    optimizer = schedule.optimizer
    for epoch, expected in enumerate(case["rates"]):
        if epoch:
            optimizer.step()
            schedule.step()
        assert schedule.get_last_lr() == pytest.approx(expected, rel=1e-13, abs=1e-15)
        assert [group["lr"] for group in optimizer.param_groups] == schedule.get_last_lr()
        assert [group["momentum"] for group in optimizer.param_groups] == pytest.approx(case["momenta"][epoch])
    assert_same(to_json(schedule.state_dict()), case["state_dict"])


@pytest.mark.parametrize("case", RECORDED["schedules"], ids=case_name)
def test_rates_after_a_step_to_an_epoch_are_pytorchs(case):
    schedule = make_schedule(case)
    schedule.optimizer.step()
    for epoch, expected in case["jumps"]:
        if case["schedule"] == "CosineAnnealingWarmRestarts":
            schedule.step(epoch)
        else:
            with pytest.warns(UserWarning, match="epoch parameter"):
                schedule.step(epoch)
        assert schedule.get_last_lr() == pytest.approx(expected, rel=1e-13, abs=1e-15)


@pytest.mark.parametrize("case", RECORDED["schedules"] + RECORDED["composed"], ids=case_name)
def test_a_loaded_schedule_continues_with_the_same_rates(case, tmp_path):
    schedule, resumed = make_schedule(case), make_schedule(case)
    for _ in range(5):
        schedule.optimizer.step()
        schedule.step()
    minigrad.save([schedule.optimizer.state_dict(), schedule.state_dict()], tmp_path / "run.pt")
    optimizer_state, state = minigrad.load(tmp_path / "run.pt")
    resumed.optimizer.load_state_dict(optimizer_state)
    resumed.load_state_dict(state)
    for one in (schedule, resumed):
        one.optimizer.step()
        one.step()
    assert resumed.get_last_lr() == schedule.get_last_lr()


@pytest.mark.parametrize("case", RECORDED["plateaus"], ids=lambda case: str(case["options"]))
def test_reduce_on_plateau_lowers_the_rate_when_pytorch_does(case):
    schedule = lr_scheduler.ReduceLROnPlateau(make_optimizer(0.3, 0.1, momentum=0.9), **case["options"])
    assert schedule.num_bad_epochs == schedule.cooldown_counter == 0
    for loss, expected in zip(case["losses"], case["rates"], strict=True):
        schedule.step(minigrad.tensor(loss, dtype=minigrad.float64))
        assert schedule.get_last_lr() == pytest.approx(expected, rel=1e-14)
    assert_same(to_json(schedule.state_dict()), case["state_dict"])
