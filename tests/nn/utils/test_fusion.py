"""A batch norm folded into the layer before it: one layer gives the result of both."""

import numpy as np
import pytest

import minigrad as torch
from minigrad import nn
from minigrad.nn import utils


def draw_statistics(norm):
    """The batch norm in evaluation, with drawn statistics, scale and shift."""
    torch.manual_seed(0)
    for name in ("running_mean", "weight", "bias"):
        getattr(norm, name).data.normal_()
    norm.running_var.uniform_(0.5, 2.0)
    return norm.eval()


@pytest.mark.parametrize("bias", [True, False])
@pytest.mark.parametrize(
    ("layer", "norm", "shape"),
    [
        (lambda bias: nn.Conv2d(3, 4, 3, stride=2, bias=bias), nn.BatchNorm2d(4), (2, 3, 7, 6)),
        (lambda bias: nn.Conv1d(4, 4, 3, groups=2, bias=bias), nn.BatchNorm1d(4), (2, 4, 7)),
        (lambda bias: nn.ConvTranspose2d(3, 4, 3, bias=bias), nn.BatchNorm2d(4), (2, 3, 5, 6)),
        (lambda bias: nn.Linear(3, 4, bias=bias), nn.BatchNorm1d(4), (5, 3)),
    ],
)
def test_the_fused_layer_computes_as_both_layers(layer, norm, shape, bias):
    layer, norm = layer(bias).double().eval(), draw_statistics(norm).double()
    x = torch.randn(shape, dtype=torch.float64)
    if isinstance(layer, nn.Linear):
        fused = utils.fuse_linear_bn_eval(layer, norm)
    else:
        fused = utils.fuse_conv_bn_eval(layer, norm, transpose=isinstance(layer, nn.ConvTranspose2d))
    np.testing.assert_allclose(fused(x).detach(), norm(layer(x)).detach(), atol=1e-12)
    assert type(fused) is type(layer) and fused.weight.is_leaf and fused.weight.requires_grad
    assert fused.bias.requires_grad is bias  # as in PyTorch: a bias that the layer did not have is not trained


def test_fusion_keeps_half_precision():
    conv, norm = nn.Conv2d(1, 2, 1, bias=False).half().eval(), nn.BatchNorm2d(2, affine=False).eval()
    fused = utils.fuse_conv_bn_eval(conv, norm)
    assert fused.weight.dtype is torch.float16 and fused.bias.dtype is torch.float16


def test_layers_that_cannot_be_fused_are_refused():
    with pytest.raises(AssertionError, match=r"Fusion only for eval! Call .eval\(\) on both layers"):
        utils.fuse_conv_bn_eval(nn.Conv2d(1, 2, 1), nn.BatchNorm2d(2).eval())
    with pytest.raises(AssertionError, match="made without running statistics"):
        utils.fuse_conv_bn_eval(nn.Conv2d(1, 2, 1).eval(), nn.BatchNorm2d(2, track_running_stats=False).eval())
    with pytest.raises(AssertionError, match=r"linear.out_features=2 and bn.num_features=3"):
        utils.fuse_linear_bn_eval(nn.Linear(1, 2).eval(), nn.BatchNorm1d(3).eval())
