"""minigrad: tensors, autograd and convolution in pure Python on NumPy, with CuPy for the GPU.

This file only lists the public names. Submodules that are slow to import are imported when they are first used.
"""

from importlib import import_module as _import_module
from math import e, inf, nan, pi

from minigrad.late_imports import collect_later as _collect_later, open_later as _open_later

with _collect_later():  # a tenth of the time of the import
    _import_module("numpy")  # from here, as Python's frames deep in a chain of imports may take 10 us each
    _import_module("minigrad.tensor")

# fmt: off
# isort: off
from minigrad import autograd, optim
from minigrad.autograd import enable_grad, is_grad_enabled, is_inference_mode_enabled, no_grad, set_grad_enabled
from minigrad.devices import default_device as get_default_device, device, set_default_device
# The package `tensor` before the function `tensor`, which then has the name.
from minigrad.tensor import is_floating_point, is_tensor, numel, result_type, Tensor
from minigrad.creation.data import scalar_tensor, tensor
from minigrad.creation.counted import arange, eye
from minigrad.creation.filled import empty, full, ones, zeros
from minigrad.dtypes import (
    bool_ as bool, double, dtype, float16, float32, float64, float_ as float, get_default_dtype, half, int16, int32,
    int64, int8, int_ as int, long, set_default_dtype, short, uint8,
)
from minigrad.layout import (
    channels_last, channels_last_3d, contiguous_format, layout, memory_format, preserve_format, strided,
)
from minigrad.ops.activation import log_softmax, relu, softmax
from minigrad.ops.arithmetic import add, maximum, minimum, mul, multiply, pow, rsub, sub, subtract, true_divide
from minigrad.ops.division import div, divide, floor_divide, fmod, remainder
from minigrad.ops.comparison import (
    all, allclose, any, bitwise_and, bitwise_left_shift, bitwise_not, bitwise_or, bitwise_right_shift, bitwise_xor, eq,
    equal, ge, greater, greater_equal, gt, isclose, isfinite, isinf, isnan, le, less, less_equal, logical_and,
    logical_not, logical_or, logical_xor, lt, ne, not_equal,
)
from minigrad.ops.copies import clone, flip, ravel
from minigrad.ops.unary import (
    abs, absolute, acos, acosh, arccos, arccosh, arcsin, arcsinh, arctan, arctanh, asin, asinh, atan, atanh, ceil, cos,
    cosh, exp, exp2, expm1, fix, floor, log, log10, log1p, log2, neg, negative, positive, reciprocal, round, rsqrt,
    sigmoid, sign, sin, sinh, sqrt, square, tan, tanh, trunc,
)
from minigrad.ops.index import unbind
from minigrad.ops.matmul import matmul
from minigrad.ops.reduce import mean, sum
from minigrad.ops.shape import (
    broadcast_shapes, broadcast_tensors, broadcast_to, flatten, permute, reshape, squeeze, swapaxes, swapdims, t,
    transpose, unsqueeze,
)
from minigrad.size import Size
from minigrad.tensor.more_facts import (
    conj, conj_physical, detach, get_device, is_complex, is_conj, is_inference, is_neg, is_nonzero, is_same_size,
    is_signed, isreal, real, resolve_conj, resolve_neg, typename,
)
from minigrad.tensor.filling import fill
from minigrad.version import __version__

with _open_later("torch", globals()):
    from minigrad import (
        accelerator, advice, amp, backends, compiler, course, cpu, cuda, distributed, distributions, func, functional,
        futures, fx, hub, jit, linalg, multiprocessing, nn, onnx, overrides, profiler, random, serialization, special,
        testing, types, utils, version, viz,
    )
    from minigrad.absent_devices import mps, xpu
    from minigrad.accelerator import get_device_module
    from minigrad.amp import GradScaler, autocast
    from minigrad.amp.autocast_mode import get_autocast_dtype, is_autocast_cpu_enabled, is_autocast_enabled
    from minigrad.autograd.anomaly import is_anomaly_check_nan_enabled, is_anomaly_enabled
    from minigrad.autograd.inference import inference_mode
    from minigrad.compiler import compile
    from minigrad.find_gpu import OutOfMemoryError
    from minigrad.futures import Future
    from minigrad.fx import _assert
    from minigrad.low_rank import pca_lowrank, svd_lowrank
    from minigrad.creation.drawn import normal, rand, randint, randn, randperm
    from minigrad.creation.foreign import as_tensor, asarray, from_numpy, frombuffer
    from minigrad.creation.grids import (
        empty_strided, linspace, logspace, meshgrid, range, tril_indices, triu_indices,
    )
    from minigrad.creation.like import (
        empty_like, full_like, ones_like, rand_like, randint_like, randn_like, zeros_like,
    )
    from minigrad.creation.type_names import (
        BoolTensor, ByteTensor, CharTensor, DoubleTensor, FloatTensor, HalfTensor, IntTensor, LongTensor, ShortTensor,
        set_default_tensor_type,
    )
    from minigrad.creation.windows import (
        bartlett_window, blackman_window, hamming_window, hann_window, kaiser_window,
    )
    from minigrad.generator import Generator
    from minigrad.nn.functional import (
        adaptive_avg_pool1d, alpha_dropout, avg_pool1d, bilinear, celu, celu_, channel_shuffle, conv1d, conv2d, conv3d,
        conv_transpose1d, conv_transpose2d, conv_transpose3d, cosine_similarity, dropout, feature_alpha_dropout,
        group_norm, hardshrink, layer_norm, max_pool1d, max_pool2d, max_pool3d, pairwise_distance, pdist, pixel_shuffle,
        pixel_unshuffle, prelu, relu_, rms_norm, rrelu, rrelu_, selu, selu_, threshold, threshold_,
    )
    from minigrad.nn.functional.recurrent_cells import gru_cell, lstm_cell, rnn_relu_cell, rnn_tanh_cell
    from minigrad.notebook import load_ipython_extension, unload_ipython_extension
    from minigrad.ops.addmm import addbmm, addmm, addmv, addr, baddbmm
    from minigrad.ops.counting import (
        bincount, bucketize, histc, histogram, isin, searchsorted, unique, unique_consecutive,
    )
    from minigrad.ops.cumulative import cummax, cummin, cumprod, cumsum, logcumsumexp, prod
    from minigrad.ops.differences import cumulative_trapezoid, diff, gradient, trapezoid, trapz
    from minigrad.ops.diagonal import block_diag, diag, diag_embed, diagflat, diagonal, tril, triu
    from minigrad.ops.einsum import einsum, tensordot
    from minigrad.ops.error_function import erf, erfc, erfinv
    from minigrad.ops.gamma import digamma, i0, lgamma, mvlgamma, polygamma
    from minigrad.ops.incomplete_gamma import igamma, igammac
    from minigrad.ops.join import (
        atleast_1d, atleast_2d, atleast_3d, cartesian_prod, cat, column_stack, combinations, concat, concatenate,
        dstack, hstack, row_stack, stack, vander, vstack,
    )
    from minigrad.ops.clamp import clamp, clamp_max, clamp_min, clip
    from minigrad.ops.linear_algebra import (
        cholesky, cholesky_inverse, cholesky_solve, det, inverse, logdet, lu, lu_solve, matrix_exp, matrix_power,
        pinverse, qr, slogdet, svd,
    )
    from minigrad.ops.lu import lu_unpack
    from minigrad.ops.masks import argwhere, masked_fill, masked_select, nonzero, where
    from minigrad.ops.norm import cdist, dist, norm, renorm
    from minigrad.ops.order import (
        aminmax, argmax, argmin, argsort, kthvalue, max, median, min, mode, msort, nanmedian, sort, topk,
    )
    from minigrad.ops.index_writes import index_add, index_copy, index_fill, masked_scatter, put, take, unravel_index
    from minigrad.ops.index_reductions import index_reduce, scatter_reduce
    from minigrad.ops.products import bmm, chain_matmul, cross, dot, ger, inner, kron, mm, mv, outer, trace, vdot
    from minigrad.ops.rearranging import adjoint, moveaxis, movedim, tile, unflatten
    from minigrad.ops.reduce_variants import amax, amin, count_nonzero, logsumexp
    from minigrad.ops.rotations import fliplr, flipud, roll, rot90
    from minigrad.ops.gather import gather, index_select, repeat_interleave, take_along_dim
    from minigrad.ops.scatter import index_put, scatter, scatter_add
    from minigrad.ops.special import (
        angle, arctan2, atan2, copysign, deg2rad, float_power, fmax, fmin, frac, frexp, gcd, heaviside, hypot, isneginf,
        isposinf, lcm, ldexp, logaddexp, logaddexp2, logit, nan_to_num, nextafter, rad2deg, sgn, signbit, sinc, xlogy,
    )
    from minigrad.ops.strides import as_strided
    from minigrad.ops.ternary import addcdiv, addcmul, lerp
    from minigrad.ops.split import (
        chunk, dsplit, hsplit, narrow, narrow_copy, select, split, split_with_sizes, tensor_split, unsafe_chunk,
        unsafe_split, unsafe_split_with_sizes, vsplit,
    )
    from minigrad.ops.statistics import (
        std, std_mean, var, var_mean, corrcoef, cov, nanmean, nanquantile, nansum, quantile,
    )
    from minigrad.print_options import set_printoptions
    from minigrad.random import default_generator, get_rng_state, initial_seed, manual_seed, seed, set_rng_state
    from minigrad.settings import (
        are_deterministic_algorithms_enabled, get_deterministic_debug_mode, get_float32_matmul_precision,
        get_num_interop_threads, get_num_threads, is_deterministic, is_deterministic_algorithms_warn_only_enabled,
        set_deterministic, set_deterministic_debug_mode, set_float32_matmul_precision, set_num_interop_threads,
        set_num_threads, use_deterministic_algorithms,
    )
    from minigrad.type_limits import can_cast, finfo, iinfo, promote_types
    from minigrad.ops.view_scatter import as_strided_scatter, diagonal_scatter, select_scatter, slice_scatter
    from minigrad.serialization import load, save
    from minigrad.tensor.drawing import bernoulli, binomial, multinomial, poisson
    from minigrad.tensor.in_place_functions import (
        abs_, acos_, acosh_, arccos_, arccosh_, arcsin_, arcsinh_, arctan_, arctanh_, asin_, asinh_, atan_, atanh_,
        ceil_, clamp_, clamp_max_, clamp_min_, clip_, cos_, cosh_, detach_, erf_, exp2_, exp_, expm1_, fill_, fix_,
        floor_, index_put_, log10_, log1p_, log2_, log_, neg_, negative_, reciprocal_, resize_as_, round_, rsqrt_,
        sigmoid_, sin_, sinh_, sqrt_, square_, tan_, tanh_, trunc_, zero_, addmv_, deg2rad_, erfc_, frac_, gcd_, i0_,
        lcm_, ldexp_, logit_, nan_to_num_, rad2deg_, sinc_, xlogy_,
    )
    from minigrad.tensor.storage import is_storage
    from minigrad.utils.dlpack import from_dlpack
    from minigrad.vectorize import vmap
# isort: on
# fmt: on

newaxis = None  # an index of it adds an axis, as NumPy's

# What `import *` brings, and what a type checker may take from here.
__all__ = [  # noqa: RUF022 (packed into lines)
    "BoolTensor", "ByteTensor", "CharTensor", "DoubleTensor", "FloatTensor", "Generator", "HalfTensor", "IntTensor",
    "LongTensor", "ShortTensor", "Size", "Tensor", "abs", "absolute", "accelerator", "acos", "acosh",
    "adaptive_avg_pool1d", "add", "addbmm", "addcdiv", "addcmul", "addmm", "addmv", "addr", "adjoint", "advice", "all",
    "allclose", "amax", "amin", "aminmax", "angle", "any", "arange", "arccos", "arccosh", "arcsin", "arcsinh", "arctan",
    "arctan2", "arctanh", "are_deterministic_algorithms_enabled", "argmax", "argmin", "argsort", "argwhere",
    "as_strided", "as_tensor", "asarray", "asin", "asinh", "atan", "atan2", "atanh", "atleast_1d", "atleast_2d",
    "atleast_3d",
    "autograd", "avg_pool1d", "backends", "baddbmm", "bernoulli", "bilinear", "bincount", "bitwise_and",
    "bitwise_left_shift", "bitwise_not", "bitwise_or", "bitwise_right_shift", "bitwise_xor", "block_diag", "bmm",
    "bool", "broadcast_shapes", "broadcast_tensors", "broadcast_to", "bucketize", "can_cast", "cartesian_prod", "cat",
    "cdist", "ceil", "chain_matmul", "channels_last", "channels_last_3d", "cholesky", "chunk", "clamp", "clamp_max",
    "clamp_min", "clip", "clone", "column_stack", "combinations", "concat", "concatenate", "contiguous_format",
    "conv1d", "conv2d", "conv3d", "conv_transpose2d", "conv_transpose3d", "copysign", "corrcoef", "cos", "cosh",
    "cosine_similarity",
    "count_nonzero", "course", "cov", "cross", "cuda", "cummax", "cummin", "cumprod", "cumsum", "cumulative_trapezoid",
    "default_generator", "deg2rad", "det", "detach", "device", "diag", "diag_embed", "diagflat", "diagonal", "diff",
    "dist", "distributed", "distributions", "div", "divide", "dot", "double", "dropout", "dsplit", "dstack", "dtype",
    "e", "einsum", "empty", "empty_like", "empty_strided", "enable_grad", "eq", "equal", "erf", "erfc", "erfinv",
    "exp", "exp2", "expm1", "eye", "fill", "finfo", "fix", "flatten", "flip", "fliplr", "flipud", "float", "float16",
    "float32", "float64", "float_power", "floor", "floor_divide", "fmax", "fmin", "fmod", "frac", "from_dlpack",
    "from_numpy", "frombuffer", "full", "full_like", "func", "functional", "futures", "gather", "gcd", "ge", "ger",
    "get_default_device", "get_default_dtype", "get_deterministic_debug_mode", "get_device",
    "get_float32_matmul_precision", "get_num_interop_threads", "get_num_threads", "get_rng_state", "greater",
    "greater_equal", "group_norm", "gt", "half", "heaviside", "histc", "histogram", "hsplit", "hstack", "hub", "hypot",
    "iinfo", "index_add", "index_copy", "index_fill", "index_put", "index_reduce", "index_select", "inf",
    "inference_mode", "initial_seed", "inner", "int", "int16", "int32", "int64", "int8", "inverse",
    "is_anomaly_check_nan_enabled", "is_anomaly_enabled", "is_complex", "is_deterministic",
    "is_deterministic_algorithms_warn_only_enabled", "is_floating_point", "is_grad_enabled",
    "is_inference_mode_enabled", "is_nonzero", "is_same_size", "is_signed", "is_storage", "is_tensor", "isclose",
    "isfinite", "isin", "isinf", "isnan", "isneginf", "isposinf", "kron", "kthvalue", "layer_norm", "layout", "lcm",
    "le", "lerp", "less", "less_equal", "linalg", "linspace", "load", "log", "log10", "log1p", "log2", "log_softmax",
    "logaddexp", "logaddexp2", "logcumsumexp", "logdet", "logical_and", "logical_not", "logical_or", "logical_xor",
    "logit", "logspace", "logsumexp", "long", "lt", "lu", "lu_solve", "lu_unpack", "manual_seed", "masked_fill",
    "masked_scatter", "masked_select", "matmul", "matrix_exp", "matrix_power",
    "max", "max_pool1d", "max_pool2d", "max_pool3d", "maximum", "mean", "median",
    "memory_format", "meshgrid", "min", "minimum", "mm", "mode", "moveaxis", "movedim", "mul", "multinomial",
    "multiply", "multiprocessing", "mv", "nan", "nan_to_num", "nanmean", "nanmedian", "nanquantile", "nansum",
    "narrow", "ne", "neg", "negative", "newaxis", "nn", "no_grad", "nonzero", "norm", "normal", "not_equal", "numel",
    "ones", "ones_like", "onnx", "optim", "outer",
    "pairwise_distance", "permute", "pi", "pinverse", "poisson", "positive", "pow", "preserve_format", "prod",
    "profiler", "promote_types",
    "put", "qr", "quantile", "rad2deg", "rand", "rand_like", "randint", "randint_like", "randn", "randn_like",
    "randperm", "range", "ravel", "reciprocal", "relu", "relu_", "remainder", "renorm", "repeat_interleave", "reshape",
    "result_type", "roll", "rot90", "round", "row_stack", "rsqrt", "rsub", "save", "scalar_tensor", "scatter",
    "scatter_add", "scatter_reduce", "searchsorted", "seed", "select", "selu", "selu_", "set_default_device",
    "set_default_dtype", "set_default_tensor_type", "set_deterministic", "set_deterministic_debug_mode",
    "set_float32_matmul_precision", "set_grad_enabled", "set_num_interop_threads", "set_num_threads",
    "set_printoptions", "set_rng_state", "sgn", "short", "sigmoid", "sign", "signbit", "sin", "sinc", "sinh", "slogdet",
    "softmax", "sort", "split",
    "split_with_sizes", "sqrt", "square", "squeeze", "stack", "std", "std_mean", "strided", "sub", "subtract", "sum",
    "svd", "swapaxes", "swapdims", "t", "take", "take_along_dim", "tan", "tanh", "tensor", "tensor_split", "tensordot",
    "testing",
    "tile", "topk", "trace", "transpose", "trapezoid", "trapz", "tril", "tril_indices", "triu", "triu_indices",
    "true_divide", "trunc", "typename", "uint8", "unbind", "unflatten", "unique", "unique_consecutive", "unsqueeze",
    "use_deterministic_algorithms", "utils", "vander", "var", "var_mean", "vdot", "version", "viz", "vsplit", "vstack",
    "where", "xlogy", "zeros", "zeros_like", "__version__",
    "alpha_dropout", "as_strided_scatter", "bartlett_window", "blackman_window", "celu", "celu_", "channel_shuffle",
    "conj", "conj_physical", "conv_transpose1d", "diagonal_scatter", "digamma", "feature_alpha_dropout", "frexp",
    "gradient", "hamming_window", "hann_window", "hardshrink", "i0", "is_conj", "is_neg", "isreal", "kaiser_window",
    "ldexp", "lgamma", "msort", "mvlgamma", "nextafter", "pdist", "pixel_shuffle", "pixel_unshuffle", "polygamma",
    "prelu", "real", "resolve_conj", "resolve_neg", "rms_norm", "rrelu", "rrelu_", "select_scatter", "slice_scatter",
    "special", "threshold", "threshold_", "unravel_index", "vmap",
    "Future", "GradScaler", "amp", "autocast", "compile", "compiler", "cpu", "get_device_module",
    "OutOfMemoryError", "binomial", "is_autocast_enabled", "is_inference", "jit", "narrow_copy", "unsafe_chunk",
    "unsafe_split", "unsafe_split_with_sizes", "mps", "xpu", "pca_lowrank", "svd_lowrank", "gru_cell", "lstm_cell",
    "cholesky_inverse", "cholesky_solve", "igamma", "igammac", "rnn_relu_cell", "rnn_tanh_cell", "get_autocast_dtype",
    "is_autocast_cpu_enabled",
    "abs_", "acos_", "acosh_", "arccos_", "arccosh_", "arcsin_", "arcsinh_", "arctan_", "arctanh_", "asin_", "asinh_",
    "atan_", "atanh_", "ceil_", "clamp_", "clamp_max_", "clamp_min_", "clip_", "cos_", "cosh_", "detach_", "erf_",
    "exp2_", "exp_", "expm1_", "fill_", "fix_", "floor_", "index_put_", "log10_", "log1p_", "log2_", "log_", "neg_",
    "negative_", "reciprocal_", "resize_as_", "round_", "rsqrt_", "sigmoid_", "sin_", "sinh_", "sqrt_", "square_",
    "tan_", "tanh_", "trunc_", "zero_", "addmv_", "deg2rad_", "erfc_", "frac_", "gcd_", "i0_", "lcm_", "ldexp_",
    "logit_", "nan_to_num_", "rad2deg_", "sinc_", "xlogy_",
]  # fmt: skip
