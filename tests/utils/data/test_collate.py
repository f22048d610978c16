"""Samples become batches as PyTorch's do: values, types, containers and errors."""

import re
from collections import OrderedDict, UserDict, UserList, namedtuple
from collections.abc import Mapping, Sequence
from types import MappingProxyType

import numpy as np
import pytest

import minigrad
from minigrad.utils.data import default_collate, default_convert

Pair = namedtuple("Pair", "a b")


class Named(dict):
    """A dict with an attribute."""


class Row(list):
    """A list with an attribute."""


class Point(tuple):
    __slots__ = ()


class Fixed(Sequence):
    """A sequence that cannot be written to."""

    def __init__(self, entries):
        self.entries = entries

    def __getitem__(self, index):
        return self.entries[index]

    def __len__(self):
        return len(self.entries)

    def __repr__(self):
        return f"Fixed({self.entries})"


def are_same(got, expected):
    """Equal in value, dtype and kind of container."""
    if isinstance(expected, minigrad.Tensor):
        assert isinstance(got, minigrad.Tensor)
        assert (got.dtype, got.tolist()) == (expected.dtype, expected.tolist())
    else:
        assert type(got) is type(expected)
        if isinstance(expected, Mapping):
            assert list(got) == list(expected)
            for key in expected:
                are_same(got[key], expected[key])
        elif isinstance(expected, Sequence) and not isinstance(expected, (str, bytes)):
            assert len(got) == len(expected)
            for a, b in zip(got, expected, strict=True):
                are_same(a, b)
        else:
            assert got == expected


tensor = minigrad.tensor


@pytest.mark.parametrize(
    ("batch", "expected"),
    [
        ([1, 2], tensor([1, 2])),
        ([1.0, 2.5], tensor([1.0, 2.5], dtype=minigrad.float64)),
        ([True, False], tensor([True, False])),
        (["a", "b"], ["a", "b"]),
        ([b"a"], [b"a"]),
        ([(1, "a"), (2, "b")], [tensor([1, 2]), ("a", "b")]),
        ([[1, 2], [3, 4]], [tensor([1, 3]), tensor([2, 4])]),
        ([range(2), range(2)], [tensor([0, 0]), tensor([1, 1])]),
        ([{"a": 1}, {"a": 2}], {"a": tensor([1, 2])}),
        ([OrderedDict(a=1), OrderedDict(a=2)], OrderedDict(a=tensor([1, 2]))),
        ([Named(a=1), Named(a=2)], Named(a=tensor([1, 2]))),
        ([UserDict(a=1), UserDict(a=2)], UserDict(a=tensor([1, 2]))),
        ([MappingProxyType({"a": 1})], MappingProxyType({"a": tensor([1])})),
        ([Row([1, 2]), Row([3, 4])], Row([tensor([1, 3]), tensor([2, 4])])),
        ([UserList([1]), UserList([2])], UserList([tensor([1, 2])])),
        ([Fixed([1]), Fixed([2])], Fixed([tensor([1, 2])])),
        ([Point((1, 2)), Point((3, 4))], [tensor([1, 3]), tensor([2, 4])]),
        ([Pair(1, 2), Pair(3, 4)], Pair(tensor([1, 3]), tensor([2, 4]))),
        ([np.ones(2), np.zeros(2)], tensor([[1, 1], [0, 0]], dtype=minigrad.float64)),
        ([np.float32(1), np.float32(2)], tensor([1.0, 2.0])),
        ([np.int32(3)], tensor([3], dtype=minigrad.int32)),
        ([np.array(1, np.int64), np.array(2, np.int64)], tensor([1, 2])),
        ([tensor([1.0]), tensor([2.0])], tensor([[1.0], [2.0]])),
        ([[], []], []),
        ([tensor([1.0]), tensor([2])], tensor([[1.0], [2.0]])),
        ([tensor(1), tensor(2)], tensor([1, 2])),
        ([tensor([[1, 2], [3, 4]]).T, tensor([[1, 2], [3, 4]])], tensor([[[1, 3], [2, 4]], [[1, 2], [3, 4]]])),
    ],
    ids=str,
)
def test_each_kind_of_batch_is_collated(batch, expected):
    are_same(default_collate(batch), expected)


def test_a_container_keeps_its_attributes_and_the_sample_its_numbers():
    for sample in (Named(a=1), Row([1])):
        sample.source = "file"
        batch = default_collate([sample, sample])
        assert batch.source == "file" and batch is not sample and sample in (Named(a=1), Row([1]))
        assert default_convert(sample).source == "file"


def test_gradients_flow_through_a_batch():
    x = minigrad.ones(2, requires_grad=True)
    default_collate([x, x * 3]).sum().backward()
    assert x.grad.tolist() == [4, 4]


def test_batches_that_cannot_be_collated_are_refused():
    for batch, kind in (
        ([None, None], "NoneType"),
        ([object()], "object"),
        ([{1}, {2}], "set"),
        ([np.array("a")], "<U1"),
        ([np.array([None])], "object"),
    ):
        with pytest.raises(TypeError, match=f"numbers, dicts or lists; found .*{kind}.*collate_fn"):
            default_collate(batch)
    for batch, kind in ((None, "NoneType"), (3, "int"), ({1}, "set")):
        with pytest.raises(TypeError, match=rf"default_collate\(\): argument 'batch' must be a list .*not {kind}"):
            default_collate(batch)
    with pytest.raises(RuntimeError, match=r"of equal size, got lengths \[1, 2\]"):
        default_collate([(1, 2), (1,)])
    with pytest.raises(RuntimeError):
        default_collate([minigrad.ones(2), minigrad.ones(3)])
    with pytest.raises(TypeError):
        default_collate([minigrad.ones(2), None])
    with pytest.raises(KeyError, match="a"):
        default_collate([{"a": 1}, {"b": 2}])


@pytest.mark.parametrize(
    ("batch", "error", "kinds"),
    [
        ([minigrad.ones(2), None], TypeError, "sample 0 is of type minigrad.Tensor, sample 1 of type NoneType"),
        ([1, 2, minigrad.ones(2)], ValueError, "sample 0 is of type int, sample 2 of type minigrad.Tensor"),
        ([3, "a"], TypeError, "sample 0 is of type int, sample 1 of type str"),
        ([np.float32(1), None], RuntimeError, "sample 0 is of type numpy.float32, sample 1 of type NoneType"),
        ([np.ones(2), None], RuntimeError, "sample 0 is of type numpy.ndarray, sample 1 of type NoneType"),
        ([{"a": 1}, 3], TypeError, "sample 0 is of type dict, sample 1 of type int"),
        ([(1, 2), 3], TypeError, "sample 0 is of type tuple, sample 1 of type int"),
        ([(1, 2.0), (1, None)], TypeError, "sample 0 is of type float, sample 1 of type NoneType"),
        ([[1, 2], {"a": 3, "b": 4}], TypeError, "sample 0 is of type int, sample 1 of type str"),
    ],
)
def test_samples_of_different_kinds_are_named(batch, error, kinds):
    with pytest.raises(error, match=re.escape(f"The samples of a batch should be of one kind: {kinds}")) as caught:
        default_collate(batch)
    assert str(caught.value).count("of one kind") <= 2


def test_samples_of_another_library_are_told_by_their_class_and_how_to_bring_them_here():
    class Foreign:
        dtype = "float32"

        def __dlpack__(self):
            raise NotImplementedError

    with pytest.raises(TypeError, match=r"found <class .*Foreign'>. It is of another library: minigrad.from_dlpack"):
        default_collate([Foreign(), Foreign()])


def test_numpy_s_numbers_and_python_s_have_the_kind_of_the_first():
    are_same(default_collate([np.float32(1), 2.5]), tensor([1.0, 2.5]))
    are_same(default_collate([np.float64(1), 2.5]), tensor([1.0, 2.5], dtype=minigrad.float64))
    are_same(default_collate([np.ones(2), [1, 2]]), tensor([[1.0, 1.0], [1.0, 2.0]], dtype=minigrad.float64))


def test_samples_of_one_kind_are_not_called_different():
    with pytest.raises(RuntimeError) as caught:
        default_collate([minigrad.ones(2), minigrad.ones(3)])
    assert "of one kind" not in str(caught.value)


def test_single_samples_are_converted():
    are_same(
        default_convert({"x": [np.ones(1), "a", 3], "y": Pair(np.int64(4), None)}),
        {"x": [tensor([1.0], dtype=minigrad.float64), "a", 3], "y": Pair(tensor(4), None)},
    )
    are_same(default_convert(OrderedDict(a=np.ones(1))), OrderedDict(a=tensor([1.0]).double()))
    assert default_convert(np.array("text")) == np.array("text")


@pytest.mark.parametrize("kind", [str, np.str_])
def test_numpy_s_strings_stay_a_list_as_python_s_do(kind):
    assert default_collate([kind("ab"), kind("c")]) == ["ab", "c"]
    assert default_collate([(kind("ab"), 1), (kind("c"), 2)])[0] == ("ab", "c")
    assert default_collate([{"a": np.bytes_(b"x")}, {"a": b"yz"}]) == {"a": [b"x", b"yz"]}


def test_a_sample_of_none_asks_for_the_return():
    with pytest.raises(TypeError, match=r"found <class 'NoneType'>. Is `return` missing in the dataset's __getitem__"):
        default_collate([None, None])
    with pytest.raises(TypeError, match="Is `return` missing"):
        default_collate([(minigrad.ones(1), None), (minigrad.ones(1), None)])


def test_samples_with_other_keys_are_named():
    with pytest.raises(KeyError, match=r"a: sample 0 of the batch has it, sample 1 has the keys \['b'\]"):
        default_collate([{"a": 1}, {"b": 2}])
    assert default_collate([{"a": 1}, {"a": 2, "b": 3}])["a"].tolist() == [1, 2]  # as in PyTorch
