"""Named tuples of tensors: how they print, are copied, and refuse to be used as one tensor."""

import copy
import pickle

import pytest

import minigrad as torch
from tests.any_device import without_device


def test_named_results_print_as_pytorchs():
    found = torch.tensor([3, 1]).max(0)
    assert found.values.item() == 3
    assert without_device(repr(found)) == "minigrad.return_types.max(\nvalues=tensor(3),\nindices=tensor(0))"


@pytest.mark.parametrize("call", ["max", "min", "sort", "median"])
def test_a_pair_used_as_one_tensor_names_its_parts(call):
    pair = getattr(torch.tensor([[3.0, 1.0]]), call)(1)
    with pytest.raises(
        AttributeError, match=rf"'{call}' object has no attribute 'sum': it holds 2 tensors \(values, ind"
    ):
        pair.sum()
    assert not hasattr(pair, "item") and torch.equal(pair.values, pair[0])


def test_named_results_can_be_pickled_and_copied():
    x = torch.tensor([[3.0, 1.0], [2.0, 4.0]])
    for result in (x.max(0), x.sort(1), x.topk(1), x.median(0), torch.linalg.svd(x), torch.svd(x), torch.linalg.qr(x)):
        for twin in (pickle.loads(pickle.dumps(result)), copy.deepcopy(result), copy.copy(result)):
            assert type(twin) is type(result) and repr(twin) == repr(result) and twin._fields == result._fields
        assert copy.deepcopy(result)[0] is not result[0] and copy.copy(result)[0] is result[0]
