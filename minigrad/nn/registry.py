"""`Registry`: the base of `Module` that registers which attributes are parameters, buffers and modules.

They are ordinary attributes in the instance's `__dict__`, so that reading `self.weight` costs no more
than any attribute. A second dictionary, `_kinds`, maps the name of each registered attribute to its
kind. PyTorch's `_parameters`, `_buffers` and `_modules` are live views of the two (`registered.py`). `complaints.py`
has the words for what is registered wrongly.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import TYPE_CHECKING, Any

from minigrad.advice import is_wanted
from minigrad.autograd.core import LEAF
from minigrad.nn.parameter import Buffer, Parameter
from minigrad.tensor import Tensor

if TYPE_CHECKING:
    from minigrad.nn.module import Module

PARAMETER, BUFFER, MODULE = "parameter", "buffer", "module"


class Registry:
    """Registration, look-up and traversal; `Module` derives from it.

    `_parameters`, `_buffers` and `_modules` are live, ordered mappings of this module's attributes.
    """

    training: bool
    _kinds: dict[str, str]  # "weight": "parameter", in the order of registration
    _non_persistent_buffers_set: set[str]

    _parameters = property(lambda self: self._view(PARAMETER))
    _buffers = property(lambda self: self._view(BUFFER))
    _modules = property(lambda self: self._view(MODULE))

    def __setattr__(self, name: str, value: Any) -> None:
        """Sets a plain attribute, or registers a parameter or a module; `registered.py` assigns to registered names."""
        begun = "_kinds" in self.__dict__  # by `Module.__init__`
        if isinstance(value, (Parameter, Buffer, Registry)):
            if not begun or name in self.__dict__ or isinstance(value, Buffer):
                _assign_rarely(self, name, value)
            elif isinstance(value, Parameter):
                self.register_parameter(name, value)
            else:
                self._register(MODULE, name, value)
        elif begun and name in self._kinds:
            _assign_rarely(self, name, value)
        else:
            object.__setattr__(self, name, value)
            if value.__class__ is Tensor and value.node is LEAF and is_wanted("plain tensor in a module"):
                from minigrad.nn.complaints import note_plain_tensor

                note_plain_tensor(self, name)

    def __getattr__(self, name: str) -> Any:
        # Called only if the ordinary look-up failed.
        from minigrad.nn.complaints import refuse_absent

        refuse_absent(self, name)
        return object.__getattribute__(self, name)  # raises the original error again

    def _view(self, kind: str) -> Any:
        from minigrad.nn.registered import Registered

        return Registered(self, kind)

    def __getstate__(self) -> dict[str, Any]:
        # A shallow copy must not share `_kinds`.
        hidden = set(self._non_persistent_buffers_set)
        return {**vars(self), "_kinds": {**self._kinds}, "_non_persistent_buffers_set": hidden}

    def __delattr__(self, name: str) -> None:
        if name in self.__dict__.get("_kinds", ()):
            self._unregister(name)
        else:
            object.__delattr__(self, name)

    def __dir__(self) -> list[str]:
        return sorted(name for name in object.__dir__(self) if not name[0].isdigit())

    # ---- registering -----------------------------------------------------------------------------

    def _register(self, kind: str, name: str, value: Any) -> None:
        """Registers `value` under `name` as a parameter, a buffer or a module."""
        self._kinds[name] = kind
        self.__dict__[name] = value

    def _unregister(self, name: str) -> None:
        self._kinds.pop(name, None)
        self._non_persistent_buffers_set.discard(name)
        self.__dict__.pop(name, None)

    def _check_new(self, kind: str, name: Any, value: Any) -> None:
        """Raises for names and values that cannot be registered as a `kind`."""
        taken = not isinstance(name, str) or name in self.__dict__ or hasattr(type(self), name)
        if taken or not name or "." in name or not ("_kinds" in self.__dict__ and isinstance(value, TAKES[kind])):
            from minigrad.nn.complaints import check_registration

            check_registration(self, kind, name, value)

    def register_parameter(self, name: str, param: Parameter | None) -> None:
        """Adds `param` under `name`; None registers a parameter that is switched off.

        ``self.name = Parameter(...)`` does the same. Raises `KeyError` for a name that is taken or has a dot.

        >>> from minigrad import nn
        >>> layer = nn.Module()
        >>> layer.register_parameter("bias", None)
        >>> print(layer.bias, list(layer.parameters()))
        None []
        """
        self._check_new(PARAMETER, name, param)
        if param is not None and not param.is_leaf:
            detail = "a parameter is no function of other tensors. Compute it in forward() instead."
            raise ValueError(f"Cannot assign non-leaf Tensor to parameter '{name}': {detail}")
        self._register(PARAMETER, name, param)

    def register_buffer(self, name: str, tensor: Tensor | None, persistent: bool = True) -> None:
        """Adds a tensor that is moved and saved with the module but not trained.

        ``persistent=False`` keeps it out of `state_dict()`. Raises `KeyError` for a name that is taken or has a dot.

        >>> import minigrad as torch
        >>> layer = torch.nn.Module()
        >>> layer.register_buffer("mean", torch.zeros(2))
        >>> list(layer.state_dict()), list(layer.parameters())
        (['mean'], [])
        """
        self._check_new(BUFFER, name, tensor)
        self._register(BUFFER, name, tensor)
        hidden = self._non_persistent_buffers_set
        if persistent:
            hidden.discard(name)
        else:
            hidden.add(name)

    def add_module(self, name: str, module: Module | None) -> None:
        """Adds a child module under `name`, as assigning the attribute does.

        >>> from minigrad import nn
        >>> net = nn.Module()
        >>> net.add_module("act", nn.ReLU())
        >>> net.act
        ReLU()
        """
        if not isinstance(module, TAKES[MODULE]):  # as in PyTorch, checked before the name
            from minigrad.nn.complaints import not_registered

            raise not_registered(MODULE, name, module)
        self._check_new(MODULE, name, module)
        self._register(MODULE, name, module)

    register_module = add_module

    # ---- walking ---------------------------------------------------------------------------------

    def _members(self, kind: str) -> Iterator[tuple[str, Any]]:
        """This module's own attributes of one kind, without those that are None."""
        attributes = self.__dict__
        for name, its_kind in list(self._kinds.items()):
            if its_kind == kind and attributes[name] is not None:
                yield name, attributes[name]

    def _walk_tree(self, prefix: str = "", unique: bool = True, recurse: bool = True) -> list[tuple[str, Any]]:
        """This module and, with `recurse`, all submodules with their dotted paths, parents first."""
        if not recurse or MODULE not in self._kinds.values():
            return [(prefix, self)]
        found, seen, waiting = [], set(), [(prefix, self)]
        while waiting:
            path, module = waiting.pop()
            if id(module) in seen:
                continue
            found.append((path, module))
            if unique:
                seen.add(id(module))
            if MODULE in module._kinds.values():
                attributes, start = module.__dict__, f"{path}." if path else ""
                below = [(start + name, attributes[name]) for name, kind in module._kinds.items() if kind == MODULE]
                waiting += [pair for pair in reversed(below) if pair[1] is not None]
        return found

    def _walk_named(self, kind: str, prefix: str, recurse: bool, unique: bool) -> Iterator[tuple[str, Any]]:
        for path, name, value in collect(kind, self._walk_tree(prefix, unique, recurse), unique):
            yield f"{path}.{name}" if path else name, value

    def named_modules(
        self, memo: set[Module] | None = None, prefix: str = "", remove_duplicate: bool = True
    ) -> Iterator[tuple[str, Module]]:
        """This module and all submodules with their dotted paths, each once.

        >>> from minigrad import nn
        >>> [name for name, _ in nn.Sequential(nn.Sequential(nn.ReLU()), nn.ReLU()).named_modules()]
        ['', '0', '0.0', '1']
        """
        for path, module in self._walk_tree(prefix, remove_duplicate):
            if memo is None or module not in memo:
                yield path, module

    def modules(self, remove_duplicate: bool = True) -> Iterator[Module]:
        """This module and all submodules, each once.

        >>> from minigrad import nn
        >>> [type(module).__name__ for module in nn.Sequential(nn.Sequential(nn.ReLU())).modules()]
        ['Sequential', 'Sequential', 'ReLU']
        """
        for _, module in self._walk_tree(unique=remove_duplicate):
            yield module

    def named_children(self) -> Iterator[tuple[str, Module]]:
        """The direct submodules with their names, each once.

        >>> from minigrad import nn
        >>> list(nn.Sequential(nn.ReLU(), nn.Tanh()).named_children())
        [('0', ReLU()), ('1', Tanh())]
        """
        yield from self._walk_named(MODULE, "", False, True)

    def children(self) -> Iterator[Module]:
        """The direct submodules, each once.

        >>> from minigrad import nn
        >>> list(nn.Sequential(nn.ReLU(), nn.Tanh()).children())
        [ReLU(), Tanh()]
        """
        for _, _, child in collect(MODULE, self._walk_tree(recurse=False)):
            yield child

    def named_parameters(
        self, prefix: str = "", recurse: bool = True, remove_duplicate: bool = True
    ) -> Iterator[tuple[str, Parameter]]:
        """All parameters with their dotted names, each once; without ``recurse`` those of this module alone.

        >>> from minigrad import nn
        >>> net = nn.Sequential(nn.Conv2d(1, 2, 3), nn.ReLU(), nn.Linear(4, 3))
        >>> [(name, tuple(parameter.shape)) for name, parameter in net.named_parameters()]
        [('0.weight', (2, 1, 3, 3)), ('0.bias', (2,)), ('2.weight', (3, 4)), ('2.bias', (3,))]
        """
        yield from self._walk_named(PARAMETER, prefix, recurse, remove_duplicate)

    def parameters(self, recurse: bool = True) -> Iterator[Parameter]:
        """All parameters, each once; the argument for an optimizer.

        >>> import minigrad as torch
        >>> net = torch.nn.Linear(4, 3)
        >>> sum(parameter.numel() for parameter in net.parameters())
        15
        >>> optimizer = torch.optim.SGD(net.parameters(), lr=0.1)
        """
        modules = self._walk_tree(recurse=recurse)
        of_the_user = [m for _, m in modules if not type(m).__module__.startswith("minigrad.")]
        if of_the_user and recurse and is_wanted("layers in a plain list"):
            from minigrad.nn.complaints import advise_of_untrained

            advise_of_untrained(self, of_the_user)
        for _, _, parameter in collect(PARAMETER, modules):
            yield parameter

    def named_buffers(
        self, prefix: str = "", recurse: bool = True, remove_duplicate: bool = True
    ) -> Iterator[tuple[str, Tensor]]:
        """All buffers with their dotted names, each once.

        >>> from minigrad import nn
        >>> [name for name, _ in nn.Sequential(nn.BatchNorm1d(2)).named_buffers()]
        ['0.running_mean', '0.running_var', '0.num_batches_tracked']
        """
        yield from self._walk_named(BUFFER, prefix, recurse, remove_duplicate)

    def buffers(self, recurse: bool = True) -> Iterator[Tensor]:
        """All buffers, each once: tensors that are saved with the module and not trained.

        >>> from minigrad import nn
        >>> len(list(nn.BatchNorm1d(2).buffers()))
        3
        """
        for _, _, buffer in collect(BUFFER, self._walk_tree(recurse=recurse)):
            yield buffer

    for _walk in (
        named_modules, modules, named_children, children, named_parameters, parameters, named_buffers, buffers,
    ):  # fmt: skip
        _walk.__qualname__ = f"Module.{_walk.__name__}"  # so that print(net.parameters()) names Module
    del _walk


def collect(kind: str, modules: Iterable[tuple[str, Any]], unique: bool = True) -> list[tuple[str, str, Any]]:
    """The attributes of one kind in these modules, given with their paths, as (path of the module, name, value)."""
    found, seen = [], {id(None)}  # what is None, such as a missing bias, is left out
    for path, module in modules:
        attributes = module.__dict__
        for name, its_kind in module._kinds.items():
            if its_kind == kind and id(attributes[name]) not in seen:
                found.append((path, name, attributes[name]))
                if unique:
                    seen.add(id(attributes[name]))
    return found


def _assign_rarely(module: Registry, name: str, value: Any) -> None:
    """Assigns a buffer, to a name that is taken, or too early; the code is imported with the first such assignment."""
    from minigrad.nn.registered import assign

    assign(module, name, value)


TAKES: dict[str, Any] = {
    PARAMETER: (Parameter, type(None)), BUFFER: (Tensor, type(None)), MODULE: (Registry, type(None)),
}  # fmt: skip
