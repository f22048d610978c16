"""Marks with their reasons, and rows of a table that get one."""

import pytest

NOT_ASKED = pytest.mark.cpu("a GPU is not asked for the values it holds: that would wait for it")
MEASURES = pytest.mark.cpu("NumPy's memory is what is measured")


def mark_each(rows, reasons):
    """The names of a table for `parametrize`, those that have a reason as of the CPU."""
    assert set(reasons) <= set(rows), set(reasons) - set(rows)
    return [pytest.param(name, marks=pytest.mark.cpu(reasons[name]) if name in reasons else ()) for name in rows]


def mark(rows, mark, marked):
    """The names of a table for `parametrize`, those in `marked` with `mark`."""
    assert set(marked) <= set(rows), set(marked) - set(rows)
    return [pytest.param(name, marks=mark if name in marked else ()) for name in rows]
