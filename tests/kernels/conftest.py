"""The engine runs every kernel with NumPy's warnings off; these tests call kernels directly, so they do the same."""

from collections.abc import Iterator

import numpy as np
import pytest


@pytest.fixture(scope="module", autouse=True)
def without_numpys_warnings() -> Iterator[None]:
    with np.errstate(all="ignore"):
        yield
