"""`Stateless`: a layer of options and no parameters, declared by its fields."""

from __future__ import annotations

from typing import Any, ClassVar, dataclass_transform

import minigrad.nn.functional as F
from minigrad.nn.module import Module
from minigrad.nn.registry import BUFFER

_REQUIRED = object()


@dataclass_transform(eq_default=False)
class Stateless(Module):
    """A function of `nn.functional` with its options, which a subclass declares as fields::

        class LeakyReLU(Stateless, function="leaky_relu"):
            negative_slope: float = 0.01
            inplace: bool = False

    The fields are the constructor's arguments, become attributes, go to the function by name, and
    are printed: all, or those that `shown` names; `inplace` only when it is on. An option that is a
    Tensor is a buffer. Raises `TypeError` for arguments that are no fields.
    """

    _function: ClassVar[str]
    _options: ClassVar[dict[str, Any]] = {}  # defaults, in the constructor's order
    _tensors: ClassVar[frozenset[str]] = frozenset()
    _shown: ClassVar[tuple[str, ...] | None] = None

    def __init_subclass__(cls, function: str = "", shown: tuple[str, ...] | None = None) -> None:
        fields = {n: str(a) for n, a in cls.__annotations__.items() if "ClassVar" not in str(a)}
        cls._options = cls._options | {n: cls.__dict__.get(n, _REQUIRED) for n in fields}
        for name in fields.keys() & cls.__dict__.keys():
            delattr(cls, name)  # an option belongs to the layer; the class keeps its default above
        cls._tensors = cls._tensors | {n for n, a in fields.items() if "Tensor" in a}
        cls._function = function or getattr(cls, "_function", "")
        cls._shown = cls._shown if shown is None else shown

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__()
        options = self._options
        given = dict(zip(options, args, strict=False))
        values = options | given | kwargs
        missing = [name for name, value in values.items() if value is _REQUIRED]
        if len(args) > len(options) or given.keys() & kwargs or len(values) > len(options) or missing:
            name = type(self).__name__
            wanted = [n if v is _REQUIRED else f"{n}={v!r}" for n, v in options.items()]
            raise TypeError(
                f"{name}.__init__() takes ({', '.join(wanted)}), got "
                f"({', '.join([*map(repr, args), *(f'{n}={v!r}' for n, v in kwargs.items())])})"
            )
        for name, value in values.items():
            if name in self._tensors:
                self._register(BUFFER, name, value)
            else:
                setattr(self, name, value)
        self._complete()

    def _complete(self) -> None:
        """Check the options, and fill in what depends on others."""

    def forward(self, *inputs: Any, **named: Any) -> Any:
        options = {name: getattr(self, name) for name in self._options}
        return getattr(F, self._function)(*inputs, **named, **options)

    def extra_repr(self) -> str:
        shown = self._options if self._shown is None else self._shown
        options = [(name, getattr(self, name)) for name in shown]
        return ", ".join(f"{name}={v!r}" for name, v in options if name != "inplace" or v)
