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
from tests.distributed.launcher import command, environment, require_mpi
from tests.distributed.test_faults import expect_nobody, pids
from tests.distributed.test_rendezvous import begin

PROGRAM = Path(__file__).with_name("killed.py")
SECONDS = 20  # to end, on a busy machine


def by_mpiexec(folder):
    return [
        subprocess.Popen(
            command(2, PROGRAM, folder), env=environment(), stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
            stdin=subprocess.DEVNULL,
        )
    ]  # fmt: skip


def children_of(pid):
    return [int(child) for child in Path(f"/proc/{pid}/task/{pid}/children").read_text().split()]


def one_kill(folder, chance):
    """Start two ranks, kill one of them, or what watches over them, and look at what is left."""
    folder.mkdir()
    alone = chance.random() < 0.5  # without mpiexec, where nobody knows of a rank that is killed before it comes
    begun = begin(2, PROGRAM, folder) if alone else by_mpiexec(folder)
    early = not alone and chance.random() < 0.2
    if not early:
        assert "saving" in begun[0].stdout.readline()
    time.sleep(chance.uniform(0, 0.5))
    victims = [begun[0].pid, *pids(folder), *(children_of(begun[0].pid) if alone else [])]
    os.kill(chance.choice(victims), chance.choice([signal.SIGKILL, signal.SIGKILL, signal.SIGTERM]))
    for process in begun:
        with process:
            process.communicate(timeout=SECONDS)
        assert process.returncode != 0
    if pids(folder):
        expect_nobody(folder)
    if not early:
        for state in (torch.load(folder / "whole.minigrad"), checkpoint.read(folder / "shards")):
            assert all(bool((state[f"w{i}"] == state["step"]).all()) for i in range(4))


def test_kills(request, tmp_path):
    require_mpi()
    chance = random.Random(request.config.getoption("--seed-of-kills"))
    for i in range(request.config.getoption("--kills")):
        one_kill(tmp_path / str(i), chance)
