"""After `import minigrad.as_torch`, ``import torch`` and imports of its submodules give minigrad.

    import minigrad.as_torch
    import torch
    from torch import nn
    import torch.nn.functional as F

In this process `torch` is then another name for `minigrad`; printed text keeps its own name, as ``minigrad.Size([2])``.
Raises ImportError if the real PyTorch was imported before. `remove` undoes it.

`python -m minigrad.as_torch script.py` runs a script unchanged, with further words as its arguments.
"""

from __future__ import annotations

import importlib
import runpy
import sys
from collections.abc import Sequence
from importlib.abc import Loader, MetaPathFinder
from importlib.machinery import ModuleSpec
from pathlib import Path
from types import ModuleType

import minigrad
from minigrad.missing import Answer


class _Alias(Loader):
    """A loader that gives the module `minigrad.x` for `torch.x`."""

    def __init__(self, ours: str) -> None:
        self.ours = ours

    def create_module(self, spec: ModuleSpec) -> ModuleType:
        """The module of minigrad of that name. Raises ModuleNotFoundError in words where there is none."""
        try:
            module = importlib.import_module(self.ours)
        except ModuleNotFoundError as error:
            if not self.ours.startswith(error.name or " "):
                raise
            above, _, name = self.ours.rpartition(".")
            answer = getattr(sys.modules.get(above), name, None)
            if isinstance(answer, Answer):
                self.spec = None
                return answer
            detail = "minigrad has no such module (it answers for torch since `import minigrad.as_torch`)"
            where = "docs/supported.md lists what is here"
            raise ModuleNotFoundError(f"No module named {spec.name!r}: {detail}; {where}", name=spec.name) from None
        self.spec = module.__spec__
        return module

    def exec_module(self, module: ModuleType) -> None:
        """Names the submodules that are loaded: importing one would hide a function of its name in the package."""
        module.__spec__ = self.spec
        for name in [name for name in sys.modules if name.startswith(f"{self.ours}.")]:
            sys.modules.setdefault(name.replace("minigrad", "torch", 1), sys.modules[name])
        if isinstance(module, Answer):
            del module.__path__  # which makes a package of it


class _Finder(MetaPathFinder):
    """A finder for `torch` and its submodules."""

    def find_spec(
        self, fullname: str, path: Sequence[str] | None = None, target: ModuleType | None = None
    ) -> ModuleSpec | None:
        """How to load `fullname`, if it is PyTorch's."""
        first, dot, rest = fullname.partition(".")
        if first != "torch":
            return None
        return ModuleSpec(fullname, _Alias(f"minigrad{dot}{rest}"), is_package=True)


_finder = _Finder()


def _install() -> None:
    real = sys.modules.get("torch")
    if real is not None and real is not minigrad:
        detail = f"the real PyTorch ({getattr(real, '__file__', 'torch')}) is imported already in this process"
        raise ImportError(f"minigrad.as_torch: {detail}; start anew, and write `import minigrad.as_torch` first")
    sys.meta_path.insert(0, _finder)
    sys.modules["torch"] = minigrad
    vars(minigrad)["torch"] = minigrad  # as in PyTorch: lessons have slips like `torch.torch.max`


def remove() -> None:
    """Lets later ``import torch`` mean PyTorch again.

    >>> import minigrad.as_torch
    >>> minigrad.as_torch.remove()
    """
    if _finder in sys.meta_path:
        sys.meta_path.remove(_finder)
    vars(minigrad).pop("torch", None)
    for name in [name for name in sys.modules if name == "torch" or name.startswith("torch.")]:
        del sys.modules[name]
    sys.modules.pop(__name__, None)  # so that importing it again installs it again


def _run_script() -> None:
    """Runs the script that the command line names, which finds its own folder and arguments, as under `python`."""
    if not sys.argv[1:] or sys.argv[1].startswith("-"):  # --help, or an option of a script that is not named
        raise SystemExit("usage: python -m minigrad.as_torch SCRIPT [ARGUMENT ...]")
    del sys.argv[0]
    if not Path(sys.argv[0]).exists():
        raise SystemExit(f"python -m minigrad.as_torch: there is no file {sys.argv[0]!r} in {str(Path.cwd())!r}")
    if Path(sys.argv[0]).is_dir() and not Path(sys.argv[0], "__main__.py").exists():
        raise SystemExit(f"python -m minigrad.as_torch: {sys.argv[0]!r} is a folder; name the file in it to run")
    sys.path[0] = str(Path(sys.argv[0]).resolve().parent)
    runpy.run_path(sys.argv[0], run_name="__main__")


_install()
if __name__ == "__main__":
    _run_script()
