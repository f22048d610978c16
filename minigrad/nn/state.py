"""`state_dict` and `load_state_dict`: a module's parameters and buffers by name, out and in.

What may differ from module to module is in its own `_save_to_state_dict` and
`_load_from_state_dict`; the walk over the tree and the one error that lists every fault are here.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, NamedTuple

from minigrad.autograd.modes import no_grad
from minigrad.nn.parameter import Parameter, Uninitialized
from minigrad.tensor import Tensor

if TYPE_CHECKING:
    from minigrad.nn.module import Module


class IncompatibleKeys(NamedTuple):
    """What `load_state_dict` did not find and did not want."""

    missing_keys: list[str]
    unexpected_keys: list[str]

    def __repr__(self) -> str:
        missing, unexpected = self
        if missing or unexpected:
            return f"_IncompatibleKeys(missing_keys={missing}, unexpected_keys={unexpected})"
        return "<All keys matched successfully>"


def save(module: Module, destination: Any, prefix: str, keep_vars: bool) -> Any:
    """Write the state of `module` and all below it into `destination`, and return it."""
    if destination is None:
        destination = OrderedDict()
        destination._metadata = {}  # each module's format version, by its path
    local = {"version": module._version}
    if hasattr(destination, "_metadata"):
        destination._metadata[prefix[:-1]] = local
    for hook in module._hooks_at("state_dict_pre"):
        hook(module, prefix, keep_vars)
    module._save_to_state_dict(destination, prefix, keep_vars)
    for name, child in module._members("module"):
        save(child, destination, f"{prefix}{name}.", keep_vars)
    for hook in module._hooks_at("state_dict_post"):
        hook(module, destination, prefix, local)
    return destination


def load(module: Module, state_dict: Mapping[str, Any], strict: bool, assign: bool) -> IncompatibleKeys:
    """Copy `state_dict` into `module` and all below; every fault goes into one `RuntimeError`."""
    if not isinstance(state_dict, Mapping):
        raise TypeError(
            f"Expected state_dict to be dict-like, got {type(state_dict)}; "
            "pass what another module's state_dict() returned"
        )
    metadata = getattr(state_dict, "_metadata", {})
    result = IncompatibleKeys([], [])
    faults: list[str] = []

    def fill(module: Module, entries: Any, prefix: str) -> None:
        local = {**metadata.get(prefix[:-1], {}), "assign_to_params_buffers": assign}
        arguments = (entries, prefix, local, True, *result, faults)
        for hook in module._hooks_at("load_pre"):
            hook(module, *arguments)
        module._load_from_state_dict(*arguments)
        for name, child in module._members("module"):
            below = f"{prefix}{name}."
            fill(child, {k: v for k, v in entries.items() if k.startswith(below)}, below)
        for hook in module._hooks_at("load_post"):
            hook(module, result)

    fill(module, OrderedDict(state_dict), "")  # hooks may change the copy, not the caller's
    for keys, kind in zip(reversed(result), ("Unexpected", "Missing"), strict=True):
        if strict and keys:
            names = ", ".join(f'"{key}"' for key in keys)
            faults.insert(0, f"{kind} key(s) in state_dict: {names}. ")
    if faults:
        title = f"Error(s) in loading state_dict for {type(module).__name__}:"
        raise RuntimeError("\n\t".join([title, *faults]))
    return result


def put(module: Module, name: str, own: Tensor, given: Any, key: str, assign: bool) -> str:
    """Put `given` into the module's tensor `own`; the fault in words, or an empty text."""
    if not isinstance(given, Tensor):
        return (
            f'While copying the parameter named "{key}", expected minigrad.Tensor or '
            f"Tensor-like object from checkpoint but received {type(given)}"
        )
    if isinstance(own, Uninitialized):
        if isinstance(given, Uninitialized):
            return ""
        own.materialize(given.shape)
    elif own.ndim == 0 and given.shape == (1,):
        given = given[0]  # how the oldest checkpoints hold a number
    elif own.shape != given.shape:
        return (
            f"size mismatch for {key}: copying a param with shape {given.shape} from checkpoint, "
            f"the shape in current model is {own.shape}."
        )
    if not assign:
        with no_grad():
            own.copy_(given)
    elif isinstance(own, Parameter):
        taken = given if isinstance(given, Parameter) else Parameter(given)
        setattr(module, name, taken.requires_grad_(own.requires_grad))
    else:
        setattr(module, name, given)
    return ""
