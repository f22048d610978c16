"""The edge loop in other pure-Python engines: one function for each, written in its usual style."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

Step = Callable[[], object]
LR = 3e-2


def edge_data() -> tuple[Any, Any, Any]:
    """Image (1, 1, 6, 8), its vertical edges (1, 1, 6, 7), and a first kernel (1, 1, 1, 2)."""
    image = np.ones((1, 1, 6, 8), np.float32)
    image[..., 2:6] = 0
    kernel = np.random.default_rng(0).uniform(-0.7, 0.7, (1, 1, 1, 2)).astype(np.float32)
    return image, image[..., :-1] - image[..., 1:], kernel


def autograd() -> Step:
    """HIPS autograd: a gradient function over NumPy code. Its convolution is SciPy's."""
    from autograd import grad
    from autograd import numpy as anp
    from autograd.scipy.signal import convolve

    image, edges, kernel = edge_data()

    def loss(kernel: Any) -> Any:
        result = convolve(image[0, 0], kernel[::-1, ::-1], mode="valid")
        return anp.sum((result - edges[0, 0]) ** 2)

    gradient = grad(loss)
    kernel = kernel[0, 0]

    def step() -> None:
        nonlocal kernel
        kernel = kernel - LR * gradient(kernel)

    return step


def dezero() -> Step:
    """DeZero. It needs `np.int`, an alias of Python's int that NumPy has removed."""
    np.int = int  # noqa: NPY001
    from dezero import Parameter, as_variable
    from dezero.functions import conv2d
    from dezero.functions import sum as total

    image, edges, kernel = edge_data()
    weight, x = Parameter(kernel), as_variable(image)

    def step() -> None:
        loss = total((conv2d(x, weight) - edges) ** 2)
        weight.cleargrad()
        loss.backward()
        weight.data -= LR * weight.grad.data

    return step


def mygrad() -> Step:
    """MyGrad."""
    import mygrad
    from mygrad.nnet.layers import conv_nd

    image, edges, kernel = edge_data()
    weight = mygrad.tensor(kernel)

    def step() -> None:
        loss = ((conv_nd(image, weight, stride=1) - edges) ** 2).sum()
        loss.backward()
        weight.data[:] -= LR * weight.grad

    return step


PEERS = {"autograd": autograd, "mygrad": mygrad, "dezero": dezero}
