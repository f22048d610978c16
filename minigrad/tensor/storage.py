"""The memory of a tensor: as numbers (`storage`), as bytes (`untyped_storage`), and with another size (`resize_`)."""

from __future__ import annotations

import operator
from collections.abc import Iterator
from copy import deepcopy
from math import prod
from typing import Any

import numpy as np

from minigrad import backend, devices, dtypes, placement
from minigrad.autograd.core import GRAD, Tensor, TensorBase, mode, wrap
from minigrad.autograd.inference import new_count
from minigrad.creation.filled import check_countable
from minigrad.layout import channels_last, contiguous_format, order_axes, preserve_format
from minigrad.ops.arguments import as_number, require_tensor, sizes
from minigrad.ops.complaints import not_a_tensor
from minigrad.ops.inplace import check_writable
from minigrad.ops.memory_layout import memory_of
from minigrad.ops.strides import as_strided, resize


class TypedStorage:
    """The memory of a tensor as a flat sequence of numbers; writing to it writes to the tensor.

    >>> import minigrad as torch
    >>> torch.ones(2, 2).t()[0].storage().tolist()
    [1.0, 1.0, 1.0, 1.0]
    """

    def __init__(self, memory: Any, writes: list[int]) -> None:
        self._memory, self._writes = memory, writes

    def tensor(self) -> Tensor:
        """The storage as a 1-d tensor that shares its memory."""
        made: Tensor = wrap(self._memory)
        made.writes = self._writes
        return made

    @property
    def dtype(self) -> dtypes.dtype:
        """The dtype of its numbers."""
        return dtypes.from_numpy(self._memory.dtype)

    @property
    def device(self) -> devices.device:
        """The device of the memory."""
        return backend.device_of(self._memory)

    def __array__(self, dtype: Any = None, copy: bool | None = None) -> Any:
        return np.array(backend.to_device(self._memory, devices.CPU), dtype, copy=copy)

    def __len__(self) -> int:
        return int(self._memory.size)

    size = __len__

    def nbytes(self) -> int:
        """The number of bytes."""
        return int(self._memory.nbytes)

    def __sizeof__(self) -> int:  # what sys.getsizeof adds up: tools that describe models count the memory by it
        return super().__sizeof__() + self.nbytes()

    def element_size(self) -> int:
        """The size of a number in bytes."""
        return int(self._memory.itemsize)

    def data_ptr(self) -> int:
        """The address of its first number."""
        return wrap(self._memory).data_ptr()

    def untyped(self) -> UntypedStorage:
        """The same memory as bytes."""
        return UntypedStorage(self._memory.view(np.uint8), self._writes)

    def tolist(self) -> list[Any]:
        """Its numbers as a list."""
        return self._memory.tolist()

    def __getitem__(self, place: Any) -> Any:
        found = self._memory[place]
        return type(self)(found, self._writes) if isinstance(place, slice) else found.item()

    def __setitem__(self, place: Any, value: Any) -> None:
        number = dtypes.scalar(as_number("storage", "value", value), self._memory.dtype)
        backend.on_gpu_of(self._memory, operator.setitem, self._memory, place, number)
        self._writes[0] += 1

    def __iter__(self) -> Iterator[Any]:
        return iter(self.tolist())

    def fill_(self, value: Any) -> TypedStorage:
        """Fills the tensor with one number."""
        self[:] = value
        return self

    def clone(self) -> TypedStorage:
        """The same numbers in new memory."""
        return type(self)(backend.copy_array(self._memory), new_count())

    def __deepcopy__(self, memo: dict[int, Any]) -> TypedStorage:
        copied = deepcopy(self.tensor(), memo)  # which shares memory with the copies of the tensors that share this
        return type(self)(copied.array, copied.writes)

    def __repr__(self) -> str:
        title = f"[minigrad.storage.{type(self).__name__}({self._about()}device={self.device}) of size {len(self)}]"
        return "\n".join([*[f" {x}" for x in self.tolist()], title])

    def _about(self) -> str:
        return f"dtype={self.dtype}, "


class UntypedStorage(TypedStorage):
    """The memory of a tensor as bytes.

    >>> import minigrad as torch
    >>> torch.ones(2).untyped_storage().nbytes()
    8
    """

    def tensor_of(self, dtype: dtypes.dtype) -> Tensor:
        """The memory as a 1-d tensor of that dtype; bytes at the end that make no whole element are left out."""
        whole = len(self) - len(self) % dtype.itemsize
        made: Tensor = wrap(self._memory[:whole].view(dtype.numpy))
        made.writes = self._writes
        return made

    def _about(self) -> str:
        return ""


class StorageMethods(TensorBase):
    """Methods on the memory of a tensor."""

    __slots__ = ()

    def storage(self) -> TypedStorage:
        """The whole memory of the tensor, also elements outside a view, as numbers.

        >>> import minigrad as torch
        >>> torch.arange(4.0)[2:].storage().tolist()
        [0.0, 1.0, 2.0, 3.0]
        """
        return TypedStorage(memory_of(self.array)[0], self.writes)

    def untyped_storage(self) -> UntypedStorage:
        """The whole memory of the tensor, as bytes.

        >>> import minigrad as torch
        >>> torch.arange(4.0)[2:].untyped_storage().size()
        16
        """
        return UntypedStorage(memory_of(self.array)[0].view(np.uint8), self.writes)

    def resize_(self: Any, *size: Any, memory_format: Any = None) -> Tensor:
        """Changes the shape in the same memory, from the tensor's first element on; too small memory grows.

        The elements lie row by row, or in `memory_format`; without one, nothing changes for the same shape. New
        elements are uninitialized. Raises RuntimeError for a tensor that requires grad.

        >>> import minigrad as torch
        >>> torch.arange(6.0).resize_(2, 2)
        tensor([[0., 1.],
                [2., 3.]])
        """
        if self.requires_grad:
            raise RuntimeError("cannot resize variables that require grad: x.reshape(...) gives another shape")
        shape = sizes("resize_", size)
        if min(shape, default=0) < 0:
            raise RuntimeError(f"resize_: lengths must be >= 0, got {list(shape)}; reshape works out a -1")
        if memory_format is None and shape == self.array.shape:
            return self
        check_countable(shape, self.array.dtype)
        resize(self, shape, order_axes("resize_", memory_format or contiguous_format, len(shape)))
        return self

    def resize_as_(self: Any, the_template: Any, memory_format: Any = None) -> Tensor:
        """`resize_` to the shape of another tensor, and to its memory format if `memory_format` is preserve_format.

        >>> import minigrad as torch
        >>> torch.arange(6).resize_as_(torch.ones(3, 2))
        tensor([[0, 1],
                [2, 3],
                [4, 5]])
        """
        require_tensor("resize_as_", "the_template", 1, the_template)
        if memory_format is preserve_format:
            memory_format = channels_last if the_template.is_contiguous(channels_last) else contiguous_format
        return self.resize_(the_template.array.shape, memory_format=memory_format)

    def set_(self: Any, source: Any = None, storage_offset: int = 0, size: Any = None, stride: Any = None) -> Tensor:
        """Makes the tensor a view of `source`: of a tensor with its shape, or of a storage with the given strides.

        Without a source it becomes empty. Raises RuntimeError for another dtype, for elements outside the memory, and
        for a leaf that requires grad.

        >>> import minigrad as torch
        >>> torch.ones(2).set_(torch.zeros(3))
        tensor([0., 0., 0.])
        >>> torch.ones(2).set_(torch.arange(4.0).storage(), 1, (2,), (2,))
        tensor([1., 3.])
        """
        check_writable(self, "set_")
        if self.node is not None and mode.get() & GRAD:
            hint = "its gradient would be that of other numbers. Use it on x.detach(), or under no_grad()"
            raise RuntimeError(f"derivative for set_ is not implemented: a result of recorded calls is given; {hint}")
        if source is None:
            source = wrap(backend.quiet(np.empty_like, self.array, shape=(0,)))
        is_tensor = isinstance(source, TensorBase)
        if isinstance(source, UntypedStorage):
            source = source.tensor_of(self.dtype)
        elif isinstance(source, TypedStorage):
            source = source.tensor()
        elif not is_tensor:
            raise not_a_tensor("set_", "source", 1, source)
        if source.array.dtype != self.array.dtype:
            raise RuntimeError(f"set_: expected a tensor of {self.dtype}, got {dtypes.from_numpy(source.array.dtype)}")
        array = source.array
        if size is not None or not is_tensor:
            size = (array.size - storage_offset,) if size is None else tuple(size)
            steps = [prod(size[i + 1 :]) for i in range(len(size))] if stride is None else stride
            array = as_strided(source.detach(), size, tuple(steps), storage_offset).array
        self.writes[0] += 1  # a saved tensor would have other memory
        self.array, self.view_of = array, None
        return self

    def share_memory_(self: Any) -> Tensor:
        """Returns the tensor unchanged: processes of this library get copies.

        >>> import minigrad as torch
        >>> torch.ones(1).share_memory_()
        tensor([1.])
        """
        return self

    def pin_memory(self: Any, device: Any = None) -> Tensor:
        """A copy in page-locked memory, from which a GPU copies asynchronously; the same tensor if it is pinned.

        Raises RuntimeError for a tensor on a GPU, and where there is none.

        >>> import minigrad as torch
        >>> if torch.cuda.is_available():
        ...     x = torch.ones(2).pin_memory()
        """
        if not self.is_cpu:
            raise RuntimeError(f"cannot pin a tensor on {self.device}: only those on the CPU can be pinned")
        return self if self.is_pinned() else wrap(placement.pin(self.array))

    def record_stream(self: Any, stream: Any) -> None:
        """Says that `stream` uses its memory, which then is not used again before `stream` has done so.

        For a tensor that was made on one stream of a GPU and is read on another. Raises RuntimeError for a tensor on
        the CPU, TypeError for what is no stream.

        >>> import minigrad as torch
        >>> if torch.cuda.is_available():
        ...     x = torch.ones(2, device="cuda")
        ...     x.record_stream(torch.cuda.current_stream())
        """
        if not hasattr(stream, "hold_memory"):
            raise TypeError(f"record_stream(): expected a torch.cuda.Stream, got {type(stream).__name__}")
        if self.is_cpu:
            raise RuntimeError("record_stream(): a tensor on the CPU is used by no stream: move it first, x.to('cuda')")
        stream.hold_memory(self.array)


def is_storage(obj: Any, /) -> bool:
    """Whether `obj` is a storage.

    >>> import minigrad as torch
    >>> torch.is_storage(torch.ones(2).storage())
    True
    """
    return isinstance(obj, TypedStorage)
