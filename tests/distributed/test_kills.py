"""Kills at random moments: no hang, no leftover process, no damaged file.

python -m pytest tests/distributed/test_kills.py --kills 200    # a few by default
"""

import os
import random
import signal
import subprocess
import time
from pathlib import Path

import minigrad as torch
from minigrad.distributed import checkpoint
from tests.distributed.launcher import make_command, make_environment, require_mpi
from tests.distributed.test_faults import check_all_have_ended, read_pids
from tests.distributed.test_rendezvous import start_processes

PROGRAM = Path(__file__).with_name("killed.py")
SECONDS = 20  # until all have ended; generous, for a busy machine


def start_mpiexec(folder):
    return [
        subprocess.Popen(
            make_command(2, PROGRAM, folder), env=make_environment(), stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
            text=True, stdin=subprocess.DEVNULL,
        )
    ]  # fmt: skip


def find_children(pid):
    return [int(child) for child in Path(f"/proc/{pid}/task/{pid}/children").read_text().split()]


def kill_once(folder, chance):
    """Start two ranks, kill one of them or its process manager, and check what is left."""
    folder.mkdir()
    alone = chance.random() < 0.5  # without mpiexec: nothing notices a rank that is killed before it has joined
    begun = start_processes(2, PROGRAM, folder) if alone else start_mpiexec(folder)
    early = not alone and chance.random() < 0.2
    if not early:
        assert "saving" in begun[0].stdout.readline()
    time.sleep(chance.uniform(0, 0.5))
    victims = [begun[0].pid, *read_pids(folder), *(find_children(begun[0].pid) if alone else [])]
    os.kill(chance.choice(victims), chance.choice([signal.SIGKILL, signal.SIGKILL, signal.SIGTERM]))
    for process in begun:
        with process:
            process.communicate(timeout=SECONDS)
        assert process.returncode != 0
    if read_pids(folder):
        check_all_have_ended(folder)
    if not early:
        for state in (torch.load(folder / "whole.minigrad"), checkpoint.read(folder / "shards")):
            assert all(bool((state[f"w{i}"] == state["step"]).all()) for i in range(4))


def test_a_kill_leaves_no_process_and_no_damaged_file(request, tmp_path):
    require_mpi()
    chance = random.Random(request.config.getoption("--seed-of-kills"))
    for i in range(request.config.getoption("--kills")):
        kill_once(tmp_path / str(i), chance)
