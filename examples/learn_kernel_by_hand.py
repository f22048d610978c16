"""The kernel [1, -1] learned from an image and its edge map, in three ways.

1. By hand, with a large learning rate ("boldly"): summed squared error, rate 3e-2, 30 steps. The weights
   are updated by `weight.data[:] -= lr * weight.grad`.
2. By hand, with a small one ("carefully"): rate 1e-3, 400 steps. The weights end at 0.99 and -0.99.
3. With `optim.SGD` and `nn.MSELoss`. The mean over 42 pixels makes the gradient 42 times smaller,
   so the rate that gives the same steps as in 1 is 42 * 3e-2 = 1.26.
"""

import argparse

import minigrad as torch
from detect_edges import bars, edges
from minigrad import nn
from shared_options import seed


def by_hand(layer: nn.Conv2d, X: torch.Tensor, Y: torch.Tensor, lr: float, steps: int) -> None:
    """Gradient descent on the summed squared error, step by step."""
    for i in range(steps):
        loss = ((layer(X) - Y) ** 2).sum()
        layer.zero_grad()
        loss.backward()
        layer.weight.data[:] -= lr * layer.weight.grad
        if (i + 1) % (steps // 5) == 0:
            print(f"epoch {i + 1}, loss {loss.item():.3f}")


def with_sgd(layer: nn.Conv2d, X: torch.Tensor, Y: torch.Tensor, lr: float, steps: int) -> None:
    """Gradient descent on the mean squared error, with the library's loss and optimizer."""
    squared_error = nn.MSELoss()
    optimizer = torch.optim.SGD(layer.parameters(), lr=lr)
    for i in range(steps):
        loss = squared_error(layer(X), Y)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        if (i + 1) % (steps // 5) == 0:
            print(f"epoch {i + 1}, mean loss {loss.item():.5f}")


WAYS = {"boldly": (by_hand, 3e-2, 30), "carefully": (by_hand, 1e-3, 400), "sgd": (with_sgd, 1.26, 30)}


def learn(way: str, seed: int = 0) -> torch.Tensor:
    """The learned kernel (1, 2) of one of the `WAYS`."""
    torch.manual_seed(seed)
    image = bars()
    X = image.reshape(1, 1, 6, 8)
    Y = edges(image, torch.tensor([[1.0, -1.0]])).reshape(1, 1, 6, 7)
    layer = nn.Conv2d(1, 1, kernel_size=(1, 2), bias=False)
    descend, lr, steps = WAYS[way]
    descend(layer, X, Y, lr, steps)
    return layer.weight.data.reshape(1, 2)


def main(arguments: list[str] | None = None) -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--way", choices=WAYS, action="append", help="only this one (default all)")
    parser.add_argument("--seed", type=seed, default=0, help="of the first kernel (default 0)")
    options = parser.parse_args(arguments)
    for way in options.way or WAYS:
        _, lr, steps = WAYS[way]
        print(f"{way}: learning rate {lr}, {steps} steps")
        print(learn(way, options.seed), end="\n\n")


if __name__ == "__main__":
    main()
