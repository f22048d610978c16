"""Checks of arguments, and the errors for wrong ones.

The annotations of a public function say which arguments are tensors, and which are bools: `of_tensors` and `takes_out`
read them once, so that a usual call pays for one test. Numbers and axes are checked where they are used, by the helpers
here: checking all arguments in a decorator was tried, and was slower (docs/decisions/0008).
"""

from __future__ import annotations

import functools
import inspect
import itertools
import sys
from collections.abc import Callable, Iterable, Mapping, Sequence
from operator import index
from types import MappingProxyType
from typing import Any, TypeAlias, TypeVar, overload

import numpy as np

from minigrad.autograd.core import TensorBase, plain_classes
from minigrad.autograd.failed_calls import FAILURES, explain_failure, leave_out_inner_calls
from minigrad.autograd.overriding import ask, find_operands, never_overriding
from minigrad.autograd.views import refresh
from minigrad.dtypes import NOT_COMPLEX, as_python
from minigrad.ops import complaints, lengths
from minigrad.ops.out import write_out
from minigrad.ops.writes import Manner, tensors_in
from minigrad.shown_values import show_value
from minigrad.size import is_index

F = TypeVar("F", bound=Callable[..., Any])
Dims: TypeAlias = int | Sequence[int] | None  # a `dim` of one axis, of several, or None for all
Lengths: TypeAlias = int | tuple[int, ...]  # one for all axes, or one for each
Operand: TypeAlias = Any  # a tensor or a number
Omissible: TypeAlias = Any  # a `dim` that may be omitted, for all elements, but not given as None


# ---- functions of tensors ------------------------------------------------------------------------
@overload
def of_tensors(function: F, **options: Any) -> F: ...
@overload
def of_tensors(**options: Any) -> Callable[[F], F]: ...
def of_tensors(
    function: Any = None, *, out: bool = False, error: type[Exception] = TypeError, axis_first: bool = False,
    spellings: Mapping[str, str] = MappingProxyType({}), **manner: Any,
) -> Any:  # fmt: skip
    """Decorates a public function: arguments annotated as Tensor are checked to be tensors, flags to be bools.

    `axis` and `keepdims`, NumPy's names, stand for `dim` and `keepdim`; `spellings` maps more such names to parameters.
    With `out=True` the keyword `out` names the tensor that receives the result. `error` is the class of the refusal.
    With `axis_first` a wrong axis is refused before a view that may not be read. Further keywords say in which `Manner`
    the result is written: ``@of_tensors(in_part=True)``.
    """
    if function is None:
        return functools.partial(of_tensors, out=out, error=error, axis_first=axis_first, spellings=spellings, **manner)
    signature, how = _Signature(function, error, spellings), Manner(**manner)
    needs_dim, first_flag, listed = signature.needs_dim, signature.first_flag, signature.listed
    takes_one, tensors = find_operands(function) == signature.tensors[:1], len(signature.tensors)

    @functools.wraps(function)
    def call(*args: Any, **kwargs: Any) -> Any:
        plain = args and args[0].__class__ in plain_classes
        if not (plain and takes_one):
            for x in (*args, *kwargs.values()) if kwargs else args:
                if x.__class__ not in never_overriding and (answer := ask(call, args, kwargs)) is not NotImplemented:
                    return answer
            if tensors > 1 or (tensors and not plain):
                complaints.check_tensors(signature, args, kwargs)
        if needs_dim and (args[1] if len(args) > 1 else kwargs.get("dim", 0)) is None:
            raise signature.no_dim()
        if len(args) > first_flag and (args[first_flag].__class__ is not bool or len(args) > first_flag + 1):
            args = signature.read_places(args)
        if kwargs:
            kwargs = signature.read_keywords(kwargs)
            args = signature.place_listed(args, kwargs) if listed in kwargs else args
        receiver = how.take_out(args, kwargs) if out and "out" in kwargs else None
        try:
            result = function(*args, **kwargs) if kwargs else function(*args)
        except IndexError as refused:
            raise explain_axis_error(refused, function.__name__, args, axis_first) from None
        except FAILURES as refused:
            explain_failure(refused, function, *["out"] * out)
            raise
        if receiver is None:
            return result
        return write_out(function.__name__, receiver, result, (*args, *kwargs.values()), how.cast, how.apart)

    call.manner = how  # type: ignore[attr-defined]
    return call


@overload
def takes_out(function: F, **manner: Any) -> F: ...
@overload
def takes_out(**manner: Any) -> Callable[[F], F]: ...
def takes_out(function: Any = None, **manner: Any) -> Any:
    """`of_tensors`, and a keyword `out`: the tensor that receives the result and is returned."""
    return of_tensors(function, out=True, **manner)


def explain_axis_error(error: IndexError, name: str, args: Sequence[Any], axis_first: bool) -> Exception:
    """The `error` of a wrong axis with the name of the function and the shape of its tensor.

    If the tensor is a view that may not be read after a write, the error for that instead: PyTorch checks views first,
    unless the function is composed of others, or has no gradient (`axis_first`).
    """
    operands = tensors_in(args[0]) if args else []  # those of a list, too
    try:
        for x in () if axis_first else operands:
            refresh(x)
    except RuntimeError as stale:
        return stale
    leave_out_inner_calls(error)
    words, told = str(error), "() of a tensor of shape "
    if operands and words.startswith("Dimension out") and words.endswith(")") and told not in words:
        error.args = (f"{words}: {name}{told}{tuple(operands[0].array.shape)}",)
    return error


class _Signature:
    """What the annotations of a function say of its tensors, its `dim` and its flags such as `keepdim`; read once."""

    def __init__(self, function: Callable[..., Any], error: type[Exception], spellings: Mapping[str, str]) -> None:
        innermost = inspect.unwrap(function)
        code, types = innermost.__code__, innermost.__annotations__ | {"self": "Tensor"}
        parameters = code.co_varnames[: code.co_argcount]
        self.function, self.error = function, error
        # the leading parameters that are tensors; `self` of a method is one
        self.tensors = list(itertools.takewhile(lambda name: types.get(name) == "Tensor", parameters))
        takes_several = code.co_flags & inspect.CO_VARARGS  # such as ``*dims``, which may be given by keyword too
        self.listed = code.co_varnames[code.co_argcount + code.co_kwonlyargcount] if takes_several else ""
        numpys = {"axis": "dim", "keepdims": "keepdim", "input": "A", **spellings}  # a matrix is an `input`, too
        self.spellings = {given: name for given, name in numpys.items() if name in types}
        self.needs_dim = types.get("dim") == "Omissible"
        self.flags = {name: kind for name, kind in types.items() if kind in ("bool", "bool | None")}
        # What may stay as it is given: an int as `dim`, bools as flags, all other names but those that stand for one.
        self.usual = {**dict.fromkeys(self.spellings), "dim": int, **dict.fromkeys(self.flags, bool)}
        self.flag_places = [(i, name) for i, name in enumerate(parameters) if name in self.flags]
        self.first_flag = self.flag_places[0][0] if self.flag_places else sys.maxsize

    def read_places(self, args: tuple[Any, ...]) -> tuple[Any, ...]:
        """The positional arguments, with flags as bools."""
        given = [*args]
        for place, name in self.flag_places:
            if place < len(given):
                given[place] = self._as_bool(name, given[place])
        return tuple(given)

    def read_keywords(self, kwargs: dict[str, Any]) -> dict[str, Any]:
        """The keyword arguments under PyTorch's names, with flags as bools and a 0-d tensor as `dim` as an int."""
        for given, value in kwargs.items():
            if value.__class__ is not self.usual.get(given, value.__class__):
                break
        else:  # nearly always
            return kwargs
        for given, value in [*kwargs.items()]:
            name = self.spellings.get(given, given)
            if name not in kwargs:
                kwargs[name] = kwargs.pop(given)
            if value.__class__ is not bool and name in self.flags:
                kwargs[name] = self._as_bool(name, value)
            elif name == "dim" and isinstance(value, TensorBase) and not value.array.ndim:
                kwargs[name] = index(value.array.item())
            elif name == "dim" and value.__class__ is bool:
                raise TypeError(f"{self.function.__name__}(): argument 'dim' must be int, not bool {value}")
        return kwargs

    def place_listed(self, args: tuple[Any, ...], kwargs: dict[str, Any]) -> tuple[Any, ...]:
        """The positional arguments, with ``*dims`` that were given by keyword; these are removed from `kwargs`."""
        tensors = [kwargs.pop(name) for name in self.tensors[len(args) :] if name in kwargs]
        return (*args, *tensors, kwargs.pop(self.listed))

    def no_dim(self) -> TypeError:
        """The error for ``dim=None`` where only an omitted `dim` means all elements."""
        detail = "must be int, not NoneType; leave it out for the whole"
        return TypeError(f"{self.function.__name__}(): argument 'dim' {detail}")

    def _as_bool(self, name: str, value: Any) -> Any:
        """`value` as a bool, or the None that its annotation allows. Raises TypeError for anything else."""
        if value is None and self.flags[name] != "bool":
            return value
        require_bools(self.function.__name__, **{name: value})
        return value


# ---- whole numbers, axes, sizes ------------------------------------------------------------------
def as_int(value: Any, name: str, bools: bool = False) -> int:
    """`value` as an int. Raises TypeError for everything that is no integer, and unless `bools` for a bool."""
    if type(value) is int:
        return value
    if not is_index(value) and not (bools and value.__class__ is bool):
        raise TypeError(f"{name} must be an int, got {show_value(value)}")
    return index(value)


def as_size(value: Any, name: str) -> int:
    """`as_int` where PyTorch takes a tensor of one integer whatever its axes: for sizes, and for dims in a tuple."""
    if isinstance(value, TensorBase) and value.array.size == 1 and value.array.dtype.kind in "iu":
        return int(value.array.item())
    return as_int(value, name)


def axis(dim: Any, ndim: int) -> int:
    """`dim` counted from the front. Raises IndexError when the tensor has no such dimension."""
    if type(dim) is int and -ndim <= dim < ndim:  # the usual case
        return dim % ndim
    position = as_int(dim, "dim")
    limit = max(ndim, 1)  # a 0-d tensor accepts dim 0 and -1
    if not -limit <= position < limit:
        known = f"[{-limit}, {limit - 1}]"
        raise IndexError(f"Dimension out of range (expected to be in range of {known}, but got {position})")
    return position % limit


def axes(dim: Any, ndim: int) -> tuple[int, ...] | None:
    """The dimensions to reduce over; None means all of them."""
    if dim is None:
        return None
    if type(dim) is int and ndim:  # the usual case
        return (axis(dim, ndim),)
    given = dim if isinstance(dim, (tuple, list)) else (dim,)
    found = tuple([axis(as_size(d, "dim"), ndim) for d in given])
    if len(set(found)) != len(found):
        twice = next(d for d in found if found.count(d) > 1)
        raise RuntimeError(f"dim {twice} appears multiple times in the list of dims {list(given)}")
    return found if found and ndim else None


def sizes(name: str, shape: tuple[Any, ...], parameter: str = "size") -> tuple[int, ...]:
    """The ints of ``f(2, 3)``, ``f((2, 3))`` or ``f(Size([2, 3]))``, which the function calls `parameter`."""
    if len(shape) == 1 and isinstance(shape[0], (tuple, list)):
        shape = tuple(shape[0])
    elif not shape:
        raise lengths.no_lengths(name)
    for length in shape:
        if length.__class__ is not int:
            break
    else:  # nearly always
        return shape
    if shape[0].__class__ is bool:  # as in PyTorch, which checks only the first
        raise lengths.not_lengths(name, shape, parameter)
    try:
        return tuple(map(index, shape))
    except TypeError:
        raise lengths.not_lengths(name, shape, parameter) from None


# ---- lengths along several axes, as of a kernel ---------------------------------------------------
def as_ints(name: str, parameter: str, given: Any, count: int, least: int) -> tuple[int, ...]:
    """`given` as `count` ints, one for each spatial axis.

    Raises TypeError for other types, RuntimeError for a wrong count or numbers below `least`.
    """
    numbers = (given,) * count if type(given) is int else given
    usual = type(numbers) is tuple and len(numbers) == count and {int}.issuperset(map(type, numbers))
    if usual and min(numbers) >= least:
        return numbers
    numbers = lengths.read_lengths(name, parameter, given, count)
    if min(numbers) < least:
        raise lengths.too_small(name, parameter, given, least)
    return numbers


def per_axis(value: Any, axes: int) -> tuple[Any, ...]:
    """`value` repeated for each of `axes` axes, unless it already has one value per axis."""
    several = isinstance(value, Iterable) and not isinstance(value, str) and getattr(value, "ndim", True)
    return tuple(value) if several else (value,) * axes


# ---- tensors and numbers, and the errors for other things ----------------------------------------
def read_tensors(name: str, tensors: Any, error: type[Exception] = TypeError) -> list[Any]:
    """The tensors of ``f(x, y)`` or ``f([x, y])``. Raises TypeError for anything else among them."""
    given = list(tensors[0] if len(tensors) == 1 and isinstance(tensors[0], (tuple, list)) else tensors)
    for position, x in enumerate(given, 1):
        if x.__class__ not in plain_classes and not isinstance(x, TensorBase):
            raise complaints.not_a_tensor(name, "tensors", position, x, error)
    return given


def require_tensor(name: str, parameter: str, position: int, value: Any) -> None:
    """Raises TypeError unless the value is a Tensor."""
    if value.__class__ not in plain_classes and not isinstance(value, TensorBase):
        raise complaints.not_a_tensor(name, parameter, position, value)


def require_tensors(name: str, parameters: str, *values: Any) -> None:
    """Raises TypeError unless the values are Tensors; a parameter written `bias?` may be None."""
    for place, x in enumerate(values):
        if x.__class__ not in plain_classes and not isinstance(x, TensorBase):
            parameter = parameters.split()[place]
            optional = parameter.endswith("?")
            if x is not None or not optional:
                raise complaints.not_a_tensor(name, parameter.rstrip("?"), place + 1, x, optional=optional)


def require_floats(name: str, input: Any, also: tuple[Any, ...] = ()) -> None:
    """Raises NotImplementedError for a tensor that is neither of floats nor of a dtype in `also`."""
    require_tensor(name, "input", 1, input)
    if input.array.dtype.kind != "f" and input.array.dtype not in also:
        raise complaints.not_implemented_for(name, input.array.dtype)


def require_bools(name: str, **flags: Any) -> None:
    """Raises TypeError unless the values are Python's True or False: PyTorch takes no others, not even NumPy's."""
    for parameter, value in flags.items():
        if value.__class__ is not bool:
            raise complaints.not_a_bool(name, parameter, value)


def require_number(name: str, parameter: str, value: Any) -> None:
    """Raises TypeError unless the value is a Python number or a tensor."""
    if not isinstance(value, (bool, int, float, np.number, np.bool_, TensorBase)):
        shown = show_value(value) + (f"; {NOT_COMPLEX}" if isinstance(value, complex) else "")
        raise TypeError(f"{name}(): argument '{parameter}' must be a number, not {shown}")


def as_number(name: str, parameter: str, value: Any) -> Any:
    """`value`, a number or a 0-d tensor, as a Python number. Raises TypeError for anything else."""
    if type(value) is float or type(value) is int:
        return value
    require_number(name, parameter, value)
    if isinstance(value, TensorBase) and (value.array.ndim or value.node is not None):
        raise complaints.is_no_number(name, parameter, value.array.shape)
    return value.array.item() if isinstance(value, TensorBase) else as_python(value)


def require_kind(name: str, dtype: Any, kinds: str = "f") -> None:
    """Raises NotImplementedError unless the kind of the dtype is among `kinds`, in NumPy's letters."""
    if dtype.kind not in kinds:
        raise complaints.not_implemented_for(name, dtype)


def common_shape(name: str, *shapes: tuple[int, ...]) -> tuple[int, ...]:
    """The shape to which tensors of these shapes broadcast. Raises RuntimeError if there is none."""
    try:
        return np.broadcast_shapes(*shapes)
    except ValueError:
        raise complaints.shapes_do_not_broadcast(name, *shapes) from None
