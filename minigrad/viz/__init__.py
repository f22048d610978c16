"""Drawing: the graph behind a tensor, and panels for losses, kernels and feature maps.

The graph is drawn as SVG, with nothing but the standard library. The
panels ask matplotlib for the drawing (`pip install matplotlib`), and only when called.
"""

from minigrad.viz.graph import Graph, graph
from minigrad.viz.panels import (
    accuracy,
    can_draw,
    confusion,
    feature_map,
    figure,
    grid,
    kernel,
    kernel_history,
    loss_curve,
    maps,
)  # fmt: skip

__all__ = [
    "Graph", "accuracy", "can_draw", "confusion", "feature_map", "figure", "graph", "grid", "kernel", "kernel_history",
    "loss_curve", "maps",
]  # fmt: skip
