"""`check`: tests a student's answer and says what is right and what is wrong, without showing the solution."""

from __future__ import annotations

import contextlib
import difflib
import json
import os
from typing import Any

from minigrad.course.exercise import KNOWN, Exercise, load, sort_as_in_course
from minigrad.course.judging import judge
from minigrad.course.progress import note

RECORD = "MINIGRAD_COURSE_RECORD"  # environment variable with a file to which verdicts are written, for grading


def check(name: str, answer: Any = None) -> bool:
    """Tests an answer to an exercise, prints what is right or wrong, and returns whether it is right.

    An answer is a function, or a value if the question asks for one. Raises KeyError for an exercise that does not
    exist. A wrong answer, an exception or an endless loop is printed, never raised.

    >>> check("3.output_size", lambda n, k, padding=0, stride=1: n - k)
    3.output_size: not yet. For n = 8, k = 2: 6 is not right.
    Hint: the first window starts at -padding; where may the last one start?
    False
    """
    exercise = find(name)
    complaint = judge(exercise, answer)
    tries = note(name, complaint is None)
    text = f"{name}: right." if complaint is None else f"{name}: not yet. {complaint}"
    if complaint is not None and exercise.hint:
        text += f"\nHint: {exercise.hint}"
    if complaint is not None and exercise.page and tries > 1:
        text += f"\nRead: {exercise.page}"
    print(text)  # noqa: T201
    _tell_the_teacher(name, complaint)
    return complaint is None


def exercises(chapter: int | str | None = None) -> list[str]:
    """The names of all exercises, or of one chapter's, in the order of the course.

    >>> exercises(3)
    ['3.output_size', '3.same_padding', '3.receptive_field', '3.mirror']
    """
    load()
    return [name for name in sort_as_in_course(KNOWN) if chapter is None or name.partition(".")[0] == str(chapter)]


def explain(name: str) -> str:
    """The question of an exercise, and the parameters of the wanted function.

    >>> print(explain("3.same_padding"))
    same_padding(k)
    The padding at which a kernel of k pixels, k odd, leaves the size as it is (stride 1).
    """
    exercise = find(name)
    return f"{name.rpartition('.')[2]}({', '.join(exercise.parameters)})\n{exercise.question}"


def find(name: str) -> Exercise:
    """The exercise of this name; raises KeyError that suggests similar names."""
    load()
    if not isinstance(name, str):
        raise KeyError(f'the name of the exercise comes first: course.check("1.corr2d", function); got {name!r}')
    if name in KNOWN:
        return KNOWN[name]
    near = [known for known in KNOWN if known.startswith(f"{name}.")]  # a chapter's number alone
    near = near or difflib.get_close_matches(name, KNOWN, n=3, cutoff=0.8)
    near = near or difflib.get_close_matches(name, KNOWN, n=3, cutoff=0.4)
    cure = f"did you mean {' or '.join(near)}?" if near else "course.exercises() lists what there is"
    raise KeyError(f"there is no exercise {name!r}; {cure}")


def _tell_the_teacher(name: str, complaint: str | None) -> None:
    path = os.environ.get(RECORD)
    if path:
        with contextlib.suppress(OSError), open(path, "a", encoding="utf-8") as record:  # noqa: PTH123
            record.write(json.dumps({"exercise": name, "complaint": complaint}) + "\n")
