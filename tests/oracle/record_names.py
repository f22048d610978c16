"""Records the public names of PyTorch in minigrad/pytorch_names.json, for the errors of names that are missing.

pip install torch==2.13.0 && python tests/oracle/record_names.py
"""

import importlib
import json
import types
from pathlib import Path

import torch

NAMESPACES = [
    "torch", "torch.Tensor", "torch.nn", "torch.nn.functional", "torch.nn.init", "torch.nn.grad", "torch.nn.utils",
    "torch.optim", "torch.optim.lr_scheduler", "torch.autograd", "torch.utils.data", "torch.linalg",
    "torch.distributions", "torch.cuda", "torch.func", "torch.special", "torch.amp",
    "torch.compiler", "torch.jit", "torch.utils.benchmark", "torch.testing", "torch.utils",
    "torch.nn.utils.parametrizations", "torch.nn.utils.parametrize", "torch.nn.utils.prune", "torch.nn.parallel",
    "torch.autograd.graph", "torch.profiler", "torch.distributed", "torch.functional", "torch.nn.modules.module",
    "torch.nn.utils.rnn", "torch.serialization", "torch.accelerator", "torch.random", "torch.cpu",
    "torch.cuda.nvtx", "torch.cuda.profiler", "torch.fx", "torch.hub", "torch.nn.attention",
]  # fmt: skip
PAGE = Path(__file__).resolve().parents[2] / "minigrad" / "pytorch_names.json"


def list_public(namespace):
    """The names of a namespace that are its own: no module of Python's, nothing private."""
    for name in sorted(dir(namespace)):
        value = getattr(namespace, name, None)
        foreign = isinstance(value, types.ModuleType) and not value.__name__.startswith("torch")
        typing = getattr(value, "__module__", "") in (
            "typing",
            "collections.abc",
            "functools",
            "builtins",
            "contextlib",
        )
        typing = typing or str(getattr(value, "__module__", "")) in ("typing", "typing_extensions", "contextlib")
        if not name.startswith("_") and not foreign and not (typing and isinstance(value, type)) and name.isascii():
            yield name


def main():
    names = {}
    for space in NAMESPACES:
        namespace = torch.Tensor if space == "torch.Tensor" else importlib.import_module(space)
        names[space] = " ".join(list_public(namespace))
    PAGE.write_text(json.dumps(names, indent=1) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
