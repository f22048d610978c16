"""`torch.utils.tensorboard`: losses, histograms and pictures of a training, written for TensorBoard to show.

The events are written by tensorboardX (``pip install tensorboardX``), which needs neither TensorBoard nor PyTorch.
Drawing figures needs matplotlib, images need pillow.
"""

from __future__ import annotations

import inspect
from typing import Any

import numpy as np

from minigrad.advice import warn
from minigrad.ops.complaints import type_name
from minigrad.tensor import Tensor

try:
    import tensorboardX
except ImportError as error:
    install = "pip install tensorboardX"
    detail = f"which is not here: {install}"
    raise ImportError(f"torch.utils.tensorboard needs the tensorboardX library, {detail}") from error

__all__ = ["SummaryWriter"]


class SummaryWriter(tensorboardX.SummaryWriter):  # type: ignore[misc]
    """Writes what TensorBoard shows of a training: ``tensorboard --logdir runs`` reads it.

    `log_dir` is ``runs/<time>_<machine><comment>`` unless it is given. The methods are tensorboardX's, and take tensors
    as they take arrays.
    Source: https://docs.pytorch.org/docs/stable/tensorboard.html, https://tensorboardx.readthedocs.io

    >>> import tempfile
    >>> from minigrad.utils.tensorboard import SummaryWriter
    >>> with SummaryWriter(tempfile.mkdtemp()) as writer:
    ...     for step in range(3):
    ...         writer.add_scalar("loss", 1 / (1 + step), step)
    """

    def __init__(self, log_dir: Any = None, *arguments: Any, **options: Any) -> None:
        super().__init__(None if log_dir is None else str(log_dir), *arguments, **options)

    @property
    def log_dir(self) -> str:
        """The folder of the events.

        >>> from tempfile import mkdtemp
        >>> from minigrad.utils.tensorboard import SummaryWriter
        >>> with SummaryWriter(mkdtemp()) as writer:
        ...     writer.log_dir == writer.get_logdir()
        True
        """
        return self.get_logdir()

    def get_logdir(self) -> str:
        """The folder of the events.

        >>> from tempfile import mkdtemp
        >>> from minigrad.utils.tensorboard import SummaryWriter
        >>> with SummaryWriter(mkdtemp()) as writer:
        ...     writer.get_logdir() == writer.log_dir
        True
        """
        return str(self.logdir)

    def add_scalar(self, tag: str, scalar_value: Any, *arguments: Any, **options: Any) -> None:
        """A point of the curve `tag`. Raises AssertionError, as in PyTorch, unless the value is one number.

        A text is read as a number. Raises ValueError for one that is none.

        >>> from tempfile import mkdtemp
        >>> from minigrad.utils.tensorboard import SummaryWriter
        >>> with SummaryWriter(mkdtemp()) as writer:
        ...     writer.add_scalar("loss", 0.25, global_step=1)
        """
        if np.size(scalar_value) != 1:
            shape = np.shape(scalar_value)
            hint = f"add_scalar takes one number, got shape {shape}; take its .mean()"
            raise AssertionError(f"scalar should be 0D: {hint}")
        scalar_value = float(scalar_value) if isinstance(scalar_value, str) else scalar_value
        super().add_scalar(tag, scalar_value, *arguments, **options)

    def add_graph(self, model: Any, *arguments: Any, **options: Any) -> None:
        """Writes nothing, and says so: nothing is traced here, and `viz` draws the graph of a result.

        >>> import warnings
        >>> from tempfile import mkdtemp
        >>> from minigrad.utils.tensorboard import SummaryWriter
        >>> with SummaryWriter(mkdtemp()) as writer, warnings.catch_warnings(record=True, action="always") as said:
        ...     writer.add_graph(None)
        >>> print(said[0].message)
        add_graph writes nothing: minigrad traces no layers; minigrad.viz.graph(model(x)) draws the graph
        """
        warn("add_graph writes nothing: minigrad traces no layers; minigrad.viz.graph(model(x)) draws the graph")

    def __getattribute__(self, name: str) -> Any:
        found = super().__getattribute__(name)
        return _with_arrays(found) if name.startswith("add_") else found


def _with_arrays(method: Any) -> Any:
    """`method`, called with arrays in place of tensors; its errors name an argument that should be a text."""

    def call(*arguments: Any, **options: Any) -> Any:
        try:
            return method(*[_as_array(x) for x in arguments], **{name: _as_array(x) for name, x in options.items()})
        except (AttributeError, TypeError) as error:
            takes = inspect.signature(method).bind_partial(*arguments, **options)
            for name, value in takes.arguments.items():
                if takes.signature.parameters[name].annotation in (str, "str") and not isinstance(value, str):
                    what = f"{method.__name__}(): argument '{name}' must be a str, not {type_name(value)} {value!r:.40}"
                    raise type(error)(what) from None
            raise

    return call


def _as_array(x: Any) -> Any:
    """`x` with arrays in place of its tensors: x is one, a list or a dict of some, or anything else."""
    if isinstance(x, Tensor):
        return x.numpy(force=True)
    if isinstance(x, (list, tuple)):
        return [_as_array(part) for part in x]
    return {name: _as_array(part) for name, part in x.items()} if isinstance(x, dict) else x
