"""The backward walk as an animation: its order, its numbers, and a page that reacts to clicks."""

import json
import re
import shutil
import subprocess
from pathlib import Path

import pytest

import minigrad as mg
from minigrad import nn, viz
from tests.any_device import without_device


def test_steps_are_newest_first_with_rules_and_numbers() -> None:
    x, w = mg.tensor([2.0, 3.0], requires_grad=True), mg.tensor([4.0, 5.0], requires_grad=True)
    steps = viz.stepper((x * w).sum()).steps
    assert [step["name"] for step in steps][:2] == ["Sum", "Mul"]
    assert {step["name"]: without_device(step["numbers"]) for step in steps[2:]} == {
        "x": "tensor([4., 5.])",
        "w": "tensor([2., 3.])",
    }
    assert steps[1]["rule"] == "Mul (2,): g arrives. Rule: each factor gets g times the other factor."
    assert "all its shares have arrived" in steps[2]["rule"]
    assert x.grad is None and w.grad is None


def test_a_tensor_used_twice_is_visited_after_both_uses() -> None:
    x = mg.tensor(3.0, requires_grad=True)
    a = x + x
    names = [step["name"] for step in viz.stepper(a + a * a).steps]
    assert names == ["Add", "Mul", "Add", "x"]


def test_the_stepper_leaves_the_graph_for_backward() -> None:
    layer = nn.Conv2d(1, 1, (1, 2))
    loss = (layer(mg.ones(1, 1, 6, 8)) ** 2).sum()
    first, second = viz.stepper(loss, layer), viz.stepper(loss, layer)
    assert first.steps == second.steps and {"weight", "bias"} <= {step["name"] for step in first.steps}
    loss.backward()
    assert layer.weight.grad is not None
    assert any(step["numbers"] == repr(layer.weight.grad) for step in first.steps)


def test_large_gradients_are_shown_by_their_norm() -> None:
    x = mg.zeros(10, 10, requires_grad=True)
    assert viz.stepper((x * 2).sum(), {"x": x}).steps[-1]["numbers"] == "100 numbers, their norm 20"


def test_a_walk_tells_how_to_play_it() -> None:
    x = mg.ones(2, requires_grad=True)
    assert repr(viz.stepper(x.sum())) == 'walk of 2 steps: .save("walk.html") plays it, .steps tells it in words'


def test_a_result_of_several_numbers_is_summed_first() -> None:
    x = mg.tensor([1.0, 2.0], requires_grad=True)
    assert without_device(viz.stepper(x * x).steps[-1]["numbers"]) == "tensor([2., 4.])"


def test_the_walk_starts_from_ones_where_the_result_is_infinite() -> None:
    x = mg.tensor([float("inf"), 1.0], requires_grad=True)
    assert without_device(viz.stepper(x * 2).steps[-1]["numbers"]) == "tensor([2., 2.])"


def test_a_page_is_saved_under_a_name_in_capital_letters(tmp_path: Path) -> None:
    x = mg.ones(2, requires_grad=True)
    viz.stepper((x * 2).sum()).save(tmp_path / "WALK.HTML")
    assert (tmp_path / "WALK.HTML").stat().st_size > 1000


def test_the_page_needs_no_other_files(tmp_path: Path) -> None:
    weight = mg.ones(2, requires_grad=True)
    page = viz.stepper((weight * 2).sum(), {"</script><b>": weight})
    html = page._repr_html_()
    assert "http://www.w3.org/2000/svg" in html and "src=" not in html and "</script><b>" not in html
    assert json.loads(re.search(r"steps = (\[.*\]);", html)[1].replace("<\\/", "</")) == page.steps
    page.save(tmp_path / "walk.html")
    assert (tmp_path / "walk.html").read_text("utf-8").startswith("<!DOCTYPE html>")
    with pytest.raises(ValueError, match=r"saved as \.html; got '.*walk\.svg'"):
        page.save(tmp_path / "walk.svg")


@pytest.mark.parametrize(("what", "error"), [(mg.ones(2), ValueError), (3, TypeError)])
def test_objects_without_a_graph_are_refused(what: object, error: type[Exception]) -> None:
    with pytest.raises(error):
        viz.stepper(what)


CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")


@pytest.mark.skipif(CHROMIUM is None, reason="no Chromium is installed here: the page is not clicked")
def test_the_buttons_next_and_back_change_the_step(tmp_path: Path) -> None:
    x = mg.tensor([1.0, 2.0], requires_grad=True)
    viz.stepper((x * x).sum()).save(tmp_path / "walk.html")
    page = (tmp_path / "walk.html").read_text("utf-8")
    clicks = "".join(f"document.querySelector('[data-do={name}]').click();" for name in ("next", "next", "back"))
    (tmp_path / "walk.html").write_text(page.replace("</body>", f"<script>{clicks}</script></body>"), encoding="utf-8")
    options = ["--headless", "--no-sandbox", "--disable-gpu", f"--user-data-dir={tmp_path}", "--dump-dom"]
    done = subprocess.run(
        [CHROMIUM, *options, (tmp_path / "walk.html").as_uri()], capture_output=True, text=True, timeout=120, check=True
    )
    assert ">step 2 of 3<" in done.stdout and 'class="box now" data-box="1"' in done.stdout


def test_a_leaf_without_a_gradient_has_no_step() -> None:
    class First(mg.autograd.Function):
        @staticmethod
        def forward(ctx, x, y):
            return x * 2

        @staticmethod
        def backward(ctx, g):
            return g * 2, None

    x, y = mg.ones(2, requires_grad=True), mg.ones(2, requires_grad=True)
    steps = viz.stepper(First.apply(x, y).sum(), {"x": x, "y": y}).steps
    assert {step["name"]: without_device(step["numbers"]) for step in steps[2:]} == {"x": "tensor([2., 2.])"}


def test_a_call_with_several_results_shows_the_gradients_of_those_that_were_used() -> None:
    class Multiples(mg.autograd.Function):
        @staticmethod
        def forward(ctx, x):
            return x * 2, x * 3

        @staticmethod
        def backward(ctx, g, h):
            return (0 if g is None else 2 * g) + (0 if h is None else 3 * h)

    x = mg.tensor([1.0, 2.0], requires_grad=True)
    twice, thrice = Multiples.apply(x)
    for used, numbers in (
        ((thrice * 5).sum(), ["tensor([5., 5.])"]),
        ((twice * 7 + thrice).sum(), ["7., 7.", "1., 1."]),
    ):
        (step,) = [step for step in viz.stepper(used).steps if step["name"] == "Multiples"]
        assert all(part in without_device(step["numbers"]) for part in numbers)
        assert len(step["numbers"].splitlines()) == len(numbers)
