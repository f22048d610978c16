"""`set_printoptions`: how many digits and elements of a tensor are printed."""

from __future__ import annotations

import math
from types import SimpleNamespace
from typing import Any

from minigrad import printing
from minigrad.autograd.failed_calls import names_options

_DEFAULT = vars(printing.options)
_PROFILES = {
    "default": _DEFAULT,
    "short": {**_DEFAULT, "precision": 2, "edgeitems": 2},
    "full": {**_DEFAULT, "threshold": math.inf},
}


@names_options
def set_printoptions(
    precision: int | None = None, threshold: float | None = None, edgeitems: int | None = None,
    linewidth: int | None = None, profile: str | None = None, sci_mode: bool | None = None,
) -> None:  # fmt: skip
    """Sets how tensors are printed: a `profile` first, then the other options.

    `precision` digits, a summary above `threshold` elements with `edgeitems` at each end, lines of
    `linewidth` columns; `sci_mode` forces or forbids the scientific form, and None, also by being
    left out, lets each tensor choose. Profiles are "default", "short" and "full" (no summaries).
    Raises ValueError for another profile. As `torch.set_printoptions`.

    >>> import minigrad as torch
    >>> torch.set_printoptions(precision=2)
    >>> torch.tensor([1 / 3, 100])
    tensor([  0.33, 100.00])
    >>> torch.set_printoptions(profile="default")
    """
    if profile is not None and profile not in _PROFILES:
        raise ValueError(f"unknown profile {profile!r}; expected one of {', '.join(map(repr, _PROFILES))}")
    given = {"precision": precision, "threshold": threshold, "edgeitems": edgeitems, "linewidth": linewidth}
    start = vars(printing.options) if profile is None else _PROFILES[profile]
    changes: Any = {name: value for name, value in given.items() if value is not None}
    printing.options = SimpleNamespace(**{**start, **changes, "sci_mode": sci_mode})
