"""What is said of a name that is not here: a misspelt one, or one of NumPy's."""

import numpy as np
import pytest

import minigrad as torch
import minigrad.nn.functional as F
from minigrad import nn
from minigrad.spelling import NUMPYS_CALLS, NUMPYS_FUNCTIONS, NUMPYS_METHODS, explain_call, find_meant
from minigrad.tensor.absent import NUMPYS

X = torch.rand(2, 3, 4)
ROW = torch.tensor([0.5, 1.5, 2.5])
NAMES = {
    "torch": torch, "x": ROW, "y": ROW, "data": [1.0], "n": 2, "q": 50.0, "size": (2,), "dim": 0, "to": 0,
    "pad": (1, 1), "mask": ROW > 1,
    "weights": ROW, "boundaries": ROW, "values": ROW, "value": 1.0, "indices": torch.tensor([1]),
    "index": torch.tensor([1]), "src": torch.ones(1),
}  # fmt: skip


@pytest.mark.parametrize("name", NUMPYS_FUNCTIONS)
def test_a_function_of_numpys_alone_is_told_what_is_written_instead(name):
    assert hasattr(np, name) or hasattr(np.random, name)
    with pytest.raises(AttributeError) as refused:
        getattr(torch, name)
    words = f"module 'minigrad' has no attribute '{name}': NumPy's {name} is written {NUMPYS_FUNCTIONS[name]}"
    assert str(refused.value) == words
    images = {"x": torch.ones(1, 1, 3), "kernel": torch.ones(1, 1, 2)} if name == "convolve" else {}
    eval(NUMPYS_FUNCTIONS[name], NAMES | images)


@pytest.mark.parametrize("name", NUMPYS_METHODS)
def test_a_method_of_arrays_alone_is_told_what_is_written_instead(name):
    assert hasattr(np.ndarray, name) or name == "ptp"  # which NumPy 2 has as a function alone
    with pytest.raises(AttributeError) as refused:
        getattr(X, name)
    words = f"'Tensor' object has no attribute '{name}': NumPy's {name} is written {NUMPYS_METHODS[name]}"
    assert str(refused.value) == words
    assert not hasattr(X, name) and name not in dir(X)
    eval(NUMPYS_METHODS[name], {**NAMES, "x": ROW.clone()})


def test_the_methods_of_arrays_are_listed_once():
    assert {*NUMPYS} == {*NUMPYS_METHODS}


CALLS = {
    "transpose of three axes": (lambda: X.transpose(0, 2, 1), "transpose"),
    "transpose of no axes": (lambda: X.transpose(), "transpose"),
    "axes of transpose": (lambda: X.transpose(axes=(0, 2, 1)), "transpose"),
    "a tuple for transpose": (lambda: torch.transpose(X, (0, 2, 1)), "transpose"),
    "repeat along an axis": (lambda: X.repeat(2, axis=1), "repeat"),
    "the order of flatten": (lambda: X.flatten(order="F"), "flatten"),
    "the order of ravel": (lambda: X.ravel("F"), "ravel"),
}


@pytest.mark.parametrize("name", CALLS)
def test_a_call_as_numpys_is_told_what_is_written_instead(name):
    call, function = CALLS[name]
    with pytest.raises(TypeError) as refused:
        call()
    assert str(refused.value).startswith(f"{function}() ")
    assert str(refused.value).endswith(f"; {NUMPYS_CALLS[function]}")


def test_what_is_written_instead_does_what_numpy_does():
    array = X.numpy()
    np.testing.assert_array_equal(X.permute(0, 2, 1), array.transpose(0, 2, 1))
    np.testing.assert_array_equal(X.repeat_interleave(2, dim=1), array.repeat(2, axis=1))
    np.testing.assert_array_equal(X[0].mT.flatten(), array[0].flatten("F"))


OPTIONS = {
    "flip's dims": lambda: torch.flip(X, axis=0),
    "roll's dims": lambda: torch.roll(X, 1, axis=0),
    "permute's dims": lambda: X.permute(axes=(0, 2, 1)),
    "mean's dim": lambda: X.mean(axes=(0, 1)),
    "zeros's size": lambda: torch.zeros(shape=(2, 3)),
    "std's correction": lambda: X.std(ddof=1),
    "arange's end": lambda: torch.arange(start=0, stop=3),
    "eye's m": lambda: torch.eye(3, M=2),
    "linspace's steps": lambda: torch.linspace(0, 1, num=5),
    "clamp's min": lambda: torch.clip(X, a_min=0),
    "tril's diagonal": lambda: torch.tril(X, k=1),
    "argsort's stable": lambda: torch.argsort(X, kind="stable"),
    "as_tensor's dtype": lambda: torch.as_tensor([1.0], dtyp=torch.float64),
    "asarray's copy": lambda: torch.asarray([1.0], copi=True),
    "allclose's rtol": lambda: torch.allclose(X, X, rtoll=1e-3),
    "meshgrid's indexing": lambda: torch.meshgrid(ROW, ROW, index="ij"),
    "normal's mean": lambda: torch.normal(loc=0.0, std=1.0),
    "normal_'s std": lambda: X.clone().normal_(scale=2.0),
    "uniform_'s to": lambda: X.clone().uniform_(0, t=2.0),
    "vmap's in_dims": lambda: torch.vmap(torch.sin, in_dim=1),
    "set_printoptions's sci_mode": lambda: torch.set_printoptions(scimode=True),
    "max_pool2d's padding": lambda: F.max_pool2d(X, 2, pading=1),
}


@pytest.mark.parametrize("name", OPTIONS)
def test_a_misspelt_option_and_one_of_numpys_name_the_one_that_was_meant(name):
    function, meant = name.split("'s ")
    with pytest.raises(
        TypeError, match=rf"{function}\(\) got an unexpected keyword argument '\w+'. Did you mean '{meant}'"
    ):
        OPTIONS[name]()


def test_an_optimizer_and_a_layer_know_other_libraries_words():
    with pytest.raises(TypeError, match=r"SGD\.__init__\(\) got an unexpected .* 'learning_rate'; did you mean 'lr'\?"):
        torch.optim.SGD([ROW], learning_rate=0.1)
    with pytest.raises(TypeError, match=r"Softmax\.__init__\(\) got an unexpected .* 'axis'; did you mean 'dim'\?"):
        nn.Softmax(axis=1)


def test_a_lazy_layer_names_the_option_that_was_meant():
    with pytest.raises(TypeError, match=r"LazyConv2d\.__init__\(\) got .* 'kernel_siz'; did you mean 'kernel_size'\?"):
        nn.LazyConv2d(2, kernel_siz=3)
    assert nn.LazyConv2d(2, kernel_size=3).kernel_size == (3, 3)


def test_no_internal_name_is_among_those_that_a_function_takes():
    with pytest.raises(TypeError, match=r"argument 'q'; it takes start, end, (?!.*\bxp\b)(?!.*\bself\b)"):
        torch.linspace(0, 1, 5, q=1)
    assert find_meant("qqq", ["dim", "keepdim"]) == ""


def test_a_word_of_the_name_counts_more_than_its_letters():
    known = ["in_channels", "kernel_size", "stride", "padding", "dilation", "bias", "padding_mode", "weight_decay"]
    meant = {
        "size": "kernel_size", "filter_size": "kernel_size", "padding_size": "padding", "use_bias": "bias",
        "decay": "weight_decay", "strides": "stride", "activation": "", "Padding": "padding",
    }  # fmt: skip
    assert {given: find_meant(given, known) for given in meant} == meant


def test_a_name_of_torch_itself_is_told_where_it_is_asked_for_elsewhere():
    with pytest.raises(
        AttributeError, match=r"module 'minigrad\.random' has no attribute 'randn': it is torch\.randn$"
    ):
        torch.random.randn  # noqa: B018
    with pytest.raises(AttributeError, match=r"no attribute 'einsum': it is torch\.einsum$"):
        F.einsum  # noqa: B018


def test_numpys_option_is_told_in_place_of_what_python_guesses_by_letters():
    words = "arange() got an unexpected keyword argument 'stop'. Did you mean 'step'?"  # as Python 3.13 says it
    assert explain_call("arange", words, ["start", "end", "step"]) == words.replace("step", "end")
    misspelt = "arange() got an unexpected keyword argument 'stpe'. Did you mean 'step'?"
    assert explain_call("arange", misspelt, ["start", "end", "step"]) == misspelt
