"""Which files are the heart, and which the wings: the two lists of pyproject.toml's import contract.

python .ci/heart.py     # exit with 1 if a file of the package stands in neither list, or in both
"""

from __future__ import annotations

import sys
import tomllib
from collections import Counter
from functools import cache
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parent.parent


@cache
def read_contract() -> Any:
    """The contract that keeps the heart apart from the wings."""
    config = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))
    return next(c for c in config["tool"]["importlinter"]["contracts"] if c["name"].startswith("The heart"))


def heart() -> tuple[str, ...]:
    """The modules of the heart, as paths without their ending, in reading order."""
    return tuple(module.replace(".", "/") for module in read_contract()["source_modules"])


def name_of(file: str) -> str:
    """The path of a module without its ending: of a file, such as ``minigrad/optim/sgd.py``, or of a folder.

    >>> name_of("minigrad/optim/sgd.py"), name_of("minigrad/optim/__init__.py")
    ('minigrad/optim/sgd', 'minigrad/optim')
    """
    return file.removesuffix(".py").removesuffix("/__init__")


def place_in_heart(file: str, listed: tuple[str, ...]) -> int | None:
    """The place of a file, such as ``minigrad/optim/sgd.py``, among those `listed`; None for one of a wing.

    >>> place_in_heart("minigrad/optim/sgd.py", ("minigrad/size", "minigrad/optim/sgd"))
    1
    >>> place_in_heart("minigrad/optim/adam.py", ("minigrad/size", "minigrad/optim/sgd"))
    """
    module = name_of(file)
    return listed.index(module) if module in listed else None


def count_places(files: list[str]) -> dict[str, int]:
    """In how many places of the two lists each file stands.

    >>> count_places(["minigrad/optim/sgd.py", "minigrad/viz/graph.py", "minigrad/new.py"])
    {'minigrad/optim/sgd.py': 1, 'minigrad/viz/graph.py': 1, 'minigrad/new.py': 0}
    """
    contract = read_contract()
    entries = [m.replace(".", "/") for m in contract["source_modules"] + contract["forbidden_modules"]]
    alone = Counter(entry for entry in entries if not entry.endswith("**"))
    folders = tuple(entry.removesuffix("**") for entry in entries if entry.endswith("**"))
    modules = {file: name_of(file) for file in files}
    return {file: alone[module] + sum(module.startswith(f) for f in folders) for file, module in modules.items()}


if __name__ == "__main__":
    places = count_places([f.relative_to(ROOT).as_posix() for f in sorted((ROOT / "minigrad").rglob("*.py"))])
    if wrong := [f"{file} stands in {n} places" for file, n in places.items() if n != 1]:
        sys.exit("\n".join([*wrong, "pyproject.toml: each is heart (source_modules) or wing (forbidden_modules)"]))
