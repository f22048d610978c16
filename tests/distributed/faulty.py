"""A program in which rank 1 fails in the named way while the other ranks work or wait for it.

python faulty.py WAY FOLDER: each rank writes its process number to a file in the folder.
"""

import os
import signal
import sys
import time
from datetime import timedelta
from pathlib import Path

import minigrad as torch
import minigrad.distributed as dist

way, folder = sys.argv[1], Path(sys.argv[2])
rank = int(os.environ.get("PMI_RANK") or os.environ["RANK"])
(folder / f"{rank}.pid").write_text(str(os.getpid()))
if way == "raises_first" and rank == 1:
    raise ValueError("the seventh image is broken")
if way == "leaves_first" and rank == 1:
    sys.exit(0)
dist.init_process_group(timeout=timedelta(seconds=3 if way == "stays_away" else 60))
for _ in range(3):
    dist.all_reduce(torch.ones(1000))
if rank == 1:
    if way == "raises":
        raise ValueError("the seventh image is broken")
    if way == "raises_in_two":
        raise ValueError("one of two")
    if way == "raises_and_cleans_up":
        work = dist.irecv(torch.ones(1), 0)  # nobody sends
        try:
            raise ValueError("the seventh image is broken")
        finally:
            dist.destroy_process_group()
    if way == "is_killed":
        os.kill(os.getpid(), signal.SIGKILL)
    if way == "is_terminated":
        os.kill(os.getpid(), signal.SIGTERM)
    if way == "is_killed_with_a_child" and os.fork() > 0:
        os.kill(os.getpid(), signal.SIGKILL)
    if way == "is_killed_with_a_child":  # the child, which lives on
        os.closerange(1, 3)
        time.sleep(22)
        os._exit(0)
    if way == "leaves":
        sys.exit(3)
    if way == "leaves_at_once":
        os._exit(3)
    if way == "destroys":
        dist.destroy_process_group()
        sys.exit(0)
    if way == "stays_away":
        time.sleep(100)
if rank == 2 and way == "raises_in_two":
    raise KeyError("two of two")
if way == "computes":
    print("computing", flush=True)
    until = time.monotonic() + 60  # in case nothing ends it
    while time.monotonic() < until:
        torch.ones(100, 100) @ torch.ones(100, 100)
if way == "waits":
    print("waiting", flush=True)
    if rank == 1:
        time.sleep(100)
dist.all_reduce(torch.ones(1000))
print("came to the end", flush=True)
