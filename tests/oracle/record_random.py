"""Records PyTorch's random numbers as `tests/data/random.json`, for `tests/test_random.py`.

Run with PyTorch 2.13 on the CPU: `python tests/oracle/record_random.py`. Each sequence is a seed
and the draws that follow from one generator; short results are recorded whole (floats as
hexadecimal text, so exactly), long ones by their first elements and a digest of their bytes.
On an Intel processor `bernoulli` and `exponential` draw from another library: record elsewhere.
"""

import hashlib
import json
from pathlib import Path

import torch

FLOATS = ("float32", "float64", "float16")
KINDS = ("bool", "uint8", "int8", "int16", "int32", "int64", *FLOATS)
SEEDS = (0, 42, 2**40 + 1, -3)


def _list_draws():
    """Each step: the name of a draw, its shape, its dtype, its numbers."""
    for dtype in FLOATS:
        yield "uniform", (3,), dtype, (0, 1)
        yield "uniform", (2, 3), dtype, (-0.3, 0.7)
        yield "uniform", (700,), dtype, (0.1, 0.2)
        for size in (1, 3, 15, 16, 17, 31, 32, 40, 700):
            yield "normal", (size,), dtype, (0, 1)
        yield "normal", (5,), dtype, (2.0, 0.7)
        yield "normal", (2, 3, 7), dtype, (-0.33, 1.7)
        yield "exponential", (6,), dtype, (2.5,)
        yield "bernoulli of", (2, 5), dtype, ()
        yield "normal", (20000,), dtype, (0, 0.01)
        yield "uniform", (20000,), dtype, (-0.05, 0.05)
        yield "normal", (1,), dtype, (0, 1)
        yield "state", (), "uint8", ()
    for span in (1, 10, 2**28 - 1, 2**28, 2**32, 2**33 + 7, 2**62):
        yield "randint", (4,), "int64", (0, span)
        yield "randint", (3,), "int64", (-(2**40), -(2**40) + span)
    for dtype, low, high in (
        ("uint8", 3, 256),
        ("int8", -128, 128),
        ("int16", -5, 5),
        ("int32", -(2**31), 2**31),
        ("bool", 0, 2),
        ("float32", -100, 2**24),
        ("int64", -(2**63), None),
        ("int64", 5, None),
        ("uint8", 5, None),
        ("float16", -3, None),
        ("float32", 7, None),
    ):
        yield "randint", (6,), dtype, (low, high)
    for dtype in KINDS:
        yield "random", (5,), dtype, ()
    for n in (0, 1, 2, 10, 1000):
        yield "permutation", (), "int64", (n,)
    for p in (0, 0.3, 1):
        yield "bernoulli", (7,), "bool", (p,)
    yield "state", (), "uint8", ()


def _draw(name, shape, dtype, numbers, generator):
    out = torch.empty(shape, dtype=getattr(torch, dtype))
    if name == "state":
        return generator.get_state()
    if name == "permutation":
        return torch.randperm(*numbers, generator=generator)
    if name == "bernoulli of":
        chances = torch.linspace(0, 1, 10, dtype=torch.float64).reshape(2, 5).to(out.dtype)
        return torch.bernoulli(chances, generator=generator).bool()
    method = {"randint": "random_"}.get(name, name + "_")
    return getattr(out, method)(*numbers, generator=generator)


def record(path):
    """Write every sequence to `path`."""
    sequences = []
    for seed in SEEDS:
        generator = torch.Generator().manual_seed(seed)
        draws = []
        for name, shape, dtype, numbers in _list_draws():
            array = _draw(name, shape, dtype, numbers, generator).numpy()
            values = array.ravel()[:4].tolist()
            draws.append(
                {
                    "draw": name,
                    "shape": shape,
                    "dtype": dtype,
                    "numbers": numbers,
                    "first": [v.hex() if isinstance(v, float) else v for v in values],
                    "digest": hashlib.sha256(array.tobytes()).hexdigest()[:16],
                }
            )
        sequences.append({"seed": seed, "draws": draws})
    lines = ",\n".join(json.dumps(sequence) for sequence in sequences)
    path.write_text(f"[\n{lines}\n]\n")


if __name__ == "__main__":
    record(Path(__file__).parents[1] / "data" / "random.json")
