"""Records PyTorch's `grid_sample` and its gradients: the reference for `tests/nn/functional/test_grid.py`.

    pip install torch==2.13.0
    python tests/oracle/record_grid.py

It rewrites `tests/data/grid.json`: for every mode, border and alignment an image, a grid, a cotangent, and what these
gave.
"""

import json
from itertools import product
from pathlib import Path

import torch
import torch.nn.functional as F

FILE = Path(__file__).parent.parent / "data" / "grid.json"
MODES, BORDERS = ("bilinear", "nearest", "bicubic"), ("zeros", "border", "reflection")


def to_lists(x):
    return [[round(v, 10) for v in x.flatten().tolist()], list(x.shape)]


def record_case(space, mode, border, align, lengths, places):
    x = torch.randn(2, 2, *lengths).double().mul(100).round().div(100).requires_grad_()
    grid = torch.rand(2, *places, space).double().mul(500).round().div(100).sub(2.5).requires_grad_()
    theta = torch.randn(2, space, space + 1).double().mul(100).round().div(100).requires_grad_()
    out = F.grid_sample(x, grid, mode, border, align)
    cotangent = torch.randn(out.shape).double().mul(100).round().div(100)
    of_grid = F.affine_grid(theta, (2, 1, *places), align)
    found = {"image": x, "grid": grid, "cotangent": cotangent, "theta": theta, "out": out, "affine": of_grid}
    found["image_grad"], found["grid_grad"] = torch.autograd.grad(out, (x, grid), cotangent)
    (found["theta_grad"],) = torch.autograd.grad(of_grid, theta, grid.detach())
    return {"options": [mode, border, align]} | {name: to_lists(value) for name, value in found.items()}


if __name__ == "__main__":
    torch.manual_seed(0)
    cases = [record_case(2, *options, (3, 4), (2, 3)) for options in product(MODES, BORDERS, (False, True))]
    cases += [record_case(2, "bilinear", border, True, (1, 3), (1, 2)) for border in BORDERS]
    cases += [record_case(3, *options, (2, 3, 2), (1, 2, 3)) for options in product(MODES[:2], BORDERS, (False, True))]
    FILE.write_text("[\n" + ",\n".join(json.dumps(c) for c in cases) + "\n]\n")
