"""Nested dicts, lists and tuples: flattened and rebuilt."""

from collections import OrderedDict, namedtuple

import pytest

import minigrad as mg
from minigrad.autograd.trees import flatten, structure

Pair = namedtuple("Pair", "first second")


@pytest.mark.parametrize(
    "tree", [3, None, (), [1, (2, 3), []], {"b": 1, "a": {"c": [2]}}, OrderedDict(b=1, a=2), Pair(1, [2, 3])]
)
def test_rebuild_inverts_flatten(tree):
    leaves, rebuild = flatten(tree)
    assert rebuild(leaves) == tree and type(rebuild(leaves)) is type(tree)
    doubled = flatten(rebuild([(x,) for x in leaves]))[0]
    assert doubled == leaves


def test_leaves_come_in_order():
    assert flatten({"b": 1, "a": Pair(2, (3, [4]))})[0] == [1, 2, 3, 4]


def test_other_classes_are_leaves():
    size = mg.ones(2, 3).shape
    assert flatten([size, "text", {1, 2}])[0] == [size, "text", {1, 2}]


def test_structure_shows_a_star_for_each_leaf():
    assert repr(structure({"a": 1, "b": (2, [3])})) == "{'a': *, 'b': (*, [*])}"
