"""A file is written completely or not at all, whatever fails meanwhile."""

import os
import signal
import stat
import subprocess
import sys
import time
from pathlib import Path

import pytest

import minigrad
from minigrad.serialization import SerializationError, files, load, save
from minigrad.serialization.files import LEFT_OVER, write_whole


def list_names(folder):
    return sorted(path.name for path in folder.iterdir())


def test_an_error_while_writing_leaves_the_old_file(tmp_path):
    path = tmp_path / "file"
    path.write_text("old")

    def interrupted():
        with write_whole(path) as file:
            file.write(b"half of the new")
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        interrupted()
    assert path.read_text() == "old"
    assert list_names(tmp_path) == ["file"]


def test_nothing_is_left_where_there_was_no_file(tmp_path):
    with pytest.raises(OSError, match="full"), write_whole(tmp_path / "file"):
        raise OSError("the disk is full")
    assert list_names(tmp_path) == []


def test_the_new_file_replaces_the_old_one_at_once(tmp_path):
    path = tmp_path / "file"
    path.write_text("old")
    with write_whole(path) as file:
        file.write(b"new")
        file.flush()
        assert path.read_text() == "old"
    assert path.read_text() == "new"
    assert list_names(tmp_path) == ["file"]


def test_a_file_and_its_folder_are_flushed_to_the_disk(tmp_path, monkeypatch):
    """Without it a power failure could leave an empty file, or the old name."""
    flushed = []
    monkeypatch.setattr(files.os, "fsync", lambda opened: flushed.append(stat.S_ISDIR(os.fstat(opened).st_mode)))
    save(1, tmp_path / "file")
    assert flushed == [False, True]


def test_permissions_and_links_are_kept(tmp_path):
    path, link = tmp_path / "file", tmp_path / "link"
    path.write_text("old")
    path.chmod(0o640)
    link.symlink_to(path)
    save(1, link)
    assert link.is_symlink()
    assert load(path) == 1
    assert path.stat().st_mode & 0o777 == 0o640
    fresh = tmp_path / "fresh"
    save(1, fresh)
    umask = os.umask(0)
    os.umask(umask)
    assert fresh.stat().st_mode & 0o777 == 0o666 & ~umask


def test_a_device_is_written_to_and_not_replaced():
    save(minigrad.ones(3), os.devnull)
    assert Path(os.devnull).read_bytes() == b""


def test_long_names_are_accepted(tmp_path):
    path = tmp_path / ("n" * 255)
    save(1, path)
    assert load(path) == 1

    path = tmp_path / ("\N{CJK UNIFIED IDEOGRAPH-4E2D}" * 85)
    save(2, path)
    assert load(path) == 2


def test_the_next_save_removes_what_killed_ones_left(tmp_path):
    path = tmp_path / "file"
    for name in ("file", "another"):
        (tmp_path / f".{name}.0123456789ab{LEFT_OVER}").write_bytes(b"half of it")
    (tmp_path / ".other.tmp").write_bytes(b"not ours")
    with write_whole(tmp_path / "third") as file:
        file.write(b"still being written")
        save(1, path)
        assert len(list_names(tmp_path)) == 3, "what another save is writing stays"
    assert list_names(tmp_path) == [".other.tmp", "file", "third"]


def test_a_temporary_file_that_disappears_is_made_again(tmp_path, monkeypatch):
    lock, taken = files._lock, []

    def take(file, wait):
        if not taken:
            taken.append(Path(file.name))
            taken[0].unlink()
        return lock(file, wait)

    monkeypatch.setattr(files, "_lock", take)
    save(1, tmp_path / "file")
    assert load(tmp_path / "file") == 1 and taken


def test_invalid_paths_are_named(tmp_path):
    with pytest.raises(SerializationError, match=r"Parent directory .*none does not exist"):
        save(1, tmp_path / "none" / "file")
    with pytest.raises(SerializationError, match="is a directory"):
        save(1, tmp_path)
    assert issubclass(SerializationError, RuntimeError)


WRITER = """
import sys
import minigrad
from minigrad.serialization import save

path = sys.argv[1]
number = 0
while True:
    number += 1
    save({"number": number, "tensor": minigrad.full((300_000,), float(number))}, path)
    if number == 1:
        print("started", flush=True)
"""


@pytest.mark.slow
def test_a_killed_process_leaves_a_whole_file(tmp_path):
    """Killed without warning at six moments: each time the file is one of those it wrote."""
    path = tmp_path / "file"
    for delay in (0.0, 0.003, 0.01, 0.02, 0.037, 0.05):
        process = subprocess.Popen(
            [sys.executable, "-c", WRITER, str(path)],
            stdout=subprocess.PIPE,
            env={**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)},
        )
        assert process.stdout.readline() == b"started\n"
        time.sleep(delay)
        process.send_signal(signal.SIGKILL)
        process.wait()
        process.stdout.close()
        loaded = load(path)
        assert loaded["number"] >= 1
        assert (loaded["tensor"] == loaded["number"]).all()
        # What is left beside it, if anything, is one hidden unfinished file.
        left = [name for name in list_names(tmp_path) if name != "file"]
        assert all(name.startswith(".file.") and name.endswith(".tmp") for name in left)
