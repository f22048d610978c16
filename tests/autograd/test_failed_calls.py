"""Tracebacks of failed calls show, of the library's calls in a row, the first, and the one that raised the error."""

import subprocess
import sys
import traceback

import pytest

import minigrad as torch
from minigrad import nn
from minigrad.nn import functional as F
from minigrad.utils.data import DataLoader, default_collate


class Net(nn.Module):
    def __init__(self):
        super().__init__()
        self.layers = nn.Sequential(nn.Conv2d(3, 4, 3), nn.ReLU())

    def forward(self, x):
        return self.layers(x)


def shown_calls(call, error=(RuntimeError, ValueError, IndexError, TypeError)):
    """Whose calls the traceback of `call` shows: from its line, the user's, to the one that raised."""
    with pytest.raises(error) as caught:
        call()
    calls = [frame.filename for frame in traceback.extract_tb(caught.tb)][1:]  # without the line above
    return ["user" if name == __file__ else "library" for name in calls]


IMAGES, CLASSES = torch.ones(2, 1, 8, 8), torch.tensor([0, 4])
CALLS = {
    "a layer": lambda: nn.Conv2d(3, 4, 3)(IMAGES),
    "pooling in a layer": lambda: nn.MaxPool2d(9)(IMAGES),
    "pooling": lambda: F.max_pool2d(IMAGES, 9),
    "adaptive pooling": lambda: F.adaptive_avg_pool2d(torch.ones(8), 2),
    "layers in a row": lambda: nn.Sequential(nn.ReLU(), nn.Sequential(nn.Linear(3, 4)))(torch.ones(2, 5)),
    "a recurrent layer": lambda: nn.LSTM(3, 4)(torch.ones(2, 2, 5)),
    "a norm": lambda: nn.BatchNorm2d(3)(torch.ones(2, 2)),
    "a loss": lambda: F.cross_entropy(torch.ones(2, 4), CLASSES),
    "a loss with a flag": lambda: F.cross_entropy(torch.ones(2, 4), CLASSES, None, True),
    "a loss of pairs": lambda: F.mse_loss(torch.ones(2, 3), torch.ones(2, 2)),
    "a layer of a loss": lambda: nn.CrossEntropyLoss()(torch.ones(2, 4), CLASSES),
    "an axis": lambda: torch.ones(2, 3).sum(4),
    "an axis of softmax": lambda: F.softmax(torch.ones(2, 3), 2),
    "a name as an index": lambda: IMAGES["0"],
    "a fraction as an index": lambda: IMAGES[0.0],
    "a fraction in a list": lambda: IMAGES[[0.5]],
    "an optimizer": lambda: torch.optim.SGD([torch.ones(2)], lr=-1),
    "a join": lambda: torch.cat([torch.ones(2, 2), torch.ones(3, 3)]),
    "a product": lambda: torch.ones(2, 3) @ torch.ones(2, 3),
    "samples of different shapes": lambda: next(iter(DataLoader([torch.ones(2), torch.ones(3)], 2))),
    "entries of different shapes": lambda: next(iter(DataLoader([{"x": torch.ones(n)} for n in (2, 3)], 2))),
    "samples joined directly": lambda: default_collate([{"x": torch.ones(n)} for n in (2, 3)]),
    "samples of different types": lambda: next(iter(DataLoader([torch.ones(2), None], 2))),
    "samples of different lengths": lambda: list(DataLoader([(1,), (1, 2)], 2)),
    "samples of nothing": lambda: list(DataLoader([None, None], 2)),
}


@pytest.mark.parametrize("call", CALLS.values(), ids=CALLS)
def test_a_traceback_holds_at_most_three_calls_of_the_library(call):
    shown = shown_calls(call)
    assert shown[0] == "user"
    assert 1 <= shown.count("library") <= 3


def test_values_that_do_not_fit_a_mask_are_refused_by_four_calls():
    shown = shown_calls(lambda: torch.ones(4).__setitem__(torch.ones(4) > 0.5, torch.ones(10)))
    assert shown.count("library") <= 4


def test_a_missing_key_of_a_sample_is_refused_near_its_line():
    assert shown_calls(lambda: default_collate([{"a": 1}, {"b": 2}]), KeyError).count("library") <= 2


def test_the_users_own_forward_stays_in_a_traceback():
    assert shown_calls(lambda: Net()(IMAGES)) == ["user", "library", "user", "library", "library"]


def test_a_ragged_list_is_refused_near_its_line_however_deep():
    nested = [[[[1], [2]], [[3], [4, 5]]]]
    assert shown_calls(lambda: torch.tensor(nested)).count("library") <= 4


@pytest.mark.parametrize(
    ("program", "message", "calls"),
    [
        ("nn.Linear(3, 4)(ones(2, 5))", "mat1 and mat2 shapes cannot be multiplied", 3),
        ("y = ones(2, requires_grad=True) * 2; y.register_hook(lambda g: g.view(5)); y.sum().backward()", "'[5]'", 7),
    ],
)
def test_development_mode_keeps_all_calls(program, message, calls):
    program = "from minigrad import nn, ones\n" + program
    said = [
        subprocess.run([sys.executable, *options, "-c", program], capture_output=True, text=True).stderr
        for options in ([], ["-X", "dev"])
    ]
    assert all(message in text for text in said)
    assert said[0].count("  File ") == calls
    assert said[1].count("  File ") > calls


def test_a_product_in_place_is_named_by_the_operator_that_was_written():
    x = torch.ones(2, 2)
    with pytest.raises(TypeError, match=r"^unsupported operand type\(s\) for @=: 'Tensor' and 'NoneType'; a function "):
        x @= None
    with pytest.raises(TypeError, match=r"^unsupported operand type\(s\) for @: 'Tensor' and 'NoneType'; a function w"):
        x @ None


def test_a_group_without_parameters_is_refused_near_its_line():
    assert shown_calls(lambda: torch.optim.Adam([{"param": [torch.ones(1)]}]), KeyError).count("library") <= 3
