"""Measure this machine, and write the tables and the picture of docs/performance.md anew.

    python benchmarks/record.py zen4 --title "AMD EPYC (Zen 4), AVX-512" --torch-python PATH
    python benchmarks/record.py smoke --smoke           # tiny layers, no file is kept: does it run?

Runs `engine.py` and `layers.py` (on two threads, on one, on one without AVX-512), about ten minutes in all, and keeps
the numbers in `records/NAME.json`. `docs/make_performance.py` makes the page from all files there.
The machine must be idle: load from other programs falls on both engines, but not evenly.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import tempfile
import time
from importlib.metadata import version
from pathlib import Path
from typing import Any

from layers import ROOT
from measure import machine

RECORDS = ROOT / "benchmarks" / "records"
RUNS = {  # part of the record -> the program and its arguments
    "steps": ["engine.py", "--budget", "0.4"],
    "two threads": ["layers.py", "--rounds", "2", "--seconds", "0.2"],
    "one thread": ["layers.py", "--rounds", "2", "--seconds", "0.2", "--cpu-time"],
    "one thread, AVX2": ["layers.py", "--rounds", "2", "--seconds", "0.2", "--cpu-time", "--avx2"],
}


def run(arguments: list[str], options: argparse.Namespace) -> Any:
    """What a benchmark saves. Its own table is printed as it comes."""
    program, *rest = arguments
    with tempfile.TemporaryDirectory() as folder:
        saved = Path(folder) / "numbers.json"
        command = [sys.executable, str(ROOT / "benchmarks" / program), *rest, "--save", str(saved)]
        command += ["--smoke"] if options.smoke else ["--torch-python", options.torch_python]
        subprocess.run(command, check=True, env={**os.environ, "PYTHONPATH": str(ROOT)})
        return json.loads(saved.read_text())


def find_commit() -> str:
    """The commit that is measured."""
    command = ["git", "rev-parse", "--short=8", "HEAD"]
    done = subprocess.run(command, capture_output=True, text=True, check=True, cwd=ROOT)
    return done.stdout.strip()


def main() -> None:
    """Read the command line, measure, keep the numbers, make the page."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("name", help="the record's file: records/NAME.json")
    parser.add_argument("--title", default=machine(), help="the machine, as the tables call it")
    parser.add_argument(
        "--torch-python",
        default=os.environ.get("MINIGRAD_TORCH_PYTHON", sys.executable),
        help="the interpreter that has PyTorch",
    )
    parser.add_argument("--smoke", action="store_true", help="tiny layers, no file is kept")
    options = parser.parse_args()
    about = {"machine": options.title, "date": time.strftime("%Y-%m-%d %H:%M"), "numpy": version("numpy")}
    record = about | {part: run(arguments, options) for part, arguments in RUNS.items()}
    if options.smoke:
        return
    record["commit"] = find_commit()
    RECORDS.mkdir(exist_ok=True)
    (RECORDS / f"{options.name}.json").write_text(json.dumps(record, indent=1) + "\n")
    subprocess.run([sys.executable, str(ROOT / "docs" / "make_performance.py")], check=True)


if __name__ == "__main__":
    main()
