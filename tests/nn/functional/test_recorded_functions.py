"""The functions compared with PyTorch's answers, recorded by `tests/oracle/record_functional.py`."""

import json
from pathlib import Path

import numpy as np
import pytest

import minigrad
import minigrad.nn.functional as F

RECORD = json.loads((Path(__file__).parents[2] / "data" / "functional.json").read_text())
CLOSE = {"rtol": 3e-5, "atol": 3e-6}  # float32, in another order of summation


@pytest.mark.parametrize("expression", RECORD)
def test_values_gradients_and_draws_are_pytorchs_for_the_same_seed(expression):
    recorded = RECORD[expression]
    minigrad.manual_seed(0)
    names = {"x": minigrad.randn(2, 4, 5, 6), "s": minigrad.randn(2, 3, 8), "v": minigrad.randn(4, 5)}
    leaves = [t.requires_grad_() for t in names.values()]
    names.update(w=minigrad.randn(4, 5), c=minigrad.tensor([1, 4, 0, 3]), torch=minigrad, F=F)
    result = eval(expression, names)
    assert minigrad.rand(1).item() == pytest.approx(recorded["next"], rel=1e-7)
    assert list(result.shape) == recorded["shape"]
    np.testing.assert_allclose(result.detach().numpy().ravel(), recorded["values"], **CLOSE)
    g = minigrad.cos(minigrad.arange(result.numel()).float()).reshape(result.shape)
    if not result.requires_grad:
        assert recorded["gradients"] == [None] * 3
        return
    gradients = minigrad.autograd.grad(result, leaves, g, allow_unused=True)
    for ours, theirs in zip(gradients, recorded["gradients"], strict=True):
        assert (ours is None) == (theirs is None)
        if theirs is not None:
            np.testing.assert_allclose(ours.numpy().ravel(), theirs, **CLOSE)
