"""examples/padding_and_stride.py: four layers have the sizes of the formula, and the numbers of the definition."""

import numpy as np
import pytest

import minigrad
import padding_and_stride as example
from minigrad import nn

pytestmark = pytest.mark.lesson


@pytest.mark.parametrize(
    ("settings", "size"), list(zip(example.LAYERS.values(), [(8, 8), (8, 8), (4, 4), (2, 2)], strict=True))
)
def test_the_four_layers_have_the_right_sizes_and_numbers(settings: dict, size: tuple[int, int]) -> None:
    minigrad.manual_seed(0)
    layer = nn.Conv2d(1, 1, **settings)
    by_layer, by_function, by_loops = example.three_ways(layer, minigrad.rand(8, 8))
    assert by_layer.shape == by_function.shape == by_loops.shape == size
    assert by_layer.tolist() == by_function.tolist()
    np.testing.assert_allclose(by_loops.detach(), by_layer.detach(), atol=1e-6)
    rows = example.output_size(8, layer.kernel_size[0], layer.padding[0], layer.stride[0])
    assert rows == size[0]


def test_the_program_prints_agreement(capsys: pytest.CaptureFixture[str]) -> None:
    example.main([])
    printed = capsys.readouterr().out
    assert printed.count("agree\n") == 4
    assert "by the formula (2, 2), computed (2, 2)" in printed
