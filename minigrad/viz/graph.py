"""A picture of the graph behind a tensor, without the Graphviz program.

Boxes are calls and leaves, lines are the ways that gradients go. Data runs down the page, gradients
run up. The layout is Sugiyama's in its plainest form: layers by longest path, an invisible box
wherever a line crosses a layer, and a few sweeps that put each box below the middle of its
neighbours (Sugiyama, Tagawa and Toda, 1981).
"""

from __future__ import annotations

import math
import os
from collections.abc import Mapping
from html import escape
from itertools import pairwise
from pathlib import Path
from typing import Any

from minigrad.tensor import Tensor

PAGE = """<svg xmlns="http://www.w3.org/2000/svg" width="{:.0f}" height="{:.0f}" \
font-family="sans-serif" font-size="12" text-anchor="middle">
<defs><marker id="tip" viewBox="0 0 8 8" refX="8" refY="4" markerWidth="7" markerHeight="7" \
orient="auto"><path d="M0 0L8 4L0 8z" fill="#666"/></marker></defs>
<rect width="100%" height="100%" fill="white"/>"""
COLOURS = {"leaf": "#cfe3f7", "operation": "#eeeeee", "result": "#fbdcb4"}
LARGEST = 500  # boxes in one picture
CHARACTER, HEIGHT, GAP = 7.5, 38, 26  # pixels


class Graph:
    """The operations and leaves behind a tensor: `dot()`, `svg()`, `save(path)`.

    A notebook shows it as a picture; `print` shows the text for Graphviz. `labels[i]` is a box's
    (name, shape, kind), `edges` are pairs (from operand, to the call that read it).
    """

    def __init__(self, tensor: Tensor, names: Mapping[str, Tensor] | None = None) -> None:
        if not isinstance(tensor, Tensor):
            raise TypeError(f"graph() draws a Tensor; got {type(tensor).__name__}")
        if not tensor.requires_grad:
            raise ValueError(
                f"there is no graph behind this tensor of shape {tuple(tensor.shape)}: it does not "
                "require grad. It was made under no_grad(), detached, or from tensors of which "
                "none requires grad; set requires_grad=True on one of them before the computation."
            )
        known = {id(named): name for name, named in (names or {}).items()}
        self.labels: list[tuple[str, str, str]] = []
        self.edges: list[tuple[int, int]] = []
        seen: dict[int, int] = {}
        alive: list[Any] = []  # so that no id is given twice during the walk

        def visit(node: Any) -> int:
            leaf = node if isinstance(node, Tensor) else getattr(node, "variable", None)
            key = id(node if leaf is None else leaf)
            if key not in seen:
                seen[key] = len(alive)
                alive.append(node)
                self.labels.append(_label(node, leaf, known, is_result=len(alive) == 1))
            return seen[key]

        visit(tensor.grad_fn or tensor)
        for position, node in enumerate(alive):  # grows while it is walked: breadth first
            for operand, _ in getattr(node, "next_functions", ()):
                if operand is not None:
                    self.edges.append((visit(operand), position))

    def dot(self) -> str:
        """The graph in Graphviz's language."""
        boxes = [
            f'  {i} [label="{_quoted(name)}\\n{shape}", style=filled, fillcolor="{COLOURS[kind]}"];'
            for i, (name, shape, kind) in enumerate(self.labels)
        ]
        lines = [f"  {source} -> {target};" for source, target in self.edges]
        return "\n".join(["digraph {", "  node [shape=box, fontsize=11];", *boxes, *lines, "}"])

    def svg(self) -> str:
        """The graph as a drawing; ValueError beyond 500 boxes, where no eye could follow."""
        if len(self.labels) > LARGEST:
            raise ValueError(
                f"{len(self.labels)} boxes are too many for one picture (at most {LARGEST}): draw "
                "a smaller part of the computation, or give dot() to Graphviz."
            )
        routes, place, size = self._layout()
        parts = [PAGE.format(*size)]
        for route in routes:
            points = [place[i] for i in route]
            path = f"M{points[0][0]:.1f} {points[0][1] + HEIGHT / 2:.1f}"
            for (x0, y0), (x1, y1) in pairwise(points):
                half = (y0 + y1) / 2
                end = y1 - HEIGHT / 2 if (x1, y1) == points[-1] else y1
                path += f"C{x0:.1f} {half:.1f} {x1:.1f} {half:.1f} {x1:.1f} {end:.1f}"
            parts.append(f'<path d="{path}" fill="none" stroke="#666" marker-end="url(#tip)"/>')
        for i, (name, shape, kind) in enumerate(self.labels):
            (x, y), width = place[i], self._width(i)
            parts.append(
                f'<rect x="{x - width / 2:.1f}" y="{y - HEIGHT / 2:.1f}" width="{width:.1f}" '
                f'height="{HEIGHT}" rx="{4 if kind == "operation" else 12}" '
                f'fill="{COLOURS[kind]}" stroke="#888"/>'
                f'<text x="{x:.1f}" y="{y - 2:.1f}">{escape(name)}</text>'
                f'<text x="{x:.1f}" y="{y + 13:.1f}" fill="#555">{escape(shape)}</text>'
            )
        return "\n".join([*parts, "</svg>"])

    def save(self, path: str | os.PathLike[str]) -> None:
        """Write the picture (a name ending in .svg) or Graphviz's text (.dot, .gv)."""
        ending = Path(path).suffix.lower()
        if ending not in (".svg", ".dot", ".gv"):
            raise ValueError(f"a graph is saved as .svg, .dot or .gv; got {str(path)!r}")
        text = self.svg() if ending == ".svg" else self.dot()
        Path(path).write_text(text + "\n", encoding="utf-8")

    def __str__(self) -> str:
        return self.dot()

    def _repr_svg_(self) -> str:
        return self.svg()

    def _width(self, i: int) -> float:
        """How wide a box is; those past the last label are the invisible ones, on a line's way."""
        if i >= len(self.labels):
            return 8
        return CHARACTER * max(len(text) for text in self.labels[i][:2]) + 16

    def _layout(self) -> tuple[list[list[int]], dict[int, tuple[float, float]], tuple[float, float]]:
        """Each line's way through the layers, each box's centre, and the size of the page."""
        depth = _longest_paths(self.edges, len(self.labels))
        layers: list[list[int]] = [[] for _ in range(max(depth) + 1)]
        for i, d in enumerate(depth):
            layers[d].append(i)
        routes = []
        neighbours: dict[int, list[int]] = {}
        for source, target in self.edges:
            route = [source]
            for d in range(depth[source] - 1, depth[target], -1):
                route.append(len(depth))
                depth.append(d)
                layers[d].append(route[-1])
            route.append(target)
            routes.append(route)
            for above, below in pairwise(route):
                neighbours.setdefault(above, []).append(below)
                neighbours.setdefault(below, []).append(above)
        centre: dict[int, float] = {}
        for _ in range(6):
            for layer in [*layers, *reversed(layers)]:
                wish = {i: _mean([centre[n] for n in neighbours.get(i, ()) if n in centre]) for i in layer}
                layer.sort(key=lambda i: wish[i])
                right = -math.inf
                for i in layer:  # each as near its wish as its left neighbour lets it
                    half = (self._width(i) + GAP) / 2
                    centre[i] = max(wish[i], right + half)
                    right = centre[i] + half
                shift = _mean([wish[i] - centre[i] for i in layer])
                centre.update({i: centre[i] + shift for i in layer})
        first = min(centre[i] - self._width(i) / 2 for i in centre) - GAP
        last = max(centre[i] + self._width(i) / 2 for i in centre) + GAP
        rows = len(layers)
        place = {i: (x - first, (rows - depth[i] - 0.5) * 2 * HEIGHT) for i, x in centre.items()}
        return routes, place, (last - first, rows * 2 * HEIGHT)


def graph(tensor: Tensor, names: Mapping[str, Tensor] | None = None) -> Graph:
    """The graph of operations behind `tensor`, ready to be drawn.

    `names` gives leaves their names, for example ``dict(net.named_parameters())``. Raises TypeError
    for anything but a Tensor, ValueError for a tensor without a graph.

    >>> import minigrad as torch
    >>> from minigrad import viz
    >>> x = torch.tensor([1.0, 2.0], requires_grad=True)
    >>> viz.graph((x * x).sum(), {"x": x}).edges
    [(1, 0), (2, 1), (2, 1)]
    """
    return Graph(tensor, names)


def _label(node: Any, leaf: Any, known: dict[int, str], is_result: bool) -> tuple[str, str, str]:
    if leaf is not None:
        name = known.get(id(leaf), "leaf")
        return name, str(tuple(leaf.shape)), "leaf"
    shape = getattr(node, "shape", None)
    name = node.name().removesuffix("Backward0").removesuffix("Backward")
    kind = "result" if is_result else "operation"
    return name, "" if shape is None else str(tuple(shape)), kind


def _longest_paths(edges: list[tuple[int, int]], count: int) -> list[int]:
    """The most steps between each box and the result: so a box stands above all its readers."""
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


def _mean(values: list[float]) -> float:
    return sum(values) / len(values) if values else 0.0


def _quoted(text: str) -> str:
    return text.replace("\\", "\\\\").replace('"', '\\"')
