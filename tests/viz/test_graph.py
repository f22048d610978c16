"""Graphs drawn as SVG: which boxes they have, where these stand, and how they are named."""

import xml.etree.ElementTree as ElementTree
from itertools import combinations
from pathlib import Path

import numpy as np
import pytest

import minigrad
from minigrad import nn, viz


@pytest.fixture
def loss() -> minigrad.Tensor:
    minigrad.manual_seed(0)
    x = minigrad.randn(3, requires_grad=True)
    return (x * x + x.exp()).sum()


def test_a_small_graph_has_its_boxes_and_lines() -> None:
    x = minigrad.ones(3, requires_grad=True)
    w = minigrad.ones(2, 3, requires_grad=True)
    graph = viz.graph((w * x).sum(), {"x": x, "w": w})
    names = [name for name, _, _ in graph.labels]
    assert names == ["Sum", "Mul", "w", "x"]
    assert [shape for _, shape, _ in graph.labels] == ["()", "(2, 3)", "(2, 3)", "(3,)"]
    assert [kind for _, _, kind in graph.labels] == ["result", "operation", "leaf", "leaf"]
    assert graph.edges == [(1, 0), (2, 1), (3, 1)]


def test_a_tensor_used_twice_is_one_box(loss: minigrad.Tensor) -> None:
    graph = viz.graph(loss)
    kinds = [kind for _, _, kind in graph.labels]
    assert kinds.count("leaf") == 1
    leaf = kinds.index("leaf")
    assert [source for source, _ in graph.edges].count(leaf) == 3


def test_a_terminal_shows_how_a_graph_is_drawn(loss: minigrad.Tensor) -> None:
    assert repr(viz.graph(loss)) == 'graph of 5 boxes: .save("graph.svg") draws it, .labels and .edges tell it in words'
    assert repr(viz.graph(minigrad.ones(2, requires_grad=True))).startswith("graph of 1 box: .save")
    for _ in range(600):
        loss = loss + 1
    assert repr(viz.graph(loss)) == "graph of 605 boxes, too many for one picture (at most 500): draw a part of it"


def test_a_leaf_alone_is_a_graph_of_one_box() -> None:
    assert viz.graph(minigrad.ones(2, requires_grad=True)).labels == [("leaf", "(2,)", "leaf")]


def read_boxes(svg: str) -> list[tuple[float, float, float, float]]:
    """Left, top, right, bottom of every box; the first rectangle is the page."""
    found = []
    for box in ElementTree.fromstring(svg).iter("{http://www.w3.org/2000/svg}rect"):
        if box.get("x") is not None and box.get("class") != "pixel":
            x, y, w, h = (float(box.get(key, "")) for key in ("x", "y", "width", "height"))
            found.append((x, y, x + w, y + h))
    return found


def test_boxes_of_the_svg_are_on_the_page_and_do_not_overlap() -> None:
    minigrad.manual_seed(0)
    net = nn.Sequential(nn.Linear(4, 3), nn.Tanh(), nn.Linear(3, 2))
    y = net(minigrad.ones(5, 4))
    graph = viz.graph((y * y).mean() + net[0].weight.sum(), dict(net.named_parameters()))
    svg = graph.svg()
    page = ElementTree.fromstring(svg)
    width, height = float(page.get("width", "")), float(page.get("height", ""))
    drawn = read_boxes(svg)
    assert len(drawn) == len(graph.labels)
    for left, top, right, bottom in drawn:
        assert 0 <= left < right <= width and 0 <= top < bottom <= height
    for a, b in combinations(drawn, 2):
        assert a[2] <= b[0] or b[2] <= a[0] or a[3] <= b[1] or b[3] <= a[1]
    lines = [p for p in page.iter("{http://www.w3.org/2000/svg}path") if p.get("fill") == "none"]
    assert len(lines) == len(graph.edges)


def test_results_are_below_their_operands(loss: minigrad.Tensor) -> None:
    graph = viz.graph(loss)
    tops = [box[1] for box in read_boxes(graph.svg())]
    assert all(tops[source] < tops[target] for source, target in graph.edges)


def test_names_are_escaped_in_svg() -> None:
    x = minigrad.ones(2, requires_grad=True)
    svg = viz.graph(x.sum(), {"<b>&": x}).svg()
    assert "&lt;b&gt;&amp;" in svg
    ElementTree.fromstring(svg)


def test_a_notebook_shows_the_svg(loss: minigrad.Tensor) -> None:
    graph = viz.graph(loss)
    assert graph._repr_svg_() == graph.svg()


@pytest.mark.parametrize(("name", "start"), [("g.svg", "<svg"), ("g.SVG", "<svg")])
def test_save_writes_svg_in_lower_and_upper_case(loss: minigrad.Tensor, tmp_path: Path, name: str, start: str) -> None:
    viz.graph(loss).save(tmp_path / name)
    assert (tmp_path / name).read_text(encoding="utf-8").startswith(start)


def test_save_refuses_other_endings(loss: minigrad.Tensor, tmp_path: Path) -> None:
    with pytest.raises(ValueError, match=r"saved as \.svg; got '.*g\.png'"):
        viz.graph(loss).save(tmp_path / "g.png")


def test_a_long_chain_is_walked_but_not_drawn() -> None:
    x = minigrad.ones((), requires_grad=True)
    y = x
    for _ in range(5000):
        y = y + 1
    graph = viz.graph(y)
    assert len(graph.labels) == 5001
    assert len(graph.edges) == 5000
    with pytest.raises(ValueError, match="5001 boxes are too many for one picture"):
        graph.svg()


def test_a_graph_stays_usable_after_it_was_drawn() -> None:
    x = minigrad.tensor([2.0, 3.0], requires_grad=True)
    loss = (x * x).sum()
    viz.graph(loss).svg()
    loss.backward()
    np.testing.assert_array_equal(x.grad, [4, 6])


def test_a_tensor_without_a_graph_is_refused() -> None:
    with pytest.raises(ValueError, match=r"no graph behind this tensor of shape \(2,\).*no_grad"):
        viz.graph(minigrad.ones(2))


def test_an_array_is_refused() -> None:
    with pytest.raises(TypeError, match="draws a Tensor; got ndarray"):
        viz.graph(np.ones(2))


def test_values_and_gradients_are_drawn_if_asked_for() -> None:
    x = minigrad.tensor([3.0, 5.0], requires_grad=True)
    loss = (x * 2).sum()
    assert ("x", "(2,), mean 4", "leaf") in viz.graph(loss, values=True).labels
    loss.backward(retain_graph=True)
    assert ("x", "(2,), mean 4, gradient 2.83", "leaf") in viz.graph(loss, values=True).labels


def test_images_and_targets_that_have_a_name_are_drawn() -> None:
    conv = nn.Conv2d(1, 1, (1, 2), bias=False)
    X = minigrad.ones(1, 1, 6, 8)
    X[..., 2:6] = 0
    Y = X[..., :-1] - X[..., 1:]
    drawn = viz.graph(nn.functional.mse_loss(conv(X), Y))
    kinds = {name: (shape, kind) for name, shape, kind in drawn.labels}
    assert kinds["X"] == ("(1, 1, 6, 8)", "constant") and kinds["Y"] == ("(1, 1, 6, 7)", "constant")
    assert kinds["conv.weight"] == ("(1, 1, 1, 2)", "leaf")
    pixels = [r for r in ElementTree.fromstring(drawn.svg()).iter() if r.get("class") == "pixel"]
    assert len(pixels) == 6 * 8 + 6 * 7
    row = [pixel.get("fill") for pixel in pixels if pixel.get("y") == pixels[0].get("y")]
    assert row == ["#808080", "#ffffff", "#808080", "#808080", "#808080", "#000000", "#808080"]  # Y: 0 1 0 0 0 -1 0
    nameless = viz.graph(nn.functional.mse_loss(conv(minigrad.ones(1, 1, 6, 8)), minigrad.ones(1, 1, 6, 7)))
    assert "constant" not in [kind for _, _, kind in nameless.labels]


def test_constant_images_and_images_of_nan_are_drawn() -> None:
    w = minigrad.ones(2, 40, requires_grad=True)
    grey, empty, odd = minigrad.ones(2, 40), minigrad.ones(0, 40), minigrad.full((2, 40), float("nan"))
    svg = viz.graph((w * grey).sum() + (w * odd).sum() + (w[:0] * empty).sum()).svg()
    fills = [r.get("fill") for r in ElementTree.fromstring(svg).iter() if r.get("class") == "pixel"]
    assert fills == ["#000000"] * 2 * 14  # 40 columns, every third


def test_the_stepper_skips_constants() -> None:
    w, x = minigrad.ones(2, 2, requires_grad=True), minigrad.eye(2)
    assert [step["name"] for step in viz.stepper((w * x).sum()).steps] == ["Sum", "Mul", "w"]


@pytest.mark.parametrize("numbers", [[True, False], [1, 0]])
def test_a_constant_of_integers_shows_its_mean(numbers: list[int]) -> None:
    mask, w = minigrad.tensor(numbers), minigrad.ones(2, requires_grad=True)
    assert ("mask", "(2,), mean 0.5", "constant") in viz.graph((w * mask).sum(), values=True).labels
