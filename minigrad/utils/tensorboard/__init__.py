"""`torch.utils.tensorboard`: losses, histograms and pictures of a training, written for TensorBoard to show."""

from minigrad.utils.tensorboard.writer import SummaryWriter

__all__ = ["SummaryWriter"]
