"""Reference pages: the signature and the docstring of each public name, as `help` shows them."""

from __future__ import annotations

import inspect
from importlib import import_module
from typing import Any

ROOMS = (
    "nn", "nn.functional", "nn.init", "optim", "optim.lr_scheduler", "utils.data", "autograd", "func", "linalg", "viz",
    "course", "cuda",
)  # fmt: skip
MODULES = ("minigrad", *(f"minigrad.{room}" for room in ROOMS))


def write_pages() -> dict[str, str]:
    """By module: a page in Markdown."""
    return {name: write_page(name) for name in MODULES}


def write_page(module_name: str) -> str:
    """The names of one module, classes before functions."""
    module = import_module(module_name)
    found = dict(sorted(public_names(module).items(), key=lambda item: (not inspect.isclass(item[1]), item[0].lower())))
    parts = [f"# {module_name}", fenced(inspect.getdoc(module) or "")]
    for name, value in found.items():
        parts += [f"## {name}", fenced(f"{name}{signature(value)}\n\n{own_docstring(value)}")]
        if inspect.isclass(value) and module_name == "minigrad" and name == "Tensor":
            for method, function in inspect.getmembers(value, callable):
                if not method.startswith("_") and own_docstring(function):
                    parts += [
                        f"### Tensor.{method}",
                        fenced(f"{method}{signature(function)}\n\n{own_docstring(function)}"),
                    ]
    return "\n\n".join(parts) + "\n"


def public_names(module: Any) -> dict[str, Any]:
    """The public functions and classes of a module that belong to this library and have a docstring."""
    names = getattr(module, "__all__", None) or [name for name in dir(module) if not name.startswith("_")]
    values = {name: getattr(module, name) for name in names}
    return {
        name: value
        for name, value in values.items()
        if callable(value) and own_docstring(value) and str(getattr(value, "__module__", "")).startswith("minigrad")
    }


def own_docstring(value: Any) -> str:
    """A docstring that is not inherited from a class of Python's."""
    text = inspect.getdoc(value) or ""
    return "" if text == inspect.getdoc(object) or text == inspect.getdoc(type(value)) else text


def signature(value: Any) -> str:
    """The parameters in brackets; "" where Python cannot tell."""
    try:
        return str(inspect.signature(value))
    except (TypeError, ValueError):
        return ""


def fenced(text: str) -> str:
    """A block that is shown as it is; examples in it are coloured."""
    return f"```pycon\n{text.strip()}\n```" if ">>>" in text else f"```text\n{text.strip()}\n```"
