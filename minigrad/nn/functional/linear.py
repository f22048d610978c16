"""Linear maps, look-up tables and dropout."""

from __future__ import annotations

from typing import Any

import numpy as np

from minigrad import random
from minigrad.autograd.core import TensorBase, wrap
from minigrad.autograd.operation import operation
from minigrad.backend import array_module, device_of, quiet, to_device
from minigrad.ops.elementwise import not_a_tensor
from minigrad.ops.index import getitem, stray
from minigrad.ops.inplace import assign
from minigrad.tensor import Tensor


def _affine_forward(x: Any, w: Any, b: Any) -> Any:
    y = quiet(np.matmul, x, w.T)
    if b is not None:
        y += b
    return y


# x (n, in), w (out, in), b (out,) or None
_affine = operation(
    "addmm",
    _affine_forward,
    lambda g, w: g @ w,
    lambda g, x: np.swapaxes(g, 0, 1) @ x,
    lambda g: g,  # the engine sums over the batch
)


def linear(input: Tensor, weight: Tensor, bias: Tensor | None = None) -> Tensor:
    """``input @ weight.T + bias``.

    Shapes: input (..., in), weight (out, in) or (in,), bias (out,), output (..., out).
    Raises RuntimeError for shapes and dtypes that do not fit.

    >>> import minigrad as torch
    >>> torch.nn.functional.linear(torch.ones(2), torch.ones(1, 2), torch.ones(1))
    tensor([3.])
    """
    for position, (name, t) in enumerate((("input", input), ("weight", weight)), 1):
        if not isinstance(t, TensorBase):
            raise not_a_tensor("linear", name, position, t)
    x, w = input.array, weight.array
    if w.ndim != 2 or x.ndim == 0:
        product = input @ weight
        return product if bias is None else product + bias  # type: ignore[no-any-return]
    if x.shape[-1] != w.shape[1]:
        rows = x.size // max(x.shape[-1], 1)
        raise RuntimeError(
            f"mat1 and mat2 shapes cannot be multiplied ({rows}x{x.shape[-1]} and {w.shape[1]}x{w.shape[0]}): linear got an input of "
            f"shape {tuple(x.shape)}, whose last axis should have {w.shape[1]} entries; flatten or reshape it"
        )
    if x.dtype != w.dtype or (bias is not None and bias.array.dtype != w.dtype):
        raise RuntimeError(
            f"mat1 and mat2 must have the same dtype, but got {input.dtype} and {weight.dtype}; convert the input with .to(weight.dtype)"
        )
    if bias is not None and tuple(bias.array.shape) not in ((w.shape[0],), (1,), ()):
        raise RuntimeError(f"linear: expected a bias of shape ({w.shape[0]},), got {tuple(bias.array.shape)}")
    if x.ndim == 2:
        return _affine(input, weight, bias)  # type: ignore[no-any-return]
    flat = _affine(input.reshape(-1, x.shape[-1]) if x.size else input.reshape(int(np.prod(x.shape[:-1])), x.shape[-1]), weight, bias)
    return flat.reshape((*x.shape[:-1], w.shape[0]))  # type: ignore[no-any-return]


def bilinear(input1: Tensor, input2: Tensor, weight: Tensor, bias: Tensor | None = None) -> Tensor:
    """``out[o] = input1 @ weight[o] @ input2 + bias[o]``."""
    from minigrad.ops.einsum import einsum

    y = einsum("...i,oij,...j->...o", input1, weight, input2)
    return y if bias is None else y + bias  # type: ignore[no-any-return]


def embedding(
    input: Tensor, weight: Tensor, padding_idx: int | None = None, max_norm: float | None = None, norm_type: float = 2.0,
    scale_grad_by_freq: bool = False, sparse: bool = False,
) -> Tensor:
    """The rows of `weight` that `input` names: shape of input + (embedding_dim,).

    The row `padding_idx` gets no gradient. Raises IndexError for rows that are not there.
    """
    if not isinstance(input, TensorBase):
        raise not_a_tensor("embedding", "indices", 2, input)
    places = input.array
    if places.dtype not in (np.int64, np.int32):
        raise RuntimeError(f"Expected tensor for argument #1 'indices' to have one of the following scalar types: Long, Int; but got {input.dtype} instead")
    if weight.array.ndim != 2:
        raise RuntimeError(f"'weight' must be 2-D, got shape {list(weight.array.shape)}")
    rows = weight.array.shape[0]
    if padding_idx is not None and not -rows <= padding_idx < rows:
        raise AssertionError("Padding_idx must be within num_embeddings")
    bad = stray(places, rows)
    if bad is not None:
        raise IndexError(f"index out of range in self: embedding has rows 0 to {rows - 1}, got {bad}")
    if max_norm is not None:
        _renormalise(weight, places, max_norm, norm_type)
    found = getitem(weight, input)
    if padding_idx is None:
        return found  # type: ignore[no-any-return]
    padding = wrap((places == padding_idx % rows)[..., None])
    return found.where(padding.logical_not(), found.detach())  # type: ignore[no-any-return]


def _renormalise(weight: Any, places: Any, max_norm: float, norm_type: float) -> None:
    """Shorten, in place, the rows that are used and longer than `max_norm`."""
    used = np.unique(places)
    lengths = np.linalg.norm(weight.array[used], norm_type, axis=1, keepdims=True)
    weight.array[used] = np.where(lengths > max_norm, weight.array[used] * (max_norm / (lengths + 1e-7)), weight.array[used])
    weight.bump_version()


def one_hot(tensor: Tensor, num_classes: int = -1) -> Tensor:
    """A new last axis with a 1 at each class and 0 elsewhere, int64.

    >>> import minigrad as torch
    >>> torch.nn.functional.one_hot(torch.tensor([0, 2]))
    tensor([[1, 0, 0],
            [0, 0, 1]])
    """
    classes = tensor.array
    if classes.dtype != np.int64:
        raise RuntimeError(f"one_hot is only applicable to index tensor of type LongTensor, got {tensor.dtype}")
    if not classes.size and num_classes <= 0:
        raise RuntimeError("Can not infer total number of classes from empty tensor.")
    count = int(classes.max()) + 1 if num_classes == -1 else num_classes
    bad = stray(classes, count)
    if bad is not None and bad < 0:
        raise RuntimeError("Class values must be non-negative.")
    if count <= 0:
        raise RuntimeError("num_classes should be positive")
    if bad is not None:
        raise RuntimeError(f"Class values must be smaller than num_classes: got {bad} and {count}.")
    return (tensor.unsqueeze(-1) == wrap(array_module(classes).arange(count))).long()  # type: ignore[no-any-return]


def dropout(input: Tensor, p: float = 0.5, training: bool = True, inplace: bool = False) -> Tensor:
    """In training: each element 0 with probability `p`, divided by ``1 - p`` otherwise; else the input.

    Source: Srivastava et al., "Dropout", 2014.
    """
    return _dropped("dropout", input, input.array.shape, p, training, inplace)


def dropout2d(input: Tensor, p: float = 0.5, training: bool = True, inplace: bool = False) -> Tensor:
    """`dropout` of whole channels of (N, C, H, W)."""
    shape = input.array.shape
    return _dropped("dropout2d", input, shape[:2] + (1,) * (len(shape) - 2), p, training, inplace)


def _dropped(name: str, input: Any, shape: Any, p: float, training: bool, inplace: bool) -> Any:
    if not 0.0 <= p <= 1.0:
        raise ValueError(f"dropout probability has to be between 0 and 1, but got {p}")
    if not training or p == 0.0:
        return input
    if p == 1.0:
        kept = np.zeros(shape, input.array.dtype)
    else:
        kept = random.default_generator.bernoulli(1 - p, shape).astype(input.array.dtype) / input.array.dtype.type(1 - p)
    result = input * wrap(to_device(kept, device_of(input.array)))
    return assign(input, result, f"{name}_") if inplace else result
