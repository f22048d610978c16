"""If one rank fails, all end within seconds, with a clear message, and no process is left over."""

import contextlib
import os
import signal
import subprocess
import time
from pathlib import Path

import pytest

from tests.distributed.launcher import command, environment, launch, require_mpi

PROGRAM = Path(__file__).with_name("faulty.py")
SECONDS = 15  # far above what is needed, for a machine that is busy


def pids(folder):
    return [int(path.read_text()) for path in folder.glob("*.pid")]


def alive(pid):
    try:
        return Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()[0] != "Z"
    except FileNotFoundError:
        return False


def expect_nobody(folder):
    found = pids(folder)
    assert found
    until = time.monotonic() + 5
    while any(map(alive, found)) and time.monotonic() < until:
        time.sleep(0.05)
    assert not [pid for pid in found if alive(pid)]


@pytest.mark.parametrize(
    ("way", "count", "said"),
    [
        ("raises", 2, "ValueError: the seventh image is broken"),
        ("raises", 4, "ValueError: the seventh image is broken"),
        ("raises_first", 3, "[rank 1 of 3, on "),
        ("leaves_first", 2, "waits for rank 1, which left"),
        ("raises_and_cleans_up", 3, "ValueError: the seventh image is broken"),
        ("is_killed", 2, "KILLED"),
        ("is_killed", 4, "KILLED"),
        ("is_terminated", 3, "TERMINAT"),
        ("leaves", 3, "waits for rank 1, which left"),
        ("destroys", 2, "waits for rank 1, which left"),
        ("leaves_at_once", 2, ""),
        ("stays_away", 2, "Timed out after 3 s in all_reduce((1000,), minigrad.float32"),
    ],
)
def test_all_end_with_a_message(way, count, said, tmp_path):
    begun = time.monotonic()
    done = launch(count, PROGRAM, way, tmp_path)
    assert time.monotonic() - begun < SECONDS
    assert done.returncode != 0
    assert said.lower() in (done.stdout + done.stderr).lower()
    assert "came to the end" not in done.stdout or way == "destroys"
    expect_nobody(tmp_path)


def test_an_error_names_its_rank(tmp_path):
    done = launch(2, PROGRAM, "raises", tmp_path)
    assert "[rank 1 of 2, on " in done.stderr
    assert 'raise ValueError("the seventh image is broken")' in done.stderr


def test_children_of_a_rank_are_no_ranks():
    code = (
        "import os, subprocess, sys, minigrad.distributed as dist\n"
        "dist.init_process_group()\n"
        "if not (child := os.fork()):\n"
        "    sys.excepthook(*[None] * 3) if sys.excepthook is not sys.__excepthook__ else os._exit(5)\n"
        "assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 5\n"
        "child = [sys.executable, '-c', 'import minigrad.distributed; raise ValueError(1)']\n"
        "assert subprocess.run(child, timeout=20).returncode == 1\n"
        "dist.barrier()\n"
        "print('done')\n"
    )
    done = launch(2, "-c", code)
    assert done.returncode == 0 and done.stdout.count("done") == 2, done.stderr


def test_two_errors_at_once_are_both_told(tmp_path):
    done = launch(3, PROGRAM, "raises_in_two", tmp_path)
    assert "one of two" in done.stderr and "two of two" in done.stderr
    expect_nobody(tmp_path)


@contextlib.contextmanager
def busy(way, folder):
    """mpiexec with two ranks that have begun to compute, or to wait."""
    require_mpi()
    with subprocess.Popen(
        command(2, PROGRAM, way, folder), env=environment(), stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
        text=True, start_new_session=True, stdin=subprocess.DEVNULL,
    ) as running:  # fmt: skip
        for line in running.stdout:  # the two ranks' lines may be one
            if "computing" in line or "waiting" in line:
                break
        assert running.poll() is None
        time.sleep(0.3)
        yield running


@pytest.mark.parametrize("way", ["computes", "waits"])
def test_control_c(way, tmp_path):
    """The terminal sends the signal to mpiexec and to all that it started."""
    with busy(way, tmp_path) as running:
        begun = time.monotonic()
        os.killpg(running.pid, signal.SIGINT)
        printed, _ = running.communicate(timeout=SECONDS)
    assert running.returncode != 0
    assert "KeyboardInterrupt" in printed
    assert time.monotonic() - begun < SECONDS
    expect_nobody(tmp_path)


def test_mpiexec_is_killed(tmp_path):
    with busy("computes", tmp_path) as running:
        running.kill()
    expect_nobody(tmp_path)
