"""`check_gradients`: checks a hand-written gradient argument by argument, and names the mistake in a wrong one.

It takes a differentiable function, or a forward with a hand-written backward, on tensors or arrays. It also says what
the chosen inputs cannot show: with one image in the batch a forgotten sum over the batch stays hidden.
"""

from __future__ import annotations

import inspect
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from html import escape
from typing import Any

import numpy as np

from minigrad.autograd import Function, GradcheckError, gradcheck
from minigrad.autograd.complaints import name_the_arguments
from minigrad.course.blind_spots import find_blind_spots
from minigrad.course.comparing import as_array, describe_shapes, is_data, refuse_what_is_no_number
from minigrad.creation import tensor
from minigrad.dtypes import float64
from minigrad.tensor import Tensor

PLAIN_WORDS = {  # a phrase of gradcheck -> plainer words
    "backward not multiplied by grad_output: a zero cotangent gave": "it is not multiplied by g: for g = 0 it gives",
    "; a gradient rule must be linear in the gradient that arrives: the upstream gradient is missing": (
        ", where 0 is due"
    ),
    "Backward is not reentrant, i.e., running it twice": "called twice, it",
    "Backward wrote": "it wrote",
    "Twice the gradient that arrives does not give": "twice the g does not give",
}


@dataclass
class Report:
    """The result of a check: the arguments with right gradients, those with wrong ones, and what it cannot show."""

    right: list[str] = field(default_factory=list)
    wrong: dict[str, str] = field(default_factory=dict)
    blind: list[str] = field(default_factory=list)

    def __bool__(self) -> bool:
        return not self.wrong

    def __str__(self) -> str:
        lines = [f"right: the gradient of {name}" for name in self.right]
        lines += [f"wrong: the gradient of {name}: {complaint}" for name, complaint in self.wrong.items()]
        lines += [f"blind here: {sentence}" for sentence in self.blind]
        return "\n".join(lines)

    __repr__ = __str__

    def _repr_html_(self) -> str:
        return f'<pre style="font-family: monospace">{escape(str(self))}</pre>'


def check_gradients(
    forward: Callable[..., Any], inputs: Mapping[str, Any] | Sequence[Any],
    backward: Callable[..., Any] | None = None,
) -> Report:  # fmt: skip
    """Compares each gradient with finite differences of `forward` at `inputs`, in float64, and names the mistakes.

    `inputs` are tensors or arrays, by name or in order. Without `backward`, the gradients are those of the graph.
    With it, they are the results of ``backward(g, *inputs)``: one for each input, or a dict by name. Both functions
    get arrays if all `inputs` are arrays, else tensors.

    >>> import minigrad as torch
    >>> x = torch.tensor([1.0, 2.0, 3.0])
    >>> check_gradients(lambda x: x * x, {"x": x}, backward=lambda g, x: g * x)
    wrong: the gradient of x: this is the right gradient divided by 2 (2 is the 2 of a square's derivative)
    """
    names = list(inputs) if isinstance(inputs, Mapping) else name_the_arguments(forward, len(inputs))
    values = list(inputs.values()) if isinstance(inputs, Mapping) else list(inputs)
    points = [tensor(np.array(as_array(x), dtype=np.float64)) for x in values]
    report = Report()
    if backward is not None and all(isinstance(x, np.ndarray) for x in values):
        forward, backward = on_arrays(forward), on_arrays(backward)
    function = forward if backward is None else make_function(forward, backward, names)
    for i, name in enumerate(names):
        if backward is not None and not _gives_gradient(backward, forward, points, names, i):
            continue
        leaves = [p.detach().clone().requires_grad_(j == i) for j, p in enumerate(points)]
        try:
            gradcheck(function, leaves)
        except GradcheckError as error:
            report.wrong[name] = shorten(str(error), name)
        else:
            report.right.append(name)
    report.blind = find_blind_spots(dict(zip(names, map(as_array, points), strict=True)), forward(*points))
    return report


def on_arrays(function: Callable[..., Any]) -> Callable[..., Any]:
    """`function` of tensors, which passes their arrays on."""
    return lambda *tensors: function(*[x.detach().numpy() for x in tensors])


def make_function(forward: Callable[..., Any], backward: Callable[..., Any], names: Sequence[str]) -> Any:
    """A differentiable function of tensors, made of `forward` and `backward`."""

    class ByHand(Function):
        @staticmethod
        def forward(ctx: Any, *operands: Any) -> Any:
            ctx.save_for_backward(*operands)
            return as_tensor(forward(*[x.detach() for x in operands]))

        @staticmethod
        def backward(ctx: Any, g: Any) -> Any:
            operands = [x.detach() for x in ctx.saved_tensors]
            returned = by_name(backward(g, *operands), names)
            found = []
            for name, x in zip(names, operands, strict=True):
                gradient = returned.get(name)
                if gradient is not None and (
                    complaint := refuse_gradient(gradient, x, dict(zip(names, operands, strict=True)))
                ):
                    raise GradcheckError(complaint)
                found.append(None if gradient is None else as_tensor(gradient))
            return tuple(found)

    positional = [inspect.Parameter(name, inspect.Parameter.POSITIONAL_ONLY) for name in ("ctx", *names)]
    ByHand.forward.__signature__ = inspect.Signature(positional)  # type: ignore[attr-defined]  # for the messages
    return ByHand.apply


def by_name(returned: Any, names: Sequence[str]) -> dict[str, Any]:
    """The results of a backward by the names of the arguments."""
    if isinstance(returned, Mapping):
        return dict(returned)
    parts = returned if isinstance(returned, (tuple, list)) else (returned,)
    if len(parts) != len(names):
        detail = f"one is due for each of {', '.join(names)}, in this order"
        raise GradcheckError(f"backward returned {len(parts)} gradients; {detail}")
    return dict(zip(names, parts, strict=True))


def refuse_gradient(gradient: Any, x: Any, operands: Mapping[str, Any]) -> str | None:
    """A complaint about a value that cannot be a gradient of `x`: no numbers, not finite, or another shape."""
    if isinstance(gradient, tuple):
        things = "a tuple of one" if len(gradient) == 1 else f"{len(gradient)} things"
        return f"it returned {things}, where one gradient is due"
    if complaint := refuse_what_is_no_number(gradient):
        return complaint
    array, due = as_array(gradient), tuple(x.shape)
    if array.shape != due:
        cure = _describe_gradients_shape(array.shape, due)
        owners = [name for name, operand in operands.items() if tuple(operand.shape) == array.shape]
        if owners and cure in ("", ": off by one"):
            cure = f": it is that of {' and '.join(owners)}"
        return f"it has the shape {array.shape}; a gradient has the shape of its argument, here {due}{cure}"
    if array.dtype.kind in "biu" and array.size and is_data(gradient):
        return f"it returned whole numbers ({array.dtype}), which lose what stands behind the point"
    if not np.isfinite(array).all():
        return f"{int((~np.isfinite(array)).sum())} of its {array.size} numbers are nan or inf"
    return None


def _describe_gradients_shape(given: tuple[int, ...], due: tuple[int, ...]) -> str:
    """The probable reason for a gradient's wrong shape: it is never off by one along every axis."""
    cure = describe_shapes(given, due)
    off_by_one = cure.endswith("off by one")
    if (not given or not cure or off_by_one) and _can_be_sum(given, due):
        return ": was it summed over the right axes?"
    if off_by_one and not any(a == b for a, b in zip(given, due, strict=True)):
        return ": was it summed over the right axes?" if len(due) == 1 else ""
    return cure


def _can_be_sum(given: tuple[int, ...], due: tuple[int, ...]) -> bool:
    """Whether a sum over some axes of the shape `due` has the shape `given`, with or without those axes."""
    if len(given) == len(due):
        return all(a in (1, b) for a, b in zip(given, due, strict=True))
    axes = iter(due)
    return len(given) < len(due) and all(a in axes for a in given)


def as_tensor(answer: Any) -> Tensor:
    """An answer as a float64 tensor, copied unless it is one already."""
    return answer if isinstance(answer, Tensor) else tensor(as_array(answer), dtype=float64)


def shorten(text: str, name: str) -> str:
    """The message of gradcheck for a student: the mistake if it has a name, else the worst place."""
    _, found, mistake = text.partition("The likely mistake: ")
    if found:
        return mistake.rstrip(".").removeprefix(f"the gradient of {name} is ")
    text = re.sub(rf",? ?\(?for input \d+ \({re.escape(name)}\)\)?", "", text)
    for word, plain in PLAIN_WORDS.items():
        text = text.replace(word, plain)
    lines = text.splitlines()
    if not text.startswith("Jacobian mismatch"):
        return " ".join(lines)
    _, where, numerical, analytical, *rest = lines
    place = where[where.index("index") :].rstrip(":").replace(" (value", f" of {name} (value", 1)
    slopes = f"finite differences give {numerical.split()[-1]}, the rule gives {analytical.split()[-1]}"
    return " ".join([f"it is wrong most at {place}: {slopes}.", *rest])


def _gives_gradient(
    backward: Callable[..., Any], forward: Callable[..., Any], points: Sequence[Any], names: Sequence[str], i: int
) -> bool:
    """Does `backward` give a gradient for argument i?"""
    g = as_tensor(forward(*points)).detach() * 0 + 1
    try:
        return by_name(backward(g, *[p.detach() for p in points]), names).get(names[i]) is not None
    except GradcheckError:
        return True  # the check itself reports what is wrong
