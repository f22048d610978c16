"""Nested lists as tensors."""

import numpy as np
import pytest

import minigrad as torch

TYPES_OF_LISTS = {
    "NumPy's doubles": ([np.float64(0.1)], torch.float64),
    "a double among floats": ([1.0, np.float64(0.1)], torch.float64),
    "a double among ints": ([1, np.float64(0.1)], torch.float64),
    "halves": ([np.float16(1)], torch.float16),
    "halves among floats": ([np.float16(1), 1.0], torch.float32),
    "bytes": ([np.uint8(3), np.uint8(7)], torch.uint8),
    "bytes of both signs": ([np.uint8(3), np.int8(7)], torch.int16),
    "a truth among ints": ([True, 2], torch.int64),
    "rows": ([np.zeros(2), np.ones(2)], torch.float64),
    "a row and a list": ([[1, 2], np.zeros(2)], torch.float64),
    "tensors": ([torch.scalar_tensor(1, dtype=torch.int32), torch.scalar_tensor(2.0)], torch.float32),
    "nothing": ([], torch.float32),
    "ints": ([1, 2], torch.int64),
    "a range": (range(3), torch.int64),
}


@pytest.mark.parametrize("name", TYPES_OF_LISTS)
def test_the_dtype_of_a_list_is_the_promoted_one(name):
    data, dtype = TYPES_OF_LISTS[name]
    assert torch.tensor(data).dtype == torch.as_tensor(data).dtype == dtype
    assert torch.tensor(data, dtype=torch.float64).dtype == torch.float64


def test_one_element_tensors_in_a_list_are_numbers():
    b, m = torch.tensor([0.1]), torch.tensor([[-0.2]])
    assert torch.tensor([b, m]).shape == (2,) and torch.tensor([[b, m]]).T.shape == (2, 1)
    assert torch.Tensor([b, m]).shape == (2,) and torch.tensor([[3, 4], torch.tensor([1, 2])]).shape == (2, 2)
    long = torch.tensor([1.0, 2.0], requires_grad=True)
    with pytest.raises(ValueError, match=r"only one element tensors .* shape \(2,\); minigrad.stack joins"):
        torch.tensor([long * 1, long * 2])
    with pytest.raises(TypeError, match="only one element tensors"):
        torch.tensor([torch.tensor([1, 2]), torch.tensor([3, 4])])
    with pytest.raises(TypeError, match="cannot be interpreted as an integer"):
        torch.tensor([torch.tensor(2.0)], dtype=torch.int64)


@pytest.mark.parametrize("dtype", [torch.int8, torch.int64, torch.bool, torch.float16])
def test_an_empty_list_takes_every_dtype(dtype):
    assert torch.tensor([], dtype=dtype).dtype is dtype and torch.tensor([[], []], dtype=dtype).shape == (2, 0)


@pytest.mark.parametrize("last", [(), (1.0,), (np.float32(1),)])
def test_a_list_that_holds_itself_is_refused(last):
    endless = []
    endless.extend([endless, *last])
    with pytest.raises(ValueError, match="an array has at most 64; does a list hold itself"):
        torch.tensor(endless)


def test_lists_may_be_as_deep_as_an_array_has_axes():
    data = 1.0
    for _ in range(64):
        data = [data]
    assert torch.tensor(data).ndim == 64
    with pytest.raises(ValueError, match="too many dimensions 'list'"):
        torch.tensor([data])
