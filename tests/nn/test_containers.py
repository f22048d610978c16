"""Containers. `test_recorded.py` compares their printed text and errors with PyTorch's."""

import copy

import pytest

import minigrad as torch
from minigrad import nn
from tests.any_device import without_device
from tests.refusals import refusals


def make_layers():
    return nn.Linear(2, 3), nn.ReLU(), nn.Linear(3, 1)


def test_module_list_can_be_changed_as_a_list():
    a, b, c = make_layers()
    held = nn.ModuleList([a])
    held.append(c)
    held.insert(1, b)
    held.extend(nn.ModuleList([nn.Tanh()]))
    held += [nn.ELU()]
    assert len(held) == 5 and held[1] is b
    assert type(held[1:3]) is nn.ModuleList and list(held[1:3]) == [b, c]
    assert list(held[1:3]._modules) == ["0", "1"]
    held[-1] = a
    assert held[4] is a
    del held[0]
    assert held.pop(-1) is a
    assert [type(m).__name__ for m in held] == ["ReLU", "Linear", "Tanh"]
    assert [type(m).__name__ for m in held + [nn.ELU()]][-1] == "ELU"
    assert [name for name, _ in held.named_parameters()] == ["1.weight", "1.bias"]
    for refused in (held.__getitem__, held.__delitem__, held.pop):
        with pytest.raises(IndexError, match="index 9 is out of range: this ModuleList holds 3"):
            refused(9)
    before = list(held)
    for place in (0, 1, -1):
        with pytest.raises(TypeError, match=r"^int is not a Module subclass"):
            held.insert(place, 3)
    assert list(held) == before  # nothing is lost


def test_module_dict_can_be_changed_as_a_dict():
    a, b, _ = make_layers()
    held = nn.ModuleDict({"a": a})
    held["b"] = b
    held.update([("t", nn.Tanh())])
    assert list(held) == list(held.keys()) == ["a", "b", "t"]
    assert "a" in held and "x" not in held and len(held) == 3
    assert dict(held.items())["a"] is a and next(iter(held.values())) is a
    assert held.pop("b") is b
    del held["t"]
    assert list(held) == ["a"]
    assert [name for name, _ in held.named_parameters()] == ["a.weight", "a.bias"]
    assert held.get("zz") is None
    assert {held: 1}[held] == 1  # identity, not contents
    held.clear()
    assert len(held) == 0
    with pytest.raises(KeyError, match="attribute 'keys' already exists"):
        held["keys"] = nn.ReLU()
    with pytest.raises(ValueError, match="element #0 has length 3; 2 is required"):
        held.update([(1, 2, 3)])
    with pytest.raises(TypeError, match="element #0 is int, no pair"):
        held.update([5])


def test_parameter_list_turns_tensors_into_parameters():
    held = nn.ParameterList([torch.ones(2), nn.Parameter(torch.ones(3)), "text"])
    assert isinstance(held[0], nn.Parameter) and held[-1] == "text"
    assert [name for name, _ in held.named_parameters()] == ["0", "1"]
    assert len(held) == 3 and len(list(held)) == 3
    held.append(torch.ones(4))
    held += [5]
    held[0] = torch.zeros(2)
    assert held[0].requires_grad and held[0].tolist() == [0.0, 0.0]
    assert type(held[1:3]) is nn.ParameterList and held[1:3][0] is held[1]
    held.insert(1, torch.ones(7))
    assert held.pop(1).shape == (7,) and len(held) == 5
    assert list(held.state_dict()) == ["0", "1", "3"]
    with pytest.raises(IndexError, match="ParameterList holds 5"):
        held[5]
    with pytest.raises(RuntimeError, match="ParameterList should not be called"):
        held(1)


def test_parameter_dict_turns_tensors_into_parameters():
    weights = nn.ParameterDict({"a": torch.ones(2), "n": 3})
    weights["b"] = torch.zeros(1, 2)
    assert [name for name, _ in weights.named_parameters()] == ["a", "b"]
    assert list(weights) == ["a", "n", "b"] and "a" in weights and len(weights) == 3
    assert without_device(repr(weights)) == (
        "ParameterDict(\n    (a): Parameter containing: [minigrad.FloatTensor of size 2]\n"
        "    (n): Object of type: int\n    (b): Parameter containing: [minigrad.FloatTensor of size 1x2]\n)"
    )
    assert weights.pop("n") == 3 and weights.get("n", 7) == 7
    assert (weights | {"c": torch.ones(1)})["c"].requires_grad
    assert weights.copy()["a"] is weights["a"] and list(reversed(weights)) == ["b", "a"]
    weights.update({"z": torch.ones(1), "c": torch.ones(1)})
    weights.update([("y", torch.ones(1)), ("d", torch.ones(1))])
    assert list(weights) == ["a", "b", "c", "z", "y", "d"]  # a plain dict's by their keys
    with pytest.raises(TypeError, match="not a string"):
        weights[0] = torch.ones(1)
    with pytest.raises(KeyError):
        weights["missing"]
    with pytest.raises(RuntimeError, match="should not be called"):
        weights()


def test_lists_are_renumbered_after_a_deletion_and_an_insertion():
    layers = nn.ModuleList(nn.Identity() for _ in range(5))
    del layers[1]
    layers.insert(0, nn.ReLU())
    assert [name for name, _ in layers.named_children()] == ["0", "1", "2", "3", "4"]
    assert isinstance(layers[0], nn.ReLU) and layers[-1] is layers[4]
    copied = copy.copy(layers)
    copied.append(nn.ReLU())
    assert (len(layers), len(copied)) == (5, 6)
    net = nn.Sequential(nn.ReLU())
    net.extra = nn.Tanh()
    assert len(net) == 2 and net[1] is net.extra
    del net.extra
    assert len(net) == 1


def test_parameter_dicts_are_joined_as_dicts_are():
    weights = nn.ParameterDict({"a": torch.ones(1)})
    before, weights.kept = weights, None
    weights |= {"b": torch.ones(2)}
    assert weights is before and isinstance(weights["b"], nn.Parameter) and hasattr(weights, "kept")
    joined = {"c": 3, "a": 4} | weights
    assert type(joined) is dict and list(joined) == ["c", "a", "b"] and joined["a"] is weights["a"]
    with pytest.raises(TypeError, match="unsupported operand"):
        _ = 3 | weights


def test_setdefault_of_a_parameter_dict_stores_a_parameter():
    weights = nn.ParameterDict({"a": torch.ones(1)})
    made = weights.setdefault("b", torch.zeros(2))
    assert isinstance(made, nn.Parameter) and weights["b"] is made is weights.setdefault("b", torch.ones(9))
    assert weights.setdefault("n") is None and list(weights) == ["a", "b", "n"]


def test_popitem_of_a_parameter_dict_takes_the_last_pair():
    weights = nn.ParameterDict({"a": torch.zeros(1), "b": torch.ones(2)})
    assert weights.popitem()[0] == "b" and list(weights) == ["a"] and weights.popitem()[0] == "a"
    with pytest.raises(KeyError, match="this ParameterDict is empty"):
        weights.popitem()


def test_data_parallel_runs_the_module_where_it_is():
    net = nn.DataParallel(nn.Linear(2, 1))
    x = torch.ones(3, 2)
    assert torch.equal(net(x), net.module(x)) and net.device_ids == []
    assert list(net.state_dict()) == ["module.weight", "module.bias"]


test_an_index_that_is_no_number = refusals({
    "a name": (
        lambda: nn.Sequential(nn.ReLU())["a"], TypeError,
        "^Sequential is indexed by a whole number or a slice, not by str 'a'$"),
    "a float": (lambda: nn.ModuleList([nn.ReLU()])[0.0], TypeError, "^ModuleList is indexed .* not by float 0.0$"),
})  # fmt: skip
