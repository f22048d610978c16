"""Measure what several processes cost, and compare it with a model.

    mpiexec -n 2 python benchmarks/several_processes.py     # latency, bandwidth, overlap in a LeNet step
    python benchmarks/several_processes.py                  # the cost of DistributedDataParallel in one process

Each rank takes the median over its rounds, and that of the slowest rank is printed. Variants take turns in each round,
so that a busy machine slows all of them equally.
"""

from __future__ import annotations

import argparse
import statistics
import time
from collections.abc import Callable

import numpy as np
from gpu_work import lenet

import minigrad as torch
import minigrad.distributed as dist
from minigrad import nn
from minigrad.nn.parallel import DistributedDataParallel

SIZES = (1, 16, 256, 4096, 65536, 1048576)  # floats


def make_lenet() -> nn.Module:
    torch.manual_seed(0)
    return lenet(nn, normed=False)


def step_of(model: nn.Module, batch: int) -> Callable[[], None]:
    optimizer = torch.optim.SGD(model.parameters(), lr=0.01)
    x, y = torch.randn(batch, 1, 28, 28), torch.arange(batch) % 10

    def step() -> None:
        optimizer.zero_grad()
        nn.functional.cross_entropy(model(x), y).backward()
        optimizer.step()

    return step


def in_turns(variants: dict[str, Callable[[], None]], rounds: int, repeat: int) -> dict[str, float]:
    """Seconds of one call of each variant: each rank's median over rounds, the largest over all ranks."""
    spent: dict[str, list[float]] = {name: [] for name in variants}
    for round_ in range(rounds + 1):
        for name, call in variants.items():
            if dist.get_world_size() > 1:
                dist.barrier()
            begun = time.perf_counter()
            for _ in range(repeat):
                call()
            if round_:  # the first warms up
                spent[name].append((time.perf_counter() - begun) / repeat)
    medians = torch.tensor([statistics.median(times) for times in spent.values()], dtype=torch.float64)
    dist.all_reduce(medians, dist.ReduceOp.MAX)
    return dict(zip(variants, medians.tolist(), strict=True))


def say(*words: object) -> None:
    if dist.get_rank() == 0:
        print(*words, flush=True)


def latency_and_bandwidth(rounds: int) -> None:
    """Fit t = a + b n to the time of all_reduce of n bytes, without checks."""
    dist.set_debug_level(dist.DebugLevel.OFF)
    tensors = {str(4 * n): torch.zeros(n) for n in SIZES}
    calls = {name: lambda x=x: dist.all_reduce(x) for name, x in tensors.items()}
    spent = in_turns(calls, rounds, 20)
    dist.set_debug_level(dist.DebugLevel.DETAIL)
    checked = in_turns({"checked": lambda: dist.all_reduce(tensors["4"])}, rounds, 20)["checked"]
    sizes, times = np.array([float(n) for n in spent]), np.array(list(spent.values()))
    b = (times[-1] - times[-2]) / (sizes[-1] - sizes[-2])
    a = statistics.median(times[:3])
    say(f"all_reduce on {dist.get_world_size()} ranks: a = {a * 1e6:.1f} us, 1/b = {1 / b / 1e9:.2f} GB/s")
    say(f"  with the check that all call the same: {checked * 1e6:.1f} us")
    for n, t in spent.items():
        say(f"  {n:>8} bytes: {t * 1e6:9.1f} us, the model says {(a + b * float(n)) * 1e6:9.1f} us")


def overlap(batch: int, rounds: int) -> None:
    """Measure how much of the gradient reduction a LeNet step hides behind backward.

    Ranks that synchronize in every step wait for the slowest one, whatever they exchange; a barrier shows this cost.
    The time that a reduction adds to a barrier is exposed. The rest of a reduction after backward is hidden.
    """
    models = {name: DistributedDataParallel(make_lenet()) for name in ("during", "after")}
    steps = {name: step_of(model, batch) for name, model in models.items()}
    apart = step_of(make_lenet(), batch)
    one_bucket = step_of(DistributedDataParallel(make_lenet(), bucket_cap_mb=25), batch)
    reducer = models["during"].reducer
    flats = [torch.zeros(bucket.array.size) for bucket in reducer.buckets] if reducer else []

    def meet() -> None:
        apart()
        dist.barrier()

    def reduce_alone() -> None:
        for flat in flats:
            dist.all_reduce(flat)

    def after() -> None:
        with models["after"].no_sync():
            steps["after"]()
        for flat, bucket in zip(flats, models["after"].reducer.buckets, strict=True):
            for i in range(len(bucket.parameters)):
                bucket.put(i, 0.5)
                bucket.hand_out(i, as_view=False)
            dist.all_reduce(flat)

    dist.set_debug_level(dist.DebugLevel.OFF)
    spent = in_turns(
        {
            "no reduction": apart, "no reduction, a barrier": meet, "reduction during backward": steps["during"],
            "the same, one bucket": one_bucket, "reduction after backward": after, "reduction alone": reduce_alone,
        },
        rounds, 5,
    )  # fmt: skip
    dist.set_debug_level(dist.DebugLevel.DETAIL)
    tell_overlap(spent, flats, batch)


def tell_overlap(spent: dict[str, float], flats: list[torch.Tensor], batch: int) -> None:
    """Print the seconds `spent` on each variant of a step, and the share of the reduction that is hidden."""
    sizes = ", ".join(f"{4 * flat.numel() / 1024:.0f}" for flat in flats)
    say(f"LeNet, batch {batch} on each of {dist.get_world_size()} ranks, buckets of {sizes} KiB:")
    for name, seconds in spent.items():
        say(f"  {name:28} {seconds * 1e3:8.3f} ms")
    meeting = spent["no reduction, a barrier"]
    exposed, late = spent["reduction during backward"] - meeting, spent["reduction after backward"] - meeting
    say(f"  exposed {exposed * 1e3:.3f} ms during backward, {late * 1e3:.3f} ms after: {1 - exposed / late:.0%} hidden")


def alone(batch: int, rounds: int) -> None:
    """Print the cost of DistributedDataParallel in a world of one process."""
    spent = in_turns(
        {"plain": step_of(make_lenet(), batch), "DDP": step_of(DistributedDataParallel(make_lenet()), batch)}, rounds, 5
    )
    say(f"LeNet, batch {batch}, one process: {spent['plain'] * 1e3:.3f} ms; in DDP {spent['DDP'] * 1e3:.3f} ms")
    say(f"  overhead {spent['DDP'] / spent['plain'] - 1:+.2%}")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--batch", type=int, default=64)
    parser.add_argument("--rounds", type=int, default=30)
    parser.add_argument("--smoke", action="store_true", help="once through, to see that it runs")
    given = parser.parse_args()
    rounds = 1 if given.smoke else given.rounds
    dist.init_process_group()
    if dist.get_world_size() == 1:
        alone(given.batch, rounds)
    else:
        latency_and_bandwidth(rounds)
        overlap(given.batch, rounds)
    dist.destroy_process_group()


if __name__ == "__main__":
    main()
