"""What was meant by a name that is not here: a misspelt one, or one of NumPy's."""

from __future__ import annotations

from collections.abc import Iterable

NUMPYS_OPTIONS = {  # NumPy's or Keras' option -> PyTorch's, in the order in which they are tried
    "a": "input", "arr": "input", "x": "input", "x1": "input", "x2": "other", "arrays": "tensors",
    "axis": "dim dims", "axes": "dim dims", "keepdims": "keepdim", "shape": "size", "newshape": "shape", "reps": "dims",
    "a_min": "min", "a_max": "max", "ddof": "correction", "num": "steps", "k": "diagonal offset", "kind": "stable",
    "object": "data", "loc": "mean", "scale": "std", "stop": "end", "N": "n", "M": "m", "learning_rate": "lr",
    "filters": "out_channels", "units": "out_features", "input_dim": "in_features", "channels": "num_features",
    "num_channels": "num_features", "rate": "p", "prob": "p", "probability": "p",
}  # fmt: skip
NUMPYS_CALLS = {  # a function of both, called as NumPy's -> what is written instead
    "transpose": "x.permute(0, 2, 1) orders all axes, as NumPy's transpose does",
    "repeat": "x.repeat_interleave(2, dim=1) repeats each element, as NumPy's repeat does",
    "flatten": "tensors are read in row-major order: for columns first, x.mT.flatten()",
    "ravel": "tensors are read in row-major order: for columns first, x.mT.ravel()",
}
NUMPYS_METHODS = {  # of arrays alone -> what is written instead
    "copy": "x.clone()", "fill": "x.fill_(value)", "flat": "x.flatten()", "ptp": "x.max() - x.min()",
    "searchsorted": "torch.searchsorted(x, values)", "strides": "x.stride()",
    "tobytes": "x.numpy().tobytes()",
}  # fmt: skip
NUMPYS_FUNCTIONS = {
    "array": "torch.tensor(data)", "array_equal": "torch.equal(x, y)", "around": "torch.round(x)",
    "ascontiguousarray": "x.contiguous()", "average": "torch.mean(x)", "choice": "torch.multinomial(weights, n)",
    "broadcast_arrays": "torch.broadcast_tensors(x, y)", "convolve": "torch.nn.functional.conv1d(x, kernel)",
    "copy": "x.clone()", "degrees": "torch.rad2deg(x)", "digitize": "torch.bucketize(x, boundaries)",
    "expand_dims": "x.unsqueeze(dim)", "identity": "torch.eye(n)", "invert": "torch.bitwise_not(mask)",
    "ndarray": "torch.Tensor", "ndim": "x.ndim", "pad": "torch.nn.functional.pad(x, pad)",
    "percentile": "torch.quantile(x, q / 100)", "permutation": "torch.randperm(n)", "power": "torch.pow(x, y)",
    "ptp": "x.max() - x.min()", "put_along_axis": "x.scatter_(dim, index, src)", "radians": "torch.deg2rad(x)",
    "rollaxis": "torch.movedim(x, dim, to)", "shape": "x.shape", "shuffle": "x[torch.randperm(len(x))]",
    "standard_normal": "torch.randn(size)", "take_along_axis": "torch.take_along_dim(x, indices, dim)",
}  # fmt: skip


def find_meant(given: str, known: Iterable[str], cutoff: float = 0.6) -> str:
    """The one of the `known` names that was probably meant by `given`, "" if there is none.

    >>> from minigrad.spelling import find_meant
    >>> find_meant("keepdimm", ["dim", "keepdim"]), find_meant("ddof", ["dim", "correction"]), find_meant("q", ["dim"])
    ('keepdim', 'correction', '')
    """
    from difflib import get_close_matches

    known = [*known]
    words = given.split("_")
    numpys = [name for name in NUMPYS_OPTIONS.get(given, "").split() if name in known]
    begun = [name for name in known if name.startswith(given)]
    within = [  # use_bias: bias; size: kernel_size; cross_entropy_loss: cross_entropy
        name for name in known if given in name.split("_") or {*words}.issuperset(name.split("_"))
    ]
    within.sort(key=lambda name: -name.count("_"))
    close = [
        name for name in get_close_matches(given, known, 3, cutoff)
        if name[0].lower() == given[0].lower() or not {*words}.isdisjoint(name.split("_"))  # activation is no dilation
    ]  # fmt: skip
    return next(iter(numpys or begun or within or close), "")


def find_close(given: str, known: Iterable[str]) -> str:
    """As `find_meant`, for a name of a module: one with the same letters in another order first, capitals do not count.

    >>> from minigrad.spelling import find_close
    >>> find_close("Adma", ["Adamax", "Adam"]), find_close("conv", ["Linear", "Conv2d"]), find_close("q", ["Linear"])
    ('Adam', 'Conv2d', '')
    """
    lowered = {name.lower(): name for name in known}
    exchanged = [name for low, name in lowered.items() if sorted(low) == sorted(given.lower())]
    return next(iter(exchanged), "") or lowered.get(find_meant(given.lower(), lowered, 0.8), "")


def explain_call(name: str, words: str, known: list[str]) -> str:
    """`words`, Python's error for a call of the function `name`, with what was meant: an option, or NumPy's call.

    The function takes the parameters `known`. Python itself names an option that was meant, from version 3.13 on.
    """
    hint = NUMPYS_CALLS.get(name, "")
    _, unknown, rest = words.partition(f"{name}() got an unexpected keyword argument '")
    given = rest.partition("'")[0]
    if given in NUMPYS_OPTIONS:
        words = words.partition(". Did you mean")[0]  # Python's own guess goes by letters alone
    if "Did you mean" in words or "; it takes" in words or (hint and hint in words):
        return words
    if unknown and (meant := find_meant(given, known)):
        return f"{words}. Did you mean '{meant}'?"
    if unknown:
        words = f"{words}; it takes {', '.join(known) or 'none'}"
    asked = unknown or (f"{name}() " in words and " positional argument" in words)
    return f"{words}; {hint}" if asked and hint else words
