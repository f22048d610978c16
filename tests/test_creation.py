"""Making tensors: shared memory, older spellings, and what is refused, in words."""

import numpy as np
import pytest

import minigrad as torch


def test_a_tensor_from_an_array_shares_its_memory_or_copies():
    array = np.zeros(2, np.float32)
    shared, copied = torch.from_numpy(array), torch.tensor(array)
    array[0] = 5
    assert shared.tolist() == [5.0, 0.0] and copied.tolist() == [0.0, 0.0]
    assert torch.as_tensor(array).data_ptr() == array.ctypes.data


def test_dlpack_goes_both_ways_without_a_copy():
    x = torch.ones(3)
    there = np.from_dlpack(x)
    back = torch.from_dlpack(there)
    back[0] = 7
    assert x.tolist() == there.tolist() == [7.0, 1.0, 1.0]


def test_older_constructors_take_sizes_or_numbers():
    assert torch.Tensor(2, 3).shape == torch.Tensor(torch.Size([2, 3])).shape == (2, 3)
    assert torch.Tensor([2, 3]).tolist() == [2.0, 3.0] and torch.Tensor().shape == (0,)
    assert torch.LongTensor([1, 2]).dtype == torch.int64 and torch.BoolTensor([0, 2]).tolist() == [False, True]
    assert torch.FloatTensor(2).dtype == torch.float32


def test_after_the_model_of_another():
    x = torch.ones(2, 3, dtype=torch.float64)
    assert torch.zeros_like(x).dtype == x.new_full((2,), 7).dtype == torch.float64
    assert torch.randint_like(x, 5).shape == torch.rand_like(x).shape == (2, 3)
    assert x.new_tensor([1, 2]).tolist() == [1.0, 2.0] and x.new_zeros(2, dtype=torch.int64).dtype == torch.int64


def test_grids_by_matrix_and_by_picture():
    rows, columns = torch.meshgrid(torch.arange(2), torch.arange(3), indexing="ij")
    assert rows.shape == columns.shape == (2, 3)
    assert torch.meshgrid(torch.arange(2), torch.arange(3), indexing="xy")[0].shape == (3, 2)


REFUSED = {
    "ragged lists": (lambda: torch.tensor([[1, 2], [3]]), ValueError, "equal length.*ragged \\(lengths \\[1, 2\\]\\)"),
    "a string": (lambda: torch.tensor([1, "a"]), TypeError, "infer dtype of str"),
    "nothing": (lambda: torch.tensor([None]), RuntimeError, "Could not infer dtype of NoneType"),
    "an integer beyond 64 bits": (lambda: torch.tensor([2**70]), ValueError, "Overflow"),
    "a list for an array": (lambda: torch.from_numpy([1.0]), TypeError, "expected np.ndarray \\(got list\\)"),
    "no DLPack": (lambda: torch.from_dlpack([1.0]), TypeError, "__dlpack__, got list"),
    "steps of nothing": (lambda: torch.arange(0, 2, 0), RuntimeError, "step must be nonzero"),
    "a negative permutation": (lambda: torch.randperm(-1), RuntimeError, "non-negative, got -1"),
    "a negative spread": (lambda: torch.normal(0.0, -1.0, (2,)), RuntimeError, "std >= 0.0, but found std -1"),
    "like a list": (lambda: torch.zeros_like([1.0]), TypeError, "argument 'input'"),
    "an unknown grid": (lambda: torch.meshgrid(torch.arange(2), indexing="zz"), RuntimeError, '"xy" or "ij"'),
    "a size of floats": (lambda: torch.zeros(2.5), TypeError, "int"),
    "a negative size": (lambda: torch.zeros(-1), RuntimeError, "negative dimension"),
}  # fmt: skip


@pytest.mark.parametrize("name", REFUSED)
def test_refused(name):
    call, kind, message = REFUSED[name]
    with pytest.raises(kind, match=message):
        call()
