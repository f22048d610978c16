"""The heart and the wings: each file of the package is in one of the two lists of pyproject.toml's contract.

That the heart imports no wing but by the doors named there is what `lint-imports` checks.
"""

import importlib.util
import re
import subprocess
import sys
from pathlib import Path

import pytest

import minigrad as torch

ROOT = Path(__file__).resolve().parent.parent
STEP = """
import sys
import minigrad as torch
from minigrad import nn

image = torch.ones(1, 1, 6, 8)
conv, net = nn.Conv2d(1, 1, kernel_size=(1, 2), bias=False), nn.Sequential(nn.Linear(7, 3), nn.ReLU())
loss, optimizer = nn.MSELoss(), torch.optim.SGD(conv.parameters(), lr=0.5)
files = set()


def follow(frame, event, argument):
    files.add(frame.f_code.co_filename)


sys.settrace(follow)
for _ in range(2):
    image[..., 2:6] = 0.5
    optimizer.zero_grad()
    loss(conv(image), image[..., :-1] - image[..., 1:]).backward()
    optimizer.step()
    net(conv(image)), repr(conv), str(conv.weight)
x = torch.tensor([[1.0, 2.0]], requires_grad=True)
(gradient,) = torch.autograd.grad((x @ x.T).exp().sum(), x, create_graph=True)
gradient.sum().backward()
sys.settrace(None)
print(*files, sep="\\n")
"""


def load_script(file):
    """A script that stands in no package."""
    spec = importlib.util.spec_from_file_location(Path(file).stem, ROOT / file)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def load_heart():
    return load_script(".ci/heart.py")


@pytest.mark.parametrize(
    "docstring", ["", '"""The sums of a tensor,\n\nand its means.\n"""', '"""The sums\n\nof all."""']
)
def test_the_page_of_files_refuses_half_a_sentence(docstring, tmp_path, monkeypatch):
    monkeypatch.setattr(sys, "path", list(sys.path))
    file = tmp_path / "sums.py"
    file.write_text(docstring)
    with pytest.raises(AssertionError, match=r"sums.py: a file's docstring begins with a whole sentence, got '"):
        load_script("docs/make_rooms.py").first_sentence(file)
    file.write_text('"""The sums of a\ntensor. And its means."""')
    assert load_script("docs/make_rooms.py").first_sentence(file) == "The sums of a tensor"


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


def test_each_import_of_a_wing_has_its_reason_beside_it():
    lines = (ROOT / "pyproject.toml").read_text("utf-8").splitlines()
    doors = load_heart().read_contract()["ignore_imports"]
    for door in doors:
        assert any(f'"{door}",  # ' in line for line in lines), f"{door}: say in one line why the heart needs it"


def test_a_step_of_training_runs_no_wing():
    """A layer, a loss, backward, SGD, printing, and a second derivative: what the heart is by its definition."""
    done = subprocess.run([sys.executable, "-c", STEP], cwd=ROOT, capture_output=True, text=True, check=True)
    heart = load_heart()
    files = [
        Path(line).relative_to(ROOT).as_posix() for line in done.stdout.splitlines() if str(ROOT / "minigrad") in line
    ]
    assert len(files) > 40
    assert [file for file in files if heart.place_in_heart(file, heart.heart()) is None] == []


@pytest.mark.cpu("NumPy's product is where the calls lead")
@pytest.mark.parametrize("bias", [True, False])
def test_so_many_calls_lead_from_a_layer_to_the_product_as_the_page_on_the_library_says(bias):
    """What a reader follows from ``conv(image)`` to NumPy's `dot`, once shapes and options are known."""
    conv, image = torch.nn.Conv2d(1, 1, kernel_size=(1, 2), bias=bias), torch.ones(1, 1, 6, 8)
    conv(image)
    files = []

    def follow(frame, event, function):
        if event == "c_call" and function.__name__ == "dot":
            sys.setprofile(None)
        elif event == "call":
            files.append(frame.f_code.co_filename)

    before = sys.getprofile()
    sys.setprofile(follow)
    try:
        conv(image)
    finally:
        sys.setprofile(before)
    called, *files = files
    assert called.endswith("nn/module.py")
    assert len(files) == 8
    assert len(set(files)) == 5


def test_the_page_of_files_sends_to_functions_that_are_there():
    page = (ROOT / "minigrad" / "README.md").read_text("utf-8")
    found = re.findall(r"`(?:\w+\.)?(\w+)` in \[[^]]*\]\(([^)]+)\)", page)
    assert len(found) >= 5
    for name, path in found:
        text = (ROOT / "minigrad" / path).read_text("utf-8")
        assert re.search(rf"^ *(def )?{name}( =|\()", text, re.MULTILINE), (name, path)
