"""Which files are the heart: those that pyproject.toml's import contract keeps apart from the wings."""

from __future__ import annotations

import tomllib
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent


def heart() -> tuple[str, ...]:
    """The modules and packages of the heart, as paths without their ending, in reading order."""
    config = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))
    contracts = config["tool"]["importlinter"]["contracts"]
    modules = next(c["source_modules"] for c in contracts if c["name"].startswith("The heart"))
    return tuple(module.replace(".", "/") for module in modules)


def place_in_heart(file: str, listed: tuple[str, ...]) -> int | None:
    """The place of a file, such as ``minigrad/optim/sgd.py``, among those `listed`; None for one of a wing.

    >>> place_in_heart("minigrad/tensor/shape.py", ("minigrad/size", "minigrad/tensor"))
    1
    >>> place_in_heart("minigrad/sizes.py", ("minigrad/size", "minigrad/tensor"))
    """
    module = file.removesuffix(".py").removesuffix("/__init__")
    return next((i for i, part in enumerate(listed) if module == part or module.startswith(part + "/")), None)
