"""Parameter groups, gradients, state: what all optimizers share, and every error's text."""

import copy
import gc
import pickle
import time
import tracemalloc
import weakref

import numpy as np
import pytest

import minigrad
from minigrad import nn, optim, parallel
from minigrad.optim.bound_rule import BLOCK
from minigrad.optim.optimizer import required
from tests.marks import MEASURES


def made(size=2, gradient=1.0):
    p = minigrad.ones(size, requires_grad=True)
    if gradient is not None:
        p.grad = minigrad.full((size,), gradient)
    return p


def test_groups_have_their_own_options():
    p, q = made(), made()
    optimizer = optim.SGD([{"params": p, "lr": 0.5}, {"params": [q]}], lr=0.1)
    optimizer.step()
    assert p.tolist() == [0.5, 0.5]
    np.testing.assert_allclose(q.tolist(), [0.9, 0.9], rtol=1e-7)
    optimizer.param_groups[1]["lr"] = 0.0
    optimizer.step()
    np.testing.assert_allclose(q.tolist(), [0.9, 0.9], rtol=1e-7)


def test_a_group_may_be_added_later():
    p, q = made(), made()
    optimizer = optim.SGD([p], lr=0.1)
    optimizer.add_param_group({"params": q, "lr": 0.5})
    optimizer.step()
    assert q.tolist() == [0.5, 0.5]
    assert optimizer.state_dict()["param_groups"][1]["params"] == [1]


def test_parameters_are_updated_in_place_and_their_writes_counted():
    p = made()
    memory, version = p.array, p._version
    optim.SGD([p], lr=0.5).step()
    assert p.array is memory
    assert p._version == version + 1
    assert p.grad.tolist() == [1, 1], "the gradient is left as it was"


def test_a_step_between_forward_and_backward_is_noticed():
    p = made()
    loss = (p * p).sum()
    optim.SGD([p], lr=0.5).step()
    with pytest.raises(RuntimeError, match="modified by an inplace operation"):
        loss.backward()


def test_parameters_without_gradient_are_skipped():
    p = made(gradient=None)
    for kind in (optim.SGD, optim.Adam, optim.Adadelta):
        optimizer = kind([p])
        optimizer.step()
        assert optimizer.state_dict()["state"] == {}
    assert p.tolist() == [1, 1]


def test_zero_grad_forgets_or_fills():
    p = made()
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
    p = made(gradient=None)
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


def test_infinite_and_undefined_values_pass_without_a_warning(monkeypatch):
    monkeypatch.setattr("minigrad.advice._enabled", False)
    p = made(gradient=float("inf"))
    optim.Adam([p]).step()
    assert p.isnan().all()
    q = made(gradient=3e38)
    optim.SGD([q], lr=10.0).step()
    assert q.tolist() == [-np.inf, -np.inf]


def test_the_rate_may_be_a_tensor():
    p = made()
    rate = minigrad.tensor(0.5)
    optimizer = optim.SGD([p], lr=rate)
    optimizer.step()
    assert p.tolist() == [0.5, 0.5]
    rate.fill_(0.25)
    optimizer.step()
    assert p.tolist() == [0.25, 0.25]


def test_float64_rates_do_not_widen_float32_parameters():
    p = made()
    for kind in (optim.SGD, optim.Adam, optim.RMSprop, optim.Adagrad, optim.Adadelta):
        kind([p], lr=np.float64(0.1)).step()
    assert p.dtype == minigrad.float32


def test_rates_and_types_may_change_between_steps():
    p, q = made(), minigrad.ones(2, dtype=minigrad.float64, requires_grad=True)
    q.grad = minigrad.ones(2, dtype=minigrad.float64)
    optimizer = optim.SGD([p, q], lr=0.1)
    optimizer.step()
    assert q.tolist() == [0.9, 0.9]
    optimizer.param_groups[0]["lr"] = 0.2
    optimizer.step()
    assert q.tolist() == pytest.approx([0.7, 0.7], rel=1e-15)


def test_parameters_of_no_axes_and_of_no_elements():
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


def test_an_optimizer_of_ones_own():
    class Signs(optim.Optimizer):
        def __init__(self, params, lr):
            super().__init__(params, {"lr": lr})

        @minigrad.no_grad()
        def step(self, closure=None):
            for group in self.param_groups:
                for p in group["params"]:
                    p -= group["lr"] * p.grad.sign()

    p = made(gradient=-3.0)
    optimizer = Signs([p], 0.5)
    optimizer.step()
    assert p.tolist() == [1.5, 1.5]
    assert repr(optimizer) == "Signs (\nParameter Group 0\n    lr: 0.5\n)"


def test_an_optimizer_that_is_a_rule_of_ones_own():
    class Lion(optim.Optimizer):
        """Chen et al., Symbolic discovery of optimization algorithms, 2023, without its second mean."""

        def __init__(self, params, lr, beta=0.5, weight_decay=0.0, maximize=False):
            super().__init__(params, {"lr": lr, "beta": beta, "weight_decay": weight_decay, "maximize": maximize})

        @staticmethod
        def rule(w, g, mean, *, lr, beta, step, first):
            mean[...] = g if first else beta * mean + (1 - beta) * g
            w -= lr / step * np.sign(mean)

    p = made(gradient=-3.0)
    optimizer = Lion([p], 0.5, maximize=True)
    optimizer.step()
    assert p.tolist() == [0.5, 0.5]
    optimizer.step()
    assert p.tolist() == [0.25, 0.25]
    assert optimizer.state_dict()["state"][0]["mean"].tolist() == [3, 3]


def test_many_parameters_and_groups_cost_in_proportion():
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


@pytest.mark.parametrize(
    ("kind", "options"),
    [
        (optim.SGD, {"weight_decay": 0.1}),
        (optim.SGD, {"momentum": 0.9, "nesterov": True}),
        (optim.Adam, {"amsgrad": True}),
        (optim.RMSprop, {"centered": True, "momentum": 0.9}),
        (optim.Adagrad, {}),
        (optim.Adadelta, {}),
    ],
)
@MEASURES
def test_a_step_over_a_large_parameter_takes_the_memory_of_a_few_blocks(kind, options, monkeypatch):
    monkeypatch.setattr(parallel, "get_count", lambda: 1)  # each thread has blocks of its own
    p = minigrad.ones(1000, 4000, requires_grad=True)
    p.grad = minigrad.ones_like(p)
    optimizer = kind([p], lr=0.1, **options)
    optimizer.step()  # makes the buffers
    tracemalloc.start()
    try:
        optimizer.step()
        assert tracemalloc.get_traced_memory()[1] < 6 * BLOCK * 4 < p.array.nbytes / 10
    finally:
        tracemalloc.stop()


@pytest.mark.parametrize("options", [{}, {"capturable": True}, {"weight_decay": 0.1, "maximize": True}])
@pytest.mark.parametrize("kind", [optim.SGD, optim.Adam, optim.ASGD])
def test_an_optimizer_is_freed_without_the_garbage_collector(kind, options, device):
    if "capturable" in options and (device == "cpu" or kind is optim.SGD):
        pytest.skip("only a GPU's steps are captured")
    gc.disable()
    try:
        p = minigrad.ones(2, device=device, requires_grad=True)
        optimizer = kind([p], **options)
        for _ in range(3):
            p.grad = minigrad.ones(2, device=device)
            optimizer.step()
        gone, memory = weakref.ref(optimizer), weakref.ref(p)
        del optimizer, p
        assert gone() is None
        assert memory() is None
    finally:
        gc.enable()


def raises(kind, text):
    return pytest.raises(kind, match=text)


def test_errors_for_wrong_parameters():
    p, q = made(), made()
    with raises(TypeError, r"iterable of Tensors or dicts, but got one Tensor of shape \(2,\)"):
        optim.SGD(p)
    with raises(ValueError, r"empty parameter list.*nn.ModuleList.*used up"):
        optim.SGD([])
    with raises(TypeError, "can only optimize Tensors, but one of the params is int"):
        optim.SGD([1])
    with raises(ValueError, r"can't optimize a non-leaf Tensor.*shape \(2,\).*\(MulBackward0\).*detach\(\)"):
        optim.SGD([p * 2])
    with raises(TypeError, "list instead"):
        optim.SGD([{"params": {p, q}}])
    with raises(ValueError, "more than one parameter group"):
        optim.SGD([{"params": [p]}, {"params": [p, q]}])
    with raises(TypeError, r"param_group must be a dict, but got <class 'list'>"):
        optim.SGD([p]).add_param_group([q])
    with raises(KeyError, "params"):
        optim.SGD([{"lr": 1}])
    with pytest.warns(UserWarning, match="duplicate parameters"):
        optim.SGD([p, p])


@pytest.mark.parametrize(
    ("kind", "options", "text"),
    [
        (optim.SGD, {"lr": -1}, "Invalid learning rate: -1"),
        (optim.SGD, {"momentum": -1}, "Invalid momentum value: -1"),
        (optim.SGD, {"weight_decay": -1}, "Invalid weight_decay value: -1"),
        (optim.SGD, {"nesterov": True}, "Nesterov momentum requires a momentum and zero dampening"),
        (optim.SGD, {"nesterov": True, "momentum": 0.9, "dampening": 0.1}, "zero dampening"),
        (optim.SGD, {"lr": float("nan")}, "Invalid learning rate: nan; it must be a number of at least 0"),
        (optim.Adam, {"lr": -1}, "Invalid learning rate: -1"),
        (optim.Adam, {"eps": -1}, "Invalid epsilon value: -1"),
        (optim.Adam, {"betas": (1, 0)}, "Invalid beta parameter at index 0: 1"),
        (optim.Adam, {"betas": (0, 1.0)}, "Invalid beta parameter at index 1: 1.0"),
        (optim.Adam, {"weight_decay": -1}, "Invalid weight_decay value: -1"),
        (optim.AdamW, {"lr": -1}, "Invalid learning rate: -1"),
        (optim.RMSprop, {"lr": -1}, "Invalid learning rate: -1"),
        (optim.RMSprop, {"eps": -1}, "Invalid epsilon value: -1"),
        (optim.RMSprop, {"momentum": -1}, "Invalid momentum value: -1"),
        (optim.RMSprop, {"weight_decay": -1}, "Invalid weight_decay value: -1"),
        (optim.RMSprop, {"alpha": -1}, "Invalid alpha value: -1"),
        (optim.Adagrad, {"lr": -1}, "Invalid learning rate: -1"),
        (optim.Adagrad, {"lr_decay": -1}, "Invalid lr_decay value: -1"),
        (optim.Adagrad, {"weight_decay": -1}, "Invalid weight_decay value: -1"),
        (optim.Adagrad, {"initial_accumulator_value": -1}, "Invalid initial_accumulator_value"),
        (optim.Adagrad, {"eps": -1}, "Invalid epsilon value: -1"),
        (optim.Adamax, {"betas": (0.9, 1.0)}, "Invalid beta parameter at index 1: 1.0"),
        (optim.NAdam, {"momentum_decay": -1}, "Invalid momentum_decay value: -1"),
        (optim.RAdam, {"eps": -1}, "Invalid epsilon value: -1"),
        (optim.Rprop, {"etas": (1.0, 1.2)}, "Invalid eta values: 1.0, 1.2"),
        (optim.Rprop, {"lr": float("nan")}, "Invalid learning rate: nan"),
        (optim.ASGD, {"weight_decay": -1}, "Invalid weight_decay value: -1"),
        (optim.Adadelta, {"lr": -1}, "Invalid learning rate: -1"),
        (optim.Adadelta, {"rho": 1.1}, "Invalid rho value: 1.1"),
        (optim.Adadelta, {"eps": -1}, "Invalid epsilon value: -1"),
        (optim.Adadelta, {"weight_decay": -1}, "Invalid weight_decay value: -1"),
    ],
)
def test_options_out_of_range(kind, options, text):
    with raises(ValueError, text):
        kind([made()], **options)


def test_other_errors_of_options():
    p = made()
    with raises(ValueError, r"Tensor lr must be 1-element, got shape \(2,\)"):
        optim.SGD([p], lr=minigrad.ones(2))
    with raises(RuntimeError, "`fused` and `foreach` cannot be `True` together"):
        optim.SGD([p], fused=True, foreach=True)
    with raises(NotImplementedError, "create_graph=True"):
        optim.SGD([p], differentiable=True)
    with raises(TypeError, "unexpected keyword argument 'decoupled_weight_decay'"):
        optim.AdamW([p], decoupled_weight_decay=False)
    with raises(NotImplementedError, r"Optimizer does not say how.*override step\(\), or write a rule"):
        optim.Optimizer([p], {}).step()
    p.grad = minigrad.ones(2)
    with raises(TypeError, r"lr of a parameter group must be a number, got '1e-3'; write float\('1e-3'\)"):
        optim.SGD([{"params": [p], "lr": "1e-3"}]).step()
    for harmless in ({"foreach": True}, {"fused": True}):
        optim.SGD([p], **harmless).step()


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
    ("options", "message"),
    [
        ({"betas": (0.9, minigrad.tensor(0.99))}, "either both floats or both Tensors"),
        ({"lr": minigrad.tensor(0.1), "foreach": True}, "lr as a Tensor is not supported"),
    ],
)
def test_tensors_among_adams_options_are_refused_where_pytorch_refuses(options, message):
    with pytest.raises(ValueError, match=message):
        optim.Adam([minigrad.zeros(1)], **options)


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
    p, q = made(), made()
    kind([p], lr=0.1, **options).step()
    as_tensor = lambda v: tuple(map(minigrad.tensor, v)) if isinstance(v, tuple) else minigrad.tensor(v)  # noqa: E731
    kind([q], lr=minigrad.tensor(0.1), **{name: as_tensor(value) for name, value in options.items()}).step()
    np.testing.assert_allclose(p.tolist(), q.tolist(), rtol=1e-6)


def test_betas_that_are_no_two_floats():
    with raises(ValueError, r"either both floats or both Tensors, got \(0, 0.9\)"):
        optim.Adam([made()], betas=(0, 0.9))
    with raises(RuntimeError, "2 elements"):
        optim.Adam([made()], betas=(minigrad.ones(2), minigrad.ones(2)))


class Plain(minigrad.optim.Optimizer):
    """As lessons write one."""

    def __init__(self, params, lr=required):
        super().__init__(params, {"lr": lr})

    def step(self):
        for group in self.param_groups:
            for p in group["params"]:
                self.state[p]["step"] = self.state[p].get("step", 0) + 1
                p.data.add_(p.grad, alpha=-group["lr"])


def test_an_optimizer_of_ones_own_counts_in_ints_also_after_loading():
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


def test_the_parameters_of_a_group_may_be_another_list():
    p, q = minigrad.ones(2, requires_grad=True), minigrad.zeros(2, requires_grad=True)
    optimizer = optim.SGD([p], lr=0.5)
    for x in (p, q):
        x.sum().backward()
    optimizer.step()
    optimizer.param_groups[0]["params"] = [q]
    optimizer.step()
    assert p.tolist() == [0.5, 0.5] and q.tolist() == [-0.5, -0.5]


@pytest.mark.parametrize("make", [copy.deepcopy, lambda x: pickle.loads(pickle.dumps(x))])
def test_hooks_stay_with_the_optimizer_they_were_hung_on(make):
    seen = []
    optimizer = optim.SGD([minigrad.ones(1, requires_grad=True)])
    optimizer.register_step_post_hook(lambda *_: seen.append(1))
    make(optimizer).step()
    assert seen == []
    optimizer.step()
    assert seen == [1]


@pytest.mark.parametrize(
    ("make", "kind", "text"),
    [
        (lambda p: optim.Adam(p, betas=3), TypeError, "argument 'betas' must be a pair of numbers, not int 3"),
        (lambda p: optim.NAdam(p, betas=(0.9,)), TypeError, "must be a pair of numbers, not tuple \\(0.9,\\)"),
        (lambda p: optim.Adamax(p, betas=("a", 0.9)), TypeError, "'betas\\[0\\]' must be a number, not str 'a'"),
        (lambda p: optim.Rprop(p, etas=3), TypeError, "argument 'etas' must be a pair of numbers, not int 3"),
        (lambda p: optim.Rprop(p, step_sizes=None), TypeError, "'step_sizes' must be a pair of numbers, not NoneType"),
        (lambda p: optim.Adafactor(p, eps=3), TypeError, "argument 'eps' must be a pair of numbers, not int 3"),
        (lambda p: optim.SGD(p, dampening="much"), TypeError, "'dampening' must be a number, not str 'much'"),
        (lambda p: optim.ASGD(p, t0=[]), TypeError, "argument 't0' must be a number, not list"),
        (lambda p: optim.ASGD(p, alpha="a"), TypeError, "argument 'alpha' must be a number, not str 'a'"),
        (lambda p: optim.Adafactor(p, d="a"), TypeError, "argument 'd' must be a number, not str 'a'"),
        (lambda p: optim.Muon(p, ns_steps="a"), TypeError, "argument 'ns_steps' must be a number, not str 'a'"),
        (lambda p: optim.LBFGS(p, max_iter="a"), TypeError, "argument 'max_iter' must be a number, not str 'a'"),
        (lambda p: optim.LBFGS(p, history_size=None), TypeError, "'history_size' must be a number, not NoneType"),
    ],
)
def test_options_of_other_types_are_named(make, kind, text):
    with raises(kind, text):
        make([made()])


def test_hooks_run_once_around_the_step_of_the_class_they_hang_on():
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
    for hang in (parent.register_step_pre_hook, parent.register_step_post_hook, parent.register_state_dict_pre_hook):
        with raises(TypeError, "a hook must be a function or another callable, got int 3"):
            hang(3)
