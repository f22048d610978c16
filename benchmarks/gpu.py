"""Check and time minigrad on a GPU in at most five minutes: one table of timings, examples and tests.

    python benchmarks/gpu.py                        # all parts; the table is also written to gpu.txt
    python benchmarks/gpu.py --only layers memory   # some parts
    python benchmarks/gpu.py --dry-run              # without a GPU: tiny sizes, on the tests' stand-in for CuPy

Parts: `facts` names the machine; `layers` times convolutions near ResNet's, VGG's, AlexNet's, MobileNet's and
LeNet's: the forward alone, with one gradient, with both; `programs` times training steps, eager and captured in a
CUDA graph; `memory` times memory-bound operations on 50 million numbers; `examples` runs every program of examples/
with MINIGRAD_DEVICE=cuda; `tests` runs the tests with `--device cuda` for the time that is left.

Each row also shows PyTorch if this Python has it (cuDNN; TF32 is off in both engines), and a lower bound: the longer of
multiplications divided by the measured rate of matrix products, and bytes divided by the measured bandwidth of copies.
Times are milliseconds, the best of several rounds. A round waits for the GPU only at its end. Exits with 1 if a test or
an example failed.
"""

from __future__ import annotations

import argparse
import contextlib
import importlib
import importlib.util
import os
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

sys.path[:0] = [str(Path(__file__).resolve().parent), str(Path(__file__).resolve().parents[1])]
from gpu_work import LAYERS, Bench, Timing, mean  # noqa: E402
from layers import SMOKE  # noqa: E402

ROOT = Path(__file__).resolve().parents[1]
PARTS = ("facts", "layers", "programs", "memory", "examples", "tests")
TIMED = ("layers", "programs", "memory")
SECONDS = 285  # for the whole run; the tests get the time that is left
ROOMS = ("device", "gpu", "nn", "ops", "tensor", "autograd", "optim", "distributions", "utils")
HEADS = ("what", "minigrad", "PyTorch", "ratio", "floor", "x floor")


class Said(NamedTuple):
    """A row of text."""

    name: str
    text: str
    failed: bool = False


Row = Timing | Said


# ---- the machine ------------------------------------------------------------------------------
def facts() -> Iterator[Row]:
    import numpy as np

    from minigrad import cuda
    from minigrad.cuda import devices

    cupy = devices.cupy()
    yield Said("GPU", cuda.get_device_name())
    free, total = cuda.mem_get_info()
    yield Said("memory free of total, GiB", f"{free / 2**30:.1f} of {total / 2**30:.1f}")
    runtime = cupy.cuda.runtime
    yield Said("driver, runtime serve CUDA", f"{runtime.driverGetVersion()}, {runtime.runtimeGetVersion()}")
    yield Said("CuPy, NumPy, Python", f"{cupy.__version__}, {np.__version__}, {sys.version.split()[0]}")
    with contextlib.suppress(ImportError):
        torch = importlib.import_module("torch")
        yield Said("PyTorch, cuDNN", f"{torch.__version__}, {torch.backends.cudnn.version()}")


# ---- timings ----------------------------------------------------------------------------------
def timings(parts: list[str], small: bool) -> Iterator[Row]:
    bench = Bench(small)
    yield Said("copy bandwidth, GB/s", f"{bench.bandwidth / 1e6:.0f}")
    yield Said("rate of matrix products, TFLOP/s", f"{bench.rate / 1e9:.1f}")
    works = {
        "layers": lambda: bench.layers(SMOKE if small else LAYERS),
        "programs": bench.programs,
        "memory": bench.memory,
    }
    for part in TIMED:
        if part in parts:
            found = list(works[part]())
            yield Said(f"-- {part}", "")
            yield from found
            yield from summary(part, found)


def summary(part: str, found: list[Timing]) -> Iterator[Row]:
    """The geometric means of the ratios, and the worst ratio."""
    kinds = {"programs": (False, True)}.get(part, (None,))
    for captured in kinds:
        some = [t for t in found if captured is None or t.name.endswith(", captured") is captured]
        if part == "layers":
            some = [t for t in some if t.name.endswith(", with both")]
        ratios = [t.ratio for t in some if t.ratio]
        kind = {None: "with both" if part == "layers" else "", True: "captured", False: "eager"}[captured]
        if ratios:
            yield Said(f"{part} {kind}: mean ratio, worst", f"{mean(ratios):.2f}, {max(ratios):.2f}")
    if part == "programs":
        eager = {f"{t.name}, captured": t.theirs for t in found}
        ratios = [t.ours / theirs for t in found if (theirs := eager.get(t.name))]
        if ratios:
            yield Said("programs captured beside PyTorch eager", f"{mean(ratios):.2f}, {max(ratios):.2f}")


# ---- programs and tests, each in its own process ---------------------------------------------
def run(command: list[str], device: str, seconds: float) -> tuple[bool, str]:
    """Whether a program succeeded within the time limit, and its last line."""
    path = os.pathsep.join(filter(None, [str(ROOT), os.environ.get("PYTHONPATH", "")]))
    environment = {**os.environ, "MINIGRAD_DEVICE": device, "PYTHONPATH": path, "MPLBACKEND": "Agg"}
    try:
        done = subprocess.run(
            [sys.executable, *command],
            cwd=ROOT, env=environment, capture_output=True, text=True, check=False, timeout=seconds,
        )  # fmt: skip
    except subprocess.TimeoutExpired as stopped:
        shown = stopped.stdout.decode() if isinstance(stopped.stdout, bytes) else stopped.stdout or ""
        failed = shown.count("F")
        return not failed, f"stopped after {seconds:.0f} s: {shown.count('.')} passed, {failed} failed"
    lines = (done.stdout + done.stderr).strip().splitlines() or [""]
    if done.returncode:
        print("\n".join(lines[-40:]), file=sys.stderr)
    return done.returncode == 0, lines[-1][:80]


def examples(small: bool) -> Iterator[Row]:
    for path in sorted((ROOT / "examples").glob("*.py"))[: 2 if small else None]:
        began = time.perf_counter()
        ok, last = run([str(path)], "cpu" if small else "cuda", 60)
        yield Said(f"examples/{path.name}", f"{'ok' if ok else last} ({time.perf_counter() - began:.1f} s)", not ok)


def tests(small: bool, seconds: float) -> Iterator[Row]:
    """Run the tests, with many processes if pytest-xdist is installed."""
    pytest = ["-m", "pytest", "-q", "-p", "no:cacheprovider", "-p", "no:benchmark"]
    if small:
        names = ["tests/test_cuda.py"]
    else:
        names = ["--device", "cuda", *[f"tests/{room}" for room in ROOMS]]
        names += sorted(str(path.relative_to(ROOT)) for path in (ROOT / "tests").glob("test_*.py"))
        if importlib.util.find_spec("xdist"):
            names += ["-n", str(min(os.cpu_count() or 1, 14))]
    ok, last = run([*pytest, *names], "cpu", seconds)
    yield Said("tests with --device cuda", last, not ok)


# ---- the table --------------------------------------------------------------------------------
def cells(row: Row) -> tuple[str, ...]:
    if isinstance(row, Said):
        return row.name, f"{'FAILED ' if row.failed else ''}{row.text}"
    ratio = "-" if row.ratio is None else f"{row.ratio:.2f}"
    theirs = "-" if row.theirs is None else f"{row.theirs:.3f}"
    distance = ("-", "-") if row.floor is None else (f"{row.floor:.3f}", f"{row.ours / row.floor:.1f}")
    return row.name, f"{row.ours:.3f}", theirs, ratio, *distance


def table(rows: list[Row]) -> str:
    shown = [HEADS, *map(cells, rows)]
    widths = [max(len(r[i]) for r in shown if len(r) > 2 or i == 0) for i in range(len(HEADS))]
    lines = []
    for first, *others in shown:
        padded = [c.rjust(w) for c, w in zip(others, widths[1:], strict=True)] if len(others) > 1 else others
        lines.append("  ".join([first.ljust(widths[0]), *padded]).rstrip())
    return "\n".join(lines) + "\n"


def main(arguments: list[str] | None = None) -> int:
    began = time.monotonic()
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--only", nargs="+", choices=PARTS, default=list(PARTS), metavar="PART", help=" ".join(PARTS))
    parser.add_argument("--output", type=Path, default=Path("gpu.txt"), help="where the table goes (default gpu.txt)")
    parser.add_argument("--dry-run", action="store_true", help="tiny sizes on the tests' stand-in for CuPy")
    options = parser.parse_args(arguments)
    from minigrad import backend

    rows: list[Row] = []
    with contextlib.ExitStack() as opened:
        if options.dry_run:
            opened.enter_context(backend.use_library(importlib.import_module("tests.standin").cupy))
        if not backend.is_available():
            print(f"{backend.why_not()} (--dry-run shows what would run)", file=sys.stderr)
            return 1
        rows += facts() if "facts" in options.only else ()
        rows += timings(options.only, options.dry_run) if {*TIMED} & {*options.only} else ()
        rows += examples(options.dry_run) if "examples" in options.only else ()
        if "tests" in options.only:
            rows += tests(options.dry_run, max(began + SECONDS - time.monotonic(), 20))
    text = table(rows)
    options.output.write_text(text, encoding="utf-8")
    print(text, end="")
    return int(any(isinstance(row, Said) and row.failed for row in rows))


if __name__ == "__main__":
    sys.exit(main())
