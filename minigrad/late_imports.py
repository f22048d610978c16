"""Names whose files are imported when one asks for them, so that `import minigrad` is quick."""

from __future__ import annotations

import builtins
import gc
import sys
from _thread import allocate_lock  # `threading` itself takes a millisecond to import
from collections.abc import Iterable
from importlib import import_module
from types import ModuleType, SimpleNamespace
from typing import Any, NoReturn


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


class Place:
    """Where a name is defined that has not been imported yet: in a file, or it is the file itself (`name` is "")."""

    def __init__(self, file: str, name: str) -> None:
        self.file, self.name = file, name


class open_later:
    """A context whose imports take a note of the names; each file is imported when one of its names is first used.

        with open_later("torch.optim", globals()):
            from minigrad.optim.adam import Adam

    For readers and type checkers these are plain imports. Python passes an import statement to `builtins.__import__`,
    which this replaces, for the package's own statements, until the block ends. The package gets a `__getattr__` that
    imports what is asked for, and a `__dir__` of all its names; `namespace` is its name in errors about missing ones.
    """

    _turn = allocate_lock()  # for threads that open packages at once

    def __init__(self, namespace: str, package: dict[str, Any]) -> None:
        self.namespace, self.package = namespace, package

    def __enter__(self) -> open_later:
        self._turn.acquire()
        self._import, builtins.__import__ = builtins.__import__, self._note
        return self

    def __exit__(self, *_: object) -> None:
        builtins.__import__ = self._import
        self._turn.release()
        self.places = {name: place for name, place in self.package.items() if isinstance(place, Place)}
        for name in self.places:
            del self.package[name]
        self.package["__getattr__"], self.package["__dir__"] = self.find, self.list_names
        self.beginnings = list_beginnings([*self.package, *self.places])  # others are not taken for a class
        answer_for_files(self.package, self.beginnings.intersection(self.package))

    def _note(self, name: str, globals: Any = None, locals: Any = None, fromlist: Any = (), level: int = 0) -> Any:
        if globals is not self.package:  # another thread's import
            return self._import(name, globals, locals, fromlist, level)
        is_package = name == self.package["__name__"]
        places = {there: Place(f"{name}.{there}", "") if is_package else Place(name, there) for there in fromlist}
        return SimpleNamespace(**places)

    def list_names(self) -> list[str]:
        """The names of the package, imported or not."""
        return sorted({*self.package, *self.places})

    def find(self, name: str) -> Any:
        """What the package calls `name`, imported now. Raises AttributeError in words where there is none."""
        if name not in self.places:
            from minigrad.missing import answer

            return answer(self.namespace, self.package, name, self.list_names())
        place = self.places[name]
        if place.file not in sys.modules:
            self._open(place.file)
        file = import_module(place.file)  # which waits while another thread imports it
        self.package[name] = found = getattr(file, place.name) if place.name else file
        return found

    def _open(self, file: str) -> None:
        known = len(sys.modules)
        with collect_later():
            import_module(file)
        loaded = [module.rpartition(".")[2] for module in [*sys.modules][known:]]
        answer_for_files(self.package, self.beginnings.intersection(loaded))


# ---- files that are called by a layer's name -----------------------------------------------------
class File(ModuleType):
    """A file of a package that PyTorch's package does not have: who calls it means another name, as by `nn.linear`.

    So does who derives a class of it, ``class Net(nn.module)``. Both raise the error for a missing name.
    """

    def __call__(self, *_: Any, **__: Any) -> NoReturn:
        self.__mro_entries__()

    def __mro_entries__(self, _: Any = None) -> NoReturn:
        from minigrad.missing import missing_name, read_pytorch_names

        package, _, name = self.__name__.rpartition(".")
        namespace, known = package.replace("minigrad", "torch", 1), dir(sys.modules[package])
        if name in read_pytorch_names().get(namespace, "").split():  # as `nn.parameter`
            meant = next(x for x in known if x.lower().startswith(name) and x != name)
            raise TypeError(f"'module' object is not callable. Did you mean: {meant!r}?")
        raise missing_name(namespace, name, known)


def list_beginnings(names: Iterable[str]) -> set[str]:
    """The beginnings of the classes among the `names`, in small letters: of `Net` "n", "ne" and "net".

    >>> from minigrad.late_imports import list_beginnings
    >>> sorted(list_beginnings(["SGD", "relu"]))
    ['s', 'sg', 'sgd']
    """
    return {name[:end].lower() for name in names if name[0].isupper() for end in range(1, len(name) + 1)}


def answer_for_files(package: dict[str, Any], modules: Iterable[str]) -> None:
    """Makes a `File` of each of these `modules` of the package that is none of its public names."""
    for name in set(modules).difference(package.get("__all__", ())):
        if type(package.get(name)) is ModuleType:
            package[name].__class__ = File
