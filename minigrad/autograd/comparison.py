"""Gradients by rule beside slopes by differences: the whole Jacobian or one direction; where they differ, and why.

The cotangent is random: all ones cannot tell a permuted gradient from the right one, and compares 0 with 0 for softmax
and normalisations.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from minigrad.autograd.promises import check_constant, check_inputs_unmodified, check_promises
from minigrad.autograd.trial import GradcheckError, Trial, host, is_float


def compare(trial: Trial, check: Callable[[Trial, int, int, Any], None]) -> None:
    """Try each output against each input, after what a rule promises for all of them."""
    outputs = check_inputs_unmodified(trial)
    if not any(y.node is not None for y in outputs):
        check_constant(trial, outputs)
        return
    shapes = {number: y.array.shape for number, y in enumerate(outputs) if y.node is not None}
    cotangents = {number: trial.draw.standard_normal(shape) for number, shape in shapes.items()}
    check_promises(trial, cotangents)
    for number, cotangent in cotangents.items():
        for i in trial.checked:
            check(trial, number, i, cotangent)


def check_direction(trial: Trial, number: int, i: int, cotangent: Any) -> None:
    """<cotangent, J direction> both ways: two evaluations and one backward, whatever the size."""
    direction = trial.draw.standard_normal(trial.inputs[i].array.shape)
    direction /= max(float(np.linalg.norm(direction)), 1e-300)
    numerical = float(np.vdot(cotangent, trial.slope(number, i, direction)))
    analytical = float(np.vdot(trial.gradients(trial.outputs(), {number: cotangent})[i], direction))
    if not trial.close(analytical, numerical):
        check_jacobian(trial, number, i, cotangent)  # says where; a kink may not show along another direction
        raise GradcheckError(
            f"Jacobian mismatch for output {number} with respect to input {i} along a random direction:\n"
            f"numerical: {numerical:.8g}\nanalytical: {analytical:.8g}"
        )


def check_jacobian(trial: Trial, number: int, i: int, _: Any) -> None:
    """Element by element."""
    analytical, numerical = trial.analytical(number, i), trial.numerical(number, i)
    if not trial.close(analytical, numerical):
        raise GradcheckError(describe_mismatch(trial, number, i, analytical, numerical))


def describe_mismatch(trial: Trial, number: int, i: int, analytical: Any, numerical: Any) -> str:
    """Where a Jacobian is worst, and why: a kink of the function there, or the likely mistake."""
    error = np.nan_to_num(np.abs(analytical - numerical), nan=np.inf)
    row, column = map(int, np.unravel_index(int(error.argmax()), error.shape))
    array, output_shape = trial.inputs[i].array, trial.outputs()[number].array.shape
    index = tuple(map(int, np.unravel_index(row, array.shape)))
    place = tuple(map(int, np.unravel_index(column, output_shape)))
    name = trial.tell(i).removeprefix(f"input {i}").strip()
    text = (
        f"Jacobian mismatch for output {number} with respect to input {i},\n{name}{', ' if name else ''}worst at input "
        f"index {index} (value {float(array[index]):.6g}), output index {place}:\n"
        f"numerical: {numerical[row, column]:.8g}\nanalytical: {analytical[row, column]:.8g}"
    )
    kink = describe_kink(trial, number, i, index, column)
    return text + (kink or name_the_mistake(trial, number, i, analytical, numerical))


def describe_kink(trial: Trial, number: int, i: int, index: tuple[int, ...], column: int) -> str:
    """What the slopes to either side of an element say; "" where they agree."""
    array = trial.inputs[i].array
    step = np.zeros(array.shape)
    step[index] = trial.eps
    below, here, above = (trial.moved(array, s, number).ravel()[column] for s in (-step, 0 * step, step))
    left, right = (here - below) / trial.eps, (above - here) / trial.eps
    if abs(right - left) <= 0.01 * max(abs(right), abs(left), trial.atol * 100):
        return ""
    return (
        f"\nThe function has a kink there: its slope is {left:.4g} to the left and {right:.4g} to the right, so no "
        "gradient is right or wrong. Check it away from that point."
    )


def name_the_mistake(trial: Trial, number: int, i: int, analytical: Any, numerical: Any) -> str:
    """What was probably done wrong, in words; "" where nothing fits."""
    from minigrad.autograd import mistakes  # opened only for a wrong gradient
    from minigrad.autograd.case import Case

    shape = (*trial.inputs[i].array.shape, *trial.outputs()[number].array.shape)
    case = Case(
        wrong=analytical.reshape(shape),
        right=numerical.reshape(shape),
        operands=[host(x).copy() if is_float(x) else None for x in trial.inputs],
        names=trial.names,
        which=i,
        slope_at=lambda values, j, direction: trial.slope_at(number, values, j, direction),
    )
    mistake = mistakes.name_the_mistake(case)
    return f"\nThe likely mistake: {mistake}." if mistake else ""
