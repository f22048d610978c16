"""Wrong input: each mistake is refused at the call that made it, with a helpful message.

One row per mistake: the call, the class of the exception (PyTorch's), and words that the message must contain: what was
expected, what was got, what to do. `test_bad_arguments.py` goes on with arguments of wrong types and values,
`device/test_mistakes.py` with wrong devices; `autograd/test_gradients.py`, `ops/test_index.py`, `ops/test_setitem.py`
and the tests of modules and optimizers have tables of their own.
"""

import numpy as np
import pytest

import minigrad as mg
import minigrad.nn.functional as F
from minigrad import autograd, nn

ones = mg.ones


def leaf(*shape):
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
        ["per channel: (2 x 3). Kernel size: (3 x 3). Kernel size can't be greater", "smaller kernel or more padding"]),
    "a dilated kernel larger than the image": (
        lambda: F.conv2d(ones(1, 1, 4, 4), ones(1, 1, 3, 3), dilation=2), RuntimeError,
        ["per channel: (4 x 4). Kernel size: (5 x 5).", "dilation (2, 2)"]),
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
        lambda: mg.tensor([1, 2]).add_(0.5), RuntimeError, ["Float can't be cast to the desired output type Long"]),
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
    name: (call, TypeError, [f"{name}()", "numpy.ndarray", FIX])
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
    "a list as a summand": (lambda: ones(2) + [1, 2], TypeError, ["for +: 'Tensor' and 'list'", "minigrad.tensor"]),
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
    "grad of a gradient that is not there yet": (
        lambda: autograd.grad(leaf(2).grad, leaf(2)),
        TypeError,
        ["tensors to start from must be Tensors", "NoneType", "a .grad is None until backward() has run"],
    ),
    "grad with respect to nothing": (
        lambda: autograd.grad(leaf(2).sum(), None),
        TypeError,
        ["inputs must be Tensors", "NoneType"],
    ),
    "grad with respect to a number among tensors": (
        lambda: autograd.grad(leaf(2).sum(), [leaf(2), 3]),
        RuntimeError,
        ["all inputs have to be Tensors or GradientEdges, but got int; wrap it"],
    ),
    "gradients kept for an array among tensors": (
        lambda: autograd.backward(leaf(2).sum(), inputs=[leaf(2), ARRAY]),
        RuntimeError,
        ["all inputs have to be Tensors or GradientEdges, but got ndarray; wrap it"],
    ),
    "grad with respect to a gradient that is not there": (
        lambda: autograd.grad(leaf(2).sum(), [leaf(2).grad]),
        RuntimeError,
        ["but got NoneType; a .grad is None until backward() has run"],
    ),
    "backward from nothing": (lambda: autograd.backward(None), TypeError, ["must be Tensors", "NoneType"]),
    "backward from an array": (lambda: autograd.backward(ARRAY), TypeError, ["must be Tensors", "ndarray"]),
    "grad with respect to an array": (
        lambda: autograd.grad(leaf(2).sum(), ARRAY),
        TypeError,
        ["inputs must be Tensors", "ndarray"],
    ),
}

# ---- gradients ----------------------------------------------------------------------------------


def backward_twice():
    loss = (leaf(2) ** 2).sum()
    loss.backward()
    loss.backward()


def overwrite_what_was_saved():
    y = leaf(2, 3) * 2
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
    w = leaf(2)
    w -= 0.1


GRADIENTS = {
    "backward from more than one number": (
        lambda: (leaf(2, 3) * 2).backward(), RuntimeError,
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
        step_between_forward_and_backward, RuntimeError, ["modified by an inplace operation", "MulBackward0", "(3,)",
        "an optimizer.step() came between: call every backward() before step()"]),
    "a NumPy array of what has a graph": (
        lambda: leaf(2).numpy(), RuntimeError, ["requires grad", "tensor.detach().numpy()"]),
}  # fmt: skip

# ---- shapes -------------------------------------------------------------------------------------
SHAPES = {
    "a loss that would broadcast": (
        lambda: F.mse_loss(ones(8), ones(8, 1)), ValueError, ["[8]", "[8, 1]", "target.reshape(input.shape)"]),
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
        lambda: mg.optim.SGD(leaf(2), lr=0.1), TypeError, ["iterable of Tensors", "(2,)", "[tensor]"]),
    "a negative learning rate": (lambda: mg.optim.SGD([leaf(1)], lr=-1), ValueError, ["Invalid learning rate: -1"]),
    "a computed tensor": (
        lambda: mg.optim.SGD([leaf(2) * 2], lr=0.1), ValueError,
        ["non-leaf", "MulBackward0", "detach().requires_grad_()"]),
}  # fmt: skip

# ---- devices ------------------------------------------------------------------------------------
DEVICES = {
    "an unknown device": (lambda: ones(2, device="gpu"), RuntimeError, ["cpu, cuda", "'gpu'"]),
    "an unknown device to move to": (lambda: ones(2).to("tpu:0"), RuntimeError, ["cpu, cuda", "'tpu:0'"]),
    "a device's number in letters": (lambda: mg.device("cuda:x"), RuntimeError, ["'cuda:x'", "'cuda:0'"]),
    "an unknown default device": (lambda: mg.set_default_device("gpu"), RuntimeError, ["cpu, cuda", "'gpu'"]),
}  # fmt: skip

TABLES = {
    "ranks": RANKS, "channels": CHANNELS, "geometry": GEOMETRY, "types": DTYPES, "arrays": ARRAYS,
    "gradients": GRADIENTS, "shapes": SHAPES, "modules": MODULES, "devices": DEVICES,
}  # fmt: skip
ROWS = [pytest.param(*row, id=f"{table}: {name}") for table, rows in TABLES.items() for name, row in rows.items()]


def check_refused(call, kind, words):
    with pytest.raises(kind) as caught:
        call()
    assert kind is not RuntimeError or type(caught.value) is RuntimeError  # no NotImplementedError
    missing = [word for word in words if word not in str(caught.value)]
    assert not missing, f"{missing} not in: {caught.value}"


@pytest.mark.parametrize(("call", "kind", "words"), ROWS)
def test_refused(call, kind, words):
    check_refused(call, kind, words)


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
