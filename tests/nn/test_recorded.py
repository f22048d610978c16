"""Every layer's printed text, initial values, results and errors, compared with PyTorch's recorded ones.

`tests/oracle/record_modules.py` made the record; it needs PyTorch, this does not.
"""

import json
from collections import OrderedDict
from pathlib import Path

import numpy as np
import pytest

import minigrad
from minigrad import nn
from tests.any_device import without_device
from tests.marks import mark_each

RECORD = json.loads((Path(__file__).parent.parent / "data" / "modules.json").read_text())
# Sums of a few hundred float32 numbers in another order; random numbers agree to the last unit.
CLOSE = {"rtol": 2e-6, "atol": 2e-7}
pytestmark = pytest.mark.filterwarnings("ignore:enable_nested_tensor is True")


OF_THE_CPU = {"nn.RReLU(0.3, 0.6)(torch.randn(6))": "a GPU draws a number for every element, the CPU for those below 0"}


def evaluate(expression):
    minigrad.manual_seed(0)
    return eval(expression, {"torch": minigrad, "nn": nn, "OrderedDict": OrderedDict})


def compare(result, recorded):
    if isinstance(recorded, list):
        result = list(result)
        assert len(result) == len(recorded)
        for one, other in zip(result, recorded, strict=True):
            compare(one, other)
        return
    assert isinstance(result, minigrad.Tensor)
    assert repr(result.dtype) == f"minigrad.{recorded['dtype']}"
    assert list(result.shape) == recorded["shape"]
    np.testing.assert_allclose(result.detach().numpy().ravel(), recorded["values"], **CLOSE)


@pytest.mark.parametrize("expression", RECORD["texts"])
def test_each_layer_prints_as_in_pytorch(expression):
    expected = RECORD["texts"][expression].replace("torch.", "minigrad.")
    assert without_device(repr(evaluate(expression))) == expected


@pytest.mark.filterwarnings("ignore:mean .* is more than 2 std")
@pytest.mark.parametrize("expression", mark_each(RECORD["tensors"], OF_THE_CPU))
def test_values_and_draws_are_pytorchs_for_the_same_seed(expression):
    recorded, next_draw = RECORD["tensors"][expression]
    compare(evaluate(expression), recorded)
    # As many random numbers were drawn as there: what follows stays in step too.
    assert minigrad.rand(1).item() == pytest.approx(next_draw, rel=1e-7)


@pytest.mark.parametrize("expression", RECORD["errors"])
def test_errors_have_the_class_of_pytorchs(expression):
    kind, _ = RECORD["errors"][expression]
    with pytest.raises(Exception) as refused:
        evaluate(expression)
    assert refused.type.__name__ == kind
    assert str(refused.value)
