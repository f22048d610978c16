"""Records the `.grad` of PyTorch's DistributedDataParallel: the reference for `tests/distributed`.

    pip install torch==2.13.0
    python tests/oracle/record_distributed.py

It rewrites `tests/data/distributed.json`. The ranks are processes that gloo connects. The programs are those of
`tests/distributed/data_parallel_programs.py`, written once and run with PyTorch here and with minigrad in the tests.
"""

import gc
import importlib.util
import json
import tempfile
from pathlib import Path

import torch
import torch.distributed as dist
import torch.multiprocessing

HERE = Path(__file__).resolve().parent
FILE = HERE.parent / "data" / "distributed.json"
PROGRAMS = HERE.parent / "distributed" / "data_parallel_programs.py"


def load_programs():
    found = importlib.util.spec_from_file_location("data_parallel_programs", PROGRAMS)
    module = importlib.util.module_from_spec(found)
    found.loader.exec_module(module)
    return module.PROGRAMS


def run_on_rank(rank, size, folder):
    dist.init_process_group("gloo", init_method=f"file://{folder}/meeting", rank=rank, world_size=size)
    results = {name: program(torch, rank, size) for name, program in load_programs().items()}
    (Path(folder) / f"{rank}.json").write_text(json.dumps(results))
    gc.collect()  # the models hold the group
    dist.barrier()
    dist.destroy_process_group()


def main():
    torch.set_num_threads(1)
    recorded = {}
    for size in (2, 3):
        with tempfile.TemporaryDirectory() as folder:
            torch.multiprocessing.spawn(run_on_rank, (size, folder), size)
            recorded[size] = [json.loads((Path(folder) / f"{rank}.json").read_text()) for rank in range(size)]
    FILE.write_text(json.dumps(recorded, indent=None, separators=(",", ":")) + "\n")
    print(f"{FILE}: {FILE.stat().st_size} bytes")


if __name__ == "__main__":
    main()
