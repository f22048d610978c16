"""inf, nan and overflow are values: no call, gradient or write warns, whatever the caller's settings are.

Each recorded sample is run again with its floats replaced by extreme ones, in every float type, with
warnings as errors (as in all tests) and with NumPy told to raise.
"""

import warnings

import numpy as np
import pytest

import minigrad as torch
from tests.ops.test_samples import GOOD, run

with np.errstate(all="ignore"):
    EXTREMES = {
        dtype: np.array([np.inf, -np.inf, np.nan, largest, -largest, smallest, 0.0, -0.0, 1.0, -1.0, large], dtype)
        for dtype, largest, smallest, large in (
            ("float16", 65504.0, 6e-8, 300.0), ("float32", 3.4e38, 1e-45, 1e30), ("float64", 1.7e308, 5e-324, 1e300),
        )
    }  # fmt: skip
# One sample each of every function is enough: what is silent does not depend on shapes.
SAMPLES = list({(c["call"][1], len(c["args"]["tuple"]), *c["kwargs"]): c for c in GOOD}.values())


def spoil(tensor, dtype):
    """`tensor` with extreme values, in `dtype`, if it has floats."""
    if tensor.dtype.is_floating_point:
        tensor.array = np.resize(EXTREMES[dtype], tensor.shape)
    return tensor


@pytest.mark.parametrize("dtype", EXTREMES)
@pytest.mark.parametrize("sample", SAMPLES, ids=[f"{i} {c['call'][1]}" for i, c in enumerate(SAMPLES)])
def test_no_call_and_no_gradient_warns(sample, dtype, monkeypatch):
    made = torch.from_numpy
    monkeypatch.setattr(torch, "from_numpy", lambda array: spoil(made(array), dtype))
    with np.errstate(all="raise"):
        try:
            result, inputs = run(sample, leaves=sample.get("leaves", ()))
        except (RuntimeError, ValueError, NotImplementedError, IndexError, TypeError):
            return  # such values, or such a type, are refused in words; NumPy would have raised FloatingPointError
        leaves = [x for x in inputs if x.requires_grad]
        for out in result if isinstance(result, (tuple, list)) else [result]:
            if isinstance(out, torch.Tensor) and out.requires_grad:
                torch.autograd.grad(out, leaves, torch.ones_like(out), allow_unused=True)


inf, nan = float("inf"), float("nan")
WRITES = {
    "assignment": lambda x: x.__setitem__(0, nan),
    "assignment of a tensor": lambda x: x.__setitem__(slice(None), torch.full_like(x, 1e300, dtype=torch.float64)),
    "fill_": lambda x: x.fill_(torch.tensor(inf, dtype=torch.float64)),
    "copy_": lambda x: x.copy_(torch.full((3,), 1e300, dtype=torch.float64)),
    "half": lambda x: (x * 6e4 * 2).half(),
    "to int32": lambda x: (x * nan).to(torch.int32),
    "long": lambda x: (x * inf).long(),
    "masked_fill": lambda x: x.masked_fill(x > 0, inf),
    "where": lambda x: torch.where(x > 0, x, nan),
    "pad": lambda x: torch.nn.functional.pad(x, (1, 1), value=inf),
    "mul_": lambda x: x.mul_(1e4).mul_(1e4).mul_(1e300),
    "linspace": lambda x: torch.linspace(0, inf, 3),
    "full": lambda x: torch.full((2,), nan, dtype=x.dtype),
    "tensor": lambda x: torch.tensor([inf, nan], dtype=x.dtype),
    "conv2d with a bias": lambda x: torch.nn.functional.conv2d(
        torch.full((1, 1, 3, 3), inf, dtype=x.dtype), -x[:1].reshape(1, 1, 1, 1), x[:1] * inf
    ),
    "linear with a bias": lambda x: torch.nn.functional.linear(x * inf, x.reshape(1, 3), x[:1] * -inf),
    "avg_pool2d": lambda x: torch.nn.functional.avg_pool2d(torch.full((1, 1, 4, 4), inf, dtype=x.dtype) * x[0], 2),
    "scatter_add": lambda x: (x * -inf).scatter_add(0, torch.tensor([0, 0]), x[:2] * inf),
    "an optimizer's step": lambda x: step_with_infinite_gradients(x),
}


def step_with_infinite_gradients(x):
    w = torch.nn.Parameter(x.clone())
    w.grad = torch.full_like(w, float("inf"))
    for make in (torch.optim.SGD, torch.optim.Adam):
        optimizer = make([w], lr=1e30)
        optimizer.step()


@pytest.mark.parametrize("dtype", EXTREMES)
@pytest.mark.parametrize("name", WRITES)
@pytest.mark.filterwarnings("ignore::UserWarning")  # advice on what diverges is no warning of NumPy's
def test_no_write_and_no_conversion_warns(name, dtype):
    with np.errstate(all="raise"), warnings.catch_warnings(record=True) as given:
        WRITES[name](torch.ones(3, dtype=getattr(torch, dtype)))
    assert not [each for each in given if issubclass(each.category, RuntimeWarning)]
