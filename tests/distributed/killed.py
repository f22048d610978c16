"""A training program that saves after every step; tests kill it at any moment.

python killed.py FOLDER: each rank writes its process number there. Rank 0 writes whole.minigrad, all ranks write the
sharded checkpoint. All elements of the tensors in one file are the number of the step.
"""

import os
import sys
import time
from datetime import timedelta
from pathlib import Path

import minigrad as torch
import minigrad.distributed as dist
from minigrad import nn

folder = Path(sys.argv[1])
dist.init_process_group(timeout=timedelta(seconds=30))
rank = dist.get_rank()
(folder / f"{rank}.pid").write_text(str(os.getpid()))
model = nn.parallel.DistributedDataParallel(nn.Linear(50, 50))
optimizer = dist.optim.ZeroRedundancyOptimizer(model.parameters(), torch.optim.SGD, lr=0.1, momentum=0.9)
until = time.monotonic() + 60  # in case nothing kills it
for step in range(1, 100_000):
    if time.monotonic() > until:
        raise TimeoutError("this program was not killed")
    optimizer.zero_grad()
    model(torch.ones(4, 50)).mean().backward()
    optimizer.step()
    state = {f"w{i}": torch.full((200, 10), float(step)) for i in range(4)} | {"step": step}
    if rank == 0:
        torch.save(state, folder / "whole.minigrad")
    dist.checkpoint.save(state, checkpoint_id=folder / "shards")
    if step == 1:
        print("saving", flush=True)
