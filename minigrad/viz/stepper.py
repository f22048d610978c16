"""`stepper`: the backward walk as an animation over the graph, with the gradient rule and the numbers of each step.

`stepper(loss)` runs the walk once, observed by hooks, and writes one self-contained HTML element: a notebook shows it,
a browser opens it from a file, and nothing is loaded from the network.
"""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Mapping
from html import escape
from pathlib import Path
from typing import Any

from minigrad.autograd import grad
from minigrad.nn import Module
from minigrad.tensor import Tensor
from minigrad.viz.graph import Graph
from minigrad.viz.naming import name_leaves

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
PAGE = """<div class="minigrad-stepper">
<style>.minigrad-stepper {{ font-family: system-ui, sans-serif; line-height: 1.5; }}
.minigrad-stepper .now rect {{ stroke: #b3261e; stroke-width: 4; }}
.minigrad-stepper .done rect {{ stroke: #1b6e3c; stroke-width: 2.5; }}
.minigrad-stepper pre {{ white-space: pre-wrap; font-family: monospace; }}</style>
<p><button type="button" data-do="first">start</button> <button type="button" data-do="back">back</button>
<button type="button" data-do="next">next</button> <button type="button" data-do="play">play</button>
<span data-show="count"></span></p>
<div style="overflow-x: auto">{svg}</div>
<p data-show="rule" aria-live="polite"></p><pre data-show="numbers"></pre>
<script>(() => {{
  const root = document.currentScript.parentElement, steps = {steps};
  const show = (name) => root.querySelector(`[data-show="${{name}}"]`);
  let at = 0, timer = 0;
  const draw = () => {{
    root.querySelectorAll("g.box").forEach((box) => box.classList.remove("now", "done"));
    steps.forEach((step, i) => {{
      const box = root.querySelector(`g.box[data-box="${{step.box}}"]`);
      if (i < at) box.classList.add("done");
      if (i === at) box.classList.replace("done", "now") || box.classList.add("now");
    }});
    show("count").textContent = `step ${{at + 1}} of ${{steps.length}}`;
    show("rule").textContent = steps[at].rule;
    show("numbers").textContent = steps[at].numbers;
  }};
  const player = root.querySelector('[data-do="play"]');
  const stop = () => {{ clearInterval(timer); timer = 0; player.textContent = "play"; }};
  const moves = {{
    first: () => {{ stop(); at = 0; }},
    back: () => {{ stop(); at = Math.max(0, at - 1); }},
    next: () => {{ stop(); at = Math.min(steps.length - 1, at + 1); }},
    play: () => {{
      if (timer) {{ stop(); return; }}
      if (at === steps.length - 1) at = 0;
      player.textContent = "pause";
      timer = setInterval(() => {{ if (at < steps.length - 1) {{ at += 1; draw(); }} else stop(); }}, 1200);
    }},
  }};
  root.querySelectorAll("[data-do]").forEach((button) =>
    button.addEventListener("click", () => {{ moves[button.dataset.do](); draw(); }}));
  draw();
}})();</script></div>"""


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
        steps = json.dumps(self.steps).replace("</", "<\\/")
        return PAGE.format(svg=self.graph.svg(), steps=steps)

    _repr_html_ = html

    def save(self, path: str | os.PathLike[str]) -> None:
        """Writes a page to a file whose name ends in .html. Raises ValueError for another name.

        >>> import minigrad as torch
        >>> torch.viz.stepper(torch.ones(2, requires_grad=True).sum()).save("walk.html")
        """
        if Path(path).suffix.lower() != ".html":
            raise ValueError(f"a stepper is saved as .html; got {str(path)!r}")
        title = escape(f"backward from {self.graph.labels[0][0]}")
        head = f'<meta charset="utf-8"><title>{title}</title><link rel="icon" href="data:,">'  # none to fetch
        page = f'<!DOCTYPE html><html lang="en"><head>{head}</head><body>{self.html()}</body></html>\n'
        Path(path).write_text(page, encoding="utf-8")


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
