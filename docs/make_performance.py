"""Write the tables of docs/performance.md, and its picture, from the numbers in benchmarks/records.

    python docs/make_performance.py           # write tables and picture (the picture needs matplotlib)
    python docs/make_performance.py --check   # exit with 1 if a table is out of date

`benchmarks/record.py` measures a machine and keeps its numbers there.
"""

from __future__ import annotations

import argparse
import json
import re
import sys
from pathlib import Path
from statistics import geometric_mean
from typing import Any

ROOT = Path(__file__).resolve().parent.parent
PAGE = ROOT / "docs" / "performance.md"
PICTURE = ROOT / "docs" / "layers.png"
sys.path.insert(0, str(ROOT / "benchmarks"))

from engine import IMPORT_GOAL  # noqa: E402
from measure import in_units  # noqa: E402
from programs import PROGRAMS  # noqa: E402

GOALS = (1.0, 2.0, 0.85, 1.8)  # forward: geometric mean, worst; with both gradients: the same
MODES = ("two threads", "one thread", "one thread, AVX2")
Record = dict[str, Any]
Layers = dict[str, dict[str, list[float]]]  # name -> engine -> milliseconds: forward, with both gradients


def read_records() -> list[Record]:
    """All records, the newest first."""
    records = [json.loads(path.read_text()) for path in sorted((ROOT / "benchmarks" / "records").glob("*.json"))]
    return sorted(records, key=lambda record: record["date"], reverse=True)


def tell(rows: list[list[str]]) -> str:
    """Rows of text as a Markdown table; the first one is the header, the first column is text."""
    rule = ["---"] + ["---:"] * (len(rows[0]) - 1)
    return "\n".join("| " + " | ".join(row) + " |" for row in [rows[0], rule, *rows[1:]])


def mark(ratio: float, goal: float) -> str:
    """A ratio, with a mark if it misses the goal."""
    return f"{ratio:.2f}" + (" !" if round(ratio, 2) > goal else "")


def short(record: Record) -> str:
    """A machine's short name: what stands in the parentheses of its long one."""
    return re.search(r"\((.*?)\)", record["machine"])[1]  # type: ignore[index]


def tell_machines(records: list[Record]) -> str:
    """The machines, when they were measured, and which code."""
    rows = [[record["machine"], record["date"].split()[0], record["commit"]] for record in records]
    return tell([["machine", "measured", "commit"], *rows])


def tell_steps(records: list[Record]) -> str:
    """The training steps: times on the newest machine, ratios on all."""
    newest = records[0]
    rows = [["", "goal", "minigrad", "PyTorch", *map(short, records)]]
    for name, program in PROGRAMS.items():
        times = [in_units(newest["steps"][name][engine], program.unit) for engine in ("minigrad", "torch")]
        ratios = [r["steps"][name]["minigrad"] / r["steps"][name]["torch"] for r in records]
        rows.append([program.title, f"{program.goal:.2f}", *times, *(mark(ratio, program.goal) for ratio in ratios)])
    imports = [r["steps"]["import"]["minigrad"] / r["steps"]["import"]["numpy"] for r in records]
    rows.append(["`import minigrad` beside `import numpy`", f"{IMPORT_GOAL:.2f}", "", ""])
    rows[-1] += [mark(ratio, IMPORT_GOAL) for ratio in imports]
    return tell(rows)


def find_ratios(layers: Layers) -> list[tuple[float, float]]:
    """For each layer, minigrad's time over PyTorch's: forward, with both gradients."""
    both = [(of["minigrad"], of["torch"]) for of in layers.values()]
    return [(ours[0] / theirs[0], ours[1] / theirs[1]) for ours, theirs in both]


def measured(records: list[Record]) -> list[tuple[Record, str]]:
    """Each record with each way in which its layers were measured."""
    return [(record, mode) for mode in MODES for record in records if mode in record]


def tell_summary(records: list[Record]) -> str:
    """The geometric mean and the worst layer of every measurement."""
    rows = [["", "forward", "worst", "with both gradients", "worst"], ["goal", *(f"{goal:.2f}" for goal in GOALS)]]
    for record, mode in measured(records):
        figures = [f(part) for part in zip(*find_ratios(record[mode]), strict=True) for f in (geometric_mean, max)]
        rows.append([f"{short(record)}, {mode}", *map(mark, figures, GOALS)])
    return tell(rows)


def tell_layers(records: list[Record]) -> str:
    """Every layer: times on the newest machine, ratios of all measurements as forward / with both gradients."""
    newest, columns = records[0], measured(records)
    mode = next(mode for mode in MODES if mode in newest)
    rows = [["layer", "ms", *(f"{short(record)}, {mode}" for record, mode in columns)]]
    ratios = [find_ratios(record[mode]) for record, mode in columns]
    for row, (name, times) in enumerate(newest[mode].items()):
        forward, both = times["minigrad"]
        rows.append([name, f"{forward:.2f} / {both:.2f}", *(f"{of[row][0]:.2f} / {of[row][1]:.2f}" for of in ratios)])
    return tell(rows)


TABLES = {"machines": tell_machines, "steps": tell_steps, "summary": tell_summary, "layers": tell_layers}


def fill(page: str, records: list[Record]) -> str:
    """The page with its tables made anew."""
    for name, make in TABLES.items():
        between = re.compile(rf"(<!-- table: {name} -->\n).*?(<!-- end of table -->)", re.DOTALL)
        assert between.search(page), f"{PAGE}: no place for the table {name!r}"
        page = between.sub(rf"\1\n{make(records)}\n\n\2", page)
    return page


def draw(records: list[Record]) -> None:
    """One row of points for each layer: minigrad's time over PyTorch's, with both gradients, in every measurement."""
    from matplotlib.figure import Figure

    picture = Figure(figsize=(9, 8), layout="constrained")
    axes = picture.subplots()
    for record, mode in measured(records):
        ratios = [both for _, both in find_ratios(record[mode])]
        axes.plot(ratios, range(len(ratios)), "o", markersize=5, alpha=0.7, label=f"{short(record)}, {mode}")
    names = list(next(records[0][mode] for mode in MODES if mode in records[0]))
    axes.axvline(1, color="black", linewidth=0.8)
    axes.set(xscale="log", xlabel="time beside PyTorch's, forward and both gradients (left of the line: faster)")
    axes.set_yticks(range(len(names)), names)
    axes.set_xticks([0.03, 0.1, 0.3, 0.5, 1, 2, 4], ["0.03", "0.1", "0.3", "0.5", "1", "2", "4"])
    axes.minorticks_off()
    axes.invert_yaxis()
    axes.grid(alpha=0.3)
    axes.legend(loc="lower left")
    picture.savefig(PICTURE, dpi=100)


def main() -> None:
    """Read the command line; write or check."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--check", action="store_true", help="exit with 1 if a table is out of date")
    options = parser.parse_args()
    records, page = read_records(), PAGE.read_text("utf-8")
    new = fill(page, records)
    if options.check:
        sys.exit(f"{PAGE.name} is out of date: run python docs/make_performance.py" if new != page else 0)
    PAGE.write_text(new, "utf-8")
    draw(records)


if __name__ == "__main__":
    main()
