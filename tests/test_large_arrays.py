"""Operations on large arrays, in parts: sums, slices, gradients, all with the bits of the whole."""

from __future__ import annotations

import tracemalloc

import numpy as np
import pytest

import minigrad as torch
from minigrad import parallel, passes
from minigrad.large_arrays import reduce_in_parts
from tests.formulas import draw, record_spreads

pytestmark = pytest.mark.cpu("threads share the work of a CPU")


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
    monkeypatch.setattr(passes, "LARGE", 16)
    rng = np.random.default_rng(0)
    values = np.asarray(rng.standard_normal((9, 7)), order=order)
    x = torch.tensor(values, requires_grad=True)
    (-x + x * x + x.exp() + x.tanh()).backward(torch.ones(9, 7, dtype=torch.float64))
    np.testing.assert_allclose(x.grad.numpy(), -1 + 2 * values + np.exp(values) + 1 - np.tanh(values) ** 2, rtol=1e-12)
    for place in (0, 1):
        addends = np.array(values, order=order), rng.standard_normal((9, 7))
        expected = addends[0] + addends[1]
        assert passes.add_arrays(*addends, addends[place]) is addends[place]
        assert (addends[place] == expected).all()


@pytest.mark.parametrize("dtype", [np.float32, np.float64, np.int64])
@pytest.mark.parametrize("size", [2**18, 2**18 + 7, 300_001])
def test_the_sum_of_all_elements_of_a_large_array_has_the_bits_of_numpys(size, dtype, monkeypatch):
    x = (np.random.default_rng(0).standard_normal(size) * 100).astype(dtype)
    monkeypatch.setattr(parallel, "WORTH", 1)
    for threads in (1, 2):
        monkeypatch.setattr(parallel, "get_count", lambda threads=threads: threads)
        total = passes.add_up(x, None, dtype)
        assert total == np.add.reduce(x) and total.dtype == dtype
    assert passes.add_up(x[None], None, keepdims=True).shape == (1, 1)
