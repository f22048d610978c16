"""Properties of a tensor that few programs need: on complex numbers, which are not supported, and on memory."""

from __future__ import annotations

from typing import Any

import numpy as np

from minigrad import backend, placement
from minigrad.advice import warn
from minigrad.autograd.core import Tensor, TensorBase
from minigrad.autograd.views import root_of
from minigrad.layout import layout, strided
from minigrad.ops.arguments import of_tensors, require_tensor, takes_out
from minigrad.ops.comparison import isfinite
from minigrad.ops.memory_layout import owner_of


@of_tensors
def get_device(input: Tensor) -> int:
    """The number of the GPU of `input`; -1 on the CPU.

    >>> import minigrad as torch
    >>> torch.get_device(torch.ones(2))
    -1
    """
    index = backend.device_of(input.array).index
    return -1 if index is None else index


@of_tensors
def is_complex(input: Tensor) -> bool:
    """False: there are no complex numbers, and no lazy conjugation or negation.

    >>> import minigrad as torch
    >>> torch.is_complex(torch.ones(2))
    False
    """
    return False


is_conj = is_neg = is_complex


@of_tensors
def is_inference(input: Tensor) -> bool:
    """True when the memory of `input` was made in inference mode.

    >>> import minigrad as torch
    >>> torch.is_inference(torch.ones(2))
    False
    """
    return input.is_inference()


@of_tensors
def real(input: Tensor) -> Tensor:
    """The tensor itself: its numbers are real.

    >>> import minigrad as torch
    >>> torch.real(torch.ones(2))
    tensor([1., 1.])
    """
    return input


conj = resolve_conj = resolve_neg = real


@takes_out
def conj_physical(input: Tensor) -> Tensor:
    """The tensor itself: its numbers are real. With `out` they are copied there.

    >>> import minigrad as torch
    >>> torch.conj_physical(torch.ones(2))
    tensor([1., 1.])
    """
    return input


@of_tensors
def detach(input: Tensor) -> Tensor:
    """The same memory outside the graph, as ``input.detach()``.

    >>> import minigrad as torch
    >>> torch.detach(torch.ones(2, requires_grad=True) * 2)
    tensor([2., 2.])
    """
    return input.detach()


@of_tensors
def isreal(input: Tensor) -> Tensor:
    """True for every element: there are no complex numbers here.

    >>> import minigrad as torch
    >>> torch.isreal(torch.ones(2))
    tensor([True, True])
    """
    return isfinite(input) | True


@of_tensors
def is_signed(input: Tensor) -> bool:
    """Whether the dtype of `input` can hold negative numbers.

    >>> import minigrad as torch
    >>> torch.is_signed(torch.ones(2))
    True
    """
    return bool(input.array.dtype.kind in "fi")


@of_tensors
def is_nonzero(input: Tensor) -> bool:
    """Whether the single element of `input` is not 0. Raises RuntimeError for more or fewer elements.

    >>> import minigrad as torch
    >>> torch.is_nonzero(torch.tensor([0.0]))
    False
    """
    return bool(input)


@of_tensors
def is_same_size(input: Tensor, other: Tensor) -> bool:
    """Whether two tensors have the same shape.

    >>> import minigrad as torch
    >>> torch.is_same_size(torch.ones(2), torch.ones(3))
    False
    """
    return bool(input.array.shape == other.array.shape)


def typename(obj: Any, /) -> str:
    """The name of an object's type: "minigrad.FloatTensor" for a tensor.

    >>> import minigrad as torch
    >>> torch.typename(torch.ones(1)), torch.typename(3)
    ('minigrad.FloatTensor', 'int')
    """
    if isinstance(obj, TensorBase):
        return str(obj.type())  # type: ignore[attr-defined]
    kind = obj if isinstance(obj, type) else type(obj)
    return kind.__qualname__ if kind.__module__ == "builtins" else f"{kind.__module__}.{kind.__qualname__}"


class MoreFactMethods(TensorBase):
    """Properties of a tensor that few programs need."""

    __slots__ = ()

    is_nonzero = is_nonzero
    is_complex = is_conj = is_neg = is_complex
    is_signed = is_signed
    isreal = isreal
    conj = resolve_conj = resolve_neg = real
    conj_physical = conj_physical
    is_same_size = is_same_size
    get_device = get_device

    @property
    def real(self) -> Any:
        """The tensor itself: its numbers are real."""
        return self

    @property
    def imag(self) -> Any:
        """Raises: there are no complex numbers here."""
        raise RuntimeError("imag is not implemented for tensors with non-complex dtypes: there are none here")

    @property
    def volatile(self) -> bool:
        """False, with a warning: old programs set it where new ones write ``with torch.no_grad():``."""
        warn("volatile was removed (Variable.volatile is always False)")
        return False

    @volatile.setter
    def volatile(self, value: Any) -> None:
        warn("volatile was removed and now has no effect. Use `with torch.no_grad():` instead.")

    # ---- of its memory --------------------------------------------------------------------------
    @property
    def itemsize(self) -> int:
        """The size of an element in bytes."""
        return int(self.array.itemsize)

    @property
    def nbytes(self) -> int:
        """The bytes of all its elements."""
        return int(self.array.size * self.array.itemsize)

    @property
    def layout(self) -> layout:
        """`strided`: elements lie one by one in memory."""
        return strided

    def storage_offset(self: Any) -> int:
        """The offset of the first element in the storage, in elements; for a view, in the storage of its base.

        >>> import minigrad as torch
        >>> torch.ones(4)[2:].storage_offset()
        2
        """
        return (self.data_ptr() - backend.address_of(owner_of(self.array))) // self.element_size()

    is_xpu = is_mps = is_meta = is_sparse = is_quantized = is_mkldnn = is_nested = is_xla = property(
        lambda self: False, doc="False: there are no such tensors here."
    )

    @property
    def is_cpu(self) -> bool:
        """Whether its memory is the CPU's."""
        return backend.device_of(self.array).type == "cpu"

    @property
    def is_cuda(self) -> bool:
        """Whether its memory is on a GPU."""
        return backend.device_of(self.array).type == "cuda"

    def is_pinned(self) -> bool:
        """Whether `pin_memory` made it.

        >>> import minigrad as torch
        >>> torch.ones(1).is_pinned()
        False
        """
        return placement.is_pinned(self.array)

    def is_shared(self) -> bool:
        """False on the CPU; memory of a GPU counts as shared.

        >>> import minigrad as torch
        >>> torch.ones(1).is_shared()
        False
        """
        return type(self.array) is not np.ndarray

    def is_set_to(self, tensor: Any) -> bool:
        """Whether another tensor has the same memory, shape and strides.

        >>> import minigrad as torch
        >>> x = torch.ones(2)
        >>> x.is_set_to(x[:])
        True
        """
        require_tensor("is_set_to", "tensor", 1, tensor)
        mine, other = self.array, tensor.array
        same = mine.shape == other.shape and mine.strides == other.strides
        return bool(same and backend.address_of(mine) == backend.address_of(other))

    # ---- of views and writes ---------------------------------------------------------------------
    def _is_view(self: Any) -> bool:
        """Whether this looks at another tensor's memory, under PyTorch's name."""
        return self.view_of is not None and not self.is_inference()

    @property
    def _base(self: Any) -> Any:
        """The tensor whose memory this is a view of, under PyTorch's name; None where it has its own."""
        return None if self.view_of is None else root_of(self)

    @property
    def _version(self: Any) -> int:
        """How often its memory was written to, by it or by a view: saved values that were overwritten are refused.

        >>> import minigrad as torch
        >>> x = torch.zeros(2)
        >>> x[0] = 5
        >>> x._version
        1
        """
        if self.is_inference():
            raise RuntimeError("Inference tensors do not track version counter.")
        return self.writes[0]

    _grad = property(lambda self: self.grad, lambda self, value: setattr(self, "grad", value))  # as programs spell it

    def bump_version(self: Any) -> None:
        """Notes that the memory was written to; saved values that needed it are then refused.

        >>> import minigrad as torch
        >>> x = torch.ones(2)
        >>> x.bump_version()
        >>> x._version
        1
        """
        self.writes[0] += 1

    def element_size(self) -> int:
        """The size of an element in bytes.

        >>> import minigrad as torch
        >>> torch.ones(1).element_size()
        4
        """
        return int(self.array.itemsize)

    def data_ptr(self) -> int:
        """The address of its first element.

        >>> import minigrad as torch
        >>> x = torch.ones(4)
        >>> x[1:].data_ptr() - x.data_ptr()
        4
        """
        return backend.address_of(self.array)
