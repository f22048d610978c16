"""Copies and pickles of tensors."""

import copy
import pickle

import pytest

import minigrad as torch


def test_a_deepcopy_copies_grad_and_attributes_and_keeps_views_together():
    x = torch.ones(2, requires_grad=True)
    (x * 2).sum().backward()
    x.note = ["kept"]
    copied = copy.deepcopy(x)
    copied.grad.zero_()
    copied.note.append("more")
    assert x.grad.tolist() == [2.0, 2.0] and copied.note == ["kept", "more"] and x.note == ["kept"]
    base = torch.zeros(2, 3)
    twin = copy.deepcopy({"base": base, "row": base[:1], "turned": base.t(), "last": base.flip(0)[0]})
    twin["row"].fill_(1)
    assert twin["base"].tolist() == [[1.0] * 3, [0.0] * 3] and twin["turned"][0].tolist() == [1.0, 0.0]
    assert base.sum() == 0 and twin["turned"].stride() == (1, 3)
    assert twin["base"]._version == twin["row"]._version == 1
    same = copy.deepcopy([x, x])
    assert same[0] is same[1]
    with pytest.raises(RuntimeError, match=r"copy x.detach\(\), or write x.clone\(\)"):
        copy.deepcopy(x * 2)


def test_copies_and_pickles_of_results_are_leaves():
    y = torch.ones(2, requires_grad=True) * 2
    y.note = 1
    for copied in (copy.copy(y), pickle.loads(pickle.dumps(y))):
        assert copied.is_leaf and copied.requires_grad and copied.tolist() == [2.0, 2.0] and copied.note == 1
    assert copy.copy(y).data_ptr() == y.data_ptr()


def test_a_deepcopy_of_a_tensor_and_its_array_separates_them():
    x = torch.zeros(4)
    array = x.numpy()
    twin, copied = copy.deepcopy((x, array))
    twin[1] = 5.0
    assert copied.dtype == array.dtype and copied.tolist() == x.tolist() == [0.0] * 4


def test_copies_keep_requires_grad_and_share_nothing():
    w = torch.ones(2, requires_grad=True)
    for twin in (copy.deepcopy(w), pickle.loads(pickle.dumps(w))):
        assert twin.requires_grad and twin.is_leaf and twin.data_ptr() != w.data_ptr()
    first, second = copy.deepcopy([w, w])
    assert first is second
