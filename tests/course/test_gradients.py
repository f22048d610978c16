"""check_gradients: argument by argument, on tensors and arrays; it reports what its inputs cannot show."""

import numpy as np
import pytest

import minigrad as mg
from minigrad.course import check_gradients
from tests.planted.convolution import MISTAKES, convolve, right, w_gradient, x_gradient


def make_arrays(n=2, c=2, o=3, h=5, kh=2, kw=2, seed=0):
    draw = np.random.default_rng(seed)
    return {
        "x": draw.standard_normal((n, c, h, h)),
        "w": draw.standard_normal((o, c, kh, kw)),
        "b": draw.standard_normal(o),
    }


def test_right_gradients_are_reported_right():
    report = check_gradients(convolve, make_arrays(), right)
    assert report and report.right == ["x", "w", "b"] and not report.wrong and not report.blind
    assert str(report).splitlines()[1] == "right: the gradient of w"
    assert report._repr_html_().startswith('<pre style="font-family: monospace">right: the gradient of x')


def test_one_wrong_gradient_is_reported_among_right_ones():
    def backward(g, x, w, b):
        return x_gradient(g, x, w[:, :, ::-1, ::-1]), w_gradient(g, x, w), g.sum((0, 2, 3))

    report = check_gradients(convolve, make_arrays(), backward)
    assert not report and report.right == ["w", "b"]
    assert report.wrong == {"x": "computed with w flipped along axis 2 (kernel row) and axis 3 (kernel column)"}


@pytest.mark.parametrize("mistake", MISTAKES)
def test_each_planted_mistake_is_reported_for_its_argument(mistake):
    which, spoilt, _ = MISTAKES[mistake]

    def backward(g, x, w, b):
        found = dict(zip("xwb", right(g, x, w, b), strict=True))
        return {**found, which: spoilt(g, x, w)}

    assert list(check_gradients(convolve, make_arrays(), backward).wrong) == [which]


def test_gradients_may_be_left_out_by_a_dict_or_none():
    report = check_gradients(convolve, make_arrays(), lambda g, x, w, b: {"b": g.sum((0, 2, 3))})
    assert report.right == ["b"]
    report = check_gradients(convolve, make_arrays(), lambda g, x, w, b: (None, w_gradient(g, x, w), None))
    assert report.right == ["w"]


def test_names_come_from_the_signature():
    def area(width, height):
        return width * height

    report = check_gradients(area, [mg.tensor([2.0]), mg.tensor([3.0])])
    assert report.right == ["width", "height"]
    assert check_gradients(area, [mg.tensor([2.0]), mg.tensor([3.0])], lambda g, w, h: (g * w, g * h)).wrong


@pytest.mark.parametrize(
    ("backward", "words"),
    [
        (lambda g, x, w, b: g, "backward returned 1 gradients; one is due for each of x, w, b"),
        (lambda g, x, w, b: {"b": g.sum((2, 3))}, "here (3,): is a sum over the first axis missing?"),
        (lambda g, x, w, b: {"w": w_gradient(g, x, w).swapaxes(0, 1)}, "the axes are in another order"),
        (lambda g, x, w, b: {"b": "three"}, "a tensor is due, and it returned str"),
    ],
)
def test_invalid_gradients_are_refused(backward, words):
    report = check_gradients(convolve, make_arrays(), backward)
    assert words in str(report)


@pytest.mark.cpu("the checker gives a rule NumPy's arrays")
def test_a_rule_that_writes_into_its_upstream_gradient_is_refused():
    def backward(g, x):
        g *= 2
        return g * x

    for x in (np.array([1.0, 2.0]), mg.tensor([1.0, 2.0])):
        assert "wrote into the gradient that arrives" in str(check_gradients(lambda x: x * x, {"x": x}, backward))


BLIND = {
    "one image": (make_arrays(n=1), "x holds one image: a forgotten sum over the batch does not show"),
    "one channel": (make_arrays(c=1), "x has one channel"),
    "a 1x1 kernel": (make_arrays(kh=1, kw=1), "w is a 1x1 kernel: a flip"),
    "no overlap": (make_arrays(h=2), "windows do not overlap"),
    "zeros": ({**make_arrays(), "w": np.zeros((3, 2, 2, 2))}, "w is zero"),
    "ones": ({**make_arrays(), "w": np.ones((3, 2, 2, 2))}, "all values of w are equal"),
    "the same flipped": (
        {**make_arrays(), "w": np.tile([[1.0, 2.0], [2.0, 1.0]], (3, 2, 1, 1))},
        "w looks the same flipped",
    ),
}


@pytest.mark.parametrize("point", BLIND)
def test_a_point_that_cannot_show_a_mistake_is_reported_blind(point):
    inputs, words = BLIND[point]
    report = check_gradients(convolve, inputs, right)
    assert report and any(words in sentence for sentence in report.blind)
    assert f"blind here: {words}"[:20] in str(report)


def test_equal_operands_are_reported_blind():
    p = np.array([1.0, 2.0])
    report = check_gradients(lambda p, t: ((p - t) ** 2).sum(), {"p": p, "t": p.copy()}, lambda g, p, t: (p - t, t - p))
    assert any("p and t are equal" in sentence for sentence in report.blind)


@pytest.mark.parametrize(
    ("point", "which", "spoilt"),
    [
        ("one image", "w", lambda g, x, w: w_gradient(g, x, w) / len(x)),
        ("one image", "b", lambda g, x, w: g[0].sum((1, 2))),
        ("one channel", "w", lambda g, x, w: w_gradient(g, x, w)[:, ::-1]),
        ("a 1x1 kernel", "x", lambda g, x, w: x_gradient(g, x, w[:, :, ::-1, ::-1])),
        ("the same flipped", "x", lambda g, x, w: x_gradient(g, x, w[:, :, ::-1, ::-1])),
    ],
)
def test_a_mistake_at_a_blind_point_is_not_found(point, which, spoilt):
    """The warning is due: this mistake passes here, and is found elsewhere."""

    def backward(g, x, w, b):
        return {which: spoilt(g, x, w)}

    assert check_gradients(convolve, BLIND[point][0], backward)
    assert not check_gradients(convolve, make_arrays(), backward)
