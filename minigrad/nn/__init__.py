"""`minigrad.nn`: layers, containers, losses and `Module`, under PyTorch's names.

The layers of a first lesson are here at once; the file of another is imported when one of its names is first used.
"""

# fmt: off
import minigrad.kernels.fast as _fast
from minigrad.late_imports import open_later as _open_later
from minigrad.nn import functional
from minigrad.nn.activation import ReLU, Sigmoid, Tanh
from minigrad.nn.conv import Conv1d, Conv2d
from minigrad.nn.linear import Identity, Linear
from minigrad.nn.loss import MSELoss
from minigrad.nn.module import Module
from minigrad.nn.parameter import Buffer, Parameter
from minigrad.nn.sequential import Sequential

with _open_later("torch.nn", globals()):
    from minigrad.nn import attention, grad, init, modules, parallel, utils
    from minigrad.nn.activation_variants import (
        CELU, ELU, GELU, GLU, Hardshrink, Hardsigmoid, Hardswish, Hardtanh, LeakyReLU, LogSigmoid, LogSoftmax, Mish,
        PReLU, RReLU, ReLU6, SELU, SiLU, Softmax, Softmax2d, Softmin, Softplus, Softshrink, Softsign, Tanhshrink,
        Threshold,
    )
    from minigrad.nn.bilinear import Bilinear
    from minigrad.nn.classification import (
        BCELoss, BCEWithLogitsLoss, CrossEntropyLoss, CTCLoss, GaussianNLLLoss, KLDivLoss, MultiLabelMarginLoss,
        MultiLabelSoftMarginLoss, MultiMarginLoss, NLLLoss, NLLLoss2d, PoissonNLLLoss,
    )
    from minigrad.nn.containers import ModuleDict, ModuleList, ParameterDict, ParameterList
    from minigrad.nn.conv_transpose import ConvTranspose1d, ConvTranspose2d
    from minigrad.nn.data_parallel import DataParallel
    from minigrad.nn.distance import (
        CosineEmbeddingLoss, CosineSimilarity, HingeEmbeddingLoss, MarginRankingLoss, PairwiseDistance, SoftMarginLoss,
        TripletMarginLoss, TripletMarginWithDistanceLoss,
    )
    from minigrad.nn.dropout import AlphaDropout, Dropout, Dropout1d, Dropout2d, Dropout3d, FeatureAlphaDropout
    from minigrad.nn.embedding import Embedding, EmbeddingBag
    from minigrad.nn.lazy import (
        LazyBatchNorm1d, LazyBatchNorm2d, LazyBatchNorm3d, LazyConv1d, LazyConv2d, LazyConv3d, LazyConvTranspose1d,
        LazyConvTranspose2d, LazyConvTranspose3d, LazyInstanceNorm1d, LazyInstanceNorm2d, LazyInstanceNorm3d,
        LazyLinear,
    )
    from minigrad.nn.multihead_attention import MultiheadAttention
    from minigrad.nn.normalization import (
        BatchNorm1d, BatchNorm2d, BatchNorm3d, GroupNorm, InstanceNorm1d, InstanceNorm2d, InstanceNorm3d, LayerNorm,
        LocalResponseNorm, RMSNorm,
    )
    from minigrad.nn.outline import summary
    from minigrad.nn.padding import (
        CircularPad1d, CircularPad2d, CircularPad3d, ConstantPad1d, ConstantPad2d, ConstantPad3d, ReflectionPad1d,
        ReflectionPad2d, ReflectionPad3d, ReplicationPad1d, ReplicationPad2d, ReplicationPad3d, ZeroPad1d, ZeroPad2d,
        ZeroPad3d,
    )
    from minigrad.nn.parallel.sync_batchnorm import SyncBatchNorm
    from minigrad.nn.pooling import (
        AdaptiveAvgPool1d, AdaptiveAvgPool2d, AdaptiveAvgPool3d, AdaptiveMaxPool1d, AdaptiveMaxPool2d,
        AdaptiveMaxPool3d, AvgPool1d, AvgPool2d, AvgPool3d, FractionalMaxPool2d, FractionalMaxPool3d, LPPool1d,
        LPPool2d, LPPool3d, MaxPool1d, MaxPool2d, MaxPool3d, MaxUnpool1d, MaxUnpool2d, MaxUnpool3d,
    )
    from minigrad.nn.recurrent import GRU, LSTM, RNN, RNNBase
    from minigrad.nn.recurrent_cells import GRUCell, LSTMCell, RNNCell, RNNCellBase
    from minigrad.nn.regression import HuberLoss, L1Loss, SmoothL1Loss
    from minigrad.nn.shape import (
        ChannelShuffle, PixelShuffle, PixelUnshuffle, UpsamplingBilinear2d, UpsamplingNearest2d, Flatten, Fold,
        Unflatten, Unfold, Upsample,
    )
    from minigrad.nn.transformer import Transformer, TransformerDecoder, TransformerEncoder
    from minigrad.nn.transformer_layers import TransformerDecoderLayer, TransformerEncoderLayer
    from minigrad.nn.uninitialized import UninitializedBuffer, UninitializedParameter
    from minigrad.nn.volumes import Conv3d, ConvTranspose3d

__all__ = [
    "CELU", "ELU", "GELU", "GLU", "GRU", "LSTM", "RNN", "SELU", "AdaptiveAvgPool1d", "AdaptiveAvgPool2d",
    "AdaptiveAvgPool3d", "AdaptiveMaxPool1d", "AdaptiveMaxPool2d", "AdaptiveMaxPool3d", "AlphaDropout", "AvgPool1d",
    "AvgPool2d", "AvgPool3d", "BCELoss", "BCEWithLogitsLoss", "BatchNorm1d", "BatchNorm2d", "BatchNorm3d", "Bilinear",
    "Buffer", "CTCLoss", "ChannelShuffle", "CircularPad1d", "CircularPad2d", "CircularPad3d", "ConstantPad1d",
    "ConstantPad2d", "ConstantPad3d", "Conv1d", "Conv2d", "Conv3d", "ConvTranspose1d", "ConvTranspose2d",
    "ConvTranspose3d", "CosineEmbeddingLoss", "CosineSimilarity", "CrossEntropyLoss", "DataParallel", "Dropout",
    "Dropout1d", "Dropout2d", "Dropout3d", "Embedding", "EmbeddingBag", "FeatureAlphaDropout", "Flatten", "Fold",
    "FractionalMaxPool2d", "FractionalMaxPool3d", "GRUCell", "GaussianNLLLoss", "GroupNorm", "Hardshrink",
    "Hardsigmoid", "Hardswish", "Hardtanh", "HingeEmbeddingLoss", "HuberLoss", "Identity", "InstanceNorm1d",
    "InstanceNorm2d", "InstanceNorm3d", "KLDivLoss", "L1Loss", "LPPool1d", "LPPool2d", "LPPool3d", "LSTMCell",
    "LayerNorm", "LazyBatchNorm1d", "LazyBatchNorm2d", "LazyBatchNorm3d", "LazyConv1d", "LazyConv2d", "LazyConv3d",
    "LazyConvTranspose1d", "LazyConvTranspose2d", "LazyConvTranspose3d", "LazyInstanceNorm1d", "LazyInstanceNorm2d",
    "LazyInstanceNorm3d", "LazyLinear", "LeakyReLU", "Linear", "LocalResponseNorm", "LogSigmoid", "LogSoftmax",
    "MSELoss", "MarginRankingLoss", "MaxPool1d", "MaxPool2d", "MaxPool3d", "MaxUnpool1d", "MaxUnpool2d", "MaxUnpool3d",
    "Mish", "Module", "ModuleDict", "ModuleList", "MultiLabelMarginLoss", "MultiLabelSoftMarginLoss", "MultiMarginLoss",
    "MultiheadAttention", "NLLLoss", "NLLLoss2d", "PReLU", "PairwiseDistance", "Parameter", "ParameterDict",
    "ParameterList", "PixelShuffle", "PixelUnshuffle", "PoissonNLLLoss", "RMSNorm", "RNNBase", "RNNCell", "RNNCellBase",
    "RReLU", "ReLU", "ReLU6", "ReflectionPad1d", "ReflectionPad2d", "ReflectionPad3d", "ReplicationPad1d",
    "ReplicationPad2d", "ReplicationPad3d", "Sequential", "SiLU", "Sigmoid", "SmoothL1Loss", "SoftMarginLoss",
    "Softmax", "Softmax2d", "Softmin", "Softplus", "Softshrink", "Softsign", "SyncBatchNorm", "Tanh", "Tanhshrink",
    "Threshold", "Transformer", "TransformerDecoder", "TransformerDecoderLayer", "TransformerEncoder",
    "TransformerEncoderLayer", "TripletMarginLoss", "TripletMarginWithDistanceLoss", "Unflatten", "Unfold",
    "UninitializedBuffer", "UninitializedParameter", "Upsample", "UpsamplingBilinear2d", "UpsamplingNearest2d",
    "ZeroPad1d", "ZeroPad2d", "ZeroPad3d", "attention", "functional", "grad", "init", "parallel", "summary", "utils",
]
