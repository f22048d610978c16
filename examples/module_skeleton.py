"""The skeleton of a network: a Module that says in `forward` what comes out.

It is called like a function. Everything larger is built from this: assign layers or parameters in
`__init__` and they are known to `parameters()`, to the optimizer and to `print`. The lesson's first
network has none: it adds 1.
"""

import argparse

import minigrad as torch
from minigrad import nn


class AddOne(nn.Module):
    """The lesson's whole network: x + 1."""

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return x + 1


class TwoLayers(nn.Module):
    """The same skeleton with flesh: its layers are found, counted and printed by themselves."""

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
