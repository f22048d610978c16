"""The student's progress: kept in memory, or in a file that is never left half-written."""

from __future__ import annotations

import json
import os
from pathlib import Path

from minigrad.advice import warn
from minigrad.course.exercise import sort_as_in_course

Record = dict[str, dict[str, int | bool]]  # exercise -> {"right": whether it was ever right, "tries": number of tries}

_record: Record = {}
_path: Path | None = None


def keep_progress(path: str | os.PathLike[str] | None) -> None:
    """Stores the progress in a file from now on, and reads what the file has; None: in memory.

    An unreadable file is renamed, never overwritten. Raises OSError if the file cannot be written.

    >>> keep_progress("progress.json")
    >>> keep_progress(None)
    """
    global _path
    place = None if path is None else Path(path).absolute()
    if place is not None:
        for name, (right, tries) in _read(place).items():
            before = _record.get(name, {"right": False, "tries": 0})
            _record[name] = {"right": bool(before["right"] or right), "tries": int(before["tries"]) + tries}
        _write(place)
    _path = place


def note(name: str, right: bool) -> int:
    """Counts one try; returns the number of tries."""
    entry = _record.setdefault(name, {"right": False, "tries": 0})
    entry["tries"] += 1
    entry["right"] = bool(entry["right"]) or right
    if _path is not None:
        try:
            _write(_path)
        except OSError as error:
            warn(f"the progress is kept in memory alone: {error}")
    return int(entry["tries"])


def progress() -> str:
    """A line for each exercise tried, in the order of the course: whether it is right, and the number of tries."""
    lines = []
    for name in sort_as_in_course(_record):
        entry = _record[name]
        tries = "1 try" if entry["tries"] == 1 else f"{entry['tries']} tries"
        lines.append(f"{'right  ' if entry['right'] else 'not yet'}  {name}, {tries}")
    return "\n".join(lines) or "nothing yet: course.exercises() lists what there is"


def forget() -> None:
    """Resets the progress, in memory; files are not changed."""
    global _path
    _path = None
    _record.clear()


def _read(path: Path) -> dict[str, tuple[bool, int]]:
    try:
        text = path.read_text("utf-8")
    except FileNotFoundError:
        return {}
    try:
        return {str(name): (bool(entry["right"]), int(entry["tries"])) for name, entry in json.loads(text).items()}
    except (ValueError, TypeError, KeyError, AttributeError):
        aside = next(p for i in range(1, 10**6) if not (p := path.with_name(f"{path.name}.unreadable-{i}")).exists())
        path.rename(aside)
        warn(f"{path} holds no progress that can be read; it is kept as {aside.name}")
        return {}


def _write(path: Path) -> None:
    """Writes a temporary file and renames it, so the file is never half-written."""
    beside = path.with_name(path.name + ".new")
    beside.write_text(json.dumps(_record, indent=1, sort_keys=True) + "\n", encoding="utf-8")
    beside.replace(path)
