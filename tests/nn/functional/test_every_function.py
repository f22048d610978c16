"""Properties of every function: derivatives to second order, any memory layout, unchanged inputs."""

import numpy as np
import pytest

import minigrad
import minigrad.nn.functional as F
from minigrad.autograd import gradcheck, gradgradcheck
from minigrad.autograd.core import wrap

CLASSES = minigrad.tensor([2, 0, 1])
LISTED = minigrad.tensor([[1, -1, 0], [2, 0, -1], [-1, 0, 1]])
SIGNS = minigrad.tensor([1, -1, 1])
PIXELS = minigrad.tensor([[[0, 2], [1, 1]], [[2, 2], [0, 1]]])
WEIGHTS = minigrad.tensor([0.5, 2.0, 1.0]).double()

# name: function of float tensors, and their shapes; a shape's first axis is the batch.
CASES = {
    **{
        f.__name__: (f, [(2, 3)])
        for f in (
            F.relu, F.relu6, F.hardtanh, F.leaky_relu, F.elu, F.selu, F.gelu, F.silu, F.mish,
            F.softplus, F.logsigmoid, F.sigmoid, F.tanh, F.softsign, F.tanhshrink, F.hardsigmoid,
            F.hardswish, F.celu, F.hardshrink, F.softshrink, F.rrelu,
        )
    },
    "threshold": (lambda x: F.threshold(x, 0.1, 7.0), [(2, 3)]),
    "prelu": (F.prelu, [(2, 3, 2), (3,)]),
    "prelu by one slope": (F.prelu, [(2, 3), (1,)]),
    "glu": (F.glu, [(2, 4)]),
    "gelu by tanh": (lambda x: F.gelu(x, approximate="tanh"), [(2, 3)]),
    "softmax": (lambda x: F.softmax(x, 1), [(2, 3)]),
    "softmin": (lambda x: F.softmin(x, 1), [(2, 3)]),
    "log_softmax": (lambda x: F.log_softmax(x, -1), [(2, 3)]),
    "linear": (F.linear, [(2, 3), (4, 3), (4,)]),
    "linear on sequences": (F.linear, [(2, 5, 3), (4, 3), (4,)]),
    "bilinear": (F.bilinear, [(2, 3), (2, 4), (5, 3, 4), (5,)]),
    "scaled_dot_product_attention": (
        lambda q, k, v: F.scaled_dot_product_attention(q, k, v, is_causal=True), [(2, 3, 4), (2, 5, 4), (2, 5, 2)],
    ),
    "scaled_dot_product_attention with a mask": (F.scaled_dot_product_attention, [(2, 3, 4)] * 3 + [(2, 1, 3)]),
    "multi_head_attention_forward": (
        lambda x, inward, bias, outward, added: F.multi_head_attention_forward(
            x, x, x, 4, 2, inward, bias, added[None], added[None], True, 0.0, outward, None, need_weights=False
        )[0],
        [(3, 2, 4), (12, 4), (12,), (4, 4), (1, 4)],
    ),
    "multi_head_attention_forward of three tensors": (
        lambda q, k, v, inward, outward, mask: F.multi_head_attention_forward(
            q, k, v, 4, 2, inward, None, None, None, False, 0.0, outward, None, attn_mask=mask[: len(q)]
        )[0],
        [(3, 2, 4), (5, 2, 4), (5, 2, 4), (12, 4), (4, 4), (3, 5)],
    ),
    "conv1d": (lambda x, w, b: F.conv1d(x, w, b, 2, 1), [(2, 3, 6), (4, 3, 3), (4,)]),
    "conv2d": (
        lambda x, w, b: F.conv2d(x, w, b, (2, 1), (1, 2), (1, 2), 2),
        [(2, 4, 6, 5), (4, 2, 3, 2), (4,)],
    ),
    "conv2d same": (lambda x, w: F.conv2d(x, w, None, 1, "same"), [(2, 2, 4, 5), (3, 2, 2, 3)]),
    "conv3d": (
        lambda x, w, b: F.conv3d(x, w, b, (2, 1, 1), (1, 2, 0), (1, 2, 1), 2),
        [(2, 4, 4, 3, 3), (4, 2, 3, 2, 2), (4,)],
    ),
    "conv_transpose3d": (
        lambda x, w, b: F.conv_transpose3d(x, w, b, (3, 2, 1), (1, 0, 1), (2, 1, 0), 2),
        [(2, 4, 2, 2, 3), (4, 1, 3, 2, 2), (2,)],
    ),
    "conv_transpose2d": (
        lambda x, w, b: F.conv_transpose2d(x, w, b, (3, 2), 1, (2, 1), 2),
        [(2, 4, 3, 2), (4, 1, 3, 2), (2,)],
    ),
    "max_pool2d": (lambda x: F.max_pool2d(x, 3, 2, 1, ceil_mode=True), [(2, 2, 5, 6)]),
    "avg_pool2d": (
        lambda x: F.avg_pool2d(x, 3, 2, 1, ceil_mode=True, count_include_pad=False),
        [(2, 2, 5, 6)],
    ),
    "conv_transpose1d": (lambda x, w, b: F.conv_transpose1d(x, w, b, 2, 1, 1, 2), [(2, 4, 5), (4, 1, 3), (2,)]),
    "lp_pool2d": (lambda x: F.lp_pool2d(x, 2, (2, 3), 1), [(2, 2, 4, 5)]),
    "lp_pool1d": (lambda x: F.lp_pool1d(x, 2, 3, 2), [(2, 2, 7)]),
    "max_unpool2d": (
        lambda x: F.max_unpool2d(x, minigrad.arange(12).view(1, 1, 4, 3).expand(x.shape) * 2, (1, 2)), [(2, 2, 4, 3)],
    ),
    "max_unpool1d": (
        lambda x: F.max_unpool1d(x, minigrad.arange(5).expand(x.shape) * 2, 2), [(2, 2, 5)],
    ),
    "fractional_max_pool2d": (
        lambda x: F.fractional_max_pool2d(x, 2, (3, 4), _random_samples=minigrad.full((2, 2, 2), 0.4).double()),
        [(2, 2, 5, 6)],
    ),
    "pdist": (F.pdist, [(3, 4)]),
    "ctc_loss": (
        lambda x: F.ctc_loss(F.log_softmax(x, 2).transpose(0, 1), minigrad.tensor([[1, 2], [1, 1]])[: len(x)],
                             [4, 3][: len(x)], [2, 1][: len(x)]),
        [(2, 4, 3)],
    ),
    "max_pool3d": (lambda x: F.max_pool3d(x, 3, 2, 1, ceil_mode=True), [(2, 2, 3, 5, 4)]),
    "max_pool3d_with_indices": (lambda x: F.max_pool3d_with_indices(x, 3, 2, 1)[0], [(2, 2, 3, 5, 4)]),
    "avg_pool3d": (
        lambda x: F.avg_pool3d(x, 3, 2, 1, ceil_mode=True, count_include_pad=False), [(2, 2, 3, 5, 4)],
    ),
    "adaptive_max_pool3d": (lambda x: F.adaptive_max_pool3d(x, (2, 3, 2)), [(2, 2, 3, 5, 4)]),
    "adaptive_avg_pool3d": (lambda x: F.adaptive_avg_pool3d(x, (2, 3, 2)), [(2, 2, 3, 5, 4)]),
    "adaptive_max_pool3d_with_indices": (
        lambda x: F.adaptive_max_pool3d_with_indices(x, (2, 3, 2))[0], [(2, 2, 3, 5, 4)],
    ),
    "lp_pool3d": (lambda x: F.lp_pool3d(x, 2, (2, 3, 1), 1), [(2, 2, 3, 3, 2)]),
    "max_unpool3d": (
        lambda x: F.max_unpool3d(x, minigrad.arange(8).view(1, 1, 2, 2, 2).expand(x.shape) * 3, (1, 2, 2)),
        [(2, 2, 2, 2, 2)],
    ),
    "fractional_max_pool3d": (
        lambda x: F.fractional_max_pool3d(x, 2, (1, 3, 2), _random_samples=minigrad.full((2, 2, 3), 0.4).double()),
        [(2, 2, 3, 5, 4)],
    ),
    "fractional_max_pool3d_with_indices": (
        lambda x: F.fractional_max_pool3d_with_indices(
            x, 2, (1, 3, 2), _random_samples=minigrad.full((2, 2, 3), 0.4).double()
        )[0], [(2, 2, 3, 5, 4)],
    ),
    "max_pool1d": (lambda x: F.max_pool1d(x, 3, 2, 1), [(2, 2, 7)]),
    "avg_pool1d": (lambda x: F.avg_pool1d(x, 3, 2, 1), [(2, 2, 7)]),
    "adaptive_avg_pool1d": (lambda x: F.adaptive_avg_pool1d(x, 3), [(2, 2, 7)]),
    "adaptive_max_pool1d": (lambda x: F.adaptive_max_pool1d(x, 3), [(2, 2, 7)]),
    "adaptive_max_pool2d": (lambda x: F.adaptive_max_pool2d(x, (3, 2)), [(2, 2, 5, 6)]),
    "adaptive_avg_pool2d": (lambda x: F.adaptive_avg_pool2d(x, (3, 2)), [(2, 2, 5, 6)]),
    "max_pool1d_with_indices": (lambda x: F.max_pool1d_with_indices(x, 3, 2, 1)[0], [(2, 2, 7)]),
    "max_pool2d_with_indices": (lambda x: F.max_pool2d_with_indices(x, 3, 2, 1)[0], [(2, 2, 5, 6)]),
    "adaptive_max_pool1d_with_indices": (lambda x: F.adaptive_max_pool1d_with_indices(x, 3)[0], [(2, 2, 7)]),
    "adaptive_max_pool2d_with_indices": (lambda x: F.adaptive_max_pool2d_with_indices(x, (3, 2))[0], [(2, 2, 5, 6)]),
    "fractional_max_pool2d_with_indices": (
        lambda x: F.fractional_max_pool2d_with_indices(
            x, 2, (3, 4), _random_samples=minigrad.full((2, 2, 2), 0.4).double()
        )[0], [(2, 2, 5, 6)],
    ),
    "embedding_bag": (
        lambda x, weight: F.embedding_bag(minigrad.tensor([[0, 1], [1, 1]])[: len(x)], weight, None,
                                          mode="sum", per_sample_weights=x),
        [(2, 2), (3, 2)],
    ),
    "grid_sample": (
        lambda x, grid: F.grid_sample(x, grid[: len(x)], "bilinear", "border", False),
        [(2, 2, 5, 6), (2, 2, 3, 2)],
    ),
    "affine_grid": (lambda theta: F.affine_grid(theta, (len(theta), 1, 3, 2), align_corners=False), [(2, 2, 3)]),
    "pad": (lambda x: F.pad(x, (1, -1, 2, 0), value=3.0), [(2, 3, 4)]),
    "pad reflect": (lambda x: F.pad(x, (1, 2, 2, 1), "reflect"), [(2, 1, 3, 4)]),
    "pad replicate": (lambda x: F.pad(x, (3, -1), "replicate"), [(2, 1, 4)]),
    "pad circular": (lambda x: F.pad(x, (1, 2, -1, 1), "circular"), [(2, 1, 3, 4)]),
    "unfold": (lambda x: F.unfold(x, (2, 3), 1, 1, 2), [(2, 2, 4, 5)]),
    "fold": (lambda x: F.fold(x, (4, 5), (2, 3), 1, 0, (2, 1)), [(2, 12, 6)]),
    "interpolate": (lambda x: F.interpolate(x, scale_factor=1.5), [(2, 2, 3, 4)]),
    "interpolate linear": (lambda x: F.interpolate(x, 7, mode="linear"), [(2, 2, 4)]),
    "interpolate bilinear": (
        lambda x: F.interpolate(x, (5, 3), mode="bilinear", align_corners=True),
        [(2, 2, 3, 4)],
    ),
    "interpolate cubic": (lambda x: F.interpolate(x, (5, 3), mode="bicubic"), [(2, 1, 3, 4)]),
    "interpolate by area": (lambda x: F.interpolate(x, (2, 5), mode="area"), [(2, 1, 3, 4)]),
    "interpolate smoothed": (
        lambda x: F.interpolate(x, (2, 3), mode="bicubic", antialias=True), [(2, 1, 5, 4)],
    ),
    "upsample_nearest": (lambda x: F.upsample_nearest(x, scale_factor=2), [(2, 1, 2, 2)]),
    "upsample_bilinear": (lambda x: F.upsample_bilinear(x, (3, 5)), [(2, 1, 2, 2)]),
    "pixel_shuffle": (lambda x: F.pixel_shuffle(x, 2), [(2, 4, 3, 2)]),
    "pixel_unshuffle": (lambda x: F.pixel_unshuffle(x, 2), [(2, 1, 4, 2)]),
    "channel_shuffle": (lambda x: F.channel_shuffle(x, 2), [(2, 4, 3)]),
    "upsample": (lambda x: F.upsample(x, scale_factor=2), [(2, 1, 2, 2)]),
    "batch_norm": (
        lambda x, w, b: F.batch_norm(x, None, None, w, b, True),
        [(4, 3, 2), (3,), (3,)],
    ),
    "batch_norm, evaluated": (
        lambda x, w, b: F.batch_norm(
            x, minigrad.arange(3.0).double(), minigrad.ones(3).double() * 2, w, b
        ),
        [(4, 3, 2), (3,), (3,)],
    ),
    "layer_norm": (lambda x, w, b: F.layer_norm(x, (3, 2), w, b), [(2, 3, 2), (3, 2), (3, 2)]),
    "group_norm": (lambda x, w, b: F.group_norm(x, 2, w, b), [(2, 4, 3), (4,), (4,)]),
    "instance_norm": (lambda x, w, b: F.instance_norm(x, None, None, w, b), [(2, 3, 4), (3,), (3,)]),
    "rms_norm": (lambda x, w: F.rms_norm(x, (3, 2), w), [(2, 3, 2), (3, 2)]),
    "local_response_norm": (lambda x: F.local_response_norm(x, 2, alpha=0.5), [(2, 3, 2)]),
    "normalize": (F.normalize, [(2, 3)]),
    "cosine_similarity": (F.cosine_similarity, [(2, 3), (2, 3)]),
    "pairwise_distance": (F.pairwise_distance, [(2, 3), (2, 3)]),
    "embedding": (lambda w: F.embedding(CLASSES, w), [(3, 2)]),
    "mse_loss": (F.mse_loss, [(2, 3), (2, 3)]),
    "l1_loss": (F.l1_loss, [(2, 3), (2, 3)]),
    "smooth_l1_loss": (lambda x, y: F.smooth_l1_loss(x, y, beta=0.7), [(2, 3), (2, 3)]),
    "huber_loss": (lambda x, y: F.huber_loss(x, y, "sum", 0.7), [(2, 3), (2, 3)]),
    "cross_entropy": (
        lambda x: F.cross_entropy(x, CLASSES, WEIGHTS, label_smoothing=0.1),
        [(3, 3)],
    ),
    "cross_entropy of images": (lambda x: F.cross_entropy(x, PIXELS, ignore_index=1), [(2, 3, 2, 2)]),
    "cross_entropy of probabilities": (
        lambda x, y: F.cross_entropy(x, y, label_smoothing=0.2),
        [(2, 3), (2, 3)],
    ),
    "nll_loss": (lambda x: F.nll_loss(x, CLASSES, reduction="none"), [(3, 3)]),
    "binary_cross_entropy": (
        lambda x, y: F.binary_cross_entropy(x.sigmoid(), y.sigmoid()),
        [(2, 3), (2, 3)],
    ),
    "binary_cross_entropy_with_logits": (
        lambda x, y: F.binary_cross_entropy_with_logits(x, y, pos_weight=minigrad.tensor(2.0)),
        [(2, 3), (2, 3)],
    ),
    "binary_cross_entropy_with_logits, weighted": (
        lambda x, y, w, p: F.binary_cross_entropy_with_logits(x, y, w, pos_weight=p),
        [(2, 3), (2, 3), (2, 3), (3,)],
    ),
    "kl_div": (lambda x, y: F.kl_div(x, y.sigmoid(), reduction="batchmean"), [(2, 3), (2, 3)]),
    "kl_div of logarithms": (lambda x, y: F.kl_div(x, y, reduction="sum", log_target=True), [(2, 3), (2, 3)]),
    "poisson_nll_loss": (F.poisson_nll_loss, [(2, 3), (2, 3)]),
    "gaussian_nll_loss": (lambda x, y, v: F.gaussian_nll_loss(x, y, v.sigmoid()), [(2, 3), (2, 3), (2, 3)]),
    "multi_margin_loss": (lambda x: F.multi_margin_loss(x, CLASSES, 2, 0.7, WEIGHTS), [(3, 3)]),
    "multilabel_margin_loss": (lambda x: F.multilabel_margin_loss(x, LISTED), [(3, 3)]),
    "multilabel_soft_margin_loss": (F.multilabel_soft_margin_loss, [(2, 3), (2, 3)]),
    "cosine_embedding_loss": (lambda x, y: F.cosine_embedding_loss(x, y, SIGNS, 0.1), [(3, 3), (3, 3)]),
    "margin_ranking_loss": (lambda x, y: F.margin_ranking_loss(x, y, SIGNS, 0.3), [(3,), (3,)]),
    "hinge_embedding_loss": (lambda x: F.hinge_embedding_loss(x, SIGNS), [(3,)]),
    "soft_margin_loss": (lambda x: F.soft_margin_loss(x, SIGNS), [(3,)]),
    "triplet_margin_loss": (
        lambda x, y, z: F.triplet_margin_loss(x, y, z, swap=True), [(2, 3), (2, 3), (2, 3)]
    ),
    "triplet_margin_with_distance_loss": (
        F.triplet_margin_with_distance_loss, [(2, 3), (2, 3), (2, 3)]
    ),
}  # fmt: skip
NO_GRADIENT = {"one_hot"}
RANDOM = {
    "dropout",
    "dropout1d",
    "dropout2d",
    "dropout3d",
    "alpha_dropout",
    "feature_alpha_dropout",
    "gumbel_softmax",
}  # in test_dropouts.py and test_activation.py


def draw_inputs(shapes):
    """Random numbers that keep away from the kinks at -3, -1, -0.5, 0, 0.1, 0.5, 1, 3 and 6."""
    generator = np.random.default_rng(sum(map(sum, shapes)))
    numbers = [generator.uniform(-2, 2, shape) for shape in shapes]
    for x in numbers:
        for kink in (-3, -1, -0.5, 0, 0.1, 0.5, 1):
            near = np.abs(x - kink) < 0.02
            x[near] = kink + 0.03
    return [minigrad.tensor(x, requires_grad=True) for x in numbers]


def test_every_public_function_is_tried_here():
    tried = {name.split(",")[0].split(" ")[0] for name in CASES} | NO_GRADIENT | RANDOM
    public = {name for name in F.__all__ if not name.endswith("_")}
    assert public - tried == set()


@pytest.mark.parametrize("name", CASES)
def test_each_function_passes_gradgradcheck(name):
    function, shapes = CASES[name]
    x = draw_inputs(shapes)
    assert gradcheck(function, x, fast_mode=True)
    assert gradgradcheck(function, x, fast_mode=True)


@pytest.mark.parametrize("name", CASES)
def test_strided_inputs_give_the_same_and_are_not_modified(name):
    function, shapes = CASES[name]
    x = draw_inputs(shapes)
    before = [np.array(t.detach()) for t in x]
    plain = function(*x)
    plain.sum().backward()
    strided = []
    for t in x:  # every other element of a larger array, from the end
        room = minigrad.full([2 * n for n in t.shape], np.nan, dtype=t.dtype)
        region = room.array[(slice(None, None, -2),) * t.ndim]
        strided.append(wrap(region).copy_(t.detach()).requires_grad_())
    other = function(*strided)
    other.sum().backward()
    np.testing.assert_allclose(other.detach(), plain.detach(), rtol=1e-12, atol=1e-14)
    for one, two, old in zip(x, strided, before, strict=True):
        np.testing.assert_array_equal(one.detach(), old)
        np.testing.assert_array_equal(two.detach(), old)
        assert (one.grad is None) == (two.grad is None)
        if one.grad is not None:
            np.testing.assert_allclose(one.grad, two.grad, rtol=1e-12, atol=1e-13)


BATCHED = [  # the others refuse an empty batch, or take classes of a fixed number beside it
    n
    for n in CASES
    if n not in ("embedding", "cross_entropy", "nll_loss", "cross_entropy of images", "ctc_loss")
    and "margin" not in n
    and "_embedding_" not in n
]


@pytest.mark.parametrize("name", BATCHED)
def test_an_empty_batch_gives_an_empty_result_and_zero_gradients(name):
    function, shapes = CASES[name]
    batch = shapes[0][0]
    count = 2 if name == "bilinear" else len(shapes) if "scaled" in name else 1  # so many operands hold examples
    sizes = [(0, *s[1:]) if i < count or s == shapes[0] else s for i, s in enumerate(shapes)]
    x = draw_inputs(sizes)
    result = function(*x)
    whole = function(*draw_inputs(shapes))
    if whole.ndim and whole.shape[0] == batch:
        assert result.shape == (0, *whole.shape[1:])
    result.sum().backward()
    for t in x:
        if t.grad is not None:
            assert t.grad.shape == t.shape
            assert not t.grad.numpy().any()


HALVES = ["conv2d", "conv3d", "conv_transpose2d", "conv_transpose3d", "avg_pool2d", "batch_norm", "layer_norm",
          "group_norm", "interpolate bilinear", "nll_loss"]  # fmt: skip


@pytest.mark.parametrize("name", HALVES)
def test_float16_is_computed_in_float32_and_rounded_once(name):
    function, shapes = CASES[name]
    halves = [x.detach().half() for x in draw_inputs(shapes)]
    expected = function(*[x.float() for x in halves]).half()
    result = function(*halves)
    assert result.dtype is minigrad.float16
    np.testing.assert_array_equal(result.numpy(), expected.numpy())


# These cases call methods of their inputs, or do not pass one as the first argument: another error comes first.
METHODS = ("embedding", "binary_cross_entropy", "kl_div", "gaussian_nll_loss")


@pytest.mark.parametrize("name", [n for n in CASES if n not in METHODS])
def test_a_numpy_array_is_refused(name):
    function, shapes = CASES[name]
    with pytest.raises(TypeError, match=r"must be Tensor, not numpy\.ndarray"):
        function(*[x.detach().numpy() for x in draw_inputs(shapes)])
