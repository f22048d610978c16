"""`finfo` and `iinfo`: the limits of the dtypes."""

import pytest

import minigrad as torch


def test_finfo_and_iinfo_give_the_limits():
    assert torch.finfo(torch.float32).eps == 2**-23 and torch.iinfo(torch.int8).min == -128


def test_limits_of_one_dtype_are_equal():
    assert torch.finfo() == torch.finfo(torch.float32) != torch.finfo(torch.float64)
    assert torch.iinfo(torch.int8) == torch.iinfo(torch.int8) != torch.iinfo(torch.uint8)
    assert torch.finfo(torch.float32) != torch.iinfo(torch.int32) and torch.iinfo(torch.int32) != 32


def test_bfloat16_has_the_range_of_float32_and_eight_bits():
    about = torch.finfo(torch.bfloat16)  # recorded from PyTorch 2.13
    assert (about.bits, about.dtype, about.eps, about.resolution) == (16, "bfloat16", 0.0078125, 0.01)
    assert (about.max, about.tiny) == (3.3895313892515355e38, 1.1754943508222875e-38)
    assert (about.min, about.smallest_normal) == (-about.max, about.tiny)
    assert repr(about) == (
        "finfo(resolution=0.01, min=-3.38953e+38, max=3.38953e+38, eps=0.0078125, smallest_normal=1.17549e-38, "
        "tiny=1.17549e-38, dtype=bfloat16)"
    )
    assert about == torch.finfo(torch.bfloat16) != torch.finfo(torch.float16)


def test_complex_and_unsigned_types_that_only_have_a_name_have_limits():
    pairs = [(torch.complex32, torch.half), (torch.complex64, torch.float), (torch.complex128, torch.double)]
    assert all(torch.finfo(a) == torch.finfo(b) and torch.finfo(a).bits == torch.finfo(b).bits for a, b in pairs)
    for bits in (16, 32, 64):
        about = torch.iinfo(getattr(torch, f"uint{bits}"))
        assert (about.bits, about.max, about.min, about.dtype) == (bits, 2**bits - 1, 0, f"uint{bits}")


@pytest.mark.parametrize("given", [torch.bool, torch.float32, torch.bfloat16, torch.complex32, "int8"])
def test_what_is_no_integer_dtype_has_no_iinfo(given):
    with pytest.raises(TypeError, match=r"iinfo\(\) requires an integer type, got .*; finfo\(\) is for floating point"):
        torch.iinfo(given)


@pytest.mark.parametrize("given", [{}, 0, torch.int64, torch.uint16, torch.bool, "float32"])
def test_what_is_no_floating_dtype_has_no_finfo(given):
    with pytest.raises(TypeError, match=r"finfo\(\) requires a floating point type, got "):
        torch.finfo(given)
    with pytest.raises(TypeError, match=r"finfo\(\) requires a floating point type, got tensor"):
        torch.finfo(torch.ones(2))
