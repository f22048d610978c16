"""The first words of PyTorch's own messages, for which people search, before what is added to them."""

import minigrad as mg
import minigrad.nn.functional as F
from minigrad import autograd, nn
from tests.leaves import leaf
from tests.refusals import refusals

ones = mg.ones


class TwoFold(autograd.Function):
    """A Function with a backward of the given value."""

    @staticmethod
    def forward(ctx, x, gradient):
        ctx.gradient = gradient
        return x * 2

    @staticmethod
    def backward(ctx, _):
        return ctx.gradient, None


def go_back(gradient):
    return lambda: TwoFold.apply(leaf(3), gradient).sum().backward()


# The left column is recorded from PyTorch 2.13.
test_products = refusals({
    "matrices": (
        lambda: ones(2, 3) @ ones(4, 5), RuntimeError,
        r"^mat1 and mat2 shapes cannot be multiplied \(2x3 and 4x5\): shapes \(2, 3\) and \(4, 5\), the last axis of"),
    "a vector and a matrix": (
        lambda: ones(2) @ ones(3, 2), RuntimeError, r"^mat1 and mat2 .* cannot be multiplied \(1x2 and 3x2\)"),
    "a batch and a matrix": (
        lambda: ones(5, 2, 3) @ ones(4, 3), RuntimeError,
        r"^mat1 and mat2 shapes cannot be multiplied \(10x3 and 4x3\): shapes \(5, 2, 3\) and \(4, 3\)"),
    "a matrix and a vector": (
        lambda: ones(2, 3) @ ones(2), RuntimeError, r"^size mismatch, got input \(2\), mat \(2x3\), vec \(2\): shapes"),
    "vectors": (
        lambda: ones(3) @ ones(4), RuntimeError,
        r"^inconsistent tensor size, expected tensor \[3\] and src \[4\] to have the same number of elements: shapes"),
    "batches": (
        lambda: ones(2, 3) @ ones(5, 4, 3), RuntimeError,
        r"^Expected size for first two dimensions of batch2 tensor to be: \[5, 3\] but got: \[5, 4\]: shapes"),
    "addmm": (
        lambda: mg.addmm(ones(2, 2), ones(2, 3), ones(2, 3)), RuntimeError,
        r"^mat1 and mat2 shapes cannot be multiplied \(2x3 and 2x3\)"),
    "mm of a vector": (
        lambda: mg.mm(ones(3), ones(3, 3)), RuntimeError, r"^self must be a matrix: mm got shape \(3,\) as argument 1"),
    "mm with a vector": (lambda: mg.mm(ones(2, 3), ones(3)), RuntimeError, "^mat2 must be a matrix: mm got shape"),
    "bmm": (lambda: mg.bmm(ones(2, 3, 4), ones(3, 4)), RuntimeError, "^batch2 must be a 3D tensor: bmm got shape"),
    "dot": (
        lambda: mg.dot(ones(3), ones(3, 1)), RuntimeError,
        r"^1D tensors expected, but got 1D and 2D tensors: dot got shape \(3, 1\) as argument 2"),
    "types of linear": (
        lambda: F.linear(ones(2, 3, dtype=mg.float64), ones(4, 3)), RuntimeError,
        r"^mat1 and mat2 must have the same dtype, but got Double and Float: .*input.to\(weight.dtype\)"),
    "a weight with three axes": (
        lambda: F.linear(ones(2, 3), ones(4, 3, 2)), RuntimeError,
        r"^t\(\) expects a tensor with <= 2 dimensions, but self is 3D: linear takes a weight \(outputs, inputs\)"),
})  # fmt: skip

test_shapes = refusals({
    "expand": (
        lambda: ones(2, 3).expand(4, 3), RuntimeError,
        r"^The expanded size of the tensor \(4\) must match the existing size \(2\) at .*  Tensor sizes"),
    "expand, the last axis first": (
        lambda: ones(2, 3).expand(3, 2, 4), RuntimeError,
        r"^The expanded size of the tensor \(4\) must match the existing size \(3\) at non-singleton dimension 2"),
    "expand to fewer axes": (
        lambda: ones(2, 3).expand(2), RuntimeError,
        r"the number of sizes provided \(1\) must be greater or equal to the number of dimensions in the tensor \(2\)"),
    "expand by a new axis of -1": (
        lambda: ones(2, 3).expand(-1, 2, 3), RuntimeError,
        r"^The expanded size of the tensor \(-1\) isn't allowed in a leading, non-existing dimension 0: cannot expand"),
    "addmm": (
        lambda: mg.addmm(ones(5), ones(2, 3), ones(3, 2)), RuntimeError,
        r"^The expanded size of the tensor \(2\) must match the existing size \(5\) at non-singleton dimension 1"),
    "permute": (
        lambda: ones(2, 3).permute(0), RuntimeError,
        r"number of dimensions in the tensor input does not match .* = 2 is not equal to len\(dims\) = 1: dims"),
    "permute by an axis twice": (
        lambda: ones(2, 3).permute(0, 0), RuntimeError,
        r"^permute\(\): duplicate dims are not allowed: dims must name each of the 2 dimensions once, got \[0, 0\]"),
    "an axis twice": (
        lambda: ones(2, 3).sum((1, -1)), RuntimeError,
        r"^dim 1 appears multiple times in the list of dims \[1, -1\]$"),
    "an odd padding": (
        lambda: F.pad(ones(2, 2), (1,)), RuntimeError, "^Padding length must be divisible by 2: .* got 1 numbers"),
    "a long padding": (
        lambda: F.pad(ones(2, 2), (1,) * 6), RuntimeError,
        "^Padding length should be less than or equal to two times the input dimension but got padding length 6 and "),
})  # fmt: skip

test_parts_of_layers = refusals({
    "running_mean": (
        lambda: nn.BatchNorm1d(3)(ones(2, 4)), RuntimeError,
        "^running_mean should contain 4 elements not 3: batch_norm: .*a layer for it has num_features=4"),
    "normalized_shape": (
        lambda: nn.LayerNorm(3)(ones(2, 4)), RuntimeError,
        r"^Given normalized_shape=\[3\], expected input with shape \[\*, 3\], but got input of size\[2, 4\]: "),
    "weight of layer_norm": (
        lambda: F.layer_norm(ones(2, 3), (3,), ones(4)), RuntimeError,
        r"^Expected weight to be of same shape as normalized_shape, but got weight of shape \[4\] and "),
    "bias of a convolution": (
        lambda: F.conv2d(ones(1, 1, 4, 4), ones(1, 1, 2, 2), ones(2)), RuntimeError,
        r"^Given weight of size \[1, 1, 2, 2\], expected bias to be 1-dimensional with 1 elements, but got bias of "),
    "weights of classes": (
        lambda: F.cross_entropy(ones(3, 4), mg.tensor([0, 1, 2]), ones(3)), RuntimeError,
        r"^weight tensor should be defined either for all 4 classes or no classes but got weight tensor of shape: "),
})  # fmt: skip

test_gradients = refusals({
    "of another shape": (
        go_back(ones(4)), RuntimeError,
        r"^Function TwoFoldBackward returned an invalid gradient: got \[4\] but expected shape compatible with \[3\]"),
    "a number": (go_back(3), RuntimeError, r"^expected Variable or None \(got int\): TwoFoldBackward returned it"),
    "of what is not used": (
        lambda: autograd.grad(leaf(2).sum(), leaf(3)), RuntimeError,
        r"^The differentiated Tensor at index 0 appears to not have been used in the graph: it has shape \(3,\). Set "),
})  # fmt: skip
