"""Records what PyTorch's recurrent layers compute in float64, with all gradients: the reference for `tests/nn`.

    pip install torch==2.13.0
    python tests/oracle/record_recurrent.py

It rewrites `tests/data/recurrent.json`: for each expression of `tests/nn/recurrent.txt` the results and the gradients
of their weighted sum. `tests/nn/test_recurrent.py` evaluates the same expressions with minigrad.
"""

import json
import warnings
from pathlib import Path

import torch
from torch import nn

TESTS = Path(__file__).parent.parent
FILE = TESTS / "data" / "recurrent.json"


def read_expressions():
    """The lines of recurrent.txt: a layer, and the shapes of its arguments."""
    lines = (TESTS / "nn" / "recurrent.txt").read_text().splitlines()
    return [line for line in lines if line and not line.startswith("#")]


def flatten(value):
    """The tensors in nested tuples, in their order."""
    return [value] if isinstance(value, torch.Tensor) else [x for part in value for x in flatten(part)]


def record(line):
    """The results of the layer, and the gradients of its arguments and its parameters."""
    layer, shapes = [eval(part, {"nn": nn}) for part in line.split(" @ ")]
    layer.double()
    count = 0
    for tensor in layer.parameters():
        numbers = torch.arange(count, count + tensor.numel(), dtype=torch.float64)
        tensor.data = torch.sin(numbers + 1).reshape(tensor.shape) / 2
        count += tensor.numel()
    given = [torch.cos(torch.arange(torch.Size(s).numel(), dtype=torch.float64)).reshape(s) for s in shapes]
    for tensor in given:
        tensor.requires_grad_()
    states = given[1:]
    hx = () if not states else (states[0],) if len(states) == 1 else (tuple(states),)
    results = flatten(layer(given[0], *hx))
    weighted = sum((y * torch.arange(1.0, y.numel() + 1, dtype=y.dtype).reshape(y.shape)).sum() for y in results)
    gradients = torch.autograd.grad(weighted, [*given, *layer.parameters()])
    return {
        "results": [[list(y.shape), y.flatten().tolist()] for y in results],
        "gradients": [g.flatten().tolist() for g in gradients],
    }


def main():
    warnings.simplefilter("ignore")
    FILE.write_text(json.dumps({line: record(line) for line in read_expressions()}, indent=0) + "\n")


if __name__ == "__main__":
    main()
