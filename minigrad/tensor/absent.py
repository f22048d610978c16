"""Errors for attributes that `Tensor` does not have: PyTorch's are named as missing here, typos get a suggestion."""

from __future__ import annotations

from typing import Any, NoReturn

from minigrad.autograd.core import TensorBase

NAMES = (
    "bfloat16", "cdouble", "cfloat", "coalesce", "conj_physical_",
    "crow_indices", "dequantize", "dim_order", "eig", "geqrf", "int_repr", "istft",
    "lstsq", "map2_", "nonzero_static", "orgqr", "ormqr", "output_nr",
    "q_scale", "q_zero_point", "qscheme", "reinforce", "resize", "resize_as",
    "smm", "solve", "sparse_mask", "sparse_resize_", "stft", "storage_type", "symeig", "to_dense", "to_mkldnn",
    "to_padded_tensor", "to_sparse", "to_sparse_coo", "to_sparse_csr", "triangular_solve",     "xpu",
)  # fmt: skip
NUMPYS = ("copy", "fill", "flat", "ptp", "searchsorted", "strides", "tobytes")  # of arrays alone


MISSPELT = (
    "require_grad", "require_grads", "requires_grads", "required_grad", "requires_gradient", "require_gradient",
    "requiresgrad", "requires_gard",
)  # fmt: skip


class Absent:
    """A descriptor for a missing name, which raises AttributeError. (`__getattr__` would slow down every attribute.)"""

    def __init__(self, name: str) -> None:
        self.name = name

    def __get__(self, tensor: Any, owner: type[Any] | None = None) -> NoReturn:
        from minigrad.missing import missing_name

        raise missing_name("torch.Tensor", self.name)


class Misspelt:
    """A descriptor for a misspelling of `requires_grad`: setting it would have no effect, so it raises."""

    def __init__(self, name: str) -> None:
        self.name = name

    def __get__(self, tensor: Any, owner: type[Any] | None = None) -> Any:
        if tensor is None:
            return self
        raise AttributeError(f"'Tensor' object has no attribute {self.name!r}. Did you mean: 'requires_grad'?")

    def __set__(self, tensor: Any, value: Any) -> None:
        hint = f"write x.requires_grad = {value!r}"
        raise AttributeError(f"'Tensor' object has no attribute {self.name!r}, so setting it changes nothing; {hint}")


class AbsentNames(TensorBase):
    """Holds the descriptors of all missing names; users may set attributes with the names in `NAMES`."""

    __slots__ = ()

    def __dir__(self) -> list[str]:
        hidden = {*NAMES, *NUMPYS, *MISSPELT, "volatile"}  # the last warns when it is read
        return [name for name in super().__dir__() if name not in hidden]


for _name in (*NAMES, *NUMPYS):
    setattr(AbsentNames, _name, Absent(_name))
for _name in MISSPELT:
    setattr(AbsentNames, _name, Misspelt(_name))
