"""Names for the leaves in a drawing: given by the user, from a module's parameters, or the caller's variable names."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from minigrad.nn import Module
from minigrad.shown_values import show_value
from minigrad.tensor import Tensor


def name_leaves(names: Mapping[str, Tensor] | Module | None, frame: Any) -> Mapping[str, Tensor]:
    """The names of tensors; the last name counts. Without `names`, those of the caller's variables in `frame`.

    A parameter has its module's name for it, also where a loop has left a variable that holds it.
    """
    if isinstance(names, Module):
        return dict(names.named_parameters())
    if names is not None:
        if not isinstance(names, Mapping):
            raise TypeError(f"names are a dict, such as {{'x': x}}, or a module, got {show_value(names)}")
        return names
    variables = {**frame.f_globals, **frame.f_locals}
    seen = {name: value for name, value in variables.items() if name.isidentifier() and not name.startswith("_")}
    found = {name: value for name, value in seen.items() if isinstance(value, Tensor)}
    for name, value in seen.items():
        if isinstance(value, Module):
            found.update({f"{name}.{inner}": parameter for inner, parameter in value.named_parameters()})
    return found
