"""Runs a CUDA kernel's source on the processor: no GPU, no driver, a C++ compiler is enough.

`run(source, name, grid, block, arguments)` compiles the source after `cuda_on_cpu.h` and runs every block
with its threads as fibers, so barriers, shared memory and the exchanges within a warp do what they do on
a GPU. Arrays are NumPy's and are written in place; numbers are NumPy's, of exactly the type that the
kernel declares. Slow (some million threads a second): keep the sizes of a test small.
"""

from __future__ import annotations

import ctypes
import hashlib
import re
import shutil
import subprocess
import tempfile
from functools import cache
from pathlib import Path

import numpy as np
import pytest

HEADER = Path(__file__).with_suffix(".h")
OPTIONS = ["-std=c++17", "-O1", "-ffp-contract=off", "-w", "-fPIC"]
WAITS = re.compile(r"__sync|__shfl|__ballot|__any_sync|__all_sync")
DYNAMIC = re.compile(r"extern\s+__shared__\s+(?:__align__\(\d+\)\s+)?([\w ]+?)\s+(\w+)\s*\[\s*\]\s*;")
LAUNCH = """
extern "C" const size_t sizes[] = {{{sizes}}};
extern "C" const char* launch(const unsigned* grid, const unsigned* block, size_t shared, void** a) {{
    return launch_all(grid, block, shared, {barriers}, [=] {{ {name}({passed}); }});
}}
"""


def run(source, name, grid, block, arguments, shared_mem=0):
    """Launches the kernel `name` of a CUDA source on NumPy arrays; raises where a GPU would hang."""
    grid, block = [(*size, 1, 1)[:3] for size in (grid, block)]
    assert 1 <= np.prod(block) <= 1024 and block[2] <= 64, f"a block of {block} threads cannot be launched"
    assert 1 <= grid[0] < 2**31 and all(1 <= n <= 65535 for n in grid[1:]), f"a grid of {grid} cannot be launched"
    library, kinds = compile_kernel(source, name)
    assert len(kinds) == len(arguments), f"{name} takes {len(kinds)} arguments, got {len(arguments)}"
    kept = [_as_bytes(a, kind, size) for a, kind, size in zip(arguments, kinds, _sizes(library, kinds), strict=True)]
    pointers = (ctypes.c_void_p * len(kept))(*[ctypes.addressof(k) for k in kept])
    failed = library.launch(
        (ctypes.c_uint * 3)(*grid), (ctypes.c_uint * 3)(*block), ctypes.c_size_t(shared_mem), pointers
    )
    if failed:
        raise RuntimeError(f"{name}: {failed.decode()}")


@cache
def compile_kernel(source, name):
    """The library that runs this kernel, and the C types that it declares."""
    compiler = shutil.which("g++") or shutil.which("clang++")
    if compiler is None:
        pytest.skip("no C++ compiler here, which would run the kernels' source on the processor")
    kinds = read_parameter_types(source, name)
    code = DYNAMIC.sub(r"\1* \2 = reinterpret_cast<\1*>(dynamic_shared);", source)
    code = LAUNCH.format(
        sizes=", ".join(f"sizeof({kind})" for kind in kinds),
        passed=", ".join(f"*static_cast<{_writable(kind)}*>(a[{i}])" for i, kind in enumerate(kinds)),
        barriers="true" if WAITS.search(source) else "false",
        name=name,
    ).join([f'#include "{_header(compiler)}"\n{code}\n', ""])
    path = _folder() / f"{name}_{hashlib.sha256(code.encode()).hexdigest()[:16]}.cpp"
    path.write_text(code)
    done = subprocess.run(
        [compiler, *OPTIONS, "-shared", "-o", path.with_suffix(".so"), path],
        check=False,
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, f"{name} does not compile:\n{done.stderr[:4000]}"
    library = ctypes.CDLL(str(path.with_suffix(".so")))
    library.launch.restype = ctypes.c_char_p
    return library, kinds


def read_parameter_types(source, name):
    """The C types of a kernel's parameters, in order."""
    source = re.sub(r"//[^\n]*|/\*.*?\*/", " ", source, flags=re.DOTALL)
    begin = re.search(rf"__global__[^;{{}}]*?\b{name}\s*\(", source)
    assert begin, f"the source declares no kernel {name}"
    inside = source[begin.end() : source.index(")", begin.end())]
    parameters = [re.sub(r"__restrict__|__grid_constant__", " ", p).strip() for p in inside.split(",")]
    return [re.sub(r"\s*\w+$", "", p).strip() for p in parameters if p]


def _writable(kind):
    return kind if kind.endswith("*") else re.sub(r"\bconst\b", "", kind).strip()


def _sizes(library, kinds):
    return (ctypes.c_size_t * len(kinds)).in_dll(library, "sizes")


def _as_bytes(value, kind, size):
    """The bytes that are passed for an argument: an address, or the number itself."""
    if kind.endswith("*"):
        address = value.ctypes.data if isinstance(value, np.ndarray) else int(value)  # 0: no array
        return ctypes.c_void_p(address)
    raw = value.tobytes()
    assert len(raw) == size, f"{kind} takes {size} bytes, got {type(value).__name__} of {len(raw)}"
    return ctypes.create_string_buffer(raw, size)


@cache
def _header(compiler):
    """The path of the header, precompiled: to compile it is most of the time that a kernel takes."""
    path = shutil.copy(HEADER, _folder())
    subprocess.run([compiler, *OPTIONS, "-x", "c++-header", "-o", f"{path}.gch", path], check=True)
    return path


@cache
def _folder():
    kept = tempfile.TemporaryDirectory(prefix="cuda_on_cpu_")
    _FOLDERS.append(kept)  # it goes when the process ends
    return Path(kept.name)


_FOLDERS = []
