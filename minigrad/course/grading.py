"""A folder of students' files, each run on its own and with a time limit: who has which exercise right?"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

from minigrad.course.checking import RECORD


@dataclass
class Grade:
    """One student's verdicts, by exercise: None for right, else the complaint; and what kept a file from running."""

    student: str
    verdicts: dict[str, str | None] = field(default_factory=dict)
    failures: list[str] = field(default_factory=list)

    @property
    def right(self) -> list[str]:
        return [name for name, complaint in self.verdicts.items() if complaint is None]


def grade(folder: str | os.PathLike[str], seconds: float = 120.0, extra: Sequence[str] = ()) -> list[Grade]:
    """Run every .py and .ipynb file in `folder`, and collect the verdicts of the `course.check` calls in them.

    A student is a file, or a subfolder with several. `extra` are a teacher's own files of exercises, run before each.
    The files are programs and run with your rights: grade only what you would run yourself. Raises FileNotFoundError
    and ValueError for a folder that is not there, or without such files.
    """
    root = Path(folder)
    if not root.is_dir():
        raise FileNotFoundError(f"there is no folder {str(root)!r} to grade")
    files = sorted(p for p in root.rglob("*") if p.suffix in (".py", ".ipynb") and ".ipynb_checkpoints" not in p.parts)
    if not files:
        raise ValueError(f"no .py and no .ipynb file is in {str(root)!r}")
    grades: dict[str, Grade] = {}
    for path in files:
        first = path.relative_to(root).parts[0]
        student = first if (root / first).is_dir() else path.stem
        _run(path, grades.setdefault(student, Grade(student)), seconds, extra)
    return list(grades.values())


def table(grades: Sequence[Grade]) -> str:
    """The grades as text: a line for each student, then what is not right."""
    width = max(len(g.student) for g in grades)
    lines = [f"{g.student:<{width}}  {len(g.right)} of {len(g.verdicts)} right" for g in grades]
    for g in grades:
        lines += [f"\n{g.student}:"] if g.failures or len(g.right) < len(g.verdicts) else []
        lines += [f"  {failure}" for failure in g.failures]
        lines += [f"  {name}: {complaint}" for name, complaint in g.verdicts.items() if complaint is not None]
    return "\n".join(lines)


def code_of(path: Path) -> str:
    """The program in a file: a notebook's code cells, without the lines that only a notebook understands."""
    text = path.read_text("utf-8")
    if path.suffix == ".py":
        return text
    cells = json.loads(text)["cells"]
    sources = ["".join(cell["source"]) for cell in cells if cell["cell_type"] == "code"]
    lines = "\n".join(sources).splitlines()
    return "\n".join("" if line.lstrip().startswith(("%", "!", "?")) else line for line in lines)


def _run(path: Path, into: Grade, seconds: float, extra: Sequence[str]) -> None:
    with tempfile.TemporaryDirectory() as scratch:
        record, program = Path(scratch) / "record", Path(scratch) / path.with_suffix(".py").name
        try:
            source = "".join(f"{Path(file).read_text('utf-8')}\n" for file in extra) + code_of(path)
            program.write_text(source, encoding="utf-8")
        except (ValueError, KeyError, TypeError, UnicodeDecodeError) as error:
            into.failures.append(f"{path.name} cannot be read: {type(error).__name__}: {error}")
            return
        search = os.pathsep.join([str(Path(__file__).parents[2]), os.environ.get("PYTHONPATH", "")])
        environment = {**os.environ, RECORD: str(record), "PYTHONPATH": search, "MPLBACKEND": "Agg"}
        try:
            done = subprocess.run(  # noqa: S603 (the teacher asked to run these files)
                [sys.executable, str(program)], cwd=scratch, env=environment, timeout=seconds, capture_output=True,
                text=True, check=False, stdin=subprocess.DEVNULL,
            )  # fmt: skip
            if done.returncode:
                last = (done.stderr.strip().splitlines() or ["no message"])[-1]
                into.failures.append(f"{path.name} ended with an error: {last}")
        except subprocess.TimeoutExpired:
            into.failures.append(f"{path.name} was stopped after {seconds:g} seconds")
        for line in record.read_text("utf-8").splitlines() if record.exists() else []:
            verdict = json.loads(line)
            into.verdicts[verdict["exercise"]] = verdict["complaint"]  # the last try counts
