"""Checks of every program in examples/."""

import ast
import importlib
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
PROGRAMS = sorted({path.stem for path in (ROOT / "examples").glob("*.py")} - {"shared_options"})
SEEDED = [name for name in PROGRAMS if "--seed" in (ROOT / "examples" / f"{name}.py").read_text(encoding="utf-8")]


@pytest.mark.parametrize("name", PROGRAMS)
def test_help_prints_the_docstring(name: str, capsys: pytest.CaptureFixture[str]) -> None:
    module = importlib.import_module(name)
    with pytest.raises(SystemExit) as stop:
        module.main(["--help"])
    assert stop.value.code == 0
    printed = capsys.readouterr().out
    assert module.__doc__ is not None and len(module.__doc__.splitlines()) > 2
    assert module.__doc__.splitlines()[0] in printed


@pytest.mark.parametrize("name", PROGRAMS)
def test_an_unknown_option_is_refused(name: str, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as stop:
        importlib.import_module(name).main(["--colour"])
    assert stop.value.code == 2
    assert "unrecognized arguments: --colour" in capsys.readouterr().err


@pytest.mark.parametrize("text", ["one", "1.5", str(2**64), "-1" + "0" * 5000])
@pytest.mark.parametrize("name", SEEDED)
def test_what_is_no_seed_is_refused_in_words(name: str, text: str, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as stop:
        importlib.import_module(name).main(["--seed", text])
    assert stop.value.code == 2
    said = capsys.readouterr().err.splitlines()[-1]
    assert "argument --seed: a seed is a whole number from -2**63 to 2**64 - 1; got " + text[:40] in said
    assert len(said) < 200


@pytest.mark.parametrize("name", PROGRAMS)
def test_each_example_is_short_and_imports_no_other_framework(name: str) -> None:
    source = (ROOT / "examples" / f"{name}.py").read_text(encoding="utf-8")
    tree = ast.parse(source)
    imported = {
        alias.name.partition(".")[0] for node in ast.walk(tree) if isinstance(node, ast.Import) for alias in node.names
    }
    assert not imported & {"torch", "tensorflow", "jax"}
    assert len(source.splitlines()) < 250


def test_an_example_runs_as_a_program_from_any_folder(tmp_path: Path) -> None:
    done = subprocess.run(
        [sys.executable, ROOT / "examples" / "detect_edges.py"],
        cwd=tmp_path,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.stderr == ""
    assert done.returncode == 0
    assert "tensor([[ 0.,  1.,  0.,  0.,  0., -1.,  0.]," in done.stdout


def test_the_reading_order_names_every_program_once() -> None:
    page = (ROOT / "examples" / "README.md").read_text(encoding="utf-8")
    named = re.findall(r"^(\d+)\. \[(\w+)\.py\]\((\w+)\.py\): ", page, re.MULTILINE)
    assert [int(number) for number, _, _ in named] == list(range(1, len(named) + 1))
    assert sorted(name for _, name, _ in named) == PROGRAMS and all(name == target for _, name, target in named)
