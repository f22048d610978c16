"""Write docs/supported.md from the code: every public name, and the intended differences from PyTorch.

    python docs/make_supported.py           # write the page
    python docs/make_supported.py --check   # exit with 1 if the page is out of date

Beside each difference stands a line of code that shows it. It runs whenever the page is made.
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
    "minigrad.autograd.forward_ad",
    "minigrad.autograd.graph",
    "minigrad.func",
    "minigrad.utils.data",
    "minigrad.utils.tensorboard",
    "minigrad.linalg",
    "minigrad.special",
    "minigrad.profiler",
    "minigrad.testing",
    "minigrad.distributions",
    "minigrad.accelerator",
    "minigrad.cpu",
    "minigrad.cuda",
    "minigrad.distributed",
    "minigrad.distributed.checkpoint",
    "minigrad.distributed.nn",
    "minigrad.distributed.optim",
    "minigrad.nn.attention",
    "minigrad.nn.parallel",
    "minigrad.multiprocessing",
    "minigrad.futures",
    "minigrad.fx",
    "minigrad.backends.conv",
]
HEAD = """# Supported

All public names, generated from the code by `python docs/make_supported.py`; CI checks that the page is up to
date. Each name works as in PyTorch, except for the differences in the second table.
"""
OPERATORS = {
    "arithmetic": "+ - * / // % ** @ abs, reflected and in place",
    "comparison": "== != < <= > >=",
    "logic": "& \\| ^ ~",
    "container": "x[...], x[...] = value, len, iteration, in",
    "conversion": "float, int, bool, format, np.asarray, DLPack",
}


INTERNAL = {*TensorBase.__slots__, "bump_version"}  # the engine's attributes of a tensor
NAMES = {"torch": minigrad, "nn": nn, "F": nn.functional, "np": np}
# what, how it differs, and an expression that shows it by being true
DIFFERENCES = [
    (
        "`torch.compile`, `torch.jit.script`, `torch.jit.trace`",
        "return their argument unchanged, `Module.compile` does nothing; TorchScript is neither written nor read",
        "torch.compile(len) is len and torch.jit.script(len) is len",
    ),
    (
        "`torch.autocast`",
        (
            "casts nothing, and says so once: every tensor keeps its dtype, also the products that PyTorch rounds to "
            "bfloat16 or float16; `GradScaler` scales as in PyTorch"
        ),
        "torch.cuda.amp.autocast(enabled=False)(len) is len",
    ),
    (
        "the gradient of in-place operations on overlapping views (`unfold`, `as_strided`)",
        "is that of what they compute, element after element; PyTorch's is that of writing each element once",
        "gradient('[h := x * 1, h.unfold(0, 2, 1).mul_(3), h.sum()][2]', [1.0, 1.0, 1.0]) == [3.0, 9.0, 3.0]",
    ),
    (
        "writes to overlapping views through `detach()`, `.data`, and assignments to them with a gradient",
        "all values are read before any is written, and an element's gradient goes to its last write",
        "[h := torch.ones(3), h.unfold(0, 2, 1).data.mul_(3), h.tolist()][2] == [3.0, 3.0, 3.0]",
    ),
    (
        "writing elements to themselves through another view",
        "accepted: they keep their values; PyTorch refuses some cases, depending on strides",
        "torch.ones(1, 1).unsqueeze(0).add_(0.0).tolist() == [[[1.0]]]",
    ),
    (
        "`register_hook`, `retain_grad` on an output of `split` after a write to another one",
        "are refused at every call; in PyTorch a second call is accepted",
        (
            "[p := (ones_with_gradient(2) * 1).split(1), torch.no_grad()(p[1].zero_)(), "
            "refuses(p[0].retain_grad) and refuses(p[0].retain_grad)][2]"
        ),
    ),
    (
        "`prod`, differentiated twice",
        "its input may be changed before the second derivative, which uses the old values; PyTorch refuses that",
        (
            "[x := ones_with_gradient(2), y := x * 2, g := torch.autograd.grad(y.prod(), y, create_graph=True)[0], "
            "torch.no_grad()(y.zero_)(), g.sum().backward(), x.grad.tolist()][5] == [2.0, 2.0]"
        ),
    ),
    (
        "backward to a part of `split` that was made a leaf, after a write with a gradient to the whole",
        "the part gets the gradient; PyTorch refuses",
        (
            "[x := torch.ones(2), p := x.split(1)[0], p.requires_grad_(), y := p * 2, x.mul_(ones_with_gradient(2)), "
            "y.backward(), p.grad.item()][6] == 2"
        ),
    ),
    (
        "`t_()`, `squeeze_()` and similar methods on a leaf under `no_grad()`",
        "the gradient has the new shape; PyTorch's has the old one, or it raises, while an older graph exists",
        "gradient('[y := x * 2, torch.no_grad()(x.t_)(), x.sum()][2]', [[3.0, 4.0]]) == [[1.0], [1.0]]",
    ),
    (
        "`cumsum_`, `cumprod_`, `renorm_` on overlapping views, and such views as `out=`",
        "read everything first, and the last write stays; PyTorch goes line by line, and reads what it has written",
        "torch.arange(4.0).unfold(0, 3, 1).cumsum_(0).tolist() == [[0.0, 1.0, 3.0], [1.0, 3.0, 5.0]]",
    ),
    (
        "`F.elu_`, `F.leaky_relu_` and similar functions",
        "save their input, so the result may be changed before backward; PyTorch saves the result and raises",
        "gradient('torch.nn.functional.elu_(x * 2).mul_(3).sum()', [1.0]) == [6.0]",
    ),
    (
        "more gradients in `grad_tensors` of `autograd.backward` than tensors",
        "refused; PyTorch ignores the further gradients",
        "refuses('y = nn.Parameter(torch.ones(1)) * 2; torch.autograd.backward(y, [y.detach(), None])')",
    ),
    (
        "`autograd.grad` with respect to a result and to an input of that result",
        "hooks on the result change its returned gradient; in PyTorch only if it is the only tensor asked for",
        (
            "[x := torch.ones(1, requires_grad=True), y := x * 1, y.register_hook(lambda g: g * 2), "
            "torch.autograd.grad(y, (x, y))[1].item()][3] == 2.0"
        ),
    ),
    (
        "`F.batch_norm` in eval mode, if a training pass updates the running statistics before backward",
        "the gradient uses the statistics that the forward used; PyTorch divides by the updated ones",
        (
            "gradient('[m := torch.nn.BatchNorm1d(1, eps=1e-30).eval(), m(x), m.train()(x * 9)][1].sum()', "
            "[[1.0], [2.0]]) == [[1.0], [1.0]]"
        ),
    ),
    (
        "`matmul` of a matrix and a batch, if an operand is changed in place before backward",
        "refused; PyTorch has multiplied a copy of some operands, and does not notice",
        "refuses('[y := torch.ones(3, 2, 4), z := nn.Parameter(torch.ones(1, 2)) @ y, y.sqrt_(), z.sum().backward()]')",
    ),
    (
        "hooks on one of several results of a call (`split`, `unbind`, a `Function`), or on its `grad_fn`",
        "run when a gradient arrives there; PyTorch also calls them when another result gets one, with None",
        "[p := ones_with_gradient(2).split(1), p[0].register_hook(len), p[1].sum().backward()][-1] is None",
    ),
    (
        "hooks of a result that was made a leaf: `detach_()`, then `requires_grad_()`",
        "run for its former gradient only; PyTorch also calls them for that of the leaf",
        (
            "[y := ones_with_gradient(1) * 1, y.register_hook(int), y.detach_().requires_grad_(), y.sum().backward(), "
            "y.grad.item()][-1] == 1"
        ),
    ),
    (
        "hooks on a result from which no tensor that `autograd.grad` or `backward(inputs=)` names can be reached",
        "do not run, nor is its gradient retained; PyTorch runs those of the result that it starts from",
        (
            "[y := ones_with_gradient(1) * 2, y.retain_grad(), "
            "torch.autograd.grad(y, ones_with_gradient(1), allow_unused=True), y.grad][3] is None"
        ),
    ),
    (
        "hooks of a leaf that was frozen or detached after the forward",
        "do not run, because it gets no gradient; PyTorch runs them",
        "[x := ones_with_gradient(1), x.register_hook(int), y := x * 2, x.detach_(), y.backward()][-1] is None",
    ),
    (
        "`.grad`",
        "never shares memory with other tensors; PyTorch may keep what was given to `backward`, and write to it",
        "[x := ones_with_gradient(1), g := torch.ones(1), x.clone().backward(g), x.grad.add_(1), g.item()][-1] == 1",
    ),
    (
        "`autograd.grad` with respect to one of several results of a call",
        "runs what leads from there; PyTorch also what leads from the other results",
        "[p := ones_with_gradient(2).split(1), torch.autograd.grad(p[0], p[1], allow_unused=True)][1] == (None,)",
    ),
    (
        "`tril_`, `triu_` on expanded tensors of four or more axes",
        "write only the elements that change, as with three axes; PyTorch refuses some, depending on strides",
        "torch.ones(2, 2).expand(2, 3, 2, 2).tril_()[1, 2].tolist() == [[1.0, 0.0], [1.0, 1.0]]",
    ),
    (
        "`out=` and `resize_`, if the tensor needs more memory than there is",
        "the tensor gets memory of its own; in PyTorch views of the old memory follow it",
        "[x := torch.ones(1), v := x.view(1), x.resize_(2).fill_(3.0), v.item()][-1] == 1",
    ),
    (
        "`autograd.functional.jacobian`, `hessian` of tensors without elements",
        "are empty; PyTorch refuses them",
        "torch.autograd.functional.jacobian(torch.sin, torch.ones(0)).shape == (0, 0)",
    ),
    (
        "`detach_()` on a view of what nobody holds, as `(x * 1)[0]`, a result of `einsum`, a gradient",
        "accepted, because nothing else shares its memory; PyTorch refuses all views",
        "(ones_with_gradient(1) * 1)[0].detach_() == torch.einsum('i,i', torch.ones(1), torch.ones(1)).detach_() == 1",
    ),
    (
        "`as_strided` on a loss",
        "sees one number; the memory of PyTorch's `F.mse_loss` holds the squares too",
        "refuses('F.mse_loss(torch.ones(3), torch.ones(3)).as_strided((), (), 1)')",
    ),
    (
        "views made under `no_grad()` of a tensor that requires a gradient, or before its `requires_grad_()`",
        "operations on them save their values, and refuse backward after a write to these; PyTorch saves nothing",
        (
            "[v := torch.no_grad()(torch.t)(ones_with_gradient(1)), y := v * v, v.detach().zero_()]"
            " and refuses(y.backward)"
        ),
    ),
    (
        "results of `func.jacrev`, `einsum`, `F.bilinear`, `F.instance_norm` and others, made under `no_grad()`",
        "may be written to with a gradient; PyTorch's are views of intermediate results, and refuse it",
        (
            "[y := torch.no_grad()(torch.einsum)('ij,jk', torch.eye(2), torch.eye(2)), "
            "y.mul_(ones_with_gradient(1)).requires_grad][1]"
        ),
    ),
    (
        "`detach_()` on a tensor that was saved for backward",
        "backward runs as it was recorded; PyTorch refuses it",
        "gradient('[y := x * 2, z := y * y, y.detach_(), z.sum()][3]', [3.0]) == [24.0]",
    ),
    (
        "`x += x[:, 0]` and other writes from a part of the same memory; `masked_scatter_`, `addmm_` with themselves",
        "everything is read before anything is written; PyTorch reads some elements that it has just written",
        "[x := torch.arange(4.0).view(2, 2), x.__setitem__(..., x[:, 1])][0].tolist() == [[1.0, 3.0], [1.0, 3.0]]",
    ),
    (
        "arguments other than axes that are wrong, of a method of an output of `split` that was changed in place",
        "raise the error about the arguments (RuntimeError, TypeError, ...); PyTorch refuses the output first",
        "refuses('a, b = (torch.ones(2, requires_grad=True) * 1).split(1); a.diagonal()')",
    ),
    (
        "`y[0] = y[0]` after `y.retain_grad()`",
        "changes nothing, also not in the graph: `y.grad` counts all uses of `y`; PyTorch's counts later uses only",
        (
            "[y := torch.ones(1, requires_grad=True) * 1, y.retain_grad(), z := y * 2, y.__setitem__(0, y[0]), "
            "(y + z).backward(), y.grad.item()][-1] == 3.0"
        ),
    ),
    (
        "a result that is passed to a pack hook of `saved_tensors_hooks`",
        "is detached: it requires no gradient; in PyTorch it does",
        (
            "refuses('with torch.autograd.graph.saved_tensors_hooks(lambda t: t if t.requires_grad else 1 / 0, abs): "
            "torch.ones(1, requires_grad=True).exp()')"
        ),
    ),
    (
        "`nn.attention.sdpa_kernel`",
        "accepts every choice of a kernel, and one formula computes; PyTorch refuses to compute by kernels of a GPU",
        "refuses(torch.nn.attention.sdpa_kernel('math').__enter__)",
    ),
    (
        "`utils.checkpoint`",
        "`use_reentrant` has no effect, gradients are those of False; nor has early stopping; `context_fn` is refused",
        "torch.utils.checkpoint.checkpoint(lambda w: w * 2, torch.ones(1, requires_grad=True)).requires_grad",
    ),
    (
        "`utils.checkpoint` without `use_reentrant`, or of inputs without a gradient",
        "does not warn: the gradients are right either way",
        "not torch.utils.checkpoint.checkpoint(torch.exp, torch.ones(1)).requires_grad",
    ),
    (
        "`torch.qr`, `torch.cholesky`, `torch.chain_matmul`",
        "do not warn that they are deprecated, as they stay; PyTorch warns once",
        (
            "[w := __import__('warnings').catch_warnings(record=True), seen := w.__enter__(), "
            "torch.qr(torch.eye(2)), w.__exit__(), seen][4] == []"
        ),
    ),
    (
        "`_version` of copies by `copy.copy` and `copy.deepcopy`",
        "begins at 0; PyTorch's at 1, because a copy is made by a write",
        "__import__('copy').copy(torch.ones(1).add_(1))._version == 0",
    ),
    (
        "`torch.inner(x, scalar, out=t)` with a 0-d tensor and a `t` of another dtype",
        "is refused, as with vectors; PyTorch casts",
        "refuses('torch.inner(torch.ones(1), torch.ones(()), out=torch.ones(1).double())')",
    ),
    (
        "`torch.nonzero(x, as_tuple=True, out=t)`",
        "is refused by TypeError, as the results are a tuple; PyTorch raises RuntimeError",
        "refuses('torch.nonzero(torch.ones(1), as_tuple=True, out=torch.ones(1).long())')",
    ),
    (
        "`optim.ASGD(foreach=True)` of float64 parameters",
        "`eta` is computed in float32, as with False; PyTorch's with True differs from it by a rounding",
        (
            "[w := torch.ones(1, dtype=torch.float64, requires_grad=True), o := torch.optim.ASGD([w], foreach=True), "
            "[(setattr(w, 'grad', w.detach()), o.step()) for i in range(6)], "
            "float(o.state[w]['eta']).hex()][3] == '0x1.47adb40000000p-7'"
        ),
    ),
    (
        "integer and bool tensors, after floats with a gradient are written to them by index or `fill_`",
        "require no gradient, and are not refused as parts of `split`; in PyTorch `requires_grad` is True",
        "[n := torch.zeros(1).long(), n.__setitem__(0, torch.ones((), requires_grad=True))][0].requires_grad is False",
    ),
    (
        "`F.pad(mode='circular')` with negative amounts",
        "what cropping leaves is wrapped around at most once, otherwise refused; PyTorch shows uninitialized memory",
        "refuses('F.pad(torch.ones(1, 3), (3, -1), mode=\\'circular\\')')",
    ),
    (
        "the gradient of `F.pad` to a size of 0 with negative amounts",
        "is 0; PyTorch's is uninitialized memory for six amounts in the modes 'reflect' and 'replicate'",
        """gradient("F.pad(x, [0, -1, 0, 0, 0, 0], 'reflect').sum()", [[[[1.0]]]]) == [[[[0.0]]]]""",
    ),
    (
        "a write to one of the results of `std_mean`, `var_mean` before backward from the other one",
        "is accepted, because each result has a gradient of its own; PyTorch has saved the first one",
        "gradient('[m := torch.std_mean(x), m[0].zero_(), m[1]][2]', [1.0, 3.0]) == [0.5, 0.5]",
    ),
    (
        "`autograd.graph.saved_tensors_hooks`",
        "a call may pack its tensors in another order or transposed, and copies of indices: `mv`, `F.linear`",
        (
            "[seen := [], hooks := torch.autograd.graph.saved_tensors_hooks(lambda x: seen.append(x.shape), id), "
            "hooks.__enter__(), torch.mv(ones_with_gradient(6).view(2, 3), ones_with_gradient(3)), hooks.__exit__(), "
            "seen == [(3,), (2, 3)]][5]"
        ),
    ),
    (
        "`logcumsumexp` of -inf, and beside numbers so large that they absorb others",
        "the gradient counts what the result depends on; PyTorch's is NaN at -inf, loses parts, and is 0 there",
        "gradient('torch.logcumsumexp(x, 0).sum()', [1.0, 1e30, 1.0]) == [1.0, 2.0, 0.0]",
    ),
    (
        "sums of float16 numbers into one element: indexing, `index_add`, `F.embedding`, a dilated layer's bias",
        "are added in float32 and rounded once; PyTorch's sums stop at 2048, where adding 1 changes nothing",
        "torch.zeros(1).half().index_add(0, torch.zeros(3000).long(), torch.ones(3000).half()).item() == 3000",
    ),
    (
        "`F.conv_transpose1d` and `2d` of float16 numbers, and the gradient of a convolution's input",
        "are added in float32 and rounded once; PyTorch rounds each product first, and inf - inf gives NaN",
        "F.conv_transpose1d(torch.full((1, 1, 2), 3e2).half(), torch.tensor([[[3e2, -3e2]]]).half())[0, 0, 1] == 0",
    ),
    (
        "`F.embedding(scale_grad_by_freq=True)`, differentiated twice",
        "the first and the second derivative are scaled; PyTorch scales only the first",
        (
            "[w := torch.ones(1, 1, requires_grad=True), y := F.embedding(torch.zeros(2).long(), w, "
            "scale_grad_by_freq=True), g := torch.autograd.grad(y.pow(2).sum(), w, create_graph=True)[0], "
            "torch.autograd.grad(g, w)[0].item()][3] == 1.0"
        ),
    ),
    (
        "second derivatives at 0 of norms, `atan2`, `x ** y`, `copysign` and similar; of `F.prelu`, `sinc`",
        "0 where the first is set to 0; `prelu` as for x < 0; `sinc` from its series; PyTorch gives NaN or 0",
        "second('x.norm()', [0.0, 0.0]) == [0.0, 0.0] and second('x.sinc().sum()', [0.0])[0] < -3.28",
    ),
    (
        "gradients that do not depend on the input: of convolutions and normalizations by constants, of `2 * x`",
        "require no gradient, even with `create_graph=True`; PyTorch's often do, and their graph gives zeros or None",
        (
            "torch.func.hessian(lambda x: x * x)(torch.ones((), requires_grad=True)).requires_grad is False and "
            "refuses('second(\\'F.conv1d(x.view(1, 1, 2), torch.ones(1, 1, 1)).sum()\\', [1.0, 2.0])')"
        ),
    ),
    (
        "`retain_grad()` before `t_()`, `squeeze_()`, `detach_()` and similar methods",
        "`retains_grad` is then False: the gradient of the tensor before the call is retained, as in PyTorch",
        ("[x := torch.ones(1, 2, requires_grad=True) * 1, x.retain_grad(), x.t_(), x.retains_grad][3] is False"),
    ),
    (
        "`register_hook` on a view that was made before its base required a gradient",
        "is called for gradients that arrive at the view; PyTorch 2.13 crashes, unless the program has read `is_leaf`",
        (
            "[b := torch.ones(2), v := b[:1], b.mul_(ones_with_gradient(1)), v.register_hook(lambda g: g), "
            "v.requires_grad][4] is True"
        ),
    ),
    (
        "a write to a view of a result on which `retain_grad()` and then `t_()`, `squeeze_()` and similar were called",
        "is done; PyTorch reports an internal error",
        (
            "[x := ones_with_gradient(2) * 1, x.retain_grad(), x.unsqueeze_(0), x.view(2).sqrt_()][3].tolist()"
            " == [1.0, 1.0]"
        ),
    ),
    (
        "a walk that adds to a `.grad` which is the second derivative of `abs` or another piecewise linear function",
        "adds to its zeros; PyTorch's are an immutable tensor, and the walk fails",
        (
            "[x := ones_with_gradient(1), g := torch.autograd.grad(x.abs(), x, create_graph=True)[0], g.backward(), "
            "(x * x).backward(), x.grad.item()][4] == 2.0"
        ),
    ),
    (
        "`F.batch_norm` in eval mode with a weight that has gaps in memory, as `w[:, 1]`, and gets no gradient",
        "the gradient of the input uses the weight; PyTorch 2.13 reads other elements of its memory",
        (
            "gradient('F.batch_norm(x, torch.zeros(2), torch.ones(2), "
            "torch.tensor([[9.0, 1.0], [9.0, 2.0]])[:, 1], None, False, 0.0, 0.0).sum()', [[1.0, 1.0]]) == [[1.0, 2.0]]"
        ),
    ),
    (
        "second derivatives at infinity and of large numbers, in float16 from 256 on: `F.gelu`, `F.mish`; `F.glu`, BCE",
        "0, the limit, where PyTorch gives NaN; NaN for the last two, where PyTorch gives an infinity",
        "second('F.mish(x).sum()', [1e30]) == [0.0] and second('F.gelu(x).sum()', [1e30]) == [0.0]",
    ),
    (
        "derivatives of `special.i1`, `special.i1e` at NaN",
        "NaN; PyTorch gives 1/2",
        "np.isnan(gradient('torch.special.i1(x).sum()', [float('nan')])[0])",
    ),
    (
        "`float_power_`",
        "float32 and float16 results are rounded to their dtype; PyTorch accepts only float64",
        "torch.tensor([2.0]).float_power_(2).item() == 4.0",
    ),
    (
        "`channels_last`",
        "is kept by elementwise operations, leaf gradients, copies, files; convolution, pooling, resizing do not",
        "F.max_pool2d(torch.ones(1, 2, 4, 4).to(memory_format=torch.channels_last), 2).is_contiguous()",
    ),
    (
        "functions assigned in a class body, `f = torch.tanh`",
        "become methods, as Python's functions do: write `staticmethod(torch.tanh)`; PyTorch's are built in and do not",
        "refuses('type(\\'A\\', (), {\\'f\\': torch.tanh})().f(torch.ones(1))')",
    ),
    (
        "`__module__` of classes",
        "is the file that defines them, which `inspect` reads: `minigrad.nn.linear.Linear`; `nn.modules` has all",
        "nn.Linear.__module__ == 'minigrad.nn.linear' and nn.modules.linear.Linear is nn.Linear",
    ),
    (
        "`F.batch_norm`, `F.group_norm` with infinite weights",
        "the normalized number times the weight; PyTorch adds two infinities, which gives NaN",
        ("F.group_norm(torch.tensor([[1.0, 2.0]]), 1, torch.tensor([1.0, float('inf')]))[0, 1].item() == float('inf')"),
    ),
    (
        "`backward(inputs=[y])` for a result `y`",
        "reads nothing below `y`, as `autograd.grad`; PyTorch also runs the node of `y`: its hooks, on what it saved",
        (
            "[y := torch.ones(1, requires_grad=True).exp() * 1, y.sum().backward(), "
            "(y * 2).sum().backward(inputs=[y]), y.grad.item()][3] == 2.0"
        ),
    ),
    (
        "`cumprod`, `prod`",
        "gradients do not divide: right beside infinity and NaN; after a write to `.data` they use the new values",
        "gradient('x.prod()', [2.0, float('inf'), 3.0])[1] == 6.0",
    ),
    (
        "`clamp` with tensors as limits",
        "the limits may broadcast the input to a larger shape, also in backward, and one may be a number",
        "gradient('torch.tensor([0.5]).clamp(min=torch.zeros(1, 1), max=x).sum()', [1.0]) == [0.0]",
    ),
    (
        "a second backward through `logcumsumexp` of an empty or 0-d tensor, or one after a write to it",
        "accepted, because nothing was saved; PyTorch refuses it",
        "[x := torch.ones(0, requires_grad=True), y := x.logcumsumexp(0).sum(), y.backward(), y.backward()][2] is None",
    ),
    (
        "`torch.poisson` of inf",
        "refused; PyTorch returns the smallest int64, -9.2e18",
        "refuses('torch.poisson(torch.tensor([float(\\'inf\\')]))')",
    ),
    (
        "convolutions, pooling, `matmul`, `linalg`, `F.interpolate(mode='area')` and others of empty tensors",
        "dtypes and options are checked although nothing is computed; PyTorch does not, or checks other ones",
        "refuses('F.conv1d(torch.zeros(0, 1, 3).bool(), torch.zeros(1, 1, 1).bool())')",
    ),
    (
        "`einsum` of integers of one dtype",
        "an axis that only one operand has is summed; PyTorch refuses it, because its sum is int64",
        "torch.einsum('bi,bi->b', torch.ones(2, 1).int(), torch.ones(2, 3).int()).tolist() == [3, 3]",
    ),
    (
        "`as_strided_scatter`",
        "the gradient of the input is 0 where `src` was written; PyTorch's is 0 everywhere else, and not there",
        "gradient('x.as_strided_scatter(torch.ones(1), (1,), (1,)).sum()', [1.0, 1.0]) == [0.0, 1.0]",
    ),
    (
        "`scatter(reduce=)`, `acosh_`, `asinh_`, `atanh_`",
        "have a gradient; in PyTorch backward raises",
        "gradient('x.scatter(0, torch.tensor([0]), 2.0, reduce=\\'multiply\\').sum()', [1.0]) == [2.0]",
    ),
    (
        "`histogram`, the sign of `slogdet`, residuals of `lstsq` when there are none",
        "require no gradient, for they have none; in PyTorch `requires_grad` is True",
        "torch.linalg.slogdet(torch.eye(1).requires_grad_())[0].requires_grad is False",
    ),
    (
        "`trapezoid`, `cumulative_trapezoid`, `gradient` of integers",
        "compute in floats, and halve each number before adding its neighbour; PyTorch's sums of two may overflow",
        "torch.trapezoid(torch.tensor([200, 200], dtype=torch.uint8)).item() == 200.0",
    ),
    (
        "`trapezoid` with steps of one length, of a first or last number that is infinite",
        "an infinity; PyTorch sums all numbers and subtracts half of the two, which gives NaN",
        "torch.trapezoid(torch.tensor([torch.inf, 1.0])).isinf().item()",
    ),
    (
        "second derivatives of `cdist`, `F.pdist`, `F.hardsigmoid`, `F.multi_margin_loss`, `F.multilabel_margin_loss`",
        "are computed, also of `F.ctc_loss`, attention, and `linalg.cond` by norms; PyTorch refuses them on a CPU",
        "round(second('F.hardsigmoid(x * x).sum()', [1.0])[0], 4) == 0.3333",
    ),
    (
        "the gradient of `nanmean` of nothing but NaN",
        "0, because no number is counted; PyTorch's is NaN",
        "gradient('torch.nanmean(x)', [torch.nan]) == [0.0]",
    ),
    (
        "`histogram` with edges of bins that do not increase",
        "is refused, as by NumPy; PyTorch counts the numbers into bins that its search happens to find",
        "refuses('torch.histogram(torch.ones(1), torch.tensor([2.0, 1.0]))')",
    ),
    (
        "`searchsorted`, `bucketize` of numbers that are not sorted",
        "the index depends on the search, which is not PyTorch's",
        "torch.bucketize(torch.tensor([3]), torch.tensor([1, 2, 3])).item() == 2",
    ),
    (
        "the gradient of `cdist(p=inf)`, `F.pdist(p=inf)`, if the largest differences of two rows are equal",
        "these share it, as in `x.norm(inf)`; PyTorch gives the whole gradient to each",
        "gradient('torch.cdist(x[None], torch.zeros(1, 2), p=torch.inf).sum()', [1.0, 1.0]) == [0.5, 0.5]",
    ),
    (
        "`cdist(p=0)` of NaN",
        "NaN differs from every number, as in `F.pdist` and `x.norm(0)`; PyTorch's distance is NaN only here",
        "torch.cdist(torch.tensor([[torch.nan, 1.0]]), torch.ones(1, 2), p=0.0).item() == 1.0",
    ),
    (
        "`sum`, `mean`, `prod` with `keepdim=True` and no `dim`",
        "keep all dimensions, as with `dim=None`; PyTorch refuses them",
        "torch.ones(2, 3).sum(keepdim=True).shape == (1, 1)",
    ),
    (
        "`sort`, `argsort`, `kthvalue`, `median`, `mode` of equal numbers",
        "sorting is always stable, and decides which index is returned; PyTorch's index depends on its algorithm",
        "torch.kthvalue(torch.tensor([1, 0, 0]), 2).indices.item() == 2",
    ),
    (
        "`torch.reshape(x, 2, 3)`, and `permute`, `broadcast_to`, `tile` in this form",
        "take sizes and axes in a row, as the methods do; PyTorch's functions take a tuple",
        "torch.reshape(torch.ones(6), 2, 3).shape == torch.ones(6).reshape(2, 3).shape",
    ),
    (
        "`mode` of numbers and NaN",
        "never gives NaN; in PyTorch it depends on the position of the NaN",
        "torch.tensor([float('nan'), 2.0, 1.0]).mode().values.item() == 1.0",
    ),
    (
        "`linalg.solve_triangular`, `lu_solve`, `cholesky_solve` of a triangle with a zero on its diagonal",
        "raises LinAlgError, as `linalg.solve`; PyTorch divides by the zero, which gives infinities and NaN",
        "refuses('torch.linalg.solve_triangular(torch.zeros(1, 1), torch.ones(1, 1), upper=True)')",
    ),
    (
        "`special.ndtr`",
        "is exact for very negative inputs, as `erfc` is; PyTorch's float32 result is 0 from -6 on",
        "0 < torch.special.ndtr(torch.tensor(-8.0)).item() < 1e-15",
    ),
    (
        "`linalg.pinv(hermitian=True)` of a matrix that is not symmetric",
        "the gradient is that of the symmetric matrix in the triangle read; PyTorch's counts the other triangle too",
        "gradient('torch.linalg.pinv(x.view(2, 2), hermitian=True).sum()', [1.0, 9.0, 0.0, 1.0]) == [-1.0] * 4",
    ),
    (
        "signs of the vectors from `linalg.eigh` and `svd`",
        "are those of NumPy's LAPACK; PyTorch's may be opposite",
        "(torch.linalg.svd(torch.eye(2)).U ** 2).tolist() == [[1.0, 0.0], [0.0, 1.0]]",
    ),
    (
        "`index_put_(accumulate=True)` on an expanded tensor",
        "adds once for each index; PyTorch adds once for each element that shares the memory",
        "[x := torch.zeros(1), x.expand(3, 2).index_put_((torch.arange(1),), torch.ones(()), True), x][2].item() == 1",
    ),
    (
        "`linalg.cholesky_ex` of a matrix that is not positive definite, `linalg.solve_ex` of a singular one",
        "gives NaN, and inf, beside the `info`; PyTorch gives what LAPACK had computed until then",
        (
            "torch.linalg.cholesky_ex(-torch.eye(1)).L.isnan() and "
            "torch.linalg.solve_ex(torch.zeros(1, 1), torch.ones(1))[0].isinf()"
        ),
    ),
    (
        "`logdet`, `slogdet`, `linalg.lu_factor_ex` of a singular matrix",
        "backward is refused; PyTorch's gradient consists of infinities and NaN",
        "refuses('torch.zeros(2, 2, requires_grad=True).logdet().backward()')",
    ),
    (
        "`linalg.lu`, `linalg.lu_factor` of a singular matrix",
        "backward is refused; PyTorch's gradient is NaN",
        "refuses('torch.linalg.lu(torch.ones(2, 2, requires_grad=True))[2].sum().backward()')",
    ),
    (
        "an operand for which the backward of a `Function` returns None",
        "gets no gradient; PyTorch calls the hooks and Functions below it with None",
        (
            "[x := torch.ones(1, requires_grad=True), x.register_hook(refuses), type('N', (torch.autograd.Function,), "
            "{'forward': lambda c, x: x * 2, 'backward': lambda c, g: None}).apply(x).backward()][2] is None"
        ),
    ),
    (
        "a backward that fails",
        "changes no leaf's gradient; PyTorch has changed those of the leaves that it had reached",
        (
            "not refuses('x = torch.ones(1, requires_grad=True); y = x.exp(); y.zero_()\\n"
            "try: (x * 1 + y).sum().backward()\\nexcept RuntimeError: assert x.grad is None')"
        ),
    ),
    (
        "writes to inference tensors outside of `inference_mode()`",
        "are refused before anything is written; PyTorch raises after the write",
        "refuses('torch.inference_mode()(torch.ones)(1).add_(1)')",
    ),
    (
        "calls on inference tensors that require a gradient, after the mode has ended",
        "are recorded as others; PyTorch records a call only if an operand is no inference tensor",
        "torch.inference_mode()(torch.ones)(1, requires_grad=True).add(1).requires_grad",
    ),
    (
        "writes through `t.data` of an inference tensor `t`, read after the mode has ended",
        "are refused, as those to `t` itself; PyTorch accepts them",
        "refuses('torch.inference_mode()(torch.ones)(1).data.add_(1)')",
    ),
    (
        "inference tensors as inputs of `autograd.functional.jacobian`, `hessian`, `vjp` and others",
        "are taken, because a copy is differentiated; PyTorch refuses them outside of the mode",
        "torch.autograd.functional.jacobian(torch.exp, torch.inference_mode()(torch.zeros)(1)).item() == 1",
    ),
    (
        "inference tensors that a function of `func.grad`, `vjp`, `jvp` and others reads",
        "cannot be saved for its derivative, as for backward; PyTorch's transforms take them",
        "refuses('t = torch.inference_mode()(torch.ones)(1); torch.func.grad(lambda x: (x * t).sum())(torch.ones(1))')",
    ),
    (
        "strides of `linalg.lstsq`, of `linalg.solve` of batches of vectors, and of `lu_solve(left=False)`",
        "those of the result alone; PyTorch's are those of the memory that LAPACK worked in",
        "torch.linalg.solve(torch.eye(3).repeat(2, 1, 1), torch.ones(2, 3)).stride() == (3, 1)",
    ),
    (
        "the gradient of `cholesky_solve` and `cholesky_inverse` in the factor",
        "is 0 in the triangle that is not read, as that of `linalg.solve_triangular`; PyTorch's is not",
        "gradient('x.reshape(2, 2).cholesky_inverse().sum()', [1.0, 5.0, 0.0, 1.0])[1] == 0.0",
    ),
    (
        "draws of `distributions.Wishart`",
        "are PyTorch's, which draws all again; it warns each time that values were singular, which they were not",
        "torch.distributions.Wishart(3.0, torch.eye(2)).sample().shape == (2, 2)",
    ),
    (
        "`log_prob` of `distributions.VonMises` with a large concentration",
        "is exact; PyTorch's is off by up to 1e-3 at 1e4, because it subtracts two large numbers",
        "abs(torch.distributions.VonMises(0.0, 1e4).log_prob(torch.tensor(0.0)).item() - 3.686219) < 1e-5",
    ),
    (
        "`constraints.positive_definite.check` of a batch with a matrix that is not symmetric",
        "says of each matrix whether it is definite; PyTorch's then says only whether each is symmetric",
        (
            "not torch.distributions.constraints.positive_definite.check(torch.tensor([[[-1.0, 0.0], [0.0, -1.0]], "
            "[[1.0, 2.0], [0.0, 1.0]]])).any()"
        ),
    ),
    (
        "`unravel_index`",
        "each result has memory of its own; PyTorch's are the columns of one matrix",
        "torch.unravel_index(torch.tensor([5, 7]), (3, 4))[0].is_contiguous()",
    ),
    (
        "Python's integers of more than 64 bits beside tensors of floats: `x * 2**64`, `x < 2**64`, `F.pad(value=)`",
        "count as floats; PyTorch refuses them, as both do beside integers and in `torch.tensor`",
        "(torch.ones(1) * 2**64).item() == 2.0**64",
    ),
    (
        "`nn.BatchNorm1d(0)` and other normalizations of no channels",
        "return the empty images; PyTorch's batch normalization looks for a first channel and raises IndexError",
        "nn.BatchNorm1d(0)(torch.zeros(3, 0)).shape == (3, 0)",
    ),
    (
        "the second result of functions of `func.grad`, `vjp`, `jacrev` and others with `has_aux=True`",
        "may hold anything, such as a string; PyTorch takes tensors alone",
        "torch.func.grad(lambda x: (x.sum(), 'more'), has_aux=True)(torch.ones(2))[1] == 'more'",
    ),
    (
        "`array == tensor`, `tensor + array`, if the shapes of a NumPy array and a tensor do not broadcast",
        "NumPy's ValueError, and our RuntimeError; in PyTorch it is the other way round, and `array != tensor` is True",
        "refuses('np.ones(3) == torch.ones(4)')",
    ),
    (
        "third derivatives of `F.layer_norm`, `F.batch_norm`, `logcumsumexp`",
        "are those of the formula written in small operations; PyTorch's differ from these, or are NaN",
        (
            "torch.autograd.gradgradcheck(lambda x: torch.autograd.grad((F.layer_norm(x, (3,)) ** 3).sum(), x, None, "
            "None, True)[0], torch.tensor([0.5, -1.0, 2.0], dtype=torch.float64, requires_grad=True))"
        ),
    ),
    (
        "`F.layer_norm`, `F.group_norm`, `F.batch_norm` of more than 128 float32 numbers, or near overflow",
        "statistics are rounded once; the rounding in PyTorch's shows where they cancel",
        "F.layer_norm(torch.tensor([0.0, 1e38]).repeat(100), (200,)).isfinite().all().item()",
    ),
    (
        "gradients that cancel to 0: `x/x`, `x.softmax(0).sum()`, `F.cosine_similarity` of one number, `F.normalize`",
        "are 0 up to rounding; the rounding differs, because the order of summation does",
        "abs(gradient('F.cosine_similarity(x, torch.ones(3), 0)', [2.0])[0]) < 1e-6",
    ),
    (
        "`topk` of equal numbers",
        "the first ones are taken, as in `sort(stable=True)`; PyTorch's order is that of its partial sort",
        "torch.topk(torch.zeros(4), 2).indices.tolist() == [0, 1]",
    ),
    (
        "`fmod`, `remainder` where the quotient overflows",
        "exact; PyTorch's vectorized loops give NaN",
        "torch.fmod(torch.full((16,), 1e19), 1e-40).isfinite().all().item()",
    ),
    (
        "`cosh`, `sinh` near overflow",
        "finite where the result is; PyTorch's vectorized loops give inf from 88.7 on",
        "torch.cosh(torch.full((40,), 89.0)).isfinite().all().item()",
    ),
    (
        "`x[[1.0]]`, `x[np.ones(1)]`, `x[np.True_]`",
        "floats are refused, NumPy's bools are accepted; PyTorch truncates floats, and refuses the bools",
        "refuses('torch.ones(2)[[1.0]]') and torch.ones(2)[np.True_].shape == (1, 2)",
    ),
    (
        "elements that tensors or lists select from a transposed tensor: `x.t()[[0, 1]]`",
        "the result is row-major; in PyTorch it keeps the order of the transposed tensor's axes",
        "torch.ones(3, 2, 4).transpose(0, 2)[[0, 1]].is_contiguous()",
    ),
    (
        "`x[..., ...]`",
        "two ellipses are refused; PyTorch accepts axes that do not exist",
        "refuses('torch.ones(2, 2)[..., ...]')",
    ),
    (
        "`F.hardtanh`, `F.relu6`, `F.elu`, `F.celu`, `F.selu`, `F.hardswish`, `F.hardshrink`, `F.softshrink` at NaN",
        "the gradient passes; in PyTorch it is passed, 0 or NaN, depending on the element's position in memory",
        "gradient('F.relu6(x).sum()', [float('nan')] * 20) == [1.0] * 20",
    ),
    (
        "`x ** mask`, `True ** x`, `logaddexp` of a float and a bool tensor",
        "have a gradient; PyTorch's backward raises: it cannot subtract bools, and for True it has an internal error",
        "gradient('(x ** torch.tensor([True, False])).sum()', [3.0, 3.0]) == [1.0, 0.0]",
    ),
    (
        "layers of what is no tensor, such as the pair that an LSTM returns",
        "raise TypeError, which says what to write; some layers of PyTorch raise AttributeError: they ask it for `dim`",
        "is_raised(TypeError, 'nn.Flatten()((ones,))') and is_raised(TypeError, 'nn.BatchNorm1d(1)((ones,))')",
    ),
    (
        "`x.cuda()` without a GPU",
        "raises RuntimeError, as PyTorch built with CUDA does; PyTorch built without it raises AssertionError",
        "torch.cuda.is_available() or is_raised(RuntimeError, 'torch.ones(1).cuda()')",
    ),
    (
        "losses of what is no tensor, and `nn.MSELoss(x, y)`",
        "raise TypeError, which says what to write; PyTorch AttributeError, and RuntimeError for the truth of a tensor",
        "is_raised(TypeError, 'F.mse_loss(torch.ones(1), 1.0)') and is_raised(TypeError, 'nn.MSELoss(ones, ones)')",
    ),
    (
        "`lr_scheduler.StepLR(optimizer, 0)`",
        "is refused by ValueError; PyTorch divides by zero at the next step",
        "is_raised(ValueError, 'torch.optim.lr_scheduler.StepLR(torch.optim.SGD([torch.ones(1)], 0.1), 0)')",
    ),
    (
        "`autograd.backward`, `autograd.grad` from or to what is no tensor",
        "raise TypeError; PyTorch raises AssertionError or RuntimeError for what is in a list",
        "is_raised(TypeError, 'torch.autograd.backward([3])')",
    ),
    (
        "`F.mse_loss`, `nn.MSELoss`",
        "shapes that would broadcast, such as (8, 1) and (8,), are refused; PyTorch warns",
        "refuses('F.mse_loss(torch.ones(8, 1), torch.ones(8))')",
    ),
    (
        "`F.interpolate(antialias=True)` to a width of 1",
        "every row has its own values; PyTorch 2.13 repeats those of the first row",
        "F.interpolate(torch.arange(4.0).view(1, 1, 4, 1), (2, 1), None, 'bilinear', antialias=True).std().item() > 0",
    ),
    (
        "`F.huber_loss` of infinite float16, with a delta that float16 cannot hold",
        "delta is rounded to float16, so to 0 or infinity; PyTorch computes in float32",
        "F.huber_loss(torch.tensor([torch.inf]).half(), torch.zeros(1).half(), delta=1e-30).isnan().item()",
    ),
    (
        "`F.cross_entropy(label_smoothing=-0.1)`",
        "is refused, as values above 1 are; PyTorch ignores it",
        "refuses('F.cross_entropy(torch.ones(1, 2), torch.tensor([0]), label_smoothing=-0.1)')",
    ),
    (
        "`F.huber_loss` of two dtypes",
        "refused by the call if a gradient is required; PyTorch raises in backward",
        "refuses('F.huber_loss(torch.ones(2, requires_grad=True), torch.ones(2).double())')",
    ),
    (
        "`Module.register_backward_hook`",
        "as `register_full_backward_hook`: the gradients of the module; PyTorch's are those of its last operation",
        "nn.Linear(1, 1).register_backward_hook(print) is not None",
    ),
    (
        "`nn.DataParallel`",
        "runs the module on its own device; `minigrad.distributed` trains on several devices and machines",
        "nn.DataParallel(nn.Identity()).device_ids == []",
    ),
    (
        "`minigrad.advice`",
        "warns once about each probable mistake in code that runs; `advice.enable(False)` turns it off",
        "issubclass(torch.advice.Advice, UserWarning)",
    ),
    (
        "`load`, `save`",
        "no pickle: files hold arrays and a description of the structure, or are `.safetensors`",
        "b'PK' in saved()[:2]",
    ),
    (
        "a list or a dict that a saved object holds several times",
        "is loaded as separate, equal ones; a tensor as one object, as in PyTorch",
        "[kept := [1], b := io.BytesIO(), torch.save([kept, kept], b), x := torch.load(b), x[0] is x[1]][4] is False",
    ),
    (
        "`F.pixel_unshuffle` of no images, and the gradient of `F.pixel_shuffle` of none",
        "have the shapes that others have; PyTorch returns the image as it is, and refuses the gradient",
        "F.pixel_unshuffle(torch.ones(0, 1, 4, 4), 2).shape == (0, 4, 2, 2)",
    ),
    (
        "the gradient of `F.celu` of float64 numbers",
        "is that of the formula; PyTorch rounds 1 / alpha to float32",
        "abs(torch.func.grad(lambda x: F.celu(x, 0.7))(-torch.ones(()).double()) - np.exp(-1 / 0.7)) < 1e-12",
    ),
    (
        "`rsqrt` and `cosh` of float16 numbers",
        "are rounded once; PyTorch also rounds on the way, so the last digit may differ",
        "torch.tensor(0.8584).half().rsqrt().item() == 1.0791015625",
    ),
    (
        "convolutions of infinity and NaN, and their gradients",
        "follow the formula: a zero of the padding times infinity is NaN; PyTorch's algorithms skip or spread some",
        "bool(F.conv2d(torch.ones(1, 1, 1, 1), torch.full((1, 1, 3, 3), torch.inf), padding=1).isnan().all())",
    ),
    (
        "`F.conv2d`, `matmul`, `mean`, `add(alpha=)`, losses and gradients of numbers near overflow",
        "whether values overflow or cancel depends on the order of operations, which is not PyTorch's",
        "not torch.tensor([[1e38] * 4 + [-1e38] * 4]).mm(torch.full((8, 1), 3.0)).isfinite().item()",
    ),
    (
        "`F.pdist`, `histogram`, `special.ndtri` and others of float16, `special.round` of integers",
        "are computed; PyTorch's CPU has no kernel for them",
        "F.pdist(torch.ones(2, 1).half()).tolist() == [0.0]",
    ),
    (
        "gradient of `F.kl_div` in its target; `F.multi_margin_loss` of NaN",
        "0 at a target of 0, where PyTorch gives NaN; NaN, where PyTorch gives a loss of 0",
        "gradient('F.kl_div(torch.zeros(1), x, reduction=\\'sum\\')', [0.0]) == [0.0]",
    ),
    (
        "`F.gelu` of infinity",
        "infinity, the limit; PyTorch's float32 result is NaN",
        "F.gelu(torch.tensor([torch.inf])).item() == torch.inf",
    ),
    (
        "gradients of `F.batch_norm`, `F.group_norm`, `F.layer_norm`, `F.cosine_similarity` over one to three numbers",
        "cancel to rounding errors as small as in PyTorch, which are not always the same",
        "abs(sum(gradient('(F.batch_norm(x[:, None], None, None, None, None, True)[0]).sum()', [-1.0, 0.6]))) < 1e-6",
    ),
    (
        "`F.layer_norm`, `F.group_norm`, `F.rms_norm` of one number",
        "0, and so is the weight's gradient; PyTorch shows the rounding of a fused multiply-add",
        "F.layer_norm(torch.tensor([0.1]), (1,)).item() == 0.0",
    ),
    (
        "gradients of `F.group_norm` of empty images, `F.batch_norm` of no images",
        "0, and NaN beside an infinite running mean; PyTorch gives NaN for groups, 0 for batches",
        "gradient('F.group_norm(torch.zeros(2, 2, 0), 1, x).sum()', [1.0, 1.0]) == [0.0, 0.0]",
    ),
    (
        "`F.interpolate` of infinite pixels",
        "an axis that keeps its length is not changed; PyTorch adds its next pixel times 0, which gives NaN",
        "F.interpolate(torch.tensor([[[[torch.inf], [1.0]]]]), (4, 1), mode='bilinear').max().item() == torch.inf",
    ),
    (
        "`F.interpolate(antialias=True)` with a scale that does not change an axis' length",
        "the gradient leaves the axis unchanged, as the forward does; PyTorch's gradient is that of a filter",
        "gradient('F.interpolate(x[None, None], None, 1.3, \\'bilinear\\', antialias=True).sum()', [[2.0]]) == [[1.0]]",
    ),
    (
        "`nn.Conv2d`, `nn.MaxPool2d` and similar layers",
        "options for another number of axes are refused by the constructor; PyTorch raises at the first call",
        "refuses('nn.Conv2d(1, 1, (3, 3, 3))') and refuses('nn.MaxPool2d((2, 2, 2))')",
    ),
    (
        "printed names",
        "`minigrad.Size`, `minigrad.float64`; names in `grad_fn` are those of our operations",
        "repr(torch.Size([2])) == 'minigrad.Size([2])'",
    ),
    (
        "the `grad_fn` of a view after a write to its base",
        "has the name of the view's operation, as `ViewBackward0`; PyTorch's is `AsStridedBackward0`",
        (
            "[x := ones_with_gradient(2) * 1, y := x.view(2, 1), x.add_(1), "
            "y.grad_fn.name().endswith('AsStridedBackward0')][3] is False"
        ),
    ),
    (
        "`__torch_function__`",
        "is not asked of options, keys of an index and `out`; a mode is not told attributes and `x[i]`",
        "type(torch.ones(1)[torch.zeros(1).long().as_subclass(type('Image', (torch.Tensor,), {}))]) is torch.Tensor",
    ),
    (
        "the file of a part of a tensor: `torch.save(x[:5])`",
        "holds the part alone, unless another saved tensor shares its memory; PyTorch's holds all of `x`",
        "[torch.save(torch.ones(9)[:5], b := io.BytesIO()), b.seek(0), torch.load(b).storage().size()][2] == 5",
    ),
    (
        "a leaf that is read back through `saved_tensors_hooks`",
        "passes its gradient on to the leaf, but is none itself: it prints a `grad_fn`; PyTorch's prints as the leaf",
        (
            "refuses('x = torch.ones(1, requires_grad=True)\\nwith torch.autograd.graph.saved_tensors_hooks(abs, abs): "
            "y = x * x\\nassert y.grad_fn._saved_self.is_leaf')"
        ),
    ),
    (
        "a write to what all examples of `vmap` see",
        "refused for arguments, and done for each example if they are not; PyTorch refuses only batched values",
        "refuses('torch.vmap(torch.Tensor.add_, (None, 0))(torch.ones(1), torch.ones(2, 1))')",
    ),
    (
        "lengths that the padded tensor of `nn.utils.rnn.pack_padded_sequence` does not have",
        "refused: a length above its steps, or fewer lengths than sequences; PyTorch leaves steps or sequences out",
        "refuses('nn.utils.rnn.pack_padded_sequence(torch.ones(2, 2), [3, 1])')",
    ),
    (
        "`nn.utils.rnn.unpad_sequence`",
        "leaves the padded tensor as it is; PyTorch's is transposed in place",
        "[x := torch.ones(3, 2), nn.utils.rnn.unpad_sequence(x, torch.tensor([3, 1]))][0].shape == (3, 2)",
    ),
    (
        "`nn.utils.skip_init`",
        "the values are those of the layer's own initialization until they are set; PyTorch's are what memory held",
        "bool(nn.utils.skip_init(nn.BatchNorm1d, 2).weight.eq(1).all())",
    ),
    (
        "writes to an operand of `gather`, `index_add`, `conv2d` and others, to results of attention and of `nn.LSTM`",
        "are accepted where the gradient does not depend on its values; PyTorch has saved it and refuses backward",
        "gradient('(h := x * 1, y := h.take(torch.tensor([0])), h.add_(1), y.sum())[3]', [3.0]) == [1.0]",
    ),
    (
        "dtypes",
        (
            "no complex numbers, no bfloat16, no quantized or sparse tensors; `torch.bfloat16`, `torch.complex64` and "
            "unsigned dtypes wider than uint8 are names to compare with, for `finfo`, `iinfo`, `promote_types` and "
            "`can_cast` too; bfloat16 numbers of a `.safetensors` file are read as float32"
        ),
        "refuses('torch.ones(1, dtype=torch.complex64)') and torch.finfo(torch.bfloat16).eps == 2**-7",
    ),
    (
        "`nn.AdaptiveLogSoftmaxWithLoss`",
        "is a class to compare with, as in `isinstance(layer, nn.AdaptiveLogSoftmaxWithLoss)`; making one is refused",
        (
            "refuses('nn.AdaptiveLogSoftmaxWithLoss(8, 9, [3])') and "
            "not isinstance(nn.Linear(2, 3), nn.AdaptiveLogSoftmaxWithLoss)"
        ),
    ),
    (
        "`F.dropout`, `bernoulli`",
        "PyTorch's numbers, where its own kernel draws them; on Intel's processors Intel's library draws others",
        "0.4 < float(torch.bernoulli(torch.full((1000,), 0.5)).mean()) < 0.6",
    ),
    (
        "`optim.lr_scheduler`",
        "a parameter group that is added to the optimizer later is scheduled from its learning rate at that time",
        "hasattr(torch.optim.lr_scheduler, 'SequentialLR')",
    ),
    (
        "`optim`",
        "no `differentiable=True`: a step works on plain arrays; `foreach` has no effect, nor has `fused` on the CPU",
        "refuses('torch.optim.SGD([torch.ones(1)], differentiable=True)')",
    ),
    (
        "`cuda.graph`, `CUDAGraph`",
        '`capture_error_mode` is checked but has no effect: memory can be allocated only in CUDA\'s mode "relaxed"',
        "not torch.cuda.is_current_stream_capturing()",
    ),
    (
        "`distributed`",
        "MPI moves data, even for 'gloo'; only plain objects are sent; ranks check that their calls agree",
        "torch.distributed.get_debug_level() is torch.distributed.DebugLevel.DETAIL",
    ),
    ("`nn.SyncBatchNorm`", "works on the CPU too", "nn.SyncBatchNorm(1)(torch.tensor([[1.0], [3.0]])).shape == (2, 1)"),
    (
        "`nn.parallel.DistributedDataParallel`",
        "a bucket holds a quarter of the gradients, in PyTorch 25 MiB; `backward(create_graph=True)` is refused",
        "nn.parallel.distributed.default_cap([torch.zeros(2**20)]) == 2**20",
    ),
    (
        "`cuda`",
        "uses CuPy; `cuda.is_available()` runs a kernel, `cuda.why_not()` says what is missing",
        "torch.cuda.is_available() or bool(torch.cuda.why_not())",
    ),
    (
        "`torch.Tensor(2, 3)`, `torch.Tensor([1.0])` under `set_default_device` or `with torch.device(...)`",
        "made on that device, as by `torch.empty` and `torch.tensor`; PyTorch makes it on the CPU",
        "torch.Tensor(2).device == torch.get_default_device()",
    ),
    (
        "`cuda.memory_stats`, `max_memory_allocated`",
        "bytes of arrays and of the pool alone, not each pool's counts; the peak is that of the pool",
        "torch.cuda.memory_stats().get('allocated_bytes.all.current', 0) == torch.cuda.memory_allocated()",
    ),
    (
        "`autograd.gradcheck`",
        "float32 inputs and expanded ones are checked on float64 copies; a function without outputs is refused",
        "torch.autograd.gradcheck(torch.tanh, torch.ones(2, requires_grad=True))",
    ),
    (
        "`func`",
        "`vmap(out_dims=None)` compares the results of all examples; PyTorch refuses any that depend on one",
        "torch.vmap(lambda x: x, out_dims=None)(torch.ones(3)).item() == 1",
    ),
    (
        "`func`",
        "`vmap` calls the function for each example, at least one, so what it prints is printed for each",
        "torch.vmap(torch.sin)(torch.zeros(2, 1)).shape == (2, 1)",
    ),
    (
        "the gradient of a product of `func.linearize`",
        "includes how the derivative depends on the point; in PyTorch it is a constant there, and wrong in a transform",
        "gradient('torch.func.linearize(lambda z: z**3, x)[1](torch.ones(1)).sum()', [2.0]) == [12.0]",
    ),
    (
        "`func.grad` of `func.jvp` with `linalg.det`, `solve`, `F.layer_norm`, `F.batch_norm`; `jacrev` of `cdist`",
        "are the derivatives, as finite differences confirm; PyTorch's lack terms, or repeat the first row",
        (
            "torch.func.jacrev(lambda x: torch.cdist(x, torch.tensor([[0.0], [5.0]])))(torch.ones(1, 1)).flatten()"
            ".tolist() == [1.0, -1.0] and torch.func.grad(lambda x: torch.func.jvp(torch.linalg.det, (x,), "
            "(torch.ones(2, 2),))[1])(torch.eye(2)).tolist() == [[1.0, -1.0], [-1.0, 1.0]]"
        ),
    ),
    (
        "`no_grad` inside a function that `func.jvp`, `jacfwd` or `linearize` differentiates",
        "stops the derivative, as in `grad`; PyTorch's forward-mode derivatives ignore it",
        "torch.func.jvp(torch.no_grad()(torch.sin), (torch.zeros(1),), (torch.ones(1),))[1].item() == 0",
    ),
    (
        "`autograd.forward_ad`",
        "a dual requires a gradient, `no_grad` stops its tangent; writes leave the given one, prints do not show it",
        (
            "[f := torch.autograd.forward_ad, f.enter_dual_level(), x := f.make_dual(torch.ones(1), torch.ones(1)), "
            "x.requires_grad and f.unpack_dual(torch.no_grad()(x.exp)()).tangent is None, f.exit_dual_level()][3]"
        ),
    ),
    (
        "`requires_grad` of the tangents of linear functions, as of `x * 3`, where the dual requires a gradient",
        "is False, because they do not depend on it; in PyTorch it is True for products and quotients with numbers",
        (
            "[f := torch.autograd.forward_ad, f.enter_dual_level(), x := f.make_dual(ones_with_gradient(1), "
            "torch.ones(1)), f.unpack_dual(x * 3).tangent.requires_grad, f.exit_dual_level()][3] is False"
        ),
    ),
    (
        "`F.ctc_loss`",
        "the gradient is right for any log_probs; PyTorch's only after log_softmax, and it is NaN beside inf",
        "gradient('F.ctc_loss(x.view(1, 1, 2), torch.tensor([[1]]), [1], [1])', [-1.0, -0.5]) == [0.0, -1.0]",
    ),
    (
        "`autograd.detect_anomaly`",
        "applies to one thread; computing a NaN warns; the error for a NaN gradient names the line",
        "hasattr(torch.autograd, 'detect_anomaly')",
    ),
    (
        "`autograd.graph.register_multi_grad_hook`",
        "a tensor that backward starts at is reached, too; PyTorch calls the hook too early then, or never",
        "hasattr(torch.autograd.graph, 'register_multi_grad_hook')",
    ),
    (
        "`autograd.Function`",
        "`jvp`, `vmap` are never called, backward gives forward-mode derivatives; transforms need no `setup_context`",
        "refuses('torch.autograd.Function.jvp(None)')",
    ),
    (
        "`torch.__version__`",
        "is the PyTorch version whose behaviour is followed; `torch.version.minigrad` is this package's own version",
        "torch.__version__ >= '2.13' and torch.version.minigrad < '2'",
    ),
    (
        "`tensor`, `from_numpy`",
        "negative strides are accepted; complex arrays are refused, and wide unsigned ones unless `dtype` is given",
        "not refuses('torch.tensor(np.arange(3)[::-1])') and refuses('torch.tensor(np.zeros(1, np.uint16))')",
    ),
    (
        "`tensor([[], [1]])` and other lists whose first item is empty",
        "ragged lists are always refused; PyTorch drops the numbers",
        "refuses('torch.tensor([[], [1]])')",
    ),
    (
        "`x < array`, `torch.add(x, array)`, `x.add_(array)`",
        "a NumPy array counts as a tensor; in PyTorch only beside + - * /",
        "(torch.ones(2) < np.ones(2)).tolist() == [False, False]",
    ),
    (
        "`np.add(array, x)` and other ufuncs of an array and a tensor",
        "refused except `/`, `==` and `!=`, as `array + x` is; `array != x` compares elements; `x @ array` is refused",
        "refuses('np.add(np.ones(2), torch.ones(2))') and (np.ones(2) / torch.ones(2)).tolist() == [1.0, 1.0]",
    ),
    (
        "NumPy's bools beside tensors, and as flags",
        "count as Python's bools; PyTorch treats them as floats, and refuses them as some flags",
        "(torch.tensor([2]) * np.bool_(True)).dtype is torch.int64",
    ),
    (
        "`x ** torch.tensor(0.5)` of -infinity and of -0.0",
        "the square root, as `x ** 0.5`: NaN and -0.0; PyTorch's is then infinity and 0.0",
        "(torch.tensor(-torch.inf) ** torch.tensor(0.5)).isnan().item()",
    ),
    (
        "`out=`: `median`, `prod` without a dim, `where` with a number, windows, `isnan`, methods, `lerp`'s cast",
        "is written to; PyTorch has no `out` there, or wants the dtype of the result",
        "torch.median(torch.ones(3), out=torch.zeros(())).item() == 1",
    ),
    (
        "`out=` of `F.linear`",
        "is refused; PyTorch's function takes it, but does not document it",
        "refuses('F.linear(torch.ones(1), torch.ones(1, 1), out=torch.ones(1))')",
    ),
    (
        "`out=` of operands that require a gradient, as in `quantile`, `tensordot`, `linalg.norm`, `softmax(dtype=)`",
        "is always refused; PyTorch accepts it where a function is composed of others",
        "refuses('torch.quantile(ones_with_gradient(2), 0.5, out=torch.zeros(()))')",
    ),
    (
        "reductions with an `out=` that shares memory with the operand",
        "are refused, or read everything first; PyTorch clears `out` first: `sum(x[:1], 0, out=x[0])` is 0",
        "refuses('x = torch.ones(2, 2); torch.sum(x, 0, out=x[0])')",
    ),
    (
        "`Optimizer.state_dict()` after a parameter of a group was replaced by hand",
        "the replaced one's state is kept, under the parameter; PyTorch raises KeyError",
        (
            "[p := ones_with_gradient(1), o := torch.optim.Adam([p]), setattr(p, 'grad', torch.ones(1)), o.step(), "
            "o.param_groups[0].update(params=[ones_with_gradient(1)]), [*o.state_dict()['state']][0] is p][-1]"
        ),
    ),
    (
        "`distributions.Gamma`, `Beta`, `Dirichlet`, `Chi2`",
        (
            "the gradients of `rsample` are right to ten digits for most draws, and have derivatives; PyTorch's are "
            "right to three or four, and have none"
        ),
        (
            "[torch.manual_seed(0), c := ones_with_gradient(3), x := torch.distributions.Gamma(c, 1.0).rsample(), "
            "g := torch.autograd.grad(x.sum(), c, create_graph=True)[0], g.requires_grad][-1]"
        ),
    ),
    (
        "`cdf` and `icdf` of `distributions.Laplace` in the middle",
        "have the right gradient; PyTorch's is 0, the slope that it gives `abs` at 0",
        (
            "[x := torch.zeros((), requires_grad=True), torch.distributions.Laplace(0.0, 1.0).cdf(x).backward(), "
            "x.grad == 0.5][-1]"
        ),
    ),
    (
        "`distributions.ContinuousBernoulli` between its `lims`",
        (
            "`cdf`, `icdf` and `rsample` follow the chances, so they have gradients there, and the variance's series "
            "has its right sign; PyTorch's are those of chance 1/2"
        ),
        (
            "(grey := lambda *lims: torch.distributions.ContinuousBernoulli(torch.tensor(0.46).double(), lims=lims))"
            "(0.4, 0.6).variance.sub(grey(0.5, 0.5).variance).abs() < 1e-8"
        ),
    ),
    (
        "`with_cache` of a transform of your own that has an `__init__`",
        "gives a copy with another cache; PyTorch raises NotImplementedError",
        (
            "isinstance(type('Own', (torch.distributions.Transform,), {'__init__': lambda self: "
            "torch.distributions.Transform.__init__(self)})().with_cache(), torch.distributions.Transform)"
        ),
    ),
    (
        "`mode` of `distributions.Kumaraswamy`",
        "is where the density is largest; PyTorch's is NaN for all parameters",
        "abs(torch.distributions.Kumaraswamy(2.0, 3.0).mode.item() - 0.2**0.5) < 1e-6",
    ),
    (
        "`mode` of `distributions.Dirichlet`, `Beta` whose concentrations are all below 1",
        "the corner of the largest one; PyTorch takes the first one, because it looks for the largest of NaNs",
        "torch.distributions.Dirichlet(torch.tensor([0.5, 0.75])).mode.tolist() == [0, 1]",
    ),
    (
        "`kl_divergence` of two batches whose shapes differ",
        "is computed for the common shape; PyTorch refuses it for some classes, such as `Bernoulli` and `Pareto`",
        (
            "(coins := lambda *shape: torch.distributions.Bernoulli(torch.full(shape, 0.5))) "
            "and torch.distributions.kl_divergence(coins(1), coins(3)).shape == (3,)"
        ),
    ),
    (
        "`repr` of `Bernoulli`, `Categorical`, `NegativeBinomial`",
        "shows the parameter that was given; PyTorch also shows the other one, once something has computed it",
        "[d := torch.distributions.Bernoulli(0.5), d.logits, repr(d)][2] == 'Bernoulli(probs: 0.5)'",
    ),
    (
        "a second backward through `addcdiv` of constants",
        "is accepted, because the gradient reads none of them; PyTorch has saved them",
        "[y := ones_with_gradient(1).addcdiv(torch.ones(1), torch.ones(1)), y.backward(), y.backward()][2] is None",
    ),
    (
        "`maximum`, `clamp`, `searchsorted` of integers that the common dtype cannot hold, as 2**62 beside float16",
        "the numbers are compared as they are given; PyTorch compares infinities",
        (
            "[b := torch.tensor([torch.inf]).half().requires_grad_(), "
            "torch.maximum(torch.tensor([2**62]), b).backward(), "
            "b.grad.item()][2] == 1"
        ),
    ),
    (
        "a second backward through `trapezoid`, `gradient`, `F.affine_grid`, `F.adaptive_avg_pool1d(x, 1)` and `2d`",
        "is refused, because small operations have saved numbers; in PyTorch these save nothing",
        "refuses('y = torch.trapezoid(ones_with_gradient(2)); y.backward(); y.backward()')",
    ),
    (
        "Python integers of more than 64 bits beside floats, and in quotients",
        "are computed as floats; PyTorch refuses them",
        "(torch.tensor([1.0]) < 2**64).item()",
    ),
    (
        "`gcd`, `lcm` of integers near their dtype's limits",
        "right where the result fits; PyTorch's intermediate values overflow",
        "torch.gcd(torch.tensor(-(2**63)), torch.tensor(6)).item() == 2",
    ),
    (
        "`maximum`, `minimum`, `fmax`, `fmin`, `clamp` by one tensor of 0.0 and -0.0; `relu` of -0.0 in float16",
        "gives either of the two; in PyTorch it depends on the dtype and on the element's position in memory",
        "torch.maximum(torch.tensor(0.0), torch.tensor(-0.0)).item() == 0",
    ),
    (
        "`std`, `var` over the dimensions `()`",
        "reduces over all dimensions, also in backward; PyTorch's gradient is infinite",
        "gradient('x.var(())', [1.0, 3.0]) == [-2.0, 2.0]",
    ),
    (
        "`var_mean`, `std_mean` of infinities, and of float32 numbers whose sum overflows",
        "the mean is that of `mean`, an infinity; PyTorch's is NaN, and finite",
        "torch.var_mean(torch.tensor([1.0, float('inf')]))[1].item() == float('inf')",
    ),
    (
        "out-of-range indices beside an axis without elements",
        "refused; PyTorch does not check them, because nothing is read",
        "refuses('torch.zeros(2, 3)[2:, torch.tensor([9])]')",
    ),
    (
        "`F.conv_transpose2d` with a bias, `F.rms_norm` with a weight, `F.instance_norm` with means of another dtype",
        "refused, as in all other layers; PyTorch accepts them",
        "refuses('F.rms_norm(torch.ones(2), (2,), torch.ones(2).double())')",
    ),
    (
        "`ldexp` beyond int32, `digamma` and `polygamma` at their poles and at infinity, `i0` near overflow",
        "follow the formula: infinity, or the limit; PyTorch gives 0, NaN or a large number",
        "torch.ldexp(torch.ones(1), torch.tensor([2**40])).item() == float('inf')",
    ),
    (
        "`searchsorted` with NaN, `cdist(p=inf)`, `F.pdist(p=0)` of NaN",
        "NaN sorts last, as in `sort`; a maximum with NaN is NaN; NaN is not 0. PyTorch skips it, and the last is NaN",
        "torch.cdist(torch.tensor([[torch.nan]]), torch.zeros(1, 1), p=float('inf')).isnan().item()",
    ),
    (
        "`addmm` and similar functions with `alpha=0` beside infinities",
        "nothing is added; in PyTorch 0 times infinity is NaN where BLAS is not used",
        "torch.addr(torch.zeros(1, 1), torch.ones(1), torch.full((1,), torch.inf), alpha=0).item() == 0",
    ),
    (
        "`torch.addmm(x, 2, a, b)` and other products with a factor after the first tensor",
        "accepted with a warning, as the method `x.addmm(2, a, b)` is; PyTorch's functions take it before `x` alone",
        "torch.addmv(torch.ones(1), 2, torch.ones(1, 1), torch.ones(1)).item() == 3",
    ),
    (
        "`torch.ger`, `torch.clip`, `torch.arcsin` and other second names",
        "are the same function as `torch.outer`, `torch.clamp`, `torch.asin`, with its `__name__`, also in errors",
        "torch.ger is torch.outer and torch.clip is torch.clamp",
    ),
    (
        "`addmv`, `addr` of float16 with `beta` or `alpha` beyond 65504",
        "are computed in float32, as `addmm` is; PyTorch refuses them for these two alone",
        "torch.addmv(*[torch.ones(*s, dtype=torch.half) for s in [(1,), (1, 1), (1,)]], beta=1e5).item() == torch.inf",
    ),
    (
        "`F.scaled_dot_product_attention(attn_mask=mask, is_causal=True)`",
        "keys that either hides are hidden, for any number of axes; PyTorch refuses some, depending on the kernel",
        "F.scaled_dot_product_attention(*[torch.ones(1, 1)] * 3, torch.ones(1, 1).bool(), is_causal=True).item() == 1",
    ),
    (
        "`nn.TransformerEncoderLayer`, `nn.MultiheadAttention` in evaluation without gradients",
        (
            "compute by the formula of training: PyTorch hides a place for every float but 0 in a mask, "
            "ignores `is_causal` without a mask, and gives NaN with `need_weights=False` to a query that sees no key"
        ),
        (
            "(m := nn.MultiheadAttention(2, 2, batch_first=True).eval(), x := torch.ones(1, 1, 2), torch.no_grad()(m)("
            "x, x, x, torch.ones(1, 1).bool(), False)[0].tolist())[2] == [[[0.0, 0.0]]]"
        ),
    ),
    (
        "`nn.TransformerDecoder` of a layer whose `activation` is a module",
        "copies the layer with its activation; in PyTorch the copies compute relu",
        (
            "isinstance(nn.TransformerDecoder(nn.TransformerDecoderLayer(2, 1, 2, activation=nn.Tanh()), 1).layers[0]"
            ".activation, nn.Tanh)"
        ),
    ),
    (
        "`x.data = y` with a tensor `y` of `inference_mode`",
        "`x` can be trained on; PyTorch makes an inference tensor of it, whose calls are not recorded",
        "(x := torch.ones(1), setattr(x, 'data', torch.inference_mode()(torch.ones)(1)), x.is_inference())[2] is False",
    ),
    (
        "`vander` of floats with a gradient, `scatter_reduce(include_self=False)`, `index_reduce` of equal numbers",
        "the gradient follows the formula; PyTorch refuses its own in-place write, and counts excluded elements",
        "gradient('torch.vander(x).sum()', [2.0, 3.0]) == [1.0, 1.0]",
    ),
    (
        "NaN as an optimizer's option, as `label_smoothing` or as dropout's `p`",
        "refused; PyTorch accepts it, and gives NaN",
        "refuses('torch.nn.Dropout(torch.nan)')",
    ),
    (
        "`amsgrad`, `centered` or `momentum` of Adam and RMSprop, switched on in a group after the first step",
        "the averages begin there; PyTorch raises KeyError",
        (
            "[x := ones_with_gradient(1), o := torch.optim.RMSprop([x], lr=0.5), (x * 2).sum().backward(), o.step(), "
            "o.param_groups[0].update(momentum=0.5), o.step(), 'momentum_buffer' in o.state[x]][6]"
        ),
    ),
    (
        "an optimizer's step after `net.double()`, `net.half()` and similar, between two steps",
        "goes on with the averages in their old dtype; PyTorch refuses it for Adam and others that use `lerp_`",
        (
            "[n := nn.Linear(1, 1), o := torch.optim.Adam(n.parameters()), n(torch.ones(1, 1)).backward(), o.step(), "
            "n.double(), o.step(), n.weight.dtype][6] == torch.float64"
        ),
    ),
    (
        "writes to other tensors than its own by a function of `func.grad`, `vjp`, `jvp`, as batch norm's statistics",
        "are done, as outside; PyTorch refuses them",
        (
            "[n := nn.BatchNorm1d(1), torch.func.grad(lambda x: n(x).sum())(torch.ones(2, 1)), "
            "n.num_batches_tracked.item()][2] == 1"
        ),
    ),
    (
        "`func.jvp`, `func.jacfwd` at an expanded tensor",
        "are computed; PyTorch refuses them, because it writes to copies with the same strides",
        ("torch.func.jvp(lambda x: x * x, (torch.ones(1).expand(2),), (torch.ones(2),))[1].tolist() == [2.0, 2.0]"),
    ),
    (
        "full backward hooks in `func.grad`, `vjp`, `jvp` and other transforms",
        "change the derivative, as outside; PyTorch refuses them, and its forward-mode derivatives ignore them",
        (
            "[n := nn.Identity(), n.register_full_backward_hook(lambda m, gi, go: (gi[0] * 2,)), "
            "torch.func.jvp(n, (torch.ones(1),), (torch.ones(1),))[1].item()][2] == 2"
        ),
    ),
    (
        "`clip_grad_value_` of parameters without gradients",
        "does nothing; PyTorch raises an internal error",
        "nn.utils.clip_grad_value_([torch.ones(1)], 1.0) is None",
    ),
    (
        "`det` of a singular matrix, and of one with infinities",
        "the gradient is that of its formula, the cofactors, and NaN; PyTorch's is 0, and some infinities",
        "np.rint(gradient('torch.linalg.det(x.view(2, 2))', [1.0, 1.0, 1.0, 1.0])).tolist() == [1.0, -1.0, -1.0, 1.0]",
    ),
    (
        "reductions of transposed tensors with `keepdim=True`",
        "keep the operand's memory order, so `x - x.mean(1, True)` does, as in PyTorch; PyTorch's means are row-major",
        "(x := torch.ones(2, 3, 4).mT).sub(x.mean(0, True)).stride() == x.stride()",
    ),
    (
        "`index_select` with an index out of range; `index_fill`, `index_copy` along an axis without elements",
        "IndexError along every axis; PyTorch raises RuntimeError along the second, and for the last two",
        "refuses('torch.index_select(torch.zeros(2, 3), 1, torch.tensor([3]))')",
    ),
    (
        "a number that is assigned under a uint8 mask, and by `index_put_` with no indices",
        "is written, as several values are; PyTorch refuses it",
        "[x := torch.zeros(2), x.index_put_((torch.tensor([0, 1]).byte(),), torch.tensor(3.0))][1].tolist() == [0, 3]",
    ),
    (
        "`x[False] = value`",
        "`value` is checked as always, and its gradient is recorded; PyTorch ignores it",
        "refuses('torch.zeros(3)[False] = torch.zeros(2)')",
    ),
    (
        "`repeat(-1)` on tensors without elements",
        "refused, as on others; PyTorch does not check the number",
        "refuses('torch.zeros(0).repeat(-1)')",
    ),
    (
        "`logsumexp` over the dimensions `()`",
        "reduces over all dimensions; PyTorch accepts it only for 0-d tensors",
        "torch.logsumexp(torch.zeros(1, 1), ()).item() == 0",
    ),
    (
        "`F.binary_cross_entropy` of float16 numbers that are 0 or 1",
        "the gradient is 0 where the target is equal; PyTorch divides by a bound that is 0 in float16, and gives NaN",
        "gradient('F.binary_cross_entropy(x.half(), torch.tensor([0.0, 1.0]).half())', [0.0, 1.0]) == [0.0, 0.0]",
    ),
    (
        "writes through `x.data` before backward",
        "are not noticed, as in PyTorch; but the saved tensors differ: `prod` saves its input, PyTorch the result too",
        "[x := torch.ones(2, requires_grad=True), x.prod(), x.data.add_(1)][1].backward() or x.grad.tolist() == [2, 2]",
    ),
    (
        "`f'{x:.3f}'`",
        "formats any tensor of one element, and a Parameter; PyTorch formats only plain 0-d tensors",
        "f'{torch.tensor([0.5]):.2f}' == '0.50'",
    ),
    (
        "read-only arrays",
        "writing to a tensor that shares one raises RuntimeError; PyTorch writes to the read-only memory",
        "refuses('a = np.zeros(1); a.flags.writeable = False; torch.as_tensor(a).add_(1)')",
    ),
    (
        "NumPy's functions",
        "have gradients where PyTorch has the function (`np.exp(x)`); comparisons give bools, in PyTorch uint8",
        "np.isnan(torch.ones(1)).dtype is torch.bool and np.exp(torch.ones(1, requires_grad=True)).requires_grad",
    ),
    (
        "`x.data = other`",
        "a gradient of another shape is removed with the old data; PyTorch keeps it, and the next backward fails",
        "refuses('x = torch.ones(2); x.grad = torch.ones(2); x.data = torch.ones(3); x.grad.abs')",
    ),
    (
        "`x.require_grad = True` and other misspellings of `requires_grad`",
        "refused; PyTorch sets an attribute that has no effect",
        "refuses('torch.ones(1).require_grad = True')",
    ),
    (
        "`eye(n, None)`, `x.round(decimals=None)`",
        "as without it; PyTorch refuses the None",
        "torch.eye(2, None).shape == (2, 2) and torch.ones(1).round(decimals=None) == 1",
    ),
    (
        "results too large for memory of `@`, `cartesian_prod`, `F.pixel_shuffle` and others; `F.pad` by 2**62",
        "NumPy's MemoryError, which says how much is needed; is refused. PyTorch raises RuntimeError, and pads nothing",
        "refuses('F.pad(torch.ones(1), (2**62, 0))') and refuses('torch.ones(2**20, 1) @ torch.ones(1, 2**30)')",
    ),
    (
        "`F.instance_norm(eps=0)` of an image of one value",
        "NaN, as in the other normalizations; PyTorch gives 0 only here",
        "F.instance_norm(torch.ones(1, 1, 2), eps=0).isnan().all().item()",
    ),
    (
        "`matrix_exp` of float16",
        "refused; PyTorch 2.13 computes wrong numbers",
        "refuses('torch.matrix_exp(torch.eye(2).half())')",
    ),
    (
        "negative `argnums` of `func.jacfwd` and `func.hessian`",
        "count from the end, as those of `func.jacrev`; PyTorch 2.13 gives zeros",
        "torch.func.jacfwd(lambda x: x * x, argnums=-1)(torch.ones(1)).tolist() == [[2]]",
    ),
    (
        "`func.jvp`, `func.jacfwd` of functions that return integers or bools",
        "are refused, as by `func.vjp`; PyTorch's derivatives are 0, in the dtype of the result",
        "refuses('x = torch.ones(2); torch.func.jvp(torch.argmax, (x,), (x,))')",
    ),
    (
        "`func.jacfwd(func.jacfwd(f))` through `layer_norm` or `det`",
        "the Hessian, as `func.hessian` gives it; PyTorch 2.13 gives other numbers than its own `func.hessian`",
        (
            "[f := lambda x: x.view(2, 2).det() ** 2, x := torch.tensor([1.0, 2.0, 3.0, 5.0]), "
            "torch.allclose(torch.func.jacfwd(torch.func.jacfwd(f))(x), torch.func.hessian(f)(x))][2]"
        ),
    ),
    (
        "`std`, `var` of all numbers of a float32 tensor whose sum overflows",
        "is finite where it fits, as over a dim; PyTorch's is infinite",
        "torch.tensor([3e38, 3e38]).std().item() == 0",
    ),
    (
        "`x ** n` of float32 and float16 and its gradient, for an n that they round, as 2**24 + 1 or 1e-46",
        "n is rounded for all elements, so (-1) ** n is 1; PyTorch computes short tensors and ends of rows in float64",
        "(torch.tensor(-1.0) ** (2**24 + 1)).item() == 1",
    ),
    (
        "rows of integers as options of pooling: `F.max_pool2d(x, np.array([2, 1]))`",
        "an array, a tensor or a range counts as a tuple, as in convolutions; PyTorch's pooling takes tuples only",
        "F.max_pool2d(torch.ones(1, 2, 3), range(1, 3)).shape == (1, 2, 1)",
    ),
    (
        "the gradient of `F.interpolate` by 'nearest' in one or three axes and 'bicubic', if a scale keeps a length",
        "is that of the result, whose pixels follow the scale; PyTorch's follows the sizes, in three axes by any scale",
        "gradient('F.interpolate(x[None, None], None, 1.2).sum()', [1.0, 2.0]) == [2.0, 0.0]",
    ),
    (
        "`index.data = other` before backward, and in-place changes of an operand of `kron`",
        "the index of the forward counts, and the change is refused; PyTorch uses the new numbers",
        "refuses('w = torch.ones(2, requires_grad=True); y = torch.kron(w, z := w + 0); z.exp_(); y[0].backward()')",
    ),
    (
        "lists of 0-d arrays, such as `torch.tensor([np.array(1.0)])`",
        "hold their numbers; PyTorch refuses them",
        "torch.tensor([np.array(1.0)]).tolist() == [1.0]",
    ),
    (
        "tensors of one element as sizes of layers: `nn.Linear(torch.tensor(2), 3)`",
        "are read as ints if they are 0-d; PyTorch refuses some, and takes tensors of shape (1,) in places",
        "torch.nn.Conv1d(torch.tensor(1), 1, 1).in_channels == 1",
    ),
    (
        "bools as sizes: `nn.GroupNorm(True, 2)`; tensors of one bool",
        "the layer refuses it, `torch.zeros(torch.tensor(True))` has the size 1; in PyTorch it is the other way round",
        "refuses('nn.GroupNorm(True, 2)') and torch.zeros(torch.tensor(True)).shape == (1,)",
    ),
    (
        "`logaddexp2` where the result is 0",
        "0; PyTorch's is the rounding of a fused multiply-add, 1e-8",
        "torch.logaddexp2(torch.tensor(-1.0), torch.tensor(-1.0)).item() == 0",
    ),
    (
        "integer quotients and `lcm` of the least integer of its dtype by -1",
        "wrap around, as other integer results do; PyTorch 2.13 ends the process",
        "torch.div(torch.tensor(-(2**63)), torch.tensor(-1), rounding_mode='trunc').item() == -(2**63)",
    ),
    (
        "`eps` of `logit` and `F.cosine_similarity`: NaN, or what float16 does not hold",
        "gives NaN, or is refused; PyTorch ignores NaN in `logit`, refuses it in the other, and rounds to infinity",
        "torch.logit(torch.tensor([0.5]), float('nan')).isnan().item()",
    ),
    (
        "`log1p`, `erf`, `special.i1` of denormal numbers, which are less than `finfo(dtype).tiny`",
        "the denormal number that follows; PyTorch's vectorized loops give 0 for some",
        "torch.log1p(torch.tensor(1e-45)).item() > 0",
    ),
    (
        "`F.adaptive_avg_pool2d(x, 1)` of tensors of five or more axes",
        "refused, as for every other size; PyTorch averages over the last two axes",
        "refuses('torch.nn.functional.adaptive_avg_pool2d(torch.ones(1, 1, 1, 2, 2), 1)')",
    ),
    (
        "`median` of no int8 or int16 numbers",
        "the least number of the dtype, as of the other integers; PyTorch's is 0",
        "torch.median(torch.zeros(0, dtype=torch.int8)).item() == -128",
    ),
    (
        "`F.group_norm(x, 0)`",
        "RuntimeError, as for other counts that do not fit; PyTorch raises ZeroDivisionError",
        "refuses('torch.nn.functional.group_norm(torch.ones(1, 2), 0)')",
    ),
    (
        "`x.count_nonzero(0, 1)`, `x.hsplit(1, 2)`, `x.vsplit(1, 2)`",
        "take a tuple; PyTorch's methods also take ints in a row",
        "refuses('torch.ones(2, 2).count_nonzero(0, 1)')",
    ),
    (
        "lists of masked arrays, such as `torch.tensor([np.ma.masked_array([1.0], [True])])`",
        "hold the numbers under the mask, as tensors of masked arrays do; PyTorch makes NaN of them",
        "torch.tensor([np.ma.masked_array([1.0], [True])]).item() == 1",
    ),
    (
        "`x ** other`, `x ^ other`, `x << other`, `x += other`, if `other` is of a class that answers",
        "refused; PyTorch asks it, as `x + other`, `x @ other` and most others do here, too",
        'refuses(\'operator.iadd(torch.ones(1), type("A", (), {"__radd__": max})())\')',
    ),
    (
        "`F.embedding_bag(include_last_offset=True)`, if the last offset is not the number of indices",
        "the last bag ends there; PyTorch's does not with mode 'max', nor beside `padding_idx`",
        "F.embedding_bag(torch.arange(3), torch.eye(3), torch.tensor([0, 2]), include_last_offset=True)[0, 2] == 0",
    ),
    (
        "`torch.add(x1=x, x2=y)`, `torch.sum(a=x)`: NumPy's names of tensors",
        "refused; of NumPy's names `axis` and `keepdims` are taken; PyTorch also takes these four",
        "refuses('torch.sum(a=torch.ones(2))')",
    ),
    (
        "misspelt options and NumPy's: `torch.sum(x, dimm=0)`, `x.std(ddof=1)`",
        "the error names the one that was meant (of functions that every step calls: from Python 3.13 on)",
        "refuses('torch.sum(torch.ones(2), dimm=0)')",
    ),
    (
        "strides of a number to the power of a transposed tensor, `2 ** x`",
        "the order of `x`, as in `x ** 2`; PyTorch's result is row-major",
        "(2 ** torch.ones(2, 3).t()).stride() == (1, 3)",
    ),
    (
        "strides of elementwise results, if operands' memory orders differ, or an operand is expanded or of windows",
        "on a CPU NumPy's order, as a check costs 2.6 % of a small sum; on a GPU PyTorch's: that of the first operand",
        "torch.add(torch.ones(2, 3).t(), torch.ones(3, 2)).stride() == (2, 1)",
    ),
    (
        "strides of `select_scatter`, `diagonal_scatter` and `slice_scatter` of tensors with gaps, and of gradients",
        "are dense; PyTorch's results have the same gaps, and some of its gradients another order of axes",
        "torch.diagonal_scatter(torch.ones(4, 4)[::2, ::2], torch.zeros(2)).stride() == (2, 1)",
    ),
    (
        "strides of axes of size 1 and of empty tensors, in `empty_like`, `expand` of a number, `linalg` and others",
        "NumPy's, which have no meaning there; PyTorch computes them by its own rule",
        "torch.zeros_like(torch.ones(1, 3, 1).permute(2, 1, 0)).is_contiguous()",
    ),
    (
        "`[1, 2] * torch.tensor(2)`, also for a tuple or a string",
        "refused, because multiplying the numbers is probably meant; PyTorch repeats the list",
        "refuses('[1, 2] * torch.tensor(2)')",
    ),
    (
        "a dtype that an operation does not support, as in `-mask`",
        "always NotImplementedError, a subclass of RuntimeError; PyTorch raises one or the other",
        "issubclass(NotImplementedError, RuntimeError) and refuses('-torch.tensor([True])')",
    ),
    (
        "`torch.device('mps')`, 'xpu', 'meta' and all devices except 'cpu' and 'cuda'",
        "refused when named; PyTorch refuses the first tensor there, and stores no numbers on 'meta'",
        "refuses('torch.device(\\'mps\\')')",
    ),
    (
        "`nn.modules.conv._ConvNd`",
        "exists for `isinstance`; its constructor takes a convolution's options, not PyTorch's ten arguments",
        "isinstance(nn.Conv2d(1, 1, 1), nn.modules.conv._ConvNd)",
    ),
    (
        "`next_functions` of functions that are one node here, as `linear`, or several, as `roll`, `F.glu`",
        "lead to the arguments, or to nodes on the way; in PyTorch linear's weight comes through `TBackward0`",
        "nn.Linear(1, 1)(torch.ones(1, 1)).grad_fn.next_functions[2][0].name().endswith('AccumulateGrad')",
    ),
    (
        "`hub.load`, `hub.download_url_to_file`",
        "are refused, because nothing is downloaded; `load_state_dict_from_url` loads a file that is there",
        "refuses('torch.hub.load(\\'a/b\\', \\'c\\')')",
    ),
    (
        "`Module.share_memory`",
        "is not supported, as other processes get copies; nor is `Tensor.output_nr`",
        "not hasattr(nn.Module(), 'share_memory') and not hasattr(torch.ones(1), 'output_nr')",
    ),
    (
        "hooks on all optimizers, and on one saved tensor (`grad_fn._raw_saved_self`)",
        "not supported; the hooks of one optimizer are, and `saved_tensors_hooks`",
        "not hasattr(torch.optim.optimizer, 'register_optimizer_step_post_hook')",
    ),
    (
        "`linalg.eig`, `linalg.eigvals`",
        "refused, because their results are complex; `lstsq` always uses the pseudo-inverse, whatever the driver",
        "refuses('torch.linalg.eig(torch.eye(2))')",
    ),
    (
        "`backends.cudnn`, `use_deterministic_algorithms`, `pin_memory=` of functions that create tensors",
        "accepted and reported back, without effect on a CPU",
        "not torch.backends.cudnn.is_available()",
    ),
    (
        "`sort`, `argsort`, `kron` of transposed tensors; several results of one call with `out=`",
        "the results are row-major; the class that prints is that of a call without `out`; not so in PyTorch",
        "torch.ones(2, 3).t().sort(0).values.stride() == (2, 1)",
    ),
    (
        "`Module.state_dict(destination, prefix)`",
        "takes keywords only; PyTorch also takes positions, and warns that it will not for long",
        "refuses(\"nn.Linear(1, 1).state_dict({}, 'p.')\")",
    ),
    (
        "convolutions of images without channels",
        "are refused; PyTorch returns images without channels, though the bias has some",
        "refuses('nn.functional.conv2d(torch.ones(2, 0, 5, 5), torch.ones(4, 0, 3, 3))')",
    ),
    (
        "`x.to(memory_format=torch.contiguous_format)`",
        "the result is row-major; PyTorch returns a transposed tensor as it is, if its dtype does not change",
        "torch.ones(2, 3).t().to(memory_format=torch.contiguous_format).stride() == (2, 1)",
    ),
    (
        "`linalg.vector_norm(dtype=)`",
        "may be a narrower dtype than the input's; PyTorch refuses it",
        "torch.linalg.vector_norm(torch.ones(2).double(), dtype=torch.float32).dtype is torch.float32",
    ),
    (
        "strides of `x.t() + y` and other results of operands that lie differently in memory",
        "are row-major; PyTorch's are those of the first operand",
        "(torch.ones(2, 3).t() + torch.ones(3, 2)).stride() == (2, 1)",
    ),
    (
        "functions that write into their arguments in `func.jvp`, `jacfwd` and `linearize`",
        "write into copies; PyTorch's writes reach the caller's tensors and tangents",
        "[x := torch.ones(1), torch.func.jvp(torch.Tensor.exp_, (x,), (torch.ones(1),)), x.item()][-1] == 1.0",
    ),
    (
        "`unique(dim=)` of rows with NaN",
        "NaN sorts last, as in `sort`; PyTorch leaves such rows unsorted",
        "torch.unique(torch.tensor([float('nan'), 0.0]), dim=0)[0].item() == 0.0",
    ),
    (
        "`x[i]` and `x[i] = value` with an index or a value of a class that overrides functions",
        "the class is not asked, only that of `x` is; PyTorch asks all three",
        "refuses('torch.ones(2)[type(\\'A\\', (), {\\'__torch_function__\\': lambda *a: 1})()]')",
    ),
    (
        "`nn.Parameter(x)` of a tensor of a subclass",
        "is a `Parameter`; PyTorch's has the class of `x`, and counts as one",
        "type(nn.Parameter(torch.ones(1).as_subclass(type('Own', (torch.Tensor,), {})))) is nn.Parameter",
    ),
    (
        "`as_strided` with a storage offset in `vmap`",
        "counts in the memory of the whole batch; PyTorch counts from the first element of each example",
        "torch.vmap(lambda x: x.as_strided((1,), (1,), 0))(torch.arange(2.0).reshape(2, 1)).tolist() == [[0.0], [0.0]]",
    ),
    (
        "`register_backward_hook` on a module that returns a dict",
        "is not called, and a warning says so; PyTorch calls it for the first tensor",
        (
            "[m := type('M', (nn.Module,), {'forward': lambda self, x: {'y': x * 2}})(), seen := [], "
            "m.register_backward_hook(lambda *given: seen.append(1)), m(ones_with_gradient(1))['y'].backward(), seen]"
            "[-1] == []"
        ),
    ),
    (
        "`x.register_hook(3)` and other hooks that cannot be called",
        "are refused at once; PyTorch refuses them in backward",
        "refuses('ones_with_gradient(1).register_hook(3)')",
    ),
    (
        "`Optimizer.load_state_dict`",
        "copies the tensors of the state; in PyTorch the next step changes the dict that was loaded, and its owner",
        (
            "[p := nn.Parameter(torch.ones(1)), o := torch.optim.Adam([p]), setattr(p, 'grad', p.detach()), o.step(), "
            "o.load_state_dict(d := o.state_dict()), o.step(), d['state'][0]['step'].item()][-1] == 1"
        ),
    ),
    (
        "`nn.utils.weight_norm` and its parametrization, differentiated twice",
        "is right; PyTorch 2.13 leaves out how the norm depends on the direction",
        (
            "[n := nn.utils.parametrizations.weight_norm(nn.Linear(2, 1).double()), "
            "torch.autograd.gradgradcheck(lambda *p: torch.func.functional_call(n, dict(zip(dict(n.named_parameters()),"
            "p)), torch.ones(2).double()), (*n.parameters(),))][-1]"
        ),
    ),
    (
        "hooks of several leaves whose gradients are complete at the same time",
        (
            "run before the post-accumulate hooks of any of them, first for a leaf that got a part earlier; in PyTorch "
            "both kinds run for one leaf after another, in the order of the operands"
        ),
        (
            "[x := ones_with_gradient(1), w := ones_with_gradient(1), seen := [], x.register_hook(lambda g: "
            "seen.append('x')), w.register_hook(lambda g: seen.append('w')), (x * w * w).sum().backward(), seen][-1] "
            "== ['w', 'x']"
        ),
    ),
    (
        "`ModuleList.insert` at a negative position, and beyond the end",
        "counts from the end, as for a list, and is refused; PyTorch raises KeyError, and leaves a gap in the names",
        "[m := torch.nn.ModuleList([torch.nn.ReLU()]), m.insert(-1, torch.nn.Tanh()), str(m[0])][-1] == 'Tanh()'",
    ),
    (
        "a hook that raises during `backward()`",
        "leaves the `.grad` of leaves without hooks as they were; PyTorch has written those that were complete",
        (
            "[p := ones_with_gradient(1), z := ones_with_gradient(1) * 1, z.register_hook(lambda g: 1 / 0), "
            "refuses((z * p).sum().backward), p.grad is None][-1]"
        ),
    ),
    (
        "a state of RMSprop without the option `momentum`",
        "is refused at the next step, as a state of another optimizer is; PyTorch reads it as 0",
        (
            'refuses("p = nn.Parameter(torch.ones(1)); p.grad = torch.ones(1); o = torch.optim.RMSprop([p]); '
            "s = o.state_dict(); del s['param_groups'][0]['momentum']; o.load_state_dict(s); o.step()\")"
        ),
    ),
    (
        "`weight` and `pos_weight` of binary losses that require a gradient",
        "get it; PyTorch refuses them",
        (
            "[w := ones_with_gradient(2), F.binary_cross_entropy(torch.ones(2) / 2, torch.ones(2), w).backward(), "
            "w.grad.sum() > 0][-1]"
        ),
    ),
    (
        "in-place comparisons and logical functions of floats with a gradient: `x.lt_(y)`, `x.logical_or_(y)`",
        "the gradient is 0, None for `y`; PyTorch's logical ones have that of the old `x`, and write to leaves",
        "[x := ones_with_gradient(1), y := x * 1, y.logical_or_(y).sum().backward(), x.grad.item()][-1] == 0",
    ),
    (
        "a number by keyword in place of the first tensor: `torch.pow(input=2, exponent=x)`, `where(c, input=1)`",
        "is taken, as by position; PyTorch names it `self`, or `element` in `isin`, `scalar1` in `result_type`",
        "torch.pow(input=2, exponent=torch.ones(1)).item() == 2",
    ),
    (
        "`torch.subtract(x, 2, 3)`, `torch.rsub(x, 2, 3)`: `alpha` by position",
        "are refused; PyTorch takes it where the second argument is a number",
        "refuses('torch.subtract(torch.ones(1), 2, 3)')",
    ),
    (
        "the gradient of `logit` at -0.0",
        "-inf; PyTorch's is inf in full vectors of the processor, and -inf in the rest",
        "[x := (-torch.zeros(9)).requires_grad_(), torch.logit(x).sum().backward(), x.grad.max().item()][2] < 0",
    ),
    (
        "`torch.unique_consecutive(x, False, True)`, flags by position",
        "the counts are returned; PyTorch's are empty",
        "torch.unique_consecutive(torch.ones(3), False, True)[1].item() == 3",
    ),
    (
        "`optim.LBFGS` with a tensor as `lr` that a schedule changes",
        "the length of the last step counts as it was; PyTorch's next step reads the changed tensor",
        "torch.optim.LBFGS([ones_with_gradient(1)], lr=torch.tensor(0.1)).param_groups[0]['lr'].ndim == 0",
    ),
    (
        "the gradient of `sinc` of large float16 numbers, of `frexp` beyond float32, of `special.log_ndtr` far below 0",
        "are those of the formula; PyTorch's are NaN or infinite",
        "gradient('torch.special.log_ndtr(x)', [-1e30])[0] > 9e29",
    ),
    (
        "threads that import parts of the package before anyone has imported it",
        "may meet Python's own import errors, as with NumPy's parts; `import minigrad` first",
        "importlib.import_module('minigrad') is torch",
    ),
    (
        "`Tensor.item(3)`, `Tensor.size(3)`: facts of what is no tensor",
        "AttributeError; PyTorch raises TypeError, as all methods that compute do here too",
        "refuses('torch.Tensor.item(3)')",
    ),
    (
        "a call with two mistakes, as an index out of range and a value of another dtype",
        "the error may name the other one",
        "refuses('torch.ones(1)[[1]] = torch.tensor([True])')",
    ),
    (
        "gradients of float16 that are computed in several steps, such as of `F.tanhshrink`",
        "are rounded at other steps",
        "abs(gradient('F.tanhshrink(x.half()).sum()', [0.1797])[0] - 0.0316) < 1e-3",
    ),
    (
        "draws that depend on the example in `vmap(randomness='same')`, as `torch.bernoulli(p)`",
        "come from the same uniform numbers for each example; PyTorch refuses them",
        (
            "[d := torch.vmap(torch.bernoulli, randomness='same')(torch.tensor([[0.5] * 9] * 2)), "
            "torch.equal(d[0], d[1])][1]"
        ),
    ),
    (
        "`special.zeta`, `quasirandom.SobolEngine`",
        "are not supported, and say so; nor are `autograd.set_multithreading_enabled`, `Module.call_super_init`",
        "not hasattr(torch.special, 'zeta') and not hasattr(nn.Module, 'call_super_init')",
    ),
    (
        "`torch.dropout(x)`, `torch.alpha_dropout(x)`, `torch.feature_alpha_dropout(x)`",
        "are those of `nn.functional`, with their defaults; PyTorch's functions take `p` and `train` always",
        "torch.dropout is F.dropout and torch.dropout(torch.ones(2), 0.0).tolist() == [1.0, 1.0]",
    ),
    (
        "`torch.selu(x, True)`, `torch.celu`, `torch.rrelu`; `torch.tensor([1, 2]).repeat_interleave()`",
        "take the `inplace` of `nn.functional`, and count as the function does; PyTorch refuses both",
        "torch.selu is F.selu and torch.tensor([1, 2]).repeat_interleave().tolist() == [0, 1, 1]",
    ),
    (
        "`take_along_dim` with an index out of range",
        "is refused, as by `gather`; PyTorch 2.13 counts on from the start of the axis",
        "is_raised(RuntimeError, 'torch.ones(2).take_along_dim(torch.tensor([5]), 0)')",
    ),
    (
        "`igamma` and `igammac` of infinity and NaN",
        "NaN; PyTorch gives 0 and 1",
        "torch.igamma(torch.tensor(torch.inf), torch.tensor(torch.nan)).isnan()",
    ),
    (
        "`distributions.Gumbel(0.0, 1.0).cdf(20.0)` and other places where the `cdf` is rounded to 1",
        "1; PyTorch refuses them, because 1 lies outside of the uniform numbers that it transforms",
        "torch.distributions.Gumbel(0.0, 1.0).cdf(torch.tensor(20.0)) == 1",
    ),
    (
        "a hook of a leaf that writes to its gradient, as `g.mul_(2)`, where that is one number for all elements",
        "changes the gradient, which has memory of its own; PyTorch refuses the write",
        "not refuses('x = torch.ones(2).requires_grad_(); x.register_hook(lambda g: g.mul_(2)); x.sum().backward()')",
    ),
    (
        "`torch.Tensor.add(2.0, x)` and other arithmetic methods, called by their class with a number first",
        "compute as the functions do: `torch.add(2.0, x)`; PyTorch refuses a `self` that is no tensor",
        "torch.Tensor.add(2.0, torch.ones(1)).tolist() == [3.0]",
    ),
    (
        "`gradcheck` of a function whose results are no floats, as `argmax`; its `check_undefined_grad`",
        "is refused, for nothing is checked; has no effect. PyTorch returns True, and tries missing gradients",
        "refuses(lambda: torch.autograd.gradcheck(torch.argmax, ones_with_gradient(2).double()))",
    ),
    (
        "windows of max pooling that lie in the padding alone, as those of a dilation larger than the image",
        "are refused; PyTorch gives -inf, and an index outside of the image",
        "refuses(lambda: F.max_pool1d(torch.ones(1, 1, 3), 2, padding=1, dilation=4))",
    ),
    (
        "`addbmm_` on a tensor that is smaller than the sum",
        "is refused, as by `addmm_` and all others; PyTorch resizes the tensor",
        "refuses(lambda: torch.ones(3).addbmm_(torch.ones(2, 3, 1), torch.ones(2, 1, 3)))",
    ),
    (
        "`__constants__`, `_reversed_padding_repeated_twice` and other private names of PyTorch's layers",
        "do not exist",
        "not hasattr(nn.Conv2d(1, 1, 1), '__constants__')",
    ),
]


def saved() -> bytes:
    """The bytes of a saved tensor."""
    file = io.BytesIO()
    minigrad.save(minigrad.ones(2), file)
    return file.getvalue()


def find(path: str) -> Any:
    """The module or class at a dotted path, or None."""
    if path == "minigrad.Tensor":
        return minigrad.Tensor
    try:
        return importlib.import_module(path)
    except ModuleNotFoundError:
        return None


def public(path: str) -> Iterator[tuple[str, Any]]:
    """Public names of a namespace with their objects, without submodules and names from `typing`."""
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
    """The gradient of the sum of the gradient of the expression `text`; arguments as in `gradient`."""
    x = minigrad.tensor(numbers, requires_grad=True)
    (slope,) = minigrad.autograd.grad(eval(text, NAMES | globals(), {"x": x}), x, create_graph=True)
    return list(minigrad.autograd.grad(slope.sum(), x)[0].tolist())


def ones_with_gradient(n: int) -> minigrad.Tensor:
    """`n` ones that require a gradient."""
    return minigrad.ones(n, requires_grad=True)


def refuses(what: Any) -> bool:
    """Whether a call, or the statements of a text, raise."""
    try:
        what() if callable(what) else exec(what, NAMES | globals())
    except Exception:  # noqa: BLE001 - any error counts here; the tests check the messages
        return True
    return False


def is_raised(kind: type[Exception], program: str) -> bool:
    """Whether the statements of a text raise an error of this class."""
    try:
        exec(program, NAMES | globals() | {"ones": NAMES["torch"].ones(2)})
    except Exception as error:  # noqa: BLE001 - the class counts here; the tests check the messages
        return type(error) is kind
    return False


def page() -> str:
    """The text of the page."""
    lines = [HEAD, "| where | names |", "|---|---|"]
    for path in NAMESPACES:
        names = [f"`{name}`" for name, _ in public(path)] if find(path) is not None else []
        if names:
            lines.append(f"| `{path}` ({len(names)}) | {', '.join(names)} |")
    lines += [f"| operators, {family} | {text} |" for family, text in OPERATORS.items()]
    lines += ["", "## Intended differences from PyTorch", "", "| what | how it differs |", "|---|---|"]
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
