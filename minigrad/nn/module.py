"""`Module`, the base of all layers and networks; `Layer`, whose result is one tensor; `Weighted`, with a weight."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any, ClassVar, ForwardRef, Self

from minigrad.autograd.failed_calls import leave_out_inner_calls
from minigrad.creation.drawn import draw_start
from minigrad.creation.filled import empty
from minigrad.failed_constructors import NamesOptions
from minigrad.nn.constructors import forward_unimplemented, keep_functions_unbound, notice_no_result, own_method
from minigrad.nn.conversion import Conversions
from minigrad.nn.hooks import ModuleHooks, call_between
from minigrad.nn.lookup import Lookup
from minigrad.nn.parameter import Parameter
from minigrad.nn.registry import MODULE
from minigrad.tensor import Tensor
from minigrad.tensor.graph import clear_gradients

if TYPE_CHECKING:
    from minigrad.nn.state import IncompatibleKeys
else:  # state.py is opened when typing.get_type_hints() asks
    IncompatibleKeys = ForwardRef("__import__('minigrad.nn.state').nn.state.IncompatibleKeys")


class Module(ModuleHooks, Conversions, Lookup, NamesOptions):
    """A function with parameters: assign them and layers in `__init__`, compute in `forward`.

    Calling the module runs its hooks and `forward`. Parameters, buffers and submodules assigned as
    attributes are registered: `parameters()`, `state_dict()`, `to()` and others find them. Assigning any of
    them before `super().__init__()` raises `AttributeError`. Behaves as `torch.nn.Module`.

    >>> from minigrad import nn
    >>> class Net(nn.Module):
    ...     def __init__(self):
    ...         super().__init__()
    ...         self.head = nn.Linear(4, 1)
    ...
    ...     def forward(self, x):
    ...         return self.head(x)
    >>> Net()
    Net(
      (head): Linear(in_features=4, out_features=1, bias=True)
    )
    """

    _version: ClassVar[int] = 1  # of the layout of `state_dict`
    _came_with_version: ClassVar[dict[str, int]] = {}  # a tensor of `state_dict` -> the version that added it

    def __init_subclass__(cls, **options: Any) -> None:
        super().__init_subclass__(**options)
        keep_functions_unbound(cls)

    def __init__(self) -> None:
        for name in self.__dict__.get("_kinds", ()):  # called once more, it forgets what was registered
            del self.__dict__[name]
        # Bypasses __setattr__, which reads `_kinds`.
        self.__dict__.update(training=True, _kinds={}, _hooks_by_place=None, _non_persistent_buffers_set=set())

    # ---- calling ---------------------------------------------------------------------------------

    forward: Callable[..., Any] = forward_unimplemented

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        hooks = self._hooks_by_place
        try:
            result = self.forward(*args, **kwargs) if hooks is None else call_between(hooks, self, args, kwargs)
        except Exception as error:
            leave_out_inner_calls(error)
            raise
        return notice_no_result(self) if result is None else result

    # ---- for all submodules and parameters --------------------------------------------------------

    def train(self, mode: bool = True) -> Self:
        """Sets training (or evaluation) mode in this module and its submodules, for dropout and batch norm.

        >>> import minigrad as torch
        >>> torch.nn.Dropout().eval().train().training
        True
        """
        if not isinstance(mode, bool):
            raise ValueError(f"training mode is expected to be boolean, got {mode!r}")
        self.training = mode
        for child in self.children():
            child.train(mode)
        return self

    def eval(self) -> Self:
        """Sets evaluation mode: ``train(False)``.

        >>> import minigrad as torch
        >>> torch.nn.Dropout().eval().training
        False
        """
        return self.train(False)

    def requires_grad_(self, requires_grad: bool = True) -> Self:
        """Sets `requires_grad` of all parameters; False freezes them.

        >>> import minigrad as torch
        >>> torch.nn.Linear(2, 1).requires_grad_(False).weight.requires_grad
        False
        """
        for parameter in self.parameters():
            parameter.requires_grad_(requires_grad)
        return self

    def zero_grad(self, set_to_none: bool = True) -> None:
        """Sets the gradients of all parameters to None, or to zeros.

        >>> import minigrad as torch
        >>> layer = torch.nn.Linear(2, 1)
        >>> layer(torch.ones(1, 2)).sum().backward()
        >>> layer.zero_grad()
        >>> print(layer.weight.grad)
        None
        """
        clear_gradients(self.parameters(), set_to_none)

    def apply(self, fn: Callable[[Module], object]) -> Self:
        """Calls `fn` on every submodule, then on this module: ``net.apply(init_weights)``.

        >>> import minigrad as torch
        >>> net = torch.nn.Sequential(torch.nn.ReLU(), torch.nn.Flatten())
        >>> net = net.apply(lambda module: print(type(module).__name__))
        ReLU
        Flatten
        Sequential
        """
        for child in self.children():
            child.apply(fn)
        fn(self)
        return self

    # ---- saving and loading ----------------------------------------------------------------------

    def state_dict(self, *, destination: Any = None, prefix: str = "", keep_vars: bool = False) -> Any:
        """Parameters and persistent buffers by dotted name: detached tensors that share their memory.

        >>> import minigrad as torch
        >>> list(torch.nn.Linear(2, 1).state_dict())
        ['weight', 'bias']
        """
        from minigrad.nn.state import save  # imported with the first state that is saved or loaded

        return save(self, destination, prefix, keep_vars)

    def load_state_dict(
        self, state_dict: Mapping[str, Any], strict: bool = True, assign: bool = False
    ) -> IncompatibleKeys:
        """Copies values in by name, or with ``assign=True`` uses the given tensors themselves.

        Raises one `RuntimeError` that lists every missing key, unexpected key and size mismatch.
        With ``strict=False`` different keys are no error; they are returned.

        >>> import minigrad as torch
        >>> layer = torch.nn.Linear(2, 1)
        >>> layer.load_state_dict(torch.nn.Linear(2, 1).state_dict())
        <All keys matched successfully>
        """
        from minigrad.nn.state import load

        return load(self, state_dict, strict, assign)

    def _save_to_state_dict(self, destination: Any, prefix: str, keep_vars: bool) -> None:
        """Saves the state of this module without its submodules. Override it to save more."""
        from minigrad.nn.state import save_own

        save_own(self, destination, prefix, keep_vars)

    def _load_from_state_dict(
        self, state_dict: dict[str, Any], prefix: str, local_metadata: dict[str, Any], strict: bool,
        missing_keys: list[str], unexpected_keys: list[str], error_msgs: list[str],
    ) -> None:  # fmt: skip
        """Loads the state of this module without its submodules. Override it to rename keys of older files."""
        from minigrad.nn.state import load_own

        load_own(self, state_dict, prefix, local_metadata, strict, missing_keys, unexpected_keys, error_msgs)

    # ---- text ------------------------------------------------------------------------------------

    def _get_name(self) -> str:
        return type(self).__name__

    def extra_repr(self) -> str:
        """The text between the brackets when the module is printed. Override it in a layer.

        >>> import minigrad as torch
        >>> torch.nn.Linear(2, 1).extra_repr()
        'in_features=2, out_features=1, bias=True'
        """
        return ""

    def _repr_html_(self) -> str:
        """The HTML for a notebook: a table of the layers."""
        from minigrad.nn.outline import summary

        return summary(self)._repr_html_()

    def __repr__(self) -> str:
        children = [(name, repr(self.__dict__[name])) for name, kind in self._kinds.items() if kind == MODULE]
        return describe_module(self._get_name(), self.extra_repr(), children)


class Layer(Module):
    """A module whose result is one tensor: an editor and a type checker know it by this."""

    def __init_subclass__(cls, **options: Any) -> None:
        if cls.__module__.startswith("minigrad."):
            own_method(cls, "__init__")
            own_method(cls, "forward")
        super().__init_subclass__(**options)

    def __new__(cls, *given: Any, **options: Any) -> Self:
        if any(hasattr(value, "ndim") for value in given):
            from minigrad.nn.complaints import refuse_input

            refuse_input(cls, given)
        return super().__new__(cls, **options)

    if TYPE_CHECKING:

        def __call__(self, *args: Any, **kwargs: Any) -> Tensor: ...


# sqrt(3) * GAIN is 1, so a weight's bound, sqrt(3) * (GAIN / sqrt(fan_in)), is 1 / sqrt(fan_in). PyTorch computes it in
# this order, which decides its last bit: K. He et al., "Delving deep into rectifiers", 2015, with a=sqrt(5).
GAIN = math.sqrt(2.0 / (1 + math.sqrt(5) ** 2))


class Weighted(Layer):
    """The base of layers with a weight and an optional bias: `Linear` and the convolutions."""

    weight: Parameter
    bias: Parameter | None

    def _make_parameters(self, shape: Any, outputs: int | None, device: Any, dtype: Any) -> None:
        """Makes a weight of `shape`, and a bias of length `outputs` unless that is None."""
        self.weight = Parameter(empty(shape, device=device, dtype=dtype))
        bias = None if outputs is None else Parameter(empty(outputs, device=device, dtype=dtype))
        self.register_parameter("bias", bias)
        self.reset_parameters()

    def reset_parameters(self) -> None:
        """Draws the weight, then the bias, from U(-1/sqrt(fan_in), 1/sqrt(fan_in)); without inputs the bias is 0."""
        fan_in = math.prod(self.weight.array.shape[1:])
        if self.weight.array.size:
            draw_start(self.weight, math.sqrt(3.0) * (GAIN / math.sqrt(fan_in)))
        else:
            from minigrad.nn.init.xavier_kaiming import leave_empty

            leave_empty(self.weight)
        if self.bias is not None:
            draw_start(self.bias, 1 / math.sqrt(fan_in) if fan_in else 0)  # an int: the bias is 0.0 and not -0.0


def describe_options(layer: Module, names: str, **usual: Any) -> str:
    """The text between a layer's brackets: "size eps=" gives "3, eps=1e-05"; then the options that are not as `usual`.

    A bias is printed as a bool. An option with a number for each axis is as usual if all of them are.
    """
    shown = {name: _read_option(layer, name.rstrip("=")) for name in names.split()}
    for name, value in usual.items():
        own = _read_option(layer, name)
        if any(part != value for part in (own if isinstance(own, tuple) else (own,))):
            shown[f"{name}="] = own
    return ", ".join([f"{name}{own}" if name.endswith("=") else f"{own}" for name, own in shown.items()])


def _read_option(layer: Module, name: str) -> Any:
    """The value of an option; that of a bias, which may be a parameter or None, as a bool."""
    return getattr(layer, name) if name != "bias" else layer.bias is not None and layer.bias is not False


def describe_module(name: str, extra: str, children: list[tuple[str, str]]) -> str:
    """The printed module in PyTorch's layout: one line for a layer, else one indented line per child."""
    lines = extra.split("\n") if extra else []
    if len(lines) < 2 and not children:
        return f"{name}({extra})"
    lines += [f"({key}): " + text.replace("\n", "\n  ") for key, text in children]
    return f"{name}(\n  " + "\n  ".join(lines) + "\n)"
