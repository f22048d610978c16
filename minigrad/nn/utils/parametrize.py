"""Parametrizations: a parameter is computed by modules from other tensors, and those are trained.

A parametrized layer gets a class of its own, in which `weight` is a property: reading it computes
``fn(original)``, writing it stores ``fn.right_inverse(value)``. ``layer.parametrizations.weight`` holds the trained
tensors and the modules.
Source: PyTorch's `nn.utils.parametrize`.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from contextvars import ContextVar
from copy import deepcopy
from typing import Any

from minigrad.autograd.modes import no_grad
from minigrad.missing import explain_missing
from minigrad.nn.complaints import not_registered
from minigrad.nn.containers import ModuleDict, ModuleList
from minigrad.nn.module import Module
from minigrad.nn.parameter import Parameter
from minigrad.nn.registry import MODULE
from minigrad.tensor import Tensor

_computed: ContextVar[dict[tuple[int, str], Any] | None] = ContextVar(
    "parametrized tensors that were computed", default=None
)


@contextmanager
def cached() -> Iterator[None]:
    """A context in which each parametrized tensor is computed only once.

    >>> import minigrad as torch
    >>> from minigrad.nn.utils import parametrize
    >>> layer = parametrize.register_parametrization(torch.nn.Linear(2, 2), "weight", torch.nn.ReLU())
    >>> with parametrize.cached():
    ...     layer.weight is layer.weight
    True
    """
    token = _computed.set({}) if _computed.get() is None else None
    try:
        yield
    finally:
        if token is not None:
            _computed.reset(token)


class ParametrizationList(ModuleList):
    """The modules that compute one tensor, and the tensors it is computed from: `original`, or `original0`, ...

    >>> import minigrad as torch
    >>> from minigrad.nn.utils import parametrize
    >>> layer = parametrize.register_parametrization(torch.nn.Linear(2, 2), "weight", torch.nn.Tanh())
    >>> layer.parametrizations.weight
    ParametrizationList(
      (0): Tanh()
    )
    """

    def __init__(self, modules: Sequence[Module], original: Tensor, unsafe: bool = False) -> None:
        if not modules:
            raise ValueError("ParametrizationList requires one or more modules.")
        super().__init__(modules)
        self.unsafe = unsafe
        with no_grad():
            parts = self._invert(original, strict=False)
        self.is_tensor = isinstance(parts, Tensor)
        if not (self.is_tensor or (isinstance(parts, Sequence) and all(isinstance(part, Tensor) for part in parts))):
            raise ValueError(f"`right_inverse` must return a Tensor or a Sequence of tensors. Got {parts!r:.80}")
        if self.is_tensor and parts.dtype != original.dtype:
            change = f"from {original.dtype} to {parts.dtype}"
            raise ValueError(f"A `right_inverse` that returns one tensor may not change the dtype, {change}")
        self.ntensors = 1 if self.is_tensor else len(parts)
        for name, part in zip(self._name_parts(), [parts] if self.is_tensor else parts, strict=True):
            self._keep(name, part, original)
        if not unsafe:
            _check_same(original, self(), "Registering a parametrization")

    def _name_parts(self) -> list[str]:
        return ["original"] if self.is_tensor else [f"original{i}" for i in range(self.ntensors)]

    def _keep(self, name: str, part: Any, original: Tensor) -> None:
        """Stores a trained tensor: in the original parameter object if it is the only one."""
        if not isinstance(original, Parameter):
            self.register_buffer(name, part)
        elif self.is_tensor:
            original.data = part.data
            self.register_parameter(name, original)
        else:
            self.register_parameter(name, Parameter(part.detach(), requires_grad=original.requires_grad))

    def _invert(self, value: Any, *, strict: bool) -> Any:
        """The trained tensor that gives `value`: `right_inverse` of each module, the last one first."""
        for module in reversed(list(self)):
            inverse = getattr(module, "right_inverse", None)
            if inverse is not None:
                try:
                    value = inverse(value)
                except NotImplementedError:  # without a `right_inverse` the old value is kept
                    if strict:
                        raise
            elif strict:
                raise RuntimeError(f"parametrization {type(module).__name__} does not implement right_inverse.")
        return value

    def right_inverse(self, value: Tensor) -> None:
        """Assigns `value` to the parametrized tensor, by storing its right inverse."""
        with no_grad():
            parts = self._invert(value, strict=True)
            for name, part in zip(self._name_parts(), [parts] if self.is_tensor else parts, strict=True):
                kept = getattr(self, name)
                if part.dtype != kept.dtype:
                    raise ValueError(
                        f"The tensor returned by `right_inverse` has dtype {part.dtype} while `{name}` has dtype "
                        f"{kept.dtype}"
                    )
                kept.data = part.data

    def forward(self) -> Any:
        first, *others = self
        value = first(*[getattr(self, name) for name in self._name_parts()])
        for module in others:
            value = module(value)
        return value


def tensor_of(module: Module, name: str) -> Tensor:
    """The parameter or buffer of that name. Raises ValueError if there is none."""
    weight = getattr(module, name, None)
    if not isinstance(weight, Tensor):
        raise ValueError(f"Module '{module}' has no parameter or buffer with name '{name}'")
    return weight


def _check_same(original: Tensor, value: Any, what: str) -> None:
    """Raises for a parametrization that changes the shape or the dtype of the tensor."""
    unless = "unless the `unsafe` flag is enabled."
    if not isinstance(value, Tensor):
        raise ValueError(f"A parametrization must return a tensor. Got {type(value)}.")
    if value.dtype != original.dtype:
        raise ValueError(
            f"{what} may not change the dtype of the tensor, {unless}\nunparametrized dtype: {original.dtype}\n"
            f"parametrized dtype: {value.dtype}"
        )
    if value.shape != original.shape:
        raise ValueError(
            f"{what} may not change the shape of the tensor, {unless}\nunparametrized shape: {original.shape}\n"
            f"parametrized shape: {value.shape}"
        )


def register_parametrization(
    module: Module, tensor_name: str, parametrization: Module, *, unsafe: bool = False
) -> Module:
    """Lets `parametrization` compute the parameter or buffer `tensor_name` of `module`; returns the module.

    A second one is applied to the result of the first. Each takes the mode, training or not, of the module.
    `parametrization.right_inverse`, if it exists, computes the initial trained tensor, and what an assignment stores.
    Raises TypeError for what is no module, ValueError for a name that is no parameter or buffer, and, unless
    `unsafe`, for a parametrization that changes the shape or the dtype.
    Source: https://docs.pytorch.org/docs/stable/generated/torch.nn.utils.parametrize.register_parametrization.html

    >>> import minigrad as torch
    >>> from minigrad.nn.utils import parametrize
    >>> class Symmetric(torch.nn.Module):
    ...     def forward(self, x):
    ...         return x.triu() + x.triu(1).T
    >>> layer = torch.nn.Linear(3, 3)
    >>> _ = parametrize.register_parametrization(layer, "weight", Symmetric())
    >>> torch.equal(layer.weight, layer.weight.T), sorted(layer.state_dict())
    (True, ['bias', 'parametrizations.weight.original'])
    """
    if not isinstance(parametrization, Module):
        raise not_registered(MODULE, tensor_name, parametrization)
    parametrization.train(module.training)
    if is_parametrized(module, tensor_name):
        parts = module.parametrizations[tensor_name]
        before = getattr(module, tensor_name)
        if not unsafe:
            after = parametrization(before)
            _check_same(before, after, "Registering a parametrization")
            if hasattr(parametrization, "right_inverse"):
                with suppress(NotImplementedError):
                    _check_same(before, parametrization.right_inverse(after), "`right_inverse`")
        parts.append(parametrization)
        parts.unsafe = parts.unsafe or unsafe
        return module
    if tensor_name not in module._parameters and tensor_name not in module._buffers:
        detail = f"a buffer, or a parametrized element with name '{tensor_name}'"
        raise ValueError(f"Module '{module}' does not have a parameter, {detail}")
    parts = ParametrizationList([parametrization], getattr(module, tensor_name), unsafe)
    delattr(module, tensor_name)
    if not is_parametrized(module):
        _give_own_class(module)
    module.parametrizations[tensor_name] = parts
    setattr(type(module), tensor_name, _make_property(tensor_name))
    return module


def _give_own_class(module: Module) -> None:
    """Changes the class of `module` to a subclass of its own, which can hold properties."""
    kind = type(module)
    facts = {"__module__": kind.__module__, "__qualname__": f"Parametrized{kind.__qualname__}", "_plain_class": kind}
    methods = {"__deepcopy__": _copy_deeply, "__reduce_ex__": _refuse_pickling}
    module.__class__ = type(f"Parametrized{kind.__name__}", (kind,), facts | methods)
    module.parametrizations = ModuleDict()


def _refuse_pickling(_self: Any, _protocol: Any = None) -> Any:
    detail = "its class is of its own"
    raise RuntimeError(f"Serialization of parametrized modules is only supported through state_dict(): {detail}")


def _copy_deeply(self: Any, memo: dict[int, Any]) -> Any:
    """A copy with a class of its own, so that removing parametrizations from one does not change the other."""
    kind, twin = type(self), object.__new__(self._plain_class)
    memo[id(self)] = twin
    vars(twin).update(deepcopy(self.__getstate__(), memo))
    facts = {name: value for name, value in vars(kind).items() if name not in ("__dict__", "__weakref__")}
    twin.__class__ = type(kind.__name__, kind.__bases__, facts)
    return twin


def _make_property(name: str) -> property:
    def read(self: Any) -> Any:
        computed, key = _computed.get(), (id(self), name)
        if computed is None:
            return self.parametrizations[name]()
        if key not in computed:
            computed[key] = self.parametrizations[name]()
        return computed[key]

    def write(self: Any, value: Tensor) -> None:
        self.parametrizations[name].right_inverse(value)

    return property(read, write)


def is_parametrized(module: Module, tensor_name: str | None = None) -> bool:
    """Whether `module` has a parametrization, of `tensor_name` if that is given.

    >>> import minigrad as torch
    >>> torch.nn.utils.parametrize.is_parametrized(torch.nn.Linear(1, 1))
    False
    """
    found = getattr(module, "__dict__", {}).get("parametrizations")
    return isinstance(found, ModuleDict) and bool(tensor_name in found if tensor_name else len(found))


def remove_parametrizations(module: Module, tensor_name: str, leave_parametrized: bool = True) -> Module:
    """Makes the tensor an ordinary parameter or buffer again: its computed value, or the original.

    Raises ValueError if there is no parametrization, or if the original is wanted and there are several.

    >>> import minigrad as torch
    >>> from minigrad.nn.utils import parametrize
    >>> layer = parametrize.register_parametrization(torch.nn.Linear(2, 2), "weight", torch.nn.Tanh())
    >>> parametrize.remove_parametrizations(layer, "weight")
    Linear(in_features=2, out_features=2, bias=True)
    """
    if not is_parametrized(module, tensor_name):
        raise ValueError(f"Module {module} does not have a parametrization on {tensor_name}")
    parts = module.parametrizations[tensor_name]
    if not leave_parametrized and not parts.is_tensor:
        raise ValueError("Cannot leave unparametrized (`leave_parametrized=False`) a tensor made of several.")
    with no_grad():
        value = parts() if leave_parametrized else parts.original
    delattr(type(module), tensor_name)
    del module.parametrizations[tensor_name]
    trained = bool(parts._parameters)
    if parts.is_tensor and leave_parametrized and trained:
        parts.original.data = value.data  # the same object, for an optimizer that holds it
        value = parts.original
    if trained:
        module.register_parameter(tensor_name, value if isinstance(value, Parameter) else Parameter(value.detach()))
    else:
        module.register_buffer(tensor_name, value)
    if not len(module.parametrizations):
        delattr(module, "parametrizations")
        module.__class__ = type(module)._plain_class  # type: ignore[attr-defined]
    return module


def type_before_parametrizations(module: Module) -> type[Module]:
    """The class that `module` had before it was parametrized.

    >>> import minigrad as torch
    >>> from minigrad.nn.utils import parametrize
    >>> layer = parametrize.register_parametrization(torch.nn.Linear(2, 2), "weight", torch.nn.Tanh())
    >>> parametrize.type_before_parametrizations(layer) is torch.nn.Linear
    True
    """
    return getattr(type(module), "_plain_class", type(module))


def transfer_parametrizations_and_params(
    from_module: Module, to_module: Module, tensor_name: str | None = None
) -> Module:
    """Gives `to_module` the parametrizations of `from_module`, all or those of one tensor, and the tensors behind them.

    The two modules then share both. A tensor that `to_module` lacks becomes its parameter. Returns `to_module`.

    >>> import minigrad as torch
    >>> from minigrad.nn.utils import parametrize
    >>> old = parametrize.register_parametrization(torch.nn.Linear(2, 2), "weight", torch.nn.Tanh())
    >>> new = parametrize.transfer_parametrizations_and_params(old, torch.nn.Linear(2, 2))
    >>> torch.equal(old.weight, new.weight), new.parametrizations.weight[0] is old.parametrizations.weight[0]
    (True, True)
    """
    if not is_parametrized(from_module):
        return to_module
    for name in [*from_module.parametrizations] if tensor_name is None else [tensor_name]:
        parts = from_module.parametrizations[name]
        if getattr(to_module, name, None) is None:
            setattr(to_module, name, Parameter(getattr(from_module, name)))
        for module in parts:
            register_parametrization(to_module, name, module, unsafe=parts.unsafe)
        for part in parts._name_parts():
            setattr(to_module.parametrizations[name], part, getattr(parts, part))
    return to_module


explain_missing("torch.nn.utils.parametrize", globals())
