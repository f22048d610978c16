"""How large may the learning rate be? The exact answer, from the engine's own gradients.

The squared error of a convolution layer is a quadratic in its weights. A step of gradient descent
multiplies the distance to the minimum by (1 - lr * lambda) along each axis of curvature lambda, so
plain gradient descent is stable exactly while

    lr < 2 / lambda_max,    lambda_max = the largest eigenvalue of the Hessian.

The Hessian H need not be computed: differentiating the gradient along a direction v gives H v.
Applying H again and again turns nearly any direction into the eigenvector of the largest
eigenvalue (power iteration). With momentum mu the limit is (1 + mu) times as high (Polyak, 1964).
"""

import argparse
from collections.abc import Sequence

import minigrad as torch
import minigrad.nn.functional as F
from detect_edges import bars, edges
from minigrad import nn


def largest_curvature(loss: torch.Tensor, parameters: Sequence[torch.Tensor]) -> float:
    """The largest eigenvalue of the Hessian of `loss`, by power iteration."""
    gradients = torch.autograd.grad(loss, parameters, create_graph=True)
    v = [torch.linspace(1, 2, p.numel(), device=p.device).reshape(p.shape) for p in parameters]
    curvature = 0.0
    for _ in range(200):
        length = sum((part * part).sum() for part in v).sqrt()
        v = [part / length for part in v]
        Hv = torch.autograd.grad(gradients, parameters, v, retain_graph=True)
        before = curvature
        curvature = sum((a * b).sum() for a, b in zip(v, Hv, strict=True)).item()  # v . H v
        if abs(curvature - before) <= 1e-6 * abs(curvature):
            break
        v = Hv
    return curvature


def stable_limit(loss: torch.Tensor, parameters: Sequence[torch.Tensor], momentum: float = 0) -> float:
    """The largest stable learning rate of gradient descent on a quadratic loss."""
    return 2 * (1 + momentum) / largest_curvature(loss, parameters)


def main(arguments: list[str] | None = None) -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.parse_args(arguments)
    X = bars()
    Y = edges(X, torch.tensor([[1.0, -1.0]]))[None, None]
    print("the 6x8 image and [1, -1]:")
    for reduction in ("sum", "mean"):
        for bias in (False, True):
            layer = nn.Conv2d(1, 1, (1, 2), bias=bias)
            loss = F.mse_loss(layer(X[None, None]), Y, reduction=reduction)
            curvature = largest_curvature(loss, list(layer.parameters()))
            print(
                f"{reduction} of squares, {'kernel and bias' if bias else 'kernel alone'}: "
                f"lambda_max {curvature:.4g}, so the learning rate stays below {2 / curvature:.3g}"
            )
    print("the course's 0.03 is nine tenths of the first limit, and twice the second")


if __name__ == "__main__":
    main()
