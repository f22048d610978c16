"""Functions without state: what the layers of `nn` compute.

Those of a first lesson are here at once; the file of another is imported when one of its names is first used.
"""

# fmt: off
from minigrad.late_imports import open_later as _open_later
from minigrad.nn.functional.activation import relu, sigmoid, tanh
from minigrad.nn.functional.conv import conv1d, conv2d
from minigrad.nn.functional.linear import linear
from minigrad.nn.functional.loss import mse_loss
from minigrad.nn.functional.padding import pad

# These files bear the names of their functions, which importing a file later would take from them.
# isort: split
from minigrad.nn.functional.embedding import embedding, one_hot
from minigrad.nn.functional.embedding_bag import embedding_bag
from minigrad.nn.functional.softmax import gumbel_softmax, log_softmax, softmax, softmin

with _open_later("torch.nn.functional", globals()):
    from minigrad.nn.functional.activation_variants import (
        celu, celu_, elu, elu_, gelu, glu, hardsigmoid, hardswish, hardtanh, hardtanh_, leaky_relu, leaky_relu_,
        logsigmoid, mish, relu6, relu_, rrelu, rrelu_, selu, selu_, silu, softplus, softshrink, softsign, tanhshrink,
        threshold, threshold_,
    )
    from minigrad.nn.functional.attention import scaled_dot_product_attention
    from minigrad.nn.functional.attention_heads import multi_head_attention_forward
    from minigrad.nn.functional.bilinear_map import bilinear
    from minigrad.nn.functional.classification import (
        cross_entropy, multi_margin_loss, multilabel_margin_loss, multilabel_soft_margin_loss, nll_loss,
    )
    from minigrad.nn.functional.conv_transpose import conv_transpose1d, conv_transpose2d
    from minigrad.nn.functional.ctc import ctc_loss
    from minigrad.nn.functional.distance import (
        cosine_embedding_loss, cosine_similarity, hinge_embedding_loss, margin_ranking_loss, pairwise_distance, pdist,
        soft_margin_loss, triplet_margin_loss, triplet_margin_with_distance_loss,
    )
    from minigrad.nn.functional.dropouts import (
        alpha_dropout, dropout, dropout1d, dropout2d, dropout3d, feature_alpha_dropout,
    )
    from minigrad.nn.functional.fractional_pooling import fractional_max_pool2d, fractional_max_pool3d
    from minigrad.nn.functional.grid import affine_grid, grid_sample
    from minigrad.nn.functional.likelihood import (
        binary_cross_entropy, binary_cross_entropy_with_logits, gaussian_nll_loss, kl_div, poisson_nll_loss,
    )
    from minigrad.nn.functional.normalization import (
        batch_norm, group_norm, instance_norm, layer_norm, local_response_norm, normalize, rms_norm,
    )
    from minigrad.nn.functional.pooling import (
        adaptive_avg_pool1d, adaptive_avg_pool2d, adaptive_max_pool1d, adaptive_max_pool2d, avg_pool1d, avg_pool2d,
        max_pool1d, max_pool2d,
    )
    from minigrad.nn.functional.pooling_with_indices import (
        adaptive_max_pool1d_with_indices, adaptive_max_pool2d_with_indices, adaptive_max_pool3d_with_indices,
        fractional_max_pool2d_with_indices, fractional_max_pool3d_with_indices, max_pool1d_with_indices,
        max_pool2d_with_indices, max_pool3d_with_indices,
    )
    from minigrad.nn.functional.rearrange import channel_shuffle, pixel_shuffle, pixel_unshuffle
    from minigrad.nn.functional.regression import huber_loss, l1_loss, smooth_l1_loss
    from minigrad.nn.functional.resize import interpolate, upsample, upsample_bilinear, upsample_nearest
    from minigrad.nn.functional.unpooling import (
        lp_pool1d, lp_pool2d, lp_pool3d, max_unpool1d, max_unpool2d, max_unpool3d,
    )
    from minigrad.nn.functional.vision import fold, unfold
    from minigrad.nn.functional.volumes import (
        adaptive_avg_pool3d, adaptive_max_pool3d, avg_pool3d, conv3d, conv_transpose3d, max_pool3d,
    )
    from minigrad.ops.activation_variants import hardshrink, prelu

__all__ = [
    "adaptive_avg_pool1d", "adaptive_avg_pool2d", "adaptive_avg_pool3d", "adaptive_max_pool1d",
    "adaptive_max_pool1d_with_indices", "adaptive_max_pool2d", "adaptive_max_pool2d_with_indices",
    "adaptive_max_pool3d", "adaptive_max_pool3d_with_indices", "affine_grid", "alpha_dropout", "avg_pool1d",
    "avg_pool2d", "avg_pool3d", "batch_norm", "bilinear", "binary_cross_entropy", "binary_cross_entropy_with_logits",
    "celu", "celu_", "channel_shuffle", "conv1d", "conv2d", "conv3d", "conv_transpose1d", "conv_transpose2d",
    "conv_transpose3d", "cosine_embedding_loss", "cosine_similarity", "cross_entropy", "ctc_loss", "dropout",
    "dropout1d", "dropout2d", "dropout3d", "elu", "elu_", "embedding", "embedding_bag", "feature_alpha_dropout", "fold",
    "fractional_max_pool2d", "fractional_max_pool2d_with_indices", "fractional_max_pool3d",
    "fractional_max_pool3d_with_indices", "gaussian_nll_loss", "gelu", "glu", "grid_sample", "group_norm",
    "gumbel_softmax", "hardshrink", "hardsigmoid", "hardswish", "hardtanh", "hardtanh_", "hinge_embedding_loss",
    "huber_loss", "instance_norm", "interpolate", "kl_div", "l1_loss", "layer_norm", "leaky_relu", "leaky_relu_",
    "linear", "local_response_norm", "log_softmax", "logsigmoid", "lp_pool1d", "lp_pool2d", "lp_pool3d",
    "margin_ranking_loss", "max_pool1d", "max_pool1d_with_indices", "max_pool2d", "max_pool2d_with_indices",
    "max_pool3d", "max_pool3d_with_indices", "max_unpool1d", "max_unpool2d", "max_unpool3d", "mish", "mse_loss",
    "multi_head_attention_forward", "multi_margin_loss", "multilabel_margin_loss", "multilabel_soft_margin_loss",
    "nll_loss", "normalize", "one_hot", "pad", "pairwise_distance", "pdist", "pixel_shuffle", "pixel_unshuffle",
    "poisson_nll_loss", "prelu", "relu", "relu6", "relu_", "rms_norm", "rrelu", "rrelu_",
    "scaled_dot_product_attention", "selu", "selu_", "sigmoid", "silu", "smooth_l1_loss", "soft_margin_loss", "softmax",
    "softmin", "softplus", "softshrink", "softsign", "tanh", "tanhshrink", "threshold", "threshold_",
    "triplet_margin_loss", "triplet_margin_with_distance_loss", "unfold", "upsample", "upsample_bilinear",
    "upsample_nearest",
]


def __dir__() -> list[str]:
    return sorted(__all__)  # the functions, without the files that they come from
