"""The measured programs, each written once with PyTorch's names.

Each takes the engine as `torch` (``import minigrad as torch`` or ``import torch``) and returns a dict
of steps to be timed. For a program with several steps the table shows the geometric mean of their ratios, or
the ratio of the step that `headline` names.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import Any

Step = Callable[[], object]


@dataclass(frozen=True)
class Program:
    """One row of the table."""

    title: str
    make: Callable[[Any], dict[str, Step]]
    goal: float  # at most this ratio to PyTorch's time or memory
    unit: str = "s"
    headline: str | None = None


def edge_data(torch: Any) -> tuple[Any, Any]:
    """The 6x8 image with a dark band, and its vertical edges, as (1, 1, 6, 8) and (1, 1, 6, 7)."""
    image = torch.ones((6, 8))
    image[:, 2:6] = 0
    edges = image[:, :-1] - image[:, 1:]
    return image.reshape(1, 1, 6, 8), edges.reshape(1, 1, 6, 7)


def edge_loop_by_hand(torch: Any) -> dict[str, Step]:
    X, Y = edge_data(torch)
    conv2d = torch.nn.Conv2d(1, 1, kernel_size=(1, 2), bias=False)
    lr = 3e-2

    def step() -> None:
        Y_hat = conv2d(X)
        loss = (Y_hat - Y) ** 2
        conv2d.zero_grad()
        loss.sum().backward()
        conv2d.weight.data[:] -= lr * conv2d.weight.grad

    return {"step": step}


def edge_loop_with_sgd(torch: Any) -> dict[str, Step]:
    X, Y = edge_data(torch)
    conv2d = torch.nn.Conv2d(1, 1, kernel_size=(1, 2), bias=False)
    optimizer = torch.optim.SGD(conv2d.parameters(), lr=3e-2)
    loss = torch.nn.MSELoss()

    def step() -> None:
        optimizer.zero_grad()
        loss(conv2d(X), Y).backward()
        optimizer.step()

    return {"step": step}


def operations(torch: Any) -> dict[str, Callable[[Any, Any], Any]]:
    """Small operations of every family, each on two 8x8 tensors."""
    return {
        "add": lambda x, y: x + y,
        "mul": lambda x, y: x * y,
        "div": lambda x, y: x / y,
        "pow": lambda x, _: x**2,
        "exp": lambda x, _: torch.exp(x),
        "tanh": lambda x, _: torch.tanh(x),
        "relu": lambda x, _: torch.relu(x),
        "matmul": lambda x, y: x @ y,
        "sum": lambda x, _: x.sum(),
        "mean over an axis": lambda x, _: x.mean(dim=1),
        "reshape": lambda x, _: x.reshape(4, 16),
        "transpose": lambda x, _: x.t(),
        "slice": lambda x, _: x[2:6, 1:],
    }


def overhead(torch: Any, backward: bool) -> dict[str, Step]:
    x = (torch.rand(8, 8) + 0.5).requires_grad_()
    y = (torch.rand(8, 8) + 0.5).requires_grad_()

    def there_and_back(operation: Callable[[Any, Any], Any], g: Any) -> None:
        x.grad = y.grad = None
        operation(x, y).backward(g)

    steps: dict[str, Step] = {}
    for name, operation in operations(torch).items():
        if backward:
            g = torch.ones_like(operation(x, y).detach())
            steps[name] = partial(there_and_back, operation, g)
        else:
            steps[name] = partial(operation, x, y)
    return steps


def calls_of_a_lesson(torch: Any) -> dict[str, Step]:
    """What lessons call around the steps: random numbers, new tensors, counts, losses, norms and states."""
    torch.manual_seed(0)
    F, x, y, w = torch.nn.functional, torch.rand(8, 8), torch.rand(8, 8), torch.rand(8, 8).requires_grad_()
    labels, counts = torch.arange(8), torch.zeros(10, 10)
    row, column = torch.tensor(3), torch.tensor(4)
    model = torch.nn.Sequential(*[torch.nn.Linear(16, 16) for _ in range(10)])
    model(torch.rand(4, 16)).sum().backward()
    norm = torch.nn.BatchNorm1d(8)

    def count() -> None:
        counts[row, column] += 1

    return {
        "randn(8, 8)": lambda: torch.randn(8, 8),
        "randn(3072)": lambda: torch.randn(3072),
        "randn(3)": lambda: torch.randn(3),
        "rand(8, 8)": lambda: torch.rand(8, 8),
        "arange(10)": lambda: torch.arange(10),
        "linspace(0, 1, 10)": lambda: torch.linspace(0, 1, 10),
        "zeros_like(x)": lambda: torch.zeros_like(x),
        "cat": lambda: torch.cat((x, x)),
        "stack": lambda: torch.stack((x, x)),
        "where": lambda: torch.where(x > 0.5, x, w),
        "x.T": lambda: w.T,
        "x.unsqueeze(0)": lambda: w.unsqueeze(0),
        "list(x)": lambda: list(x),
        "x.max(1)": lambda: w.max(1),
        "x.sort()": lambda: x.sort(),
        "x.topk(2)": lambda: x.topk(2),
        "x.sub_(y, alpha=0.1)": lambda: x.sub_(y, alpha=0.1),
        "counts[i, j] += 1": count,
        "gelu": lambda: F.gelu(w),
        "dropout": lambda: F.dropout(w, 0.5),
        "cross_entropy": lambda: F.cross_entropy(w * 2.0, labels),
        "batch norm": lambda: norm(w),
        "max_pool2d": lambda: F.max_pool2d(x[None, None], 2),
        "state_dict()": model.state_dict,
        "clip_grad_norm_": lambda: torch.nn.utils.clip_grad_norm_(model.parameters(), 1e9),
    }


def reads_of_a_lesson(torch: Any) -> dict[str, Step]:
    """What a lesson does once a step or an epoch and the row of calls leaves out: it reads, prints, loads and steps."""
    torch.manual_seed(0)
    x, scores, labels = torch.rand(8, 8), torch.rand(64, 10), torch.arange(64) % 10
    norm, model = torch.nn.LayerNorm(8), torch.nn.Sequential(*[torch.nn.Linear(16, 16) for _ in range(10)])
    model(torch.rand(4, 16)).sum().backward()
    optimizer = torch.optim.Adam(model.parameters(), lr=1e-6)
    rows = torch.utils.data.TensorDataset(torch.rand(64, 8), labels)
    loader = torch.utils.data.DataLoader(rows, batch_size=16, shuffle=True)
    return {
        "tensor(list)": lambda: torch.tensor([[1.0, 2.0], [3.0, 4.0]]),
        "x.tolist()": lambda: x.tolist(),
        "x.sum().item()": lambda: x.sum().item(),
        "accuracy": lambda: (scores.argmax(1) == labels).float().mean().item(),
        "repr(x)": lambda: repr(x),
        "layer norm": lambda: norm(x),
        "Adam of 20 tensors": optimizer.step,
        "loader of 64 rows": lambda: list(loader),
    }


def elementwise_chain(torch: Any, *size: int) -> dict[str, Step]:
    torch.manual_seed(0)
    x = torch.randn(*size).requires_grad_()
    w = torch.randn(*size).requires_grad_()

    def step() -> None:
        x.grad = w.grad = None
        y = torch.tanh(x * w + 1.0)
        y = torch.relu(y - 0.25) * x
        y = torch.exp(-y) / 2.0
        y = torch.sigmoid(y) + w
        (y * y).sum().backward()

    return {"step": step}


def deep_chain(torch: Any) -> dict[str, Step]:
    x = torch.ones(8, 8).requires_grad_()

    def step(operations: int) -> None:
        x.grad = None
        y = x
        for _ in range(operations // 2):
            y = y * 0.5
            y = y + x
        y.sum().backward()

    return {f"{n:,} operations": partial(step, n) for n in (5_000, 10_000, 20_000)}


def training_step(torch: Any, network: Any, images: Any, classes: int = 10) -> dict[str, Step]:
    labels = torch.arange(len(images)) % classes
    optimizer = torch.optim.SGD(network.parameters(), lr=0.1)
    loss = torch.nn.CrossEntropyLoss()

    def step() -> None:
        optimizer.zero_grad()
        loss(network(images), labels).backward()
        optimizer.step()

    return {"step": step}


def lenet(torch: Any, batch: int = 128) -> dict[str, Step]:
    """LeNet-5 in its usual modern form, on 28x28 images."""
    nn = torch.nn
    torch.manual_seed(0)
    network = nn.Sequential(
        nn.Conv2d(1, 6, kernel_size=5, padding=2),
        nn.Sigmoid(),
        nn.AvgPool2d(kernel_size=2, stride=2),
        nn.Conv2d(6, 16, kernel_size=5),
        nn.Sigmoid(),
        nn.AvgPool2d(kernel_size=2, stride=2),
        nn.Flatten(),
        nn.Linear(400, 120),
        nn.Sigmoid(),
        nn.Linear(120, 84),
        nn.Sigmoid(),
        nn.Linear(84, 10),
    )
    return training_step(torch, network, torch.rand(batch, 1, 28, 28))


def mlp(torch: Any) -> dict[str, Step]:
    """784-256-10 with ReLU, batch 256."""
    nn = torch.nn
    torch.manual_seed(0)
    network = nn.Sequential(nn.Flatten(), nn.Linear(784, 256), nn.ReLU(), nn.Linear(256, 10))
    return training_step(torch, network, torch.rand(256, 1, 28, 28))


def small_network(torch: Any) -> dict[str, Step]:
    """Three 3x3 convolutions with ReLU and pooling on 3x32x32 images, batch 64."""
    nn = torch.nn
    torch.manual_seed(0)
    network = nn.Sequential(
        nn.Conv2d(3, 32, kernel_size=3, padding=1),
        nn.ReLU(),
        nn.Conv2d(32, 32, kernel_size=3, padding=1),
        nn.ReLU(),
        nn.MaxPool2d(2),
        nn.Conv2d(32, 64, kernel_size=3, padding=1),
        nn.ReLU(),
        nn.MaxPool2d(2),
        nn.Flatten(),
        nn.Linear(64 * 8 * 8, 10),
    )
    return training_step(torch, network, torch.rand(64, 3, 32, 32))


def recurrent_layers(torch: Any, steps: int, batch: int, width: int) -> dict[str, Step]:
    """A training step of each recurrent layer, `width` numbers in and out, for `batch` sequences of so many steps."""
    torch.manual_seed(0)
    x = torch.rand(steps, batch, width)

    def step(layer: Any) -> None:
        layer.zero_grad()
        layer(x)[0].sum().backward()

    return {name: partial(step, getattr(torch.nn, name)(width, width)) for name in ("RNN", "GRU", "LSTM")}


PROGRAMS = {
    "edge-by-hand": Program("edge loop, update by hand", edge_loop_by_hand, 0.4),
    "edge-sgd": Program("edge loop, SGD + MSELoss", edge_loop_with_sgd, 0.28),
    "forward": Program("one operation on 8x8, forward", lambda torch: overhead(torch, backward=False), 1.0),
    "backward": Program("one operation on 8x8, forward + backward", lambda torch: overhead(torch, backward=True), 1.0),
    "lesson": Program("one call around the steps of a lesson", calls_of_a_lesson, 2.0),
    "lesson-reads": Program("one read, print, load or step of a lesson", reads_of_a_lesson, 2.0),
    "chain-8x8": Program(
        "elementwise chain on 8x8, forward + backward", lambda torch: elementwise_chain(torch, 8, 8), 0.8
    ),
    "chain-2M": Program(
        "elementwise chain on 2 million, forward + backward", lambda torch: elementwise_chain(torch, 2_000_000), 0.8
    ),
    "deep-chain": Program(
        "chain of 20,000 operations, forward + backward", deep_chain, 1.0, headline="20,000 operations"
    ),
    "lenet": Program("LeNet training step, batch 128", lenet, 0.9),
    "lenet-1": Program("LeNet training step, one image", partial(lenet, batch=1), 0.6),
    "mlp": Program("MLP training step, batch 256", mlp, 0.8),
    "recurrent": Program(
        "recurrent layer, 32 steps of 32 sequences, 128 wide", lambda torch: recurrent_layers(torch, 32, 32, 128), 1.2
    ),
    "recurrent-small": Program(
        "recurrent layer, 8 steps of 4 sequences, 16 wide", lambda torch: recurrent_layers(torch, 8, 4, 16), 1.0
    ),
    "memory": Program(
        "peak memory of a convolutional training step", small_network, 1.0, unit="bytes", headline="growth during steps"
    ),
}
