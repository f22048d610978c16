"""`torch.mps` and `torch.xpu`: kinds of devices that minigrad does not have, for programs that look for one."""

from __future__ import annotations

from typing import Any


class AbsentDevice:
    """A kind of device that is not there: none is available or counted, a seed for all of them has no effect."""

    def __init__(self, name: str) -> None:
        self._name = name

    def is_available(self) -> bool:
        """False: arrays are on the CPU, or on a GPU by CuPy."""
        return False

    def device_count(self) -> int:
        """0."""
        return 0

    def manual_seed(self, seed: int) -> None:
        """Does nothing: there is no generator to seed."""

    manual_seed_all = manual_seed

    def __getattr__(self, name: str) -> Any:
        kind = self.__dict__.get("_name", "")
        detail = f"minigrad has no devices of this kind, as torch.{kind}.is_available() says before it is used"
        raise AttributeError(f"module 'minigrad.{kind}' has no attribute '{name}': {detail}")

    def __repr__(self) -> str:
        return f"<minigrad.{self._name}: no device>"


mps, xpu = AbsentDevice("mps"), AbsentDevice("xpu")
