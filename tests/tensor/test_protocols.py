"""A tensor as Python and NumPy meet it: length, truth, index, copies, NumPy's functions."""

import copy
import pickle

import numpy as np
import pytest

import minigrad as torch

X = torch.arange(6.0).reshape(2, 3)


def test_python_reads_a_tensor():
    assert len(X) == 2 and [row.tolist() for row in X] == X.tolist()
    assert float(X[1, 2]) == 5.0 and int(X[1, 2]) == 5 and f"{X[1, 2]:.1f}" == "5.0"
    assert 5.0 in X and 9 not in X and torch.tensor(4.0) in X
    assert [10, 20, 30][torch.tensor(1)] == 20
    assert [row.tolist() for row in reversed(X)] == X.flip(0).tolist()
    assert sum(X).tolist() == [3.0, 5.0, 7.0] and {X: 1}[X] == 1


def test_numpy_reads_a_tensor():
    assert np.asarray(X).base is not None and np.shares_memory(np.asarray(X), X.numpy())
    assert np.asarray(X, dtype=np.float64).dtype == np.float64
    assert isinstance(np.exp(X), torch.Tensor) and isinstance(np.concatenate([X, X]), torch.Tensor)
    np.testing.assert_array_equal(np.percentile(X, 50), 2.5)  # no twin here: NumPy's own answer
    np.testing.assert_array_equal(np.add.reduce(X), [3, 5, 7])


def test_copies_are_apart_and_keep_what_they_ask_for():
    w = torch.ones(2, requires_grad=True)
    for twin in (copy.deepcopy(w), pickle.loads(pickle.dumps(w))):
        assert twin.requires_grad and twin.is_leaf and twin.data_ptr() != w.data_ptr()
    first, second = copy.deepcopy([w, w])
    assert first is second


REFUSED = {
    "the length of a number": (lambda: len(torch.tensor(1.0)), TypeError, "len\\(\\) of a 0-d tensor"),
    "iterating over a number": (lambda: list(torch.tensor(1.0)), TypeError, "iteration over a 0-d tensor"),
    "a float for an index": (lambda: [1, 2][torch.tensor(1.0)], TypeError, "only integer tensors"),
    "many for an index": (lambda: [1, 2][torch.tensor([0, 1])], TypeError, "only integer tensors"),
    "the truth of many": (lambda: bool(X), RuntimeError, "ambiguous"),
    "a copy of a result": (lambda: copy.deepcopy(X.clone().requires_grad_() * 2), RuntimeError, "graph leaves"),
    "a grad that is no tensor": (lambda: setattr(X.clone(), "grad", [1.0]), TypeError, "got grad of type list"),
    "data that is no tensor": (lambda: setattr(X.clone(), "data", [1.0]), TypeError, "has to be a tensor"),
    "filled with several": (lambda: X.clone().fill_(torch.ones(2)), RuntimeError, "0-dimension value tensor"),
}  # fmt: skip


@pytest.mark.parametrize("name", REFUSED)
def test_refused(name):
    call, kind, message = REFUSED[name]
    with pytest.raises(kind, match=message):
        call()


def test_an_array_on_the_left_is_refused_but_for_a_comparison():
    with pytest.raises(TypeError, match="put the tensor first"):
        np.ones(3) * X
    assert (X.numpy() == X).all() and not (X.numpy() != X).any()


def test_where_a_view_begins_in_its_memory():
    x = torch.arange(12.0).reshape(3, 4)
    view = x[1:, 2:]
    assert (x.storage_offset(), view.storage_offset(), view.t().storage_offset()) == (0, 6, 6)
    assert view.data_ptr() - x.data_ptr() == 6 * x.element_size() == 24
