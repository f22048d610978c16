"""The error texts of `gradcheck`: which check failed, where the Jacobian differs most, and the probable reason.

Imported when the first check fails. `mistakes.py` finds the probable mistake.
"""

from __future__ import annotations

import inspect
from collections.abc import Sequence
from typing import Any

import numpy as np

from minigrad.autograd import mistakes
from minigrad.autograd.case import Case
from minigrad.autograd.function import Function
from minigrad.autograd.gradcheck import Trial, call, is_float
from minigrad.autograd.recording import Operation
from minigrad.backend import copy_array, device_of, quiet, to_device
from minigrad.devices import CPU

SEVERAL = 8  # outputs in which a kink at one element of the input is looked for
BROKEN = {  # {}: the input
    "zero for zero": "backward not multiplied by grad_output: a zero cotangent gave the gradient {found}... for {}; a "
    "gradient rule must be linear in the gradient that arrives: the upstream gradient is missing",
    "the same for another call": "Backward is not reentrant, i.e., running it twice gave different gradients for {}: "
    "something is kept from one call to the next, or is random; they differ by {by:.3g}.",
    "the same when asked again": "Backward gave another gradient when it ran again over the same call, for {}: the "
    "rule changed what it had saved. Compute into a new array; they differ by {by:.3g}.",
    "the same after a call elsewhere": "A second call between forward and backward changed the gradient for {}: the "
    "rule reads a stale cache, what the last call left behind, and is wrong as soon as a layer is used twice. Keep "
    "what one call needs with that call: ctx.save_for_backward.",
    "twice for twice": "Twice the gradient that arrives does not give twice the gradient for {}: a gradient rule must "
    "be linear in it",
}


def describe_flags(check_backward_ad: bool) -> str:
    """The error for flags of `gradcheck` that leave nothing to check, or contradict each other."""
    if not check_backward_ad:
        return "Expected at least one of check_forward_ad or check_backward_ad to be True"
    return "Setting check_batched_forward_grad=True requires check_forward_ad to be True"


def describe_repetition(trial: Trial, first: dict[int, Any]) -> str:
    """The error for gradients that were not the `first` ones again: of a new call, when asked again, or after it."""
    fresh = call(trial.func, trial.inputs)
    once, again = [trial.gradients(trial.cotangents, fresh) for _ in range(2)]
    for promise, found in (("the same for another call", once), ("the same when asked again", again)):
        for i, due in first.items():
            if not np.allclose(found[i], due, 0.0, trial.nondet_tol, equal_nan=True):
                return tell_promise(trial, promise, i, found[i], due)
    late = trial.gradients(trial.cotangents)
    i = max(first, key=lambda i: np.abs(late[i] - first[i]).max(initial=0.0))
    return tell_promise(trial, "the same after a call elsewhere", i, late[i], first[i])


def describe_nonlinearity(trial: Trial, number: int, i: int) -> str:
    """The error for a gradient of input `i` that is not linear in what arrives at the output; "" if it is.

    Also "" for one that is infinite or NaN, of which it cannot be told.
    """
    cotangent = trial.cotangents[number]
    once, zero, twice = [trial.gradients({number: factor * cotangent})[i] for factor in (1, 0, 2)]
    if not np.isfinite(once).all():
        return ""
    if zero.any():
        return tell_promise(trial, "zero for zero", i, zero, 0)
    if not np.allclose(twice, 2 * once, trial.rtol, trial.atol):
        return tell_promise(trial, "twice for twice", i, twice, 2 * once)
    return ""


def tell_promise(trial: Trial, promise: str, i: int, found: Any, due: Any) -> str:
    """The words for a gradient of input `i` that is `found` instead of `due`."""
    first = [float(f"{number:.4g}") for number in found.ravel()[:3].tolist()]
    return BROKEN[promise].format(tell_input(trial, i), found=first, by=np.abs(found - due).max())


def describe_write(what: str, trial: Trial, place: int) -> str:
    """The error for a write into the tensor at `place` among the inputs, the outputs or the saved values."""
    if what == "outputs of the first call":
        return f"A second call of the function wrote into output {place} of the first: return a new array."
    if place >= len(trial.checked):
        return (
            "Backward wrote into the gradient that arrives (by out=g, or g *= 2): others still read it, so that "
            "f(x) + x would get a wrong gradient. Compute into a new array: g * 2."
        )
    name = tell_input(trial, [*trial.checked][place])
    if what == "inputs of the function":
        return f"The function wrote into its {name}; a derivative needs it unmodified."
    return f"Backward wrote into {name}; others still read it: compute into a new array."


def describe_change(outputs: Sequence[Any], moved: Sequence[Any]) -> str:
    """The error for an output that has another shape or dtype beside the inputs, or for another number of outputs."""
    if len(outputs) != len(moved):
        return f"Expected the function to return as many outputs beside the inputs, {len(outputs)}: got {len(moved)}"
    pairs = enumerate(zip(outputs, moved, strict=True))
    number, (here, beside) = next((n, (x, y)) for n, (x, y) in pairs if (x.shape, x.dtype) != (y.shape, y.dtype))
    what = "dtype" if here.shape == beside.shape else "shape"
    return (
        f"Expected the function to return outputs with the same {what} when inputs are perturbed: output {number} has "
        f"{what} {getattr(here, what)}, beside the inputs {getattr(beside, what)}"
    )


def describe_mismatch(trial: Trial, number: int, i: int, analytical: Any, numerical: Any) -> str:
    """The error for a wrong Jacobian: the worst element, and the reason, a kink or the likely mistake."""
    told = describe_nonlinearity(trial, number, i)
    if told:
        return told
    error = np.nan_to_num(np.abs(analytical - numerical), nan=np.inf)
    row, column = map(int, np.unravel_index(int(error.argmax()), error.shape))
    array, output_shape = trial.inputs[i].array, trial.outputs[number].array.shape
    index = tuple(map(int, np.unravel_index(row, array.shape)))
    place = tuple(map(int, np.unravel_index(column, output_shape)))
    name = tell_input(trial, i).removeprefix(f"input {i}").strip()
    text = (
        f"Jacobian mismatch for output {number} with respect to input {i},\n{name}{', ' if name else ''}worst at input "
        f"index {index} (value {float(array[index]):.6g}), output index {place}:\n"
        f"numerical: {numerical[row, column]:.8g}\nanalytical: {analytical[row, column]:.8g}"
    )
    if not np.isfinite(analytical).all():
        return f"{text}\nThe gradient is not finite there: check the function inside of its domain, away from the ends."
    wrong = np.flatnonzero(error[row] > trial.atol + trial.rtol * np.abs(numerical[row]))
    for one in [column, *wrong[:SEVERAL].tolist()]:  # of equal numbers that are sorted, some places alone show it
        kink = describe_kink(trial, number, i, index, one)
        if kink:
            return text + kink
    return text + tell_mistake(trial, number, i, analytical, numerical)


def describe_kink(trial: Trial, number: int, i: int, index: tuple[int, ...], column: int) -> str:
    """The text for different slopes on both sides of an element, which is a kink; "" if they agree."""
    array = trial.inputs[i].array
    step = np.zeros(array.shape)
    step[index] = trial.eps
    values = [trial.call_beside(i, s)[number].ravel()[column] for s in (-step, 0 * step, step)]
    left, right = quiet(np.divide, quiet(np.diff, values), trial.eps).tolist()
    if abs(right - left) <= 0.01 * max(abs(right), abs(left), trial.atol * 100):
        return ""
    return (
        f"\nThe function has a kink there: its slope is {left:.4g} to the left and {right:.4g} to the right, so no "
        "gradient is right or wrong. Check it away from that point."
    )


def tell_mistake(trial: Trial, number: int, i: int, analytical: Any, numerical: Any) -> str:
    """The probable mistake in words; "" if none is found."""
    shape = (*trial.inputs[i].array.shape, *trial.outputs[number].array.shape)
    case = Case(
        wrong=analytical.reshape(shape),
        right=numerical.reshape(shape),
        operands=[np.array(to_device(x.array, CPU)) if is_float(x) else None for x in trial.inputs],
        names=name_the_arguments(trial.func, len(trial.inputs)),
        which=i,
        slope_at=lambda values, j, direction: find_slope_at(trial, number, values, j, direction),
    )
    mistake = mistakes.name_the_mistake(case)
    return f"\nThe likely mistake: {mistake}." if mistake else ""


def find_slope_at(trial: Trial, number: int, values: Sequence[Any], i: int, direction: Any) -> Any:
    """The derivative of output `number` along a direction of input `i`, at other operands; NaN if that raises."""
    before = {j: copy_array(x.array) for j, x in enumerate(trial.inputs) if values[j] is not None}
    try:
        for j in before:
            trial.inputs[j].array[...] = to_device(values[j], device_of(trial.inputs[j].array))
        with np.errstate(all="ignore"):  # an operand made of zeros may divide by them
            return trial.slope(number, i, direction)
    except Exception:  # noqa: BLE001 - the function takes no such operands: no mistake of this kind
        return np.full(trial.outputs[number].array.shape, np.nan)
    finally:
        for j, array in before.items():
            trial.inputs[j].array[...] = array


def tell_input(trial: Trial, i: int) -> str:
    """An input in words: "input 0 (x)", if the function's signature has its name."""
    name = name_the_arguments(trial.func, len(trial.inputs))[i]
    return name if name == f"input {i}" else f"input {i} ({name})"


def name_the_arguments(func: Any, count: int) -> list[str]:
    """The parameter names of a function; for a `Function` those of its forward without ctx."""
    owner = getattr(func, "__self__", None)
    skipped = 0
    if isinstance(owner, type) and issubclass(owner, Function):
        skipped = int(owner.setup_context is Function.setup_context)  # ctx
        func = owner.forward
    elif isinstance(func, Operation):
        func = func.forward
    try:
        parameters = list(inspect.signature(func).parameters.values())[skipped:]
    except (TypeError, ValueError):
        parameters = []
    named = [p.name for p in parameters if p.kind in (p.POSITIONAL_ONLY, p.POSITIONAL_OR_KEYWORD)]
    return [named[i] if i < len(named) else f"input {i}" for i in range(count)]
