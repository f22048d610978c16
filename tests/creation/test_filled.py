"""Tensors of a size, filled with one number or like another tensor: which sizes, numbers and dtypes they take."""

import inspect
from functools import partial

import numpy as np
import pytest

import minigrad as torch


def test_like_and_new_functions_take_dtype_and_shape_of_a_tensor():
    x = torch.ones(2, 3, dtype=torch.float64)
    assert torch.zeros_like(x).dtype == x.new_full((2,), 7).dtype == torch.float64
    assert torch.randint_like(x, 5).shape == torch.rand_like(x).shape == (2, 3)
    assert x.new_tensor([1, 2]).tolist() == [1.0, 2.0] and x.new_zeros(2, dtype=torch.int64).dtype == torch.int64


DO_NOT_FIT = {
    "tensor": lambda value, dtype: torch.tensor([value], dtype=dtype),
    "tensor of a number": lambda value, dtype: torch.tensor(value, dtype=dtype),
    "as_tensor": lambda value, dtype: torch.as_tensor([[value]], dtype=dtype),
    "full": lambda value, dtype: torch.full((2,), value, dtype=dtype),
    "full of nothing": lambda value, dtype: torch.full((0,), value, dtype=dtype),
    "full_like": lambda value, dtype: torch.full_like(torch.zeros(2), value, dtype=dtype),
    "new_full": lambda value, dtype: torch.zeros(2).new_full((2,), value, dtype=dtype),
    "fill_": lambda value, dtype: torch.zeros(2, dtype=dtype).fill_(value),
    "fill": lambda value, dtype: torch.fill(torch.zeros(2, dtype=dtype), value),
    "linspace": lambda value, dtype: torch.linspace(value, 0, 2, dtype=dtype),
}


@pytest.mark.parametrize("name", DO_NOT_FIT)
def test_numbers_that_do_not_fit_are_refused(name):
    call = DO_NOT_FIT[name]
    for value, dtype in (
        (300, torch.uint8), (-256, torch.uint8), (-1.5, torch.uint8), (128, torch.int8), (2**40, torch.int32),
        (float("nan"), torch.int64), (float("inf"), torch.int16), (1e30, torch.int64),
    ):  # fmt: skip
        with pytest.raises(RuntimeError, match=rf"cannot be converted to type {dtype.name} without overflow.*holds"):
            call(value, dtype)
    assert (call(2**40, torch.float32) == 2**40).any() or name in ("full of nothing",)


def test_numbers_that_fit_are_converted_as_in_pytorch():
    assert torch.tensor([-1, -255], dtype=torch.uint8).tolist() == [255, 1]
    assert torch.tensor([2.7, -2.7], dtype=torch.int32).tolist() == [2, -2]
    assert torch.full((), -1.5, dtype=torch.int8).item() == -1 and torch.tensor([5], dtype=torch.bool).item() is True
    assert torch.tensor([1e40]).item() == float("inf")
    with pytest.raises(RuntimeError, match="float32 without overflow"):
        torch.full((2,), 1e40)
    with pytest.raises(OverflowError, match="too large"):
        torch.full((2,), 2**70)


def test_like_functions_keep_the_order_of_the_axes_in_memory():
    image = torch.zeros(2, 3, 4, 5).contiguous(memory_format=torch.channels_last)
    for like in (torch.empty_like, torch.zeros_like, torch.ones_like, torch.rand_like, torch.randn_like):
        assert like(image).stride() == image.stride() and like(torch.ones(2, 3).t()).stride() == (1, 3)
    assert torch.empty_like(image, memory_format=torch.contiguous_format).is_contiguous()
    assert torch.zeros_like(torch.ones(1, 3).expand(2, 3)).stride() == (3, 1)
    assert torch.empty(2, 3, 4, 5, memory_format=torch.channels_last).stride() == image.stride()
    with pytest.raises(RuntimeError, match="required rank 4 tensor to use channels_last"):
        torch.empty(2, memory_format=torch.channels_last)


def test_tensor_types_know_their_instances_and_set_the_default():
    x = torch.FloatTensor([1, 2])
    assert isinstance(x, torch.FloatTensor) and not isinstance(x, torch.DoubleTensor)
    assert not isinstance(x, torch.cuda.FloatTensor) and not isinstance(3, torch.FloatTensor)
    assert x.type(torch.LongTensor).dtype == torch.int64 and x.type("torch.HalfTensor").dtype == torch.float16
    assert repr(torch.cuda.ByteTensor) == "<class 'minigrad.cuda.ByteTensor'>" and torch.cuda.ByteTensor.is_cuda
    try:
        torch.set_default_tensor_type("torch.DoubleTensor")
        assert torch.ones(2).dtype == torch.Tensor([1]).dtype == torch.float64
    finally:
        torch.set_default_tensor_type(torch.FloatTensor)
    for wrong, message in ((torch.LongTensor, "only floating-point types"), ("Tensor", "give a dtype, or one of Half")):
        with pytest.raises(TypeError, match=message):
            torch.set_default_tensor_type(wrong)


def test_sizes_are_ints_of_any_kind():
    for two in (2, np.int64(2), torch.tensor(2), np.array(2)):
        assert torch.zeros(two).shape == torch.eye(two)[0].shape == torch.randperm(two).shape == (2,)
    for wrong in ((True,), ((True, 2),), (2.0,), ("2",), (None,), ([[2, 3]],), (torch.Size([2]), 3), (range(2),)):
        with pytest.raises(TypeError):
            torch.zeros(*wrong)
    with pytest.raises(TypeError, match="argument 'size' must be tuple of ints, not int 3"):
        torch.full(3, 1)
    with pytest.raises(TypeError, match=r"^zeros\(\): argument 'size' must be tuple of ints, not str '3'"):
        torch.zeros("3")
    negative = "Trying to create tensor with negative dimension -1: "
    with pytest.raises(RuntimeError, match=rf"^zeros: Dimension size must be non-negative. {negative}\[-1\]"):
        torch.zeros(-1)
    with pytest.raises(RuntimeError, match=rf"^{negative}\[2, -1\]"):
        torch.ones(2, -1)
    with pytest.raises(RuntimeError, match="Storage size calculation overflowed"):
        torch.zeros(2**62)
    for call in (lambda: torch.arange(0.1, 2**62, 5), lambda: torch.linspace(0, 1, 2**60)):
        with pytest.raises(RuntimeError, match=r"not enough memory: more bytes than there are addresses"):
            call()
    with pytest.raises((RuntimeError, MemoryError), match="memory"):
        torch.randperm(10**14)


def test_creating_functions_have_explicit_signatures():
    for name in ("zeros", "full", "arange", "rand", "randint", "eye", "normal", "zeros_like", "full_like", "tensor"):
        parameters = inspect.signature(getattr(torch, name)).parameters
        assert "dtype" in parameters and "xp" not in parameters
        assert not any(p.kind is p.VAR_KEYWORD for p in parameters.values())
    assert next(iter(inspect.signature(torch.ones).parameters)) == "size"


def test_like_functions_of_an_expanded_tensor_keep_the_order_of_its_axes():
    x = torch.ones(2, 1, 3).expand(2, 4, 3).permute(2, 0, 1)
    assert torch.empty_like(x).stride() == torch.zeros_like(x).stride() == x.clone().stride() == (4, 12, 1)
    assert torch.empty_like(torch.ones(1, 4).expand(3, 4)).stride() == (4, 1)


@pytest.mark.parametrize("make", [torch.zeros, torch.arange, torch.eye, torch.rand, torch.randperm])
def test_an_out_that_is_no_tensor_is_refused(make):
    with pytest.raises(TypeError, match=rf"{make.__name__}\(\): argument 'out' must be Tensor, not int"):
        make(3, out=3)


def test_relatives_refuse_what_is_no_flag_and_no_bound():
    x = torch.ones(2)
    makers = {
        "rand_like": torch.rand_like, "randn_like": torch.randn_like,
        "full_like": partial(torch.full_like, fill_value=1),
        "randint_like": partial(torch.randint_like, high=2, low=0),
    }  # fmt: skip
    for name, make in makers.items():
        with pytest.raises(TypeError, match=f"{name}.*'requires_grad' must be bool, not int 1"):
            make(x, requires_grad=1)
    with pytest.raises(TypeError, match=r"randint_like.*NoneType"):
        torch.randint_like(x, None)
    with pytest.raises(TypeError, match=r"normal\(\): argument 'size' must be tuple of ints, not int 2"):
        torch.normal(0.0, 1.0, 2)
