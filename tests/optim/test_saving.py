"""The contents of `state_dict()`, what `load_state_dict()` restores, and what it refuses."""

import pytest

import minigrad
from minigrad import optim
from tests.optim.test_optimizer import make_parameter


def test_state_dict_names_parameters_by_index():
    p, q = make_parameter(), make_parameter(3)
    optimizer = optim.SGD([{"params": [p]}, {"params": [q], "momentum": 0.9}], lr=0.1)
    optimizer.step()
    state = optimizer.state_dict()
    assert [group["params"] for group in state["param_groups"]] == [[0], [1]]
    assert list(state["state"]) == [1]
    assert state["state"][1]["momentum_buffer"].tolist() == [1, 1, 1]


def test_a_loaded_state_is_a_copy_in_the_dtype_of_the_parameter():
    p = make_parameter()
    donor = optim.Adam([p])
    donor.step()
    q = minigrad.ones(2, dtype=minigrad.float64, requires_grad=True)
    optimizer = optim.Adam([q], lr=7.0)
    saved = donor.state_dict()
    optimizer.load_state_dict(saved)
    state = optimizer.state[q]
    assert state["exp_avg"].dtype == minigrad.float64
    assert state["step"].dtype == minigrad.float32
    assert optimizer.param_groups[0]["lr"] == 1e-3
    donor.step()
    assert state["step"].item() == 1
    saved["param_groups"][0]["lr"] = 5.0
    assert optimizer.param_groups[0]["lr"] == 1e-3


def test_a_loaded_step_count_may_be_a_number():
    p = make_parameter()
    optimizer = optim.Adam([p])
    optimizer.step()
    saved = optimizer.state_dict()
    saved["state"][0]["step"] = 1
    optimizer.load_state_dict(saved)
    optimizer.step()
    assert optimizer.state[p]["step"].item() == 2


def test_a_step_without_an_option_says_where_the_state_came_from():
    donor = optim.Adam([make_parameter()])
    optimizer = optim.SGD([make_parameter()])
    optimizer.load_state_dict(donor.state_dict())
    with pytest.raises(KeyError, match="no option 'momentum': was its state_dict taken from another kind of optimizer"):
        optimizer.step()


def test_options_that_an_older_state_lacks_have_their_defaults():
    p = make_parameter()
    optimizer = optim.SGD([p], lr=0.5)
    saved = optimizer.state_dict()
    for name in ("maximize", "foreach", "differentiable", "fused", "nesterov"):
        del saved["param_groups"][0][name]
    optimizer.load_state_dict(saved)
    optimizer.step()
    assert p.tolist() == [0.5, 0.5]
    assert optimizer.param_groups[0]["maximize"] is False


def test_states_of_other_groups_are_refused():
    p, q = make_parameter(), make_parameter()
    with pytest.raises(ValueError, match="group 0 has 1 parameters, expected 2"):
        optim.SGD([p, q]).load_state_dict(optim.SGD([p]).state_dict())
    two = optim.SGD([{"params": p}, {"params": q}])
    with pytest.raises(ValueError, match="different number of parameter groups: 2, and the optimizer has 1"):
        optim.SGD([p]).load_state_dict(two.state_dict())
    with pytest.raises(
        KeyError, match=r"param_groups: load_state_dict\(\) takes what state_dict\(\) returned, got keys"
    ):
        optim.SGD([p]).load_state_dict({})


def test_a_state_that_is_no_dict_is_refused():
    optimizer = optim.SGD([minigrad.ones(1, requires_grad=True)], lr=0.1)
    with pytest.raises(TypeError, match="Expected state_dict to be dict-like, got int; give it what"):
        optimizer.load_state_dict(5)


KEYS = {  # as PyTorch 2.13 prints them: of a group, and of the state of a parameter
    "RMSprop": (
        "lr momentum alpha eps centered weight_decay capturable foreach maximize differentiable",
        "step square_avg",
    ),
    "Adagrad": (
        "lr lr_decay eps weight_decay initial_accumulator_value foreach maximize differentiable fused",
        "step sum",
    ),
    "Adadelta": (
        "lr rho eps weight_decay maximize capturable foreach differentiable", "step square_avg acc_delta",
    ),
    "NAdam": (
        "lr betas eps weight_decay momentum_decay decoupled_weight_decay maximize foreach capturable differentiable",
        "step mu_product exp_avg exp_avg_sq",
    ),
    "RAdam": (
        "lr betas eps weight_decay maximize foreach capturable decoupled_weight_decay differentiable",
        "step exp_avg exp_avg_sq",
    ),
    "Rprop": ("lr etas step_sizes foreach maximize differentiable capturable", "step prev step_size"),
    "ASGD": ("lr lambd alpha t0 weight_decay foreach maximize differentiable capturable", "step eta mu ax"),
}  # fmt: skip


@pytest.mark.parametrize("name", KEYS)
def test_the_keys_of_a_state_are_in_pytorchs_order(name):
    options, kept = KEYS[name]
    optimizer = type("Own", (getattr(optim, name),), {})([make_parameter()])
    optimizer.step()
    state = optimizer.state_dict()
    assert list(state["param_groups"][0]) == [*options.split(), "params"]
    assert list(state["state"][0]) == kept.split()


@pytest.mark.parametrize("name", ["NAdam", "ASGD", "Adam"])
def test_a_loaded_state_has_the_dtype_of_the_parameters_except_for_the_number_of_steps(name):
    narrow, double = make_parameter(), make_parameter().double().detach().requires_grad_()
    single = getattr(optim, name)([narrow])
    single.step()
    wide = getattr(optim, name)([double])
    wide.load_state_dict(single.state_dict())
    dtypes = {key: value.dtype for key, value in wide.state[double].items()}
    assert dtypes.pop("step") is minigrad.float32
    assert set(dtypes.values()) == {minigrad.float64}  # as PyTorch 2.13


class Tower(optim.Optimizer):
    """An optimizer of a user's own, whose state holds more than tensors by name."""

    def __init__(self, params):
        super().__init__(params, {"lr": 1.0})


def test_a_state_may_hold_entries_of_the_optimizer_and_containers_of_tensors():
    p, q = make_parameter(), minigrad.ones(2, dtype=minigrad.float64, requires_grad=True)
    donor, optimizer = Tower([p]), Tower([q])
    kept = minigrad.ones(2)
    donor.state["epoch"] = 5
    donor.state[p] |= {"name": "tower", "ends": (kept, 3), "by name": {"high": [kept], "step": kept}}
    optimizer.load_state_dict(donor.state_dict())
    state = optimizer.state[q]  # as PyTorch 2.13, but for "name", which it spoils
    assert optimizer.state["epoch"] == 5
    assert state["name"] == "tower" and state["ends"][1] == 3
    assert state["ends"][0].dtype == state["by name"]["high"][0].dtype == minigrad.float64
    assert state["by name"]["step"].dtype == minigrad.float32
    assert state["by name"]["high"][0] is not kept
