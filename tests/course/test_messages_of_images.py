"""check: what it says of wrong answers about windows, edges, sizes, channels and a learned kernel."""

import numpy as np
import pytest

import minigrad as mg
from minigrad import nn
from minigrad.course.checking import find
from tests.course.asking import ask, corr2d


def learn(lr, steps, zero=True, slope=-1):
    """An answer to 5.learn by autograd."""

    def answer(X, Y, shape):
        K = mg.zeros(shape, requires_grad=True)
        for _ in range(steps):
            ((corr2d(X, K) - Y) ** 2).sum().backward()
            K.data += slope * lr * K.grad
            if zero:
                K.grad = None
        return K

    return answer


def stop(Y, rows, columns):
    """The map Y of a loop that ended after this many rows and columns."""
    left = mg.zeros_like(Y)
    left[:rows, :columns] = Y[:rows, :columns]
    return left


@pytest.mark.parametrize(
    ("name", "answer", "words"),
    [
        ("1.window", lambda X, i, j, h, w: X[j : j + h, i : i + w], "this would be right with i and j exchanged"),
        ("1.multiplications", lambda H, W, h, w: "24", "a number is due, and it returned str"),
        ("2.horizontal", None, "It returned None"),
        ("2.horizontal", "x", "a kernel is due, and it returned str"),
        ("2.horizontal", [[1], [2, 3]], "differ in shape"),
        ("2.horizontal", mg.full((2, 1), mg.nan), "nan or inf"),
        ("2.horizontal", mg.zeros(0, 1), "with two axes and at least one number, is due; got the shape (0, 1)"),
        ("4.multi_in", lambda X, K: mg.zeros(2, 3, 3), "is a sum over the first axis missing?\n"),
        ("5.learn", lambda X, Y, shape: mg.full(shape, 9.0), "do the steps go up the slope (+ for -)?"),
        ("5.learn", lambda X, Y, shape: "K", "a kernel is due, and it returned str"),
        ("4.one_by_one", 3, "A function of (X, K) is due; got int: give its name"),
        ("4.one_by_one", lambda X: X, "It is called with (X, K), and takes (X)"),
        ("4.one_by_one", lambda X, K: X.mul_(2), "It wrote into its arguments"),
        ("5.learn", lambda X, Y, shape: Y.zero_(), "It wrote into its arguments"),
        ("4.multi_in_out", lambda X, K: find("4.multi_in_out").solution(X, K).permute(1, 2, 0), "axes in the order"),
        ("1.corr2d", lambda X, K: corr2d(X, K.T), "right for K transposed: axis 0 and axis 1 are exchanged."),
        ("1.corr2d", lambda X, K: corr2d(X.T, K), "right for X transposed: axis 0 and axis 1 are exchanged."),
        ("1.corr2d", lambda X, K: corr2d(X, K.flip(0)), "right for K flipped along axis 0."),
        ("1.corr2d", lambda X, K: X[0, 0], "it is one number (if `return` stands inside a loop, it ends the loop)."),
        ("1.corr2d", lambda X, K: corr2d(X, K + 1), "K = [[1, 2], [0, 3]]: 4 of 4 numbers are wrong"),
        ("1.corr2d", mg.zeros(2, 2), "got Tensor: give its name, without a call."),
        ("3.receptive_field", lambda kernels, strides: kernels, "one number is due, and it returned a list of 1."),
        ("5.loss", lambda p, t: (p - t) ** 2, "where one number, shape (), is due"),
        ("5.loss", lambda p, t: ((p - t) ^ 2).sum(), "a power is written x ** y"),
        ("6.distance", lambda lr, c, steps: (1 - lr * c) ^ steps, "a power is written x ** y"),
        ("6.best", lambda curvatures: 0.01, "[60.0, 12.0]: 0.01 is not right.\n"),
        ("4.cost", lambda i, o, k, rows, columns: 10**6 * i, "3000000 is not right."),
        ("1.multiplications", lambda H, W, h, w: 7**300, "is too large by far: is there a power (**)"),
        (
            "1.corr2d",
            lambda X, K: corr2d(X, K) + 0.003 * X[:-1, :-1],
            "close to the right one, but off by more than rounding",
        ),
        ("1.corr2d", lambda X, K: stop(corr2d(X, K), 1, 1), "all is right up to index (0, 0), and 0 after it: does a"),
        ("1.corr2d", lambda X, K: stop(corr2d(X, K), 2, 3), "up to index (1, 2), and 0 after it: does a loop end too"),
        ("3.mirror", lambda x, p: nn.functional.pad(x, (p, p)), "says 0: that adds zeros.\n"),
        ("4.one_by_one", lambda X, K: X.numpy().copy(), "its shape is (3, 4, 5), where (4, 4, 5) is due"),
        ("5.learn", lambda X, Y, shape: nn.Conv2d(1, 1, shape), "it returned Conv2d: its numbers are in its .weight"),
        ("5.learn", lambda X, Y, shape: mg.zeros(1, 1, *shape), "got (1, 1, 1, 2): an axis of size 1 too many"),
        ("5.learn", lambda X, Y, shape: 100 * mg.ones(shape), "and that of zeros far less: do the steps go up"),
        ("5.learn", lambda X, Y, shape: mg.zeros(shape), "change K, down the slope (K = K - lr * dK)? After"),
        ("5.loss", lambda p, t: ((p - t) ** 2).sum(1).mean(), "that is the mean over the rows."),
        (
            "1.corr2d",
            lambda X, K: corr2d(X, K).squeeze(),
            "In a hidden case (a map of one row): its shape is not right.",
        ),
        (
            "2.mean",
            lambda k: mg.ones(3, 3) / 9,
            "the answer of its first call again: does it use all of its arguments?",
        ),
        ("3.output_size", lambda n, k, padding, stride: 1, "write a default value for padding and stride, as in"),
        ("2.horizontal", mg.tensor([[1.0, -1.0]]), "numbers up to 1: it compares left and right neighbours."),
        ("2.horizontal", mg.ones(2, 1), "its numbers add up to 2, so it responds where all pixels are equal, too."),
        ("2.horizontal", mg.eye(2) * mg.tensor([1.0, -1.0]), "it has numbers up to 1.\n"),
        ("1.corr2d", lambda X, K: corr2d(X, K) / 4, "it is the right answer times 0.25"),
        ("2.mean", lambda k: mg.ones(k), "its shape is (3,), where (3, 3) is due.\n"),
        ("4.one_by_one", lambda X, K: mg.nn.functional.conv2d(X[None], K)[0], "write the product of matrices yourself"),
    ],
)
def test_a_wrong_answer_gets_its_message(name, answer, words, capsys):
    verdict, text = ask(capsys, name, answer)
    assert verdict is False and words.lower() in text.lower()


def test_a_kernel_read_in_another_order_is_told_from_an_image_read_in_another_order(capsys):
    solution = find("1.corr2d").solution
    for order in ([0], [1], [0, 1]):
        assert "right for K flipped along" in ask(capsys, "1.corr2d", lambda X, K, o=order: solution(X, K.flip(o)))[1]
        answer = ask(capsys, "1.corr2d", lambda X, K, o=order: solution(X.flip(o), K))[1]
        assert "right for X flipped along" in answer


def test_several_products_are_refused_where_one_is_enough(capsys):
    def by_pixels(X, K):
        columns = [K.flatten(1) @ X[:, i, j] for i in range(X.shape[1]) for j in range(X.shape[2])]
        return mg.stack(columns, 1).reshape(-1, *X.shape[1:])

    _, text = ask(capsys, "4.one_by_one", by_pixels)
    assert "the numbers are right, but" in text.lower() and "one product of matrices is enough" in text
    assert ask(capsys, "4.one_by_one", lambda X, K: mg.einsum("oc,chw->ohw", K[:, :, 0, 0], X))[0]
    assert ask(capsys, "4.one_by_one", lambda X, K: np.einsum("oc,chw->ohw", K.numpy()[:, :, 0, 0], X.detach()))[0]


@pytest.mark.parametrize(
    ("answer", "words"),
    [
        (learn(0.1, 500), "the learning rate is too large, or the steps go up the slope (+ for -)."),
        (learn(0.01, 20, slope=1), "do the steps go up the slope (+ for -)?"),
        (learn(0.01, 2, slope=1), "down the slope (K = K - lr * dK)?"),
        (learn(0.01, 3), "and at most 0.05 is due: more steps, or larger ones"),
        (learn(0.01, 200, zero=False), "is .grad set to zero each time?"),
        (lambda X, Y, shape: ((corr2d(X, mg.zeros(shape)) - Y) ** 2).sum().backward(), "requires_grad=True"),
    ],
)
def test_a_kernel_that_was_not_learned_gets_the_reason(answer, words, capsys):
    assert words in ask(capsys, "5.learn", answer)[1]
    assert ask(capsys, "5.learn", learn(0.01, 500))[0]


def test_an_exercise_by_hand_refuses_autograd(capsys):
    def answer(X, K, Y):
        K = K.clone().requires_grad_()
        ((corr2d(X, K) - Y) ** 2).sum().backward()
        return K.grad

    assert "this one is worked out by hand" in ask(capsys, "5.dK", answer)[1]


def test_an_answer_on_numpy_arrays_is_right_where_a_product_of_matrices_is_asked_for(capsys):
    solved, text = ask(
        capsys, "4.one_by_one", lambda X, K: (K.flatten(1).numpy() @ X.flatten(1).numpy()).reshape(-1, *X.shape[1:])
    )
    assert solved and text == "4.one_by_one: right.\n"


def test_what_an_answer_prints_is_shown_once_for_each_case(capsys):
    def answer(X, K):
        print("tried")
        return corr2d(X, K.T)

    assert ask(capsys, "1.corr2d", answer)[1].count("tried") == 1
