"""How any rule is run: options that change, replaced parameters, large parameters in blocks."""

import tracemalloc

import numpy as np
import pytest

import minigrad
from minigrad import optim, parallel
from minigrad.optim.optimizer import BLOCK
from tests.marks import MEASURES
from tests.optim.test_optimizer import make_parameter
from tests.optim.test_trajectories import RECORDED, case_name, read_options, set_gradients, start


@pytest.mark.parametrize("case", RECORDED[1::2], ids=case_name)
def test_large_parameters_are_updated_in_blocks_with_the_same_result(case):
    """A small parameter, and many copies of it in parameters larger than a block, one of them transposed."""
    repeats = BLOCK // 3 + 7
    small = start(minigrad.float64)[0]
    large = minigrad.tensor(np.tile(small.detach().numpy(), (repeats, 1)), requires_grad=True)
    turned = minigrad.tensor(np.asfortranarray(large.detach().numpy()))
    turned.requires_grad_()
    assert not turned.array.flags.c_contiguous
    optimizer = getattr(optim, case["optimizer"])([small, large, turned], **read_options(case))
    for step in range(3):
        set_gradients(step, [small])
        for parameter in (large, turned):
            parameter.grad = minigrad.tensor(np.tile(small.grad.numpy(), (repeats, 1)))
        optimizer.step()
    for parameter in (large, turned):
        assert (parameter.detach().numpy() == small.detach().numpy()).all()


@pytest.mark.parametrize("maximize", [False, True])  # an optimizer that maximizes needs `BoundRules`
def test_rates_and_types_may_change_between_steps(maximize):
    sign = 1 if maximize else -1
    p, q = make_parameter(), minigrad.ones(2, dtype=minigrad.float64, requires_grad=True)
    q.grad = minigrad.ones(2, dtype=minigrad.float64)
    optimizer = optim.SGD([p, q], lr=0.1, maximize=maximize)
    optimizer.step()
    assert q.tolist() == [1 + sign * 0.1] * 2
    optimizer.param_groups[0]["lr"] = 0.2
    optimizer.step()
    assert q.tolist() == pytest.approx([1 + sign * 0.3] * 2, rel=1e-15)


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
        assert tracemalloc.get_traced_memory()[1] < 6 * BLOCK * 4 < p.array.nbytes / 2
    finally:
        tracemalloc.stop()


@pytest.mark.parametrize("maximize", [False, True])
def test_the_parameters_of_a_group_may_be_replaced(maximize):
    sign = 1 if maximize else -1
    p, q = minigrad.ones(2, requires_grad=True), minigrad.zeros(2, requires_grad=True)
    optimizer = optim.SGD([p], lr=0.5, maximize=maximize)
    for x in (p, q):
        x.sum().backward()
    optimizer.step()
    optimizer.param_groups[0]["params"] = [q]
    optimizer.step()
    assert p.tolist() == [1 + sign * 0.5] * 2 and q.tolist() == [sign * 0.5] * 2
