"""`Registry`: the half of `Module` that knows which attributes are parameters, buffers and modules.

They are ordinary attributes, held in the instance's `__dict__`, so that reading `self.weight` costs
what any attribute costs. Beside them stands one dictionary of names, `_kinds`, that says which
attributes are registered and as what. PyTorch's `_parameters`, `_buffers` and `_modules` are live
views of the two.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, MutableMapping
from typing import TYPE_CHECKING, Any

from minigrad.nn.parameter import Buffer, Parameter
from minigrad.tensor import Tensor

if TYPE_CHECKING:
    from minigrad.nn.module import Module

PARAMETER, BUFFER, MODULE = "parameter", "buffer", "module"
_WANTED = {
    PARAMETER: "minigrad.nn.Parameter",
    BUFFER: "minigrad.nn.Buffer, minigrad.Tensor",
    MODULE: "minigrad.nn.Module",
}
_SET_BY_INIT = ("training", "_kinds", "_hooks", "_non_persistent_buffers_set")
_FIRST_LINE = "make super().__init__() the first line of __init__"


class _Registered(MutableMapping[str, Any]):
    """A live view of a module's attributes of one kind, in the order of their registration."""

    __slots__ = ("_kind", "_module")

    def __init__(self, module: Registry, kind: str) -> None:
        self._module = module
        self._kind = kind

    def __getitem__(self, name: str) -> Any:
        if self._module._kinds.get(name) != self._kind:
            raise KeyError(name)
        return self._module.__dict__[name]

    def __setitem__(self, name: str, value: Any) -> None:
        self._module._register(self._kind, name, value)

    def __delitem__(self, name: str) -> None:
        self[name]  # a KeyError for what is not there
        self._module._unregister(name)

    def __iter__(self) -> Iterator[str]:
        return iter([name for name, kind in self._module._kinds.items() if kind == self._kind])

    def __len__(self) -> int:
        return sum(kind == self._kind for kind in self._module._kinds.values())

    def __repr__(self) -> str:
        return repr(dict(self))

    def replace(self, entries: Mapping[str, Any]) -> None:
        """Hold `entries`, and nothing else, in their order."""
        entries = dict(entries)
        self.clear()
        self.update(entries)


def _registered(kind: str) -> property:
    return property(
        lambda self: _Registered(self, kind),
        lambda self, entries: _Registered(self, kind).replace(entries),
        doc=f"A live, ordered mapping of this module's own {kind}s.",
    )


def _refused(value: Any, kind: str, name: str, what: str, wanted: str) -> TypeError:
    """The error for a `value` that cannot be held as what it was assigned as."""
    typename = type(value).__qualname__
    if isinstance(value, Tensor):
        typename = f"minigrad.{typename}"
        if kind == PARAMETER:
            wanted += (
                "; write nn.Parameter(tensor) for a new parameter, or copy the values with "
                f"minigrad.no_grad(): module.{name}.copy_(tensor)"
            )
    return TypeError(f"cannot assign '{typename}' {what} '{name}' ({wanted}")


class Registry:
    """Registration, look-up and traversal. `Module` derives from this and nothing else does."""

    training: bool
    _kinds: dict[str, str]  # "weight": "parameter", in the order of registration
    _non_persistent_buffers_set: set[str]

    _parameters = _registered(PARAMETER)
    _buffers = _registered(BUFFER)
    _modules = _registered(MODULE)

    def __setattr__(self, name: str, value: Any) -> None:
        kinds = self.__dict__.get("_kinds")
        old = kinds.get(name) if kinds else None
        if isinstance(value, _REGISTERED):
            if kinds is None:
                plural = "module" if isinstance(value, Registry) else "parameters"
                raise AttributeError(self._too_early(plural))
            if isinstance(value, Registry):
                self._register(MODULE, name, value)
                return
            if old != (PARAMETER if isinstance(value, Parameter) else BUFFER):
                self.__dict__.pop(name, None)  # whatever it was before makes room
                self._unregister(name)
            if isinstance(value, Parameter):
                self.register_parameter(name, value)
            else:
                self.register_buffer(name, value, value.persistent)
        elif old is None:
            object.__setattr__(self, name, value)
        elif value is None or (old == BUFFER and isinstance(value, Tensor)):
            self.__dict__[name] = value
        else:
            what = f"as {'child module' if old == MODULE else old}"
            raise _refused(value, old, name, what, f"{_WANTED[old]} or None expected)")

    def __getattr__(self, name: str) -> Any:
        # Reached only when the ordinary look-up failed.
        if "_kinds" not in self.__dict__ and name in _SET_BY_INIT:
            raise AttributeError(
                f"'{type(self).__name__}' object has no attribute '{name}': Module.__init__() was "
                f"not called; {_FIRST_LINE} of class {type(self).__name__}"
            )
        return object.__getattribute__(self, name)  # raises again what brought us here

    def _too_early(self, what: str) -> str:
        return f"cannot assign {what} before Module.__init__() call: {_FIRST_LINE} of class {type(self).__name__}"

    def __getstate__(self) -> dict[str, Any]:
        # A shallow copy must not share what says which attributes are registered.
        hidden = set(self._non_persistent_buffers_set)
        return {**vars(self), "_kinds": {**self._kinds}, "_non_persistent_buffers_set": hidden}

    def __delattr__(self, name: str) -> None:
        if name in self.__dict__.get("_kinds", ()):
            self._unregister(name)
        else:
            object.__delattr__(self, name)

    def __dir__(self) -> list[str]:
        return sorted(name for name in object.__dir__(self) if not name[0].isdigit())

    def _register(self, kind: str, name: str, value: Any) -> None:
        """Hold `value` under `name` as a parameter, a buffer or a module, and as nothing else."""
        if self._kinds.get(name, kind) != kind:
            self._unregister(name)
        self._kinds[name] = kind
        self.__dict__[name] = value

    def _unregister(self, name: str) -> None:
        self._kinds.pop(name, None)
        self._non_persistent_buffers_set.discard(name)
        self.__dict__.pop(name, None)

    def _check_name(self, kind: str, name: Any) -> None:
        if "_kinds" not in self.__dict__:
            raise AttributeError(self._too_early(kind))
        if not isinstance(name, str):
            raise TypeError(f"{kind} name should be a string. Got {type(name).__name__}")
        if "." in name:
            raise KeyError(f'{kind} name can\'t contain ".", got: {name}; a dot separates modules')
        if name == "":
            raise KeyError(f'{kind} name can\'t be empty string ""')
        if hasattr(self, name) and self._kinds.get(name) != kind:
            raise KeyError(f"attribute '{name}' already exists in {type(self).__name__}")

    def register_parameter(self, name: str, param: Parameter | None) -> None:
        """Add `param` under `name`; None holds the place of a parameter that is switched off."""
        self._check_name(PARAMETER, name)
        given: Any = param
        if given is not None and not isinstance(given, Parameter):
            wanted = "minigrad.nn.Parameter or None required)"
            raise _refused(given, PARAMETER, name, "object to parameter", wanted)
        if given is not None and not given.is_leaf:
            raise ValueError(
                f"Cannot assign non-leaf Tensor to parameter '{name}': a parameter is no function "
                "of other tensors. Compute it in forward() instead."
            )
        self._register(PARAMETER, name, param)

    def register_buffer(self, name: str, tensor: Tensor | None, persistent: bool = True) -> None:
        """Add a tensor that is moved and saved with the module but not trained.

        ``persistent=False`` keeps it out of `state_dict()`.
        """
        self._check_name(BUFFER, name)
        given: Any = tensor
        if given is not None and not isinstance(given, Tensor):
            wanted = "minigrad.Tensor or None required)"
            raise _refused(given, BUFFER, name, "object to buffer", wanted)
        self._register(BUFFER, name, tensor)
        if persistent:
            self._non_persistent_buffers_set.discard(name)
        else:
            self._non_persistent_buffers_set.add(name)

    def register_module(self, name: str, module: Module | None) -> None:
        """Add a child module under `name`; the same as `add_module`."""
        given: Any = module
        if given is not None and not isinstance(given, Registry):
            made = f"{given.__name__}(...)" if isinstance(given, type) else "a module"
            raise TypeError(f"{type(given).__name__} is not a Module subclass; pass {made}")
        self._check_name(MODULE, name)
        self._register(MODULE, name, module)

    def add_module(self, name: str, module: Module | None) -> None:
        """Add a child module under `name`, as assigning the attribute does."""
        self.register_module(name, module)

    # Walking

    def _members(self, kind: str) -> Iterator[tuple[str, Any]]:
        """This module's own attributes of one kind, those that are None left out."""
        attributes = self.__dict__
        for name, its_kind in list(self._kinds.items()):
            if its_kind == kind and attributes[name] is not None:
                yield name, attributes[name]

    def _named(self, kind: str, prefix: str, recurse: bool, remove_duplicate: bool) -> Iterator[tuple[str, Any]]:
        seen: set[int] = set()
        walk = self.named_modules(None, prefix, remove_duplicate) if recurse else [(prefix, self)]
        for place, module in walk:
            for name, value in module._members(kind):
                if not (remove_duplicate and id(value) in seen):
                    seen.add(id(value))
                    yield (f"{place}.{name}" if place else name), value

    def named_modules(
        self, memo: set[Module] | None = None, prefix: str = "", remove_duplicate: bool = True
    ) -> Iterator[tuple[str, Module]]:
        """This module and all below it, with dotted paths; one that is shared comes once."""
        memo = set() if memo is None else memo
        this: Any = self
        if this not in memo:
            if remove_duplicate:
                memo.add(this)
            yield prefix, this
            for name, child in self._members(MODULE):
                path = f"{prefix}.{name}" if prefix else name
                yield from child.named_modules(memo, path, remove_duplicate)

    def modules(self, remove_duplicate: bool = True) -> Iterator[Module]:
        """This module and all below it; one that is shared comes once."""
        if remove_duplicate:
            return iter(self._tree())
        return (module for _, module in self.named_modules(None, "", False))

    def _tree(self) -> list[Module]:
        """This module and all below it, each once, in the order of `named_modules`."""
        if MODULE not in self._kinds.values():
            return [self]  # type: ignore[list-item]
        found: dict[int, Any] = {}
        waiting: list[Any] = [self]
        while waiting:
            module = waiting.pop()
            if id(module) not in found:
                found[id(module)] = module
                attributes = module.__dict__
                below = [attributes[n] for n, kind in module._kinds.items() if kind == MODULE]
                waiting.extend([child for child in reversed(below) if child is not None])
        return list(found.values())

    def named_children(self) -> Iterator[tuple[str, Module]]:
        """The modules directly below this one, with their names."""
        seen: set[int] = set()
        for name, child in self._members(MODULE):
            if id(child) not in seen:
                seen.add(id(child))
                yield name, child

    def children(self) -> Iterator[Module]:
        """The modules directly below this one."""
        return (child for _, child in self.named_children())

    def named_parameters(
        self, prefix: str = "", recurse: bool = True, remove_duplicate: bool = True
    ) -> Iterator[tuple[str, Parameter]]:
        """All parameters with their dotted names; one that is shared comes once."""
        return self._named(PARAMETER, prefix, recurse, remove_duplicate)

    def parameters(self, recurse: bool = True) -> Iterator[Parameter]:
        """All parameters, as an optimizer wants them; one that is shared comes once."""
        seen = {id(None)}
        for module in self._tree() if recurse else [self]:
            attributes = module.__dict__
            for name, kind in module._kinds.items():
                if kind == PARAMETER and id(attributes[name]) not in seen:
                    seen.add(id(attributes[name]))
                    yield attributes[name]

    def named_buffers(
        self, prefix: str = "", recurse: bool = True, remove_duplicate: bool = True
    ) -> Iterator[tuple[str, Tensor]]:
        """All buffers with their dotted names."""
        return self._named(BUFFER, prefix, recurse, remove_duplicate)

    def buffers(self, recurse: bool = True) -> Iterator[Tensor]:
        """All buffers."""
        return (buffer for _, buffer in self.named_buffers("", recurse))

    def get_submodule(self, target: str) -> Module:
        """The module at a dotted path. Raises `AttributeError` naming the part that fails."""
        module: Any = self
        for name in target.split(".") if target else ():
            if not hasattr(module, name):
                raise AttributeError(f"{type(module).__name__} has no attribute `{name}`")
            module = getattr(module, name)
            if not isinstance(module, Registry):
                raise AttributeError(f"`{name}` is not an nn.Module")
        found: Module = module
        return found

    def _get(self, target: str, kind: str, noun: str) -> Any:
        path, _, name = target.rpartition(".")
        module = self.get_submodule(path)
        if not hasattr(module, name):
            raise AttributeError(f"{type(module).__name__} has no attribute `{name}`")
        if module._kinds.get(name) != kind:
            raise AttributeError(f"`{name}` is not {noun}")
        return getattr(module, name)

    def get_parameter(self, target: str) -> Parameter:
        """The parameter at a dotted path. Raises `AttributeError` naming the part that fails."""
        parameter: Parameter = self._get(target, PARAMETER, "an nn.Parameter")
        return parameter

    def get_buffer(self, target: str) -> Tensor:
        """The buffer at a dotted path. Raises `AttributeError` naming the part that fails."""
        buffer: Tensor = self._get(target, BUFFER, "a buffer")
        return buffer


_REGISTERED = (Parameter, Buffer, Registry)
