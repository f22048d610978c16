"""Sharded checkpoints: complete or absent, written by one number of ranks and read by another."""

from pathlib import Path

import pytest

import minigrad as torch
import minigrad.distributed as dist
from minigrad import nn
from minigrad.distributed.checkpoint import load, read, save
from minigrad.distributed.optim import ZeroRedundancyOptimizer
from minigrad.serialization import SerializationError
from tests.distributed.launcher import catch_refusal, launch, ranks


def make_folder():
    """A new folder, the same for all ranks."""
    made = [None]
    if dist.get_rank() == 0:
        import tempfile

        made = [tempfile.mkdtemp()]
    dist.broadcast_object_list(made)
    return Path(made[0])


def remove_folder(path):
    import shutil

    dist.barrier()
    if dist.get_rank() == 0:
        shutil.rmtree(path)


@ranks(1, 2, 3, 4)
def test_each_rank_writes_a_share_and_each_can_read_all():
    rank, size = dist.get_rank(), dist.get_world_size()
    path = make_folder()
    state = {
        "model": {f"w{i}": torch.full((10, i + 1), float(i)) for i in range(8)},
        "epoch": 3,
        "own": {rank: rank * 10},
    }
    for _ in range(2):  # the second replaces the first
        save(state, checkpoint_id=path)
        shards = list(path.glob("*.shard"))
        assert len(shards) == size and len(list(path.iterdir())) == size + 1
        assert max(s.stat().st_size for s in shards) < 8 * 36 * 40 / size + 4000
        dist.barrier()
    found = read(path)
    assert found["epoch"] == 3 and found["own"] == {r: r * 10 for r in range(size)}
    assert all(torch.equal(found["model"][k], v) for k, v in state["model"].items())
    assert read(path, "epoch") == 3
    assert list(read(path, "model", keep=lambda key: key == ("w3",))) == ["w3"]
    ours = {"model": {"w5": torch.zeros(10, 6)}, "epoch": 0}
    held = ours["model"]["w5"]
    load(ours, checkpoint_id=path)
    assert torch.equal(held, state["model"]["w5"]) and ours["epoch"] == 3
    remove_folder(path)


@ranks(2, 3)
def test_if_one_rank_cannot_save_each_raises_and_the_old_checkpoint_stays():
    rank, _ = dist.get_rank(), dist.get_world_size()
    path = make_folder()
    save({"x": torch.ones(2)}, checkpoint_id=path)
    state = {"x": torch.zeros(2)} | ({"what": object()} if rank == 1 else {})
    message = catch_refusal(RuntimeError, save, state, checkpoint_id=path)
    assert "rank 1: TypeError" in message and "as before" in message
    assert read(path, "x").tolist() == [1, 1]
    remove_folder(path)


@ranks(1, 2)
def test_load_refuses_missing_keys_and_other_shapes():
    path = make_folder()
    save({"x": torch.ones(2), "y": 1}, checkpoint_id=path)
    x = torch.zeros(2)
    assert "Missing key in checkpoint state_dict: z" in catch_refusal(
        RuntimeError, load, {"x": x, "z": 1}, checkpoint_id=path
    )
    message = catch_refusal(ValueError, load, {"x": torch.zeros(3)}, checkpoint_id=path)
    assert message == "Size mismatch for x: saved (2,), current (3,)" and x.tolist() == [0, 0]
    assert "no entry" in catch_refusal(KeyError, read, path, "z")
    assert "holds no checkpoint" in catch_refusal(SerializationError, read, path / "nowhere")
    remove_folder(path)


def test_save_and_read_work_without_a_process_group(tmp_path):
    save({"x": torch.ones(2)}, checkpoint_id=tmp_path)
    assert read(tmp_path, "x").tolist() == [1, 1]
    (shard,) = tmp_path.glob("*.shard")
    shard.unlink()
    with pytest.raises(SerializationError, match="lacks its file"):
        read(tmp_path)
    torch.save({"format": "another"}, tmp_path / "index.minigrad")
    with pytest.raises(SerializationError, match="no index"):
        read(tmp_path)


PROGRAM = """
import sys, minigrad as torch, minigrad.distributed as dist
from tests.distributed.test_checkpoint import train
train(sys.argv[1], int(sys.argv[2]), int(sys.argv[3]))
"""


def train(path, begin, end):
    """Steps `begin` to `end` of one training; the ranks share the same eight rows of each step."""
    dist.init_process_group()
    rank, size = dist.get_rank(), dist.get_world_size()
    torch.manual_seed(0)
    model = nn.parallel.DistributedDataParallel(nn.Sequential(nn.Linear(3, 5), nn.Tanh(), nn.Linear(5, 1)).double())
    optimizer = ZeroRedundancyOptimizer(model.parameters(), torch.optim.Adam, lr=0.1)
    if begin:
        state = {"model": model.state_dict()}
        load(state, checkpoint_id=path)
        optimizer.load_state_dict(read(path, "optimizer", keep=lambda k: k[0] != "state" or k[1] in optimizer.owned))
        assert len(optimizer.state) == len(optimizer.owned)
    for step in range(begin, end):
        torch.manual_seed(step)
        x = torch.randn(8, 3).double()
        n = 8 // size
        optimizer.zero_grad()
        (model(x[rank * n : (rank + 1) * n]) ** 2).mean().backward()
        optimizer.step()
    save({"model": model.state_dict(), "optimizer": optimizer.local_state_dict()}, checkpoint_id=path)
    dist.destroy_process_group()


def test_a_checkpoint_of_four_ranks_resumes_on_two(tmp_path):
    for name, parts in {"through": [(4, 0, 6)], "resumed": [(4, 0, 3), (2, 3, 5), (1, 5, 6)]}.items():
        for count, begin, end in parts:
            done = launch(count, "-c", PROGRAM, tmp_path / name, begin, end)
            assert done.returncode == 0, done.stderr
    through, resumed = read(tmp_path / "through"), read(tmp_path / "resumed")
    for key, value in through["model"].items():
        assert torch.allclose(resumed["model"][key], value, rtol=1e-9, atol=1e-12)
    assert resumed["optimizer"]["state"].keys() == through["optimizer"]["state"].keys() == set(range(4))


@ranks(2, 3)
def test_one_rank_saves_while_the_others_wait():
    path = make_folder() / "model.minigrad"
    model = nn.Linear(3, 2)
    if dist.get_rank() == 0:
        torch.save(model.state_dict(), path)
    dist.barrier()
    other = nn.Linear(3, 2)
    other.load_state_dict(torch.load(path))
    dist.broadcast(expected := model.weight.detach().clone(), 0)
    assert torch.equal(other.weight, expected)
    assert list(path.parent.iterdir()) == [path]
    remove_folder(path.parent)
