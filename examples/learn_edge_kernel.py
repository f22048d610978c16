"""A convolution layer learns the kernel [1, -1] from an image and its edge map.

The image is the 6x8 image with a bar, or a photograph; its edge map is made with [1, -1]. A layer
with a random kernel learns that kernel by gradient descent on the squared error.

The default learning rate is 0.9 times the largest stable one, for the bar 0.03. Above the limit
plain gradient descent diverges, and the program warns before it starts: try --lr 0.05 --steps 200.
"""

import argparse
import math
import sys
from dataclasses import dataclass, field
from pathlib import Path

import minigrad as torch
import minigrad.nn.functional as F
from detect_edges import bars, edges
from minigrad import nn, viz
from photograph import MOMENTUM, photo, picture_file, save
from shared_options import seed
from stable_learning_rate import largest_curvature


@dataclass
class Run:
    """The losses and kernels of a training run, step by step."""

    losses: list[float] = field(default_factory=list)
    kernels: list[torch.Tensor] = field(default_factory=list)


def train(layer: nn.Conv2d, X: torch.Tensor, Y: torch.Tensor, options: argparse.Namespace) -> Run:
    """Trains for `options.steps` steps; stops early when the loss is no longer finite."""
    if options.optimizer == "adam":
        optimizer = torch.optim.Adam(layer.parameters(), lr=options.lr)
    else:
        momentum = MOMENTUM if options.optimizer == "momentum" else 0.0
        optimizer = torch.optim.SGD(layer.parameters(), lr=options.lr, momentum=momentum)
    run = Run(kernels=[layer.weight.detach().cpu().clone()])
    for epoch in range(1, options.steps + 1):
        loss = F.mse_loss(layer(X), Y, reduction=options.reduction)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        run.losses.append(loss.item())
        run.kernels.append(layer.weight.detach().cpu().clone())
        if not math.isfinite(run.losses[-1]):
            break
        if epoch % max(1, options.steps // 10) == 0:
            print(f"epoch {epoch}, loss {run.losses[-1]:.4g}")
    return run


def draw(path: Path, X: torch.Tensor, feature_map: torch.Tensor, run: Run) -> None:
    """Four panels: loss, kernel over time, image, and its feature map under the learned kernel."""
    picture, axes = viz.figure(2, 2, "a convolution layer learns [1, -1]")
    viz.loss_curve(run.losses, axes[0])
    viz.kernel_history(run.kernels, axes[1])
    viz.feature_map(X, axes[2], "image")
    viz.feature_map(feature_map, axes[3], "feature map of the learned kernel")
    viz.same_pixels(axes[2], axes[3])
    save(picture, path)


def complain(text: str) -> None:
    print(text, file=sys.stderr, flush=True)


def device(text: str) -> torch.device:
    try:
        return torch.zeros(1, device=text).device
    except RuntimeError as error:
        raise argparse.ArgumentTypeError(str(error)) from None


def learning_rate(text: str) -> float:
    try:
        rate = float(text)
    except ValueError:
        rate = math.nan
    if not 0 < rate < math.inf:
        raise argparse.ArgumentTypeError(f"a learning rate is a positive number; got {text!r}")
    return rate


def steps(text: str) -> int:
    if not text.isdecimal() or int(text) < 1:
        raise argparse.ArgumentTypeError(f"gradient steps are counted: 1, 2, ...; got {text!r}")
    return int(text)


def read_options(arguments: list[str] | None) -> tuple[argparse.Namespace, torch.Tensor]:
    """The options, and the chosen image."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    add = parser.add_argument
    add("--image", choices=["bars", "photo"], default="bars", help="what to learn from")
    add("--steps", type=steps, help="default 30; 100 for the photo and other optimizers than sgd")
    add("--lr", type=learning_rate, help="default 0.9 of the stable limit; 0.1 for adam")
    add("--optimizer", choices=["sgd", "momentum", "adam"], default="sgd")
    add("--reduction", choices=["sum", "mean"], default="sum", help="of the squared error")
    add("--bias", action="store_true", help="train a bias too: the stable limit falls by half")
    add("--device", type=device, help="cpu, or cuda where CuPy and a GPU are; default MINIGRAD_DEVICE, or cpu")
    add("--seed", type=seed, default=0, help="of the first kernel")
    add("--plot", type=picture_file, metavar="FILE", help="picture, or 'none'; "
        "default learn_edge_kernel.png where matplotlib is installed")  # fmt: skip
    options = parser.parse_args(arguments, argparse.Namespace(plot=...))
    if options.steps is None:
        options.steps = 30 if options.image == "bars" and options.optimizer == "sgd" else 100
    try:
        options.device = options.device or torch.get_default_device()
        return options, bars() if options.image == "bars" else photo()
    except (ImportError, OSError, RuntimeError) as error:
        parser.error(str(error))


def find_limit(layer: nn.Conv2d, X: torch.Tensor, Y: torch.Tensor, options: argparse.Namespace) -> float:
    """The largest stable learning rate, which is printed: 2 (1 + momentum) / the largest curvature of the loss.

    Adam has no such limit, because its steps do not grow with the gradient.
    """
    if options.optimizer == "adam":
        return math.inf
    momentum = MOMENTUM if options.optimizer == "momentum" else 0.0
    loss = F.mse_loss(layer(X), Y, reduction=options.reduction)
    curvature = largest_curvature(loss, list(layer.parameters()))
    limit = 2 * (1 + momentum) / curvature
    print(f"stable below learning rate {limit:.3g} = {2 * (1 + momentum):g} / {curvature:.4g}")
    if options.lr and options.lr >= limit:
        complain(
            f"warning: the learning rate {options.lr:g} is beyond the stable limit {limit:.3g} "
            f"({2 * (1 + momentum):g} over {curvature:.4g}, the largest eigenvalue of this loss's "
            f"Hessian): the error will grow from step to step. Try --lr {0.9 * limit:.2g}."
        )
    return limit


def judge(run: Run, zero_loss: float, limit: float, options: argparse.Namespace) -> bool:
    """Says what went wrong, if anything; False if the loss overflowed. A kernel of zeros has the loss `zero_loss`."""
    first, last = run.losses[0], run.losses[-1]
    cure = f"--lr {0.9 * limit:.2g}" if limit < math.inf else "a smaller --lr"
    if not math.isfinite(last):
        cause = f"beyond the stable limit {limit:.3g}" if options.lr >= limit else "too high"
        complain(
            f"stopped at epoch {len(run.losses)}: the loss is {last}. The learning rate "
            f"{options.lr:g} is {cause}: each step overshot the minimum by more. Try {cure}."
        )
        return False
    if last > first:
        complain(f"nothing was learned: the loss grew from {first:.4g} to {last:.4g}. Try {cure}.")
    elif last > 0.01 * zero_loss:
        more = "more --steps, or --optimizer momentum" if options.optimizer == "sgd" else "more --steps"
        print(f"not there yet: the loss is {last / zero_loss:.0%} of what a kernel of zeros would leave. Try {more}.")
    return True


def main(arguments: list[str] | None = None) -> int:
    options, image = read_options(arguments)
    torch.manual_seed(options.seed)
    X = image[None, None].to(options.device)  # (H, W) -> (1, 1, H, W)
    Y = edges(image, torch.tensor([[1.0, -1.0]]))[None, None].to(options.device)
    layer = nn.Conv2d(1, 1, kernel_size=(1, 2), bias=options.bias).to(options.device)
    print(f"image {tuple(X.shape)}, edge map {tuple(Y.shape)}, on {options.device}")
    limit = find_limit(layer, X, Y, options)
    options.lr = options.lr or (0.9 * limit if limit < math.inf else 0.1)
    print(f"{options.optimizer}, learning rate {options.lr:.3g}, {options.steps} steps")
    run = train(layer, X, Y, options)
    if not judge(run, F.mse_loss(Y, torch.zeros_like(Y), reduction=options.reduction).item(), limit, options):
        return 1
    print("the learned kernel:", layer.weight.detach().cpu().reshape(1, 2))
    if options.bias:
        print("the learned bias:", layer.bias.detach().cpu())
    if options.plot is ... and not viz.can_draw():
        print("no picture: that needs matplotlib, pip install matplotlib")
    elif options.plot is not None:
        path = Path("learn_edge_kernel.png") if options.plot is ... else options.plot
        draw(path, image, layer(X).detach().cpu(), run)
    return 0


if __name__ == "__main__":
    sys.exit(main())
