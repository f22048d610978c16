"""Fixtures of the GPU's tests."""

import pytest

from tests.gpu.on_processor import kernels_on_processor


@pytest.fixture
def launched(monkeypatch):
    """The names of the kernels that were launched: they run on the processor."""
    with kernels_on_processor(monkeypatch) as names:
        yield names
