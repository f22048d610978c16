"""Convolution layers: their options and attributes."""

import numpy as np
import pytest

import minigrad
import minigrad as torch
from minigrad import nn
from tests.refusals import refusals


def test_convolutions_have_pytorchs_attributes():
    plain, other = nn.Conv2d(1, 2, 3, bias=False), nn.ConvTranspose1d(1, 2, 3, stride=2, output_padding=1)
    assert (plain.transposed, plain.output_padding, plain.padding, plain.dilation) == (False, (0, 0), (0, 0), (1, 1))
    assert (other.transposed, other.output_padding, other.stride, other.groups) == (True, (1,), (2,), 1)
    assert repr(plain) == "Conv2d(1, 2, kernel_size=(3, 3), stride=(1, 1), bias=False)"
    assert repr(other) == "ConvTranspose1d(1, 2, kernel_size=(3,), stride=(2,), output_padding=(1,))"


def test_a_layer_derived_from_convnd_is_refused_with_advice():
    class Own(nn.modules.conv._ConvNd):
        def __init__(self):
            super().__init__(1, 2, (3,), (1,), (0,), (1,), False, (0,), 1, True, "zeros")

    with pytest.raises(TypeError, match="Own has no number of axes: derive it from Conv1d, Conv2d or Conv3d, not from"):
        Own()


@pytest.mark.parametrize("option", ["kernel_size", "stride", "padding", "dilation"])
def test_conv2d_layer_refuses_an_option_of_3_numbers(option):
    options = {"kernel_size": 3, option: (3, 3, 3)}
    with pytest.raises(RuntimeError, match=f"Conv2d: expected {option} to be a single integer value or a list of 2"):
        minigrad.nn.Conv2d(1, 1, **options)


def test_the_gradient_of_conv2d_is_the_closed_form():
    """Of the edge kernel's squared error ||A w - y||^2, with a row of A for each window: 2 A^T (A w - y)."""
    conv = nn.Conv2d(1, 1, (1, 2), bias=False)
    x = torch.ones(1, 1, 6, 8)
    x[:, :, :, 2:6] = 0
    y = x[..., :-1] - x[..., 1:]
    loss = ((conv(x) - y) ** 2).sum()
    loss.backward()
    windows = np.stack([x.numpy()[..., :-1].ravel(), x.numpy()[..., 1:].ravel()], axis=1)
    w = conv.weight.detach().numpy().ravel()
    expected = 2 * windows.T @ (windows @ w - y.numpy().ravel())
    np.testing.assert_allclose(conv.weight.grad.numpy().ravel(), expected, rtol=1e-5)


def test_a_bool_is_a_size_beside_others_as_in_pytorch():
    assert nn.Conv2d(True, 2, 3).weight.shape == (2, 1, 3, 3)
    assert nn.Conv2d(1, 2, True).kernel_size == (1, 1)
    assert nn.Linear(True, 3).weight.shape == (3, 1)


test_a_bool_is_no_first_size = refusals({
    "out_channels": (lambda: nn.Conv2d(1, True, 3), TypeError, "^out_channels must be an int, got bool True .in "),
    "of a transposed one": (lambda: nn.ConvTranspose2d(True, 1, 3), TypeError, "^in_channels must be an int"),
    "out_features": (lambda: nn.Linear(3, True), TypeError, "^out_features must be an int, got bool True .in "),
})  # fmt: skip
