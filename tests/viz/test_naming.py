"""Names of the leaves in a drawing: given, a module's, or those of the caller's variables."""

import pytest

import minigrad
from minigrad import nn, viz


def test_parameters_of_a_module_are_named() -> None:
    net = nn.Sequential(nn.Conv2d(1, 2, 3), nn.ReLU(), nn.Conv2d(2, 1, 3, bias=False))
    graph = viz.graph(net(minigrad.zeros(1, 1, 6, 6)), dict(net.named_parameters()))
    named = {name: shape for name, shape, kind in graph.labels if kind == "leaf"}
    assert named == {"0.weight": "(2, 1, 3, 3)", "0.bias": "(2,)", "2.weight": "(1, 2, 3, 3)"}


def test_leaves_have_the_names_of_the_callers_variables() -> None:
    weight = minigrad.ones(2, requires_grad=True)
    layer = minigrad.nn.Linear(2, 1)
    names = {label[0] for label in viz.graph(layer(weight)).labels}
    assert {"weight", "layer.weight", "layer.bias"} <= names
    for p in layer.parameters():  # `p` is the bias from now on, and the bias is still the layer's
        assert p.requires_grad
    assert "layer.bias" in {label[0] for label in viz.graph(layer(weight)).labels}


def test_a_module_names_its_parameters() -> None:
    names = {label[0] for label in viz.graph(minigrad.nn.Linear(2, 1)(minigrad.ones(2)).sum(), values=True).labels}
    assert "leaf" in names  # nobody holds it
    net = minigrad.nn.Linear(2, 1)
    assert {"weight", "bias"} <= {label[0] for label in viz.graph(net(minigrad.ones(2)), net).labels}


def test_other_names_are_refused() -> None:
    loss = minigrad.ones(2, requires_grad=True).sum()
    with pytest.raises(TypeError, match=r"names are a dict, such as \{'x': x\}, or a module, got list \['x'\]"):
        viz.graph(loss, ["x"])  # type: ignore[arg-type]
