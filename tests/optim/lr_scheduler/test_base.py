"""What every schedule does: where it starts, how it is stepped, saved and derived, and what it refuses."""

import gc

import pytest

import minigrad
from minigrad import optim
from minigrad.optim import lr_scheduler, swa_utils
from tests.optim.lr_scheduler.groups import make_optimizer

OPTIMIZERS = sorted(name for name in optim.__all__ if name[0].isupper() and name != "Optimizer")


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


def raise_error(*_):
    raise RuntimeError("it has no rate")


@pytest.mark.parametrize(
    ("make", "kind"),
    [
        (lambda o: lr_scheduler.LRScheduler(o), NotImplementedError),
        (lambda o: lr_scheduler.LambdaLR(o, [lambda epoch: 0.5, raise_error]), RuntimeError),
        (lambda o: lr_scheduler.CyclicLR(o, [0.1, "a"], 1), TypeError),
        (lambda o: lr_scheduler.CyclicLR(o, 0.1, 1, max_momentum=[0.9]), ValueError),
        (lambda o: lr_scheduler.CyclicLR(o, 0.1, 1, scale_fn=raise_error), RuntimeError),
        (lambda o: lr_scheduler.OneCycleLR(o, [1, "a"], 10), TypeError),
        (lambda o: lr_scheduler.OneCycleLR(o, 1, 10, base_momentum=[0.8]), ValueError),
        (lambda o: lr_scheduler.ReduceLROnPlateau(o, min_lr=[0, "a"]), TypeError),
        (lambda o: swa_utils.SWALR(o, 1, anneal_strategy="square"), ValueError),
        (lambda o: swa_utils.SWALR(o, 1, last_epoch=3), KeyError),
        (lambda o: swa_utils.SWALR(o, [1, "a"]), TypeError),
    ],
)
def test_a_schedule_that_is_refused_leaves_the_groups_as_they_were(make, kind):
    optimizer = make_optimizer(1.0, minigrad.tensor(2.0), momentum=0.7)
    options = [{key: float(x) if key == "lr" else x for key, x in g.items()} for g in optimizer.param_groups]
    rate = optimizer.param_groups[1]["lr"]
    with pytest.raises(kind):
        make(optimizer)
    assert optimizer.param_groups == options
    assert optimizer.param_groups[1]["lr"] is rate
    kept = lr_scheduler.StepLR(optimizer, 1, gamma=0.5)  # a second attempt begins from the same rates
    assert [float(rate) for rate in kept.get_last_lr()] == [1.0, 2.0]


def test_a_list_of_numbers_holds_one_number_for_each_group():
    swa = swa_utils.SWALR(make_optimizer(1.0, 2.0), [0.5, 0.25])
    assert [group["swa_lr"] for group in swa.optimizer.param_groups] == [0.5, 0.25]
    with pytest.raises(ValueError, match="swa_lr has 1 values, param_groups has 2"):
        swa_utils.SWALR(make_optimizer(1.0, 2.0), [0.5])
    with pytest.raises(TypeError, match=r"SWALR\(\): argument 'swa_lr' must be a number, not str 'a'"):
        swa_utils.SWALR(make_optimizer(1.0, 2.0), [0.5, "a"])
    with pytest.raises(TypeError, match="int is not an Optimizer"):
        swa_utils.SWALR(3, 0.5)


def test_a_misspelt_option_of_a_scheduler_is_told_the_one_that_was_meant():
    with pytest.raises(
        TypeError, match=r"StepLR\.__init__\(\) got an unexpected keyword argument 'stepsize'; did you mean 'ste"
    ):
        lr_scheduler.StepLR(make_optimizer(0.1), stepsize=3)


def test_an_optimizer_with_a_scheduler_leaves_nothing_to_the_garbage_collector():
    def make_and_drop():
        lr_scheduler.ExponentialLR(make_optimizer(0.5), 0.5)

    make_and_drop()
    gc.collect()
    make_and_drop()
    assert gc.collect() == 0
