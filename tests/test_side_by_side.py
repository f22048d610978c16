"""Elementwise passes in parts: identical results for any function, shape and number of threads."""

from __future__ import annotations

import tracemalloc

import numpy as np
import pytest

import minigrad as torch
from minigrad import blockwise, parallel, side_by_side
from minigrad.large_arrays import reduce_in_parts
from minigrad.ops.error_function import error_function
from minigrad.side_by_side import in_parts

pytestmark = pytest.mark.cpu("threads share the work of a CPU")


@pytest.fixture
def eager(monkeypatch):
    """Every pass counts as large, and is split over three threads."""
    monkeypatch.setattr(parallel, "WORTH", 0)
    monkeypatch.setattr(parallel, "get_count", lambda: 3)
    monkeypatch.setattr(side_by_side, "LARGE", 0)


def record_spreads(monkeypatch):
    """A list that gets the length of each pass that is split over threads."""
    found, spread_as_before = [], parallel.spread

    def spread(work, length, size):
        found.append(length)
        spread_as_before(work, length, size)

    monkeypatch.setattr(parallel, "spread", spread)
    return found


def draw(*shape, dtype=np.float32):
    return np.random.default_rng(len(shape)).uniform(0.1, 0.9, shape).astype(dtype)


FORMULAS = {
    "a function of NumPy": (np.exp, 1),
    "two operands": (np.multiply, 2),
    "the rule of tanh": (lambda g, y: g * (1 - y * y), 2),
    "the rule of the sigmoid": (lambda g, y: g * (y * (1 - y)), 2),
    "a value used twice, and late": (lambda x, y: (t := x - y) * (np.exp(t) / (t + 2)), 2),
    "a result of another type": (lambda x, y: np.logical_and(x < y, y > 0.5), 2),
    "a mask between": (lambda x, y: (x < y) * x, 2),
    "a choice": (lambda x, y: np.where(x > 0.5, y, 0.0) * y, 2),
    "a choice at last": (lambda x, y: np.where(x > 0.5, y * x, 1), 2),
    "a square": (lambda x: x**2, 1),
    "one more call than it needs": (lambda x: (x + 1, x + 2)[0], 1),
    "memory of its own": (lambda x: np.exp(x, out=np.empty_like(x)), 1),
    "a number on the left": (lambda x: 1 / (np.exp(-x) + 1), 1),
}


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("name", FORMULAS)
def test_a_formula_in_parts_gives_the_bits_of_the_whole(name, dtype, eager, monkeypatch):
    function, count = FORMULAS[name]
    found = record_spreads(monkeypatch)
    for shape in ((7,), (1001,), (13, 50), (1, 5, 4), (2, 1, 3, 5)):
        operands = [draw(*shape, dtype=dtype) + i / 8 for i in range(count)]
        kept = [x.copy() for x in operands]
        whole, parts = function(*operands), in_parts(function, *operands)
        assert parts.dtype == whole.dtype and parts.shape == whole.shape and parts.flags.c_contiguous
        assert parts.tobytes() == whole.tobytes()
        assert all((x == y).all() for x, y in zip(operands, kept, strict=True))
    assert len(found) == 5


@pytest.mark.parametrize(
    "shapes", [((13, 50), (50,)), ((50,), (13, 50)), ((13, 50), (13, 1)), ((2, 3, 4), (3, 1)), ((9, 4), ())]
)
def test_operands_that_broadcast_give_the_bits_of_the_whole(shapes, eager, monkeypatch):
    found, (x, y) = record_spreads(monkeypatch), (draw(*shape) for shape in shapes)
    for function in (np.add, lambda x, y: x * (y - x), lambda x, y: (y * y) / x):
        assert in_parts(function, x, y).tobytes() == function(x, y).tobytes()
    assert len(found) == 3
    assert in_parts(np.multiply, x, 2.5).tobytes() == (x * np.float32(2.5)).tobytes()


WHOLE = {
    "arrays that broadcast each other": (np.add, draw(5, 1), draw(1, 6)),
    "another order": (np.add, draw(5, 6).T, draw(6, 5)),
    "a negative step": (np.exp, draw(50)[::-1]),
    "integers": (np.add, np.arange(50), np.arange(50)),
    "halves": (np.exp, draw(50, dtype=np.float16)),
    "limits, at which NumPy and its steps might tell zeros apart": (lambda x: np.clip(x, 0.2, 0.3), draw(50)),
    "a power, which has ways of its own": (lambda x: x**0.5, draw(50)),
    "an option that cannot be remembered": (lambda x, options: x + options[0], draw(50), [1.0]),
    "a sum": (lambda x: x - x.mean(), draw(50)),
    "a question": (lambda x: x + 1 if (x > 0.5).any() else x, draw(50)),
    "a truth": (lambda x: x + 1 if x is not None and np.any(x > 0.5) else x, draw(50)),
    "an array of its own": (lambda x: x + np.arange(50), draw(50)),
    "itself": (lambda x: x, draw(50)),
    "a number": (lambda x: 0.0, draw(50)),
}


@pytest.mark.parametrize("name", WHOLE)
def test_functions_that_are_no_formula_are_computed_as_a_whole(name, eager, monkeypatch):
    found, (function, *operands) = record_spreads(monkeypatch), WHOLE[name]
    np.testing.assert_array_equal(in_parts(function, *operands), function(*operands))
    assert found == []


def test_strides_are_those_of_the_whole(eager):
    for x in (
        draw(6, 8)[:, ::2],
        np.broadcast_to(draw(1, 8), (6, 8)),
        np.broadcast_to(draw(6, 1), (6, 8)),
        draw(6, 8).T,
    ):
        whole, parts = np.exp(x), in_parts(np.exp, x)
        assert parts.strides == whole.strides and (parts == whole).all()


def test_one_thread_computes_the_whole(monkeypatch):
    found = record_spreads(monkeypatch)
    monkeypatch.setattr(parallel, "get_count", lambda: 1)
    in_parts(np.exp, draw(3 * side_by_side.LARGE))
    assert found == []


@pytest.mark.parametrize("threads", [1, 3])
def test_intermediate_results_take_the_memory_of_blocks(threads, monkeypatch):
    monkeypatch.setattr(parallel, "get_count", lambda: threads)
    x = draw(8 * side_by_side.LARGE) - 0.5
    whole = error_function(x)
    tracemalloc.start()
    parts = in_parts(error_function, x)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 3 * x.nbytes  # as a whole: 9 times
    assert parts.tobytes() == whole.tobytes()


@pytest.mark.parametrize(
    ("name", "memory"), [("a number on the left", "f"), ("the rule of tanh", "f"), ("a mask between", "f?")]
)
def test_intermediate_results_are_written_into_the_memory_of_the_result(name, memory):
    function, count = FORMULAS[name]
    plan = blockwise.find_plan(function, [draw(20)] * count)
    assert "".join(dtype.char for dtype in plan.memory.values()) == memory


@pytest.mark.parametrize("block", [1, 7, 24, 1000])
@pytest.mark.parametrize("name", FORMULAS)
def test_blocks_give_the_bits_of_the_whole(name, block, eager, monkeypatch):
    monkeypatch.setattr(blockwise, "BLOCK", block)
    function, count = FORMULAS[name]
    for shapes in ([(100,)] * count, [(5, 20), (20,)][:count], [(1, 9, 4), (9, 1)][:count]):
        operands = [draw(*shape) for shape in shapes]
        assert in_parts(function, *operands).tobytes() == function(*operands).tobytes()


@pytest.mark.parametrize(
    ("function", "size"),
    [(np.add, 6), (np.exp, 2), (lambda g, y: g * (1 - y * y), 2), (lambda x, y: np.exp(x) * np.tanh(y), 1)],
)
def test_a_cheap_formula_is_split_only_if_it_is_large(function, size, monkeypatch):
    monkeypatch.setattr(parallel, "get_count", lambda: 2)
    found, x = record_spreads(monkeypatch), np.ones(size * side_by_side.LARGE, np.float32)
    operands = [x] if function is np.exp else [x, x]
    in_parts(function, *[y[: len(x) // 2] for y in operands])
    assert found == []
    in_parts(function, *operands)
    assert found == [len(x)]


@pytest.mark.parametrize("count", [1, 2])
def test_softmax_in_slices_takes_little_more_memory_than_its_result(count, monkeypatch):
    """At the peak there is the result, and a slice or two of each thread beside it."""
    monkeypatch.setattr(parallel, "get_count", lambda: count)
    x = torch.from_numpy(draw(4096, 1000))
    whole = torch.softmax(x[:7], 1)
    tracemalloc.start()
    result = torch.softmax(x, 1)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 1.3 * x.numpy().nbytes
    assert (result[:7] == whole).all()


NAMES = (
    "exp log sqrt rsqrt sin cos tan tanh sigmoid abs neg floor sign relu log1p expm1 reciprocal atan asinh square erf "
    "add sub mul div pow maximum minimum atan2 hypot fmod remainder logaddexp xlogy copysign eq lt floor_divide"
)


def run_both_ways(name, dtype):
    """The result of a function of the tables on drawn numbers, and its gradients."""
    function, found = getattr(torch, name), []
    for shapes in (((40, 30), (40, 30)), ((40, 30), (30,)), ((50, 60), (50, 1))):  # some compute few in float64
        x, y = (torch.from_numpy(draw(*shape, dtype=dtype)).requires_grad_() for shape in shapes)
        try:
            out = function(x, y)
        except TypeError:
            out = function(x)
        found.append(out.detach().numpy().tobytes())
        if out.requires_grad and name != "floor_divide":
            (out * 0.7).sum().backward()
            found += [None if t.grad is None else t.grad.numpy().tobytes() for t in (x, y)]
    return found


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("name", NAMES.split())
def test_forward_and_gradient_in_parts_have_the_bits_of_the_whole(name, dtype, monkeypatch, request):
    small = run_both_ways(name, dtype)
    request.getfixturevalue("eager")
    assert run_both_ways(name, dtype) == small


def test_relu_and_its_rule_are_split_and_pass_nan(eager, monkeypatch):
    found, x = record_spreads(monkeypatch), torch.tensor([-1.0, 2.0, float("nan"), 0.0] * 10, requires_grad=True)
    y = torch.relu(x)
    y.backward(torch.full((40,), float("inf")))
    assert len(found) == 2
    np.testing.assert_array_equal(y.detach().numpy(), [0, 2, np.nan, 0] * 10)
    np.testing.assert_array_equal(x.grad.numpy(), [0, np.inf, np.inf, 0] * 10)


LIMITS = [
    lambda x: np.maximum(0, x),
    lambda x: np.minimum(x, 0.5),
    lambda x: np.minimum(np.maximum(x * 2, -1), 1) + x,
    lambda x: np.maximum(np.where(x > 0, x, np.float32(0)), 0.5),  # it takes the place of its operand
]


@pytest.mark.parametrize("number", range(len(LIMITS)))
def test_a_maximum_with_a_number_has_the_bits_of_numpys(number, eager):
    special = [-0.0, 0.0, np.nan, -np.nan, np.inf, -np.inf, 1e-40, -1e-40]
    x = np.array([*special, *np.random.default_rng(0).standard_normal(3000)], np.float32)
    plan = blockwise.find_plan(LIMITS[number], (x,))
    assert plan.compute((x,)).tobytes() == LIMITS[number](x).tobytes()


@pytest.mark.parametrize("size", [10, 2000, 70_001])
@pytest.mark.parametrize("dtype", ["float16", "float32", "float64", "int32", "uint8"])
def test_relu_has_the_bits_of_numpys_maximum(size, dtype):
    with np.errstate(invalid="ignore"):
        special = np.array([-0.0, 0.0, np.nan, np.inf, -np.inf, 1e-40] if "float" in dtype else [0, 1, 2])
        x = np.resize(np.concatenate([special, np.linspace(-9, 9, 77)]), size).astype(dtype)
    for values in (x, x[::2], np.stack([x, x]).T):
        found = torch.relu(torch.from_numpy(values)).numpy()
        assert found.tobytes() == np.maximum(0, values).tobytes() and found.strides == np.maximum(0, values).strides


def test_an_integer_divided_by_zero_is_refused_in_large_arrays_too(eager):
    with pytest.raises(RuntimeError, match="ZeroDivisionError"):
        torch.arange(10) // torch.zeros(10, dtype=torch.int64)


SUMS = [
    ((100, 200), (0,)),
    ((100, 200), (1,)),
    ((9, 70, 8), (0, 2)),
    ((3, 130, 5), (0, 2)),
    ((2, 3, 4, 65), (1,)),
    ((64, 2), (1,)),
]
WHOLE_SUMS = [(None, draw(100, 200)), ((0, 1), draw(100, 200)), ((1,), draw(9, 200)), ((1,), draw(200, 90).T)]


@pytest.mark.parametrize(("shape", "axes"), SUMS)
@pytest.mark.parametrize("threads", [2, 3, 50])
def test_a_sum_in_parts_gives_the_bits_of_the_whole(shape, axes, threads, eager, monkeypatch):
    found = record_spreads(monkeypatch)
    monkeypatch.setattr(parallel, "get_count", lambda: threads)
    for x in (draw(*shape), draw(*shape[:-1], 2 * shape[-1])[..., ::2], draw(*shape, dtype=np.float64)):
        for keepdims in (False, True):
            whole = np.add.reduce(x, axes, None, None, keepdims)
            parts = reduce_in_parts(np.add.reduce, x, axes, None, None, keepdims)
            assert parts.shape == whole.shape and parts.strides == whole.strides and parts.tobytes() == whole.tobytes()
    assert len(found) == 6
    t = torch.from_numpy(draw(*shape))
    assert (t.sum(axes).numpy() == t.numpy().sum(axes)).all() and t.mean(axes, keepdim=True).ndim == len(shape)


@pytest.mark.parametrize(("axes", "x"), WHOLE_SUMS)
def test_other_sums_are_computed_as_a_whole(axes, x, eager, monkeypatch):
    found = record_spreads(monkeypatch)
    assert reduce_in_parts(np.add.reduce, x, axes).tobytes() == np.add.reduce(x, axes).tobytes() and found == []


LAYERS = {
    "batch norm": (lambda: torch.nn.BatchNorm2d(70), (5, 70, 4, 3)),
    "batch norm without weights": (lambda: torch.nn.BatchNorm1d(70, affine=False), (40, 70)),
    "layer norm": (lambda: torch.nn.LayerNorm(33), (80, 33)),
    "layer norm of images": (lambda: torch.nn.LayerNorm((7, 5)), (80, 7, 5)),
    "group norm": (lambda: torch.nn.GroupNorm(2, 6), (40, 6, 5)),
    "softmax": (lambda: torch.nn.Softmax(1), (80, 9)),
    "softmax over images": (lambda: torch.nn.Softmax(0), (3, 80, 9)),
    "its logarithm": (lambda: torch.nn.LogSoftmax(-1), (80, 9)),
}


def pass_through(make, shape, dtype):
    """The result of a layer, and all gradients."""
    torch.manual_seed(0)
    layer, x = make().to(dtype), torch.randn(*shape, dtype=dtype).requires_grad_()
    for parameter in layer.parameters():
        torch.nn.init.uniform_(parameter, 0.5, 1.5)
    y = layer(x)
    y.backward(torch.randn(*shape, dtype=dtype))
    kept = [y.detach(), x.grad, *[p.grad for p in layer.parameters()], *layer.buffers()]
    return [t.numpy().tobytes() for t in kept]


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
@pytest.mark.parametrize("name", LAYERS)
def test_normalizations_and_softmax_give_the_bits_of_the_whole(name, dtype, monkeypatch, request):
    make, shape = LAYERS[name]
    whole = pass_through(make, shape, dtype)
    request.getfixturevalue("eager")
    found = record_spreads(monkeypatch)
    for threads in (2, 3, 50):
        monkeypatch.setattr(parallel, "get_count", lambda threads=threads: threads)
        assert pass_through(make, shape, dtype) == whole
    assert found


@pytest.mark.parametrize("order", ["C", "F"])
def test_large_gradients_are_accumulated_in_parts(order, monkeypatch):
    monkeypatch.setattr(parallel, "WORTH", 1)
    monkeypatch.setattr(parallel, "get_count", lambda: 3)
    monkeypatch.setattr(side_by_side, "LARGE", 16)
    rng = np.random.default_rng(0)
    values = np.asarray(rng.standard_normal((9, 7)), order=order)
    x = torch.tensor(values, requires_grad=True)
    (-x + x * x + x.exp() + x.tanh()).backward(torch.ones(9, 7, dtype=torch.float64))
    np.testing.assert_allclose(x.grad.numpy(), -1 + 2 * values + np.exp(values) + 1 - np.tanh(values) ** 2, rtol=1e-12)
    for place in (0, 1):
        addends = np.array(values, order=order), rng.standard_normal((9, 7))
        expected = addends[0] + addends[1]
        assert side_by_side.add_arrays(*addends, addends[place]) is addends[place]
        assert (addends[place] == expected).all()


@pytest.mark.parametrize("dtype", [np.float32, np.float64, np.int64])
@pytest.mark.parametrize("size", [2**18, 2**18 + 7, 300_001])
def test_the_sum_of_all_elements_of_a_large_array_has_the_bits_of_numpys(size, dtype, monkeypatch):
    x = (np.random.default_rng(0).standard_normal(size) * 100).astype(dtype)
    monkeypatch.setattr(parallel, "WORTH", 1)
    for threads in (1, 2):
        monkeypatch.setattr(parallel, "get_count", lambda threads=threads: threads)
        total = side_by_side.add_up(x, None, dtype)
        assert total == np.add.reduce(x) and total.dtype == dtype
    assert side_by_side.add_up(x[None], None, keepdims=True).shape == (1, 1)
