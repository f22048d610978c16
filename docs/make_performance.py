"""Write the tables of docs/performance.md and README.md, and the picture, from the numbers in benchmarks/records.

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
README = ROOT / "README.md"
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


def list_steps(records: list[Record]) -> list[tuple[str, float, list[str], list[float]]]:
    """For each training step its title, its goal, both engines' times on the newest machine, and the ratios on all.

    A step that one of the records lacks is left out.
    """
    rows = []
    for name in [name for name in PROGRAMS if all(name in record["steps"] for record in records)]:
        program = PROGRAMS[name]
        times = [in_units(records[0]["steps"][name][engine], program.unit) for engine in ("minigrad", "torch")]
        ratios = [record["steps"][name]["minigrad"] / record["steps"][name]["torch"] for record in records]
        rows.append((program.title, program.goal, times, ratios))
    imports = [record["steps"]["import"]["minigrad"] / record["steps"]["import"]["numpy"] for record in records]
    return [*rows, ("`import minigrad` beside `import numpy`", IMPORT_GOAL, ["", ""], imports)]


def tell_steps(records: list[Record]) -> str:
    """The training steps with their goals."""
    rows = [["", "goal", "minigrad", "PyTorch", *map(short, records)]]
    for title, goal, times, ratios in list_steps(records):
        rows.append([title, f"{goal:.2f}", *times, *(mark(ratio, goal) for ratio in ratios)])
    return tell(rows)


def find_ratios(layers: Layers) -> list[tuple[float, float]]:
    """For each layer, minigrad's time over PyTorch's: forward, with both gradients."""
    both = [(of["minigrad"], of["torch"]) for of in layers.values()]
    return [(ours[0] / theirs[0], ours[1] / theirs[1]) for ours, theirs in both]


def measured(records: list[Record]) -> list[tuple[Record, str]]:
    """Each record with each way in which its layers were measured."""
    return [(record, mode) for mode in MODES for record in records if mode in record]


def first_measured(record: Record) -> tuple[Record, str]:
    """A record with the first way in which its layers were measured."""
    return record, next(mode for mode in MODES if mode in record)


def tell_summary(records: list[Record]) -> str:
    """The geometric mean and the worst layer of every measurement."""
    rows = [["", "forward", "worst", "with both gradients", "worst"], ["goal", *(f"{goal:.2f}" for goal in GOALS)]]
    for record, mode in measured(records):
        figures = [f(part) for part in zip(*find_ratios(record[mode]), strict=True) for f in (geometric_mean, max)]
        rows.append([f"{short(record)}, {mode}", *map(mark, figures, GOALS)])
    return tell(rows)


def tell_layers(records: list[Record]) -> str:
    """Every layer: times on the newest machine, ratios of all measurements as forward / with both gradients."""
    columns, (newest, mode) = measured(records), first_measured(records[0])
    rows = [["layer", "ms", *(f"{short(record)}, {mode}" for record, mode in columns)]]
    ratios = [find_ratios(record[mode]) for record, mode in columns]
    for row, (name, times) in enumerate(newest[mode].items()):
        forward, both = times["minigrad"]
        rows.append([name, f"{forward:.2f} / {both:.2f}", *(f"{of[row][0]:.2f} / {of[row][1]:.2f}" for of in ratios)])
    return tell(rows)


def tell_overview(records: list[Record]) -> str:
    """For README: the training steps, and the mean of the layers."""
    means = [geometric_mean(both for _, both in find_ratios(r[mode])) for r, mode in map(first_measured, records)]
    layers = ("convolution layers of real networks, forward + both gradients (geometric mean)", 0.0, ["", ""], means)
    rows = [["", "minigrad", "PyTorch", *map(short, records)]]
    for title, _, times, ratios in [*list_steps(records), layers]:
        rows.append([title, *times, *(f"{ratio:.2f}" for ratio in ratios)])
    return tell(rows)


TABLES = {
    PAGE: {"machines": tell_machines, "steps": tell_steps, "summary": tell_summary, "layers": tell_layers},
    README: {"speed": tell_overview},
}


def fill(page: Path, records: list[Record]) -> str:
    """The text of a page with its tables made anew."""
    text = page.read_text("utf-8")
    for name, make in TABLES[page].items():
        between = re.compile(rf"(<!-- table: {name} -->\n).*?(<!-- end of table -->)", re.DOTALL)
        assert between.search(text), f"{page}: no place for the table {name!r}"
        text = between.sub(rf"\1\n{make(records)}\n\n\2", text)
    return text


def draw(records: list[Record]) -> None:
    """One row of points for each layer: minigrad's time over PyTorch's, with both gradients, in every measurement."""
    from matplotlib.figure import Figure

    picture = Figure(figsize=(9, 8), layout="constrained")
    axes = picture.subplots()
    for record, mode in measured(records):
        ratios = [both for _, both in find_ratios(record[mode])]
        axes.plot(ratios, range(len(ratios)), "o", markersize=5, alpha=0.7, label=f"{short(record)}, {mode}")
    newest, mode = first_measured(records[0])
    names = list(newest[mode])
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
    records = read_records()
    for page in TABLES:
        new = fill(page, records)
        if options.check and new != page.read_text("utf-8"):
            sys.exit(f"{page.name} is out of date: run python docs/make_performance.py")
        page.write_text(new, "utf-8")
    if not options.check:
        draw(records)


if __name__ == "__main__":
    main()
