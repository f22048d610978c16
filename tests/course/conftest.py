"""Each test starts without progress, and leaves no exercise behind."""

import pytest


@pytest.fixture(autouse=True)
def _fresh(fresh_course):
    pass
