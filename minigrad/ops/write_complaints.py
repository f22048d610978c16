"""The words of the errors for writes that are refused: into leaves, views and shared memory, and by an index."""

from __future__ import annotations

import re
from typing import Any

from minigrad.autograd import core
from minigrad.ops.complaints import cannot_expand, type_name

# By which programs update a parameter.
_STEPS = ("add_", "sub_", "mul_", "div_", "addcdiv_", "index assignment")


# ---- writes in place -----------------------------------------------------------------------------
def writes_into_leaf(name: str, shape: tuple[int, ...]) -> RuntimeError:
    """The error for a write that is recorded, into a leaf that requires a gradient."""
    cure = "To update a parameter, write either\n    with minigrad.no_grad():\n        w -= lr * w.grad\nor\n"
    cure += "    w.data -= lr * w.grad"
    if name not in _STEPS:
        cure = f"To write into it, call {name} inside minigrad.no_grad(), or on its .data"
        plain = name.rstrip("_")
        if hasattr(core.result_class, plain):
            cure = f"Call {plain}, without the underscore, for a new tensor. {cure}"
    return RuntimeError(
        "a leaf Variable that requires grad is being used in an in-place operation "
        f"({name} on a tensor of shape {tuple(shape)}). {cure}"
    )


def writes_into_view_of_leaf(name: str) -> RuntimeError:
    """The error for a write that is recorded, into a view of such a leaf."""
    hint = f"is being used in an in-place operation ({name}). Write inside minigrad.no_grad(), or through .data"
    return RuntimeError(f"a view of a leaf Variable that requires grad {hint}")


def was_not_recorded(name: str, result: Any) -> RuntimeError:
    """The error for a write that is recorded, into a view made under no_grad(), or into the `result` of a Function."""
    if result is None:
        hint = "Make the view outside of no_grad(), or write to it inside"
        return RuntimeError(f"A view was created in no_grad mode and is being modified inplace by {name}. {hint}.")
    from minigrad.autograd.node_attributes import see_edge

    maker, number = see_edge(result.node)
    made_by = maker.name().removesuffix("0").removesuffix("Backward")
    return RuntimeError(
        f"Output {number} of {made_by} is a view and is being modified inplace by {name}. This view was "
        "created inside a custom Function (or because an input was returned as-is), whose backward the write would "
        "override. Write into a copy, x.clone(), or use the function that does not write. A module with a full "
        "backward hook returns such views: put nn.ReLU() after it, not nn.ReLU(inplace=True)."
    )


def name_write(error: TypeError, name: str) -> TypeError:
    """`error` of the function `name` with the name of its version that writes in place, whose tensor is not counted."""
    words = str(error).replace("for ** or pow()", "for **=", 1).replace(f"{name}(", f"{name}_(", 1)
    count = lambda found: f"(position {int(found[1]) - 1})"  # noqa: E731 (of the arguments after the tensor itself)
    error.args = (re.sub(r"\(position (\d+)\)", count, words, count=1),)
    return error


def shares_memory(which: str, where: str) -> RuntimeError:
    """The error for elements that lie in one place, of which one is written; `which` ends with "refer" or "refers"."""
    detail = f"{which} to a single memory location ({where})"
    return RuntimeError(f"unsupported operation: {detail}. Please clone() the tensor before.")


# ---- writes by an index --------------------------------------------------------------------------
def cannot_be_assigned(value: Any, dtype: Any) -> Exception:
    """The error for what is neither a number nor a tensor, assigned to elements of a dtype."""
    if isinstance(value, complex):
        return RuntimeError(f"value cannot be converted to type {dtype} without overflow: got {value}")
    return TypeError(f"can't assign a {type_name(value)} to a tensor; give a number or minigrad.tensor(...)")


def does_not_fit_region(value: Any, region: Any, whole: Any) -> RuntimeError:
    """The error for an array `value` that does not broadcast to the `region` of `whole` that an index names.

    PyTorch has one for regions that are views, and one for those under tensors and lists.
    """
    is_view = region.base is not None and region.base is (whole if whole.base is None else whole.base)
    if is_view and value.ndim <= region.ndim:
        return RuntimeError(
            f"{cannot_expand(value.shape, region.shape)} (assigning into a tensor of shape {whole.shape})"
        )
    shapes = f"{list(value.shape)} cannot be broadcast to indexing result of shape {list(region.shape)}"
    return RuntimeError(f"shape mismatch: value tensor of shape {shapes} (of a tensor of shape {tuple(whole.shape)})")
