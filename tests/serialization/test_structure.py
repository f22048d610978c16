"""What a file cannot hold is refused by its name and its place, with what to save instead."""

import io
from collections import namedtuple
from functools import partial
from pathlib import Path

import numpy as np
import pytest

import minigrad
from minigrad import nn, optim
from minigrad.serialization import load, save

Pair = namedtuple("Pair", "a b")


class Own:
    pass


class OwnDict(dict):
    pass


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (nn.Sequential(), r"minigrad\.nn\.\w+\.Sequential, which cannot be saved.*state_dict\(\)"),
        (optim.SGD([minigrad.ones(1)]), r"minigrad\.optim\.sgd\.SGD, which.*state_dict\(\)"),
        (len, r"the function len, .*keep code in your program.*its name as a string"),
        (nn.functional.mse_loss, r"the function mse_loss, .*keep code in your program.*its name as a string"),
        (lambda x: x, r"the function <lambda>, .*keep code in your program.*or its options"),
        (nn.MSELoss().forward, r"the function MSELoss\.forward, .*keep code in your program"),
        (partial(max, 0), r"a functools\.partial, .*keep code in your program"),
        (Own, r"the class Own, .*keep code in your program.*its name as a string"),
        (nn.Linear, r"the class Linear, .*keep code in your program"),
        (Own(), r"Own, which cannot be saved.*dict of tensors, numbers and strings"),
        (OwnDict(), r"OwnDict, which cannot be saved.*save dict\(value\)"),
        (Pair(1, 2), r"Pair, which cannot be saved.*_asdict\(\)"),
        (range(3), r"builtins\.range, which cannot be saved.*save list\(value\)"),
        (frozenset(), r"frozenset, which cannot be saved"),
        (Path("x"), r"Path, which cannot be saved"),
        (np.array([None]), r"NumPy array of dtype object"),
        (np.ma.array([1, 2], mask=[0, 1]), r"masked array, whose mask would be lost"),
        (np.zeros(1, [("a", "f4")]), r"NumPy array of dtype \[\('a', '<f4'\)\]"),
    ],
)
def test_an_unsupported_value_is_named_with_its_place(value, text, tmp_path):
    path = tmp_path / "file"
    save("old", path)
    with pytest.raises(TypeError, match=rf"the object\['deep'\]\[1\] is .*{text}"):
        save({"deep": [0, value]}, path)
    assert load(path) == "old"
    assert [p.name for p in tmp_path.iterdir()] == ["file"]


def test_unsupported_keys_are_refused():
    for bad in (minigrad.Tensor, frozenset([1])):
        with pytest.raises(TypeError, match=r"the object\[.*\] is (a|the) .*cannot be saved"):
            save({bad: 1}, io.BytesIO())
    with pytest.raises(TypeError, match=r"the object\[0\] is the function len"):
        save({len}, io.BytesIO())
