"""Drawing: the graph behind a tensor, and panels for losses, kernels and feature maps.

The graph is drawn as SVG, with nothing but the standard library. The
panels ask matplotlib for the drawing (`pip install "minigrad[examples]"`), and only when called.
"""

from minigrad.viz.graph import Graph, graph
from minigrad.viz.panels import can_draw, feature_map, figure, kernel, kernel_history, loss_curve

__all__ = ["Graph", "can_draw", "feature_map", "figure", "graph", "kernel", "kernel_history", "loss_curve"]
