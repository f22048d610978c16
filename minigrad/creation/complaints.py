"""The errors for nested lists that hold something else than numbers, or numbers of no shape."""

from __future__ import annotations

from typing import Any

import numpy as np

from minigrad.dtypes import NOT_COMPLEX


def no_number(x: Any, is_first: bool, wanted: Any) -> Exception:
    """The error for what is no number, perhaps the first thing in a list, where the type `wanted` may be given."""
    error: type[Exception] = RuntimeError
    if isinstance(x, str) and is_first:
        error = ValueError
    elif isinstance(x, (str, bytes, list, tuple, np.ndarray)) or wanted is not None:
        error = TypeError
    what = NOT_COMPLEX if isinstance(x, (complex, np.complexfloating)) else "a tensor holds numbers"
    kind = type(x).__name__
    refused = f"Could not infer dtype of {kind}"
    if isinstance(x, (str, bytes)):
        refused = f"too many dimensions {kind!r}" if error is ValueError else f"new(): invalid data type {kind!r}"
    return error(f"{refused}: {what}, got {_describe(x)}")


def no_list(x: Any, length: int, depth: int) -> TypeError:
    """The error for a number beside a list."""
    return TypeError(f"not a sequence: expected a list of {length} at depth {depth}, beside others, got {_describe(x)}")


def ragged(length: int, depth: int, got: int) -> ValueError:
    """The error for a list that is shorter or longer than the one before it."""
    hint = "pad the shorter lists, or keep a list of tensors, which nn.utils.rnn.pad_sequence makes one"
    return ValueError(
        f"expected sequence of length {length} at dim {depth} (got {got}): the nested lists are ragged; {hint}"
    )


def ragged_arrays(shape: tuple[int, ...], depth: int, got: tuple[int, ...]) -> Exception:
    """The error for an array of shape `got` where one is due that fills the axes of `shape` from `depth` on."""
    wanted = shape[depth:]
    if len(got) != len(wanted):
        return ValueError(f"expected sequences of equal length at dim {depth}: an array of shape {wanted}, got {got}")
    axis = next(i for i, (n, m) in enumerate(zip(wanted, got, strict=True)) if n != m)
    words = f"expected sequence of length {wanted[axis]} at dim {depth + axis} (got {got[axis]})"
    return ValueError(f"{words}: the arrays of a list have one shape, got {wanted} and {got}")


def too_deep(most: int) -> ValueError:
    """The error for lists within lists without end."""
    return ValueError(f"too many dimensions 'list': an array has at most {most}; does a list hold itself?")


def several_elements(array: Any, wanted: Any) -> Exception:
    """The error for a tensor of several elements, or of none, in the place of a number."""
    hint = f"got one of shape {tuple(array.shape)}; minigrad.stack joins tensors, with their gradients"
    error = ValueError if (wanted or array.dtype).kind == "f" else TypeError
    return error(f"only one element tensors can be converted to Python scalars, {hint}")


def _describe(x: Any) -> str:
    """The text for a value in an error: its repr, or its type if that is long."""
    shown = repr(x)
    return shown if len(shown) < 60 else f"a {type(x).__name__}"
