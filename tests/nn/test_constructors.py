"""Errors of constructors: they name the class that the user wrote, and the argument that was meant."""

import copy
import inspect
import warnings

import pytest

import minigrad as torch
from minigrad import nn, optim
from tests.refusals import refusals

IMAGE = torch.ones(1, 1, 4, 4)


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: nn.Conv2d(1), "Conv2d.__init__() missing 2 required positional arguments: 'out_channels' and"),
        (lambda: nn.ConvTranspose1d(), "ConvTranspose1d.__init__() missing 3 required positional arguments"),
        (lambda: nn.BatchNorm2d(), "BatchNorm2d.__init__() missing 1 required positional argument: 'num_features'"),
        (lambda: nn.Linear(3), "Linear.__init__() missing 1 required positional argument: 'out_features'"),
        (lambda: nn.Conv2d(*range(1, 14)), "Conv2d.__init__() takes from 4 to 12 positional arguments but 14 were"),
        (
            lambda: nn.MaxPool2d(kernel=2),
            "MaxPool2d.__init__() got an unexpected keyword argument 'kernel'; did you mean 'ke",
        ),
        (
            lambda: nn.AvgPool2d(2, strides=2),
            "AvgPool2d.__init__() got an unexpected keyword argument 'strides'; did you mea",
        ),
        (
            lambda: nn.Dropout(rate=0.5),
            "Dropout.__init__() got an unexpected keyword argument 'rate'; did you mean 'p'?",
        ),
        (
            lambda: nn.Dropout(seed=1),
            "Dropout.__init__() got an unexpected keyword argument 'seed'; it takes p, inplace",
        ),
        (
            lambda: nn.Linear(1, units=1),
            "Linear.__init__() got an unexpected keyword argument 'units'; did you mean 'out_featur",
        ),
        (
            lambda: nn.Conv2d(1, 1, size=3),
            "Conv2d.__init__() got an unexpected keyword argument 'size'; did you mean 'kernel_s",
        ),
        (
            lambda: nn.Conv2d(1, 1, 3, activation="relu"),
            "Conv2d.__init__() got an unexpected keyword argument 'activation'; it",
        ),
        (
            lambda: nn.Conv2d(1, 1, kernel=3),
            "Conv2d.__init__() got an unexpected keyword argument 'kernel'; did you mean 'kernel_",
        ),
        (
            lambda: nn.Linear(1, 1, biass=True),
            "Linear.__init__() got an unexpected keyword argument 'biass'; did you mean 'bias'?",
        ),
        (
            lambda: nn.Identity.__new__(nn.Sequential, x=1),
            "Sequential.__init__() got an unexpected keyword argument 'x'",
        ),
        (lambda: nn.Linear(2.0, 3), "in_features must be an int, got float 2.0"),
        (
            lambda: optim.Adam([torch.ones(1)], beta1=0.9),
            "Adam.__init__() got an unexpected keyword argument 'beta1'; did you",
        ),
        (
            lambda: optim.SGD([torch.ones(1)], learning_rate=1),
            "SGD.__init__() got an unexpected keyword argument 'learning_ra",
        ),
        (lambda: optim.Adam([torch.ones(1)], lr="0.1"), "Adam(): argument 'lr' must be a number, not str '0.1'"),
        (
            lambda: nn.Sequential(nn.Linear(1, 1), nn.functional.relu),
            "minigrad.nn.functional.activation.relu is not a M",
        ),
    ],
)
def test_the_message_names_the_class_that_was_called(make, message):
    with pytest.raises(TypeError) as caught:
        make()
    assert str(caught.value).startswith(message)


@pytest.mark.parametrize(
    ("make", "layer", "option"),
    [
        (lambda: nn.Linear(2, 2, torch.ones(2, 2)), "Linear(...)(x)", "bias"),
        (lambda: nn.Conv2d(1, 1, 3, IMAGE), "Conv2d(...)(x)", "stride"),
        (lambda: nn.BatchNorm2d(IMAGE), "BatchNorm2d(...)(x)", "num_features"),
        (lambda: nn.LayerNorm(torch.ones(3)), "LayerNorm(...)(x)", "normalized_shape"),
        (lambda: nn.PReLU(torch.ones(3)), "PReLU()(x)", "num_parameters"),
        (lambda: nn.MaxPool2d(IMAGE), "MaxPool2d(...)(x)", "kernel_size"),
        (lambda: nn.Dropout(torch.ones(3)), "Dropout()(x)", "p"),
        (lambda: nn.Tanh(torch.ones(3)), "Tanh()(x)", "x"),
        (lambda: nn.MSELoss(torch.ones(2), torch.ones(2)), "MSELoss()(input, target)", "size_average"),
        (
            lambda: nn.CrossEntropyLoss(torch.ones(2, 3), torch.ones(2)),
            "CrossEntropyLoss()(input, target)",
            "size_average",
        ),
    ],
)
def test_a_layer_made_with_its_input_says_that_it_is_called_later(make, layer, option):
    with pytest.raises(TypeError) as caught:
        make()
    assert f"as its argument '{option}': a layer is made first and called then, nn.{layer}" in str(caught.value)


test_an_error_of_a_constructor_tells_the_class_and_what_it_was_given = refusals({
    "a function's name": (
        lambda: nn.BatchNorm1d("a"), TypeError,
        "^BatchNorm1d..: argument 'size' must be tuple of ints, not str 'a' .in BatchNorm1d.num_features='a'..$"),
    "an inherited constructor": (
        lambda: nn.AlphaDropout("a"), TypeError,
        ("AlphaDropout(): argument 'p' must be a number, not str 'a' (in AlphaDropout(p='a'))",)),
    "a sum of layers": (
        lambda: nn.Linear(-1, 2), RuntimeError, ("Linear(in_features=-1, out_features=2)", "negative dimension -1")),
    "any number of arguments": (
        lambda: nn.Sequential([nn.ReLU()]), TypeError, ("Sequential(*layers) (in Sequential([ReLU()]))",)),
    "several lines": (
        lambda: optim.lr_scheduler.LambdaLR(optim.SGD([nn.Parameter(IMAGE)]), "a"), TypeError,
        ("should be a function, but got str (in LambdaLR(optimizer=SGD(...), lr_lambda='a'))",)),
    "words of Python": (
        lambda: optim.lr_scheduler.CyclicLR(optim.SGD([nn.Parameter(IMAGE)], momentum=0.9), 0.1, 0.2, "a"), ValueError,
        ("(in CyclicLR(optimizer=SGD(...), base_lr=0.1, max_lr=0.2, step_size_up='a'))",)),
    "words of NumPy": (
        lambda: nn.GroupNorm(0, 4), ZeroDivisionError, ("GroupNorm(num_groups=0, num_channels=4)",)),
    "a class of data": (
        lambda: torch.utils.data.ConcatDataset(None), TypeError, ("iterable (in ConcatDataset(datasets=None))",)),
    "functions": (
        lambda: optim.lr_scheduler.LambdaLR(optim.SGD([nn.Parameter(IMAGE)]), [refusals, abs]), ValueError,
        r"^Expected 1 lr_lambdas, but got 2 \(in LambdaLR\(optimizer=SGD\(...\), lr_lambda=list\(...\)\)\)$"),
    "a function": (lambda: nn.BatchNorm1d(refusals), TypeError, ("(in BatchNorm1d(num_features=refusals))",)),
    "a constructor inside another": (
        lambda: torch.utils.data.DataLoader([], shuffle=True), ValueError,
        r"there are no data \(in DataLoader\(dataset=\[\], shuffle=True\)\)$"),
    "an optimizer": (
        lambda: optim.SGD([nn.Parameter(torch.ones(1))], lr=0.1, nesterov=True), ValueError,
        ("zero dampening, got momentum=0, dampening=0 (in SGD(params=", "lr=0.1, nesterov=True))")),
    "an optimizer that another one makes": (
        lambda: optim.AdamW([], 0.1), ValueError, r"already used up \(in AdamW\(params=\[\], lr=0.1\)\)$"),
    "a user's optimizer": (
        lambda: type("Own", (optim.Optimizer,), {})([], {}), ValueError,
        r"already used up \(in Optimizer\(params=\[\], defaults=\{\}\)\)$"),
    "no arguments": (
        lambda: nn.MaxPool2d(), TypeError,
        r"^MaxPool2d\.__init__\(\) missing 1 required positional argument: 'kernel_size'; it takes \(kernel_size, str"),
    "too many arguments": (
        lambda: nn.ReLU(1, 2, 3), TypeError, r"^ReLU\.__init__\(\) takes 2 positional arguments but 4 were given; it"),
    "another object": (lambda: nn.Linear.__init__(object(), 2, 3), TypeError, r"^super\(type, obj\)"),
    "a user's class": (lambda: Own(), TypeError, "got str 'a' .in Linear.in_features='a', out_features=1..$"),
})  # fmt: skip


class Own(nn.Linear):
    def __init__(self):
        super().__init__("a", 1)


def test_an_error_of_a_users_own_constructor_stays_as_it_is():
    class Net(nn.Module):
        def __init__(self, size):
            super().__init__()
            raise ValueError("no size fits")

    with pytest.raises(ValueError, match=r"^no size fits$"):
        Net(3)


class Rows(torch.utils.data.Dataset):
    def __init__(self, count=None):
        self.count = count

    def __len__(self):
        if self.count is None:
            raise ValueError("no file")
        return self.count

    def __repr__(self):
        raise ValueError("no text")


def halve(epoch):
    raise ValueError("no file")


@pytest.mark.parametrize(
    "make",
    [
        lambda: torch.utils.data.DataLoader(Rows(), shuffle=True),
        lambda: torch.utils.data.ConcatDataset([Rows()]),
        lambda: optim.lr_scheduler.LambdaLR(optim.SGD([nn.Parameter(IMAGE)]), halve),
    ],
)
def test_an_error_of_a_users_function_that_a_constructor_calls_stays_as_it_is(make):
    with pytest.raises(ValueError, match=r"^no file$"):
        make()


def test_a_constructor_shows_the_beginning_of_a_dataset_and_none_that_has_no_text():
    with pytest.raises(ValueError, match=r"in DataLoader.dataset=\[0, 1, 2, 3, 4, 5, \.\.\.\], batch_size=0\)\)$"):
        torch.utils.data.DataLoader(list(range(50)), batch_size=0)
    with pytest.raises(ValueError, match=r"in DataLoader.dataset=Rows\(\.\.\.\), batch_size=0\)\)$"):
        torch.utils.data.DataLoader(Rows(3), batch_size=0)


def test_inspect_reads_the_parameters_of_a_constructor():
    assert inspect.getfullargspec(nn.Linear.__init__).args[:4] == ["self", "in_features", "out_features", "bias"]
    assert [*inspect.signature(nn.Dropout).parameters] == ["p", "inplace"]
    assert inspect.getfullargspec(torch.utils.data.DataLoader.__init__).args[:3] == ["self", "dataset", "batch_size"]


def test_tensors_are_accepted_where_they_are_options():
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert nn.LeakyReLU(torch.tensor(0.5))(torch.tensor([-2.0])).item() == -1.0
        nn.CrossEntropyLoss(torch.ones(3))
        table = nn.Embedding(2, 3, _weight=torch.ones(2, 3), _freeze=True)
    assert table.weight.tolist() == [[1.0] * 3] * 2 and not table.weight.requires_grad
    with pytest.raises(AssertionError, match=r"Shape of weight does not match .* got \(2, 2\) for \(2, 3\)"):
        nn.Embedding(2, 3, _weight=torch.ones(2, 2))


def test_layers_and_optimizers_can_be_deepcopied():
    conv = nn.Conv2d(1, 2, 3)
    assert repr(copy.deepcopy(conv)) == repr(conv)
    assert copy.deepcopy(optim.SGD(conv.parameters(), lr=0.1)).param_groups[0]["lr"] == 0.1


def test_a_derived_layer_may_add_arguments_to_the_constructor():
    class Scaled(nn.Conv2d):
        def __init__(self, *given, scale=2.0, **options):
            super().__init__(*given, **options)
            self.scale = scale

    assert Scaled(1, 2, 3, bias=False).kernel_size == (3, 3)
    with pytest.raises(TypeError, match=r"Conv2d.__init__\(\) missing 2"):
        Scaled(1)


def test_the_old_flags_of_a_loss_are_read_as_bools():
    for average, reduce, reduction in ((0, None, "sum"), (1, None, "mean"), (None, 0, "none"), (False, True, "sum")):
        assert nn.L1Loss(average, reduce).reduction == reduction


def test_arguments_in_the_wrong_position_are_reported():
    with pytest.raises(TypeError, match=r"a function is no layer: take its layer, nn.ReLU\(\) for F.relu"):
        nn.Sequential(nn.functional.relu)
    with pytest.raises(TypeError, match="layers are put together first, then called with the tensor"):
        nn.Sequential(torch.ones(1))
    with pytest.raises(TypeError, match=r"a module is no tensor: call it with one, or write .parameters\(\)"):
        nn.utils.clip_grad_norm_(nn.Linear(1, 1), 1.0)
    with pytest.raises(NotImplementedError, match="write the model's output first, then the target"):
        nn.CrossEntropyLoss()(torch.tensor([0, 1]), torch.ones(2, 4))
    with pytest.raises(RuntimeError, match=r"but got 1 channels instead\. A layer for these images has in_channels=1"):
        nn.Conv2d(3, 1, 2)(IMAGE)
    with pytest.raises(AttributeError, match="Did you mean: 'MaxPool2d'"):
        nn.Maxpool2d(2)


@pytest.mark.parametrize(
    ("call", "error", "message"),
    [
        (lambda: torch.ones(1).backward(retain=True), TypeError, r"Tensor.backward\(\) got an unexpected keyword"),
        (
            lambda: nn.Conv2d(1, 1, 2)(),
            TypeError,
            r"Conv2d.forward\(\) missing 1 required positional argument: 'input'",
        ),
        (lambda: nn.BatchNorm1d(1)(), TypeError, r"BatchNorm1d.forward\(\) missing 1 required"),
        (
            lambda: nn.ModuleList([])(IMAGE),
            NotImplementedError,
            "a ModuleList only holds what is in it; call that one by",
        ),
        (lambda: torch.ones(2).to("float32"), RuntimeError, r"float32 is a dtype, write minigrad.float32"),
        (lambda: torch.ones(2).size(3), IndexError, r"got 3\): size\(\) of a tensor of shape \(2,\)"),
        (lambda: nn.functional.cross_entropy(IMAGE, IMAGE, "sum"), TypeError, "write the option's name before it"),
    ],
)
def test_the_message_names_the_method_that_was_called(call, error, message):
    with pytest.raises(error, match=message):
        call()


def test_a_derived_convolution_may_call_conv_forward_with_another_weight():
    class Doubled(nn.Conv2d):
        def forward(self, input):
            return self._conv_forward(input, self.weight * 2, None)

    layer = Doubled(1, 1, 2, padding=1, padding_mode="reflect", bias=False)
    image = torch.arange(9.0).reshape(1, 1, 3, 3)
    want = nn.functional.pad(image, (1, 1, 1, 1), mode="reflect")
    want = nn.functional.conv2d(want, layer.weight) * 2
    assert torch.allclose(layer(image), want, atol=1e-6)


def test_a_derived_batch_norm_may_override_check_input_dim():
    class Loose(nn.BatchNorm1d):
        def _check_input_dim(self, input):
            assert input.ndim == 4

    assert Loose(2)(torch.ones(1, 2, 3, 3)).shape == (1, 2, 3, 3)


def test_one_layer_for_a_list_of_layers_is_put_into_a_list():
    with pytest.raises(TypeError, match=r"iterable, but got ReLU; a single one is put into a list: \[x\]"):
        nn.ModuleList(nn.ReLU())


def test_a_module_is_defined_where_python_knows_no_module_name():
    names = {"nn": nn}
    lines = (
        "class Net(nn.Module):",
        "    def __init__(self):",
        "        super().__init__()",
        "    forward = lambda self, x: x",
    )
    exec("\n".join(lines), names)
    assert names["Net"].forward.__module__ is None and names["Net"]()(IMAGE) is IMAGE
    with pytest.raises(TypeError, match=r"Net\.__init__\(\) got an unexpected keyword argument 'size'"):
        names["Net"](size=2)
