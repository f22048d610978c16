"""The public names: PyTorch's names that lessons use, and the errors for names that minigrad does not have."""

import importlib
import inspect
import os
import pickle
import re
import subprocess
import sys
import typing
import zipfile
from pathlib import Path

import pytest

import minigrad as torch

ROOT = Path(__file__).resolve().parents[1]


def test_in_place_functions_are_the_methods():
    x = torch.tensor([0.25, 4.0])
    assert torch.sqrt_(x) is x and x.tolist() == [0.5, 2.0]
    assert torch.fill_(x, 5).tolist() == [5.0, 5.0] and torch.zero_(x).tolist() == [0.0, 0.0]
    names = [name for name in dir(torch) if name.endswith("_") and not name.startswith("_")]
    assert len(names) > 60 and all(callable(getattr(torch, name)) for name in names)
    assert torch.sqrt_(input=x) is x and pickle.loads(pickle.dumps(torch.sqrt_)) is torch.sqrt_
    with pytest.raises(TypeError, match=r"sqrt_\(\): argument 'input' \(position 1\) must be Tensor, not int"):
        torch.sqrt_(3)


FROM_AN_ARCHIVE = """
import minigrad as torch
torch.nn.Linear(2, 1)(torch.ones(3, 2)).sum().backward()
print(torch.__file__)
torch.nn.Container
"""


def test_the_package_runs_from_an_archive(tmp_path):
    archive = tmp_path / "packed.zip"
    with zipfile.ZipFile(archive, "w") as packed:
        for file in [*(ROOT / "minigrad").rglob("*.py"), *(ROOT / "minigrad").rglob("*.json")]:
            packed.write(file, file.relative_to(ROOT))
    command, env = [sys.executable, "-W", "error", "-c", FROM_AN_ARCHIVE], os.environ | {"PYTHONPATH": str(archive)}
    done = subprocess.run(command, capture_output=True, text=True, env=env, cwd=tmp_path, check=False)
    assert done.stdout.startswith(str(archive)) and "PyTorch has torch.nn.Container" in done.stderr


def test_modules_that_lessons_only_import_can_be_imported():
    names = (
        "functional",
        "version",
        "hub",
        "onnx",
        "utils.model_zoo",
        "utils.hooks",
        "nn.modules",
        "nn.modules.module",
        "random",
    )
    for name in names:
        assert importlib.import_module(f"minigrad.{name}")
    assert importlib.import_module("minigrad.nn.modules").Linear is torch.nn.Linear
    with pytest.raises(NotImplementedError, match="minigrad does not write ONNX"):
        torch.onnx.export(None, None, "net.onnx")
    assert importlib.import_module("minigrad.utils.model_zoo").load_url is torch.hub.load_state_dict_from_url


def test_no_page_or_message_installs_a_package_named_minigrad():
    install = re.compile(r"pip install[^\n]*\bminigrad(\[|\b(?!-))")
    for folder in ("minigrad", "docs", "examples", "site", "README.md"):
        place = ROOT / folder
        for file in [place] if place.is_file() else place.rglob("*"):
            if file.suffix in (".py", ".md", ".html", ".ipynb", ".js"):
                assert not install.search(file.read_text(encoding="utf-8")), file


def test_all_holds_the_public_names():
    """`__all__` is what a type checker believes: every name is there, and none is forgotten."""
    missing = [name for name in torch.__all__ if not hasattr(torch, name)]
    assert not missing
    public = {name for name in vars(torch) if not name.startswith("_") and not inspect.ismodule(getattr(torch, name))}
    asked_by_ipython = {
        "load_ipython_extension",
        "unload_ipython_extension",
    }  # here once another test has asked for them
    assert public <= {*torch.__all__} | asked_by_ipython


@pytest.mark.parametrize("statement", ["import minigrad.nn, minigrad.optim", "from minigrad import as_torch"])
def test_what_words_a_missing_name_is_not_imported_where_none_is_missing(statement):
    program = f"import sys, numpy; before = {{*sys.modules}}; {statement}; print(*{{*sys.modules}} - before)"
    done = subprocess.run([sys.executable, "-c", program], cwd=ROOT, capture_output=True, text=True, check=True)
    assert {"json", "difflib", "minigrad.absent_dtypes"}.isdisjoint(done.stdout.split()), done.stdout


def test_functions_are_pickled_by_their_public_names():
    """A layer that keeps torch.tanh, a worker that is sent F.relu: pickle finds each where users do."""
    rooms = (torch, torch.nn.functional, torch.linalg, torch.special, torch.nn.init, torch.func, torch.Tensor)
    found = {(room.__name__, n): getattr(room, n, None) for room in rooms for n in dir(room) if n[0] != "_"}
    # A second name, as sgn_, may stand for a function of its own that bears the first.
    own = ("subtract", "true_divide")
    functions = {
        (room, n): f for (room, n), f in found.items()
        if inspect.isfunction(f) and (n in own or f.__name__ in (n, f"special_{n}"))
    }  # fmt: skip
    lost = []
    for path, function in functions.items():
        try:
            assert pickle.loads(pickle.dumps(function)) is function
        except (pickle.PicklingError, AttributeError, AssertionError):
            lost.append(path)
    assert lost == [] and len(functions) > 800


def test_annotations_can_be_read_at_run_time():
    """As libraries do that check types or make forms of functions."""
    public = [getattr(torch, name) for name in torch.__all__]
    methods = [torch.Tensor.abs_, torch.Tensor.clamp_, torch.Tensor.fill_, torch.Tensor.sum, torch.Tensor.backward]
    layers = [torch.nn.Linear.__init__, torch.nn.Conv2d.forward, torch.optim.SGD.__init__, torch.nn.init.xavier_normal_]
    opened = [torch.autograd.backward, torch.autograd.grad, torch.nn.Module.load_state_dict]  # files that open for it
    functions = [f for f in (*public, *methods, *layers, *opened) if inspect.isfunction(f)]
    assert len(functions) > 400
    for function in functions:
        typing.get_type_hints(function)
    hints = typing.get_type_hints(torch.relu)
    assert hints["input"] is hints["return"] is torch.Tensor
    assert typing.get_type_hints(torch.nn.functional.conv2d)["bias"] == torch.Tensor | None


def test_a_second_name_of_a_module_gives_the_module():
    assert torch.nn.functional.grad is torch.nn.grad
    assert torch.GradScaler is torch.amp.GradScaler
