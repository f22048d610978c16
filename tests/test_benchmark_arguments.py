"""The benchmarks' arguments: a name that matches nothing is refused in words."""

import subprocess
import sys
from pathlib import Path

import pytest

BENCHMARKS = Path(__file__).resolve().parents[1] / "benchmarks"
NO_LAYER = "argument --only: no layer's name contains 'lenet' (the names are "
REFUSED = {
    "layers.py": (["--smoke", "--only", "lenet"], NO_LAYER + "'smoke 3x3'"),
    "ways.py": (["--smoke", "--only", "lenet"], NO_LAYER + "'smoke 3x3'"),
    "gpu_ways.py": (["--only", "lenet"], NO_LAYER + "'ResNet"),
    "second_core.py": (["lent"], "there is no program 'lent'; they are chain, mixed, lenet"),
}  # fmt: skip


@pytest.mark.parametrize("program", REFUSED)
def test_a_name_that_matches_nothing_is_an_error_of_the_argument(program):
    arguments, message = REFUSED[program]
    command = [sys.executable, BENCHMARKS / program, *arguments]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 2 and done.stdout == ""
    assert f"{program}: error: {message}" in done.stderr
