"""Names that are imported when they are first used, and imports without Python's garbage collector."""

import gc
import importlib
import subprocess
import sys
from pathlib import Path

import pytest

import minigrad as torch
from minigrad.late_imports import collect_later, open_later

ROOT = Path(__file__).resolve().parents[1]


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
assert torch.utils._pytree.tree_leaves([1, (2,)]) == [1, 2]
assert issubclass(torch.autograd.Function, object) and torch.autograd.graph.Node is torch.autograd.Node
"""


def test_rarely_used_modules_are_imported_on_first_use():
    done = subprocess.run([sys.executable, "-c", IMPORTED_LATE], check=False, capture_output=True, text=True, cwd=ROOT)
    assert done.returncode == 0, done.stderr


TURNED = """
import minigrad as torch
x = torch.ones(2, 3, requires_grad=True) * 1
row = x[0]
x.transpose_(0, 1)
x.mul_(2)
print(row.grad_fn.name(), row.tolist())
"""


def test_a_view_of_a_tensor_that_was_turned_since_is_found_before_the_file_for_it_is_imported():
    done = subprocess.run([sys.executable, "-c", TURNED], check=True, capture_output=True, text=True, cwd=ROOT)
    assert done.stdout == "SelectBackward0 [2.0, 2.0, 2.0]\n"


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


def test_the_collector_waits_while_a_room_is_opened():
    program = (
        "import gc, minigrad; runs = []; gc.callbacks.append(lambda *_: runs.append(1)); minigrad.nn.CrossEntropyLoss; "
        "print(len(runs), gc.isenabled())"
    )
    done = subprocess.run([sys.executable, "-c", program], cwd=ROOT, capture_output=True, text=True, check=True)
    assert done.stdout == "0 True\n"


def test_what_a_user_froze_before_the_import_stays_frozen():
    program = (
        "import gc; gc.freeze(); frozen = gc.get_freeze_count(); import minigrad; print(gc.get_freeze_count() / frozen)"
    )
    done = subprocess.run([sys.executable, "-c", program], cwd=ROOT, capture_output=True, text=True, check=True)
    assert 0.9 < float(done.stdout) < 1.1


@pytest.mark.parametrize("package", [torch, torch.nn, torch.nn.functional, torch.optim, torch.nn.utils])
def test_no_file_takes_the_name_of_a_function_that_is_imported_late(package):
    """Python sets a package's attribute to the file of that name when the file is imported."""
    later = package.__getattr__.__self__
    files = {file.stem for file in Path(package.__file__).parent.iterdir()} - {"__init__"}
    modules = {name for name, place in later.places.items() if not place.name}
    assert later.places and files & later.places.keys() <= modules


def test_plain_gradient_descent_is_there_at_once_and_opens_no_layers():
    program = "import sys, minigrad; print('minigrad.optim.sgd' in sys.modules, 'minigrad.nn' in sys.modules)"
    done = subprocess.run([sys.executable, "-c", program], cwd=ROOT, capture_output=True, text=True, check=True)
    assert done.stdout == "True False\n"
