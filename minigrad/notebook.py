"""``%load_ext minigrad``: short error messages in notebooks, which end at the user's own line.

A missing batch axis prints 65 lines of traceback; helpful are the line, the message and the page that explains it.
``%tb`` still shows everything.
"""

from __future__ import annotations

import re
import sys
import traceback
import warnings
from pathlib import Path
from typing import Any

HOUSE = str(Path(__file__).resolve().parent)
LINES, FRAMES = 12, 2
PAGE = "docs/errors.md"
# (part of a message, heading of its section on the page of errors); the first match counts.
SECTIONS = (
    (r"Expected .*\(unbatched\) or .*\(batched\)", "An image without its batch and channel axes"),
    (r"The channels are the last axis|has \d+ channels and a width of", "Channels last"),
    (r"time stands before the channels", "Time before the channels"),
    (
        r"of another library got a minigrad|It is of another library|must be Tensor, not torch",
        "Tensors of two libraries",
    ),
    (r"channels in and out exchanged", "A kernel with its axes exchanged"),
    (r"expected input\[.*to have \d+ channels", "The wrong number of channels"),
    (r"Kernel size can't be greater", "A kernel larger than its input"),
    (r"non-positive stride|negative padding", "A stride of zero, a negative padding"),
    (r"linear got an input of shape", "A linear layer of the wrong size"),
    (r"Target -?\d+ is out of bounds", "A class that is not there"),
    (r"expected target dtype to be Long", "Classes as floats"),
    (r"input should be between 0 and 1", "Scores where probabilities are due"),
    (r"more than 1 value per channel when training", "Batch norm of a single value"),
    (r"expected kernel_size to be", "A kernel with too many axes"),
    (r"unexpected keyword argument", "A parameter's name misspelt"),
    (r"so setting it changes nothing", "An attribute that looks like another"),
    (r"with the brackets", "Parameters without brackets"),
    (r'missing the required "forward"', "`forward` misspelt"),
    (r"is that `__init__` misspelt", "`__init__` misspelt"),
    (r"not NoneType; a function without a return|returned None: does it end|Is `return` missing", "`return` forgotten"),
    (r"list is not a Module subclass", "Layers in a list for Sequential"),
    (r"makes no call: write|should not be instantiated|Legacy autograd function", "A Function called, not applied"),
    (r"Nothing was saved|not enough values to unpack \(expected \d+, got 0\)", "A Function that saved nothing"),
    (r"expected a weight of \d axes", "A weight of another shape"),
    (r"Dimension out of range", "An axis that is not there"),
    (r"Input type .* and weight type|mat1 and mat2 must have the same dtype", "Numbers of another kind"),
    (r"must be Tensor, not numpy", "A NumPy array where a tensor is due"),
    (r"must match the size of tensor", "Shapes that do not broadcast"),
    (r"Using a target size", "A loss whose shapes would broadcast"),
    (r"computed from gradients, which have no graph", "A gradient without a graph"),
    (r"does not require grad.*The cause: (no tensor|none)", "Nothing here asks for a gradient"),
    (r"element 0 of tensors does not require grad", "The graph was cut"),
    (r"can be implicitly created only for scalar", "Backward from more than one number"),
    (r"backward through the graph a second time", "Backward twice"),
    (r"a leaf Variable that requires grad", "In-place on a leaf"),
    (r"modified by an inplace operation", "A saved tensor was overwritten"),
    (r"of BackwardHookFunction is a view", "A write after a backward hook"),
    (r"floating point dtype can require gradients", "Integers that require a gradient"),
    (r"Boolean value of Tensor", "Is a tensor true?"),
    (r"cannot be converted to Scalar", "`item()` of many"),
    (r"Can't call numpy\(\) on Tensor", "`numpy()` of a tensor in a graph"),
    (r"before Module.__init__\(\) call", "A forgotten `super().__init__()`"),
    (r"in loading state_dict.*The names differ by", "A state dict with other names"),
    (r"in loading state_dict", "A state dict that does not fit"),
    (r"empty parameter list", "An optimizer with nothing to optimize"),
    (r"device type at start of device string", "A device that does not exist"),
    (r"the forward of \w+ returned NaN|returned nan values in its", "Where did the NaN begin?"),
    (r"multi-target not supported|only batches of spatial targets", "A target with an axis too many"),
    (r"is invalid for input of size", "A reshape that loses numbers"),
    (r"view size is not compatible", "A view that would need a copy"),
    (r"stack expects each tensor to be equal size", "Samples of different sizes"),
    (r"can't be cast to the desired output type .* writes into the tensor", "Fractions written into whole numbers"),
    (r"Negation, the `-` operator", "Minus a mask"),
    (r"invalid index of a 0-dim tensor", "An index into one number"),
    (r"cannot be multiplied .*: shapes|, (mat|src) .*: shapes|of batch2 tensor to be", "Matrices that do not fit"),
    (r"could not infer output dtype", "The mean of whole numbers"),
    (r"must match except in dimension", "Tensors to join that do not fit"),
    (r"CuPy is not installed|CUDA is not available", "CUDA that is not there"),
    (r"to be on the same device", "Tensors on two devices"),
    (r"a layer is made\s+first", "A layer called where it should be made"),
    (r"not a leaf Tensor is being accessed", "`.grad` is None"),
    (r"that was never zeroed", "`zero_grad` forgotten"),
    (r"no parameter has a gradient", "A step without gradients"),
    (r"requires grad and no Parameter", "A tensor where a parameter is due"),
    (r"holds layers in a plain", "Layers in a plain list"),
    (r"as after a softmax", "Softmax before cross entropy"),
    (r"scores of cross_entropy come from a", "An activation before cross entropy"),
    (r"got scores of a single class", "Cross entropy of a single class"),
    (r"it holds \d+ tensors( \(|: pass one of them, \.)|a layer that returns a pair", "A pair where a tensor is due"),
    (r"comes from a sigmoid, and it applies one", "Sigmoid before the loss that applies one"),
    (r"with_logits is negative", "Targets that are no probabilities"),
    (r"nll_loss is negative", "Probabilities where their logarithms are due"),
    (r"Implicit dimension choice", "Softmax without an axis"),
    (r"became a Python float", "A tensor written into an array"),
    (r"leaves the graph of the one it copies", "A tensor made of a tensor"),
    (r"no longer finite after this step", "The loss became inf, then nan"),
)


_show_as_ever = warnings.showwarning


def load_ipython_extension(shell: Any) -> None:
    """Called by ``%load_ext minigrad``."""
    shell.set_custom_exc((Exception,), show_error)
    warnings.showwarning = show_warning


def unload_ipython_extension(shell: Any) -> None:
    """Called by ``%unload_ext minigrad``: restores IPython's tracebacks and warnings."""
    shell.set_custom_exc((), None)
    warnings.showwarning = _show_as_ever


def show_warning(
    message: Warning | str, category: type[Warning], filename: str, lineno: int, file: Any = None,
    line: str | None = None,
) -> None:  # fmt: skip
    """Shows advice of minigrad with its page, and other warnings as Python does."""
    section = find_section(str(message))
    if section is None or file is not None:
        _show_as_ever(message, category, filename, lineno, file, line)
    else:
        sys.stderr.write(f"{category.__name__}: {message}\nRead: {PAGE}#{slug(section)}\n")


def show_error(shell: Any, kind: type[BaseException], error: BaseException, trace: Any, tb_offset: Any = None) -> None:
    """Shows an error from minigrad in a few lines, and other errors as IPython does."""
    frames = traceback.extract_tb(trace)
    if not frames or not frames[-1].filename.startswith(HOUSE):
        shell.showtraceback((kind, error, trace), tb_offset=tb_offset)
        return
    sys.last_type, sys.last_value, sys.last_traceback = kind, error, trace  # for %tb
    shell._showtraceback(kind, error, shorten(kind, error, frames))


def shorten(kind: type[BaseException], error: BaseException, frames: Any) -> list[str]:
    """The short text, at most LINES lines: the user's lines in the traceback, the message, and its page."""
    mine = [frame for frame in frames if not is_foreign(frame.filename)]
    lines = []
    for frame in mine[:1] + mine[1:][-(FRAMES - 1) :]:
        where = "this cell" if frame.name == "<module>" else f"{frame.name}()"
        lines += [f"in {where}, line {frame.lineno}:", f"----> {frame.line}"]
    words = "\n".join([str(error), *getattr(error, "__notes__", ())])
    section = find_section(words)
    end = [f"Read: {PAGE}#{slug(section)}"] if section else []
    end.append("(%tb shows the whole traceback)")
    message = f"{kind.__name__}: {words}".splitlines()
    room = LINES - len(lines) - len(end)
    if len(message) > room:
        message = [*message[: room - 1], "..."]
    return [*lines, *message, *end]


def is_foreign(filename: str) -> bool:
    """Whether the user did not write a file: this library, NumPy, IPython, Python's own."""
    if filename.startswith(HOUSE):
        return True
    parts = Path(filename).parts
    return bool({"site-packages", "dist-packages", f"python{sys.version_info[0]}.{sys.version_info[1]}"} & set(parts))


def find_section(message: str) -> str | None:
    """The heading of the section about this message, if there is one."""
    return next((heading for pattern, heading in SECTIONS if re.search(pattern, message, re.DOTALL)), None)


def slug(heading: str) -> str:
    """The anchor of a heading: "Channels last" gives "channels-last"."""
    return re.sub(r"\s+", "-", re.sub(r"[^\w\s-]", "", heading.lower()).strip())
