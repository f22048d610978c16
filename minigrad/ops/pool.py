"""Pooling: one number for each window. Average pooling sums, max pooling selects.

Both are linear when the indices of the maxima are fixed: the gradient is the adjoint operation, whose gradient is the
pooling again. The gradient stays connected to the image, with derivative 0.
"""

from __future__ import annotations

from typing import Any

from minigrad import kernels
from minigrad.autograd import operation
from minigrad.ops.piecewise import tie

# Reading an image at the indices that max pooling returned, and its adjoint. `apart`: no two windows share a pixel.
read_places = operation(
    "max_pool2d_gather",
    lambda x, places, *, apart: kernels.max_pool2d_gather(x, places),
    lambda g, x_shape, places, apart: write_places(g, places, size=x_shape[-2:], apart=apart),
    None,
)
write_places: Any = operation(
    "max_pool2d_scatter",
    lambda g, places, *, size, apart: kernels.max_pool2d_input(g, places, size, apart),
    lambda v, places, apart: read_places(v, places, apart=apart),
    None,
)
# The maxima; their indices are written into the second operand.
max_pool2d = operation(
    "max_pool2d",
    lambda x, places, *, geometry: kernels.max_pool2d(x, places, geometry),
    lambda g, x, places, geometry: tie(write_places(g, places, size=x.shape[-2:], apart=geometry.apart), x),
    None,
    shown="MaxPool2DWithIndicesBackward0",
)
adaptive_max_pool2d = operation(
    "adaptive_max_pool2d",
    lambda x, places, *, apart: kernels.adaptive_max_pool2d(x, places),
    lambda g, x, places, apart: tie(
        write_places(require_windows(g, "adaptive_max_pool2d"), places, size=x.shape[-2:], apart=apart), x
    ),
    None,
    shown="AdaptiveMaxPool2DBackward0",
)


def make_average_pooling(name: str, forward: Any, adjoint: Any) -> Any:
    """Makes average pooling, such as `avg_pool2d`, of two kernels that are each other's adjoint.

    Its option `count` is (divisor_override, count_include_pad).
    """
    made = operation(
        name,
        lambda x, *, geometry, windows, count: forward(x, geometry, windows, *count),
        lambda g, x, geometry, windows, count: tie(
            back(g, geometry=geometry, windows=windows, size=x.shape[-len(windows) :], count=count), x
        ),
        shown=f"AvgPool{name[-2:].upper()}Backward0",
        in_float32=True,
    )
    back: Any = operation(
        f"{name}_input",
        lambda g, *, geometry, windows, size, count: adjoint(g, geometry, size, *count),
        lambda v, geometry, windows, count: made(v, geometry=geometry, windows=windows, count=count),
        in_float32=True,
    )
    return made


def make_adaptive_average_pooling(name: str, forward: Any, adjoint: Any) -> Any:
    """Makes average pooling of windows that cover the image or the volume, such as `adaptive_avg_pool2d`, likewise."""
    made = operation(
        name,
        lambda x, *, size: forward(x, size),
        lambda g, x, size: tie(back(g, image=x.shape[-len(size) :], size=size), x),
        shown=f"AdaptiveAvgPool{name[-2:].upper()}Backward0",
        in_float32=True,
    )
    back: Any = operation(
        f"{name}_input",
        lambda g, *, image, size: adjoint(require_windows(g, name), image),
        lambda v, size: made(v, size=size),
        in_float32=True,
    )
    return made


def require_windows(g: Any, name: str) -> Any:
    """Returns `g`, the gradient of adaptive pooling. Raises RuntimeError if there are no windows, as PyTorch does."""
    if 0 in g.shape[1:]:
        raise RuntimeError(
            f"{name}_backward(): Expected grad_output to have non-zero size for non-batch dimensions, but "
            f"it has sizes {list(g.shape)}: an output_size of 0 leaves nothing to differentiate"
        )
    return g


avg_pool2d = make_average_pooling("avg_pool2d", kernels.avg_pool2d, kernels.avg_pool2d_input)
adaptive_avg_pool2d = make_adaptive_average_pooling(
    "adaptive_avg_pool2d", kernels.adaptive_avg_pool2d, kernels.adaptive_avg_pool2d_input
)

# The windows of an image as columns, and its adjoint, which adds columns back into an image.
unfold_windows = operation(
    "im2col",
    lambda x, *, geometry: kernels.unfold(x, geometry),
    lambda g, x_shape, geometry: fold_windows(g, size=x_shape[-2:], geometry=geometry),
)
fold_windows: Any = operation(
    "col2im",
    lambda g, *, size, geometry: kernels.fold(g, geometry, size),
    lambda v, geometry: unfold_windows(v, geometry=geometry),
)
