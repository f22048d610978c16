"""A student's notebook runs as Python, cell by cell."""

import json

import pytest

from minigrad.course.grading import grade
from minigrad.course.running import read_cells, write_as_python


@pytest.mark.parametrize(
    ("cell", "python"),
    [
        ("!pip install x\nx = 1\n%matplotlib inline", "pass\nx = 1\npass\n"),
        ("%%time\nx = 1", "pass\nx = 1\n"),
        ("%%bash\nls", ""),
        ("if x:\n    files = !ls\n    torch.ones?", "if x:\n    pass\n    pass\n"),
        ("x = 7 % 2\n'why?'\nwhy = 1  # ?", "x = 7 % 2\n'why?'\nwhy = 1  # ?\n"),
    ],
)
def test_commands_of_a_notebook_are_left_out(cell, python):
    assert write_as_python(cell) == python


def test_a_cell_that_fails_does_not_hide_the_others(tmp_path):
    cells = ["from minigrad import course", "1 / 0", "course.check('3.same_padding', lambda k: k // 2)", "def f(:"]
    book = {"cells": [{"cell_type": "code", "source": cell} for cell in cells]}
    (tmp_path / "ada.ipynb").write_text(json.dumps(book))
    (found,) = grade(tmp_path)
    assert found.right == ["3.same_padding"]
    assert found.failures == ["ada.ipynb ended with an error in cell 4, line 1: SyntaxError: invalid syntax"]


def test_a_file_that_is_no_notebook_is_named(tmp_path):
    for text in ("{", "[]", '{"cells": [{"source": "1"}]}'):
        (tmp_path / "ada.ipynb").write_text(text)
        with pytest.raises(ValueError, match="this is no notebook"):
            read_cells(tmp_path / "ada.ipynb")
