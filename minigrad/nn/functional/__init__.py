"""Functions without state: what the layers of `nn` compute."""

from minigrad.nn.functional.conv import conv1d, conv2d, conv_transpose1d, conv_transpose2d
from minigrad.nn.functional.loss import mse_loss
from minigrad.nn.functional.padding import pad

__all__ = ["conv1d", "conv2d", "conv_transpose1d", "conv_transpose2d", "mse_loss", "pad"]
