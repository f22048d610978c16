"""Warnings that point at the user's line, and advice: warnings about probable mistakes, each given once.

    warn("x.T of a tensor of 3 dimensions is deprecated ...")
    advise("softmax before cross_entropy", "the rows of input already sum to 1 ...")

PyTorch gives no advice. `minigrad.advice.enable(False)` turns all of it off, and so does
``MINIGRAD_ADVICE=0`` in the environment; ``warnings.filterwarnings`` knows it as `Advice`.
"""

from __future__ import annotations

import inspect
import os
import warnings

# What gives advice, if it is due, once the next optimizer's parameters are known; by the place that it is about.
postponed: dict[str, object] = {}
_given: set[str] = set()  # names of advice that was already given
_enabled = os.environ.get("MINIGRAD_ADVICE", "1") != "0"


class Advice(UserWarning):
    """The warning category: the program runs, but is probably not what its author means."""


def enable(enabled: bool = True) -> None:
    """Switches all advice on or off, for the whole process; advice given before may be given again.

    >>> import minigrad as torch
    >>> torch.advice.enable(False)
    >>> torch.advice.enable()
    """
    global _enabled
    _enabled = bool(enabled)
    _given.clear()


def is_wanted(mistake: str) -> bool:
    """Whether the advice `mistake` was not given yet: call this before an expensive check.

    >>> import minigrad as torch
    >>> torch.advice.is_wanted("an example")
    True
    """
    return _enabled and mistake not in _given


def advise(mistake: str, text: str) -> None:
    """Warns of `mistake` with `text`, the first time only, at the user's line.

    >>> import warnings, minigrad as torch
    >>> with warnings.catch_warnings(record=True) as seen:
    ...     warnings.simplefilter("always")
    ...     torch.advice.advise("an example", "look here")
    ...     torch.advice.advise("an example", "look here")
    >>> [str(warning.message) for warning in seen]
    ['look here (said once; minigrad.advice.enable(False) says no more)']
    >>> torch.advice.enable()
    """
    if is_wanted(mistake):
        _given.add(mistake)
        detail = f"{text} (said once; minigrad.advice.enable(False) says no more)"
        warn(detail, Advice)


def warn(text: str, kind: type[Warning] = UserWarning) -> None:
    """Warns at the nearest line outside this package."""
    warnings.warn(text, kind, stacklevel=count_own_frames())


def count_own_frames() -> int:
    """The number of innermost stack frames that are in this package."""
    count, frame = 0, inspect.currentframe()
    while frame is not None and frame.f_globals.get("__name__", "").partition(".")[0] == __package__:
        count, frame = count + 1, frame.f_back
    return count
