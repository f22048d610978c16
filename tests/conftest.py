"""Fixtures for every test. `device` runs a test once per array library, never a twin copy."""

import pytest

from minigrad import backend

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


def install_stand_in():
    from tests import standin

    standin.crossings.clear()
    return backend.use_library(standin.cupy)


def pytest_ignore_collect(collection_path, config):
    """`pytest -m smoke` opens its own file alone: to collect all the others takes longer than to run it."""
    if config.option.markexpr == "smoke" and collection_path.suffix == ".py":
        return collection_path.name != "test_smoke.py" or None
    return None
