"""What is called around a step, and around saving and loading."""

import pytest

import minigrad
from minigrad import optim


def made(gradient=1.0):
    p = minigrad.ones(2, requires_grad=True)
    p.grad = minigrad.full((2,), gradient)
    return p


def test_hooks_run_around_the_step_in_their_order():
    p, seen = made(), []
    optimizer = optim.SGD([p], lr=0.5)
    optimizer.register_step_pre_hook(lambda o, args, kwargs: seen.append(("pre", o is optimizer, args[1:], p.tolist())))
    optimizer.register_step_post_hook(lambda o, args, kwargs: seen.append(("post", kwargs, p.tolist())))
    optimizer.step()
    assert seen == [("pre", True, (), [1, 1]), ("post", {}, [0.5, 0.5])]


def test_a_pre_hook_may_change_the_arguments():
    optimizer = optim.SGD([made()], lr=0.5)
    handle = optimizer.register_step_pre_hook(lambda o, args, kwargs: (args, {"closure": lambda: minigrad.tensor(7.0)}))
    assert optimizer.step().item() == 7
    handle.remove()
    assert optimizer.step() is None
    optimizer.register_step_pre_hook(lambda o, args, kwargs: 3)
    with pytest.raises(RuntimeError, match=r"must return None or a tuple of \(new_args, new_kwargs\), but got 3"):
        optimizer.step()


def test_hooks_of_an_optimizer_with_a_step_of_its_own():
    class Signs(optim.Optimizer):
        def __init__(self, params):
            super().__init__(params, {})

        def step(self, closure=None):
            return "stepped"

    seen = []
    optimizer = Signs([made()])
    optimizer.register_step_post_hook(lambda *_: seen.append(1))
    assert optimizer.step() == "stepped"
    assert seen == [1]


def test_hooks_of_state_dict_and_load_state_dict():
    optimizer, seen = optim.SGD([made()], lr=0.5), []
    optimizer.register_state_dict_pre_hook(lambda o: seen.append("save"))
    optimizer.register_state_dict_post_hook(lambda o, state: {**state, "note": 1})
    optimizer.register_state_dict_post_hook(lambda o, state: seen.append(sorted(state)), prepend=True)
    state = optimizer.state_dict()
    assert state["note"] == 1
    other = optim.SGD([made()], lr=0.1)
    other.register_load_state_dict_pre_hook(lambda o, state: {**state, "param_groups": [{"params": [0], "lr": 9.0}]})
    other.register_load_state_dict_post_hook(lambda o: seen.append(o.param_groups[0]["lr"]))
    other.load_state_dict(state)
    assert seen == ["save", ["param_groups", "state"], 9.0]
