"""`make_tensor`: its options, ranges and gaps."""

import pytest

import minigrad as torch

# ---- operands --------------------------------------------------------------------------------------
REFUSED_OPERANDS = {
    "an empty range": ("float32", {"low": 2, "high": 1}, "`low` must be less than `high`, but got 2 >= 1"),
    "no number": ("float32", {"low": float("nan")}, "cannot be NaN"),
    "beyond the type": ("uint8", {"low": 300, "high": 400}, r"\[300, 400\), but uint8 only supports \[0, 256\)"),
    "a gradient of integers": ("int64", {"requires_grad": True}, "not supported for boolean and integral"),
    "gaps in a format": ("float32", {"noncontiguous": True, "memory_format": torch.channels_last}, "exclusive"),
}


@pytest.mark.parametrize("name", REFUSED_OPERANDS)
def test_make_tensor_refuses_wrong_options(name):
    dtype, options, message = REFUSED_OPERANDS[name]
    with pytest.raises(ValueError, match=message):
        torch.testing.make_tensor((2,), dtype=getattr(torch, dtype), device="cpu", **options)


def test_make_tensor_with_low_equal_to_high_warns():
    with pytest.warns(FutureWarning, match="low==high is deprecated"):
        assert torch.testing.make_tensor(2, dtype=torch.float32, device="cpu", low=2, high=2).tolist() == [2.0, 2.0]


def test_make_tensor_makes_gaps_and_excludes_zero():
    x = torch.testing.make_tensor(
        (50, 4), dtype=torch.int64, device="cpu", low=0, noncontiguous=True, exclude_zero=True
    )
    assert x.shape == (50, 4) and not x.is_contiguous() and bool((x > 0).all() and (x < 10).all())


@pytest.mark.parametrize("dtype", [torch.float16, torch.float32, torch.float64])
def test_make_tensor_draws_from_the_whole_range_of_a_dtype(dtype):
    most = torch.finfo(dtype).max
    x = torch.testing.make_tensor(2000, dtype=dtype, device="cpu", low=-most, high=most)
    assert x.isfinite().all() and x.max() > 0.98 * most and x.min() < -0.98 * most


def test_no_shape_gives_a_0d_tensor():
    assert torch.testing.make_tensor(dtype=torch.float32, device=torch.get_default_device()).shape == ()
    assert torch.testing.make_tensor((), dtype=torch.bool, device=torch.get_default_device()).shape == ()
