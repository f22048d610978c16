"""Records PyTorch's answers to the programs of `tests/ops/programs.txt`.

    pip install torch==2.13.0 && python tests/oracle/record_programs.py

It rewrites `tests/data/programs.json`: for each program what `answer` made of its last expression.
`tests/ops/test_programs.py` runs the same programs here.
"""

import ast
import json
import math
import warnings
from pathlib import Path

import numpy as np

TESTS = Path(__file__).parent.parent
ANSWERS = TESTS / "data" / "programs.json"


def read_programs():
    """(title, program) of every line."""
    title, found = "", []
    for line in (TESTS / "ops" / "programs.txt").read_text().splitlines():
        if line.startswith("## "):
            title = line.removeprefix("## ")
        elif line and not line.startswith("#"):
            found.append((title, line))
    return found


def to_json(x):
    """Numbers as JSON has them: NaN and the infinities in words."""
    if isinstance(x, list):
        return [to_json(v) for v in x]
    return str(x) if isinstance(x, float) and not math.isfinite(x) else x


def describe(x, tensor):
    """What a result is: dtype, shape, numbers and whether a gradient flows; sequences at any depth."""
    if isinstance(x, tensor):
        dtype = str(x.dtype).split(".")[1]
        return {"dtype": dtype, "shape": list(x.shape), "grad": x.requires_grad, "values": to_json(x.detach().tolist())}
    if isinstance(x, (tuple, list)):
        return [describe(v, tensor) for v in x]
    return (
        to_json(x)
        if isinstance(x, (bool, int, float, str, type(None)))
        else str(x).removeprefix("minigrad.").removeprefix("torch.")
    )


def answer(program, torch):
    """What the last expression of `program` is, or the class of the error that the program ends in."""
    names = {"torch": torch, "F": torch.nn.functional, "np": np, "nan": math.nan, "inf": math.inf}
    body = ast.parse(program).body
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            exec(compile(ast.Module(body[:-1], []), "<program>", "exec"), names)
            return describe(eval(compile(ast.Expression(body[-1].value), "<program>", "eval"), names), torch.Tensor)
    except Exception as error:  # noqa: BLE001 - its class is the answer
        return {"raises": type(error).__name__}
    finally:
        torch.set_grad_enabled(True)  # a program that failed may have left it off


if __name__ == "__main__":
    import torch

    lines = [f"{json.dumps(p)}: {json.dumps(answer(p, torch))}" for _, p in read_programs()]
    ANSWERS.write_text("{\n" + ",\n".join(lines) + "\n}\n")
