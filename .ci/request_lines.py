"""Count the lines and files of the package that the smallest whole lesson executes.

The lesson: a layer, a squared error, backward, an SGD step, printing, a gradient check. Lines that only
run when a room is first entered (imports, definitions) count, since a reader meets them too.

    python .ci/request_lines.py [--files]
"""

from __future__ import annotations

import sys
from collections import Counter
from inspect import CO_OPTIMIZED
from pathlib import Path
from types import FrameType
from typing import Any

import minigrad as torch
from minigrad import nn

ROOT = str(Path(torch.__file__).parent) + "/"


def lesson() -> None:
    """The user's request, each part once before and once again, as in a training loop."""
    X = torch.ones(1, 1, 6, 8)
    X[:, :, :, 2:6] = 0
    Y = X[..., :-1] - X[..., 1:]
    conv = nn.Conv2d(1, 1, kernel_size=(1, 2), bias=False)
    loss, optimizer = nn.MSELoss(), torch.optim.SGD(conv.parameters(), lr=0.5)
    for _ in range(2):
        optimizer.zero_grad()
        loss(conv(X), Y).backward()
        optimizer.step()
    str(conv.weight), repr(conv)
    kernel = torch.randn(1, 1, 1, 2, dtype=torch.float64, requires_grad=True)
    torch.autograd.gradcheck(lambda w: nn.functional.conv2d(X.double(), w), (kernel,))


def executed_lines() -> dict[tuple[str, int], bool]:
    """File and line of everything in the package that the lesson runs; True for a line that only opens a file.

    Such lines stand outside functions: imports, definitions, names of a class.
    """
    seen: dict[tuple[str, int], bool] = {}

    def follow(frame: FrameType, event: str, argument: Any) -> Any:
        if not frame.f_code.co_filename.startswith(ROOT):
            return None
        if frame.f_lineno:  # Python begins a file at line 0
            place, opens = (frame.f_code.co_filename, frame.f_lineno), not frame.f_code.co_flags & CO_OPTIMIZED
            seen[place] = opens and seen.get(place, True)
        return follow

    sys.settrace(follow)
    lesson()
    sys.settrace(None)
    return seen


if __name__ == "__main__":
    lines = executed_lines()
    by_file = Counter(file.removeprefix(ROOT) for file, _ in lines)
    if "--files" in sys.argv:
        for file, count in by_file.most_common():
            print(f"{count:6} {file}")
    opening, files = sum(lines.values()), len(by_file)
    print(f"the smallest lesson executes {len(lines)} lines in {files} files; {opening} of them only open a file")
