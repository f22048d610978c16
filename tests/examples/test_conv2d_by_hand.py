"""examples/conv2d_by_hand.py: the layer in two loops has the gradients of conv2d, and trains."""

import numpy as np
import pytest

import conv2d_by_hand as example
import minigrad
import minigrad.nn.functional as F
from cross_correlation_by_hand import corr2d
from detect_edges import bars
from tests.any_device import without_device

pytestmark = pytest.mark.lesson


def test_gradients_are_those_of_conv2d() -> None:
    minigrad.manual_seed(0)
    layer = example.Conv2D((2, 3))
    X = minigrad.randn(5, 6)
    (layer(X) ** 2).sum().backward()
    weight = layer.weight.detach()[None, None].requires_grad_()
    bias = layer.bias.detach().requires_grad_()
    (F.conv2d(X[None, None], weight, bias) ** 2).sum().backward()
    np.testing.assert_allclose(layer.weight.grad, weight.grad[0, 0], rtol=1e-4, atol=1e-4)
    np.testing.assert_allclose(layer.bias.grad, bias.grad, rtol=1e-4, atol=1e-4)


def test_a_layer_trains(capsys: pytest.CaptureFixture[str]) -> None:
    minigrad.manual_seed(0)
    layer = example.Conv2D((1, 2))
    Y = corr2d(bars(), minigrad.tensor([[1.0, -1.0]]))
    assert example.train(layer, bars(), Y, steps=60, lr=0.014) < 1e-3
    np.testing.assert_allclose(layer.weight.detach(), [[1, -1]], atol=1e-2)
    np.testing.assert_allclose(layer.bias.detach(), [0], atol=1e-2)
    assert capsys.readouterr().out.count("loss") == 5


def test_the_program_prints_the_kernel(capsys: pytest.CaptureFixture[str]) -> None:
    example.main([])
    assert "the kernel learned:  tensor([[ 1.0000, -1.0000]])" in without_device(capsys.readouterr().out)


def test_a_loss_that_is_no_longer_finite_is_reported() -> None:
    with pytest.raises(SystemExit, match="try a learning rate between 0 and"):
        example.main(["--lr", "10"])


def test_zero_steps_are_refused(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit, match="2"):
        example.main(["--steps", "0"])
    assert "at least 1, got 0" in capsys.readouterr().err
