"""`Stateless`: the base of layers that have options but no parameters; the options are declared as fields."""

from __future__ import annotations

import inspect
from collections.abc import Callable
from typing import Any, ClassVar

from minigrad.nn.module import Layer
from minigrad.tensor import Tensor


def _is_of_tensors(parameter: inspect.Parameter) -> bool:
    """Whether a parameter takes tensors: not a function of tensors."""
    text = str(parameter.annotation)
    return "Tensor" in text and "Callable" not in text


def _options_of(function: Callable[..., Any]) -> dict[str, inspect.Parameter]:
    """The parameters of `function` that become options of a layer: those that are not tensors."""
    parameters = inspect.signature(function).parameters.items()
    options = {n: p for n, p in parameters if p.default is not p.empty or not _is_of_tensors(p)}
    return {n: p for n, p in options.items() if n not in ("_stacklevel", "dtype", "training")}


def _fields_of(cls: type) -> dict[str, inspect.Parameter]:
    """The fields that `cls` declares; their defaults are removed from the class, as options are instance attributes."""
    fields = {}
    for name, annotation in inspect.get_annotations(cls).items():
        if "ClassVar" not in str(annotation):
            default = vars(cls).get(name, inspect.Parameter.empty)
            kind = inspect.Parameter.POSITIONAL_OR_KEYWORD
            fields[name] = inspect.Parameter(name, kind, default=default, annotation=annotation)
            if name in vars(cls):
                delattr(cls, name)
    return fields


class Stateless(Layer):
    """A function of `nn.functional` as a layer: its options are the constructor's arguments::

        class LeakyReLU(Stateless, function=F.leaky_relu):
            "..."

    The options are the fields that a class declares, or, where it declares none, the function's parameters
    beside its tensors. They become attributes, go to the function by name, and are printed: all, or those
    that `shown` names; `inplace` only when it is on. An option that is a Tensor is a buffer. Raises
    `TypeError` for arguments that are no options.
    """

    axes: ClassVar[int] = 2  # of an image, for the layers that ask
    _function: ClassVar[Any] = None
    _options: ClassVar[dict[str, inspect.Parameter]] = {}  # in the constructor's order
    _tensors: ClassVar[frozenset[str]] = frozenset()
    _shown: ClassVar[tuple[str, ...] | None] = None
    __signature__: ClassVar[inspect.Signature]

    def __init_subclass__(
        cls, function: Callable[..., Any] | None = None, shown: tuple[str, ...] | None = None, axes: int | None = None,
        **options: Any,
    ) -> None:  # fmt: skip
        super().__init_subclass__(**options)
        cls.axes = cls.axes if axes is None else axes
        fields = _fields_of(cls)
        if function is not None:
            cls._function = staticmethod(function)
            if not fields and not cls._options:
                fields = _options_of(function)
        cls._options = cls._options | fields
        cls._tensors = cls._tensors | {name for name, p in fields.items() if _is_of_tensors(p)}
        cls.__signature__ = inspect.Signature([*cls._options.values()])
        cls._shown = cls._shown if shown is None else shown

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__()
        try:
            given = self.__signature__.bind(*args, **kwargs)
        except TypeError as fault:
            from minigrad.nn.complaints import explain_arguments

            raise explain_arguments(self, fault, args, kwargs) from None
        given.apply_defaults()
        inputs = []
        for name, value in given.arguments.items():
            if name in self._tensors:
                self.register_buffer(name, value)
            else:
                setattr(self, name, value)
                if isinstance(value, Tensor) and value.ndim:
                    inputs.append(name)
        if inputs:
            from minigrad.nn.complaints import complete_with_input

            complete_with_input(self, inputs[0])
        else:
            self._complete()

    def _complete(self) -> None:
        """Checks the options, and sets those that depend on others."""

    def forward(self, *inputs: Any, **named: Any) -> Any:
        options = {name: getattr(self, name) for name in self._options}
        try:
            return self._function(*inputs, **named, **options)
        except TypeError as fault:
            from minigrad.nn.complaints import explain_inputs

            raise explain_inputs(self, fault, inputs, named)  # noqa: B904 (mostly the same error)

    def extra_repr(self) -> str:
        shown = self._options if self._shown is None else self._shown
        options = [(name, getattr(self, name)) for name in shown]
        return ", ".join(f"{name}={v!r}" for name, v in options if name != "inplace" or v)
