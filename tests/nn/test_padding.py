"""Padding layers for signals, images and volumes, compared with NumPy's `pad`."""

import numpy as np
import pytest

import minigrad as torch
from minigrad import nn

MODES = {"Zero": "constant", "Constant": "constant", "Reflection": "reflect", "Replication": "edge", "Circular": "wrap"}


@pytest.mark.parametrize("kind", MODES)
@pytest.mark.parametrize("axes", [1, 2, 3])
def test_each_layer_pads_as_numpy(kind, axes):
    x = torch.randn(2, 3, 4, 5, 6)[(..., *(0,) * (3 - axes))].contiguous().double().requires_grad_()
    values = (7.5,) if kind == "Constant" else ()
    mode = MODES[kind]
    options = {"constant_values": 7.5} if values else {}
    for padding in (2, (1, 2, 0, 3, 2, 1)[: 2 * axes]):
        layer = getattr(nn, f"{kind}Pad{axes}d")(padding, *values)
        amounts = (padding,) * (2 * axes) if isinstance(padding, int) else padding
        width = [(0, 0), (0, 0), *zip(amounts[::2], amounts[1::2], strict=True)][:2]
        width += list(reversed(list(zip(amounts[::2], amounts[1::2], strict=True))))
        out = layer(x)
        np.testing.assert_array_equal(out.detach().numpy(), np.pad(x.detach().numpy(), width, mode, **options))
        np.testing.assert_array_equal(layer(x[0]).detach().numpy(), out[0].detach().numpy())
        expected = f"padding={amounts}, value=7.5" if values else str(amounts)
        assert repr(layer) == f"{kind}Pad{axes}d({expected})"
    assert torch.autograd.gradcheck(layer, (x[:1, :1],))


@pytest.mark.parametrize(
    ("layer", "x", "error", "message"),
    [
        (nn.CircularPad1d(1), torch.ones(1, 1, 2, 2), ValueError, r"expected 2D or 3D input \(got 4D input\)"),
        (nn.CircularPad3d(1), torch.ones(1, 2, 2), ValueError, r"expected 4D or 5D input \(got 3D input\)"),
        (nn.ReflectionPad1d(3), torch.ones(1, 2, 3), RuntimeError, "Padding size should be less than"),
        (nn.ReflectionPad1d((1, 2, 3)), torch.ones(1, 2, 3), RuntimeError, "Padding length must be divisible by 2"),
    ],
)
def test_wrong_arguments_raise(layer, x, error, message):
    with pytest.raises(error, match=message):
        layer(x)
