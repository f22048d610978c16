"""What a gradient rule promises besides the right numbers: it is linear, writes into nothing, keeps to its own call."""

from __future__ import annotations

from typing import Any

import numpy as np

from minigrad.autograd.trial import GradcheckError, Trial, is_same, move_nearby
from minigrad.backend import copy_array

AGAIN = (
    "Backward gave another gradient when it ran again over the same call, for {}: the rule changed what it had saved. "
    "Compute into a new array"
)
STALE = (
    "A second call between forward and backward changed the gradient for {}: the rule reads a stale cache, what the "
    "last call left behind, and is wrong as soon as a layer is used twice. Keep what one call needs with that call: "
    "ctx.save_for_backward"
)
RANDOM = (
    "Backward is not reentrant, i.e., running it twice gave different gradients for {}: something is kept from one "
    "call to the next, or is random"
)


def check_promises(trial: Trial, cotangents: dict[int, Any]) -> None:
    """Refuse a rule that gives right numbers today and wrong ones in a larger graph, naming the promise it breaks."""
    check_zero(trial, cotangents)
    outputs = trial.outputs()
    first = trial.gradients(outputs, cotangents)
    expect_same(trial, first, trial.gradients(trial.outputs(), cotangents), RANDOM)
    expect_same(trial, first, trial.gradients(outputs, cotangents), AGAIN)
    call_elsewhere(trial, outputs)
    expect_same(trial, first, trial.gradients(outputs, cotangents), STALE)
    doubled = trial.gradients(outputs, {k: c * 2 for k, c in cotangents.items()})
    for i, g in first.items():
        if not trial.close(doubled[i], 2 * g):
            raise GradcheckError(
                f"Twice the gradient that arrives does not give twice the gradient for {trial.tell(i)}: a gradient "
                "rule must be linear in it"
            )


def check_zero(trial: Trial, cotangents: dict[int, Any]) -> None:
    """Nothing arrives, so nothing is passed on."""
    for i, g in trial.gradients(trial.outputs(), {k: c * 0 for k, c in cotangents.items()}).items():
        if np.any(g != 0):
            raise GradcheckError(
                f"backward not multiplied by grad_output: a zero cotangent gave the gradient {g.ravel()[:3]}... for "
                f"{trial.tell(i)}; a gradient rule must be linear in the gradient that arrives: the upstream gradient "
                "is missing"
            )


def call_elsewhere(trial: Trial, outputs: list[Any]) -> None:
    """Call the function near its inputs; refuse one that writes into the results of the call before."""
    kept = [copy_array(y.array) for y in outputs]
    trial.func(*[move_nearby(x, trial.draw, trial.eps) for x in trial.inputs])
    for number, (y, before) in enumerate(zip(outputs, kept, strict=True)):
        if not is_same(y, before):
            raise GradcheckError(
                f"A second call of the function wrote into output {number} of the first: return a new array."
            )


def expect_same(trial: Trial, first: dict[int, Any], second: dict[int, Any], complaint: str) -> None:
    """Refuse gradients that differ by more than `nondet_tol`."""
    for i, g in first.items():
        if not np.allclose(g, second[i], rtol=0, atol=trial.nondet_tol, equal_nan=True):
            by = np.abs(g - second[i]).max()
            raise GradcheckError(f"{complaint.format(trial.tell(i))}; they differ by {by:.3g}.")


def check_inputs_unmodified(trial: Trial) -> list[Any]:
    """The outputs; refuses a forward that writes into its inputs."""
    before = {i: copy_array(trial.inputs[i].array) for i in trial.checked}
    outputs = trial.outputs()
    for i, array in before.items():
        if not is_same(trial.inputs[i], array):
            raise GradcheckError(f"The function wrote into its {trial.tell(i)}; a derivative needs it unmodified.")
    return outputs


def check_constant(trial: Trial, outputs: list[Any]) -> None:
    """Outputs that need no gradient must not change with the inputs."""
    for number in range(len(outputs)):
        for i in trial.checked:
            if np.abs(trial.numerical(number, i)).max(initial=0.0) > trial.atol:
                raise GradcheckError(
                    f"Numerical gradient for function expected to be zero: output {number} needs no gradient, but "
                    f"changes with input {i}"
                )
