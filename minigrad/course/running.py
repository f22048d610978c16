"""Runs one student's file for `grading.py`: ``python -m minigrad.course.running FILE [EXERCISES ...]``.

A notebook runs cell by cell, so that a cell that fails does not hide the others.
"""

from __future__ import annotations

import json
import linecache
import re
import runpy
import sys
import traceback
from pathlib import Path
from typing import Any

from minigrad.course.limit import memory_limit

GIBIBYTES = 8
OF_PYTHON = ("%%time", "%%timeit", "%%capture", "%%prun")  # cell magics whose cell is still Python
NOTEBOOK_ALONE = re.compile(r"\s*([%!?]|[\w., ]+=\s*[%!]|[\w.]+\?\??\s*$)")  # lines that are not Python


def run(path: Path, exercises: list[str]) -> int:
    """Runs a teacher's exercise files, then the student's; returns the exit status."""
    for file in exercises:
        runpy.run_path(file, run_name="exercises")
    with memory_limit(GIBIBYTES):  # one file must not use up all memory
        if path.suffix == ".ipynb":
            return run_cells(path)
        runpy.run_path(str(path), run_name="__main__")
    return 0


def run_cells(path: Path) -> int:
    """Runs the code cells of a notebook in one namespace; returns 1 if any failed."""
    names: dict[str, Any] = {"__name__": "__main__", "display": print}
    failures = 0
    for number, cell in enumerate(read_cells(path), 1):
        place = f"{path.name}, cell {number}"
        linecache.cache[place] = len(cell), None, cell.splitlines(keepends=True), place  # for the lines of an error
        try:
            exec(compile(cell, place, "exec"), names)  # noqa: S102 (the teacher asked to run it)
        except Exception:  # noqa: BLE001 (a student's code may raise anything)
            failures += 1
            traceback.print_exc()
    return int(failures > 0)


def read_cells(path: Path) -> list[str]:
    """The code cells of a notebook as Python. Raises ValueError for a file that is no notebook."""
    try:
        cells = json.loads(path.read_text("utf-8-sig"))["cells"]
        sources = ["".join(cell["source"]) for cell in cells if cell["cell_type"] == "code"]
    except (ValueError, KeyError, TypeError) as error:
        raise ValueError(f"this is no notebook ({type(error).__name__}: {error})") from None
    return list(map(write_as_python, sources))


def write_as_python(cell: str) -> str:
    """A cell without magics and shell commands."""
    if cell.lstrip().startswith("%%") and not cell.lstrip().startswith(OF_PYTHON):
        return ""
    lines = []
    for line in cell.splitlines():
        indent = line[: len(line) - len(line.lstrip())]
        lines.append(f"{indent}pass" if NOTEBOOK_ALONE.match(line) else line)
    return "\n".join(lines) + "\n"


if __name__ == "__main__":
    sys.exit(run(Path(sys.argv[1]), sys.argv[2:]))
