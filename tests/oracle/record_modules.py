"""Records the printed text, initial values, results and errors of PyTorch's layers: the reference for `tests/nn`.

    pip install torch==2.13.0
    python tests/oracle/record_modules.py

It rewrites `tests/data/modules.json`: for each expression of `tests/nn/recorded.txt` the text, the tensors or the error
that PyTorch gave. `tests/nn/test_recorded.py` evaluates the same expressions with minigrad.
"""

import json
import math
import warnings
from collections import OrderedDict
from pathlib import Path

import torch
from torch import nn

TESTS = Path(__file__).parent.parent
FILE = TESTS / "data" / "modules.json"


def read_expressions():
    """The expressions of each section of recorded.txt."""
    sections = {}
    for line in (TESTS / "nn" / "recorded.txt").read_text().splitlines():
        if line.startswith("## "):
            found = sections.setdefault(line.removeprefix("## ").partition(":")[0], [])
        elif line and not line.startswith("#"):
            found.append(line)
    return sections


def flatten(value):
    """Tensors as nested lists of shortest-form numbers that JSON can hold."""
    if isinstance(value, torch.Tensor):
        value = value.detach()
        assert value.numel() < 200
        rounded = [float(f"{x:.9g}") if isinstance(x, float) else x for x in value.flatten().tolist()]
        assert all(math.isfinite(x) for x in rounded)
        return {"dtype": str(value.dtype).split(".")[1], "shape": list(value.shape), "values": rounded}
    return [flatten(item) for item in value]


def evaluate(expression):
    torch.manual_seed(0)
    return eval(expression, {"torch": torch, "nn": nn, "OrderedDict": OrderedDict})


def describe_refusal(expression):
    try:
        evaluate(expression)
    except Exception as error:  # noqa: BLE001
        return [type(error).__name__, str(error)]
    raise AssertionError(f"{expression} was not refused")


def main():
    warnings.simplefilter("ignore")
    expressions = read_expressions()
    recorded = {
        "texts": {e: repr(evaluate(e)) for e in expressions["texts"]},
        "tensors": {e: [flatten(evaluate(e)), torch.rand(1).item()] for e in expressions["tensors"]},
        "errors": {e: describe_refusal(e) for e in expressions["errors"]},
    }
    FILE.write_text(json.dumps(recorded, indent=0) + "\n")


if __name__ == "__main__":
    main()
