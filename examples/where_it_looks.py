"""Where does a network look? Grad-CAM (Selvaraju et al., 2017) on a network that finds crosses and squares.

The last convolution gives maps A_1, A_2, ...; a score is made from them. The gradient of the score
along a map says how much each of its pixels helps the score. The mean of that gradient is the
importance of the map, and the sum of the maps, each times its importance, with negative numbers set
to 0, shows the places that speak for the class:

    heat = relu(sum over c of mean(dscore / dA_c) * A_c)

The network was never told where the pattern is, only what it is. It looks at the right place all the same.
(Images without a pattern are a class of their own: if there were only crosses and squares, it could say
"a cross" wherever it sees no square, and look at the background.)
"""

import argparse

import minigrad as torch
import minigrad.nn.functional as F
from minigrad import nn
from shared_options import seed

SIZE, NAMES = 14, ("a cross", "a square", "nothing")
PATTERNS = (
    ("x...x", ".x.x.", "..x..", ".x.x.", "x...x"),
    ("xxxxx", "x...x", "x...x", "x...x", "xxxxx"),
    (".....", ".....", ".....", ".....", "....."),
)


def make_images(count: int) -> tuple[torch.Tensor, torch.Tensor, list[tuple[int, int]]]:
    """Noise with at most one pattern each: images (N, 1, SIZE, SIZE), classes (N,), and the corners of the patterns."""
    images, classes = 0.2 * torch.rand(count, 1, SIZE, SIZE), torch.arange(count) % 3
    corners = [(int(i), int(j)) for i, j in torch.randint(0, SIZE - 4, (count, 2))]
    patterns = torch.tensor([[[float(sign == "x") for sign in row] for row in rows] for rows in PATTERNS])
    for image, kind, (i, j) in zip(images, classes.tolist(), corners, strict=True):
        image[0, i : i + 5, j : j + 5] += patterns[kind]
    return images, classes, corners


def make_network() -> nn.Sequential:
    """Two convolutions that keep the size, the mean of each map, and a score for each class."""
    return nn.Sequential(
        nn.Conv2d(1, 8, 3, padding=1), nn.ReLU(), nn.Conv2d(8, 8, 3, padding=1), nn.ReLU(),
        nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(8, 3),
    )  # fmt: skip


def train(net: nn.Module, images: torch.Tensor, classes: torch.Tensor, steps: int) -> float:
    """Trains on all images at once; returns the last loss."""
    optimizer = torch.optim.Adam(net.parameters(), lr=0.01)
    for _ in range(steps):
        loss = F.cross_entropy(net(images), classes)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    return loss.item()


def heat_of(net: nn.Sequential, image: torch.Tensor, kind: int) -> torch.Tensor:
    """Where the pixels of an image (1, H, W) speak for a class: (H, W), between 0 and 1."""
    maps = net[:4](image[None])  # (1, C, H, W), after the last convolution
    score = net[4:](maps)[0, kind]
    (gradient,) = torch.autograd.grad(score, maps)
    importance = gradient.mean((2, 3), keepdim=True)  # (1, C, 1, 1)
    heat = F.relu((importance * maps).sum(1))[0].detach()  # (1, C, H, W) -> (H, W)
    return heat / heat.max().clamp(min=1e-9)


def draw(plane: torch.Tensor) -> list[str]:
    """The rows of an image with numbers between 0 and 1, in characters from light to dark."""
    shades = " .:-=+*#%@"
    return ["".join(shades[min(int(n * len(shades)), 9)] * 2 for n in row) for row in plane.tolist()]


def main(arguments: list[str] | None = None) -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--steps", type=int, default=150, help="of training (default 150)")
    parser.add_argument("--seed", type=seed, default=0, help="of the images and the first weights (default 0)")
    options = parser.parse_args(arguments)
    if options.steps < 1:
        parser.error(f"--steps counts gradient steps: at least 1, got {options.steps}")
    torch.manual_seed(options.seed)
    images, classes, _ = make_images(96)
    net = make_network()
    print(f"loss after {options.steps} steps: {train(net, images, classes, options.steps):.4f}")

    images, classes, corners = make_images(30)
    with torch.no_grad():
        predicted = net(images).argmax(1)
    print(f"new images: {int((predicted == classes).sum())} of {len(images)} are right")
    for image, kind, (i, j) in list(zip(images, predicted.tolist(), corners, strict=True))[:2]:
        print(f"\n{NAMES[kind]}, says the network; the pattern begins at row {i}, column {j}")
        for left, right in zip(draw(image[0] / image.max()), draw(heat_of(net, image, kind)), strict=True):
            print(f"{left} | {right}")


if __name__ == "__main__":
    main()
