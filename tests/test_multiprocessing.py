"""`minigrad.multiprocessing`: functions in several processes, and the errors of processes that fail."""

import multiprocessing
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

import minigrad as torch
import minigrad.multiprocessing as mp


def double(i, queue, x):
    queue.put((i, x * 2))


def fail(i, way):
    if i == 1 and way == "raises":
        raise ValueError("the seventh image is broken")
    if i == 1 and way == "exits":
        sys.exit(7)
    if i == 1 and way == "is killed":
        os.kill(os.getpid(), signal.SIGKILL)
    if i == 1 and way == "is interrupted":
        os.kill(os.getpid(), signal.SIGINT)
    if way == "all well":
        return
    time.sleep(0.5 if way == "is interrupted" else 60)


def test_spawn_runs_a_function_in_several_processes():
    queue = mp.get_context("spawn").Queue()
    assert mp.spawn(double, (queue, torch.ones(2)), nprocs=2) is None
    made = dict(queue.get(timeout=10) for _ in range(2))
    assert sorted(made) == [0, 1] and made[1].tolist() == [2.0, 2.0]


@pytest.mark.parametrize(
    ("way", "kind", "message"),
    [
        ("raises", mp.ProcessRaisedException, r"(?s)-- Process 1 terminated.*ValueError: the seventh image is broken"),
        ("exits", mp.ProcessExitedException, "process 1 terminated with exit code 7"),
        ("is killed", mp.ProcessExitedException, "process 1 terminated with signal SIGKILL"),
    ],
)
def test_a_process_that_fails_ends_the_others(way, kind, message):
    begun = time.monotonic()
    with pytest.raises(kind, match=message) as caught:
        mp.start_processes(fail, (way,), nprocs=3, start_method="fork")
    assert caught.value.error_index == 1 and caught.value.pid > 0
    assert time.monotonic() - begun < 20
    assert not multiprocessing.active_children()
    if kind is mp.ProcessExitedException:
        signal_name = "SIGKILL" if way == "is killed" else None
        assert (caught.value.exit_code, caught.value.signal_name) == ({"exits": 7}.get(way, -9), signal_name)


@pytest.mark.parametrize("way", ["all well", "is interrupted"])
def test_join_of_the_context_waits_for_all(way):
    context = mp.start_processes(fail, (way,), nprocs=2, join=False, start_method="fork")
    assert len(context.pids()) == 2
    until = time.monotonic() + 20
    while not context.join(timeout=0.1):
        assert time.monotonic() < until
    assert context.join()
    assert [process.exitcode for process in context.processes] == [0, 0]


def test_processes_end_with_the_one_that_started_them(tmp_path):
    (tmp_path / "program.py").write_text(
        "import os, sys, time\n"
        "import minigrad.multiprocessing as mp\n"
        "def work(i):\n"
        "    os.write(1, b'%d\\n' % os.getpid())\n"  # at once: two of them write into one pipe
        "    time.sleep(60)\n"
        "if __name__ == '__main__':\n"
        "    mp.start_processes(work, nprocs=2, start_method='fork')\n"
    )
    with subprocess.Popen(
        [sys.executable, tmp_path / "program.py"], stdout=subprocess.PIPE, text=True,
        env={**os.environ, "PYTHONPATH": str(Path(__file__).parents[1])},
    ) as running:  # fmt: skip
        for _ in range(2):
            assert int(running.stdout.readline())
        running.kill()
        assert running.stdout.read() == ""  # the end of the pipe: no process is left that could print


def test_spawn_warns_of_another_start_method():
    with pytest.warns(FutureWarning, match="only supports start_method=spawn"):
        mp.spawn(fail, ("all well",), start_method="fork")


def test_its_classes_are_pythons_own():
    assert mp.Queue is multiprocessing.Queue and mp.Process is multiprocessing.Process
    assert torch.multiprocessing is mp


def test_a_sharing_strategy_can_be_chosen():
    before = mp.get_sharing_strategy()
    assert before in mp.get_all_sharing_strategies()
    mp.set_sharing_strategy("file_system")
    assert mp.get_sharing_strategy() == "file_system"
    with pytest.raises(ValueError, match=r"must be one of .*, got 'telepathy'"):
        mp.set_sharing_strategy("telepathy")
    mp.set_sharing_strategy(before)
