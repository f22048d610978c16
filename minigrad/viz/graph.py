"""Draws the graph of a tensor as SVG, without the Graphviz program.

Boxes are calls and leaves, lines are edges. Data flows down the page, gradients flow up. The layer of a box is the
length of its longest path to the result; within its layer it stands near the mean position of its neighbours (the
simplest form of the method of Sugiyama, Tagawa and Toda, 1981).
"""

from __future__ import annotations

import math
import os
import sys
from collections.abc import Mapping
from html import escape
from pathlib import Path
from typing import Any

from minigrad.nn import Module
from minigrad.tensor import Tensor
from minigrad.viz.naming import name_leaves

PAGE = """<svg xmlns="http://www.w3.org/2000/svg" width="{:.0f}" height="{:.0f}" \
font-family="sans-serif" font-size="12" text-anchor="middle">
<defs><marker id="tip" viewBox="0 0 8 8" refX="8" refY="4" markerWidth="7" markerHeight="7" \
orient="auto"><path d="M0 0L8 4L0 8z" fill="#666"/></marker></defs>
<rect width="100%" height="100%" fill="white"/>"""
LINE = '<path d="M{:.1f} {:.1f}C{:.1f} {:.1f} {:.1f} {:.1f} {:.1f} {:.1f}" fill="none" stroke="#666" \
marker-end="url(#tip)"/>'
BOX = """<g class="box" data-box="{}">\
<rect x="{:.1f}" y="{:.1f}" width="{:.1f}" height="{}" rx="{}" fill="{}" stroke="#888"/>\
<text x="{:.1f}" y="{:.1f}">{}</text><text x="{:.1f}" y="{:.1f}" fill="#555">{}</text></g>"""
PIXEL = '<rect class="pixel" shape-rendering="crispEdges" x="{:.2f}" y="{:.2f}" width="{:.2f}" height="{:.2f}" \
fill="#{:02x}{:02x}{:02x}"/>'
COLOURS = {"leaf": "#cfe3f7", "constant": "#dff0dc", "operation": "#eeeeee", "result": "#fbdcb4"}
LARGEST = 500  # boxes in one picture
CHARACTER, HEIGHT, GAP, PICTURE = 7.5, 38, 26, 30  # pixels
FINEST = 16  # pixels of an image along the side of its picture


class Graph:
    """The graph of a tensor as a drawing: `svg()`, `save(path)`; a notebook shows it.

    `labels[i]` is a box's (name, shape, kind), `nodes[i]` its call or leaf, `edges` are pairs (from operand, to the
    call that read it). `names` are those of leaves, and of constants that a rule saved, such as images and
    targets, which are drawn as small pictures. With `values`, leaves show their mean and gradient's norm.

    >>> import minigrad as torch
    >>> from minigrad import viz
    >>> x = torch.tensor(2.0, requires_grad=True)
    >>> viz.Graph(x * x.exp(), {"x": x}).edges
    [(1, 0), (2, 0), (1, 2)]
    """

    def __init__(self, tensor: Tensor, names: Mapping[str, Tensor] | None = None, values: bool = False) -> None:
        if not isinstance(tensor, Tensor):
            raise TypeError(f"graph() draws a Tensor; got {type(tensor).__name__}")
        if not tensor.requires_grad:
            hint = "it was made under no_grad(), detached, or from tensors of which none has requires_grad=True."
            raise ValueError(f"there is no graph behind this tensor of shape {tuple(tensor.shape)}: {hint}")
        known = {id(named): name for name, named in (names or {}).items()}
        self.nodes, self.edges = _find_boxes(tensor.grad_fn or tensor, known)
        self.labels = [_describe(node, known, i == 0, values) for i, node in enumerate(self.nodes)]
        self._images: dict[int, list[list[float]]] = {}  # of the constants that are images
        for i, (_, _, kind) in enumerate(self.labels):
            image = _read_image(self.nodes[i]) if kind == "constant" else None
            if image is not None:
                self._images[i] = image

    def svg(self) -> str:
        """The drawing as SVG text. Raises ValueError for more than 500 boxes.

        >>> import minigrad as torch
        >>> torch.viz.graph(torch.ones(2, requires_grad=True).sum()).svg().count('class="box"')
        2
        """
        if len(self.labels) > LARGEST:
            detail = "draw a part of it."
            raise ValueError(f"{len(self.labels)} boxes are too many for one picture (at most {LARGEST}): {detail}")
        place, size = self._lay_out()
        lines = [_draw_line(*place[source], *place[target]) for source, target in self.edges]
        boxes = [part for i, centre in enumerate(place) for part in self._draw_box(i, *centre)]
        return "\n".join([PAGE.format(*size), *lines, *boxes, "</svg>"])

    _repr_svg_ = svg

    def __repr__(self) -> str:
        boxes = f"{len(self.labels)} box{'es' if len(self.labels) > 1 else ''}"
        if len(self.labels) > LARGEST:
            return f"graph of {boxes}, too many for one picture (at most {LARGEST}): draw a part of it"
        return f'graph of {boxes}: .save("graph.svg") draws it, .labels and .edges tell it in words'

    def save(self, path: str | os.PathLike[str]) -> None:
        """Writes the drawing to a file whose name ends in .svg. Raises ValueError for another name.

        >>> import minigrad as torch
        >>> torch.viz.graph(torch.ones(2, requires_grad=True).sum()).save("graph.svg")
        """
        if Path(path).suffix.lower() != ".svg":
            raise ValueError(f"a graph is saved as .svg; got {str(path)!r}")
        Path(path).write_text(self.svg() + "\n", encoding="utf-8")

    def _draw_box(self, i: int, x: float, y: float) -> list[str]:
        """A box around (x, y) with the name, the shape and the picture."""
        (name, shape, kind), width, image = self.labels[i], self._width(i), self._images.get(i)
        box = x - width / 2, y - HEIGHT / 2, width, HEIGHT, 4 if kind == "operation" else 12, COLOURS[kind]
        middle = x if image is None else x - PICTURE / 2
        drawn = BOX.format(i, *box, middle, y - 2, escape(name), middle, y + 13, escape(shape))
        if image is None:
            return [drawn]
        return [drawn, *_draw_pixels(image, x + width / 2 - PICTURE - 4, y - PICTURE / 2)]

    def _width(self, i: int) -> float:
        """The width of a box, in pixels."""
        return CHARACTER * max(len(text) for text in self.labels[i][:2]) + 16 + (PICTURE if i in self._images else 0)

    def _lay_out(self) -> tuple[list[tuple[float, float]], tuple[float, float]]:
        """The centre of each box, and the size of the page."""
        widths = [self._width(i) for i in range(len(self.labels))]
        depth = _find_depths(self.edges, len(widths))
        rows = max(depth) + 1
        layers = [[i for i, d in enumerate(depth) if d == row] for row in range(rows)]
        centre = _place_along_rows(layers, self.edges, widths)
        first = min(x - widths[i] / 2 for i, x in centre.items()) - GAP
        last = max(x + widths[i] / 2 for i, x in centre.items()) + GAP
        place = [(centre[i] - first, (rows - d - 0.5) * 2 * HEIGHT) for i, d in enumerate(depth)]
        return place, (last - first, rows * 2 * HEIGHT)


def graph(tensor: Tensor, names: Mapping[str, Tensor] | Module | None = None, values: bool = False) -> Graph:
    """The graph of operations that computed `tensor`, as a drawing.

    `names` is a dict of names of leaves, or a module, whose parameters have names. Without it leaves get the names of
    the caller's variables, and images and targets that have a name are drawn too.
    With `values`, leaves also show their mean and the norm of their gradient.
    Raises TypeError for anything but a Tensor, and for other names, ValueError for a tensor without a graph.

    >>> import minigrad as torch
    >>> from minigrad import viz
    >>> x = torch.tensor([1.0, 2.0], requires_grad=True)
    >>> viz.graph((x * x).sum()).labels
    [('Sum', '()', 'result'), ('Mul', '(2,)', 'operation'), ('x', '(2,)', 'leaf')]
    """
    frame = sys._getframe(1) if names is None else None
    return Graph(tensor, name_leaves(names, frame), values)


def _find_boxes(root: Any, known: dict[int, str]) -> tuple[list[Any], list[tuple[int, int]]]:
    """The calls and leaves below `root`, and edges: pairs of the numbers of an operand and of the call that read it.

    Constants are included if their names are `known`.
    """
    nodes: list[Any] = []
    edges: list[tuple[int, int]] = []
    numbers: dict[int, int] = {}  # by identity

    def number(node: Any) -> int:
        node = getattr(node, "variable", node)  # AccumulateGrad stands for its leaf
        if id(node) not in numbers:
            numbers[id(node)] = len(nodes)
            nodes.append(node)
        return numbers[id(node)]

    number(root)
    for reader, node in enumerate(nodes):  # the list grows during the loop: breadth first
        for operand, _ in getattr(node, "next_functions", ()):
            if operand is not None:
                edges.append((number(operand), reader))
        for constant, _ in getattr(node, "saved_operands", None) or ():
            if id(constant) in known and not constant.requires_grad:
                edges.append((number(constant), reader))
    return nodes, edges


def _describe(node: Any, known: dict[int, str], is_result: bool, values: bool) -> tuple[str, str, str]:
    """The text in the box of a call or leaf, and its kind, which determines the colour."""
    if isinstance(node, Tensor):
        name = known.get(id(node), "leaf")
        facts = str(tuple(node.shape))
        if values and node.numel():
            facts += f", mean {node.detach().double().mean().item():.3g}"
            facts += "" if node.grad is None else f", gradient {node.grad.norm().item():.3g}"
        return name, facts, "leaf" if node.requires_grad else "constant"
    shape = getattr(node, "shape", None)
    name = node.name().removesuffix("Backward0").removesuffix("Backward")
    kind = "result" if is_result else "operation"
    return name, "" if shape is None else str(tuple(shape)), kind


def _read_image(tensor: Tensor) -> list[list[float]] | None:
    """The first channel of the first image of a batch, scaled to [0, 1]; None if it is no image."""
    if tensor.ndim < 2 or not tensor.numel():
        return None
    H, W = tensor.shape[-2:]
    first = tensor.detach().reshape(-1, H, W)[0][:: -(-H // FINEST), :: -(-W // FINEST)].double()
    low, high = first.min(), first.max()
    if not bool((high - low).isfinite()):
        return None
    return ((first - low) / (high - low if high > low else 1)).tolist()


def _draw_line(x0: float, y0: float, x1: float, y1: float) -> str:
    """A curve from the bottom of the box around (x0, y0) to the top of that around (x1, y1)."""
    half = (y0 + y1) / 2
    return LINE.format(x0, y0 + HEIGHT / 2, x0, half, x1, half, x1, y1 - HEIGHT / 2)


def _draw_pixels(image: list[list[float]], left: float, top: float) -> list[str]:
    """Grey squares, from black for the smallest number to white for the largest."""
    side = PICTURE / max(len(image), len(image[0]))
    return [
        PIXEL.format(left + j * side, top + i * side, side, side, *[round(255 * value)] * 3)
        for i, row in enumerate(image)
        for j, value in enumerate(row)
    ]


def _find_depths(edges: list[tuple[int, int]], count: int) -> list[int]:
    """The length of the longest path from each box to the result, so that a box is above all its readers."""
    readers = [0] * count
    operands: list[list[int]] = [[] for _ in range(count)]
    for source, target in edges:
        readers[source] += 1
        operands[target].append(source)
    depth = [0] * count
    ready = [0]
    while ready:
        target = ready.pop()
        for source in operands[target]:
            depth[source] = max(depth[source], depth[target] + 1)
            readers[source] -= 1
            if not readers[source]:
                ready.append(source)
    return depth


def _place_along_rows(layers: list[list[int]], edges: list[tuple[int, int]], widths: list[float]) -> dict[int, float]:
    """The horizontal centre of each box, near the mean of its neighbours."""
    near: list[list[int]] = [[] for _ in widths]
    for source, target in edges:
        near[source].append(target)
        near[target].append(source)
    centre: dict[int, float] = {}
    for layer in [*layers, *reversed(layers)] * 6:
        wanted = {i: _mean([centre[n] for n in near[i] if n in centre]) for i in layer}
        layer.sort(key=lambda i: wanted[i])
        right = -math.inf
        for i in layer:  # as near to the wanted position as the left neighbour allows
            half = (widths[i] + GAP) / 2
            centre[i] = max(wanted[i], right + half)
            right = centre[i] + half
        shift = _mean([wanted[i] - centre[i] for i in layer])
        centre.update({i: centre[i] + shift for i in layer})
    return centre


def _mean(values: list[float]) -> float:
    """The mean; 0 for an empty list."""
    return sum(values) / len(values) if values else 0.0
