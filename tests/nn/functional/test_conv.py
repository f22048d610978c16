"""Convolutions against nested loops for every option, and their documented properties."""

import itertools

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import minigrad
import minigrad.nn.functional as F


def naive_conv2d(x, w, b, stride, padding, dilation, groups):
    """The definition, one number at a time."""
    x = np.pad(x, ((0, 0), (0, 0), *[(p, p) for p in padding]))
    (N, _, H, W), (O, channels, kh, kw) = x.shape, w.shape
    Ho = (H - dilation[0] * (kh - 1) - 1) // stride[0] + 1
    Wo = (W - dilation[1] * (kw - 1) - 1) // stride[1] + 1
    out = np.zeros((N, O, Ho, Wo))
    for n, o, i, j in np.ndindex(out.shape):
        first = o // (O // groups) * channels
        for c, u, v in np.ndindex(channels, kh, kw):
            row, column = i * stride[0] + u * dilation[0], j * stride[1] + v * dilation[1]
            out[n, o, i, j] += x[n, first + c, row, column] * w[o, c, u, v]
    return out + b.reshape(1, -1, 1, 1)


def naive_conv_transpose2d(x, w, b, stride, padding, output_padding, groups, dilation):
    """Each input pixel adds the kernel, times its value, to the output; then the padding is cut off."""
    (N, C, H, W), (_, outs, kh, kw) = x.shape, w.shape
    O = outs * groups
    Ho = (H - 1) * stride[0] + dilation[0] * (kh - 1) + 1 + output_padding[0]
    Wo = (W - 1) * stride[1] + dilation[1] * (kw - 1) + 1 + output_padding[1]
    out = np.zeros((N, O, Ho, Wo))
    for n, c, i, j in np.ndindex(x.shape):
        first = c // (C // groups) * outs
        for o, u, v in np.ndindex(outs, kh, kw):
            row, column = i * stride[0] + u * dilation[0], j * stride[1] + v * dilation[1]
            out[n, first + o, row, column] += x[n, c, i, j] * w[c, o, u, v]
    cut = out[:, :, padding[0] : Ho - padding[0], padding[1] : Wo - padding[1]]
    return cut + b.reshape(1, -1, 1, 1)


pairs = st.tuples(st.integers(1, 3), st.integers(1, 3))
geometries = st.fixed_dictionaries(
    {
        "n": st.integers(0, 2),
        "groups": st.integers(1, 2),
        "c": st.integers(1, 2),
        "o": st.integers(1, 2),
        "kernel": pairs,
        "stride": pairs,
        "padding": st.tuples(st.integers(0, 2), st.integers(0, 2)),
        "dilation": st.tuples(st.integers(1, 2), st.integers(1, 2)),
        "extra": st.tuples(st.integers(0, 3), st.integers(0, 3)),
    }
)


def draw(*shape):
    return np.random.default_rng(sum(shape)).standard_normal(shape)


@given(geometries)
@settings(max_examples=60, deadline=None)
def test_conv2d_is_its_definition_in_loops(geometry):
    (kh, kw), groups = geometry["kernel"], geometry["groups"]
    reach = [d * (k - 1) + 1 for d, k in zip(geometry["dilation"], (kh, kw), strict=True)]
    space = [max(r - 2 * p, 1) + e for r, p, e in zip(reach, geometry["padding"], geometry["extra"], strict=True)]
    x = draw(geometry["n"], geometry["c"] * groups, *space)
    w = draw(geometry["o"] * groups, geometry["c"], kh, kw)
    b = draw(len(w))
    options = geometry["stride"], geometry["padding"], geometry["dilation"], groups
    result = F.conv2d(*map(minigrad.tensor, (x, w, b)), *options)
    np.testing.assert_allclose(result.numpy(), naive_conv2d(x, w, b, *options), atol=1e-12)


@given(geometries)
@settings(max_examples=60, deadline=None)
def test_conv_transpose2d_is_its_definition_in_loops(geometry):
    (kh, kw), groups = geometry["kernel"], geometry["groups"]
    stride, dilation = geometry["stride"], geometry["dilation"]
    padding = [min(p, d * (k - 1) // 2) for p, d, k in zip(geometry["padding"], dilation, (kh, kw), strict=True)]
    extra = [min(e, max(s, d) - 1) for e, s, d in zip(geometry["extra"], stride, dilation, strict=True)]
    x = draw(geometry["n"], geometry["c"] * groups, 2, 3)
    w = draw(geometry["c"] * groups, geometry["o"], kh, kw)
    b = draw(geometry["o"] * groups)
    options = stride, padding, extra, groups, dilation
    result = F.conv_transpose2d(*map(minigrad.tensor, (x, w, b)), *options)
    np.testing.assert_allclose(result.numpy(), naive_conv_transpose2d(x, w, b, *options), atol=1e-12)


def test_conv1d_is_conv2d_of_height_one():
    x, w, b = map(minigrad.tensor, (draw(2, 4, 9), draw(6, 2, 3), draw(6)))
    options = {"stride": 2, "padding": 1, "dilation": 2, "groups": 2}
    image = F.conv2d(
        x.unsqueeze(2), w.unsqueeze(2), b, (1, 2), (0, 1), (1, 2), 2
    )  # fmt: skip
    assert minigrad.equal(F.conv1d(x, w, b, **options), image.squeeze(2))


def test_cross_correlation_does_not_flip_the_kernel():
    image = minigrad.tensor([[[[1.0, 2.0, 3.0]]]])
    kernel = minigrad.tensor([[[[10.0, 1.0]]]])
    assert F.conv2d(image, kernel).tolist() == [[[[12.0, 23.0]]]]


@pytest.mark.parametrize(("kernel", "dilation"), [*itertools.product([1, 2, 3, 4], [1, 2])])
def test_padding_same_keeps_the_size_and_puts_the_odd_column_at_the_end(kernel, dilation):
    x, w = minigrad.tensor(draw(1, 1, 7, 9)), minigrad.tensor(draw(1, 1, kernel, kernel))
    result = F.conv2d(x, w, padding="same", dilation=dilation)
    assert result.shape == x.shape
    total = dilation * (kernel - 1)
    padded = F.pad(x, [total // 2, total - total // 2] * 2)
    assert minigrad.equal(result, F.conv2d(padded, w, dilation=dilation))


def test_an_image_without_a_batch_axis_is_a_batch_of_one():
    x, w = minigrad.tensor(draw(2, 5, 6)), minigrad.tensor(draw(3, 2, 2, 2))
    assert minigrad.equal(F.conv2d(x, w), F.conv2d(x.unsqueeze(0), w)[0])
    y = minigrad.tensor(draw(3, 5, 6))
    assert minigrad.equal(F.conv_transpose2d(y, w), F.conv_transpose2d(y.unsqueeze(0), w)[0])
    signal, kernel = minigrad.tensor(draw(2, 5)), minigrad.tensor(draw(3, 2, 2))
    assert minigrad.equal(F.conv1d(signal, kernel), F.conv1d(signal.unsqueeze(0), kernel)[0])


def test_integers_are_convolved_as_integers():
    x = minigrad.arange(16).reshape(1, 1, 4, 4)
    result = F.conv2d(x, minigrad.ones(1, 1, 2, 2, dtype=minigrad.int64), stride=2)
    assert result.dtype is minigrad.int64
    assert result.tolist() == [[[[10, 18], [42, 50]]]]
    spread = F.conv_transpose2d(x[..., :1, :2], minigrad.tensor([[[[1, 10], [100, 1000]]]]))
    assert spread.dtype is minigrad.int64
    assert spread.tolist() == [[[[0, 1, 10], [0, 100, 1000]]]]


def test_the_transposed_convolution_is_the_adjoint():
    x, w = minigrad.tensor(draw(2, 3, 6, 7)), minigrad.tensor(draw(4, 3, 3, 2))
    y = F.conv2d(x, w, None, (2, 1), 1, (1, 2))
    g = minigrad.tensor(draw(*y.shape))
    back = F.conv_transpose2d(g, w, None, (2, 1), 1, (1, 0), 1, (1, 2))
    assert back.shape == x.shape
    assert (y * g).sum().item() == pytest.approx((x * back).sum().item(), rel=1e-12)


def test_a_cached_check_does_not_accept_wrong_operands():
    x, w = minigrad.ones(1, 1, 4, 4), minigrad.ones(1, 1, 2, 2)
    F.conv2d(x, w, None, 1, 0)
    with pytest.raises(RuntimeError, match="1-dimensional with 1 elements"):
        F.conv2d(x, w, minigrad.ones(2), 1, 0)
    with pytest.raises(RuntimeError, match="should be the same"):
        F.conv2d(x.double(), w, None, 1, 0)
    with pytest.raises(TypeError, match="argument 'weight'"):
        F.conv2d(x, w.numpy(), None, 1, 0)
    with pytest.raises(TypeError, match="argument 'bias'"):
        F.conv2d(x, w, np.ones(1, np.float32), 1, 0)


def test_a_cached_stride_of_1_does_not_accept_1_0():
    image, kernel = minigrad.ones(1, 1, 4, 4), minigrad.ones(1, 1, 2, 2)
    F.conv2d(image, kernel, stride=1)
    F.conv2d(image, kernel, stride=(1, 1))
    for stride in (1.0, (1, 1.0), (1.0, 1.0), True, (True, 1)):  # each equals a stride that was accepted before
        with pytest.raises(TypeError, match="argument 'stride' must be an int or a tuple of 2 ints"):
            F.conv2d(image, kernel, stride=stride)


@pytest.mark.parametrize(
    ("option", "options"),
    [
        ("stride", {"stride": (2, 2, 1), "padding": (1,)}),
        ("padding", {"stride": (2,), "padding": (1, 1, 1)}),
        ("dilation", {"stride": (2,), "padding": (1,), "dilation": (1, 1, 1, 1)}),
    ],
)
def test_conv2d_refuses_a_wrong_count_of_numbers_that_another_option_makes_up_for(option, options):
    with pytest.raises(RuntimeError, match=f"conv2d: expected {option} to be a single integer value or a list of 2"):
        F.conv2d(minigrad.ones(1, 1, 6, 6), minigrad.ones(1, 1, 2, 2), **options)


def test_a_stride_or_a_number_of_groups_that_is_a_tensor_is_read_at_every_call():
    x, w, number = minigrad.ones(1, 2, 9, 9), minigrad.ones(2, 1, 3, 3), minigrad.tensor(2)
    assert F.conv2d(x, w, stride=(number, number), groups=number).shape == (1, 2, 4, 4)
    assert F.max_pool2d(x, number).shape == (1, 2, 4, 4)
    number.fill_(1)
    assert F.conv2d(x, w, stride=(number, number), groups=2).shape == (1, 2, 7, 7)
    with pytest.raises(RuntimeError, match="to have 1 channels, but got 2"):
        F.conv2d(x, w, groups=number)
    assert F.max_pool2d(x, number).shape == (1, 2, 9, 9)


def test_an_input_that_looks_like_channels_last_gets_advice_once():
    minigrad.advice.enable()
    layer = minigrad.nn.Conv2d(32, 2, 3)
    with pytest.warns(minigrad.advice.Advice, match=r"32 channels and a width of 3; .*permute\(0, 3, 1, 2\)"):
        layer(minigrad.ones(1, 32, 32, 3))
    layer(minigrad.ones(2, 32, 32, 3))
    minigrad.nn.Conv2d(3, 2, 3)(minigrad.ones(1, 3, 3, 3))


@pytest.mark.parametrize("dtype", [minigrad.float16, minigrad.float32, minigrad.float64])
@pytest.mark.parametrize("groups", [1, 2, 4])
def test_an_empty_batch_gives_gradients_of_zeros(dtype, groups):
    layer = minigrad.nn.Conv2d(4, 8, 3, padding=1, groups=groups, dtype=dtype)
    x = minigrad.zeros(0, 4, 6, 5, dtype=dtype, requires_grad=True)
    y = layer(x)
    assert (y.shape, y.dtype) == ((0, 8, 6, 5), dtype)
    y.sum().backward()
    assert x.grad.shape == x.shape and (layer.weight.grad == 0).all() and (layer.bias.grad == 0).all()


def test_more_padding_than_kernel_on_an_image_computed_in_blocks():
    x, w = minigrad.ones(1, 8, 4, 3000), minigrad.ones(64, 8, 3, 3)
    y = F.conv2d(x, w, padding=50)
    assert y.shape == (1, 64, 102, 3098)
    assert y[0, 0, 50, 50].item() == 72 and y[0, 0, 0, 0].item() == 0 and y[0, 0].sum().item() == 8 * 9 * 4 * 3000


@pytest.mark.parametrize(("dilation", "extra", "padding"), [(2, 1, 0), (2, (0, 1), (2, 0)), (3, 2, 1)])
def test_output_padding_up_to_the_dilation_adds_no_products_with_the_kernel(dilation, extra, padding):
    x, w = minigrad.randn(1, 2, 6, 4, dtype=minigrad.float64), minigrad.randn(2, 4, 3, 2, dtype=minigrad.float64)
    b = minigrad.randn(4, dtype=minigrad.float64)
    plain = F.conv_transpose2d(x, w, b, 1, padding, 0, 1, dilation)
    more = F.conv_transpose2d(x, w, b, 1, padding, extra, 1, dilation)
    H, W = plain.shape[2:]
    np.testing.assert_allclose(more[..., :H, :W].numpy(), plain.numpy(), atol=1e-12)
    whole = F.conv_transpose2d(x, w, b, 1, 0, 0, 1, dilation)  # before padding is cut off
    p = padding if isinstance(padding, tuple) else (padding, padding)
    part = whole[..., p[0] : p[0] + more.shape[2], p[1] : p[1] + more.shape[3]]
    np.testing.assert_allclose(more[..., : part.shape[2], : part.shape[3]].numpy(), part.numpy(), atol=1e-12)
    w[0, 0, 0, 0] = float("nan")
    spoiled = F.conv_transpose2d(x, w, b, 1, padding, extra, 1, dilation)
    assert int(spoiled[:, 1:].isnan().sum()) == 0 and int(spoiled[:, 0].isnan().sum()) <= 6 * 4


def test_a_convolution_of_halves_is_one_operation():
    x, w, b = (minigrad.ones(*shape).half().requires_grad_() for shape in ((1, 1, 3, 3), (1, 1, 2, 2), (1,)))
    y = F.conv2d(x, w, b)
    assert y.dtype is minigrad.float16 and y.grad_fn.name() == "ConvolutionBackward0"
    y.sum().backward()
    assert x.grad.dtype is w.grad.dtype is b.grad.dtype is minigrad.float16
