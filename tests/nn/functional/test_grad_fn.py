"""``grad_fn`` shows the names that PyTorch 2.13 shows."""

import pytest

import minigrad as torch
import minigrad.nn.functional as F
from minigrad import nn

X = torch.rand(2, 4, 6, 6, dtype=torch.float64)
V, T = torch.rand(2, 4), torch.rand(2, 4)
CLASSES = torch.tensor([1, 0])
NAMES = {
    "Relu": lambda x, v: F.relu(v),
    "Hardtanh": lambda x, v: F.relu6(v),
    "Elu": lambda x, v: F.selu(v),
    "Celu": lambda x, v: F.celu(v),
    "Gelu": lambda x, v: F.gelu(v),
    "Silu": lambda x, v: F.silu(v),
    "Mish": lambda x, v: F.mish(v),
    "Softplus": lambda x, v: F.softplus(v),
    "LogSigmoid": lambda x, v: F.logsigmoid(v),
    "Hardsigmoid": lambda x, v: F.hardsigmoid(v),
    "Hardswish": lambda x, v: F.hardswish(v),
    "LeakyRelu": lambda x, v: F.leaky_relu(v),
    "Hardshrink": lambda x, v: F.hardshrink(v),
    "Softshrink": lambda x, v: F.softshrink(v),
    "Threshold": lambda x, v: F.threshold(v, 0.1, 2.0),
    "PreluKernel": lambda x, v: F.prelu(v, torch.ones(1)),
    "Softmax": lambda x, v: F.softmin(v, 1),
    "LogSoftmax": lambda x, v: F.log_softmax(v, 1),
    "NativeBatchNorm": lambda x, v: F.batch_norm(x, None, None, training=True),
    "NativeLayerNorm": lambda x, v: F.layer_norm(x, (6,)),
    "NativeGroupNorm": lambda x, v: F.group_norm(x, 2),
    "Mv": lambda x, v: F.linear(v, torch.ones(4)),
    "Addmm": lambda x, v: F.linear(v, torch.ones(3, 4), torch.ones(3)),
    "ScaledDotProductFlashAttentionForCpu": lambda x, v: F.scaled_dot_product_attention(x, x, x, is_causal=True),
    "UnsafeView": lambda x, v: F.scaled_dot_product_attention(x[0], x[0], x[0]),
    "Mm": lambda x, v: F.scaled_dot_product_attention(v, v, v),
    "Embedding": lambda x, v: F.embedding(CLASSES, v),
    "MseLoss": lambda x, v: F.mse_loss(v, T),
    "SmoothL1Loss": lambda x, v: F.smooth_l1_loss(v, T),
    "HuberLoss": lambda x, v: F.huber_loss(v, T, reduction="none"),
    "BinaryCrossEntropy": lambda x, v: F.binary_cross_entropy(v, T),
    "BinaryCrossEntropyWithLogits": lambda x, v: F.binary_cross_entropy_with_logits(v, T),
    "NllLoss": lambda x, v: F.cross_entropy(v, CLASSES),
    "NllLoss2D": lambda x, v: F.cross_entropy(x, torch.zeros(2, 6, 6).long()),
    "MaxPool3DWithIndices": lambda x, v: F.max_pool3d(x, 2),
    "AvgPool3D": lambda x, v: F.avg_pool3d(x, 2),
    "AdaptiveAvgPool3D": lambda x, v: F.adaptive_avg_pool3d(x, 2),
    "AdaptiveMaxPool3D": lambda x, v: F.adaptive_max_pool3d(x, 2),
    "MaxUnpool3D": lambda x, v: F.max_unpool3d(x[:, :1], torch.arange(36).view(1, 1, 6, 6).expand(2, 1, 6, 6), 1),
    "FractionalMaxPool3D": lambda x, v: F.fractional_max_pool3d(x, 2, 2),
    "UpsampleNearest2D": lambda x, v: F.interpolate(x, 4),
    "UpsampleNearestExact2D": lambda x, v: F.interpolate(x, 4, mode="nearest-exact"),
    "UpsampleBilinear2D": lambda x, v: F.interpolate(x, 4, mode="bilinear"),
    "UpsampleBicubic2D": lambda x, v: F.interpolate(x, 4, mode="bicubic"),
    "UpsampleBilinear2DAa": lambda x, v: F.interpolate(x, 4, mode="bilinear", antialias=True),
    "UpsampleLinear1D": lambda x, v: F.interpolate(x[0], 4, mode="linear"),
    "AdaptiveAvgPool2D": lambda x, v: F.interpolate(x, 4, mode="area"),
}


@pytest.mark.parametrize("name", NAMES)
def test_grad_fn_has_pytorchs_name(name):
    result = NAMES[name](X.clone().requires_grad_(), V.clone().requires_grad_())
    assert result.grad_fn.name() == f"{name}Backward0"


def test_the_result_of_a_linear_layer_without_a_bias_is_named_by_the_axes_of_its_input():
    layer = nn.Linear(4, 3, bias=False)
    shown = {axes: layer(torch.rand(*[2] * (axes - 1), 4)).grad_fn.name() for axes in (1, 2, 3)}
    assert shown == {1: "SqueezeBackward4", 2: "MmBackward0", 3: "UnsafeViewBackward0"}


@pytest.mark.parametrize("reduction", ["none", "mean", "sum"])
@pytest.mark.parametrize("classes", [torch.tensor(1), torch.tensor([1])])
def test_the_loss_of_one_example_is_one_node(classes, reduction):
    x = torch.tensor([0.5, 1.5, 1.0], requires_grad=True)
    loss = F.nll_loss(x, classes, reduction=reduction)
    assert loss.grad_fn.name() == "NllLossBackward0" and loss.tolist() == -1.5
    assert loss.grad_fn.next_functions[0][0].variable is x
    weighted = F.nll_loss(x, classes, torch.tensor([1.0, 2.0, 3.0]), reduction=reduction)
    (slope,) = torch.autograd.grad(weighted, x)
    assert slope.tolist() == [0.0, -1.0 if reduction == "mean" else -2.0, 0.0]
    ignored = F.nll_loss(x, classes, ignore_index=1, reduction="sum" if reduction == "mean" else reduction)
    assert ignored.item() == 0.0 and torch.autograd.grad(ignored, x)[0].tolist() == [0.0, 0.0, 0.0]


def test_next_functions_of_batch_norm_end_in_weight_and_bias():
    net = nn.BatchNorm2d(4).double()
    for mode in (True, False):
        node = net.train(mode)(X.clone().requires_grad_()).grad_fn
        assert node.name() == "NativeBatchNormBackward0"
        assert [
            getattr(below, "variable", None) is leaf
            for (below, _), leaf in zip(node.next_functions[1:], (net.weight, net.bias), strict=False)
        ] == [True, True]
