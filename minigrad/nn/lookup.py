"""`get_submodule` and its kin: a part of a module by its dotted path."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from minigrad.nn.parameter import Parameter
from minigrad.nn.registry import BUFFER, MODULE, PARAMETER, Registry
from minigrad.tensor import Tensor

if TYPE_CHECKING:
    from minigrad.nn.module import Module


class Lookup(Registry):
    """The methods of `Module` that follow a path, such as "encoder.0.weight"."""

    def _find_registered(self, name: str, kind: str, noun: str) -> Any:
        if not hasattr(self, name):
            raise AttributeError(f"{type(self).__name__} has no attribute `{name}`")
        value = getattr(self, name)
        if self._kinds.get(name) != kind or (value is None and kind != BUFFER):  # a buffer may be None
            raise AttributeError(f"`{name}` is not {noun}")
        return value

    def get_submodule(self, target: str) -> Module:
        """The module at a dotted path. Raises `AttributeError` naming the part that fails.

        >>> import minigrad as torch
        >>> net = torch.nn.Sequential(torch.nn.Sequential(torch.nn.ReLU()))
        >>> net.get_submodule("0.0")
        ReLU()
        """
        module: Any = self
        for name in target.split(".") if target else ():
            module = module._find_registered(name, MODULE, "an nn.Module")
        return module

    def set_submodule(self, target: str, module: Module, strict: bool = False) -> None:
        """Put `module` at a dotted path, whose parts but the last must be there; the last, too, if `strict`.

        Raises `ValueError` for an empty path and for what is no module, `AttributeError` naming the part that fails.

        >>> import minigrad as torch
        >>> net = torch.nn.Sequential(torch.nn.ReLU())
        >>> net.set_submodule("0", torch.nn.Tanh())
        >>> net[0]
        Tanh()
        """
        if not target:
            raise ValueError("Cannot set the submodule without a target name!")
        if not hasattr(module, "_kinds"):
            raise ValueError(f"`module` is not an nn.Module, found {type(module)}")
        path, _, name = target.rpartition(".")
        parent: Any = self.get_submodule(path)
        if strict or hasattr(parent, name):
            parent._find_registered(name, MODULE, "an nn.Module")
        setattr(parent, name, module)

    def get_parameter(self, target: str) -> Parameter:
        """The parameter at a dotted path. Raises `AttributeError` naming the part that fails.

        >>> import minigrad as torch
        >>> net = torch.nn.Sequential(torch.nn.Linear(2, 3))
        >>> net.get_parameter("0.weight").shape
        minigrad.Size([3, 2])
        """
        path, _, name = target.rpartition(".")
        return self.get_submodule(path)._find_registered(name, PARAMETER, "an nn.Parameter")

    def get_buffer(self, target: str) -> Tensor:
        """The buffer at a dotted path. Raises `AttributeError` naming the part that fails.

        >>> import minigrad as torch
        >>> net = torch.nn.Sequential(torch.nn.BatchNorm2d(2))
        >>> net.get_buffer("0.running_mean")
        tensor([0., 0.])
        """
        path, _, name = target.rpartition(".")
        return self.get_submodule(path)._find_registered(name, BUFFER, "a buffer")
