"""Grades a folder of students' files: each runs in a process of its own, with a time limit."""

from __future__ import annotations

import contextlib
import json
import os
import re
import signal
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

from minigrad.course.checking import RECORD


@dataclass
class Grade:
    """One student's results by exercise, None if right, else the complaint; and errors of files that did not run."""

    student: str
    verdicts: dict[str, str | None] = field(default_factory=dict)
    failures: list[str] = field(default_factory=list)
    folder: Path | None = None  # for a student with several files

    @property
    def right(self) -> list[str]:
        return [name for name, complaint in self.verdicts.items() if complaint is None]


def grade(folder: str | os.PathLike[str], seconds: float = 120.0, extra: Sequence[str] = ()) -> list[Grade]:
    """Runs every .py and .ipynb file in `folder`, and collects the results of their `course.check` calls.

    A student is a file, or a subfolder with several. `extra` are files with a teacher's exercises, run before each.
    The files run with your rights: grade only what you would run yourself. Raises FileNotFoundError for a missing
    folder, NotADirectoryError for a file, ValueError for a folder without such files.
    """
    root = Path(folder)
    if not root.is_dir():
        if root.exists():
            raise NotADirectoryError(f"{str(root)!r} is a file; give the folder that holds the students' files")
        raise FileNotFoundError(f"there is no folder {str(root)!r} to grade")
    files = sorted(p for p in root.rglob("*") if p.suffix in (".py", ".ipynb") and not p.is_dir())
    files = [p for p in files if not any(part.startswith((".", "__py")) for part in p.relative_to(root).parts)]
    if not files:
        raise ValueError(f"no .py and no .ipynb file is in {str(root)!r}")
    extra = [str(Path(file).resolve(strict=True)) for file in extra]
    grades: dict[str, Grade] = {}
    for path in files:
        first = path.relative_to(root).parts[0]
        own = root / first if (root / first).is_dir() else None
        student = first if own else path.stem
        _run(path, grades.setdefault(student, Grade(student, folder=own)), seconds, extra)
    return list(grades.values())


def table(grades: Sequence[Grade]) -> str:
    """The grades as text: a line for each student, then the complaints."""
    width = max(len(g.student) for g in grades)
    lines = [f"{g.student:<{width}}  {len(g.right)} of {len(g.verdicts)} right" for g in grades]
    for g in grades:
        lines += [f"\n{g.student}:"] if g.failures or len(g.right) < len(g.verdicts) else []
        lines += [f"  {failure}" for failure in g.failures]
        lines += [f"  {name}: {complaint}" for name, complaint in g.verdicts.items() if complaint is not None]
    return "\n".join(lines)


def _run(path: Path, into: Grade, seconds: float, extra: Sequence[str]) -> None:
    """Runs one file in an empty folder, and reads the results that it writes there."""
    with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as scratch:
        record, errors = Path(scratch) / "record", Path(scratch) / "errors"
        status = _wait(_start(path, record, errors, into, extra), seconds)
        if status is None:
            into.failures.append(f"{path.name} was stopped after {seconds:g} seconds")
        elif status:
            said = errors.read_text("utf-8", "replace").strip().splitlines()
            place = _find_line(path.name, said)
            into.failures.append(
                f"{path.name} ended with {f'an error{place}: {said[-1]}' if said else f'status {status}'}"
            )
        lines = record.read_text("utf-8", "replace").splitlines() if record.exists() else []
    for line in lines:
        try:
            verdict = json.loads(line)
            into.verdicts[str(verdict["exercise"])] = verdict["complaint"]  # the last try counts
        except (ValueError, KeyError, TypeError):
            into.failures.append(f"{path.name} wrote into the record of verdicts by itself: look at what it does")


def _find_line(name: str, traceback: Sequence[str]) -> str:
    """The last line of the student's file in a traceback, with a notebook's cell: " in line 3"; "" without one."""
    places = re.findall(rf'File "(?:.*[/\\])?{re.escape(name)}(?:, (cell \d+))?", line (\d+)', "\n".join(traceback))
    if not places:
        return ""
    cell, line = places[-1]
    return f" in {f'{cell}, ' if cell else ''}line {line}"


def _start(path: Path, record: Path, errors: Path, into: Grade, extra: Sequence[str]) -> subprocess.Popen[bytes]:
    """Starts the file's process, which can import other files in the student's folder."""
    own = "" if into.folder is None else str(path.parent.resolve())
    search = os.pathsep.join(filter(None, [str(Path(__file__).parents[2]), os.environ.get("PYTHONPATH"), own]))
    settings = {RECORD: str(record), "PYTHONPATH": search, "MPLBACKEND": "Agg", "PYTHONDONTWRITEBYTECODE": "1"}
    program = [sys.executable, "-m", "minigrad.course.running", str(path.resolve()), *extra]
    with errors.open("wb") as stderr:
        return subprocess.Popen(  # noqa: S603 (the teacher asked to run these files)
            program, cwd=record.parent, env={**os.environ, **settings}, stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL, stderr=stderr, start_new_session=True,
        )  # fmt: skip


def _wait(process: subprocess.Popen[bytes], seconds: float) -> int | None:
    """The exit status, or None for a process that was stopped, together with its child processes."""
    try:
        status: int | None = process.wait(seconds)
    except subprocess.TimeoutExpired:
        status = None
    if hasattr(os, "killpg"):
        with contextlib.suppress(ProcessLookupError, PermissionError):
            os.killpg(process.pid, signal.SIGKILL)
    process.kill()
    process.wait()
    return status
