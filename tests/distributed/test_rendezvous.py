"""Ranks started without mpiexec: they meet by torchrun's variables, an address or a file, and end together."""

import os
import re
import signal
import socket
import subprocess
import sys
import time
from pathlib import Path

import pytest

from tests.distributed.launcher import make_environment, require_mpi
from tests.distributed.test_faults import PROGRAM as FAULTY
from tests.distributed.test_faults import check_all_have_ended
from tests.distributed.test_two_hosts import two_hosts  # noqa: F401 (a fixture)

SECONDS = 20  # until all have ended; generous, for a busy machine


@pytest.fixture(autouse=True)
def _mpi():
    require_mpi()


def find_free_port():
    with socket.create_server(("127.0.0.1", 0)) as listener:
        return listener.getsockname()[1]


def start_processes(count, *arguments, before=lambda rank: (), each=lambda rank: {}, **variables):
    """`count` processes with torchrun's variables, the last rank first: a list by rank."""
    variables = {
        "WORLD_SIZE": str(count),
        "MASTER_ADDR": "127.0.0.1",
        "MASTER_PORT": str(find_free_port()),
        **variables,
    }
    begun = [
        subprocess.Popen(
            [*before(rank), sys.executable, *map(str, arguments)], stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
            env=make_environment(**{**variables, "RANK": str(rank), "LOCAL_RANK": str(rank), **each(rank)}), text=True,
            stdin=subprocess.DEVNULL,
        )
        for rank in reversed(range(count))
    ]  # fmt: skip
    return begun[::-1]


def finish(begun):
    """What each process printed, and its exit code."""
    try:
        return [process.communicate(timeout=60)[0] for process in begun], [process.returncode for process in begun]
    finally:
        for process in begun:
            process.kill()


def run(count, *arguments, **options):
    return finish(start_processes(count, *arguments, **options))


def check_success(printed, codes):
    assert not any(codes), "\n".join(printed)
    return printed


TRAINING = """
import os, sys
from datetime import timedelta
import minigrad as torch, minigrad.distributed as dist
from tests.distributed.test_checkpoint import train
before = dict(os.environ)
method, rank, size = sys.argv[1] or None, int(os.environ["RANK"]), int(os.environ["WORLD_SIZE"])
for _ in range(2):  # a process group can be left and joined again
    dist.init_process_group("gloo", method, rank=rank, world_size=size, timeout=timedelta(seconds=20))
    assert (dist.get_rank(), dist.get_world_size(), dist.get_node_local_rank()) == (rank, size, rank)
    assert os.environ == before  # or child processes would be taken for ranks by MPI
    torch.manual_seed(rank)
    model = torch.nn.parallel.DistributedDataParallel(torch.nn.Linear(300, 200))
    model(torch.full((1, 300), rank + 1.0)).sum().backward()
    assert torch.allclose(model.module.weight.grad, torch.full((200, 300), (size + 1) / 2))
    dist.destroy_process_group()
print("all is well on", rank)
"""


@pytest.mark.parametrize("count", [1, 2, 3, 4])
def test_ranks_meet_by_torchruns_variables(count):
    printed = check_success(*run(count, "-c", TRAINING, ""))
    assert printed == [f"all is well on {rank}\n" for rank in range(count)]


@pytest.mark.parametrize("method", ["env", "tcp", "file"])
def test_ranks_meet_by_each_init_method(method, tmp_path):
    methods = {"env": "env://", "tcp": f"tcp://localhost:{find_free_port()}", "file": f"file://{tmp_path}/meet"}
    (tmp_path / "meet").write_text(f"127.0.0.1 {find_free_port()}")  # left by a program that was killed
    check_success(*run(2, "-c", TRAINING, methods[method]))
    assert method != "file" or not (tmp_path / "meet").exists()


def test_ranks_meet_beside_torchruns_own_server():
    with socket.create_server(("127.0.0.1", 0)) as agent:
        check_success(
            *run(
                2, "-c", TRAINING, "", MASTER_PORT=str(agent.getsockname()[1]), TORCHELASTIC_USE_AGENT_STORE="True",
                TORCHELASTIC_RUN_ID="1", PMI_RANK="0", PMI_SIZE="1", PMI_FD="99",
            )
        )  # fmt: skip


def test_ranks_meet_on_two_hosts(two_hosts):  # noqa: F811
    def on_host(rank):  # with its own host name: MPICH takes equal names for one machine
        name = f"{two_hosts}{1 + rank % 2}"
        return ("ip", "netns", "exec", name, "unshare", "--uts", "sh", "-c", f'hostname {name}; exec "$@"', "sh")

    check_success(
        *run(4, "-c", TRAINING, "", before=on_host, MASTER_ADDR="10.77.0.1", UCX_TLS="tcp,self", UCX_LOG_LEVEL="error")
    )


LESSON = """
import minigrad.as_torch
import os, sys
import torch
import torch.distributed as dist
import torch.multiprocessing as mp
from torch.nn.parallel import DistributedDataParallel as DDP

def train(rank, world_size, way):
    os.environ["MASTER_ADDR"], os.environ["MASTER_PORT"] = "localhost", sys.argv[2]
    dist.init_process_group("gloo", rank=rank, world_size=world_size)
    model = DDP(torch.nn.Linear(10, 5))
    optimizer = torch.optim.SGD(model.parameters(), lr=0.001)
    for _ in range(3):
        optimizer.zero_grad()
        torch.nn.functional.mse_loss(model(torch.randn(20, 10)), torch.randn(20, 5)).backward()
        optimizer.step()
        if way == "raises" and rank == 1:
            raise ValueError("the seventh image is broken")
    dist.destroy_process_group()
    print(f"all is well on {rank}\\n", end="")

if __name__ == "__main__":
    mp.spawn(train, args=(2, sys.argv[1]), nprocs=2, join=True)
"""


@pytest.mark.parametrize("way", ["ends well", "raises", "under mpiexec"])
def test_a_lesson_with_spawn_runs(way, tmp_path):
    (tmp_path / "lesson.py").write_text(LESSON)
    variables = {"PMI_RANK": "0", "PMI_SIZE": "1"} if way == "under mpiexec" else {}
    printed, codes = run(1, tmp_path / "lesson.py", way, find_free_port(), **variables)
    if way == "raises":
        assert codes == [1]
        assert "Process 1 terminated with the following error" in printed[0]
        assert "ValueError: the seventh image is broken" in printed[0]
    else:
        assert codes == [0] and sorted(printed[0].splitlines()) == ["all is well on 0", "all is well on 1"], printed


LATE = """
import os, sys, time
from datetime import timedelta
import minigrad.distributed as dist
time.sleep(float(os.environ.get("LATE", 0)))
dist.init_process_group("gloo", timeout=timedelta(seconds=3))
"""


@pytest.mark.parametrize(
    ("count", "each", "messages"),
    [
        (2, lambda rank: {"WORLD_SIZE": "3"}, ["timed out: rank 2 of 3 did not come to init_process_group"] * 2),
        (2, lambda rank: {"WORLD_SIZE": "32"[rank]}, ["has world_size 2, but rank 0 has 3"] * 2),
        (3, lambda rank: {"RANK": "011"[rank]}, ["two processes say that they are rank 1, on"] * 3),
        (1, lambda rank: {"RANK": "1", "WORLD_SIZE": "2"}, ["rank 0 does not answer at 127.0.0.1:"]),
        (
            2, lambda rank: {"RANK": "0", "LATE": "01"[rank]},
            ["timed out: rank 1 of 2 did not come", "rank 0 cannot listen on port"],
        ),
    ],
)  # fmt: skip
def test_ranks_that_do_not_meet_raise_with_the_reason(count, each, messages):
    printed, codes = run(count, "-c", LATE, each=each)
    assert all(codes)
    assert all(said in text for said, text in zip(messages, printed, strict=True)), printed


def test_mpi_started_before_init_process_group_is_refused():
    printed, codes = run(1, "-c", "from mpi4py import MPI\n" + LATE, WORLD_SIZE="2")
    assert codes == [1] and "MPI was started before init_process_group, alone" in printed[0]


@pytest.mark.parametrize(
    ("way", "count", "said", "others"),
    [
        ("raises", 3, "ValueError: the seventh image is broken", "ends: rank 1, on .*, failed"),
        ("raises_and_cleans_up", 2, "ValueError: the seventh image is broken", "waits for rank 1, which left|ends: "),
        ("is_killed", 2, "", "ends: rank 1, on .*, was killed, or ended without a word"),
        ("is_killed_with_a_child", 2, "", "ends: rank 1, on .*, was killed, or ended without a word"),
        ("is_terminated", 4, "", "ends: rank 1, on .*, was killed, or ended without a word"),
        ("leaves", 3, "", "waits for rank 1, which left|ends: rank . on .*, failed"),
        ("destroys", 2, "", "waits for rank 1, which left"),
        ("leaves_at_once", 2, "", "ends: rank 1, on .*, was killed, or ended without a word"),
        ("stays_away", 2, "", "Timed out after 3 s in all_reduce"),
    ],
)
def test_a_fault_on_one_rank_ends_all_with_a_message(way, count, said, others, tmp_path):
    memory = set(Path("/dev/shm").glob("mpich*"))
    begun = time.monotonic()
    printed, codes = run(count, FAULTY, way, tmp_path)
    assert time.monotonic() - begun < SECONDS
    assert all(codes) or way == "destroys"
    assert said in printed[1]
    assert all(re.search(others, text) for rank, text in enumerate(printed) if rank != 1), printed
    assert "came to the end" not in "".join(printed)
    check_all_have_ended(tmp_path)
    assert set(Path("/dev/shm").glob("mpich*")) <= memory


def test_the_end_of_the_process_manager_ends_all_ranks(tmp_path):
    code = (
        "import os, minigrad.distributed as dist\n"
        "dist.init_process_group()\n"
        "dist.barrier()\n"
        "children = open(f'/proc/self/task/{os.getpid()}/children').read().split()\n"
        "if dist.get_rank() == 0: os.kill(int(children[0]), 9)\n"
        "dist.recv(__import__('minigrad').ones(1), 1 - dist.get_rank())\n"
    )
    printed, codes = run(2, "-c", code)
    assert codes == [1, 1] and all("ends: the process manager beside rank 0 is gone" in text for text in printed)


def test_control_c_ends_all_ranks(tmp_path):
    """The terminal sends the signal to all ranks and to the process manager."""
    begun = start_processes(2, FAULTY, "waits", tmp_path)
    for process in begun:
        while "waiting" not in process.stdout.readline():
            assert process.poll() is None
    children = Path(f"/proc/{begun[0].pid}/task/{begun[0].pid}/children").read_text().split()
    for pid in (*children, *(process.pid for process in begun)):
        os.kill(int(pid), signal.SIGINT)
    printed, codes = finish(begun)
    assert all(codes) and "KeyboardInterrupt" in "".join(printed)
    check_all_have_ended(tmp_path)
