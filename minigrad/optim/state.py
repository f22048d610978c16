"""The state that an optimizer keeps for a parameter: buffers, such as a velocity, and step counts."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from minigrad import dtypes
from minigrad.autograd.computing import compute
from minigrad.autograd.core import wrap
from minigrad.backend import Array, to_device
from minigrad.devices import CPU
from minigrad.tensor import Tensor

if TYPE_CHECKING:
    from minigrad.optim.optimizer import Group, Optimizer, State

ON_CPU = frozenset([np.ndarray, np.float32, np.float64, float, int])


class StateKeeper:
    """The buffers and counters of a rule with the options of one group; `read` returns those of one parameter."""

    kind: type[Optimizer]
    options: Group
    reads: list[str]  # the options and counters that the rule reads
    buffers: list[str | None]  # the names of its buffers; None for one that these options do without
    keeps: bool  # whether there is anything to keep

    def read(self, parameter: Tensor, states: dict[Any, State]) -> tuple[list[Array | None], dict[str, Any]]:
        """The buffers and the counter values for this step of a parameter; the counters advance by one."""
        counts, buffers, first = self.read_state(parameter, states)
        counted = self.count_step(counts)
        if "first" in self.reads:
            counted["first"] = first
        return buffers, counted

    def read_state(
        self, parameter: Tensor, states: dict[Any, State]
    ) -> tuple[dict[str, Array], list[Array | None], bool]:
        """The counters and buffers of a parameter, made if missing, and whether a buffer is new."""
        if not self.keeps:
            return {}, [None] * len(self.buffers), False
        state = states[parameter]
        counts = self.read_counts(parameter, state)
        buffers, first = self.read_buffers(parameter, state)
        return counts, buffers, first

    def read_buffers(self, parameter: Tensor, state: State) -> tuple[list[Array | None], bool]:
        """The buffers of a parameter, made if missing, and whether one is new."""
        arrays: list[Array | None] = []
        first, shape = False, parameter.array.shape
        for name in self.buffers:
            if name is None:
                arrays.append(None)
                continue
            buffer = state.get(name)
            if buffer is None:
                start = self.options[self.kind.starts[name]] if name in self.kind.starts else 0
                buffer, first = compute(np.full_like, parameter, start), True
                state[name] = buffer
            if buffer.array.shape != shape:
                detail = f"its parameter {tuple(shape)}: was the state_dict taken from another model?"
                raise RuntimeError(f"the optimizer's {name} has shape {tuple(buffer.shape)}, {detail}")
            arrays.append(buffer.array)
        return arrays, first

    def read_counts(self, parameter: Tensor, state: State) -> dict[str, Array]:
        """The counters of a parameter, 0-d arrays, made if missing."""
        arrays = {}
        for name in self.kind.counters:
            count = state.get(name)
            if count is None or self.counts_on_gpu or count.array.__class__ is not np.ndarray:
                count = state[name] = self._place_count(parameter, name, count)
            arrays[name] = count.array
        return arrays

    def count_step(self, counts: dict[str, Any]) -> dict[str, Any]:
        """Counts this step, in place, and returns the values for the rule."""
        if not counts:
            return {}
        count = counts["step"]
        count += 1
        step = as_number(count)
        numbers = {"step": step}
        if self.kind.advance is not None:
            numbers |= self.kind.advance(counts, self.options, step)
        return {name: number for name, number in numbers.items() if name in self.reads}

    @property
    def counts_on_gpu(self) -> bool:
        """Whether the steps of a parameter on a GPU are counted on the GPU, so that a CUDA graph may capture them."""
        return bool(self.options.get("capturable") or self.options.get("fused"))

    def _place_count(self, parameter: Tensor, name: str, count: Tensor | None) -> Tensor:
        """A counter of a parameter, made if missing, on the parameter's GPU or on the CPU, depending on the options."""
        on_gpu = self.counts_on_gpu and parameter.array.__class__ is not np.ndarray
        if self.options.get("capturable") and not on_gpu:
            counts = ", ".join(f"{name}s" for name in self.kind.counters)
            detail = f"['cuda']. Got a parameter on {parameter.device}: only a GPU's steps can be captured"
            raise AssertionError(f"If capturable=True, params and {counts} must be on supported devices: {detail}")
        if count is None:
            start = self.kind.counters[name]
            count = wrap(np.full((), self.options[start] if isinstance(start, str) else start, step_dtype()))
        place = parameter.device if on_gpu else CPU
        return count if count.device == place else wrap(to_device(count.array, place))


def as_number(count: Any) -> Any:
    """A counter as a Python float, which does not widen arrays; on a GPU a float64 array, to avoid waiting."""
    return float(count) if type(count) in ON_CPU else count.astype(np.float64)


def step_dtype() -> Any:
    """The dtype of step counters, as in PyTorch: float64 if that is the default dtype, else float32."""
    return np.float64 if dtypes.get_default_dtype() is dtypes.float64 else np.float32
