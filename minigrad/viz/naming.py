"""The names of a graph's leaves: given, a module's own, or those of the caller's variables."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from minigrad.nn import Module
from minigrad.tensor import Tensor


def name_leaves(names: Mapping[str, Tensor] | Module | None, frame: Any) -> Mapping[str, Tensor]:
    """Tensors by name. Without `names`, what the variables of the caller's `frame` are called."""
    if isinstance(names, Module):
        return dict(names.named_parameters())
    if names is not None:
        return names
    found: dict[str, Tensor] = {}
    for name, value in {**frame.f_globals, **frame.f_locals}.items():
        if not name.isidentifier() or name.startswith("_"):
            continue
        if isinstance(value, Tensor):
            found[name] = value
        elif isinstance(value, Module):
            found.update({f"{name}.{inner}": parameter for inner, parameter in value.named_parameters()})
    return found
