"""`torch.utils._pytree`: the leaves of nested containers, and their structure. Texts and errors are PyTorch's."""

from __future__ import annotations

from collections import OrderedDict, defaultdict, deque, namedtuple

import pytest

import minigrad as torch
from minigrad.utils import _pytree as pytree
from tests.refusals import refusals

Point = namedtuple("Point", "x y")
TREES = {
    "a dict": ({"b": [1, 2], "a": (3, {"z": 4})}, [1, 2, 3, 4]),
    "a tuple of one": ((1,), [1]),
    "empty containers": ([(), {}], []),
    "an OrderedDict": (OrderedDict(b=1, a=2), [1, 2]),
    "a defaultdict": (defaultdict(list, {"q": [1]}), [1]),
    "a deque": (deque([1, 2], maxlen=3), [1, 2]),
    "a named tuple": (Point(1, (2,)), [1, 2]),
    "None": (None, [None]),
    "a text": ("ab", ["ab"]),
}


@pytest.mark.parametrize(("tree", "leaves"), TREES.values(), ids=TREES)
def test_a_tree_is_taken_apart_into_its_leaves_and_put_together_again(tree, leaves):
    found, spec = pytree.tree_flatten(tree)
    rebuilt = pytree.tree_unflatten(found, spec)
    assert found == leaves == pytree.tree_leaves(tree)
    assert rebuilt == tree
    assert type(rebuilt) is type(tree)
    assert spec == pytree.tree_structure(tree)
    assert hash(spec) == hash(pytree.tree_structure(tree))


def test_structures_print_and_count_as_in_pytorch():
    spec = pytree.tree_structure({"b": [1, 2], "a": (3, {"z": 4}), "n": None})
    assert repr(spec) == (
        "TreeSpec(dict, ['b', 'a', 'n'], [TreeSpec(list, None, [*,\n    *]),\n"
        "  TreeSpec(tuple, None, [*,\n    TreeSpec(dict, ['z'], [*])]),\n  *])"
    )
    assert (spec.num_leaves, spec.num_nodes, spec.num_children, spec.type) == (5, 9, 3, dict)
    assert spec.child(0) == spec.children()[0] == pytree.tree_structure([7, 8])
    assert not spec.is_leaf()
    assert pytree.LeafSpec().is_leaf()
    assert repr(pytree.tree_structure(Point(1, 2))).startswith("TreeSpec(namedtuple, <class ")
    assert pytree.tree_structure([1]) != pytree.tree_structure((1,))


def test_a_size_and_the_result_of_max_are_nodes():
    assert pytree.tree_leaves(torch.Size([2, 3])) == [2, 3]
    doubled = pytree.tree_map(lambda x: x * 2, torch.ones(2, 2).max(0))
    assert doubled.values.tolist() == [2.0, 2.0]


def test_map_follows_the_first_tree_and_takes_whole_trees_in_the_place_of_its_leaves():
    assert pytree.tree_map(lambda x, y: (x, y), [1, 2], [1, [2, 3]]) == [(1, 1), (2, [2, 3])]
    assert pytree.tree_map(lambda x, y: (x, y), {"b": 1, "a": 2}, {"a": 3, "b": 4}) == {"b": (1, 4), "a": (2, 3)}
    assert pytree.tree_map(lambda x: -x, [1, (2,)], is_leaf=lambda x: x == 1) == [-1, (-2,)]
    assert pytree.tree_flatten([1, [2, 3]], is_leaf=lambda x: x == [2, 3])[0] == [1, [2, 3]]


def test_only_leaves_of_a_class_are_mapped_and_counted():
    tree = [1, 2.0, "a", (True,)]
    assert pytree.tree_map_only((int, float), lambda x: x * 2, tree) == [2, 4.0, "a", (2,)]
    assert pytree.tree_map_only(lambda x: x == 1, lambda x: x * 2, [1, 2.0]) == [2, 2.0]
    assert pytree.tree_all_only(int, lambda x: x > 0, [1, 2, "a"])
    assert not pytree.tree_any_only(int, lambda x: x > 2, [1, 2, "a"])
    assert pytree.tree_any(lambda x: x == 2, [1, (2,)])
    assert not pytree.tree_all(lambda x: x == 2, [1, (2,)])


def test_maps_for_their_effect_return_the_tree_itself():
    tree = [torch.ones(1), 5]
    assert pytree.tree_map_only_(torch.Tensor, lambda x: x.add_(1), tree) is tree
    assert tree[0].tolist() == [2.0]
    assert pytree.tree_map_(lambda x: None, tree) is tree


def test_paths_are_written_as_in_python():
    tree = {"a": [1, Point(2, 3)]}
    paths, spec = pytree.tree_flatten_with_path(tree)
    assert [pytree.keystr(path) for path, _ in paths] == ["['a'][0]", "['a'][1].x", "['a'][1].y"]
    assert [leaf for _, leaf in paths] == [1, 2, 3]
    assert paths[2][0] == (pytree.MappingKey("a"), pytree.SequenceKey(1), pytree.GetAttrKey("y"))
    assert spec == pytree.tree_structure(tree)
    numbered = pytree.tree_map_with_path(lambda path, x, y: (len(path), x + y), tree, tree)
    assert numbered == {"a": [(2, 2), Point((3, 4), (3, 6))]}


class Pair:
    def __init__(self, left, right):
        self.left, self.right = left, right


def test_a_class_of_the_users_own_becomes_a_node():
    pytree.register_pytree_node(Pair, lambda p: ([p.left, p.right], None), lambda children, _: Pair(*children))
    try:
        assert pytree.tree_leaves([Pair(1, 2), 3]) == [1, 2, 3]
        assert pytree.tree_map(lambda x: -x, Pair(1, 2)).right == -2
        with pytest.raises(ValueError, match=r"Pair'> is already registered as pytree node\."):
            pytree.register_pytree_node(Pair, lambda p: ([], None), lambda children, _: None)
    finally:
        del pytree.SUPPORTED_NODES[Pair]


SPEC = pytree.tree_structure([1, (2,)])


test_what_does_not_fit = refusals({
    "too few leaves": (
        lambda: pytree.tree_unflatten([1], SPEC), ValueError,
        ("`leaves` has length 1 but the spec refers to a pytree that holds 2 items",),
    ),
    "no structure": (
        lambda: pytree.tree_unflatten([1], 3), TypeError,
        ("Expected `treespec` to be an instance of PyTreeSpec but got item of type <class 'int'>.",),
    ),
    "fewer children": (
        lambda: pytree.tree_map(max, [1, 2], [1]), ValueError, ("Node arity mismatch; expected 2, but got 1.",)
    ),
    "another class": (
        lambda: pytree.tree_map(max, [1, 2], (1, 2)), ValueError,
        ("Node type mismatch; expected <class 'list'>, but got <class 'tuple'>.",),
    ),
    "other keys": (
        lambda: pytree.tree_map(max, {"a": 1}, {"b": 1}), ValueError,
        ("Node keys mismatch; missing key(s): {'a'}; extra key(s): {'b'}.",),
    ),
    "another class of named tuples": (
        lambda: pytree.tree_map(max, Point(1, 2), namedtuple("Q", "x y")(1, 2)), ValueError,
        ("Node context mismatch; expected <class ",),
    ),
})  # fmt: skip
