"""`torch.types`: names for annotations."""

from __future__ import annotations

import minigrad as torch
from minigrad import types


def test_the_names_stand_for_the_types_that_functions_take():
    assert isinstance(torch.device("cpu"), types.Device)
    assert isinstance(2.0, types.Number)
    assert isinstance(2.0, types._Number)
    assert not isinstance(torch.ones(1), types.Number)
    assert (types._dtype, types._int, types._bool) == (torch.dtype, int, bool)
    assert types.Tensor is torch.Tensor
    assert types.Size is torch.Size
