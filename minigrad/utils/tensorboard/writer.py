"""`SummaryWriter`: each call appends an event to a file in `log_dir`."""

from __future__ import annotations

import itertools
import os
import socket
import time
from pathlib import Path
from typing import Any, BinaryIO, Self

import numpy as np

from minigrad.advice import warn
from minigrad.utils.tensorboard import summaries
from minigrad.utils.tensorboard.records import event, part, record, whole

_numbers = itertools.count()  # the files of this process


class SummaryWriter:
    """Writes what TensorBoard shows of a training: ``tensorboard --logdir runs`` reads it.

    `log_dir` is ``runs/<time>_<machine><comment>`` unless it is given. Events of steps from `purge_step` on are hidden
    if an earlier run wrote them. Each event reaches the file at once, so `max_queue` and `flush_secs` have no effect.
    TensorBoard itself is not needed to write.
    Source: https://docs.pytorch.org/docs/stable/tensorboard.html

    >>> import tempfile
    >>> from minigrad.utils.tensorboard import SummaryWriter
    >>> with SummaryWriter(tempfile.mkdtemp()) as writer:
    ...     for step in range(3):
    ...         writer.add_scalar("loss", 1 / (1 + step), step)
    """

    def __init__(
        self, log_dir: str | os.PathLike[str] | None = None, comment: str = "", purge_step: int | None = None,
        max_queue: int = 10, flush_secs: int = 120, filename_suffix: str = "",
    ) -> None:  # fmt: skip
        if not log_dir:
            log_dir = Path("runs") / (time.strftime("%b%d_%H-%M-%S_") + socket.gethostname() + comment)
        self.log_dir, self.purge_step, self.filename_suffix = str(log_dir), purge_step, filename_suffix
        self._files: dict[str, BinaryIO] = {}
        self._open(self.log_dir)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def get_logdir(self) -> str:
        """The folder of the files.

        >>> from tempfile import mkdtemp
        >>> from minigrad.utils.tensorboard import SummaryWriter
        >>> with SummaryWriter(mkdtemp()) as writer:
        ...     writer.get_logdir() == writer.log_dir
        True
        """
        return self.log_dir

    def add_scalar(
        self, tag: str, scalar_value: Any, global_step: Any = None, walltime: float | None = None,
        new_style: bool = False, double_precision: bool = False,
    ) -> None:  # fmt: skip
        """A point of the curve `tag`. Raises ValueError unless the value is one number; it is kept as float32.

        >>> from tempfile import mkdtemp
        >>> from minigrad.utils.tensorboard import SummaryWriter
        >>> with SummaryWriter(mkdtemp()) as writer:
        ...     writer.add_scalar("loss", 0.25, global_step=1)
        """
        self._write(self.log_dir, summaries.scalar(tag, scalar_value), global_step, walltime)

    def add_scalars(
        self, main_tag: str, tag_scalar_dict: dict[str, Any], global_step: Any = None, walltime: float | None = None
    ) -> None:
        """A point of several curves of one picture; each curve is a run of its own, in a folder of its own.

        >>> from tempfile import mkdtemp
        >>> from minigrad.utils.tensorboard import SummaryWriter
        >>> with SummaryWriter(mkdtemp()) as writer:
        ...     writer.add_scalars("loss", {"train": 0.25, "test": 0.5}, global_step=1)
        """
        for tag, value in tag_scalar_dict.items():
            folder = f"{self.log_dir}/{main_tag.replace('/', '_')}_{tag}"
            self._write(folder, summaries.scalar(main_tag, value), global_step, walltime)

    def add_histogram(
        self, tag: str, values: Any, global_step: Any = None, bins: Any = "tensorflow", walltime: float | None = None
    ) -> None:
        """How the values are distributed: `bins` as for `numpy.histogram`. Raises ValueError for no value.

        >>> from tempfile import mkdtemp
        >>> from minigrad.utils.tensorboard import SummaryWriter
        >>> with SummaryWriter(mkdtemp()) as writer:
        ...     writer.add_histogram("weights", np.array([0.5, 2.0, 2.0]), global_step=1)
        """
        self._write(self.log_dir, summaries.histogram(tag, values, bins), global_step, walltime)

    def add_image(
        self, tag: str, img_tensor: Any, global_step: Any = None, walltime: float | None = None,
        dataformats: str = "CHW",
    ) -> None:  # fmt: skip
        """An image, of bytes or of floats from 0 to 1. Raises ValueError for axes that do not fit `dataformats`.

        >>> from tempfile import mkdtemp
        >>> from minigrad.utils.tensorboard import SummaryWriter
        >>> with SummaryWriter(mkdtemp()) as writer:
        ...     writer.add_image("white", np.ones((3, 8, 8)), global_step=1)
        """
        self._write(self.log_dir, summaries.image(tag, img_tensor, dataformats), global_step, walltime)

    def add_images(
        self, tag: str, img_tensor: Any, global_step: Any = None, walltime: float | None = None,
        dataformats: str = "NCHW",
    ) -> None:  # fmt: skip
        """A batch of images, in rows of eight.

        >>> from tempfile import mkdtemp
        >>> from minigrad.utils.tensorboard import SummaryWriter
        >>> with SummaryWriter(mkdtemp()) as writer:
        ...     writer.add_images("grey", np.full((10, 1, 8, 8), 0.5), global_step=1)
        """
        self.add_image(tag, img_tensor, global_step, walltime, dataformats)

    def add_figure(
        self, tag: str, figure: Any, global_step: Any = None, close: bool = True, walltime: float | None = None
    ) -> None:
        """A figure of Matplotlib, or a list of figures of one size.

        >>> from matplotlib import pyplot
        >>> from tempfile import mkdtemp
        >>> from minigrad.utils.tensorboard import SummaryWriter
        >>> with SummaryWriter(mkdtemp()) as writer:
        ...     writer.add_figure("plot", pyplot.figure(), global_step=1)
        """
        figures = figure if isinstance(figure, list) else [figure]
        pixels = np.stack([summaries.render(one, close) for one in figures])
        self.add_image(tag, pixels, global_step, walltime, "NHWC")

    def add_text(self, tag: str, text_string: str, global_step: Any = None, walltime: float | None = None) -> None:
        """A text, in Markdown.

        >>> from tempfile import mkdtemp
        >>> from minigrad.utils.tensorboard import SummaryWriter
        >>> with SummaryWriter(mkdtemp()) as writer:
        ...     writer.add_text("settings", "lr = **0.1**")
        """
        self._write(self.log_dir, summaries.text(tag, text_string), global_step, walltime)

    def add_graph(
        self, model: Any, input_to_model: Any = None, verbose: bool = False, use_strict_trace: bool = True
    ) -> None:
        """Writes nothing, and says so: nothing is traced here, and `viz` draws the graph of a result.

        >>> from tempfile import mkdtemp
        >>> from minigrad.utils.tensorboard import SummaryWriter
        >>> import warnings
        >>> with SummaryWriter(mkdtemp()) as writer, warnings.catch_warnings(record=True, action="always") as said:
        ...     writer.add_graph(None)
        >>> print(said[0].message)
        add_graph writes nothing: minigrad traces no layers; minigrad.viz.graph(model(x)) draws the graph
        """
        warn("add_graph writes nothing: minigrad traces no layers; minigrad.viz.graph(model(x)) draws the graph")

    def flush(self) -> None:
        """Does nothing: all events are in the files.

        >>> from tempfile import mkdtemp
        >>> from minigrad.utils.tensorboard import SummaryWriter
        >>> with SummaryWriter(mkdtemp()) as writer:
        ...     writer.flush()
        """

    def close(self) -> None:
        """Closes the files. A later event opens new ones.

        >>> from tempfile import mkdtemp
        >>> from minigrad.utils.tensorboard import SummaryWriter
        >>> with SummaryWriter(mkdtemp()) as writer:
        ...     writer.close()
        """
        while self._files:
            self._files.popitem()[1].close()

    def _open(self, folder: str) -> BinaryIO:
        """The file of `folder`, made with its first events if there is none."""
        if folder not in self._files:
            Path(folder).mkdir(parents=True, exist_ok=True)
            name = f"{int(time.time()):010d}.{socket.gethostname()}.{os.getpid()}.{next(_numbers)}"
            path = Path(folder) / f"events.out.tfevents.{name}{self.filename_suffix}"
            file = self._files[folder] = path.open("xb", buffering=0)
            file.write(record(event(time.time(), 0, part(3, b"brain.Event:2"))))
            if self.purge_step is not None:
                file.write(record(event(time.time(), self.purge_step, part(7, whole(1, 1)))))  # a session starts
        return self._files[folder]

    def _write(self, folder: str, summary: bytes, step: Any, walltime: float | None) -> None:
        seconds = time.time() if walltime is None else walltime
        self._open(folder).write(record(event(seconds, 0 if step is None else int(step), summary)))
