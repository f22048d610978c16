"""Edges of a real photograph, and the kernels learned back from the photograph and its edge map.

The photo comes with matplotlib (Grace Hopper, US Navy, public domain), so nothing is downloaded.
[1, -1] finds its vertical edges; Sobel's kernel finds them too and smooths along them. Then a layer
with a random kernel gets only the photo and the edge map, and learns the kernel.

A photo is harder than black and white bars. Neighbouring pixels are nearly equal, so the loss is steep
along one axis and nearly flat along others, where plain steps are small. Two things help. Subtracting
the mean grey makes the largest curvature less than half as large, and an edge kernel does not depend on
that grey; and with momentum the small steps add up.
"""

import argparse
import os
from pathlib import Path
from typing import Any

import numpy as np

import minigrad as torch
import minigrad.nn.functional as F
from detect_edges import edges
from minigrad import nn, viz
from shared_options import seed
from stable_learning_rate import stable_limit

KERNELS = {
    "difference": torch.tensor([[1.0, -1.0]]),
    "sobel": torch.tensor([[1.0, 0.0, -1.0], [2.0, 0.0, -2.0], [1.0, 0.0, -1.0]]),
}
MOMENTUM = 0.9
FORMATS = (".png", ".svg", ".pdf", ".jpg")


def photo(every: int = 2) -> torch.Tensor:
    """The photograph in grey, (300, 256): every second pixel, scaled to [0, 1], minus its mean."""
    try:
        import matplotlib
        from PIL import Image
    except ImportError as error:
        raise ImportError(
            f"the photograph comes with matplotlib and is read by Pillow ({error}): pip install matplotlib pillow"
        ) from error
    path = Path(matplotlib.get_data_path(), "sample_data", "grace_hopper.jpg")
    if not path.exists():
        raise FileNotFoundError(f"this matplotlib came without its sample photo: no file {path}")
    with Image.open(path) as picture:
        grey = np.asarray(picture.convert("L"), dtype=np.float32) / 255
    X = torch.tensor(grey[::every, ::every])
    return X - X.mean()


def picture_file(text: str) -> Path | None:
    """The file of the picture, None for 'none'; checked before the training starts."""
    if text == "none":
        return None
    path = Path(text)
    if path.suffix.lower() not in FORMATS:
        raise argparse.ArgumentTypeError(f"a picture ends in {', '.join(FORMATS)}; got {text!r}")
    if not path.parent.is_dir():
        raise argparse.ArgumentTypeError(f"there is no folder {str(path.parent)!r} to write into")
    reachable = os.access(path.parent, os.W_OK | os.X_OK)
    if not reachable or path.is_dir() or (path.exists() and not os.access(path, os.W_OK)):
        raise argparse.ArgumentTypeError(f"{text!r} cannot be written")
    if not viz.can_draw():
        raise argparse.ArgumentTypeError("needs matplotlib: pip install matplotlib")
    return path


def save(picture: Any, path: Path) -> None:
    """Writes the picture and prints its file name; ends the program with a message if that fails."""
    try:
        picture.savefig(path)
    except OSError as error:
        raise SystemExit(f"no picture: {error}") from None
    print(f"picture: {path}")


def learn(X: torch.Tensor, Y: torch.Tensor, size: tuple[int, int], steps: int) -> torch.Tensor:
    """The kernel (kh, kw) that makes the edge map Y (Ho, Wo) of the image X (H, W)."""
    layer = nn.Conv2d(1, 1, size, bias=False)
    X, Y = X[None, None], Y[None, None]  # (1, 1, H, W), (1, 1, Ho, Wo)
    limit = stable_limit(F.mse_loss(layer(X), Y), [layer.weight], MOMENTUM)
    optimizer = torch.optim.SGD(layer.parameters(), lr=0.4 * limit, momentum=MOMENTUM)
    for step in range(1, steps + 1):
        loss = F.mse_loss(layer(X), Y)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        if step % max(1, steps // 5) == 0:
            print(f"step {step}, loss {loss.item():.2e}")
    return layer.weight.detach()[0, 0]


def main(arguments: list[str] | None = None) -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--steps", type=int, default=200, help="for each kernel (default 200)")
    parser.add_argument("--seed", type=seed, default=0, help="of the first kernels (default 0)")
    parser.add_argument("--plot", type=picture_file, default=Path("photograph.png"), metavar="FILE",
        help="the picture, or 'none' (default photograph.png)")  # fmt: skip
    options = parser.parse_args(arguments)
    if options.steps < 1:
        parser.error(f"--steps counts gradient steps: at least 1, got {options.steps}")
    torch.manual_seed(options.seed)
    try:
        X = photo()
    except (ImportError, OSError) as error:
        parser.error(str(error))

    picture, axes = viz.figure(2, 3, "edges of a photograph")
    viz.feature_map(X, axes[0], "photograph")
    for column, (name, K) in enumerate(KERNELS.items(), start=1):
        Y = edges(X, K)
        strong = (Y.abs() > 0.1 * Y.abs().max()).float().mean().item()
        print(f"{name}: {strong:.0%} of the edge map {tuple(Y.shape)} is over a tenth of its peak")
        learned = learn(X, Y, tuple(K.shape), options.steps)
        print("learned:", learned, sep="\n")
        viz.feature_map(Y, axes[column], f"edges: {name}")
        viz.kernel(learned, axes[column + 3], f"learned: {name}")
    axes[3].hist(X.reshape(-1).cpu().numpy(), bins=50)
    axes[3].set(title="grey less its mean", yticks=[])
    if options.plot is not None:
        save(picture, options.plot)


if __name__ == "__main__":
    main()
