"""Mistakes of the first weeks: the error is PyTorch's, and the message says what was got and what to write."""

import numpy as np
import pytest

import minigrad as torch
import minigrad.nn.functional as F
from minigrad import nn
from minigrad.utils.data import DataLoader, random_split
from tests.refusals import refusals

X = torch.ones(2, 3)
NUMBER = torch.tensor(2.5)
LEAF = torch.ones(3, requires_grad=True)
LAYER = nn.Linear(2, 1)


def prefixed(prefix):
    return {prefix + name: x for name, x in LAYER.state_dict().items()}


SIZES = {
    f"{name}() without sizes": (
        lambda name=name: getattr(X.clone(), name)(), TypeError, (f"{name}() needs ints, such as {name}(2, 3)",),
    )
    for name in ("reshape", "view", "expand", "repeat", "tile", "permute", "resize_")
}  # fmt: skip

test_a_mistake_of_a_beginner_is_named = refusals(
    SIZES
    | {
        "sizes of nothing": (lambda: torch.zeros(), TypeError, (r"zeros(()) says that there are none",)),
        "a number as a list": (lambda: list(NUMBER), TypeError, ("0-d tensor", "x.item()", "x[None]")),
        "the length of a number": (lambda: len(NUMBER), TypeError, ("0-d tensor", "x.item()", "x[None]")),
        "a range up to a half": (lambda: range(NUMBER), TypeError, ("float32 of shape ()", "int(...) rounds it")),
        "a range up to two ends": (lambda: range(torch.arange(2)), TypeError, ("int64 of shape (2,)",)),
        "einsum: lengths that differ": (
            lambda: torch.einsum("ij,jk", X, torch.ones(4, 5)), RuntimeError,
            ("subscript j has size 4 for operand 1", "'ij' of shape (2, 3), 'jk' of shape (4, 5)"),
        ),
        "einsum: a letter from nowhere": (
            lambda: torch.einsum("ij->il", X), RuntimeError, ("output subscript l does not appear in an operand",),
        ),
        "einsum: a letter twice": (
            lambda: torch.einsum("ij->jii", X), RuntimeError, ("output subscript i appears more than once",),
        ),
        "einsum: too few letters": (
            lambda: torch.einsum("i->i", X), RuntimeError, ("of operand 0, of shape (2, 3)", "... stands for several"),
        ),
        "einsum: the equation last": (
            lambda: torch.einsum(X, "ij->ji"), TypeError, ("the equation comes first", "got a tensor before it"),
        ),
        "strided convolution of the same size": (
            lambda: F.conv2d(torch.ones(1, 1, 5, 5), torch.ones(1, 1, 3, 3), stride=2, padding="same"), RuntimeError,
            ("padding='same' is not supported for strided convolutions, got (2, 2); give numbers",),
        ),
        "batch norm for other channels": (
            lambda: nn.BatchNorm2d(16)(torch.ones(2, 8, 3, 3)), RuntimeError, ("got [16]", "has num_features=8"),
        ),
        "group norm for other channels": (
            lambda: nn.GroupNorm(2, 16)(torch.ones(2, 8, 3)), RuntimeError, ("got [16]", "has num_channels=8"),
        ),
        "batch norm for images, of rows": (
            lambda: nn.BatchNorm2d(8)(torch.ones(4, 8)), ValueError, ("got (4, 8); BatchNorm1d takes it",),
        ),
        "batch norm for rows, of images": (
            lambda: nn.BatchNorm1d(8)(torch.ones(4, 8, 2, 2)), ValueError, ("got (4, 8, 2, 2); BatchNorm2d takes it",),
        ),
        "instance norm for signals, of images": (
            lambda: nn.InstanceNorm1d(8)(torch.ones(4, 8, 2, 2)), ValueError, ("; InstanceNorm2d takes it",),
        ),
        "a layer of a number": (lambda: LAYER(NUMBER), RuntimeError, ("at least 1D, but they are 0D and 2D",)),
        "scores of one example, one-hot": (
            lambda: F.cross_entropy(torch.ones(3), torch.tensor([0, 1, 0])), RuntimeError,
            ("of scores [3] takes classes of shape []", "Write target.argmax(0) or target.float()."),
        ),
        "an optimizer for a list of layers": (
            lambda: torch.optim.SGD([LAYER], lr=0.1), TypeError,
            ("one of the params is minigrad.nn.linear.Linear; write net.parameters(), without a list around it",),
        ),
        "an optimizer for arrays": (
            lambda: torch.optim.SGD([np.ones(2)], lr=0.1), TypeError, ("numpy.ndarray", "minigrad.from_numpy"),
        ),
        "a number as a gradient": (
            lambda: setattr(LEAF, "grad", 1.0), TypeError, ("got grad of type float; wrap it with minigrad.tensor",),
        ),
        "an array as data": (
            lambda: setattr(LEAF, "data", np.ones(3)), TypeError, ("got numpy.ndarray; turn it into one with",),
        ),
        "an array as a weight": (
            lambda: setattr(LAYER, "weight", np.ones((1, 2))), TypeError,
            ("cannot assign 'numpy.ndarray' as parameter 'weight'", "write nn.Parameter(minigrad.tensor(...))"),
        ),
        "the state's file in place of the state": (
            lambda: LAYER.load_state_dict("net.pt"), TypeError, ("got <class 'str'>", "or minigrad.load(file)"),
        ),
        "the state of a wrapped module": (
            lambda: LAYER.load_state_dict(prefixed("module.")), RuntimeError,
            ("The names differ by 'module.': load {key.removeprefix('module.'): x for key, x in state_dict.items()}.",),
        ),
        "a state for a wrapped module": (
            lambda: nn.Sequential(LAYER).load_state_dict(LAYER.state_dict()), RuntimeError,
            ("The names differ by '0.': load {'0.' + key: x for key, x in state_dict.items()}.",),
        ),
        "a list as a dictionary of modules": (
            lambda: nn.ModuleDict([LAYER]), TypeError, ("element #0 is Linear", "write ModuleDict({'name': value})"),
        ),
        "a module as a dictionary of modules": (
            lambda: nn.ModuleDict(LAYER), TypeError, ("key/value pairs, but got Linear; write ModuleDict(",),
        ),
        "three in a pair": (lambda: nn.ModuleDict([("a", LAYER, 3)]), ValueError, ("element #0 has length 3; 2 is",)),
        "a list as a dictionary of parameters": (
            lambda: nn.ParameterDict([LEAF]), TypeError, ("element #0 is Tensor", "write ParameterDict("),
        ),
        "one fraction for a split": (
            lambda: random_split(X, 0.8), TypeError, ("must be a list such as [0.8, 0.2], got 0.8",),
        ),
        "shuffled data, but there are none": (
            lambda: DataLoader([], 4, shuffle=True), ValueError, ("got num_samples=0: there are no data",),
        ),
        "two orders": (
            lambda: DataLoader(X, sampler=[1], shuffle=True), ValueError, ("the sampler chooses the order, leave out",),
        ),
    }
)  # fmt: skip


def test_names_that_differ_in_more_than_a_prefix_get_no_advice():
    state = prefixed("module.") | {"more": torch.ones(1)}
    with pytest.raises(RuntimeError, match=r'Unexpected key.*"more"') as refused:
        LAYER.load_state_dict(state)
    assert "The names differ" not in str(refused.value)


def test_a_dictionary_of_modules_takes_pairs():
    layers = nn.ModuleDict([("a", LAYER)])
    layers.update({"b": nn.ReLU()})
    layers.update(layers)
    assert list(layers) == ["a", "b"] and layers["a"] is LAYER
