"""`monitored_barrier`: a barrier whose error names the ranks that did not reach it."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import numpy as np

from minigrad.distributed.collectives import for_members
from minigrad.distributed.errors import DistBackendError, name_ranks
from minigrad.distributed.process_group import ProcessGroup
from minigrad.distributed.work import Work

_TAG = 11


@for_members
def monitored_barrier(group: Any = None, timeout: timedelta | None = None, wait_all_ranks: bool = False) -> None:
    """Waits until all ranks have called it; after `timeout` (by default the group's) rank 0 names the missing ranks.

    Each rank reports to rank 0, which answers when all have reported. Raises DistBackendError on rank 0 for the first
    missing rank, or with `wait_all_ranks` for all of them; on the others if there is no answer.
    As `torch.distributed.monitored_barrier`.

    >>> import minigrad as torch
    >>> torch.distributed.init_process_group()
    >>> torch.distributed.monitored_barrier()
    >>> torch.distributed.destroy_process_group()
    """
    if group.size() == 1:
        return
    limit = timeout or group.timeout
    if group.rank() == 0:
        _hear_all(group, limit, wait_all_ranks)
    else:
        _report(group, limit)


def _hear_all(member: ProcessGroup, limit: timedelta, wait_all_ranks: bool) -> None:
    others = range(1, member.size())
    note = np.zeros(1, np.uint8)
    reports = {other: _track(member, member.control.receive(note.copy(), other, _TAG)) for other in others}
    missing: list[int] = []
    for other, work in reports.items():
        try:
            work.wait(limit if not missing else timedelta(0))
        except DistBackendError:
            missing.append(member.ranks[other])
            if not wait_all_ranks:
                break
    if missing:
        raise DistBackendError(
            f"{name_ranks(missing).capitalize()} failed to pass monitoredBarrier in "
            f"{limit.total_seconds() * 1000:g} ms: look at what they were doing before"
        )
    for answer in [_track(member, member.control.send(note, other, _TAG)) for other in others]:
        answer.wait(limit)


def _report(member: ProcessGroup, limit: timedelta) -> None:
    note = np.zeros(1, np.uint8)
    _track(member, member.control.send(note, 0, _TAG)).wait(limit)
    _track(member, member.control.receive(note, 0, _TAG)).wait(limit)


def _track(member: ProcessGroup, request: Any) -> Work:
    return Work("monitored_barrier()", member, [request])
