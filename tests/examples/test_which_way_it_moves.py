"""examples/which_way_it_moves.py: kernels of two frames tell where a dot moves, those of one can only guess."""

import re

import pytest

import minigrad as torch
import which_way_it_moves as example

pytestmark = pytest.mark.lesson


def test_every_frame_shows_one_dot_a_step_further() -> None:
    torch.manual_seed(0)
    videos, labels = example.draw_videos(12, frames=4, size=5)
    assert videos.shape == (12, 1, 4, 5, 5) and set(labels.tolist()) == {0, 1, 2, 3}
    assert torch.equal(videos.sum((1, 3, 4)), torch.ones(12, 4))
    for video, label in zip(videos[:, 0], labels, strict=True):
        step = [*example.STEPS.values()][label]
        for t in range(3):
            assert torch.equal(video[t].roll(step, (0, 1)), video[t + 1])


def test_a_kernel_of_one_frame_answers_the_same_to_all_directions() -> None:
    torch.manual_seed(0)
    scores = example.make_net(1)(example.draw_videos(6)[0]).detach()
    assert torch.allclose(scores, scores[:1].expand(6, 4), atol=1e-6)


def test_kernels_of_two_frames_learn_the_directions(capsys: pytest.CaptureFixture[str]) -> None:
    example.main(["--steps", "100"])
    one, two = map(int, re.findall(r"(\d+)% right", capsys.readouterr().out))
    assert one < 40 and two > 95
