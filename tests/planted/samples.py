"""Calls that together run every gradient rule of the package; each is a function of float64 tensors.

First those of device/cases.py and cases_nn.py. MORE adds the rules that they do not run: gradients of steps, rarely
used options, rules of rules.
"""

from collections.abc import Callable
from typing import Any

import numpy as np
from scipy import special

import minigrad as mg
import minigrad.nn.functional as F
from minigrad.distributions.implicit import draw_dirichlet, draw_gamma
from minigrad.nn.functional.dropouts import native_dropout
from minigrad.nn.functional.recurrent import Stacking, run_stack
from minigrad.ops import determinant
from minigrad.ops.attention import Kept, self_attention
from tests.device.cases import CASES
from tests.device.cases_nn import CASES_NN

Sample = tuple[Callable[..., Any], tuple[tuple[int, ...], ...]]
PAIR = ((2, 3), (2, 3))


def conv2d_with(**how):
    return lambda x, w, b: F.conv2d(x, w, b, **how)


def conv3d_with(**how):
    return lambda x, w, b: F.conv3d(x, w, b, **how)


def write_through_a_view(x, y):
    """x with y written through a view of a view."""
    whole = x * 1.0
    whole[0][1:].copy_(y)
    return whole


def reduce_at_places(reduce):
    places = [0, 1, 1, 3, 0]
    return lambda x, y: mg.scatter_reduce(x, 0, mg.tensor(places, device=x.device), y, reduce)


def overlap(x):
    return (x * 1).as_strided((3, 3), (2, 1))


def pull_back(function, x, g):
    """The rule of `function`, differentiable in the gradient that arrives."""
    return mg.autograd.grad(function(x), x, g, create_graph=True)[0]


def pull_back_through_pooling(x, v):
    return mg.autograd.grad(F.max_pool2d(x, 2), x, v, create_graph=True)


def rrelu_in_training(x):
    """rrelu with the same random slopes at each call."""
    mg.manual_seed(0)
    return F.rrelu(x - 1, training=True)


def find_gamma_quantiles(c):
    """The numbers below which a fifth, a half and nine tenths of the gamma distribution lie: they move as draws do."""
    shares = np.array([0.2, 0.5, 0.9])
    return draw_gamma(c, drawn=special.gammaincinv(c.detach().numpy(), shares))


def find_beta_quantiles(c):
    """A quantile of the beta distribution, and what it leaves of 1, for each row of two concentrations."""
    a, b = c.detach().numpy().T
    x = special.betaincinv(a, b, np.array([0.3, 0.8]))
    return draw_dirichlet(c, drawn=np.stack([x, 1 - x], 1))


def drop(x):
    """Dropout as a GPU's kernel computes it, which returns the product and its factors."""
    factors = mg.tensor([[2.0, 0.0, 2.0], [0.0, 2.0, 2.0]], dtype=mg.float64)
    return native_dropout(x, factors, made=x.array * factors.array)


def run_layer(mode):
    """A recurrent layer of two steps of two sequences, from states and weights that are given."""

    def call(x, state, *weights):
        starts = (state[:, :, :2], state[:, :, 2:]) if mode == "LSTM" else (state,)
        rows, ends = run_stack(mode, x, (2, 2), starts, weights, Stacking(1, False))
        return rows, *ends

    return call


def make_positive_definite(a):
    """A symmetric matrix whose eigenvalues are positive and far from each other."""
    return a @ a.mT + mg.tensor([1.0, 2.0, 4.0], dtype=mg.float64).diag()


def make_regular(a):
    return make_positive_definite(a).flip(-1)


def square_parts(parts):
    """The squared parts of a decomposition, whose signs are arbitrary."""
    return tuple([part * part for part in parts])


MORE: dict[str, Sample] = {
    "conv2d": (conv2d_with(stride=2, padding=1, groups=2), ((2, 4, 4, 5), (4, 2, 3, 2), (4,))),
    "conv_transpose2d": (lambda x, w, b: F.conv_transpose2d(x, w, b, stride=2), ((2, 3, 2, 3), (3, 2, 2, 2), (2,))),
    "conv3d": (conv3d_with(stride=2, padding=1, groups=2), ((2, 4, 3, 4, 3), (4, 2, 2, 3, 2), (4,))),
    "conv_transpose3d": (
        lambda x, w, b: F.conv_transpose3d(x, w, b, stride=2),
        ((2, 3, 2, 2, 2), (3, 2, 2, 1, 2), (2,)),
    ),
    "write through a view of a view": (write_through_a_view, ((2, 3), (2,))),
    "div, rounded down": (lambda x, y: mg.div(x, y, rounding_mode="floor"), PAIR),
    "div, rounded to zero": (lambda x, y: mg.div(x, y, rounding_mode="trunc"), PAIR),
    "fmod of tensors": (lambda x, y: mg.fmod(4 * x, y), PAIR),
    "remainder of tensors": (lambda x, y: mg.remainder(4 * x, y), PAIR),
    "minimum": (mg.minimum, PAIR),
    "clamp between tensors": (lambda x, y, z: mg.clamp(2 * x, min=y, max=z + 1), ((2, 3), (2, 3), (2, 3))),
    "clamp_min": (lambda x, y: x.clamp_min(y), PAIR),
    "clamp_max": (lambda x, y: x.clamp_max(y), PAIR),
    "index_put, added": (lambda x, y: x.index_put((mg.tensor([0, 0]),), y, accumulate=True), PAIR),
    "unfold": (lambda x: x.unfold(1, 2, 1), ((2, 4),)),
    "as_strided": (overlap, ((2, 4),)),
    "as_strided's way back": (lambda x, g: pull_back(overlap, x, g), ((2, 4), (3, 3))),
    "as_strided's way back and back": (
        lambda x, g, h: pull_back(lambda g: pull_back(overlap, x, g), g, h),
        ((2, 4), (3, 3), (2, 4)),
    ),
    "heads that attend to themselves": (
        lambda x: self_attention(x, heads=2, mask=None, drop=None, kept=Kept()),
        ((3, 2, 12),),
    ),
    "to a GPU and back": (lambda x: (x.to("cuda") * 2).to("cpu"), ((2, 3),)),
    "to another type": (lambda x: x.float() * x.float(), ((2, 3),)),
    "alias": (lambda x: x.t() * 2, ((3,),)),
    "channels last": (lambda x: x.contiguous(memory_format=mg.channels_last) ** 2, ((1, 2, 2, 3),)),
    "fill": (lambda x, y: mg.fill(x * 1.0, y), ((2, 3), ())),
    "bce": (lambda p, y, w: F.binary_cross_entropy(p / 2, y / 2, w), (*PAIR, (2, 3))),
    "bce of logits": (
        lambda x, y, w, p: F.binary_cross_entropy_with_logits(x, y / 2, w, pos_weight=p),
        (*PAIR, (2, 3), (3,)),
    ),
    "nll_loss of pixels": (lambda x: F.nll_loss(x, mg.tensor([[[0, 1]]]), ignore_index=5), ((1, 3, 1, 2),)),
    "embedding": (lambda w: F.embedding(mg.tensor([[0, 2], [2, 1]]), w), ((3, 2),)),
    "prelu": (lambda x, w: F.prelu(x - 1, w), ((2, 3), (3,))),
    "native_dropout": (drop, ((2, 3),)),
    "a draw of gamma": (find_gamma_quantiles, ((2, 3),)),
    "a draw of Dirichlet": (find_beta_quantiles, ((2, 2),)),
    "rnn": (run_layer("RNN_TANH"), ((4, 3), (1, 2, 2), (2, 3), (2, 2))),
    "gru": (run_layer("GRU"), ((4, 3), (1, 2, 2), (6, 3), (6, 2), (6,), (6,))),
    "lstm, projected": (run_layer("LSTM"), ((4, 3), (1, 2, 5), (12, 3), (12, 2), (12,), (12,), (2, 3))),
    "rrelu": (rrelu_in_training, ((2, 3),)),
    "threshold": (lambda x: F.threshold(x, 1.0, 7.0), ((2, 3),)),
    "hardshrink": (lambda x: F.hardshrink(x, 1.0), ((2, 3),)),
    "softshrink": (lambda x: F.softshrink(x, 1.0), ((2, 3),)),
    "hardsigmoid": (lambda x: F.hardsigmoid(x + 2), ((2, 3),)),
    "hardswish": (lambda x: F.hardswish(x + 2), ((2, 3),)),
    "celu": (lambda x: F.celu(x - 1, 0.5), ((2, 3),)),
    "mish": (F.mish, ((2, 3),)),
    "leaky": (lambda x: F.leaky_relu(x - 1, 0.2), ((2, 3),)),
    "projection": (F.linear, ((3, 2), (4, 2))),
    "affine batch norm": (lambda x, w, b: F.batch_norm(x, None, None, w, b, training=True), ((4, 3, 2), (3,), (3,))),
    "affine group norm": (lambda x, w, b: F.group_norm(x, 2, w, b), ((2, 4, 3), (4,), (4,))),
    "batch norm, evaluated": (
        lambda x, w, b: F.batch_norm(x, mg.arange(3.0).double(), mg.ones(3).double() * 2, w, b),
        ((4, 3, 2), (3,), (3,)),
    ),
    "affine layer norm": (lambda x, w, b: F.layer_norm(x, (3,), w, b), ((2, 3), (3,), (3,))),
    "nuclear norm": (lambda x: mg.norm(x, "nuc"), ((2, 3),)),
    "distances": (lambda x, y: mg.cdist(x, y), ((2, 3), (4, 3))),
    "adaptive_max_pool2d": (lambda x: F.adaptive_max_pool2d(x, 3), ((1, 2, 5, 5),)),
    "max_pool2d, overlapping": (lambda x: F.max_pool2d(x, 3, 2, 1), ((1, 2, 5, 5),)),
    "padded along one axis": (lambda x: F.pad(x, (1, 2), mode="reflect"), ((1, 2, 4),)),
    "prod of one factor": (lambda x: x.prod(0), ((1, 3),)),
    "the way back from max_pool2d": (pull_back_through_pooling, ((1, 1, 4, 4), (1, 1, 2, 2))),
    "diag": (lambda x: mg.diag(x, 1), ((3,),)),
    "lerp": (mg.lerp, ((2, 3), (2, 3), (3,))),
    "lerp by a number": (lambda x, y: mg.lerp(x, y, 0.25), PAIR),
    "sums scaled": (lambda x, y: mg.sub(mg.add(x, y, alpha=2), y * y, alpha=0.5), PAIR),
    "cumprod": (lambda x: x.cumprod(1), ((2, 5),)),
    "prod": (lambda x: x.prod() + x.prod(1).sum(), ((2, 3),)),
    "baddbmm": (lambda x, a, b: mg.baddbmm(x, a, b, beta=0.5, alpha=2), ((4,), (2, 2, 3), (2, 3, 4))),
    "logcumsumexp": (lambda x: x.logcumsumexp(1), ((2, 4),)),
    "stack": (lambda x, y: mg.stack([x, y * 2, x], 1), PAIR),
    "max and median of all": (lambda x: x.max() + x.min() / 2 + 2 * x.median() + 3 * x.nanmedian(), ((2, 3),)),
    "nansum": (lambda x: (x * x).nansum(1), ((2, 3),)),
    "scatter_reduce, mean": (reduce_at_places("mean"), ((4,), (5,))),
    "scatter_reduce, prod": (reduce_at_places("prod"), ((4,), (5,))),
    "scatter_reduce, amax": (reduce_at_places("amax"), ((4,), (5,))),
    "sinc": (mg.sinc, ((2, 3),)),
    "deg2rad": (lambda x: mg.deg2rad(100 * x), ((2, 3),)),
    "rad2deg": (mg.rad2deg, ((2, 3),)),
    "logit": (lambda x: mg.logit(x / 2), ((2, 3),)),
    "nan_to_num": (lambda x: mg.nan_to_num(x * x), ((2, 3),)),
    "hypot": (mg.hypot, PAIR),
    "copysign": (lambda x, y: mg.copysign(x * x, -y), PAIR),
    "nextafter": (mg.nextafter, PAIR),
    "xlogy": (mg.xlogy, PAIR),
    "logaddexp2": (mg.logaddexp2, PAIR),
    "xlog1py": (lambda x, y: mg.special.xlog1py(x, y.square()), PAIR),
    "erfcx": (mg.special.erfcx, ((2, 3),)),
    "log_ndtr": (mg.special.log_ndtr, ((2, 3),)),
    "ndtri": (lambda x: mg.special.ndtri(x.sigmoid()), ((2, 3),)),
    "angle": (lambda x: mg.angle(x) * x, ((2, 3),)),
    "entr": (lambda x: mg.special.entr(x.square()), ((2, 3),)),
    "ldexp": (lambda x: mg.ldexp(x, mg.tensor([1, -2, 0])), ((2, 3),)),
    "frexp": (lambda x: mg.frexp(x).mantissa, ((2, 3),)),
    "lgamma": (mg.lgamma, ((2, 3),)),
    "digamma": (mg.digamma, ((2, 3),)),
    "igamma": (lambda y: mg.igamma(mg.full_like(y, 1.5), y.abs() + 0.5), ((2, 3),)),
    "igammac": (lambda y: mg.igammac(mg.full_like(y, 1.5), y.abs() + 0.5), ((2, 3),)),
    "polygamma": (lambda x: mg.polygamma(2, x.abs() + 0.5), ((2, 3),)),
    **{name: (getattr(mg.special, name), ((2, 3),)) for name in ("i0", "i1", "i0e", "i1e")},
    "fmax and fmin": (lambda x, y: mg.fmax(x, y) + 2 * mg.fmin(x, y), PAIR),
    "addcmul": (lambda x, y, z: mg.addcmul(x, y, z, value=2), ((2, 3), (2, 3), (3,))),
    "addcdiv": (lambda x, y, z: mg.addcdiv(x, y, z, value=2), ((2, 3), (2, 3), (3,))),
    "error functions": (lambda x: mg.erfc(x) + mg.erfinv(x / 2), ((2, 3),)),
    "roll": (lambda x: x.roll((1, 2), (0, 1)), ((2, 3),)),
    "trace": (mg.trace, ((3, 3),)),
    "2 - x": (lambda x: 2 - x * x, ((2, 3),)),
    "rsub of tensors": (lambda x, y: mg.rsub(x, y), PAIR),
    "frac": (lambda x: mg.frac(3 * x), ((2, 3),)),
    "round to decimals": (lambda x: x.round(decimals=1) * x, ((2, 3),)),
    "index_add": (lambda x, y: x.index_add(0, mg.tensor([1, 1]), y), ((2, 3), (2, 3))),
    "where": (lambda x, y: mg.where(x > y, x, y), PAIR),
    "linalg.inv": (lambda a: mg.linalg.inv(make_regular(a)), ((3, 3),)),
    "linalg.solve": (lambda a, b: mg.linalg.solve(make_regular(a), b), ((2, 3, 3), (2, 3, 2))),
    "linalg.solve, square": (lambda a, b: mg.linalg.solve(make_regular(a), b), ((3, 3), (3, 3))),
    "linalg.det": (lambda a: mg.linalg.det(make_regular(a)), ((3, 3),)),
    "linalg.det, its gradient": (lambda a: determinant._cofactor(make_regular(a)), ((3, 3),)),
    "linalg.slogdet": (lambda a: mg.linalg.slogdet(make_regular(a)).logabsdet, ((3, 3),)),
    "linalg.cholesky": (lambda a: mg.linalg.cholesky(make_positive_definite(a)), ((3, 3),)),
    "linalg.pinv": (mg.linalg.pinv, ((3, 2),)),
    "linalg.pinv, hermitian": (lambda x: mg.linalg.pinv((x + x.mT) / 2, hermitian=True), ((2, 2),)),
    "linalg.qr": (lambda a: square_parts(mg.linalg.qr(make_regular(a))), ((3, 3),)),
    "linalg.lu": (lambda a: mg.linalg.lu_factor(make_regular(a)).LU, ((3, 3),)),
    "linalg.svd": (lambda a: square_parts(mg.linalg.svd(make_regular(a), full_matrices=False)), ((3, 3),)),
    "linalg.svdvals": (lambda a: mg.linalg.svdvals(make_regular(a)), ((3, 3),)),
    "linalg.eigh": (lambda a: square_parts(mg.linalg.eigh(make_positive_definite(a))), ((3, 3),)),
    "functional: grid_sample": (
        lambda x, g: F.grid_sample(x, mg.sin(g) * 0.8, align_corners=False),
        ((1, 2, 4, 5), (1, 2, 3, 2)),
    ),
    "functional: affine_grid": (lambda t: F.affine_grid(t, (2, 1, 3, 4), align_corners=False), ((2, 2, 3),)),
    "functional: affine_grid in space": (lambda t: F.affine_grid(t, (1, 1, 2, 3, 2), align_corners=True), ((1, 3, 4),)),
    "linalg.eigvalsh": (lambda a: mg.linalg.eigvalsh(make_positive_definite(a)), ((3, 3),)),
}

UNFIT = {
    "arithmetic: floor_divide",  # not differentiable
    "loss: cross_entropy, weighted and smoothed",  # its call detaches an operand
}
SAMPLES: dict[str, Sample] = {
    name: (case.ours, case.shapes) for name, case in {**CASES, **CASES_NN}.items() if name not in UNFIT
} | MORE
STEPS = {"to another type": 1e-2}  # float32 needs large steps; differences of a quadratic are exact


def make_operands(name: str) -> tuple[Any, ...]:
    """Float64 leaves between 0.5 and 1.5, away from kinks and poles."""
    random = np.random.default_rng(len(name))
    return tuple(mg.tensor(random.uniform(0.5, 1.5, shape), requires_grad=True) for shape in SAMPLES[name][1])
