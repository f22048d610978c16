"""Several channels in, several channels out, and the 1x1 convolution as a matrix product.

Each input channel has its own kernel, and the results are summed. Each output channel has its own
such set of kernels, and the results are stacked. So a weight has four axes, (C_out, C_in, kh, kw).
With kh = kw = 1 no pixel is combined with its neighbours: the convolution is one matrix product
per pixel, a fully connected layer over the channels.
"""

import argparse

import minigrad as torch
import minigrad.nn.functional as F
from cross_correlation_by_hand import corr2d
from shared_options import seed


def corr2d_multi_in(X: torch.Tensor, K: torch.Tensor) -> torch.Tensor:
    """X (C_in, H, W), K (C_in, kh, kw) -> (Ho, Wo)."""
    return sum(corr2d(x, k) for x, k in zip(X, K, strict=True))


def corr2d_multi_in_out(X: torch.Tensor, K: torch.Tensor) -> torch.Tensor:
    """X (C_in, H, W), K (C_out, C_in, kh, kw) -> (C_out, Ho, Wo)."""
    return torch.stack([corr2d_multi_in(X, k) for k in K], 0)


def corr2d_1x1(X: torch.Tensor, K: torch.Tensor) -> torch.Tensor:
    """X (C_in, H, W), K (C_out, C_in, 1, 1) -> (C_out, H, W), as one matrix product."""
    c_in, h, w = X.shape
    Y = torch.mm(K.view(-1, c_in), X.view(c_in, h * w))  # (C_out, C_in) @ (C_in, H*W)
    return Y.view(-1, h, w)


def main(arguments: list[str] | None = None) -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seed", type=seed, default=0, help="of the 1x1 part (default 0)")
    torch.manual_seed(parser.parse_args(arguments).seed)

    X = torch.stack((torch.arange(9.0), torch.arange(1.0, 10.0))).view(2, 3, 3)
    K = torch.stack((torch.arange(4.0), torch.arange(1.0, 5.0))).view(2, 2, 2)
    print("two channels in, one out:", corr2d_multi_in(X, K), sep="\n")
    K = torch.stack((K, K + 1, K + 2), 0)
    Y = corr2d_multi_in_out(X, K)
    print(f"two in, three out, with the kernels K, K + 1, K + 2 of shape {tuple(K.shape)}:", Y, sep="\n")
    print("conv2d says the same:", torch.equal(F.conv2d(X, K), Y))

    X = torch.randn(3, 3, 3)
    K = torch.randn(2, 3, 1, 1)
    difference = (corr2d_1x1(X, K) - corr2d_multi_in_out(X, K)).abs().max().item()
    print(f"1x1 as a matrix product differs from the loops by {difference:.0e}")


if __name__ == "__main__":
    main()
