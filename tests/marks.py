"""Marks with their reasons, and rows of a table that get one."""

import pytest

NOT_ASKED = pytest.mark.cpu("a GPU is not asked for the values it holds: that would wait for it")
PRINTS = pytest.mark.cpu("a tensor on a GPU prints its device too")
SHARES = pytest.mark.cpu("NumPy and the tensor share memory")
MEASURES = pytest.mark.cpu("NumPy's memory is what is measured")


def mark(rows, mark, marked):
    """The names of a table for `parametrize`, those in `marked` with `mark`."""
    assert set(marked) <= set(rows), set(marked) - set(rows)
    return [pytest.param(name, marks=mark if name in marked else ()) for name in rows]
