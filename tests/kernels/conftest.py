"""The engine runs every kernel with NumPy's warnings off; so do these tests, which call them directly."""

from collections.abc import Iterator

import numpy as np
import pytest


@pytest.fixture(scope="module", autouse=True)
def without_numpys_warnings() -> Iterator[None]:
    with np.errstate(all="ignore"):
        yield
