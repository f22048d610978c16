"""The number of threads: what chooses it, and what it reaches."""

import importlib
import os
import subprocess
import sys

import numpy as np
import pytest

import minigrad as torch


def test_the_number_of_threads_reaches_numpys_library():
    before = torch.get_num_threads()
    try:
        torch.set_num_threads(1)
        assert torch.get_num_threads() == 1 or not importlib.import_module("minigrad.threads")._switch()
    finally:
        torch.set_num_threads(before)
    torch.set_num_threads(np.int64(before))
    for wrong in (0, 1.0, True, "2", None):
        with pytest.raises(RuntimeError, match="set_num_threads expects"):
            torch.set_num_threads(wrong)
        with pytest.raises(RuntimeError, match="set_num_interop_threads expects"):
            torch.set_num_interop_threads(wrong)
    torch.set_num_interop_threads(2)
    assert torch.get_num_interop_threads() == 1


@pytest.mark.parametrize("given", ["1", "2"])
def test_omp_num_threads_chooses_the_number(given):
    code = "import minigrad as torch; print(torch.get_num_threads())"
    environment = {**os.environ, "OMP_NUM_THREADS": given}
    environment.pop("OPENBLAS_NUM_THREADS", None)
    shown = subprocess.run([sys.executable, "-c", code], env=environment, capture_output=True, text=True, check=True)
    assert int(shown.stdout) == min(int(given), os.cpu_count())


def test_the_affinity_limits_the_number():
    if not hasattr(os, "sched_setaffinity"):
        pytest.skip("this system has no affinity")
    code = "import os; os.sched_setaffinity(0, {min(os.sched_getaffinity(0))})\n"
    code += "import minigrad as torch; print(torch.get_num_threads())"
    environment = {name: value for name, value in os.environ.items() if not name.endswith("_NUM_THREADS")}
    shown = subprocess.run([sys.executable, "-c", code], env=environment, capture_output=True, text=True, check=True)
    assert shown.stdout.strip() == "1"
