"""Products: what they refuse, in words."""

import pytest

import minigrad as torch

A = torch.ones(2, 3)
REFUSED = {
    "lengths": (lambda: A @ A, RuntimeError, r"\(2, 3\) and \(2, 3\); the last axis of the first \(3\)"),
    "types": (lambda: A @ A.t().double(), RuntimeError, r"float32 != float64.*\.to"),
    "bools": (lambda: A.bool() @ A.t().bool(), NotImplementedError, "matmul.*Bool.*convert"),
    "a number": (lambda: torch.matmul(A, 2), TypeError, "argument 'other'"),
    "no axes": (lambda: torch.matmul(A, torch.tensor(2.0)), RuntimeError, "at least 1D.*2D and 0D"),
    "a vector for a matrix": (lambda: torch.mm(A, torch.ones(3)), RuntimeError, "argument 2 must have 2"),
    "a vector's trace": (lambda: torch.trace(torch.ones(3)), RuntimeError, "trace: expected a matrix"),
}


@pytest.mark.parametrize("name", REFUSED)
def test_refused(name):
    call, kind, message = REFUSED[name]
    with pytest.raises(kind, match=message):
        call()
