"""examples/convolution_backward.py: both gradients, in three ways, are the engine's for every geometry."""

from itertools import product

import numpy as np
import pytest

import convolution_backward as example
import minigrad
from minigrad.nn import functional as F


@pytest.mark.parametrize("way", example.WAYS)
def test_a_way_gives_the_gradients_of_the_engine(way: str) -> None:
    minigrad.manual_seed(0)
    for stride, padding, dilation, groups in product((1, 2, 3), (0, 1), (1, 2), (1, 2)):
        x = minigrad.randn(2, 2, 7, 6, requires_grad=True)
        w = minigrad.randn(4, 2 // groups, 3, 2, requires_grad=True)
        y = F.conv2d(x, w, stride=stride, padding=padding, dilation=dilation, groups=groups)
        g = minigrad.randn_like(y)
        right = minigrad.autograd.grad(y, (x, w), g)
        found = example.in_groups(way, g, x.detach(), w.detach(), groups, stride, padding, dilation)
        for a, b in zip(found, right, strict=True):
            np.testing.assert_allclose(a, b, atol=1e-4)


def test_the_program_prints_small_differences(capsys: pytest.CaptureFixture[str]) -> None:
    example.main(["--stride", "3", "--padding", "0", "--groups", "1"])
    printed = capsys.readouterr().out
    assert "-> y (2, 8, 2, 2)" in printed
    for line in printed.splitlines()[1:]:
        assert all(float(number) < 1e-4 for number in line.split(" by ")[-1].split() if "e-" in number)


def test_what_it_cannot_compute_is_refused(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        example.main(["--padding", "3"])
    assert "padding is between 0 and dilation" in capsys.readouterr().err
