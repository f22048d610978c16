"""Planted mistakes in a convolution by hand: each is named correctly, and a right gradient is never reported."""

import numpy as np
import pytest

import minigrad as mg
from minigrad.autograd import GradcheckError, gradcheck
from minigrad.course import check_gradients
from tests.planted.convolution import (
    MISTAKES,
    STRIDE_MISTAKES,
    convolve,
    make_function,
    make_operands,
    right,
    w_gradient,
    x_gradient,
)  # fmt: skip
from tests.refusals import read_pattern


@pytest.mark.parametrize("mistake", MISTAKES)
def test_a_mistake_is_named(mistake):
    which, spoilt, words = MISTAKES[mistake]
    with pytest.raises(GradcheckError, match=read_pattern((f"({which})", *words))):
        gradcheck(make_function(which, spoilt), make_operands())


@pytest.mark.parametrize("mistake", STRIDE_MISTAKES)
def test_a_forgotten_stride_is_named(mistake):
    which, spoilt, words = STRIDE_MISTAKES[mistake]
    with pytest.raises(GradcheckError, match=read_pattern(tuple(words))):
        gradcheck(make_function(which, spoilt, stride=2), make_operands(h=6, v=7))


def pad(x):
    return np.pad(x, [(0, 0), (0, 0), (1, 1), (1, 1)])


def leave_out_last_column(g, x, w):
    return x_gradient(g, x, w * [[[[1.0, 0.0]]]])


OF_GEOMETRY = {  # by name: the forward's options, which gradient is wrong, how, words of the message
    "dx: the padding never cut off": (
        {"padding": 1}, "x", lambda g, x, w: x_gradient(g, pad(x), w)[:, :, :-2, :-2],
        ["x is shifted by +1 along axis 2 (row) and +1 along axis 3 (column)", "where does the padding end?"],
    ),
    "dx: the padding cut off on one axis alone": (
        {"padding": 1}, "x", lambda g, x, w: x_gradient(g, pad(x), w)[:, :, 1:-1, :-2],
        ["x is shifted by +1 along axis 3 (column), and numbers of the padding enter"],
    ),
    "dx: twice the padding cut off": (
        {"padding": 1}, "x", lambda g, x, w: x_gradient(g, pad(x), w)[:, :, 2:, 2:],
        ["x is shifted by -1 along axis 2 (row) and -1 along axis 3 (column)"],
    ),
    "dw: the image not padded": (
        {"padding": 1}, "w", lambda g, x, w: w_gradient(g, np.pad(x, [(0, 0), (0, 0), (0, 2), (0, 2)]), w),
        ["the gradient that arrives is shifted by -1 along axis 2 (row)", "numbers of the padding enter"],
    ),
    "dx: dilation ignored": (
        {"dilation": 2}, "x", lambda g, x, w: x_gradient(g, x, w), ["(-i, -j) from its place: is the dilation"],
    ),
    "dw: dilation ignored": (
        {"dilation": 2}, "w", lambda g, x, w: w_gradient(g, x, w), ["(-i, -j) from its place: is the dilation"],
    ),
    "dx: the last column of the kernel left out": (
        {}, "x", leave_out_last_column,
        ["computed with w without index 1 of axis 3 (kernel column): is a range too short?"],
    ),
    "dx added up twice": ({}, "x", lambda g, x, w: 2 * x_gradient(g, x, w), ["times 2", "added up twice"]),
    "dw twice in the first image": (
        {}, "w", lambda g, x, w: w_gradient(g, x, w) + w_gradient(g[:1], x[:1], w),
        ["along axis 0 (batch) of the gradient that arrives it is scaled by 2, 1"],
    ),
    "dx of exchanged groups": (
        {"groups": 2}, "x", lambda g, x, w: np.concatenate(
            [x_gradient(g[:, 2:], x[:, :1], w[2:]), x_gradient(g[:, :2], x[:, :1], w[:2])], 1
        ),
        ["this is the right gradient flipped along axis 1 (channel)"],
    ),
}  # fmt: skip


@pytest.mark.parametrize("mistake", OF_GEOMETRY)
def test_mistakes_with_padding_dilation_and_groups_are_named(mistake):
    options, which, spoilt, words = OF_GEOMETRY[mistake]
    size = 3 if "padding" in options else 2
    x, w, b = (t.detach().numpy() for t in make_operands(n=2, c=2, o=4, h=6, v=7, kh=size, kw=size))
    w = w[:, :1] if "groups" in options else w

    def forward(x, w, b):
        return mg.nn.functional.conv2d(*map(mg.tensor, (x, w, b)), **options)

    report = check_gradients(
        forward, {"x": x, "w": w, "b": b}, lambda g, x, w, b: {which: np.ascontiguousarray(spoilt(g, x, w))}
    )
    assert all(word in report.wrong[which] for word in words), report


def test_an_unknown_mistake_takes_few_calls():
    """Each suspected mistake is tried along a few directions, not as a whole Jacobian."""
    calls = []

    def forward(x, w):
        calls.append(x)
        return mg.nn.functional.conv2d(x, w, padding=1)

    x, w, _ = make_operands(n=2, c=3, o=2, h=7, v=7, kh=3, kw=3)
    with mg.no_grad():
        assert not check_gradients(forward, {"x": x.detach(), "w": w.detach()}, lambda g, x, w: {"x": g.sum() * x**3})
    assert len(calls) < 20 * x.numel()


def canonical(text):
    """Without what depends on the size of an axis: of two, "reversed" is "swapped"."""
    text = text.replace("reversed", "swapped").replace("transposed: axis 0", "axes in the order (1, 0, 2, 3)")
    return text.replace("index [3]", "index [1]")


@pytest.mark.parametrize("mistake", [name for name in MISTAKES if "mean" not in name and "row of" not in name])
def test_a_mistake_has_the_same_name_at_another_shape(mistake):
    """4x4, kernel 3x3, three channels everywhere: more of the mistakes look alike here, none takes another's name."""
    which, spoilt, words = MISTAKES[mistake]
    with pytest.raises(GradcheckError) as caught:
        gradcheck(make_function(which, spoilt), make_operands(n=2, c=3, o=3, h=4, v=4, kh=3, kw=3, seed=4))
    if mistake != "db: upstream missing":  # a constant of the other shape, elsewhere another wrong constant
        assert all(canonical(word) in canonical(str(caught.value)) for word in words)


def test_a_stale_cache_is_refused():
    kept = {}

    class Cached(mg.autograd.Function):
        @staticmethod
        def forward(ctx, x, w):
            kept["x"], kept["w"] = x, w
            return x * w

        @staticmethod
        def backward(ctx, g):
            return g * kept["w"], g * kept["x"]

    x = make_operands()[0]
    with pytest.raises(GradcheckError, match=r"stale cache.*used twice.*save_for_backward\.$"):
        gradcheck(Cached.apply, (x[0, 0].detach().requires_grad_(), x[1, 1].detach().requires_grad_()))
    with pytest.raises(GradcheckError, match="stale cache"):  # also of what needs no gradient
        gradcheck(Cached.apply, (x[0, 0].detach(), x[1, 1].detach().requires_grad_()))


def double_in_place(g):
    g *= 2
    return g


@pytest.mark.parametrize("fast", [False, True])
@pytest.mark.parametrize(
    "rule", [lambda g: np.multiply(g, 2, out=g), double_in_place, lambda g: g.__imul__(2)], ids=["out", "*=", "imul"]
)
def test_a_rule_that_writes_into_its_cotangent_is_refused(rule, fast):
    twice = mg.autograd.operation("twice", lambda x: 2 * x, rule)
    x = mg.ones(3, dtype=mg.float64, requires_grad=True)
    with pytest.raises(GradcheckError, match=r"wrote into the gradient that arrives.*f\(x\) \+ x"):
        gradcheck(twice, x, fast_mode=fast)


def test_a_function_whose_backward_writes_into_its_cotangent_is_refused():
    class Twice(mg.autograd.Function):
        @staticmethod
        def forward(ctx, x):
            return x * 2

        @staticmethod
        def backward(ctx, g):
            return g.mul_(2)

    with pytest.raises(GradcheckError, match="wrote into the gradient that arrives"):
        gradcheck(Twice.apply, mg.ones(3, dtype=mg.float64, requires_grad=True))


def test_a_rule_that_writes_into_an_operand_or_a_saved_result_is_refused():
    def spoils_the_operand(g, x):
        x *= 2
        return g * x

    square = mg.autograd.operation("square", lambda x: x * x, spoils_the_operand)
    with pytest.raises(GradcheckError, match=r"Backward wrote into input 0 \(x\)"):
        gradcheck(lambda x: square(x), mg.ones(3, dtype=mg.float64, requires_grad=True))

    def spoils_its_copy(g, out):
        out *= 2
        return g * out / 2

    exp = mg.autograd.operation("exp", lambda x: np.exp(x), spoils_its_copy)
    with pytest.raises(GradcheckError, match=r"ran again over the same call.*what it had saved"):
        gradcheck(lambda x: exp(x), mg.ones(3, dtype=mg.float64, requires_grad=True))


def test_a_result_that_the_next_call_overwrites_is_refused():
    buffer = mg.zeros(3, dtype=mg.float64).array
    exp = mg.autograd.operation("exp", lambda x: np.exp(x, out=buffer), lambda g, x: g * np.exp(x))
    with pytest.raises(GradcheckError, match="second call of the function wrote into output 0 of the first"):
        gradcheck(exp, mg.ones(3, dtype=mg.float64, requires_grad=True))


def test_gradients_returned_in_the_wrong_order_are_named():
    class Product(mg.autograd.Function):
        @staticmethod
        def forward(ctx, left, right):
            ctx.save_for_backward(left, right)
            return left @ right

        @staticmethod
        def backward(ctx, g):
            left, right = ctx.saved_tensors
            return left.T @ g, g @ right.T

    a, b = make_operands()[0][0, 0].detach().requires_grad_(), make_operands()[0][1, 1].detach().requires_grad_()
    with pytest.raises(GradcheckError, match="this is the gradient of right, not of left: mind the order of"):
        gradcheck(Product.apply, (a, b))


MISSING_WAYS = {
    "the mask of a ReLU": (lambda x: x.relu(), lambda g, x: g, "should get 0: a mask is missing (which ones did"),
    "the mask of a clamp": (lambda x: x.clamp(-0.5, 0.5), lambda g, x: g, "right, but for elements that do not change"),
    "a mask that hides too much": (
        lambda x: mg.nn.functional.leaky_relu(x), lambda g, x: g * (x > 0), "right, but 0 for elements that do change",
    ),
    "the places of a maximum": (
        lambda x: x.amax(1), lambda g, x: g[:, None].expand(3, 2), "a maximum take, or a threshold let through?",
    ),
    "the mean, taken as a constant": (lambda x: x - x.mean(0), lambda g, x: g, "its own place in the result alone"),
    "the sum of a softmax": (
        lambda x: x.softmax(1), lambda g, x: g * x.softmax(1) * (1 - x.softmax(1)), "other places too: by way of",
    ),
    "mean and deviation of a norm": (
        lambda x: (x - x.mean(0)) / x.std(0), lambda g, x: g / x.std(0), "a mean, a sum, a maximum",
    ),
    "the way past a layer": (
        lambda x: x + x.exp(), lambda g, x: g * x.exp(),
        "the operand plus something, so the gradient that arrives is a part of it too: it is missing",
    ),
}  # fmt: skip


@pytest.mark.parametrize("mistake", MISSING_WAYS)
def test_a_way_through_the_function_that_was_forgotten_is_named(mistake):
    forward, rule, words = MISSING_WAYS[mistake]
    x = mg.tensor([[0.3, -1.2], [2.0, 0.1], [-0.7, 0.9]], dtype=mg.float64)
    (report,) = check_gradients(forward, {"x": x}, rule).wrong.values()
    assert words in report
    assert check_gradients(forward, {"x": x})


def test_a_mistake_at_one_border_is_located():
    def spoilt(g, x, w):
        dx = x_gradient(g, x, w)
        dx[:, :, 0] += 0.37 * g.sum()
        return dx

    with pytest.raises(GradcheckError, match=r"it is wrong at \[0\] of axis 2 \(row\) of x alone"):
        gradcheck(make_function("x", spoilt), make_operands())


SHAPES = [
    {"n": 1, "c": 1, "o": 1, "h": 2, "v": 2},
    {"n": 2, "c": 1, "o": 3, "h": 2, "v": 4, "kh": 1, "kw": 2},
    {"n": 3, "c": 2, "o": 2, "h": 5, "v": 5, "kh": 3, "kw": 3},
    {"n": 1, "c": 3, "o": 2, "h": 3, "v": 3, "kh": 1, "kw": 1},
    {"n": 2, "c": 2, "o": 1, "h": 3, "v": 5, "kh": 2, "kw": 3},
]


def by_loops(x, w, b):
    """`Y[i, j] = ...`, position by position."""
    (n, _, h, v), (o, _, kh, kw) = x.shape, w.shape
    y = mg.zeros(n, o, h - kh + 1, v - kw + 1, dtype=x.dtype)
    for i in range(y.shape[2]):
        for j in range(y.shape[3]):
            y[:, :, i, j] = mg.einsum("ncij,ocij->no", x[:, :, i : i + kh, j : j + kw], w) + b
    return y


RIGHT = {
    "in loops over the kernel": make_function(),
    "Y[i, j] = ...": by_loops,
    "unfold and matmul": lambda x, w, b: (w.flatten(1) @ mg.nn.functional.unfold(x, w.shape[2:])) + b[:, None],
    "conv2d": mg.nn.functional.conv2d,
    "conv2d, padded and strided": lambda x, w, b: mg.nn.functional.conv2d(x, w, b, stride=2, padding=1),
}


@pytest.mark.parametrize("shape", SHAPES, ids=str)
@pytest.mark.parametrize("name", RIGHT)
def test_a_right_gradient_is_never_reported(name, shape):
    for seed in range(2):
        assert gradcheck(RIGHT[name], make_operands(**shape, seed=seed))
        assert gradcheck(RIGHT[name], make_operands(**shape, seed=seed), fast_mode=True)


@pytest.mark.parametrize("stride", [2, 3])
def test_a_right_gradient_with_a_stride_is_never_reported(stride):
    assert gradcheck(make_function(stride=stride), make_operands(h=7, v=8))


def test_the_convolution_by_hand_is_right_without_a_planted_mistake():
    """The planted convolution is the house's own, so a wrong name in these tests is the checker's fault."""
    x, w, b = make_operands()
    assert np.allclose(convolve(*(t.detach().numpy() for t in (x, w, b))), mg.nn.functional.conv2d(x, w, b).detach())
    g = np.ones((2, 3, 4, 4))
    arrays = [t.detach().numpy() for t in (x, w, b)]
    assert np.allclose(right(g, *arrays)[1], w_gradient(g, arrays[0], arrays[1]))


def test_inputs_are_moved_no_further_than_finite_differences_need():
    """So that binary cross entropy, which refuses inputs outside [0, 1], can be checked near them."""
    x = mg.tensor([1e-3 - 1e-6, 1 - 1.5e-6], dtype=mg.float64, requires_grad=True)
    seen = []

    def square(x):
        seen.append(x.detach().max().item())
        return (x * x).sum()

    assert gradcheck(square, x)
    assert max(seen) <= 1 - 1.5e-6 + 1e-6 + 1e-12


def test_the_message_names_arguments_as_the_signature_does():
    def wide(image, kernel):
        return image * kernel

    wrong = mg.autograd.operation("wide", wide, lambda g, kernel: g * kernel, lambda g, image: -g * image)
    points = [mg.ones(3, dtype=mg.float64, requires_grad=True) * 2 for _ in range(2)]
    for function in (wrong, lambda image, kernel: wrong(image, kernel)):
        with pytest.raises(
            GradcheckError, match=r"with respect to input 1,\n\(kernel\), worst at .*\n.*\n.*\n.*negated"
        ):
            gradcheck(function, [p.detach().requires_grad_() for p in points])
    with pytest.raises(GradcheckError, match=r"input 1,\nworst at"):
        gradcheck(lambda *operands: wrong(*operands), [p.detach().requires_grad_() for p in points])


def test_a_function_that_refuses_other_inputs_is_still_checked():
    class Log(mg.autograd.Function):
        @staticmethod
        def forward(ctx, p):
            if bool((p < 0).any()):
                raise ValueError("a probability is needed")
            ctx.save_for_backward(p)
            return p.log()

        @staticmethod
        def backward(ctx, g):
            return g * ctx.saved_tensors[0]  # the mistake: right is g / p

    p = mg.tensor([0.25, 0.5], dtype=mg.float64, requires_grad=True)
    with pytest.raises(GradcheckError, match="worst at"):
        gradcheck(Log.apply, (p,))
