"""Drawing: a convolution window by window, the graph of a tensor, its backward walk, plots of losses, kernels and maps.

The graph is SVG, and the windows and the walk are pages that play, made with the standard library only. The plots
import matplotlib (`pip install matplotlib`) when they are called.
"""

# fmt: off
from minigrad.viz.curves import accuracy, kernel_history, loss_curve
from minigrad.viz.graph import Graph, graph
from minigrad.viz.panels import can_draw, confusion, feature_map, figure, grid, kernel, maps, same_pixels
from minigrad.viz.pictures import im2col, receptive_field, winograd
from minigrad.viz.stepper import Stepper, stepper
from minigrad.viz.windows import Windows, convolution

__all__ = [
    "Graph", "Stepper", "Windows", "accuracy", "can_draw", "confusion", "convolution", "feature_map", "figure", "graph",
    "grid", "im2col", "kernel", "kernel_history", "loss_curve", "maps", "receptive_field", "same_pixels", "stepper",
    "winograd",
]
