"""Padding compared with NumPy's, and images as columns compared with loops."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import minigrad
import minigrad.nn.functional as F
from tests.any_device import share_memory

NUMPY_MODES = {"constant": "constant", "reflect": "reflect", "replicate": "edge", "circular": "wrap"}


@given(st.sampled_from(sorted(NUMPY_MODES)), st.lists(st.integers(0, 3), min_size=4, max_size=4))
@settings(max_examples=60, deadline=None)
def test_each_padding_mode_is_numpys(mode, amounts):
    x = np.random.default_rng(6).standard_normal((2, 1, 4, 5))
    left, right, top, bottom = amounts
    expected = np.pad(x, ((0, 0), (0, 0), (top, bottom), (left, right)), NUMPY_MODES[mode])
    np.testing.assert_array_equal(F.pad(minigrad.tensor(x), amounts, mode).numpy(), expected)


@given(st.lists(st.integers(-2, 3), min_size=2, max_size=6).filter(lambda p: len(p) % 2 == 0))
@settings(max_examples=40, deadline=None)
def test_negative_amounts_cut(amounts):
    x = np.random.default_rng(7).standard_normal((5, 4, 6))
    expected = x
    for i in range(0, len(amounts), 2):
        axis, (before, after) = 2 - i // 2, amounts[i : i + 2]
        widths = [(0, 0)] * 3
        widths[axis] = (max(before, 0), max(after, 0))
        expected = np.pad(expected, widths, constant_values=2.5)
        keep = slice(max(-before, 0), expected.shape[axis] - max(-after, 0))
        expected = expected[(slice(None),) * axis + (keep,)]
    np.testing.assert_array_equal(F.pad(minigrad.tensor(x), amounts, value=2.5).numpy(), expected)


def test_negative_amounts_in_the_other_modes_are_pytorchs():
    x = minigrad.arange(4.0).reshape(1, 4)
    assert F.pad(x, (-1, 2), "replicate").tolist() == [[1.0, 2.0, 3.0, 3.0, 3.0]]
    assert F.pad(x, (-4, 5), "replicate").tolist() == [[3.0] * 5]
    assert F.pad(x, (-1, 1), "circular").tolist() == [[1.0, 2.0, 3.0, 1.0]]
    assert F.pad(x, (2, -1), "reflect").tolist() == [[2.0, 1.0, 0.0, 1.0, 2.0]]


def test_no_padding_gives_a_copy():
    x = minigrad.ones(1, 2, 2)
    for mode in NUMPY_MODES:
        assert not share_memory(F.pad(x, (0, 0), mode), x)


window_options = st.fixed_dictionaries(
    {
        "kernel": st.tuples(st.integers(1, 3), st.integers(1, 3)),
        "dilation": st.tuples(st.integers(1, 2), st.integers(1, 2)),
        "padding": st.tuples(st.integers(0, 2), st.integers(0, 2)),
        "stride": st.tuples(st.integers(1, 3), st.integers(1, 3)),
    }
)


@given(window_options)
@settings(max_examples=50, deadline=None)
def test_unfold_lists_windows_and_fold_is_its_adjoint(o):
    x = np.random.default_rng(8).standard_normal((2, 2, 5, 6))
    options = o["kernel"], o["dilation"], o["padding"], o["stride"]
    ring = np.pad(x, ((0, 0), (0, 0), *[(p, p) for p in o["padding"]]))
    axes = zip(ring.shape[2:], o["dilation"], o["kernel"], o["stride"], strict=True)
    Ho, Wo = ((n - d * (k - 1) - 1) // s + 1 for n, d, k, s in axes)
    (kh, kw), (sh, sw), (dh, dw) = o["kernel"], o["stride"], o["dilation"]
    columns = np.zeros((2, 2, kh, kw, Ho, Wo))
    for u, v, i, j in np.ndindex(kh, kw, Ho, Wo):
        columns[:, :, u, v, i, j] = ring[:, :, i * sh + u * dh, j * sw + v * dw]
    columns = columns.reshape(2, 2 * kh * kw, Ho * Wo)
    unfolded = F.unfold(minigrad.tensor(x), *options)
    np.testing.assert_array_equal(unfolded.numpy(), columns)
    g = np.random.default_rng(9).standard_normal(columns.shape)
    folded = F.fold(minigrad.tensor(g), (5, 6), *options)
    assert float((folded.numpy() * x).sum()) == pytest.approx(float((g * columns).sum()), abs=1e-10)


def test_one_image_is_unfolded_without_a_batch_axis():
    x = minigrad.arange(12.0).reshape(1, 3, 4)
    columns = F.unfold(x, 2)
    assert minigrad.equal(columns, F.unfold(x.unsqueeze(0), 2)[0])
    assert minigrad.equal(F.fold(columns, (3, 4), 2), F.fold(columns.unsqueeze(0), (3, 4), 2)[0])


def test_convolution_is_one_product_of_columns():
    x = minigrad.tensor(np.random.default_rng(10).standard_normal((2, 3, 6, 5)))
    w = minigrad.tensor(np.random.default_rng(11).standard_normal((4, 3, 3, 2)))
    product = w.reshape(4, -1) @ F.unfold(x, (3, 2), padding=1, stride=2)
    y = F.conv2d(x, w, stride=2, padding=1)
    np.testing.assert_allclose(product.reshape(y.shape).numpy(), y.numpy(), atol=1e-12)


@pytest.mark.parametrize("mode", ["reflect", "replicate", "circular"])
def test_an_axis_may_be_cut_to_nothing_where_another_is_padded(mode):
    x = minigrad.ones(1, 1, 3, 1, requires_grad=True)
    y = F.pad(x, (-1, 0, 1, 0), mode)
    assert y.shape == (1, 1, 4, 0)
    y.sum().backward()
    assert not x.grad.any()


def test_circular_padding_by_0_keeps_an_empty_image():
    assert F.pad(minigrad.ones(1, 5, 0), (0, 0), "circular").shape == (1, 5, 0)


@pytest.mark.parametrize(
    ("size", "amounts", "mode", "message"),
    [
        ((0,), (3, -1), "constant", "negative output size"),
        ((2,), (-3, 4), "constant", "negative output size"),
        ((1, 1), (-1, 0), "replicate", "too small for mode 'replicate'"),
        ((1, 1, 1), (-1, 0, -1, 0), "reflect", "too small for mode 'reflect'"),
        ((1, 1, 3), (0, 1, -1, 1), "circular", "leaves 0 of an axis of length 1"),
        ((1, 3), (3, -1), "circular", "wrapping around more than once"),
    ],
)
def test_amounts_that_leave_nothing_are_refused(size, amounts, mode, message):
    with pytest.raises(RuntimeError, match=message):
        F.pad(minigrad.ones(size), amounts, mode)


@pytest.mark.parametrize(("axes", "counts"), [(2, "2"), (3, "2 or 4"), (4, "4 or 6")])
def test_a_border_mode_names_the_amounts_that_an_image_takes(axes, counts):
    with pytest.raises(
        NotImplementedError, match=rf"an input of {axes} axes, .* takes {counts} amounts, got {2 * axes}"
    ):
        F.pad(minigrad.ones((4,) * axes), (1,) * 2 * axes, "reflect")


@pytest.mark.parametrize("amounts", [(0, 0), (0, -1), (-1, -1)])
def test_a_fill_value_must_fit_the_dtype_only_if_it_is_used(amounts):
    x = minigrad.tensor([1, 2, 3], dtype=minigrad.int8)
    assert F.pad(x, amounts, value=float("inf")).tolist() == [1, 2, 3][-amounts[0] : 3 + amounts[1]]
    with pytest.raises(RuntimeError, match="without overflow"):
        F.pad(x, (0, 1), value=float("inf"))


@pytest.mark.parametrize("mode", ["reflect", "replicate", "circular"])
def test_a_border_of_width_0_gives_a_copy_whose_rows_lie_in_order(mode):
    x = minigrad.arange(6.0).view(1, 2, 3).transpose(1, 2)
    assert F.pad(x, (0, 0), mode=mode).view(-1).tolist() == x.flatten().tolist()
