"""Hooks around the steps and the state of optimizers."""

import pytest

import minigrad as torch
from minigrad import optim


def make_parameter(gradient=1.0):
    p = torch.ones(2, requires_grad=True)
    p.grad = torch.full((2,), gradient)
    return p


def test_optimizer_hooks_run_before_and_after_the_step():
    p, seen = make_parameter(), []
    optimizer = optim.SGD([p], lr=0.5)
    optimizer.register_step_pre_hook(lambda o, args, kwargs: seen.append(("pre", o is optimizer, args[1:], p.tolist())))
    optimizer.register_step_post_hook(lambda o, args, kwargs: seen.append(("post", kwargs, p.tolist())))
    optimizer.step()
    assert seen == [("pre", True, (), [1, 1]), ("post", {}, [0.5, 0.5])]


def test_an_optimizer_pre_hook_may_change_the_arguments():
    optimizer = optim.SGD([make_parameter()], lr=0.5)
    handle = optimizer.register_step_pre_hook(lambda o, args, kwargs: (args, {"closure": lambda: torch.tensor(7.0)}))
    assert optimizer.step().item() == 7
    handle.remove()
    assert optimizer.step() is None
    optimizer.register_step_pre_hook(lambda o, args, kwargs: 3)
    with pytest.raises(RuntimeError, match=r"must return None or a tuple of \(new_args, new_kwargs\), but got 3"):
        optimizer.step()


def test_hooks_run_around_the_step_of_a_derived_optimizer():
    class Signs(optim.Optimizer):
        def __init__(self, params):
            super().__init__(params, {})

        def step(self, closure=None):
            return "stepped"

    seen = []
    optimizer = Signs([make_parameter()])
    optimizer.register_step_post_hook(lambda *_: seen.append(1))
    assert optimizer.step() == "stepped"
    assert seen == [1]


def test_hooks_of_an_optimizers_state_dict_see_and_replace_it():
    optimizer, seen = optim.SGD([make_parameter()], lr=0.5), []
    optimizer.register_state_dict_pre_hook(lambda o: seen.append("save"))
    optimizer.register_state_dict_post_hook(lambda o, state: {**state, "note": 1})
    optimizer.register_state_dict_post_hook(lambda o, state: seen.append(sorted(state)), prepend=True)
    state = optimizer.state_dict()
    assert state["note"] == 1
    other = optim.SGD([make_parameter()], lr=0.1)
    other.register_load_state_dict_pre_hook(lambda o, state: {**state, "param_groups": [{"params": [0], "lr": 9.0}]})
    other.register_load_state_dict_post_hook(lambda o: seen.append(o.param_groups[0]["lr"]))
    other.load_state_dict(state)
    assert seen == ["save", ["param_groups", "state"], 9.0]
