"""benchmarks/gpu.py on the stand-in, with tiny sizes."""

import os
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]


def run_benchmark(*arguments, folder):
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    command = [sys.executable, ROOT / "benchmarks" / "gpu.py", *arguments]
    return subprocess.run(command, cwd=folder, env=environment, capture_output=True, text=True, check=False)


def test_a_dry_run_prints_a_table_and_writes_it_to_a_file(tmp_path):
    done = run_benchmark("--dry-run", "--only", "facts", "examples", "layers", "programs", "memory", folder=tmp_path)
    assert done.returncode == 0, done.stderr
    assert (tmp_path / "gpu.txt").read_text() == done.stdout
    lines = done.stdout.splitlines()
    assert lines[0].split() == ["what", "minigrad", "PyTorch", "ratio", "floor", "x", "floor"]
    for start in (
        "GPU", "copy bandwidth", "smoke 3x3 x2, with both", "LeNet, SGD, batch 8", "LeNet, SGD, batch 8, captured",
        "relu(x * 1.5 + y)", "examples/",
    ):  # fmt: skip
        assert any(line.startswith(start) for line in lines), start
    assert "FAILED" not in done.stdout


def test_without_cupy_the_program_says_why(tmp_path):
    (tmp_path / "cupy.py").write_text("raise ModuleNotFoundError('no cupy', name='cupy')\n")
    code = "import runpy, sys; sys.path.insert(0, '.'); runpy.run_path(sys.argv.pop(1), run_name='__main__')"
    done = subprocess.run(
        [sys.executable, "-c", code, ROOT / "benchmarks" / "gpu.py"],
        cwd=tmp_path, env={**os.environ, "PYTHONPATH": str(tmp_path)}, capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert done.returncode == 1 and done.stdout == ""
    assert "CuPy is not installed: pip install cupy-cuda12x" in done.stderr and "--dry-run" in done.stderr
