"""The memory of a tensor: as numbers, as bytes, and resized."""

import copy
import sys

import numpy as np
import pytest

import minigrad as torch


def test_the_storage_of_a_view_is_that_of_its_base():
    x = torch.arange(6.0).reshape(2, 3)
    for view in (x, x.t(), x[1:], x[:, 1]):
        assert view.storage().tolist() == [0.0, 1.0, 2.0, 3.0, 4.0, 5.0] and view.untyped_storage().nbytes() == 24
        assert view.storage().data_ptr() == x.data_ptr()
    x.storage()[0] = 7
    assert x[0, 0] == 7 and x.storage()[1:3].tolist() == [1.0, 2.0] and len(x.storage()) == x.storage().size() == 6
    assert x.storage().fill_(1).clone().tolist() == [1.0] * 6 and torch.is_storage(x.storage())
    with pytest.raises(RuntimeError, match="without overflow"):
        torch.zeros(2, dtype=torch.uint8).storage()[0] = 300


def test_a_storage_prints_its_numbers_line_by_line():
    x, byte = torch.ones(2), torch.zeros(1, dtype=torch.int8)
    assert repr(x.storage()) == (
        f" 1.0\n 1.0\n[minigrad.storage.TypedStorage(dtype=minigrad.float32, device={x.device}) of size 2]"
    )
    assert repr(byte.untyped_storage()) == f" 0\n[minigrad.storage.UntypedStorage(device={x.device}) of size 1]"


def test_resize_keeps_the_memory_if_it_is_large_enough():
    x = torch.arange(6.0)
    assert x.resize_(2, 3) is x and x.tolist() == [[0.0, 1.0, 2.0], [3.0, 4.0, 5.0]]
    assert x.resize_((2, 2)).tolist() == [[0.0, 1.0], [2.0, 3.0]] and x.resize_(6).tolist() == list(range(6))
    part = x[2:4]
    assert part.resize_(4).tolist() == [2.0, 3.0, 4.0, 5.0]
    part[0] = 9
    assert x[2] == 9
    larger = torch.arange(2.0).resize_(3, 3)
    assert larger.shape == (3, 3) and larger.reshape(-1)[:2].tolist() == [0.0, 1.0]
    assert torch.arange(6.0).reshape(2, 3).t().resize_(6).tolist() == list(range(6))
    assert torch.arange(6.0).resize_as_(torch.ones(3, 2)).shape == (3, 2)
    grads = torch.ones(2, requires_grad=True)
    for x, message in ((grads, "cannot resize variables that require grad"), (grads * 1, "cannot resize")):
        with pytest.raises(RuntimeError, match=message):
            x.resize_(1)
    with pytest.raises(RuntimeError, match="lengths must be >= 0"):
        torch.ones(2).resize_(-1)
    with pytest.raises(RuntimeError, match="Storage size calculation overflowed"):
        torch.ones(2).resize_(2**31, 2**31)


def test_resize_takes_its_size_by_keyword():
    assert torch.arange(6.0).resize_(size=(2, 2)).tolist() == [[0, 1], [2, 3]]


def test_resize_to_the_same_shape_changes_nothing():
    for x in (torch.arange(6.0).view(2, 3).t(), torch.arange(6.0)[::2], torch.arange(3.0).expand(2, 3)):
        before, strides = x.tolist(), x.stride()
        assert x.resize_(x.shape).tolist() == before and x.stride() == strides
        assert x.resize_as_(torch.ones(x.shape)).tolist() == before


def test_resize_takes_a_memory_format():
    x = torch.arange(16.0).view(1, 2, 2, 4)
    x.resize_(1, 2, 2, 4, memory_format=torch.channels_last)
    assert x.stride() == (16, 1, 8, 2) and x[0, :, 0, 1].tolist() == [2.0, 3.0]
    assert x.resize_(x.shape, memory_format=torch.contiguous_format)[0, :, 0, 1].tolist() == [1.0, 9.0]
    image = torch.ones(1, 4, 2, 2).to(memory_format=torch.channels_last)
    assert x.resize_as_(image, memory_format=torch.preserve_format).stride() == (16, 1, 8, 4)
    assert x.resize_as_(image).stride() == (16, 1, 8, 4)  # the same shape
    assert x.resize_as_(torch.ones(2, 2, 2, 2)).stride() == (8, 4, 2, 1)
    with pytest.raises(RuntimeError, match="required rank 4 tensor to use channels_last format, got 1D"):
        x.resize_(16, memory_format=torch.channels_last)


def test_new_keeps_the_dtype_and_set_takes_the_memory():
    x = torch.ones(2, dtype=torch.int64)
    assert x.new([1, 2]).dtype == torch.int64 and x.new(2, 3).shape == (2, 3) and x.new().shape == (0,)
    assert x.new(size=(3, 4)).shape == (3, 4) and x.new(data=[1]).tolist() == [1]
    assert x.type(torch.Tensor).dtype == torch.float32  # the default dtype
    y = torch.zeros(3)
    x = torch.ones(2).set_(y)
    x[0] = 4
    assert y.tolist() == [4.0, 0.0, 0.0]
    with pytest.raises(RuntimeError, match=r"set_: expected a tensor of minigrad\.float32"):
        x.set_(torch.ones(1, dtype=torch.int64))


def test_size_layout_and_device_attributes():
    x = torch.ones(2, 3, device="cpu")
    assert (x.itemsize, x.nbytes, x.get_device(), torch.get_device(x)) == (4, 24, -1, -1)
    assert x.layout is torch.strided and repr(x.layout) == "minigrad.strided" and x.is_cpu
    assert not any([x.is_xpu, x.is_mps, x.is_sparse, x.is_quantized, x.is_meta, x.is_shared(), x.is_pinned()])
    assert x.is_signed() and not x.byte().is_signed() and not torch.is_complex(x) and torch.is_signed(x)
    assert x.is_same_size(torch.zeros(2, 3, device="cpu")) and x.is_set_to(x[:]) and not x.is_set_to(x[:1])
    assert torch.is_nonzero(torch.tensor([2.0])) and torch.typename(x) == "minigrad.FloatTensor"
    assert torch.typename(3) == "int" and torch.typename(np.ones(1)) == "numpy.ndarray"
    with pytest.raises(RuntimeError, match="ambiguous"):
        torch.is_nonzero(x)


def test_a_tensor_from_a_storage_shares_its_memory():
    x = torch.arange(6.0)
    y = torch.Tensor(x[2:].storage())
    y[0] = 9
    assert x[0] == 9 and y.shape == (6,) and x._version == y._version == 1
    x.storage()[1] = 7
    assert x[1] == y[1] == 7 and x._version == 2
    with pytest.raises(RuntimeError, match="Expected a Storage of type Long or an UntypedStorage, but got type Float"):
        torch.LongTensor(x.storage())


def test_set_takes_a_storage_offset_size_and_strides():
    x = torch.arange(6.0)
    y = torch.empty(0).set_(x.storage(), 1, (2, 2), (2, 1))
    assert y.tolist() == [[1, 2], [3, 4]] and y.storage_offset() == 1
    assert torch.empty(0).set_(x.storage(), 4).tolist() == [4, 5]
    assert torch.empty(0).set_(x, 0, (3, 2)).tolist() == [[0, 1], [2, 3], [4, 5]]
    assert torch.ones(3).set_().shape == (0,)
    with pytest.raises(RuntimeError, match="out of bounds for storage of size 24"):
        torch.empty(0).set_(x.storage(), 5, (2,), (1,))


@pytest.mark.parametrize("take", [torch.Tensor.storage, torch.Tensor.untyped_storage])
def test_the_size_that_python_tells_of_a_storage_holds_its_memory(take):
    empty, whole, part = (sys.getsizeof(take(x)) for x in (torch.ones(0), torch.ones(100), torch.ones(100)[:3]))
    assert whole - empty == part - empty == 400


def test_a_tensor_from_an_untyped_storage_reads_its_bytes():
    x = torch.arange(3.0)
    for made in (torch.Tensor(x.untyped_storage()), torch.FloatTensor(x.untyped_storage())):
        assert made.tolist() == x.tolist() and made.data_ptr() == x.data_ptr()
    made[0] = 5
    assert x[0] == 5 and torch.ByteTensor(x.untyped_storage()).shape == (12,)
    assert torch.DoubleTensor(x.untyped_storage()).shape == (1,)  # 4 bytes are left


def test_set_refuses_a_result_in_a_graph():
    y = torch.ones(2, requires_grad=True) * 2
    with pytest.raises(RuntimeError, match=r"derivative for set_ is not implemented.*under no_grad\(\)"):
        y.set_(torch.zeros(2))
    with torch.no_grad():
        assert y.set_(torch.zeros(2)).tolist() == [0, 0]


def test_storage_offset_and_data_ptr_of_a_view():
    x = torch.arange(12.0).reshape(3, 4)
    view = x[1:, 2:]
    assert (x.storage_offset(), view.storage_offset(), view.t().storage_offset()) == (0, 6, 6)
    assert view.data_ptr() - x.data_ptr() == 6 * x.element_size() == 24


def test_a_deep_copy_keeps_what_tensors_and_storages_share():
    x = torch.arange(4.0)
    copied, numbers, data, part = copy.deepcopy([x, x.storage(), x.untyped_storage(), x[2:]])
    copied.add_(1)
    numbers[2] = 9
    assert copied.tolist() == [1.0, 2.0, 9.0, 4.0] and part.tolist() == [9.0, 4.0]
    assert data.data_ptr() == copied.data_ptr() == numbers.data_ptr() and x.tolist() == [0.0, 1.0, 2.0, 3.0]
    alone = copy.deepcopy(x.storage())
    alone[0] = 5
    assert alone.tolist() == [5.0, 1.0, 2.0, 3.0] and x[0].item() == 0


def test_a_storage_of_numbers_is_one_of_bytes_too():
    x = torch.arange(4.0)
    data = x.storage().untyped()
    assert type(data) is type(x.untyped_storage()) and data.nbytes() == 16 and data.data_ptr() == x.data_ptr()
    assert torch.zeros(2).set_(data, 1, (2,)).tolist() == [1.0, 2.0]
