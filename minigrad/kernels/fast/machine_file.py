"""The measured constants of a machine, saved in a JSON file with the name of the machine.

{"machine": "x86_64, SkylakeX, NumPy 2.4.6", "peak": 8.5e10, "half": 10.0, "move": 2.1e-10, "run": 2e-09}
"""

from __future__ import annotations

import json
import os
import platform
import tempfile
from math import isfinite
from pathlib import Path

import numpy as np

from minigrad.advice import advise
from minigrad.kernels.algorithms import Machine
from minigrad.threads import core_name

OTHERWISE = "the machine is measured anew, and the file written over"


def read_machine(file: Path) -> Machine | None:
    """The machine saved in the file; None, with advice, if the file is of another machine or damaged."""
    try:
        entries = json.loads(file.read_text(encoding="utf-8"))
    except FileNotFoundError:
        return None
    except (OSError, ValueError) as error:  # ValueError: no JSON, no UTF-8
        advise("machine file", f"{file} cannot be read ({error}): {OTHERWISE}")
        return None
    if not isinstance(entries, dict) or set(entries) != {"machine", *Machine._fields}:
        advise("machine file", f"{file} holds something else than the measures of a machine: {OTHERWISE}")
        return None
    if entries["machine"] != describe_machine():
        advise("machine file", f"{file} tells of another machine ({entries['machine']}): {OTHERWISE}")
        return None
    numbers = [entries[name] for name in Machine._fields]
    are_measures = all(type(number) in (int, float) and isfinite(number) and number >= 0 for number in numbers)
    if not are_measures or not entries["peak"]:
        advise("machine file", f"{file} holds measures that no machine has: {OTHERWISE}")
        return None
    return Machine(*numbers)


def write_machine(file: Path, machine: Machine) -> None:
    """Saves the constants of this machine atomically; advice if the file cannot be written."""
    text = json.dumps({"machine": describe_machine(), **machine._asdict()})
    try:
        handle, name = tempfile.mkstemp(dir=file.parent, prefix=file.name)
        try:
            with os.fdopen(handle, "w", encoding="utf-8") as target:
                target.write(text)
            Path(name).replace(file)
        finally:
            Path(name).unlink(missing_ok=True)  # if it has not become the file
    except OSError as error:
        advise("machine file", f"{file} cannot be written ({error}): the machine is measured in each run")


def describe_machine() -> str:
    """The name of the machine: the processor, as OpenBLAS calls it, and NumPy's version."""
    return f"{platform.machine()}, {core_name()}, NumPy {np.__version__}"
