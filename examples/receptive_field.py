"""Feature maps and receptive fields, measured with a gradient.

The output of a layer is called a feature map. The receptive field of one of its pixels is the part
of the image that it depends on: where the gradient of that pixel with respect to the image is not
zero. So backpropagation measures it. The receptive field grows with each layer: with kernels k_1,
k_2, ... and strides s_1, s_2, ...

    field = 1 + (k_1 - 1) + (k_2 - 1) * s_1 + (k_3 - 1) * s_1 * s_2 + ...
"""

import argparse

import minigrad as torch
from minigrad import nn

SIZE = 15  # of the image


def by_formula(layers: list[tuple[int, int]]) -> int:
    field, step = 1, 1
    for kernel, stride in layers:
        field += (kernel - 1) * step
        step *= stride
    return field


def measured(layers: list[tuple[int, int]], size: int = SIZE) -> torch.Tensor:
    """The gradient of the middle output pixel with respect to the image: (size, size)."""
    net = nn.Sequential(*[nn.Conv2d(1, 1, k, stride=s, bias=False) for k, s in layers])
    for parameter in net.parameters():
        nn.init.ones_(parameter)  # with weights of both signs, paths could cancel out
    image = torch.zeros(1, 1, size, size, requires_grad=True)
    feature_map = net(image)
    middle = feature_map[0, 0, feature_map.shape[2] // 2, feature_map.shape[3] // 2]
    middle.backward()
    return image.grad[0, 0]


def sides(gradient: torch.Tensor) -> tuple[int, int]:
    """Height and width of the region with nonzero gradient."""
    seen = gradient != 0
    return int(seen.any(dim=1).sum()), int(seen.any(dim=0).sum())


def layer(text: str) -> tuple[int, int]:
    """`3` or `3,2`: kernel size, and stride if it is not 1."""
    try:
        kernel, stride = (int(number) for number in (text if "," in text else text + ",1").split(","))
    except ValueError:
        raise argparse.ArgumentTypeError(f"a layer is KERNEL or KERNEL,STRIDE; got {text!r}") from None
    if kernel < 1 or stride < 1:
        raise argparse.ArgumentTypeError(f"kernel and stride are at least 1; got {text!r}")
    return kernel, stride


def main(arguments: list[str] | None = None) -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument(
        "layers", type=layer, nargs="*", default=[(3, 1), (3, 2), (3, 1)],
        help="KERNEL or KERNEL,STRIDE for each layer (default 3 3,2 3)",
    )  # fmt: skip
    layers = parser.parse_args(arguments).layers
    if by_formula(layers) > SIZE:
        parser.error(f"these layers see {by_formula(layers)} pixels, more than the {SIZE}x{SIZE} image has")
    for depth in range(1, len(layers) + 1):
        gradient = measured(layers[:depth])
        height, width = sides(gradient)
        print(
            f"after {depth} layer(s): one pixel sees {height}x{width} pixels, "
            f"by the formula {by_formula(layers[:depth])}"
        )
    print("how often the middle pixel of the last map uses each pixel of the image:")
    for row in gradient.tolist():
        print(" ".join(f"{value:3.0f}" if value else "  ." for value in row))


if __name__ == "__main__":
    main()
