"""A step of any layer, loss or optimizer copies nothing to or from the GPU, so a CUDA graph can capture it."""

import math

import pytest

import minigrad as mg
import minigrad.nn.functional as F
from minigrad import backend, cuda, nn, optim
from tests import standin

IMAGE, SERIES, VOLUME, ROWS = (2, 4, 8, 8), (2, 4, 8), (2, 2, 4, 4, 4), (3, 6)
CLASSES, POINTS = ("labels", 6), ("like", ROWS)
BY_SHAPE = {  # layers without arguments, by the shape of their input
    ROWS: "CELU ELU GELU GLU Hardshrink Hardsigmoid Hardswish Hardtanh Identity LeakyReLU LogSigmoid Mish PReLU ReLU "
    "ReLU6 SELU SiLU Sigmoid Softplus Softshrink Softsign Tanh Tanhshrink",
    IMAGE: "Flatten Softmax2d",
}
LAYERS = {  # the arguments of the constructor, and the shape of the input
    "AdaptiveAvgPool1d": ((3,), SERIES), "AdaptiveAvgPool2d": ((3,), IMAGE), "AdaptiveMaxPool1d": ((3,), SERIES),
    "AdaptiveMaxPool2d": ((3,), IMAGE), "AvgPool1d": ((2,), SERIES), "AvgPool2d": ((3, 2, 1), IMAGE),
    "BatchNorm1d": ((4,), SERIES), "BatchNorm2d": ((4,), IMAGE), "ChannelShuffle": ((2,), IMAGE),
    "CircularPad1d": ((2,), SERIES), "CircularPad2d": ((2,), IMAGE), "CircularPad3d": ((1,), VOLUME),
    "ConstantPad1d": ((2, 1.0), SERIES), "ConstantPad2d": ((2, 1.0), IMAGE), "ConstantPad3d": ((1, 1.0), VOLUME),
    "AdaptiveAvgPool3d": ((3,), VOLUME), "AdaptiveMaxPool3d": ((3,), VOLUME), "AvgPool3d": ((3, 2, 1), VOLUME),
    "BatchNorm3d": ((2,), VOLUME), "InstanceNorm3d": ((2,), VOLUME), "LazyBatchNorm3d": ((), VOLUME),
    "LazyInstanceNorm3d": ((), VOLUME), "LPPool3d": ((2, 2), VOLUME), "MaxPool3d": ((3, 2, 1), VOLUME),
    "Conv1d": ((4, 3, 3), SERIES), "Conv2d": ((4, 5, 3), IMAGE), "Conv3d": ((2, 5, 3), VOLUME),
    "ConvTranspose3d": ((2, 3, 3, 2), VOLUME), "LazyConv3d": ((3, 3), VOLUME), "LazyConvTranspose3d": ((3, 3), VOLUME),
    "ConvTranspose1d": ((4, 3, 3, 2), SERIES), "ConvTranspose2d": ((4, 3, 3, 2), IMAGE),
    "Fold": (((4, 4), 2), (2, 8, 9)), "GroupNorm": ((2, 4), IMAGE), "InstanceNorm1d": ((4,), SERIES),
    "InstanceNorm2d": ((4,), IMAGE), "LazyInstanceNorm1d": ((), SERIES), "LazyInstanceNorm2d": ((), IMAGE),
    "LayerNorm": ((6,), ROWS), "LazyBatchNorm1d": ((), SERIES),
    "LazyBatchNorm2d": ((), IMAGE), "LazyConv1d": ((3, 3), SERIES), "LazyConv2d": ((3, 3), IMAGE),
    "LPPool1d": ((2, 2), SERIES), "LPPool2d": ((2, 2), IMAGE),
    "LazyConvTranspose1d": ((3, 3), SERIES),
    "LazyConvTranspose2d": ((3, 3), IMAGE), "LazyLinear": ((3,), ROWS), "Linear": ((6, 3), ROWS),
    "LocalResponseNorm": ((2,), IMAGE), "LogSoftmax": ((1,), ROWS), "MaxPool1d": ((2,), SERIES),
    "MaxPool2d": ((3, 2, 1), IMAGE), "PixelShuffle": ((2,), IMAGE), "PixelUnshuffle": ((2,), IMAGE),
    "RMSNorm": ((6,), ROWS), "ReflectionPad1d": ((2,), SERIES), "ReflectionPad2d": ((2,), IMAGE),
    "ReflectionPad3d": ((1,), VOLUME), "ReplicationPad1d": ((2,), SERIES), "ReplicationPad2d": ((2,), IMAGE),
    "ReplicationPad3d": ((1,), VOLUME), "Softmax": ((1,), ROWS), "Softmin": ((1,), ROWS),
    "Threshold": ((0.1, 1.0), ROWS),
    "RNN": ((8, 5), SERIES), "LSTM": ((8, 5, 2), SERIES), "GRU": ((8, 5), SERIES),
    "RNNCell": ((6, 5), ROWS), "LSTMCell": ((6, 5), ROWS), "GRUCell": ((6, 5), ROWS),
    "TransformerEncoderLayer": ((8, 2, 6, 0.0), SERIES),
    "Unflatten": ((1, (2, 3)), ROWS), "Unfold": ((2,), IMAGE), "Upsample": ((None, 2), IMAGE),
    "UpsamplingBilinear2d": ((None, 2), IMAGE), "UpsamplingNearest2d": ((None, 2), IMAGE), "ZeroPad1d": ((2,), SERIES),
    "ZeroPad2d": ((2,), IMAGE), "ZeroPad3d": ((1,), VOLUME),
} | {name: ((), shape) for shape, names in BY_SHAPE.items() for name in names.split()}  # fmt: skip
SEVERAL = {  # layers and losses of several operands: the shape of the first, and the others
    "BCELoss": ((0, 1), [POINTS]), "BCEWithLogitsLoss": (ROWS, [POINTS]), "Bilinear": (ROWS, [("like", (3, 5))]),
    "CosineEmbeddingLoss": (ROWS, [POINTS, ("signs", 3)]), "CosineSimilarity": (ROWS, [POINTS]),
    "CrossEntropyLoss": (ROWS, [CLASSES]), "Embedding": (None, [("labels", 6)]), "EmbeddingBag": (None, [("table", 6)]),
    "GaussianNLLLoss": (ROWS, [POINTS, ("like", ROWS)]), "HingeEmbeddingLoss": (ROWS, [("signs", ROWS)]),
    "HuberLoss": (ROWS, [POINTS]), "KLDivLoss": (ROWS, [POINTS]), "L1Loss": (ROWS, [POINTS]),
    "MSELoss": (ROWS, [POINTS]),
    "MaxUnpool1d": (SERIES, [("places", SERIES)]), "MaxUnpool2d": (IMAGE, [("places", IMAGE)]),
    "MaxUnpool3d": (VOLUME, [("places", VOLUME)]),
    "MarginRankingLoss": (ROWS, [POINTS, ("signs", ROWS)]), "MultiLabelMarginLoss": (ROWS, [("table", 6)]),
    "MultiLabelSoftMarginLoss": (ROWS, [POINTS]), "MultiMarginLoss": (ROWS, [CLASSES]), "NLLLoss": (ROWS, [CLASSES]),
    "NLLLoss2d": (ROWS, [CLASSES]),
    "PairwiseDistance": (ROWS, [POINTS]), "PoissonNLLLoss": (ROWS, [POINTS]), "SmoothL1Loss": (ROWS, [POINTS]),
    "SoftMarginLoss": (ROWS, [("signs", ROWS)]), "TripletMarginLoss": (ROWS, [POINTS, POINTS]),
    "TripletMarginWithDistanceLoss": (ROWS, [POINTS, POINTS]),
    "MultiheadAttention": (SERIES, [("like", SERIES), ("like", SERIES)]), "TransformerEncoder": (SERIES, []),
    **{name: (SERIES, [("like", SERIES)]) for name in ("Transformer", "TransformerDecoder", "TransformerDecoderLayer")},
}  # fmt: skip
OPTIONS = {
    "MultiheadAttention": {"embed_dim": 8, "num_heads": 2, "add_bias_kv": True},
    "TransformerDecoderLayer": {"d_model": 8, "nhead": 2, "dim_feedforward": 6, "dropout": 0.0},
    "TransformerEncoder": {"encoder_layer": nn.TransformerEncoderLayer(8, 2, 6, 0, batch_first=True), "num_layers": 1},
    "TransformerDecoder": {"decoder_layer": nn.TransformerDecoderLayer(8, 2, 6, 0), "num_layers": 1},
    "Transformer": {
        "d_model": 8, "nhead": 2, "num_encoder_layers": 1, "num_decoder_layers": 1, "dim_feedforward": 6,
        "dropout": 0.0, "batch_first": True,
    },
    "MaxUnpool1d": {"kernel_size": 2}, "MaxUnpool2d": {"kernel_size": 2}, "MaxUnpool3d": {"kernel_size": 2},
    "Bilinear": {"in1_features": 6, "in2_features": 5, "out_features": 2}, "KLDivLoss": {"reduction": "batchmean"},
    **{name: {"num_embeddings": 6, "embedding_dim": 3} for name in ("Embedding", "EmbeddingBag")},
}  # fmt: skip
OTHERS = {  # classes without a step of their own, and a loss that reads labels and lengths on the CPU
    "CTCLoss",
    "DataParallel", "Module", "ModuleDict", "ModuleList", "ParameterDict", "ParameterList", "RNNBase", "RNNCellBase",
    "Sequential", "SyncBatchNorm",
}  # fmt: skip
DRAW = {"AlphaDropout": ((), ROWS), "Dropout": ((), ROWS), "Dropout1d": ((), SERIES), "Dropout2d": ((), IMAGE)}
DRAW |= {"Dropout3d": ((), VOLUME), "FractionalMaxPool2d": ((2, 3), IMAGE), "FractionalMaxPool3d": ((2, 2), VOLUME)}
DRAW |= {"FeatureAlphaDropout": ((), IMAGE), "RReLU": ((), ROWS)}
LAYERS |= DRAW


def test_every_layer_and_loss_is_in_a_table():
    found = {n for n in dir(nn) if isinstance(getattr(nn, n), type) and issubclass(getattr(nn, n), nn.Module)}
    assert found | {"SyncBatchNorm"} == {*LAYERS, *SEVERAL, *OTHERS}  # which is imported on first use


def make_operand(kind, size):
    if kind == "like":
        return mg.rand(size).cuda()
    if kind == "places":
        return mg.arange(math.prod(size)).reshape(size).cuda() % size[-1]
    if kind == "signs":
        return (mg.rand(size).cuda() > 0.5).float() * 2 - 1
    return mg.randint(0, size, (3,) if kind == "labels" else (3, size)).cuda()


def make_step(name):
    """A function that computes the layer's result and all gradients, and the operands that it reads."""
    mg.manual_seed(0)
    if name in LAYERS:
        options, shape = LAYERS[name]
        layer, operands = getattr(nn, name)(*options), [mg.randn(shape).cuda().requires_grad_()]
    else:
        shape, others = SEVERAL[name]
        first = [] if shape is None else [mg.rand(ROWS if shape == (0, 1) else shape).cuda().requires_grad_()]
        layer, operands = getattr(nn, name)(**OPTIONS.get(name, {})), first + [make_operand(*other) for other in others]
    layer = layer.cuda()

    def step():
        for x in (*operands, *layer.parameters()):
            x.grad = None
        y = layer(*operands)
        if isinstance(y, tuple):  # a recurrent layer gives its last state, too
            y = y[0]
        if y.requires_grad:
            y.sum().backward()
        return y, [x.grad for x in (*operands, *layer.parameters()) if x.grad is not None]

    return step, operands


@pytest.fixture(autouse=True)
def gpu():
    cuda.graphs.graph.default_capture_stream = None
    with backend.use_library(standin.cupy):
        yield
    cuda.graphs.graph.default_capture_stream = None


@pytest.mark.parametrize("name", sorted({*LAYERS, *SEVERAL}))
def test_a_step_of_a_layer_copies_nothing_to_or_from_the_gpu(name):
    step, _ = make_step(name)
    step()
    standin.crossings.clear()
    step()
    assert standin.crossings == []


@pytest.mark.parametrize("name", sorted({*LAYERS, *SEVERAL}))
def test_a_graph_replays_the_step_of_a_layer(name):
    step, operands = make_step(name)
    for _ in range(2):
        step()
    graph = cuda.CUDAGraph()
    with cuda.graph(graph):
        y, gradients = step()
    for x in operands:
        if x.dtype.is_floating_point:
            x.data.mul_(0.5)
    graph.replay()
    recorded = [y.detach().clone(), *[g.clone() for g in gradients]]
    y, gradients = step()
    for got, expected in zip(recorded, [y, *gradients], strict=True):
        if name not in DRAW and ("BatchNorm" not in name or got is recorded[0]):
            assert mg.allclose(got, expected.detach(), rtol=1e-5, atol=1e-6, equal_nan=True)


FUNCTIONS = {  # of rows (6, 6), labels (6,), with their gradients
    "affine_grid": lambda x, t: F.affine_grid(x[:2, :3][None], (1, 1, 4, 4), align_corners=False),
    "cross_entropy": lambda x, t: F.cross_entropy(x, t, weight=x[0].detach(), label_smoothing=0.1, ignore_index=2),
    "det": lambda x, t: mg.linalg.det(x),
    "embedding": lambda x, t: F.embedding(t, x, padding_idx=0),
    "gather": lambda x, t: x.gather(1, t[:, None]),
    "index": lambda x, t: x[mg.arange(6, device=x.device), t],
    "interpolate": lambda x, t: F.interpolate(x[None, None], scale_factor=2, mode="bicubic"),
    "logsumexp": lambda x, t: x.logsumexp(1),
    "masked_fill": lambda x, t: x.masked_fill(x < 0, -math.inf).softmax(1),
    "median": lambda x, t: x.median(),
    "normalize": lambda x, t: F.normalize(x),
    "one_hot": lambda x, t: F.one_hot(t, 6) * x,
    "pad": lambda x, t: F.pad(x[None], (1, 1), mode="reflect"),
    "repeat_interleave": lambda x, t: x.repeat_interleave(2, 1),
    "roll": lambda x, t: x.roll(1, 0),
    "scatter": lambda x, t: mg.zeros_like(x).scatter(1, t[:, None], x[:, :1]),
    "matrix_norm": lambda x, t: mg.linalg.matrix_norm(x),
    "topk": lambda x, t: x.topk(3, 1).values,
    "tril": lambda x, t: mg.tril(x),
    "var": lambda x, t: x.var(1),
}


@pytest.mark.parametrize("name", FUNCTIONS)
def test_a_step_of_a_function_copies_nothing_to_or_from_the_gpu(name):
    x, labels = mg.randn(6, 6).cuda().requires_grad_(), mg.arange(6).cuda()
    for _ in range(2):
        standin.crossings.clear()
        FUNCTIONS[name](x, labels).sum().backward()
    assert standin.crossings == []


OPTIMIZERS = ["SGD", "Adam", "AdamW", "Adamax", "NAdam", "RAdam", "RMSprop", "Adagrad", "Adadelta", "Rprop", "ASGD"]


@pytest.mark.parametrize("name", OPTIMIZERS)
@pytest.mark.parametrize("capturable", [False, True])
def test_a_step_of_an_optimizer_copies_nothing_to_or_from_the_gpu(name, capturable):
    if capturable and name in ("SGD", "Adagrad"):
        pytest.skip(f"{name} has no option `capturable`")
    parameters = [mg.ones(3, device="cuda", requires_grad=True), mg.ones(2, 2, device="cuda", requires_grad=True)]
    for p in parameters:
        p.grad = mg.ones_like(p)
    optimizer = getattr(optim, name)(parameters, **({"capturable": True} if capturable else {}))
    optimizer.step()
    standin.crossings.clear()
    optimizer.step()
    optimizer.zero_grad(set_to_none=False)
    nn.utils.clip_grad_value_(parameters, 1.0)
    nn.utils.clip_grad_norm_(parameters, 1.0)
    assert standin.crossings == []
