"""Stride and padding on a 5x5 image of integers, which can be checked on paper.

`conv2d` needs four axes, (batch, channels, height, width), so image and kernel are reshaped first.
Stride 2 gives every second row and column of the result for stride 1. Padding 1 adds a border of
zeros; the result without padding is the middle of the result with padding.
"""

import argparse

import minigrad as torch
import minigrad.nn.functional as F

IMAGE = torch.tensor([[1, 2, 0, 3, 1], [0, 1, 2, 3, 1], [1, 2, 1, 0, 0], [5, 2, 3, 1, 1], [2, 1, 0, 1, 1]])
KERNEL = torch.tensor([[1, 2, 1], [0, 1, 0], [2, 1, 0]])


def feature_map(stride: int, padding: int) -> torch.Tensor:
    """The feature map, without the batch and channel axes."""
    images = torch.reshape(IMAGE, (1, 1, 5, 5))
    kernels = torch.reshape(KERNEL, (1, 1, 3, 3))
    return F.conv2d(images, kernels, stride=stride, padding=padding)[0, 0]


def main(arguments: list[str] | None = None) -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--stride", type=int, help="only this stride (default: the lesson's three)")
    parser.add_argument("--padding", type=int, help="for --stride (default 0)")
    options = parser.parse_args(arguments)
    if options.stride is not None and options.stride < 1:
        parser.error(f"--stride counts pixels from window to window: at least 1, got {options.stride}")
    if options.padding is not None and options.stride is None:
        parser.error("--padding goes with a --stride: the lesson's three cases have their own")
    padding = options.padding or 0
    if padding < 0:
        parser.error(f"--padding counts rows of zeros: at least 0, got {padding}")
    print("image:", IMAGE, "kernel:", KERNEL, sep="\n")
    cases = [(1, 0), (2, 0), (1, 1)]
    if options.stride is not None:
        cases = [(options.stride, padding)]
    for stride, padding in cases:
        print(f"stride {stride}, padding {padding}:", feature_map(stride, padding), sep="\n")


if __name__ == "__main__":
    main()
