"""Creating tensors: shared memory, older spellings, and error messages."""

import inspect
from functools import partial

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


def test_like_and_new_functions_take_dtype_and_shape_of_a_tensor():
    x = torch.ones(2, 3, dtype=torch.float64)
    assert torch.zeros_like(x).dtype == x.new_full((2,), 7).dtype == torch.float64
    assert torch.randint_like(x, 5).shape == torch.rand_like(x).shape == (2, 3)
    assert x.new_tensor([1, 2]).tolist() == [1.0, 2.0] and x.new_zeros(2, dtype=torch.int64).dtype == torch.int64


def test_meshgrid_takes_indexing_ij_and_xy():
    rows, columns = torch.meshgrid(torch.arange(2), torch.arange(3), indexing="ij")
    assert rows.shape == columns.shape == (2, 3)
    assert torch.meshgrid(torch.arange(2), torch.arange(3), indexing="xy")[0].shape == (3, 2)


REFUSED = {
    "ragged lists": (lambda: torch.tensor([[1, 2], [3]]), ValueError, "length 2 at dim 1 \\(got 1\\).*ragged"),
    "a string": (lambda: torch.tensor(["a", 1]), ValueError, "infer dtype of str"),
    "a string among numbers": (lambda: torch.tensor([1, "a"]), TypeError, "infer dtype of str"),
    "bytes": (lambda: torch.tensor([b"ab"]), TypeError, "infer dtype of bytes"),
    "a constructor with two names": (
        lambda: torch.FloatTensor(data=[1], size=(1,)), TypeError, "lengths, or data=, or size="),
    "two lists for one": (
        lambda: torch.Tensor([1, 2], [3]), TypeError, r"^new\(\): sizes must be ints, got list \[1, 2\]"),
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


def test_a_tensor_of_tensors_says_where_the_graph_was_left():
    w = torch.tensor([1.0], requires_grad=True)
    with pytest.warns(UserWarning, match="to copy a tensor, write source.clone"):
        copied = torch.tensor(w * 2)
    with pytest.raises(RuntimeError, match=r"tensor\(\) from a tensor that requires grad.*test_creation.py"):
        copied.sum().backward()
    with pytest.raises(RuntimeError, match=r"from a list of tensors that require grad \(minigrad.stack"):
        torch.tensor([(w * 2).sum(), (w * 3).sum()]).sum().backward()


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
    with pytest.raises(RuntimeError, match="Storage size calculation overflowed"):
        torch.zeros(2**62)
    with pytest.raises((RuntimeError, MemoryError), match="memory"):
        torch.randperm(10**14)


def test_creating_functions_have_explicit_signatures():
    for name in ("zeros", "full", "arange", "rand", "randint", "eye", "normal", "zeros_like", "full_like", "tensor"):
        parameters = inspect.signature(getattr(torch, name)).parameters
        assert "dtype" in parameters and "xp" not in parameters
        assert not any(p.kind is p.VAR_KEYWORD for p in parameters.values())
    assert next(iter(inspect.signature(torch.ones).parameters)) == "size"


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


def test_range_logspace_tril_indices_frombuffer_and_empty_strided():
    with pytest.warns(UserWarning, match="range is deprecated"):
        assert torch.range(1, 3).tolist() == [1.0, 2.0, 3.0]
    assert torch.logspace(0, 3, 4, base=2).tolist() == [1.0, 2.0, 4.0, 8.0]
    assert torch.tril_indices(2, 3).tolist() == [[0, 1, 1], [0, 0, 1]]
    assert torch.triu_indices(2, 3, 1).tolist() == [[0, 0, 1], [1, 2, 2]]
    assert torch.frombuffer(bytearray(8), dtype=torch.float32, offset=4).shape == (1,)
    with pytest.raises(ValueError, match=r"buffer length \(0\) and count \(-1\) must not be 0"):
        torch.frombuffer(bytearray(0), dtype=torch.float32)
    assert torch.empty_strided((2, 3), (1, 2)).stride() == (1, 2)


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


@pytest.mark.parametrize("name", ["hann", "hamming", "blackman", "bartlett", "kaiser"])
def test_windows_are_scipys(name):
    from scipy.signal import windows

    make, options = getattr(torch, f"{name}_window"), {"kaiser": (12.0,)}.get(name, ())
    for length, periodic in ((1, True), (2, False), (7, True), (8, False), (30, True)):
        expected = getattr(windows, name)(length, *options, sym=not periodic)
        np.testing.assert_allclose(
            make(length, periodic, dtype=torch.float64).numpy(), expected, rtol=1e-12, atol=1e-15
        )
        np.testing.assert_allclose(make(length, periodic).numpy(), expected, rtol=1e-5, atol=1e-6)
    assert make(0).shape == (0,) and make(3, requires_grad=True).requires_grad
    for wrong, message in (({"window_length": -1}, "non-negative window_length"), ({"dtype": torch.int64}, "floating")):
        with pytest.raises(RuntimeError, match=message):
            make(**{"window_length": 3} | wrong)


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


@pytest.mark.parametrize(
    "fill", [partial(torch.arange, 6), partial(torch.linspace, 0, 5, 6), partial(torch.logspace, 0, 5, 6)]
)
def test_an_out_with_as_many_elements_keeps_its_shape(fill):
    out = torch.empty(3, 2).t()
    assert fill(out=out) is out
    assert out.shape == (2, 3) and out.stride() == (1, 2)
    assert out.flatten().tolist() == fill().tolist()


def test_an_out_with_another_number_of_elements_is_resized():
    out = torch.empty(2, 3)
    with pytest.warns(UserWarning, match=r"resized, from \[2, 3\] to \[5\]"):
        torch.arange(5, out=out)
    assert out.tolist() == [0, 1, 2, 3, 4]


def test_like_functions_of_an_expanded_tensor_keep_the_order_of_its_axes():
    x = torch.ones(2, 1, 3).expand(2, 4, 3).permute(2, 0, 1)
    assert torch.empty_like(x).stride() == torch.zeros_like(x).stride() == x.clone().stride() == (4, 12, 1)
    assert torch.empty_like(torch.ones(1, 4).expand(3, 4)).stride() == (4, 1)


@pytest.mark.parametrize("make", [torch.zeros, torch.arange, torch.eye, torch.rand, torch.randperm])
def test_an_out_that_is_no_tensor_is_refused(make):
    with pytest.raises(TypeError, match=rf"{make.__name__}\(\): argument 'out' must be Tensor, not int"):
        make(3, out=3)


def test_arange_of_large_ints_is_exact():
    assert torch.arange(-2, 2**62, 2**40).shape == (2**22 + 1,)
    assert torch.arange(2**62, 2**62 - 3, -2).tolist() == [2**62, 2**62 - 2]
    assert torch.arange(5, 5).shape == (0,)


def test_logspace_rounds_as_pytorchs():
    halved = torch.logspace(2.5, 1 / 3, 17)[:4]  # recorded from PyTorch 2.13
    assert halved.tolist() == np.array([316.22775, 231.51724, 169.49881, 124.09377], np.float32).tolist()
    assert torch.logspace(-1, -0.25, 10, dtype=torch.float16)[1].item() == 0.12115478515625
    assert torch.logspace(0.5, 5, 1, dtype=torch.int32).tolist() == [3]
    assert torch.logspace(float("inf"), 0, 0, dtype=torch.uint8).tolist() == []
    with pytest.raises(RuntimeError, match="cannot be converted to type uint8 without overflow"):
        torch.logspace(2.5, 0, 1, dtype=torch.uint8)


def test_half_precision_is_rounded_as_pytorchs():
    assert torch.linspace(0.3, 0.5, 17, dtype=torch.float16)[3].item() == 0.33740234375
    assert torch.arange(0.3, 20, 0.3, dtype=torch.float16)[17].item() == 5.40234375
    assert torch.arange(0, 3000, dtype=torch.float16)[[2049, 2051, 2999]].tolist() == [2048.0, 2052.0, 3000.0]


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


def test_logspace_of_ints_counts_in_ints():
    assert torch.logspace(0.5, 1, 3, dtype=torch.int64).tolist() == [1, 3, 10]
    assert torch.logspace(-1.5, 2.5, 4, dtype=torch.int64).tolist() == [0, 1, 10, 100]
    assert torch.logspace(-3, float("inf"), 1, dtype=torch.float64).tolist() == [1e-3]
    with pytest.raises(RuntimeError, match="cannot be converted to type uint8 without overflow"):
        torch.logspace(300, 0, 3, dtype=torch.uint8)


def test_block_diag_promotes_as_arithmetic_does():
    assert torch.block_diag(torch.ones(3), torch.tensor(1.0, dtype=torch.float64)).dtype is torch.float32
    assert torch.block_diag(torch.ones(1, 1).int(), torch.tensor(1.5)).tolist() == [[1.0, 0.0], [0.0, 1.5]]
