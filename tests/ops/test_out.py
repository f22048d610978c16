"""``out=``: where the result goes, and what cannot receive it."""

import pytest

import minigrad as torch


def test_out_receives_the_result_and_is_returned():
    out = torch.zeros(2, 2)
    seen = out[0]
    assert torch.cat([torch.ones(1, 2), torch.ones(1, 2)], out=out) is out
    assert seen.tolist() == [1.0, 1.0]


def test_out_takes_the_shape_of_the_result():
    out = torch.zeros(0)
    torch.amax(torch.tensor([[1.0, 3.0], [2.0, 0.0]]), 1, out=out)
    assert out.tolist() == [3.0, 2.0]


X = torch.tensor([[1.0, 2.0], [3.0, 4.0]])
REFUSED = {
    "another type": (lambda: torch.cumsum(X, 0, out=torch.zeros(2, 2, dtype=torch.int64)),
                     RuntimeError, "out tensor to have dtype float32, but got int64"),
    "repeated memory": (lambda: torch.cat([X], out=torch.zeros(2, 1).expand(2, 2)),
                        RuntimeError, "one memory location more than once.*clone"),
    "an argument's memory": (lambda: torch.index_select(X, 0, torch.tensor([1, 0]), out=X),
                             RuntimeError, "or to that of an argument"),
    "no tensor": (lambda: torch.sum(X, 0, out=[1.0, 2.0]), TypeError, "'out'.*not list"),
    "a gradient": (lambda: torch.sum(X.clone().requires_grad_(), 0, out=torch.zeros(2)),
                   RuntimeError, "don't support automatic differentiation"),
}  # fmt: skip


@pytest.mark.parametrize("name", REFUSED)
def test_refused(name):
    call, kind, message = REFUSED[name]
    with pytest.raises(kind, match=message):
        call()
