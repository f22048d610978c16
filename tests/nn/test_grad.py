"""`nn.grad`: the gradients of a convolution as functions equal those of backward, to any order."""

import numpy as np
import pytest

import minigrad as torch
import minigrad.nn.functional as F
from minigrad.autograd import gradcheck

GEOMETRIES = [{}, {"stride": 2, "padding": 1}, {"stride": 3, "dilation": 2}, {"groups": 2, "padding": 2}]


@pytest.mark.parametrize("space", [1, 2, 3])
@pytest.mark.parametrize("options", GEOMETRIES, ids=str)
def test_both_gradients_are_those_of_backward(space, options):
    torch.manual_seed(0)
    x = torch.randn(2, 4, *[7, 6, 5][:space], dtype=torch.float64, requires_grad=True)
    w = torch.randn(6, 4 // options.get("groups", 1), *[3, 2, 2][:space], dtype=torch.float64, requires_grad=True)
    y = getattr(F, f"conv{space}d")(x, w, **options)
    g = torch.randn_like(y)
    image, weight = getattr(torch.nn.grad, f"conv{space}d_input"), getattr(torch.nn.grad, f"conv{space}d_weight")
    expected = torch.autograd.grad(y, (x, w), g)
    np.testing.assert_allclose(image(x.shape, w, g, **options).detach(), expected[0], atol=1e-12)
    np.testing.assert_allclose(weight(x, w.shape, g, **options).detach(), expected[1], atol=1e-12)
    g.requires_grad_()
    assert gradcheck(lambda w, g: image(x.shape, w, g, **options), (w, g))
    assert gradcheck(lambda x, g: weight(x, w.shape, g, **options), (x, g))


def test_half_precision_is_kept():
    ones = torch.ones(1, 1, 2, 2, dtype=torch.float16)
    assert torch.nn.grad.conv2d_input((1, 1, 3, 3), ones, ones).dtype == torch.float16
    assert torch.nn.grad.conv2d_weight(torch.ones(1, 1, 3, 3, dtype=torch.float16), (1, 1, 2, 2), ones).tolist() == [
        [[[4.0, 4.0], [4.0, 4.0]]]
    ]


def test_wrong_sizes_are_refused():
    ones = torch.ones(1, 1, 2, 2)
    with pytest.raises(RuntimeError, match=r"grad_output of the convolution's size \[1, 1, 4, 4\], got \[1, 1, 2, 2\]"):
        torch.nn.grad.conv2d_input((1, 1, 5, 5), ones, ones)
    with pytest.raises(RuntimeError, match=r"a size of 4 numbers for input, got \[5, 5\]"):
        torch.nn.grad.conv2d_input((5, 5), ones, ones)
    with pytest.raises(RuntimeError, match="a size of 3 numbers for weight"):
        torch.nn.grad.conv1d_weight(torch.ones(1, 1, 3), (1, 1, 2, 2), torch.ones(1, 1, 2))
    with pytest.raises(TypeError, match="argument 'grad_output'"):
        torch.nn.grad.conv2d_input((1, 1, 3, 3), ones, 3)
    with pytest.raises(RuntimeError, match=r"grad_output of the convolution's size \[1, 1, 4, 4, 4\], got"):
        torch.nn.grad.conv3d_input((1, 1, 5, 5, 5), torch.ones(1, 1, 2, 2, 2), torch.ones(1, 1, 2, 2, 2))


def test_every_convolution_is_printed_under_one_name():
    x, w = torch.ones(1, 1, 3, 3, requires_grad=True), torch.ones(1, 1, 2, 2)
    for y in (F.conv2d(x, w), F.conv_transpose2d(x, w), torch.nn.ConvTranspose2d(1, 1, 2)(x)):
        assert y.grad_fn.name() == "ConvolutionBackward0"
