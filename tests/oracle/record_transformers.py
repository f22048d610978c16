"""Records what PyTorch's layers of attention compute in float64, with all gradients: the reference for `tests/nn`.

    pip install torch==2.13.0
    python tests/oracle/record_transformers.py

It rewrites `tests/data/transformers.json`: for each line of `tests/nn/transformers.txt` the results, and the gradients
of their weighted sum. `tests/nn/test_transformer.py` runs the same lines with minigrad.
"""

import json
import sys
import warnings
from pathlib import Path

import torch

TESTS = Path(__file__).parent.parent
FILE = TESTS / "data" / "transformers.json"
sys.path.insert(0, str(TESTS / "nn"))

from transformer_calls import run_line  # noqa: E402


def read_lines():
    """The lines of transformers.txt: a layer, and the arguments of its call."""
    lines = (TESTS / "nn" / "transformers.txt").read_text().splitlines()
    return [line for line in lines if line and not line.startswith("#")]


def record(line):
    """The shapes and numbers of all results, and those of all gradients."""
    results, gradients = run_line(torch, line)
    return {
        "results": [[list(y.shape), y.flatten().tolist()] for y in results],
        "gradients": [g.flatten().tolist() for g in gradients],
    }


def main():
    warnings.simplefilter("ignore")
    FILE.write_text(json.dumps({line: record(line) for line in read_lines()}, indent=0) + "\n")


if __name__ == "__main__":
    main()
