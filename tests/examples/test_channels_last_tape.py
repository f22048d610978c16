"""examples/channels_last_tape.py: channels last give the numbers of conv2d, and only what is watched is recorded."""

import numpy as np
import pytest

import channels_last_tape as example
import minigrad
import minigrad.nn.functional as F
from tests.examples import closed_form

pytestmark = pytest.mark.lesson


def test_channels_last_is_conv2d_with_axes_moved() -> None:
    minigrad.manual_seed(0)
    x, kernel = minigrad.randn(2, 5, 6, 3), minigrad.randn(2, 3, 3, 4)
    y = example.conv2d_channels_last(x, kernel)
    expected = F.conv2d(x.permute(0, 3, 1, 2), kernel.permute(3, 2, 0, 1)).permute(0, 2, 3, 1)
    assert y.shape == (2, 4, 4, 4)
    np.testing.assert_allclose(y, expected, atol=1e-6)


def test_ten_steps_follow_the_closed_form(capsys: pytest.CaptureFixture[str]) -> None:
    learned = example.learn(minigrad.tensor([0.3, 0.4]).reshape(1, 2, 1, 1))
    expected = closed_form.after([0.3, 0.4], lr=3e-2, steps=10)
    np.testing.assert_allclose(learned.reshape(2), expected, atol=1e-5)
    assert capsys.readouterr().out.count("batch ") == 5


def test_the_tape_records_only_what_it_watches() -> None:
    with minigrad.no_grad():
        watched, other = minigrad.ones(2), minigrad.ones(2)
        with example.GradientTape() as tape:
            tape.watch(watched)
            y = watched * other
        assert not other.requires_grad and not (watched * 2).requires_grad
        assert tape.gradient(y, watched).tolist() == [1, 1]


def test_the_program_runs(capsys: pytest.CaptureFixture[str]) -> None:
    example.main([])
    assert "the kernel learned: tensor([[" in capsys.readouterr().out
