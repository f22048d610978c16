"""`state_dict` and `load_state_dict` of a module: its parameters and buffers by name."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, NamedTuple, NoReturn, TypeGuard, cast

from minigrad.autograd.core import wrap
from minigrad.autograd.modes import no_grad
from minigrad.autograd.overriding import overrides
from minigrad.nn.parameter import Parameter
from minigrad.nn.registry import BUFFER, MODULE, PARAMETER
from minigrad.ops.complaints import as_flag
from minigrad.tensor import Tensor

if TYPE_CHECKING:
    from minigrad.nn.module import Module
    from minigrad.nn.uninitialized import Uninitialized

_EXTRA = "_extra_state"  # the key of a module's `get_extra_state()`


class IncompatibleKeys(NamedTuple):
    """The missing and the unexpected keys of `load_state_dict`."""

    missing_keys: list[str]
    unexpected_keys: list[str]

    def __repr__(self) -> str:
        missing, unexpected = self
        if missing or unexpected:
            return f"_IncompatibleKeys(missing_keys={missing}, unexpected_keys={unexpected})"
        return "<All keys matched successfully>"

    def __getattr__(self, name: str) -> NoReturn:
        hint = (
            "load_state_dict() changes its module and returns the keys that do not fit: write it on a line of its own"
        )
        raise AttributeError(f"'_IncompatibleKeys' object has no attribute {name!r}: {hint}", name=name, obj=self)


def own_state(module: Module) -> dict[str, Tensor]:
    """The parameters and persistent buffers of this module, without its submodules."""
    attributes, kinds, hidden = module.__dict__, module._kinds.items(), module._non_persistent_buffers_set
    names = [name for name, kind in kinds if kind == PARAMETER]
    names += [name for name, kind in kinds if kind == BUFFER and name not in hidden]
    return {name: attributes[name] for name in names if attributes[name] is not None}


def _is_lazy(tensor: Tensor) -> TypeGuard[Uninitialized]:
    """Whether `tensor` has no shape yet; the class is imported here, for those alone who save or load."""
    if type(tensor) is Parameter or type(tensor) is Tensor:
        return False
    from minigrad.nn.uninitialized import Uninitialized

    return isinstance(tensor, Uninitialized)


def save(module: Module, destination: Any, prefix: str, keep_vars: bool) -> Any:
    """Writes the state of `module` and its submodules into `destination`, and returns it."""
    if destination is None:
        destination = OrderedDict()
        destination._metadata = OrderedDict()  # where PyTorch stores the version of each module
    metadata = {"version": module._version}
    if hasattr(destination, "_metadata"):
        destination._metadata[prefix.removesuffix(".")] = metadata
    for (hook,) in module._hooks_at("save_pre"):
        hook(module, prefix, keep_vars)
    module._save_to_state_dict(destination, prefix, keep_vars)
    for name, child in module._members(MODULE):
        child.state_dict(destination=destination, prefix=f"{prefix}{name}.", keep_vars=keep_vars)
    for hook, may_replace in module._hooks_at("save_post"):
        given = hook(module, destination, prefix, metadata)
        if given is not None and not may_replace:
            raise RuntimeError("state_dict post-hook must return None: change the dict that it is given")
        destination = destination if given is None else given
    return destination


_TAKEN = "it was taken from a state_dict(), which is outside the graph"


def _take_out(tensor: Tensor) -> Tensor:
    """`tensor.detach()`; where a backward ends at it, the error names the state_dict, not a line of this file."""
    if overrides(tensor):
        return tensor.detach()  # of its class
    return wrap(tensor.array, None, None if tensor.node is None else _TAKEN, tensor.writes)


def save_own(module: Module, destination: Any, prefix: str, keep_vars: bool) -> None:
    """Writes the state of `module`, without its submodules, into `destination`."""
    for name, tensor in own_state(module).items():
        destination[prefix + name] = tensor if keep_vars or _is_lazy(tensor) else _take_out(tensor)
    if hasattr(type(module), "get_extra_state"):
        destination[prefix + _EXTRA] = cast("Any", module).get_extra_state()


def load(module: Module, state_dict: Mapping[str, Any], strict: bool, assign: bool) -> IncompatibleKeys:
    """Copies `state_dict` into `module` and its submodules; one `RuntimeError` lists all errors."""
    if not isinstance(state_dict, Mapping):
        raise TypeError(
            f"Expected state_dict to be dict-like, got {type(state_dict)}; pass what another module's state_dict() "
            "returned, or minigrad.load(file) of a saved one"
        )
    for key in state_dict:
        if not isinstance(key, str):
            raise TypeError(f"load_state_dict(): the keys are names of tensors, such as '0.weight', got {key!r}")
    strict, result, faults = as_flag("load_state_dict", "strict", strict), IncompatibleKeys([], []), list[str]()
    metadata = getattr(state_dict, "_metadata", {})
    options = {"assign_to_params_buffers": True} if assign else {}
    _load_tree(module, dict(state_dict), "", metadata, options, (*result, faults))
    differing = [
        f"{kind} key(s) in state_dict: {', '.join(f'{key!r}' for key in keys)}. ".replace("'", '"')
        for kind, keys in zip(("Missing", "Unexpected"), result, strict=True)
        if keys and strict
    ]
    if differing or faults:
        title = f"Error(s) in loading state_dict for {type(module).__name__}:"
        raise RuntimeError("\n\t".join([title, *differing, *faults, *_hint_at_prefix(*result)]))
    return result


def _hint_at_prefix(missing: list[str], unexpected: list[str]) -> list[str]:
    """A hint where the missing keys are there under a prefix, as DataParallel adds one, or without theirs."""
    for given, wanted, cure in ((unexpected, missing, "key.removeprefix({0!r})"), (missing, unexpected, "{0!r} + key")):
        prefix = given[0][: -len(wanted[0])] if given and wanted and given[0].endswith(wanted[0]) else ""
        if prefix and {prefix + key for key in wanted} == {*given}:
            return [
                f"The names differ by {prefix!r}: load {{{cure.format(prefix)}: x for key, x in state_dict.items()}}."
            ]
    return []


def _load_tree(
    module: Module, given: dict[str, Any], prefix: str, metadata: Any, options: Any, found: tuple[list[str], ...]
) -> None:
    """Loads the tensors `given` for `module`, then for each submodule, as `module` may rename their keys."""
    local = {**metadata.get(prefix.removesuffix("."), {}), **options}
    module._load_from_state_dict(given, prefix, local, True, *found)
    below: dict[str, dict[str, Any]] = {}
    for key, value in given.items():
        name, dot, _ = key.removeprefix(prefix).partition(".")
        if dot:
            below.setdefault(name, {})[key] = value
    for name, child in module._members(MODULE):
        _load_tree(child, below.get(name, {}), f"{prefix}{name}.", metadata, options, found)
    for (hook,) in module._hooks_at("load_post"):
        if hook(module, IncompatibleKeys(*found[:2])) is not None:
            raise AssertionError("a hook after load_state_dict() must return None: change the lists that it is given")


def load_own(
    module: Module, state_dict: Mapping[str, Any], prefix: str, metadata: Mapping[str, Any], strict: bool,
    missing: list[str], unexpected: list[str], faults: list[str],
) -> None:  # fmt: skip
    """Copies the entries under `prefix` into `module`, without its submodules; errors are added to the three lists."""
    for hook, with_module in module._hooks_at("load_pre"):
        given = (state_dict, prefix, metadata, strict, missing, unexpected, faults)
        hook(module, *given) if with_module else hook(*given)
    own, children = own_state(module), dict(module._members(MODULE))
    assign = metadata.get("assign_to_params_buffers", False)
    for name, tensor in own.items():
        if (key := prefix + name) in state_dict:
            faults += filter(None, [_put(module, name, tensor, state_dict[key], key, assign)])
        elif strict and metadata.get("version", 0) >= module._came_with_version.get(name, 0):
            missing.append(key)  # tensors that a later version added keep their value
    known: set[str] = {*own}
    if hasattr(type(module), "set_extra_state"):
        known.add(_EXTRA)
        if (key := prefix + _EXTRA) in state_dict:
            cast("Any", module).set_extra_state(state_dict[key])
        elif strict:
            missing.append(key)
    for key in state_dict if strict else ():
        name, dot, _ = key.removeprefix(prefix).partition(".")
        if key.startswith(prefix) and name not in (children if dot else known):
            unexpected.append(key)


def _put(module: Module, name: str, own: Tensor, given: Any, key: str, assign: bool) -> str:
    """Puts `given` in the place of the module's tensor `own`; returns an error text, or ""."""
    if not isinstance(given, Tensor):
        return (
            f'While copying the parameter named "{key}", expected minigrad.Tensor or '
            f"Tensor-like object from checkpoint but received {type(given)}"
        )
    if _is_lazy(own):
        if _is_lazy(given):
            return ""
        own.materialize(given.shape)
    elif own.ndim == 0 and given.shape == (1,):
        given = given[0]  # the oldest checkpoints hold a 0-d tensor as (1,)
    elif own.shape != given.shape:
        return (
            f"size mismatch for {key}: copying a param with shape {given.shape} from checkpoint, "
            f"the shape in current model is {own.shape}."
        )
    try:
        if assign:
            _assign(module, name, own, given)
        else:
            with no_grad():
                own.copy_(given)
    except Exception as error:  # noqa: BLE001 - it is reported beside those of the other tensors
        return (
            f'While copying the parameter named "{key}", whose dimensions in the model are {own.shape} and whose '
            f"dimensions in the checkpoint are {given.shape}, an exception occurred : {error}"
        )
    return ""


def _assign(module: Module, name: str, own: Tensor, given: Tensor) -> None:
    """Registers `given` in the place of `own`: in the place of a parameter as one, which is trained if `own` was."""
    if isinstance(own, Parameter):
        taken = given if isinstance(given, Parameter) else Parameter(given, requires_grad=own.requires_grad)
        given = taken.requires_grad_(own.requires_grad)
    setattr(module, name, given)
