"""Changes of shape: cases that the samples do not cover, and error messages."""

import pytest

import minigrad as torch
from tests.refusals import refusals

X = torch.arange(6.0).reshape(2, 3)
REFUSED = {
    "a size below -1": (lambda: X.reshape(-2, 3), RuntimeError, "invalid shape dimension -2"),
    "bytes that begin between two numbers": (
        lambda: torch.ones(2, 5)[:, 1:3].view(torch.int64), RuntimeError, r"storage_offset\(\) must be divisible by 2"),
    "rows that begin between two numbers": (
        lambda: torch.ones(2, 5)[:, :2].view(torch.int64), RuntimeError, r"stride\(0\) must be divisible by 2 .*got 5"),
    "a size that does not fit": (lambda: X.reshape(4, 2), RuntimeError, "shape '\\[4, 2\\]' is invalid"),
    "a view across memory": (lambda: X.t().view(6), RuntimeError, r"^view size is not compatible .* Use .reshape"),
    "flattened backwards": (lambda: X.flatten(1, 0), RuntimeError, "start_dim 1 cannot come after end_dim 0"),
    "unflattened into nothing": (lambda: X.unflatten(1, ()), RuntimeError, "sizes must be non-empty"),
    "unflattened unevenly": (lambda: X.unflatten(1, (2, 2)), RuntimeError, "don't multiply up to the size of dim 1"),
    "moved to fewer places": (lambda: X.movedim((0, 1), (0,)), RuntimeError, "must name as many dims, each once"),
    "repeated along fewer axes": (lambda: X.repeat(2), RuntimeError, "can not be smaller than that of the tensor"),
    "repeated a negative number of times": (lambda: X.repeat(2, -1), RuntimeError, "negative dimension"),
    "windows larger than the axis": (lambda: X.unfold(1, 4, 1), RuntimeError, "maximum size.* is 3 but size is 4"),
    "windows that stand still": (lambda: X.unfold(1, 2, 0), RuntimeError, "step is 0 but must be > 0"),
    "channels last of a matrix": (
        lambda: X.contiguous(memory_format=torch.channels_last), RuntimeError, "required rank 4 tensor"),
    "no memory format": (lambda: X.clone(memory_format=3), TypeError, r"clone\(\): argument 'memory_format' .*not int"),
    "a number as the format of a method": (lambda: X.double(memory_format=3), TypeError, r"double\(\): argument"),
    "a number as the format of to": (lambda: X.to(memory_format=3), TypeError, r"to\(\): argument 'memory_format'"),
    "a number as the format asked about": (lambda: X.is_contiguous(memory_format=3), TypeError, "memory_format"),
    "a number as the format of a module": (lambda: torch.nn.ReLU().to(memory_format=3), TypeError, "memory_format"),
    "nothing to preserve": (
        lambda: X.contiguous(torch.preserve_format), RuntimeError, "unsupported memory format preserve_format"),
    "t of three axes": (lambda: torch.ones(2, 3, 4).t(), RuntimeError, "but self is 3D; write x.mT"),
    "a dim that is not there": (lambda: X.transpose(0, 2), IndexError, "range of \\[-2, 1\\], but got 2"),
}  # fmt: skip


test_refused = refusals(REFUSED)


def test_unfold_of_a_0d_tensor_is_one_window():
    assert torch.tensor(5.0).unfold(0, 1, 1).tolist() == [5.0]


def test_a_view_as_another_dtype_shares_the_bytes():
    x = torch.arange(4, dtype=torch.float32)
    assert (
        x.view(torch.int32).shape == (4,) and x.view(torch.float64).shape == (2,) and x.view(torch.uint8).shape == (16,)
    )
    assert torch.tensor([1.0]).view(torch.int32).tolist() == [0x3F800000]
    x.view(torch.int32)[0] = 1
    assert x[0].item() > 0 and x.view(torch.int32)._version == x._version == 1
    for wrong, dtype, message in (
        (torch.ones(3), torch.float64, r"self.size\(-1\) must be divisible by 2 .*got 3"),
        (torch.tensor(1.0), torch.float64, r"self.dim\(\) cannot be 0"),
        (torch.ones(2, 4).t(), torch.int8, r"self.stride\(-1\) must be 1 .*got 4"),
    ):
        with pytest.raises(RuntimeError, match=message):
            wrong.view(dtype)


def test_the_adjoint_of_real_matrices_is_their_transpose():
    x = torch.ones(2, 3, 4, requires_grad=True)
    assert torch.adjoint(x).shape == x.adjoint().shape == (2, 4, 3)
    assert torch.adjoint(x).grad_fn.name() == "TransposeBackward0" and torch.adjoint(x)._base is x
    assert torch.adjoint(torch.tensor(1.0)).item() == 1.0
    with pytest.raises(RuntimeError, match=r"tensor.adjoint\(\) is only supported on matrices or batches of them"):
        torch.adjoint(torch.ones(2))
