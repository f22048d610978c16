"""Convolutions of volumes: nested loops, the documented properties, gradients to second order, and the errors."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import minigrad
import minigrad.nn.functional as F
from minigrad import nn
from tests.refusals import refusals

ones = minigrad.ones


def draw(*shape):
    return np.random.default_rng(sum(shape)).standard_normal(shape)


def paint_by_loops(x, w, b, stride, padding, output_padding, groups, dilation):
    """Each input pixel adds the kernel, times its value, to the output; then the padding is cut off."""
    (_, C, *size), (_, outs, *kernel) = x.shape, w.shape
    axes = zip(size, kernel, stride, dilation, output_padding, strict=True)
    full = [(n - 1) * s + d * (k - 1) + 1 + e for n, k, s, d, e in axes]
    out = np.zeros((len(x), outs * groups, *full))
    for n, c, *place in np.ndindex(x.shape):
        first = c // (C // groups) * outs
        axes = zip(place, kernel, stride, dilation, strict=True)
        taps = [slice(t * s, t * s + (k - 1) * d + 1, d) for t, k, s, d in axes]
        out[(n, slice(first, first + outs), *taps)] += x[(n, c, *place)] * w[c]
    cut = [slice(p, n - p) for p, n in zip(padding, full, strict=True)]
    return out[(..., *cut)] + b.reshape(-1, 1, 1, 1)


triples = lambda low, high: st.tuples(*[st.integers(low, high)] * 3)  # noqa: E731


@settings(max_examples=60, deadline=None)
@given(triples(1, 3), triples(1, 3), triples(0, 1), triples(0, 2), triples(1, 2), st.integers(1, 2), st.integers(0, 2))
def test_conv_transpose3d_is_its_definition_in_loops(kernel, stride, padding, extra, dilation, groups, N):
    padding = [min(p, d * (k - 1) // 2) for p, d, k in zip(padding, dilation, kernel, strict=True)]
    extra = [min(e, max(s, d) - 1) for e, s, d in zip(extra, stride, dilation, strict=True)]
    x, w, b = draw(N, 2 * groups, 2, 3, 2), draw(2 * groups, 1, *kernel), draw(groups)
    options = stride, padding, extra, groups, dilation
    result = F.conv_transpose3d(*map(minigrad.tensor, (x, w, b)), *options)
    np.testing.assert_allclose(result.numpy(), paint_by_loops(x, w, b, *options), atol=1e-12)


def test_conv3d_of_one_plane_is_conv2d():
    x, w, b = map(minigrad.tensor, (draw(2, 4, 5, 6), draw(6, 2, 3, 2), draw(6)))
    options = {"stride": 2, "padding": 1, "dilation": 2, "groups": 2}
    volume = F.conv3d(x.unsqueeze(2), w.unsqueeze(2), b, (1, 2, 2), (0, 1, 1), (1, 2, 2), 2)
    assert minigrad.allclose(volume.squeeze(2), F.conv2d(x, w, b, **options))


@pytest.mark.parametrize("kernel", [1, 2, 3, (2, 3, 4)])
@pytest.mark.parametrize("dilation", [1, 2])
def test_padding_same_keeps_the_size_and_puts_the_odd_pixels_at_the_end(kernel, dilation):
    lengths = (kernel,) * 3 if isinstance(kernel, int) else kernel
    x, w = minigrad.tensor(draw(1, 1, 5, 6, 7)), minigrad.tensor(draw(1, 1, *lengths))
    result = F.conv3d(x, w, padding="same", dilation=dilation)
    totals = [dilation * (k - 1) for k in lengths]
    padded = F.pad(x, [n for total in reversed(totals) for n in (total // 2, total - total // 2)])
    assert result.shape == x.shape
    assert minigrad.allclose(result, F.conv3d(padded, w, padding="valid", dilation=dilation))


def test_a_volume_without_a_batch_axis_is_a_batch_of_one():
    x, w = minigrad.tensor(draw(2, 4, 5, 6)), minigrad.tensor(draw(3, 2, 2, 2, 2))
    assert minigrad.equal(F.conv3d(x, w), F.conv3d(x.unsqueeze(0), w)[0])
    y = minigrad.tensor(draw(3, 4, 5, 6))
    assert minigrad.equal(F.conv_transpose3d(y, w), F.conv_transpose3d(y.unsqueeze(0), w)[0])


def test_the_result_can_be_viewed_flat():
    assert F.conv3d(ones(2, 3, 4, 4, 4), ones(5, 3, 2, 2, 2)).view(2, -1).shape == (2, 135)


def test_an_empty_batch_gives_an_empty_result_and_gradients_of_zeros():
    x, w = ones(0, 2, 3, 3, 3, requires_grad=True), ones(4, 2, 2, 2, 2, requires_grad=True)
    y = F.conv3d(x, w)
    y.sum().backward()
    assert y.shape == (0, 4, 2, 2, 2) and x.grad.shape == x.shape
    assert minigrad.equal(w.grad, minigrad.zeros_like(w))


def test_gradients_are_right_to_second_order():
    x, w, b = (minigrad.tensor(draw(*s), requires_grad=True) for s in ((2, 2, 4, 3, 4), (4, 1, 2, 2, 3), (4,)))
    check = lambda x, w, b: F.conv3d(x, w, b, (2, 1, 1), (1, 0, 1), (2, 1, 1), 2)  # noqa: E731
    assert minigrad.autograd.gradcheck(check, (x, w, b)) and minigrad.autograd.gradgradcheck(check, (x, w, b))
    w = minigrad.tensor(draw(2, 1, 2, 2, 3), requires_grad=True)
    check = lambda x, w: F.conv_transpose3d(x, w, None, (2, 1, 2), (1, 0, 1), (0, 0, 1), 2, (2, 1, 1))  # noqa: E731
    assert minigrad.autograd.gradcheck(check, (x, w)) and minigrad.autograd.gradgradcheck(check, (x, w))


def test_a_net_of_conv3d_learns_the_direction_of_motion():
    minigrad.manual_seed(0)
    videos, labels = minigrad.zeros(8, 1, 4, 4, 4), minigrad.tensor([0, 1] * 4)
    for n in range(8):
        for t in range(4):
            videos[n, 0, t, n // 2, t if n % 2 else 3 - t] = 1.0  # to the right or to the left
    net = nn.Sequential(nn.Conv3d(1, 4, (2, 1, 3), padding=(0, 0, 1)), nn.ReLU(), nn.Flatten(), nn.Linear(192, 2))
    optimizer = minigrad.optim.SGD(net.parameters(), lr=0.5)
    for _ in range(30):
        optimizer.zero_grad()
        F.cross_entropy(net(videos), labels).backward()
        optimizer.step()
    assert minigrad.equal(net(videos).argmax(1), labels)


X, W = ones(1, 2, 3, 3, 3), ones(4, 2, 2, 2, 2)
test_each_mistake_is_named = refusals({
    "axes of a volume": (
        lambda: F.conv3d(X[0, 0], W), RuntimeError,
        ("Expected 4D (unbatched) or 5D (batched) input to conv3d", "(C, D, H, W) or (N, C, D, H, W)", "[3, 3, 3]"),
    ),
    "axes of a weight": (
        lambda: F.conv3d(X, W[0]), RuntimeError,
        ("conv3d: expected a weight of 5 axes (out_channels, in_channels/groups, kd, kh, kw), got 4 of size",),
    ),
    "channels": (
        lambda: F.conv3d(ones(1, 3, 3, 3, 3), W), RuntimeError,
        ("weight of size [4, 2, 2, 2, 2], expected input[1, 3, 3, 3, 3] to have 2 channels, but got 3",),
    ),
    "channels that come last": (
        lambda: F.conv3d(ones(1, 3, 3, 3, 2), W), RuntimeError,
        ("The channels are the last axis: write x.permute(0, 4, 1, 2, 3).",),
    ),
    "kernel too large": (
        lambda: F.conv3d(X, ones(1, 2, 4, 2, 2)), RuntimeError,
        ("padded input size per channel: (3 x 3 x 3). Kernel size: (4 x 2 x 2)", "conv3d: image (3, 3, 3)"),
    ),
    "two strides": (
        lambda: F.conv3d(X, W, stride=(1, 2)), RuntimeError,
        ("single integer value or a list of 3 values", "(1, 2)"),
    ),
    "stride 0": (
        lambda: F.conv3d(X, W, stride=0), RuntimeError,
        ("non-positive stride is not supported",),
    ),
    "negative padding": (
        lambda: F.conv3d(X, W, padding=-1), RuntimeError,
        ("negative padding is not supported",),
    ),
    "unknown padding": (
        lambda: F.conv3d(X, W, padding="full"), RuntimeError,
        ("conv3d: Invalid padding string: 'full'",),
    ),
    "same with a stride": (
        lambda: F.conv3d(X, W, stride=2, padding="same"), RuntimeError,
        ("padding='same' is not supported for strided",),
    ),
    "bias": (
        lambda: F.conv3d(X, W, ones(2)), RuntimeError,
        ("expected bias to be 1-dimensional with 4 elements", "[2]"),
    ),
    "dtypes": (
        lambda: F.conv3d(X, W.double()), RuntimeError,
        ("(float32)", "(float64)"),
    ),
    "bools": (
        lambda: F.conv3d(X.bool(), W.bool()), NotImplementedError,
        ("'Bool'",),
    ),
    "int32 with dilation": (
        lambda: F.conv3d(X.int(), W.int(), dilation=2), NotImplementedError,
        ("conv3d with dilation", "'Int'"),
    ),
    "an array": (
        lambda: F.conv3d(X.numpy(), W), TypeError,
        ("conv3d(): argument 'input'", "numpy.ndarray"),
    ),
    "transposed: channels": (
        lambda: F.conv_transpose3d(X, ones(3, 1, 2, 2, 2)), RuntimeError,
        ("transposed=1", "3 channels, but got 2"),
    ),
    "transposed: output_padding": (
        lambda: F.conv_transpose3d(X, ones(2, 1, 2, 2, 2), output_padding=1), RuntimeError,
        ("output padding must be smaller than either stride or dilation", "output_padding: 1"),
    ),
    "transposed: nothing left": (
        lambda: F.conv_transpose3d(ones(1, 1, 1, 1, 1), ones(1, 1, 2, 2, 2), padding=1), RuntimeError,
        ("Calculated output size per channel: (0 x 0 x 0). Output size is too small: conv_transpose3d got a kernel",),
    ),
    "output_size of two": (
        lambda: nn.ConvTranspose3d(1, 1, 3, stride=2)(ones(1, 1, 2, 2, 2), output_size=(5, 6)), ValueError,
        ("output_size must have 3 or 5 elements",),
    ),
    "output_size out of reach": (
        lambda: nn.ConvTranspose3d(1, 1, 3, stride=2)(ones(1, 1, 2, 2, 2), output_size=(9, 9, 9)), ValueError,
        ("requested an output size of (9, 9, 9), but valid sizes range from [5, 5, 5] to [6, 6, 6]",),
    ),
    "pooling: axes": (
        lambda: F.max_pool3d(X[0, 0], 2), RuntimeError,
        ("non-empty 4D or 5D (batch mode) tensor expected for input: max_pool3d takes", "reshape(1, 1, 3, 3, 3)"),
    ),
    "pooling: no channels": (
        lambda: F.avg_pool3d(ones(1, 0, 2, 2, 2), 2), RuntimeError,
        ("avg_pool3d(): Expected input's non-batch dimensions to have positive length", "Its axes must not be empty."),
    ),
    "pooling: too small": (
        lambda: F.max_pool3d(ones(1, 1, 1, 1), 2), RuntimeError,
        ("Given input size: (1x1x1x1). Calculated output size: (1x0x0x0). Output size is too small",),
    ),
    "pooling: smaller than the kernel without padding": (
        lambda: F.avg_pool3d(ones(1, 1, 3, 3), 2, padding=1), RuntimeError,
        ("input image (T: 1 H: 3 W: 3) smaller than kernel size (kT: 2 kH: 2 kW: 2): avg_pool3d takes volumes",),
    ),
    "pooling: padding": (
        lambda: F.max_pool3d(X, 2, padding=2), RuntimeError,
        ("pad should be at most half of effective kernel size", "(max_pool3d)"),
    ),
    "pooling: divisor": (
        lambda: F.avg_pool3d(X, 2, divisor_override=0), RuntimeError,
        ("avg_pool3d: divisor must be not zero",),
    ),
    "pooling: adaptive": (
        lambda: F.adaptive_avg_pool3d(X, (2, 2)), RuntimeError,
        ("adaptive_avg_pool3d: output_size must have 3 elements, got (2, 2)",),
    ),
    "pooling: fractional": (
        lambda: F.fractional_max_pool3d(X, 2, 2), RuntimeError,
        ("pool time 2 too large relative to input time 3: 2 windows of it need at least 4 pixels",),
    ),
    "batch norm of an image": (
        lambda: nn.BatchNorm3d(3)(ones(2, 3, 4, 4)), ValueError,
        ("expected 5D input (got 4D input): BatchNorm3d takes (N, C, D, H, W)", "BatchNorm2d takes it"),
    ),
})  # fmt: skip


def test_a_transposed_convolution_with_a_wide_output_is_printed_as_one():
    y = F.conv_transpose3d(X.clone().requires_grad_(), ones(2, 1, 2, 2, 2), dilation=2, output_padding=1)
    assert y.shape == (1, 1, 6, 6, 6) and y.grad_fn.name() == "ConvolutionBackward0"


@pytest.mark.cpu("float16 is refused on the CPU alone, and a GPU's indices are not asked")
def test_average_pooling_of_halves_and_places_outside_are_refused_on_the_cpu():
    with pytest.raises(NotImplementedError, match=r"avg_pool3d.*Half.*with \.float\(\)"):
        F.avg_pool3d(ones(1, 2, 2, 2).half(), 2)
    with pytest.raises(RuntimeError, match="max_unpool3d: Found an invalid max index: 99"):
        F.max_unpool3d(ones(1, 1, 1, 1), ones(1, 1, 1, 1).long() * 99, 2)


def test_sync_batch_norm_and_the_outline_take_volumes():
    x = minigrad.tensor(draw(2, 3, 2, 2, 2)).float()
    assert minigrad.allclose(nn.SyncBatchNorm(3)(x), nn.BatchNorm3d(3)(x))
    net = nn.Sequential(nn.Conv3d(3, 4, 2), nn.BatchNorm3d(4), nn.MaxPool3d(1), nn.Flatten(), nn.Linear(4, 2))
    assert "BatchNorm3d  (2, 4, 1, 1, 1)" in str(nn.summary(net, (2, 3, 2, 2, 2)))
