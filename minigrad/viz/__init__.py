"""Drawing: the graph behind a tensor, its backward walk step by step, panels for losses, kernels and maps.

The graph is drawn as SVG, the stepper as HTML, with nothing but the standard library. The
panels ask matplotlib for the drawing (`pip install matplotlib`), and only when called.
"""

# fmt: off
from minigrad.viz.graph import Graph, graph
from minigrad.viz.panels import (
    accuracy, can_draw, confusion, feature_map, figure, grid, kernel, kernel_history, loss_curve, maps, same_pixels,
)
from minigrad.viz.pictures import im2col, receptive_field, winograd
from minigrad.viz.stepper import Stepper, stepper

__all__ = [
    "Graph", "Stepper", "accuracy", "can_draw", "confusion", "feature_map", "figure", "graph", "grid", "im2col",
    "kernel", "kernel_history", "loss_curve", "maps", "receptive_field", "same_pixels", "stepper", "winograd",
]
