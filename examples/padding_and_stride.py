"""Padding and stride: the size of a feature map, and one convolution computed in three ways.

A kernel of size k does not fit at the last k - 1 positions, so the feature map is smaller than the
image; padding adds p rows of zeros on each side; a stride of s moves the kernel by s pixels. Along
each axis

    output = floor((input + 2 * padding - kernel) / stride) + 1

The layer, the function that it calls, and the loops below give the same numbers.
"""

import argparse

import minigrad as torch
import minigrad.nn.functional as F
from minigrad import nn
from shared_options import seed

LAYERS = {  # each on an 8x8 image
    "3x3, padding 1: the size stays": {"kernel_size": 3, "padding": 1},
    "5x3, padding (2, 1): it stays too": {"kernel_size": (5, 3), "padding": (2, 1)},
    "3x3, padding 1, stride 2: halved": {"kernel_size": 3, "padding": 1, "stride": 2},
    "3x5, padding (0, 1), stride (3, 4)": {"kernel_size": (3, 5), "padding": (0, 1), "stride": (3, 4)},
}


def output_size(size: int, kernel: int, padding: int, stride: int) -> int:
    return (size + 2 * padding - kernel) // stride + 1


def conv2d_by_loops(
    X: torch.Tensor, K: torch.Tensor, padding: tuple[int, int], stride: tuple[int, int]
) -> torch.Tensor:
    """X (H, W), K (kh, kw) -> (Ho, Wo): pads, then computes window by window."""
    X = F.pad(X, (padding[1], padding[1], padding[0], padding[0]))  # the last axis comes first
    h, w = K.shape
    rows = range(0, X.shape[0] - h + 1, stride[0])
    columns = range(0, X.shape[1] - w + 1, stride[1])
    Y = torch.zeros(len(rows), len(columns))
    for i, top in enumerate(rows):
        for j, left in enumerate(columns):
            Y[i, j] = (X[top : top + h, left : left + w] * K).sum()
    return Y


def three_ways(layer: nn.Conv2d, X: torch.Tensor) -> list[torch.Tensor]:
    """The feature map by the layer, by the function and by the loops: X (H, W) -> (Ho, Wo) each."""
    images = X.reshape(1, 1, *X.shape)
    by_layer = layer(images)
    by_function = F.conv2d(images, layer.weight, layer.bias, stride=layer.stride, padding=layer.padding)
    by_loops = conv2d_by_loops(X, layer.weight[0, 0], layer.padding, layer.stride) + layer.bias
    return [by_layer[0, 0], by_function[0, 0], by_loops]


def main(arguments: list[str] | None = None) -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seed", type=seed, default=0, help="of image and kernels (default 0)")
    torch.manual_seed(parser.parse_args(arguments).seed)
    X = torch.rand(8, 8)
    for name, settings in LAYERS.items():
        layer = nn.Conv2d(1, 1, **settings)
        expected = tuple(
            output_size(8, *axis) for axis in zip(layer.kernel_size, layer.padding, layer.stride, strict=True)
        )
        ways = three_ways(layer, X)
        agree = all(torch.allclose(ways[0], way, atol=1e-6) for way in ways)
        print(f"{name}: by the formula {expected}, computed {tuple(ways[0].shape)}")
        print(f"    layer, function and loops {'agree' if agree else 'DISAGREE'}")


if __name__ == "__main__":
    main()
