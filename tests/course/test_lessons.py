"""Every chapter of the course runs from its first cell to its last, alone, without a warning."""

import ast
import re
import runpy
from pathlib import Path

import pytest

from minigrad import get_default_dtype, manual_seed, set_default_dtype
from tests.marks import mark_each

COURSE = Path(__file__).resolve().parents[2] / "docs" / "course"
CHAPTERS = {p.stem: p for p in sorted(COURSE.glob("[0-9]*.py"))}


@pytest.fixture(autouse=True)
def _as_it_was():
    dtype = get_default_dtype()
    manual_seed(0)
    yield
    set_default_dtype(dtype)


OF_THE_CPU = {
    "11_reading_errors": "a GPU is not asked whether labels are classes",
    "13_gpu_and_several_processes": "it moves tensors to a GPU itself",
}


@pytest.mark.parametrize("name", mark_each(CHAPTERS, OF_THE_CPU))
def test_a_chapter_runs(name, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr("sys.path", [p for p in __import__("sys").path if Path(p or ".").resolve() != COURSE])
    runpy.run_path(str(CHAPTERS[name]), run_name="__main__")


@pytest.mark.parametrize("path", CHAPTERS.values(), ids=CHAPTERS)
def test_a_chapter_reads_as_a_page(path):
    text = path.read_text("utf-8")
    assert re.match(r"# %% \[markdown\]\n# # \d+\. ", text)
    assert text.count("\n# %%") >= 3
    prose = "\n".join(line for line in text.splitlines() if line.startswith("# "))
    targets = re.findall(r"\]\((?!https?:|#)([^)#\s]+)", prose)
    assert not [target for target in targets if not (path.parent / target).exists()]


def test_the_engine_of_chapter_7_has_fewer_than_a_hundred_lines():
    """Its last version of each part, from step 2's order of the walk to step 6's convolutions."""
    source = CHAPTERS["07_an_engine_in_one_file"].read_text("utf-8")
    order = source[source.index("def newest_first") : source.index("def walk_newest_first")]
    parts = {}
    for node in [*ast.parse(order).body, *ast.parse(source[source.index("class Tensor") :]).body]:
        if isinstance(node, (ast.FunctionDef, ast.ClassDef)):
            parts[node.name] = node
        elif isinstance(node, ast.Assign) and ast.unparse(node.value).startswith("operation("):
            parts[node.targets[0].id] = node
    lines = [
        line
        for name, node in parts.items()
        if name != "loss_of" and not name.endswith("_rule")
        for line in ast.unparse(node).splitlines()
        if line.strip()
    ]
    assert "conv_w" in parts and "gradients" in parts and 70 <= len(lines) < 100
