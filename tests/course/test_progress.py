"""Progress: saved, merged, and never lost."""

import json

import pytest

from minigrad import course
from minigrad.course.progress import forget, keep_progress, note, progress


def test_progress_counts_tries_in_memory():
    assert progress().startswith("nothing yet")
    note("1.corr2d", False)
    note("1.corr2d", True)
    note("1.window", False)
    assert progress().splitlines() == ["not yet  1.window, 1 try", "right    1.corr2d, 2 tries"]
    note("1.corr2d", False)  # once right, right
    assert progress().splitlines()[1] == "right    1.corr2d, 3 tries"


def test_progress_follows_the_course_and_a_teachers_own_exercises_come_last():
    for name in ("ours.b", "10.confusion", "2.mean", "2.horizontal", "ours.a"):
        note(name, True)
    names = [line.split()[1].rstrip(",") for line in progress().splitlines()]
    assert names == ["2.horizontal", "2.mean", "10.confusion", "ours.a", "ours.b"]


def test_progress_is_kept_in_a_file(tmp_path, capsys):
    path = tmp_path / "progress.json"
    note("1.window", True)
    keep_progress(path)
    course.check("3.same_padding", lambda k: k // 2)
    forget()
    assert progress().startswith("nothing")
    keep_progress(path)
    assert progress().splitlines() == ["right    1.window, 1 try", "right    3.same_padding, 1 try"]
    assert sorted(p.name for p in tmp_path.iterdir()) == ["progress.json"]


@pytest.mark.parametrize("text", ["", "{", "[1]", '{"1.window": 3}', '{"1.window": {"right": true}}'])
def test_an_unreadable_file_is_renamed_and_kept(text, tmp_path):
    path = tmp_path / "progress.json"
    path.write_text(text)
    with pytest.warns(UserWarning, match=r"no progress that can be read; it is kept as progress.json.unreadable-1"):
        keep_progress(path)
    note("1.window", True)
    assert (tmp_path / "progress.json.unreadable-1").read_text() == text
    assert json.loads(path.read_text()) == {"1.window": {"right": True, "tries": 1}}


def test_progress_is_kept_in_memory_if_the_folder_is_gone(tmp_path):
    folder = tmp_path / "gone"
    folder.mkdir()
    keep_progress(folder / "p.json")
    (folder / "p.json").unlink()
    folder.rmdir()
    with pytest.warns(UserWarning, match="kept in memory alone"):
        note("1.window", True)
    assert progress() == "right    1.window, 1 try"


def test_a_path_that_cannot_be_written_is_refused(tmp_path):
    with pytest.raises(OSError, match="nowhere"):
        keep_progress(tmp_path / "nowhere" / "p.json")
