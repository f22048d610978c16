"""Count code lines: the whole package, and the engine proper, each against its goal and its ratchet.

A code line holds at least one token that is neither comment nor docstring. Exits with 1 when a
ratchet is passed: the way to the goal goes down only.
"""

from __future__ import annotations

import ast
import io
import sys
import tokenize
from pathlib import Path

PACKAGE = Path(__file__).resolve().parent.parent / "minigrad"
# Goals, and ratchets: a change may bring a number nearer to its goal, never further away.
PACKAGE_GOAL, PACKAGE_LIMIT = 6000, 10_845
ENGINE_GOAL, ENGINE_LIMIT = 300, 300
# The engine proper: recording a call, the backward walk, the modes. What is built on it (gradcheck,
# jacobian, anomaly mode, ...) counts as package only.
ENGINE = ("autograd/core.py", "autograd/walk.py", "autograd/modes.py")
LAYOUT = {
    tokenize.COMMENT,
    tokenize.NL,
    tokenize.NEWLINE,
    tokenize.INDENT,
    tokenize.DEDENT,
    tokenize.ENCODING,
    tokenize.ENDMARKER,
}


def code_lines(source: str) -> int:
    r"""Physical lines of `source` that are code.

    >>> code_lines("x = [\n    1,\n]\n\n# a comment\n")
    3
    """
    lines: set[int] = set()
    for token in tokenize.generate_tokens(io.StringIO(source).readline):
        if token.type not in LAYOUT:
            lines.update(range(token.start[0], token.end[0] + 1))
    for node in ast.walk(ast.parse(source)):
        is_text = isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant)
        if is_text and isinstance(node.value.value, str):
            lines.difference_update(range(node.lineno, (node.end_lineno or node.lineno) + 1))
    return len(lines)


def main() -> int:
    """Print lines per room, then both totals; 1 if a limit is passed."""
    counts = {
        path.relative_to(PACKAGE).as_posix(): code_lines(path.read_text("utf-8"))
        for path in sorted(PACKAGE.rglob("*.py"))
    }
    rooms: dict[str, int] = {}
    for path, lines in counts.items():
        room = path.split("/")[0] + ("/" if "/" in path else "")
        rooms[room] = rooms.get(room, 0) + lines
    for room, lines in rooms.items():
        print(f"{lines:6d}  {room}")
    totals = [
        ("minigrad, the whole package", sum(counts.values()), PACKAGE_GOAL, PACKAGE_LIMIT),
        ("the engine proper", sum(counts[path] for path in ENGINE), ENGINE_GOAL, ENGINE_LIMIT),
    ]
    for name, lines, goal, limit in totals:
        verdict = "" if lines <= limit else "  PAST THE RATCHET"
        print(f"{lines:6d}  {name} (goal {goal}, ratchet {limit}){verdict}")
    return int(any(lines > limit for _, lines, _, limit in totals))


if __name__ == "__main__":
    sys.exit(main())
