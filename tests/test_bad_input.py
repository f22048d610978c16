"""Wrong input: each mistake is refused at the call that made it, with a helpful message.

One row per mistake: the call, the class of the exception (PyTorch's), and the words that must stand
in the message: what was expected, what was got, what to do. `tests/autograd/test_gradients.py`,
`tests/ops/test_index.py` and the tests of modules and optimizers have tables of their own.
"""

import numpy as np
import pytest

import minigrad as mg
import minigrad.nn.functional as F
from minigrad import autograd, nn
from tests.marks import NOT_ASKED, mark

ones = mg.ones


def grown(*shape):
    return mg.ones(*shape, requires_grad=True)


# ---- convolution --------------------------------------------------------------------------------
RANKS = {
    "an image without channels": (
        lambda: nn.Conv2d(1, 1, (1, 2))(ones(6, 8)), RuntimeError,
        ["(C, H, W) or (N, C, H, W)", "[6, 8]", "x.reshape(1, 1, 6, 8)"]),
    "an image of five axes": (
        lambda: F.conv2d(ones(1, 1, 1, 6, 8), ones(1, 1, 1, 2)), RuntimeError,
        ["(C, H, W) or (N, C, H, W)", "[1, 1, 1, 6, 8]"]),
    "a signal without channels": (
        lambda: F.conv1d(ones(6), ones(1, 1, 2)), RuntimeError, ["(C, L) or (N, C, L)", "[6]", "x.reshape(1, 1, 6)"]),
    "a kernel of two axes": (
        lambda: F.conv2d(ones(1, 1, 6, 8), ones(1, 2)), RuntimeError,
        ["weight of 4 axes", "(out_channels, in_channels/groups, kh, kw)", "got 2", "[1, 2]"]),
    "a bias of another length": (
        lambda: F.conv2d(ones(1, 1, 4, 4), ones(2, 1, 3, 3), ones(3)), RuntimeError,
        ["bias", "1-dimensional with 2 elements", "[3]"]),
}  # fmt: skip
CHANNELS = {
    "too few channels": (
        lambda: nn.Conv2d(3, 1, 2)(ones(1, 1, 6, 8)), RuntimeError,
        ["weight of size [1, 3, 2, 2]", "input[1, 1, 6, 8]", "3 channels", "got 1 channels"]),
    "channels last": (
        lambda: nn.Conv2d(3, 1, 2)(ones(1, 6, 8, 3)), RuntimeError, ["3 channels", "got 6", "x.permute(0, 3, 1, 2)"]),
    "channels of a transposed convolution": (
        lambda: F.conv_transpose2d(ones(1, 2, 3, 3), ones(3, 1, 2, 2)), RuntimeError,
        ["transposed=1", "[3, 1, 2, 2]", "3 channels", "got 2"]),
    "groups that do not divide the input's channels": (
        lambda: F.conv2d(ones(1, 3, 6, 8), ones(4, 1, 2, 2), groups=2), RuntimeError,
        ["groups=2", "2 channels", "got 3"]),
    "groups that do not divide the output's channels": (
        lambda: F.conv2d(ones(1, 4, 6, 8), ones(3, 2, 2, 2), groups=2), RuntimeError,
        ["groups=2", "divisible by 2", "3 channels"]),
    "a layer's groups and in_channels": (
        lambda: nn.Conv2d(3, 4, 2, groups=2), ValueError, ["in_channels must be divisible by groups", "3", "groups=2"]),
    "a layer's groups and out_channels": (
        lambda: nn.Conv2d(4, 3, 2, groups=2), ValueError,
        ["out_channels must be divisible by groups", "3", "groups=2"]),
    "no groups": (lambda: nn.Conv2d(4, 4, 2, groups=0), ValueError, ["positive", "groups=0"]),
    "negative groups": (
        lambda: F.conv2d(ones(1, 1, 6, 8), ones(1, 1, 2, 2), groups=-1), RuntimeError,
        ["non-positive groups", "groups=-1"]),
}  # fmt: skip
GEOMETRY = {
    "a kernel larger than the image": (
        lambda: F.conv2d(ones(1, 1, 2, 3), ones(1, 1, 3, 3)), RuntimeError,
        ["(2, 3)", "Kernel size: (3, 3)", "can't be greater", "smaller kernel or more padding"]),
    "a dilated kernel larger than the image": (
        lambda: F.conv2d(ones(1, 1, 4, 4), ones(1, 1, 3, 3), dilation=2), RuntimeError,
        ["(4, 4)", "Kernel size: (5, 5)", "dilation (2, 2)"]),
    "negative padding": (
        lambda: F.conv2d(ones(1, 1, 4, 4), ones(1, 1, 3, 3), padding=-1), RuntimeError,
        ["negative padding", "padding=-1", "0 or more"]),
    "negative padding of a layer": (
        lambda: nn.Conv2d(1, 1, 3, padding=(0, -1))(ones(1, 1, 4, 4)), RuntimeError, ["negative padding", "(0, -1)"]),
    "stride zero": (
        lambda: F.conv2d(ones(1, 1, 4, 4), ones(1, 1, 3, 3), stride=0), RuntimeError,
        ["non-positive stride", "stride=0", "1 or more"]),
    "dilation zero": (
        lambda: F.conv2d(ones(1, 1, 4, 4), ones(1, 1, 3, 3), dilation=0), RuntimeError,
        ["non-positive dilation", "dilation=0"]),
    "three strides": (
        lambda: F.conv2d(ones(1, 1, 4, 4), ones(1, 1, 3, 3), stride=(1, 1, 1)), RuntimeError,
        ["stride", "2 values", "(1, 1, 1)"]),
    "half a stride": (
        lambda: F.conv2d(ones(1, 1, 4, 4), ones(1, 1, 3, 3), stride=1.5), TypeError,
        ["'stride' must be an int", "float 1.5"]),
    "an unknown word for padding": (
        lambda: F.conv2d(ones(1, 1, 4, 4), ones(1, 1, 3, 3), padding="full"), RuntimeError,
        ["'full'", "'same'", "'valid'"]),
    "'same' with a stride": (
        lambda: nn.Conv2d(1, 1, 3, padding="same", stride=2), ValueError, ["padding='same'", "strided", "(2, 2)"]),
    "an unknown padding mode": (
        lambda: nn.Conv2d(1, 1, 3, padding_mode="mirror"), ValueError,
        ["'zeros', 'reflect', 'replicate', 'circular'", "'mirror'"]),
    "an empty kernel": (
        lambda: F.conv2d(ones(1, 1, 3, 3), ones(1, 1, 0, 1)), RuntimeError, ["axis of length 0", "[1, 1, 0, 1]"]),
    "output padding of a whole stride": (
        lambda: F.conv_transpose2d(ones(1, 1, 3, 3), ones(1, 1, 2, 2), stride=2, output_padding=2), RuntimeError,
        ["output padding must be smaller", "output_padding: 2", "stride: 2"]),
}  # fmt: skip

# ---- types --------------------------------------------------------------------------------------
DTYPES = {
    "float64 into a float32 layer": (
        lambda: nn.Conv2d(1, 1, 3)(ones(1, 1, 4, 4).double()), RuntimeError,
        ["Input type (float64)", "weight type (float32)", "input.to(weight.dtype)"]),
    "integers into a float layer": (
        lambda: nn.Conv2d(1, 1, 3)(ones(1, 1, 4, 4).long()), RuntimeError,
        ["Input type (int64)", "weight type (float32)"]),
    "a bias of another type": (
        lambda: F.conv2d(ones(1, 1, 4, 4), ones(2, 1, 3, 3), ones(2).double()), RuntimeError, ["bias type (float64)"]),
    "a float result into integers": (
        lambda: mg.tensor([1, 2]).add_(0.5), RuntimeError, ["float32", "can't be cast", "int64"]),
    "integers that require grad": (
        lambda: mg.tensor([1, 2], requires_grad=True), RuntimeError, ["floating point", "int64", ".float()"]),
    "integers asked for gradients": (
        lambda: mg.arange(3).requires_grad_(), RuntimeError, ["floating point", "int64", ".float()"]),
    "an integer parameter": (lambda: nn.Parameter(mg.arange(3)), RuntimeError, ["floating point", "int64", ".float()"]),
    "integer zeros that require grad": (
        lambda: mg.zeros(2, dtype=mg.int64, requires_grad=True), RuntimeError, ["floating point", "int64"]),
}  # fmt: skip

# ---- NumPy arrays where tensors are due ---------------------------------------------------------
ARRAY = np.ones((1, 1, 4, 4), np.float32)
FIX = "minigrad.from_numpy"
ARRAYS = {
    name: (call, TypeError, [f"{name}()", "must be Tensor, not numpy.ndarray", FIX])
    for name, call in {
        "conv2d": lambda: nn.Conv2d(1, 1, 3)(ARRAY),
        "mse_loss": lambda: F.mse_loss(ones(1), ARRAY),
        "linear": lambda: F.linear(ARRAY, ones(4, 4)),
        "relu": lambda: F.relu(ARRAY),
        "softmax": lambda: F.softmax(ARRAY, 0),
        "cross_entropy": lambda: F.cross_entropy(ARRAY, ones(1)),
        "max_pool2d": lambda: F.max_pool2d(ARRAY, 2),
        "exp": lambda: mg.exp(ARRAY),
        "sum": lambda: mg.sum(ARRAY),
        "mean": lambda: mg.mean(ARRAY),
        "matmul": lambda: mg.matmul(ARRAY, ones(4, 4)),
        "reshape": lambda: mg.reshape(ARRAY, (4, 4)),
        "permute": lambda: mg.permute(ARRAY, (0, 2, 3, 1)),
        "transpose": lambda: mg.transpose(ARRAY, 0, 1),
        "flatten": lambda: mg.flatten(ARRAY),
        "squeeze": lambda: mg.squeeze(ARRAY),
        "unsqueeze": lambda: mg.unsqueeze(ARRAY, 0),
        "flip": lambda: mg.flip(ARRAY, (0,)),
        "gather": lambda: mg.gather(ARRAY, 0, mg.zeros(1).long()),
        "split": lambda: mg.split(ARRAY, 1),
        "cat": lambda: mg.cat([ARRAY, ones(1)]),
        "stack": lambda: mg.stack([ARRAY]),
        "where": lambda: mg.where(ARRAY > 0, ones(1), ones(1)),
    }.items()
} | {
    "a kernel": (lambda: F.conv2d(ones(1, 1, 4, 4), ARRAY), TypeError, ["'weight' (position 2)", "numpy.ndarray", FIX]),
    "a list for an image": (
        lambda: nn.Conv2d(1, 1, 1)([[1.0]]),
        TypeError,
        ["conv2d()", "must be Tensor, not list", "minigrad.tensor(...)"],
    ),
    "a list as a summand": (lambda: ones(2) + [1, 2], TypeError, ["not list", "minigrad.tensor"]),
    "a function that returned nothing": (
        lambda: F.mse_loss(None, ones(1)),
        TypeError,
        ["not NoneType", "without a return"],
    ),
    "a parameter": (lambda: nn.Parameter(ARRAY), AttributeError, ["Parameter expects a Tensor", "ndarray", FIX]),
    "an optimizer's parameter": (
        lambda: mg.optim.SGD([ARRAY], lr=0.1),
        TypeError,
        ["optimizer can only optimize Tensors", "ndarray"],
    ),
    "backward from an array": (lambda: autograd.backward(ARRAY), TypeError, ["must be Tensors", "ndarray"]),
    "grad with respect to an array": (
        lambda: autograd.grad(grown(2).sum(), ARRAY),
        TypeError,
        ["inputs must be Tensors", "ndarray"],
    ),
}

# ---- gradients ----------------------------------------------------------------------------------


def backward_twice():
    loss = (grown(2) ** 2).sum()
    loss.backward()
    loss.backward()


def overwrite_what_was_saved():
    y = grown(2, 3) * 2
    loss = (y * y).sum()
    y += 1
    loss.backward()


def step_between_forward_and_backward():
    w = nn.Parameter(ones(3))
    optimizer = mg.optim.SGD([w], lr=0.1)
    (w * 1.0).sum().backward()
    loss = (w * w).sum()
    optimizer.step()
    loss.backward()


def subtract_from_a_leaf():
    w = grown(2)
    w -= 0.1


GRADIENTS = {
    "backward from more than one number": (
        lambda: (grown(2, 3) * 2).backward(), RuntimeError,
        ["scalar outputs", "(2, 3)", ".sum()", ".mean()", "gradient="]),
    "a second backward": (backward_twice, RuntimeError, ["second time", "PowBackward0", "retain_graph=True"]),
    "no gradient asked for": (
        lambda: ones(2).sum().backward(), RuntimeError,
        ["element 0 of tensors does not require grad", "requires_grad=True"]),
    "a leaf written to": (
        subtract_from_a_leaf, RuntimeError,
        ["leaf Variable that requires grad", "sub_", "(2,)", "with minigrad.no_grad():", "w.data"]),
    "a saved tensor overwritten": (
        overwrite_what_was_saved, RuntimeError,
        ["modified by an inplace operation", "MulBackward0", "(2, 3)", "version 0", "at version 1"]),
    "a step between forward and backward": (
        step_between_forward_and_backward, RuntimeError, ["modified by an inplace operation", "MulBackward0", "(3,)"]),
    "a NumPy array of what has a graph": (
        lambda: grown(2).numpy(), RuntimeError, ["requires grad", "tensor.detach().numpy()"]),
}  # fmt: skip

# ---- shapes -------------------------------------------------------------------------------------
SHAPES = {
    "a loss that would broadcast": (
        lambda: F.mse_loss(ones(8), ones(8, 1)), ValueError, ["(8,)", "(8, 1)", "target.reshape(input.shape)"]),
    "sizes that do not broadcast": (
        lambda: ones(2, 3) + ones(2, 4), RuntimeError, ["(3)", "(4)", "dimension 1", "(2, 3)", "(2, 4)"]),
    "a matrix product": (
        lambda: ones(2, 3) @ ones(2, 3), RuntimeError,
        ["(2, 3) and (2, 3)", "last axis of the first (3)", "of the second (2)"]),
    "the truth of many numbers": (lambda: bool(ones(2) > 0), RuntimeError, ["ambiguous", "(2,)", ".any() or .all()"]),
}  # fmt: skip

# ---- modules and optimizers ---------------------------------------------------------------------


class AssignsALayer(nn.Module):
    def __init__(self):
        self.conv = nn.Conv2d(1, 1, 1)


class AssignsAParameter(nn.Module):
    def __init__(self):
        self.w = nn.Parameter(ones(1))


class RegistersABuffer(nn.Module):
    def __init__(self):
        self.register_buffer("mean", ones(1))


class AssignsANumber(nn.Module):
    def __init__(self):
        self.scale = 2.0

    def forward(self, x):
        return x * self.scale


SUPER = "super().__init__() the first line of __init__ of class"
MODULES = {
    "a layer before super().__init__()": (
        AssignsALayer, AttributeError, ["cannot assign module before Module.__init__() call", SUPER, "AssignsALayer"]),
    "a parameter before super().__init__()": (
        AssignsAParameter, AttributeError, ["cannot assign parameter before Module.__init__() call", SUPER]),
    "a buffer before super().__init__()": (
        RegistersABuffer, AttributeError, ["cannot assign buffer before Module.__init__() call", SUPER]),
    "a call without super().__init__()": (
        lambda: AssignsANumber()(ones(1)), AttributeError, ["before Module.__init__() call", SUPER, "AssignsANumber"]),
    "no parameters": (lambda: mg.optim.SGD([], lr=0.1), ValueError, ["empty parameter list", "ModuleList"]),
    "one tensor for a list": (
        lambda: mg.optim.SGD(grown(2), lr=0.1), TypeError, ["iterable of Tensors", "(2,)", "[tensor]"]),
    "a negative learning rate": (lambda: mg.optim.SGD([grown(1)], lr=-1), ValueError, ["Invalid learning rate: -1"]),
    "a computed tensor": (
        lambda: mg.optim.SGD([grown(2) * 2], lr=0.1), ValueError,
        ["non-leaf", "MulBackward0", "detach().requires_grad_()"]),
}  # fmt: skip

# ---- devices ------------------------------------------------------------------------------------
DEVICES = {
    "an unknown device": (lambda: ones(2, device="gpu"), RuntimeError, ["cpu, cuda", "'gpu'"]),
    "an unknown device to move to": (lambda: ones(2).to("tpu:0"), RuntimeError, ["cpu, cuda", "'tpu:0'"]),
    "a device's number in letters": (lambda: mg.device("cuda:x"), RuntimeError, ["'cuda:x'", "'cuda:0'"]),
    "an unknown default device": (lambda: mg.set_default_device("gpu"), RuntimeError, ["cpu, cuda", "'gpu'"]),
}  # fmt: skip


def gpu(*shape):
    return ones(*shape, device="cuda")


SAME = ["same device", "cuda:0", "cpu"]
MIXED = {
    "add": (lambda: gpu(2) + ones(2), RuntimeError, [*SAME, "operand 1 with .to('cuda:0')"]),
    "add to": (lambda: gpu(2).add_(ones(2)), RuntimeError, SAME),
    "a layer on the GPU": (
        lambda: nn.Conv2d(1, 1, 1).cuda()(ones(1, 1, 3, 3)), RuntimeError,
        [*SAME, "convolution", "(1, 1, 3, 3)", ".to('cpu')"]),
    "an image on the GPU": (
        lambda: nn.Conv2d(1, 1, 1)(gpu(1, 1, 3, 3)), RuntimeError,
        [*SAME, "convolution", "(1, 1, 1, 1)", ".to('cuda:0')"]),
    "a bias": (
        lambda: F.conv2d(gpu(1, 1, 3, 3), gpu(1, 1, 1, 1), ones(1)), RuntimeError, [*SAME, "operand 2 of shape (1,)"]),
    "linear": (lambda: nn.Linear(2, 2).cuda()(ones(1, 2)), RuntimeError, SAME),
    "mse_loss": (lambda: F.mse_loss(gpu(2), ones(2)), RuntimeError, SAME),
    "matmul": (lambda: gpu(2, 2) @ ones(2, 2), RuntimeError, SAME),
    "einsum": (lambda: mg.einsum("i,i->", gpu(2), ones(2)), RuntimeError, SAME),
    "cat": (lambda: mg.cat([gpu(2), ones(2)]), RuntimeError, SAME),
    "stack": (lambda: mg.stack([gpu(2), ones(2)]), RuntimeError, SAME),
    "where": (lambda: mg.where(gpu(2) > 0, ones(2), ones(2)), RuntimeError, SAME),
    "an assignment": (lambda: gpu(2).__setitem__(slice(None), ones(2)), RuntimeError, [*SAME, "index assignment"]),
    "gather": (
        lambda: gpu(2, 2).gather(0, mg.tensor([[0, 1]])), RuntimeError, [*SAME, "gather", "operand 1 of shape (1, 2)"]),
    "classes": (
        lambda: F.cross_entropy(gpu(2, 2), mg.tensor([0, 1])), RuntimeError,
        [*SAME, "cross_entropy", "operand 1 of shape (2,)"]),
    "batch_norm": (
        lambda: nn.BatchNorm2d(1).cuda()(ones(1, 1, 3, 3)), RuntimeError, [*SAME, "batch_norm", "(1, 1, 3, 3)"]),
    "a gradient": (
        lambda: ones(2, device="cuda", requires_grad=True).backward(ones(2)), RuntimeError, [*SAME, "backward"]),
    "numpy()": (lambda: gpu(2).numpy(), TypeError, ["cuda:0", ".cpu()"]),
    "a GPU that is not there": (lambda: ones(2).to("cuda:7"), RuntimeError, ["'cuda:7'", "2 GPU(s)", "'cuda:1'"]),
}  # fmt: skip

TABLES = {
    "ranks": RANKS, "channels": CHANNELS, "geometry": GEOMETRY, "types": DTYPES, "arrays": ARRAYS,
    "gradients": GRADIENTS, "shapes": SHAPES, "modules": MODULES, "devices": DEVICES,
}  # fmt: skip
ROWS = [pytest.param(*row, id=f"{table}: {name}") for table, rows in TABLES.items() for name, row in rows.items()]


def refused(call, kind, words):
    with pytest.raises(kind) as caught:
        call()
    assert kind is not RuntimeError or type(caught.value) is RuntimeError  # no NotImplementedError
    missing = [word for word in words if word not in str(caught.value)]
    assert not missing, f"{missing} not in: {caught.value}"


@pytest.mark.parametrize(("call", "kind", "words"), ROWS)
def test_refused(call, kind, words):
    refused(call, kind, words)


@pytest.mark.usefixtures("stand_in")
@pytest.mark.parametrize("name", MIXED)
def test_mixed_devices(name):
    refused(*MIXED[name])


def test_the_error_without_a_gpu_gives_the_reason(monkeypatch):
    monkeypatch.setattr("minigrad.backend._cuda", None)
    monkeypatch.setattr("minigrad.backend._why_not", "CuPy is not installed: pip install ...")
    refused(lambda: ones(2).cuda(), RuntimeError, ["'cuda' was asked for", "CuPy is not installed"])


def test_a_refused_call_leaves_everything_as_it_was():
    layer, x = nn.Conv2d(1, 1, 3), ones(1, 1, 4, 4)
    with pytest.raises(RuntimeError):
        layer(x.double())
    layer(x).sum().backward()
    assert layer.weight.grad.shape == (1, 1, 3, 3)


def takes_tensors(name):
    """Whether the front door's `name` is a function of tensors."""
    thing = getattr(mg, name)
    home = getattr(thing, "__globals__", {}).get("__name__") or str(getattr(thing, "__module__", ""))
    ours = home.startswith(("minigrad.ops.", "minigrad.tensor")) and not isinstance(thing, type)
    return ours and name not in ("is_storage", "is_tensor", "typename", "result_type", "broadcast_shapes")


@pytest.mark.parametrize("name", [name for name in dir(mg) if not name.startswith("_") and takes_tensors(name)])
@pytest.mark.parametrize("rest", [(), (0,), (ARRAY,), (0, 0), (0, ARRAY), (ARRAY, ARRAY), (0, ARRAY, ARRAY)])
def test_an_array_for_a_tensor_is_a_type_error(name, rest):
    for array in (ARRAY, [ARRAY]):
        with pytest.raises(TypeError):
            getattr(mg, name)(array, *rest)


# ---- what is no number, no tensor, no size --------------------------------------------------------
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
    "clip_grad_norm_": (
        lambda bad: nn.utils.clip_grad_norm_([ones(2)], bad),
        "clip_grad_norm_(): argument 'max_norm' must be a number"),
    "learning rate": (lambda bad: mg.optim.SGD([grown(2)], bad), "SGD(): argument 'lr' must be a number"),
    "groups of a layer": (lambda bad: nn.GroupNorm(bad, 4), "num_groups must be an int"),
    "channels of a layer": (lambda bad: nn.Conv2d(bad, 4, 3), "in_channels must be an int"),
    "a normalized shape": (lambda bad: nn.LayerNorm(bad), "LayerNorm(): sizes must be ints"),
    "a bound": (lambda bad: ones(2).random_(0, bad or "a"), "random_(): 'to' must be an int"),
    "repeats": (lambda bad: mg.repeat_interleave(ones(2), bad), "repeats must be an int"),
    "a power": (lambda bad: mg.matrix_power(ones(2, 2), bad), "matrix_power(): argument 'n' must be an int"),
    "dims": (lambda bad: mg.tensordot(ones(2), ones(2), bad), "dims must be an int"),
    "a dtype": (lambda bad: mg.promote_types(mg.int8, bad), "dtype must be a minigrad dtype such as minigrad.float32"),
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
def test_numpy_scalars_and_tensors_without_axes_are_numbers(number):
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
        "TensorDataset(): argument 'tensors' (position 2) must be Tensor, not list",
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
        "dropout(): argument 'training' must be True or False, not str 'yes'",
    ),
    "a matrix for a number": (
        lambda: F.elu(ones(2), ones(2, 3)),
        TypeError,
        "elu(): argument 'alpha' must be a number, not a Tensor of shape (2, 3); reduce it",
    ),
    "a truth for a size": (lambda: mg.zeros(True), TypeError, "zeros(): sizes must be ints, got bool True"),
    "halves of times": (lambda: mg.repeat_interleave(ones(2), ones(2)), NotImplementedError, "with .long() or .bool()"),
    "a list within": (lambda: [1.0] in ones(2), RuntimeError, "only supports Tensor or scalar, but you passed in"),
    "a list for a type": (lambda: ones(2).type([]), TypeError, "dtype must be a minigrad dtype"),
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
    "a text for an axis": (lambda: mg.roll(ones(2, 2), (1, 2), "a"), TypeError, "dims must be an int, got str 'a'"),
    "a truth for an axis": (
        lambda: mg.var(ones(2, 2), True, keepdim=True),
        TypeError,
        "var() got True for dim: the axes are ints; write unbiased=True",
    ),
    "no axis to turn": (lambda: mg.flip(ones(2), None), TypeError, "must be a tuple of ints, not None; write (0,) for"),
    "a gradient into ints": (
        lambda: mg.index_fill(ones(2).int(), 0, mg.tensor([0]), grown(1).sum()),
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
    "no bins": (lambda: mg.histogram(ones(2), 0), RuntimeError, "bins must be > 0, but got 0"),
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
    "a slope of NaN": (lambda: F.rrelu(ones(1), NAN, 1.0), RuntimeError, "nan"),
    "a negative variance beside NaN": (
        lambda: F.gaussian_nll_loss(ones(2), ones(2), mg.tensor([-1.0, NAN])),
        ValueError,
        "var has negative entry",
    ),
    "shapes of text": (lambda: mg.broadcast_shapes("a"), TypeError, "broadcast_shapes(): sizes must be ints"),
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
def test_halves_beside_singles_are_refused(name):
    with pytest.raises(RuntimeError, match=r"\(float16\) and \w+ type \(float32\) should be the same; convert one"):
        TWO_TYPES[name]()


def test_halves_beside_a_grid_of_singles_are_refused():
    with pytest.raises(RuntimeError, match="float16"):
        F.grid_sample(HALF, mg.zeros(1, 2, 2, 2), align_corners=False)


def test_parameters_of_a_normalization_of_halves_may_be_singles():
    assert F.batch_norm(HALF, SINGLE, SINGLE, SINGLE, SINGLE).dtype is mg.float16
    assert F.layer_norm(HALF, (4,), ones(4)).dtype is mg.float16


@pytest.mark.parametrize("mistake", mark(OTHERS, NOT_ASKED, ["a negative variance beside NaN"]))
def test_is_refused_in_our_own_words(mistake):
    call, error, words = OTHERS[mistake]
    with pytest.raises(error) as caught:
        call()
    assert words in str(caught.value)


def test_a_tensor_without_axes_is_an_eps_and_a_momentum():
    x = mg.tensor([[1.0], [3.0]])
    normalized = F.batch_norm(x, None, None, training=True, momentum=mg.tensor(0.5), eps=mg.tensor(1e-5))
    assert mg.equal(normalized, F.batch_norm(x, None, None, training=True))


# What PyTorch refuses, and we too: at the same call, with the same class.
AS_PYTORCH = {
    "a mean of no windows": (
        lambda: F.adaptive_avg_pool2d(grown(1, 2, 3, 3), 0).sum().backward(), RuntimeError,
        "adaptive_avg_pool2d_backward(): Expected grad_output to have non-zero size"),
    "no size at all": (lambda: F.adaptive_avg_pool2d(ones(1, 2, 2), None), TypeError, "write (None, None)"),
    "halves without alias": (
        lambda: F.interpolate(ones(1, 1, 2, 2).half(), (1, 1), mode="bilinear", antialias=True), NotImplementedError,
        "not implemented for 'Half'"),
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
        lambda: autograd.gradgradcheck(mg.exp, grown(1).double(), check_forward_ad=True), TypeError,
        "check_forward_ad"),
    "a determinant of 0": (
        lambda: mg.linalg.slogdet(mg.zeros(2, 2, requires_grad=True)).logabsdet.backward(), mg.linalg.LinAlgError,
        "the input matrix is singular"),
}  # fmt: skip


ABOUT_VALUES = ["an entry that is not there", "a row that is not there", "a margin's class that is not there"]
HALVES = "halves without alias"


@pytest.mark.parametrize("mistake", mark(sorted({*AS_PYTORCH} - {HALVES}), NOT_ASKED, ABOUT_VALUES))
def test_raises_where_pytorch_raises(mistake):
    call, error, words = AS_PYTORCH[mistake]
    with pytest.raises(error) as caught:
        call()
    assert words in str(caught.value)


@pytest.mark.cpu("on a GPU PyTorch takes halves too")
def test_halves_are_refused():
    test_raises_where_pytorch_raises(HALVES)


def test_accepts_what_pytorch_accepts():
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
