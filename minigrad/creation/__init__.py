"""Functions that make tensors: from Python's numbers, from other libraries' arrays, filled, and random."""

# fmt: off
from minigrad.late_imports import open_later

with open_later("torch", globals()):
    from minigrad.creation.data import scalar_tensor, tensor
    from minigrad.creation.drawn import normal, rand, randint, randn, randperm
    from minigrad.creation.counted import arange, eye
    from minigrad.creation.filled import empty, full, ones, zeros
    from minigrad.creation.foreign import as_tensor, asarray, from_dlpack, from_numpy, frombuffer
    from minigrad.creation.grids import (
        empty_strided, linspace, logspace, meshgrid, range, tril_indices, triu_indices,
    )
    from minigrad.creation.like import (
        empty_like, full_like, ones_like, rand_like, randint_like, randn_like, zeros_like,
    )
    from minigrad.creation.type_names import (
        BoolTensor, ByteTensor, CharTensor, DoubleTensor, FloatTensor, HalfTensor, IntTensor, LongTensor, ShortTensor,
        TensorType, construct, set_default_tensor_type, types_on,
    )

__all__ = [
    "BoolTensor", "ByteTensor", "CharTensor", "DoubleTensor", "FloatTensor", "HalfTensor", "IntTensor", "LongTensor",
    "ShortTensor", "TensorType", "arange", "as_tensor", "asarray", "construct", "empty", "empty_like", "empty_strided",
    "eye", "from_dlpack", "from_numpy", "frombuffer", "full", "full_like", "linspace", "logspace", "meshgrid", "normal",
    "ones", "ones_like", "rand", "rand_like", "randint", "randint_like", "randn", "randn_like", "randperm", "range",
    "scalar_tensor", "set_default_tensor_type", "tensor", "tril_indices", "triu_indices", "types_on", "zeros",
    "zeros_like",
]
