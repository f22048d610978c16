"""Broadcasts many tensors as one message per dtype, so that the latency is not paid for each tensor."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np

from minigrad import backend, devices
from minigrad.backend import on_gpu_of, store
from minigrad.distributed.process_group import ProcessGroup
from minigrad.distributed.work import Work
from minigrad.tensor import Tensor


def begin_broadcast(group: ProcessGroup, tensors: Sequence[Tensor], root: int, what: str) -> Callable[[], None]:
    """Starts to copy `tensors` of rank `root` to all ranks; returns a function that waits for the end."""
    kinds: dict[tuple[object, object], list[Tensor]] = {}
    for tensor in tensors:
        kinds.setdefault((tensor.dtype, tensor.device), []).append(tensor)
    begun = []
    for same in kinds.values():
        flat = on_gpu_of(same[0].array, np.concatenate, [x.array.reshape(-1) for x in same])
        if not group.data.on_gpu:
            flat = backend.to_device(flat, devices.CPU)
        begun.append((Work(what, group, [group.data.broadcast(flat, root)]), same, flat))

    def finish() -> None:
        for work, same, flat in begun:
            work.wait()
            begin = 0
            for tensor in same if group.rank() != root else []:
                part = flat[begin : begin + tensor.array.size].reshape(tensor.array.shape)
                store(tensor.array, ..., backend.to_device(part, tensor.device))
                tensor.bump_version()
                begin += tensor.array.size

    return finish
