"""If one rank fails, all end within seconds, with a clear message, and no process is left over."""

import contextlib
import os
import signal
import subprocess
import time
from pathlib import Path

import pytest

from tests.distributed.launcher import launch, make_command, make_environment, require_mpi

PROGRAM = Path(__file__).with_name("faulty.py")
SECONDS = 15  # until all have ended; generous, for a busy machine


def read_pids(folder):
    return [int(path.read_text()) for path in folder.glob("*.pid")]


def is_alive(pid):
    try:
        return Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()[0] != "Z"
    except FileNotFoundError:
        return False


def check_all_have_ended(folder):
    """Wait for the processes whose numbers are in the folder to end, at most 5 seconds."""
    found = read_pids(folder)
    assert found
    until = time.monotonic() + 5
    while any(map(is_alive, found)) and time.monotonic() < until:
        time.sleep(0.05)
    assert not [pid for pid in found if is_alive(pid)]


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
def test_a_fault_on_one_rank_ends_all_with_a_message(way, count, said, tmp_path):
    begun = time.monotonic()
    done = launch(count, PROGRAM, way, tmp_path)
    assert time.monotonic() - begun < SECONDS
    assert done.returncode != 0
    assert said.lower() in (done.stdout + done.stderr).lower()
    assert "came to the end" not in done.stdout or way == "destroys"
    check_all_have_ended(tmp_path)


def test_an_error_names_its_rank(tmp_path):
    done = launch(2, PROGRAM, "raises", tmp_path)
    assert "[rank 1 of 2, on " in done.stderr
    assert 'raise ValueError("the seventh image is broken")' in done.stderr


def test_child_processes_do_not_inherit_the_hook_for_errors():
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


def test_two_errors_at_once_are_both_printed(tmp_path):
    done = launch(3, PROGRAM, "raises_in_two", tmp_path)
    assert "one of two" in done.stderr and "two of two" in done.stderr
    check_all_have_ended(tmp_path)


@contextlib.contextmanager
def start_and_wait(way, folder):
    """mpiexec with two ranks that have begun to compute, or to wait."""
    require_mpi()
    with subprocess.Popen(
        make_command(2, PROGRAM, way, folder), env=make_environment(), stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
        text=True, start_new_session=True, stdin=subprocess.DEVNULL,
    ) as running:  # fmt: skip
        for line in running.stdout:  # the lines of the two ranks may be printed as one
            if "computing" in line or "waiting" in line:
                break
        assert running.poll() is None
        time.sleep(0.3)
        yield running


@pytest.mark.parametrize("way", ["computes", "waits"])
def test_control_c_ends_all_ranks(way, tmp_path):
    """The terminal sends the signal to mpiexec and to all that it started."""
    with start_and_wait(way, tmp_path) as running:
        begun = time.monotonic()
        os.killpg(running.pid, signal.SIGINT)
        printed, _ = running.communicate(timeout=SECONDS)
    assert running.returncode != 0
    assert "KeyboardInterrupt" in printed
    assert time.monotonic() - begun < SECONDS
    check_all_have_ended(tmp_path)


def test_all_ranks_end_if_mpiexec_is_killed(tmp_path):
    with start_and_wait("computes", tmp_path) as running:
        running.kill()
    check_all_have_ended(tmp_path)
