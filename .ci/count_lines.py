"""Count code lines by folder, compared with an earlier commit: the heart, the wings, and the engine alone.

A code line holds at least one token that is neither comment nor docstring. What belongs to the heart
stands in pyproject.toml, in the import contract that keeps it apart from the wings.

    python .ci/count_lines.py [BASE]     # BASE: a commit; by default the one where this branch left main
"""

from __future__ import annotations

import ast
import io
import subprocess
import sys
import tokenize

from heart import ROOT, heart, place_in_heart

# The files that an operation's call and its backward execute, found with `sys.settrace`. Not counted: what is built on
# them; what serves some calls alone (views changed in place, hooks, grad modes, many operands, float16, and the
# variants of rules for large arrays and GPUs, 16 lines in `variants.py`, which a walk asks for those alone).
ENGINE = tuple(f"minigrad/autograd/{name}.py" for name in ("core", "recording", "node", "walk", "gradients"))
# What docs/architecture.md names for a first lesson on the code.
FIRST_LESSON = (
    *ENGINE,
    *(f"minigrad/ops/{name}.py" for name in ("unary", "conv")),
    *(f"minigrad/kernels/{name}.py" for name in ("geometry", "direct", "tiny")),
    *(f"minigrad/nn/{name}.py" for name in ("module", "conv", "loss")),
    *(f"minigrad/optim/{name}.py" for name in ("optimizer", "sgd")),
)
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


def git(*arguments: str) -> str:
    """What git prints, or nothing where it fails (no repository, no such commit)."""
    done = subprocess.run(["git", "-C", str(ROOT), *arguments], capture_output=True, text=True, check=False)
    return done.stdout if done.returncode == 0 else ""


def find_base(given: list[str]) -> str:
    """The commit to compare with: the one given, where this branch left main, or the one before."""
    base = given[0] if given else git("merge-base", "HEAD", "main").strip()
    return base if given or base != git("rev-parse", "HEAD").strip() else git("rev-parse", "HEAD~1").strip()


def count_tree() -> dict[str, int]:
    """Code lines of every file of the package as it lies here."""
    return {
        path.relative_to(ROOT).as_posix(): code_lines(path.read_text("utf-8"))
        for path in sorted((ROOT / "minigrad").rglob("*.py"))
    }


def count_commit(commit: str) -> dict[str, int]:
    """Code lines of every file of the package in `commit`; empty where it cannot be read."""
    files = [f for f in git("ls-tree", "-r", "--name-only", commit, "minigrad").splitlines() if f.endswith(".py")]
    return {file: code_lines(git("show", f"{commit}:{file}")) for file in files} if commit else {}


def room_of(file: str) -> str:
    """The room that a file stands in: the first folder, or the file itself."""
    parts = file.split("/")
    return parts[1] + ("/" if len(parts) > 2 else "")


def main() -> None:
    """Print the rooms and the totals, each with its change since the base."""
    base = find_base(sys.argv[1:])
    now, before = count_tree(), count_commit(base)
    core = heart()

    def print_row(name: str, chosen: list[str]) -> None:
        lines, then = sum(now.get(f, 0) for f in chosen), sum(before.get(f, 0) for f in chosen)
        change = f"{lines - then:+7}" if before and lines != then else ""
        print(f"{lines:7}{change:8}  {name} ({sum(f in now for f in chosen)} files)")

    files = sorted({*now, *before})
    for room in dict.fromkeys(map(room_of, files)):
        print_row(room, [f for f in files if room_of(f) == room])
    in_heart = [f for f in files if place_in_heart(f, core) is not None]
    print_row("the engine", [f for f in files if f in ENGINE])
    print_row("a first lesson", [f for f in files if f in FIRST_LESSON])
    print_row("the heart", in_heart)
    print_row("the wings", [f for f in files if f not in in_heart])
    print_row(f"all{f', and the change since {base[:7]}' if before else ''}", files)


if __name__ == "__main__":
    main()
