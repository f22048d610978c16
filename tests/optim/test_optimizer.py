"""Parameter groups, gradients, state: what all optimizers share."""

import copy
import pickle
import time
import weakref

import numpy as np
import pytest

import minigrad
from minigrad import nn, optim
from minigrad.optim.optimizer import required


def make_parameter(size=2, gradient=1.0):
    p = minigrad.ones(size, requires_grad=True)
    if gradient is not None:
        p.grad = minigrad.full((size,), gradient)
    return p


def test_groups_have_their_own_options():
    p, q = make_parameter(), make_parameter()
    optimizer = optim.SGD([{"params": p, "lr": 0.5}, {"params": [q]}], lr=0.1)
    optimizer.step()
    assert p.tolist() == [0.5, 0.5]
    np.testing.assert_allclose(q.tolist(), [0.9, 0.9], rtol=1e-7)
    optimizer.param_groups[1]["lr"] = 0.0
    optimizer.step()
    np.testing.assert_allclose(q.tolist(), [0.9, 0.9], rtol=1e-7)


def test_a_group_may_be_added_later():
    p, q = make_parameter(), make_parameter()
    optimizer = optim.SGD([p], lr=0.1)
    optimizer.add_param_group({"params": q, "lr": 0.5})
    optimizer.step()
    assert q.tolist() == [0.5, 0.5]
    assert optimizer.state_dict()["param_groups"][1]["params"] == [1]


def test_a_later_group_is_compared_with_the_groups_as_they_are():
    p, q = make_parameter(), make_parameter()
    optimizer = optim.SGD([{"params": [p]}, {"params": [q]}], lr=0.1)
    del optimizer.param_groups[1]
    optimizer.add_param_group({"params": [q], "lr": 0.5})
    optimizer.step()
    np.testing.assert_allclose([*p.tolist(), *q.tolist()], [0.9, 0.9, 0.5, 0.5], rtol=1e-7)
    optimizer = optim.SGD([p], lr=0.1)
    optimizer.param_groups[0]["params"].append(q)
    with pytest.raises(ValueError, match="in more than one parameter group"):
        optimizer.add_param_group({"params": [q]})
    optimizer.param_groups.clear()
    optimizer.add_param_group({"params": [p, q]})
    assert [len(group["params"]) for group in optimizer.param_groups] == [2]


def test_a_step_writes_in_place_and_counts_one_version():
    p = make_parameter()
    memory, version = p.array, p._version
    optim.SGD([p], lr=0.5).step()
    assert p.array is memory
    assert p._version == version + 1
    assert p.grad.tolist() == [1, 1], "the gradient is left as it was"


def test_backward_after_a_step_is_refused():
    p = make_parameter()
    loss = (p * p).sum()
    optim.SGD([p], lr=0.5).step()
    with pytest.raises(RuntimeError, match="modified by an inplace operation"):
        loss.backward()


def test_parameters_without_gradient_are_skipped():
    p = make_parameter(gradient=None)
    for kind in (optim.SGD, optim.Adam, optim.Adadelta):
        optimizer = kind([p])
        optimizer.step()
        assert optimizer.state_dict()["state"] == {}
    assert p.tolist() == [1, 1]


def test_zero_grad_sets_none_or_zeros():
    p = make_parameter()
    optimizer = optim.SGD([p])
    gradient = p.grad
    optimizer.zero_grad(set_to_none=False)
    assert p.grad is gradient
    assert p.grad.tolist() == [0, 0]
    optimizer.zero_grad()
    assert p.grad is None
    optimizer.zero_grad(set_to_none=False)
    assert p.grad is None


def test_zero_grad_detaches_a_gradient_with_a_graph():
    p = minigrad.ones(2, requires_grad=True)
    (p**3).sum().backward(create_graph=True)
    assert p.grad.requires_grad
    optim.SGD([p]).zero_grad(set_to_none=False)
    assert not p.grad.requires_grad
    assert p.grad.tolist() == [0, 0]


def test_the_closure_runs_with_grad_mode_on():
    p = make_parameter(gradient=None)
    optimizer = optim.SGD([p], lr=0.25)

    def closure():
        optimizer.zero_grad()
        loss = (p * p).sum()
        loss.backward()
        return loss

    with minigrad.no_grad():
        loss = optimizer.step(closure)
    assert loss.item() == 2
    assert p.tolist() == [0.5, 0.5]


def test_infinite_values_raise_no_numpy_warning(monkeypatch):
    monkeypatch.setattr("minigrad.advice._enabled", False)
    p = make_parameter(gradient=float("inf"))
    optim.Adam([p]).step()
    assert p.isnan().all()
    q = make_parameter(gradient=3e38)
    optim.SGD([q], lr=10.0).step()
    assert q.tolist() == [-np.inf, -np.inf]


def test_the_rate_may_be_a_tensor():
    p = make_parameter()
    rate = minigrad.tensor(0.5)
    optimizer = optim.SGD([p], lr=rate)
    optimizer.step()
    assert p.tolist() == [0.5, 0.5]
    rate.fill_(0.25)
    optimizer.step()
    assert p.tolist() == [0.25, 0.25]


def test_0d_and_empty_parameters_are_accepted():
    for kind in (optim.SGD, optim.Adam, optim.RMSprop, optim.Adagrad, optim.Adadelta):
        scalar = minigrad.tensor(1.0, requires_grad=True)
        empty = minigrad.zeros(0, 3, requires_grad=True)
        for p in (scalar, empty):
            p.grad = minigrad.ones_like(p)
        kind([scalar, empty], weight_decay=0.1).step()
        assert scalar.shape == ()
        assert scalar.item() < 1


def test_parameters_of_lazy_layers_are_trained_once_they_have_a_shape():
    for kind in (optim.SGD, optim.Adam, optim.Adagrad):
        layer = nn.LazyLinear(2)
        optimizer = kind(layer.parameters(), lr=0.1)
        weight = layer.weight
        optimizer.zero_grad()
        optimizer.step()
        layer(minigrad.ones(1, 3)).sum().backward()
        before = weight.tolist()
        optimizer.step()
        assert layer.weight is weight
        assert weight.tolist() != before


def test_a_user_may_derive_an_optimizer_with_its_own_step():
    class Signs(optim.Optimizer):
        def __init__(self, params, lr):
            super().__init__(params, {"lr": lr})

        @minigrad.no_grad()
        def step(self, closure=None):
            for group in self.param_groups:
                for p in group["params"]:
                    p -= group["lr"] * p.grad.sign()

    p = make_parameter(gradient=-3.0)
    optimizer = Signs([p], 0.5)
    optimizer.step()
    assert p.tolist() == [1.5, 1.5]
    assert repr(optimizer) == "Signs (\nParameter Group 0\n    lr: 0.5\n)"


def test_a_user_may_derive_an_optimizer_by_a_rule():
    class Lion(optim.Optimizer):
        """Chen et al., Symbolic discovery of optimization algorithms, 2023, without its second mean."""

        def __init__(self, params, lr, beta=0.5, weight_decay=0.0, maximize=False):
            super().__init__(params, {"lr": lr, "beta": beta, "weight_decay": weight_decay, "maximize": maximize})

        @staticmethod
        def rule(w, g, mean, *, lr, beta, step, first):
            mean[...] = g if first else beta * mean + (1 - beta) * g
            w -= lr / step * np.sign(mean)

    p = make_parameter(gradient=-3.0)
    optimizer = Lion([p], 0.5, maximize=True)
    optimizer.step()
    assert p.tolist() == [0.5, 0.5]
    optimizer.step()
    assert p.tolist() == [0.25, 0.25]
    assert optimizer.state_dict()["state"][0]["mean"].tolist() == [3, 3]


def test_time_grows_in_proportion_to_parameters_and_groups():
    def seconds(count):
        parameters = [minigrad.zeros(1, requires_grad=True) for _ in range(count)]
        for p in parameters:
            p.grad = minigrad.ones(1)
        start = time.process_time()
        optimizer = optim.Adam([{"params": p} for p in parameters])
        optimizer.step()
        optimizer.load_state_dict(optimizer.state_dict())
        return time.process_time() - start

    seconds(100)
    assert seconds(8000) < 8 * 4 * max(seconds(1000), 0.01)


@pytest.mark.usefixtures("without_collector")
@pytest.mark.parametrize("options", [{}, {"capturable": True}, {"weight_decay": 0.1, "maximize": True}])
@pytest.mark.parametrize("kind", [optim.SGD, optim.Adam, optim.ASGD])
def test_an_optimizer_is_freed_by_reference_counting(kind, options, device):
    if "capturable" in options and (device == "cpu" or kind is optim.SGD):
        pytest.skip("only a GPU's steps are captured")
    p = minigrad.ones(2, device=device, requires_grad=True)
    optimizer = kind([p], **options)
    for _ in range(3):
        p.grad = minigrad.ones(2, device=device)
        optimizer.step()
    held, parameter = weakref.ref(optimizer), weakref.ref(p)
    del optimizer, p
    assert held() is None
    assert parameter() is None


def test_parameters_may_come_with_their_names():
    layer = nn.Linear(2, 1)
    optimizer = optim.SGD(layer.named_parameters(), lr=0.1)
    assert optimizer.state_dict()["param_groups"][0]["param_names"] == ["weight", "bias"]
    assert "param_names: ['weight', 'bias']" in repr(optimizer)
    with pytest.raises(ValueError, match="cannot add param group without names"):
        optimizer.add_param_group({"params": [minigrad.zeros(1)]})
    with pytest.raises(ValueError, match="Some param names are missing"):
        optim.SGD([("weight", layer.weight), layer.bias], lr=0.1)


@pytest.mark.parametrize(
    ("kind", "options"),
    [
        (optim.SGD, {"weight_decay": 0.1, "momentum": 0.5}),
        (optim.Adam, {"eps": 0.1, "weight_decay": 0.1, "betas": (0.5, 0.75)}),
        (optim.RMSprop, {"alpha": 0.5, "momentum": 0.25}),
        (optim.Adagrad, {"lr_decay": 0.5, "initial_accumulator_value": 0.25}),
        (optim.Adadelta, {"rho": 0.5, "eps": 0.25}),
    ],
)
def test_options_may_be_tensors_of_one_element(kind, options):
    p, q = make_parameter(), make_parameter()
    kind([p], lr=0.1, **options).step()
    as_tensor = lambda v: tuple(map(minigrad.tensor, v)) if isinstance(v, tuple) else minigrad.tensor(v)  # noqa: E731
    kind([q], lr=minigrad.tensor(0.1), **{name: as_tensor(value) for name, value in options.items()}).step()
    np.testing.assert_allclose(p.tolist(), q.tolist(), rtol=1e-6)


class Plain(minigrad.optim.Optimizer):
    """An optimizer with a step of its own, as lessons write it."""

    def __init__(self, params, lr=required):
        super().__init__(params, {"lr": lr})

    def step(self):
        for group in self.param_groups:
            for p in group["params"]:
                self.state[p]["step"] = self.state[p].get("step", 0) + 1
                p.data.add_(p.grad, alpha=-group["lr"])


def test_a_derived_optimizer_keeps_ints_in_its_state_after_loading():
    p = minigrad.ones(1, requires_grad=True)
    p.sum().backward()
    optimizer, again = Plain([p], lr=0.1), Plain([p], lr=0.1)
    optimizer.step()
    again.load_state_dict(optimizer.state_dict())
    assert type(again.state[p]["step"]) is int


def test_a_required_option_has_to_be_given():
    p = minigrad.ones(1, requires_grad=True)
    with pytest.raises(ValueError, match="didn't specify a value of required optimization parameter lr"):
        Plain([p])
    assert Plain([{"params": [p], "lr": 0.5}]).param_groups[0]["lr"] == 0.5 and repr(required) == "<required parameter>"


@pytest.mark.parametrize("make", [copy.deepcopy, lambda x: pickle.loads(pickle.dumps(x))])
def test_copies_of_an_optimizer_have_no_hooks(make):
    seen = []
    optimizer = optim.SGD([minigrad.ones(1, requires_grad=True)])
    optimizer.register_step_post_hook(lambda *_: seen.append(1))
    make(optimizer).step()
    assert seen == []
    optimizer.step()
    assert seen == [1]


def test_hooks_run_once_around_a_step_that_calls_super():
    class Twice(optim.SGD):
        def step(self, closure=None):
            super().step()
            return super().step(closure)

    seen = []
    p = minigrad.ones(1, requires_grad=True)
    p.grad = minigrad.ones(1)
    parent, child, other = optim.SGD([p], lr=1.0), Twice([p], lr=1.0), Twice([p], lr=1.0)
    parent.register_step_post_hook(lambda *_: seen.append("parent"))
    child.register_step_pre_hook(lambda *_: seen.append("before"))
    child.register_step_post_hook(lambda *_: seen.append("after"))
    parent.step()
    child.step()
    other.step()
    assert seen == ["parent", "before", "after"]
    assert p.tolist() == [-4.0]
    for name in ("step_pre", "step_post", "state_dict_pre"):
        with pytest.raises(TypeError, match="a hook must be a function or another callable, got int 3"):
            getattr(parent, f"register_{name}_hook")(3)
