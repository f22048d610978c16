"""The parameters and buffers of lazy layers: until the first input they have a dtype and a device, but no shape."""

from __future__ import annotations

from typing import Any, ClassVar, NoReturn, Self, cast

from minigrad import devices, dtypes
from minigrad.autograd.core import LEAF, TensorBase, wrap
from minigrad.creation.filled import empty
from minigrad.nn.parameter import Parameter
from minigrad.size import Size
from minigrad.tensor import Tensor
from minigrad.tensor.copying import rebuild

_memory = TensorBase.__dict__["array"]  # the slot that the classes below override


class Uninitialized(Tensor, plain=True):
    """A parameter or buffer of a lazy layer before the first input: it has a dtype and a device, but no shape.

    Reading its values or calling an operation on it raises `ValueError`, reading its shape `RuntimeError`.
    `materialize(shape)` gives it memory and changes the class of this object to the ordinary one, so that an
    optimizer built earlier keeps the right tensor.
    """

    __slots__ = ()
    becomes: ClassVar[type[Tensor]]

    def __new__(cls, requires_grad: bool | None = None, device: Any = None, dtype: Any = None) -> Self:
        wanted = cls.becomes is Parameter if requires_grad is None else requires_grad
        return rebuild(cls, empty(0, device=device, dtype=dtype).array, wanted)

    def __init__(self, *_: Any, **__: Any) -> None:
        pass

    @property
    def array(self) -> NoReturn:
        raise ValueError(self._say_unknown("Attempted to use"))

    @array.setter
    def array(self, array: Any) -> None:
        _memory.__set__(self, array)

    @property
    def shape(self) -> Size:
        raise RuntimeError(self._say_unknown("Can't access the shape of"))

    @property
    def data(self) -> Tensor:
        """An empty tensor of the same dtype and device."""
        return wrap(_memory.__get__(self))

    @data.setter
    def data(self, value: Tensor) -> None:
        _memory.__set__(self, value.array)

    def requires_grad_(self, requires_grad: bool = True) -> Self:
        """Sets `requires_grad`; a layer may be frozen before its first call.

        >>> import minigrad as torch
        >>> torch.nn.LazyLinear(2).weight.requires_grad_(False).requires_grad
        False
        """
        self.node = LEAF if requires_grad else None
        return self

    def materialize(self, shape: Any, device: Any = None, dtype: Any = None) -> None:
        """Becomes an ordinary parameter or buffer of `shape`, with uninitialized values.

        >>> import minigrad as torch
        >>> weight = torch.nn.UninitializedParameter()
        >>> weight.materialize((2, 3))
        >>> type(weight).__name__, weight.shape
        ('Parameter', minigrad.Size([2, 3]))
        """
        held = self.data
        _memory.__set__(self, empty(shape, device=device or held.device, dtype=dtype or held.dtype).array)
        self.__class__ = self.becomes  # type: ignore[assignment]

    @property
    def dtype(self) -> dtypes.dtype:
        return self.data.dtype

    @property
    def device(self) -> devices.device:
        return self.data.device

    def _say_unknown(self, attempt: str) -> str:
        word = type(self).__name__.removeprefix("Uninitialized").lower()
        return (
            f"{attempt} an uninitialized {word}: the lazy layer that owns it has seen no input yet, so its shape is "
            "unknown. Call the module with one batch first (net(X)), give the size (nn.Linear in place of "
            "nn.LazyLinear), or load a checkpoint that was saved after its module's first call."
        )

    def __repr__(self) -> str:
        return f"<{type(self).__name__}>"

    def __deepcopy__(self, memo: dict[int, Any]) -> Self:
        held = self.data
        copied = memo.setdefault(id(self), type(self)(self.requires_grad, held.device, held.dtype))
        return cast("Self", copied)


class UninitializedParameter(Uninitialized, Parameter):
    """A parameter whose shape is not known yet; see `Uninitialized`. As PyTorch's.

    >>> import minigrad as torch
    >>> weight = torch.nn.UninitializedParameter()
    >>> weight.materialize((2, 3))
    >>> weight.shape, type(weight) is torch.nn.Parameter
    (minigrad.Size([2, 3]), True)
    """

    __slots__ = ()
    becomes = Parameter


class UninitializedBuffer(Uninitialized):
    """A buffer whose shape is not known yet; see `Uninitialized`. As PyTorch's.

    >>> import minigrad as torch
    >>> buffer = torch.nn.UninitializedBuffer()
    >>> buffer.materialize((2,))
    >>> buffer.shape
    minigrad.Size([2])
    """

    __slots__ = ()
    becomes = Tensor
