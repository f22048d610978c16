"""`state_dict` and `load_state_dict` of a module: its parameters and buffers by name."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Any, NamedTuple, TypeAlias

from minigrad.autograd.modes import no_grad
from minigrad.nn.parameter import Parameter, Uninitialized
from minigrad.nn.registry import BUFFER, MODULE, PARAMETER
from minigrad.tensor import Tensor

if TYPE_CHECKING:
    from minigrad.nn.module import Module

Entry: TypeAlias = "tuple[Module, str, Tensor]"  # a module, the name of its tensor, the tensor


class IncompatibleKeys(NamedTuple):
    """What `load_state_dict` did not find and did not want."""

    missing_keys: list[str]
    unexpected_keys: list[str]

    def __repr__(self) -> str:
        missing, unexpected = self
        if missing or unexpected:
            return f"_IncompatibleKeys(missing_keys={missing}, unexpected_keys={unexpected})"
        return "<All keys matched successfully>"


def own_state(module: Module) -> dict[str, Tensor]:
    """The parameters and persistent buffers of this module alone."""
    buffers, hidden = module._members(BUFFER), module._non_persistent_buffers_set
    return dict(module._members(PARAMETER)) | {name: b for name, b in buffers if name not in hidden}


def _entries(module: Module, prefix: str) -> Iterator[tuple[str, Module, str, Tensor]]:
    """Every tensor of `module` and all below it: its key, its module, its name there, itself.

    Raises `NotImplementedError` for a class that keeps more in the way that PyTorch offers: it would be lost.
    """
    for more in ("get_extra_state", "_save_to_state_dict"):
        if hasattr(type(module), more):
            raise NotImplementedError(f"{type(module).__name__}.{more} is not called: keep what it saves in a buffer")
    for name, tensor in own_state(module).items():
        yield prefix + name, module, name, tensor
    for name, child in module._members(MODULE):
        yield from _entries(child, f"{prefix}{name}.")


def save(module: Module, destination: Any, prefix: str, keep_vars: bool) -> Any:
    """Write the state of `module` and all below it into `destination`, and return it."""
    if destination is None:
        destination = OrderedDict()
        destination._metadata = OrderedDict()  # where PyTorch keeps the version of each layer's layout
    if hasattr(destination, "_metadata"):
        for path, layer in module._walk_tree(prefix.removesuffix(".")):
            destination._metadata[path] = {"version": layer._version}
    for key, _, _, tensor in _entries(module, prefix):
        destination[key] = tensor if keep_vars or isinstance(tensor, Uninitialized) else tensor.detach()
    return destination


def load(module: Module, state_dict: Mapping[str, Any], strict: bool, assign: bool) -> IncompatibleKeys:
    """Copy `state_dict` into `module` and all below; every fault goes into one `RuntimeError`."""
    if not isinstance(state_dict, Mapping):
        raise TypeError(
            f"Expected state_dict to be dict-like, got {type(state_dict)}; "
            "pass what another module's state_dict() returned"
        )
    entries = {key: (owner, name, tensor) for key, owner, name, tensor in _entries(module, "")}
    result = _compare_keys(entries, state_dict)
    faults = [
        f"{kind} key(s) in state_dict: {', '.join(f'{key!r}' for key in keys)}. ".replace("'", '"')
        for kind, keys in zip(("Missing", "Unexpected"), result, strict=True)
        if keys and strict
    ]
    for key, (owner, name, tensor) in entries.items():
        if key in state_dict:
            faults.append(_put(owner, name, tensor, state_dict[key], key, assign))
    if any(faults):
        title = f"Error(s) in loading state_dict for {type(module).__name__}:"
        raise RuntimeError("\n\t".join([title, *filter(None, faults)]))
    return result


def _compare_keys(entries: Mapping[str, Entry], state_dict: Mapping[str, Any]) -> IncompatibleKeys:
    """The keys that a module has and a file lacks, but for what came with a later version; and the reverse."""
    versions = getattr(state_dict, "_metadata", {})
    missing = [
        key
        for key, (owner, name, _) in entries.items()
        if key not in state_dict and not _came_later(owner, name, versions.get(key.removesuffix(name).rstrip("."), {}))
    ]
    return IncompatibleKeys(missing, [key for key in state_dict if key not in entries])


def _came_later(module: Module, name: str, saved: Mapping[str, Any]) -> bool:
    """True for a tensor that the layer did not have when it was saved: it keeps the value it has."""
    return saved.get("version", 0) < module._came_with_version.get(name, 0)


def _put(module: Module, name: str, own: Tensor, given: Any, key: str, assign: bool) -> str:
    """Put `given` into the module's tensor `own`; returns what is wrong with it, or ""."""
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
