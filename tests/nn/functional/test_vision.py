"""Images resized, compared with formulas."""

import numpy as np
import pytest

import minigrad
import minigrad.nn.functional as F

X = np.random.default_rng(21).standard_normal((2, 3, 5, 6))


@pytest.mark.parametrize("size", [(5, 6), (10, 12), (3, 4), (1, 1), (7, 2)])
def test_nearest_modes_read_the_nearest_pixel(size):
    rows = np.arange(size[0]) * 5 // size[0]
    columns = np.arange(size[1]) * 6 // size[1]
    result = F.interpolate(minigrad.tensor(X), size)
    np.testing.assert_array_equal(result.numpy(), X[:, :, rows][:, :, :, columns])
    exact = F.interpolate(minigrad.tensor(X), size, mode="nearest-exact")
    rows = ((np.arange(size[0]) + 0.5) * 5 / size[0]).astype(int)
    columns = ((np.arange(size[1]) + 0.5) * 6 / size[1]).astype(int)
    np.testing.assert_array_equal(exact.numpy(), X[:, :, rows][:, :, :, columns])


def interpolate(x, size, align, axis):
    """Along one axis, by NumPy's linear interpolation."""
    n = x.shape[axis]
    at = np.linspace(0, n - 1, size) if align else (np.arange(size) + 0.5) * n / size - 0.5
    return np.apply_along_axis(lambda line: np.interp(at, np.arange(n), line), axis, x)


@pytest.mark.parametrize("size", [(5, 6), (10, 12), (3, 4), (7, 2)])
@pytest.mark.parametrize("align", [False, True])
def test_linear_modes_are_numpys_interpolation_along_each_axis(size, align):
    expected = interpolate(interpolate(X, size[0], align, 2), size[1], align, 3)
    result = F.interpolate(minigrad.tensor(X), size, mode="bilinear", align_corners=align)
    np.testing.assert_allclose(result.numpy(), expected, atol=1e-12)
    signal = F.interpolate(minigrad.tensor(X[:, 0]), size[1], mode="linear", align_corners=align)
    np.testing.assert_allclose(signal.numpy(), interpolate(X[:, 0], size[1], align, 2), atol=1e-12)


def test_antialiasing_keeps_the_mean_where_the_image_shrinks():
    stripes = minigrad.tensor(np.tile([0.0, 1.0], 32)[None, None, None, :].repeat(4, 2))
    shrunk = F.interpolate(stripes, (4, 8), mode="bilinear", antialias=True)
    np.testing.assert_allclose(shrunk.numpy()[..., 2:-2], 0.5, atol=0.01)


def test_resized_bytes_are_rounded_to_bytes():
    x = minigrad.tensor([[[[0, 255, 10, 20]]]], dtype=minigrad.uint8)
    result = F.interpolate(x, (1, 2), mode="bilinear")
    assert result.dtype is minigrad.uint8
    assert result.tolist() == [[[[128, 15]]]]
    assert F.interpolate(x, (1, 8)).tolist() == [[[[0, 0, 255, 255, 10, 10, 20, 20]]]]


def test_scale_factor_size_and_upsample_agree():
    x = minigrad.tensor(X)
    sized = F.interpolate(x, (10, 9))
    assert minigrad.equal(F.interpolate(x, scale_factor=(2, 1.5)), sized)
    assert minigrad.equal(F.interpolate(x, minigrad.tensor(9)), F.interpolate(x, (9, 9)))
    assert minigrad.equal(F.upsample(x, (10, 9)), sized)


@pytest.mark.parametrize("mode", ["bilinear", "bicubic"])
def test_one_pixel_that_200_000_read_gets_the_sum_of_their_gradients(mode):
    x = minigrad.ones(1, 1, 1, 1, requires_grad=True)
    F.interpolate(x, size=(200_000, 1), mode=mode, antialias=True).sum().backward()
    assert x.grad.item() == pytest.approx(200_000, rel=1e-5)


@pytest.mark.parametrize("old", [F.upsample, F.upsample_nearest, F.upsample_bilinear])
def test_upsample_names_its_successor(old):
    with pytest.warns(UserWarning, match="deprecated: write F.interpolate"):
        old(minigrad.ones(1, 1, 2, 2), scale_factor=2)


@pytest.mark.parametrize("deal", [F.channel_shuffle, F.pixel_shuffle, F.pixel_unshuffle])
@pytest.mark.parametrize("factor", [1, 2])
def test_what_is_dealt_out_has_memory_of_its_own(deal, factor):
    x = minigrad.ones(1, 4, 2, 2)
    result = deal(x, factor)
    assert result.is_contiguous() and result._base is None
    result.zero_()
    assert x.sum() == 16


def test_float32_alone_has_an_empty_transposed_convolution():  # as PyTorch; tests of errors hold the other types
    made = F.conv_transpose2d(minigrad.ones(2, 1, 1, 1), minigrad.ones(1, 1, 2, 2), padding=1)
    assert made.shape == (2, 1, 0, 0)


ONE, TWO = minigrad.tensor([1]), minigrad.tensor(2, dtype=minigrad.int32)


@pytest.mark.parametrize(
    ("call", "shape"),
    [
        (lambda x: F.interpolate(x, size=[ONE + 6, TWO]), (7, 2)),
        (lambda x: F.pad(x, (TWO, ONE, 0, 0)), (5, 9)),
        (lambda x: F.pad(x, [ONE] * 4, mode="reflect"), (7, 8)),
        (lambda x: F.max_pool2d(x, (TWO, ONE)), (2, 6)),
        (lambda x: F.avg_pool2d(x, [ONE, TWO]), (5, 3)),
        (lambda x: F.conv2d(x, minigrad.ones(1, 3, 2, 2).double(), stride=(TWO, ONE), padding=ONE), (3, 7)),
    ],
)
def test_lengths_may_be_tensors_of_one_integer(call, shape):
    assert call(minigrad.tensor(X)).shape[2:] == shape


@pytest.mark.parametrize("wrong", [minigrad.tensor([1.0]), minigrad.tensor([1, 2]), np.array([2])])
def test_lengths_may_not_be_tensors_of_fractions_or_of_several_numbers(wrong):
    with pytest.raises(TypeError, match=r"argument 'size' must be an int or a tuple of 2 ints"):
        F.interpolate(minigrad.tensor(X), size=[wrong, 3])
    with pytest.raises(TypeError, match="argument 'pad' must be a tuple of ints"):
        F.pad(minigrad.tensor(X), (wrong, 3))
