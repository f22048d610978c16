"""Finding edges with a kernel of two numbers.

Sliding K = [1, -1] over an image subtracts each pixel's right neighbour from it: equal neighbours
give 0, a change from white (1) to black (0) gives 1, from black to white -1. So the feature map is
an edge map. It shows only vertical edges: for the transposed image, whose edges are horizontal, it is
all zeros, and the vertical kernel [[1], [-1]] finds these edges.
"""

import argparse

import minigrad as torch
import minigrad.nn.functional as F


def bars() -> torch.Tensor:
    """The image of this lesson: 6x8 pixels, white with a black bar in columns 2 to 5."""
    X = torch.ones(6, 8)
    X[:, 2:6] = 0
    return X


def edges(X: torch.Tensor, K: torch.Tensor) -> torch.Tensor:
    """The feature map of an image (H, W) for a kernel (kh, kw), without batch and channel axes."""
    Y = F.conv2d(X.reshape(1, 1, *X.shape), K.reshape(1, 1, *K.shape))
    return Y.reshape(Y.shape[2:])  # (1, 1, Ho, Wo) -> (Ho, Wo)


def main(arguments: list[str] | None = None) -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.parse_args(arguments)
    X = bars()
    K = torch.tensor([[1.0, -1.0]])
    print("the image, 1 is white:", X, sep="\n")
    print("its edges under [1, -1]:", edges(X, K), sep="\n")
    print("the transposed image under [1, -1] shows none:", edges(X.t(), K), sep="\n")
    print("... and under [[1], [-1]] shows them all:", edges(X.t(), K.t()), sep="\n")


if __name__ == "__main__":
    main()
