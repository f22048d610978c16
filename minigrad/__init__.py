"""minigrad: tensors, autograd and convolution in pure Python on NumPy, with CuPy for the GPU."""

from minigrad import autograd
from minigrad.autograd import (
    enable_grad,
    inference_mode,
    is_grad_enabled,
    is_inference_mode_enabled,
    no_grad,
    set_grad_enabled,
)
from minigrad.backend import device, set_default_device
from minigrad.creation import (
    arange,
    as_tensor,
    empty,
    empty_like,
    eye,
    from_numpy,
    full,
    full_like,
    linspace,
    meshgrid,
    normal,
    ones,
    ones_like,
    rand,
    rand_like,
    randint,
    randint_like,
    randn,
    randn_like,
    randperm,
    tensor,
    zeros,
    zeros_like,
)
from minigrad.dtypes import (
    bool_ as bool,  # noqa: A004
)
from minigrad.dtypes import (
    double,
    dtype,
    float16,
    float32,
    float64,
    get_default_dtype,
    half,
    int8,
    int16,
    int32,
    int64,
    long,
    set_default_dtype,
    short,
    uint8,
)
from minigrad.dtypes import (
    float_ as float,  # noqa: A004
)
from minigrad.dtypes import (
    int_ as int,  # noqa: A004
)
from minigrad.ops.arithmetic import (
    abs,  # noqa: A004
    add,
    exp,
    log,
    maximum,
    minimum,
    mul,
    neg,
    pow,  # noqa: A004
    sigmoid,
    sign,
    sqrt,
    sub,
    tanh,
)
from minigrad.ops.matmul import matmul
from minigrad.ops.reduce import mean, sum  # noqa: A004
from minigrad.ops.join import (
    cat,
    chunk,
    concat,
    concatenate,
    hstack,
    narrow,
    roll,
    select,
    split,
    stack,
    tensor_split,
    unbind,
    vstack,
)
from minigrad.ops.select import (
    argwhere,
    diag,
    diag_embed,
    diagonal,
    flip,
    gather,
    index_add,
    index_copy,
    index_fill,
    index_select,
    masked_fill,
    masked_scatter,
    masked_select,
    nonzero,
    repeat_interleave,
    rot90,
    scatter,
    scatter_add,
    select_scatter,
    take_along_dim,
    tril,
    triu,
    where,
)
from minigrad.ops.shape import (
    broadcast_tensors,
    broadcast_to,
    clone,
    flatten,
    moveaxis,
    movedim,
    permute,
    ravel,
    reshape,
    squeeze,
    swapaxes,
    swapdims,
    t,
    tile,
    transpose,
    unflatten,
    unsqueeze,
)
from minigrad.random import manual_seed
from minigrad.size import Size
from minigrad.tensor import Tensor

__version__ = "0.1.0"
