"""Images by matplotlib: an image or feature map, a kernel, a confusion matrix, and figures that hold several.

Each takes values (Tensors, arrays or lists) and the matplotlib axes to draw on, and returns the axes. Without
axes it makes a new figure, which a notebook shows: `kernel(weight).figure.savefig("kernel.png")`.
`maps` and `grid` draw several images, their pixels of one size.
"""

from __future__ import annotations

import io
from collections.abc import Mapping, Sequence
from importlib.util import find_spec
from typing import Any

import numpy as np

from minigrad.ops.arguments import as_int
from minigrad.shown_values import show_value
from minigrad.tensor import Tensor
from minigrad.viz.tables import find_largest

READABLE = 150  # up to so many pixels the values are written into the image


def can_draw() -> bool:
    """True if matplotlib is installed.

    >>> from minigrad import viz
    >>> viz.can_draw()
    True
    """
    return find_spec("matplotlib") is not None


def figure(
    rows: int = 1, columns: int = 1, title: str = "", widths: Sequence[float] | None = None,
    size: tuple[float, float] | None = None,
) -> tuple[Any, list[Any]]:  # fmt: skip
    """A figure of rows x columns panels: (figure, axes row by row), without a window and without global state.

    `widths` are the columns' shares of the width, `size` is in inches.

    Raises ImportError, with the command that helps, where matplotlib is not installed.

    >>> from minigrad import viz
    >>> picture, (left, right) = viz.figure(1, 2)
    >>> viz.loss_curve([4.0, 2.0, 1.0], left) is left
    True
    """
    if not can_draw():
        raise ImportError("drawing needs matplotlib, which is not installed: pip install matplotlib")
    from matplotlib.figure import Figure

    made = Figure(figsize=size or (4.2 * columns, 3.2 * rows), layout="constrained")
    if title:
        made.suptitle(title)
    return show_as(made, made), list(made.subplots(rows, columns, squeeze=False, width_ratios=widths).flat)


def show_as(what: Any, picture: Any) -> Any:
    """`what`, extended so that a notebook shows it as `picture`."""

    def png() -> bytes:
        file = io.BytesIO()
        picture.savefig(file, format="png")
        return file.getvalue()

    what._repr_png_ = png
    return what


def feature_map(image: Any, axes: Any = None, title: str = "feature map") -> Any:
    """An image or a feature map in grey: (H, W), or any shape whose other axes are of size 1.

    A small one has its values written into its pixels, a large one has a colour bar.

    >>> import minigrad as torch
    >>> from minigrad import viz
    >>> [text.get_text() for text in viz.feature_map(torch.tensor([[0.5, 1.0]])).texts]
    ['0.5', '1']
    """
    axes = find_axes(axes)
    picture = _as_plane(image, "an image")
    drawn = draw_plane(axes, picture, title)
    if picture.size > READABLE:
        axes.figure.colorbar(drawn, ax=axes, shrink=0.8)
    axes.set(xticks=[], yticks=[])
    return axes


def same_pixels(*panels: Any) -> None:
    """Shows the images of several panels with pixels of equal size, each centred in its panel.

    >>> import minigrad as torch
    >>> from minigrad import viz
    >>> picture, (left, right) = viz.figure(1, 2)
    >>> small, large = viz.feature_map(torch.ones(2, 2), left), viz.feature_map(torch.ones(4, 6), right)
    >>> viz.same_pixels(small, large)
    >>> [float(end) for end in small.get_xlim()], [float(end) for end in large.get_xlim()]
    ([-2.5, 3.5], [-0.5, 5.5])
    """
    from matplotlib.patches import Rectangle

    if not panels:
        raise ValueError("same_pixels takes panels that show images: same_pixels(*figure.axes)")
    shapes = [panel.get_images()[0].get_array().shape for panel in panels]
    height, width = (max(shape[axis] for shape in shapes) for axis in (0, 1))
    for panel, (rows, columns) in zip(panels, shapes, strict=True):
        down, across = (rows - 1) / 2, (columns - 1) / 2
        panel.set(xlim=(across - width / 2, across + width / 2), ylim=(down + height / 2, down - height / 2))
        panel.axis("off")
        frame = Rectangle((-0.5, -0.5), columns, rows, fill=False, edgecolor="grey", linewidth=1, clip_on=False)
        panel.add_patch(frame)


def kernel(weight: Any, axes: Any = None, title: str = "kernel") -> Any:
    """A kernel (kh, kw) as coloured cells with its numbers, blue below zero and red above.

    >>> import minigrad as torch
    >>> from minigrad import viz
    >>> [text.get_text() for text in viz.kernel(torch.tensor([[1.0, -1.0]])).texts]
    ['1.00', '-1.00']
    """
    axes = find_axes(axes)
    cells = _as_plane(weight, "a kernel")
    bound = find_largest(cells)
    axes.imshow(cells, cmap="RdBu_r", vmin=-1.6 * bound, vmax=1.6 * bound)  # so light that the numbers are readable
    for (i, j), value in np.ndenumerate(cells):
        axes.text(j, i, f"{value:z.2f}", ha="center", va="center")
    axes.set(title=title, xticks=[], yticks=[])
    return axes


def confusion(counts: Any, names: Sequence[str] | None = None, axes: Any = None, title: str = "confusion") -> Any:
    """A confusion matrix: how many of each class (row) were predicted as which class (column), with the counts.

    Raises ValueError unless it is a square matrix with as many names.

    >>> from minigrad import viz
    >>> axes = viz.confusion([[9, 1], [0, 7]], ["cat", "dog"])
    >>> [text.get_text() for text in axes.texts]
    ['9', '1', '7']
    """
    cells = as_array(counts)
    if cells.ndim != 2 or cells.shape[0] != cells.shape[1]:
        detail = "count pairs first: counts = np.zeros((C, C), int); np.add.at(counts, (labels, predictions), 1)"
        raise ValueError(f"expected a confusion matrix of shape (classes, classes), got {cells.shape}; {detail}")
    if not cells.size:
        raise ValueError("there is nothing to draw in a confusion matrix of no classes")
    classes = range(len(cells))
    names = [str(c) for c in classes] if names is None else list(names)
    if len(names) != len(cells):
        raise ValueError(f"expected {len(cells)} names, one for each class, got {len(names)}")
    axes = find_axes(axes)
    mistakes = np.where(np.eye(len(cells), dtype=bool), 0, cells)
    axes.imshow(mistakes, cmap="Reds")
    for (i, j), value in np.ndenumerate(cells):
        if value:
            colour = "white" if mistakes[i, j] > 0.6 * mistakes.max() else "black"
            axes.text(j, i, str(value), ha="center", va="center", fontsize="small", color=colour)
    axes.set(title=title, xticks=classes, yticks=classes, xlabel="predicted class", ylabel="true class")
    axes.set_xticklabels(names)
    axes.set_yticklabels(names)
    return axes


def maps(images: Mapping[str, Any], title: str = "") -> Any:
    """Images and feature maps side by side, by name, with pixels of equal size; small ones with their values.

    >>> import minigrad as torch
    >>> from minigrad import viz
    >>> picture = viz.maps({"image": torch.ones(6, 8), "edges": torch.zeros(6, 7)})
    >>> [axes.get_title() for axes in picture.axes]
    ['image', 'edges']
    """
    if not isinstance(images, Mapping) or not images:
        raise TypeError(f"maps takes images by name, maps({{'image': x}}), got {show_value(images)}")
    planes = {name: _as_plane(image, "an image") for name, image in images.items()}
    rows, columns = (max(plane.shape[axis] for plane in planes.values()) for axis in (0, 1))
    made, places = figure(1, len(planes), title, size=(0.42 * columns * len(planes) + 0.5, 0.42 * rows + 0.7))
    for axes, (name, plane) in zip(places, planes.items(), strict=True):
        draw_plane(axes, plane, name)
    same_pixels(*places)
    return made


def grid(values: Any, titles: Sequence[str] | None = None, columns: int | None = None, title: str = "") -> Any:
    """Several kernels (O, C, kh, kw) or maps (C, H, W) as a grid with a common colour scale.

    A row holds the channels of one kernel, if there are several. Blue is below zero, red above. Raises ValueError for
    another number of axes, or of titles, and where there is nothing to draw.

    >>> import minigrad as torch
    >>> from minigrad import viz
    >>> len(viz.grid(torch.nn.Conv2d(3, 4, 5).weight).axes)
    12
    """
    array = as_array(values)
    if array.ndim not in (3, 4):
        raise ValueError(f"expected kernels (O, C, kh, kw) or maps (C, H, W), got {array.shape}")
    if array.ndim == 4 and array.shape[1] > 1:
        columns = array.shape[1] if columns is None else columns
    if not array.size:
        raise ValueError(f"there is nothing to draw in kernels or maps of shape {array.shape}")
    planes = array.reshape(-1, *array.shape[-2:])  # (O, C, kh, kw) -> (O * C, kh, kw)
    if titles is not None and len(titles) != len(planes):
        raise ValueError(f"expected {len(planes)} titles, one for each image, got {len(titles)}")
    columns = as_int(columns or int(np.ceil(np.sqrt(len(planes)))), "columns")
    rows = -(-len(planes) // columns)
    made, places = figure(rows, columns, title, size=(1.3 * columns, 1.3 * rows + 0.4))
    bound = find_largest(planes)
    for i, axes in enumerate(places):
        axes.axis("off")
        if i < len(planes):
            axes.imshow(planes[i], cmap="RdBu_r", vmin=-bound, vmax=bound)
            axes.set_title("" if titles is None else titles[i], fontsize="small")
    return made


def draw_plane(axes: Any, plane: Any, title: str = "") -> Any:
    """Draws an image in grey, with its values if they are readable; returns matplotlib's image.

    Pixels that are not finite are left out.
    """
    drawn = axes.imshow(np.ma.masked_invalid(plane), cmap="gray")
    axes.set_title(title)
    if plane.size > READABLE:
        return drawn
    finite = plane[np.isfinite(plane)]
    low, high = float(finite.min(initial=0)), float(finite.max(initial=0))
    for (i, j), value in np.ndenumerate(plane):
        bright = high > low and (value - low) / (high - low) > 0.45  # text is black on bright pixels
        text = f"{value:.2g}" if max(high, -low) < 0.05 else f"{value:z.2f}".rstrip("0").rstrip(".")
        axes.text(j, i, text, ha="center", va="center", fontsize=8, color="black" if bright else "white")
    return drawn


def find_axes(axes: Any) -> Any:
    """The given axes, or those of a new figure, which a notebook shows."""
    if axes is not None:
        return axes
    made, (alone,) = figure()
    return show_as(alone, made)


def as_array(values: Any) -> Any:
    """A NumPy array of a tensor, an array or a list."""
    return values.detach().cpu().numpy() if isinstance(values, Tensor) else np.asarray(values)


def _as_plane(values: Any, what: str) -> Any:
    """Drops leading axes of length 1: (1, 1, H, W) -> (H, W)."""
    array = as_array(values)
    if array.ndim < 2 or array.size != array.shape[-2] * array.shape[-1]:
        detail = "pick one of several, for example x[0, 0]"
        raise ValueError(f"expected {what} of shape (H, W) or (1, 1, H, W), got {array.shape}; {detail}")
    if not array.size:
        raise ValueError(f"there is nothing to draw in {what} of shape {array.shape}")
    return array.reshape(array.shape[-2:])
