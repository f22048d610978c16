"""Prints tensors as PyTorch does: `format_array` for plain arrays, `format_tensor` with dtype, grad_fn and so on.

All numbers of a tensor have the same notation and width, chosen from the largest and the smallest magnitude. Source:
the text that PyTorch 2.13 prints (https://docs.pytorch.org/docs/stable/generated/torch.set_printoptions.html);
`tests/data/printing.json` holds samples of it.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from types import SimpleNamespace
from typing import Any

import numpy as np

from minigrad import dtypes
from minigrad.autograd import core
from minigrad.backend import Array, device_of, to_device
from minigrad.devices import CPU

# In force; `print_options.py` sets others. `precision` counts digits, tensors of more than `threshold` elements are
# summarized, and without a `sci_mode` each tensor's range decides.
options = SimpleNamespace(precision=4, threshold=1000, edgeitems=3, linewidth=80, sci_mode=None)


def format_tensor(tensor: Any) -> str:
    """The text of a tensor: `tensor([1., 2.], requires_grad=True)`, with the name of a user's own class in front."""
    cls, where = type(tensor), device_of(tensor.array)
    name = "tensor" if cls.__module__.partition(".")[0] == "minigrad" else cls.__name__
    place = [] if where.type == "cpu" else [f"device='{where}'"]
    try:
        origin = "requires_grad=True" if tensor.is_leaf else f"grad_fn=<{tensor.grad_fn.name()}>"
    except RuntimeError:  # an invalid view after a write, whose grad_fn cannot be computed
        origin = "grad_fn=<Invalid>"
    return format_array(to_device(tensor.array, CPU), place, [origin] if tensor.requires_grad else [], f"{name}(")


def format_array(
    array: Array, first: Sequence[str] = (), last: Sequence[str] = (), opening: str = "tensor("
) -> str:  # fmt: skip
    """The text of a tensor around a NumPy `array`, with given suffixes before and after its dtype."""
    notes, is_empty = list(first), array.size == 0
    # The shape of an empty tensor (except `tensor([])`) and a dtype that the numbers do not show are printed.
    if (is_empty and array.ndim != 1) or not (is_empty or options.edgeitems):
        notes.append(f"size={array.shape}")
    default = dtypes.get_default_dtype().numpy
    if array.dtype != default and (is_empty or array.dtype not in (np.int64, np.bool_)):
        notes.append(f"dtype=minigrad.{array.dtype.name}")
    text = opening + ("[]" if is_empty else _write_numbers(array, len(opening)))
    whole = ", ".join([text, *notes, *last]) + ")"
    columns = len(whole[whole.rfind("\n") + 1 :])
    return whole if columns < options.linewidth else _break_lines(text, (*notes, *last), len(opening))


def _break_lines(text: str, notes: Sequence[str], indent: int) -> str:
    """`text` and its notes, each on a new line where PyTorch's would be: "torch" is three letters shorter."""
    used = len(text) - text.rfind("\n") + 1
    for note in notes:
        length = len(note.replace("minigrad.", "torch."))
        if used + length + 2 > options.linewidth:
            text += ",\n" + " " * indent + note
            used = indent + length
        else:
            text += ", " + note
            used += length + 2
    return text + ")"


def format_element(tensor: Any, spec: str) -> str:
    """The text for `f"{tensor:.3f}"`: the single number of `tensor` in that format.

    Without a spec, a tensor that has axes gives its text, and so does a Parameter. Raises TypeError for
    a spec and several elements.
    """
    number = tensor.array.ndim == 0 and type(tensor) is core.result_class
    if number or (spec and tensor.array.size == 1):
        return format(tensor.array.item(), spec)
    if spec:
        hint = "format its elements, or print it whole after set_printoptions(precision=...)"
        raise TypeError(f"a tensor of shape {tensor.array.shape} has no format {spec!r}: {hint}")
    return repr(tensor)


def _write_numbers(array: Array, indent: int) -> str:
    """The numbers in brackets, indented by `indent` columns."""
    edge, ndim = options.edgeitems, array.ndim
    kept = _take_ends(array, edge) if array.size > options.threshold else array
    element, width = _find_format(kept)

    def write_nested(values: Any, depth: int) -> str:
        if depth == ndim:
            return element(values).rjust(width)
        innermost = depth == ndim - 1
        parts = [write_nested(value, depth + 1) for value in values]
        if kept.shape[depth] < array.shape[depth]:
            parts.insert(edge, " ..." if innermost and edge else "...")
        margin = " " * (indent + depth + 1)
        if not innermost:
            # One blank line for each axis between this one and the rows.
            return "[" + ("," + "\n" * (ndim - depth - 1) + margin).join(parts) + "]"
        per_line = max(1, (options.linewidth - indent - depth) // (width + 2))
        lines = [", ".join(parts[i : i + per_line]) for i in range(0, len(parts), per_line)]
        return "[" + (",\n" + margin).join(lines) + "]"

    return write_nested(kept.tolist(), 0)


def _take_ends(array: Array, edge: int) -> Array:
    """The array with only the first and the last `edge` indices of each axis that has more."""
    for axis, length in enumerate(array.shape):
        if length > 2 * edge:
            array = np.take(array, [*range(edge), *range(length - edge, length)], axis)
    return array


def _find_format(array: Array) -> tuple[Callable[[Any], str], int]:
    """The notation for all elements, and the width of the widest one."""
    if array.dtype.kind != "f":
        extremes = (array.min(), array.max()) if array.size else ()
        return str, max((len(str(value)) for value in extremes), default=1)
    values = array.astype(np.float64).reshape(-1)
    values = values[np.isfinite(values) & (values != 0)]
    if values.size == 0:
        return _write_whole, 1
    largest, smallest = np.abs(values).max().item(), np.abs(values).min().item()
    whole = bool((values == np.trunc(values)).all())
    far_apart = largest / smallest > 1000 or largest > 1e8 or (not whole and smallest < 1e-4)
    wide = far_apart if options.sci_mode is None else options.sci_mode
    spec = f".{options.precision}{'e' if wide else 'f'}"
    element = _write_whole if whole and not wide else lambda value: format(value, spec)
    return element, max(len(element(value)) for value in values.tolist())


def _write_whole(value: float) -> str:
    return f"{value:.0f}." if math.isfinite(value) else str(value)
