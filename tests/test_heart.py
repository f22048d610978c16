"""What is heart and what is wing: each file of the package stands in one of the two lists of pyproject.toml's contract.

That the heart imports no wing but by the doors named there is what `lint-imports` checks.
"""

import importlib.util
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent


def load_heart():
    """The script .ci/heart.py, which stands in no package."""
    spec = importlib.util.spec_from_file_location("heart", ROOT / ".ci" / "heart.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_every_file_is_heart_or_wing_and_not_both():
    files = [f.relative_to(ROOT).as_posix() for f in sorted((ROOT / "minigrad").rglob("*.py"))]
    places = load_heart().count_places([*files, "minigrad/ops/unheard_of.py"])
    assert places.pop("minigrad/ops/unheard_of.py") == 0
    assert {file: n for file, n in places.items() if n != 1} == {}


def test_the_lists_name_no_file_that_is_gone():
    contract = load_heart().read_contract()
    for name in contract["source_modules"] + contract["forbidden_modules"]:
        path = ROOT / name.removesuffix(".**").replace(".", "/")
        assert path.is_dir() or path.with_suffix(".py").is_file(), name


def test_each_door_is_explained_where_it_is_named():
    lines = (ROOT / "pyproject.toml").read_text("utf-8").splitlines()
    doors = load_heart().read_contract()["ignore_imports"]
    for door in doors:
        assert any(f'"{door}",  # ' in line for line in lines), f"{door}: say in one line why the heart needs it"
