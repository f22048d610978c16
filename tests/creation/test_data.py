"""Tensors made from data: arrays, lists, other tensors, storages; shared memory, dtypes, PyTorch's old constructors."""

from array import array

import numpy as np
import pytest

import minigrad as torch
from tests.refusals import refusals


def test_a_tensor_from_an_array_shares_its_memory_or_copies():
    array = np.zeros(2, np.float32)
    shared, copied = torch.from_numpy(array), torch.tensor(array)
    array[0] = 5
    assert shared.tolist() == [5.0, 0.0] and copied.tolist() == [0.0, 0.0]
    assert torch.as_tensor(array, device="cpu").data_ptr() == array.ctypes.data


def test_copies_of_arrays_keep_the_order_of_the_axes_in_memory():
    turned = np.zeros((2, 3, 4)).transpose(1, 2, 0)
    repeated = np.broadcast_to(np.zeros((1, 3, 4)), (2, 3, 4))
    for make in (torch.tensor, torch.ones(1).new_tensor, lambda x: torch.tensor(x, dtype=torch.float16)):
        assert make(turned).stride() == (4, 1, 12)
        assert make(repeated).stride() == (12, 4, 1)
        assert make(np.zeros((2, 6))[:, ::2]).stride() == (3, 1)
    with pytest.warns(UserWarning, match="not writable"):
        assert torch.as_tensor(repeated, dtype=torch.float16).stride() == (12, 4, 1)
    with pytest.warns(UserWarning, match="leaves the graph"):
        assert torch.tensor(torch.zeros(3, 2).t()).stride() == (1, 2)


def test_float64_becomes_float16_by_way_of_float32():
    x = torch.tensor([1 + 2**-11 + 2**-40, 1 + 3 * 2**-11 - 2**-40], dtype=torch.float64)
    by_singles = x.float().half().tolist()
    assert by_singles == [1.0, 1 + 2**-9]
    for got in (
        x.half(),
        x[:, None].expand(2, 3).half()[:, 2],
        torch.zeros(2).half().copy_(x),
        torch.tensor(x.tolist()).half(),
    ):
        assert got.tolist() == by_singles


def test_dlpack_goes_both_ways_without_a_copy():
    x = torch.ones(3, device="cpu")
    there = np.from_dlpack(x)
    back = torch.from_dlpack(x)
    x[0] = 7  # into the first: NumPy 2.0 has arrays from elsewhere read-only
    assert back.tolist() == there.tolist() == [7.0, 1.0, 1.0]


def test_older_constructors_take_sizes_or_numbers():
    assert torch.Tensor(2, 3).shape == torch.Tensor(torch.Size([2, 3])).shape == (2, 3)
    assert torch.Tensor([2, 3]).tolist() == [2.0, 3.0] and torch.Tensor().shape == (0,)
    assert torch.LongTensor([1, 2]).dtype == torch.int64 and torch.BoolTensor([0, 2]).tolist() == [False, True]
    assert torch.FloatTensor(2).dtype == torch.float32
    assert torch.ones(2).double().new([1], device="cpu").dtype == torch.float64


REFUSED = {
    "ragged lists": (
        lambda: torch.tensor([[1, 2], [3]]), ValueError, r"^expected sequence of length 2 at dim 1 \(got 1\): .* pad"),
    "a number beside a list": (
        lambda: torch.tensor([[1, 2], 3]), TypeError, "^not a sequence: expected a list of 2 .* got 3"),
    "ragged arrays": (
        lambda: torch.tensor([np.ones(2), np.ones(3)]), ValueError, r"^expected sequence of length 2 at dim 1 .got 3"),
    "arrays of other ranks": (
        lambda: torch.tensor([np.ones(2), np.ones((2, 2))]), ValueError, "^expected sequences of equal length at dim"),
    "a name for a type": (
        lambda: torch.ones(2, dtype="float32"), TypeError, r"^ones\(\): argument 'dtype' must be minigrad.dtype, "),
    "a string": (lambda: torch.tensor(["a", 1]), ValueError, "^too many dimensions 'str': a tensor holds numbers"),
    "a string among numbers": (
        lambda: torch.tensor([1, "a"]), TypeError, r"^new\(\): invalid data type 'str': a tensor holds numbers, got"),
    "bytes": (lambda: torch.tensor([b"ab"]), TypeError, r"^new\(\): invalid data type 'bytes'"),
    "a constructor with two names": (
        lambda: torch.FloatTensor(data=[1], size=(1,)), TypeError, "lengths, or data=, or size="),
    "a tensor and a device": (
        lambda: torch.Tensor(torch.ones(2), device="cpu"), RuntimeError, r"not supported; .* x\.to\(device\)"),
    "a tensor and a device, of a type": (
        lambda: torch.LongTensor(data=torch.arange(2), device="cpu"), RuntimeError, "Legacy .* torch.Tensor\\(tensor"),
    "a new tensor from one and a device": (
        lambda: torch.ones(2).new(torch.ones(2), device="cpu"), RuntimeError, "Legacy .* torch.Tensor\\(tensor"),
    "two lists for one": (
        lambda: torch.Tensor([1, 2], [3]), TypeError, r"^new\(\): argument 'size' must be tuple of ints, not list"),
    "nothing": (lambda: torch.tensor([None]), RuntimeError, "Could not infer dtype of NoneType"),
    "an integer beyond 64 bits": (lambda: torch.tensor([2**70]), ValueError, "Overflow"),
    "a list for an array": (lambda: torch.from_numpy([1.0]), TypeError, "expected np.ndarray \\(got list\\)"),
    "no DLPack": (lambda: torch.from_dlpack([1.0]), TypeError, "__dlpack__, got list"),
    "steps of nothing": (lambda: torch.arange(0, 2, 0), RuntimeError, "step must be nonzero"),
    "steps away from the end": (
        lambda: torch.arange(0, 10, -1), RuntimeError, "step sign: -1 leads from 0 away from 10"),
    "a negative permutation": (lambda: torch.randperm(-1), RuntimeError, "non-negative, got -1"),
    "a negative spread": (lambda: torch.normal(0.0, -1.0, (2,)), RuntimeError, "std >= 0.0, but found std -1"),
    "like a list": (lambda: torch.zeros_like([1.0]), TypeError, "argument 'input'"),
    "a grid of nothing": (lambda: torch.meshgrid(), RuntimeError, "meshgrid expects a non-empty list of tensors"),
    "an unknown grid": (lambda: torch.meshgrid(torch.arange(2), indexing="zz"), RuntimeError, '"xy" or "ij"'),
    "a copy that is no bool": (
        lambda: torch.asarray(torch.ones(1), copy=1), TypeError, "argument 'copy' must be bool, not int 1"),
    "a Python type as the type": (
        lambda: torch.ones(1).type(int), ValueError, r"invalid type: 'int'; x\.to\(int\) converts"),
    "a size of floats": (lambda: torch.zeros(2.5), TypeError, "int"),
    "a negative size": (lambda: torch.zeros(-1), RuntimeError, "negative dimension"),
}  # fmt: skip


test_refused = refusals(REFUSED)


# ---- the door: what may become a tensor -----------------------------------------------------------
SUBCLASSES = {
    "memory map": lambda folder: np.memmap(folder / "x.bin", np.float32, "w+", shape=(2, 2)),
    "matrix": lambda folder: np.asmatrix(np.zeros((2, 2), np.float32)),
    "masked": lambda folder: np.ma.masked_array(np.zeros((2, 2), np.float32), mask=np.eye(2, dtype=bool)),
    "record": lambda folder: np.zeros((2, 2), np.float32).view(np.recarray),
    "a user's own": lambda folder: np.zeros((2, 2), np.float32).view(type("Own", (np.ndarray,), {})),
}


@pytest.mark.filterwarnings("ignore:the matrix subclass")
@pytest.mark.parametrize("name", SUBCLASSES)
@pytest.mark.parametrize("make", [torch.tensor, torch.as_tensor, torch.from_numpy, torch.asarray])
def test_every_subclass_of_an_array_becomes_a_plain_one(tmp_path, name, make):
    array = SUBCLASSES[name](tmp_path)
    with torch.device("cpu"):
        x, ones = make(array), torch.ones(2, 2)
    assert type(x.array) is np.ndarray and x[0].shape == (2,) and (x @ ones).shape == (2, 2)
    if make is not torch.tensor:
        x[0, 0] = 7
        assert np.asarray(array)[0, 0] == 7


@pytest.mark.filterwarnings("ignore:the matrix subclass")
@pytest.mark.parametrize("name", SUBCLASSES)
def test_a_list_of_a_subclass_is_read_as_one_of_arrays(tmp_path, name):
    array = SUBCLASSES[name](tmp_path)
    x = torch.tensor([array, array])
    assert x.shape == (2, 2, 2) and x.dtype is torch.float32


@pytest.mark.filterwarnings("ignore:the matrix subclass")
@pytest.mark.parametrize("name", SUBCLASSES)
def test_a_subclass_beside_a_tensor_counts_as_its_array(tmp_path, name):
    array = SUBCLASSES[name](tmp_path)
    with torch.device("cpu"):
        ones = torch.ones(2, 2)
    for result in (ones * array, ones - array - 1, ones == array, torch.maximum(ones, array) - 1):
        assert type(result.array) is np.ndarray and not result.any() and result.shape == (2, 2)
    ones += array
    assert ones.tolist() == [[1, 1], [1, 1]]
    with pytest.raises(TypeError, match="put the tensor first"):
        np.subtract(array, ones)


NOT_NUMBERS = {
    "complex numbers beside a tensor": (
        lambda: torch.ones(2) * np.array([1j, 2]), TypeError, "can't convert np.ndarray of type complex128"),
    "complex numbers under integers": (
        lambda: torch.ones(2, dtype=torch.int32) / np.array([1j, 2]), TypeError, "of type complex128"),
    "long doubles": (lambda: torch.ones(2) + np.ones(2, np.longdouble), TypeError, "can't convert np.ndarray of type"),
    "complex numbers added in place": (
        lambda: torch.ones(2).__iadd__(np.array([1j, 2])), TypeError, "of type complex128"),
    "a string of NumPy": (lambda: torch.ones(2) * np.str_("a"), TypeError, r"must be Tensor, not numpy\.str_"),
    "an array among numbers": (
        lambda: torch.tensor([1.5, np.ones(2)]), TypeError, r"Could not infer dtype of ndarray: .* array\(\[1"),
}  # fmt: skip


test_what_tensors_cannot_hold_is_refused = pytest.mark.cpu("long doubles of NumPy")(refusals(NOT_NUMBERS))


def test_a_tensor_of_tensors_says_where_the_graph_was_left():
    w = torch.tensor([1.0], requires_grad=True)
    with pytest.warns(UserWarning, match="to copy a tensor, write source.clone"):
        copied = torch.tensor(w * 2)
    with pytest.raises(RuntimeError, match=r"tensor\(\) from a tensor that requires grad.*test_data.py"):
        copied.sum().backward()
    with pytest.raises(RuntimeError, match=r"from a list of tensors that require grad \(minigrad.stack"):
        torch.tensor([(w * 2).sum(), (w * 3).sum()]).sum().backward()


def test_from_numpy_of_read_only_memory_warns():
    array = np.zeros(2, np.float32)
    array.flags.writeable = False
    with pytest.warns(UserWarning, match="not writable: the tensor shares its memory"):
        torch.from_numpy(array)
    assert torch.tensor(array).add_(1).tolist() == [1.0, 1.0]


def test_asarray_shares_or_copies_as_asked():
    x = torch.zeros(2)
    assert torch.asarray(x) is x and torch.asarray(x, copy=True).data_ptr() != x.data_ptr()
    with pytest.raises(ValueError, match="copy=False"):
        torch.asarray([1.0], copy=False)
    assert torch.asarray([1.0], requires_grad=True).requires_grad


@pytest.mark.parametrize("make", [torch.Tensor, torch.FloatTensor, torch.ones(1).new])
def test_old_constructors_distinguish_numbers_from_sizes(make):
    array = np.arange(6.0).reshape(2, 3)
    assert make(array).tolist() == array.tolist() and make(array).dtype is torch.float32
    assert make(array[0]).tolist() == [0, 1, 2] and make(array[:0]).shape == (0, 3)
    assert make(np.array([3])).tolist() == [3]  # an array with an axis holds numbers, also when they are whole
    assert make(np.array(3.0)).tolist() == 3.0
    for lengths in [(3, 2), (np.int64(3), 2), (np.array(3), np.array(2)), (torch.tensor(3), 2)]:
        assert make(*lengths).shape == (3, 2)
    assert make(np.int64(3)).shape == make(np.array(3)).shape == (3,)
    for number in (1.0, True, np.float32(1), np.bool_(True), None):
        with pytest.raises(TypeError, match=r"new\(\): data must be a sequence"):
            make(number)


@pytest.mark.parametrize("make", [torch.Tensor, torch.FloatTensor, torch.ones(1, device="cpu").new])
def test_old_constructors_give_an_alias_of_a_tensor(make):
    x = torch.zeros(2, 3, device="cpu", requires_grad=True)
    alias = make(x)
    assert alias is not x and alias.data_ptr() == x.data_ptr() and alias.grad_fn.name() == "AliasBackward0"
    alias.sum().backward()
    assert x.grad.tolist() == [[1, 1, 1], [1, 1, 1]]
    y = torch.zeros(2, 3, device="cpu")
    resized = make(y).resize_(3, 2)
    assert (resized.shape, y.shape) == ((3, 2), (2, 3))


def test_as_tensor_converts_only_what_differs():
    x = torch.ones(2)
    assert torch.as_tensor(x) is x and torch.as_tensor(x, dtype=torch.float32) is x
    assert torch.as_tensor(x, dtype=torch.float64).dtype is torch.float64


@pytest.mark.filterwarnings("ignore:tensor.. of a tensor leaves the graph")
def test_a_copy_stays_on_the_device_of_its_tensor_unless_another_is_given(stand_in):
    here, there = torch.ones(2, device="cpu"), torch.ones(2, device="cuda:1")
    for copy in (torch.tensor, torch.as_tensor):
        assert copy(there).device == copy(here, device="cuda:1").device == there.device
        assert copy(here).device == copy(there, device="cpu").device == here.device


def test_a_storage_becomes_a_tensor():
    memory = torch.arange(3.0, device="cpu").storage()
    assert torch.tensor(memory).tolist() == [0.0, 1.0, 2.0] == np.asarray(memory).tolist()
    torch.as_tensor(memory, device="cpu")[0] = 5
    assert memory[0] == 5


@pytest.mark.parametrize("value", [np.float32(1), np.float16(1), np.bool_(True)])
def test_assignment_of_numpy_scalars_that_are_no_python_numbers_is_refused(value):
    x = torch.zeros(2)
    with pytest.raises(TypeError, match=rf"can't assign a numpy\.{type(value).__name__}"):
        x[0] = value
    x[0], x[1] = np.float64(1), np.int8(2)
    assert x.tolist() == [1.0, 2.0]


def test_a_numpy_scalar_in_where_must_fit_the_dtype():
    mask, bytes_ = torch.tensor([True, False]), torch.tensor([1, 2], dtype=torch.int8)
    with pytest.raises(RuntimeError, match="cannot be converted to type int8 without overflow"):
        torch.where(mask, np.int32(100000), bytes_)
    assert torch.where(mask, np.int32(5), bytes_).tolist() == [5, 2]


@pytest.mark.cpu("NumPy's memory is shared, which a GPU's tensors have none of")
@pytest.mark.filterwarnings("ignore:Setting the shape")  # newer NumPy prefers reshape
@pytest.mark.parametrize("enter", ["from_numpy", "as_tensor", "asarray"])
def test_a_tensor_of_an_array_has_a_shape_and_flags_of_its_own(enter):
    array = np.arange(6.0)
    x = getattr(torch, enter)(array)
    array.shape = (2, 3)
    array.flags.writeable = False
    x.add_(1)
    assert x.shape == (6,) and array.tolist() == [[1, 2, 3], [4, 5, 6]]


def test_asarray_takes_the_bytes_of_a_buffer_as_elements():
    numbers = np.array([1.0, 2.0], np.float32)
    shared = torch.asarray(memoryview(numbers), copy=False)
    numbers[0] = 7
    assert shared.tolist() == [7.0, 2.0] and shared.dtype is torch.float32
    assert torch.asarray(bytearray(numbers.tobytes()), dtype=torch.uint8).shape == (8,)
    assert torch.asarray(array("i", [1, 2]), dtype=torch.int32).tolist() == [1, 2]
    copied = torch.asarray(memoryview(numbers), copy=True)
    numbers[0] = 9
    assert copied.tolist() == [7.0, 2.0]
    with pytest.raises(ValueError, match=r"buffer length \(7 bytes\) after offset \(0 bytes\) must be a multiple"):
        torch.asarray(bytearray(7))


def test_scalar_tensor_takes_the_one_layout():
    assert torch.scalar_tensor(3, layout=torch.strided).item() == 3.0
    with pytest.raises(TypeError, match=r"scalar_tensor\(\): argument 'layout' must be minigrad.strided, not int 5"):
        torch.scalar_tensor(3, layout=5)
