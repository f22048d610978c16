"""Which tests run which file of the package: ``python -m tests.where`` writes tests/where.md.

It runs a few cases of every test, traced. A test file scores, for each function of a file that it runs, one over the
number of test files that run this function; the table lists those of the highest scores. After a file was moved,
``python -m tests.where --mend`` is enough: it runs nothing, but searches the tests for the names that the file
defines.
"""

import re
import sys
import threading
from collections import Counter, defaultdict
from functools import cache
from pathlib import Path

import pytest

TESTS = Path(__file__).parent
PACKAGE = TESTS.parent / "minigrad"
TABLE = TESTS / "where.md"
CASES = 3  # of each parametrized test
NAMED = 3  # test files in a row, at most

TITLE = """# Where a file is tested

A file `minigrad/a/b.py` is tested by `tests/a/test_b.py`, where there is one; this table says, for every file, which
tests run most of it. `python -m tests.where` writes it; `tests/test_where.py` checks that no file is missing.

| file | tests |
|---|---|
"""


class Recorder:
    """A plugin for pytest that notes which functions of the package each test file runs."""

    def __init__(self):
        self.ran = defaultdict(set)

    def pytest_collection_modifyitems(self, items):
        seen = Counter()
        for item in list(items):
            seen[item.path, getattr(item, "originalname", item.name)] += 1
            if seen[item.path, getattr(item, "originalname", item.name)] > CASES:
                items.remove(item)

    @pytest.hookimpl(hookwrapper=True)
    def pytest_runtest_call(self, item):
        seen = self.ran[item.path.relative_to(TESTS).as_posix()]
        with traced(seen):
            yield

    def table(self):
        """The rows: each file of the package with the test files that run most of it."""
        files = defaultdict(lambda: defaultdict(set))  # file -> test file -> functions
        shared = Counter(code for codes in self.ran.values() for code in codes)
        for test, codes in self.ran.items():
            for code in codes:
                if code.co_filename.startswith(str(PACKAGE)) and code.co_name != "<module>":
                    files[Path(code.co_filename).relative_to(PACKAGE).as_posix()][test].add(code)
        for path in sorted(PACKAGE.rglob("*.py")):
            name = path.relative_to(PACKAGE).as_posix()
            weight = {test: sum(1 / shared[code] for code in codes) for test, codes in files[name].items()}
            best = sorted(weight, key=weight.get, reverse=True)
            tests = [test for test in best if weight[test] >= 0.2 * weight[best[0]]]
            own = [own_test(path)] if (TESTS / own_test(path)).exists() else []
            if tests := list(dict.fromkeys(own + tests))[:NAMED]:
                yield name, tests


class traced:
    """Within, every function that is called adds its code to `seen`, in all threads."""

    def __init__(self, seen):
        self.seen = seen

    def __enter__(self):
        def note(frame, event, argument):
            self.seen.add(frame.f_code)

        threading.settrace(note)
        sys.settrace(note)

    def __exit__(self, *exception):
        sys.settrace(None)
        threading.settrace(None)


def own_test(path):
    """Where the test of a file's own name would stand."""
    room = path.relative_to(PACKAGE)
    if room.name == "__init__.py":
        room = room.parent
    return (room.parent / f"test_{room.stem}.py").as_posix()


def find_mentions(path):
    """The test files that name most of what a file defines: it runs in other processes, or is a table."""
    defined = set(
        re.findall(r"^ *(?:def |class )?([A-Za-z]\w{4,})(?:\(| = |:)", path.read_text(encoding="utf-8"), re.MULTILINE)
    )
    used = {test: defined & set(re.findall(r"\w+", text)) for test, text in read_tests().items()}
    counts = Counter(name for names in used.values() for name in names)
    room = own_test(path).partition("/")[0]
    weight = {
        test: sum(1 / counts[name] for name in names) * (5 if test.startswith(room) else 1)
        for test, names in used.items()
        if names
    }
    best = sorted(weight, key=weight.get, reverse=True) or [test for test in used if test.startswith(f"{room}/")]
    return [test for test in best if weight.get(test, 0) >= 0.2 * weight.get(best[0], 0)][:NAMED]


@cache
def read_tests():
    return {p.relative_to(TESTS).as_posix(): p.read_text(encoding="utf-8") for p in sorted(TESTS.rglob("test_*.py"))}


def read_rows():
    """The table as it is: file -> test files."""
    return dict(re.findall(r"^\| (\S+\.py) \| (.+) \|$", TABLE.read_text(encoding="utf-8"), re.MULTILINE))


def write_rows(rows):
    lines = [f"| {name} | {rows[name]} |\n" for name in sorted(rows)]
    TABLE.write_text(TITLE + "".join(lines), encoding="utf-8")


def mend_rows(rows):
    """The rows whose file and tests are there, and others by `find_mentions`; a file's own test comes first."""
    files = {path.relative_to(PACKAGE).as_posix(): path for path in PACKAGE.rglob("*.py")}
    kept = {name: row.split(", ") for name, row in rows.items() if name in files}
    kept = {name: tests for name, tests in kept.items() if all((TESTS / test).exists() for test in tests)}
    found = {name: find_mentions(path) for name, path in files.items() if name not in kept}
    for name, tests in (all_rows := kept | found).items():
        if (TESTS / (own := own_test(files[name]))).exists():
            all_rows[name] = [own, *[test for test in tests if test != own]][:NAMED]
    return {name: ", ".join(tests) for name, tests in all_rows.items() if tests}


def main(arguments):
    if arguments == ["--mend"]:
        return write_rows(mend_rows(read_rows()))
    recorder = Recorder()
    left_out = [f"--ignore={TESTS / room}" for room in ("planted", "examples", "site", "lessons")]  # they run all
    status = pytest.main(["-q", "-p", "no:cacheprovider", str(TESTS), *left_out, *arguments], plugins=[recorder])
    write_rows(mend_rows({name: ", ".join(tests) for name, tests in recorder.table()}))
    return status


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
