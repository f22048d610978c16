"""The public names: PyTorch's names that lessons use, and the errors for names that minigrad does not have."""

import copy
import gc
import importlib
import inspect
import os
import pickle
import re
import subprocess
import sys
import zipfile
from pathlib import Path

import numpy as np
import pytest

import minigrad as torch
from minigrad.autograd import Variable
from minigrad.missing import collect_later, missing_name, read_pytorch_names
from minigrad.tensor.absent import NAMES as ABSENT
from minigrad.tensor.absent import Absent
from minigrad.version import TorchVersion

ROOT = Path(__file__).resolve().parents[1]


def test_the_version_is_pytorchs_and_compares_by_numbers():
    assert torch.__version__ >= "1.8" and torch.__version__ > "2.4.0" and torch.__version__ >= "2.13.0+cpu"
    assert torch.__version__ >= (2, 4) and not torch.__version__ < (1, 9) and torch.__version__ < "2.13.1"
    assert TorchVersion("1.10.0") > "1.9" and str(torch.__version__) == torch.version.__version__ == "2.13.0"
    assert re.fullmatch(r"\d+\.\d+\.\d+", torch.version.minigrad) and torch.version.cuda is None
    assert 'path = "minigrad/version.py"' in (ROOT / "pyproject.toml").read_text()


def test_a_variable_is_a_tensor_that_shares_memory():
    x = torch.ones(2)
    v = Variable(x, requires_grad=True)
    v.data[0] = 5
    assert type(v) is torch.Tensor and v.requires_grad and not x.requires_grad and x.tolist() == [5.0, 1.0]
    assert isinstance(x, Variable) and not isinstance(3, Variable) and Variable().shape == (0,)
    w = torch.ones(2, requires_grad=True)
    assert not Variable(w * 2).requires_grad
    with pytest.warns(UserWarning, match="volatile was removed and now has no effect"):
        assert Variable(x, volatile=True).tolist() == [5.0, 1.0]
    for wrong, error, message in (
        (lambda: Variable([1.0]), TypeError, "Variable data has to be a tensor, but got list"),
        (lambda: Variable(x, True, volatile=True), ValueError, "can't be volatile and require_grad"),
    ):
        with pytest.raises(error, match=message):
            wrong()


def test_accelerator_and_backends_answer_as_lessons_ask():
    acc = torch.accelerator
    device = acc.current_accelerator().type if acc.is_available() else "cpu"
    assert torch.device(device).type in ("cpu", "cuda") and acc.device_count() == torch.cuda.device_count()
    for name in ("mps", "mkl", "mkldnn", "openmp"):
        absent = getattr(torch.backends, name)
        assert not absent.is_available() and not absent.is_built() and name in repr(absent)
    if not acc.is_available():
        for call in (acc.current_device_index, acc.synchronize, acc.current_stream, lambda: acc.set_device_index(0)):
            with pytest.raises(RuntimeError, match="device 'cuda"):
                call()
        assert acc.current_accelerator() is None
    with acc.device_index(None):
        pass


def test_cudnn_flags_are_restored():
    cudnn = torch.backends.cudnn
    cudnn.benchmark = True
    with cudnn.flags(benchmark=False, enabled=True):
        assert cudnn.enabled and not cudnn.benchmark
    assert cudnn.benchmark and not cudnn.enabled and not cudnn.is_available() and cudnn.version() is None
    cudnn.benchmark = False


def test_deterministic_algorithms_can_be_switched():
    try:
        torch.use_deterministic_algorithms(True, warn_only=True)
        assert torch.is_deterministic_algorithms_warn_only_enabled() and torch.get_deterministic_debug_mode() == 1
        torch.set_deterministic_debug_mode("error")
        assert torch.are_deterministic_algorithms_enabled() and torch.is_deterministic()
        torch.set_deterministic(False)
        assert not torch.is_deterministic()
    finally:
        torch.use_deterministic_algorithms(False)
    for call, error in (
        (lambda: torch.use_deterministic_algorithms(1), TypeError),
        (lambda: torch.set_deterministic_debug_mode("loud"), RuntimeError),
        (lambda: torch.set_float32_matmul_precision("low"), RuntimeError),
    ):
        with pytest.raises(error):
            call()


def test_float32_products_on_a_gpu_may_be_rounded_if_asked(monkeypatch):
    monkeypatch.setenv("CUPY_TF32", "0")
    torch.set_float32_matmul_precision("high")
    assert os.environ["CUPY_TF32"] == "1" and torch.get_float32_matmul_precision() == "high"
    torch.set_float32_matmul_precision("highest")
    assert os.environ["CUPY_TF32"] == "0"


def test_the_number_of_threads_reaches_numpys_library():
    before = torch.get_num_threads()
    try:
        torch.set_num_threads(1)
        assert torch.get_num_threads() == 1 or not importlib.import_module("minigrad.threads")._switch()
    finally:
        torch.set_num_threads(before)
    torch.set_num_threads(np.int64(before))
    for wrong in (0, 1.0, True, "2", None):
        with pytest.raises(RuntimeError, match="set_num_threads expects"):
            torch.set_num_threads(wrong)
    assert torch.get_num_interop_threads() == 1


def test_in_place_functions_are_the_methods():
    x = torch.tensor([0.25, 4.0])
    assert torch.sqrt_(x) is x and x.tolist() == [0.5, 2.0]
    assert torch.fill_(x, 5).tolist() == [5.0, 5.0] and torch.zero_(x).tolist() == [0.0, 0.0]
    for name in torch._IN_PLACE:
        assert callable(getattr(torch, name)) and name in dir(torch)


MISSING = {
    "a name of PyTorch's": ("minigrad", "lstm", "PyTorch has torch.lstm, minigrad does not; docs/supported.md"),
    "a type of PyTorch's": ("minigrad", "complex64", "PyTorch has torch.complex64"),
    "a typing mistake": ("minigrad", "zerso", "Did you mean: 'zeros'"),
    "nothing known": ("minigrad", "qqqqq", "has no attribute 'qqqqq'$"),
    "a layer of PyTorch's": ("minigrad.nn", "LSTM", "PyTorch has torch.nn.LSTM, minigrad does not"),
    "a layer, misspelt": (
        "minigrad.nn", "Conv2D", "module 'minigrad.nn' has no attribute 'Conv2D'. Did you mean: 'Conv2d'"),
    "a loss": ("minigrad.nn.functional", "linear_cross_entropy", "PyTorch has torch.nn.functional.linear_cross"),
    "an optimizer": ("minigrad.optim", "SparseAdam", "PyTorch has torch.optim.SparseAdam"),
    "a sampler": ("minigrad.utils.data", "get_worker_inf", "has no attribute"),
    "a store": (
        "minigrad.distributed", "TCPStore", r"minigrad does not; init_process_group\(\) brings the processes tog"),
    "a mesh": (
        "minigrad.distributed", "init_device_mesh", r"minigrad does not; new_group\(\) and new_subgroups\(\) make"),
    "a distribution": ("minigrad.distributions", "VonMises", "PyTorch has torch.distributions.VonMises"),
    "a function": ("minigrad.functional", "stft", "module 'minigrad.functional' has no attribute 'stft'"),
    "a layer": ("minigrad.nn.modules", "LSTM", "module 'minigrad.nn.modules' has no attribute 'LSTM'"),
}  # fmt: skip


@pytest.mark.parametrize("name", MISSING)
def test_a_missing_name_says_whether_pytorch_has_it(name):
    module, attribute, message = MISSING[name]
    with pytest.raises(AttributeError, match=message):
        getattr(importlib.import_module(module), attribute)


def test_a_private_name_is_not_looked_up():
    assert str(missing_name("torch.nn", "_foo")) == "module 'minigrad.nn' has no attribute '_foo'"
    assert str(missing_name("torch.Tensor", "stft")).startswith("'Tensor' object has no attribute 'stft': PyTorch has")


FROM_AN_ARCHIVE = """
import minigrad as torch
torch.nn.Linear(2, 1)(torch.ones(3, 2)).sum().backward()
print(torch.__file__)
torch.nn.LSTM
"""


def test_the_package_runs_from_an_archive(tmp_path):
    archive = tmp_path / "packed.zip"
    with zipfile.ZipFile(archive, "w") as packed:
        for file in [*(ROOT / "minigrad").rglob("*.py"), *(ROOT / "minigrad").rglob("*.json")]:
            packed.write(file, file.relative_to(ROOT))
    command, env = [sys.executable, "-W", "error", "-c", FROM_AN_ARCHIVE], os.environ | {"PYTHONPATH": str(archive)}
    done = subprocess.run(command, capture_output=True, text=True, env=env, cwd=tmp_path, check=False)
    assert done.stdout.startswith(str(archive)) and "PyTorch has torch.nn.LSTM" in done.stderr


def test_modules_that_lessons_only_import_can_be_imported():
    names = (
        "functional",
        "version",
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
    with pytest.raises(NotImplementedError, match="minigrad fetches nothing"):
        importlib.import_module("minigrad.utils.model_zoo").load_url("https://example.org/net.pth")


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


def test_named_results_can_be_pickled_and_copied():
    x = torch.tensor([[3.0, 1.0], [2.0, 4.0]])
    for result in (x.max(0), x.sort(1), x.topk(1), x.median(0), torch.linalg.svd(x), torch.svd(x), torch.linalg.qr(x)):
        for twin in (pickle.loads(pickle.dumps(result)), copy.deepcopy(result), copy.copy(result)):
            assert type(twin) is type(result) and repr(twin) == repr(result) and twin._fields == result._fields
        assert copy.deepcopy(result)[0] is not result[0] and copy.copy(result)[0] is result[0]


def test_missing_tensor_attributes_raise_a_clear_error():
    x = torch.ones(2)
    with pytest.raises(AttributeError, match=r"PyTorch has torch.Tensor.stft, minigrad does not; docs/supported.md"):
        x.stft(3)
    assert not hasattr(x, "to_sparse") and "to_sparse" not in dir(x)
    x.angle = "mine"
    assert x.angle == "mine"


def test_a_second_name_of_a_module_gives_the_module():
    assert torch.nn.functional.grad is torch.nn.grad
    assert torch.GradScaler is torch.amp.GradScaler


def test_no_tensor_attribute_is_both_there_and_absent():
    assert {type(inspect.getattr_static(torch.Tensor, name)) for name in ABSENT} == {Absent}
    assert not any(hasattr(torch.Tensor, name) for name in ABSENT)
    assert set(ABSENT) <= set(read_pytorch_names()["torch.Tensor"].split())


@pytest.mark.parametrize("room", ["", ".nn", ".nn.utils", ".optim", ".autograd", ".cuda", ".distributed"])
def test_dir_of_a_package_lists_names_that_are_not_imported_yet(room):
    program = f"import minigrad{room} as room; print(sorted(set(room.__all__) - set(dir(room))))"
    assert subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True).stdout == "[]\n"


@pytest.mark.parametrize(("name", "end"), [
    ("cumsumm", "has no attribute 'cumsumm'. Did you mean: 'cumsum'?"),
    ("optim.Adma", "has no attribute 'Adma'. Did you mean: 'Adamax'?"),
    ("complex64", "minigrad does not; docs/supported.md lists what is here"),
    ("serialization.add_safe_globals", "nothing has to be allowed: save and load a state_dict"),
    ("nn.utils.rnn.pack_sequence", "pad_sequence() makes one tensor of sequences"),
    ("accelerator.get_memory_info", "minigrad does not; docs/supported.md lists what is here"),
    ("random.thread_safe_generator", "minigrad does not; docs/supported.md lists what is here"),
])  # fmt: skip
def test_a_missing_name_gets_one_hint_in_a_traceback(name, end):
    program = f"import minigrad as torch; torch.{name}"
    said = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=False).stderr
    assert said.strip().endswith(end)


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


@pytest.mark.parametrize("room", ["nn.functional", "nn.init", "linalg", "special", "func", "utils.data"])
def test_dir_of_a_room_lists_its_public_names_alone(room):
    module = importlib.import_module(f"minigrad.{room}")
    assert dir(module) == sorted(module.__all__)  # no helper that the file imports
