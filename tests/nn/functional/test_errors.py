"""Wrong calls: the class of the error, what its message names, and what it says to do."""

import numpy as np
import pytest

import minigrad
import minigrad.nn.functional as F
from minigrad import nn
from tests.marks import NOT_ASKED
from tests.refusals import read_pattern

t = minigrad
ones, zeros = t.ones, t.zeros
LONG = t.tensor([0, 1])

# The call, the class that PyTorch raises, and what the message must say.
REFUSED = [
    # ---- convolution
    (lambda: F.conv2d(ones(6, 8), ones(1, 1, 1, 2)), RuntimeError,
     ["(C, H, W) or (N, C, H, W)", "[6, 8]", "x.reshape(1, 1, 6, 8)"]),
    (lambda: F.conv1d(ones(6), ones(1, 1, 2)), RuntimeError, ["(C, L) or (N, C, L)", "x.reshape(1, 1, 6)"]),
    (lambda: F.conv2d(ones(1, 28, 28, 3), ones(8, 3, 3, 3)), RuntimeError,
     ["to have 3 channels, but got 28", "x.permute(0, 3, 1, 2)"]),
    (lambda: F.conv2d(ones(28, 28, 3), ones(8, 3, 3, 3)), RuntimeError, ["x.permute(2, 0, 1)"]),
    (lambda: F.conv1d(ones(2, 9, 4), ones(8, 4, 3)), RuntimeError, ["x.permute(0, 2, 1)"]),
    (lambda: F.conv2d(ones(1, 2, 4, 4), ones(8, 3, 3, 3)), RuntimeError, ["Given groups=1", "3 channels"]),
    (lambda: F.conv2d(ones(1, 1, 4, 4), ones(1, 2)), RuntimeError,
     ["(out_channels, in_channels/groups, kh, kw)", "[1, 2]"]),
    (lambda: F.conv2d(ones(1, 1, 2, 2), ones(1, 1, 3, 3)), RuntimeError,
     ["Kernel size can't be greater than actual input size", "use a smaller kernel or more padding"]),
    (lambda: F.conv2d(ones(1, 1, 4, 4), ones(1, 1, 2, 2), padding=-1), RuntimeError,
     ["negative padding is not supported", "padding=-1"]),
    (lambda: F.conv2d(ones(1, 1, 4, 4), ones(1, 1, 2, 2), stride=0), RuntimeError,
     ["non-positive stride is not supported"]),
    (lambda: F.conv2d(ones(1, 1, 4, 4), ones(1, 1, 2, 2), dilation=0), RuntimeError, ["dilation=0"]),
    (lambda: F.conv2d(ones(1, 1, 4, 4), ones(1, 1, 2, 2), stride=(1, 2, 3)), RuntimeError,
     ["single integer value or a list of 2 values", "(1, 2, 3)"]),
    (lambda: F.conv2d(ones(1, 1, 4, 4), ones(1, 1, 2, 2), stride=1.5), TypeError, ["float 1.5"]),
    (lambda: F.conv2d(ones(1, 2, 4, 4), ones(2, 1, 2, 2), groups=0), RuntimeError, ["groups=0"]),
    (lambda: F.conv2d(ones(1, 2, 4, 4), ones(2, 1, 2, 2), groups=1.0), TypeError, ["groups", "float"]),
    (lambda: F.conv2d(ones(1, 2, 4, 4), ones(3, 1, 2, 2), groups=2), RuntimeError,
     ["divisible by 2 at dimension 0", "[3, 1, 2, 2]"]),
    (lambda: F.conv2d(ones(1, 1, 4, 4), ones(1, 1, 2, 2).double()), RuntimeError,
     ["(float32)", "(float64)", "input.to(weight.dtype)"]),
    (lambda: F.conv2d(ones(1, 1, 4, 4), ones(1, 1, 2, 2), ones(1).double()), RuntimeError, ["bias type"]),
    (lambda: F.conv2d(ones(1, 1, 4, 4), ones(1, 1, 2, 2), ones(3)), RuntimeError,
     ["bias of shape [1]", "1-dimensional with 1 elements", "[3]"]),
    (lambda: F.conv2d(ones(1, 1, 4, 4), ones(1, 1, 0, 2)), RuntimeError, ["[1, 1, 0, 2]", "axis of length 0"]),
    (lambda: F.pixel_shuffle(ones(1, 4, 1, 1), 2**32), ValueError, ["(upscale_factor)^2 overflowed", "4294967296"]),
    (lambda: F.conv2d(ones(1, 1, 0, 4), ones(1, 1, 2, 2), padding=2), RuntimeError,
     ["conv2d: Only zero batch or zero channel inputs are supported", "size [0, 4], which have no pixels"]),
    (lambda: F.conv_transpose2d(ones(1, 1, 0, 4), ones(1, 1, 2, 2)), RuntimeError,
     ["conv_transpose2d: Only zero batch", "size [0, 4]"]),
    (lambda: F.conv2d(ones(1, 1, 4, 4), ones(1, 0, 2, 2)), RuntimeError, ["to have 0 channels, but got 1"]),
    (lambda: F.conv2d(ones(1, 1, 4, 4), ones(1, 1, 2, 2), padding="full"), RuntimeError,
     ["Invalid padding string: 'full'", "'same', 'valid'"]),
    (lambda: F.conv2d(ones(1, 1, 4, 4), ones(1, 1, 2, 2), stride=2, padding="same"), RuntimeError,
     ["padding='same' is not supported for strided"]),
    (lambda: F.conv2d(ones(1, 1, 4, 4).bool(), ones(1, 1, 2, 2).bool()), NotImplementedError, ["'Bool'"]),
    (lambda: F.conv_transpose2d(ones(1, 2, 4, 4), ones(3, 1, 2, 2)), RuntimeError,
     ["transposed=1", "3 channels, but got 2"]),
    (lambda: F.conv_transpose2d(ones(1, 1, 4, 4), ones(1, 1)), RuntimeError,
     ["(in_channels, out_channels/groups, kh, kw)"]),
    (lambda: F.conv_transpose2d(ones(1, 1, 4, 4), ones(1, 1, 2, 2), output_padding=1), RuntimeError,
     ["output padding must be smaller than either stride or dilation", "output_padding: 1"]),
    (lambda: F.conv_transpose2d(ones(1, 1, 1, 1), ones(1, 1, 2, 2), padding=2), RuntimeError,
     ["too small", "use less padding"]),
    (lambda: F.conv_transpose2d(ones(2, 1, 1, 1).double(), ones(1, 1, 2, 2).double(), padding=1), RuntimeError,
     ["Calculated output size per channel: (0 x 0). Output size is too small", "use less padding"]),
    (lambda: F.batch_norm(ones(2, 2), ones(2), None), RuntimeError, ["running_mean and running_var to be defined"]),
    (lambda: F.batch_norm(ones(2, 2), None, ones(2)), RuntimeError, ["running_mean and running_var to be defined"]),
    (lambda: F.layer_norm(ones(2, 2).numpy(), (2,)), TypeError, ["layer_norm(): argument 'input'", "numpy.ndarray"]),
    (lambda: F.rms_norm(ones(2, 2), (2,), [1.0, 1.0]), TypeError, ["rms_norm(): argument 'weight'", "not list"]),
    # ---- pooling
    (lambda: F.max_pool2d(ones(1, 1, 4, 4), t.tensor(2.5)), TypeError, ["kernel_size", "Tensor tensor(2.5000"]),
    (lambda: F.pad(ones(1, 1), (1, 1), mode=1), TypeError, ["pad(): argument 'mode' must be str, not int 1; use"]),
    (lambda: F.softmax(ones(4, 4), t.tensor([1])), TypeError, ["argument 'dim' must be int", "Tensor tensor([1]"]),
    (lambda: F.embedding(t.tensor([0]), ones(3, 2), 2.0), TypeError, ["'padding_idx' must be int", "float 2.0"]),
    (lambda: F.interpolate(ones(1, 1, 4), scale_factor=1e20), RuntimeError, ["without overflow", "4e+20"]),
    (lambda: F.interpolate(ones(1, 1, 4), scale_factor=float("nan")), RuntimeError, ["without overflow", "nan"]),
    (lambda: F.interpolate(ones(1, 1, 4), scale_factor="2"), TypeError, ["'scale_factor' must be a number", "str '2'"]),
    (lambda: F.max_pool2d(ones(4, 4), 2), RuntimeError, ["(C, H, W) or (N, C, H, W)", "[4, 4]"]),
    (lambda: F.max_pool2d(ones(1, 0, 4, 4), 2), RuntimeError, ["Its axes must not be empty."]),
    (lambda: F.max_pool2d(ones(4), 2), RuntimeError, ["but got input of size: [4]."]),
    (lambda: F.max_pool2d(ones(1, 4, 4), 0), RuntimeError, ["non-positive kernel_size"]),
    (lambda: F.max_pool2d(ones(1, 4, 4), 2, padding=2), RuntimeError,
     ["pad should be at most half of effective kernel size", "pad=2, kernel_size=2"]),
    (lambda: F.max_pool2d(ones(1, 1, 1), 2), RuntimeError,
     ["Given input size: (1x1x1). Calculated output size: (1x0x0). Output size is too small", "smaller kernel"]),
    (lambda: F.max_pool2d(ones(4, 4), 2), RuntimeError,
     ["non-empty 3D or 4D (batch mode) tensor expected for input: max_pool2d takes (C, H, W)", "reshape(1, 1, 4, 4)"]),
    (lambda: F.max_pool2d(ones(1, 4, 0), 2), RuntimeError,
     ["Expected 3D or 4D (batch mode) tensor with optional 0 dim batch size for input: max_pool2d", "[1, 4, 0]"]),
    (lambda: F.max_pool1d(ones(4), 2), RuntimeError,
     ["max_pool1d: Expected 2D or 3D (batch mode) tensor with optional 0 dim", "write x.reshape(1, 1, 4)"]),
    (lambda: F.avg_pool1d(ones(4), 2), RuntimeError,
     ["Expected 2 to 3 dimensions, but got 1-dimensional tensor for argument #1 'self'", "checking arguments for avg_p",
      "(C, L) or (N, C, L)"]),
    (lambda: F.avg_pool2d(ones(4), 2), IndexError,
     ["Dimension out of range (expected to be in range of [-1, 0], but got -3): avg_pool2d takes (C, H, W)", "[4]"]),
    (lambda: F.lp_pool2d(ones(4, 4), 2, 2), IndexError, ["but got -3): lp_pool2d takes", "x.reshape(1, 1, 4, 4)"]),
    (lambda: F.avg_pool2d(ones(1, 1, 1, 4, 4), 2), RuntimeError, ["Expected 3D or 4D (batch mode) tensor with opt"]),
    (lambda: F.fractional_max_pool2d(ones(4, 4), 2, 2), IndexError, ["Dimension out of range", "fractional_max_p"]),
    (lambda: F.adaptive_max_pool2d(ones(4), 2), RuntimeError, ["adaptive_max_pool2d(): Expected 3D or 4D ten"]),
    (lambda: F.adaptive_avg_pool1d(ones(4), 2), RuntimeError, ["Expected 2 to 3 dimensions", "adaptive_avg_pool1d)"]),
    (lambda: F.adaptive_max_pool1d(ones(4, 0), 2), RuntimeError,
     ["adaptive_max_pool1d(): Expected input to have non-zero size for non-batch dimensions", "[4, 0]"]),
    (lambda: F.unfold(ones(4, 4), 2), IndexError, ["in range of [-2, 1], but got 2): unfold takes (C, H"]),
    (lambda: F.fold(ones(4), 4, 2), RuntimeError, ["Expected 2D or 3D (batch mode) tensor for input with"]),
    (lambda: F.max_unpool2d(ones(4, 4), ones(4, 4).long(), 2), RuntimeError,
     ["Input to max_unpooling2d should be a 3d or 4d Tensor", "[4, 4]"]),
    (lambda: F.max_unpool2d(ones(4), ones(4).long(), 2), IndexError, ["Dimension out of range", "max_unpool2d takes"]),
    (lambda: F.max_pool2d(ones(1, 4, 4), 2, padding=2), RuntimeError, ["pad should be at most half of effective"]),
    (lambda: F.max_pool2d(ones(1, 4, 4).bool(), 2), NotImplementedError, ["'Bool'"]),
    (lambda: F.avg_pool2d(ones(1, 4, 4), 2, divisor_override=0), RuntimeError, ["divisor must be not zero"]),
    (lambda: F.avg_pool2d(ones(1, 4, 4).int(), 2), NotImplementedError, ["avg_pool2d", "'Int"]),
    (lambda: F.cosine_similarity(ones(2, 3), ones(2, 3), eps=-1.0), RuntimeError, ["eps must be non-negative, got -1"]),
    (lambda: minigrad.nn.TripletMarginLoss(margin=0.0), ValueError, ["margin must be greater than 0, got 0.0"]),
    (lambda: minigrad.nn.TripletMarginWithDistanceLoss(margin=-1.0), ValueError, ["greater than 0, got -1.0"]),
    (lambda: F.poisson_nll_loss(ones(2), ones(2), log_input=1), TypeError, ["'log_input' must be bool", "int 1"]),
    (lambda: F.poisson_nll_loss(ones(2), ones(2), full="a"), TypeError, ["'full' must be bool", "str 'a'"]),
    (lambda: minigrad.nn.Softmax2d()(ones(2, 2)), ValueError, ["Softmax2d", "to be 3D or 4D, got 2D"]),
    (lambda: minigrad.nn.Bilinear(0, 1, 1), ValueError, ["in1_features must be > 0, but got 0"]),
    (lambda: minigrad.nn.LazyBatchNorm2d()(ones(2, 3)), ValueError, ["expected 4D input", "LazyBatchNorm2d takes"]),
    (lambda: minigrad.nn.ParameterDict().update(3), TypeError, ["ParameterDict.update", "pairs, but got int"]),
    (lambda: F.soft_margin_loss(ones(4, 1), ones(4)), RuntimeError, ["[4, 1]", "would broadcast to [4, 4]"]),
    (lambda: F.avg_pool2d(ones(1, 4, 4), 2, divisor_override=1.5), TypeError, ["'divisor_override' must be int"]),
    (lambda: F.avg_pool2d(ones(1, 4, 4), 2, divisor_override=True), TypeError, ["divisor_override", "bool True"]),
    (lambda: F.max_unpool2d(ones(1, 0, 2, 2), ones(1, 0, 2, 2).long(), 2), RuntimeError, ["must not be empty"]),
    (lambda: F.adaptive_avg_pool2d(ones(2, 2), (1, 1)), ValueError, ["at least 3", "[2, 2]"]),
    (lambda: F.adaptive_avg_pool2d(ones(2, 2), 1), RuntimeError, ["Expected 3D", "[2, 2]"]),
    (lambda: F.adaptive_avg_pool2d(ones(1, 2, 2), (1,)), RuntimeError, ["output_size must have 2 elements", "(1,)"]),
    (lambda: F.adaptive_avg_pool2d(ones(1, 2, 2), (1, 2, 3)), ValueError, ["at least 4", "[1, 2, 2]"]),
    (lambda: F.adaptive_avg_pool2d(ones(1, 2, 2), -1), RuntimeError, ["negative output_size"]),
    # ---- padding, columns, sizes
    (lambda: F.pad(ones(2), (1, 2, 3)), RuntimeError, ["divisible by 2", "got 3 numbers"]),
    (lambda: F.pad(ones(2), (1, 1, 1, 1)), RuntimeError, ["two times the input dimension", "of dimension 1"]),
    (lambda: F.pad(ones(2), 1), TypeError, ["tuple of ints", "(left, right, top, bottom"]),
    (lambda: F.pad(ones(2), (-3, 0)), RuntimeError, ["negative output size [-1]"]),
    (lambda: F.pad(ones(1, 2), (1, 1), "mirror"), NotImplementedError, ["padding mode mirror", "'reflect'"]),
    (lambda: F.pad(ones(1, 2), (2, 0), "reflect"), RuntimeError, ["less than", "(2, 0) at dimension 1"]),
    (lambda: F.pad(ones(1, 2), (3, 0), "circular"), RuntimeError, ["at most", "(3, 0) at dimension 1"]),
    (lambda: F.pad(ones(1, 2), (-2, 0), "replicate"), RuntimeError, ["padding [-2, 0]", "too small"]),
    (lambda: F.pad(ones(1, 2), (1, 0), "reflect", 1.0), RuntimeError, ["doesn't take in value", "value=1.0"]),
    (lambda: F.pad(ones(1, 2, 2, 2, 2), (1, 0), "reflect"), NotImplementedError, ["an input of 5 axes", "got 2"]),
    (lambda: F.pad(ones(1, 0, 2), (1, 0), "reflect"), RuntimeError, ["axes are not empty"]),
    (lambda: F.pad(ones(1, 2).bool(), (1, 0), "reflect"), NotImplementedError, ["'Bool'"]),
    (lambda: F.unfold(ones(2, 2), 2), IndexError, ["(C, H, W) or (N, C, H, W)", "[2, 2]"]),
    (lambda: F.unfold(ones(1, 2, 2), 3), RuntimeError, ["spatial size (2, 2)", "at least one"]),
    (lambda: F.unfold(ones(1, 2, 2), (2,)), RuntimeError, ["expected kernel_size equals to 2", "write kernel_size=2"]),
    (lambda: F.unfold(ones(1, 2, 2), 2, padding=[1]), RuntimeError, ["expected padding equals to 2, but got size 1"]),
    (lambda: F.fold(ones(1, 4, 4), (3,), 2), RuntimeError, ["expected output_size equals to 2", "write output_size=3"]),
    (lambda: F.unfold(ones(1, 2, 2).long(), 2), NotImplementedError, ["'Long'"]),
    (lambda: F.fold(ones(1, 3, 4), 3, 2), RuntimeError, ["divisible by the product of kernel_size", "[1, 3, 4]"]),
    (lambda: F.fold(ones(1, 0, 4), 3, 2), RuntimeError, ["non-zero dimensions for input: fold takes", "[1, 0, 4]"]),
    (lambda: F.fold(ones(1, 4, 3), 3, 2), RuntimeError, ["2 * 2 = 4, but got 3"]),
    (lambda: F.fold(ones(1, 4, 4).int(), 3, 2), NotImplementedError, ["fold"]),
    (lambda: F.bilinear(ones(2, 1), ones(2, 3), ones(4, 2, 3)), RuntimeError, ["input1 of shape [2, 2]", "got [2, 1]"]),
    (lambda: F.bilinear(ones(2, 2), ones(2, 1), ones(4, 2, 3)), RuntimeError, ["input2 of shape [2, 3]", "got [2, 1]"]),
    (lambda: F.bilinear(ones(2, 2), ones(1, 3), ones(4, 2, 3)), RuntimeError, ["batch dimensions", "[[2, 2], [1, 3]"]),
    (lambda: F.bilinear(ones(2), ones(3), ones(4, 2, 3), ones(1)), RuntimeError, ["bias of shape [4]", "got [1]"]),
    (lambda: F.bilinear(ones(2).double(), ones(3), ones(4, 2, 3)), RuntimeError, ["(float64)", "input2 type"]),
    (lambda: F.interpolate(ones(1, 1, 2, 2)), ValueError, ["either size or scale_factor should be defined"]),
    (lambda: F.interpolate(ones(1, 1, 2, 2), 2, 2), ValueError, ["only one of size or scale_factor"]),
    (lambda: F.interpolate(ones(1, 1, 2, 2), (2, 2, 2)), ValueError, ["2 spatial dimensions and 3 values"]),
    (lambda: F.interpolate(ones(1, 1, 2), 2, mode="bilinear"), NotImplementedError, ["Got 3D input", "needs 4D input"]),
    (lambda: F.interpolate(ones(1, 1, 2, 2), 2, align_corners=True), ValueError, ["align_corners", "bilinear"]),
    (lambda: F.interpolate(ones(1, 1, 2), 2, antialias=True), ValueError, ["Anti-alias", "'nearest'"]),
    (lambda: F.interpolate(ones(1, 1, 2, 2), 0), RuntimeError, ["non-positive size", "(0, 0)"]),
    (lambda: F.interpolate(ones(1, 1, 2, 2), 2.5), TypeError, ["argument 'size' must be an int", "2.5"]),
    (lambda: F.interpolate(ones(1, 1, 2, 2).long(), 2), NotImplementedError, ["'Long'"]),
    (lambda: F.interpolate(ones(1, 1, 2).to(t.uint8), 2, mode="linear"), NotImplementedError, ["linear"]),
    # ---- linear maps, tables, dropout
    (lambda: F.linear(ones(2, 3), ones(4, 2)), RuntimeError,
     ["(2x3 and 2x4)", "last axis should have 2 entries", "in_features=3"]),
    (lambda: F.linear(ones(1, 2, 4, 4), ones(3, 32)), RuntimeError, ["(8x4 and 32x3)", "x.flatten(1)", "nn.Flatten()"]),
    (lambda: F.linear(ones(1, 2, 4, 4), ones(3, 9)), RuntimeError, ["in_features=4, or 32 after x.flatten(1)"]),
    (lambda: F.linear(ones(4, 36), ones(10, 144)), RuntimeError,
     ["(4x36 and 144x10)", "its 144 entries are one example", "by image[None] or x.reshape(1, 144)"]),
    (lambda: F.linear(ones(4, 6, 6), ones(10, 144)), RuntimeError, ["its 144 entries are one example"]),
    (lambda: F.linear(ones(1, 4, 6, 6), ones(10, 144)), RuntimeError, ["flatten each example first"]),
    (lambda: F.linear(ones(2, 3), ones(4, 3).double()), RuntimeError, ["same dtype, but got Float and Double"]),
    (lambda: F.linear(ones(2, 3), ones(4, 3), ones(3)), RuntimeError, ["bias of shape [4]", "[3]"]),
    (lambda: F.linear(ones(2, 3).bool(), ones(4, 3).bool()), NotImplementedError, ["'Bool'"]),
    (lambda: F.embedding(t.tensor([3]), ones(3, 2)), IndexError, ["index out of range in self", "0 to 2, got 3"]),
    (lambda: F.embedding(t.tensor([-1]), ones(3, 2)), IndexError, ["got -1"]),
    (lambda: F.embedding(t.tensor([0.0]), ones(3, 2)), RuntimeError, ["Long, Int", "indices.long()"]),
    (lambda: F.embedding(LONG, ones(3)), RuntimeError, ["2-D", "(num_embeddings, embedding_dim)"]),
    (lambda: F.embedding(LONG, ones(3, 2), padding_idx=3), AssertionError, ["got 3 for 3 rows"]),
    (lambda: F.one_hot(t.tensor([1.0])), RuntimeError, ["LongTensor", "tensor.long()"]),
    (lambda: F.one_hot(t.tensor([], dtype=t.int64)), RuntimeError, ["empty tensor"]),
    (lambda: F.one_hot(t.tensor([-1])), RuntimeError, ["must be non-negative: got -1"]),
    (lambda: F.one_hot(t.tensor([2]), 2), RuntimeError, ["smaller than num_classes: got 2 and 2"]),
    (lambda: F.one_hot(t.tensor([], dtype=t.int64), 0), RuntimeError, ["empty tensor"]),
    (lambda: F.one_hot(t.tensor([0]), -5), RuntimeError, ["and num_classes positive, here -5: got 0"]),
    (lambda: F.cross_entropy(ones(2, 3), zeros(2).long(), ignore_index=1.5), TypeError, ["'ignore_index' must be"]),
    (lambda: F.softshrink(ones(2), float("nan")), RuntimeError, ["lambda must be greater or equal to 0", "nan"]),
    (lambda: F.dropout(ones(2), 1.5), ValueError, ["between 0 and 1, but got 1.5"]),
    (lambda: F.dropout2d(ones(2)), RuntimeError, ["Feature dropout requires at least 2 dimensions", "[2]"]),
    (lambda: F.feature_alpha_dropout(ones(2), training=True), RuntimeError, ["at least 2 dimensions", "[2]"]),
    # ---- attention
    (lambda: F.scaled_dot_product_attention(ones(3), ones(2, 3), ones(2, 3)), RuntimeError,
     ["at least 2 dimensional, (*, L, E)", "query.dim: 1 key.dim: 2 and value.dim: 2"]),
    (lambda: F.scaled_dot_product_attention(ones(2, 3), ones(2, 3).double(), ones(2, 3)), RuntimeError,
     ["to have the same dtype", "key.dtype: minigrad.float64"]),
    (lambda: F.scaled_dot_product_attention(LONG[None], LONG[None], LONG[None]), RuntimeError, ["'Long'", ".float()"]),
    (lambda: F.scaled_dot_product_attention(*[ones(2, 3)] * 3, ones(2, 2).long()), RuntimeError,
     ["attn_mask dtype to be bool or to match", "attn_mask.dtype: minigrad.int64"]),
    (lambda: F.scaled_dot_product_attention(ones(4, 2, 3), *[ones(3, 2, 3)] * 2, enable_gqa=True), RuntimeError,
     ["must divide the number of heads", "the query has 4, key or value 3"]),
    (lambda: F.scaled_dot_product_attention(*[ones(2, 3)] * 3, dropout_p=1.5), RuntimeError, ["0 and 1", "1.5"]),
    (lambda: F.scaled_dot_product_attention(*[ones(2, 3)] * 3, is_causal=1), TypeError, ["is_causal", "bool"]),
    # ---- nonlinearities
    (lambda: F.hardtanh(ones(2), 1.0, -1.0), ValueError, ["min_val cannot be larger than max_val: 1.0 > -1.0"]),
    (lambda: F.hardtanh(ones(2).to(t.uint8)), RuntimeError, ["unsigned type with negative limits"]),
    (lambda: F.leaky_relu(LONG), NotImplementedError, ['"leaky_relu" not implemented for \'Long\'', ".float()"]),
    (lambda: F.silu(LONG), NotImplementedError, ["silu"]),
    (lambda: F.gelu(LONG), NotImplementedError, ["gelu"]),
    (lambda: F.gelu(ones(2), approximate="cosh"), RuntimeError, ["none or tanh", "'cosh'"]),
    (lambda: F.softmax(LONG, 0), NotImplementedError, ["'Long'"]),
    (lambda: F.softmax(ones(2), 1), IndexError, ["Dimension out of range", "but got 1"]),
    # ---- normalisation
    (lambda: F.batch_norm(ones(1, 3), None, None, training=True), ValueError,
     ["more than 1 value per channel", "[1, 3]", "larger batch"]),
    (lambda: F.batch_norm(ones(4, 3), ones(2), ones(2)), RuntimeError,
     ["running_mean of shape [3]", "axis 1", "got [2]"]),
    (lambda: F.batch_norm(ones(4, 3), None, None), RuntimeError, ["running_mean and running_var", "training=False"]),
    (lambda: F.batch_norm(ones(4), None, None, training=True), IndexError, ["(N, C, ...), got [4]"]),
    (lambda: F.batch_norm(ones(4, 3), None, None, ones(3).double(), training=True), RuntimeError,
     ["Input type (float32) and weight type (float64)"]),
    (lambda: F.batch_norm(ones(4, 3), None, None, training=True, eps=0.0), ValueError, ["eps must be positive"]),
    (lambda: F.batch_norm(ones(4, 3), ones(3), ones(3), eps=-0.1), ValueError, ["non-negative, but got -0.1"]),
    (lambda: F.batch_norm(ones(4, 3).long(), None, None, training=True), NotImplementedError, ["batch_norm"]),
    (lambda: F.layer_norm(ones(2, 3), (2,)), RuntimeError, ["normalized_shape=[2]", "size[2, 3]"]),
    (lambda: F.layer_norm(ones(2, 3), ()), RuntimeError, ["at least 1-dimensional", "layer_norm"]),
    (lambda: F.layer_norm(ones(2, 3), (3,), ones(2)), RuntimeError, ["weight of shape [3]", "got [2]"]),
    (lambda: F.layer_norm(ones(2, 3).int(), 3), NotImplementedError, ["layer_norm"]),
    (lambda: F.group_norm(ones(2, 3), 2), RuntimeError, ["divisible by num_groups", "num_groups=2"]),
    (lambda: F.group_norm(ones(2, 4), 0), RuntimeError, ["greater than 0", "num_groups=0"]),
    (lambda: F.group_norm(ones(4), 2), RuntimeError, ["at least 2 dimensions", "got [4]"]),
    (lambda: F.group_norm(ones(2, 4), 2, ones(2)), RuntimeError, ["weight of shape [4]", "each channel", "got [2]"]),
    # ---- losses
    (lambda: F.mse_loss(ones(8), ones(8, 1)), ValueError, ["[8]", "[8, 1]", "target.reshape(input.shape)"]),
    (lambda: F.mse_loss(ones(2), ones(3)), RuntimeError, ["size of tensor a (2) must match", "(3)"]),
    (lambda: F.mse_loss(LONG, LONG), NotImplementedError, ["mse_loss"]),
    (lambda: F.mse_loss(ones(2), ones(2), weight=ones(3)), ValueError, ["same size, got (2,) and (3,)"]),
    *[
        (lambda f=f: f(ones(2, 3), LONG, weight=ones(3).requires_grad_()), RuntimeError,
         [f"'{f.__name__}' is not differentiable with respect to argument 'weight'", "weight.detach()"])
        for f in (F.nll_loss, F.cross_entropy, F.multi_margin_loss)
    ],
    (lambda: F.l1_loss(ones(2), ones(3)), RuntimeError, ["(2)", "(3)"]),
    (lambda: F.l1_loss(ones(2), ones(2), reduction="max"), ValueError, ["max is not a valid value", "'mean'"]),
    (lambda: F.huber_loss(ones(2), ones(2), delta=0.0), RuntimeError, ["non-positive values for delta, got 0.0"]),
    (lambda: F.smooth_l1_loss(ones(2), ones(2), beta=-1.0), RuntimeError, ["negative values for beta"]),
    (lambda: F.smooth_l1_loss(LONG, LONG), NotImplementedError, ["smooth_l1_loss"]),
    (lambda: F.cross_entropy(ones(2, 3), t.tensor([0, 3])), IndexError,
     ["Target 3 is out of bounds", "0 to 2"]),
    (lambda: F.cross_entropy(ones(2, 3), t.tensor([0])), ValueError,
     ["batch_size (2) to match target batch_size (1)"]),
    (lambda: F.cross_entropy(ones(2, 3, 4), t.tensor([0, 1])), RuntimeError, ["Expected target size [2, 4], got [2]:"]),
    (lambda: F.cross_entropy(ones(2, 3), ones(2)), RuntimeError, ["be Long or Byte, but got Float:", "target.long()"]),
    (lambda: F.cross_entropy(ones(2, 3), LONG.int()), RuntimeError, ["Byte, but got Int:", "target.long()"]),
    (lambda: F.cross_entropy(ones(2, 3), LONG, ones(2)), RuntimeError, ["all 3 classes", "[2]"]),
    (lambda: F.cross_entropy(ones(2, 3), LONG, label_smoothing=2.0), RuntimeError, ["between 0.0 and 1.0. Got: 2.0"]),
    (lambda: F.cross_entropy(ones(2, 3), ones(2, 3), ignore_index=1), RuntimeError, ["floating point target"]),
    (lambda: F.nll_loss(ones(2, 3), LONG, ones(3).double()), RuntimeError,
     ["Input type (float32) and weight type (float64)"]),
    (lambda: F.nll_loss(t.tensor(1.0), t.tensor(0)), ValueError, ["Expected 1 or more dimensions (got 0)", "(N, C)"]),
    (lambda: F.nll_loss(ones(2, 3).long(), LONG), NotImplementedError,
     ["\"nll_loss\" not implemented for 'Long'", "scores are floats", "argmax has chosen are no scores"]),
    (lambda: F.cross_entropy(ones(3), LONG), ValueError, ["For 1D input, 1D target must have size 1"]),
    (lambda: F.conv2d(ones(1, 1, 4, 4), ones(2, 3)), RuntimeError, ["one channel is weight.reshape(1, 1, 2, 3)"]),
    (lambda: F.conv2d(ones(1, 1, 4, 4), ones(1, 1, 2, 2), 2), TypeError,
     ["'bias' (position 3) must be Tensor, not int; give one, or leave it out", "by name: option=2"]),
    (lambda: F.conv_transpose2d(ones(1, 1, 4, 4), ones(1, 1, 2, 2), "same"), TypeError,
     ["must be Tensor, not str; give one, or leave it out", "option='same'"]),
    (lambda: F.relu(ones(2, 3).max(1)), TypeError, ["it holds 2 tensors: pass one of them, .values or .indices"]),
    (lambda: F.conv2d(ones(1, 3, 8, 8), ones(3, 8, 3, 3)), RuntimeError,
     ["to have 8 channels, but got 3", "in and out exchanged", "axes (out, in, kernel)", "weight.transpose(0, 1)"]),
    (lambda: F.conv1d(ones(2, 4, 9), ones(4, 6, 3)), RuntimeError, ["to have 6 channels", "in and out exchanged"]),
    (lambda: F.conv_transpose2d(ones(1, 3, 9, 9), ones(2, 3, 3, 3)), RuntimeError,
     ["to have 2 channels, but got 3", "A transposed layer's weight has the axes (in, out, kernel), a plain one's"]),
    (lambda: F.conv2d(ones(5, 8, 8), ones(2, 1, 3, 3)), RuntimeError,
     ["expected input[5, 8, 8] to have 1", "in_channels=5. For 5 images of one channel, write x.unsqueeze(1)."]),
    (lambda: F.conv2d(ones(1, 3, 8, 8), ones(1, 1, 3, 3)), RuntimeError,
     ["in_channels=3. To apply one", "conv2d(x, weight.repeat(3, 1, 1, 1), groups=3)."]),
    (lambda: F.conv1d(ones(2, 3, 8), ones(1, 1, 3)), RuntimeError, ["conv1d(x, weight.repeat(3, 1, 1), groups=3)."]),
    (lambda: F.conv_transpose2d(ones(1, 3, 8, 8), ones(8, 3, 3, 3)), RuntimeError,
     ["expected input[1, 3, 8, 8] to have 8", "axes (in, out, kernel)"]),
    (lambda: F.conv2d(ones(1, 32, 32, 3), ones(32, 3, 3, 3)), RuntimeError,  # 32 channels out, and 32 rows
     ["expected input[1, 32, 32, 3] to have 3", "channels are the last axis: write x.permute(0, 3, 1, 2)"]),
    (lambda: F.conv2d(ones(4, 6, 3, 3), ones(12, 3, 3, 3)), RuntimeError,  # six maps of 3 x 3, and not 6 x 3 pixels
     ["to have 3 channels, but got 6 channels instead. A layer for these images has in_channels=6."]),
    (lambda: F.conv3d(ones(1, 20, 3, 9, 9), ones(2, 3, 1, 3, 3)), RuntimeError,
     ["but got 20 channels instead. Here time stands before the channels: write x.transpose(1, 2)."]),
    (lambda: F.conv3d(ones(20, 3, 9, 9), ones(2, 3, 1, 3, 3)), RuntimeError, ["channels: write x.transpose(0, 1)."]),
    (lambda: F.conv2d(ones(32, 3, 784), ones(32, 3, 5, 5)), RuntimeError,
     ["For 32 images whose pixels stand in one row, write x.unflatten(2, (rows, columns))."]),
    (lambda: F.conv2d(ones(32, 784), ones(8, 1, 5, 5)), RuntimeError,
     ["x.reshape(1, 1, 32, 784). For 32 images of 28 x 28 pixels in a row, x.reshape(-1, 1, 28, 28)."]),
    (lambda: F.conv3d(ones(3, 9, 9), ones(8, 1, 3, 3, 3)), RuntimeError, ["For one volume of one channel, write x.r"]),
    (lambda: F.conv1d(ones(9), ones(8, 1, 3)), RuntimeError, ["For one signal of one channel, write x.reshape(1, 1"]),
    (lambda: F.conv2d(ones(1, 3, 4, 9, 9), ones(2, 3, 3, 3)), RuntimeError,
     ["got input of size: [1, 3, 4, 9, 9]. conv3d takes (C, D, H, W) or (N, C, D, H, W)."]),
    (lambda: F.max_pool2d(ones(1, 3, 4, 9, 9), 2), RuntimeError, ["max_pool3d takes (C, D, H, W) or (N, C, D, H, W)."]),
    (lambda: F.conv1d(ones(4, 6, 3), ones(12, 3, 3)), RuntimeError, ["channels are the last axis: write x.permute("]),
    (lambda: F.interpolate(ones(1, 3, 4, 4), scale_factor=2, mode="linear"), NotImplementedError,
     ["Got 4D input, but linear mode needs 3D input; for this input write mode='bilinear'"]),
    (lambda: F.interpolate(ones(1, 3, 4), scale_factor=2, mode="bicubic"), NotImplementedError, ["needs 4D input"]),
    (lambda: minigrad.Tensor([1], requires_grad=True), TypeError, ["minigrad.tensor(data, requires_grad=True) takes"]),
    (lambda: F.binary_cross_entropy(ones(2), ones(2, 1)), ValueError, ["[2, 1]", "target.reshape(input.shape)"]),
    (lambda: F.binary_cross_entropy(2 * ones(2), ones(2)), RuntimeError, ["between 0 and 1", "sigmoid"]),
    (lambda: F.binary_cross_entropy_with_logits(ones(2), ones(3)), ValueError, ["[3])) must be the same as"]),
]  # fmt: skip


ABOUT_VALUES = {
    "index out of range in self", "got -1", "must be non-negative: got -1", "and num_classes positive, here -5: got 0",
    "smaller than num_classes: got 2 and 2", "between 0 and 1", "Target 3 is out of bounds",
}  # fmt: skip


@pytest.mark.parametrize(
    ("call", "kind", "words"),
    [pytest.param(*row, marks=NOT_ASKED if row[2][0] in ABOUT_VALUES else (), id=row[2][0]) for row in REFUSED],
)
def test_a_wrong_call_is_refused_with_words_that_help(call, kind, words):
    with pytest.raises(kind, match=read_pattern(tuple(words))):
        call()


SIGNATURES = {
    "conv2d": ("input weight bias", lambda x: (x(1, 1, 2, 2), x(1, 1, 1, 1), x(1))),
    "linear": ("input weight bias", lambda x: (x(1, 2), x(1, 2), x(1))),
    "batch_norm": ("input running_mean running_var weight bias", lambda x: (x(2, 1), x(1), x(1), x(1), x(1))),
    "group_norm": ("input", lambda x: (x(2, 2), 1)),
    "max_pool2d": ("input", lambda x: (x(1, 2, 2), 1)),
    "mse_loss": ("input target", lambda x: (x(2), x(2))),
    "cosine_similarity": ("x1 x2", lambda x: (x(1, 2), x(1, 2))),
}


@pytest.mark.parametrize("name", SIGNATURES)
def test_a_numpy_array_is_named_by_its_parameter(name):
    parameters, make = SIGNATURES[name]
    for position, parameter in enumerate(parameters.split()):
        operands = list(make(ones))
        operands[position] = operands[position].numpy()
        with pytest.raises(TypeError) as refused:
            getattr(F, name)(*operands)
        assert f"{name}(): argument '{parameter}' (position {position + 1}) must be Tensor" in str(refused.value)
        assert "numpy.ndarray" in str(refused.value)
        assert "minigrad.from_numpy" in str(refused.value)


def test_none_and_lists_are_refused_with_advice():
    with pytest.raises(TypeError, match="a function without a return statement gives None"):
        F.relu(None)
    with pytest.raises(TypeError, match=r"not list; wrap it with minigrad.tensor"):
        F.linear([1.0], ones(1, 1))
    with pytest.raises(TypeError, match="argument 'target'"):
        F.cross_entropy(ones(2, 3), np.array([0, 1]))


def test_an_image_is_not_taken_for_a_batch_of_flat_images():
    with pytest.raises(RuntimeError) as caught:
        F.conv2d(ones(256, 256), ones(8, 1, 5, 5))
    assert str(caught.value).endswith("For one image of one channel, write x.reshape(1, 1, 256, 256).")


def test_flat_rows_before_a_convolution_are_told():
    with pytest.raises(RuntimeError, match=r"If these are 2 rows, as Flatten makes them: Flatten comes after the conv"):
        nn.Sequential(nn.Flatten(), nn.Conv2d(1, 3, 3))(ones(2, 1, 8, 8))
