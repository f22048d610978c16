"""check, its hints, its limits, and the exercises of the course."""

import ast
import contextlib
import re
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest

import minigrad as mg
from minigrad import course
from minigrad.course.checking import find
from minigrad.course.exercise import draw_point
from minigrad.course.judging import judge
from tests.any_device import without_device
from tests.course.asking import ask, corr2d

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


def test_exercises_are_listed_in_the_order_in_which_the_pages_ask_them():
    for page in sorted(COURSE.glob("[1-9]*.py")) + sorted(COURSE.glob("0[1-9]*.py")):
        chapter = int(page.name[:2])
        asked = re.findall(rf'"({chapter}\.\w+)", \w+\)', page.read_text("utf-8"))
        if chapter != 7:  # it asks in a loop
            assert course.exercises(chapter) == asked
    assert [name for name in NAMES if name.startswith("7.")] == [
        f"7.{name}" for name in ("multiply", "sigmoid", "stretch", "matmul", "softplus")
    ]


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


def test_the_modes_of_the_engine_are_restored(capsys):
    def switches_off(X, K):
        mg.set_grad_enabled(False)
        return corr2d(X, K)

    assert ask(capsys, "1.corr2d", switches_off)[0] and mg.is_grad_enabled()
    with mg.no_grad():  # nor does the student's own matter
        assert ask(capsys, "8.db", lambda g, x, w, b: g.sum((0, 2, 3)))[0]


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


def test_a_hidden_case_is_not_shown(capsys):
    _, text = ask(capsys, "3.output_size", lambda n, k, padding=0, stride=1: -(-(n + 2 * padding - k) // stride) + 1)
    assert "For n = 8, k = 3, padding = 1, stride = 2" in text
    course.exercise("t.hidden", cases=[(1,)], hidden=[(7,)])(lambda n: n * n)
    _, text = ask(capsys, "t.hidden", lambda n: n)
    assert text == "t.hidden: not yet. In a hidden case: the answer is not right.\n"
    _, text = ask(capsys, "t.hidden", {1: 1}.__getitem__)
    assert text == "t.hidden: not yet. In a hidden case: it raised KeyError.\n"


def test_words_of_the_teacher_tell_what_is_special_about_a_hidden_case(capsys):
    hidden = {"a negative number": (-2,), "zero": (0,)}
    course.exercise("t.told", cases=[(1,)], hidden=hidden)(lambda n: mg.tensor([float(abs(n))]))
    _, text = ask(capsys, "t.told", lambda n: mg.tensor([float(n)]))
    assert text == "t.told: not yet. In a hidden case (a negative number): the answer is not right.\n"
    _, text = ask(capsys, "t.told", lambda n: mg.tensor([float(abs(n))] if n else []))
    assert text == "t.told: not yet. In a hidden case (zero): its shape is not right.\n"
    _, text = ask(capsys, "t.told", lambda n: mg.tensor([abs(n) if n > -3 and n else 1 / n]))
    assert text == "t.told: not yet. In a hidden case (zero): it raised ZeroDivisionError.\n"


def test_every_hidden_case_of_the_course_is_told():
    assert not [name for name in NAMES if not all(find(name).told)]


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


def test_a_check_without_name_or_answer_says_what_is_missing(capsys):
    with pytest.raises(KeyError, match=r"the name of the exercise comes first.*got <function corr2d"):
        course.check(corr2d)
    assert not course.check("1.corr2d")
    assert "A function of (X, K) is due; got NoneType" in capsys.readouterr().out


def test_a_name_with_a_typing_mistake_suggests_the_close_name_alone():
    with pytest.raises(KeyError, match=r"no exercise '1'; did you mean 1\.\w+ or 1\.\w+ or 1\.\w+\?"):
        course.check("1", lambda: 0)
    with pytest.raises(KeyError, match=r"no exercise '1.windw'; did you mean 1\.window\?"):
        course.check("1.windw", lambda: 0)


def test_exercises_and_explain_list_names_and_questions():
    assert course.exercises(8) == ["8.db", "8.dw", "8.dx", "8.dw_strided", "8.dx_strided"]
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


def test_loading_the_exercises_draws_no_random_numbers():
    program = (
        "import minigrad as mg; mg.manual_seed(0); from minigrad import course; course.exercises(); print(mg.rand(1))"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    mg.manual_seed(0)
    assert done.stdout.strip() == without_device(repr(mg.rand(1).cpu()))
