"""Linear maps, look-up tables and dropout."""

from __future__ import annotations

from typing import Any

import numpy as np

from minigrad.advice import warn
from minigrad.autograd.core import wrap
from minigrad.autograd.modes import no_grad
from minigrad.autograd.recording import compute, operation
from minigrad.backend import address_of, arange_beside, array_module, as_index, device_of, on_gpu_of, to_device
from minigrad.devices import CPU
from minigrad.nn.functional.checks import check_parts, check_same_dtype, require_bool, require_tensors
from minigrad.ops import embedding as ops
from minigrad.ops.affine import affine, project
from minigrad.ops.arguments import as_int, as_number, not_implemented_for, require_number
from minigrad.ops.counting import unique
from minigrad.ops.einsum import einsum
from minigrad.ops.index import first_out_of_range
from minigrad.ops.inplace import assign
from minigrad.ops.masks import where
from minigrad.ops.norm import norm
from minigrad.random import source_of
from minigrad.tensor import Tensor
from minigrad.tensor.drawing import draw_in_order, order_in_memory


def linear(input: Tensor, weight: Tensor, bias: Tensor | None = None) -> Tensor:
    """``input @ weight.T + bias``.

    Shapes: input (..., in), weight (out, in) or (in,), bias (out,), output (..., out).
    Raises RuntimeError for shapes and dtypes that do not fit.

    >>> import minigrad as torch
    >>> torch.nn.functional.linear(torch.ones(2), torch.ones(1, 2), torch.ones(1))
    tensor([3.])
    """
    require_tensors("linear", "input weight bias?", input, weight, bias)
    x, w = input.array, weight.array
    if w.ndim != 2 or x.ndim == 0:
        return _multiply_by_vector(input, weight, bias)
    if x.shape[-1] != w.shape[1]:
        raise RuntimeError(_explain_lengths(x, w))
    if x.dtype is not w.dtype:
        check_same_dtype("linear", input, "weight", weight)
    if x.dtype.kind == "b":
        raise not_implemented_for("linear", x.dtype)
    if bias is not None and (bias.array.shape != w.shape[:1] or bias.array.dtype is not w.dtype):
        shape = bias.array.shape if bias.array.size == 1 else w.shape[:1]
        check_parts("linear", input, shape, f"one for each row of the weight {tuple(w.shape)}", bias=bias)
    if x.ndim == 2:
        return project(input, weight) if bias is None else affine(bias, input, weight)
    rows = int(np.prod(x.shape[:-1]))
    flat = input.reshape(rows, x.shape[-1])
    flat = project(flat, weight) if bias is None else affine(bias, flat, weight)
    return flat.reshape((*x.shape[:-1], w.shape[0]))


def _multiply_by_vector(input: Tensor, weight: Tensor, bias: Tensor | None) -> Tensor:
    """``input @ weight``, and a bias where that is one number."""
    if bias is None:
        return input @ weight
    if bias.array.ndim or input.array.ndim == 2:
        shape = weight.array.shape
        raise RuntimeError(f"linear: mat2 must be a matrix, got 1-D tensor: weight of shape {shape}, with a bias")
    return input @ weight + bias


def _explain_lengths(x: Any, w: Any) -> str:
    rows = x.size // max(x.shape[-1], 1)
    return (
        f"mat1 and mat2 shapes cannot be multiplied ({rows}x{x.shape[-1]} and {w.shape[1]}x{w.shape[0]}): linear "
        f"got an input of shape {tuple(x.shape)}, whose last axis should have {w.shape[1]} entries; flatten or "
        "reshape it"
    )


def bilinear(input1: Tensor, input2: Tensor, weight: Tensor, bias: Tensor | None = None) -> Tensor:
    """``out[..., o] = input1 @ weight[o] @ input2 + bias[o]``, over the last axes.

    Shapes: input1 (*, I), input2 (*, J), weight (O, I, J), bias (O,), output (*, O).
    Raises RuntimeError for sizes that do not fit and for several dtypes.
    Source: https://docs.pytorch.org/docs/stable/generated/torch.nn.functional.bilinear.html

    >>> import minigrad as torch
    >>> torch.nn.functional.bilinear(torch.ones(1, 2), torch.ones(1, 3), torch.ones(4, 2, 3))
    tensor([[6., 6., 6., 6.]])
    """
    require_tensors("bilinear", "input1 input2 weight bias?", input1, input2, weight, bias)
    if weight.ndim != 3 or not input1.ndim or input1.shape[:-1] != input2.shape[:-1]:
        got = [list(x.shape) for x in (input1, input2, weight)]
        raise RuntimeError(
            f"bilinear(): input batch dimensions do not match: expected (*, I), (*, J), a weight (O, I, J), got {got}"
        )
    for part, x in (("input2", input2), ("weight", weight), ("bias", bias)):
        if x is not None:
            check_same_dtype("bilinear", input1, part, x)
    outputs, *inner = weight.shape
    check_parts("bilinear", weight, (*input1.shape[:-1], inner[0]), "as the weight says", input1=input1)
    check_parts("bilinear", weight, (*input2.shape[:-1], inner[1]), "as the weight says", input2=input2)
    check_parts("bilinear", weight, (outputs,), "one for each output", bias=bias)
    y: Tensor = einsum("...i,oij,...j->...o", input1, weight, input2)
    return y if bias is None else y + bias


# ---- tables ---------------------------------------------------------------------------------------
def embedding(
    input: Tensor, weight: Tensor, padding_idx: int | None = None, max_norm: float | None = None,
    norm_type: float = 2.0, scale_grad_by_freq: bool = False, sparse: bool = False
) -> Tensor:  # fmt: skip
    """The rows of `weight` that `input` names: shape of input + (embedding_dim,).

    The row `padding_idx` gets no gradient; `scale_grad_by_freq` divides each row's by how often it
    is named. Raises IndexError for rows that are not there, RuntimeError for other than integers.

    >>> import minigrad as torch
    >>> torch.nn.functional.embedding(torch.tensor([1]), torch.tensor([[1.0, 2.0], [3.0, 4.0]]))
    tensor([[3., 4.]])
    """
    require_tensors("embedding", "indices weight", input, weight)
    places = input.array
    if places.dtype not in (np.int64, np.int32):
        raise RuntimeError(
            "Expected tensor for argument #1 'indices' to have one of the following scalar types: Long, Int; but got "
            f"{input.dtype} instead; write indices.long()"
        )
    if weight.array.ndim != 2:
        raise RuntimeError(f"'weight' must be 2-D, (num_embeddings, embedding_dim), got {list(weight.array.shape)}")
    rows = weight.array.shape[0]
    if padding_idx is not None and not -rows <= padding_idx < rows:
        raise AssertionError(f"Padding_idx must be within num_embeddings: got {padding_idx} for {rows} rows")
    bad = first_out_of_range(places, rows)
    if bad is not None:
        raise IndexError(f"index out of range in self: embedding has rows 0 to {rows - 1}, got {bad}")
    if max_norm is not None:
        _shorten_rows(weight, input, max_norm, norm_type)
    return ops.embedding(weight, input, factor=_find_row_factors(weight.array, places, padding_idx, scale_grad_by_freq))


@no_grad()
def _shorten_rows(weight: Tensor, places: Tensor, max_norm: float, norm_type: float) -> None:
    """Scale the rows that are read, in place, to a norm of at most `max_norm`."""
    used = unique(places)
    rows = weight[used]
    lengths = norm(rows, norm_type, 1, keepdim=True)
    weight[used] = where(lengths > max_norm, rows * (max_norm / (lengths + 1e-7)), rows)


def _find_row_factors(table: Any, places: Any, padding_idx: int | None, by_frequency: bool) -> Any:
    """By how much each row's gradient is scaled: 0 for the padding, one over how often it is read."""
    if padding_idx is None and not by_frequency:
        return None
    factor = np.ones(len(table), table.dtype)
    if by_frequency:
        factor /= np.maximum(np.bincount(as_index(to_device(places, CPU).ravel()), minlength=len(table)), 1)
    if padding_idx is not None:
        factor[padding_idx] = 0
    return to_device(factor, device_of(table))


def one_hot(tensor: Tensor, num_classes: int = -1) -> Tensor:
    """A new last axis with a 1 at each class and 0 elsewhere, int64.

    Raises RuntimeError for other than int64 classes from 0 to num_classes - 1.

    >>> import minigrad as torch
    >>> torch.nn.functional.one_hot(torch.tensor([0, 2]))
    tensor([[1, 0, 0],
            [0, 0, 1]])
    """
    require_tensors("one_hot", "input", tensor)
    classes = tensor.array
    if classes.dtype != np.int64:
        raise RuntimeError(
            f"one_hot is only applicable to index tensor of type LongTensor, got {tensor.dtype}; write tensor.long()"
        )
    if not classes.size and as_int(num_classes, "num_classes") <= 0:
        raise RuntimeError("Can not infer total number of classes from empty tensor.")
    count = int(compute(np.max, tensor).array) + 1 if num_classes == -1 else as_int(num_classes, "num_classes")
    if count > 2**62:
        raise RuntimeError(f"one_hot: Storage size calculation overflowed: {count} classes do not fit into memory")
    bad = first_out_of_range(classes, count)
    if (bad is not None and bad < 0) or count <= 0:
        raise RuntimeError(f"Class values must be non-negative, and num_classes positive, got {bad} and {num_classes}")
    if bad is not None:
        raise RuntimeError(f"Class values must be smaller than num_classes: got {bad} and {count}.")
    return (tensor.unsqueeze(-1) == wrap(arange_beside(classes, count))).long()


# ---- dropout --------------------------------------------------------------------------------------
def dropout(input: Tensor, p: float = 0.5, training: bool = True, inplace: bool = False) -> Tensor:
    """In training: each element 0 with probability `p`, divided by ``1 - p`` otherwise.

    Otherwise the input itself. Raises ValueError for p outside [0, 1].
    Source: Srivastava et al., "Dropout", 2014.

    >>> import minigrad as torch
    >>> torch.nn.functional.dropout(torch.ones(2), p=1.0)
    tensor([0., 0.])
    """
    require_tensors("dropout", "input", input)
    return _drop("dropout", input, input.array.shape, p, training, inplace)


def dropout1d(input: Tensor, p: float = 0.5, training: bool = True, inplace: bool = False) -> Tensor:
    """`dropout` of whole channels of (N, C, L) or (C, L). Raises RuntimeError for other shapes.

    >>> import minigrad as torch
    >>> torch.nn.functional.dropout1d(torch.ones(1, 1, 2), p=1.0)
    tensor([[[0., 0.]]])
    """
    require_tensors("dropout1d", "input", input)
    shape = input.array.shape
    if len(shape) not in (2, 3):
        raise RuntimeError(
            f"dropout1d: Expected 2D or 3D input, (C, L) or (N, C, L), but received a {len(shape)}D input of {shape}"
        )
    return _drop("dropout1d", input, (*shape[:-1], 1), p, training, inplace)


def alpha_dropout(input: Tensor, p: float = 0.5, training: bool = False, inplace: bool = False) -> Tensor:
    """`dropout` to SELU's lower limit instead of 0, scaled and shifted so that mean and variance stay 0 and 1.

    Source: Klambauer et al., "Self-Normalizing Neural Networks", 2017.

    >>> import minigrad as torch
    >>> torch.nn.functional.alpha_dropout(torch.ones(2), p=0.5)
    tensor([1., 1.])
    """
    require_tensors("alpha_dropout", "input", input)
    return _alpha_dropout("alpha_dropout", input, input.array.shape, p, training, inplace)


def check_chance(p: float) -> None:
    """Raises ValueError for a chance to drop that is not between 0 and 1."""
    if not 0.0 <= p <= 1.0:
        raise ValueError(f"dropout probability has to be between 0 and 1, but got {p}")


def _alpha_dropout(name: str, input: Tensor, shape: Any, p: float, training: bool, inplace: bool) -> Tensor:
    check_chance(p)
    if not training or p == 0.0 or not input.array.size:
        return input
    limit = -1.7580993408473766  # -alpha * scale of selu
    a = ((1 - p) * (1 + p * limit**2)) ** -0.5 if p < 1.0 else 0.0
    kept = _drop(name, input.detach() * 0 + 1, shape, p, True, False) * (1 - p)
    result = (input * kept + limit * (1 - kept)) * a - a * limit * p
    return assign(input, result, f"{name}_") if inplace else result


def dropout2d(input: Tensor, p: float = 0.5, training: bool = True, inplace: bool = False) -> Tensor:
    """`dropout` of whole channels of (N, C, H, W).

    >>> import minigrad as torch
    >>> torch.nn.functional.dropout2d(torch.ones(1, 1, 1, 2), p=1.0)
    tensor([[[[0., 0.]]]])
    """
    require_tensors("dropout2d", "input", input)
    shape = input.array.shape
    if len(shape) not in (3, 4):
        warn(f"dropout2d drops channels of (N, C, H, W), but got the shape {tuple(shape)}: dropout drops elements")
    elif len(shape) == 3:
        warn(f"dropout2d reads the shape {tuple(shape)} as (N, C, L): write dropout1d for that")
    return _drop("dropout2d", input, shape[:2] + (1,) * len(shape[2:]), p, training, inplace)


def feature_alpha_dropout(input: Tensor, p: float = 0.5, training: bool = False, inplace: bool = False) -> Tensor:
    """`alpha_dropout` of whole channels of (N, C, ...).

    >>> import minigrad as torch
    >>> torch.nn.functional.feature_alpha_dropout(torch.ones(1, 2, 2), p=0.5)
    tensor([[[1., 1.],
             [1., 1.]]])
    """
    require_tensors("feature_alpha_dropout", "input", input)
    if training and input.array.ndim < 2:
        raise RuntimeError(
            f"Feature dropout requires at least 2 dimensions in the input, (N, C, ...), got {list(input.array.shape)}"
        )
    channels = input.array.shape[:2] + (1,) * (input.array.ndim - 2)
    return _alpha_dropout("feature_alpha_dropout", input, channels, p, training, inplace)


def _draw_factors(array: Any, shape: Any, p: float) -> Any:
    """What a draw leaves: ``1 / (1 - p)`` or 0 for each element, or, of a smaller `shape`, for each map."""
    if shape != array.shape or 0 in array.strides:  # an expanded tensor in rows
        array = np.empty_like(array[tuple([slice(0, n) for n in shape])], order="C")
    dtype = array.dtype
    return draw_in_order(array, lambda source, s: source.bernoulli(1 - p, s, dtype).astype(dtype) / dtype.type(1 - p))


native_dropout = operation("native_dropout", lambda x, factors, *, made: made, lambda g, factors: g * factors, None)


def _drop_on_gpu(input: Tensor, p: float) -> Tensor | None:
    """`input` times what is drawn, in the order of its memory, both by one kernel; None where no generator has one."""
    array = input.array
    order = order_in_memory(array)
    near = _count_neighbours(array)

    def run() -> Any:
        drop: Any = getattr(source_of(None, array_module(array)), "drop", None)  # of the GPU that is selected
        return drop and drop(array.transpose(order), p, near)

    found = on_gpu_of(array, run)
    if found is None:
        return None
    made, factors = [x.transpose(np.argsort(order).tolist()) for x in found]  # in the axes' own order
    return native_dropout(input, wrap(factors), made=made)


def _count_neighbours(array: Any) -> int:
    """How many elements PyTorch's threads read at once: 16 bytes, if there are no gaps and their address allows it."""
    last = sum([(n - 1) * abs(step) for n, step in zip(array.shape, array.strides, strict=True)])
    near = 16 // array.itemsize if last + array.itemsize == array.nbytes else 1
    while address_of(array) % (near * array.itemsize):
        near //= 2
    return near


def _drop(name: str, input: Tensor, shape: Any, p: float, training: bool, inplace: bool) -> Tensor:
    """`input` with what a draw of `shape` leaves of it."""
    require_number(name, "p", p)
    require_bool(name, "training", training)
    check_chance(p)
    p = as_number(name, "p", p)
    if not training or p == 0.0 or not input.array.size:
        return input
    dtype = input.array.dtype
    if dtype.kind != "f" and p < 1.0:
        raise RuntimeError(f"{name} scales what it keeps, which {dtype} cannot hold; convert it with .float()")
    result = None
    if p < 1.0 and shape == input.array.shape and type(input.array) is not np.ndarray:
        result = _drop_on_gpu(input, p)
    if result is None:
        factors = _draw_factors(input.array, shape, p) if p < 1.0 else np.zeros(shape, dtype)
        result = input * wrap(to_device(factors, device_of(input.array)))
    return assign(input, result, f"{name}_") if inplace else result
