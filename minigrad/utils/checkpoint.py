"""`checkpoint`: saves memory by not keeping a function's intermediate values; backward computes them again."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from itertools import pairwise
from typing import Any

from minigrad.autograd import enable_grad
from minigrad.autograd.core import TensorBase
from minigrad.autograd.graph import saved_tensors_hooks
from minigrad.autograd.messages import overwritten
from minigrad.random import fork_rng, keep_states, of_gpu, restore_states
from minigrad.tensor import Tensor


class CheckpointError(RuntimeError):
    """The error when a checkpoint's second run saves other values than its first."""


class _Recomputation:
    """The values that a function saves for backward: only counted in the forward, computed again when one is needed."""

    def __init__(self, run: Callable[[], Any], operands: Sequence[Any], states: Any, check: str) -> None:
        self.run, self.states, self.is_checked = run, states, check != "none"
        self.operands = [(x, x.writes[0]) for x in operands if isinstance(x, TensorBase)]
        self.saved: list[tuple[Any, Any]] = []  # the shape and the dtype of each
        self.complete = False  # whether the first run has ended; until then it may walk back through its own graph
        self.values: dict[int, Any] = {}

    def call(self) -> Any:
        """The first run."""
        with saved_tensors_hooks(self.pack, self.unpack):
            result = self.run()
        self.values, self.complete = {}, True
        return result

    def pack(self, tensor: Any) -> int:
        """Replaces a saved tensor by its number."""
        self.saved.append((tensor.shape, tensor.dtype))
        return len(self.saved) - 1

    def unpack(self, number: int) -> Any:
        """The tensor of that number. Raises CheckpointError where the second run saved others than the first."""
        if number not in self.values:
            found = self.compute_again()
            if any(tensor.writes[0] != version for tensor, version in found):  # the saved tensor was written to later
                found = self.compute_again(copies=True)
            self.compare([(tensor.shape, tensor.dtype) for tensor, _ in found])
            self.values = {i: tensor for i, (tensor, _) in enumerate(found)}
        return self.values.pop(number)

    def compare(self, found: list[tuple[Any, Any]]) -> None:
        """Raises CheckpointError unless the second run saved as many tensors as the first, of the same kinds.

        Without the check that the user switched off, only for those that are missing.
        """
        if len(found) < len(self.saved) or (self.is_checked and self.complete and len(found) != len(self.saved)):
            raise CheckpointError(
                "A different number of tensors was saved during the original forward and recomputation: "
                f"{len(self.saved)}, then {len(found)}. A checkpointed function computes the same each time."
            )
        for i, (before, now) in enumerate(zip(self.saved, found, strict=False)):
            if self.is_checked and before != now:
                raise CheckpointError(
                    "Recomputed values for the following tensors have different metadata than during the forward pass: "
                    f"tensor {i} had shape {tuple(before[0])} and {before[1]}, then {tuple(now[0])} and {now[1]}. A "
                    "checkpointed function computes the same each time."
                )

    def compute_again(self, copies: bool = False) -> list[tuple[Any, int]]:
        """The tensors that the function saves, each with its version counter."""
        for x, version in self.operands:
            if x.writes[0] != version:
                raise RuntimeError(
                    "one of the variables needed for gradient computation has been modified by an inplace operation: "
                    f"an argument of checkpoint(), of shape {tuple(x.array.shape)}, was written to since the forward. "
                    "Give it a copy, x.clone()"
                )
        found: list[Any] = []

        def keep(tensor: Any) -> tuple[Any, int]:
            kept = tensor.detach().clone() if copies else tensor.detach()
            found.append((kept, kept.writes[0]))
            return found[-1]

        with fork_rng(enabled=bool(self.states)), enable_grad(), saved_tensors_hooks(keep, _read_kept):
            restore_states(self.states)
            self.run()
        return found


def _read_kept(kept: tuple[Any, int]) -> Any:
    """What the second run itself walks back through. Raises RuntimeError if it was written to since."""
    tensor, version = kept
    if tensor.writes[0] != version:
        raise overwritten("a checkpointed function", None, tensor.shape, version, tensor.writes[0])
    return tensor


@contextmanager
def set_checkpoint_early_stop(_enable: bool) -> Iterator[None]:
    """A context for programs that stop a checkpoint's second run early, or forbid it: here it is always complete.

    >>> import minigrad as torch
    >>> from minigrad.utils.checkpoint import checkpoint, set_checkpoint_early_stop
    >>> with set_checkpoint_early_stop(False):
    ...     y = checkpoint(torch.exp, torch.zeros(1, requires_grad=True))
    """
    yield


def get_device_states(*args: Any) -> tuple[list[int], list[Any]]:
    """The numbers of the GPUs that hold the tensors `args`, and the states of their random generators.

    >>> import minigrad as torch
    >>> from minigrad.utils.checkpoint import get_device_states
    >>> get_device_states(torch.ones(2, device="cpu"))
    ([], [])
    """
    numbers = sorted({x.device.index or 0 for x in args if isinstance(x, Tensor) and x.is_cuda})
    return numbers, [of_gpu(number).get_state() for number in numbers]


def set_device_states(devices: Sequence[int], states: Sequence[Any], *, device_type: str | None = None) -> None:
    """Sets the random generators of GPUs to the states that `get_device_states` returned.

    >>> from minigrad.utils.checkpoint import set_device_states
    >>> set_device_states([], [])
    """
    for number, state in zip(devices, states, strict=True):
        of_gpu(number).set_state(state)


def checkpoint(
    function: Callable[..., Any], *args: Any, use_reentrant: bool | None = None, preserve_rng_state: bool = True,
    context_fn: Any = None, determinism_check: str = "default", debug: bool = False, early_stop: bool = True,
    **kwargs: Any,
) -> Any:  # fmt: skip
    """``function(*args, **kwargs)``, whose intermediate values are not saved, but computed again in backward.

    With `preserve_rng_state` the second run draws the same random numbers as the first; it is always complete, and
    checked unless `determinism_check` is "none": the other options have no effect. Raises TypeError unless `function`
    can be called; NotImplementedError for a `context_fn`; ValueError for another `determinism_check`; in backward
    CheckpointError if the second run saves other values than the first.
    Source: T. Chen et al., "Training deep nets with sublinear memory cost", 2016.

    >>> import minigrad as torch
    >>> from minigrad.utils.checkpoint import checkpoint
    >>> x = torch.ones(2, requires_grad=True)
    >>> checkpoint(lambda v: (v * 3).exp().log(), x).sum().backward()
    >>> x.grad
    tensor([3., 3.])
    """
    if not callable(function):
        raise TypeError(f"checkpoint() takes a function and its arguments, got {type(function).__name__} first")
    if context_fn is not None:
        raise NotImplementedError("checkpoint(context_fn=...) is not supported: enter the contexts inside the function")
    if determinism_check not in ("default", "none"):
        raise ValueError(f"determinism_check should be one of ['default', 'none'], but got {determinism_check}")
    states = keep_states() if preserve_rng_state else []
    operands = [*args, *kwargs.values()]
    again = _Recomputation(lambda: function(*args, **kwargs), operands, states, determinism_check)
    return again.call()


def checkpoint_sequential(
    functions: Any, segments: int, input: Any, use_reentrant: bool | None = None, **kwargs: Any
) -> Any:
    """Calls functions, or the layers of a Sequential, one after another, in `segments`; all segments except the last
    are checkpoints. Raises ValueError for less than one segment, and for more segments than functions.

    >>> import minigrad as torch
    >>> from minigrad.utils.checkpoint import checkpoint_sequential
    >>> net = torch.nn.Sequential(torch.nn.Linear(2, 3), torch.nn.ReLU(), torch.nn.Linear(3, 1))
    >>> checkpoint_sequential(net, 2, torch.ones(4, 2, requires_grad=True)).shape
    minigrad.Size([4, 1])
    """
    steps: list[Any] = list(functions.children() if hasattr(functions, "children") else functions)
    if not 1 <= segments <= len(steps):
        raise ValueError(f"checkpoint_sequential: segments must lie in [1, {len(steps)}], got {segments}")
    length = len(steps) // segments
    starts = [i * length for i in range(segments)]
    for start, end in pairwise(starts):
        input = checkpoint(_chain(steps[start:end]), input, use_reentrant=use_reentrant, **kwargs)
    return _chain(steps[starts[-1] :])(input)


def _chain(steps: Sequence[Callable[..., Any]]) -> Callable[[Any], Any]:
    """One function that calls the `steps` one after another."""

    def run(x: Any) -> Any:
        for step in steps:
            x = step(x)
        return x

    return run
