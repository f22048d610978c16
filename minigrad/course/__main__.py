"""The command line: ``python -m minigrad.course list [CHAPTER] | explain NAME | grade FOLDER``."""

from __future__ import annotations

import argparse
import csv
import os
import sys
from pathlib import Path

from minigrad.course.checking import exercises, explain, find
from minigrad.course.grading import Grade, grade, table

BEGIN = "Begin with the first chapter: python -m minigrad.course list 1"


def main(arguments: list[str] | None = None) -> int:
    """Runs the command line; returns the exit status."""
    parser = argparse.ArgumentParser(
        prog="python -m minigrad.course", description="The course's exercises.", epilog=BEGIN
    )
    commands = parser.add_subparsers(dest="command")
    listing = commands.add_parser("list", help="the names and the questions of all exercises, or of one chapter's")
    listing.add_argument("chapter", nargs="?")
    commands.add_parser("explain", help="an exercise's question").add_argument("name")
    grading = commands.add_parser("grade", help="run the files of a folder, and tell who has what right")
    grading.add_argument("folder")
    grading.add_argument("--seconds", type=float, default=120.0, help="how long a file may run (default 120)")
    grading.add_argument(
        "--exercises", action="append", default=[], metavar="FILE", help="a file of your own exercises"
    )
    grading.add_argument("--csv", metavar="FILE", help="write the verdicts as a table, too")
    options = parser.parse_args(arguments)
    if options.command is None:
        parser.print_help(sys.stderr)
        return 2
    try:
        if options.command == "list":
            show(list_questions(options.chapter))
        elif options.command == "explain":
            show(explain(options.name))
        else:
            grades = grade(options.folder, options.seconds, options.exercises)
            show(table(grades))
            if options.csv:
                write_csv(Path(options.csv), grades)
    except (OSError, ValueError, KeyError) as error:
        print(error.args[0] if isinstance(error, KeyError) else error, file=sys.stderr)  # noqa: T201
        return 2
    return 0


def list_questions(chapter: str | None) -> str:
    """A line for each exercise: its name, and the first line of its question. Raises ValueError if there is none."""
    names = exercises(chapter)
    if not names:
        chapters = list(dict.fromkeys(name.partition(".")[0] for name in exercises()))
        raise ValueError(f"there are no exercises in chapter {chapter}; the chapters are {', '.join(chapters)}")
    width = max(map(len, names)) + 3
    return "\n".join(f"{name:<{width}}{find(name).question.partition(chr(10))[0]}" for name in names)


def show(text: str) -> None:
    """Prints; a reader that closes the pipe early, such as `head`, is no error."""
    try:
        print(text, flush=True)  # noqa: T201
    except BrokenPipeError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


def write_csv(path: Path, grades: list[Grade]) -> None:
    """Writes one row for each student and exercise, and one for each file that did not run."""
    with path.open("w", encoding="utf-8", newline="") as file:
        rows = csv.writer(file)
        rows.writerow(["student", "exercise", "right", "complaint"])
        for g in grades:
            rows.writerows([g.student, name, int(c is None), c or ""] for name, c in g.verdicts.items())
            rows.writerows([g.student, "", 0, failure] for failure in g.failures)


if __name__ == "__main__":
    sys.exit(main())
