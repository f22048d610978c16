"""Records CuPy's public names and signatures for the strict stand-in (`tests/standin`).

CuPy imports without a GPU, so any machine with `pip install cupy-cuda12x` can run this:

    python tests/oracle/record_cupy_names.py            # beside the newest CuPy
    python tests/oracle/record_cupy_names.py --narrow   # then beside the oldest one that is served

The first rewrites `tests/data/cupy_names.json`: for every module its functions with their parameters
(every default is written as None), its ufuncs with their loops, its classes with their methods
and attributes, and the rest of its names. The second keeps of it what that CuPy has too.
"""

import importlib
import inspect
import json
import re
import sys
from pathlib import Path

FILE = Path(__file__).parent.parent / "data" / "cupy_names.json"
MODULES = (
    "cupy", "cupy.linalg", "cupy.lib.stride_tricks", "cupy.exceptions", "cupy.cuda",
    "cupy.cuda.runtime", "cupy.cuda.memory", "cupy.cuda.nvtx", "cupyx", "cupyx.scipy.special",
)  # fmt: skip


def describe_parameters(function):
    """'a, axis=None, *, out=None' for a function, or None where it tells nobody."""
    try:
        signature = inspect.signature(function)
    except (ValueError, TypeError):
        return read_docstring(function)
    plain = [
        p.replace(annotation=p.empty, default=p.empty if p.default is p.empty else None)
        for p in signature.parameters.values()
    ]
    return str(inspect.Signature(plain))[1:-1]


def read_docstring(function):
    """The same for compiled functions, whose docstring starts with the C signature."""
    first_line = (function.__doc__ or "").partition("\n")[0]
    found = re.match(r"[\w.]+\((.*)\)( -> .*)?$", first_line)
    if not found:
        return None
    kept = []
    for text in found[1].split(","):
        name, equals, _ = text.partition("=")
        if name.split():
            kept.append(name.split()[-1] + equals + ("None" if equals else ""))
    return ", ".join(kept)


def record_class(cls):
    methods, attributes = {}, []
    for name in dir(cls):
        value = getattr(cls, name)
        if value is getattr(object, name, None) or name.startswith(("_abc", "__pyx")):
            continue
        if callable(value) and not isinstance(value, type):
            methods[name] = describe_parameters(value)
        else:
            attributes.append(name)
    return {"methods": methods, "attributes": attributes}


def record_module(module, ufunc, seen):
    entry = {"functions": {}, "ufuncs": {}, "classes": {}, "others": []}
    for name in dir(module):
        value = getattr(module, name)
        if name.startswith("_") or (inspect.ismodule(value) and not value.__name__.startswith("cupy")):
            continue
        if isinstance(value, ufunc):
            entry["ufuncs"][name] = " ".join(value.types)
        elif isinstance(value, type) and value.__module__.startswith("cupy"):
            entry["classes"][name] = {} if name in seen else record_class(value)
            seen.add(name)
        elif callable(value) and not isinstance(value, type):
            entry["functions"][name] = describe_parameters(value)
        elif not name.lower().startswith("cuda"):  # thousands of the runtime's constants
            entry["others"].append(name)
    return entry


def record():
    cupy = importlib.import_module("cupy")
    seen = set()  # a class is described once, in the first module that offers it
    modules = {name: importlib.import_module(name) for name in MODULES}
    return {
        "cupy": cupy.__version__,
        "modules": {name: record_module(m, cupy.ufunc, seen) for name, m in modules.items()},
    }


def narrow(one, other):
    """What both records have."""
    if isinstance(one, dict):
        return {key: narrow(value, other[key]) for key, value in one.items() if key in other}
    if isinstance(one, list):
        return [name for name in one if name in other]
    if one is None or other is None:  # one of them tells nobody
        return one or other
    if "->" in one:  # loops of a ufunc
        return " ".join(loop for loop in one.split() if loop in other.split())
    has, takes_all = other.replace("\\", "").split(", "), "**kwargs" in other
    return ", ".join(piece for piece in one.split(", ") if takes_all or piece in has)


if __name__ == "__main__":
    found = record()
    if "--narrow" in sys.argv:
        before = json.loads(FILE.read_text())
        found = narrow(before, found) | {"cupy": f"{found['cupy']} to {before['cupy']}"}
    FILE.write_text(json.dumps(found, indent=1, sort_keys=True) + "\n")
