"""The same losses on 1, 2 and 4 ranks; a training run that stops and continues with other ranks."""

import re
import sys
from pathlib import Path

import pytest

import minigrad.distributed as dist
from tests.distributed.launcher import launch

PROGRAM = Path(__file__).resolve().parents[2] / "examples" / "digits_on_several_ranks.py"


def read_losses(text):
    return [float(number) for number in re.findall(r"loss ([\d.]+)", text)]


def test_one_rank_alone_learns(capsys):
    sys.path.insert(0, str(PROGRAM.parent))
    try:
        import digits_on_several_ranks as program
    finally:
        sys.path.pop(0)
    program.main([])
    found = read_losses(capsys.readouterr().out)
    assert len(found) == 5 and found[-1] < 0.85 * found[0]
    assert not dist.is_initialized()


def test_losses_are_the_same_on_1_2_and_4_ranks():
    found = []
    for count in (1, 2, 4):
        done = launch(count, PROGRAM, "--epochs", 3)
        assert done.returncode == 0, done.stderr
        found.append(read_losses(done.stdout))
    assert len(found[0]) == 3
    for other in found[1:]:
        assert other == pytest.approx(found[0], rel=2e-5)


def test_training_continues_with_fewer_ranks(tmp_path):
    through = read_losses(launch(2, PROGRAM, "--epochs", 3).stdout)
    first = read_losses(launch(4, PROGRAM, "--epochs", 2, "--checkpoint", tmp_path).stdout)
    rest = read_losses(launch(2, PROGRAM, "--epochs", 3, "--checkpoint", tmp_path).stdout)
    assert first + rest == pytest.approx(through, rel=2e-5)


@pytest.mark.parametrize("option", ["--epochs", "--batch"])
def test_zero_epochs_and_zero_images_are_refused(option):
    done = launch(1, PROGRAM, option, 0)
    assert done.returncode == 2 and "--epochs and --batch are at least 1" in done.stderr


def test_a_batch_that_the_ranks_cannot_divide_is_refused():
    done = launch(2, PROGRAM, "--batch", 33)
    assert done.returncode != 0 and "2 ranks do not divide a batch of 33" in done.stderr
