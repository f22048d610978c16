"""Records PyTorch's answers to some of the samples that test its own operators.

    pip install torch==2.13.0 expecttest && python tests/oracle/record_samples.py

It rewrites `tests/data/samples.json` (the calls) and `tests/data/samples.npz` (all numbers, one
flat array for each dtype). A tensor in the calls is written {"tensor": [dtype, shape, offset]}.
`tests/ops/test_samples.py` replays them; both make the gradients' cotangents by `make_cotangent`.
"""

import itertools
import json
import warnings
from pathlib import Path

import numpy as np
import torch
from torch.testing._internal.common_methods_invocations import op_db

DATA = Path(__file__).parent.parent / "data"
MOST_ELEMENTS = 30  # of all tensors of a sample together
PER_OPERATOR = 3
DTYPES = ("float64", "float32", "int64", "bool", "float16", "uint8")
NAMES = """
    add sub mul div floor_divide remainder true_divide pow neg eq ne lt le gt ge logical_and
    logical_not bitwise_and bitwise_xor sqrt rsqrt exp exp2 expm1 log log1p log2 log10 sin cos
    tan sinh cosh tanh sigmoid erf abs sign floor ceil round trunc reciprocal square clamp
    minimum maximum where isnan isinf isfinite isclose allclose equal sum mean prod var std
    amax amin max min argmax argmin all any norm logsumexp cumsum count_nonzero sort argsort
    topk unique reshape view flatten unflatten squeeze unsqueeze transpose permute movedim t
    expand broadcast_to repeat tile flip roll cat stack split chunk unbind diag diagonal tril
    triu unfold __getitem__ gather scatter scatter_add index_select masked_fill masked_select
    take_along_dim nonzero matmul mm bmm mv dot outer tensordot addmm trace arange linspace eye
    full zeros_like ones_like full_like __radd__ __rsub__ __rpow__ softmax log_softmax
    nn.functional.conv1d nn.functional.conv2d nn.functional.conv_transpose2d
    nn.functional.unfold nn.functional.max_pool2d nn.functional.avg_pool2d
    nn.functional.adaptive_avg_pool2d nn.functional.pad nn.functional.linear
    nn.functional.embedding nn.functional.one_hot nn.functional.batch_norm
    nn.functional.layer_norm nn.functional.group_norm nn.functional.normalize
    nn.functional.cosine_similarity nn.functional.interpolate nn.functional.relu
    nn.functional.relu6 nn.functional.leaky_relu nn.functional.elu nn.functional.gelu
    nn.functional.silu nn.functional.softplus nn.functional.hardtanh nn.functional.logsigmoid
    nn.functional.mse_loss nn.functional.l1_loss nn.functional.smooth_l1_loss
    nn.functional.huber_loss nn.functional.cross_entropy nn.functional.nll_loss
    nn.functional.binary_cross_entropy nn.functional.binary_cross_entropy_with_logits
""".split()  # noqa: SIM905 - one name for a line would take a page

BEYOND = ("area", "bicubic", "trilinear", "nearest-exact")  # modes that are not asked for
numbers = {dtype: [] for dtype in (*DTYPES, "int32", "int16", "int8")}
lengths = dict.fromkeys(numbers, 0)


def write_down(x):
    """`x` as JSON; what has no place there raises TypeError."""
    if isinstance(x, torch.Tensor):
        dtype = str(x.dtype).removeprefix("torch.")
        flat = x.detach().contiguous().numpy().ravel()
        offset = lengths[dtype]  # a KeyError for complex and the like is a sample left out
        numbers[dtype].append(flat.copy())
        lengths[dtype] += flat.size
        return {"tensor": [dtype, list(x.shape), offset]}
    if isinstance(x, torch.dtype):
        return {"dtype": str(x).removeprefix("torch.")}
    if isinstance(x, slice):
        return {"slice": [x.start, x.stop, x.step]}
    if x is Ellipsis:
        return {"ellipsis": True}
    if isinstance(x, torch.device):
        return "cpu"
    if isinstance(x, tuple):
        return {"tuple": [write_down(v) for v in x]}
    if isinstance(x, list):
        return [write_down(v) for v in x]
    if isinstance(x, dict):
        return {k: write_down(v) for k, v in x.items()}
    if isinstance(x, (bool, int, float, str)) or x is None:
        return x
    raise TypeError(type(x))


def collect_tensors(x):
    if isinstance(x, torch.Tensor):
        return [x]
    if isinstance(x, dict):
        x = list(x.values())
    return [t for v in x for t in collect_tensors(v)] if isinstance(x, (list, tuple)) else []


def make_cotangent(x, k):
    """Numbers without symmetry, the same in every run."""
    return torch.from_numpy(np.cos(1.7 * np.arange(x.numel()) + k).reshape(x.shape)).to(x.dtype)


def name_call(op):
    """How the operator is written: ["function", path] or ["method", name]."""
    function = torch
    try:
        for part in op.name.split("."):
            function = getattr(function, part)
        if not op.name.startswith("__") and function is op.op:
            return ["function", op.name], function
    except AttributeError:
        pass
    return ["method", op.name], getattr(torch.Tensor, op.name)


def record(op, sample, dtype):
    """The call, its results, gradients and second gradients."""
    how, function = name_call(op)
    arguments = (sample.input, *sample.args)
    call = {"call": how, "args": write_down(arguments), "kwargs": write_down(sample.kwargs)}
    result = function(*arguments, **sample.kwargs)
    call["result"] = write_down(list(result) if isinstance(result, tuple) else result)
    leaves = [t for t in collect_tensors([arguments, sample.kwargs]) if t.requires_grad]
    outputs = [t for t in collect_tensors(result) if t.requires_grad]
    if dtype == "float64" and leaves and outputs:
        seeds = [make_cotangent(t, k).requires_grad_() for k, t in enumerate(outputs)]
        first = torch.autograd.grad(outputs, leaves, seeds, create_graph=True, allow_unused=True)
        call["leaves"] = [i for i, t in enumerate(collect_tensors([arguments, sample.kwargs])) if t.requires_grad]
        call["gradients"] = [None if g is None else write_down(g) for g in first]
        again = {k: g for k, g in enumerate(first) if g is not None and g.requires_grad}
        if again and op.supports_gradgrad:
            more = [make_cotangent(g, 10 + k) for k, g in again.items()]
            second = torch.autograd.grad(list(again.values()), [*leaves, *seeds], more, allow_unused=True)
            call["second"] = [None if g is None else write_down(g) for g in second]
    inputs = collect_tensors([arguments, sample.kwargs])
    memory = {t.untyped_storage().data_ptr() for t in inputs if t.numel()}
    call["shares"] = [bool(t.numel()) and t.untyped_storage().data_ptr() in memory for t in collect_tensors(result)]
    return call


def choose_samples(op, dtype):
    """A few small samples that differ in how they are called."""
    torch.manual_seed(0)
    backward = op.supports_autograd and getattr(torch, dtype) in op.supported_backward_dtypes("cpu")
    made = op.sample_inputs("cpu", getattr(torch, dtype), requires_grad=backward and dtype == "float64")
    seen = set()
    for sample in itertools.islice(made, 400):
        parts = collect_tensors([sample.input, sample.args, sample.kwargs])
        if sum(t.numel() for t in parts) > MOST_ELEMENTS or any(t.numel() == 1 for t in parts[:1]):
            continue
        kind = (*(t.dim() for t in parts), *map(type, sample.args), *sample.kwargs)
        if kind not in seen:
            seen.add(kind)
            yield sample


def main():
    warnings.simplefilter("ignore")
    calls = []
    for op in (o for name in NAMES for o in op_db if o.name == name):
        for dtype in DTYPES:
            if op.variant_test_name in BEYOND or getattr(torch, dtype) not in op.supported_dtypes("cpu"):
                continue
            room = PER_OPERATOR if dtype == "float64" else 1
            for sample in itertools.islice(choose_samples(op, dtype), room):
                before = {d: len(parts) for d, parts in numbers.items()}, dict(lengths)
                try:
                    calls.append(record(op, sample, dtype))
                except (TypeError, KeyError, RuntimeError, AttributeError):
                    for d, count in before[0].items():
                        del numbers[d][count:]
                    lengths.update(before[1])
        torch.manual_seed(0)
        for error in op.error_inputs("cpu") if op.error_inputs_func else ():
            sample = error.sample_input
            arguments = (sample.input, *sample.args)
            if sum(t.numel() for t in collect_tensors([arguments, sample.kwargs])) > 300:
                continue
            try:
                how, _ = name_call(op)
                op.op(*arguments, **sample.kwargs)
            except Exception as e:  # noqa: BLE001 - whatever PyTorch raises is recorded
                if isinstance(e, AttributeError):
                    continue  # a slip inside PyTorch, no refusal
                if "out" not in sample.kwargs and getattr(sample.input, "ndim", 0) <= 64:
                    kind = "RuntimeError" if isinstance(e, RuntimeError) else type(e).__name__
                    call = {"call": how, "raises": kind, "kwargs": {}}
                    try:
                        calls.append({**call, "args": write_down(arguments), "kwargs": write_down(sample.kwargs)})
                    except (TypeError, KeyError):
                        continue
    lines = ",\n".join(json.dumps(call) for call in calls)
    (DATA / "samples.json").write_text(f"[\n{lines}\n]\n")
    flat = {d: np.concatenate(parts) for d, parts in numbers.items() if parts}
    np.savez_compressed(DATA / "samples.npz", **flat)


if __name__ == "__main__":
    main()
