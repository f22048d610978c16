"""Grading a folder: good files and bad ones, scripts and notebooks, students with one file and with several."""

import csv
import json
import os
import subprocess
import sys
from importlib.util import find_spec

import pytest

from minigrad.course.__main__ import main
from minigrad.course.grading import grade, table

GOOD = "from minigrad import course\ncourse.check('3.same_padding', lambda k: k // 2)\n"
WRONG = "from minigrad import course\ncourse.check('3.same_padding', lambda k: k)\n"


@pytest.fixture
def folder(tmp_path):
    root = tmp_path / "class"
    (root / "cleo").mkdir(parents=True)
    (root / "ada.py").write_text(GOOD)
    (root / "bob.py").write_text(WRONG + "raise ValueError('bob gave up')\n")
    (root / "cleo" / "one.py").write_text(GOOD)
    cells = [
        {"cell_type": "markdown", "source": ["# words"]},
        {"cell_type": "code", "source": ["%load_ext minigrad\n", "from minigrad import course"]},
        {"cell_type": "code", "source": ["course.check('3.output_size', lambda n, k, padding=0, stride=1: n)"]},
    ]
    (root / "cleo" / "two.ipynb").write_text(json.dumps({"cells": cells}))
    (root / "dan.ipynb").write_text("{")
    return root


def test_each_student_of_a_folder_is_graded(folder):
    grades = {g.student: g for g in grade(folder)}
    assert grades["ada"].right == ["3.same_padding"] and not grades["ada"].failures
    assert grades["bob"].verdicts["3.same_padding"].startswith("For k = 3: 3 is not right")
    assert grades["bob"].failures == ["bob.py ended with an error in line 3: ValueError: bob gave up"]
    assert list(grades["cleo"].verdicts) == ["3.same_padding", "3.output_size"]
    assert "dan.ipynb ended with an error: ValueError: this is no notebook" in grades["dan"].failures[0]
    text = table(list(grades.values()))
    assert text.splitlines()[0] == "ada   1 of 1 right" and "cleo  1 of 2 right" in text


def test_an_endless_file_is_stopped(tmp_path):
    (tmp_path / "eve.py").write_text("while True: pass")
    assert grade(tmp_path, seconds=1)[0].failures == ["eve.py was stopped after 1 seconds"]


def test_a_teachers_exercises_are_graded(tmp_path):
    own = tmp_path / "own.py"
    own.write_text("from minigrad.course import exercise\nexercise('our.sum', cases=[(1, 2)])(lambda a, b: a + b)\n")
    root = tmp_path / "class"
    root.mkdir()
    (root / "ada.py").write_text("from minigrad import course\ncourse.check('our.sum', lambda a, b: b + a)\n")
    assert grade(root, extra=[str(own)])[0].right == ["our.sum"]


def test_the_command_grades_lists_and_explains(folder, tmp_path, capsys):
    out = tmp_path / "grades.csv"
    assert main(["grade", str(folder), "--csv", str(out)]) == 0
    assert "bob   0 of 1 right" in capsys.readouterr().out
    rows = list(csv.DictReader(out.read_text().splitlines()))
    assert [r["right"] for r in rows if r["student"] == "ada"] == ["1"]
    (row,) = [r for r in rows if r["student"] == "dan"]  # whose file did not run: he is in the table, too
    assert (
        row["exercise"] == "" and row["right"] == "0" and row["complaint"].startswith("dan.ipynb ended with an error")
    )
    assert "bob.py ended with an error in line 3: ValueError: bob gave up" in [r["complaint"] for r in rows]
    assert main(["list"]) == 0 and "8.dw" in capsys.readouterr().out
    assert main(["list", "3"]) == 0
    listed = capsys.readouterr().out.splitlines()
    assert [line.split()[0] for line in listed] == ["3.output_size", "3.same_padding", "3.receptive_field", "3.mirror"]
    assert listed[1].startswith("3.same_padding      The padding at which a kernel of k pixels, k odd, leaves")
    assert main(["list", "99"]) == 2
    assert "no exercises in chapter 99" in capsys.readouterr().err
    assert main(["explain", "8.dw"]) == 0 and "dw(g, x, w, b)" in capsys.readouterr().out


def test_without_a_command_all_are_shown_and_where_to_begin(capsys):
    assert main([]) == 2  # as argparse's usage
    said = capsys.readouterr()
    assert said.out == "" and said.err.endswith("Begin with the first chapter: python -m minigrad.course list 1\n")
    words = " ".join(said.err.split())
    assert "list the names and the questions of all exercises, or of one chapter's" in words
    assert "explain an exercise's question" in words and "grade run the files of a folder" in words


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["grade", "no/such/folder"], "there is no folder 'no/such/folder' to grade"),
        (["grade", "."], "no .py and no .ipynb file"),
        (["grade", __file__], "test_grading.py' is a file; give the folder that holds the students' files"),
        (["list", "99"], "there are no exercises in chapter 99; the chapters are 1, 2, 3, 4, 5, "),
        (["explain", "8.dq"], "there is no exercise '8.dq'"),
    ],
)
def test_invalid_commands_are_refused(arguments, words, tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    assert main(arguments) == 2
    assert words in capsys.readouterr().err


MESSY = {  # what a file holds, and what is said of it; its one right answer counts all the same
    "killed": (GOOD + "import os; os._exit(3)", "killed.py ended with status 3"),
    "forger": (GOOD + "import os; open(os.environ['MINIGRAD_COURSE_RECORD'], 'a').write('x\\n')", "by itself"),
    "asks": (GOOD + "input()", "EOFError"),
    "leaves": (GOOD + "import subprocess, sys; subprocess.Popen([sys.executable, '-c', 'while True: pass'])", None),
    "numpy": (GOOD, None),
    "marked": ("\ufeff" + GOOD, None),
    "later": ("from __future__ import annotations\n" + GOOD, None),
}


def test_unusual_files_are_graded_all_the_same(tmp_path):
    root, own = tmp_path / "class", tmp_path / "own.py"
    (root / "folder.py").mkdir(parents=True)
    own.write_text("from minigrad.course import exercise\nexercise('our.sum', cases=[(1, 2)])(lambda a, b: a + b)\n")
    for name, (text, _) in MESSY.items():
        (root / f"{name}.py").write_text(text, encoding="utf-8")
    (root / "binary.py").write_bytes(b"\xff\xfe\x00")
    (root / "gone.py").symlink_to(tmp_path / "nowhere.py")
    grades = {g.student: g for g in grade(root, seconds=20, extra=[str(own)])}
    for name, (_, words) in MESSY.items():
        assert grades[name].right == ["3.same_padding"]
        assert bool(grades[name].failures) == (words is not None) and (words or "") in "".join(grades[name].failures)
    assert "SyntaxError" in grades["binary"].failures[0] and "No such file" in grades["gone"].failures[0]


def test_files_of_one_student_import_each_other(tmp_path):
    (tmp_path / "ada").mkdir()
    (tmp_path / "ada" / "answers.py").write_text("def same_padding(k):\n    return k // 2\n")
    (tmp_path / "ada" / "main.py").write_text(
        "from minigrad import course\nfrom answers import same_padding\ncourse.check('3.same_padding', same_padding)\n"
    )
    assert grade(tmp_path)[0].right == ["3.same_padding"]


def test_grades_are_printed_if_the_table_cannot_be_written(folder, tmp_path, capsys):
    assert main(["grade", str(folder), "--csv", str(tmp_path / "no" / "grades.csv")]) == 2
    said = capsys.readouterr()
    assert "ada   1 of 1 right" in said.out and "No such file" in said.err
    assert main(["grade", str(folder), "--exercises", "no.py"]) == 2


def test_a_closed_pipe_is_no_error():
    reads, writes = os.pipe()
    os.close(reads)
    command = [sys.executable, "-m", "minigrad.course", "list"]
    done = subprocess.run(command, stdout=writes, stderr=subprocess.PIPE, text=True, timeout=60, check=False)
    os.close(writes)
    assert (done.returncode, done.stderr) == (0, "")


@pytest.mark.skipif(sys.platform != "linux" or find_spec("cupy") is not None, reason="no limit of memory is kept here")
def test_a_file_that_uses_too_much_memory_is_stopped(tmp_path):
    (tmp_path / "hungry.py").write_text("grown = []\nwhile True:\n    grown.append(bytearray(2**30))\n")
    (hungry,) = grade(tmp_path)
    assert hungry.failures == ["hungry.py ended with an error in line 3: MemoryError"]
