"""A convolution layer written by hand, with `Y[i, j] = ...` in two loops, that can be trained.

Assigning to an element of a tensor is a differentiable operation here: the gradient of Y[i, j] flows to
the value that was assigned, and so to the kernel. The layer therefore learns exactly as `nn.Conv2d` does,
only slower. Training the bias too makes the summed loss steeper: the largest stable learning rate is
0.0161, half of that for the kernel alone.
"""

import argparse
import math

import minigrad as torch
from cross_correlation_by_hand import corr2d
from detect_edges import bars
from minigrad import nn
from shared_options import seed


class Conv2D(nn.Module):
    """One image (H, W) in, one feature map out: corr2d(X, weight) + bias."""

    def __init__(self, kernel_size: tuple[int, int]) -> None:
        super().__init__()
        self.weight = nn.Parameter(torch.rand(kernel_size))
        self.bias = nn.Parameter(torch.zeros(1))

    def forward(self, X: torch.Tensor) -> torch.Tensor:
        return corr2d(X, self.weight) + self.bias


def train(layer: nn.Module, X: torch.Tensor, Y: torch.Tensor, steps: int, lr: float) -> float:
    """Plain gradient descent on the summed squared error; returns the last loss."""
    for step in range(1, steps + 1):
        loss = ((layer(X) - Y) ** 2).sum()
        layer.zero_grad()
        loss.backward()
        with torch.no_grad():
            for parameter in layer.parameters():
                parameter -= lr * parameter.grad
        if step % max(1, steps // 5) == 0:
            print(f"step {step}, loss {loss.item():.4f}")
    return loss.item()


def main(arguments: list[str] | None = None) -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--steps", type=int, default=60, help="of gradient descent (default 60)")
    parser.add_argument("--lr", type=float, default=0.014, help="learning rate (default 0.014)")
    parser.add_argument("--seed", type=seed, default=0, help="of the first kernel (default 0)")
    options = parser.parse_args(arguments)
    if options.steps < 1:
        parser.error(f"--steps counts gradient steps: at least 1, got {options.steps}")
    torch.manual_seed(options.seed)

    X = bars()
    Y = corr2d(X, torch.tensor([[1.0, -1.0]]))
    layer = Conv2D((1, 2))
    print("the kernel at first:", layer.weight.detach())
    loss = train(layer, X, Y, options.steps, options.lr)
    if not math.isfinite(loss):
        raise SystemExit(f"the loss is {loss}: try a learning rate between 0 and 0.0161; it was {options.lr:g}")
    print("the kernel learned: ", layer.weight.detach())
    print("the bias learned:   ", layer.bias.detach())


if __name__ == "__main__":
    main()
