"""check: what it says of wrong answers about gradients by hand and the engine in one file."""

import pytest

import minigrad as mg
from tests.course.asking import ask


@pytest.mark.parametrize(
    ("name", "answer", "words"),
    [
        ("7.multiply", lambda g, x, y: (g * y, g * x), "it returned 2 things, where one gradient is due"),
        ("7.multiply", lambda g, x, y: g * x, "this is the gradient of y, not of x"),
        ("7.multiply", lambda g, x, y: g.mul_(y), "Compute into a new array: g * 2.\n"),
        ("7.stretch", lambda g, x, b: g.sum(0, keepdim=True), "here (3,): an axis of size 1 too many, or too few."),
        ("7.multiply", lambda g, x, y: (g * y).int(), "it returned whole numbers (int32), which lose what stands"),
        ("7.multiply", lambda g, x, y: g * y / 0, "6 of its 6 numbers are nan or inf"),
        ("7.multiply", lambda g, x, y: (g * y,), "it returned a tuple of one, where one gradient is due"),
        ("7.multiply", lambda g, x, y: y, "it is not multiplied by g: for g = 0 it gives the gradient"),
        ("7.sigmoid", lambda g, x: g * x * x, "in its place, but scaled wrongly: look at the formula"),
        ("7.stretch", lambda g, x, b: g.sum(1), "here (3,): was it summed over the right axes?"),
        ("7.matmul", lambda g, a, b: g @ g.T, "a gradient has the shape of its argument, here (3, 4).\n"),
        ("8.db", lambda g, x, w, b: g.sum(), "here (3,): was it summed over the right axes?"),
        ("8.dw", lambda g, x, w, b: w * g.sum(), "of w (value 1.49492), output index (0, 2, 0, 0): finite differences"),
        (
            "7.multiply",
            lambda g, x, y: y,
            "for g = 0 it gives the gradient [1.435, -1.316, -0.5027]..., where 0 is due",
        ),
    ],
)
def test_a_wrong_answer_gets_its_message(name, answer, words, capsys):
    verdict, text = ask(capsys, name, answer)
    assert verdict is False and words.lower() in text.lower()


def test_autograd_in_place_of_a_rule_is_refused(capsys):
    def answer(g, x, y):
        x = x.clone().requires_grad_()
        (x * y).backward(g)
        return x.grad

    _, text = ask(capsys, "7.multiply", answer)
    assert "It asks autograd for a gradient; this one is worked out by hand" in text


def test_a_gradient_of_the_wrong_shape_is_explained(capsys):
    _, text = ask(capsys, "8.db", lambda g, x, w, b: g.sum((2, 3)))
    assert "it has the shape (2, 3)" in text and "sum over the first axis" in text


@pytest.mark.parametrize("keepdim", [True, False])
def test_a_gradient_summed_over_an_axis_too_many_is_not_called_off_by_one(capsys, keepdim):
    def summed(g, x, w, b):
        return mg.nn.functional.conv_transpose2d(g, w).sum(1, keepdim=keepdim)

    _, text = ask(capsys, "8.dx", summed)
    assert "here (2, 2, 5, 5): was it summed over the right axes?" in text
    _, text = ask(capsys, "8.dx", lambda g, x, w, b: mg.zeros(2, 2, 5, 4))
    assert "here (2, 2, 5, 5): off by one" in text


def test_the_mistake_in_a_gradient_is_named(capsys):
    def unflipped(g, x, w, b):
        return mg.nn.functional.conv_transpose2d(g, w.flip(2, 3))

    _, text = ask(capsys, "8.dx", unflipped)
    assert "b (3,): computed with w flipped along axis 2 (kernel row)" in text
