"""`as_strided`: the elements it reads, its gradients to second order, and its errors."""

from itertools import permutations

import numpy as np
import pytest

import minigrad as torch
from minigrad.autograd import gradcheck, gradgradcheck

CASES = [  # how the input is made from 12 numbers; size, stride, offset
    (lambda x: x, (4, 3), (1, 1), None),  # overlapping windows
    (lambda x: x, (2, 2), (6, 2), 1),
    (lambda x: x.view(3, 4), (2, 2, 2, 2), (4, 1, 4, 1), 0),  # im2col of a 3x4 image
    (lambda x: x[2:8], (3,), (2,), None),
    (lambda x: x.view(3, 4).t(), (3, 3), (1, 4), None),
    (lambda x: x, (5, 2), (0, 1), 3),
    (lambda x: x, (), (), 7),
    (lambda x: x, (0, 3), (1, 1), 0),
    (lambda x: x[:2].expand(3, 2), (2,), (1,), None),  # elements of the input share places
]


@pytest.mark.parametrize(("make", "size", "stride", "offset"), CASES)
def test_as_strided_reads_memory_by_steps(make, size, stride, offset):
    x = torch.arange(12.0)
    part = make(x)
    first = offset if offset is not None else part.storage_offset()
    want = np.lib.stride_tricks.as_strided(x.numpy()[first:], size, [4 * s for s in stride])
    got = torch.as_strided(part, size, stride, offset)
    assert got.shape == size and got.stride() == stride and got.tolist() == want.tolist()
    assert got.data_ptr() == x.data_ptr() + 4 * first or not got.numel()


@pytest.mark.parametrize("turned", [False, True])
def test_as_strided_reads_memory_with_gaps_that_another_library_owns(turned):
    owned = np.lib.stride_tricks.as_strided(np.arange(18.0), (3, 3), (48, 16))  # its base is no array
    x = torch.from_numpy(owned[::-1] if turned else owned)
    middle = torch.as_strided(x, (3,), (6,), 2)  # the second column, seen from the first element
    assert middle.tolist() == [2.0, 8.0, 14.0]
    middle[1] = -1.0
    assert owned[1, 1] == -1.0
    windows = x.unfold(1, 2, 1)
    assert windows.shape == (3, 2, 2) and windows[1].tolist() == [[6.0, -1.0], [-1.0, 10.0]]
    windows[0, 0, 0] = 5.0
    assert x[0, 0] == 5.0 and owned[2 if turned else 0, 0] == 5.0


@pytest.mark.parametrize(("make", "size", "stride", "offset"), CASES)
def test_as_strided_passes_gradgradcheck(make, size, stride, offset):
    torch.manual_seed(0)
    x = torch.randn(12, dtype=torch.float64, requires_grad=True)

    def f(x):
        return make(x * 1).as_strided(size, stride, offset)

    assert gradcheck(f, (x,)) if 0 not in size else f(x).numel() == 0
    if 0 not in size:
        assert gradgradcheck(lambda x: f(x) ** 2, (x,))


def test_a_convolution_by_strides_learns_as_conv2d_does():
    torch.manual_seed(0)
    image, kernel = torch.randn(6, 8, requires_grad=True), torch.randn(3, 3, requires_grad=True)
    windows = image.as_strided((4, 6, 3, 3), (8, 1, 8, 1))
    by_strides = torch.einsum("ijab,ab->ij", windows, kernel)
    by_conv = torch.nn.functional.conv2d(image[None, None], kernel[None, None])[0, 0]
    assert torch.allclose(by_strides, by_conv, atol=1e-5)
    g = torch.randn(4, 6)
    ours, theirs = (torch.autograd.grad(result, (image, kernel), g) for result in (by_strides, by_conv))
    assert all(torch.allclose(a, b, atol=1e-5) for a, b in zip(ours, theirs, strict=True))


def test_a_write_through_the_view_reaches_the_graph():
    w = torch.arange(6.0, requires_grad=True)
    h = w * 1
    h.as_strided((2, 2), (3, 1)).mul_(3)
    h.sum().backward()
    assert w.grad.tolist() == [3, 3, 1, 3, 3, 1]


@pytest.mark.parametrize("order", list(permutations(range(3))))
def test_so_does_one_through_a_view_of_a_copy_that_kept_its_turned_axes(order):
    w = torch.arange(24.0, requires_grad=True)
    h = w.reshape(2, 3, 4).permute(order).clone()
    view = h.as_strided((2, 2), (12, 1))
    assert view._base is h and view.tolist() == [[0, 1], [12, 13]]
    view.mul_(3)
    h.sum().backward()
    assert w.grad.reshape(2, 12)[:, :2].eq(3).all() and w.grad.sum() == 32


@pytest.mark.parametrize(
    ("call", "error", "words"),
    [
        (lambda x: x.as_strided((2,), (-1,)), RuntimeError, "Negative strides are not supported"),
        (lambda x: x.as_strided((3, 3), (3, 1)), RuntimeError, "size of 36 are out of bounds for storage of size 24"),
        (lambda x: x.as_strided((2,), (1,), 5), RuntimeError, "storage offset 5"),
        (lambda x: x.as_strided((2, 2), (1,)), RuntimeError, "mismatch in length of strides and shape"),
        (lambda x: x.as_strided((-1,), (1,)), RuntimeError, "sizes are not negative"),
        (lambda x: x.as_strided((2,), (1,), -1), RuntimeError, "invalid storage offset -1"),
        (lambda x: x.as_strided(2, 1), TypeError, "argument 'size' must be tuple of ints, not int"),
    ],
)  # fmt: skip
def test_refused(call, error, words):
    with pytest.raises(error, match=words):
        call(torch.arange(6.0))


@pytest.mark.parametrize("size", [(0,), (0, 5), (5, 0)])
def test_a_view_without_elements_may_begin_beyond_the_memory(size):
    x = torch.zeros(3, requires_grad=True)
    y = torch.as_strided(x, size, (9,) * len(size), 7)
    assert y.shape == size
    y.sum().backward()
    assert x.grad.tolist() == [0.0, 0.0, 0.0]


def test_the_gradient_of_overlapping_windows_goes_to_the_last_write():
    value = torch.ones(3, 2, requires_grad=True)
    line = torch.zeros(4)
    line.as_strided((3, 2), (1, 1)).copy_(value * torch.arange(6.0).reshape(3, 2))
    assert line.tolist() == [0.0, 2.0, 4.0, 5.0]
    line.sum().backward()
    assert value.grad.tolist() == [[0.0, 0.0], [2.0, 0.0], [4.0, 5.0]]


def test_renorm_of_a_transposed_tensor_lies_in_order():
    assert torch.ones(2, 3).t().renorm(2, 0, 1.0).view(-1).shape == (6,)


WINDOW_WRITES = {
    "mul_": lambda v, w: v.mul_(w),
    "exp_": lambda v, w: v.exp_(),
    "sub_": lambda v, w: v.sub_(w),
    "a column": lambda v, w: v[:, 1].mul_(w),
    "pow_": lambda v, w: v.pow_(2),
    "rows, twice": lambda v, w: v[1:].tanh_().mul_(w),
    "lerp_": lambda v, w: v.lerp_(w.expand(3, 2), 0.3),
    "transposed": lambda v, w: v.t().div_(w),
}


@pytest.mark.parametrize("name", WINDOW_WRITES)
def test_the_gradient_of_a_write_to_overlapping_windows_is_that_of_what_it_computes(name):
    def program(x, w):
        h = x * 1
        windows = h.unfold(0, 2, 1)
        WINDOW_WRITES[name](windows, w)
        return h * h, windows.sum(0)

    x, w = torch.tensor([0.5, -1.2, 2.0, 0.7]).double().requires_grad_(), torch.tensor([1.3]).double().requires_grad_()
    assert gradcheck(program, (x, w)) and gradgradcheck(program, (x, w))


@pytest.mark.parametrize("name", WINDOW_WRITES)
def test_a_write_to_overlapping_windows_gives_the_same_numbers_with_and_without_a_graph(name):
    results = []
    for x in (torch.tensor([0.5, -1.2, 2.0, 0.7]), torch.tensor([0.5, -1.2, 2.0, 0.7], requires_grad=True)):
        h = x * 1
        WINDOW_WRITES[name](h.unfold(0, 2, 1), torch.tensor([1.3]))
        results.append(h.tolist())
    assert results[0] == results[1]
