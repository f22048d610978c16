"""The package stays short to read: functions of at most 40 lines without their docstring, files of at most 400."""

import ast
from pathlib import Path

import pytest

PACKAGE = Path(__file__).resolve().parent.parent / "minigrad"
FUNCTION, FILE = 40, 400  # lines


def find_long_parts(source):
    """The functions of a file that are too long, and the file itself if it is, each with its lines."""
    found = {"the file": len(source.splitlines())} if len(source.splitlines()) > FILE else {}
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            first = node.body[0]
            docstring = first.end_lineno - first.lineno + 1 if ast.get_docstring(node) else 0
            lines = node.end_lineno - node.lineno + 1 - docstring
            if lines > FUNCTION:
                found[node.name] = lines
    return found


@pytest.mark.parametrize("path", sorted(PACKAGE.rglob("*.py")), ids=lambda path: path.relative_to(PACKAGE).as_posix())
def test_a_file_and_its_functions_are_short_to_read(path):
    hint = "a function of more than 40 lines, or a file of more than 400, does two things: divide it"
    assert find_long_parts(path.read_text("utf-8")) == {}, hint


def test_long_functions_methods_and_files_are_found():
    body = "        x = 1\n" * 40
    source = f"class A:\n    def f(self):\n        '''One.\n\n        Two.'''\n{body}\n    def g(self):\n{body[:-14]}"
    assert find_long_parts(source) == {"f": 41}
    assert find_long_parts("x = 1\n" * 401) == {"the file": 401}
    assert find_long_parts("x = 1\n" * 400) == {}
