"""Time each algorithm for each layer on a GPU: the measurements for the estimates in minigrad/kernels/fast/cuda*.py.

    python benchmarks/gpu_ways.py                  # the layers of benchmarks/layers.py, eight times as many images
    python benchmarks/gpu_ways.py --only ResNet
    python benchmarks/gpu_ways.py --smoke          # no GPU: tiny layers on the tests' stand-in

Microseconds of the forward, the gradient of the image and the gradient of the kernel, each separately, the best of
several rounds. A round waits for the GPU only at its end. `*` marks the algorithm that the estimates choose. PyTorch is
shown too if this Python has it (cuDNN, with its benchmark mode on and TF32 off). The last lines are the geometric means
of the ratios to PyTorch, and of the chosen algorithm to the fastest.
"""

from __future__ import annotations

import argparse
import contextlib
import importlib
import math
import sys
import time
from collections.abc import Callable
from pathlib import Path
from statistics import geometric_mean
from typing import Any

import numpy as np

sys.path[:0] = [str(Path(__file__).resolve().parent), str(Path(__file__).resolve().parents[1])]
from layers import LAYERS, SMOKE, Layer, find_layers  # noqa: E402

FUNCTIONS = {"conv2d": "forward", "conv2d_input": "in the image", "conv2d_weight": "in the kernel"}
LAYERS = [
    *[layer._replace(N=8 * layer.N) for layer in LAYERS],
    Layer("depthwise 3x3 144 @56", 64, 144, 56, 56, 144, 3, 1, 1, 144),
    Layer("depthwise 3x3/2 144 @56", 64, 144, 56, 56, 144, 3, 2, 1, 144),
    Layer("depthwise 5x5 240 @28", 64, 240, 28, 28, 240, 5, 1, 2, 240),
    Layer("32 groups 3x3 256 @28", 64, 256, 28, 28, 256, 3, 1, 1, 32),
    Layer("3x3 16 @32", 128, 16, 32, 32, 16, 3, 1, 1),
    Layer("3x3 32 @32", 128, 32, 32, 32, 32, 3, 1, 1),
    Layer("lesson 2x2 1-1 @6", 1, 1, 6, 6, 1, 2),
]
Calls = dict[str, Callable[[], object]]


def microseconds(xp: Any, call: Callable[[], object], least: float) -> float:
    """Microseconds of a call in the best of three rounds, each of which takes at least the given seconds."""
    wait, count, best = xp.cuda.runtime.deviceSynchronize, 1, math.inf
    call()
    for _ in range(3):
        while True:
            wait()
            began = time.perf_counter()
            for _ in range(count):
                call()
            wait()
            passed = time.perf_counter() - began
            if passed >= least:
                break
            count = math.ceil(count * max(2, 1.2 * least / max(passed, 1e-9)))
        best = min(best, passed / count)
    return best * 1e6


def by(algorithm: Any, x: Any, w: Any, g: Any, geometry: Any) -> Calls:
    return {
        "conv2d": lambda: algorithm.conv2d(x, w, geometry),
        "conv2d_input": lambda: algorithm.conv2d_input(g, w, geometry, x.shape[2:]),
        "conv2d_weight": lambda: algorithm.conv2d_weight(x, g, geometry),
    }


def by_torch(torch: Any, arrays: tuple[Any, ...], geometry: Any) -> Calls:
    x, w, g = [torch.from_dlpack(array) for array in arrays]
    _, *how, groups = geometry

    def backward(mask: list[bool]) -> object:
        return torch.ops.aten.convolution_backward(g, x, w, None, *how, False, [0, 0], groups, mask)

    return {
        "conv2d": lambda: torch.nn.functional.conv2d(x, w, None, *how, groups),
        "conv2d_input": lambda: backward([True, False, False]),
        "conv2d_weight": lambda: backward([False, True, False]),
    }


def find_torch() -> Any:
    with contextlib.suppress(ImportError):
        torch = importlib.import_module("torch")
        torch.backends.cuda.matmul.allow_tf32 = torch.backends.cudnn.allow_tf32 = False
        torch.backends.cudnn.benchmark = True
        return torch
    return None


def times_of(layer: Layer, xp: Any, torch: Any, least: float) -> dict[str, dict[str, float]]:
    """Microseconds by function and algorithm, for the algorithms whose estimate is less than ten times the best."""
    from minigrad.kernels.algorithms import Problem
    from minigrad.kernels.fast import cuda

    w_shape = (layer.O, layer.C // layer.groups, layer.kernel, layer.kernel)
    shapes = ((layer.N, layer.C, layer.H, layer.W), w_shape, (layer.N, layer.O, *layer.output))
    random = np.random.default_rng(0)
    arrays = tuple([xp.asarray(random.standard_normal(shape, np.float32)) for shape in shapes])
    problem = Problem(shapes[0], layer.O, layer.geometry, "f", xp.ndarray)
    found: dict[str, dict[str, float]] = {}
    theirs = by_torch(torch, arrays, layer.geometry) if torch else {}
    for function in FUNCTIONS:
        chosen = cuda.choose(function, shapes[0], layer.O, layer.geometry, "f", xp.ndarray)
        promised = {f: f.seconds(function, problem) for f in cuda.FAMILIES.values() if f.ALGORITHM.serves(problem)}
        found[function] = {"PyTorch": microseconds(xp, theirs[function], least)} if theirs else {}
        for family, seconds in promised.items():
            if seconds <= 10 * promised[chosen]:
                name = family.ALGORITHM.name.removeprefix("cuda ") + "*" * (family is chosen)
                found[function][name] = microseconds(xp, by(family, *arrays, layer.geometry)[function], least)
    return found


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--only", default="", help="layers whose name contains this")
    parser.add_argument("--seconds", type=float, default=0.01, help="of a round, at least")
    parser.add_argument("--smoke", action="store_true", help="tiny layers on the tests' stand-in: does it run?")
    options = parser.parse_args()
    layers = find_layers(parser, SMOKE if options.smoke else LAYERS, options.only)
    if options.smoke:
        from minigrad import backend
        from tests.standin import cupy

        with backend.use_library(cupy):
            print_all(layers, cupy, None, 0)
    else:
        print_all(layers, importlib.import_module("cupy"), find_torch(), options.seconds)


def print_all(layers: list[Layer], xp: Any, torch: Any, least: float) -> None:
    against, lost = [], []
    for layer in layers:
        print(f"{layer.name} x{layer.N}")
        for function, times in times_of(layer, xp, torch, least).items():
            print(
                f"  {FUNCTIONS[function]:14}" + "  ".join(f"{name} {took:.0f}" for name, took in times.items()),
                flush=True,
            )
            ours = {name: took for name, took in times.items() if name != "PyTorch"}
            chosen = next(took for name, took in ours.items() if name.endswith("*"))
            lost.append(chosen / min(ours.values()))
            against += [chosen / times["PyTorch"]] if "PyTorch" in times else []
    if against:
        print(f"chosen beside PyTorch, geometric mean {geometric_mean(against):.2f}, worst {max(against):.2f}")
    print(f"chosen beside the quickest of ours, geometric mean {geometric_mean(lost):.2f}, worst {max(lost):.2f}")


if __name__ == "__main__":
    main()
