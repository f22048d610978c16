"""A checkpoint in shards: each rank writes one file, and an index says which entry is in which file.

A nested dict is flattened into entries, named by the path of their keys. An entry that several ranks have (a model's
parameters) is written by one of them, so that the files are of similar size; an entry of a single rank (its part of an
optimizer's state) by that rank. The index is written last, atomically, and old shards are removed after it: whenever
a rank is killed, the folder holds a complete checkpoint, the old or the new one. All ranks must see the folder.
Files are those of `minigrad.save`: nothing in them is run. As `torch.distributed.checkpoint`, on plain entries.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, TypeAlias

from minigrad import serialization
from minigrad.autograd.modes import no_grad
from minigrad.distributed import collectives, objects
from minigrad.distributed.process_group import ProcessGroup, group_or_world, is_initialized
from minigrad.serialization import SerializationError
from minigrad.tensor import Tensor

Key: TypeAlias = tuple[Any, ...]  # the path of keys, outermost first
INDEX = "index.minigrad"
SHARD = ".shard"
FORMAT = "minigrad shards 1"
SMALL = 64  # bytes that a value other than a tensor counts for


def save(state_dict: dict[str, Any], *, checkpoint_id: str | os.PathLike[str], process_group: Any = None) -> None:
    """Writes `state_dict` of all ranks into the folder `checkpoint_id`; all ranks must call it.

    It holds tensors, numbers, texts and lists of them in nested dicts with strings and numbers as keys. Raises
    RuntimeError, on every rank, if a rank could not write; the old checkpoint is then unchanged.

    >>> import minigrad as torch
    >>> torch.distributed.checkpoint.save({"model": {"w": torch.ones(2)}, "epoch": 3}, checkpoint_id="epoch 3")
    >>> torch.distributed.checkpoint.read("epoch 3")
    {'model': {'w': tensor([1., 1.])}, 'epoch': 3}
    """
    folder, group = Path(checkpoint_id), _find_group(process_group)
    rank, size = (group.rank(), group.size()) if group else (0, 1)
    entries = dict(_walk_entries(state_dict, ()))
    names = _name_shards(group)
    holders = [{key: _count_bytes(value) for key, value in entries.items()}] * size
    if group:
        objects.all_gather_object(holders, holders[rank], group)
    writers = share_out(holders)
    fault = _write_shard(folder, names[rank], [[key, entries[key]] for key in writers if writers[key] == rank])
    _agree_that_all_is_well(group, fault, folder, names)
    if rank == 0:
        order = list(writers)
        serialization.save(
            {"format": FORMAT, "shards": names, "keys": order, "where": [*writers.values()]}, folder / INDEX
        )
        _remove_others(folder, names)
    if group:
        collectives.barrier(group)


def load(state_dict: dict[str, Any], *, checkpoint_id: str | os.PathLike[str], process_group: Any = None) -> None:
    """Loads the entries of `state_dict` from the checkpoint: tensors are copied in place, other values replaced.

    Other entries of the checkpoint are not read. Raises RuntimeError for entries that it does not have, ValueError for
    tensors of another shape, `SerializationError` for a damaged or missing checkpoint; nothing is changed then.

    >>> import minigrad as torch
    >>> torch.distributed.checkpoint.save({"w": torch.ones(2), "epoch": 3}, checkpoint_id="epoch 3")
    >>> state = {"w": torch.zeros(2), "epoch": 0}
    >>> torch.distributed.checkpoint.load(state, checkpoint_id="epoch 3")
    >>> state
    {'w': tensor([1., 1.]), 'epoch': 3}
    """
    _find_group(process_group)
    wanted = dict(_walk_entries(state_dict, ()))
    found = _read_values(Path(checkpoint_id), wanted.__contains__)
    missing = [_show(key) for key in wanted if key not in found]
    if missing:
        detail = f"{', '.join(missing)}; {checkpoint_id} has none of these"
        raise RuntimeError(f"Missing key in checkpoint state_dict: {detail}")
    for key, value in wanted.items():
        if isinstance(value, Tensor) and (not isinstance(found[key], Tensor) or found[key].shape != value.shape):
            got = tuple(found[key].shape) if isinstance(found[key], Tensor) else type(found[key]).__name__
            raise ValueError(f"Size mismatch for {_show(key)}: saved {got}, current {tuple(value.shape)}")
    with no_grad():
        for key, value in wanted.items():
            if isinstance(value, Tensor):
                value.copy_(found[key])
            else:
                _put(state_dict, key, found[key])


def read(checkpoint_id: str | os.PathLike[str], *keys: Any, keep: Callable[[Key], bool] | None = None) -> Any:
    """What the checkpoint holds, or holds below `keys`, as new tensors; with `keep`, the entries it is true of alone.

    `keep` gets the keys below those given. For an optimizer that has no state yet:
    ``optimizer.load_state_dict(read(folder, "optimizer"))``, and for a ZeroRedundancyOptimizer only the own share with
    ``keep=lambda key: key[0] != "state" or key[1] in optimizer.owned``. Raises as `load`; KeyError for other keys.

    >>> import minigrad as torch
    >>> torch.distributed.checkpoint.save({"a": {"x": 1, "y": 2}}, checkpoint_id="folder")
    >>> torch.distributed.checkpoint.read("folder", "a", keep=lambda key: key[0] == "y")
    {'y': 2}
    """
    n = len(keys)
    found = _read_values(Path(checkpoint_id), lambda key: key[:n] == keys and (keep is None or keep(key[n:])))
    if keys in found:
        return found[keys]
    if not found and keep is None:
        raise KeyError(f"{checkpoint_id} has no entry {_show(keys)}")
    result: dict[Any, Any] = {}
    for key, value in found.items():
        _put(result, key[n:], value)
    return result


def share_out(holders: list[dict[Key, int]]) -> dict[Key, int]:
    """Assigns entries to ranks by their sizes: the largest first, to the rank with the fewest bytes.

    >>> share_out([{("a",): 8, ("b",): 4, ("c",): 4}, {("a",): 8, ("b",): 4, ("c",): 4}])
    {('a',): 0, ('b',): 1, ('c',): 1}
    """
    sizes: dict[Key, int] = {}
    for held in holders:
        for key, size in held.items():
            sizes.setdefault(key, size)
    loads, chosen = [0] * len(holders), {}
    for key in sorted(sizes, key=lambda key: -sizes[key]):
        chosen[key] = min((rank for rank, held in enumerate(holders) if key in held), key=lambda rank: loads[rank])
        loads[chosen[key]] += sizes[key]
    return {key: chosen[key] for key in sizes}


def _walk_entries(value: Any, key: Key) -> Iterator[tuple[Key, Any]]:
    """The leaves of nested dicts, each under its keys; an empty dict is a leaf."""
    if isinstance(value, dict) and (value or not key):
        for name, inner in value.items():
            yield from _walk_entries(inner, (*key, name))
    else:
        yield key, value


def _count_bytes(value: Any) -> int:
    """The bytes of an entry in a shard, about."""
    return int(value.array.nbytes) if isinstance(value, Tensor) else SMALL


def _find_group(process_group: Any) -> ProcessGroup | None:
    """The group of ranks; None without `init_process_group`."""
    return group_or_world(process_group) if is_initialized() else None


def _name_shards(group: ProcessGroup | None) -> list[str]:
    """A new file name for each rank."""
    stamp: list[Any] = [os.urandom(6).hex()]
    if group:
        objects.broadcast_object_list(stamp, group=group, group_src=0)
    return [f"{stamp[0]}.{rank}{SHARD}" for rank in range(group.size() if group else 1)]


def _write_shard(folder: Path, name: str, entries: list[list[Any]]) -> str:
    """Writes the entries; returns the fault, "" if there is none, which all ranks must hear of before one raises."""
    try:
        folder.mkdir(parents=True, exist_ok=True)
        serialization.save(entries, folder / name)
    except (OSError, TypeError, ValueError, RuntimeError) as error:
        return f"{type(error).__name__}: {error}"
    return ""


def _agree_that_all_is_well(group: ProcessGroup | None, fault: str, folder: Path, names: list[str]) -> None:
    """Raises RuntimeError on every rank if one could not write, or if rank 0 does not see a shard."""
    faults: list[Any] = [fault] * len(names)
    if group:
        objects.all_gather_object(faults, fault, group)
    unseen = [[] if any(faults) else [name for name in names if not (folder / name).exists()]]
    if group:
        objects.broadcast_object_list(unseen, group=group, group_src=0)
    if any(faults) or unseen[0]:
        (folder / names[group.rank() if group else 0]).unlink(missing_ok=True)
        reason = "; ".join(f"rank {rank}: {what}" for rank, what in enumerate(faults) if what)
        reason = reason or f"rank 0 does not see {', '.join(unseen[0])}: all ranks need one folder, on a shared disk"
        detail = f"what was there is as before: {reason}"
        raise RuntimeError(f"the checkpoint {os.fspath(folder)!r} was not written, {detail}")


def _remove_others(folder: Path, names: list[str]) -> None:
    """Removes the shards of older and of unfinished checkpoints."""
    for path in [*folder.glob(f"*{SHARD}"), *folder.glob(f".*{SHARD}.*.tmp")]:
        if path.name not in names:
            path.unlink(missing_ok=True)


def _read_values(folder: Path, wanted: Callable[[Key], bool]) -> dict[Key, Any]:
    """The wanted entries, in the order they were saved; only one shard is in memory at a time."""
    if not (folder / INDEX).exists():
        raise SerializationError(f"{os.fspath(folder)!r} holds no checkpoint: there is no {INDEX} in it")
    index = serialization.load(folder / INDEX)
    if not isinstance(index, dict) or index.get("format") != FORMAT:
        raise SerializationError(f"{os.fspath(folder / INDEX)!r} is no index of a checkpoint: {FORMAT!r} is expected")
    where = {key: rank for key, rank in zip(index["keys"], index["where"], strict=True) if wanted(key)}
    found: dict[Key, Any] = {}
    for rank in sorted(set(where.values())):
        name = index["shards"][rank]
        if Path(name).name != name or not (folder / name).exists():
            raise SerializationError(f"the checkpoint {os.fspath(folder)!r} lacks its file {name!r}")
        shard = serialization.load(folder / name)
        found |= {key: value for key, value in shard if where.get(key) == rank}
    lost = [key for key in where if key not in found]
    if lost:
        raise SerializationError(f"the checkpoint {os.fspath(folder)!r} lacks {', '.join(map(_show, lost))}")
    return {key: found[key] for key in where}


def _put(state: dict[Any, Any], key: Key, value: Any) -> None:
    """Sets an entry of nested dicts, which are made where they lack."""
    for name in key[:-1]:
        state = state.setdefault(name, {})
    state[key[-1]] = value


def _show(key: Key) -> str:
    """The key as messages name it: ``model.weight``."""
    return ".".join(map(str, key))
