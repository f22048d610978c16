"""Records PyTorch's results for the calls below: values, gradients, and the next random number.

    pip install torch==2.13.0 && python tests/oracle/record_functional.py

It rewrites `tests/data/functional.json`; `tests/nn/functional/test_recorded_functions.py` makes the
same calls from the same seed. Each call may name x, y (4-dim), s (signals), v, w (vectors) and c
(classes); gradients are those of ``(result * cos(arange)).sum()``.
"""

import json
from pathlib import Path

import torch
import torch.nn.functional as F

CALLS = """
F.conv2d(x, torch.randn(6, 2, 3, 2), torch.randn(6), (2, 1), (1, 2), (1, 2), 2)
F.conv2d(x, torch.randn(3, 4, 4, 3), padding="same", dilation=2)
F.conv1d(s, torch.randn(2, 3, 4), None, 2, 3)
F.conv_transpose2d(x, torch.randn(4, 3, 3, 2), torch.randn(3), (2, 3), 1, (1, 2))
F.conv_transpose2d(x, torch.randn(4, 3, 3, 2), torch.randn(3), 2, 0, 3, 1, 4)
F.conv_transpose1d(s, torch.randn(3, 2, 4), torch.randn(2), 3, 1, 2)
F.conv_transpose1d(s, torch.randn(3, 1, 3), None, 2, groups=3, dilation=2)
F.lp_pool2d(x, 2, (2, 3), 1)
F.lp_pool2d(x.abs(), 3.5, 2, ceil_mode=True)
F.lp_pool1d(s, 2, 3, 2)
F.max_unpool2d(*F.max_pool2d(x, 2, return_indices=True), 2, output_size=(5, 6))
F.max_unpool1d(*F.max_pool1d(s, 3, 2, return_indices=True), 3, 2)
F.fractional_max_pool2d(x, 2, (3, 4))
F.fractional_max_pool2d(x, (2, 3), output_ratio=(0.8, 0.5))
F.fractional_max_pool2d(x[1], 1, (5, 6))
F.pdist(v, 3.0)
F.ctc_loss(F.log_softmax(s.permute(2, 0, 1), 2), torch.tensor([[1, 2, 1], [2, 2, 0]]), (8, 7), (3, 2))
F.ctc_loss(F.log_softmax(s.permute(2, 0, 1), 2), torch.tensor([1, 1, 0]), (8, 7), (2, 1), 2, "sum")
F.feature_alpha_dropout(x, 0.3, False)
torch.lgamma(v)
torch.digamma(v)
torch.polygamma(2, v)
torch.i0(v)
torch.special.entr(torch.sigmoid(v))
torch.ldexp(v, w)
torch.frexp(v).mantissa
torch.gradient(v, spacing=0.5, dim=1, edge_order=2)[0]
torch.gradient(x, dim=(1, 3))[1]
torch.slice_scatter(v, w[:2], 0, 1, 3)
torch.diagonal_scatter(v, w[:, 0], 1)
torch.vmap(torch.func.grad(lambda row: (row**3).sum()))(v)
torch.hann_window(7) + torch.blackman_window(7, False) + torch.kaiser_window(7)
torch.hamming_window(6, True, 0.6, 0.4) + torch.bartlett_window(6)
F.max_pool2d(x, 3, 2, 1, ceil_mode=True)
F.max_pool2d(x, (2, 3), 1, (1, 0), (2, 1))
F.avg_pool2d(x, 3, 2, 1, True, False)
F.avg_pool2d(x, 3, 2, 1, divisor_override=5)
F.adaptive_avg_pool2d(x, (3, 2))
F.pad(x, (1, 2, -1, 3), value=0.5)
F.pad(x, (3, -1, -2, 2), "replicate")
F.pad(x, (2, -1, -1, 2), "circular")
F.pad(x, (2, -1, 3, 1), "reflect")
F.unfold(x, (3, 2), 2, 1, (1, 2))
F.fold(torch.randn(2, 12, 12), (4, 6), (2, 3))
F.interpolate(x, scale_factor=1.7)
F.interpolate(x, (3, 9), mode="nearest-exact")
F.interpolate(x, scale_factor=1.7, mode="bilinear")
F.interpolate(x, (9, 4), mode="bilinear", align_corners=True)
F.interpolate(x, (3, 4), mode="bilinear", antialias=True)
F.interpolate(s, 5, mode="linear")
F.interpolate(x, scale_factor=(1.3, 0.7), mode="bicubic")
F.interpolate(x, scale_factor=(1.3, 0.7), mode="bicubic", align_corners=True)
F.interpolate(x, scale_factor=(1.3, 0.7), mode="bilinear", recompute_scale_factor=True)
F.interpolate(x, (3, 4), mode="bicubic", antialias=True)
F.interpolate(x, (7, 4), mode="lanczos", antialias=True)
F.interpolate(x, (3, 8), mode="bilinear", antialias=True, align_corners=True)
F.interpolate(x, (3, 8), mode="area")
F.interpolate(s, scale_factor=0.6, mode="area")
F.interpolate(x[None], (3, 2, 9), mode="trilinear")
F.interpolate((40 * x).abs().byte(), (3, 8), mode="bilinear", antialias=True)
F.pixel_shuffle(x, 2)
F.pixel_unshuffle(x[:, :, :4], 2)
F.channel_shuffle(x, 2)
F.batch_norm(x, None, None, torch.rand(4), torch.randn(4), True)
F.batch_norm(x, torch.randn(4), torch.rand(4), torch.rand(4))
F.layer_norm(x, (5, 6), torch.randn(5, 6))
F.group_norm(x, 2, torch.randn(4), torch.randn(4))
F.batch_norm(s, None, None, None, torch.randn(3), True)
F.layer_norm(x, (6,), None, torch.randn(6))
F.instance_norm(x, None, None, torch.randn(4), torch.randn(4))
F.instance_norm(s, torch.randn(3), torch.rand(3), torch.rand(3), torch.randn(3), False)
F.rms_norm(x, (5, 6), torch.randn(5, 6))
F.local_response_norm(x, 3, 0.5, 0.7, 2.0)
F.normalize(x, 3.0, 2)
F.linear(x, torch.randn(3, 6), torch.randn(3))
F.bilinear(v, w, torch.randn(2, 5, 5))
F.embedding(c, torch.randn(5, 3), 2)
F.cosine_similarity(v, w)
F.pairwise_distance(v, w, 3.0)
F.cross_entropy(v, c, torch.rand(5), label_smoothing=0.2)
F.cross_entropy(v, c, ignore_index=3, reduction="sum")
F.cross_entropy(v, torch.softmax(w, 1), torch.rand(5), label_smoothing=0.1)
F.nll_loss(v, c, reduction="none")
F.mse_loss(v, w)
F.l1_loss(v, w, reduction="sum")
F.smooth_l1_loss(v, w, beta=0.5)
F.huber_loss(v, w, delta=0.5, weight=torch.rand(4, 5))
F.binary_cross_entropy(torch.sigmoid(v), torch.sigmoid(w), torch.rand(5))
F.binary_cross_entropy_with_logits(v, torch.sigmoid(w), pos_weight=torch.rand(5))
F.kl_div(F.log_softmax(v, 1), torch.softmax(w, 1), reduction="batchmean")
F.kl_div(F.log_softmax(v, 1), F.log_softmax(w, 1), reduction="none", log_target=True)
F.poisson_nll_loss(v, 3 * torch.sigmoid(w), full=True)
F.poisson_nll_loss(torch.sigmoid(v), torch.sigmoid(w), log_input=False, reduction="sum")
F.gaussian_nll_loss(v, w, torch.rand(4, 5), full=True)
F.gaussian_nll_loss(v, w, torch.rand(4), reduction="none")
F.cosine_embedding_loss(v, w, torch.tensor([1, -1, 1, -1]), 0.1)
F.margin_ranking_loss(v[0], w[0], torch.tensor([1, -1, 1, -1, 1]), 0.3)
F.hinge_embedding_loss(v, torch.tensor([1, -1, 1, -1, 1]), 0.7, reduction="none")
F.soft_margin_loss(v, torch.tensor([1, -1, 1, -1, 1]).expand(4, 5))
F.triplet_margin_loss(v, w, torch.randn(4, 5), 0.5, 3, swap=True)
F.triplet_margin_with_distance_loss(v, w, torch.randn(4, 5), margin=2.0)
F.multi_margin_loss(v, c, 2, 0.7, torch.rand(5))
F.multi_margin_loss(v[0], c[0], reduction="none")
F.multilabel_margin_loss(v, torch.tensor([[1, 0, -1, 2, 3], [4, 4, 2, 0, 1], [-1, 0, 0, 0, 0], [0, 1, 2, 3, 4]]))
F.multilabel_soft_margin_loss(v, (w > 0).float(), torch.rand(5), reduction="none")
F.nll_loss(x, torch.randint(0, 4, (2, 5, 6)), torch.rand(4), ignore_index=2)
F.cross_entropy(v, c, torch.rand(5), ignore_index=0, label_smoothing=0.2, reduction="none")
F.softmax(v, 0)
F.log_softmax(x, 2)
F.softmin(v, 1)
F.gelu(v)
F.gelu(v, approximate="tanh")
F.silu(v)
F.mish(v)
F.elu(v, 0.7)
F.selu(v)
F.softplus(v, 2.0, 1.0)
F.logsigmoid(v)
F.hardswish(3 * v)
F.hardsigmoid(3 * v)
F.celu(v, 0.7)
F.prelu(x, torch.rand(4))
F.rrelu(v, 0.1, 0.2)
F.threshold(v, 0.3, -1.0)
F.hardshrink(v, 0.3)
F.softshrink(v, 0.3)
F.glu(x, 1)
F.leaky_relu(v, 0.3)
F.hardtanh(v, -0.5, 0.7)
F.dropout(v, 1.0)
F.dropout3d(x, 0.4)
F.dropout3d(x[None], 0.4)
""".strip().splitlines()


def record(expression):
    """The result from seed 0, the gradients of x, s and v, and the next number drawn."""
    torch.manual_seed(0)
    names = {"x": torch.randn(2, 4, 5, 6), "s": torch.randn(2, 3, 8), "v": torch.randn(4, 5)}
    leaves = [t.requires_grad_() for t in names.values()]
    names.update(w=torch.randn(4, 5), c=torch.tensor([1, 4, 0, 3]), torch=torch, F=F)
    result = eval(expression, names)
    following = torch.rand(1).item()
    grads = [None] * 3
    if result.requires_grad:
        g = torch.cos(torch.arange(result.numel(), dtype=torch.float32)).reshape(result.shape)
        grads = torch.autograd.grad(result, leaves, g, allow_unused=True)
    values = [t if t is None else [float(f"{n:.6g}") for n in t.flatten().tolist()] for t in (result.detach(), *grads)]
    return {"shape": list(result.shape), "values": values[0], "gradients": values[1:], "next": following}


if __name__ == "__main__":
    data = Path(__file__).parent.parent / "data" / "functional.json"
    lines = [f"{json.dumps(c)}: {json.dumps(record(c), separators=(',', ':'))}" for c in CALLS]
    data.write_text("{\n" + ",\n".join(lines) + "\n}\n")
