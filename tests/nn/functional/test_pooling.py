"""Pooling against loops over windows."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import minigrad
import minigrad.nn.functional as F


def list_windows(x, kernel, stride, padding, dilation, ceil_mode, counts=()):
    """How many windows there are along each axis, and each one's numbers within the image by place."""
    H, W = x.shape
    given, counts = counts, []
    for n, k, s, p, d in zip((H, W), kernel, stride, padding, dilation, strict=True):
        reach = n + 2 * p - d * (k - 1) - 1
        count = (-(-reach // s) if ceil_mode else reach // s) + 1
        if ceil_mode and (count - 1) * s >= n + p:  # it would start in the padding at the end
            count -= 1
        counts.append(count)
    counts = given or counts
    rows = []
    for i, j in np.ndindex(*counts):
        taps = [
            (i * stride[0] - padding[0] + u * dilation[0], j * stride[1] - padding[1] + v * dilation[1])
            for u, v in np.ndindex(*kernel)
        ]
        rows.append([(r * W + c, x[r, c]) for r, c in taps if 0 <= r < H and 0 <= c < W])
    return counts, rows


options = st.fixed_dictionaries(
    {
        "kernel": st.tuples(st.integers(1, 3), st.integers(1, 3)),
        "stride": st.tuples(st.integers(1, 3), st.integers(1, 3)),
        "dilation": st.tuples(st.integers(1, 2), st.integers(1, 2)),
        "padding": st.tuples(st.integers(0, 1), st.integers(0, 1)),
        "space": st.tuples(st.integers(5, 8), st.integers(5, 8)),
        "ceil_mode": st.booleans(),
        "count_include_pad": st.booleans(),
    }
)


@given(options)
@settings(max_examples=60, deadline=None)
def test_max_pool2d_is_its_definition_in_loops(o):
    padding = [min(p, k // 2) for p, k in zip(o["padding"], o["kernel"], strict=True)]
    x = np.random.default_rng(1).integers(0, 5, o["space"]).astype(float)  # many equals
    counts, expected = list_windows(x, o["kernel"], o["stride"], padding, o["dilation"], o["ceil_mode"])
    t = minigrad.tensor(x[None], requires_grad=True)
    values, places = F.max_pool2d(
        t, o["kernel"], o["stride"], padding, o["dilation"], o["ceil_mode"], return_indices=True
    )
    winners = [max(w, key=lambda pair: pair[1]) for w in expected]  # the first of equals
    assert values.detach().numpy().ravel().tolist() == [v for _, v in winners]
    assert places.numpy().ravel().tolist() == [p for p, _ in winners]
    assert list(values.shape) == [1, *counts]
    values.sum().backward()
    gradient = np.zeros(x.size)
    np.add.at(gradient, [p for p, _ in winners], 1)
    assert t.grad.numpy().ravel().tolist() == gradient.tolist()


@given(options)
@settings(max_examples=60, deadline=None)
def test_avg_pool2d_is_its_definition_in_loops(o):
    kernel, ceil = o["kernel"], o["ceil_mode"]
    padding = [min(p, k // 2) for p, k in zip(o["padding"], kernel, strict=True)]
    x = np.random.default_rng(2).standard_normal(o["space"])
    counts, inside = list_windows(x, kernel, o["stride"], padding, (1, 1), ceil)
    ring = np.pad(x, [(p, p) for p in padding])
    _, padded = list_windows(ring, kernel, o["stride"], (0, 0), (1, 1), ceil, counts)
    totals = [sum(v for _, v in w) for w in inside]
    lengths = [len(w) for w in (padded if o["count_include_pad"] else inside)]
    result = F.avg_pool2d(minigrad.tensor(x[None]), kernel, o["stride"], padding, ceil, o["count_include_pad"])
    assert list(result.shape) == [1, *counts]
    expected = [t / n for t, n in zip(totals, lengths, strict=True)]
    np.testing.assert_allclose(result.numpy().ravel(), expected, atol=1e-14)


@pytest.mark.parametrize("size", [(1, 1), (2, 3), (3, 2), (5, 7), (4, 6), (7, 9), (None, 2)])
def test_adaptive_avg_pool2d_is_the_mean_of_its_windows(size):
    x = np.random.default_rng(3).standard_normal((2, 5, 7))
    pooled = F.adaptive_avg_pool2d(minigrad.tensor(x), size)
    Ho, Wo = (5 if size[0] is None else size[0]), size[1]
    assert list(pooled.shape) == [2, Ho, Wo]
    for i, j in np.ndindex(Ho, Wo):
        rows = slice(i * 5 // Ho, -(-(i + 1) * 5 // Ho))
        columns = slice(j * 7 // Wo, -(-(j + 1) * 7 // Wo))
        np.testing.assert_allclose(pooled[:, i, j].numpy(), x[:, rows, columns].mean(axis=(1, 2)))


def test_integers_are_averaged_towards_zero():
    x = minigrad.tensor([[[-3, -2, 3, 2]]])
    assert F.avg_pool2d(x, (1, 2)).tolist() == [[[-2, 2]]]
    assert F.max_pool2d(x, (1, 2)).tolist() == [[[-2, 3]]]


def test_nan_is_the_maximum_and_divisor_override_divides():
    x = minigrad.tensor([[[1.0, float("nan"), 3.0, 2.0]]])
    values, places = F.max_pool2d(x, (1, 2), return_indices=True)
    assert bool(values[0, 0, 0].isnan())
    assert places.tolist() == [[[1, 2]]]
    ones = minigrad.ones(1, 2, 2)
    assert F.avg_pool2d(ones, 2, divisor_override=8).tolist() == [[[0.5]]]


@pytest.mark.parametrize("name", ["max_pool", "avg_pool", "adaptive_avg_pool", "adaptive_max_pool"])
def test_pooling_in_1d_is_pooling_in_2d_of_height_one(name):
    x = minigrad.randn(2, 3, 10)
    options = ((3, 2, 1), ((1, 3), (1, 2), (0, 1))) if "adaptive" not in name else ((4,), ((1, 4),))
    flat = getattr(F, f"{name}1d")(x, *options[0])
    image = getattr(F, f"{name}2d")(x.unsqueeze(2), *options[1])
    assert flat.tolist() == image.squeeze(2).tolist()
    assert getattr(F, f"{name}1d")(x[0], *options[0]).tolist() == flat[0].tolist()


@pytest.mark.parametrize(
    "call",
    [
        lambda x: F.avg_pool2d(x, 3, 2, 1, ceil_mode=True, count_include_pad=False),
        lambda x: F.avg_pool2d(x, 2, 1, divisor_override=3),
        lambda x: F.adaptive_avg_pool2d(x, (3, 8)),
        lambda x: F.adaptive_max_pool2d(x, (3, 8)),
        lambda x: F.max_pool2d(x, 3, 1, 1),
        lambda x: F.avg_pool1d(x[0], 3, 2),
        lambda x: F.adaptive_max_pool1d(x[0], 4),
    ],
)
def test_pooling_passes_gradgradcheck(call):
    x = minigrad.from_numpy(np.random.default_rng(0).permutation(2 * 6 * 7.0 + np.arange(84)).reshape(1, 2, 6, 7))
    x.requires_grad_()
    assert minigrad.autograd.gradcheck(call, (x,))
    assert minigrad.autograd.gradgradcheck(lambda x: call(x) ** 2, (x / 100,))


def test_backward_refuses_indices_that_were_written_to():
    x = minigrad.randn(1, 4, 4, requires_grad=True)
    values, places = F.max_pool2d(x, 2, return_indices=True)
    places.zero_()
    with pytest.raises(RuntimeError, match="modified by an inplace operation"):
        values.sum().backward()


def test_a_window_that_lies_in_the_padding_alone_is_refused():
    with pytest.raises(RuntimeError, match="a window lies in the padding alone and has no maximum"):
        F.max_pool2d(minigrad.ones(1, 1, 9), 2, stride=2, padding=1, dilation=2)


def test_options_may_be_numpy_integers():
    two = np.array([4])[0] // 2
    x = minigrad.ones(1, 1, 4, 4)
    for layer in (
        minigrad.nn.MaxPool2d(two),
        minigrad.nn.AvgPool2d(2, stride=two),
        minigrad.nn.MaxPool2d(2, two, two // 2),
    ):
        assert layer(x).shape[:2] == (1, 1)


def test_windows_much_larger_than_the_image_cost_no_more():
    out = F.adaptive_avg_pool2d(minigrad.arange(4.0).reshape(1, 2, 2), (1, 20_000))
    assert (out[0, 0, 0].item(), out[0, 0, -1].item()) == (1.0, 2.0)


def test_names_in_the_graph_are_pytorchs():
    x = minigrad.ones(1, 1, 4, 4, requires_grad=True)
    names = [y.grad_fn.name() for y in (F.max_pool2d(x, 2), F.avg_pool2d(x, 2), F.adaptive_avg_pool2d(x, 2))]
    assert names == ["MaxPool2DWithIndicesBackward0", "AvgPool2DBackward0", "AdaptiveAvgPool2DBackward0"]


@pytest.mark.parametrize(
    ("call", "name"),
    [
        (lambda x: F.adaptive_avg_pool2d(x, (0, 2)), "adaptive_avg_pool2d"),
        (lambda x: F.adaptive_avg_pool1d(x[0], 0), "adaptive_avg_pool2d"),
        (lambda x: F.adaptive_max_pool2d(x, 0), "adaptive_max_pool2d"),
        (lambda x: F.adaptive_max_pool1d(x[0], 0), "adaptive_max_pool2d"),
        (lambda x: F.interpolate(x, scale_factor=0.3, mode="area"), "adaptive_avg_pool2d"),
    ],
)
def test_backward_of_a_pooling_without_windows_is_refused(call, name):
    y = call(minigrad.ones(1, 2, 3, 4, requires_grad=True))
    assert 0 in y.shape
    with pytest.raises(RuntimeError, match=f"{name}_backward.*non-zero size"):
        y.sum().backward()
