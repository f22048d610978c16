"""Names whose files are imported when one asks for them, so that `import minigrad` is quick."""

from __future__ import annotations

import gc
from collections.abc import Callable
from importlib import import_module
from typing import Any

from minigrad.missing import answer


class collect_later:
    """A context without Python's garbage collector: imports make thousands of objects, and none of them is garbage."""

    def __enter__(self) -> None:
        self.collects = gc.isenabled()
        gc.disable()

    def __exit__(self, *_: object) -> None:
        if self.collects:
            if not gc.get_freeze_count():  # else a user's objects would be unfrozen, too
                gc.freeze()
                gc.unfreeze()  # what was imported is in the oldest generation then, and no collection is due
            gc.enable()


def open_later(
    namespace: str, package: dict[str, Any], rooms: str = "", files: dict[str, str] | None = None
) -> Callable[[str], Any]:
    """Gives a package a `__getattr__` that imports its submodules (`rooms`) when they are first used, and returns it.

    `files` maps submodules to the names that are imported from them: ``{"adam": "Adam AdamW"}``. All names are in the
    package's `dir`.
    """
    inside = package["__name__"]
    file_of = {name: file for file, names in (files or {}).items() for name in names.split()}
    package["__dir__"] = lambda: sorted({*package, *file_of, *rooms.split()})

    def find(name: str) -> Any:
        if name in rooms.split():
            return import_module(f"{inside}.{name}")
        if name not in file_of:
            return answer(namespace, package, name, package["__dir__"]())
        package[name] = found = getattr(import_module(f"{inside}.{file_of[name]}"), name)
        return found

    package["__getattr__"] = find
    return find
