"""Everything that only a GPU can tell, in one command and one table.

    python benchmarks/gpu.py                       # all parts; the table also goes to gpu.txt
    python benchmarks/gpu.py --only layers lenet   # some of: facts tests examples layers lenet chain
    python benchmarks/gpu.py --dry-run             # no GPU: tiny sizes on the tests' stand-in

`tests` is the device tier, and most other tests with `--device cuda`; `examples` every program of
examples/ with MINIGRAD_DEVICE=cuda. `layers` are ResNet's, forward and both gradients at
batch 64, beside PyTorch where this Python has it (cuDNN, TF32 off on both). The floor of a layer is
its multiplications over the measured matrix rate or its bytes over the measured copy bandwidth,
whichever takes longer. Times are milliseconds, the best of several rounds; every round waits for
the GPU at its end only. Exits 1 if a test or an example failed.
"""

from __future__ import annotations

import argparse
import contextlib
import importlib
import math
import os
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

sys.path[:0] = [str(Path(__file__).resolve().parent), str(Path(__file__).resolve().parents[1])]
from layers import LAYERS, SMOKE, Layer  # noqa: E402

ROOT = Path(__file__).resolve().parents[1]
PARTS = ("facts", "tests", "examples", "layers", "lenet", "chain")
TESTS = ("tests/device", "tests/test_cuda.py", "tests/kernels/test_cuda_source.py")
TESTS_BY_DEFAULT_DEVICE = ("tests/nn", "tests/ops", "tests/tensor", "tests/autograd", "tests/optim")
Row = tuple[str, str, str, str, str, str]
HEADS: Row = ("what", "minigrad", "PyTorch", "ratio", "floor", "x floor")


class Engine:
    """minigrad or PyTorch, timed the same way."""

    def __init__(self, name: str, small: bool) -> None:
        self.torch: Any = importlib.import_module(name)
        self.rounds, self.least = (1, 0.0) if small else (5, 0.2)

    def milliseconds(self, work: Callable[[], object]) -> float:
        work()
        self.torch.cuda.synchronize()
        best, calls = math.inf, 1
        for _ in range(self.rounds):
            while True:
                began = time.perf_counter()
                for _ in range(calls):
                    work()
                self.torch.cuda.synchronize()
                passed = time.perf_counter() - began
                if passed >= self.least or self.rounds == 1:
                    break
                calls = max(2 * calls, math.ceil(calls * self.least / max(passed, 1e-9)))
            best = min(best, passed / calls)
        return best * 1e3

    def layer(self, layer: Layer) -> float:
        torch = self.torch
        x = torch.randn(layer.N, layer.C, layer.H, layer.W, device="cuda", requires_grad=True)
        shape = (layer.O, layer.C // layer.groups, layer.kernel, layer.kernel)
        w = torch.randn(*shape, device="cuda", requires_grad=True)
        g = torch.randn(layer.N, layer.O, *layer.output, device="cuda")
        how = {"stride": layer.stride, "padding": layer.padding, "groups": layer.groups}
        return self.milliseconds(lambda: torch.autograd.grad(torch.nn.functional.conv2d(x, w, **how), (x, w), g))

    def lenet(self, batch: int) -> float:
        torch, nn = self.torch, self.torch.nn
        torch.manual_seed(0)
        model = nn.Sequential(
            nn.Conv2d(1, 6, 5, padding=2), nn.ReLU(), nn.MaxPool2d(2), nn.Conv2d(6, 16, 5), nn.ReLU(),
            nn.MaxPool2d(2), nn.Flatten(), nn.Linear(400, 120), nn.ReLU(), nn.Linear(120, 84), nn.ReLU(),
            nn.Linear(84, 10),
        ).to("cuda")  # fmt: skip
        x, y = torch.randn(batch, 1, 28, 28).to("cuda"), torch.randint(0, 10, (batch,)).to("cuda")
        optimizer = torch.optim.SGD(model.parameters(), lr=0.01, momentum=0.9)

        def step() -> None:
            optimizer.zero_grad()
            torch.nn.functional.cross_entropy(model(x), y).backward()
            optimizer.step()

        return self.milliseconds(step)

    def chain(self, size: int) -> float:
        torch = self.torch
        x, y = torch.ones(size, device="cuda"), torch.ones(size, device="cuda")

        def work() -> object:
            with torch.no_grad():
                return torch.relu(x * 1.5 + y)

        return self.milliseconds(work)

    def copy(self, size: int) -> float:
        x = self.torch.ones(size, device="cuda")
        return self.milliseconds(lambda: x.clone())

    def product(self, n: int) -> float:
        x = self.torch.ones(n, n, device="cuda")
        return self.milliseconds(lambda: x @ x)


CHAIN_BYTES = 4 * (2 + 3 + 2)  # per element: the product reads and writes, the sum reads twice, relu


def floor_of(layer: Layer, per_ms: float, bytes_per_ms: float) -> float:
    """Milliseconds: forward and both gradients, each by what holds it up."""
    out = layer.N * layer.O * math.prod(layer.output)
    x, w = layer.N * layer.C * layer.H * layer.W, layer.O * layer.C // layer.groups * layer.kernel**2
    operations = 2 * out * w // layer.O
    return 3 * max(operations / per_ms, 4 * (x + w + out) / bytes_per_ms)


def row(name: str, ours: float, theirs: float | None = None, floor: float | None = None) -> Row:
    ratio = f"{ours / theirs:.2f}" if theirs else "-"
    distance = ("-", "-") if floor is None else (f"{floor:.3f}", f"{ours / floor:.1f}")
    return name, f"{ours:.3f}", f"{theirs:.3f}" if theirs else "-", ratio, *distance


def said(name: str, text: object) -> Row:
    return name, str(text), "", "", "", ""


def mean(values: list[float]) -> float:
    return math.exp(sum(map(math.log, values)) / len(values))


def facts() -> Iterator[Row]:
    import numpy as np

    from minigrad import cuda

    cupy = cuda._cupy()
    yield said("GPU", cuda.get_device_name())
    free, total = cuda.mem_get_info()
    yield said("memory free of total, GiB", f"{free / 2**30:.1f} of {total / 2**30:.1f}")
    runtime = cupy.cuda.runtime
    yield said("driver, runtime serve CUDA", f"{runtime.driverGetVersion()}, {runtime.runtimeGetVersion()}")
    yield said("CuPy, NumPy, Python", f"{cupy.__version__}, {np.__version__}, {sys.version.split()[0]}")
    with contextlib.suppress(ImportError):
        torch = importlib.import_module("torch")
        yield said("PyTorch, cuDNN", f"{torch.__version__}, {torch.backends.cudnn.version()}")


def run(command: list[str], device: str) -> tuple[bool, str]:
    """Whether a program ended well, and its last line."""
    path = os.pathsep.join(filter(None, [str(ROOT), os.environ.get("PYTHONPATH", "")]))
    environment = {**os.environ, "MINIGRAD_DEVICE": device, "PYTHONPATH": path, "MPLBACKEND": "Agg"}
    done = subprocess.run(
        [sys.executable, *command], cwd=ROOT, env=environment, capture_output=True, text=True, check=False
    )
    lines = (done.stdout + done.stderr).strip().splitlines() or [""]
    if done.returncode:
        print("\n".join(lines[-40:]), file=sys.stderr)
    return done.returncode == 0, lines[-1][:60]


def checks(parts: list[str], small: bool) -> Iterator[tuple[bool, Row]]:
    device = "cpu" if small else "cuda"
    if "tests" in parts:
        pytest = ["-m", "pytest", "-q", "-p", "no:cacheprovider"]
        names = TESTS[1:2] if small else TESTS
        ok, last = run([*pytest, *names], "cpu")
        yield ok, said(f"tests: {' '.join(names)}"[:40], last)
        if not small:
            # Tests about the CPU itself fail there: shared memory, printing, constants made on import.
            _, last = run([*pytest, "--device", device, *TESTS_BY_DEFAULT_DEVICE], "cpu")
            yield True, said(f"tests with --device {device}", last)
            _, last = run([*pytest, "--device", device, "--stand-in", *TESTS_BY_DEFAULT_DEVICE], "cpu")
            yield True, said("the same on the stand-in, to compare", last)
    if "examples" in parts:
        for path in sorted((ROOT / "examples").glob("*.py"))[: 2 if small else None]:
            began = time.perf_counter()
            ok, last = run([str(path)], device)
            yield ok, said(f"examples/{path.name}", f"{'ok' if ok else last} ({time.perf_counter() - began:.1f} s)")


def timings(parts: list[str], small: bool) -> Iterator[Row]:
    ours, theirs = Engine("minigrad", small), None
    with contextlib.suppress(ImportError):
        theirs = None if small else Engine("torch", small)
    if theirs:
        theirs.torch.backends.cuda.matmul.allow_tf32 = theirs.torch.backends.cudnn.allow_tf32 = False
        theirs.torch.backends.cudnn.benchmark = True
    ours.torch.backends.cuda.matmul.allow_tf32 = False
    size, n = (1000, 16) if small else (100_000_000, 8192)
    copy, product = ours.copy(size), ours.product(n)
    bandwidth, rate = 8 * size / copy, 2 * n**3 / product  # bytes and operations per millisecond
    yield said("copy bandwidth, GB/s", f"{bandwidth / 1e6:.0f}")
    yield said(f"matrix product of {n}, TFLOP/s", f"{rate / 1e9:.1f}")
    if "layers" in parts:
        from minigrad.kernels.fast import cuda_columns as kernels

        layers = SMOKE if small else [a._replace(N=64) for a in LAYERS if a.name.startswith("ResNet")]
        ratios = []
        for layer in layers:
            mine, other = ours.layer(layer), theirs and theirs.layer(layer)
            ratios += [mine / other] if other else []
            yield row(f"{layer.name} x{layer.N}", mine, other, floor_of(layer, rate, bandwidth))
        yield said("geometric mean of the ratios (goal 2.0)", f"{mean(ratios):.2f}" if ratios else "-")
        before = kernels.BLOCK_BYTES
        for mebibytes in (16, 64, 256, 1024):  # how much to gather at a time: the default should win
            kernels.BLOCK_BYTES = mebibytes * 2**20
            times = [ours.layer(a) for a in layers if a.kernel > 1]
            yield said(f"tiles of {mebibytes} MiB, geometric mean", f"{mean(times):.3f}")
        kernels.BLOCK_BYTES = before
    if "lenet" in parts:
        batch = 8 if small else 1024
        yield row(f"LeNet step, batch {batch} (goal 2.0)", ours.lenet(batch), theirs and theirs.lenet(batch))
    if "chain" in parts:
        mine, floor = ours.chain(size), CHAIN_BYTES * size / bandwidth
        yield row(f"relu(x * 1.5 + y), {size:,}", mine, theirs and theirs.chain(size), floor)
        yield said("its part of the copy bandwidth (goal 90%)", f"{100 * floor / mine:.0f}%")


def table(rows: list[Row]) -> str:
    widths = [max(len(r[i]) for r in [HEADS, *rows] if i == 0 or r[2]) for i in range(len(HEADS))]
    lines = [
        r[0].ljust(widths[0]) + "  " + (r[1] if not r[2] else "  ".join(c.rjust(w) for c, w in zip(r[1:], widths[1:])))  # noqa: B905
        for r in [HEADS, *rows]
    ]
    return "\n".join(line.rstrip() for line in lines)


def main(arguments: list[str] | None = None) -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--only", nargs="+", choices=PARTS, default=list(PARTS), metavar="PART", help=" ".join(PARTS))
    parser.add_argument("--output", type=Path, default=Path("gpu.txt"), help="where the table goes (default gpu.txt)")
    parser.add_argument("--dry-run", action="store_true", help="tiny sizes on the tests' stand-in for CuPy")
    options = parser.parse_args(arguments)
    from minigrad import backend

    stand_in = contextlib.nullcontext()
    if options.dry_run:
        stand_in = backend.use_library(importlib.import_module("tests.standin").cupy)
    with stand_in:
        if not backend.is_available():
            print(f"{backend.why_not()} (--dry-run shows what would run)", file=sys.stderr)
            return 1
        rows = list(facts()) if "facts" in options.only else []
        if {"layers", "lenet", "chain"} & set(options.only):
            rows += timings(options.only, options.dry_run)
        failed = False
        for ok, shown in checks(options.only, options.dry_run):
            failed |= not ok
            rows.append((shown[0], f"{'' if ok else 'FAILED '}{shown[1]}", *shown[2:]))
    text = table(rows) + "\n"
    options.output.write_text(text, encoding="utf-8")
    print(text, end="")
    return int(failed)


if __name__ == "__main__":
    sys.exit(main())
