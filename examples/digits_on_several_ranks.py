"""The same training on 1, 2 or 4 processes: the losses are equal up to rounding.

    python examples/digits_on_several_ranks.py
    mpiexec -n 4 python examples/digits_on_several_ranks.py

Every rank makes the same digits, in the same order, and takes its share of each batch. DistributedDataParallel averages
the gradients, so every rank takes the step that one process with the whole batch would take. Sums are added in another
order, so rounding differs: the losses agree to about six digits.
"""

import argparse
from pathlib import Path

import minigrad as torch
import minigrad.distributed as dist
from minigrad import nn
from minigrad.distributed import checkpoint
from shared_options import seed

FONT = """
###  #  ### ### # # ### ### ### ### ###
# # ##    #   # # # #   #     # # # # #
# #  #  ### ### ### ### ###   # ### ###
# #  #  #     #   #   # # #   # # #   #
### ### ### ###   # ### ###   # ### ###
"""


def draw_digits(count: int) -> tuple[torch.Tensor, torch.Tensor]:
    """`count` noisy images (N, 1, 9, 8) with a digit of 5x3 pixels at a random place, and labels (N,)."""
    rows = [line.ljust(40) for line in FONT.strip("\n").split("\n")]
    shapes = torch.tensor([[[float(c == "#") for c in row[4 * d : 4 * d + 3]] for row in rows] for d in range(10)])
    labels = torch.randint(0, 10, (count,))
    places = torch.randint(0, 5, (count, 2)).tolist()
    images = 0.2 * torch.randn(count, 1, 9, 8)
    for i, (down, right) in enumerate(places):
        images[i, 0, down : down + 5, right : right + 3] += shapes[labels[i]]
    return images, labels


def make_net() -> nn.Module:
    return nn.Sequential(
        nn.Conv2d(1, 8, 3, padding=1), nn.ReLU(), nn.MaxPool2d(2), nn.Conv2d(8, 16, 3), nn.ReLU(),
        nn.Flatten(), nn.Linear(64, 32), nn.ReLU(), nn.Linear(32, 10),
    )  # fmt: skip


def mean_over_ranks(value: torch.Tensor) -> float:
    value = value.detach().clone()
    dist.all_reduce(value, dist.ReduceOp.AVG)
    return value.item()


def train(epochs: int, batch: int, seed: int, folder: Path | None) -> list[float]:
    """Trains, and returns the mean loss of each epoch; saves the state in `folder`, and continues from it."""
    rank, size = dist.get_rank(), dist.get_world_size()
    torch.manual_seed(seed)
    images, labels = draw_digits(640)
    net = nn.parallel.DistributedDataParallel(make_net())
    optimizer = torch.optim.Adam(net.parameters(), lr=0.01)
    first = 0
    if folder is not None and (folder / "index.minigrad").exists():
        state = {"net": net.state_dict()}
        checkpoint.load(state, checkpoint_id=folder)
        optimizer.load_state_dict(checkpoint.read(folder, "optimizer"))
        first = checkpoint.read(folder, "epoch")
    losses = []
    for epoch in range(first, epochs):
        order = torch.randperm(len(images), generator=torch.Generator().manual_seed(epoch))
        total = 0.0
        for chosen in order.split(batch):
            mine = chosen[rank::size]  # the same number on each rank, so that the mean of means is the mean
            loss = nn.functional.cross_entropy(net(images[mine]), labels[mine])
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
            total += mean_over_ranks(loss)
        losses.append(total / len(order.split(batch)))
        if rank == 0:
            print(f"epoch {epoch + 1}: loss {losses[-1]:.6f}", flush=True)
        if folder is not None:
            state = {"net": net.state_dict(), "optimizer": optimizer.state_dict(), "epoch": epoch + 1}
            checkpoint.save(state, checkpoint_id=folder)
    return losses


def main(arguments: list[str] | None = None) -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--epochs", type=int, default=5)
    parser.add_argument("--batch", type=int, default=32, help="images of all ranks together; the ranks must divide it")
    parser.add_argument("--seed", type=seed, default=0)
    parser.add_argument("--checkpoint", type=Path, help="a folder to save to after each epoch, and to go on from")
    given = parser.parse_args(arguments)
    if min(given.epochs, given.batch) < 1:
        parser.error(f"--epochs and --batch are at least 1, got {given.epochs} and {given.batch}")
    dist.init_process_group()
    try:
        if given.batch % dist.get_world_size():
            parser.error(f"{dist.get_world_size()} ranks do not divide a batch of {given.batch}")
        train(given.epochs, given.batch, given.seed, given.checkpoint)
    finally:
        dist.destroy_process_group()


if __name__ == "__main__":
    main()
