"""`Variable`, the name that tensors of old lessons have."""

import pytest

import minigrad as torch
from minigrad.autograd import Variable


def test_a_variable_is_a_tensor_that_shares_memory():
    x = torch.ones(2)
    v = Variable(x, requires_grad=True)
    v.data[0] = 5
    assert type(v) is torch.Tensor and v.requires_grad and not x.requires_grad and x.tolist() == [5.0, 1.0]
    assert isinstance(x, Variable) and not isinstance(3, Variable) and Variable().shape == (0,)
    w = torch.ones(2, requires_grad=True)
    assert not Variable(w * 2).requires_grad
    with pytest.warns(UserWarning, match="volatile was removed and now has no effect"):
        assert Variable(x, volatile=True).tolist() == [5.0, 1.0]
    for wrong, error, message in (
        (lambda: Variable([1.0]), TypeError, "Variable data has to be a tensor, but got list"),
        (lambda: Variable(x, True, volatile=True), ValueError, "can't be volatile and require_grad"),
    ):
        with pytest.raises(error, match=message):
            wrong()


def test_volatile_is_false_and_warns():
    x = torch.autograd.Variable(torch.ones(1))
    with pytest.warns(UserWarning, match="now has no effect. Use `with torch.no_grad"):
        x.volatile = True
    with pytest.warns(UserWarning, match="volatile was removed"):
        assert x.volatile is False
