"""Fixtures for every test. `device` runs a test once per array library, never a twin copy.

`pytest --device cuda` runs every test with tensors made on a GPU by default, those made on import too, and lets
it look at them with `.numpy()`; `--stand-in` puts the strict stand-in for CuPy in the GPU's place. A test about
the CPU alone is marked so, with the reason, `pytest.mark.cpu`, and makes its tensors there: a GPU must not change it.
"""

import contextlib
import gc
import os
import signal
import sys
from pathlib import Path

import pytest

from minigrad import Tensor, advice, backend, devices, parallel, passes, random
from tests.kept_settings import read_settings, restore_settings

TESTS = Path(__file__).parent
LIBRARIES = ["cpu", "stand-in", *(["cuda"] if backend.is_available() else [])]


@pytest.fixture(params=[pytest.param(name, marks=pytest.mark.device) for name in LIBRARIES])
def device(request):
    """'cpu', then 'cuda' on the strict stand-in for CuPy, then 'cuda' on a GPU where there is one.

    The stand-in's journal starts empty: `tests.standin.crossings` lists what crossed in the test.
    """
    if request.param != "stand-in":
        yield request.param
        return
    with install_stand_in():
        yield "cuda"


@pytest.fixture
def stand_in():
    """The strict stand-in as the library of 'cuda', for tests of the device switch alone."""
    with install_stand_in() as cupy:
        yield cupy


@pytest.fixture
def kept_gpu(stand_in):
    """The strict stand-in; after the test its first GPU is the current one, as before."""
    yield stand_in
    assert stand_in.cuda.runtime.getDevice() == 0


@pytest.fixture
def fresh_advice():
    """Each piece of advice is given anew."""
    advice.enable()
    yield
    advice.enable()


@pytest.fixture
def eager(monkeypatch):
    """Every pass over an array counts as large, and is split over three threads."""
    monkeypatch.setattr(parallel, "WORTH", 0)
    monkeypatch.setattr(parallel, "get_count", lambda: 3)
    monkeypatch.setattr(passes, "LARGE", 0)


@pytest.fixture
def fresh_default(monkeypatch):
    """No default device is chosen."""
    monkeypatch.delenv("MINIGRAD_DEVICE", raising=False)
    monkeypatch.setattr(devices, "_default_device", None)


@pytest.fixture
def fresh_course(monkeypatch):
    """No exercise was tried; exercises that the test registers are forgotten after it."""
    from minigrad.course.checking import RECORD, load
    from minigrad.course.exercise import KNOWN
    from minigrad.course.progress import forget

    load()
    monkeypatch.delenv(RECORD, raising=False)
    before = dict(KNOWN)
    forget()
    yield
    forget()
    KNOWN.clear()
    KNOWN.update(before)


@pytest.fixture
def no_gpu(monkeypatch):
    """A machine without CuPy, whatever this one has, on which it was not looked for yet."""
    monkeypatch.setitem(sys.modules, "cupy", None)
    with backend.use_library(None):
        yield


@pytest.fixture
def without_collector():
    """Reference counting alone frees what the test drops."""
    gc.collect()
    gc.disable()
    yield
    gc.enable()


@contextlib.contextmanager
def install_stand_in():
    from tests import standin

    standin.crossings.clear()
    with backend.use_library(standin.cupy), pytest.MonkeyPatch.context() as patch:
        patch.setitem(sys.modules, "cupyx", standin.cupyx)
        yield standin.cupy


def pytest_ignore_collect(collection_path, config):
    """`pytest -m smoke` opens its own file alone: to collect all the others takes longer than to run it."""
    if config.option.markexpr == "smoke" and collection_path.suffix == ".py":
        return collection_path.name != "test_smoke.py" or None
    return None


def pytest_addoption(parser):
    parser.addoption("--device", help="the default device in every test, such as cuda or cuda:1")
    parser.addoption("--kills", type=int, default=4, help="how many trainings tests/distributed/test_kills.py kills")
    parser.addoption("--seed-of-kills", type=int, default=0, help="which moments it chooses")
    parser.addoption("--stand-in", action="store_true", help="the strict stand-in for CuPy is the GPU")


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_auto_num_workers():
    """`pytest -n auto`: one process for each core, at most eight: each holds NumPy, SciPy and the package in memory."""
    affinity = getattr(os, "sched_getaffinity", None)
    return min(len(affinity(0)) if affinity else os.cpu_count() or 1, 8)


def pytest_configure(config):
    """What `--device` and `--stand-in` say, from before the first test file is imported to the end."""
    if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:  # as a shell has it for what it starts in the background:
        signal.signal(signal.SIGINT, signal.default_int_handler)  # programs that tests interrupt would inherit it
    name = config.getoption("--device")
    if name is None:
        return
    if config.getoption("--stand-in"):
        library = contextlib.ExitStack()
        library.enter_context(install_stand_in())
        config.add_cleanup(library.close)
    try:
        devices.set_default_device(name)
    except RuntimeError as error:  # no GPU, or no CuPy
        raise pytest.UsageError(f"--device {name}: {error}") from None
    config.add_cleanup(lambda: devices.set_default_device(None))


def chooses_its_devices(path):
    """Whether the tests of that file say themselves where their tensors are: these run as without `--device`."""
    return bool({"device", "gpu", "kernels", "backends"} & set(path.relative_to(TESTS).parts[:1]))


@pytest.hookimpl(wrapper=True)
def pytest_make_collect_report(collector):
    """What such a file makes when it is imported is made on the CPU."""
    with pytest.MonkeyPatch.context() as patch:
        if collector.path.suffix == ".py" and chooses_its_devices(collector.path):
            patch.setattr(devices, "_default_device", devices.CPU)
        return (yield)


@pytest.fixture(autouse=True)
def _settings_kept(request):
    """A test must leave the settings of the whole library as they were; an example may set one, which ends with it."""
    before = read_settings()
    yield
    changed = restore_settings(before)
    assert not changed or request.path.name == "test_documents.py", f"settings that the test left changed: {changed}"


@pytest.fixture(autouse=True)
def _default_device(request, _settings_kept, monkeypatch):
    """With `--device`, tensors are made there, but for a test of the CPU, and one that chooses its devices itself."""
    name = request.config.getoption("--device")
    if name is None:
        return
    chooses = {"device", "stand_in", "no_gpu"} & set(request.fixturenames) or chooses_its_devices(request.path)
    if chooses or request.node.get_closest_marker("cpu"):
        monkeypatch.setattr(devices, "_default_device", devices.CPU)
    else:
        make_tensors_on(name, monkeypatch)


def make_tensors_on(name, patch):
    """Of a GPU, `.numpy()` reads tensors, and their numbers are drawn on the CPU: what was recorded there holds."""
    patch.setattr(devices, "_default_device", devices.device(name))
    patch.setattr(random, "of_gpu", lambda _: random.default_generator)
    for look in ("numpy", "__array__"):
        on_cpu = getattr(Tensor, look)
        patch.setattr(
            Tensor, look, lambda x, *a, f=on_cpu, **k: f(x.cpu() if x.is_cuda and not k.get("force") else x, *a, **k)
        )
