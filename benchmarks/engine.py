"""Compare minigrad with PyTorch: one table of times, ratios and goals.

Every cell is measured in a fresh process, with the engines in turn, for several rounds. The table shows the
median of the best round (for memory: of the median round). In one process the threads of two engines would
slow each other down.

    python benchmarks/engine.py                                    # minigrad alone
    python benchmarks/engine.py --torch-python ~/torch/bin/python  # beside PyTorch
    python benchmarks/engine.py --save steps.json                  # the numbers in a file, for `report.py`
    python benchmarks/engine.py --smoke                            # a quick check that it runs, in seconds

The interpreter that has PyTorch may also come from the environment variable MINIGRAD_TORCH_PYTHON,
the one that has HIPS autograd, MyGrad or DeZero from MINIGRAD_PEERS_PYTHON.
"""

from __future__ import annotations

import argparse
import importlib
import json
import os
import subprocess
import sys
from pathlib import Path
from statistics import geometric_mean, median

from measure import in_units, machine, peak_bytes, seconds_per_step
from peers import PEERS
from programs import PROGRAMS, Program

ROOT = Path(__file__).resolve().parent.parent
IMPORT_GOAL = 1.3  # import minigrad against import numpy
IMPORT = """
import json, time
start = time.perf_counter()
import {}
print(json.dumps(dict(seconds=time.perf_counter() - start)))
"""
Cell = dict[str, float]  # label -> seconds or bytes


def measure_here(program: str, engine: str, budget: float) -> Cell:
    """Measures one program with one engine in this process."""
    if engine in PEERS:
        return {"step": seconds_per_step(PEERS[engine](), budget)}
    torch = importlib.import_module(engine)
    for module in ("nn", "optim", "utils.data"):
        importlib.import_module(f"{engine}.{module}")
    steps = PROGRAMS[program].make(torch)
    if PROGRAMS[program].unit == "bytes":
        return peak_bytes(steps["step"])
    return {label: seconds_per_step(step, budget / len(steps)) for label, step in steps.items()}


def measure_in_fresh_process(python: str, program: str, engine: str, budget: float) -> Cell:
    """Runs `measure_here` in a process of its own. Raises RuntimeError with the last lines that the process printed."""
    command = [python, __file__, "--child", program, engine, "--budget", str(budget)]
    if program == "import":
        command = [python, "-c", IMPORT.format(engine)]
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    environment.pop("PYTHONDONTWRITEBYTECODE", None)  # imports read bytecode, as they usually do
    done = subprocess.run(command, check=False, env=environment, capture_output=True, text=True, cwd=ROOT)
    if done.returncode != 0:
        raise RuntimeError(f"{engine}, {program}: {done.stderr.strip().splitlines()[-1]}")
    result: Cell = json.loads(done.stdout.splitlines()[-1])
    return result


def summarize(rounds: list[Cell], unit: str) -> Cell:
    """The best round of each label; for memory, which is not noisy, the median."""
    summary = median if unit == "bytes" else min
    return {label: summary([cell[label] for cell in rounds]) for label in rounds[0]}


def measure_in_turn(pythons: dict[str, str], program: str, rounds: int, budget: float) -> dict[str, Cell]:
    """The results of every engine. The engines take turns, so that noise affects all of them equally."""
    unit = PROGRAMS[program].unit if program in PROGRAMS else "s"
    cells: dict[str, list[Cell]] = {engine: [] for engine in pythons}
    for _ in range(rounds):
        for engine, python in pythons.items():
            cells[engine].append(measure_in_fresh_process(python, program, engine, budget))
    return {engine: summarize(found, unit) for engine, found in cells.items()}


def find_headline(program: Program, cell: Cell) -> float:
    """The number that the table shows for a cell."""
    return cell[program.headline] if program.headline else geometric_mean(cell.values())


def has_module(python: str, module: str) -> bool:
    """Whether `module` is installed for `python`."""
    find = f"import importlib.util, sys; sys.exit(importlib.util.find_spec({module!r}) is None)"
    command = [python, "-c", find]
    done = subprocess.run(command, check=False, capture_output=True, cwd=ROOT)
    return done.returncode == 0


def format_table(rows: list[list[str]]) -> str:
    """Rows of text as a Markdown table. The first row is the header."""
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    lines = [
        "| " + " | ".join(text.ljust(width) for text, width in zip(row, widths, strict=True)) + " |" for row in rows
    ]
    lines.insert(1, "|" + "|".join("-" * (width + 2) for width in widths) + "|")
    return "\n".join(lines)


def tell_ratio(ratio: float, goal: float) -> list[str]:
    """The ratio, with a mark if the goal is missed, and the goal."""
    return [f"{ratio:.2f}" + ("" if ratio <= goal else " !"), f"{goal:.2f}"]


def find_engines(options: argparse.Namespace) -> tuple[dict[str, str], dict[str, str]]:
    """The interpreters of minigrad and PyTorch, and those of the other engines, by the engine's name."""
    pythons, peers = {"minigrad": sys.executable}, {}
    if not options.smoke:
        if has_module(options.torch_python, "torch"):
            pythons["torch"] = options.torch_python
        peers = {p: options.peers_python for p in PEERS if has_module(options.peers_python, p)}
    return pythons, peers


def make_row(program: Program, cells: dict[str, Cell], engines: list[str]) -> list[str]:
    """The row of a program: the time of each engine and, if PyTorch was measured, the ratio and the goal."""
    row = [
        in_units(find_headline(program, cells[engine]), program.unit) if engine in cells else "-" for engine in engines
    ]
    if "torch" in cells:
        shown = [label for label in cells["minigrad"] if program.headline in (None, label)]
        ratio = geometric_mean(cells["minigrad"][label] / cells["torch"][label] for label in shown)
        row += tell_ratio(ratio, program.goal)
    return [program.title, *row]


def report(options: argparse.Namespace) -> None:
    """Measures all selected programs, then prints the table."""
    pythons, peers = find_engines(options)
    engines = [*pythons, *peers]
    rows = [["", *engines, *(["ratio", "goal"] if "torch" in pythons else [])]]
    steps: list[str] = []
    found: dict[str, dict[str, float]] = {}
    for name in options.only or PROGRAMS:
        program = PROGRAMS[name]
        here = pythons | (peers if name == "edge-by-hand" else {})
        cells = measure_in_turn(here, name, options.rounds, options.budget)
        rows.append(make_row(program, cells, engines))
        found[name] = {engine: find_headline(program, cell) for engine, cell in cells.items()}
        if len(cells["minigrad"]) > 1:
            steps += tell_steps(program, cells)
        print(f"{program.title}: {', '.join(rows[-1][1:])}", file=sys.stderr, flush=True)
    if not options.only:
        rows.append(make_import_row(pythons, engines, options.rounds))
    print(f"{machine()}\nbest of {options.rounds} rounds; times are for one step\n")
    print(format_table(rows))
    if not options.only:
        found["import"] = measure_import(options.rounds)
        ratio, goal = tell_ratio(found["import"]["minigrad"] / found["import"]["numpy"], IMPORT_GOAL)
        print(f"\nimport minigrad / import numpy: {ratio} (goal {goal})")
    if options.detail:
        print("\n" + "\n".join(steps))
    if options.save:
        options.save.write_text(json.dumps(found, indent=1))


def tell_steps(program: Program, cells: dict[str, Cell]) -> list[str]:
    """A line for each step of a program that has several."""
    lines = [program.title]
    for label in cells["minigrad"]:
        texts = [f"{engine} {in_units(cell[label], program.unit)}" for engine, cell in cells.items()]
        if "torch" in cells:
            texts.append(f"ratio {cells['minigrad'][label] / cells['torch'][label]:.2f}")
        lines.append(f"  {label}: {', '.join(texts)}")
    return lines


def make_import_row(pythons: dict[str, str], engines: list[str], rounds: int) -> list[str]:
    """The table's row of import times."""
    cells = measure_in_turn(pythons, "import", rounds, 0)
    times = {engine: in_units(cell["seconds"], "s") for engine, cell in cells.items()}
    return ["import", *(times.get(engine, "-") for engine in engines), *(["-", "-"] if "torch" in pythons else [])]


def measure_import(rounds: int) -> dict[str, float]:
    """The seconds of ``import minigrad`` and of ``import numpy``, in turn; the best of many runs."""
    both = {"numpy": sys.executable, "minigrad": sys.executable}
    cells = measure_in_turn(both, "import", 4 * rounds, 0)
    return {module: cell["seconds"] for module, cell in cells.items()}


def main() -> None:
    """Read the command line."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument(
        "--torch-python",
        default=os.environ.get("MINIGRAD_TORCH_PYTHON", sys.executable),
        help="the interpreter that has PyTorch (default: this one, if it has)",
    )
    parser.add_argument(
        "--peers-python",
        default=os.environ.get("MINIGRAD_PEERS_PYTHON", sys.executable),
        help="the interpreter that has other engines (default: this one, if it has any)",
    )
    parser.add_argument("--rounds", type=int, default=5, help="rounds per cell (default 5)")
    parser.add_argument("--budget", type=float, default=1.0, help="seconds per cell and round")
    parser.add_argument("--only", nargs="+", choices=PROGRAMS, help="measure these rows alone")
    parser.add_argument("--detail", action="store_true", help="every operation of every row")
    parser.add_argument("--save", type=Path, metavar="FILE", help="write the numbers as JSON, too")
    parser.add_argument("--smoke", action="store_true", help="one short round, minigrad alone")
    parser.add_argument("--child", nargs=2, metavar=("PROGRAM", "ENGINE"), help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.child:
        print(json.dumps(measure_here(*options.child, options.budget)))
        return
    if options.smoke:
        options.rounds, options.budget = 1, 0.01
    report(options)


if __name__ == "__main__":
    main()
