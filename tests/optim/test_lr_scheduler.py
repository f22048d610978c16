"""Schedules give PyTorch's rates, epoch by epoch."""

import json
import math
from pathlib import Path

import pytest

import minigrad
from minigrad import optim
from minigrad.optim import lr_scheduler
from tests.optim.test_trajectories import to_json

RECORDED = json.loads((Path(__file__).resolve().parent.parent / "data" / "schedules.json").read_text())


def make_optimizer(*rates, **options):
    groups = [{"params": [minigrad.ones(1, requires_grad=True)], "lr": lr} for lr in rates]
    return optim.SGD(groups, **options)


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


def test_cosine_annealing_is_the_closed_form():
    optimizer = make_optimizer(1.0)
    schedule = lr_scheduler.CosineAnnealingLR(optimizer, T_max=7, eta_min=0.1)
    for epoch in range(1, 8):
        optimizer.step()
        schedule.step()
        expected = 0.1 + 0.9 * (1 + math.cos(math.pi * epoch / 7)) / 2
        assert schedule.get_last_lr() == pytest.approx([expected], rel=1e-12)


def test_a_rate_changed_by_hand_is_kept():
    optimizer = make_optimizer(0.1)
    schedule = lr_scheduler.MultiStepLR(optimizer, [2])
    optimizer.step()
    optimizer.param_groups[0]["lr"] = 9
    schedule.step()
    assert optimizer.param_groups[0]["lr"] == 9
    schedule.step()
    assert optimizer.param_groups[0]["lr"] == pytest.approx(0.9)


def test_a_tensor_rate_is_written_in_place():
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


def test_a_loaded_schedule_continues_where_it_was_saved():
    optimizer = make_optimizer(0.1)
    schedule = lr_scheduler.StepLR(optimizer, 3)
    for _ in range(2):
        optimizer.step()
        schedule.step()
    fresh = make_optimizer(0.1)
    resumed = lr_scheduler.StepLR(fresh, 99, gamma=0.9)
    fresh.load_state_dict(optimizer.state_dict())
    resumed.load_state_dict(schedule.state_dict())
    fresh.step()
    resumed.step()
    assert fresh.param_groups[0]["lr"] == pytest.approx(0.01)
    again = lr_scheduler.StepLR(fresh, 3, last_epoch=2)
    assert again.last_epoch == 3


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


def test_functions_are_not_saved_and_are_kept_on_loading():
    schedule = lr_scheduler.LambdaLR(make_optimizer(1.0), lambda epoch: 0.5**epoch)
    schedule.optimizer.step()
    schedule.step()
    state = schedule.state_dict()
    assert state["lr_lambdas"] == [None] and state["last_epoch"] == 1
    other = lr_scheduler.LambdaLR(make_optimizer(1.0), lambda epoch: 0.25**epoch)
    other.load_state_dict(state)
    other.optimizer.step()
    other.step()
    assert other.get_last_lr() == [0.0625]


def test_a_user_may_derive_a_schedule():
    class Inverse(lr_scheduler.LRScheduler):
        def get_lr(self):
            return [base / (1 + self.last_epoch) for base in self.base_lrs]

    optimizer = make_optimizer(1.0)
    schedule = Inverse(optimizer)
    optimizer.step()
    schedule.step()
    assert schedule.get_last_lr() == [0.5]


def test_schedules_name_lr_scheduler_as_their_module():
    assert lr_scheduler.MultiStepLR.__module__ == lr_scheduler.__name__


OPTIMIZERS = sorted(name for name in optim.__all__ if name[0].isupper() and name != "Optimizer")


@pytest.mark.parametrize("name", OPTIMIZERS)
def test_stepping_the_schedule_first_warns_once(name):
    optimizer, stepped = [getattr(optim, name)([minigrad.ones(2, 2, requires_grad=True)]) for _ in range(2)]
    schedule = lr_scheduler.StepLR(optimizer, 2)
    with pytest.warns(UserWarning, match=r"`lr_scheduler.step\(\)` before `optimizer.step\(\)`"):
        schedule.step()
    schedule.step()
    schedule = lr_scheduler.StepLR(stepped, 2)
    stepped.step(lambda: minigrad.zeros(()))
    schedule.step()


def test_steps_of_an_optimizer_that_overrides_step_are_noticed_too():
    class Own(optim.Optimizer):
        def step(self):
            pass

    stepped, forgotten = [Own([minigrad.ones(1, requires_grad=True)], {"lr": 1.0}) for _ in range(2)]
    schedule = lr_scheduler.StepLR(stepped, 2)
    stepped.step()
    schedule.step()
    with pytest.warns(UserWarning, match=r"`lr_scheduler.step\(\)` before `optimizer.step\(\)`"):
        lr_scheduler.StepLR(forgotten, 2).step()


def test_steps_before_the_schedule_was_made_do_not_count():
    optimizer = make_optimizer(1.0)
    optimizer.step()
    with pytest.warns(UserWarning, match=r"`lr_scheduler.step\(\)` before `optimizer.step\(\)`"):
        lr_scheduler.StepLR(optimizer, 2).step()


def test_a_step_that_was_put_into_the_optimizer_itself_gets_no_warning():
    optimizer = make_optimizer(1.0)
    optimizer.step = lambda: None
    lr_scheduler.StepLR(optimizer, 2).step()


def test_attributes_of_callable_objects_are_saved():
    class Power:
        def __init__(self, base):
            self.base = base

        def __call__(self, epoch):
            return self.base**epoch

    schedule = lr_scheduler.LambdaLR(make_optimizer(1.0), Power(0.5))
    other = lr_scheduler.LambdaLR(make_optimizer(1.0), Power(3.0))
    other.load_state_dict(schedule.state_dict())
    assert other.lr_lambdas[0].base == 0.5
    waves = [lr_scheduler.CyclicLR(make_optimizer(1.0, momentum=0.5), 0, 1, 2, scale_fn=Power(b)) for b in (0.5, 3.0)]
    waves[1].load_state_dict(waves[0].state_dict())
    assert waves[1].scale_fn(1) == 0.5


def test_multiplicative_lr_multiplies_the_factors():
    optimizer = make_optimizer(1.0)
    schedule = lr_scheduler.MultiplicativeLR(optimizer, lambda epoch: 1 / epoch)
    for expected in (1, 1 / 2, 1 / 6):
        optimizer.step()
        schedule.step()
        assert schedule.get_last_lr() == [pytest.approx(expected)]


def test_one_cycle_changes_betas_where_there_is_no_momentum():
    optimizer = optim.Adam([minigrad.ones(1, requires_grad=True)])
    schedule = lr_scheduler.OneCycleLR(optimizer, 0.1, total_steps=10)
    assert optimizer.param_groups[0]["betas"] == (0.95, 0.999)
    for _ in range(2):
        optimizer.step()
        schedule.step()
    assert optimizer.param_groups[0]["betas"] == (pytest.approx(0.85), 0.999)


def test_a_group_added_later_starts_from_its_own_rate():
    for kind, options in ((lr_scheduler.CosineAnnealingLR, {"T_max": 4}), (lr_scheduler.StepLR, {"step_size": 1})):
        optimizer = make_optimizer(1.0)
        schedule = kind(optimizer, **options)
        optimizer.add_param_group({"params": [minigrad.ones(1, requires_grad=True)], "lr": 2.0})
        for _ in range(5):
            optimizer.step()
            schedule.step()
            first, second = schedule.get_last_lr()
            assert second == pytest.approx(2 * first)
    schedule = lr_scheduler.LambdaLR(optimizer, [abs, abs])
    optimizer.add_param_group({"params": [minigrad.ones(1, requires_grad=True)]})
    with pytest.raises(ValueError, match=r"param_groups\[2\] was added after the schedule was made, which has 2"):
        schedule.step()
    cyclic = lr_scheduler.CyclicLR(make_optimizer(1.0, momentum=0.9), 0.1, 1.0)
    cyclic.optimizer.add_param_group({"params": [minigrad.ones(1, requires_grad=True)]})
    cyclic.optimizer.step()
    with pytest.raises(ValueError, match=r"param_groups\[1\] was added after the schedule was made, which has 1 rates"):
        cyclic.step()
    plateau = lr_scheduler.ReduceLROnPlateau(make_optimizer(1.0), patience=0, min_lr=[0.1])
    plateau.optimizer.add_param_group({"params": [minigrad.ones(1, requires_grad=True)]})
    plateau.step(1.0)
    with pytest.raises(RuntimeError, match="append its least rate to `min_lrs`"):
        plateau.step(1.0)


def test_get_lr_outside_of_a_step_warns():
    schedule = lr_scheduler.StepLR(make_optimizer(1.0), 2)
    with pytest.warns(UserWarning, match=r"please use `get_last_lr\(\)`"):
        schedule.get_lr()
    assert issubclass(lr_scheduler._LRScheduler, lr_scheduler.LRScheduler)


@pytest.mark.parametrize(
    ("name", "options", "text"),
    [
        ("ConstantLR", {"factor": 1.5}, "between 0 and 1, got 1.5"),
        ("LinearLR", {"start_factor": 0}, "Starting multiplicative factor"),
        ("LinearLR", {"end_factor": -1}, "Ending multiplicative factor"),
        ("CosineAnnealingWarmRestarts", {"T_0": 0}, "positive integer T_0, but got 0"),
        ("CosineAnnealingWarmRestarts", {"T_0": 2, "T_mult": 1.5}, "integer T_mult >= 1, but got 1.5"),
        ("CosineAnnealingWarmRestarts", {"T_0": 2, "eta_min": "a"}, "float or int eta_min"),
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
        ("ReduceLROnPlateau", {"factor": 1.0}, "Factor should be < 1.0"),
        ("ReduceLROnPlateau", {"mode": "least"}, "mode least is unknown"),
        ("ReduceLROnPlateau", {"threshold_mode": "x"}, "threshold mode x is unknown"),
        ("ReduceLROnPlateau", {"min_lr": [0.1, 0.2]}, "expected 1 min_lrs, got 2"),
    ],
)
def test_options_out_of_range_are_refused(name, options, text):
    with pytest.raises(ValueError, match=text):
        getattr(lr_scheduler, name)(make_optimizer(1.0, momentum=0.9), **options)


def test_wrong_cycles_and_compositions_are_refused():
    plain = optim.Adagrad([minigrad.ones(1, requires_grad=True)])
    for make in (
        lambda: lr_scheduler.CyclicLR(plain, 0.1, 1.0),
        lambda: lr_scheduler.OneCycleLR(plain, 0.1, total_steps=3),
    ):
        with pytest.raises(ValueError, match="must support momentum or beta1 with `cycle_momentum`"):
            make()
    optimizer = make_optimizer(1.0, momentum=0.9)
    schedule = lr_scheduler.OneCycleLR(optimizer, 0.1, total_steps=2)
    optimizer.step()
    schedule.step()
    schedule.step()
    with pytest.raises(ValueError, match=r"Tried to step 3 times. The specified number of total steps is 2"):
        schedule.step()
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


def test_wrong_optimizers_and_missing_rates_are_refused():
    with pytest.raises(TypeError, match="int is not an Optimizer"):
        lr_scheduler.StepLR(3, 2)
    with pytest.raises(KeyError, match=r"'initial_lr' is not specified in param_groups\[0\]"):
        lr_scheduler.StepLR(make_optimizer(1.0), 2, last_epoch=3)
    with pytest.raises(ValueError, match="Expected 1 lr_lambdas, but got 2"):
        lr_scheduler.LambdaLR(make_optimizer(1.0), [abs, abs])
    with pytest.raises(NotImplementedError, match=r"LRScheduler must say in get_lr\(\)"):
        lr_scheduler.LRScheduler(make_optimizer(1.0))


@pytest.mark.parametrize(
    ("make", "kind", "text"),
    [
        (lambda o: lr_scheduler.StepLR(o, 0), ValueError, "step_size must be a positive number of epochs, got 0"),
        (lambda o: lr_scheduler.StepLR(o, "3"), TypeError, "argument 'step_size' must be a number, not str '3'"),
        (lambda o: lr_scheduler.StepLR(o, 1, "a"), TypeError, "StepLR.*'gamma' must be a number, not str 'a'"),
        (lambda o: lr_scheduler.MultiStepLR(o, 3), TypeError, "'milestones' must be a list of epochs, not int 3"),
        (lambda o: lr_scheduler.MultiStepLR(o, [1], None), TypeError, "'gamma' must be a number, not NoneType"),
        (lambda o: lr_scheduler.ExponentialLR(o, []), TypeError, "ExponentialLR.*'gamma' must be a number, not list"),
        (lambda o: lr_scheduler.ConstantLR(o, "a"), TypeError, "ConstantLR.*'factor' must be a number, not str"),
        (lambda o: lr_scheduler.LinearLR(o, 0.5, "a"), TypeError, "LinearLR.*'end_factor' must be a number, not str"),
        (lambda o: lr_scheduler.PolynomialLR(o, 2, "a"), TypeError, "PolynomialLR.*'power' must be a number, not str"),
        (lambda o: lr_scheduler.CosineAnnealingLR(o, 2, "a"), TypeError, "'eta_min' must be a number, not str 'a'"),
        (lambda o: lr_scheduler.CyclicLR(o, 0, 1, gamma="a"), TypeError, "CyclicLR.*'gamma' must be a number, not str"),
        (lambda o: lr_scheduler.OneCycleLR(o, 1, 9, div_factor="a"), TypeError, "'div_factor' must be a number, not"),
        (lambda o: lr_scheduler.ReduceLROnPlateau(o, patience="a"), TypeError, "'patience' must be a number, not str"),
        (lambda o: lr_scheduler.CosineAnnealingLR(o, 0), ValueError, "T_max must be a positive number of epochs"),
        (lambda o: lr_scheduler.CyclicLR(o, 0.1, 1, 0), ValueError, r"step_size_up \+ step_size_down must be"),
    ],
)
def test_numbers_of_a_schedule_are_checked_by_the_constructor(make, kind, text):
    with pytest.raises(kind, match=text):
        make(make_optimizer(1.0))


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


def test_plateau_with_an_epoch_warns_and_counts_from_it():
    schedule = lr_scheduler.ReduceLROnPlateau(make_optimizer(0.1))
    with pytest.warns(UserWarning, match="epoch parameter"):
        schedule.step(1.0, epoch=7)
    assert schedule.last_epoch == 7
