"""Global settings, `torch.set_...`: determinism, number of threads, precision of matrix products."""

from __future__ import annotations

import os
from typing import Any

from minigrad import threads
from minigrad.size import is_index

_MODES = {0: "default", 1: "warn", 2: "error"}
_determinism = 0
_warn_only = False
_precision = "highest"
_fastpath = True


def use_deterministic_algorithms(mode: bool, *, warn_only: bool = False) -> None:
    """Requests deterministic results; on a CPU they always are.

    >>> import minigrad as torch
    >>> torch.use_deterministic_algorithms(True)
    >>> torch.are_deterministic_algorithms_enabled()
    True
    >>> torch.use_deterministic_algorithms(False)
    """
    global _determinism, _warn_only
    for name, flag in (("mode", mode), ("warn_only", warn_only)):
        if not isinstance(flag, bool):
            raise TypeError(
                f"use_deterministic_algorithms(): argument '{name}' must be bool, not {type(flag).__name__}"
            )
    _determinism, _warn_only = (1 if warn_only else 2) if mode else 0, warn_only


def set_deterministic(d: bool) -> None:
    """`use_deterministic_algorithms` under its older name.

    >>> import minigrad as torch
    >>> torch.set_deterministic(False)
    """
    use_deterministic_algorithms(d)


def are_deterministic_algorithms_enabled() -> bool:
    """The setting of `use_deterministic_algorithms`.

    >>> import minigrad as torch
    >>> torch.are_deterministic_algorithms_enabled()
    False
    """
    return _determinism > 0


def is_deterministic() -> bool:
    """`are_deterministic_algorithms_enabled` under its older name.

    >>> import minigrad as torch
    >>> torch.is_deterministic()
    False
    """
    return are_deterministic_algorithms_enabled()


def is_deterministic_algorithms_warn_only_enabled() -> bool:
    """Whether `use_deterministic_algorithms` was called with `warn_only`.

    >>> import minigrad as torch
    >>> torch.is_deterministic_algorithms_warn_only_enabled()
    False
    """
    return _warn_only


def get_deterministic_debug_mode() -> int:
    """0 for "default", 1 for "warn", 2 for "error".

    >>> import minigrad as torch
    >>> torch.get_deterministic_debug_mode()
    0
    """
    return _determinism


def set_deterministic_debug_mode(debug_mode: int | str) -> None:
    """`use_deterministic_algorithms` by number or name: 0 "default", 1 "warn", 2 "error".

    >>> import minigrad as torch
    >>> torch.set_deterministic_debug_mode("default")
    """
    global _determinism, _warn_only
    named = {name: number for number, name in _MODES.items()}
    number: Any = named.get(debug_mode) if isinstance(debug_mode, str) else debug_mode
    if number not in _MODES:
        raise RuntimeError(f"debug_mode is one of {list(named)} or {list(_MODES)}, got {debug_mode!r}")
    _determinism, _warn_only = number, number == 1


def get_float32_matmul_precision() -> str:
    """The setting of `set_float32_matmul_precision`, "highest" by default.

    >>> import minigrad as torch
    >>> torch.get_float32_matmul_precision()
    'highest'
    """
    return _precision


def set_float32_matmul_precision(precision: str) -> None:
    """Allows rounding the factors of float32 products on a GPU: "highest" not at all, "high" and "medium" to TF32.

    >>> import minigrad as torch
    >>> torch.set_float32_matmul_precision("highest")
    """
    global _precision
    if precision not in ("highest", "high", "medium"):
        raise RuntimeError(f"precision is one of 'highest', 'high', 'medium', got {precision!r}")
    _precision = precision
    os.environ["CUPY_TF32"] = "0" if precision == "highest" else "1"  # read by CuPy at every product


def get_num_threads() -> int:
    """The maximal number of threads of a matrix product, or of a pass over a large array; by default all processors.

    >>> import minigrad as torch
    >>> torch.get_num_threads() >= 1
    True
    """
    return threads.get_count()


def set_num_threads(number: int, /) -> None:
    """Sets the maximal number of threads of matrix products. Raises RuntimeError unless it is a positive int.

    >>> import minigrad as torch
    >>> torch.set_num_threads(torch.get_num_threads())
    """
    threads.set_count(_read_count("set_num_threads", number))


def get_num_interop_threads() -> int:
    """1: operations are computed one after another.

    >>> import minigrad as torch
    >>> torch.get_num_interop_threads()
    1
    """
    return 1


def set_num_interop_threads(number: int, /) -> None:
    """Accepts how many operations may be computed at once; here it is one. Raises RuntimeError unless a positive int.

    >>> import minigrad as torch
    >>> torch.set_num_interop_threads(2)
    """
    _read_count("set_num_interop_threads", number)


def _read_count(name: str, number: Any) -> int:
    """`number` as an int. Raises RuntimeError unless it is a positive one, ValueError if it does not fit into int64."""
    if not is_index(number):
        raise RuntimeError(f"{name} expects an int, but got {type(number).__name__}")
    if number < 1:
        raise RuntimeError(f"{name} expects a positive integer, got {number}")
    if number >= 2**63:
        raise ValueError(f"{name}: Overflow when unpacking long long: {number} does not fit into int64")
    return int(number)


def get_fastpath_enabled() -> bool:
    """Whether `nn.TransformerEncoder` gives zeros for padded places in evaluation, as PyTorch's fast path does.

    >>> import minigrad as torch
    >>> torch.backends.mha.get_fastpath_enabled()
    True
    """
    return _fastpath


def set_fastpath_enabled(value: bool) -> None:
    """Chooses whether evaluation takes what is special about PyTorch's fast path; see `get_fastpath_enabled`.

    >>> import minigrad as torch
    >>> torch.backends.mha.set_fastpath_enabled(True)
    """
    global _fastpath
    _fastpath = value
