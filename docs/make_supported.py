"""Write docs/supported.md from the code: public names, and the differences docstrings own up to.

    python docs/make_supported.py           # write the page
    python docs/make_supported.py --check   # exit with 1 if the page is not what the code says

A docstring tells a deliberate difference in a paragraph that begins with "Differs from PyTorch:".
"""

from __future__ import annotations

import argparse
import importlib
import inspect
import sys
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType
from typing import Any

import minigrad

PAGE = Path(__file__).resolve().parent / "supported.md"
NAMESPACES = [
    "minigrad",
    "minigrad.Tensor",
    "minigrad.nn",
    "minigrad.nn.functional",
    "minigrad.nn.init",
    "minigrad.nn.utils",
    "minigrad.optim",
    "minigrad.optim.lr_scheduler",
    "minigrad.autograd",
    "minigrad.autograd.functional",
    "minigrad.func",
    "minigrad.utils.data",
    "minigrad.cuda",
    "minigrad.backends.conv",
]
MARK = "Differs from PyTorch:"
HEAD = """# Supported

Every public name, read from the code by `python docs/make_supported.py`; CI checks that it is up to
date. A name here means what it means in PyTorch, unless the second table says otherwise.
"""
OPERATORS = {
    "arithmetic": "+ - * / // % ** @ abs, reflected and in place",
    "comparison": "== != < <= > >=",
    "logic": "& | ^ ~",
    "container": "x[...], x[...] = value, len, iteration, in",
    "conversion": "float, int, bool, format, np.asarray, DLPack",
}


def find(path: str) -> Any:
    """The module or class that a dotted path names; None if there is none."""
    if path == "minigrad.Tensor":
        return minigrad.Tensor
    try:
        return importlib.import_module(path)
    except ModuleNotFoundError:
        return None


def public(path: str) -> Iterator[tuple[str, Any]]:
    """Public names of a namespace and what they stand for; no submodules, no typing's names."""
    place = find(path)
    names = getattr(place, "__all__", None) or [n for n in dir(place) if not n.startswith("_")]
    for name in sorted(names, key=lambda n: (n.lower(), n)):
        thing = inspect.getattr_static(place, name, None) or getattr(place, name, None)
        home = str(getattr(thing, "__module__", None) or "minigrad")
        if not isinstance(thing, ModuleType) and home.startswith("minigrad"):
            yield name, thing


def differences(path: str) -> Iterator[tuple[str, str]]:
    """Names and the paragraphs in which their docstrings tell a difference."""
    for name, thing in public(path):
        text = inspect.getdoc(getattr(thing, "fget", None) or thing) or ""
        for paragraph in text.split("\n\n"):
            if paragraph.startswith(MARK):
                told = " ".join(paragraph.removeprefix(MARK).split())
                yield f"{path}.{name}", told[:1].upper() + told[1:]


def page() -> str:
    """The whole page as text."""
    lines = [HEAD, "| where | names |", "|---|---|"]
    for path in NAMESPACES:
        names = [f"`{name}`" for name, _ in public(path)] if find(path) is not None else []
        if names:
            lines.append(f"| `{path}` ({len(names)}) | {', '.join(names)} |")
    lines += [f"| operators, {family} | {text} |" for family, text in OPERATORS.items()]
    lines += ["", "## What differs on purpose", "", "| name | how |", "|---|---|"]
    seen: set[str] = set()
    for path in NAMESPACES:
        for name, told in differences(path) if find(path) is not None else []:
            if told not in seen:
                seen.add(told)
                lines.append(f"| `{name}` | {told.replace('|', chr(92) + '|')} |")
    return "\n".join(lines) + "\n"


def main() -> int:
    """Write the page, or check it."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--check", action="store_true", help="compare, do not write")
    if parser.parse_args().check:
        fresh = PAGE.exists() and PAGE.read_text("utf-8") == page()
        print(f"{PAGE.name} is " + ("up to date" if fresh else "stale: run docs/make_supported.py"))
        return int(not fresh)
    PAGE.write_text(page(), "utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main())
