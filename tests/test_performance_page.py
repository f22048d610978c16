"""docs/make_performance.py: the tables of docs/performance.md from the numbers of benchmarks/records."""

import importlib.util
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]


def load_script(path):
    """A script as a module, without a package around it."""
    spec = importlib.util.spec_from_file_location("script_" + Path(path).stem, ROOT / path)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.fixture
def page(monkeypatch):
    monkeypatch.syspath_prepend(str(ROOT / "benchmarks"))
    return load_script("docs/make_performance.py")


def make_record(page, name, **parts):
    steps = {program: {"minigrad": 3e-6, "torch": 2e-6} for program in page.PROGRAMS}
    steps["import"] = {"minigrad": 0.06, "numpy": 0.05}
    return {"machine": f"Processor ({name})", "date": "2026-01-02 03:04", "commit": "abc", "steps": steps} | parts


LAYERS = {"one": {"minigrad": [2.0, 3.0], "torch": [1.0, 6.0]}, "two": {"minigrad": [1.0, 8.0], "torch": [2.0, 4.0]}}


def test_a_missed_goal_is_marked_and_a_reached_one_is_not(page):
    assert [page.mark(ratio, 0.85) for ratio in (0.854, 0.86)] == ["0.85", "0.86 !"]


def test_layers_are_summed_up_by_their_geometric_mean_and_the_worst_one(page):
    table = page.tell_summary([make_record(page, "Old", **{"two threads": LAYERS})]).splitlines()
    assert table[-1] == "| Old, two threads | 1.00 | 2.00 | 1.00 ! | 2.00 ! |"


def test_every_measurement_has_a_column_and_the_newest_machine_its_times(page):
    records = [make_record(page, "New", **{"one thread": LAYERS}), make_record(page, "Old", **{"two threads": LAYERS})]
    table = page.tell_layers(records).splitlines()
    assert table[0] == "| layer | ms | Old, two threads | New, one thread |"
    assert table[-1] == "| two | 1.00 / 8.00 | 0.50 / 2.00 | 0.50 / 2.00 |"


def test_steps_show_times_and_the_ratios_of_all_machines(page):
    table = page.tell_steps([make_record(page, "New"), make_record(page, "Old")]).splitlines()
    assert table[2] == "| edge loop, update by hand | 0.40 | 3 us | 2 us | 1.50 ! | 1.50 ! |"
    assert table[-1] == "| `import minigrad` beside `import numpy` | 1.30 |  |  | 1.20 | 1.20 |"


def test_a_step_that_one_machine_did_not_measure_is_left_out(page):
    records = [make_record(page, "New"), make_record(page, "Old")]
    del records[1]["steps"]["lenet-1"]
    rows = [title for title, *_ in page.list_steps(records)]
    assert "LeNet training step, one image" not in rows and "LeNet training step, batch 128" in rows


def test_the_overview_ends_with_the_mean_of_the_layers(page):
    records = [make_record(page, "New", **{"one thread": LAYERS}), make_record(page, "Old", **{"two threads": LAYERS})]
    table = page.tell_overview(records).splitlines()
    assert table[0] == "|  | minigrad | PyTorch | New | Old |"
    assert table[2] == "| edge loop, update by hand | 3 us | 2 us | 1.50 | 1.50 |"
    assert table[-1].endswith("(geometric mean) |  |  | 1.00 | 1.00 |")


def test_a_page_without_a_place_for_a_table_is_refused(page, tmp_path, monkeypatch):
    empty = tmp_path / "page.md"
    empty.write_text("# Performance\n")
    monkeypatch.setitem(page.TABLES, empty, {"machines": page.tell_machines})
    with pytest.raises(AssertionError, match="no place for the table 'machines'"):
        page.fill(empty, page.read_records())


def test_the_pages_show_what_is_recorded(page):
    for path in page.TABLES:
        assert page.fill(path, page.read_records()) == path.read_text("utf-8")


def test_the_page_has_a_column_for_every_record(page):
    header = page.tell_steps(page.read_records()).splitlines()[0]
    assert header.count("|") == 5 + len(list((ROOT / "benchmarks" / "records").glob("*.json")))
