"""Adds to `Tensor` the methods that only few programs need, family by family.

Each line names a function. Its file is imported when the method is first used; until then a placeholder stands there.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial, wraps
from importlib import import_module
from inspect import CO_VARARGS
from typing import TYPE_CHECKING, Any

from minigrad.autograd import core
from minigrad.autograd.core import Tensor, TensorBase
from minigrad.autograd.overriding import as_instances, declare_plain, disabled_torch_function
from minigrad.ops import (
    LaterFunction,
    counting,
    cumulative,
    differences,
    error_function,
    gamma,
    incomplete_gamma,
    index_reductions,
    index_writes,
    masks,
    norm,
    order,
    products,
    rearranging,
    rotations,
    shape,
    special,
    statistics,
    strides,
    ternary,
    view_scatter,
)

# Renamed where a method is called like its file: in the body of the class that name then means the method.
from minigrad.ops import activation_variants as activations
from minigrad.ops import addmm as sums
from minigrad.ops import clamp as limits
from minigrad.ops import diagonal as diagonals
from minigrad.ops import gather as picking
from minigrad.ops import linear_algebra as linear
from minigrad.ops import reduce_variants as reductions
from minigrad.ops import scatter as writing
from minigrad.ops import split as parts
from minigrad.ops.arguments import of_tensors, require_tensor
from minigrad.ops.inplace import with_in_place
from minigrad.ops.reshaping import reshaping_in_place
from minigrad.tensor.absent import AbsentNames
from minigrad.tensor.copying import CopyMethods
from minigrad.tensor.more_facts import MoreFactMethods


def name_method(method: Any, name: str) -> None:
    """Names a method of `Tensor`, and the functions that it wraps: for Python's errors, and where pickle finds it."""
    method.__module__ = "minigrad"
    while method is not None:
        method.__name__, method.__qualname__ = name, f"Tensor.{name}"
        method = getattr(method, "__wrapped__", None)


if TYPE_CHECKING:
    from minigrad.tensor.drawing import DrawingMethods
    from minigrad.tensor.hooks import HookMethods
    from minigrad.tensor.new import NewMethods
    from minigrad.tensor.storage import StorageMethods
else:

    def require_self(method: Callable[..., Any]) -> Callable[..., Any]:
        """`method`, which refuses in words to be called of what is no tensor."""

        @wraps(method)
        def call(self: Any, *args: Any, **kwargs: Any) -> Any:
            require_tensor(method.__name__, "self", 1, self)
            return method(self, *args, **kwargs)

        return call

    def stand_for(file: str, family: str, names: str) -> type:
        """A class of stand-ins for the methods `names` of class `family`, whose file is imported on the first call."""

        def fetch(name: str) -> Any:
            method = vars(getattr(import_module(f"minigrad.tensor.{file}"), family))[name]
            if "." in method.__qualname__:  # written there, and not one of `ops/`, which are checked
                takes_several = method.__code__.co_flags & CO_VARARGS  # such as ``*size``, which may be a keyword
                has_flag = "bool" in method.__annotations__.values()
                method = of_tensors(method) if has_flag or takes_several else require_self(method)
                name_method(method, name)
            return method

        stand_ins = {name: LaterFunction(partial(fetch, name)) for name in names.split()}
        return type(family, (TensorBase,), {"__slots__": (), **stand_ins})

    DrawingMethods = stand_for(
        "drawing",
        "DrawingMethods",
        "bernoulli bernoulli_ cauchy_ exponential_ geometric_ log_normal_ multinomial normal_ random_ uniform_",
    )
    HookMethods = stand_for("hooks", "HookMethods", "register_hook register_post_accumulate_grad_hook")
    NewMethods = stand_for(
        "new",
        "NewMethods",
        "apply_ as_subclass fill_diagonal_ map_ new new_empty new_empty_strided new_full new_ones new_tensor new_zeros "
        "type type_as",
    )
    StorageMethods = stand_for(
        "storage",
        "StorageMethods",
        "pin_memory record_stream resize_ resize_as_ set_ share_memory_ storage untyped_storage",
    )


class WideMethods(
    DrawingMethods, NewMethods, StorageMethods, CopyMethods, HookMethods, MoreFactMethods, AbsentNames
):  # fmt: skip
    """The methods of `Tensor` that few programs need."""

    __slots__ = ()

    def __new__(cls, *args: Any, dtype: Any = None, device: Any = None, **named: Any) -> Tensor:
        """``Tensor([1, 2])`` holds these numbers, ``Tensor(2, 3)`` is uninitialized; the dtype is the default one."""
        from minigrad.creation.type_names import construct

        made = construct(args, dtype, device, **named)
        return made if cls is type(made) else made.as_subclass(cls)

    def __init_subclass__(cls, plain: bool = False, **options: Any) -> None:
        # A class that is `plain` overrides no function: results computed from its tensors are plain Tensors.
        super().__init_subclass__(**options)
        if plain:
            cls.__torch_function__ = disabled_torch_function  # type: ignore[method-assign]
        if cls.__torch_function__ is disabled_torch_function:
            declare_plain(cls)
        elif core.result_class is not TensorBase:  # or `Tensor` itself is being made
            from minigrad.tensor.subclasses import prepare

            prepare(cls)

    @classmethod
    def __torch_function__(cls, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        """What a class that derives from Tensor makes of a function: the usual result, as an instance of the class."""
        if not all(issubclass(cls, t) for t in types):
            return NotImplemented
        result = disabled_torch_function(func, types, args, kwargs)
        return result if func == core.result_class.grad.__get__ else as_instances(result, cls)

    def _repr_html_(self) -> str:
        """The HTML for a notebook: shape, dtype and range, a picture of an image, and the numbers."""
        from minigrad.tensor.html import show_tensor

        return show_tensor(self)

    # ---- elementwise ---------------------------------------------------
    clamp, clamp_ = clip, clip_ = with_in_place(limits.clamp)
    clamp_min, clamp_min_ = with_in_place(limits.clamp_min)
    clamp_max, clamp_max_ = with_in_place(limits.clamp_max)
    hardshrink = activations.hardshrink
    prelu = activations.prelu
    lerp, lerp_ = with_in_place(ternary.lerp)
    atan2, atan2_ = arctan2, arctan2_ = with_in_place(special.atan2)
    addcmul, addcmul_ = with_in_place(ternary.addcmul)
    addcdiv, addcdiv_ = with_in_place(ternary.addcdiv)
    hypot, hypot_ = with_in_place(special.hypot)
    copysign, copysign_ = with_in_place(special.copysign)
    xlogy, xlogy_ = with_in_place(special.xlogy)
    heaviside, heaviside_ = with_in_place(special.heaviside)
    gcd, gcd_ = with_in_place(special.gcd)
    lcm, lcm_ = with_in_place(special.lcm)
    float_power, float_power_ = with_in_place(special.float_power)
    logit, logit_ = with_in_place(special.logit)
    nan_to_num, nan_to_num_ = with_in_place(special.nan_to_num)
    sinc, sinc_ = with_in_place(special.sinc)
    deg2rad, deg2rad_ = with_in_place(special.deg2rad)
    rad2deg, rad2deg_ = with_in_place(special.rad2deg)
    angle = special.angle
    frac, frac_ = with_in_place(special.frac)
    sgn, sgn_ = with_in_place(special.sgn)
    ldexp, ldexp_ = with_in_place(special.ldexp)
    nextafter, nextafter_ = with_in_place(special.nextafter)
    erf, erf_ = with_in_place(error_function.erf)
    erfc, erfc_ = with_in_place(error_function.erfc)
    erfinv, erfinv_ = with_in_place(error_function.erfinv)
    lgamma, lgamma_ = with_in_place(gamma.lgamma)
    digamma, digamma_ = with_in_place(gamma.digamma)
    polygamma, polygamma_ = with_in_place(gamma.polygamma_of)
    igamma, igamma_ = with_in_place(incomplete_gamma.igamma)
    igammac, igammac_ = with_in_place(incomplete_gamma.igammac)
    mvlgamma, mvlgamma_ = with_in_place(gamma.mvlgamma)
    i0, i0_ = with_in_place(gamma.i0)
    frexp = special.frexp
    fmax = special.fmax
    fmin = special.fmin
    logaddexp = special.logaddexp
    logaddexp2 = special.logaddexp2
    signbit = special.signbit
    isposinf = special.isposinf
    isneginf = special.isneginf

    # ---- cumulative sums, sorting, counting, norms, statistics ------------------------------
    cumprod, cumprod_ = cumulative.cumprod, cumulative.cumprod_
    cumsum, cumsum_ = cumulative.cumsum, cumulative.cumsum_
    prod = cumulative.prod
    logcumsumexp = cumulative.logcumsumexp
    cummax = cumulative.cummax
    cummin = cumulative.cummin
    logsumexp = reductions.logsumexp
    amax = reductions.amax
    amin = reductions.amin
    count_nonzero = reductions.count_nonzero
    sum_to_size = reductions.sum_to_size
    diff = differences.diff
    dist = norm.dist
    renorm, renorm_ = with_in_place(norm.renorm)
    norm = norm.norm  # the last of its file, because from here on `norm` is the method
    argmax = order.argmax
    argmin = order.argmin
    argsort = order.argsort
    max = order.max
    median = order.median
    min = order.min
    sort = order.sort
    topk = order.topk
    msort = order.msort
    aminmax = order.aminmax
    kthvalue = order.kthvalue
    mode = order.mode
    nanmedian = order.nanmedian
    bincount = counting.bincount
    unique = counting.unique
    unique_consecutive = counting.unique_consecutive
    histc = counting.histc
    histogram = counting.histogram
    std = statistics.std
    var = statistics.var
    nansum = statistics.nansum
    nanmean = statistics.nanmean
    quantile = statistics.quantile
    nanquantile = statistics.nanquantile
    cov = statistics.cov
    corrcoef = statistics.corrcoef

    # ---- parts of a tensor ------------------------------------------------------------------------
    narrow = parts.narrow
    narrow_copy = parts.narrow_copy
    unsafe_chunk = parts.unsafe_chunk
    unsafe_split = parts.unsafe_split
    unsafe_split_with_sizes = parts.unsafe_split_with_sizes
    split = parts.split
    split_with_sizes = parts.split_with_sizes
    select = parts.select
    tensor_split = parts.tensor_split
    hsplit = parts.hsplit
    vsplit = parts.vsplit
    dsplit = parts.dsplit
    chunk = parts.chunk
    adjoint = rearranging.adjoint
    movedim = moveaxis = rearranging.movedim
    unflatten = rearranging.unflatten
    reshape_as = rearranging.reshape_as
    view_as = rearranging.view_as
    expand_as = rearranging.expand_as
    repeat = rearranging.repeat
    tile = rearranging.tile
    fliplr = rotations.fliplr
    flipud = rotations.flipud
    rot90 = rotations.rot90
    roll = rotations.roll
    tril, tril_ = with_in_place(diagonals.tril)
    triu, triu_ = with_in_place(diagonals.triu)
    diagonal = diagonals.diagonal
    diag = diagonals.diag
    diag_embed = diagonals.diag_embed
    diagflat = diagonals.diagflat
    repeat_interleave = picking.repeat_interleave

    # ---- views by strides, and views in place -------------------------------------------------------
    unfold = strides.unfold
    as_strided = strides.as_strided
    squeeze_ = reshaping_in_place(shape.squeeze)
    unsqueeze_ = reshaping_in_place(shape.unsqueeze)
    transpose_ = reshaping_in_place(shape.transpose)
    swapaxes_ = reshaping_in_place(shape.swapaxes)
    swapdims_ = transpose_
    t_ = reshaping_in_place(shape.t)
    as_strided_ = reshaping_in_place(strides.as_strided)

    # ---- by mask --------------------------------------------------------------------------------
    nonzero = argwhere = masks.nonzero
    masked_fill, masked_fill_ = with_in_place(masks.masked_fill)
    masked_select = masks.masked_select
    masked_scatter, masked_scatter_ = with_in_place(index_writes.masked_scatter)

    def where(self, condition: Any, other: Any) -> Any:
        """The tensor where `condition` holds, `other` elsewhere.

        >>> import minigrad as torch
        >>> x = torch.tensor([1.0, -2.0])
        >>> x.where(x > 0, 0)
        tensor([1., 0.])
        """
        return masks.where(condition, self, other)

    # ---- by index -------------------------------------------------------------------------------
    index_put, index_put_ = with_in_place(writing.index_put)
    gather = picking.gather
    take_along_dim = picking.take_along_dim
    index_select = picking.index_select
    scatter, scatter_ = with_in_place(writing.scatter)
    scatter_add, scatter_add_ = with_in_place(writing.scatter_add)
    index_add, index_add_ = with_in_place(index_writes.index_add)
    index_copy, index_copy_ = with_in_place(index_writes.index_copy)
    index_fill, index_fill_ = with_in_place(index_writes.index_fill)
    index_reduce, index_reduce_ = with_in_place(index_reductions.index_reduce)
    scatter_reduce, scatter_reduce_ = with_in_place(index_reductions.scatter_reduce)
    put, put_ = with_in_place(index_writes.put)
    take = index_writes.take
    select_scatter = view_scatter.select_scatter
    slice_scatter = view_scatter.slice_scatter
    diagonal_scatter = view_scatter.diagonal_scatter
    as_strided_scatter = view_scatter.as_strided_scatter

    # ---- linear algebra ---------------------------------------------------------------------------
    inverse = linear.inverse
    det = linear.det
    slogdet = linear.slogdet
    logdet = linear.logdet
    lu = linear.lu
    lu_solve = linear.lu_solve
    pinverse = linear.pinverse
    cholesky = linear.cholesky
    cholesky_inverse = linear.cholesky_inverse
    cholesky_solve = linear.cholesky_solve
    matrix_exp = linear.matrix_exp
    matrix_power = linear.matrix_power
    svd = linear.svd
    qr = linear.qr
    mm = products.mm
    bmm = products.bmm
    mv = products.mv
    dot = products.dot
    outer = ger = products.outer
    vdot = products.vdot
    inner = products.inner
    cross = products.cross
    kron = products.kron
    trace = products.trace
    addmm, addmm_ = with_in_place(sums.addmm)
    addmv, addmv_ = with_in_place(sums.addmv)
    addr, addr_ = with_in_place(sums.addr)
    addbmm, addbmm_ = with_in_place(sums.addbmm)
    baddbmm, baddbmm_ = with_in_place(sums.baddbmm)
