"""The option `--seed`, as all examples read it. This file is no program of its own."""

import argparse

import minigrad as torch


def seed(text: str) -> int:
    """The number that `text` writes, if it can be a seed."""
    try:
        number = int(text)
        torch.Generator().manual_seed(number)  # raises if it does not fit in 64 bits
    except ValueError:
        raise argparse.ArgumentTypeError(
            f"a seed is a whole number from -2**63 to 2**64 - 1; got {text if len(text) < 40 else text[:40] + '...'}"
        ) from None
    return number
