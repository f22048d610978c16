"""`Stateless`: a layer of options and no parameters, declared by its fields."""

from __future__ import annotations

import inspect
from typing import Any, ClassVar, dataclass_transform

import minigrad.nn.functional as F
from minigrad.nn.module import Module
from minigrad.nn.registry import BUFFER


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
    _options: ClassVar[dict[str, inspect.Parameter]] = {}  # in the constructor's order
    _tensors: ClassVar[frozenset[str]] = frozenset()
    _shown: ClassVar[tuple[str, ...] | None] = None
    __signature__: ClassVar[inspect.Signature]

    def __init_subclass__(cls, function: str = "", shown: tuple[str, ...] | None = None) -> None:
        fields = {name: str(a) for name, a in cls.__annotations__.items() if "ClassVar" not in str(a)}
        usual, kind = vars(cls), inspect.Parameter.POSITIONAL_OR_KEYWORD
        own = {n: inspect.Parameter(n, kind, default=usual.get(n, inspect.Parameter.empty)) for n in fields}
        for name in fields.keys() & vars(cls).keys():
            delattr(cls, name)  # an option belongs to the layer; the class keeps its default above
        cls._options = cls._options | own
        cls.__signature__ = inspect.Signature(list(cls._options.values()))
        cls._tensors = cls._tensors | {name for name, a in fields.items() if "Tensor" in a}
        cls._function = function or getattr(cls, "_function", "")
        cls._shown = cls._shown if shown is None else shown

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__()
        try:
            given = self.__signature__.bind(*args, **kwargs)
        except TypeError as fault:
            raise TypeError(f"{type(self).__name__}{self.__signature__}: {fault}") from None
        given.apply_defaults()
        for name, value in given.arguments.items():
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
