"""The skeleton of a network: a Module that computes its output in `forward`.

A module is called like a function. Layers and parameters that are assigned in `__init__` are registered:
`parameters()`, the optimizer and `print` find them. The first network has none: it adds 1.
"""

import argparse

import minigrad as torch
from minigrad import nn


class AddOne(nn.Module):
    """A network without parameters: x + 1."""

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return x + 1


class TwoLayers(nn.Module):
    """A network of two layers, which are registered and printed automatically."""

    def __init__(self) -> None:
        super().__init__()
        self.find = nn.Conv2d(1, 2, kernel_size=(1, 2))
        self.mix = nn.Conv2d(2, 1, kernel_size=1)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return self.mix(self.find(x))


def main(arguments: list[str] | None = None) -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.parse_args(arguments)
    print("1 goes in, out comes", AddOne()(torch.tensor(1.0)))
    net = TwoLayers()
    print(net)
    for name, parameter in net.named_parameters():
        print(f"{name}: {tuple(parameter.shape)}")


if __name__ == "__main__":
    main()
