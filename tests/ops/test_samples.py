"""PyTorch's samples for tests of its own operators: PyTorch's recorded answers against ours.

Recorded by `tests/oracle/record_samples.py`: values, dtypes, shapes, which results share memory
with an argument, gradients, second gradients, and which bad input is refused, how.
"""

import builtins
import json
from functools import reduce
from pathlib import Path

import numpy as np
import pytest

import minigrad

DATA = Path(__file__).parent.parent / "data"
CALLS = json.loads((DATA / "samples.json").read_text())
NUMBERS = dict(np.load(DATA / "samples.npz"))
GOOD = [c for c in CALLS if "raises" not in c]
BAD = [c for c in CALLS if "raises" in c]
TOLERANCE = {"float16": (2e-3, 1e-3), "float32": (1e-5, 1e-5), "float64": (1e-7, 1e-7)}


def read_array(recorded):
    dtype, shape, offset = recorded["tensor"]
    return NUMBERS[dtype][offset : offset + int(np.prod(shape))].reshape(shape)


def read(x, inputs, device):
    """The argument that the recording script wrote as `x`; its tensors are also appended to `inputs`."""
    if isinstance(x, list):
        return [read(v, inputs, device) for v in x]
    if not isinstance(x, dict):
        return x
    if "tensor" in x:
        inputs.append(minigrad.from_numpy(read_array(x).copy()).to(device))
        return inputs[-1]
    if "dtype" in x and len(x) == 1 and isinstance(x["dtype"], str):
        return getattr(minigrad, x["dtype"])
    if "slice" in x:
        return slice(*x["slice"])
    if "ellipsis" in x:
        return ...
    if "tuple" in x:
        return tuple(read(v, inputs, device) for v in x["tuple"])
    return {k: read(v, inputs, device) for k, v in x.items()}


def run(call, device="cpu", leaves=()):
    """The call's result, and its tensor arguments, on `device`."""
    inputs = []
    arguments, options = (read(call[key], inputs, device) for key in ("args", "kwargs"))
    for i in leaves:
        inputs[i].requires_grad_()
    kind, name = call["call"]
    function = reduce(getattr, name.split("."), minigrad if kind == "function" else minigrad.Tensor)
    with minigrad.device(device):
        return function(*arguments, **options), inputs


def check(got, want):
    """`got` has the recorded value, dtype and shape, at any depth of sequences."""
    if isinstance(want, list):
        assert len(got) == len(want)
        for g, w in zip(got, want, strict=True):
            check(g, w)
    elif isinstance(want, dict) and "tensor" in want:
        expected, actual = read_array(want), got.detach().cpu().numpy()
        assert actual.dtype == expected.dtype
        assert actual.shape == expected.shape
        if expected.dtype.kind == "f":
            rtol, atol = TOLERANCE[expected.dtype.name]
            np.testing.assert_allclose(actual, expected, rtol, atol)
        else:
            np.testing.assert_array_equal(actual, expected)
    else:
        assert got == want
        assert type(got) is type(want)


def check_gradient(got, want):
    """The same, where None stands for zeros."""
    if got is None and want is None:
        return
    expected = None if want is None else read_array(want)
    actual = np.zeros_like(expected) if got is None else got.detach().cpu().numpy()
    expected = np.zeros_like(actual) if want is None else expected
    assert (actual.dtype, actual.shape) == (expected.dtype, expected.shape)
    np.testing.assert_allclose(actual, expected, 1e-6, 1e-8)


def list_tensors(x):
    if isinstance(x, minigrad.Tensor):
        return [x]
    return [t for v in x for t in list_tensors(v)] if isinstance(x, (list, tuple)) else []


def make_cotangent(x, k):
    numbers = np.cos(1.7 * np.arange(x.numel()) + k).reshape(x.shape)
    return minigrad.from_numpy(np.asarray(numbers)).to(x)


def label(call):
    return call["call"][1]


@pytest.mark.parametrize("call", GOOD, ids=label)
def test_result_is_pytorchs(call, device):
    result, inputs = run(call, device)
    asked_for = call["kwargs"].get("device") or device
    assert all(t.device.type == asked_for for t in list_tensors(result))
    check(result, call["result"])
    if device != "cpu":
        return
    shares = [
        any(np.may_share_memory(t.numpy(), x.numpy()) for x in inputs if x.numel())
        for t in list_tensors(result)
        if t.numel()
    ]
    sizes = [t.numel() for t in list_tensors(result)]
    assert shares == [s for s, n in zip(call["shares"], sizes, strict=True) if n]


@pytest.mark.parametrize("call", [c for c in GOOD if "gradients" in c], ids=label)
def test_gradients_are_pytorchs(call, device):
    result, inputs = run(call, device, call["leaves"])
    leaves = [inputs[i] for i in call["leaves"]]
    outputs = [t for t in list_tensors(result) if t.requires_grad]
    seeds = [make_cotangent(t, k).requires_grad_() for k, t in enumerate(outputs)]
    first = minigrad.autograd.grad(outputs, leaves, seeds, create_graph=True, allow_unused=True)
    for got, want in zip(first, call["gradients"], strict=True):
        check_gradient(got, want)
    if "second" in call:
        again = {k: g for k, g in enumerate(first) if g is not None and g.requires_grad}
        more = [make_cotangent(g, 10 + k) for k, g in again.items()]
        second = minigrad.autograd.grad(list(again.values()), [*leaves, *seeds], more, allow_unused=True)
        for got, want in zip(second, call["second"], strict=True):
            check_gradient(got, want)


@pytest.mark.parametrize("call", BAD, ids=label)
def test_raises_with_a_message_where_pytorch_raises(call):
    with pytest.raises(getattr(builtins, call["raises"])) as caught:
        run(call)
    assert len(str(caught.value)) > 10
