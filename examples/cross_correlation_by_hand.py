"""Cross-correlation in two loops, and why layers use it instead of convolution.

A window of the kernel's size slides over the image. At each position pixels and kernel are
multiplied and summed:

    Y[i, j] = sum over a, b of X[i + a, j + b] * K[a, b]

This is cross-correlation, and it is what every "convolution layer" computes. In mathematics a
convolution flips the kernel in both axes first. For a layer that learns its kernel it makes no
difference: trained on a true convolution, it learns the flipped kernel.
"""

import argparse

import minigrad as torch
import minigrad.nn.functional as F
from minigrad import nn
from shared_options import seed


def corr2d(X: torch.Tensor, K: torch.Tensor) -> torch.Tensor:
    """Cross-correlation of X (H, W) with K (kh, kw): (H - kh + 1, W - kw + 1)."""
    h, w = K.shape
    Y = torch.zeros(X.shape[0] - h + 1, X.shape[1] - w + 1)
    for i in range(Y.shape[0]):
        for j in range(Y.shape[1]):
            Y[i, j] = (X[i : i + h, j : j + w] * K).sum()
    return Y


def convolve2d(X: torch.Tensor, K: torch.Tensor) -> torch.Tensor:
    """Convolution as in mathematics: cross-correlation with the kernel flipped in both axes."""
    return corr2d(X, K.flip(0, 1))


def learn_kernel(X: torch.Tensor, Y: torch.Tensor, size: tuple[int, int]) -> torch.Tensor:
    """Trains a layer, which cross-correlates, to give Y for X, and returns its kernel."""
    layer = nn.Conv2d(1, 1, size, bias=False)
    optimizer = torch.optim.SGD(layer.parameters(), lr=0.3)
    for _ in range(300):
        optimizer.zero_grad()
        F.mse_loss(layer(X[None, None]), Y[None, None]).backward()
        optimizer.step()
    return layer.weight.detach()[0, 0]


def main(arguments: list[str] | None = None) -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seed", type=seed, default=0, help="of the random image (default 0)")
    torch.manual_seed(parser.parse_args(arguments).seed)

    X = torch.arange(9.0).reshape(3, 3)
    K = torch.arange(4.0).reshape(2, 2)
    print("image:", X, "kernel:", K, sep="\n")
    print("the first window: 0*0 + 1*1 + 3*2 + 4*3 =", int((X[0:2, 0:2] * K).sum().item()))
    print("cross-correlation:", corr2d(X, K), sep="\n")
    print("convolution, with the kernel flipped:", convolve2d(X, K), sep="\n")

    X = torch.randn(12, 12)
    K = K + 1
    print("a layer that imitates a convolution with", K, sep="\n")
    print("learns the flipped kernel:", learn_kernel(X, convolve2d(X, K), (2, 2)), sep="\n")


if __name__ == "__main__":
    main()
