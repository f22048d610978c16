"""Time every algorithm on every layer: the measurements behind the costs in minigrad/kernels.

    python benchmarks/ways.py                    # the layers of benchmarks/layers.py, and smaller ones
    python benchmarks/ways.py --only LeNet --parts
    python benchmarks/ways.py --smoke            # tiny layers: a check that it runs

Milliseconds of one forward and both gradients in one thread's processor time, the fastest of several calls. `*` marks
the algorithm that the costs choose. The last column is its time over that of the fastest. One that cannot compute a
layer has no number. The last lines summarize, over all layers, how far the choice is from the best. `--parts` prints
the three times separately. `--measured` chooses by the costs that `backends.conv.measure` measures on this machine.
"""

# ruff: noqa: E402 (the number of threads is set before NumPy is imported)
from __future__ import annotations

import os

for variable in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"):
    os.environ[variable] = "1"  # before NumPy is imported

import argparse
import time
from collections.abc import Callable
from statistics import geometric_mean

import numpy as np
from layers import LAYERS, SMOKE, Layer, find_layers
from measure import machine

import minigrad.kernels.fast  # noqa: F401 (importing registers the algorithms)
from minigrad import kernels
from minigrad.kernels import dispatch
from minigrad.kernels.algorithms import Problem
from minigrad.kernels.fast.machine import measure_machine

ALGORITHMS = [name for name in dispatch.ALGORITHMS if name != "direct"]  # the algorithms of a CPU: no GPU was requested
LAYERS = [
    *LAYERS,
    Layer("3x3 8 @32", 32, 8, 32, 32, 8, 3, 1, 1),
    Layer("3x3 8 @224", 1, 8, 224, 224, 8, 3, 1, 1),
    Layer("3x3 12 @28", 64, 12, 28, 28, 12, 3, 1, 1),
    Layer("3x3 16 @8", 512, 16, 8, 8, 16, 3, 1, 1),
    Layer("3x3/2 16-32 @32", 32, 16, 32, 32, 32, 3, 2, 1),
    Layer("3x3/2 32-64 @28", 16, 32, 28, 28, 64, 3, 2, 1),
    Layer("3x3/2 48-96 @28", 16, 48, 28, 28, 96, 3, 2, 1),
    Layer("3x3/2 64-8 @32", 16, 64, 32, 32, 8, 3, 2, 1),
    Layer("5x5 8-16 @12", 64, 8, 12, 12, 16, 5),
    Layer("5x5 20-50 @12", 64, 20, 12, 12, 50, 5),
    Layer("5x5/2 16-32 @32", 32, 16, 32, 32, 32, 5, 2, 2),
    Layer("11x11 1-16 @512", 1, 1, 512, 512, 16, 11, 1, 5),
    Layer("3x3 3-32 @32", 64, 3, 32, 32, 32, 3, 1, 1),
    Layer("3x3 32-64 @26", 64, 32, 26, 26, 64, 3),
    Layer("5x5 16 @32", 32, 16, 32, 32, 16, 5, 1, 2),
    Layer("5x5 32 @28", 16, 32, 28, 28, 32, 5, 1, 2),
    Layer("7x7 8 @56", 8, 8, 56, 56, 8, 7, 1, 3),
    Layer("7x7 64 @14", 8, 64, 14, 14, 64, 7, 1, 3),
    Layer("7x7 3-32 @64", 8, 3, 64, 64, 32, 7, 1, 3),
    Layer("9x9 64 @28", 4, 64, 28, 28, 64, 9, 1, 4),
    Layer("11x11 32 @32", 8, 32, 32, 32, 32, 11, 1, 5),
    Layer("9x9 16 @32", 8, 16, 32, 32, 16, 9, 1, 4),
    Layer("depthwise 3x3 512 @14, one", 1, 512, 14, 14, 512, 3, 1, 1, 512),
    Layer("depthwise 3x3 1024 @7", 8, 1024, 7, 7, 1024, 3, 1, 1, 1024),
    Layer("depthwise 3x3/2 512 @7", 8, 512, 7, 7, 512, 3, 2, 1, 512),
    Layer("depthwise 3x3 512 @4", 64, 512, 4, 4, 512, 3, 1, 1, 512),
    Layer("5x5 16-120 @5", 128, 16, 5, 5, 120, 5),
    Layer("depthwise 3x3 256 @14", 8, 256, 14, 14, 256, 3, 1, 1, 256),
    Layer("depthwise 3x3/2 128 @57", 4, 128, 57, 57, 128, 3, 2, 1, 128),
    Layer("depthwise 5x5 96 @28", 8, 96, 28, 28, 96, 5, 1, 2, 96),
    Layer("depthwise 7x7 64 @56", 4, 64, 56, 56, 64, 7, 1, 3, 64),
    Layer("grouped 3x3 64 x 1-2 @28", 8, 64, 28, 28, 128, 3, 1, 1, 64),
    Layer("grouped 3x3 64 x 16 @7", 8, 1024, 7, 7, 1024, 3, 1, 1, 64),
    Layer("grouped 3x3 2 x 64 @28", 8, 128, 28, 28, 128, 3, 1, 1, 2),
    Layer("3x3 3-8 @32, one image", 1, 3, 32, 32, 8, 3, 1, 1),
    Layer("5x5 6-16 @14, one image", 1, 6, 14, 14, 16, 5),
]


def calls(layer: Layer) -> list[Callable[[], object]]:
    """Calls of the forward, the gradient of the kernel and the gradient of the image."""
    random = np.random.default_rng(0)
    x = random.standard_normal((layer.N, layer.C, layer.H, layer.W), np.float32)
    w = random.standard_normal((layer.O, layer.C // layer.groups, layer.kernel, layer.kernel), np.float32)
    g = random.standard_normal((layer.N, layer.O, *layer.output), np.float32)
    geometry = layer.geometry
    return [
        lambda: kernels.conv2d(x, w, geometry=geometry),
        lambda: kernels.conv2d_weight(x, g, geometry=geometry),
        lambda: kernels.conv2d_input(g, w, size=x.shape[2:], geometry=geometry),
    ]


def quickest(call: Callable[[], object], seconds: float) -> float:
    """Milliseconds of the fastest of at least three calls."""
    call()
    times: list[float] = []
    while len(times) < 3 or sum(times) < seconds:
        start = time.process_time()
        call()
        times.append(time.process_time() - start)
    return min(times) * 1e3


def compare(layer: Layer, seconds: float) -> tuple[str, dict[str, list[float]]]:
    """The algorithm that the costs choose, and the three times of every algorithm that can compute the layer."""
    problem = Problem((layer.N, layer.C, layer.H, layer.W), layer.O, layer.geometry, "f", np.ndarray)
    chosen = dispatch.choose(*problem).name
    times: dict[str, list[float]] = {}
    for algorithm in ALGORITHMS:
        if algorithm == "tiny" and layer.N * layer.C * layer.H * layer.W * layer.kernel**2 > 1e6:
            continue  # its columns would hold the whole batch
        if dispatch.ALGORITHMS[algorithm].serves(problem):
            with kernels.algorithm(algorithm):
                times[algorithm] = [quickest(call, seconds) for call in calls(layer)]
    return chosen, times


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--only", default="", help="layers whose name contains this")
    parser.add_argument("--seconds", type=float, default=0.1, help="per measurement, at least")
    parser.add_argument("--parts", action="store_true", help="forward and the two gradients apart")
    parser.add_argument("--measured", action="store_true", help="measure the machine instead of telling its kind")
    parser.add_argument("--smoke", action="store_true", help="tiny layers, three calls each")
    options = parser.parse_args()
    layers = find_layers(parser, SMOKE if options.smoke else LAYERS, options.only)
    if options.measured:
        dispatch.set_machine(measure_machine())
    print(machine())
    print(dispatch.machine())
    ratios: dict[str, float] = {}
    print(f"{'layer':26}" + "".join(f"{algorithm:>16}" for algorithm in ALGORITHMS) + "  chosen/quickest")
    for layer in layers:
        chosen, times = compare(layer, 0.0 if options.smoke else options.seconds)
        cells = [f"{sum(times[name]):.3f}{'*' * (name == chosen)}" if name in times else "" for name in ALGORITHMS]
        ratio = ratios[layer.name] = sum(times[chosen]) / min(map(sum, times.values()))
        print(f"{layer.name:26}" + "".join(f"{cell:>16}" for cell in cells) + f"{ratio:17.2f}", flush=True)
        if options.parts:
            for part, name in enumerate(("forward", "in the kernel", "in the image")):
                cells = [f"{times[name][part]:.3f}" if name in times else "" for name in ALGORITHMS]
                print(f"    {name:22}" + "".join(f"{cell:>16}" for cell in cells))
    worst = max(ratios, key=ratios.__getitem__)
    print(
        f"geometric mean of chosen/quickest {geometric_mean(ratios.values()):.3f}, worst {ratios[worst]:.2f} ({worst})"
    )


if __name__ == "__main__":
    main()
