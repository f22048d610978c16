"""The two gradients of a convolution, in three ways, beside the engine's.

Number i of the kernel, in window t, reads pixel t * stride + i * dilation - padding. All follows from
that line. With g, the gradient of the output:

1. by the definition: in each window, the kernel receives g times the window, the window g times the kernel;
2. as convolutions: the kernel's gradient is x correlated with g, stride and dilation exchanged; the image's
   is g, spread by the stride, correlated with the flipped kernel;
3. as matrix products, with each window copied into a column (im2col).

Groups of channels do not see each other: each is a convolution by itself. docs/convolution_backward.md
derives the formulas.
"""

import argparse
from itertools import product

import minigrad as torch
import minigrad.nn.functional as F

Gradients = tuple[torch.Tensor, torch.Tensor]  # of the image and of the kernel


def by_definition(
    g: torch.Tensor, x: torch.Tensor, w: torch.Tensor, stride: int, padding: int, dilation: int
) -> Gradients:
    """One loop over the places of the output: image n, map o, row t, column u."""
    H, W = x.shape[2:]
    reach_h, reach_w = (dilation * (k - 1) + 1 for k in w.shape[2:])  # pixels from first to last number of the kernel
    image = F.pad(x, [padding] * 4)
    dx, dw = torch.zeros_like(image), torch.zeros_like(w)
    for n, o, t, u in product(*map(range, g.shape)):
        rows = slice(t * stride, t * stride + reach_h, dilation)
        cols = slice(u * stride, u * stride + reach_w, dilation)
        dw[o] += image[n, :, rows, cols] * g[n, o, t, u]
        dx[n, :, rows, cols] += w[o] * g[n, o, t, u]
    return dx[:, :, padding : padding + H, padding : padding + W], dw


def by_convolutions(
    g: torch.Tensor, x: torch.Tensor, w: torch.Tensor, stride: int, padding: int, dilation: int
) -> Gradients:
    """Each gradient is one call of conv2d; needs padding < dilation * (kernel - 1) + 1."""
    (H, W), (Ho, Wo), (kh, kw) = (a.shape[2:] for a in (x, g, w))
    # the sum runs over the images, so images take the place of channels
    dw = F.conv2d(x.transpose(0, 1), g.transpose(0, 1), stride=dilation, padding=padding, dilation=stride)
    reach_h, reach_w = dilation * (kh - 1) + 1, dilation * (kw - 1) + 1
    spread = torch.zeros(*g.shape[:2], H + reach_h - 1, W + reach_w - 1)
    top, left = reach_h - 1 - padding, reach_w - 1 - padding
    down, across = (Ho - 1) * stride + 1, (Wo - 1) * stride + 1
    spread[:, :, top : top + down : stride, left : left + across : stride] = g
    dx = F.conv2d(spread, w.flip(2, 3).transpose(0, 1), dilation=dilation)
    return dx, dw[:, :, :kh, :kw].transpose(0, 1)  # (C, O, kh, kw) -> (O, C, kh, kw)


def by_matrices(
    g: torch.Tensor, x: torch.Tensor, w: torch.Tensor, stride: int, padding: int, dilation: int
) -> Gradients:
    """Forward is Y = W X, with a window in each column of X; so dW = G X.T and dX = W.T G."""
    window = {"kernel_size": tuple(w.shape[2:]), "stride": stride, "padding": padding, "dilation": dilation}
    X, G, W = F.unfold(x, **window), g.flatten(2), w.flatten(1)
    dw = (G @ X.transpose(1, 2)).sum(0)  # over the images
    return F.fold(W.T @ G, output_size=tuple(x.shape[2:]), **window), dw.reshape(w.shape)


WAYS = {"by the definition": by_definition, "as convolutions": by_convolutions, "as matrices": by_matrices}


def in_groups(way: str, g: torch.Tensor, x: torch.Tensor, w: torch.Tensor, groups: int, *options: int) -> Gradients:
    """One of the `WAYS` for each group of channels; `options` are stride, padding and dilation."""
    pieces = zip(g.chunk(groups, 1), x.chunk(groups, 1), w.chunk(groups, 0), strict=True)
    found = [WAYS[way](*piece, *options) for piece in pieces]
    return torch.cat([dx for dx, _ in found], 1), torch.cat([dw for _, dw in found], 0)


def main(arguments: list[str] | None = None) -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    for name, default in (("stride", 2), ("padding", 1), ("dilation", 2)):
        parser.add_argument(f"--{name}", type=int, default=default, help=f"(default {default})")
    parser.add_argument("--groups", type=int, default=2, choices=(1, 2, 4), help="of the 4 channels (default 2)")
    options = parser.parse_args(arguments)
    if options.stride < 1 or options.dilation < 1 or not 0 <= options.padding <= options.dilation:
        parser.error("stride and dilation are at least 1, and padding is between 0 and dilation, for a kernel of 3 x 2")
    torch.manual_seed(0)
    x = torch.randn(2, 4, 9, 8, requires_grad=True)
    w = torch.randn(8, 4 // options.groups, 3, 2, requires_grad=True)
    settings = {"stride": options.stride, "padding": options.padding, "dilation": options.dilation}
    y = F.conv2d(x, w, **settings, groups=options.groups)
    g = torch.randn_like(y)
    right = torch.autograd.grad(y, (x, w), g)
    print(f"x {tuple(x.shape)}, w {tuple(w.shape)}, {settings}, groups {options.groups} -> y {tuple(y.shape)}")
    for way in WAYS:
        found = in_groups(way, g, x.detach(), w.detach(), options.groups, *settings.values())
        dx, dw = ((a - b).abs().max().item() for a, b in zip(found, right, strict=True))
        print(f"{way}: differs from the engine by {dx:.0e} in x, {dw:.0e} in w")


if __name__ == "__main__":
    main()
