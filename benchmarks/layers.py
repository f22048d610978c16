"""Compare minigrad with PyTorch on convolution layers, forward and with both gradients: one table with ratios.

    python benchmarks/layers.py                         # with PyTorch, if this Python has it
    python benchmarks/layers.py --torch-python PATH     # PyTorch from another environment
    python benchmarks/layers.py --only 3x3 --rounds 5
    python benchmarks/layers.py --cpu-time              # for a busy machine, see below
    python benchmarks/layers.py --avx2                  # both engines without AVX-512
    python benchmarks/layers.py --save layers.json      # the numbers in a file, for `report.py`
    python benchmarks/layers.py --smoke                 # tiny layers, one round: a check that it runs

The engines take turns, each in a fresh process, because two thread pools in one process would slow each
other down. A round measures each layer's median, and the table shows the best round. Times are milliseconds.
A ratio is minigrad's time over PyTorch's: below 1, minigrad is faster.

`--cpu-time` gives each engine one thread and measures the processor time of the fastest call, so that other
work on the machine has little effect. It says nothing about what a second thread saves.
"""

from __future__ import annotations

import argparse
import json
import math
import os
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from statistics import median
from typing import Any, NamedTuple

ROOT = Path(__file__).resolve().parent.parent


class Layer(NamedTuple):
    """A convolution: images (N, C, H, W), O square kernels."""

    name: str
    N: int
    C: int
    H: int
    W: int
    O: int  # noqa: E741
    kernel: int
    stride: int = 1
    padding: int = 0
    groups: int = 1

    @property
    def output(self) -> tuple[int, int]:
        reach = 2 * self.padding - self.kernel
        return (self.H + reach) // self.stride + 1, (self.W + reach) // self.stride + 1

    @property
    def geometry(self) -> Any:
        """The layer's `Geometry`. Only for the process that runs minigrad."""
        from minigrad.kernels import Geometry

        return Geometry((self.kernel,) * 2, (self.stride,) * 2, (self.padding,) * 2, groups=self.groups)


LAYERS = [
    Layer("ResNet 3x3 64 @56", 4, 64, 56, 56, 64, 3, 1, 1),
    Layer("ResNet 3x3 128 @28", 8, 128, 28, 28, 128, 3, 1, 1),
    Layer("ResNet 3x3 256 @14", 8, 256, 14, 14, 256, 3, 1, 1),
    Layer("ResNet 3x3 512 @7", 8, 512, 7, 7, 512, 3, 1, 1),
    Layer("ResNet 3x3/2 128 @56", 4, 128, 56, 56, 128, 3, 2, 1),
    Layer("ResNet 3x3/2 256 @28", 4, 256, 28, 28, 256, 3, 2, 1),
    Layer("ResNet 3x3/2 512 @14", 8, 512, 14, 14, 512, 3, 2, 1),
    Layer("ResNet 1x1 64-256 @56", 4, 64, 56, 56, 256, 1),
    Layer("ResNet 1x1 256-64 @56", 4, 256, 56, 56, 64, 1),
    Layer("ResNet 1x1 512-128 @28", 4, 512, 28, 28, 128, 1),
    Layer("ResNet 1x1 1024-256 @14", 8, 1024, 14, 14, 256, 1),
    Layer("ResNet 1x1 512-2048 @7", 8, 512, 7, 7, 2048, 1),
    Layer("ResNet 1x1/2 256-512 @56", 4, 256, 56, 56, 512, 1, 2),
    Layer("ResNet 7x7/2 stem @224", 4, 3, 224, 224, 64, 7, 2, 3),
    Layer("VGG 3x3 3-64 @224", 1, 3, 224, 224, 64, 3, 1, 1),
    Layer("VGG 3x3 64 @224", 1, 64, 224, 224, 64, 3, 1, 1),
    Layer("VGG 3x3 128-256 @56", 2, 128, 56, 56, 256, 3, 1, 1),
    Layer("VGG 3x3 512 @14", 4, 512, 14, 14, 512, 3, 1, 1),
    Layer("AlexNet 5x5 64-192 @27", 8, 64, 27, 27, 192, 5, 1, 2),
    Layer("AlexNet 11x11/4 @224", 8, 3, 224, 224, 64, 11, 4, 2),
    Layer("LeNet 5x5 1-6 @28", 256, 1, 28, 28, 6, 5, 1, 2),
    Layer("LeNet 5x5 6-16 @14", 256, 6, 14, 14, 16, 5),
    Layer("photo 3x3 1-1 720p", 1, 1, 720, 1280, 1, 3, 1, 1),
    Layer("photo 3x3 1-8 720p", 1, 1, 720, 1280, 8, 3, 1, 1),
    Layer("photo 3x3 3-16 720p", 1, 3, 720, 1280, 16, 3, 1, 1),
    Layer("CIFAR 3x3 16 @32", 64, 16, 32, 32, 16, 3, 1, 1),
    Layer("CIFAR 3x3 32 @16", 64, 32, 16, 16, 32, 3, 1, 1),
    Layer("CIFAR 3x3 64 @8", 64, 64, 8, 8, 64, 3, 1, 1),
    Layer("7x7 32 @28", 8, 32, 28, 28, 32, 7, 1, 3),
    Layer("depthwise 3x3 128 @28", 8, 128, 28, 28, 128, 3, 1, 1, 128),
    Layer("depthwise 3x3/2 64 @56", 4, 64, 56, 56, 64, 3, 2, 1, 64),
    Layer("grouped 3x3 4 x 16 @28", 8, 64, 28, 28, 64, 3, 1, 1, 4),
    Layer("grouped 3x3 32 x 8 @14", 8, 256, 14, 14, 256, 3, 1, 1, 32),
]
SMOKE = [
    Layer("smoke 3x3", 2, 8, 10, 10, 8, 3, 1, 1),
    Layer("smoke 1x1", 2, 8, 6, 6, 4, 1),
    Layer("smoke 5x5/2", 2, 3, 12, 12, 4, 5, 2, 2),
]
Work = tuple[Callable[[], object], Callable[[], object]]  # forward; forward and both gradients
ONE_THREAD = {"OMP_NUM_THREADS": "1", "OPENBLAS_NUM_THREADS": "1", "MKL_NUM_THREADS": "1"}
# Makes OpenBLAS, NumPy, PyTorch and its libraries use the instructions of an older processor.
AVX2 = {
    "OPENBLAS_CORETYPE": "Haswell",
    "NPY_DISABLE_CPU_FEATURES": "X86_V4 AVX512F AVX512CD AVX512_SKX AVX512_CLX AVX512_CNL AVX512_ICL AVX512_SPR",
    "ATEN_CPU_CAPABILITY": "avx2",
    "ONEDNN_MAX_CPU_ISA": "AVX2",
    "MKL_ENABLE_INSTRUCTIONS": "AVX2",
}


def minigrad_work(layer: Layer) -> Work:
    import numpy as np

    import minigrad.kernels.fast  # noqa: F401 (importing registers the algorithms)
    from minigrad import kernels

    random = np.random.default_rng(0)
    x = random.standard_normal((layer.N, layer.C, layer.H, layer.W)).astype(np.float32)
    shape = (layer.O, layer.C // layer.groups, layer.kernel, layer.kernel)
    w = random.standard_normal(shape).astype(np.float32)
    g = random.standard_normal((layer.N, layer.O, *layer.output)).astype(np.float32)
    geometry = layer.geometry

    def forward() -> object:
        return kernels.conv2d(x, w, geometry=geometry)

    def both() -> object:
        out = kernels.conv2d(x, w, geometry=geometry)
        dw = kernels.conv2d_weight(x, g, geometry=geometry)
        return out, dw, kernels.conv2d_input(g, w, size=x.shape[2:], geometry=geometry)

    return forward, both


def torch_work(layer: Layer) -> Work:
    import torch

    torch.manual_seed(0)
    x = torch.randn(layer.N, layer.C, layer.H, layer.W, requires_grad=True)
    w = torch.randn(layer.O, layer.C // layer.groups, layer.kernel, layer.kernel)
    w.requires_grad_()
    g = torch.randn(layer.N, layer.O, *layer.output)

    def call() -> torch.Tensor:
        return torch.nn.functional.conv2d(x, w, stride=layer.stride, padding=layer.padding, groups=layer.groups)

    def forward() -> object:
        with torch.no_grad():
            return call()

    def both() -> object:
        return torch.autograd.grad(call(), (x, w), g)

    return forward, both


ENGINES = {"minigrad": minigrad_work, "torch": torch_work}


def measure(work: Callable[[], object], seconds: float, cpu_time: bool) -> float:
    """The median time of a call in milliseconds, over `seconds` or at least three calls."""
    clock = time.thread_time if cpu_time else time.perf_counter
    work()
    times: list[float] = []
    began = time.perf_counter()
    while len(times) < 3 or time.perf_counter() - began < seconds:
        start = clock()
        work()
        times.append(clock() - start)
    return (min(times) if cpu_time else median(times)) * 1e3


def run_round(
    engine: str, python: str, names: list[str], seconds: float, cpu_time: bool, avx2: bool
) -> list[list[float]]:
    """One round of one engine in its own process: (forward, with both gradients) for each layer."""
    command = [python, __file__, "--engine", engine, "--seconds", str(seconds)]
    path = os.pathsep.join(filter(None, [str(ROOT), os.environ.get("PYTHONPATH", "")]))
    environment = {**os.environ, "PYTHONPATH": path}
    if cpu_time:
        command.append("--cpu-time")
        environment |= ONE_THREAD
    environment |= AVX2 if avx2 else {}
    command += ["--layers", *names]
    done = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)
    if done.returncode:
        raise SystemExit(f"{engine} failed:\n{done.stderr}")
    return [json.loads(line) for line in done.stdout.splitlines()]


def has_torch(python: str) -> bool:
    looked = subprocess.run([python, "-c", "import torch"], capture_output=True, check=False)
    return looked.returncode == 0


def find_layers(parser: argparse.ArgumentParser, layers: list[Layer], part: str) -> list[Layer]:
    """The layers whose name contains `part`; an error of the argument --only if there are none."""
    found = [layer for layer in layers if part in layer.name]
    if not found:
        names = ", ".join(repr(layer.name) for layer in layers)
        parser.error(f"argument --only: no layer's name contains {part!r} (the names are {names})")
    return found


def print_table(layers: list[Layer], best: dict[str, list[list[float]]]) -> None:
    engines = list(best)
    heads = [f"{engine[:8]} {part}" for part in ("fwd", "all") for engine in engines]
    print(f"{'layer':26}" + "".join(f"{head:>14}" for head in heads), end="")
    print("   ratio fwd   ratio all" if len(engines) == 2 else "")
    logs: list[list[float]] = [[], []]
    for row, layer in enumerate(layers):
        print(f"{layer.name:26}", end="")
        print("".join(f"{best[e][row][part]:14.3f}" for part in (0, 1) for e in engines), end="")
        if len(engines) == 2:
            for part in (0, 1):
                ratio = best[engines[0]][row][part] / best[engines[1]][row][part]
                logs[part].append(math.log(ratio))
                print(f"{ratio:12.2f}", end="")
        print()
    if len(engines) == 2:
        means = [math.exp(sum(part) / len(part)) for part in logs]
        worst = [math.exp(max(part)) for part in logs]
        gap = " " * 14 * len(heads)
        print(f"{'geometric mean':26}{gap}{means[0]:12.2f}{means[1]:12.2f}")
        print(f"{'worst':26}{gap}{worst[0]:12.2f}{worst[1]:12.2f}")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--seconds", type=float, default=0.3, help="per measurement")
    parser.add_argument("--only", default="", help="layers whose name contains this")
    parser.add_argument("--torch-python", default=sys.executable, help="a Python that has PyTorch")
    parser.add_argument("--cpu-time", action="store_true", help="one thread, processor time")
    parser.add_argument("--avx2", action="store_true", help="without AVX-512, both engines")
    parser.add_argument("--save", type=Path, metavar="FILE", help="write the numbers as JSON, too")
    parser.add_argument("--smoke", action="store_true", help="tiny layers, one round")
    parser.add_argument("--engine", choices=ENGINES, help=argparse.SUPPRESS)
    parser.add_argument("--layers", nargs="*", default=[], help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.engine:  # a child process: measure and report
        known = {layer.name: layer for layer in LAYERS + SMOKE}
        for name in options.layers:
            parts = ENGINES[options.engine](known[name])
            times = [measure(part, options.seconds, options.cpu_time) for part in parts]
            print(json.dumps(times), flush=True)
        return
    layers = find_layers(parser, SMOKE if options.smoke else LAYERS, options.only)
    pythons = {"minigrad": sys.executable}
    if has_torch(options.torch_python):
        pythons["torch"] = options.torch_python
    best: dict[str, list[list[float]]] = {}
    for _ in range(1 if options.smoke else options.rounds):
        for engine, python in pythons.items():
            names = [layer.name for layer in layers]
            seconds = 0.0 if options.smoke else options.seconds
            found = run_round(engine, python, names, seconds, options.cpu_time, options.avx2)
            known_best = best.get(engine, found)
            best[engine] = [
                [min(a, b) for a, b in zip(*pair, strict=True)] for pair in zip(known_best, found, strict=True)
            ]
    print_table(layers, best)
    if options.save:
        found = {layer.name: {engine: best[engine][row] for engine in best} for row, layer in enumerate(layers)}
        options.save.write_text(json.dumps(found))


if __name__ == "__main__":
    main()
