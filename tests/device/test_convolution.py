"""Convolution on every array library: values against plain loops, gradients to second order."""

import itertools

import numpy as np
import pytest

import minigrad as mg
import minigrad.nn.functional as F
from minigrad import autograd
from minigrad.backends import conv
from minigrad.kernels import Geometry, algorithm
from minigrad.kernels.algorithms import Problem
from minigrad.kernels.fast import clock
from minigrad.kernels.fast.cuda import FAMILIES
from tests import standin

# name: shape of the images, shape of the kernel, options
CASES = {
    "plain": ((1, 1, 6, 8), (1, 1, 1, 2), {}),
    "channels": ((2, 3, 5, 6), (4, 3, 3, 2), {}),
    "stride": ((2, 2, 7, 6), (3, 2, 3, 3), {"stride": (2, 3)}),
    "padding": ((2, 2, 4, 5), (3, 2, 3, 3), {"padding": (1, 2)}),
    "dilation": ((1, 2, 8, 9), (2, 2, 3, 2), {"dilation": (2, 3), "padding": 1}),
    "groups": ((2, 4, 5, 5), (6, 2, 2, 2), {"groups": 2, "stride": 2, "padding": 1}),
    "depthwise": ((2, 3, 6, 6), (3, 1, 3, 3), {"groups": 3, "padding": 1}),
    "pointwise": ((3, 4, 5, 5), (2, 4, 1, 1), {}),
    "pointwise, strided": ((3, 4, 5, 5), (2, 4, 1, 1), {"stride": 2}),
    "larger": ((4, 8, 20, 20), (8, 8, 3, 3), {"padding": 1}),
}


def pair(value):
    return value if isinstance(value, tuple) else (value, value)


def convolve_by_loops(x, w, b, stride=1, padding=0, dilation=1, groups=1):
    """out[n, o, t, u] = b[o] + sum w[o, c, i, j] x[n, c, t s + i d - p, u s + j d - p]."""
    (sh, sw), (ph, pw), (dh, dw) = pair(stride), pair(padding), pair(dilation)
    x = np.pad(x, ((0, 0), (0, 0), (ph, ph), (pw, pw)))
    O, C, kh, kw = w.shape
    Ho, Wo = ((n - d * (k - 1) - 1) // s + 1 for n, d, k, s in
              zip(x.shape[2:], (dh, dw), (kh, kw), (sh, sw), strict=True))  # fmt: skip
    out = np.zeros((len(x), O, Ho, Wo))
    for o, t, u in itertools.product(range(O), range(Ho), range(Wo)):
        first = o // (O // groups) * C
        rows = slice(t * sh, t * sh + dh * (kh - 1) + 1, dh)
        columns = slice(u * sw, u * sw + dw * (kw - 1) + 1, dw)
        window = x[:, first : first + C, rows, columns]
        out[:, o, t, u] = b[o] + (window * w[o]).sum((1, 2, 3))
    return out


def draw_operands(name, device):
    image, kernel, how = CASES[name]
    random = np.random.default_rng(0)
    arrays = [random.normal(size=shape) for shape in (image, kernel, kernel[:1])]
    return arrays, [mg.tensor(a, device=device, requires_grad=True) for a in arrays], how


@pytest.mark.parametrize("name", CASES)
def test_conv2d_is_the_sum_over_loops(device, name):
    arrays, tensors, how = draw_operands(name, device)
    result = F.conv2d(*tensors, **how)
    assert result.device.type == device
    np.testing.assert_allclose(result.detach().cpu().numpy(), convolve_by_loops(*arrays, **how), rtol=1e-10, atol=1e-12)


@pytest.mark.parametrize("name", CASES)
def test_gradients_of_conv2d_are_its_adjoints(device, name):
    """<conv(x, w), g> = <x, grad x> = <w, grad w>: convolution is linear in each operand."""
    _, (x, w, b), how = draw_operands(name, device)
    y = F.conv2d(x, w, **how)
    g = mg.tensor(np.random.default_rng(1).normal(size=y.shape), device=device)
    inner = (y * g).sum().item()
    grad_x, grad_w = autograd.grad(y, (x, w), g)
    assert (x * grad_x).sum().item() == pytest.approx(inner, rel=1e-10)
    assert (w * grad_w).sum().item() == pytest.approx(inner, rel=1e-10)
    (grad_b,) = autograd.grad(F.conv2d(x, w, b, **how), b, g)
    np.testing.assert_allclose(grad_b.cpu().numpy(), g.cpu().numpy().sum((0, 2, 3)), rtol=1e-10)


@pytest.mark.parametrize("name", CASES)
def test_second_gradients_of_conv2d_are_those_of_a_quadratic(device, name):
    """|conv(x, w)|^2 is quadratic in w: its Hessian maps v to 2 conv_weight(x, conv(x, v))."""
    _, (x, w, _), how = draw_operands(name, device)
    v = mg.tensor(np.random.default_rng(2).normal(size=w.shape), device=device)
    (first,) = autograd.grad((F.conv2d(x, w, **how) ** 2).sum(), w, create_graph=True)
    hessian_v, mixed = autograd.grad((first * v).sum(), (w, x))
    (expected,) = autograd.grad(F.conv2d(x, w, **how), w, 2 * F.conv2d(x, v, **how).detach())
    np.testing.assert_allclose(hessian_v.cpu().numpy(), expected.cpu().numpy(), rtol=1e-9, atol=1e-9)
    # `first` is of degree 2 in x, so by Euler <d<first, v>/dx, x> = 2 <first, v>
    assert (mixed * x).sum().item() == pytest.approx(2 * (first * v).sum().item(), rel=1e-9)


@pytest.mark.parametrize("family", list(FAMILIES))
def test_each_algorithm_for_a_gpu_computes_value_and_both_gradients(device, family):
    if device == "cpu":
        pytest.skip("these algorithms are for GPUs")
    for name in CASES:
        if is_served(name, family):
            with algorithm(family):
                test_conv2d_is_the_sum_over_loops(device, name)
                test_gradients_of_conv2d_are_its_adjoints(device, name)
                test_second_gradients_of_conv2d_are_those_of_a_quadratic(device, name)


@pytest.mark.parametrize(("taps", "spoiled"), [(3, False), (5, False), (3, True)])
def test_winograd_computes_value_and_both_gradients(device, taps, spoiled):
    """In float32, the only dtype it takes. A very large value makes it compute tiles by the definition."""
    if device == "cpu":
        pytest.skip("this algorithm is for GPUs")
    random = np.random.default_rng(0)
    arrays = [
        random.normal(size=shape).astype("f") for shape in ((3, 8, 10, 9), (5, 8, taps, taps), (5, 8, taps, taps))
    ]
    arrays[0][1, 2, 4, 4] = 1e3 if spoiled else 1
    found = []
    for where, family in ((device, "cuda winograd"), ("cpu", "im2col")):
        x, w, v = (mg.tensor(a, device=where, requires_grad=True) for a in arrays)
        with algorithm(family):
            y = F.conv2d(x, w, padding=1)
            dx, dw = autograd.grad((y**2).sum(), (x, w), create_graph=True)
            second = autograd.grad((dx * x.detach()).sum() + (dw * v.detach()).sum(), (x, w))
        found.append([t.detach().cpu().numpy() for t in (y, dx, dw, *second)])
    for ours, expected in zip(*found, strict=True):
        np.testing.assert_allclose(ours, expected, rtol=1e-3, atol=(2e-6 if taps == 3 else 2e-5) * abs(expected).max())


def test_benchmark_measures_each_algorithm_for_a_gpu_once(device, monkeypatch):
    if device == "cpu":
        pytest.skip("tests/backends/test_conv.py tests this on a CPU")
    tried = []
    monkeypatch.setattr(clock, "measure", lambda call: tried.append(call.func) or len(tried))
    monkeypatch.setattr(clock, "_known", {})
    arrays, tensors, how = draw_operands("larger", device)
    monkeypatch.setattr(conv, "benchmark", True)
    for _ in range(2):  # the second time nothing is tried
        result = F.conv2d(*tensors, **how)
    np.testing.assert_allclose(result.detach().cpu().numpy(), convolve_by_loops(*arrays, **how), rtol=1e-10, atol=1e-12)
    assert set(tried) >= {FAMILIES[f"cuda {name}"].conv2d for name in ("plain", "direct", "product")}
    assert len(tried) == len(set(tried))


def is_served(name, family):
    image, kernel, how = CASES[name]
    pairs = [pair(how.get(key, default)) for key, default in (("stride", 1), ("padding", 0), ("dilation", 1))]
    geometry = Geometry(kernel[2:], *pairs, how.get("groups", 1))
    return FAMILIES[family].ALGORITHM.serves(Problem(image, kernel[0], geometry, "d", object))


def test_conv2d_keeps_integers(device):
    x = mg.arange(16, device=device).reshape(1, 1, 4, 4)
    w = mg.tensor([[[[1, -1]]]], device=device)
    assert (F.conv2d(x, w) == -1).all() and F.conv2d(x, w).dtype == mg.int64


def test_conv_transpose2d_is_the_gradient_of_conv2d(device):
    """The transposed convolution is the gradient of the convolution in its image."""
    _, (x, w, _), how = draw_operands("stride", device)
    y = F.conv2d(x, w, **how)
    (expected,) = autograd.grad(y, x, y.detach())
    size = [n - (k - 1) - 1 - (m - 1) * s for n, m, k, s in
            zip(x.shape[2:], y.shape[2:], w.shape[2:], how["stride"], strict=True)]  # fmt: skip
    result = F.conv_transpose2d(y.detach(), w, stride=how["stride"], output_padding=tuple(size))
    np.testing.assert_allclose(result.detach().cpu().numpy(), expected.cpu().numpy(), rtol=1e-10)


@pytest.mark.usefixtures("stand_in")
@pytest.mark.parametrize("name", CASES)
def test_conv2d_copies_nothing_between_host_and_gpu(name):
    _, (x, w, b), how = draw_operands(name, "cuda")
    standin.crossings.clear()
    (F.conv2d(x, w, b, **how) ** 2).sum().backward()
    assert standin.crossings == []
