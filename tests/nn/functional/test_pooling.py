"""Pooling against loops over windows."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import minigrad
import minigrad.nn.functional as F


def windows(x, kernel, stride, padding, dilation, ceil_mode, counts=()):
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
def test_max_pool2d_is_its_definition(o):
    padding = [min(p, k // 2) for p, k in zip(o["padding"], o["kernel"], strict=True)]
    x = np.random.default_rng(1).integers(0, 5, o["space"]).astype(float)  # many equals
    counts, expected = windows(x, o["kernel"], o["stride"], padding, o["dilation"], o["ceil_mode"])
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
def test_avg_pool2d_is_its_definition(o):
    kernel, ceil = o["kernel"], o["ceil_mode"]
    padding = [min(p, k // 2) for p, k in zip(o["padding"], kernel, strict=True)]
    x = np.random.default_rng(2).standard_normal(o["space"])
    counts, inside = windows(x, kernel, o["stride"], padding, (1, 1), ceil)
    ring = np.pad(x, [(p, p) for p in padding])
    _, padded = windows(ring, kernel, o["stride"], (0, 0), (1, 1), ceil, counts)
    totals = [sum(v for _, v in w) for w in inside]
    lengths = [len(w) for w in (padded if o["count_include_pad"] else inside)]
    result = F.avg_pool2d(minigrad.tensor(x[None]), kernel, o["stride"], padding, ceil, o["count_include_pad"])
    assert list(result.shape) == [1, *counts]
    expected = [t / n for t, n in zip(totals, lengths, strict=True)]
    np.testing.assert_allclose(result.numpy().ravel(), expected, atol=1e-14)


@pytest.mark.parametrize("size", [(1, 1), (2, 3), (3, 2), (5, 7), (4, 6), (7, 9), (None, 2)])
def test_adaptive_windows_cover_the_image(size):
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


def test_nan_wins_and_the_divisor_may_be_given():
    x = minigrad.tensor([[[1.0, float("nan"), 3.0, 2.0]]])
    values, places = F.max_pool2d(x, (1, 2), return_indices=True)
    assert bool(values[0, 0, 0].isnan())
    assert places.tolist() == [[[1, 2]]]
    ones = minigrad.ones(1, 2, 2)
    assert F.avg_pool2d(ones, 2, divisor_override=8).tolist() == [[[0.5]]]
