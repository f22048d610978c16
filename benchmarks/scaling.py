"""Measure how the cost of a 3x3 layer grows with batch, channels, image and kernel, in minigrad and PyTorch.

    python benchmarks/scaling.py --torch-python PATH --plot docs/scaling.png
    python benchmarks/scaling.py --cpu-time      # for a busy machine, as in `layers.py`
    python benchmarks/scaling.py --smoke

Starting from 8 images of 28x28 with 64 channels in and out, one of the four sizes changes at a time. The time
is that of the forward and both gradients. The engines take turns, each in a fresh process; the median of the
best round counts. One line is printed for each layer. The plot needs matplotlib.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
from pathlib import Path

from layers import ENGINES, ONE_THREAD, ROOT, Layer, has_torch, measure
from measure import machine

SIZES = {
    "images": (1, 2, 4, 8, 16, 32, 64),
    "channels": (1, 3, 8, 16, 32, 64, 128, 256, 512),
    "image side": (7, 14, 28, 56, 112),
    "kernel side": (1, 3, 5, 7, 9),
}
SMOKE = {"images": (1, 2), "channels": (1, 2), "image side": (4, 6), "kernel side": (1, 3)}
SHAPE = {"images": 8, "channels": 64, "image side": 28, "kernel side": 3}
SMALL = {"images": 1, "channels": 2, "image side": 6, "kernel side": 3}


def layer(axis: str, size: int, shape: dict[str, int]) -> Layer:
    """The layer of `shape` with one of its sizes changed; the padding keeps the image's size."""
    N, C, side, kernel = ({**shape, axis: size}[name] for name in SIZES)
    return Layer(f"{axis} {size}", N, C, side, side, C, kernel, 1, kernel // 2)


def child(engine: str, seconds: float, smoke: bool, cpu_time: bool) -> None:
    """Print the milliseconds of every layer, as JSON by axis."""
    sizes, shape = (SMOKE, SMALL) if smoke else (SIZES, SHAPE)
    found = {
        axis: [measure(ENGINES[engine](layer(axis, size, shape))[1], seconds, cpu_time) for size in of_axis]
        for axis, of_axis in sizes.items()
    }
    print(json.dumps(found))


def one_round(engine: str, python: str, options: argparse.Namespace) -> dict[str, list[float]]:
    """Run `child` in a fresh process."""
    command = [python, __file__, "--engine", engine, "--seconds", str(options.seconds)]
    command += ["--smoke"] if options.smoke else []
    command += ["--cpu-time"] if options.cpu_time else []
    environment = {**os.environ, "PYTHONPATH": str(ROOT), **(ONE_THREAD if options.cpu_time else {})}
    done = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)
    if done.returncode:
        raise SystemExit(f"{engine} failed:\n{done.stderr}")
    found: dict[str, list[float]] = json.loads(done.stdout)
    return found


def draw(best: dict[str, dict[str, list[float]]], sizes: dict[str, tuple[int, ...]], path: Path) -> None:
    """Draw one panel for each size that changes."""
    from matplotlib.figure import Figure

    picture = Figure(figsize=(12, 3.2), layout="constrained")
    for panel, axis in zip(picture.subplots(1, len(sizes), sharey=True), sizes, strict=True):
        for engine, times in best.items():
            panel.loglog(sizes[axis], times[axis], marker="o", markersize=3, label=engine)
        panel.set(xlabel=axis, xticks=sizes[axis], xticklabels=sizes[axis])
        panel.minorticks_off()
        panel.grid(alpha=0.3)
    picture.axes[0].set_ylabel("ms, forward + both gradients")
    picture.axes[0].legend()
    picture.savefig(path, dpi=110)


def main() -> None:
    """Read the command line, measure, print, draw."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--seconds", type=float, default=0.2, help="per layer and round")
    parser.add_argument("--torch-python", default=sys.executable, help="a Python that has PyTorch")
    parser.add_argument("--plot", type=Path, help="where to save the picture")
    parser.add_argument("--cpu-time", action="store_true", help="one thread, processor time")
    parser.add_argument("--smoke", action="store_true", help="tiny layers, one round: does it run?")
    parser.add_argument("--engine", choices=ENGINES, help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.engine:
        child(options.engine, options.seconds, options.smoke, options.cpu_time)
        return
    sizes = SMOKE if options.smoke else SIZES
    if options.smoke:
        options.rounds, options.seconds = 1, 0.0
    pythons = {"minigrad": sys.executable}
    if has_torch(options.torch_python):
        pythons["torch"] = options.torch_python
    rounds = [
        {engine: one_round(engine, python, options) for engine, python in pythons.items()}
        for _ in range(options.rounds)
    ]
    best = {
        engine: {axis: [min(of) for of in zip(*[r[engine][axis] for r in rounds], strict=True)] for axis in sizes}
        for engine in pythons
    }
    print(machine())
    print("| layer | " + " | ".join(f"{engine}, ms" for engine in best) + (" | ratio |" if len(best) > 1 else " |"))
    print("|---|" + "---:|" * (len(best) + (len(best) > 1)))
    for axis, of_axis in sizes.items():
        for i, size in enumerate(of_axis):
            times = [best[engine][axis][i] for engine in best]
            cells = [f"{axis} {size}", *[f"{t:.3g}" for t in times]]
            cells += [f"{times[0] / times[1]:.2f}"] if len(times) > 1 else []
            print("| " + " | ".join(cells) + " |")
    if options.plot:
        draw(best, sizes, options.plot)


if __name__ == "__main__":
    main()
