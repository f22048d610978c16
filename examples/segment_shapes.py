"""A class for each pixel: a small U-Net (Ronneberger et al., 2015) finds discs and crosses in noisy images.

The images show a disc by its outline alone; its inside belongs to it, too. On the way down, pooling
makes the maps smaller, so that a kernel sees more of the image: enough to know, in the middle of a
disc, of the outline around it. On the way up, a transposed convolution makes them larger again. What
pooling has forgotten, where exactly a shape ends, comes from the maps of the same size on the way
down, which are put beside those on the way up (the shortcuts of the U):

    16x16 -> 8x8 -> 4x4 -> 8x8 -> 16x16
      |       |             |       |
      |       +-------------+       |
      +-----------------------------+

A result is judged by its overlap with the true pixels of a class, for the two sets A and B:

    IoU = |A and B| / |A or B|        Dice = 2 |A and B| / (|A| + |B|)

Try --no-shortcuts: the discs are still found, but hardly a pixel of the thin crosses.
"""

import argparse

import minigrad as torch
import minigrad.nn.functional as F
from minigrad import nn
from shared_options import seed

SIZE, NAMES, SIGNS = 16, ("background", "disc", "cross"), ".o+"


def make_images(count: int) -> tuple[torch.Tensor, torch.Tensor]:
    """Noise with a shape on the left and on the right: (N, 1, 16, 16), and the classes (N, 16, 16) of the pixels."""
    rows, columns = torch.arange(SIZE)[:, None], torch.arange(SIZE)
    images = 0.3 * torch.randn(count, 1, SIZE, SIZE)
    classes = torch.zeros(count, SIZE, SIZE, dtype=torch.int64)
    for image, truth in zip(images, classes, strict=True):
        for begin in (0, SIZE // 2):
            kind, radius = int(torch.randint(1, 3, (1,))), int(torch.randint(2, 4, (1,)))
            i = int(torch.randint(radius, SIZE - radius, (1,)))
            j = begin + int(torch.randint(radius, SIZE // 2 - radius, (1,)))
            down, right = (rows - i).abs(), (columns - j).abs()  # (16, 1) and (16,)
            distance = (down**2 + right**2).sqrt()  # (16, 16)
            if kind == 1:
                shape = distance <= radius + 0.3
                drawn = shape & (distance > radius - 0.7)
            else:
                shape = drawn = (down.minimum(right) == 0) & (down.maximum(right) <= radius)
            truth[shape] = kind
            image[0, drawn] += 1
    return images, classes


def convolve(channels_in: int, channels_out: int) -> nn.Sequential:
    """A convolution that keeps the size, batch norm and ReLU."""
    return nn.Sequential(nn.Conv2d(channels_in, channels_out, 3, padding=1), nn.BatchNorm2d(channels_out), nn.ReLU())


class UNet(nn.Module):
    """Images (N, 1, H, W) -> a score for each class and pixel, (N, 3, H, W); H and W are multiples of 4."""

    def __init__(self, channels: int = 8, shortcuts: bool = True) -> None:
        super().__init__()
        small, middle, large = channels, 2 * channels, 4 * channels
        self.shortcuts = shortcuts
        self.first, self.second, self.bottom = convolve(1, small), convolve(small, middle), convolve(middle, large)
        self.up_second = nn.ConvTranspose2d(large, middle, 2, stride=2)
        self.join_second = convolve(2 * middle if shortcuts else middle, middle)
        self.up_first = nn.ConvTranspose2d(middle, small, 2, stride=2)
        self.join_first = convolve(2 * small if shortcuts else small, small)
        self.scores = nn.Conv2d(small, len(NAMES), 1)

    def forward(self, images: torch.Tensor) -> torch.Tensor:
        first = self.first(images)  # (N, C, H, W)
        second = self.second(F.max_pool2d(first, 2))  # (N, 2C, H/2, W/2)
        bottom = self.bottom(F.max_pool2d(second, 2))  # (N, 4C, H/4, W/4)
        x = self.join_second(self.beside(second, self.up_second(bottom)))  # (N, 2C, H/2, W/2)
        x = self.join_first(self.beside(first, self.up_first(x)))  # (N, C, H, W)
        return self.scores(x)

    def beside(self, down: torch.Tensor, up: torch.Tensor) -> torch.Tensor:
        """The maps of both ways as channels of one: (N, C, H, W) twice -> (N, 2C, H, W)."""
        return torch.cat([down, up], dim=1) if self.shortcuts else up


def train(net: nn.Module, steps: int, batch: int = 16) -> float:
    """Trains with cross entropy, the mean over all pixels, on new images in each step; returns the last loss."""
    optimizer = torch.optim.Adam(net.parameters(), lr=0.01)
    net.train()
    for _ in range(steps):
        images, classes = make_images(batch)
        loss = F.cross_entropy(net(images), classes)  # (N, 3, H, W) and (N, H, W)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    return loss.item()


def predict(net: nn.Module, images: torch.Tensor) -> torch.Tensor:
    """The class of each pixel, (N, H, W)."""
    net.eval()
    with torch.no_grad():
        return net(images).argmax(1)


def overlap(predicted: torch.Tensor, classes: torch.Tensor, kind: int) -> tuple[float, float]:
    """IoU and Dice of the pixels of one class; 1 and 1 if both sets are empty."""
    ours, theirs = predicted == kind, classes == kind
    both, either = int((ours & theirs).sum()), int((ours | theirs).sum())
    return (both / either, 2 * both / (both + either)) if either else (1.0, 1.0)


def draw(plane: torch.Tensor) -> list[str]:
    """The rows of classes (H, W), in characters."""
    return ["".join(SIGNS[kind] * 2 for kind in row) for row in plane.tolist()]


def main(arguments: list[str] | None = None) -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--steps", type=int, default=100, help="of training (default 100)")
    parser.add_argument("--seed", type=seed, default=0, help="of the images and the first weights (default 0)")
    parser.add_argument("--no-shortcuts", action="store_true", help="leave out the maps of the way down")
    options = parser.parse_args(arguments)
    if options.steps < 1:
        parser.error(f"--steps counts gradient steps: at least 1, got {options.steps}")
    torch.manual_seed(options.seed)
    net = UNet(shortcuts=not options.no_shortcuts)
    print(f"loss after {options.steps} steps: {train(net, options.steps):.4f}")

    images, classes = make_images(60)
    predicted = predict(net, images)
    print(f"60 new images: {(predicted == classes).float().mean().item():.1%} of the pixels are right")
    for kind, name in enumerate(NAMES):
        iou, dice = overlap(predicted, classes, kind)
        print(f"  {name:10} IoU {iou:.3f}, Dice {dice:.3f}")
    print("\nthe first one: the truth, and what the network says")
    for left, right in zip(draw(classes[0]), draw(predicted[0]), strict=True):
        print(f"{left} | {right}")


if __name__ == "__main__":
    main()
