"""Checks before each collective that all ranks call the same one, so that a mistake is an error and not a hang.

MPI itself does not check: a broadcast on one rank and an all_reduce on another, or tensors of two shapes, hang or
corrupt memory. Each rank hashes a description of its call; when the largest and the smallest hash differ, the ranks
exchange the descriptions, and all raise the same error. The cost is one reduction of two numbers for each collective;
`set_debug_level(DebugLevel.OFF)`, or TORCH_DISTRIBUTED_DEBUG=OFF in the environment, switches the check off.
"""

from __future__ import annotations

import os
from collections.abc import Sequence
from enum import Enum
from hashlib import blake2b

import numpy as np

from minigrad.distributed.errors import DistBackendError, name_ranks
from minigrad.distributed.process_group import ProcessGroup
from minigrad.distributed.reduce_op import ReduceOp
from minigrad.distributed.transfer import make_rows
from minigrad.distributed.work import Work

_WIDTH = 400  # bytes of a description that are exchanged


class DebugLevel(Enum):
    """The level of checks: `OFF` none, other levels that all ranks call the same collective.

    >>> import minigrad as torch
    >>> torch.distributed.DebugLevel.OFF
    <DebugLevel.OFF: 0>
    """

    OFF = 0
    INFO = 1
    DETAIL = 2


def _read_level() -> DebugLevel:
    name = os.environ.get("TORCH_DISTRIBUTED_DEBUG", "DETAIL").upper()
    if name not in DebugLevel.__members__:
        raise RuntimeError(f"The value of TORCH_DISTRIBUTED_DEBUG must be OFF, INFO or DETAIL, got {name!r}")
    return DebugLevel[name]


_level: DebugLevel | None = None


def get_debug_level() -> DebugLevel:
    """The level of checks: DETAIL unless TORCH_DISTRIBUTED_DEBUG is set. (PyTorch's default is OFF.)

    >>> import minigrad as torch
    >>> isinstance(torch.distributed.get_debug_level(), torch.distributed.DebugLevel)
    True
    """
    global _level
    if _level is None:
        _level = _read_level()
    return _level


def set_debug_level(level: DebugLevel) -> None:
    """Sets the level of checks. Call it on all ranks.

    >>> import minigrad as torch
    >>> torch.distributed.set_debug_level(torch.distributed.DebugLevel.DETAIL)
    >>> torch.distributed.get_debug_level()
    <DebugLevel.DETAIL: 2>
    """
    global _level
    if not isinstance(level, DebugLevel):
        raise TypeError(f"level must be a DebugLevel, got {level!r}")
    _level = level


def set_debug_level_from_env() -> None:
    """Sets the level from TORCH_DISTRIBUTED_DEBUG.

    >>> import minigrad as torch
    >>> torch.distributed.set_debug_level_from_env()
    """
    set_debug_level(_read_level())


def agree(group: ProcessGroup, description: str) -> None:
    """Raises the same DistBackendError on every rank if the descriptions differ."""
    if group.size() > 1 and get_debug_level() is not DebugLevel.OFF:
        require_same(group, description, "the ranks do not call the same thing")


def require_same(group: ProcessGroup, description: str, fault: str) -> None:
    """As `agree`, at any level; `fault` is the beginning of the error."""
    number = int.from_bytes(blake2b(description.encode(), digest_size=7).digest(), "little")
    largest, smallest_negated = reduce_numbers(group, [number, -number], ReduceOp.MAX, description)
    if largest != -smallest_negated:
        raise DistBackendError(f"{fault}: {_tell_differences(group, description)}")


def reduce_numbers(group: ProcessGroup, numbers: Sequence[int], op: ReduceOp, what: str) -> list[int]:
    """Each number reduced over all ranks; `what` names the call in errors."""
    array = np.array(numbers, np.int64)
    Work(what, group, [group.control.all_reduce(array, op)]).wait()
    return array.tolist()


def _tell_differences(group: ProcessGroup, description: str) -> str:
    """The text of the differences: "rank 0: broadcast(...); ranks 1, 2: all_reduce(...)"."""
    own = np.zeros(_WIDTH, np.uint8)
    text = description.encode()[:_WIDTH]
    own[: len(text)] = np.frombuffer(text, np.uint8)
    everybody = make_rows(group, own)
    Work("a comparison of descriptions", group, [group.control.all_gather(own, everybody)]).wait()
    said: dict[str, list[int]] = {}
    for rank, row in zip(group.ranks, everybody, strict=True):
        said.setdefault(row.tobytes().rstrip(b"\0").decode(errors="replace"), []).append(rank)
    return "; ".join(f"{name_ranks(ranks)}: {what}" for what, ranks in said.items())
