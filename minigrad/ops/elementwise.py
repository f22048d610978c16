"""How an elementwise operation is made and called: promote, compute, record. The tables of operations use it.

A fast path serves the usual call, on tensors of one dtype and Python numbers; everything else (mixed dtypes, integer
operands of real-valued functions) goes through `promote_arrays` first.
"""

from __future__ import annotations

import functools
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any, TypeVar

import numpy as np
from numpy import ndarray

from minigrad import dtypes, passes
from minigrad.autograd import core
from minigrad.autograd.core import Tensor, TensorBase, is_array, plain_classes, value_of
from minigrad.autograd.failed_calls import check_same_library
from minigrad.autograd.node import Rule
from minigrad.autograd.overriding import ask
from minigrad.autograd.recording import Operation, operation
from minigrad.backend import SILENT, WARNINGS, are_on_one_gpu, quiet
from minigrad.half_precision import FLOAT32, is_wide, round_once
from minigrad.ops import complaints
from minigrad.ops.describe import describe, rename
from minigrad.ops.device import move_scalars
from minigrad.ops.out import write_out
from minigrad.passes import in_parts

if TYPE_CHECKING:
    from minigrad.ops.signatures import Binary, Unary

F = TypeVar("F", bound=Callable[..., Any])

NUMPY_TWINS: dict[Any, Callable[..., Any]] = {}  # NumPy's function -> ours, for NumPy's dispatch protocols

NO_OPTIONS: dict[str, Any] = {}
INT64 = np.dtype(np.int64).char  # NumPy's letter of the type that a Python int also has
REAL, SAME, TRUTH = "real", "same", "truth"  # the result's dtype: float, the promoted one, or bool


ELEMENTWISE: list[Operation] = []  # all operations that compute each element from the operands' elements alone
on_declared: list[Callable[[Operation], None]] = []  # called with each one declared later, such as by `gpu/served.py`


def elementwise(name: str, forward: Callable[..., Any], *rules: Rule | None, **options: Any) -> Operation:
    """Declares an operation that computes each element of its result from the operands' elements at the same index.

    The `options` are those of `operation`.
    """
    made = operation(name, forward, *rules, **options)
    made.elementwise = True
    ELEMENTWISE.append(made)
    for act in on_declared:
        act(made)
    return made


def unary(
    name: str, forward: Callable[..., Any], rule: Rule | None, formula: str = "", example: str = "", *,
    domain: str = "", result: str = REAL, refuses: str = "", refusal: str = "", in_float32: bool = False,
    cast: bool = False, gradient: str = "",
) -> Unary:  # fmt: skip
    """An operation of one tensor. With `result=REAL`, integers are computed as the default float.

    `refuses` names the kinds of dtypes that the operation does not take, as NumPy spells them ("fiub"); `refusal`
    tells of these. `in_float32` is that of `operation`, `cast` that of `write_out`; real results may always be cast.
    The docstring is made of the formula, its domain, the source of the rule (or `gradient`, a formula for it), and the
    example.
    """
    made = elementwise(name, forward, rule, in_float32=in_float32)
    compute = None if is_wide(made.forward) else made.forward  # None leaves the choice to the operation
    by_parts = functools.partial(in_parts, made.forward)
    real = result is REAL
    usual = None if "f" in refuses else FLOAT32  # computed as it is

    def call(input: Tensor, *, out: Tensor | None = None) -> Tensor:
        plain = input.__class__ in plain_classes
        if not plain and (answer := complaints.ask_or_refuse(call, (input,), {"out": out})) is not NotImplemented:
            return answer
        a = input.array
        if a.dtype is not usual:
            if real and a.dtype.kind != "f":
                a = _as_type(a, dtypes.get_default_dtype().numpy)
            elif a.dtype.kind in refuses:
                raise RuntimeError(refusal) if refusal else complaints.not_implemented_for(name, a.dtype)
        large = a.__class__ is ndarray and a.size >= passes.LARGE
        tensor: Tensor = made.call((input,), (a,), NO_OPTIONS, by_parts if large else compute)
        return tensor if out is None else write_out(name, out, tensor, (input,), cast or real)

    text = describe(name, formula, domain, result, (rule,), example, gradient)
    return publish(call, made, forward, text, example)


def binary(
    name: str, forward: Callable[..., Any], input_rule: Rule | None, other_rule: Rule | None, formula: str = "",
    example: str = "", *, domain: str = "", result: str = SAME, numbers: str = "either", refuses: str = "",
    check: Callable[[Any, Any], None] | None = None, shown: str | None = None, float32_number: bool = False,
    gradients: tuple[str, ...] = (),
) -> Binary:  # fmt: skip
    """An operation of two broadcastable operands, at least one of them a tensor.

    `numbers` says which operand may be a Python number: "both", "either", "other" or "none". `refuses` names the kinds
    of dtypes that the operation does not take ("fiub"); `check` may refuse operands with an error of its own. `shown`
    is the name in ``grad_fn=<...>`` where it is not made of `name`.
    A number is converted to the tensor's type. With `float32_number`, a number (or a tensor of one) to the right of a
    float16 tensor is converted to float32 instead, and only the result is rounded to float16.
    """
    made = elementwise(name, forward, input_rule, other_rule, shown=shown)
    kinds = "".join([kind for kind in ("f" if result is REAL else "fiub") if kind not in refuses])
    rounded = round_once(forward) if float32_number else None
    promotion = _Promotion(made, kinds, numbers, result is REAL, check, rounded)
    text = describe(name, formula, domain, result, (input_rule, other_rule), example, *gradients)
    function = publish(_function_of_two(promotion), made, forward, text, example)
    function.promotion, function.takes_numbers = promotion, numbers in ("both", "either")
    return function


def as_operator(function: Any, symbol: str, next_asked: str = "", numbers: str | None = None) -> Binary:
    """`function`, made by `binary`, for a method: what it does not know may answer by its own method `next_asked`.

    Errors name the operator by its `symbol`.

    ``x + y`` then calls ``y.__radd__(x)``, and ``items += x`` adds to a list. For ``2 + x`` Python calls
    ``x.__radd__(2)``, where the first must be a tensor: `numbers` is "other".
    """
    p = function.promotion
    known = p.made, p.kinds, numbers or p.numbers, p.real, p.check, p.rounded
    return _function_of_two(_Promotion(*known, next_asked, symbol))


def _function_of_two(promotion: _Promotion) -> Binary:
    """The public function of a binary operation: promote the operands where they need it, compute, record."""
    made, kinds = promotion.made, promotion.kinds
    name, forward, usual = made.name, made.forward, FLOAT32 if "f" in kinds else None
    by_parts, is_ufunc = functools.partial(in_parts, forward), isinstance(forward, np.ufunc)
    takes_first, takes_second = promotion.takes_number(0), promotion.takes_number(1)

    def call(input: Any, other: Any, *, out: Tensor | None = None) -> Tensor:
        a: Any = input.array if input.__class__ in plain_classes else input
        b: Any = other.array if other.__class__ in plain_classes else other
        if a is input and b is other and (is_array(a) or is_array(b)) and not isinstance(input, TensorBase):
            raise complaints.not_a_tensor(name, "input", 1, input)  # arrays, or an array and a number, but no tensor
        array, ready = a, False
        if a.__class__ is ndarray is b.__class__:
            dtype = a.dtype
            ready = dtype is b.dtype and (dtype is usual or dtype.kind in kinds)
        elif type(b) is float or type(b) is int:
            char = a.dtype.char if type(a) is ndarray else "?"
            is_integral = char == INT64 and type(b) is int and "i" in kinds and abs(b) < 2**31  # larger: refused
            ready = takes_second and (is_integral or char in "fd")
            if ready and (is_integral or (b and is_ufunc)):
                b = make_0d(b, char)
        elif type(a) is float or type(a) is int:
            ready, array = takes_first and type(b) is ndarray and b.dtype.char in "fd", b
        if ready:
            compute = forward if array.size < passes.LARGE else by_parts
        else:
            told = getattr(core.result_class, name, call)  # the method, for its operator and its function, too
            if (answer := ask(told, (input, other), {"out": out})) is not NotImplemented:
                return answer
            try:
                compute, (input, other), (a, b) = promotion.promote(input, other)
            except TypeError as refused:
                return promotion.leave_or_refuse(input, other, refused)
        try:
            tensor: Tensor = made.call((input, other), (a, b), NO_OPTIONS, compute)
        except (ValueError, MemoryError):
            raise complaints.shapes_do_not_broadcast(name, a, b) from None
        return tensor if out is None else write_out(name, out, tensor, (input, other), cast=True)

    return call


@functools.lru_cache(maxsize=1024)
def make_0d(number: float, char: str) -> Any:
    """A number as a 0-d array, with which NumPy is quicker. Not for 0.0: it and -0.0 would be one key of the cache."""
    return quiet(np.array, number, char)


class _Promotion:
    """How a binary operation brings two operands to one type and one device.

    `kinds` are those of the dtypes that are computed, as NumPy spells them, `numbers` tells which operand may be a
    Python number, `real` whether integers are computed as the default float, and `rounded` is the forward of float16
    and a float32 number. An operator's method also has its `symbol`, for errors, and `next_asked`: the method by which
    Python asks the other operand, where this one returns NotImplemented.
    """

    def __init__(
        self, made: Operation, kinds: str, numbers: str, real: bool, check: Callable[[Any, Any], None] | None,
        rounded: Callable[..., Any] | None, next_asked: str = "", symbol: str = "",
    ) -> None:  # fmt: skip
        self.made, self.kinds, self.numbers, self.real, self.check = made, kinds, numbers, real, check
        self.rounded, self.next_asked, self.symbol = rounded, next_asked, symbol

    def takes_number(self, position: int) -> bool:
        """Whether this operand may be a Python number if the other one is a tensor of floats without a cast."""
        return "f" in self.kinds and self.numbers in ("either", "both", ("input", "other")[position])

    def promote(self, input: Any, other: Any) -> tuple[Any, Sequence[Any], Sequence[Any]]:
        """The function to compute with, the operands, and their values in one type and on one device."""
        if self.check is not None:
            self.check(input, other)
        a, b = value_of(input), value_of(other)
        if self.are_ready_on_gpu(a, b):
            return self.made.forward, (input, other), (a, b)
        if (a.__class__ is ndarray) is not (b.__class__ is ndarray) and is_array(a) and is_array(b):
            input, other = move_scalars(input, other)  # one is on a GPU
        self._refuse_numbers(input, other)
        a, b = promote_arrays(self.made.name, (input, other), self.real, self.numbers == "both")
        if a.dtype.kind not in self.kinds:
            raise complaints.not_implemented_for(self.made.name, a.dtype)
        if self.rounded is not None and a.dtype.char == "e" and is_array(a) and b.size == 1:
            number = _as_type(value_of(other), FLOAT32)
            return self.rounded, (input, other if isinstance(other, TensorBase) else number), (a, number)
        return self.made.forward, (input, other), (a, b)

    def leave_or_refuse(self, input: Any, other: Any, refused: TypeError) -> Any:
        """NotImplemented where `other` may answer an operator; else raises what tells of the wrong operand."""
        return complaints.leave_or_refuse(self.next_asked, self.symbol, input, other, refused, self.numbers == "other")

    def are_ready_on_gpu(self, a: Any, b: Any) -> bool:
        """Whether operands on one GPU need no promotion: equal dtypes, or a float array and a Python number."""
        if type(b) is float or type(b) is int:
            return self.takes_number(1) and are_on_one_gpu(a) and a.dtype.char in "fd"
        if type(a) is float or type(a) is int:
            return self.takes_number(0) and are_on_one_gpu(b) and b.dtype.char in "fd"
        return are_on_one_gpu(a, b) and a.dtype is b.dtype and a.dtype.kind in self.kinds

    def _refuse_numbers(self, *operands: Any) -> None:
        """Refuse a number in the place of an operand that must be a tensor."""
        tensors = {"other": 1, "none": 2}.get(self.numbers, 0)
        for position, x in enumerate(operands[:tensors]):
            if not isinstance(x, TensorBase) and not is_array(x):
                raise complaints.not_a_tensor(self.made.name, ("input", "other")[position], position + 1, x)


def publish(call: Any, made: Operation, forward: Any, text: str, example: str) -> Any:
    """Give `call` its operation's name, a docstring and an example, and answer NumPy's function `forward` with it."""
    call.__module__ = "minigrad"  # where pickle finds it
    call.operation = made  # which the plan of a recorded call names
    call.example = example
    if isinstance(forward, np.ufunc):
        NUMPY_TWINS.setdefault(forward, call)
    return rename(call, made.name, text)


def twin_of(numpy_function: Any) -> Callable[[F], F]:
    """Declare a function to be what `numpy_function` means for Tensors."""

    def declare(function: F) -> F:
        NUMPY_TWINS[numpy_function] = function
        return function

    return declare


def promote_arrays(name: str, operands: tuple[Any, ...], real: bool = False, numbers: bool = False) -> list[Any]:
    """The operands' arrays in their common dtype by PyTorch's rule; numbers become fitting ones.

    Raises TypeError for what is neither tensor nor number, RuntimeError for mixed devices.
    """
    values = []
    for position, x in enumerate(operands):
        if isinstance(x, TensorBase):
            values.append(x.array)
        elif is_array(x) or isinstance(x, (bool, int, float, np.number, np.bool_)):
            # a memory map or a matrix counts as the array that it is
            values.append(np.asarray(x) if isinstance(x, ndarray) else dtypes.as_python(x))
        else:
            raise complaints.not_a_tensor(name, ("input", "other")[min(position, 1)], position + 1, x)
    if not numbers and not any(is_array(v) for v in values):
        raise complaints.not_a_tensor(name, "input", 1, operands[0])
    check_same_library(name, values, operands)
    common = _common_with_arrays(operands, values, real) or dtypes.result_type(values)
    if common.kind == "i" and {v.dtype.kind for v in values if is_array(v)} == {"b"}:  # a number makes it int64
        dtypes.check_numbers(values)
    common = dtypes.get_default_dtype().numpy if real and common.kind != "f" else common
    return [_as_type(v, common) for v in values]


def _common_with_arrays(operands: Sequence[Any], values: Sequence[Any], real: bool) -> Any:
    """NumPy's common dtype where an operand is its array: PyTorch leaves that call to NumPy. Else None."""
    if WARNINGS.get() is SILENT or not any(isinstance(x, ndarray) for x in operands):  # or a gradient rule asks
        return None
    common = dtypes.from_numpy(np.result_type(*values)).numpy
    return np.dtype(np.float64) if real and common.kind != "f" else common


def _as_type(value: Any, dtype: Any) -> Any:
    """An array in a dtype; a number as a NumPy scalar, which needs no transfer to a GPU. Integers wrap around."""
    if is_array(value):
        order = "C" if 0 in value.strides else "K"  # an expanded tensor in row-major order
        return quiet(value.__class__.astype, value, dtype, order, copy=False)
    if dtype.kind in "iu" and isinstance(value, int):
        dtypes.check_64_bits(value)
        return dtypes.wrap_around(value, dtype)
    return quiet(dtype.type, value)
