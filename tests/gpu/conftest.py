"""Fixtures of the GPU's tests."""

import pytest

from tests.gpu.on_processor import run_kernels_on_processor


@pytest.fixture
def launched(monkeypatch):
    """Kernels run on the processor; the list of the names of those that were launched."""
    with run_kernels_on_processor(monkeypatch) as names:
        yield names
