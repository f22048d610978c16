"""The public names: PyTorch's names that lessons use, and the errors for names that minigrad does not have."""

import gc
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
from minigrad.late_imports import collect_later, open_later

ROOT = Path(__file__).resolve().parents[1]


def test_in_place_functions_are_the_methods():
    x = torch.tensor([0.25, 4.0])
    assert torch.sqrt_(x) is x and x.tolist() == [0.5, 2.0]
    assert torch.fill_(x, 5).tolist() == [5.0, 5.0] and torch.zero_(x).tolist() == [0.0, 0.0]
    for name in torch._IN_PLACE:
        assert callable(getattr(torch, name)) and name in dir(torch)


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


IMPORTED_LATE = """
import sys
import minigrad as torch
x = torch.ones(2) + 1
wide = {"minigrad.ops.order", "minigrad.ops.special", "minigrad.ops.differences", "minigrad.ops.linear_algebra",
        "minigrad.autograd.function", "minigrad.autograd.graph", "minigrad.settings", "pathlib"}
assert not wide & set(sys.modules), wide & set(sys.modules)
assert x.sort().values.tolist() == [2.0, 2.0] and "minigrad.ops.order" in sys.modules
assert [type(vars(c)["sort"]) for c in torch.Tensor.__mro__ if "sort" in vars(c)] == [type(lambda: 0)]  # itself now
assert torch.max(x).item() == 2.0 and "max" in vars(torch) and {"max", "hypot"} <= set(dir(torch))
assert x.hypot_(x) is x and torch.hypot(x, x).shape == (2,)
import numpy
assert torch.equal(numpy.fmax(x, x), x)
assert issubclass(torch.autograd.Function, object) and torch.autograd.graph.Node is torch.autograd.Node
"""


def test_rarely_used_modules_are_imported_on_first_use():
    done = subprocess.run([sys.executable, "-c", IMPORTED_LATE], check=False, capture_output=True, text=True, cwd=ROOT)
    assert done.returncode == 0, done.stderr


@pytest.mark.parametrize("statement", ["import minigrad.nn, minigrad.optim", "from minigrad import as_torch"])
def test_what_words_a_missing_name_is_not_imported_where_none_is_missing(statement):
    program = f"import sys, numpy; before = {{*sys.modules}}; {statement}; print(*{{*sys.modules}} - before)"
    done = subprocess.run([sys.executable, "-c", program], cwd=ROOT, capture_output=True, text=True, check=True)
    assert {"json", "difflib", "minigrad.absent_dtypes"}.isdisjoint(done.stdout.split()), done.stdout


@pytest.mark.parametrize("collects", [True, False])
def test_the_import_leaves_the_garbage_collector_as_it_was(collects):
    switch = "gc.enable()" if collects else "gc.disable()"
    program = f"import gc; {switch}; import minigrad; print(gc.isenabled())"
    done = subprocess.run([sys.executable, "-c", program], cwd=ROOT, capture_output=True, text=True, check=True)
    assert done.stdout == f"{collects}\n"


def test_an_import_that_fails_leaves_the_garbage_collector_on():
    with collect_later():
        assert not gc.isenabled()
    with pytest.raises(ImportError), collect_later():
        importlib.import_module("minigrad.no_such_room")
    assert gc.isenabled()


def test_names_are_imported_when_they_are_first_used():
    package = {"__name__": "minigrad"}
    with open_later("torch", package) as later:
        exec("from minigrad import viz\nfrom minigrad.ops.order import sort as put_in_order", package)
        import colorsys  # a statement of another module
    assert colorsys.rgb_to_hsv(0, 0, 0) == (0, 0, 0) and "open_later" not in repr(__import__)
    assert "viz" not in package and {"viz", "put_in_order", "__name__"} <= set(package["__dir__"]())
    assert package["__getattr__"]("put_in_order") is torch.sort is package["put_in_order"]
    assert later.find("viz") is torch.viz
    with pytest.raises(AttributeError, match="PyTorch has torch\\.lstm, minigrad does not"):
        later.find("lstm")


def test_what_was_imported_counts_as_old_so_that_no_collection_looks_at_it_soon():
    program = "import gc, minigrad; print(any(x is minigrad.Tensor for x in gc.get_objects(generation=2)))"
    done = subprocess.run([sys.executable, "-c", program], cwd=ROOT, capture_output=True, text=True, check=True)
    assert done.stdout == "True\n"


def test_what_a_user_froze_before_the_import_stays_frozen():
    program = (
        "import gc; gc.freeze(); frozen = gc.get_freeze_count(); import minigrad; print(gc.get_freeze_count() / frozen)"
    )
    done = subprocess.run([sys.executable, "-c", program], cwd=ROOT, capture_output=True, text=True, check=True)
    assert 0.9 < float(done.stdout) < 1.1


def test_functions_are_pickled_by_their_public_names():
    """A layer that keeps torch.tanh, a worker that is sent F.relu: pickle finds each where users do."""
    rooms = (torch, torch.nn.functional, torch.linalg, torch.nn.init, torch.func, torch.Tensor)
    found = {(room.__name__, n): getattr(room, n, None) for room in rooms for n in dir(room) if n[0] != "_"}
    # A second name, as sgn_, may stand for a function of its own that bears the first.
    functions = {path: f for path, f in found.items() if inspect.isfunction(f) and f.__name__ == path[1]}
    lost = []
    for path, function in functions.items():
        try:
            assert pickle.loads(pickle.dumps(function)) is function
        except (pickle.PicklingError, AttributeError, AssertionError):
            lost.append(path)
    assert lost == [] and len(functions) > 800


def test_annotations_can_be_read_at_run_time():
    """As libraries do that check types or make forms of functions; a few names open with files that are rarely used."""
    public = [getattr(torch, name) for name in torch.__all__]
    methods = [getattr(torch.Tensor, name) for name in torch._IN_PLACE] + [torch.Tensor.sum, torch.Tensor.backward]
    layers = [torch.nn.Linear.__init__, torch.nn.Conv2d.forward, torch.optim.SGD.__init__, torch.nn.init.xavier_normal_]
    functions = [f for f in (*public, *methods, *layers) if inspect.isfunction(f)]
    assert len(functions) > 400
    for function in functions:
        typing.get_type_hints(function)
    hints = typing.get_type_hints(torch.relu)
    assert hints["input"] is hints["return"] is torch.Tensor
    assert typing.get_type_hints(torch.nn.functional.conv2d)["bias"] == torch.Tensor | None


def test_a_second_name_of_a_module_gives_the_module():
    assert torch.nn.functional.grad is torch.nn.grad
    assert torch.GradScaler is torch.amp.GradScaler


ROOMS = """
import sys, threading
import minigrad as torch
opened = [lambda: torch.nn.Linear(1, 1), lambda: torch.optim.AdamW, lambda: torch.func.grad, lambda: torch.save,
          lambda: torch.nn.functional.relu, lambda: torch.jit.script, lambda: torch.nn.utils.parametrize,
          lambda: torch.optim.lr_scheduler.StepLR]
start, failed = threading.Barrier(len(opened)), []
sys.setswitchinterval(1e-6)
def open_one(room):
    start.wait()
    try:
        room()
    except Exception as error:
        failed.append(repr(error))
threads = [threading.Thread(target=open_one, args=(room,)) for room in opened]
for thread in threads: thread.start()
for thread in threads: thread.join()
print(failed)
"""


@pytest.mark.parametrize("turn", range(3))
def test_threads_open_rooms_at_once(turn):
    done = subprocess.run([sys.executable, "-c", ROOMS], capture_output=True, text=True, timeout=60)
    assert (done.stdout, done.stderr) == ("[]\n", ""), turn
