"""Collectives on Python values: numbers, strings, lists, dicts, tensors and all else that `minigrad.save` writes.

A value is sent as the bytes of a saved file. Reading it runs no code: there is no pickle, and so no objects of
classes. Each call makes two transfers: the number of bytes, then the bytes, padded to the longest of the ranks.
As `torch.distributed`, for plain data.
"""

from __future__ import annotations

import io
from functools import partial
from typing import Any

import numpy as np

from minigrad.autograd.core import wrap
from minigrad.distributed import collectives, parts, point_to_point
from minigrad.distributed.collectives import for_members, root_of
from minigrad.distributed.process_group import ProcessGroup
from minigrad.distributed.reduce_op import ReduceOp
from minigrad.serialization import load, save
from minigrad.tensor import Tensor

_HEAD = 8  # bytes of the length in front of the data


def _pack(value: Any) -> Tensor:
    """`value` as bytes, preceded by their number. Raises TypeError for a value that cannot be saved."""
    file = io.BytesIO()
    save(value, file)
    data = file.getvalue()
    return wrap(np.frombuffer(len(data).to_bytes(_HEAD, "little") + data, np.uint8).copy())


def _unpack(row: Any) -> Any:
    data = np.asarray(row).tobytes()
    return load(io.BytesIO(data[_HEAD : _HEAD + int.from_bytes(data[:_HEAD], "little")]))


def _make_number(value: int = 0) -> Tensor:
    return wrap(np.array([value], np.int64))


def _make_room(size: Any) -> Tensor:
    return wrap(np.zeros(int(size), np.uint8))


def _pad(data: Tensor, size: Any) -> Tensor:
    """`data` padded with zeros to `size` bytes, because all ranks send the same number of bytes."""
    padded = _make_room(size)
    padded.array[: data.numel()] = data.array
    return padded


@for_members
def all_gather_object(object_list: list[Any], obj: Any, group: Any = None) -> None:
    """Sets ``object_list[r]`` to the `obj` of rank r, on all ranks.

    Raises TypeError for values that `minigrad.save` does not accept, RuntimeError for a list of another length.

    >>> import minigrad as torch
    >>> torch.distributed.init_process_group()
    >>> torch.distributed.all_gather_object(everybody := [None], {"loss": 0.5})
    >>> everybody
    [{'loss': 0.5}]
    >>> torch.distributed.destroy_process_group()
    """
    member = group.on_host()
    _expect_length("object_list", object_list, member)
    data = _pad_to_longest(_pack(obj), member)
    everybody = _make_room(data.numel() * member.size())
    parts.all_gather_into_tensor(everybody, data, member)
    object_list[:] = [_unpack(row) for row in everybody.array.reshape(member.size(), -1)]


def _pad_to_longest(data: Tensor, member: ProcessGroup) -> Tensor:
    """`data` padded with zeros to the longest size among the ranks."""
    longest = _make_number(data.numel())
    collectives.all_reduce(longest, ReduceOp.MAX, member)
    return _pad(data, longest.item())


def _expect_length(name: str, values: Any, member: ProcessGroup) -> None:
    if not isinstance(values, list) or len(values) != member.size():
        got = f"length {len(values)}" if isinstance(values, list) else type(values).__name__
        raise RuntimeError(f"{name} must be a list with one place per rank: {member.size()}, got {got}")


@for_members
def gather_object(
    obj: Any, object_gather_list: list[Any] | None = None, dst: int | None = None, group: Any = None,
    group_dst: int | None = None,
) -> None:  # fmt: skip
    """Sets ``object_gather_list[r]`` to the `obj` of rank r on rank `dst` (default 0); only that rank passes a list.

    Raises ValueError if the list is missing there, or given on another rank; else as `all_gather_object`.

    >>> import minigrad as torch
    >>> torch.distributed.init_process_group()
    >>> torch.distributed.gather_object("here", everybody := [None])
    >>> everybody
    ['here']
    >>> torch.distributed.destroy_process_group()
    """
    member = group.on_host()
    root = root_of(member, "dst", dst, group_dst, 0)
    here = member.rank() == root
    if here and object_gather_list is None:
        raise ValueError("Argument ``object_gather_list`` must be specified on destination rank.")
    if not here and object_gather_list:
        raise ValueError("Argument ``object_gather_list`` must NOT be specified on non-destination ranks.")
    if here:
        _expect_length("object_gather_list", object_gather_list, member)
    data = _pad_to_longest(_pack(obj), member)
    rows = [_make_room(data.numel()) for _ in range(member.size() if here else 0)]
    parts.gather(data, rows, group=member, group_dst=root)
    if object_gather_list is not None and here:
        object_gather_list[:] = [_unpack(row.array) for row in rows]


@for_members
def broadcast_object_list(
    object_list: list[Any], src: int | None = None, group: Any = None, device: Any = None, group_src: int | None = None
) -> None:
    """Copies the values in `object_list` of rank `src` (default 0) to all ranks; all lists have the same length.

    Raises TypeError for values that `minigrad.save` does not accept.

    >>> import minigrad as torch
    >>> torch.distributed.init_process_group()
    >>> torch.distributed.broadcast_object_list(settings := [{"lr": 0.1}])
    >>> settings
    [{'lr': 0.1}]
    >>> torch.distributed.destroy_process_group()
    """
    member = group.on_host()
    root = root_of(member, "src", src, group_src, 0)
    here = member.rank() == root
    data = _pack(list(object_list)) if here else _make_room(0)
    size = _make_number(data.numel())
    collectives.broadcast(size, group=member, group_src=root)
    data = data if here else _make_room(size.item())
    collectives.broadcast(data, group=member, group_src=root)
    if not here:
        _fill(object_list, _unpack(data.array))


def _fill(places: list[Any], values: list[Any]) -> None:
    if len(places) != len(values):
        raise RuntimeError(f"object_list must have as many places as the sender's: {len(values)}, got {len(places)}")
    places[:] = values


@for_members
def scatter_object_list(
    scatter_object_output_list: list[Any], scatter_object_input_list: list[Any] | None = None, src: int | None = None,
    group: Any = None, group_src: int | None = None,
) -> None:  # fmt: skip
    """Sets the first entry of the output list of rank r to value r in the list of rank `src` (default 0).

    Raises ValueError for an empty output list and an input list of another length.

    >>> import minigrad as torch
    >>> torch.distributed.init_process_group()
    >>> torch.distributed.scatter_object_list(mine := [None], ["for rank 0"])
    >>> mine
    ['for rank 0']
    >>> torch.distributed.destroy_process_group()
    """
    member = group.on_host()
    if not isinstance(scatter_object_output_list, list) or not scatter_object_output_list:
        raise ValueError("Expected argument scatter_object_output_list to be a list of size at least 1.")
    root = root_of(member, "src", src, group_src, 0)
    packed: list[Tensor] = []
    if member.rank() == root:
        if not isinstance(scatter_object_input_list, list) or len(scatter_object_input_list) != member.size():
            raise ValueError(f"source rank must provide a list with one value per rank, {member.size()} of them")
        packed = [_pack(value) for value in scatter_object_input_list]
    longest = _make_number(max((part.numel() for part in packed), default=0))
    collectives.broadcast(longest, group=member, group_src=root)
    row = _make_room(longest.item())
    parts.scatter(row, [_pad(part, longest.item()) for part in packed], group=member, group_src=root)
    scatter_object_output_list[0] = _unpack(row.array)


@for_members
def send_object_list(
    object_list: list[Any], dst: int | None = None, group: Any = None, device: Any = None,
    group_dst: int | None = None, use_batch: bool = False,
) -> None:  # fmt: skip
    """Sends the values of a list to rank `dst`. Raises TypeError for values that `minigrad.save` does not accept.

    >>> import minigrad as torch
    >>> torch.distributed.init_process_group()
    >>> if torch.distributed.get_world_size() == 2:
    ...     if torch.distributed.get_rank() == 0:
    ...         torch.distributed.send_object_list([{"lr": 0.1}], dst=1)
    ...     else:
    ...         source = torch.distributed.recv_object_list(settings := [None], src=0)
    >>> torch.distributed.destroy_process_group()
    """
    member = group.on_host()
    data = _pack(list(object_list))
    point_to_point.send(_make_number(data.numel()), dst, member, group_dst=group_dst)
    point_to_point.send(data, dst, member, group_dst=group_dst)


@partial(for_members, outside=-1)
def recv_object_list(
    object_list: list[Any], src: int | None = None, group: Any = None, device: Any = None,
    group_src: int | None = None, use_batch: bool = False,
) -> int:  # fmt: skip
    """Receives values into a list from rank `src`, by default from any rank; returns the sender's rank.

    >>> import minigrad as torch
    >>> torch.distributed.init_process_group()
    >>> if torch.distributed.get_world_size() == 2:
    ...     if torch.distributed.get_rank() == 0:
    ...         torch.distributed.send_object_list([{"lr": 0.1}], dst=1)
    ...     else:
    ...         source = torch.distributed.recv_object_list(settings := [None], src=0)
    >>> torch.distributed.destroy_process_group()
    """
    member = group.on_host()
    size = _make_number()
    source = point_to_point.recv(size, src, member, group_src=group_src)
    data = _make_room(size.item())
    point_to_point.recv(data, source, member)
    _fill(object_list, _unpack(data.array))
    return source
