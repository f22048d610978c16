"""The work that `gpu.py` times on a GPU, for minigrad and PyTorch: layers, programs, memory-bound operations."""

from __future__ import annotations

import contextlib
import math
import time
from collections.abc import Callable, Iterator
from typing import Any, NamedTuple

from layers import Layer

Work = Callable[[], object]

LAYERS = [
    Layer("ResNet 3x3 256 @14", 64, 256, 14, 14, 256, 3, 1, 1),
    Layer("ResNet 3x3 128 @28", 64, 128, 28, 28, 128, 3, 1, 1),
    Layer("ResNet 3x3 64 @56", 64, 64, 56, 56, 64, 3, 1, 1),
    Layer("ResNet 3x3 512 @7", 64, 512, 7, 7, 512, 3, 1, 1),
    Layer("ResNet 7x7/2 stem @224", 64, 3, 224, 224, 64, 7, 2, 3),
    Layer("VGG 3x3 64 @224", 16, 64, 224, 224, 64, 3, 1, 1),
    Layer("ResNet 1x1 256-64 @56", 64, 256, 56, 56, 64, 1),
    Layer("ResNet 1x1/2 256-512 @56", 64, 256, 56, 56, 512, 1, 2),
    Layer("ResNet 3x3/2 128 @56", 64, 128, 56, 56, 128, 3, 2, 1),
    Layer("AlexNet 5x5 64-192 @27", 64, 64, 27, 27, 192, 5, 1, 2),
    Layer("MobileNet depthwise 3x3 144 @56", 64, 144, 56, 56, 144, 3, 1, 1, 144),
    Layer("MobileNet depthwise 5x5 240 @28", 64, 240, 28, 28, 240, 5, 1, 2, 240),
    Layer("ResNeXt 3x3 256 @28, 32 groups", 64, 256, 28, 28, 256, 3, 1, 1, 32),
    Layer("LeNet 5x5 1-6 @28", 1024, 1, 28, 28, 6, 5, 1, 2),
    Layer("LeNet 5x5 6-16 @14", 1024, 6, 14, 14, 16, 5),
    Layer("edge 1x2 @6", 1, 1, 6, 6, 1, 2),
]
DIRECTIONS = ("forward", "with dX", "with dW", "with both")


class Engine:
    """minigrad or PyTorch, timed the same way: the best of some rounds. A round waits for the GPU only at its end."""

    def __init__(self, torch: Any, small: bool) -> None:
        self.torch, self.small = torch, small
        self.rounds, self.least = (1, 0.0) if small else (3, 0.015)

    def milliseconds(self, work: Work) -> float:
        for _ in range(1 if self.small else 3):
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
                if passed >= self.least:
                    break
                calls = max(2 * calls, math.ceil(calls * self.least / max(passed, 1e-9)))
            best = min(best, passed / calls)
        return best * 1e3

    # ---- convolution --------------------------------------------------------------------------

    def layer(self, layer: Layer) -> Iterator[tuple[str, Work]]:
        torch = self.torch
        x = torch.randn(layer.N, layer.C, layer.H, layer.W, device="cuda", requires_grad=True)
        shape = (layer.O, layer.C // layer.groups, layer.kernel, layer.kernel)
        w = torch.randn(*shape, device="cuda", requires_grad=True)
        g = torch.randn(layer.N, layer.O, *layer.output, device="cuda")
        how = {"stride": layer.stride, "padding": layer.padding, "groups": layer.groups}

        def forward() -> Any:
            return torch.nn.functional.conv2d(x, w, **how)

        def forward_alone() -> None:
            with torch.no_grad():
                forward()

        yield DIRECTIONS[0], forward_alone
        for name, wanted in zip(DIRECTIONS[1:], ((x,), (w,), (x, w)), strict=True):
            yield name, lambda wanted=wanted: torch.autograd.grad(forward(), wanted, g)

    # ---- programs -----------------------------------------------------------------------------

    def programs(self) -> Iterator[tuple[str, Work]]:
        """Programs that each take one training step."""
        torch, nn, batch = self.torch, self.torch.nn, 8 if self.small else 256
        torch.manual_seed(0)
        picture, edges = torch.randn(1, 1, 6, 8), torch.randn(1, 1, 6, 7)
        yield "edge detector", self.step(nn.Conv2d(1, 1, (1, 2), bias=False), picture, edges, nn.MSELoss(), "SGD")
        rows, labels = torch.randn(batch, 784), torch.randint(0, 10, (batch,))
        perceptron = nn.Sequential(nn.Linear(784, 256), nn.ReLU(), nn.Linear(256, 10))
        yield f"perceptron, batch {batch}", self.step(perceptron, rows, labels, nn.CrossEntropyLoss(), "SGD")
        digits = torch.randn(batch, 1, 28, 28)
        for how, normed in (("SGD", False), ("Adam", True)):
            name = f"LeNet{' with batch norm' if normed else ''}, {how}, batch {batch}"
            yield name, self.step(lenet(nn, normed), digits, labels, nn.CrossEntropyLoss(), how)
        few, side = (2, 16) if self.small else (32, 96)
        photographs = torch.randn(few, 3, side, side)
        name = f"small ResNet, {side}x{side}, batch {few}"
        yield name, self.step(small_resnet(torch), photographs, labels[:few], nn.CrossEntropyLoss(), "SGD")

    def step(self, model: Any, x: Any, y: Any, loss: Any, how: str) -> Work:
        model, x, y, torch = model.to("cuda"), x.to("cuda"), y.to("cuda"), self.torch
        if how == "Adam":
            optimizer = torch.optim.Adam(model.parameters(), lr=1e-3, capturable=True)
        else:
            optimizer = torch.optim.SGD(model.parameters(), lr=0.01, momentum=0.9)

        def go() -> None:
            optimizer.zero_grad()
            loss(model(x), y).backward()
            optimizer.step()

        return go

    def capture(self, work: Work) -> Work:
        """A function that launches `work` as one CUDA graph, which is recorded once."""
        cuda = self.torch.cuda
        beside = cuda.Stream()
        beside.wait_stream(cuda.current_stream())
        with cuda.stream(beside):
            for _ in range(3):
                work()
        cuda.current_stream().wait_stream(beside)
        graph = cuda.CUDAGraph()
        with cuda.graph(graph):
            work()
        replay: Work = graph.replay
        return replay

    # ---- memory-bound -------------------------------------------------------------------------

    def memory_bound(self, size: int) -> Iterator[tuple[str, Work, int]]:
        """Memory-bound operations, each with the bytes that it must read and write."""
        torch, side = self.torch, max(int(math.sqrt(size)) // 4, 4)
        x, y = torch.rand(size, device="cuda"), torch.ones(size, device="cuda")
        leaf = torch.rand(size, device="cuda", requires_grad=True)
        rows = torch.randn(2 * side, 8 * side, device="cuda")
        whole, table = 4 * size, 4 * 16 * side * side
        yield "copy", x.clone, 2 * whole
        yield "x + y", lambda: x + y, 3 * whole
        yield "relu(x * 1.5 + y)", lambda: torch.relu(x * 1.5 + y), 7 * whole
        yield "gelu", lambda: torch.nn.functional.gelu(x), 2 * whole
        yield "exp, with gradient", lambda: torch.autograd.grad(leaf.exp(), leaf, y), 5 * whole
        yield "dropout", lambda: torch.nn.functional.dropout(x, 0.5), 2 * whole
        yield "randn", lambda: torch.randn(size, device="cuda"), whole
        yield "sum", x.sum, whole
        yield "sum of rows", lambda: rows.sum(1), table
        yield "sum of columns", lambda: rows.sum(0), table
        yield "max of rows", lambda: rows.max(1), table
        yield "softmax", lambda: torch.softmax(rows, 1), 2 * table
        yield "layer norm", lambda: torch.nn.functional.layer_norm(rows, (8 * side,)), 2 * table

    def product(self, n: int) -> Work:
        x = self.torch.ones(n, n, device="cuda")
        return lambda: x @ x


def lenet(nn: Any, normed: bool) -> Any:
    norms = [nn.BatchNorm2d(c) if normed else nn.Identity() for c in (6, 16)]
    return nn.Sequential(
        nn.Conv2d(1, 6, 5, padding=2), norms[0], nn.ReLU(), nn.MaxPool2d(2), nn.Conv2d(6, 16, 5), norms[1], nn.ReLU(),
        nn.MaxPool2d(2), nn.Flatten(), nn.Linear(400, 120), nn.ReLU(), nn.Linear(120, 84), nn.ReLU(), nn.Linear(84, 10),
    )  # fmt: skip


def small_resnet(torch: Any) -> Any:
    """A stem, three residual blocks of 32, 64 and 128 channels, and a linear layer."""
    nn = torch.nn

    class Block(nn.Module):  # type: ignore[misc, name-defined]
        def __init__(self, channels: int, out: int, stride: int) -> None:
            super().__init__()
            self.way = nn.Sequential(
                nn.Conv2d(channels, out, 3, stride, 1, bias=False), nn.BatchNorm2d(out), nn.ReLU(),
                nn.Conv2d(out, out, 3, 1, 1, bias=False), nn.BatchNorm2d(out),
            )  # fmt: skip
            self.short = nn.Conv2d(channels, out, 1, stride, bias=False) if stride > 1 else nn.Identity()

        def forward(self, x: Any) -> Any:
            return torch.relu(self.way(x) + self.short(x))

    return nn.Sequential(
        nn.Conv2d(3, 32, 3, 2, 1, bias=False), nn.BatchNorm2d(32), nn.ReLU(), Block(32, 32, 1), Block(32, 64, 2),
        Block(64, 128, 2), nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(128, 10),
    )  # fmt: skip


class Timing(NamedTuple):
    """Milliseconds of minigrad, of PyTorch if it is installed, and the lower bound for this GPU."""

    name: str
    ours: float
    theirs: float | None = None
    floor: float | None = None

    @property
    def ratio(self) -> float | None:
        return self.ours / self.theirs if self.theirs else None


def mean(values: list[float]) -> float:
    return math.exp(sum(map(math.log, values)) / len(values)) if values else math.nan


def floor_of(layer: Layer, direction: str, per_ms: float, bytes_per_ms: float) -> float:
    """The lower bound of a layer: each pass takes as long as its multiplications or its bytes."""
    out = layer.N * layer.O * math.prod(layer.output)
    x, w = layer.N * layer.C * layer.H * layer.W, layer.O * layer.C // layer.groups * layer.kernel**2
    passes = {"forward": 1, "with dX": 2, "with dW": 2, "with both": 3}[direction]
    return passes * max(2 * out * w // layer.O / per_ms, 4 * (x + w + out) / bytes_per_ms)


class Bench:
    """minigrad, and PyTorch if this Python has it."""

    def __init__(self, small: bool) -> None:
        import minigrad

        self.small, self.engines = small, [Engine(minigrad, small)]
        if not small:
            with contextlib.suppress(ImportError):
                import torch

                torch.backends.cudnn.allow_tf32, torch.backends.cudnn.benchmark = False, True
                self.engines.append(Engine(torch, small))
        for engine in self.engines:
            engine.torch.backends.cuda.matmul.allow_tf32 = False
        size, n = (1000, 16) if small else (50_000_000, 4096)
        ours = self.engines[0]
        copy = next(work for name, work, _ in ours.memory_bound(size) if name == "copy")
        self.size, self.bandwidth = size, 8 * size / ours.milliseconds(copy)  # bytes per millisecond
        self.rate = 2 * n**3 / ours.milliseconds(ours.product(n))  # operations per millisecond

    def beside(self, name: str, works: list[Work], floor: float | None = None) -> Timing:
        times = [engine.milliseconds(work) for engine, work in zip(self.engines, works, strict=True)]
        return Timing(name, times[0], times[1] if len(times) > 1 else None, floor)

    def layers(self, layers: list[Layer]) -> Iterator[Timing]:
        for layer in layers:
            for pairs in zip(*[engine.layer(layer) for engine in self.engines], strict=True):
                direction = pairs[0][0]
                floor = floor_of(layer, direction, self.rate, self.bandwidth)
                yield self.beside(f"{layer.name} x{layer.N}, {direction}", [work for _, work in pairs], floor)

    def programs(self) -> Iterator[Timing]:
        for pairs in zip(*[engine.programs() for engine in self.engines], strict=True):
            name, works = pairs[0][0], [work for _, work in pairs]
            yield self.beside(name, works)
            captured = [engine.capture(work) for engine, work in zip(self.engines, works, strict=True)]
            yield self.beside(f"{name}, captured", captured)

    def memory(self) -> Iterator[Timing]:
        for triples in zip(*[engine.memory_bound(self.size) for engine in self.engines], strict=True):
            name, _, moved = triples[0]
            with contextlib.ExitStack() as quiet:
                if "gradient" not in name:
                    for engine in self.engines:
                        quiet.enter_context(engine.torch.no_grad())
                yield self.beside(name, [work for _, work, _ in triples], moved / self.bandwidth)
