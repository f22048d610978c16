"""check: the message to a student for every kind of answer; the right answer is never shown."""

import ast
import contextlib
import re
import sys
import time
from importlib.util import find_spec
from pathlib import Path

import numpy as np
import pytest

import minigrad as mg
from minigrad import course
from minigrad.course.checking import find, judge
from minigrad.course.exercise import draw_point


def ask(capsys, name, answer):
    verdict = course.check(name, answer)
    return verdict, capsys.readouterr().out


NAMES = course.exercises()


@pytest.mark.parametrize("name", [n for n in NAMES if not find(n).gradient_of])
def test_every_solution_is_right(name):
    exercise = find(name)
    assert judge(exercise, exercise.solution) is None
    assert exercise.hint and exercise.page and exercise.question


def answer_by_autograd(exercise):
    """A gradient for a gradient exercise, from the engine."""

    def answer(g, *operands):
        i = exercise.parameters[1:].index(exercise.gradient_of)
        leaves = [x.detach().clone().requires_grad_() for x in operands]
        with mg.enable_grad():
            return mg.autograd.grad(exercise.solution(*leaves), leaves, g)[i]

    return answer


@pytest.mark.parametrize("name", [n for n in NAMES if find(n).gradient_of])
def test_each_gradient_exercise_accepts_right_and_refuses_wrong(name):
    exercise = find(name)
    right = answer_by_autograd(exercise)
    assert judge(exercise, right) is None
    assert "negated" in judge(exercise, lambda *a: -right(*a))
    assert "It returned None" in judge(exercise, lambda *a: print(end=""))
    assert exercise.hint and exercise.page and exercise.question


def test_a_right_answer_is_accepted(capsys):
    assert ask(capsys, "3.same_padding", lambda k: (k - 1) // 2) == (True, "3.same_padding: right.\n")


COURSE = Path(__file__).resolve().parents[2] / "docs" / "course"


@pytest.mark.parametrize("name", NAMES)
def test_the_page_of_an_exercise_names_a_heading_of_its_chapter(name):
    chapter, heading = re.fullmatch(r"chapter (\d+), (?:'(.+)'|step \d)", find(name).page).groups()
    (page,) = COURSE.glob(f"{int(chapter):02}_*.py")
    heading = heading or f"Step {find(name).page[-1]}"
    assert re.search(rf"^# ## {re.escape(heading)}(:|$)", page.read_text("utf-8"), re.MULTILINE)


def test_each_stub_of_the_course_asks_the_question_of_its_exercise():
    asked = set()
    for page in COURSE.glob("[0-9]*.py"):
        text = page.read_text("utf-8")
        stubs = {f.name: ast.get_docstring(f) for f in ast.walk(ast.parse(text)) if isinstance(f, ast.FunctionDef)}
        checked = dict(re.findall(r'course\.check\("([\w.]+)", (\w+)\)', text))
        checked |= {name: f"{name[2:]}_rule" for name in NAMES if name.startswith("7.") and page.name.startswith("07")}
        assert {name: stubs[stub] for name, stub in checked.items()} == {name: find(name).question for name in checked}
        asked |= set(checked)
    assert asked == set(course.exercises())


def test_the_first_hint_comes_before_the_page(capsys):
    _, first = ask(capsys, "3.same_padding", lambda k: k)
    _, second = ask(capsys, "3.same_padding", lambda k: k)
    assert "For k = 3: 3 is not right." in first and "Hint: without padding" in first and "Read:" not in first
    assert "Read: chapter 3, 'Padding'" in second


def stub(X, K):
    """The cross-correlation."""


def dots(X, K): ...


def unfinished(X, K):
    raise NotImplementedError


def recursive(X, K):
    return recursive(X, K)


def overwriting(X, K):
    X[0, 0] = 0
    return mg.nn.functional.conv2d(X[None, None], K[None, None])[0, 0]


BAD = {
    "a docstring alone": (stub, "It is still empty: write its body."),
    "dots": (dots, "It is still empty"),
    "NotImplementedError": (unfinished, "It is still empty: write its body in place of"),
    "no return": (lambda X, K: print(end=""), "it returned None: is `return` missing?"),
    "a shape too large": (lambda X, K: X, "its shape is (3, 3), where (2, 2) is due: off by one"),
    "a text": (lambda X, K: "map", "a tensor is due, and it returned str"),
    "ragged": (lambda X, K: [[1], [1, 2]], "differ in shape"),
    "nan": (lambda X, K: mg.full((2, 2), mg.nan), "4 of 4 numbers are nan or inf"),
    "all numbers too large": (
        lambda X, K: mg.nn.functional.conv2d(X[None, None], K[None, None])[0, 0] + 1, "all numbers are off by",
    ),
    "the end of Python": (lambda X, K: exit(), "It ends Python, by exit()"),
    "one row forgotten": (
        lambda X, K: mg.nn.functional.conv2d(X[None, None], (K * mg.tensor([[1.0], [0]]))[None, None])[0, 0],
        "this would be right for K without index 1 of axis 0",
    ),
    "an exception": (lambda X, K: X @ K, "It raised RuntimeError"),
    "too few parameters": (lambda X: X, "It is called with (X, K), and takes (X): the parameters do not fit."),
    "without end": (recursive, "It calls itself without end"),
    "no function": (3, "A function of (X, K) is due; got int: give its name, without a call."),
    "its argument changed": (overwriting, "It wrote into its arguments; work on a new tensor."),
    "one number wrong": (
        lambda X, K: mg.nn.functional.conv2d(X[None, None], K[None, None])[0, 0] + mg.tensor([[0.0, 0], [0, 1]]),
        "1 of 4 numbers is wrong, the first at index (1, 1)",
    ),
    "negated": (lambda X, K: -mg.nn.functional.conv2d(X[None, None], K[None, None])[0, 0], "right answer negated"),
    "a mean": (lambda X, K: mg.nn.functional.conv2d(X[None, None], K[None, None])[0, 0] / 4, "right answer times 0.25"),
    "a true convolution": (
        lambda X, K: mg.nn.functional.conv2d(X[None, None], K.flip(0, 1)[None, None])[0, 0],
        "this would be right for K flipped along axis 0 and axis 1",
    ),
    "transposed": (
        lambda X, K: mg.nn.functional.conv2d(X[None, None], K[None, None])[0, 0].T, "right answer transposed",
    ),
}  # fmt: skip


def corr2d(X, K):
    return mg.nn.functional.conv2d(X[None, None], K[None, None])[0, 0]


class Remembers:
    """Right the first time; then the first answer again, or one more each time."""

    def __init__(self, grows):
        self.grows, self.calls = grows, []

    def __call__(self, X, K):
        self.calls.append(corr2d(X, K))
        return self.calls[-1] + len(self.calls) - 1 if self.grows else self.calls[0]


def changes_one_number(X, K):
    right = corr2d(X, K)
    X[0, 0] = 7
    return right


LIMITED = pytest.mark.skipif(
    sys.platform != "linux" or find_spec("cupy") is not None, reason="no limit of memory is kept here"
)


def wants_more_each_time(X, K):
    grown = []
    while True:
        grown.append(mg.empty(2**26))


async def waits(X, K):
    return corr2d(X, K)


def offers(X, K):
    yield corr2d(X, K)


def asks(X, K):
    raise ValueError("x" * 5000)


def gives_up(X, K):
    raise AssertionError


BAD |= {
    "whole numbers": (lambda X, K: corr2d(X, K).int(), "it returned whole numbers (int32); the right ones have digits"),
    "half precision": (lambda X, K: corr2d(X, K).half(), "it returned float16, which keeps three digits"),
    "booleans": (lambda X, K: corr2d(X, K) > 0, "it returned True or False, where numbers are due"),
    "complex numbers": (
        lambda X, K: np.asarray(corr2d(X, K)).astype(complex), "real numbers are due, and it returned complex numbers",
    ),
    "objects": (lambda X, K: np.array(corr2d(X, K).tolist(), dtype=object), "and it returned Python objects"),
    "nothing but zeros": (lambda X, K: corr2d(X, K) * 0, "all its numbers are 0."),
    "its argument changed, its answer right": (changes_one_number, "It wrote into its arguments"),
    "a global that grows": (Remembers(True), "Called once more with the same arguments it answers differently"),
    "a global that stays": (Remembers(False), "For X (5, 6), K (2, 3): it gives the answer of its first call again"),
    "prints alone": (lambda X, K: print(corr2d(X, K).shape), "it returned None: is `return` missing?"),
    "a comma too many": (lambda X, K: (corr2d(X, K),), "it returned a tuple of one: return what is in it"),
    "an axis too many": (lambda X, K: corr2d(X, K)[None], "where (2, 2) is due: an axis of size 1 too many"),
    "a flat map": (lambda X, K: corr2d(X, K).flatten(), "where (2, 2) is due: as many numbers as are due, in another"),
    "a generator": (offers, "a tensor is due, and it returned generator, which has computed nothing yet: with"),
    "a coroutine": (waits, "a tensor is due, and it returned coroutine: write `def` in place of `async def`"),
    "a function": (lambda X, K: corr2d, "a tensor is due, and it returned function: is the call, (...), missing?"),
    "a class": (Remembers, "A function of (X, K) is due; got the class Remembers."),
    "too many parameters": (lambda X, K, h: X, "It is called with (X, K), and takes (X, K, h): the"),
    "a size too large": (lambda X, K: mg.zeros(10**7, 10**7), "It asks for too much memory"),
    "memory that grows": (wants_more_each_time, "is a size too large, or does something grow in a loop?"),
    "a long message": (asks, "x" * 300 + " ... (line"),
    "no message": (gives_up, "It raised AssertionError (line"),
}  # fmt: skip


@pytest.mark.parametrize("what", [pytest.param(w, marks=LIMITED) if w == "memory that grows" else w for w in BAD])
def test_a_wrong_answer_gets_a_message_and_no_exception(what, capsys):
    answer, words = BAD[what]
    verdict, text = ask(capsys, "1.corr2d", answer)
    assert verdict is False and words in text and "Hint: " in text
    for number in ("19", "37", "43"):  # the right answer
        assert not re.search(rf"\b{number}\b", text.split("Hint")[0])


@LIMITED
def test_the_limit_of_memory_is_removed_afterwards(capsys):
    import resource

    ask(capsys, "1.corr2d", wants_more_each_time)
    assert resource.getrlimit(resource.RLIMIT_AS)[0] == resource.RLIM_INFINITY


def test_the_modes_of_the_engine_are_restored(capsys):
    def switches_off(X, K):
        mg.set_grad_enabled(False)
        return corr2d(X, K)

    assert ask(capsys, "1.corr2d", switches_off)[0] and mg.is_grad_enabled()
    with mg.no_grad():  # nor does the student's own matter
        assert ask(capsys, "8.db", lambda g, x, w, b: g.sum((0, 2, 3)))[0]


def test_autograd_in_place_of_a_rule_is_refused(capsys):
    def answer(g, x, y):
        x = x.clone().requires_grad_()
        (x * y).backward(g)
        return x.grad

    _, text = ask(capsys, "7.multiply", answer)
    assert "It asks autograd for a gradient; this one is worked out by hand" in text


def test_an_exception_is_shown_with_its_line(capsys):
    def answer(X, K):
        return X.no_such_method()

    _, text = ask(capsys, "1.corr2d", answer)
    assert "AttributeError" in text and "return X.no_such_method()" in text


def test_an_endless_loop_is_stopped_with_a_message(capsys):
    exercise = find("3.output_size")
    quick = type(exercise)(**{**exercise.__dict__, "seconds": 0.2})

    def answer(n, k, padding=0, stride=1):
        while True:
            with contextlib.suppress(Exception):
                n += 1

    began = time.monotonic()
    assert "stopped after 0.2 seconds" in judge(quick, answer) and "never ends" in judge(quick, answer)
    assert time.monotonic() - began < 5


@pytest.mark.parametrize(
    ("name", "answer", "words"),
    [
        ("1.window", lambda X, i, j, h, w: X[j : j + h, i : i + w], "this would be right with i and j exchanged"),
        (
            "9.parameters",
            lambda i, o, k: o * (i * k + 1),
            "For channels_in = 1, channels_out = 6, k = 5: 36 is not right.",
        ),  # no name by chance
        ("1.multiplications", lambda H, W, h, w: "24", "a number is due, and it returned str"),
        ("2.horizontal", None, "It returned None"),
        ("2.horizontal", "x", "a kernel is due, and it returned str"),
        ("2.horizontal", [[1], [2, 3]], "differ in shape"),
        ("2.horizontal", mg.full((2, 1), mg.nan), "nan or inf"),
        ("2.horizontal", mg.zeros(0, 1), "with two axes and at least one number, is due; got the shape (0, 1)"),
        ("4.multi_in", lambda X, K: mg.zeros(2, 3, 3), "is a sum over the first axis missing?\n"),
        ("5.learn", lambda X, Y, shape: mg.full(shape, 9.0), "do the steps go up the slope (+ for -)?"),
        ("5.learn", lambda X, Y, shape: "K", "a kernel is due, and it returned str"),
        ("7.multiply", lambda g, x, y: (g * y, g * x), "it returned 2 things, where one gradient is due"),
        ("7.multiply", lambda g, x, y: g * x, "this is the gradient of y, not of x"),
        ("7.multiply", lambda g, x, y: g.mul_(y), "Compute into a new array: g * 2.\n"),
        ("7.stretch", lambda g, x, b: g.sum(0, keepdim=True), "here (3,): an axis of size 1 too many, or too few."),
        ("7.multiply", lambda g, x, y: (g * y).int(), "it returned whole numbers (int32), which lose what stands"),
        ("7.multiply", lambda g, x, y: g * y / 0, "6 of its 6 numbers are nan or inf"),
        ("7.multiply", lambda g, x, y: (g * y,), "it returned a tuple of one, where one gradient is due"),
        ("7.multiply", lambda g, x, y: y, "it is not multiplied by g: for g = 0 it gives the gradient"),
        ("4.one_by_one", 3, "A function of (X, K) is due; got int: give its name"),
        ("4.one_by_one", lambda X: X, "It is called with (X, K), and takes (X)"),
        ("4.one_by_one", lambda X, K: X.mul_(2), "It wrote into its arguments"),
        ("5.learn", lambda X, Y, shape: Y.zero_(), "It wrote into its arguments"),
        ("4.multi_in_out", lambda X, K: find("4.multi_in_out").solution(X, K).permute(1, 2, 0), "axes in the order"),
        ("7.sigmoid", lambda g, x: g * x * (1 - x), "in its place, but scaled wrongly: look at the formula"),
        ("7.stretch", lambda g, x, b: g.sum(1), "here (3,): was it summed over the right axes?"),
        ("7.matmul", lambda g, a, b: g @ b.T, "a gradient has the shape of its argument, here (3, 4).\n"),
        ("8.dw", lambda g, x, w, b: w * g.sum(), "of w (value 1.49492), output index (0, 2, 0, 0): finite differences"),
        ("1.corr2d", mg.zeros(2, 2), "got Tensor: give its name, without a call."),
        ("3.receptive_field", lambda kernels, strides: kernels, "one number is due, and it returned a list of 1."),
        ("12.winograd", lambda d, g: 1, "a list of 2 numbers is due, and it returned one number."),
        ("12.winograd", lambda d, g: [1, 2, 3, 4], "a list of 2 numbers is due, and it returned 4."),
        ("5.loss", lambda p, t: (p - t) ** 2, "where one number, shape (), is due"),
        ("5.loss", lambda p, t: ((p - t) ^ 2).sum(), "a power is written x ** y"),
        ("6.distance", lambda lr, c, steps: (1 - lr * c) ^ steps, "a power is written x ** y"),
        ("9.momentum", lambda w, g, v, lr, mu: (mu * v + g, w - lr * (mu * v + g)), "right, but in the wrong order"),
        ("6.best", lambda curvatures: 2 / (curvatures[0] + curvatures[1]), "4.0, 9.0, 1.0]: 0.153846 is not right."),
        ("9.accuracy", lambda s, t: (s.argmax(1, keepdim=True) == t).float().mean(), "labels (6,): 0.5 is not right."),
        ("10.confusion", lambda p, t, n: (mg.eye(n)[t].T @ mg.eye(n)[p]).clamp(max=1), "1 of 9 numbers is wrong"),
        ("4.one_by_one", lambda X, K: mg.nn.functional.conv2d(X[None], K)[0], "write the product of matrices yourself"),
    ],
)
def test_a_wrong_answer_gets_its_message(name, answer, words, capsys):
    verdict, text = ask(capsys, name, answer)
    assert verdict is False and words.lower() in text.lower()


def test_several_products_are_refused_where_one_is_enough(capsys):
    def by_pixels(X, K):
        columns = [K.flatten(1) @ X[:, i, j] for i in range(X.shape[1]) for j in range(X.shape[2])]
        return mg.stack(columns, 1).reshape(-1, *X.shape[1:])

    _, text = ask(capsys, "4.one_by_one", by_pixels)
    assert "the numbers are right, but" in text.lower() and "one product of matrices is enough" in text
    assert ask(capsys, "4.one_by_one", lambda X, K: mg.einsum("oc,chw->ohw", K[:, :, 0, 0], X))[0]
    assert ask(capsys, "4.one_by_one", lambda X, K: np.einsum("oc,chw->ohw", K.numpy()[:, :, 0, 0], X.detach()))[0]


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


@pytest.mark.parametrize(
    ("answer", "words"),
    [
        (learn(0.1, 500), "the learning rate is too large, or the steps go up the slope (+ for -)."),
        (learn(0.01, 2, slope=1), "do the steps go up the slope (+ for -)?"),
        (learn(0.01, 3), "and at most 0.05 is due: more steps, or larger ones"),
        (learn(0.01, 200, zero=False), "is .grad set to zero before the next one?"),
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


def test_winograd_by_six_multiplications_is_refused(capsys):
    def plain(d, g):
        return [sum(d[k + i] * g[k] for k in range(3)) for i in range(2)]

    def quick(d, g):
        m1, m4 = (d[0] - d[2]) * g[0], -(d[3] - d[1]) * g[2]
        m2 = 0.5 * (d[1] + d[2]) * (g[0] + g[1] + g[2])
        m3 = (d[2] - d[1]) * (g[0] - g[1] + g[2]) / 2
        return [m1 + m2 + m3, m2 - m3 - m4 + 0]

    _, text = ask(capsys, "12.winograd", plain)
    assert "The numbers are right, but 6 multiplications of a d by a g made them; four are enough." in text
    assert ask(capsys, "12.winograd", quick)[0]
    assert ask(capsys, "12.winograd", lambda d, g: np.array(plain(list(map(float, d)), g)))[0]  # nothing to count


def test_a_hidden_case_is_not_shown(capsys):
    _, text = ask(capsys, "3.output_size", lambda n, k, padding=0, stride=1: -(-(n + 2 * padding - k) // stride) + 1)
    assert "In a hidden case: the answer is not right." in text or "For n = 8, k = 3, padding = 1, stride = 2" in text
    course.exercise("t.hidden", cases=[(1,)], hidden=[(7,)])(lambda n: n * n)
    _, text = ask(capsys, "t.hidden", lambda n: n)
    assert text == "t.hidden: not yet. In a hidden case: the answer is not right.\n"
    _, text = ask(capsys, "t.hidden", {1: 1}.__getitem__)
    assert text == "t.hidden: not yet. In a hidden case: it raised KeyError.\n"


def test_a_gradient_of_the_wrong_shape_is_explained(capsys):
    _, text = ask(capsys, "8.db", lambda g, x, w, b: g.sum((2, 3)))
    assert "it has the shape (2, 3)" in text and "sum over the first axis" in text


def test_the_mistake_in_a_gradient_is_named(capsys):
    def unflipped(g, x, w, b):
        return mg.nn.functional.conv_transpose2d(g, w.flip(2, 3))

    _, text = ask(capsys, "8.dx", unflipped)
    assert "b (3,): computed with w flipped along axis 2 (kernel row)" in text


def test_answers_in_numpy_are_accepted(capsys):
    def answer(g, x, w, b):
        return np.asarray(g).sum(axis=(0, 2, 3))

    assert ask(capsys, "8.db", answer)[0]


def test_values_are_judged_without_a_function(capsys):
    assert ask(capsys, "2.horizontal", mg.tensor([[1.0], [-1.0]]))[0]
    assert ask(capsys, "2.horizontal", [[-2.0], [2.0]])[0]
    assert "its map should not be 0 everywhere, and it is" in ask(capsys, "2.horizontal", [[0.0], [0.0]])[1]
    assert "should be 0 everywhere; it has numbers up to 2" in ask(capsys, "2.horizontal", [[2.0, -2.0]])[1]
    course.exercise("t.answer", cases=[()])(lambda: 42)
    assert ask(capsys, "t.answer", 42)[0] and not ask(capsys, "t.answer", 41)[0]


def test_an_unknown_exercise_is_refused():
    with pytest.raises(KeyError, match=r"no exercise '8.dv'; did you mean .*8\.dw"):
        course.check("8.dv", lambda: 0)
    with pytest.raises(KeyError, match="lists what there is"):
        course.check("", lambda: 0)
    with pytest.raises(KeyError, match=r"the name of the exercise comes first.*got <function corr2d"):
        course.check(corr2d, "1.corr2d")


def test_exercises_and_explain_list_names_and_questions():
    assert course.exercises(8) == ["8.db", "8.dw", "8.dw_strided", "8.dx", "8.dx_strided"]
    assert course.exercises("12") == ["12.im2col", "12.winograd"]
    names = course.exercises()
    assert names.index("9.accuracy") < names.index("10.confusion")
    assert course.explain("8.db").splitlines()[0] == "db(g, x, w, b)"


def test_the_points_of_each_exercise_show_every_mistake():
    """What one point of a gradient exercise cannot show, another one does."""
    for name in course.exercises():
        exercise = find(name)
        if exercise.gradient_of:
            reports = [course.check_gradients(exercise.solution, draw_point(point)) for point in exercise.points]
            assert not set.intersection(*[set(report.blind) for report in reports])


def test_invalid_exercises_are_refused_when_made():
    with pytest.raises(ValueError, match="`of` is one of x, y; got 'z'"):
        course.gradient_exercise("t.bad", of="z", points=[])(lambda x, y: x)
    with pytest.raises(ValueError, match=r"a point gives the shapes of \['x', 'y'\]"):
        course.gradient_exercise("t.bad", of="x", points=[{"x": (2,)}])(lambda x, y: x)
    with pytest.raises(ValueError, match="neither cases nor a judge"):
        course.exercise("t.bad")(lambda: 0)
