"""Several machines simulated on one: two network namespaces with a virtual cable; only TCP connects the ranks."""

import os
import shutil
import subprocess
import time
from pathlib import Path

import pytest

from tests.distributed.launcher import launch, require_mpi

HERE = Path(__file__).parent
NAME = f"mg{os.getpid()}."
HOSTS = ["10.77.0.1", "10.77.0.2"]


def ip(*words):
    return subprocess.run(["ip", *words], check=True, capture_output=True, text=True)


@pytest.fixture(scope="module")
def two_hosts():
    """Two namespaces with an address each; skips where they cannot be made."""
    require_mpi()
    if shutil.which("ip") is None:
        pytest.skip("network namespaces are made by the program ip (iproute2), which is not here")
    try:
        for i in (1, 2):
            ip("netns", "add", f"{NAME}{i}")
    except subprocess.CalledProcessError as error:
        pytest.skip(f"network namespaces may not be made here: {error.stderr.strip()}")
    try:
        ip("link", "add", "v1", "netns", f"{NAME}1", "type", "veth", "peer", "name", "v2", "netns", f"{NAME}2")
        for i, address in enumerate(HOSTS, 1):
            ip("-n", f"{NAME}{i}", "addr", "add", f"{address}/24", "dev", f"v{i}")
            ip("-n", f"{NAME}{i}", "link", "set", "lo", "up")
            ip("-n", f"{NAME}{i}", "link", "set", f"v{i}", "up")
        until = time.monotonic() + 10
        while any("LOWER_UP" not in ip("-n", f"{NAME}{i}", "link", "show", f"v{i}").stdout for i in (1, 2)):
            assert time.monotonic() < until
            time.sleep(0.05)
        yield NAME
    finally:
        for i in (1, 2):
            subprocess.run(["ip", "netns", "del", f"{NAME}{i}"], check=False, capture_output=True)


def launch_on_two_hosts(two_hosts, count, *arguments):
    """Run a program on `count` ranks, half of them on each host; mpiexec runs on the first."""
    options = [
        "-launcher", "ssh", "-launcher-exec", str(HERE / "two_hosts.sh"), "-localhost", HOSTS[0],
        "-hosts", ",".join(HOSTS), "-ppn", str(count // 2),
    ]  # fmt: skip
    inside = ("ip", "netns", "exec", f"{two_hosts}1")
    # Without it UCX would use the memory that both hosts share here, which real hosts do not.
    return launch(
        count, *arguments, options=options, before=inside, timeout=90, TWO_HOSTS=two_hosts, UCX_TLS="tcp,self",
        UCX_LOG_LEVEL="error",
    )  # fmt: skip


PROGRAM = """
import subprocess
import minigrad as torch, minigrad.distributed as dist
from tests.distributed.test_checkpoint import train
dist.init_process_group()
rank, size = dist.get_rank(), dist.get_world_size()
address = subprocess.run(["ip", "-br", "addr"], capture_output=True, text=True).stdout
everybody = [None] * size
dist.all_gather_object(everybody, [host for host in ("10.77.0.1", "10.77.0.2") if host in address])
assert sorted(sum(everybody, [])) == ["10.77.0.1"] * (size // 2) + ["10.77.0.2"] * (size // 2), everybody
dist.all_reduce(x := torch.arange(100_000.0))
assert x[-1].item() == 99_999 * size
torch.manual_seed(rank)
model = torch.nn.parallel.DistributedDataParallel(torch.nn.Linear(300, 200))
model(torch.full((1, 300), rank + 1.0)).sum().backward()
assert torch.allclose(model.module.weight.grad, torch.full((200, 300), (size + 1) / 2))
print("all is well on", rank)
dist.destroy_process_group()
"""


@pytest.mark.parametrize("count", [2, 4])
def test_collectives_and_data_parallel_run_on_two_hosts(two_hosts, count):
    done = launch_on_two_hosts(two_hosts, count, "-c", PROGRAM)
    assert done.returncode == 0, done.stdout + done.stderr
    assert done.stdout.count("all is well on") == count


@pytest.mark.parametrize(
    ("way", "said"),
    [("raises", "the seventh image is broken"), ("is_killed", ""), ("leaves", "waits for rank 1, which left")],
)
def test_a_fault_on_one_host_ends_the_ranks_of_both(two_hosts, way, said, tmp_path):
    done = launch_on_two_hosts(two_hosts, 2, HERE / "faulty.py", way, tmp_path)
    assert done.returncode != 0 and said in done.stdout + done.stderr
    assert "came to the end" not in done.stdout
