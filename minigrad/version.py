"""Version numbers: of the PyTorch whose behaviour is followed, and of minigrad itself.

``minigrad.__version__`` is PyTorch's, so that programs that test it behave as they do there.
``minigrad.version.minigrad`` is the version of this package.
"""

from __future__ import annotations

import re
from typing import Any

minigrad = "0.1.0"


class TorchVersion(str):
    """A version string that compares by its numbers, with strings and tuples, as PyTorch's does.

    >>> import minigrad as torch
    >>> torch.__version__ >= "2.4", torch.__version__ > (1, 13), "3.0" < torch.__version__
    (True, True, False)
    """

    __slots__ = ()

    def __lt__(self, other: Any) -> bool:
        return _numbers(self) < _numbers(other)

    def __le__(self, other: Any) -> bool:
        return _numbers(self) <= _numbers(other)

    def __gt__(self, other: Any) -> bool:
        return _numbers(self) > _numbers(other)

    def __ge__(self, other: Any) -> bool:
        return _numbers(self) >= _numbers(other)


def _numbers(version: Any) -> tuple[int, ...]:
    """The numbers of a version without trailing zeros: "2.4.0+cpu" and (2, 4) are both (2, 4)."""
    if isinstance(version, (tuple, list)):
        found = [int(part) for part in version]
    else:
        found = [int(part) for part in re.findall(r"\d+", str(version).partition("+")[0])]
    while found and not found[-1]:
        found.pop()
    return tuple(found)


__version__ = TorchVersion("2.13.0")
cuda: str | None = None  # the CUDA version of the build: none
hip: str | None = None
debug = False
git_version = "Unknown"
