"""`__torch_function__` and `torch.overrides`: the examples of PyTorch's page "Extending PyTorch", and its answers."""

from __future__ import annotations

import copy
import functools
import operator
import pickle
import threading
from typing import ClassVar

import pytest

import minigrad as torch
from minigrad import nn, overrides
from minigrad.nn import functional as F
from tests.refusals import refusals

HANDLED = {}


class ScalarTensor:
    """A multiple of the identity matrix, which is no Tensor."""

    def __init__(self, size, value):
        self._size, self._value = size, value

    def tensor(self):
        return self._value * torch.eye(self._size)

    @classmethod
    def __torch_function__(cls, func, types, args=(), kwargs=None):
        if func not in HANDLED or not all(issubclass(t, (torch.Tensor, ScalarTensor)) for t in types):
            return NotImplemented
        return HANDLED[func](*args, **(kwargs or {}))


def implements(torch_function):
    def decorate(function):
        functools.update_wrapper(function, torch_function)
        HANDLED[torch_function] = function
        return function

    return decorate


@implements(torch.mean)
def mean_of_scalar(input):
    return float(input._value) / input._size


@implements(torch.add)
def add_scalars(input, other):
    if isinstance(other, ScalarTensor) and isinstance(input, ScalarTensor):
        return ScalarTensor(input._size, input._value + other._value)
    return torch.add(*[x.tensor() if isinstance(x, ScalarTensor) else x for x in (input, other)])


def test_a_class_that_is_no_tensor_answers_the_functions_that_it_implements():
    scalar = ScalarTensor(5, 2)
    assert torch.mean(scalar) == 0.4
    assert torch.add(scalar, scalar)._value == 4
    assert torch.add(torch.eye(5), scalar).trace().item() == 15.0
    assert (torch.eye(5) + scalar).trace().item() == 15.0


class MetadataTensor:
    """Data with a note that goes along."""

    def __init__(self, data, metadata=None, **kwargs):
        self._t = torch.as_tensor(data, **kwargs)
        self._metadata = metadata

    @classmethod
    def __torch_function__(cls, func, types, args=(), kwargs=None):
        notes = [a._metadata for a in args if hasattr(a, "_metadata")]
        args = [getattr(a, "_t", a) for a in args]
        return MetadataTensor(func(*args, **(kwargs or {})), metadata=notes[0])


def test_an_attribute_goes_along_with_the_results():
    noted, plain = MetadataTensor([[1, 2], [3, 4]], metadata="mine"), torch.tensor([[1, 2], [1, 2]])
    for result, values in (
        (torch.add(plain, noted), [[2, 4], [4, 6]]),
        (torch.mul(plain, noted), [[1, 4], [3, 8]]),
        (plain * noted, [[1, 4], [3, 8]]),
    ):
        assert (result._t.tolist(), result._metadata) == (values, "mine")


class LoggingTensor(torch.Tensor):
    told: ClassVar[list[str]] = []

    @classmethod
    def __torch_function__(cls, func, types, args=(), kwargs=None):
        cls.told.append(func.__name__)
        return super().__torch_function__(func, types, args, kwargs)


CALLS = {
    "add": (lambda x: x + 1, "add"),
    "a number first": (lambda x: 1 + x, "add"),
    "a tensor first": (lambda x: torch.ones(2, 2) * x, "mul"),
    "compare": (lambda x: x < 2, "lt"),
    "matmul": (lambda x: torch.ones(2, 2) @ x, "matmul"),
    "power": (lambda x: x**2, "pow"),
    "index": (lambda x: x[0], "getitem"),
    "method": (lambda x: x.sum(), "sum"),
    "function": (lambda x: torch.sum(x, dim=0), "sum"),
    "unary": (lambda x: torch.exp(x), "exp"),
    "reshape": (lambda x: torch.reshape(x, (4,)), "reshape"),
    "t": (lambda x: torch.t(x), "t"),
    "attribute": (lambda x: x.T, "__get__"),
    "list": (lambda x: torch.cat([torch.ones(2, 2), x]), "cat"),
    "split": (lambda x: x.split(1)[0], "split"),
    "einsum": (lambda x: torch.einsum("ij->ji", x), "einsum"),
    "where": (lambda x: torch.where(x > 0, x, 0.0), "where"),
    "scaled sum": (lambda x: torch.add(x, x, alpha=2), "add"),
    "zeros_like": (lambda x: torch.zeros_like(x), "zeros_like"),
    "relu": (lambda x: F.relu(x), "relu"),
    "softmax": (lambda x: F.softmax(x, 0), "softmax"),
    "linear": (lambda x: nn.Linear(2, 1)(x), "linear"),
    "conv2d": (lambda x: F.conv2d(x[None, None], torch.ones(1, 1, 1, 1)), "conv2d"),
    "conv1d": (lambda x: F.conv1d(x, torch.ones(1, 2, 1)), "conv1d"),
    "pool": (lambda x: F.max_pool2d(x[None], 1), "max_pool2d"),
    "mse_loss": (lambda x: nn.MSELoss()(x, torch.ones(2, 2)), "mse_loss"),
    "cross_entropy": (lambda x: F.cross_entropy(x, torch.tensor([0, 1])), "cross_entropy"),
    "in place": (lambda x: x.mul_(2), "mul_"),
    "into a plain tensor": (lambda x: torch.ones(2, 2).add_(x), "add_"),
    "by an operator": (lambda x: operator.iadd(torch.ones(2, 2), x), "add_"),
    "from more operands": (lambda x: torch.ones(2, 2).addcmul_(x, torch.ones(2, 2)), "addcmul_"),
    "copied": (lambda x: torch.ones(2, 2).copy_(x), "copy_"),
    "filled": (lambda x: torch.ones(2, 2).fill_(x[0, 0]), "fill_"),
    "by a mask": (lambda x: torch.ones(2, 2).masked_fill_(x > 0, 0.0), "masked_fill_"),
    "rows added": (lambda x: torch.ones(2, 2).index_add_(0, torch.tensor([0, 1]), x), "index_add_"),
    "a later side": (lambda x: torch.where(torch.ones(2, 2) > 0, 1.0, x), "where"),
    "a limit": (lambda x: torch.clamp(torch.ones(2, 2), x), "clamp"),
    "a limit by name": (lambda x: torch.clamp(torch.ones(2, 2), max=x), "clamp"),
    "a weight": (lambda x: torch.lerp(torch.ones(2, 2), torch.ones(2, 2), x), "lerp"),
    "an index": (lambda x: torch.gather(torch.ones(2, 2), 1, x.long()), "gather"),
    "searched": (lambda x: torch.searchsorted(torch.ones(2), x), "searchsorted"),
    "grad": (lambda x: torch.autograd.grad((x.requires_grad_() * 2).sum(), x)[0], "grad"),
}


@pytest.mark.parametrize(("call", "name"), CALLS.values(), ids=CALLS)
def test_a_subclass_is_told_each_function_and_its_results_are_of_the_class(call, name):
    x = torch.ones(2, 2).as_subclass(LoggingTensor)
    LoggingTensor.told.clear()
    result = call(x)
    assert LoggingTensor.told[-1] == name
    assert type(result) is LoggingTensor
    assert torch.equal(result.as_subclass(torch.Tensor), call(torch.ones(2, 2))) or name == "linear"  # random


class Image(torch.Tensor):
    def darker(self):
        return self * 0.5


class Photo(Image):
    pass


class Sound(torch.Tensor):
    pass


@pytest.mark.parametrize("call", [
    lambda x: torch.atleast_2d(x, x)[1], lambda x: torch.ldexp(x, x), lambda x: x.ldexp_(x), torch.logdet,
    torch.matrix_exp, torch.linalg.matrix_exp, lambda x: torch.float_power(2, x), lambda x: torch.isin(1, x),
    torch.nn.functional.elu, torch.nn.functional.leaky_relu, torch.selu, torch.celu,
])  # fmt: skip
def test_functions_that_compute_by_others_return_the_class_of_their_operand(call):
    x = torch.eye(2) * 2
    found = call(x.clone().as_subclass(Image))
    assert type(found) is Image
    assert torch.equal(found.as_subclass(torch.Tensor), call(x))


def test_a_factor_in_its_former_place_is_taken_for_a_subclass_too(monkeypatch):
    monkeypatch.setattr("minigrad.ops.former_order._warned", {})  # a function warns once
    with pytest.warns(UserWarning, match="deprecated"):
        found = torch.sub(torch.ones(2).as_subclass(Image), 2, torch.ones(2))
    assert type(found) is Image
    assert found.tolist() == [-1.0, -1.0]


def test_results_are_of_the_class_that_derives_from_the_others():
    image, photo = Image([1.0, 2.0]), torch.ones(2).as_subclass(Photo)
    assert type(image.darker()) is Image
    assert type(torch.add(image, photo)) is type(image * photo) is type(torch.cat([image, photo])) is Photo
    assert repr(Image([1.0, 2.0])).startswith("Image([1., 2.]")
    highest = image.max(0)
    assert type(highest).__name__ == "max"
    assert type(highest.values) is Image
    assert type(image.shape) is torch.Size


def test_gradients_flow_to_tensors_of_a_subclass_and_are_plain():
    x = Image([1.0, 2.0]).requires_grad_()
    (x * x).sum().backward()
    assert x.grad.tolist() == [2.0, 4.0]
    assert type(x.grad) is torch.Tensor
    x.grad = None
    assert x.grad is None


def test_batches_and_pickles_of_a_subclass_are_of_the_class():
    rows = Image([[1.0, 2.0], [3.0, 4.0]])
    (batch,) = next(iter(torch.utils.data.DataLoader(torch.utils.data.TensorDataset(rows), batch_size=2)))
    unpickled = pickle.loads(pickle.dumps(rows))
    assert type(batch) is type(unpickled) is type(copy.deepcopy(rows)) is Image
    assert batch.tolist() == unpickled.tolist() == rows.tolist()
    assert [type(row) for row in rows] == [Image, Image]


def test_buffers_of_a_subclass_are_of_the_class_in_a_state_dict():
    layer = torch.nn.Linear(1, 1)
    layer.register_buffer("picture", Image([1.0]))
    state = layer.state_dict()
    assert [*map(type, state.values())] == [torch.Tensor, torch.Tensor, Image]
    layer.load_state_dict(state, assign=True)
    assert type(layer.picture) is Image


def test_classes_that_are_no_bases_of_each_other_do_not_mix():
    with pytest.raises(TypeError, match=r"unsupported operand type\(s\) for \+: 'Image' and 'Sound'"):
        Image([1.0]) + Sound([1.0])


def test_parameters_override_nothing():
    assert nn.Parameter.__torch_function__ is torch._C._disabled_torch_function_impl
    assert type(type("Own", (nn.Parameter,), {})(torch.ones(1)) + 1) is torch.Tensor
    assert type(Image([1.0]) * nn.Parameter(torch.ones(1))) is Image

    class Plain(torch.Tensor):
        __torch_function__ = torch._C._disabled_torch_function_impl

    assert type(torch.ones(1).as_subclass(Plain) + 1) is torch.Tensor


def test_overriding_is_switched_off_within_a_context():
    image = Image([1.0])
    with torch._C.DisableTorchFunctionSubclass():
        assert type(image + 1) is type(torch.exp(image)) is torch.Tensor
        assert not overrides.has_torch_function((image,))
    assert type(image + 1) is Image


def test_a_write_into_a_plain_tensor_leaves_its_class():
    plain = torch.zeros(1)
    assert type(plain.add_(Image([1.0]))) is Image
    assert (type(plain), plain.item()) == (torch.Tensor, 1.0)
    plain += Image([1.0])
    assert (type(plain), plain.item()) == (Image, 2.0)


def test_gradients_of_a_subclass_are_of_the_class_when_they_are_asked_for():
    weight = torch.ones(1, requires_grad=True)
    assert type(torch.autograd.grad((weight * 2).as_subclass(Image), weight)[0]) is Image
    LoggingTensor.told.clear()
    torch.autograd.backward([(weight * 3).as_subclass(LoggingTensor)])
    assert (type(weight.grad), weight.grad.item(), LoggingTensor.told) == (torch.Tensor, 3.0, ["backward"])


@pytest.mark.parametrize("call", [
    lambda x, s: x.add_(s), lambda x, s: torch.where(x > 0, x, s), lambda x, s: torch.where(s, x, x),
    lambda x, s: torch.autograd.grad(s, x), lambda x, s: torch.autograd.grad(x, [s]), lambda x, s: x.copy_(s),
    lambda x, s: torch.lerp(x, x, s), lambda x, s: torch.clamp(x, s),
    lambda x, s: x.masked_fill_(s, 1.0), lambda x, s: x.fill_(s), lambda x, s: torch.add(x, s, alpha=2),
    lambda x, s: operator.iadd(x, s), lambda x, s: nn.functional.linear(torch.ones(1, 5), nn.Parameter(x), s),
])  # fmt: skip
def test_a_later_operand_that_is_no_tensor_answers(call):
    class Answers:
        @classmethod
        def __torch_function__(cls, func, types, args=(), kwargs=None):
            return func.__name__, types

    name, types = call(torch.ones(2), Answers())
    assert types == (Answers,)
    assert name in {"add", "add_", "where", "grad", "copy_", "lerp", "clamp", "masked_fill_", "fill_", "linear"}


class Told(overrides.TorchFunctionMode):
    """A mode that writes down what is called."""

    def __init__(self, told, mark=""):
        self.told, self.mark = told, mark

    def __torch_function__(self, func, types, args=(), kwargs=None):
        self.told.append(self.mark + func.__name__)
        return func(*args, **(kwargs or {}))


MODE_CALLS = {
    "ones": lambda x: torch.ones(2, 2), "tensor": lambda x: torch.tensor([1.0]), "add": lambda x: x + 1,
    "mul": lambda x: torch.mul(x, x), "exp": lambda x: x.exp(), "sum": lambda x: x.sum(dim=0),
    "where": lambda x: torch.where(torch.zeros_like(x) == 0, x, 0.0), "add_": lambda x: x.add_(1.0),
    "sub_": lambda x: operator.isub(x, x), "matmul": lambda x: x @ x, "relu": lambda x: F.relu(x),
    "linear": lambda x: F.linear(x, x), "reshape": lambda x: x.reshape(4), "cat": lambda x: torch.cat([x, x]),
    "conv2d": lambda x: F.conv2d(x.view(1, 1, 2, 2), torch.ones(1, 1, 1, 1)), "zeros_like": torch.zeros_like,
    "mse_loss": lambda x: F.mse_loss(x, torch.ones(2, 2)), "max_pool2d": lambda x: F.max_pool2d(x.view(1, 2, 2), 2),
    "grad": lambda x: torch.autograd.grad(x.requires_grad_().sum(), x)[0], "einsum": lambda x: torch.einsum("ij->i", x),
}  # fmt: skip


@pytest.mark.parametrize(("name", "call"), MODE_CALLS.items(), ids=MODE_CALLS)
def test_a_mode_is_told_each_function_and_computes_as_without_it(name, call):
    told = []
    with Told(told):
        result = call(torch.full((2, 2), 2.0))
    assert told[0] == "full"
    assert told[-1] == name
    assert torch.equal(result, call(torch.full((2, 2), 2.0)))
    assert torch.ones(1).add(1).item() == 2.0
    assert told[-1] == name  # nothing after its end


@pytest.mark.parametrize("exponent", [0, 2, 3, -1, -2, 0.5, -0.5, 2.5])
def test_powers_in_a_mode_have_the_bits_of_those_without_it(exponent):
    class Mode(overrides.TorchFunctionMode):
        def __torch_function__(self, func, types, args=(), kwargs=None):
            return func(*args, **(kwargs or {}))

    for dtype in (torch.float32, torch.float64):
        x = torch.linspace(0.1, 3.0, 1000, dtype=dtype)
        with Mode():
            power = x**exponent
        assert torch.equal(power, x**exponent)


def test_a_mode_is_told_all_options_of_grad():
    x, unused = torch.ones(2, requires_grad=True), torch.ones(3, requires_grad=True)
    with Told([]):
        assert torch.autograd.grad((x * x).sum(), (x, unused), allow_unused=True)[1] is None
        assert torch.autograd.grad((x * x).sum(), (x, unused), materialize_grads=True)[1].tolist() == [0, 0, 0]
        (rows,) = torch.autograd.grad(x * x, x, torch.eye(2), is_grads_batched=True)
    assert rows.tolist() == [[2, 0], [0, 2]]


def test_modes_nest_and_the_innermost_is_asked_first():
    told = []
    with Told(told, "outer "), Told(told, "inner "):
        torch.add(torch.ones(1), Image([1.0]))
        with torch._C.DisableTorchFunction():
            assert type(torch.ones(1) + Image([1.0])) is torch.Tensor
    assert told[-2:] == ["inner add", "outer add"]
    assert told.count("inner ones") == 1


def test_a_mode_may_change_what_is_called_and_be_put_on_again():
    class Doubles(overrides.TorchFunctionMode):
        def __torch_function__(self, func, types, args=(), kwargs=None):
            options = {"dtype": torch.float64} if func is torch.ones else {}
            return func(*args, **{**(kwargs or {}), **options})

    with Doubles() as mode:
        assert torch.ones(1).dtype is torch.float64
        assert overrides.has_torch_function((torch.ones(1),))
    assert torch.ones(1).dtype is torch.float32
    with mode, overrides.BaseTorchFunctionMode():
        assert torch.ones(1).dtype is torch.float64
    assert not overrides.has_torch_function((torch.ones(1),))


def test_a_mode_is_on_in_its_own_thread_alone():
    told = []
    with Told(told):
        worker = threading.Thread(target=lambda: told.append(torch.ones(1).add(1).item()))
        worker.start()
        worker.join()
    assert told == [2.0]


def test_a_mode_that_fails_or_answers_nothing_ends():
    class Silent(overrides.TorchFunctionMode):
        def __torch_function__(self, func, types, args=(), kwargs=None):
            return NotImplemented

    with pytest.raises(TypeError, match=r"Multiple dispatch failed for 'ones'.*returned NotImplemented"), Silent():
        torch.ones(1)
    with pytest.raises(NotImplementedError), overrides.TorchFunctionMode():
        torch.ones(1)
    assert torch.ones(1).add(1).item() == 2.0


def test_what_overrides_functions_is_told():
    image, scalar, plain = Image([1.0]), ScalarTensor(1, 1), torch.ones(1)
    assert overrides.has_torch_function([plain, image])
    assert overrides.has_torch_function_unary(scalar)
    assert overrides.has_torch_function_variadic(plain, [scalar])
    assert not overrides.has_torch_function((plain, nn.Parameter(plain), 1.0, None))
    assert [overrides.is_tensor_like(x) for x in (image, scalar, plain, 3)] == [True, True, True, False]


def test_a_function_of_the_users_own_can_be_overridden():
    @overrides.wrap_torch_function(lambda x: (x,))
    def double(x):
        return x * 2

    def triple(x):
        if overrides.has_torch_function((x,)):
            return overrides.handle_torch_function(triple, (x,), x)
        return x * 3

    implements(double)(lambda x: "doubled")
    implements(triple)(lambda x: "tripled")
    assert (double(ScalarTensor(1, 1)), triple(ScalarTensor(1, 1))) == ("doubled", "tripled")
    assert (double(torch.ones(1)).item(), triple(torch.ones(1)).item()) == (2.0, 3.0)
    assert overrides.handle_torch_function(torch.sum, (), torch.ones(2)).item() == 2.0


def test_functions_have_names():
    assert overrides.resolve_name(torch.mean) == "torch.mean"
    assert overrides.resolve_name(torch.Tensor.shape.__get__) == "torch.Tensor.shape.__get__"
    assert overrides.resolve_name(F.relu) == "torch.nn.functional.relu"
    assert overrides.resolve_name(print) is None
    assert overrides.is_tensor_method_or_property(torch.Tensor.add)
    assert not overrides.is_tensor_method_or_property(F.cross_entropy)
    assert F.cross_entropy in overrides.get_overridable_functions()[torch.nn.functional]


def failed(name, cls):
    return f"Multiple dispatch failed for '{name}'; all __torch_function__ handlers returned NotImplemented", str(cls)


test_a_function_that_no_class_implements = refusals({
    "a function": (lambda: torch.exp(ScalarTensor(1, 1)), TypeError, failed("exp", ScalarTensor)),
    "several": (lambda: torch.cat([Image([1.0]), Sound([1.0])]), TypeError, failed("cat", Sound)),
    "a layer": (lambda: nn.Linear(1, 1)(ScalarTensor(1, 1)), TypeError, failed("linear", ScalarTensor)),
    "an operator": (lambda: torch.ones(1) * ScalarTensor(1, 1), TypeError, failed("mul", ScalarTensor)),
})  # fmt: skip


@pytest.mark.parametrize(
    "call", [lambda x: x + 1, lambda x: torch.cat([x, x]), lambda x: F.dropout(x), lambda x: x.sum()]
)
def test_an_error_of_a_class_that_overrides_comes_with_the_errors_of_the_user_alone(call):
    class Failing(torch.Tensor):
        @classmethod
        def __torch_function__(cls, func, types, args=(), kwargs=None):
            try:
                return {}["missing"]
            except KeyError:
                raise ValueError("of the user") from None

    with pytest.raises(ValueError, match="of the user") as caught:
        call(torch.ones(2).as_subclass(Failing))
    assert isinstance(caught.value.__context__, KeyError) and caught.value.__context__.__context__ is None


# ---- PyTorch's own tensors and functions, which know nothing of these ----------------------------
class _TensorOfPyTorch:
    """A class as PyTorch's Tensor, whose `__torch_function__` calls the function again."""

    @classmethod
    def __torch_function__(cls, func, types, args=(), kwargs=None):
        return func(*args, **(kwargs or {}))


TensorOfPyTorch = type("Tensor", (_TensorOfPyTorch,), {"__module__": "torch"})
ParameterOfPyTorch = type("Parameter", (TensorOfPyTorch,), {"__module__": "torch.nn.parameter"})


def conv2d_of_pytorch(*args, **kwargs):
    """Asks the classes of its arguments, as a function of PyTorch does."""
    return type(args[0]).__torch_function__(conv2d_of_pytorch, (type(args[0]),), args, kwargs)


test_tensors_and_functions_of_pytorch_itself_are_refused_in_words = refusals({
    "its tensor": (lambda: F.relu(TensorOfPyTorch()), TypeError, ("must be Tensor, not torch.Tensor; wrap it with",)),
    "in a layer": (lambda: nn.Linear(1, 1)(TensorOfPyTorch()), TypeError, ("linear(): argument 'input' (position 1)",)),
    "its parameter": (lambda: F.mse_loss(torch.ones(1), ParameterOfPyTorch()), TypeError, ("not torch.nn.parameter.",)),
    "a sum": (lambda: torch.ones(2) + TensorOfPyTorch(), TypeError, ("type(s) for +: 'Tensor' and 'Tensor'",)),
    "its function": (
        lambda: conv2d_of_pytorch(torch.ones(2)), TypeError,
        ("conv2d_of_pytorch() of another library got a minigrad.Tensor", "torch.from_numpy(x.detach().numpy())"),
    ),
    "of a parameter": (lambda: conv2d_of_pytorch(nn.Parameter(torch.ones(2))), TypeError, ("of another library got",)),
})  # fmt: skip
