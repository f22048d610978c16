"""examples/letter_by_letter.py: the bound for who has no memory, and an LSTM that falls below it."""

import math

import pytest

import letter_by_letter as example
import minigrad

pytestmark = pytest.mark.lesson


def test_the_entropy_without_memory_is_that_of_pairs_of_letters() -> None:
    assert example.entropy_without_memory("abababab") == 0
    two_ways = example.entropy_without_memory("aabbaabba")  # each letter follows each as often as the other
    assert two_ways == pytest.approx(math.log(2))


@pytest.mark.cpu("a GPU draws other weights")
def test_the_network_learns_the_text_and_recites_it() -> None:
    minigrad.manual_seed(0)
    net = example.Writer(64)
    assert example.loss_of(net, example.TEXT).item() == pytest.approx(math.log(len(example.LETTERS)), abs=0.15)
    assert example.train(net, 150) < example.entropy_without_memory(example.TEXT) / 10
    assert example.recite(net, "s", len(example.TEXT) - 1) == example.TEXT


def test_without_training_the_program_says_how_little_it_knows(capsys: pytest.CaptureFixture[str]) -> None:
    example.main(["--steps", "1", "--hidden", "4"])
    printed = capsys.readouterr().out
    assert "a blind guess costs log(17) = 2.83" in printed and "the last letter alone: at least 0.89" in printed
    assert "of 89 letters are right" in printed
    with pytest.raises(SystemExit):
        example.main(["--hidden", "0"])
    assert "--steps and --hidden count: at least 1, got 150 and 0" in capsys.readouterr().err
