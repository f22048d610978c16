"""Convolution as one trilinear form: three functions, each one's gradients the other two."""

import numpy as np
import pytest
from scipy import signal

import minigrad as mg
import minigrad.nn.functional as F
from minigrad import autograd
from minigrad.kernels import Geometry
from minigrad.ops.conv import conv, conv_input, conv_weight

# image, kernel, (stride, padding, dilation, groups)
CASES = {
    "plain": ((1, 1, 5, 6), (1, 1, 1, 2), ((1, 1), (0, 0), (1, 1), 1)),
    "channels": ((2, 3, 4, 5), (2, 3, 3, 2), ((1, 1), (0, 0), (1, 1), 1)),
    "stride that leaves a rest": ((2, 2, 6, 7), (3, 2, 3, 2), ((2, 3), (0, 0), (1, 1), 1)),
    "padding": ((1, 2, 4, 3), (2, 2, 3, 3), ((1, 1), (2, 1), (1, 1), 1)),
    "dilation": ((1, 1, 7, 6), (2, 1, 2, 3), ((1, 2), (1, 0), (3, 2), 1)),
    "groups": ((2, 4, 4, 4), (6, 2, 2, 3), ((2, 1), (1, 1), (1, 1), 2)),
    "depthwise": ((2, 3, 5, 4), (6, 1, 3, 3), ((1, 1), (1, 1), (1, 1), 3)),
    "pointwise": ((2, 3, 3, 4), (4, 3, 1, 1), ((1, 1), (0, 0), (1, 1), 1)),
    "everything": ((2, 4, 7, 8), (4, 2, 3, 2), ((2, 3), (2, 1), (2, 1), 2)),
}


def draw_operands(name, layout="C"):
    image, kernel, options = CASES[name]
    geometry = Geometry(kernel[2:], *options)
    random = np.random.default_rng(0)
    arrays = [np.asarray(random.normal(size=s), order=layout) for s in (image, kernel)]
    x, w = (mg.from_numpy(a).requires_grad_() for a in arrays)
    g = mg.from_numpy(random.normal(size=conv(*arrays, None, geometry=geometry).shape))
    return x, w, g.requires_grad_(), geometry


def compute_inner_product(a, b):
    return float((a * b).sum())


@pytest.mark.parametrize("layout", ["C", "F"])
@pytest.mark.parametrize("name", CASES)
def test_the_three_functions_are_one_trilinear_form(name, layout):
    """<conv(x, w), g> = <x, conv_input(g, w)> = <w, conv_weight(x, g)>."""
    x, w, g, geometry = draw_operands(name, layout)
    before = [t.detach().numpy().copy() for t in (x, w, g)]
    y = conv(x, w, None, geometry=geometry)
    back = conv_input(g, w, None, size=x.shape[2:], geometry=geometry)
    kernel = conv_weight(x, g, geometry=geometry)
    assert back.shape == x.shape and kernel.shape == w.shape
    assert compute_inner_product(x, back) == pytest.approx(compute_inner_product(y, g), rel=1e-10)
    assert compute_inner_product(w, kernel) == pytest.approx(compute_inner_product(y, g), rel=1e-10)
    for t, array in zip((x, w, g), before, strict=True):
        np.testing.assert_array_equal(t.detach().numpy(), array)


@pytest.mark.parametrize("name", CASES)
def test_the_gradients_of_conv_are_the_other_two_functions(name):
    x, w, g, geometry = draw_operands(name)
    gx, gw = autograd.grad(conv(x, w, None, geometry=geometry), (x, w), g, create_graph=True)
    np.testing.assert_allclose(
        gx.detach().numpy(), conv_input(g, w, None, size=x.shape[2:], geometry=geometry).detach().numpy()
    )
    np.testing.assert_allclose(gw.detach().numpy(), conv_weight(x, g, geometry=geometry).detach().numpy())
    # The second derivative: <conv(u, w), g> once more, with u in the place of x.
    u = mg.from_numpy(np.random.default_rng(5).normal(size=x.shape))
    (by_g,) = autograd.grad(gx, g, u, retain_graph=True)
    np.testing.assert_allclose(by_g.numpy(), conv(u, w, None, geometry=geometry).detach().numpy())


@pytest.mark.parametrize("name", ["channels", "stride that leaves a rest", "everything"])
def test_all_three_functions_pass_gradgradcheck(name):
    x, w, g, geometry = draw_operands(name)
    size = x.shape[2:]
    triad = {
        "conv": (lambda x, w: conv(x, w, None, geometry=geometry), (x, w)),
        "input": (lambda g, w: conv_input(g, w, None, size=size, geometry=geometry), (g, w)),
        "weight": (lambda x, g: conv_weight(x, g, geometry=geometry), (x, g)),
    }
    for function, inputs in triad.values():
        assert autograd.gradcheck(function, inputs, fast_mode=True)
        assert autograd.gradgradcheck(function, inputs, fast_mode=True)


def test_third_derivatives_pass_gradgradcheck():
    x, w, _, geometry = draw_operands("padding")

    def cubed(x, w):
        (g,) = autograd.grad((conv(x, w, None, geometry=geometry) ** 3).sum(), w, create_graph=True)
        return g

    assert autograd.gradgradcheck(cubed, (x, w), fast_mode=True)


def test_conv2d_and_its_gradients_are_scipys():
    """Cross-correlation, and its adjoint the full convolution."""
    random = np.random.default_rng(0)
    image, kernel = random.normal(size=(7, 9)), random.normal(size=(3, 4))
    x, w = mg.tensor(image[None, None], requires_grad=True), mg.tensor(kernel[None, None])
    w.requires_grad_()
    y = F.conv2d(x, w)
    np.testing.assert_allclose(y.detach().numpy()[0, 0], signal.correlate2d(image, kernel, "valid"))
    g = random.normal(size=y.shape[2:])
    gx, gw = autograd.grad(y, (x, w), mg.tensor(g[None, None]))
    np.testing.assert_allclose(gx.numpy()[0, 0], signal.convolve2d(g, kernel, "full"))
    np.testing.assert_allclose(gw.numpy()[0, 0], signal.correlate2d(image, g, "valid"))
