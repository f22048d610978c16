"""examples/words_backwards.py: a transformer reverses words, and looks where it should."""

import pytest

import minigrad
import words_backwards as example

pytestmark = pytest.mark.lesson


@pytest.mark.cpu("a GPU draws other weights")
def test_the_network_learns_to_write_backwards_and_looks_from_the_end() -> None:
    minigrad.manual_seed(0)
    net = example.Reverser(32)
    assert example.find_looks(net, 64).max().item() < 0.5
    assert example.train(net, 300) < 0.02
    looks = example.find_looks(net, 64)
    assert looks.flip(1).diagonal().min().item() > 0.8
    assert example.write_backwards(net, "gradient") == "tneidarg"


def test_looks_are_drawn_darker_where_they_are_longer() -> None:
    drawn = example.draw_looks(minigrad.tensor([[1.0, 0.0], [0.55, 0.45]]))
    assert drawn == "  place 0 |@@  |\n  place 1 |++==|"


def test_without_training_the_program_says_how_little_it_knows(capsys: pytest.CaptureFixture[str]) -> None:
    example.main(["--steps", "1", "--features", "4"])
    printed = capsys.readouterr().out
    assert "before training, it looks everywhere:\n  place 0 |" in printed and "after 1 steps the loss is" in printed
    assert "\ngradient -> " in printed
    with pytest.raises(SystemExit):
        example.main(["--steps", "0"])
    assert "--steps and --features count: at least 1, got 0 and 32" in capsys.readouterr().err
