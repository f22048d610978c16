"""examples/learn_kernel_by_hand.py: three ways to take the steps, all of which follow the closed form."""

import numpy as np
import pytest

import learn_kernel_by_hand as example
import minigrad
from minigrad import nn
from tests.examples import closed_form

pytestmark = pytest.mark.lesson


@pytest.mark.parametrize(("way", "lr", "steps"), [("boldly", 3e-2, 30), ("carefully", 1e-3, 400)])
def test_the_steps_are_those_of_the_closed_form(way: str, lr: float, steps: int) -> None:
    minigrad.manual_seed(3)
    first = nn.Conv2d(1, 1, (1, 2), bias=False).weight.detach().numpy().reshape(2)
    learned = example.learn(way, seed=3).numpy()[0]
    np.testing.assert_allclose(learned, closed_form.after(first, lr, steps), atol=1e-5)


def test_the_careful_way_ends_at_0_99() -> None:
    assert [round(w, 2) for w in example.learn("carefully").tolist()[0]] == [0.99, -0.99]


def test_sgd_takes_the_steps_of_the_first_way() -> None:
    np.testing.assert_allclose(example.learn("sgd"), example.learn("boldly"), atol=1e-5)


def test_the_program_runs_all_ways(capsys: pytest.CaptureFixture[str]) -> None:
    example.main([])
    printed = capsys.readouterr().out
    assert "epoch 400, loss 0.001" in printed
    assert printed.count("tensor([[ ") == 3
    example.main(["--way", "sgd"])
    assert "boldly" not in capsys.readouterr().out
