"""The table of tests names every file, and only tests that exist."""

import re
from pathlib import Path

import pytest

from tests import where

ROWS = where.read_rows()


@pytest.mark.parametrize(
    "path", sorted(where.PACKAGE.rglob("*.py")), ids=lambda p: p.relative_to(where.PACKAGE).as_posix()
)
def test_every_file_has_a_test(path):
    name = path.relative_to(where.PACKAGE).as_posix()
    hint = f"no row for {name} in tests/where.md, and no test names what it defines; run python -m tests.where --mend"
    own = where.TESTS / where.own_test(path)
    assert name in ROWS or own.exists() or where.find_mentions(path) or not has_functions(path), hint


def has_functions(path):
    return bool(re.search(r"^ *(def|class) ", path.read_text(encoding="utf-8"), re.MULTILINE))


@pytest.mark.parametrize("name", ROWS)
def test_every_row_names_files_that_exist(name):
    assert (where.PACKAGE / name).exists(), f"{name} is gone; run python -m tests.where --mend"
    for test in ROWS[name].split(", "):
        assert (where.TESTS / test).exists(), f"tests/{test} is gone; run python -m tests.where --mend"


def test_traced_notes_the_functions_that_run():
    seen = set()
    with where.traced(seen):
        Path("a").with_name("b")
    assert "with_name" in {code.co_name for code in seen}
    assert where.own_test(where.PACKAGE / "ops" / "reduce.py") == "ops/test_reduce.py"
    assert where.own_test(where.PACKAGE / "linalg.py") == "test_linalg.py"
