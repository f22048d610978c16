"""One layer computed by every algorithm for convolution: the same numbers, at very different speeds.

A convolution can be computed with fewer multiplications (Winograd), by matrix products (im2col, mec),
or by its definition (direct). Each algorithm is a short file in minigrad/kernels/, the quick ones in
its fast/. This program forces one after the other on the same 3x3 layer and shows

    error    of the output and of both gradients against the definition in float64
    million  multiplications in the products, transforms and copies not counted
    MiB      memory that the forward asks for beyond its input and weight, its own output included
    ms       of the forward, the best of several runs, and how many multiplications a second that is

Fewer multiplications are not always quicker, and neither is less memory: compare --channels 3 with
--channels 128, and see which one minigrad chooses by itself.
"""

import argparse
import math
import time
import tracemalloc
from collections.abc import Callable
from pathlib import Path

import minigrad as torch
import minigrad.nn.functional as F
from minigrad import viz
from minigrad.backends import conv
from photograph import picture_file, save

ALGORITHMS = ("direct", "im2col", "tiny", "mec", "winograd 2x2", "winograd")
KERNEL = 3
TILES = {"winograd": 6, "winograd 2x2": 4}  # pixels along a tile's side


def multiplications(algorithm: str, images: int, channels: int, size: int) -> int:
    """The multiplications of one forward: `channels` in and out, a 3x3 kernel, padding 1."""
    pairs = images * channels * channels
    if algorithm in TILES:  # a tile of t x t pixels gives (t - 2)^2 outputs for t^2 multiplications
        tile = TILES[algorithm]
        return pairs * math.ceil(size / (tile + 1 - KERNEL)) ** 2 * tile**2
    return pairs * size * size * KERNEL * KERNEL


def outputs(x: torch.Tensor, w: torch.Tensor, g: torch.Tensor) -> list[torch.Tensor]:
    """The layer's output, and for the cotangent g the gradients of x and w."""
    x, w = x.detach().requires_grad_(), w.detach().requires_grad_()
    y = F.conv2d(x, w, padding=1)
    return [y.detach(), *torch.autograd.grad(y, [x, w], g)]


def error(found: list[torch.Tensor], exact: list[torch.Tensor]) -> float:
    """The largest |found - exact| / |exact| of the three."""
    pairs = zip(found, exact, strict=True)
    return max(((a.double() - b).norm() / b.norm()).item() for a, b in pairs)


def peak_bytes(call: Callable[[], object]) -> int:
    """The peak memory of `call`, including its workspaces."""
    conv.release_workspaces()
    tracemalloc.start()
    call()
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    return peak


def best_seconds(call: Callable[[], object], budget: float = 0.2) -> float:
    """The time of the quickest of at least three calls, repeated for `budget` seconds."""
    times: list[float] = []
    while len(times) < 3 or sum(times) < budget:
        start = time.perf_counter()
        call()
        times.append(time.perf_counter() - start)
    return min(times)


def compare(images: int, channels: int, size: int) -> dict[str, dict[str, float]]:
    """A row of figures for each algorithm, on a layer of `channels` in and out and images of size x size pixels."""
    with torch.device("cpu"):  # a GPU has other algorithms
        x = torch.randn(images, channels, size, size)
        w = torch.randn(channels, channels, KERNEL, KERNEL)
        g = torch.randn(images, channels, size, size)

    def forward() -> torch.Tensor:
        return F.conv2d(x, w, padding=1)

    with conv.algorithm("direct"):
        exact = outputs(x.double(), w.double(), g.double())
    rows = {}
    for algorithm in ALGORITHMS:
        with conv.algorithm(algorithm):
            found = error(outputs(x, w, g), exact)
            rows[algorithm] = {
                "error": found,
                "multiplications": multiplications(algorithm, images, channels, size),
                "bytes": peak_bytes(forward),
                "seconds": best_seconds(forward),
            }
    rows["(chosen)"] = {"error": error(outputs(x, w, g), exact), "seconds": best_seconds(forward)}
    return rows


def draw(rows: dict[str, dict[str, float]], path: Path) -> None:
    """Time, multiplications and memory as bars, side by side."""
    algorithms = {algorithm: row for algorithm, row in rows.items() if "bytes" in row}
    picture, axes = viz.figure(1, 3, "one layer, every algorithm")
    titles = {"seconds": "milliseconds", "multiplications": "million multiplications", "bytes": "MiB"}
    for panel, (key, title), unit in zip(axes, titles.items(), (1e-3, 1e6, 2**20), strict=True):
        panel.barh(list(algorithms), [row[key] / unit for row in algorithms.values()])
        panel.set(title=title, xscale="log" if key == "seconds" else "linear")
        panel.invert_yaxis()
        if panel is not axes[0]:
            panel.set_yticks([])
    save(picture, path)


def main(arguments: list[str] | None = None) -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--images", type=int, default=1, help="in the batch (default 1)")
    parser.add_argument("--channels", type=int, default=32, help="in and out (default 32)")
    parser.add_argument("--size", type=int, default=32, help="pixels along each side (default 32)")
    parser.add_argument("--plot", type=picture_file, default=Path("how_fast_convolution_works.png"), metavar="FILE",
        help="the picture, or 'none' (default how_fast_convolution_works.png)")  # fmt: skip
    options = parser.parse_args(arguments)
    if min(options.images, options.channels, options.size) < 1:
        parser.error("images, channels and size are at least 1")
    torch.manual_seed(0)
    print(f"3x3 convolution, {options.channels} channels in and out, {options.images} x {options.size}x{options.size}")
    rows = compare(options.images, options.channels, options.size)
    print(f"{'algorithm':14}{'error':>9}{'million':>9}{'MiB':>8}{'ms':>10}  million a second")
    for algorithm, row in rows.items():
        line = f"{algorithm:14}{row['error']:9.0e}"
        if "bytes" in row:
            rate = row["multiplications"] / row["seconds"] / 1e6
            million, mebibytes = row["multiplications"] / 1e6, row["bytes"] / 2**20
            print(f"{line}{million:9.2f}{mebibytes:8.2f}{row['seconds'] * 1e3:10.3f}{rate:11,.0f}")
        else:
            print(f"{line}{'':17}{row['seconds'] * 1e3:10.3f}")
    if max(row["error"] for row in rows.values()) > 1e-5:
        raise SystemExit("the algorithms disagree")
    print("all agree")
    print("\nWhat minigrad estimates for the forward and both gradients, and what they take; * is what it chooses:")
    shape = (options.images, options.channels, options.size, options.size)
    print(conv.explain(shape, (options.channels, options.channels, KERNEL, KERNEL), padding=KERNEL // 2))
    if not viz.can_draw():
        print("no picture: pip install matplotlib")
    elif options.plot is not None:
        draw(rows, options.plot)


if __name__ == "__main__":
    main()
