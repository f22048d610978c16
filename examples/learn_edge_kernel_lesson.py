"""A convolution layer learns the kernel [1, -1]: the whole lesson in forty lines.

An image of 6 x 8 pixels, white with a black bar; its edges, made with [1, -1]; a layer with a random kernel. Thirty
steps down the gradient, and the layer has found the kernel. `learn_edge_kernel.py` is the same with options.
"""

import argparse

import minigrad as torch
from minigrad import nn


def main(arguments: list[str] | None = None) -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.parse_args(arguments)
    torch.manual_seed(0)

    X = torch.ones(1, 1, 6, 8)  # (images, channels, rows, columns)
    X[..., 2:6] = 0
    Y = X[..., :-1] - X[..., 1:]  # the edges, as [1, -1] gives them: 1 from white to black, -1 from black to white

    conv2d = nn.Conv2d(1, 1, kernel_size=(1, 2), bias=False)
    print("the kernel at first:", conv2d.weight.data.flatten())
    optimizer = torch.optim.SGD(conv2d.parameters(), lr=0.03)  # 0.9 times the largest stable rate, 2/60

    for step in range(1, 31):
        loss = ((conv2d(X) - Y) ** 2).sum()
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        if step % 5 == 0:
            print(f"step {step}, loss {loss.item():.5f}")
    print("the kernel learned:", conv2d.weight.data.flatten())


if __name__ == "__main__":
    main()
