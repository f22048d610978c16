"""Which algorithm computes convolutions on the CPU.

`algorithm` forces one. `benchmark = True` times each once for each shape and keeps the quickest (results may then
differ in their last digits from run to run). Otherwise the least estimated cost decides, estimated for this kind of
machine or, after `measure()`, for this machine; `measure(file)` saves the measurement. `explain` lists all algorithms
with their times.
"""

import sys
from pathlib import Path
from types import ModuleType
from typing import Any

from minigrad.kernels import algorithm, release_workspaces, workspace_bytes
from minigrad.kernels.dispatch import choose_by, set_machine
from minigrad.kernels.fast import clock
from minigrad.kernels.fast.machine import measure_machine
from minigrad.kernels.fast.machine_file import read_machine, write_machine
from minigrad.nn.functional.conv import find_geometry
from minigrad.tensor import Tensor

benchmark: bool  # the switch that `_Settings` answers for

__all__ = ["algorithm", "benchmark", "explain", "measure", "release_workspaces", "workspace_bytes"]


def measure(file: str | Path | None = None) -> None:
    """Measures this machine, in about 20 ms, and estimates costs for it from now on.

    With a `file` the measurement is saved there, and the next call reads the file instead of measuring. A damaged file,
    or one of another machine, is reported and overwritten.

    >>> import minigrad as torch
    >>> torch.backends.conv.measure()
    """
    found = None if file is None else read_machine(Path(file))
    if found is None:
        found = measure_machine()
        if file is not None:
            write_machine(Path(file), found)
    set_machine(found)


def explain(
    input: Tensor | tuple[int, ...], weight: Any, stride: Any = 1, padding: Any = 0, dilation: Any = 1, groups: int = 1
) -> clock.Explanation:
    """A table of algorithms for this convolution and its gradients: estimated and measured milliseconds; * is chosen.

    `input` and `weight` are tensors or shapes; if `weight` is a Conv2d, its options are used.
    Raises what `conv2d` raises for shapes that do not fit, and RuntimeError for signals and volumes.

    >>> import minigrad as torch
    >>> rows = torch.backends.conv.explain((1, 1, 6, 8), torch.nn.Conv2d(1, 1, (1, 2)))
    >>> [row.algorithm for row in rows if row.chosen]
    ['tiny']
    """
    if hasattr(weight, "weight"):
        layer, weight = weight, weight.weight
        stride, padding, dilation, groups = layer.stride, layer.padding, layer.dilation, layer.groups
    image, kernel = (tuple(x.shape) if hasattr(x, "shape") else tuple(x) for x in (input, weight))
    if len(kernel) != 4:
        raise RuntimeError(f"explain takes images (N, C, H, W) and a Conv2d or its weight, got a weight of {kernel}")
    pairs = [(option, option) if isinstance(option, int) else tuple(option) for option in (stride, padding, dilation)]
    geometry = find_geometry(image, kernel, groups, *[number for pair in pairs for number in pair])
    return clock.explain(image, kernel[0], geometry)


class _Settings(ModuleType):
    """The class of this module, in which `benchmark` is a property."""

    @property
    def benchmark(self) -> bool:
        """Whether each algorithm is timed once for each shape."""
        return bool(self.__dict__["_benchmark"])

    @benchmark.setter
    def benchmark(self, value: bool) -> None:
        if not isinstance(value, bool):
            raise RuntimeError(f"set_benchmark expects a bool, but got {type(value).__name__}")
        self.__dict__["_benchmark"] = value
        choose_by(clock.find_quickest if value else None)


_benchmark = False
sys.modules[__name__].__class__ = _Settings
