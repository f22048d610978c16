"""In a notebook: short errors that end at the student's line and name their page; tensors and modules as HTML."""

import re
import warnings
from pathlib import Path

import pytest

from minigrad.notebook import SECTIONS, find_section, show_warning, slug

pytest.importorskip("IPython", reason="IPython is not installed: pip install minigrad[test]")
from IPython.core.interactiveshell import InteractiveShell
from traitlets.config import Config

ERRORS = Path(__file__).resolve().parents[1] / "docs" / "errors.md"


@pytest.fixture
def shell(monkeypatch, tmp_path):
    monkeypatch.setenv("IPYTHONDIR", str(tmp_path))
    InteractiveShell.clear_instance()
    config = Config()
    config.HistoryManager.enabled = False
    shell = InteractiveShell.instance(config=config, colors="nocolor")
    shown = []
    monkeypatch.setattr(shell, "_showtraceback", lambda kind, error, lines: shown.append([*lines]))
    shell.shown = shown
    shell.run_line_magic("load_ext", "minigrad")
    yield shell
    InteractiveShell.clear_instance()


def test_a_missing_batch_axis_takes_few_lines(shell):
    result = shell.run_cell("import minigrad as torch\nlayer = torch.nn.Conv2d(1, 1, 3)\ny = layer(torch.ones(6, 8))")
    assert isinstance(result.error_in_exec, RuntimeError)
    (lines,) = shell.shown
    assert lines[:2] == ["in this cell, line 3:", "----> y = layer(torch.ones(6, 8))"]
    assert lines[2].startswith("RuntimeError: Expected 3D")
    assert lines[3] == "Read: docs/errors.md#an-image-without-its-batch-and-channel-axes"
    assert len(lines) <= 8


def test_an_error_inside_a_students_function_shows_that_line(shell):
    shell.run_cell(
        "import minigrad as torch\ndef net(x):\n    return helper(x)\ndef helper(x):\n    return x @ x\n"
        "net(torch.ones(2, 3))"
    )
    (lines,) = shell.shown
    assert lines[0] == "in this cell, line 6:" and lines[2:4] == ["in helper(), line 5:", "----> return x @ x"]
    assert len(lines) <= 12


def test_a_long_message_is_cut_to_12_lines(shell):
    shell.run_cell("import minigrad as torch\nw = torch.ones(2, requires_grad=True)\nw -= 1")
    assert len(shell.shown[0]) <= 12 and "    w.data -= lr * w.grad" in shell.shown[0]  # short enough to be shown whole
    shell.run_cell(
        "net = torch.nn.Sequential(*[torch.nn.Linear(1, 1) for _ in range(9)])\nnet.load_state_dict({'a': 1})"
    )
    shell.run_cell("def load(): net.load_state_dict({f'a{i}': 0 for i in range(9)})\nload()")
    shell.run_cell("error = RuntimeError('\\n'.join('abcdefghijklmnop'))\ntorch.utils.checkpoint")
    assert all(len(shown) <= 12 for shown in shell.shown)


def test_tb_shows_everything(shell):
    shell.run_cell("import minigrad as torch\ntorch.ones(2) @ torch.ones(3)")
    shell.run_line_magic("tb", "")
    assert len("\n".join(shell.shown[1]).splitlines()) > 12


def test_other_errors_are_shown_unchanged(shell):
    shell.run_cell("1 / 0")
    assert "ZeroDivisionError" in "\n".join(shell.shown[0]) and "%tb" not in "\n".join(shell.shown[0])


def test_after_unload_ext_errors_are_shown_unchanged(shell):
    shell.run_line_magic("unload_ext", "minigrad")
    shell.run_cell("import minigrad as torch\ntorch.ones(2) @ torch.ones(3)")
    assert "%tb" not in "\n".join(shell.shown[0])


def test_advice_names_its_page(shell, capsys, monkeypatch):
    monkeypatch.setattr("warnings.filters", [])  # as in a notebook, where no test run listens
    shell.run_line_magic("reload_ext", "minigrad")
    shell.run_cell("import minigrad as torch\ntorch.advice.enable()\nlayer = torch.nn.Linear(2, 1)")
    shell.run_cell("step = torch.optim.SGD(layer.parameters(), lr=0.1).step")
    shell.run_cell("for _ in range(2):\n    layer(torch.ones(1, 2)).sum().backward()\n    step()")
    said = capsys.readouterr().err.splitlines()
    assert said[0].startswith("Advice: optimizer.step() was called a second time")
    assert said[1:] == ["Read: docs/errors.md#zero_grad-forgotten"]
    others = []
    monkeypatch.setattr("minigrad.notebook._show_as_ever", lambda message, *where: others.append(str(message)))
    shell.run_cell("import warnings\nwarnings.warn('of something else')")
    assert others == ["of something else"] and not capsys.readouterr().err
    shell.run_line_magic("unload_ext", "minigrad")
    assert warnings.showwarning is not show_warning


# Sections about mistakes that raise no error: no message names them.
SILENT = {
    "A layer replaced after the optimizer was made", "A loss kept from round to round",
    "The old weight is gone: `w = w - lr * w.grad`", "A difference larger than both",
    "Mistakes that look like right programs",
}  # fmt: skip


def test_each_section_of_the_page_has_an_error_that_names_it():
    headings = set(re.findall(r"^## (.*)$", ERRORS.read_text("utf-8"), re.MULTILINE))
    assert headings - {heading for _, heading in SECTIONS} == SILENT


def find_messages():
    """Each message that the page of errors shows, after the heading above it."""
    for part in re.split(r"^## ", ERRORS.read_text("utf-8"), flags=re.MULTILINE)[1:]:
        heading = part.splitlines()[0]
        for message in re.findall(
            r"^Traceback \(most recent call last\):\n    \.\.\.\n(\w+: .*(?:\n\t.*)*)$", part, re.MULTILINE
        ):
            yield heading, message


def test_each_message_on_the_page_names_its_section():
    found = list(find_messages())
    assert len(found) > 20
    again = {"Layers in a plain list": "An optimizer with nothing to optimize"}  # one message, two mistakes
    assert [(find_section(message), message) for _, message in found] == [(again.get(h, h), m) for h, m in found]


def test_each_section_that_an_error_names_exists():
    headings = re.findall(r"^## (.*)$", ERRORS.read_text("utf-8"), re.MULTILINE)
    assert {heading for _, heading in SECTIONS} <= set(headings)
    assert slug("`item()` of many") == "item-of-many" and slug("Is a tensor true?") == "is-a-tensor-true"
