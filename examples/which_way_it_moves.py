"""Videos and Conv3d: which way does a dot move?

A video is a volume (channels, time, height, width). A kernel that reaches over two frames sees the dot before and
after its step, and answers to one direction. A kernel of one frame sees dots, and no motion: the mean of its answers is
the same for all four directions, so such a net can only guess.
"""

import argparse

import minigrad as torch
from minigrad import nn
from shared_options import seed

STEPS = {"up": (-1, 0), "down": (1, 0), "left": (0, -1), "right": (0, 1)}


def draw_videos(count: int, frames: int = 5, size: int = 6) -> tuple[torch.Tensor, torch.Tensor]:
    """Videos (count, 1, frames, size, size) of a moving dot, which comes back at the other side, and directions."""
    videos, labels = torch.zeros(count, 1, frames, size, size), torch.randint(0, 4, (count,))
    starts, moves = torch.randint(0, size, (count, 2)), torch.tensor([*STEPS.values()])[labels]
    numbers = torch.arange(count)
    for t in range(frames):
        rows, columns = ((starts + t * moves) % size).unbind(1)
        videos[numbers, 0, t, rows, columns] = 1.0
    return videos, labels


def make_net(depth: int) -> nn.Sequential:
    """A convolution whose kernels see `depth` frames, the mean of its answers, and a score for each direction."""
    return nn.Sequential(
        nn.Conv3d(1, 8, (depth, 3, 3), padding=(0, 1, 1), padding_mode="circular"),  # -> (N, 8, T - depth + 1, H, W)
        nn.ReLU(),
        nn.AdaptiveAvgPool3d(1),  # -> (N, 8, 1, 1, 1)
        nn.Flatten(),
        nn.Linear(8, 4),
    )


def train(net: nn.Sequential, steps: int) -> float:
    """Trains on new videos in every step; returns the share of right answers for 200 others."""
    optimizer = torch.optim.Adam(net.parameters(), lr=0.03)
    for _ in range(steps):
        videos, labels = draw_videos(64)
        optimizer.zero_grad()
        nn.functional.cross_entropy(net(videos), labels).backward()
        optimizer.step()
    videos, labels = draw_videos(200)
    with torch.no_grad():
        return (net(videos).argmax(1) == labels).float().mean().item()


def main(arguments: list[str] | None = None) -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--steps", type=int, default=150, help="of training (default 150)")
    parser.add_argument("--seed", type=seed, default=0, help="of videos and weights (default 0)")
    chosen = parser.parse_args(arguments)
    for depth in (1, 2):
        torch.manual_seed(chosen.seed)
        net = make_net(depth)
        right = train(net, chosen.steps)
        print(f"kernels of {depth} frame{'s' * (depth > 1)}, weight {tuple(net[0].weight.shape)}: {right:.0%} right")


if __name__ == "__main__":
    main()
