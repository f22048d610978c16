"""Check a user's program with mypy --strict and pyright: each mistake in it is reported, and nothing else.

python .ci/check_types.py
"""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
PROGRAM = Path("tests/typing/program.py")
CHECKERS = {
    "mypy --strict": [sys.executable, "-m", "mypy", "--strict", "--no-pretty", str(PROGRAM)],
    "pyright": [sys.executable, "-m", "basedpyright", "--level", "error", str(PROGRAM)],
}


def flagged_lines(command: list[str]) -> dict[int, str]:
    """The lines of the program that a checker calls wrong, and what it says of each."""
    said = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False).stdout
    found = re.findall(rf"{PROGRAM.name}:(\d+)(?::\d+)?:? (?:- )?error:? (.*)", said)
    return {int(line): text for line, text in found}


def main() -> int:
    """1 if a checker misses a mistake, or flags what is none."""
    lines = (ROOT / PROGRAM).read_text("utf-8").splitlines()
    mistakes = {number for number, line in enumerate(lines, 1) if line.endswith("# mistake")}
    wrong = 0
    for name, command in CHECKERS.items():
        flagged = flagged_lines(command)
        for number in sorted(mistakes ^ set(flagged)):
            wrong += 1
            print(f"{name}, line {number}: {flagged.get(number, 'not flagged')}\n    {lines[number - 1]}")
        print(f"{name}: {len(mistakes & set(flagged))} of {len(mistakes)} mistakes flagged")
    return int(wrong > 0)


if __name__ == "__main__":
    sys.exit(main())
