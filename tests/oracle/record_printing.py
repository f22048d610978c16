"""Records PyTorch's text for tensors as `tests/data/printing.json`, for `tests/test_printing.py`.

Run with PyTorch 2.13: `python tests/oracle/record_printing.py`. A case holds the options, the
default dtype, the array (its bytes, base64) and the text, with `minigrad.` for PyTorch's name.
"""

import base64
import json
import math
from pathlib import Path

import numpy as np
import torch

EDGE = [0.0, -0.0, 1.0, -1.5, math.nan, math.inf, -math.inf, 1e-4, 9.9999e-5, 1e8, 1.0001e8, 1001.0]
OPTIONS = (
    {"precision": 2},
    {"precision": 8, "linewidth": 50},
    {"threshold": 5, "edgeitems": 1},
    {"threshold": 5, "edgeitems": 0},
    {"profile": "short"},
    {"profile": "full"},
    {"sci_mode": True},
    {"sci_mode": False, "linewidth": 120},
    {"linewidth": 10},
)
SHAPES = ((), (1,), (7,), (30,), (3, 4), (2, 3, 5), (2, 1, 2, 3), (1, 2, 2, 1, 2), (4, 30))


def _draw_numbers(rng, size, kind):
    normal = rng.normal(size=size)
    return {
        "normal": normal,
        "whole": np.round(normal * 10),
        "large whole": np.round(normal * 10.0 ** rng.integers(0, 10)),
        "scaled": normal * 10.0 ** rng.integers(-12, 13),
        "spread": normal * 10.0 ** rng.integers(-5, 6, size),
        "special": np.where(rng.random(size) < 0.3, rng.choice(EDGE, size), normal),
        "few": rng.choice(EDGE, size),
        "positive": rng.random(size) + rng.choice([0, 1000, 1e4]),
    }[kind]


def _make_arrays(rng):
    """Arrays of many sizes, types and ranges."""
    for value in EDGE:
        yield np.array([value, 1.0])
        yield np.array(value, np.float32)
    for shape in ((0,), (0, 3), (2, 0, 4)):
        for dtype in ("float32", "float64", "int64", "bool"):
            yield np.zeros(shape, dtype)
    for shape in SHAPES:
        size = math.prod(shape)
        for kind in ("normal", "whole", "large whole", "scaled", "spread", "special", "few"):
            yield _draw_numbers(rng, size, kind).astype(np.float32).reshape(shape)
        for dtype in ("float16", "float64"):
            yield _draw_numbers(rng, size, "positive").astype(dtype).reshape(shape)
        for dtype in ("uint8", "int8", "int16", "int32", "int64"):
            limit = min(10 ** int(rng.integers(1, 18)), np.iinfo(dtype).max)
            low = 0 if dtype == "uint8" else -limit
            yield rng.integers(low, limit, size).astype(dtype).reshape(shape)
        yield (rng.random(size) < 0.5).reshape(shape)
    yield np.arange(1001)
    yield np.arange(1001.0, dtype=np.float32).reshape(7, 143)
    yield np.zeros((3, 8, 50), np.float32)
    yield (np.arange(1200) % 7 == 0).reshape(2, 600)


def _record_case(array, options, default, gradient):
    torch.set_printoptions(profile="default")
    torch.set_printoptions(**options)
    torch.set_default_dtype(getattr(torch, default))
    tensor = torch.tensor(array)
    if gradient:
        tensor.requires_grad_()
    if gradient == "node":
        tensor = tensor.abs()
        array = tensor.detach().numpy()
    return {
        "options": options,
        "default": default,
        "gradient": gradient,
        "dtype": array.dtype.name,
        "shape": array.shape,
        "bytes": base64.b64encode(np.ascontiguousarray(array).tobytes()).decode(),
        "text": str(tensor).replace("torch.", "minigrad."),
    }


def record(path):
    """Write every case to `path`."""
    rng = np.random.default_rng(0)
    cases = []
    for i, array in enumerate(_make_arrays(rng)):
        gradient = ("", "leaf", "node")[i % 3] if array.dtype.kind == "f" else ""
        cases.append(_record_case(array, {}, "float32", gradient))
        if i % 2 and array.size < 100:
            cases.append(_record_case(array, OPTIONS[i // 2 % len(OPTIONS)], "float32", gradient))
        if i % 10 == 3 and array.size < 100:
            cases.append(_record_case(array, {}, "float64", gradient))
    path.write_text("[\n" + ",\n".join(json.dumps(case) for case in cases) + "\n]\n")


if __name__ == "__main__":
    record(Path(__file__).parents[1] / "data" / "printing.json")
