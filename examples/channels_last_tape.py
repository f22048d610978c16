"""The TensorFlow edition of the lesson: channels last, one watched tensor, an explicit gradient.

TensorFlow stores images as (N, H, W, C), kernels as (kh, kw, C_in, C_out), and records operations only
inside a tape, for the tensors that the tape watches. Here that takes a few lines: `permute` moves the
axes (and is differentiable), `autograd.grad` is the tape's `gradient`. The loss is abs(...)**2, and its
sum is differentiated: ten steps with learning rate 3e-2.
"""

import argparse

import minigrad as torch
import minigrad.nn.functional as F
from detect_edges import bars, edges
from shared_options import seed


class GradientTape:
    """Records the operations in its `with` block on the tensors given to `watch`."""

    def __init__(self) -> None:
        self.recording = torch.enable_grad()

    def __enter__(self) -> "GradientTape":
        self.recording.__enter__()
        return self

    def __exit__(self, *error: object) -> None:
        self.recording.__exit__(*error)

    def watch(self, tensor: torch.Tensor) -> None:
        tensor.requires_grad_()

    def gradient(self, target: torch.Tensor, source: torch.Tensor) -> torch.Tensor:
        """The gradient of sum(target) with respect to source."""
        return torch.autograd.grad(target, source, torch.ones_like(target))[0]


def conv2d_channels_last(x: torch.Tensor, kernel: torch.Tensor) -> torch.Tensor:
    """(N, H, W, C_in) with (kh, kw, C_in, C_out) -> (N, Ho, Wo, C_out)."""
    x = x.permute(0, 3, 1, 2)  # (N, H, W, C_in) -> (N, C_in, H, W)
    kernel = kernel.permute(3, 2, 0, 1)  # (kh, kw, C_in, C_out) -> (C_out, C_in, kh, kw)
    return F.conv2d(x, kernel).permute(0, 2, 3, 1)  # (N, C_out, Ho, Wo) -> (N, Ho, Wo, C_out)


@torch.no_grad()
def learn(kernel: torch.Tensor, steps: int = 10, lr: float = 3e-2) -> torch.Tensor:
    """Trains a copy of the given kernel (1, 2, 1, 1) for some steps, and returns it."""
    image = bars()
    x = image.reshape(1, 6, 8, 1)
    y = edges(image, torch.tensor([[1.0, -1.0]])).reshape(1, 6, 7, 1)
    for i in range(steps):
        with GradientTape() as tape:
            tape.watch(kernel)
            error = abs(conv2d_channels_last(x, kernel) - y) ** 2
        gradient = tape.gradient(error, kernel)
        kernel = (kernel - lr * gradient).detach()
        if (i + 1) % 2 == 0:
            print(f"batch {i + 1}, loss {error.sum().item():.4f}")
    return kernel


def main(arguments: list[str] | None = None) -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seed", type=seed, default=0, help="of the first kernel (default 0)")
    torch.manual_seed(parser.parse_args(arguments).seed)
    first = torch.empty(1, 2, 1, 1).uniform_(-1.2247, 1.2247)  # Keras: Glorot's sqrt(6 / (2 + 2))
    print("the kernel learned:", learn(first).reshape(1, 2))


if __name__ == "__main__":
    main()
