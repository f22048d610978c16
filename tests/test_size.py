"""`Size`: a tuple of ints that behaves as PyTorch's shape class."""

import copy
import pickle

import numpy as np
import pytest

from minigrad.size import Size, broadcasts


def test_a_size_prints_its_name_and_lengths():
    assert repr(Size([1, 1, 6, 8])) == str(Size((1, 1, 6, 8))) == "minigrad.Size([1, 1, 6, 8])"
    assert f"{Size()}" == "minigrad.Size([])"


def test_a_size_compares_hashes_and_unpacks_as_a_tuple():
    size = Size(iter([2, 3]))
    rows, columns = size
    assert size == (2, 3) and hash(size) == hash((2, 3)) and (rows, columns) == (2, 3)
    assert size < (3,) and size.index(3) == 1 and size.count(2) == 1


@pytest.mark.parametrize(
    ("got", "expected"),
    [
        (Size([1, 2, 3])[1:], (2, 3)),
        (Size([1, 2, 3])[::-1], (3, 2, 1)),
        (Size([1, 2]) + (3,), (1, 2, 3)),
        (Size([1]) + Size([2]), (1, 2)),
        ((1,) + Size([2]), (1, 2)),
        (() + Size([1]), (1,)),
        (Size([1]) * 2, (1, 1)),
        (2 * Size([1]), (1, 1)),
        (sum([Size([1]), Size([2])], Size()), (1, 2)),
        (copy.deepcopy(Size([1, 2])), (1, 2)),
        (pickle.loads(pickle.dumps(Size([1, 2]))), (1, 2)),
    ],
)
def test_slices_sums_products_and_copies_are_sizes(got, expected):
    assert got == expected
    assert type(got) is Size


def test_an_element_is_an_int():
    lengths = Size([np.int64(3), np.array(4), True])
    assert lengths == (3, 4, 1)
    assert all(type(length) is int for length in lengths)
    assert type(lengths[-1]) is int


@pytest.mark.parametrize(("lengths", "count"), [((), 1), ((2, 3), 6), ((0, 3), 0)])
def test_numel_is_the_product_of_the_lengths(lengths, count):
    assert Size(lengths).numel() == count


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: Size([2, 1.5]), r"iterable of ints.*item 1 is 1\.5 \(float\)"),
        (lambda: Size(["a"]), r"item 0 is 'a' \(str\)"),
        (lambda: Size([None]), r"item 0 is None \(NoneType\)"),
        (lambda: Size(5), "not iterable"),
        (lambda: Size([1]) + [2], r"joins a tuple only, got list.*size \+ tuple\(other\)"),
        (lambda: [1] + Size([2]), "can only concatenate list"),
        (lambda: 5 + Size([2]), "unsupported operand"),
        (lambda: Size([1]) + (2.5,), r"item 1 is 2\.5 \(float\)"),
        (lambda: Size([1]) * 2.0, "float"),
    ],
)
def test_wrong_lengths_and_operands_are_refused(call, message):
    with pytest.raises(TypeError, match=message):
        call()


def test_broadcasts_compares_the_last_axes():
    assert broadcasts((3, 1), (3, 4)) and broadcasts((), (2,)) and broadcasts((1,), (5,)) and broadcasts((0,), (2, 0))
    assert not broadcasts((2, 3), (3,)) and not broadcasts((2, 3), (2, 1)) and not broadcasts((3,), (3, 1))
