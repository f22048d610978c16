"""Curves by matplotlib, over the steps or epochs of a training: losses, accuracies, the weights of a kernel.

They take lists of numbers and the axes to draw on, as the images of `panels.py` do:
`loss_curve(losses).figure.savefig("loss.png")`.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from minigrad.shown_values import show_value
from minigrad.viz.panels import as_array, find_axes

Curves = Mapping[str, Sequence[float]] | Sequence[float]  # one, or several by name


def loss_curve(losses: Curves, axes: Any = None, title: str = "loss") -> Any:
    """The loss over the steps, one line or several by name; what is not finite is left out.

    The scale is logarithmic if some losses are positive and none is negative; those that are 0 are then left out, too.

    >>> from minigrad import viz
    >>> viz.loss_curve([4.0, 2.0, 1.0]).get_yscale()
    'log'
    >>> axes = viz.loss_curve({"training": [1.0, 0.1], "test": [1.1, 1.5]})
    """
    axes = find_axes(axes)
    drawn = [loss for curve in _draw_curves(axes, losses) for loss in curve if abs(loss) < float("inf")]
    if min(drawn, default=0) >= 0 and max(drawn, default=0) > 0:
        axes.set_yscale("log")
        low, high = axes.get_ylim()
        axes.yaxis.set_major_formatter("{x:g}")  # 0.1, not a power of ten
        axes.yaxis.set_minor_formatter("{x:g}" if high < 10 * low else "")  # labels between powers of ten have room
    axes.xaxis.get_major_locator().set_params(integer=True, min_n_ticks=1)
    axes.set(title=title, xlabel="step")
    return axes


def kernel_history(history: Sequence[Any], axes: Any = None, title: str = "kernel over time") -> Any:
    """Every weight of a kernel over the steps: a sequence of tensors of one shape. Up to 9 weights are named.

    Raises ValueError for none.

    >>> import minigrad as torch
    >>> from minigrad import viz
    >>> axes = viz.kernel_history([torch.zeros(1, 2), torch.ones(1, 2)])
    >>> [text.get_text() for text in axes.get_legend().texts]
    ['[0, 0]', '[0, 1]']
    """
    if not len(history):
        raise ValueError("kernel_history draws a list of kernels, one for each step: this one is empty")
    axes = find_axes(axes)
    paths = np.stack([as_array(weight).reshape(-1) for weight in history])  # (steps, weights)
    shape = as_array(history[0]).shape
    while len(shape) > 2 and shape[0] == 1:
        shape = shape[1:]  # (1, 1, h, w) -> (h, w)
    lines = axes.plot(paths)
    if len(lines) <= 9:
        names = [f"[{', '.join(map(str, place))}]" for place in np.ndindex(*shape)]
        axes.legend(lines, names, fontsize="small")
    axes.set(title=title, xlabel="step")
    return axes


def accuracy(history: Curves, axes: Any = None, title: str = "accuracy") -> Any:
    """Accuracies between 0 and 1 over the epochs: one line, or several by name. Raises ValueError for percents.

    >>> from minigrad import viz
    >>> axes = viz.accuracy({"training": [0.5, 0.9], "test": [0.5, 0.8]})
    >>> [line.get_label() for line in axes.lines]
    ['training', 'test']
    """
    axes = find_axes(axes)
    for curve in _draw_curves(axes, history, marker="."):
        if any(share > 1 for share in curve):
            raise ValueError(f"accuracies lie between 0 and 1, got {max(curve):g}: divide percents by 100")
    axes.set(title=title, xlabel="epoch", ylim=(0, 1.02))
    return axes


def _draw_curves(axes: Any, history: Curves, **style: str) -> list[Sequence[float]]:
    """Draws each curve over the numbers from 1 on, with a legend for those by name, and returns them."""
    curves: Mapping[str, Any] = history if isinstance(history, Mapping) else {"": history}
    for name, values in curves.items():
        is_list = hasattr(values, "__len__") and not isinstance(values, str)
        if not is_list or any(isinstance(x, str) or np.ndim(x) for x in values):
            got = f"{name!r} got" if name else "got"
            raise TypeError(f"a curve is a list of numbers, one for each step; {got} {show_value(values)}")
        axes.plot(range(1, len(values) + 1), values, label=name, **style)
    if isinstance(history, Mapping) and curves:
        axes.legend(fontsize="small")
    return [*curves.values()]
