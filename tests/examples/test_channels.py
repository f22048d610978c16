"""examples/channels.py: its printed numbers are the lesson's, and a 1x1 convolution is a matrix product."""

import numpy as np
import pytest

import channels as example
import minigrad

pytestmark = pytest.mark.lesson
X = minigrad.stack((minigrad.arange(9.0), minigrad.arange(1.0, 10.0))).view(2, 3, 3)
K = minigrad.stack((minigrad.arange(4.0), minigrad.arange(1.0, 5.0))).view(2, 2, 2)


def test_outputs_are_those_of_the_lesson() -> None:
    assert example.corr2d_multi_in(X, K).tolist() == [[56, 72], [104, 120]]
    stacked = minigrad.stack((K, K + 1, K + 2), 0)
    assert example.corr2d_multi_in_out(X, stacked).tolist() == [
        [[56, 72], [104, 120]],
        [[76, 100], [148, 172]],
        [[96, 128], [192, 224]],
    ]


def test_1x1_is_a_matrix_product() -> None:
    minigrad.manual_seed(0)
    images, kernels = minigrad.normal(0, 1, (3, 4, 5)), minigrad.normal(0, 1, (2, 3, 1, 1))
    expected = np.einsum("oc,chw->ohw", kernels.numpy()[:, :, 0, 0], images.numpy())
    np.testing.assert_allclose(example.corr2d_1x1(images, kernels), expected, atol=1e-5)


def test_the_program_compares_with_conv2d(capsys: pytest.CaptureFixture[str]) -> None:
    example.main([])
    assert "conv2d says the same: True" in capsys.readouterr().out
