"""`finfo` and `iinfo`: the limits of the dtypes."""

import pytest

import minigrad as torch


def test_finfo_and_iinfo_give_the_limits():
    assert torch.finfo(torch.float32).eps == 2**-23 and torch.iinfo(torch.int8).min == -128


def test_limits_of_one_dtype_are_equal():
    assert torch.finfo() == torch.finfo(torch.float32) != torch.finfo(torch.float64)
    assert torch.iinfo(torch.int8) == torch.iinfo(torch.int8) != torch.iinfo(torch.uint8)
    assert torch.finfo(torch.float32) != torch.iinfo(torch.int32) and torch.iinfo(torch.int32) != 32


@pytest.mark.parametrize("given", [{}, 0, torch.int64, "float32"])
def test_what_is_no_floating_dtype_has_no_finfo(given):
    with pytest.raises(TypeError, match=r"finfo\(\) requires a floating point type, got "):
        torch.finfo(given)
    with pytest.raises(TypeError, match=r"finfo\(\) requires a floating point type, got tensor"):
        torch.finfo(torch.ones(2))
