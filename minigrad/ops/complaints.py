"""The words of the errors for arguments: operands that are no tensors or do not fit, flags, and indices."""

from __future__ import annotations

import itertools
import re
import sys
from math import prod
from typing import Any

import numpy as np

from minigrad.autograd.core import TensorBase, plain_classes, value_of
from minigrad.autograd.failed_calls import find_written, name_failed_call
from minigrad.autograd.overriding import ask
from minigrad.dtypes import NOT_COMPLEX, SCALAR_TYPES, from_numpy
from minigrad.shown_values import shorten, show_value


# ---- no tensor -----------------------------------------------------------------------------------
def type_name(x: Any) -> str:
    """The name of a value's type as users write it: ``list``, ``numpy.ndarray``."""
    kind = type(x)
    return kind.__name__ if kind.__module__ == "builtins" else f"{kind.__module__}.{kind.__name__}"


def may_answer(operand: Any, method: str) -> bool:
    """Whether an operand that is no tensor answers an operator itself: a class of its own, or a list by ``+=``."""
    if isinstance(operand, (TensorBase, np.ndarray, np.generic)):
        return False
    return hasattr(type(operand), method) and (method == "__iadd__" or type(operand).__module__ != "builtins")


def not_a_tensor(
    name: str, parameter: str, position: int, got: Any, error: type[Exception] = TypeError, optional: bool = False
) -> Exception:
    """The error for an argument that should be a Tensor, or that may be left out as it is `optional`."""
    what = f"{name}(): argument '{parameter}' (position {position}) must be Tensor, not {type_name(got)}"
    if optional and isinstance(got, (int, float, str)):
        return error(f"{what}; give one, or leave it out and write the options after it by name: option={got!r}")
    return error(f"{what}; {how_to_give_a_tensor(got, name)}")


def ask_or_refuse(
    function: Any, args: tuple[Any, ...], options: dict[str, Any] | None = None, names: tuple[str, ...] = ("input",)
) -> Any:
    """What a class or a mode that overrides ``function(*args, **options)`` answers, or NotImplemented.

    Raises TypeError if nobody overrides it and the arguments `names`, which come first, are no tensors.
    """
    answer = ask(function, args, options or {})
    for place, name in enumerate(names):
        if answer is NotImplemented and not isinstance(args[place], TensorBase):
            raise not_a_tensor(function.__name__, name, place + 1, args[place])
    return answer


def check_tensors(signature: Any, args: tuple[Any, ...], kwargs: dict[str, Any]) -> None:
    """Raises for an argument that the `signature` calls a tensor and is none; a missing one is Python's own error."""
    for x in args[: len(signature.tensors)]:
        if x.__class__ not in plain_classes:
            break
    else:  # nearly always
        if len(args) >= len(signature.tensors):
            return
    for place, name in enumerate(signature.tensors):
        x = args[place] if place < len(args) else kwargs.get(name, signature)
        if x.__class__ not in plain_classes and x is not signature and not isinstance(x, TensorBase):
            raise not_a_tensor(signature.function.__name__, name, place + 1, x, signature.error)


def no_operand(
    symbol: str, left: Any, right: Any, refused: TypeError | None = None, reflected: bool = False
) -> TypeError:
    """The error for an operator between a tensor and what is none, in Python's words; `reflected` exchanges the two.

    Where there are only tensors, arrays and numbers, or there is no operator, it is what `refused` them already.
    """
    known = (TensorBase, np.ndarray, np.generic, int, float) if refused else TensorBase
    foreign = [x for x in (left, right) if not isinstance(x, known)]
    if refused and not (symbol and foreign):
        return refused
    left, right = (right, left) if reflected else (left, right)
    symbol = find_written("@=") or symbol if symbol == "@" else symbol
    names = [type_name(x) if isinstance(x, np.ndarray) else type(x).__name__ for x in (left, right)]
    hint = _how_to_give_an_operand(foreign[0])
    return TypeError(f"unsupported operand type(s) for {symbol}: '{names[0]}' and '{names[1]}'; {hint}")


def leave_or_refuse(
    method: str, symbol: str, left: Any, right: Any, refused: TypeError | None = None, reflected: bool = False
) -> Any:
    """NotImplemented where `right` may answer the operator by its `method`; else raises the error of `no_operand`."""
    if may_answer(right, method):
        return NotImplemented
    raise no_operand(symbol, left, right, refused, reflected) from None


def _how_to_give_an_operand(got: Any) -> str:
    if got is None:
        return "a function without a return statement gives None, and so does .grad before backward()"
    if isinstance(got, (str, bytes)):
        return "a text holds no numbers; float(text) reads one"
    if isinstance(got, (int, float, np.generic)):
        return f"a product with a number is written x * {got}"
    if isinstance(got, (list, tuple, range, dict, complex)) or hasattr(got, "parameters"):
        return how_to_give_a_tensor(got)
    if callable(got) and not isinstance(got, type):
        return f"{getattr(got, '__name__', 'it')} is a function: call it, with brackets, for its result"
    return "give a tensor or a number"


def how_to_give_a_tensor(got: Any, name: str = "") -> str:
    """What to write in place of a value that should be a Tensor, given to the function `name`."""
    hint = "wrap it with minigrad.tensor(...)"
    if isinstance(got, np.ndarray):
        hint = "turn it into one with minigrad.from_numpy(...), which shares its memory"
    elif isinstance(got, (complex, np.complexfloating)):
        hint = NOT_COMPLEX
    elif isinstance(got, str):
        hint = "a text holds no numbers; if it is meant as an option, write the option's name before it"
    elif got is None:
        hint = "a function without a return statement gives None"
    elif isinstance(got, dict):
        hint = "pass one of its values" + (f", for example that of {next(iter(got))!r}" if got else "")
    elif hasattr(got, "_fields"):  # a named tuple, as max(dim) returns
        hint = f"it holds {len(got)} tensors: pass one of them, {' or '.join(f'.{field}' for field in got._fields)}"
    elif isinstance(got, tuple) and len(got) == 2 and isinstance(got[0], str) and isinstance(got[1], TensorBase):
        hint = "it is a name with its tensor, as of named_parameters(): pass the tensor alone, as of parameters()"
    elif isinstance(got, (list, tuple)) and got and isinstance(got[0], str):
        hint = "texts hold no numbers: give each name a number, for example sorted(set(names)).index(name)"
    elif isinstance(got, (list, tuple)) and any(isinstance(x, TensorBase) for x in got):
        hint = f"it holds tensors: pass one of its {len(got)} elements{_how_to_make_one_of(got)}"
    elif getattr(got, "__name__", None) == "parameters" and callable(got):
        hint = "write net.parameters(), with the brackets"
    elif hasattr(got, "parameters"):
        hint = "a module is no tensor: call it with one, or write .parameters() for its tensors"
    elif not isinstance(got, set) and any(getattr(x, "__name__", None) == name for x in vars(type(got)).values()):
        hint = f"a function in a class's body becomes its method: write staticmethod({name}) there"
    return hint


def _how_to_make_one_of(got: Any) -> str:
    """The rest of a hint for a list or a tuple that holds tensors: they are joined, or are what a layer returned."""
    shapes = [tuple(x.array.shape) if isinstance(x, TensorBase) else None for x in got]
    if None not in shapes and len({*shapes}) == 1:
        return ", or join them with minigrad.stack"
    if isinstance(got, tuple) and len(got) == 2 and shapes[0]:
        has_cells = isinstance(got[1], tuple)
        if has_cells or (shapes[1] and shapes[1][-1] == shapes[0][-1]):  # as a recurrent layer returns
            states = "(h, c)" if has_cells else "h"
            return f"; a layer that returns a pair is called on its own, not by Sequential: out, {states} = layer(x)"
    return ""


def not_a_bool(name: str, parameter: str, got: Any) -> TypeError:
    """The error for an argument that should be a Python bool; an axis in its place belongs to `dim`."""
    hint = ""
    if parameter == "keepdim" and isinstance(got, int):
        hint = f"; a function of several axes takes them as one argument: dim=(i, {got})"
    return TypeError(f"{name}(): argument '{parameter}' must be bool, not {show_value(got)}{hint}")


def as_flag(name: str, parameter: str, value: Any) -> bool:
    """`value` as a bool, for the flags that PyTorch only asks for their truth; its error for several numbers, named."""
    try:
        return bool(value)
    except (RuntimeError, ValueError) as refused:
        words = str(refused).partition(" ambiguous")[0]
        told = f"{name}() takes True or False as '{parameter}', not {show_value(value)}"
        raise type(refused)(f"{words} ambiguous: {told}") from None


def is_no_number(name: str, parameter: str, shape: tuple[int, ...]) -> TypeError:
    """The error for a tensor in the place of a number, where no gradient would reach it."""
    hint = "; reduce it" if shape else " that requires a gradient, which would not reach it; give x.item()"
    return TypeError(f"{name}(): argument '{parameter}' must be a number, not a Tensor of shape {tuple(shape)}{hint}")


# ---- dtypes --------------------------------------------------------------------------------------
def not_implemented_for(name: str, dtype: Any, hint: str = "", takes_floats: bool = False) -> NotImplementedError:
    """The error for a dtype that an operation does not support; `hint` names what may have been meant.

    `takes_floats` says that of the floats only halves are refused.
    """
    of_floats = "with .float()" if takes_floats else "with .long() or .bool()"
    remedy = {"f": of_floats, "b": "with .float() or .long()"}.get(dtype.kind, "with .float()")
    kind = SCALAR_TYPES.get(dtype.name, dtype.name.capitalize())
    return NotImplementedError(f"\"{name}\" not implemented for '{kind}'; convert the tensor first, {remedy}{hint}")


def cannot_be_cast(result: Any, wanted: Any, detail: str) -> RuntimeError:
    """The error for a result of one NumPy dtype that is to have another one."""
    got, own = SCALAR_TYPES.get(result.name, result.name), SCALAR_TYPES.get(wanted.name, wanted.name)
    return RuntimeError(f"result type {got} can't be cast to the desired output type {own}: {detail}")


_OF_A_MASK = "is not supported. If you are trying to invert a mask, use the `~` or `logical_not()` operator instead."
BOOL_NEGATED = f"Negation, the `-` operator, on a bool tensor {_OF_A_MASK}"


def no_difference(both: bool) -> RuntimeError:
    """The error for a difference of which `both` operands, or only one, are of dtype bool."""
    rest = f"a bool tensor {_OF_A_MASK}"
    if both:
        rest = "two bool tensors is not supported. Use the `^` or `logical_xor()` operator instead."
    return RuntimeError(f"Subtraction, the `-` operator, with {rest}")


# ---- indices -------------------------------------------------------------------------------------
_INDEX_WORDS = {  # of NumPy and CuPy -> PyTorch's
    r"out of bounds for axis": "out of bounds for dimension",
    r"too many indices for array: array is (\d+)-dimensional, but": r"too many indices for tensor of dimension \1:",
    r"boolean index did not match indexed array along axis (\d+); size of axis is (\d+) but size of .* axis is (\d+)":
        r"The shape of the mask does not match the shape of the indexed tensor at index \1: it has \3 there, not \2",
    r"indexing arrays could not": "indexing tensors could not",
}  # fmt: skip


def no_such_element(error: IndexError, doing: str) -> IndexError:
    """The error for an index, in PyTorch's words, with the shape; for ``loss.data[0]`` of old programs, the cure."""
    words = str(error).rstrip()
    words = words[:1].lower() + words[1:]  # CuPy's begin with a capital
    for theirs, ours in _INDEX_WORDS.items():
        words = re.sub(theirs, ours, words)
    if words.startswith("too many indices") and doing.endswith("shape ()"):
        words = "invalid index of a 0-dim tensor. Use `tensor.item()` in Python to convert a 0-dim tensor to a number"
    return IndexError(f"{words} ({doing})")


def no_such_dim(error: Exception, name: str, dim: Any, shape: tuple[int, ...]) -> Exception:
    """The error for an axis that the method `name` is asked for, which is no int or not there."""
    if isinstance(error, TypeError):
        return TypeError(f"{name}(): argument 'dim' (position 1) must be int, not {show_value(dim)}")
    if not shape:
        return IndexError(f"{name}(): Dimension specified as {dim} but tensor has no dimensions")
    return IndexError(f"{error}: {name}() of a tensor of shape {shape}")


# ---- shapes --------------------------------------------------------------------------------------
def shapes_do_not_broadcast(name: str, *operands: Any) -> Exception:
    """The error for operands of incompatible shapes, naming the axis; of others the ValueError that is being handled.

    A hook of the user's may have raised it while the call was recorded.
    """
    shapes = [x if type(x) is tuple else tuple(getattr(value_of(x), "shape", ())) for x in operands]
    for left, right in itertools.combinations(shapes, 2):
        for place in range(-1, -min(len(left), len(right)) - 1, -1):  # counted from the last axis
            m, n = left[place], right[place]
            if m != n and 1 not in (m, n):
                where = max(len(left), len(right)) + place
                return RuntimeError(
                    f"The size of tensor a ({m}) must match the size of tensor b ({n}) at "
                    f"non-singleton dimension {where}: {name} got shapes {left} and {right}. Sizes "
                    "must be equal, or 1, counted from the last axis."
                )
    handled = sys.exception()
    if isinstance(handled, MemoryError):
        name_failed_call(handled, name)
    if str(handled).startswith(("iterator is too large", "array is too big")):  # for the pointers of this machine
        common = [max(lengths) for lengths in itertools.zip_longest(*map(reversed, shapes), fillvalue=1)]
        return RuntimeError(f"Storage size calculation overflowed with sizes={common[::-1]}")
    if isinstance(handled, ValueError):
        return handled
    return RuntimeError(f"{name}: shapes {', '.join(map(str, shapes))} do not fit together")


def check_same_dtype(name: str, input: Any, part: str, x: Any) -> None:
    """Raises RuntimeError unless `x` has the dtype of `input`."""
    if x.array.dtype != input.array.dtype:
        kinds = [from_numpy(t.array.dtype).name for t in (input, x)]
        hint = f"convert one of them, for example input.to({part}.dtype) ({name})"
        raise RuntimeError(f"Input type ({kinds[0]}) and {part} type ({kinds[1]}) should be the same; {hint}")


def no_list_of_lengths(name: str, size: Any) -> TypeError:
    """The error for a `size` that is one value in place of a list."""
    cure = f"; write ({size},)" if isinstance(size, int) else ""
    return TypeError(f"{name}(): argument 'size' must be tuple of ints, not {show_value(size)}{cure}")


def does_not_fit(have: tuple[int, ...], wanted: tuple[int, ...]) -> RuntimeError:
    """The error for a tensor of shape `have` that cannot be reshaped to `wanted`."""
    if min(wanted, default=0) < -1:
        return RuntimeError(f"invalid shape dimension {min(wanted)} in {shorten(list(wanted))}")
    if wanted.count(-1) > 1:
        return RuntimeError(f"only one dimension can be inferred, got {shorten(list(wanted))}")
    if -1 in wanted and not prod(have):
        detail = "because the unspecified dimension size -1 can be any value and is ambiguous"
        return RuntimeError(f"cannot reshape tensor of 0 elements into shape {shorten(list(wanted))} {detail}")
    size = f"{prod(have)}: a tensor of shape {have} has {prod(have)} elements"
    return RuntimeError(f"shape '{shorten(list(wanted))}' is invalid for input of size {size}")


def is_no_view(have: tuple[int, ...], wanted: tuple[int, ...]) -> RuntimeError:
    """The error for a shape under which the elements cannot be seen without a copy."""
    hint = "(at least one dimension spans across two contiguous subspaces). Use .reshape(...) instead"
    got = f"a tensor of shape {have}, whose elements do not lie in this order, cannot be seen as {wanted}"
    return RuntimeError(f"view size is not compatible with input tensor's size and stride {hint}: {got}.")


def cannot_expand(have: tuple[int, ...], wanted: tuple[int, ...]) -> RuntimeError:
    """The error for a tensor of shape `have` that is not repeated to `wanted`, in PyTorch's words for each case."""
    what, new = f"cannot expand shape {tuple(have)} to {shorten(wanted)}", len(wanted) - len(have)
    if new < 0:
        need = f"must be greater or equal to the number of dimensions in the tensor ({len(have)})"
        return RuntimeError(f"expand: the number of sizes provided ({len(wanted)}) {need}: {what}")
    for place in reversed(range(len(wanted))):  # as PyTorch looks for it
        size, there = wanted[place], have[place - new] if place >= new else 1
        if place < new and size == -1:
            where = f"isn't allowed in a leading, non-existing dimension {place}"
            return RuntimeError(f"The expanded size of the tensor (-1) {where}: {what}")
        if size not in (there, -1) and there != 1:
            must = f"must match the existing size ({there}) at non-singleton dimension {place}"
            target = f"Target sizes: {shorten(list(wanted))}.  Tensor sizes: {list(have)}"
            return RuntimeError(f"The expanded size of the tensor ({size}) {must}.  {target}")
    return RuntimeError(f"The expanded size of the tensor must be the existing size where that is not 1: {what}")


def does_not_permute(ndim: int, order: tuple[int, ...]) -> RuntimeError:
    """The error for an `order` of axes that is none of a tensor with `ndim` axes."""
    once = f"dims must name each of the {ndim} dimensions once, got {list(order)}"
    if len(order) == ndim:
        return RuntimeError(f"permute(): duplicate dims are not allowed: {once}")
    ie = f"input.dim() = {ndim} is not equal to len(dims) = {len(order)}"
    words = "number of dimensions in the tensor input does not match the length of the desired ordering of dimensions"
    return RuntimeError(f"permute(): {words} i.e. {ie}: {once}")


def do_not_multiply(a: Any, b: Any) -> Exception:
    """The error for two arrays that cannot be multiplied, in PyTorch's words for their ranks."""
    if not a.ndim or not b.ndim:
        return RuntimeError(f"both arguments to matmul need to be at least 1D, but they are {a.ndim}D and {b.ndim}D")
    if a.dtype != b.dtype:
        types = f"{a.dtype} != {b.dtype}; convert one with .to(other.dtype)"
        return RuntimeError(f"expected m1 and m2 to have the same dtype, but got: {types}")
    if a.dtype.kind == "b":
        return not_implemented_for("matmul", a.dtype)
    which, n = ("last but one", b.shape[-2]) if b.ndim > 1 else ("only", b.shape[0])
    k = a.shape[-1]
    rows = a.size // max(k, 1)
    detail = f"the last axis of the first ({k}) must equal the {which} axis of the second ({n})"
    words = f"mat1 and mat2 shapes cannot be multiplied ({rows}x{k} and {n}x{b.shape[-1]})"
    if b.ndim == 1 and a.ndim == 1:
        words = f"inconsistent tensor size, expected tensor [{k}] and src [{n}] to have the same number of elements"
    elif b.ndim == 1:
        words = f"size mismatch, got input ({rows}), mat ({rows}x{k}), vec ({n})"
    elif b.ndim > 2:
        count = prod(common_batch(a, b))
        words = f"Expected size for first two dimensions of batch2 tensor to be: [{count}, {k}] but got: [{count}, {n}]"
    return RuntimeError(f"{words}: shapes {tuple(a.shape)} and {tuple(b.shape)}, {detail}")


def common_batch(a: Any, b: Any) -> tuple[int, ...]:
    """The shape of the batch of ``a @ b``; that of `b` where the two do not broadcast."""
    try:
        return np.broadcast_shapes(a.shape[:-2], b.shape[:-2])
    except ValueError:
        return tuple(b.shape[:-2])


def no_index(array: Any) -> TypeError:
    """The error for a tensor of floats or of several elements where one integer is due, as in a list's brackets."""
    cure = "int(...) rounds it"
    if array.size != 1:
        cure = "a list takes one index: [names[i] for i in x.tolist()] takes several"
    got = f"got {from_numpy(array.dtype)} of shape {tuple(array.shape)}; {cure}"
    return TypeError(f"only integer tensors of a single element can be converted to an index, {got}")
