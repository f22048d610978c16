"""Every example in the documentation runs: docstrings, and the Python blocks of README and docs.

A ```python block with prompts is checked like a docstring. One without is executed; if a ```text
block follows it at once, that is what it must print. The blocks of one file share their names.
"""

import contextlib
import doctest
import importlib
import io
import pkgutil
import re
from collections import Counter
from pathlib import Path

import pytest

import minigrad
from tests.any_device import without_device

pytestmark = pytest.mark.usefixtures("fresh_course")  # pages and docstrings register exercises, and try some
ROOT = Path(__file__).resolve().parent.parent
FLAGS = doctest.ELLIPSIS | doctest.NORMALIZE_WHITESPACE
BLOCK = re.compile(r"^```python\n(.*?)^```$(?:\n+^```text\n(.*?)^```$)?", re.MULTILINE | re.DOTALL)
PAGES = [ROOT / "README.md", *sorted((ROOT / "docs").rglob("*.md"))]


WHERE = "it says where the tensor is"
ONE_BY_ONE = "a Python function is called for each number, on the CPU alone"
DRAWS = "a graph draws by the GPU's generator, instead of which these tests have that of the CPU"
NUMPYS = "a rule is called by hand, with an array of NumPy's"
OF_THE_CPU = {  # docstrings and pages, with the reason
    "minigrad.autograd.node.Node.vjp": NUMPYS,
    "minigrad.creation.type_names.TensorType": "a GPU's tensors are of the types in torch.cuda",
    "minigrad.cuda.capturing.CUDAGraph": DRAWS,
    "minigrad.cuda.capturing.graph": DRAWS,
    "minigrad.cuda.graphs.make_graphed_callables": DRAWS,
    "minigrad.devices.default_device": WHERE,
    "minigrad.log10": "the stand-in's is NumPy's, one rounding off",
    "minigrad.tensor.new.NewMethods.apply_": ONE_BY_ONE,
    "minigrad.tensor.new.NewMethods.map_": ONE_BY_ONE,
    "minigrad.tensor.more_facts.get_device": WHERE,
    "minigrad.tensor.storage.StorageMethods.pin_memory": "memory of the CPU is pinned",
    "minigrad.viz.stepper.Stepper": WHERE,
    "convolution_backward.md": NUMPYS,
    "errors.md": "a GPU is not asked for the values it holds: that would wait for it",
    "how_autograd_works.md": NUMPYS,
}


def marks_of(name):
    return [pytest.mark.cpu(OF_THE_CPU[name])] if name in OF_THE_CPU else []


class Printed(doctest.OutputChecker):
    """What is printed, wherever the tensors are."""

    def check_output(self, want, got, optionflags):
        return super().check_output(without_device(want), without_device(got), optionflags)


def find_examples():
    names = ["minigrad"]
    names += [m.name for m in pkgutil.walk_packages(minigrad.__path__, "minigrad.")]
    finder = doctest.DocTestFinder(exclude_empty=True)
    for name in names:
        globs = {} if name == "minigrad" else None  # a reader's `float` is Python's, not minigrad's dtype
        for found in finder.find(importlib.import_module(name), name, globs=globs):
            if found.examples:
                yield pytest.param(found, id=found.name, marks=marks_of(found.name))


def check(example: doctest.DocTest) -> None:
    report = io.StringIO()
    runner = doctest.DocTestRunner(Printed(), optionflags=FLAGS)
    result = runner.run(example, out=report.write, clear_globs=False)
    assert result.attempted > 0
    assert result.failed == 0, report.getvalue()


@pytest.mark.parametrize("example", list(find_examples()))
def test_the_examples_of_a_docstring_run(example, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    check(example)


@pytest.mark.parametrize("page", [pytest.param(p, id=p.name, marks=marks_of(p.name)) for p in PAGES])
def test_the_blocks_of_a_page_run_and_print_what_it_says(page, tmp_path, monkeypatch):
    text = page.read_text("utf-8")
    monkeypatch.chdir(tmp_path)
    names = {"__name__": "__main__"}
    for block in BLOCK.finditer(text):
        code, expected = block.groups()
        line = text.count("\n", 0, block.start()) + 1
        if code.lstrip().startswith(">>>"):
            parsed = doctest.DocTestParser().get_doctest(code, names, page.name, str(page), line)
            check(parsed)
            names = parsed.globs
            continue
        printed = io.StringIO()
        with contextlib.redirect_stdout(printed):
            exec(compile("\n" * line + code, str(page), "exec"), names)
        if expected is not None:
            prints = without_device(printed.getvalue())
            assert prints == without_device(expected), f"{page.name}, the block at line {line}"


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_links_inside_the_repository_have_targets(page):
    targets = re.findall(r"\]\((?!https?:|#|mailto:)([^)#\s]+)", page.read_text("utf-8"))
    missing = [target for target in targets if not (page.parent / target).exists()]
    assert not missing


def test_no_change_is_told_twice():
    entries = re.findall(r"^- (.*(?:\n  .*)*)", (ROOT / "CHANGELOG.md").read_text("utf-8"), re.MULTILINE)
    told = Counter(" ".join(entry.split()) for entry in entries)
    assert len(told) > 100
    assert [entry for entry, times in told.items() if times > 1] == []


def test_the_readme_begins_with_two_commands_of_one_line_each():
    blocks = re.findall(r"^```sh\n(.*?)\n```$", PAGES[0].read_text("utf-8"), re.MULTILINE | re.DOTALL)
    assert len(blocks) >= 2 and not any("\n" in block for block in blocks[:2])
    assert "examples/learn_edge_kernel.py" in blocks[0] and "pytest" in blocks[1]
