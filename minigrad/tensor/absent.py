"""What PyTorch's tensors have and ours have not: each name says so, and where to read what is here."""

from __future__ import annotations

from typing import Any, NoReturn

from minigrad.autograd.core import TensorBase

NAMES = (
    "angle", "bfloat16", "cdouble", "cfloat", "cholesky_inverse", "cholesky_solve", "coalesce", "conj_physical_",
    "crow_indices", "dequantize", "dim_order", "eig", "geqrf", "hardshrink", "igamma", "igammac", "int_repr", "istft",
    "lstsq", "lu", "lu_solve", "map2_", "narrow_copy", "nonzero_static", "orgqr", "ormqr", "polygamma", "prelu",
    "q_scale", "q_zero_point", "qscheme", "record_stream", "reinforce", "resize", "resize_as", "smm", "solve",
    "sparse_mask", "sparse_resize_", "stft", "storage_type", "symeig", "to_dense", "to_mkldnn", "to_padded_tensor",
    "to_sparse", "to_sparse_coo", "to_sparse_csr", "triangular_solve", "unsafe_chunk", "unsafe_split", "xpu",
)  # fmt: skip


class Absent:
    """Stands under a name that is not there. A `__getattr__` would do, and make every attribute slower to read."""

    def __init__(self, name: str) -> None:
        self.name = name

    def __get__(self, tensor: Any, owner: type[Any] | None = None) -> NoReturn:
        from minigrad.missing import missing_name

        raise missing_name("torch.Tensor", self.name)


class AbsentNames(TensorBase):
    """The names that are not there; a tensor's own attributes may bear them."""

    __slots__ = ()

    def __dir__(self) -> list[str]:
        return [name for name in super().__dir__() if name not in NAMES]


for _name in NAMES:
    setattr(AbsentNames, _name, Absent(_name))
