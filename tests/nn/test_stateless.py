"""Layers declared by their fields: constructor, attributes, printed text, and the function that they call."""

import inspect

import pytest

import minigrad as torch
from minigrad import nn
from minigrad.nn.stateless import Stateless

LAYERS = [
    getattr(nn, name)
    for name in nn.__all__
    if isinstance(getattr(nn, name), type) and issubclass(getattr(nn, name), Stateless)
]
BY_NAME = [layer for layer in LAYERS if layer._function]


@pytest.mark.parametrize("layer", BY_NAME, ids=lambda layer: layer.__name__)
def test_the_function_of_a_layer_takes_each_of_its_options(layer):
    taken = inspect.signature(layer._function).parameters
    assert set(layer._options) <= set(taken)


def test_many_layers_are_declared_by_fields():
    assert len(LAYERS) > 35 and len(BY_NAME) > 20


def test_a_layer_has_the_options_of_its_function():
    assert str(inspect.signature(nn.LeakyReLU)) == "(negative_slope: 'float' = 0.01, inplace: 'bool' = False)"
    assert str(inspect.signature(nn.Softmax)) == "(dim: 'int | None' = None)"
    assert str(inspect.signature(nn.MaxPool2d)).startswith("(kernel_size: 'Lengths', stride: 'Lengths | None' = None")


def test_fields_are_the_arguments_of_the_constructor():
    layer = nn.LeakyReLU(0.2)
    assert layer.negative_slope == 0.2 and layer.inplace is False
    assert nn.LeakyReLU(inplace=True).inplace is True
    layer.negative_slope = 0.5  # read when called
    assert layer(torch.tensor([-2.0])).item() == -1.0
    assert layer(input=torch.tensor([-2.0])).item() == -1.0


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: nn.Tanh(3), r"Tanh\.__init__\(\) takes 1 positional argument but 2 were given; it takes \(\)"),
        (
            lambda: nn.ELU(1.0, False, 3),
            r"ELU\.__init__\(\) takes 3 positional arguments but 4 .*\(alpha=1.0, inplace=False\)",
        ),
        (lambda: nn.ELU(slope=2), r"ELU\.__init__\(\) got an unexpected .*'slope'; it takes alpha, inplace"),
        (lambda: nn.ELU(1.0, alpha=2), "multiple values for argument 'alpha'"),
        (lambda: nn.MaxPool2d(), r"^MaxPool2d\.__init__\(\) missing 1 required positional argument: 'kernel_size'; it"),
        (lambda: nn.ConstantPad2d(1), r"missing 1 required positional argument: .value.; it takes \(padding, value\)"),
    ],
)
def test_wrong_arguments_raise_and_say_what_is_expected(make, message):
    with pytest.raises(TypeError, match=message):
        make()


def test_an_option_that_is_a_tensor_is_a_buffer():
    loss = nn.CrossEntropyLoss(weight=torch.ones(3))
    assert list(loss.state_dict()) == ["weight"]
    assert loss.double().weight.dtype == torch.float64
    assert list(nn.CrossEntropyLoss().state_dict()) == []
    with pytest.raises(TypeError, match="'int' as buffer 'weight'"):
        loss.weight = 3
    with pytest.raises(TypeError, match=r"'list' object to buffer .*; write minigrad\.tensor\(\.\.\.\) around it"):
        nn.CrossEntropyLoss(weight=[1.0, 2.0])


def test_an_option_may_become_a_parameter():
    loss = nn.CrossEntropyLoss(weight=torch.ones(3))
    loss.weight = nn.Parameter(torch.ones(3))
    assert [name for name, _ in loss.named_parameters()] == ["weight"]
    assert not hasattr(nn.CrossEntropyLoss, "weight")


def test_size_average_and_reduce_choose_the_reduction():
    assert nn.MSELoss(size_average=False).reduction == "sum"
    assert nn.MSELoss(reduce=False).reduction == "none"
    assert nn.NLLLoss(size_average=True).reduction == "mean"
    x = torch.tensor([1.0, 3.0])
    assert nn.L1Loss(size_average=False)(x, torch.zeros(2)).item() == 4.0


def test_a_user_may_declare_a_layer_by_fields():
    class Scaled(Stateless, function=torch.nn.functional.leaky_relu, shown=("negative_slope",)):
        negative_slope: float = 0.3
        inplace: bool = False

    assert repr(Scaled()) == "Scaled(negative_slope=0.3)"
    assert Scaled()(torch.tensor([-1.0])).item() == pytest.approx(-0.3)


@pytest.mark.parametrize(
    ("call", "words"),
    [
        (lambda x: nn.ReLU()(x, x), "^ReLU.forward.. takes 2 positional .* but 3 were given: it is called with input$"),
        (lambda x: nn.Softmax(1)(x, 1), "^Softmax.forward.. takes 2 positional arguments but 3 were given"),
        (lambda x: nn.Upsample(scale_factor=2)(x, 3), "^Upsample.forward.. takes 2 positional arguments but 3"),
        (lambda x: nn.ReLU()(), "^ReLU.forward.. missing 1 required positional argument: 'input'$"),
        (lambda x: nn.CrossEntropyLoss()(x), "^CrossEntropyLoss.forward.. missing 1 required .*: .target.$"),
        (lambda x: nn.ReLU()(3), "^relu.*: argument 'input' .* must be Tensor, not int"),
    ],
)
def test_another_number_of_inputs_is_told_by_the_name_of_the_layer(call, words):
    with pytest.raises(TypeError, match=words):
        call(torch.ones(1, 1, 2, 2))
