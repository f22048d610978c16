"""Panels for a lesson's picture: an image or feature map, a kernel, a loss, a kernel over time.

Each takes values (Tensors, arrays or lists) and the matplotlib axes to draw on, and returns the
axes. Without axes it draws on a figure of its own: `loss_curve(losses).figure.savefig("loss.png")`.
"""

from __future__ import annotations

from collections.abc import Sequence
from importlib.util import find_spec
from typing import Any

import numpy as np

from minigrad.tensor import Tensor


def can_draw() -> bool:
    """True where matplotlib is installed."""
    return find_spec("matplotlib") is not None


def figure(rows: int = 1, columns: int = 1, title: str = "") -> tuple[Any, list[Any]]:
    """A figure of rows x columns panels: (figure, axes row by row). No window, no global state.

    Raises ImportError, with the command that helps, where matplotlib is not installed.

    >>> from minigrad import viz
    >>> picture, (left, right) = viz.figure(1, 2)
    >>> viz.loss_curve([4.0, 2.0, 1.0], left).get_yscale()
    'log'
    """
    if not can_draw():
        raise ImportError('drawing needs matplotlib, which is not installed: pip install "minigrad[examples]"')
    from matplotlib.figure import Figure

    made = Figure(figsize=(4.2 * columns, 3.2 * rows), layout="constrained")
    if title:
        made.suptitle(title)
    return made, list(made.subplots(rows, columns, squeeze=False).flat)


def feature_map(image: Any, axes: Any = None, title: str = "feature map") -> Any:
    """An image or a feature map in grey: (H, W), or any shape whose other axes are of size 1."""
    axes = _axes(axes)
    picture = _plane(image, "an image")
    axes.figure.colorbar(axes.imshow(picture, cmap="gray"), ax=axes, shrink=0.8)
    axes.set(title=title, xticks=[], yticks=[])
    return axes


def kernel(weight: Any, axes: Any = None, title: str = "kernel") -> Any:
    """A kernel's numbers written into its cells, blue below zero and red above: (kh, kw)."""
    axes = _axes(axes)
    cells = _plane(weight, "a kernel")
    bound = float(np.abs(cells).max(initial=0.0)) or 1.0
    axes.imshow(cells, cmap="RdBu_r", vmin=-1.6 * bound, vmax=1.6 * bound)
    for (i, j), value in np.ndenumerate(cells):
        axes.text(j, i, f"{value:z.2f}", ha="center", va="center")
    axes.set(title=title, xticks=[], yticks=[])
    return axes


def loss_curve(losses: Sequence[float], axes: Any = None, title: str = "loss") -> Any:
    """The loss over the steps, in powers of ten; steps that are not finite are left out."""
    axes = _axes(axes)
    axes.plot(range(1, len(losses) + 1), losses)
    if any(0 < loss < float("inf") for loss in losses):
        axes.set_yscale("log")
    axes.set(title=title, xlabel="step")
    return axes


def kernel_history(history: Sequence[Any], axes: Any = None, title: str = "kernel over time") -> Any:
    """Every weight of a kernel over the steps: a sequence of tensors of one shape."""
    axes = _axes(axes)
    paths = np.stack([_array(weight).reshape(-1) for weight in history])  # (steps, weights)
    shape = _array(history[0]).shape[-2:]
    lines = axes.plot(paths)
    if len(lines) <= 9:
        names = [f"[{', '.join(map(str, place))}]" for place in np.ndindex(*shape)]
        axes.legend(lines, names, fontsize="small")
    axes.set(title=title, xlabel="step")
    return axes


def _axes(axes: Any) -> Any:
    return figure()[1][0] if axes is None else axes


def _array(values: Any) -> Any:
    return values.detach().cpu().numpy() if isinstance(values, Tensor) else np.asarray(values)


def _plane(values: Any, what: str) -> Any:
    """The last two axes, where all others are of size 1."""
    array = _array(values)
    if array.ndim < 2 or array.size != array.shape[-2] * array.shape[-1]:
        raise ValueError(
            f"expected {what} of shape (H, W) or (1, 1, H, W), got {array.shape}; pick one of "
            "several, for example x[0, 0]"
        )
    return array.reshape(array.shape[-2:])
