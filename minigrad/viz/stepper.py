"""`stepper`: the backward walk as an animation over the graph, with the gradient rule and the numbers of each step.

`stepper(loss)` runs the walk once, observed by hooks, and writes a page that plays it (`player.py`).
"""

from __future__ import annotations

import os
import sys
from collections.abc import Mapping
from typing import Any

from minigrad.autograd import grad
from minigrad.nn import Module
from minigrad.tensor import Tensor
from minigrad.viz.graph import Graph
from minigrad.viz.naming import name_leaves
from minigrad.viz.player import save_page, write_player

LARGEST = 64  # a gradient of more numbers is shown by its norm
# The gradient rule of each operation in words, by the name of its box; g is the gradient that arrives.
RULES = {
    "Add": "both terms get g; where one was stretched, its shares are added up",
    "Sub": "the first gets g, the second gets -g",
    "Mul": "each factor gets g times the other factor",
    "Div": "the numerator gets g / y, the denominator -g * x / y^2",
    "Neg": "-g",
    "Pow": "g * n * x^(n - 1)",
    "Exp": "g times the result",
    "Log": "g / x",
    "Sqrt": "g / (2 * the result)",
    "Relu": "g where x was above 0, and 0 elsewhere",
    "Sigmoid": "g * s * (1 - s), with s the result",
    "Tanh": "g * (1 - t^2), with t the result",
    "Sum": "every term gets g",
    "Mean": "every term gets g / n",
    "Mm": "the left factor gets g @ right^T, the right one left^T @ g",
    "Linear": "x gets g @ w, w gets g^T @ x, the bias the sum of g over the rows",
    "Conv2d": "x gets g laid down through the kernel, w the correlation of x with g, the bias the sum of g",
    "Convolution": "x gets g laid down through the kernel, w the correlation of x with g, the bias the sum of g",
    "View": "g in the old shape",
    "Reshape": "g in the old shape",
    "Transpose": "g, its axes exchanged back",
    "T": "g, transposed",
    "Select": "zeros, with g where the part was taken",
    "Slice": "zeros, with g where the part was taken",
    "MaxPool2D": "g to the largest pixel of each window, 0 to the others",
    "MseLoss": "2 * (prediction - target) * g, over n for a mean",
}
STYLE = """.minigrad-stepper .now rect { stroke: #b3261e; stroke-width: 4; }
.minigrad-stepper .done rect { stroke: #1b6e3c; stroke-width: 2.5; }"""
BODY = """<div style="overflow-x: auto">{}</div>
<p data-show="rule" aria-live="polite"></p><pre data-show="numbers"></pre>"""
DRAW = """    root.querySelectorAll("g.box").forEach((box) => box.classList.remove("now", "done"));
    steps.forEach((step, i) => {
      const box = root.querySelector(`g.box[data-box="${step.box}"]`);
      if (i < at) box.classList.add("done");
      if (i === at) box.classList.replace("done", "now") || box.classList.add("now");
    });
    show("rule").textContent = steps[at].rule;
    show("numbers").textContent = steps[at].numbers;"""


class Stepper:
    """The steps of one backward walk: `html()`, `save(path)`; a notebook shows it.

    Each of `steps` is a dict: `box`, the number of a box in the graph, its `name`, the `rule` in words, and the
    `numbers` that arrived.

    >>> import minigrad as torch
    >>> from minigrad import viz
    >>> x = torch.tensor(3.0, requires_grad=True)
    >>> y = x * x
    >>> [step["numbers"] for step in viz.Stepper(y, viz.Graph(y, {"x": x})).steps]
    ['tensor(1.)', 'tensor(6.)']
    """

    def __init__(self, tensor: Tensor, graph: Graph) -> None:
        self.graph = graph
        self.steps: list[dict[str, Any]] = []
        walked = [(i, node) for i, node in enumerate(graph.nodes) if graph.labels[i][2] != "constant"]
        handles = [self._watch(box, node) for box, node in walked]
        leaves = [node for _, node in walked if isinstance(node, Tensor)]
        try:
            seed = None if tensor.numel() == 1 else tensor.new_ones(tensor.shape)
            grad(tensor, leaves, seed, retain_graph=True, allow_unused=True)
        finally:
            for handle in handles:
                handle.remove()

    def _watch(self, box: int, node: Any) -> Any:
        """Registers a hook that records what arrives at a box; returns its handle."""
        if isinstance(node, Tensor):
            return node.register_hook(lambda g: self._note(box, [g]))
        return node.register_prehook(lambda gradients: self._note(box, gradients))

    def _note(self, box: int, gradients: Any) -> None:
        """Records a step: gradients have arrived at a box, one for each of its results that was used."""
        numbers = "\n".join([_write_numbers(gradient) for gradient in gradients if gradient is not None])
        name, shape, kind = self.graph.labels[box]
        if kind == "leaf":
            rule = f"{name} {shape}: all its shares have arrived. This is its gradient."
        else:
            done = RULES.get(name.rstrip("0123456789"), "its rule turns g into the gradients of its operands")
            rule = f"{name} {shape}: g arrives. Rule: {done}."
        self.steps.append({"box": box, "name": name, "rule": rule, "numbers": numbers})

    def html(self) -> str:
        """One HTML element with the picture, the buttons and all numbers.

        >>> import minigrad as torch
        >>> torch.viz.stepper(torch.ones(2, requires_grad=True).sum()).html()[:30]
        '<div class="minigrad-stepper">'
        """
        return write_player("stepper", STYLE, BODY.format(self.graph.svg()), DRAW, self.steps)

    _repr_html_ = html

    def __repr__(self) -> str:
        return f'walk of {len(self.steps)} steps: .save("walk.html") plays it, .steps tells it in words'

    def save(self, path: str | os.PathLike[str]) -> None:
        """Writes a page to a file whose name ends in .html. Raises ValueError for another name.

        >>> import minigrad as torch
        >>> torch.viz.stepper(torch.ones(2, requires_grad=True).sum()).save("walk.html")
        """
        save_page(path, "a stepper", f"backward from {self.graph.labels[0][0]}", self.html())


def stepper(tensor: Tensor, names: Mapping[str, Tensor] | Module | None = None) -> Stepper:
    """The backward walk from `tensor` as an animation, box by box; `.grad` of its leaves is not changed.

    For a tensor of several numbers the walk starts from their sum. `names` and errors are those of `graph`.

    >>> import minigrad as torch
    >>> from minigrad import viz
    >>> x = torch.tensor([1.0, 2.0], requires_grad=True)
    >>> [step["name"] for step in viz.stepper((x * x).sum()).steps]
    ['Sum', 'Mul', 'x']
    """
    frame = sys._getframe(1) if names is None else None
    return Stepper(tensor, Graph(tensor, name_leaves(names, frame)))


def _write_numbers(gradient: Any) -> str:
    """A gradient as printed text, or its norm if it is too long."""
    if gradient.numel() > LARGEST:
        return f"{gradient.numel()} numbers, their norm {gradient.detach().norm().item():.4g}"
    return repr(gradient.detach())
