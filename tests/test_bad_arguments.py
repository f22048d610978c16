"""Arguments of wrong types and values: numbers, tensors, sizes and dtypes that a function cannot take."""

import numpy as np
import pytest

import minigrad as mg
import minigrad.nn.functional as F
from minigrad import autograd, nn
from tests.marks import NOT_ASKED, mark
from tests.test_bad_input import leaf, ones

NUMBERS = {
    "leaky_relu": (lambda bad: F.leaky_relu(ones(2), bad), "leaky_relu(): argument 'negative_slope' must be a number"),
    "elu": (lambda bad: F.elu(ones(2), bad), "elu(): argument 'alpha' must be a number"),
    "softplus": (lambda bad: F.softplus(ones(2), 1.0, bad), "softplus(): argument 'threshold' must be a number"),
    "hardtanh": (lambda bad: F.hardtanh(ones(2), bad), "hardtanh(): argument 'min_val' must be a number"),
    "batch_norm": (
        lambda bad: F.batch_norm(ones(2, 1), None, None, training=True, momentum=bad),
        "batch_norm(): argument 'momentum' must be a number"),
    "norm": (lambda bad: ones(2).norm(bad), "norm(): argument 'p' must be a number"),
    "dropout layer": (nn.Dropout, "Dropout(): argument 'p' must be a number"),
    "normal": (lambda bad: mg.normal(bad, 1.0, (2,)), "normal(): argument 'mean' must be a number"),
    "arange": (lambda bad: mg.arange(0, 3, bad), "arange(): argument 'step' must be a number"),
    "bernoulli_": (lambda bad: ones(2).bernoulli_(bad), "bernoulli_(): argument 'p' must be a number"),
    "xavier": (lambda bad: nn.init.xavier_normal_(ones(2, 2), bad), "xavier(): argument 'gain' must be a number"),
    "learning rate": (lambda bad: mg.optim.SGD([leaf(2)], bad), "SGD(): argument 'lr' must be a number"),
    "groups of a layer": (lambda bad: nn.GroupNorm(bad, 4), "num_groups must be an int"),
    "channels of a layer": (lambda bad: nn.Conv2d(bad, 4, 3), "in_channels must be an int"),
    "a normalized shape": (lambda bad: nn.LayerNorm(bad), "LayerNorm(): argument 'normalized_shape' must be tuple"),
    "a bound": (lambda bad: ones(2).random_(0, bad or "a"), "random_(): 'to' must be an int"),
    "repeats": (lambda bad: mg.repeat_interleave(ones(2), bad), "argument 'repeats' must be int"),
    "a power": (lambda bad: mg.matrix_power(ones(2, 2), bad), "matrix_power(): argument 'n' must be an int"),
    "dims": (lambda bad: mg.tensordot(ones(2), ones(2), bad), "argument 'dims' must be int"),
    "a dtype": (lambda bad: mg.promote_types(mg.int8, bad), "argument 'dtype' must be minigrad.dtype, such as"),
}  # fmt: skip


@pytest.mark.parametrize("bad", ["a", None], ids=["text", "None"])
@pytest.mark.parametrize("function", NUMBERS)
def test_the_error_names_a_value_that_is_no_number(function, bad):
    call, words = NUMBERS[function]
    if function == "norm":
        bad = [bad] if bad else object()
    if function == "repeats":
        bad = bad or [None]  # without repeats the tensor itself says how often
    if function == "a bound" and bad is None:
        pytest.skip("None has a meaning there")
    with pytest.raises(TypeError) as caught:
        call(bad)
    assert words in str(caught.value) and type(bad).__name__ in str(caught.value)


@pytest.mark.parametrize(
    "number", [np.float32(0.5), np.float64(0.5), mg.tensor(0.5)], ids=["float32", "float64", "0-dim"]
)
def test_numpy_scalars_and_0d_tensors_are_numbers(number):
    x = mg.tensor([-1.0, 2.0])
    for function in (F.leaky_relu, F.elu, F.softplus):
        assert mg.equal(function(x, number), function(x, 0.5))
    assert mg.equal(F.hardtanh(x, -1.0, number), F.hardtanh(x, -1.0, 0.5))
    assert mg.arange(0, 2, number).tolist() == [0.0, 0.5, 1.0, 1.5]
    assert nn.Dropout(number)(x).shape == x.shape


NAN = float("nan")
OTHERS = {
    "a list for a weight": (
        lambda: nn.init.zeros_([1.0]),
        AttributeError,
        "constant_(): argument 'tensor' (position 1)",
    ),
    "None for a weight": (lambda: nn.init.kaiming_normal_(None), AttributeError, "must be Tensor, not NoneType"),
    "lists for tensors": (
        lambda: mg.utils.data.TensorDataset(ones(2), [1]),
        AttributeError,
        "'list' object has no attribute 'size': TensorDataset takes tensors; ",
    ),
    "a number to join": (lambda: mg.cat(3), TypeError, "must be tuple of Tensors, not int; write cat([x, y])"),
    "a text for parameters": (
        lambda: nn.utils.clip_grad_value_("a", 1.0),
        AttributeError,
        "clip_grad_value_(): argument 'tensors' (position 1) must be Tensor, not str",
    ),
    "no type to take": (lambda: ones(2).type_as(None), TypeError, "type_as(): argument 'other' (position 2)"),
    "a number to add to": (lambda: mg.addmm(1.0, ones(2, 2), ones(2, 2)), TypeError, "addmm(): argument 'input'"),
    "a word for training": (
        lambda: F.dropout(ones(2), 0.5, "yes"),
        TypeError,
        "dropout(): argument 'training' must be bool, not str 'yes'",
    ),
    "a matrix for a number": (
        lambda: F.elu(ones(2), ones(2, 3)),
        TypeError,
        "elu(): argument 'alpha' must be a number, not a Tensor of shape (2, 3); reduce it",
    ),
    "a number that is to be trained": (
        lambda: F.leaky_relu(ones(2), leaf(2).sum()),
        TypeError,
        "not a Tensor of shape () that requires a gradient, which would not reach it; give x.item()",
    ),
    "a text in the place of no argument": (lambda: F.gelu(ones(2), "tanh"), TypeError, "gelu() takes 1 positional"),
    "a truth for a size": (
        lambda: mg.zeros(True),
        TypeError,
        "zeros(): argument 'size' must be tuple of ints, not bool True",
    ),
    "halves of times": (lambda: mg.repeat_interleave(ones(2), ones(2)), NotImplementedError, "with .long() or .bool()"),
    "a list within": (lambda: [1.0] in ones(2), RuntimeError, "only supports Tensor or scalar, but you passed in"),
    "a list for a type": (
        lambda: ones(2).type([]),
        TypeError,
        "argument 'dtype' must be minigrad.dtype, such as minigrad.float32, not list",
    ),
    "a seed of nothing": (lambda: mg.manual_seed(None), TypeError, "manual_seed() takes an int, such as 42"),
    "a seed of letters": (
        lambda: mg.manual_seed("a"),
        ValueError,
        "manual_seed() takes an int, such as 42, got str 'a'",
    ),
    "letters for a GPU": (lambda: mg.cuda.manual_seed_all("a"), ValueError, "takes an int, such as 42, got str 'a'"),
    "a seed without end": (
        lambda: mg.manual_seed(float("inf")),
        OverflowError,
        "takes an int, such as 42, got float inf",
    ),
    "bytes for a curve": (
        lambda: F.elu(ones(2).byte()),
        NotImplementedError,
        "for 'Byte'; convert the tensor first, with .float()",
    ),
    "a mask to round": (
        lambda: mg.floor(ones(2) > 0),
        NotImplementedError,
        "for 'Bool'; convert the tensor first, with .float() or",
    ),
    "a choice of other shapes": (
        lambda: mg.where(ones(3) > 0, ones(2), 0.0),
        RuntimeError,
        "tensor a (3) must match the size of tensor b (2) at non-singleton dimension 0: where got shapes (3,) and (2,)",
    ),
    "a weight of another shape": (
        lambda: mg.lerp(ones(2), ones(2), ones(3)),
        RuntimeError,
        "lerp got shapes (2,) and (3,)",
    ),
    "shapes that are not one": (
        lambda: F.cosine_similarity(ones(3, 4), ones(3, 2)),
        RuntimeError,
        "tensor b (2) at non-singleton dimension 1: broadcast_shapes got shapes (3, 4) and (3, 2)",
    ),
    "an axis that is not there": (
        lambda: mg.swapaxes(ones(2, 3), 5, 1),
        IndexError,
        "but got 5): transpose() of a tensor of shape (2, 3)",
    ),
    "a complex number": (lambda: mg.tensor([1j]), RuntimeError, "no complex numbers here, give .real, .imag or abs()"),
    "a complex factor": (lambda: ones(2) * 1j, TypeError, "no complex numbers here, give .real, .imag or abs()"),
    "a complex filling": (lambda: mg.full((2,), 1j), TypeError, "not complex 1j; there are no complex numbers here"),
    "a text for an axis": (lambda: mg.roll(ones(2, 2), (1, 2), "a"), TypeError, "'dims' must be int, not str 'a'"),
    "a truth for an axis": (
        lambda: mg.var(ones(2, 2), True, keepdim=True),
        TypeError,
        "var() got True for dim: the axes are ints; write unbiased=True",
    ),
    "no axis to turn": (lambda: mg.flip(ones(2), None), TypeError, "must be a tuple of ints, not None; write (0,) for"),
    "a gradient into ints": (
        lambda: mg.index_fill(ones(2).int(), 0, mg.tensor([0]), leaf(1).sum()),
        RuntimeError,
        "Autograd not support dtype: int32: a gradient of `value` would end in integers",
    ),
    "masks for bounds": (
        lambda: mg.bucketize(ones(1) > 0, ones(2) > 0),
        NotImplementedError,
        "with .float() or .long()",
    ),
    "masks to reduce": (
        lambda: mg.index_reduce(ones(2) > 0, 0, mg.tensor([0]), ones(1) > 0, "amax"),
        NotImplementedError,
        "\"index_reduce\" not implemented for 'Bool'",
    ),
    "no way to reduce": (
        lambda: mg.scatter_reduce(ones(2), 0, mg.tensor([0, 1]), ones(2), ["sum"]),
        TypeError,
        "scatter_reduce(): argument 'reduce' must be str, not list ['sum']",
    ),
    "an unknown way to reduce": (
        lambda: mg.index_reduce(ones(2), 0, mg.tensor([0]), ones(1), "sum"),
        RuntimeError,
        "either prod, mean, amax or amin, got 'sum'",
    ),
    "no order of renorm": (
        lambda: mg.renorm(ones(2, 2), None, 0, 1.0),
        TypeError,
        "renorm(): argument 'p' must be a number, not None",
    ),
    "a largest norm that is an array": (
        lambda: mg.renorm(ones(2, 2), 2, 0, np.ones(2)),
        TypeError,
        "renorm(): argument 'maxnorm' must be a number, not ndarray",
    ),
    "no subscripts": (lambda: mg.einsum(ones(2), 1), TypeError, "after each operand its subscripts are due, in a list"),
    "a number of strides": (
        lambda: mg.empty_strided((2,), 1),
        TypeError,
        "argument 'stride' must be tuple of ints, not int 1",
    ),
    "a 0-d right side": (lambda: mg.linalg.solve(ones(2, 2), mg.tensor(1.0)), RuntimeError, "at least 1 dimension"),
    "0-d least squares": (lambda: mg.linalg.lstsq(ones(2, 2), mg.tensor(1.0)), RuntimeError, "at least 1 dimension"),
    "groups of a vector": (lambda: F.group_norm(ones(0), 1), IndexError, "at least 2 dimensions, got [0]"),
    "a text to the power": (
        lambda: mg.float_power("a", ones(2)),
        TypeError,
        "float_power(): argument 'input' must be a number",
    ),
    "the size of a grid as a tensor": (
        lambda: F.affine_grid(ones(1, 2, 3), ones(4), False),
        TypeError,
        "affine_grid(): argument 'size' must be tuple of ints, not Tensor",
    ),
    "an order of pooling that is an array": (
        lambda: F.lp_pool2d(ones(1, 2, 2), np.ones(2), 2),
        TypeError,
        "lp_pool2d(): argument 'norm_type' must be a number",
    ),
    "a reduction that is a tensor": (
        lambda: F.mse_loss(ones(2), ones(2), reduction=ones(2)),
        ValueError,
        "not a valid value for reduction",
    ),
    "distances of different axes": (
        lambda: F.triplet_margin_with_distance_loss(ones(2), ones(1, 2), ones(2)),
        RuntimeError,
        "same number of dimensions, but got: anchor 1D, positive 2D",
    ),
    "no delta": (lambda: F.huber_loss(ones(2), ones(2), delta=None), TypeError, "'delta' must be a number, not None"),
    "no beta": (lambda: F.smooth_l1_loss(ones(2), ones(2), beta="1"), TypeError, "'beta' must be a number, not str"),
    "no margin": (
        lambda: F.triplet_margin_loss(ones(1, 2), ones(1, 2), ones(1, 2), margin=None),
        TypeError,
        "'margin' must be a number, not None",
    ),
    "no shrinkage": (lambda: F.softshrink(ones(2), None), TypeError, "'lambd' must be a number, not None"),
    "no tolerance": (lambda: mg.allclose(ones(2), ones(2), rtol=None), TypeError, "'rtol' must be a number, not None"),
    "no mode of fans": (lambda: nn.init.kaiming_normal_(ones(2, 2), mode=None), ValueError, "Mode None not supported"),
    "chances in a list": (
        lambda: mg.distributions.Categorical([0.5, 0.5]),
        TypeError,
        "Categorical(): argument 'probs' (position 1) must be Tensor, not list; wrap it with minigrad.tensor(...)",
    ),
    "concentrations in a list": (
        lambda: mg.distributions.Dirichlet([1.0, 2.0]),
        TypeError,
        "argument 'concentration' (position 1) must be Tensor",
    ),
    "a mean in a list": (
        lambda: mg.distributions.MultivariateNormal([0.0], ones(1, 1)),
        TypeError,
        "'loc' (position 1) must be Tensor",
    ),
    "no bins": (lambda: mg.histogram(ones(2), 0), RuntimeError, "bins must be > 0, but got 0"),
    "whole edges": (lambda: mg.histogram(ones(2), mg.arange(3)), RuntimeError, "bins should have the dtype of input"),
    "edges that go down": (
        lambda: mg.histogram(ones(2), mg.tensor([1.0, 0.0])),
        RuntimeError,
        "a vector of increasing edges, got [1.0, 0.0]",
    ),
    "too few weights": (lambda: mg.histogram(ones(2), 2, weight=ones(1)), RuntimeError, "got (1,) for (2,)"),
    "edges and their range": (
        lambda: mg.histogram(ones(2), mg.tensor([0.0, 1.0]), range=(0.0, 1.0)),
        TypeError,
        "but not edges and range",
    ),
    "half a range": (lambda: mg.histogram(ones(2), 2, range=(0.0,)), RuntimeError, "range should have 2 elements"),
    "fewer than no counts": (
        lambda: mg.bincount(mg.tensor([1]), minlength=-1),
        RuntimeError,
        "minlength should be >= 0, got -1",
    ),
    "a share as text": (lambda: mg.quantile(ones(2), ".5"), TypeError, "argument 'q' must be a number, not str"),
    "a mask for a gamma": (lambda: mg.mvlgamma(ones(2) > 0, 1), RuntimeError, "may not be a boolean tensor"),
    "a factor below 0 for bytes": (
        lambda: mg.addcmul(*[ones(1).byte()] * 3, value=-1.5),
        RuntimeError,
        "to type uint8 without overflow",
    ),
    "a spread of NaN": (lambda: mg.normal(ones(2), mg.tensor([1.0, NAN])), RuntimeError, "all elements of std >= 0"),
    "one spread of NaN": (lambda: mg.normal(0.0, NAN, (2,)), RuntimeError, "std >= 0.0, but found std nan"),
    "weights of NaN": (lambda: mg.cov(ones(1), aweights=mg.tensor([NAN])), RuntimeError, "aweights cannot be negative"),
    "a delta of NaN": (
        lambda: F.huber_loss(ones(1), ones(1), delta=NAN),
        RuntimeError,
        "non-positive values for delta",
    ),
    "a beta of NaN": (lambda: F.smooth_l1_loss(ones(1), ones(1), beta=NAN), RuntimeError, "negative values for beta"),
    "a tolerance of NaN": (
        lambda: mg.isclose(ones(1), ones(1), NAN),
        RuntimeError,
        "rtol must be greater than or equal",
    ),
    "a norm of NaN": (lambda: mg.renorm(ones(1, 1), NAN, 0, 1.0), RuntimeError, "expected p > 0 and maxnorm >= 0"),
    "distances of NaN": (lambda: mg.cdist(ones(1, 1), ones(1, 1), NAN), RuntimeError, "only supports non-negative p"),
    "a slope of NaN": (lambda: F.rrelu(ones(1), NAN, 1.0), RuntimeError, "rrelu: lower bound must be finite, got nan"),
    "a slope without end": (
        lambda: F.rrelu(ones(1), 0.0, float("inf")),
        RuntimeError,
        "rrelu: upper bound must be finite, got inf",
    ),
    "an array as a mode": (
        lambda: F.pad(ones(2), (1, 1), mode=np.array(["constant", "reflect"])),
        TypeError,
        "pad(): argument 'mode' must be str, not ndarray",
    ),
    "one of several places is too far": (
        lambda: ones(3).take(mg.tensor([1, -4])),
        IndexError,
        "take(): out of range: the index must be in [-3, 2], got -4",
    ),
    "no matrices": (lambda: mg.chain_matmul(), RuntimeError, "chain_matmul(): Expected one or more matrices"),
    "a sum beyond any memory": (
        lambda: ones(1).expand(2**40) + ones(1).expand(2**40, 1),
        RuntimeError,
        "Storage size calculation overflowed with sizes=[1099511627776, 1099511627776]",
    ),
    "windows beyond any memory": (
        lambda: F.adaptive_max_pool1d(ones(1, 1, 1), 2**62),
        RuntimeError,
        "Storage size calculation overflowed with sizes=[1, 1, 4611686018427387904]",
    ),
    "strides beyond any memory": (
        lambda: mg.empty_strided((8, 8), (2**61, 1)),
        RuntimeError,
        "overflowed with sizes=[8, 8] and strides=[2305843009213693952, 1]",
    ),
    "a negative variance beside NaN": (
        lambda: F.gaussian_nll_loss(ones(2), ones(2), mg.tensor([-1.0, NAN])),
        ValueError,
        "var has negative entry",
    ),
    "shapes of text": (
        lambda: mg.broadcast_shapes("a"),
        TypeError,
        "broadcast_shapes(): argument 'shapes' must be tuple of ints",
    ),
}


HALF, SINGLE = ones(1, 2, 4, 4).half(), ones(2)
TWO_TYPES = {
    "conv2d": lambda: F.conv2d(HALF, ones(1, 2, 3, 3)),
    "conv2d's bias": lambda: F.conv2d(HALF, ones(2, 2, 3, 3).half(), SINGLE),
    "conv1d": lambda: F.conv1d(HALF[0], ones(1, 4, 3)),
    "conv1d's bias": lambda: F.conv1d(HALF[0], ones(2, 4, 3).half(), SINGLE),
    "conv_transpose2d": lambda: F.conv_transpose2d(HALF, ones(2, 1, 3, 3)),
    "linear's bias": lambda: F.linear(HALF, ones(2, 4).half(), bias=SINGLE),
    "bilinear's bias": lambda: F.bilinear(HALF, HALF, ones(2, 4, 4).half(), SINGLE),
    "cross_entropy": lambda: F.cross_entropy(HALF, mg.zeros(1, 4, 4, dtype=mg.int64), SINGLE),
    "batch_norm's two": lambda: F.batch_norm(HALF, SINGLE, SINGLE, SINGLE.half(), SINGLE.half()),
    "group_norm's two": lambda: F.group_norm(HALF, 2, SINGLE, SINGLE.half()),
}


@pytest.mark.parametrize("name", TWO_TYPES)
def test_float16_beside_float32_is_refused(name):
    with pytest.raises(RuntimeError, match=r"\(float16\) and \w+ type \(float32\) should be the same; convert one"):
        TWO_TYPES[name]()


def test_float16_beside_a_float32_grid_is_refused():
    with pytest.raises(RuntimeError, match="float16"):
        F.grid_sample(HALF, mg.zeros(1, 2, 2, 2), align_corners=False)


def test_parameters_of_a_normalization_of_float16_may_be_float32():
    assert F.batch_norm(HALF, SINGLE, SINGLE, SINGLE, SINGLE).dtype is mg.float16
    assert F.layer_norm(HALF, (4,), ones(4)).dtype is mg.float16


@pytest.mark.parametrize("mistake", mark(OTHERS, NOT_ASKED, ["a negative variance beside NaN"]))
def test_a_wrong_argument_is_refused_with_advice(mistake):
    call, error, words = OTHERS[mistake]
    with pytest.raises(error) as caught:
        call()
    assert words in str(caught.value)


def test_eps_and_momentum_may_be_0d_tensors():
    x = mg.tensor([[1.0], [3.0]])
    normalized = F.batch_norm(x, None, None, training=True, momentum=mg.tensor(0.5), eps=mg.tensor(1e-5))
    assert mg.equal(normalized, F.batch_norm(x, None, None, training=True))


# What PyTorch refuses, and we too: at the same call, with the same class.
AS_PYTORCH = {
    "a mean of no windows": (
        lambda: F.adaptive_avg_pool2d(leaf(1, 2, 3, 3), 0).sum().backward(), RuntimeError,
        "adaptive_avg_pool2d_backward(): Expected grad_output to have non-zero size"),
    "no size at all": (lambda: F.adaptive_avg_pool2d(ones(1, 2, 2), None), TypeError, "write (None, None)"),
    "halves without alias": (
        lambda: F.interpolate(ones(1, 1, 2, 2).half(), (1, 1), mode="bilinear", antialias=True), NotImplementedError,
        "not implemented for 'Half'; convert the tensor first, with .float()"),
    "a list for NaN": (lambda: mg.nan_to_num(ones(2), [1]), TypeError, "argument 'nan' must be a number, not list [1]"),
    "a text as a size": (lambda: F.interpolate(ones(1, 1, 2, 2), "a"), TypeError, "must be an int or a tuple"),
    "a text as a scale": (
        lambda: F.interpolate(ones(1, 1, 2, 2), scale_factor="a"), TypeError, "'scale_factor' must be a number"),
    "a truth for gelu": (
        lambda: F.gelu(ones(2), approximate=True), TypeError, "gelu(): argument 'approximate' must be str, not bool"),
    "a truth first": (lambda: F.max_pool2d(ones(1, 4, 4), (True, 2)), TypeError, "must be an int or a tuple of 2 ints"),
    "an image without channels": (lambda: F.pad(ones(0, 5, 4), (1, 1, 1, 1), "reflect"), RuntimeError, "[0, 5, 4]"),
    "a vector for columns": (
        lambda: mg.linalg.solve_triangular(mg.eye(2), ones(2), upper=True), RuntimeError,
        "B must have at least 2 dimensions"),
    "integers to divide": (
        lambda: mg.addcdiv(ones(2), ones(2).long(), ones(2).long()), RuntimeError, "Integer division with addcdiv"),
    "a vector for a matrix": (lambda: F.linear(ones(2, 3), ones(3), ones(2)), RuntimeError, "mat2 must be a matrix"),
    "a number for a shape": (lambda: F.layer_norm(ones(2, 3), 3), TypeError, "must be tuple of ints, not int"),
    "one axis, a tuple of places": (lambda: mg.movedim(ones(2, 3), 0, (1,)), TypeError, "both two ints"),
    "an entry that is not there": (
        lambda: mg.index_add(ones(3), 0, mg.tensor([3]), ones(1)), IndexError, "index 3 is out of bounds"),
    "a row that is not there": (
        lambda: mg.index_add(ones(3, 1), 0, mg.tensor([3]), ones(1, 1)), RuntimeError, "index 3 is out of bounds"),
    "a covariance of nothing": (
        lambda: mg.distributions.MultivariateNormal(mg.zeros(2), mg.zeros(2, 2)), ValueError, "PositiveDefinite()"),
    "a lopsided covariance": (
        lambda: mg.distributions.MultivariateNormal(mg.zeros(2), mg.tensor([[2.0, 0.5], [0.0, 2.0]])), ValueError,
        "covariance_matrix (Tensor of shape (2, 2))"),
    "a margin's class that is not there": (
        lambda: F.multi_margin_loss(ones(2, 3), mg.tensor([0, 3])), RuntimeError, "target out of range: 3"),
    "margins of other counts": (
        lambda: F.multi_margin_loss(ones(2, 3), mg.tensor([0, 1, 1])), RuntimeError, "inconsistent target size"),
    "weights of another type": (
        lambda: F.nll_loss(ones(1, 2).half(), mg.tensor([0]), ones(2)), RuntimeError, "should be the same"),
    "a step of two types": (
        lambda: mg.heaviside(ones(1), mg.zeros(1).double()), RuntimeError,
        "heaviside is not yet implemented for tensors with different dtypes"),
    "distances of two types": (
        lambda: mg.cdist(ones(1, 1), ones(1, 1).double()), RuntimeError,
        "cdist: expected X1 and X2 of one dtype, got minigrad.float32 and minigrad.float64"),
    "the whole by None": (lambda: mg.prod(ones(2), None), TypeError, "must be int, not NoneType; leave it out"),
    "the greatest by None": (lambda: ones(2).max(dim=None), TypeError, "must be int, not NoneType; leave it out"),
    "an option of no check": (
        lambda: autograd.gradgradcheck(mg.exp, leaf(1).double(), check_forward_ad=True), TypeError,
        "check_forward_ad"),
    "a determinant of 0": (
        lambda: mg.linalg.slogdet(mg.zeros(2, 2, requires_grad=True)).logabsdet.backward(), mg.linalg.LinAlgError,
        "the input matrix is singular"),
}  # fmt: skip


ABOUT_VALUES = ["an entry that is not there", "a row that is not there", "a margin's class that is not there"]
HALVES = "halves without alias"


@pytest.mark.parametrize("mistake", mark(sorted({*AS_PYTORCH} - {HALVES}), NOT_ASKED, ABOUT_VALUES))
def test_a_call_that_pytorch_refuses_is_refused(mistake):
    call, error, words = AS_PYTORCH[mistake]
    with pytest.raises(error) as caught:
        call()
    assert words in str(caught.value)


@pytest.mark.cpu("on a GPU PyTorch takes halves too")
def test_antialiased_interpolation_of_float16_is_refused():
    test_a_call_that_pytorch_refuses_is_refused(HALVES)


def test_unusual_arguments_that_pytorch_accepts_are_accepted():
    x = ones(1, 2, 4, 4)
    assert F.max_pool2d(x, (2, True)).shape == (1, 2, 2, 4)  # it looks at the first number alone
    assert F.conv2d(x, ones(2, 2, 2, 2), padding=(0, True)).shape == (1, 2, 3, 5)
    two = mg.full((2,), 2)
    assert mg.addcmul(two, two, two, value=1.5).tolist() == [6, 6]
    assert mg.heaviside(mg.tensor([0.0]), values=mg.tensor([7.0])).tolist() == [7.0]
    truths = mg.tensor([False, True])
    assert (truths**True).tolist() == [False, True]
    assert (truths**False).tolist() == [True, True]
    w = mg.zeros(0, requires_grad=True)
    y = mg.cat([w, ones(1, 2)])
    y.sum().backward()
    assert w.grad.shape == (0,)
    with pytest.warns(FutureWarning, match="`min_value` is deprecated, write `min_val`"):
        assert nn.Hardtanh(min_value=0.0)(mg.tensor([-1.0])).tolist() == [0.0]
    assert nn.InstanceNorm2d(3, affine=True, bias=False).bias is None
    assert repr(mg.linalg.slogdet(mg.eye(2, device="cpu"))).startswith(
        "minigrad.return_types.linalg_slogdet(\nsign=tensor(1.)"
    )


@pytest.mark.cpu("a GPU adds as it rounds")
def test_running_sums_and_products_are_rounded_once():
    assert mg.tensor([3e38, 3e38, -3e38]).cumsum(0)[2].item() == mg.tensor(3e38).item()
    assert mg.tensor([1e38, 10.0, 0.01]).cumprod(0)[2].isfinite()
