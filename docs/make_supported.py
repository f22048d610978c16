"""Write docs/supported.md from the code: every public name, and what differs on purpose.

    python docs/make_supported.py           # write the page
    python docs/make_supported.py --check   # exit with 1 if the page is not what the code says

Each difference stands beside a line of code that shows it, run whenever the page is made.
"""

from __future__ import annotations

import argparse
import importlib
import inspect
import io
import sys
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np

import minigrad
from minigrad import nn
from minigrad.autograd.core import TensorBase
from minigrad.tensor.absent import Absent, Misspelt

PAGE = Path(__file__).resolve().parent / "supported.md"
NAMESPACES = [
    "minigrad",
    "minigrad.Tensor",
    "minigrad.nn",
    "minigrad.nn.functional",
    "minigrad.nn.init",
    "minigrad.nn.utils",
    "minigrad.optim",
    "minigrad.optim.lr_scheduler",
    "minigrad.optim.swa_utils",
    "minigrad.autograd",
    "minigrad.autograd.functional",
    "minigrad.autograd.graph",
    "minigrad.func",
    "minigrad.utils.data",
    "minigrad.linalg",
    "minigrad.special",
    "minigrad.profiler",
    "minigrad.testing",
    "minigrad.distributions",
    "minigrad.accelerator",
    "minigrad.cuda",
    "minigrad.distributed",
    "minigrad.distributed.checkpoint",
    "minigrad.distributed.nn",
    "minigrad.distributed.optim",
    "minigrad.nn.parallel",
    "minigrad.multiprocessing",
    "minigrad.futures",
    "minigrad.backends.conv",
]
HEAD = """# Supported

Every public name, read from the code by `python docs/make_supported.py`; CI checks that it is up to
date. A name here means what it means in PyTorch, unless the second table says otherwise.
"""
OPERATORS = {
    "arithmetic": "+ - * / // % ** @ abs, reflected and in place",
    "comparison": "== != < <= > >=",
    "logic": "& \\| ^ ~",
    "container": "x[...], x[...] = value, len, iteration, in",
    "conversion": "float, int, bool, format, np.asarray, DLPack",
}


INTERNAL = {*TensorBase.__slots__, "bump_version"}  # the engine's half of a tensor
NAMES = {"torch": minigrad, "nn": nn, "F": nn.functional, "np": np}
# what, how it differs, and an expression that is true because of it
DIFFERENCES = [
    (
        "`torch.compile`, `torch.jit.script`, `torch.jit.trace`",
        "give back what they are given, which runs as it is written; files of TorchScript are neither written nor read",
        "torch.compile(len) is len and torch.jit.script(len) is len",
    ),
    (
        "`torch.autocast`",
        "casts nothing, and says so once: every tensor keeps its type; `GradScaler` scales as PyTorch's",
        "torch.cuda.amp.autocast(enabled=False)(len) is len",
    ),
    (
        "writes into windows of `unfold` or `as_strided` that overlap, with a gradient",
        "values are read before any is written; a place's gradient goes to the last one. PyTorch mixes both",
        "(torch.ones(3, requires_grad=True) * 1).unfold(0, 2, 1).mul_(3).tolist() == [[3.0, 3.0], [3.0, 3.0]]",
    ),
    (
        "writes through a view that is older than its base's gradient",
        "are differentiated; PyTorch refuses them until somebody has asked the view whether it is a leaf",
        "[y := torch.zeros(2), v := y[...], y.mul_(torch.ones(2, requires_grad=True)), v.exp_()][3].requires_grad",
    ),
    (
        "writes from a part of one element into itself by another view",
        "accepted: the element keeps its value; PyTorch refuses some, by their strides",
        "torch.ones(1, 1).unsqueeze(0).add_(0.0).tolist() == [[[1.0]]]",
    ),
    (
        "`t_()`, `squeeze_()` and their kin on a leaf under `no_grad()`",
        "gradients come in the new shape; PyTorch refuses them while a graph of the old shape is alive",
        "gradient('[y := x * 2, torch.no_grad()(x.t_)(), x.sum()][2]', [[3.0, 4.0]]) == [[1.0], [1.0]]",
    ),
    (
        "`cumsum_`, `cumprod_`, `renorm_` of windows that overlap",
        "elements that share a place are written in turns; PyTorch goes line by line, and reads what it has written",
        "torch.arange(4.0).unfold(0, 3, 1).cumsum_(0).tolist() == [[0.0, 1.0, 3.0], [1.0, 3.0, 5.0]]",
    ),
    (
        "`F.elu_`, `F.leaky_relu_` and their kin",
        "keep their input: the result may be written to before backward; PyTorch keeps the result, and refuses",
        "gradient('torch.nn.functional.elu_(x * 2).mul_(3).sum()', [1.0]) == [6.0]",
    ),
    (
        "`autograd.grad` by a result, and by what it was computed from",
        "the result's hooks change what is returned for it; in PyTorch only where it is asked for alone",
        (
            "[x := torch.ones(1, requires_grad=True), y := x * 1, y.register_hook(lambda g: g * 2), "
            "torch.autograd.grad(y, (x, y))[1].item()][3] == 2.0"
        ),
    ),
    (
        "`F.batch_norm` by running statistics, which a pass in training moves before backward",
        "the gradient is that of what was computed; PyTorch's divides by the statistics that are there by then",
        (
            "gradient('[m := torch.nn.BatchNorm1d(1, eps=1e-30).eval(), m(x), m.train()(x * 9)][1].sum()', "
            "[[1.0], [2.0]]) == [[1.0], [1.0]]"
        ),
    ),
    (
        "`matmul` of a matrix and a batch, of which an operand is written to before backward",
        "refused; PyTorch has multiplied a copy of some operands, and does not notice",
        "refuses('[y := torch.ones(3, 2, 4), z := nn.Parameter(torch.ones(1, 2)) @ y, y.sqrt_(), z.sum().backward()]')",
    ),
    (
        "`detach_()` of what a rule reads",
        "backward goes on as it was recorded; PyTorch refuses it",
        "gradient('[y := x * 2, z := y * y, y.detach_(), z.sum()][3]', [3.0]) == [24.0]",
    ),
    (
        "writes from one part of a tensor into another, in memory with gaps; `masked_scatter_`, `addmm_` of themselves",
        "everything is read before anything is written; PyTorch reads some that it has just written",
        "[x := torch.arange(4.0).view(2, 2), x.__setitem__(..., x[:, 1])][0].tolist() == [[1.0, 3.0], [1.0, 3.0]]",
    ),
    (
        "wrong arguments for a part of a `split` that was written to",
        "IndexError, RuntimeError and so on for the arguments; PyTorch refuses the part first",
        "refuses('a, b = (torch.ones(2, requires_grad=True) * 1).split(1); a.diagonal()')",
    ),
    (
        "a second backward through `x[:] = y`",
        "refused, as through every write into a part; PyTorch's write of a whole tensor keeps nothing",
        "refuses('y = torch.zeros(1); y[:] = nn.Parameter(torch.ones(1)); y.sum().backward(); y.sum().backward()')",
    ),
    (
        "`y[0] = y[0]` after `y.retain_grad()`",
        "changes nothing, also in the graph: the gradient is that of all uses of `y`; PyTorch's is that of later ones",
        (
            "[y := torch.ones(1, requires_grad=True) * 1, y.retain_grad(), z := y * 2, y.__setitem__(0, y[0]), "
            "(y + z).backward(), y.grad.item()][-1] == 3.0"
        ),
    ),
    (
        "hooks on the `grad_fn` of a view that is written to later",
        "are called, for the view's old place is still on the way; PyTorch makes the way anew without them",
        (
            "[seen := [], y := torch.ones(2, requires_grad=True) * 1, v := y[:1], v.grad_fn.register_hook("
            "lambda *_: seen.append(1)), v.mul_(2), y.sum().backward(), seen][-1] == [1]"
        ),
    ),
    (
        "what a pack hook of `saved_tensors_hooks` is shown of a result",
        "is outside of the graph: it requires no gradient; PyTorch's does",
        (
            "refuses('with torch.autograd.graph.saved_tensors_hooks(lambda t: t if t.requires_grad else 1 / 0, abs): "
            "torch.ones(1, requires_grad=True).exp()')"
        ),
    ),
    (
        "`utils.checkpoint`",
        "`use_reentrant` means nothing: as with False, gradients reach what is used inside, to any order",
        "torch.utils.checkpoint.checkpoint(lambda w: w * 2, torch.ones(1, requires_grad=True)).requires_grad",
    ),
    (
        "integers and bools into which floats with a gradient are written by index or by `fill_`",
        "require no gradient; in PyTorch they say that they do",
        "[n := torch.zeros(1).long(), n.__setitem__(0, torch.ones((), requires_grad=True))][0].requires_grad is False",
    ),
    (
        "`F.pad(mode='circular')` with negative amounts",
        "what they leave is wrapped around once, else refused; PyTorch shows memory that nobody wrote",
        "refuses('F.pad(torch.ones(1, 3), (3, -1), mode=\\'circular\\')')",
    ),
    (
        "halves that are added up at one place: by an index, `index_add`, `F.embedding`, for a dilated layer's bias",
        "are added in single and rounded once; PyTorch's sums stop at 2048, where adding 1 changes nothing",
        "torch.zeros(1).half().index_add(0, torch.zeros(3000).long(), torch.ones(3000).half()).item() == 3000",
    ),
    (
        "`F.embedding(scale_grad_by_freq=True)`, differentiated twice",
        "is scaled on both ways back; PyTorch scales the first",
        (
            "[w := torch.ones(1, 1, requires_grad=True), y := F.embedding(torch.zeros(2).long(), w, "
            "scale_grad_by_freq=True), g := torch.autograd.grad(y.pow(2).sum(), w, create_graph=True)[0], "
            "torch.autograd.grad(g, w)[0].item()][3] == 1.0"
        ),
    ),
    (
        "second derivatives at 0 of norms, `atan2`, `x ** y`, `copysign` and their kin; of `F.prelu`, `sinc`",
        "0 where the first is set to 0; of prelu as on the left, of `sinc` as by its series; in PyTorch NaN or 0",
        "second('x.norm()', [0.0, 0.0]) == [0.0, 0.0] and second('x.sinc().sum()', [0.0])[0] < -3.28",
    ),
    (
        "gradients that do not depend on the input: of convolutions and normalizations by constants, of `2 * x`",
        "require no gradient, also with `create_graph=True`; PyTorch's often do, by a graph that gives zeros or None",
        (
            "torch.func.hessian(lambda x: x * x)(torch.ones((), requires_grad=True)).requires_grad is False and "
            "refuses('second(\\'F.conv1d(x.view(1, 1, 2), torch.ones(1, 1, 1)).sum()\\', [1.0, 2.0])')"
        ),
    ),
    (
        "`retain_grad()` before `t_()`, `squeeze_()` and their kin",
        "`retains_grad` is False afterwards: what is kept is the gradient of the tensor as it was, as in PyTorch",
        ("[x := torch.ones(1, 2, requires_grad=True) * 1, x.retain_grad(), x.t_(), x.retains_grad][3] is False"),
    ),
    (
        "`float_power_`",
        "of singles and halves is rounded to them; PyTorch takes doubles alone",
        "torch.tensor([2.0]).float_power_(2).item() == 4.0",
    ),
    (
        "`channels_last`",
        "is kept elementwise, by leaves' gradients, copies and files; convolutions, pools, resizing give row-major",
        "F.max_pool2d(torch.ones(1, 2, 4, 4).to(memory_format=torch.channels_last), 2).is_contiguous()",
    ),
    (
        "functions in the body of a class",
        "become its methods, as Python's do: write `staticmethod(torch.tanh)`; PyTorch's are built in and do not",
        "refuses('type(\\'A\\', (), {\\'f\\': torch.tanh})().f(torch.ones(1))')",
    ),
    (
        "classes' own names",
        "a layer is `minigrad.nn.linear.Linear`, of the file where it stands; `minigrad.nn.modules` has it, too",
        "nn.Linear.__module__ == 'minigrad.nn.linear' and nn.modules.linear.Linear is nn.Linear",
    ),
    (
        "`F.batch_norm`, `F.group_norm` with infinite weights",
        "the normalized number times the weight; PyTorch's sum of two infinities is NaN",
        ("F.group_norm(torch.tensor([[1.0, 2.0]]), 1, torch.tensor([1.0, float('inf')]))[0, 1].item() == float('inf')"),
    ),
    (
        "`backward(inputs=[y])` by a result `y`",
        "nothing below `y` is read, as by `autograd.grad`; PyTorch needs what the rule of `y` itself has saved",
        (
            "[y := torch.ones(1, requires_grad=True).exp() * 1, y.sum().backward(), "
            "(y * 2).sum().backward(inputs=[y]), y.grad.item()][3] == 2.0"
        ),
    ),
    (
        "`cumprod`, `prod`",
        "gradients divide by nothing: right beside infinities and NaN; after `.data` writes, by what is there by then",
        "gradient('x.prod()', [2.0, float('inf'), 3.0])[1] == 6.0",
    ),
    (
        "`clamp` between tensors",
        "limits may broadcast the input to a larger shape, also on the way back",
        "gradient('torch.tensor([0.5]).clamp(min=torch.zeros(1, 1), max=x).sum()', [1.0]) == [0.0]",
    ),
    (
        "a second backward through `softmax` or `logcumsumexp` of nothing",
        "is accepted: no value was kept; PyTorch refuses it",
        "[x := torch.ones(0, requires_grad=True), y := x.softmax(0).sum(), y.backward(), y.backward()][2] is None",
    ),
    (
        "`torch.poisson` of inf",
        "refused; PyTorch turns inf into the least int64, -9.2e18",
        "refuses('torch.poisson(torch.tensor([float(\\'inf\\')]))')",
    ),
    (
        "convolutions, `matmul`, `F.interpolate(mode='area')` of nothing",
        "types and options are checked also where no number is computed; of products PyTorch checks some, we others",
        "refuses('F.conv1d(torch.zeros(0, 1, 3).bool(), torch.zeros(1, 1, 1).bool())')",
    ),
    (
        "`einsum` of integers of one type",
        "sums over an axis that one operand alone has are taken; PyTorch refuses, for they are int64 by then",
        "torch.einsum('bi,bi->b', torch.ones(2, 1).int(), torch.ones(2, 3).int()).tolist() == [3, 3]",
    ),
    (
        "`as_strided_scatter`",
        "the gradient of the input is 0 where `src` was written; PyTorch's is that of these places, and 0 elsewhere",
        "gradient('x.as_strided_scatter(torch.ones(1), (1,), (1,)).sum()', [1.0, 1.0]) == [0.0, 1.0]",
    ),
    (
        "`scatter(reduce=)`, `acosh_`, `asinh_`, `atanh_`",
        "have a gradient; PyTorch refuses it in backward",
        "gradient('x.scatter(0, torch.tensor([0]), 2.0, reduce=\\'multiply\\').sum()', [1.0]) == [2.0]",
    ),
    (
        "`histogram`, the sign of `slogdet`, residuals that `lstsq` does not have",
        "require no gradient, for they have none; in PyTorch they say that they do",
        "torch.linalg.slogdet(torch.eye(1).requires_grad_())[0].requires_grad is False",
    ),
    (
        "`trapezoid`, `cumulative_trapezoid` of integers",
        "are computed in floats; PyTorch's sums of neighbours wrap around in small types",
        "torch.trapezoid(torch.tensor([200, 200], dtype=torch.uint8)).item() == 200.0",
    ),
    (
        "`sort`, `argsort`, `kthvalue`, `median`, `mode` of equal numbers",
        "sort is always stable, and of equal numbers the one in order is named; PyTorch's place is its algorithm's",
        "torch.kthvalue(torch.tensor([1, 0, 0]), 2).indices.item() == 2",
    ),
    (
        "`mode` beside NaN",
        "NaN is never the most frequent one beside numbers; in PyTorch it depends on its place",
        "torch.tensor([float('nan'), 2.0, 1.0]).mode().values.item() == 1.0",
    ),
    (
        "`special.ndtr`",
        "is exact far below 0, as `erfc` is; PyTorch's singles are 0 from -6 on",
        "0 < torch.special.ndtr(torch.tensor(-8.0)).item() < 1e-15",
    ),
    (
        "`linalg.pinv(hermitian=True)` of a matrix that is not symmetric",
        "the gradient is that of the symmetric matrix whose triangle is read; PyTorch's counts the other triangle too",
        "gradient('torch.linalg.pinv(x.view(2, 2), hermitian=True).sum()', [1.0, 9.0, 0.0, 1.0]) == [-1.0] * 4",
    ),
    (
        "signs of the vectors of `linalg.eigh` and `svd`",
        "are those that NumPy's LAPACK gives; PyTorch's may be the others",
        "(torch.linalg.svd(torch.eye(2)).U ** 2).tolist() == [[1.0, 0.0], [0.0, 1.0]]",
    ),
    (
        "`index_put_(accumulate=True)` on an expanded tensor",
        "adds once for each index; PyTorch once for each element that lies in the place",
        "[x := torch.zeros(1), x.expand(3, 2).index_put_((torch.arange(1),), torch.ones(()), True), x][2].item() == 1",
    ),
    (
        "`logdet`, `slogdet` of a singular matrix",
        "backward is refused; PyTorch's gradient is of infinities and NaN",
        "refuses('torch.zeros(2, 2, requires_grad=True).logdet().backward()')",
    ),
    (
        "an operand for which a `Function`'s backward returns None",
        "nothing flows there; PyTorch calls the hooks and Functions below with None",
        (
            "[x := torch.ones(1, requires_grad=True), x.register_hook(refuses), type('N', (torch.autograd.Function,), "
            "{'forward': lambda c, x: x * 2, 'backward': lambda c, g: None}).apply(x).backward()][2] is None"
        ),
    ),
    (
        "a backward that fails",
        "adds to no leaf; PyTorch has added to those that it had reached",
        (
            "not refuses('x = torch.ones(1, requires_grad=True); y = x.exp(); y.zero_()\\n"
            "try: (x * 1 + y).sum().backward()\\nexcept RuntimeError: assert x.grad is None')"
        ),
    ),
    (
        "writes into tensors that were made in `inference_mode()`, outside of it",
        "are refused before anything is written; PyTorch has written",
        "refuses('torch.inference_mode()(torch.ones)(1).add_(1)')",
    ),
    (
        "strides of what `linalg` returns",
        "row-major; some of PyTorch's results lie column by column, as LAPACK writes them",
        "torch.linalg.inv(torch.eye(2)).is_contiguous()",
    ),
    (
        "third derivatives of `F.layer_norm`",
        "as by its formula in small operations; PyTorch's differ from those of that formula",
        (
            "torch.autograd.gradgradcheck(lambda x: torch.autograd.grad((F.layer_norm(x, (3,)) ** 3).sum(), x, None, "
            "None, True)[0], torch.tensor([0.5, -1.0, 2.0], dtype=torch.float64, requires_grad=True))"
        ),
    ),
    (
        "`F.layer_norm`, `F.group_norm`, `F.batch_norm`",
        "of more than 128 singles, or near overflow: statistics are rounded once; PyTorch's show where they cancel",
        "F.layer_norm(torch.tensor([0.0, 1e38]).repeat(100), (200,)).isfinite().all().item()",
    ),
    (
        "gradients that cancel, as of `F.cosine_similarity` beside a number, `F.normalize`, `F.batch_norm` of two",
        "are 0 and only rounding: that of another order of summation",
        "abs(gradient('F.cosine_similarity(x, torch.ones(3), 0)', [2.0])[0]) < 1e-6",
    ),
    (
        "`topk` of equal numbers",
        "the first ones are taken, as by `sort(stable=True)`; PyTorch's order is that of its partial sort",
        "torch.topk(torch.zeros(4), 2).indices.tolist() == [0, 1]",
    ),
    (
        "`fmod`, `remainder` where the quotient overflows",
        "exact; PyTorch's vectors give NaN",
        "torch.fmod(torch.full((16,), 1e19), 1e-40).isfinite().all().item()",
    ),
    (
        "`cosh`, `sinh` near overflow",
        "finite where the result is; PyTorch's vectors give inf from 88.7 on",
        "torch.cosh(torch.full((40,), 89.0)).isfinite().all().item()",
    ),
    (
        "`x[[1.0]]`, `x[np.True_]`",
        "floats are no index, and NumPy's bools are one; PyTorch cuts floats in a list, and refuses the bools",
        "refuses('torch.ones(2)[[1.0]]') and torch.ones(2)[np.True_].shape == (1, 2)",
    ),
    (
        "elements picked by tensors or lists from a turned tensor: `x.t()[[0, 1]]`",
        "lie row by row, as those of any tensor; PyTorch's axes lie as the turned tensor's do",
        "torch.ones(3, 2, 4).transpose(0, 2)[[0, 1]].is_contiguous()",
    ),
    (
        "`x[..., ...]`",
        "two ellipses are refused; PyTorch reads axes that are not there",
        "refuses('torch.ones(2, 2)[..., ...]')",
    ),
    (
        "`F.hardtanh`, `F.relu6`, `F.elu`, `F.celu`, `F.selu`, `F.hardswish`, `F.hardshrink`, `F.softshrink` at NaN",
        "the gradient passes; in PyTorch it is passed, 0 or NaN by the element's place in memory",
        "gradient('F.relu6(x).sum()', [float('nan')] * 20) == [1.0] * 20",
    ),
    (
        "`x ** mask`, `True ** x`, `logaddexp` of a float and a bool tensor",
        "have a gradient; PyTorch's backward refuses to subtract bools, and reports an error of its own for True",
        "gradient('(x ** torch.tensor([True, False])).sum()', [3.0, 3.0]) == [1.0, 0.0]",
    ),
    (
        "`F.mse_loss`, `nn.MSELoss`",
        "shapes that would broadcast, such as (8, 1) and (8,), are refused; PyTorch warns",
        "refuses('F.mse_loss(torch.ones(8, 1), torch.ones(8))')",
    ),
    (
        "`F.interpolate(antialias=True)` to a width of 1",
        "every row has its own values; PyTorch 2.13 repeats those of the first",
        "F.interpolate(torch.arange(4.0).view(1, 1, 4, 1), (2, 1), None, 'bilinear', antialias=True).std().item() > 0",
    ),
    (
        "`F.huber_loss` of infinite halves, with a delta that no half holds",
        "by the delta as a half, 0 or infinity; PyTorch computes in single",
        "F.huber_loss(torch.tensor([torch.inf]).half(), torch.zeros(1).half(), delta=1e-30).isnan().item()",
    ),
    (
        "`F.cross_entropy(label_smoothing=-0.1)`",
        "is refused, as more than 1 is; PyTorch smooths nothing",
        "refuses('F.cross_entropy(torch.ones(1, 2), torch.tensor([0]), label_smoothing=-0.1)')",
    ),
    (
        "`F.binary_cross_entropy_with_logits` of doubles by a target of singles",
        "is double, the common type; PyTorch's is single",
        "F.binary_cross_entropy_with_logits(torch.ones(1).double(), torch.ones(1)).dtype is torch.float64",
    ),
    (
        "`F.huber_loss` of two dtypes",
        "refused at the call when a gradient is wanted; PyTorch refuses in backward",
        "refuses('F.huber_loss(torch.ones(2, requires_grad=True), torch.ones(2).double())')",
    ),
    (
        "`Module.register_backward_hook`",
        "as `register_full_backward_hook`: the gradients of the module; PyTorch's are those of its last operation",
        "nn.Linear(1, 1).register_backward_hook(print) is not None",
    ),
    (
        "`nn.DataParallel`",
        "runs the module where it is; `minigrad.distributed` trains on several devices and machines",
        "nn.DataParallel(nn.Identity()).device_ids == []",
    ),
    (
        "`minigrad.advice`",
        "warns, once each, of what runs and is probably a mistake; `advice.enable(False)` turns it off",
        "issubclass(torch.advice.Advice, UserWarning)",
    ),
    (
        "`load`, `save`",
        "no pickle in either direction: arrays and a described structure, or `.safetensors`",
        "b'PK' in saved()[:2]",
    ),
    (
        "a list or a dict that stands in several places of what is saved",
        "comes back as equal ones; a tensor as one object, as in PyTorch",
        "[kept := [1], b := io.BytesIO(), torch.save([kept, kept], b), x := torch.load(b), x[0] is x[1]][4] is False",
    ),
    (
        "`F.max_pool2d`",
        "a dilated window that lies in the padding alone is refused; PyTorch gives a place outside of the image",
        "refuses('F.max_pool2d(torch.ones(1, 1, 9), 2, 2, 1, 2)')",
    ),
    (
        "`F.conv2d`, `F.conv_transpose2d`",
        "padding's zeros times infinity are NaN, always; in PyTorch it depends on the algorithm",
        "bool(F.conv2d(torch.ones(1, 1, 1, 1), torch.full((1, 1, 3, 3), torch.inf), padding=1).isnan().all())",
    ),
    (
        "`F.conv2d`, `matmul`, `mean`, losses and gradients of numbers near overflow",
        "what overflows or cancels on the way ends by the order in which it is added and multiplied, which is our own",
        "not torch.tensor([[1e38] * 4 + [-1e38] * 4]).mm(torch.full((8, 1), 3.0)).isfinite().item()",
    ),
    (
        "`F.conv_transpose2d` onto a size of 0",
        "halves are taken where singles are: of several images or groups",
        "F.conv_transpose1d(torch.ones(2, 1, 2).half(), torch.ones(1, 1, 1).half(), padding=1).numel() == 0",
    ),
    (
        "`F.pdist`, `cdist`, `F.local_response_norm` and margin losses of halves, `F.max_pool1d` of integers",
        "are computed; PyTorch's CPU has no kernel for them",
        "F.pdist(torch.ones(2, 1).half()).tolist() == [0.0]",
    ),
    (
        "`F.kl_div` by its target, `F.multi_margin_loss` of NaN",
        "the gradient at a target of 0 is 0, and NaN stays NaN; PyTorch gives NaN there, and counts NaN as no loss",
        "gradient('F.kl_div(torch.zeros(1), x, reduction=\\'sum\\')', [0.0]) == [0.0]",
    ),
    (
        "`F.gelu` of infinity",
        "infinity, the limit; PyTorch's singles give NaN",
        "F.gelu(torch.tensor([torch.inf])).item() == torch.inf",
    ),
    (
        "`F.layer_norm`, `F.group_norm`, `F.rms_norm` of one number",
        "0, and so is the weight's gradient; PyTorch shows what a fused product rounds",
        "F.layer_norm(torch.tensor([0.1]), (1,)).item() == 0.0",
    ),
    (
        "`F.group_norm` of empty images, `F.batch_norm` of none",
        "of nothing: 0, and NaN beside an infinite running mean; PyTorch has NaN for groups, 0 for batches",
        "gradient('F.group_norm(torch.zeros(2, 2, 0), 1, x).sum()', [1.0, 1.0]) == [0.0, 0.0]",
    ),
    (
        "`F.interpolate` of infinite pixels",
        "an axis that keeps its length is left as it is; PyTorch weighs also its next pixel, with 0, which gives NaN",
        "F.interpolate(torch.tensor([[[[torch.inf], [1.0]]]]), (4, 1), mode='bilinear').max().item() == torch.inf",
    ),
    (
        "`F.interpolate(antialias=True)` by a factor that leaves an axis as long as it was",
        "the axis is left as it is, as in PyTorch, and so is its gradient; PyTorch's gradient is that of a filter",
        "gradient('F.interpolate(x[None, None], None, 1.3, \\'bilinear\\', antialias=True).sum()', [[2.0]]) == [[1.0]]",
    ),
    (
        "`nn.Conv2d`, `nn.MaxPool2d` and their kin",
        "options of another number of axes are refused by the constructor; PyTorch refuses the first call",
        "refuses('nn.Conv2d(1, 1, (3, 3, 3))') and refuses('nn.MaxPool2d((2, 2, 2))')",
    ),
    (
        "printed names",
        "`minigrad.Size`, `minigrad.float64`, and our own operations' names in `grad_fn`",
        "repr(torch.Size([2])) == 'minigrad.Size([2])'",
    ),
    (
        "classes derived from `Tensor`",
        "what is computed from their tensors is a plain Tensor; `__torch_function__` is not asked",
        "type(torch.ones(1).as_subclass(type('Image', (torch.Tensor,), {})) * 2) is torch.Tensor",
    ),
    (
        "writes to an operand of `gather`, `take`, `masked_select`, `cummax`, `cdist`, `conv2d` before backward",
        "are accepted where the gradient does not depend on its values; PyTorch has saved it and refuses",
        "gradient('(h := x * 1, y := h.take(torch.tensor([0])), h.add_(1), y.sum())[3]', [3.0]) == [1.0]",
    ),
    (
        "dtypes",
        "no complex numbers, no bfloat16, no quantized or sparse tensors",
        "not hasattr(torch, 'complex64') and not hasattr(torch, 'bfloat16')",
    ),
    (
        "`F.dropout`, `bernoulli`",
        "PyTorch's numbers where its own kernel draws them; on Intel's processors a library of theirs draws others",
        "0.4 < float(torch.bernoulli(torch.full((1000,), 0.5)).mean()) < 0.6",
    ),
    (
        "`optim.lr_scheduler`",
        "a group that is added to the optimizer later is scheduled from the rate that it has then",
        "hasattr(torch.optim.lr_scheduler, 'SequentialLR')",
    ),
    (
        "`optim`",
        "no `differentiable=True`: a step works on plain arrays; `foreach` means nothing, nor does `fused` on the CPU",
        "refuses('torch.optim.SGD([torch.ones(1)], differentiable=True)')",
    ),
    (
        "`cuda.graph`, `CUDAGraph`",
        '`capture_error_mode` is checked and means nothing: memory may be asked for in CUDA\'s mode "relaxed" alone',
        "not torch.cuda.is_current_stream_capturing()",
    ),
    (
        "`distributed`",
        "MPI moves data, also where a program says 'gloo'; only plain objects travel; ranks compare what they call",
        "torch.distributed.get_debug_level() is torch.distributed.DebugLevel.DETAIL",
    ),
    ("`nn.SyncBatchNorm`", "works on the CPU too", "nn.SyncBatchNorm(1)(torch.tensor([[1.0], [3.0]])).shape == (2, 1)"),
    (
        "`nn.parallel.DistributedDataParallel`",
        "buckets of a quarter of the gradients, where PyTorch's hold 25 MiB; `backward(create_graph=True)` is refused",
        "nn.parallel.distributed.default_cap([torch.zeros(2**20)]) == 2**20",
    ),
    (
        "`cuda`",
        "through CuPy; `cuda.is_available()` tries a kernel, `cuda.why_not()` says what is missing",
        "torch.cuda.is_available() or bool(torch.cuda.why_not())",
    ),
    (
        "`autograd.gradcheck`",
        "float32 inputs are checked on float64 copies, and a failure names the likely mistake",
        "torch.autograd.gradcheck(torch.tanh, torch.ones(2, requires_grad=True))",
    ),
    (
        "`func`",
        "`vmap` is a loop over the examples, at least one; within also `backward` and `requires_grad_` may be called",
        "torch.vmap(torch.sin)(torch.zeros(2, 1)).shape == (2, 1)",
    ),
    (
        "`no_grad` within a function that `func.jvp`, `jacfwd` or `linearize` differentiates",
        "is respected, as by `grad`; PyTorch's derivatives in forward mode go through it",
        "torch.func.jvp(torch.no_grad()(torch.sin), (torch.zeros(1),), (torch.ones(1),))[1].item() == 0",
    ),
    (
        "`F.ctc_loss`",
        "the gradient is that by log_probs as they are; PyTorch's is right after log_softmax alone, and NaN beside inf",
        "gradient('F.ctc_loss(x.view(1, 1, 2), torch.tensor([[1]]), [1], [1])', [-1.0, -0.5]) == [0.0, -1.0]",
    ),
    (
        "`autograd.detect_anomaly`",
        "a mode of the thread; a result that is NaN warns when computed; the message of a NaN gradient names the line",
        "hasattr(torch.autograd, 'detect_anomaly')",
    ),
    (
        "`autograd.graph.register_multi_grad_hook`",
        "not called by a walk that reaches only some of the tensors; PyTorch shows None for the others",
        "hasattr(torch.autograd.graph, 'register_multi_grad_hook')",
    ),
    (
        "`autograd.Function`",
        "`jvp` and `vmap` are never called: derivatives in forward mode are computed from backward",
        "refuses('torch.autograd.Function.jvp(None)')",
    ),
    (
        "`torch.__version__`",
        "names the PyTorch whose behaviour is kept; `torch.version.minigrad` is this package's own version",
        "torch.__version__ >= '2.13' and torch.version.minigrad < '2'",
    ),
    (
        "`tensor`, `from_numpy`",
        "arrays with negative strides are taken; unsigned types wider than uint8 and complex numbers are refused",
        "not refuses('torch.tensor(np.arange(3)[::-1])') and refuses('torch.tensor(np.zeros(1, np.uint16))')",
    ),
    (
        "`tensor([[], [1]])` and other lists that begin with an empty one",
        "ragged lists are refused, whatever comes first; PyTorch leaves out the numbers",
        "refuses('torch.tensor([[], [1]])')",
    ),
    (
        "`x < array`, `torch.add(x, array)`, `x.add_(array)`",
        "take NumPy's array as a tensor; PyTorch takes one beside + - * / alone",
        "(torch.ones(2) < np.ones(2)).tolist() == [False, False]",
    ),
    (
        "`np.add(array, x)` and the other ufuncs of an array and a tensor",
        "refused but for `/`, `==` and `!=`, as `array + x` is; `array != x` compares elements; `x @ array` is refused",
        "refuses('np.add(np.ones(2), torch.ones(2))') and (np.ones(2) / torch.ones(2)).tolist() == [1.0, 1.0]",
    ),
    (
        "NumPy's bools beside tensors",
        "count as Python's bools; PyTorch takes them for floats",
        "(torch.tensor([2]) * np.bool_(True)).dtype is torch.int64",
    ),
    (
        "whole numbers of more than 64 bits beside floats",
        "are computed as floats; PyTorch refuses them",
        "(torch.tensor([1.0]) < 2**64).item()",
    ),
    (
        "`gcd`, `lcm`, `trapezoid` of integers near their type's limits",
        "right where the result fits; PyTorch's intermediate values wrap around",
        "torch.gcd(torch.tensor(-(2**63)), torch.tensor(6)).item() == 2",
    ),
    (
        "`maximum`, `minimum`, `clamp` of 0.0 and -0.0",
        "either of the two; in PyTorch it depends on the type and on the element's place in memory",
        "torch.maximum(torch.tensor(0.0), torch.tensor(-0.0)).item() == 0",
    ),
    (
        "`std`, `var` over the dimensions `()`",
        "over all, also on the way back; PyTorch's gradient is infinite",
        "gradient('x.var(())', [1.0, 3.0]) == [-2.0, 2.0]",
    ),
    (
        "`var_mean`, `std_mean` of infinities",
        "the mean is that of `mean`, an infinity; PyTorch's is NaN",
        "torch.var_mean(torch.tensor([1.0, float('inf')]))[1].item() == float('inf')",
    ),
    (
        "indices that are out of range beside an axis without elements",
        "refused; PyTorch does not look at them, for nothing is read",
        "refuses('torch.zeros(2, 3)[2:, torch.tensor([9])]')",
    ),
    (
        "`F.conv_transpose2d` with a bias, `F.rms_norm` with a weight of another type",
        "are refused, as such operands of all other layers; PyTorch takes them",
        "refuses('F.rms_norm(torch.ones(2), (2,), torch.ones(2).double())')",
    ),
    (
        "`F.binary_cross_entropy_with_logits` of two types",
        "is of their common type; PyTorch's is of the target's",
        "F.binary_cross_entropy_with_logits(torch.ones(2).double(), torch.ones(2)).dtype is torch.float64",
    ),
    (
        "`ldexp` beyond int32, `digamma` and `polygamma` at their poles and at infinity, `i0` near overflow",
        "are as by the formula: infinity, or the limit; PyTorch's are 0, NaN or a large number",
        "torch.ldexp(torch.ones(1), torch.tensor([2**40])).item() == float('inf')",
    ),
    (
        "`searchsorted` among NaN, `cdist(p=inf)` of NaN",
        "NaN comes last, as in `sort`, and stays NaN; PyTorch's search and maximum pass it by",
        "torch.cdist(torch.tensor([[torch.nan]]), torch.zeros(1, 1), p=float('inf')).isnan().item()",
    ),
    (
        "`addmm` and its kin with `alpha=0` beside infinities",
        "nothing is added; in PyTorch 0 times infinity is NaN where no BLAS computes",
        "torch.addr(torch.zeros(1, 1), torch.ones(1), torch.full((1,), torch.inf), alpha=0).item() == 0",
    ),
    (
        "`vander` of floats with a gradient, `index_reduce(include_self=False)` of equal numbers",
        "the gradient is that of the formula; PyTorch refuses its own write, and counts what is left out",
        "gradient('torch.vander(x).sum()', [2.0, 3.0]) == [1.0, 1.0]",
    ),
    (
        "`lr`, `label_smoothing`, and dropout's `p` that are NaN",
        "are refused; PyTorch takes them, and gives NaN",
        "refuses('torch.nn.Dropout(torch.nan)')",
    ),
    (
        "`det` of a singular matrix",
        "the gradient is that of its formula, the cofactors; PyTorch's is 0",
        "np.rint(gradient('torch.linalg.det(x.view(2, 2))', [1.0, 1.0, 1.0, 1.0])).tolist() == [1.0, -1.0, -1.0, 1.0]",
    ),
    (
        "reductions of transposed tensors with `keepdim=True`",
        "lie in their operand's order, and so does `x - x.mean(1, True)`, as in PyTorch, whose means are row-major",
        "(x := torch.ones(2, 3, 4).mT).sub(x.mean(0, True)).stride() == x.stride()",
    ),
    (
        "`index_select` of an index that is out of range",
        "is an IndexError along every axis; PyTorch's is a RuntimeError along the second",
        "refuses('torch.index_select(torch.zeros(2, 3), 1, torch.tensor([3]))')",
    ),
    (
        "`x[False] = value`",
        "`value` is checked as any other, and a gradient of it is followed; PyTorch does not look at it",
        "refuses('torch.zeros(3)[False] = torch.zeros(2)')",
    ),
    (
        "`repeat` by -1 of tensors without elements",
        "is refused as of others; PyTorch does not look at the number",
        "refuses('torch.zeros(0).repeat(-1)')",
    ),
    (
        "`logsumexp` over the dimensions `()`",
        "over all; PyTorch refuses it, but for tensors without axes",
        "torch.logsumexp(torch.zeros(1, 1), ()).item() == 0",
    ),
    (
        "`F.binary_cross_entropy` of halves that are 0 or 1",
        "the gradient is 0 where the target is the same; PyTorch divides by a bound that is 0 as a half, and gives NaN",
        "gradient('F.binary_cross_entropy(x.half(), torch.tensor([0.0, 1.0]).half())', [0.0, 1.0]) == [0.0, 0.0]",
    ),
    (
        "writes through `x.data` before backward",
        "are not noticed, as in PyTorch; what a rule then reads is our own: `prod` its input, PyTorch the result, too",
        "[x := torch.ones(2, requires_grad=True), x.prod(), x.data.add_(1)][1].backward() or x.grad.tolist() == [2, 2]",
    ),
    (
        "`f'{x:.3f}'`",
        "also of a tensor with axes and one element, and of a Parameter; PyTorch formats plain 0-d tensors alone",
        "f'{torch.tensor([0.5]):.2f}' == '0.50'",
    ),
    (
        "read-only arrays",
        "a tensor that shares one is not written to: RuntimeError, where PyTorch writes into the read-only memory",
        "refuses('a = np.zeros(1); a.flags.writeable = False; torch.as_tensor(a).add_(1)')",
    ),
    (
        "NumPy's functions",
        "differentiate where PyTorch has the function (`np.exp(x)`), and comparisons give bools, PyTorch's uint8",
        "np.isnan(torch.ones(1)).dtype is torch.bool and np.exp(torch.ones(1, requires_grad=True)).requires_grad",
    ),
    (
        "`x.data = other`",
        "a gradient of another shape goes with the old data; PyTorch keeps it, and the next backward fails",
        "refuses('x = torch.ones(2); x.grad = torch.ones(2); x.data = torch.ones(3); x.grad.abs')",
    ),
    (
        "`x.require_grad = True`",
        "and other misspellings of `requires_grad` are refused; PyTorch sets an attribute that means nothing",
        "refuses('torch.ones(1).require_grad = True')",
    ),
    ("`eye(n, None)`", "as `eye(n)`; PyTorch refuses the None", "torch.eye(2, None).shape == (2, 2)"),
    (
        "results and padded images that fit into no memory, as of `F.pad` by 2**62",
        "NumPy's MemoryError or ValueError, but for what creates tensors; PyTorch raises RuntimeError, or pads nothing",
        "refuses('F.pad(torch.ones(1), (2**62, 0))') and refuses('torch.zeros(2**60)')",
    ),
    (
        "`F.instance_norm(eps=0)` of an image of one value",
        "NaN, as of the other normalizations; PyTorch gives 0 here alone",
        "F.instance_norm(torch.ones(1, 1, 2), eps=0).isnan().all().item()",
    ),
    (
        "the gradient of `F.pdist(p=0)`",
        "None, as that of `x.norm(0)`, for nothing flows back; PyTorch's is 0",
        "[x := torch.eye(2, requires_grad=True), F.pdist(x, 0).sum().backward(), x.grad][2] is None",
    ),
    (
        "`matrix_exp` of halves",
        "refused; PyTorch 2.13 computes wrong numbers",
        "refuses('torch.matrix_exp(torch.eye(2).half())')",
    ),
    (
        "`cumsum_`, `cumprod_` of bools",
        "refused; PyTorch takes tensors that are 0-d or empty",
        "refuses('torch.tensor(True).cumsum_(0)') and refuses('torch.zeros(0).bool().cumprod_(0)')",
    ),
    (
        "strides of what is computed element by element of tensors whose memory has different orders, or repeats",
        "on a CPU NumPy's order; on a GPU PyTorch's, which is that of the first of them",
        "torch.add(torch.ones(2, 3).t(), torch.ones(3, 2)).stride() == (2, 1)",
    ),
    (
        "strides of axes of 1 and of empty tensors, in `empty_like` and its kin",
        "NumPy's, which mean nothing there; PyTorch keeps those of its own model",
        "torch.zeros_like(torch.ones(1, 3, 1).permute(2, 1, 0)).is_contiguous()",
    ),
    (
        "`[1, 2] * torch.tensor(2)`, of a tuple or a string too",
        "refused, for numbers in a list are meant to be multiplied; PyTorch repeats the list",
        "refuses('[1, 2] * torch.tensor(2)')",
    ),
    (
        "a type that an operation does not take, as in `-mask`",
        "is always a NotImplementedError, which is a RuntimeError; PyTorch raises the one or the other",
        "issubclass(NotImplementedError, RuntimeError) and refuses('-torch.tensor([True])')",
    ),
    (
        "`torch.device('mps')`, 'xpu', 'meta' and other devices than 'cpu' and 'cuda'",
        "refused when they are named; PyTorch refuses the first tensor there, and keeps no numbers on 'meta'",
        "refuses('torch.device(\\'mps\\')')",
    ),
    (
        "`nn.modules.conv._ConvNd`",
        "is there for `isinstance`: its constructor takes a convolution's options, not PyTorch's ten by place",
        "isinstance(nn.Conv2d(1, 1, 1), nn.modules.conv._ConvNd)",
    ),
    (
        "hooks on `state_dict()` and loading, hooks on all modules, `to_empty`, `share_memory`, `set_submodule`",
        "of modules are not here; nor are `Tensor.output_nr`, `polygamma_`, `graph.allow_mutation_on_saved_tensors`",
        "not hasattr(nn.Module(), 'to_empty') and not hasattr(torch.ones(1), 'output_nr')",
    ),
    (
        "`linalg.eig`, `linalg.eigvals`",
        "refused, for their results are complex; `lstsq` always goes by the pseudo-inverse, whatever the driver",
        "refuses('torch.linalg.eig(torch.eye(2))')",
    ),
    (
        "`backends.cudnn`, `use_deterministic_algorithms`, `pin_memory=` of what creates tensors",
        "switches for what is not underneath here: kept and told, and without effect on a CPU",
        "not torch.backends.cudnn.is_available()",
    ),
]


def saved() -> bytes:
    """The bytes of a saved tensor."""
    file = io.BytesIO()
    minigrad.save(minigrad.ones(2), file)
    return file.getvalue()


def find(path: str) -> Any:
    """The module or class that a dotted path names; None if there is none."""
    if path == "minigrad.Tensor":
        return minigrad.Tensor
    try:
        return importlib.import_module(path)
    except ModuleNotFoundError:
        return None


def public(path: str) -> Iterator[tuple[str, Any]]:
    """Public names of a namespace and what they stand for; no submodules, no typing's names."""
    place = find(path)
    names = getattr(place, "__all__", None) or [n for n in dir(place) if not n.startswith("_")]
    front = hasattr(place, "__path__") or hasattr(place, "__all__")  # re-exports on purpose
    for name in sorted(names, key=lambda n: (n.lower(), n)):
        thing = inspect.getattr_static(place, name, None) or getattr(place, name, None)
        home = str(getattr(thing, "__module__", None) or "minigrad")
        if place is minigrad.Tensor and (name in INTERNAL or isinstance(thing, (Absent, Misspelt))):
            continue
        ours = home.startswith("minigrad") if front or isinstance(place, type) else home == path
        if ours and not isinstance(thing, ModuleType):
            yield name, thing


def gradient(text: str, numbers: list[float]) -> list[float]:
    """The gradient of the expression `text` with respect to a vector `x` of `numbers`."""
    x = minigrad.tensor(numbers, requires_grad=True)
    eval(text, NAMES | globals(), {"x": x}).backward()
    assert x.grad is not None
    return list(x.grad.tolist())


def second(text: str, numbers: list[float]) -> list[float]:
    """The gradient of the sum of the gradient of `text`, as `gradient` takes them."""
    x = minigrad.tensor(numbers, requires_grad=True)
    (slope,) = minigrad.autograd.grad(eval(text, NAMES | globals(), {"x": x}), x, create_graph=True)
    return list(minigrad.autograd.grad(slope.sum(), x)[0].tolist())


def refuses(text: str) -> bool:
    """True when running `text` raises."""
    try:
        exec(text, NAMES | globals())
    except Exception:  # noqa: BLE001 - any refusal will do here, the tests read the messages
        return True
    return False


def page() -> str:
    """The whole page as text."""
    lines = [HEAD, "| where | names |", "|---|---|"]
    for path in NAMESPACES:
        names = [f"`{name}`" for name, _ in public(path)] if find(path) is not None else []
        if names:
            lines.append(f"| `{path}` ({len(names)}) | {', '.join(names)} |")
    lines += [f"| operators, {family} | {text} |" for family, text in OPERATORS.items()]
    lines += ["", "## What differs on purpose", "", "| name | how |", "|---|---|"]
    for name, told, proof in DIFFERENCES:
        assert eval(proof, NAMES | globals()), f"{name}: {proof} is no longer true"
        lines.append(f"| {name} | {told} |")
    return "\n".join(lines) + "\n"


def main() -> int:
    """Write the page, or check it."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--check", action="store_true", help="compare, do not write")
    if parser.parse_args().check:
        fresh = PAGE.exists() and PAGE.read_text("utf-8") == page()
        print(f"{PAGE.name} is " + ("up to date" if fresh else "stale: run docs/make_supported.py"))
        return int(not fresh)
    PAGE.write_text(page(), "utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main())
