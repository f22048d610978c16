"""`torch.utils._pytree`: nested lists, tuples and dicts taken apart into their leaves, and put together again.

A node is an instance of a class in `SUPPORTED_NODES`, or a named tuple; everything else is a leaf, also None. As the
name says the file is private in PyTorch, but many libraries use it.
"""

from __future__ import annotations

from collections import OrderedDict, defaultdict, deque
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from typing import Any, NamedTuple, TypeAlias

from minigrad.size import Size
from minigrad.utils.tree_keys import GetAttrKey, MappingKey, SequenceKey, keystr

__all__ = [
    "SUPPORTED_NODES", "GetAttrKey", "LeafSpec", "MappingKey", "PyTree", "SequenceKey", "TreeSpec", "keystr",
    "register_pytree_node", "tree_all", "tree_all_only", "tree_any", "tree_any_only", "tree_flatten",
    "tree_flatten_with_path", "tree_is_leaf", "tree_iter", "tree_leaves", "tree_leaves_with_path", "tree_map",
    "tree_map_", "tree_map_only", "tree_map_only_", "tree_map_with_path", "tree_structure", "tree_unflatten",
]  # fmt: skip

PyTree: TypeAlias = Any
Context: TypeAlias = Any  # what a node has besides its children, such as the keys of a dict
IsLeaf: TypeAlias = Callable[[Any], bool] | None


# ---- the kinds of nodes --------------------------------------------------------------------------
class NodeDef(NamedTuple):
    """How instances of one class are taken apart into (children, context), and made again of the two."""

    flatten_fn: Callable[[Any], tuple[Any, Context]]
    unflatten_fn: Callable[[Any, Context], Any]


SUPPORTED_NODES: dict[Any, NodeDef] = {
    tuple: NodeDef(lambda x: ([*x], None), lambda children, _: tuple(children)),
    list: NodeDef(lambda x: (x, None), lambda children, _: [*children]),
    dict: NodeDef(lambda x: ([*x.values()], [*x]), lambda children, keys: dict(zip(keys, children, strict=True))),
    OrderedDict: NodeDef(
        lambda x: ([*x.values()], [*x]), lambda children, keys: OrderedDict(zip(keys, children, strict=True))
    ),
    defaultdict: NodeDef(
        lambda x: ([*x.values()], [x.default_factory, [*x]]),
        lambda children, context: defaultdict(context[0], zip(context[1], children, strict=True)),
    ),
    deque: NodeDef(lambda x: ([*x], x.maxlen), lambda children, maxlen: deque(children, maxlen=maxlen)),
    Size: NodeDef(lambda x: ([*x], None), lambda children, _: tuple(children)),
}


_DICTS = {dict, OrderedDict, defaultdict}  # one may stand in the place of another


class namedtuple:
    """Stands in `TreeSpec.type` for all classes of named tuples; the class itself is the context."""


SUPPORTED_NODES[namedtuple] = NodeDef(lambda x: ([*x], type(x)), lambda children, cls: cls(*children))


def register_pytree_node(
    cls: type, flatten_fn: Callable[[Any], tuple[Any, Context]], unflatten_fn: Callable[[Any, Context], Any], **_: Any
) -> None:
    """Makes the instances of `cls` nodes: `flatten_fn` gives (children, context), `unflatten_fn` takes the two.

    Raises ValueError for a class that is one already.

    >>> from minigrad.utils._pytree import register_pytree_node, tree_leaves
    >>> class Pair:
    ...     def __init__(self, left, right):
    ...         self.left, self.right = left, right
    >>> register_pytree_node(Pair, lambda p: ([p.left, p.right], None), lambda children, _: Pair(*children))
    >>> tree_leaves([Pair(1, 2), 3])
    [1, 2, 3]
    """
    if cls in SUPPORTED_NODES:
        raise ValueError(f"{cls} is already registered as pytree node.")
    SUPPORTED_NODES[cls] = NodeDef(flatten_fn, unflatten_fn)


def _kind_of(tree: PyTree) -> Any:
    """The class of `tree` in `SUPPORTED_NODES`; None for a leaf."""
    cls = type(tree)
    if cls in SUPPORTED_NODES:
        return cls
    return namedtuple if isinstance(tree, tuple) and hasattr(tree, "_fields") else None


def tree_is_leaf(tree: PyTree, is_leaf: IsLeaf = None) -> bool:
    """Whether `tree` is a leaf: no node, or one that `is_leaf` takes for a leaf.

    >>> from minigrad.utils._pytree import tree_is_leaf
    >>> tree_is_leaf(1), tree_is_leaf([1]), tree_is_leaf(None)
    (True, False, True)
    """
    return (is_leaf is not None and is_leaf(tree)) or _kind_of(tree) is None


# ---- structure -----------------------------------------------------------------------------------
@dataclass(frozen=True)
class TreeSpec:
    """The structure of a tree: the class of its root, what that has besides children, and the children's structures."""

    type: Any
    context: Context = None
    children_specs: list[TreeSpec] = field(default_factory=list)

    num_nodes = property(lambda self: 1 + sum(child.num_nodes for child in self.children_specs))
    num_leaves = property(lambda self: sum(child.num_leaves for child in self.children_specs) if self.type else 1)
    num_children = property(lambda self: len(self.children_specs))

    def is_leaf(self) -> bool:
        """Whether this is the structure of a leaf."""
        return self.type is None

    def children(self) -> list[TreeSpec]:
        """The structures of the children."""
        return [*self.children_specs]

    def child(self, index: int) -> TreeSpec:
        """The structure of one child."""
        return self.children_specs[index]

    def unflatten(self, leaves: Iterable[Any]) -> PyTree:
        """The tree of this structure with these leaves. Raises ValueError for another number of leaves."""
        given = [*leaves]
        if len(given) != self.num_leaves:
            needed = f"the spec refers to a pytree that holds {self.num_leaves} items ({self})"
            raise ValueError(f"treespec.unflatten(leaves): `leaves` has length {len(given)} but {needed}.")
        return self._build(iter(given))

    def _build(self, leaves: Iterator[Any]) -> PyTree:
        if self.type is None:
            return next(leaves)
        return SUPPORTED_NODES[self.type].unflatten_fn([x._build(leaves) for x in self.children_specs], self.context)

    def flatten_up_to(self, tree: PyTree) -> list[PyTree]:
        """What `tree` has in the places of the leaves of this structure, which may be whole trees.

        Raises ValueError where `tree` has another structure.
        """
        if self.type is None:
            return [tree]
        children = self._values_of(tree) if {_kind_of(tree), self.type} <= _DICTS else self._children_of(tree)
        return [x for spec, child in zip(self.children_specs, children, strict=True) for x in spec.flatten_up_to(child)]

    def _children_of(self, tree: PyTree) -> Iterable[PyTree]:
        """The children of the root of `tree`. Raises ValueError unless that is a node like this one."""
        kind = _kind_of(tree)
        if kind is not self.type:
            raise ValueError(f"Node type mismatch; expected {self.type!r}, but got {type(tree)!r}.")
        children, context = SUPPORTED_NODES[kind].flatten_fn(tree)
        if len(children) != len(self.children_specs):
            raise ValueError(f"Node arity mismatch; expected {len(self.children_specs)}, but got {len(children)}.")
        if context != self.context:
            raise ValueError(f"Node context mismatch; expected {self.context!r}, but got {context!r}.")
        return [*children]

    def _values_of(self, tree: dict[Any, PyTree]) -> Iterable[PyTree]:
        """The values of a dict of any kind, in the order of this dict's keys. Raises ValueError for other keys."""
        keys = self.context[1] if self.type is defaultdict else self.context
        differ = {"missing": {*keys} - {*tree}, "extra": {*tree} - {*keys}}
        if any(differ.values()):
            told = "".join([f"; {word} key(s): {them}" for word, them in differ.items() if them])
            raise ValueError(f"Node keys mismatch{told}.")
        return [tree[key] for key in keys]

    def __hash__(self) -> int:
        return hash((self.type, repr(self.context), *self.children_specs))

    def __repr__(self, indent: int = 0) -> str:
        if self.type is None:
            return "*"
        inner = (",\n" + " " * (indent + 2)).join([x.__repr__(indent + 2) for x in self.children_specs])
        return f"TreeSpec({self.type.__name__}, {self.context}, [{inner}])"


def LeafSpec() -> TreeSpec:  # noqa: N802 (PyTorch's name)
    """The structure of a leaf.

    >>> from minigrad.utils._pytree import LeafSpec, tree_structure
    >>> LeafSpec() == tree_structure(5)
    True
    """
    return TreeSpec(None)


# ---- take apart, put together --------------------------------------------------------------------
def _flatten(tree: PyTree, is_leaf: IsLeaf, leaves: list[Any]) -> TreeSpec:
    """The structure of `tree`, whose leaves are added to `leaves`."""
    if tree_is_leaf(tree, is_leaf):
        leaves.append(tree)
        return TreeSpec(None)
    kind = _kind_of(tree)
    children, context = SUPPORTED_NODES[kind].flatten_fn(tree)
    return TreeSpec(kind, context, [_flatten(child, is_leaf, leaves) for child in children])


def tree_flatten(tree: PyTree, is_leaf: IsLeaf = None) -> tuple[list[Any], TreeSpec]:
    """The leaves of `tree` in order, and its structure. A node that `is_leaf` accepts counts as a leaf.

    >>> from minigrad.utils._pytree import tree_flatten
    >>> tree_flatten([1, (2, 3)])[0]
    [1, 2, 3]
    """
    leaves: list[Any] = []
    spec = _flatten(tree, is_leaf, leaves)
    return leaves, spec


def tree_unflatten(leaves: Iterable[Any], treespec: Any) -> PyTree:
    """The tree of the structure `treespec` with these leaves.

    Raises ValueError for another number of leaves, TypeError for what is no structure.

    >>> from minigrad.utils._pytree import tree_structure, tree_unflatten
    >>> tree_unflatten([10, 20, 30], tree_structure([1, (2, 3)]))
    [10, (20, 30)]
    """
    if not isinstance(treespec, TreeSpec):
        what = f"got item of type {type(treespec)}"
        raise TypeError(f"Expected `treespec` to be an instance of PyTreeSpec but {what}.")
    return treespec.unflatten(leaves)


def tree_iter(tree: PyTree, is_leaf: IsLeaf = None) -> Iterator[Any]:
    """The leaves of `tree`, one after another.

    >>> from minigrad.utils._pytree import tree_iter
    >>> sum(tree_iter({"a": 1, "b": (2, 3)}))
    6
    """
    if tree_is_leaf(tree, is_leaf):
        yield tree
    else:
        for child in SUPPORTED_NODES[_kind_of(tree)].flatten_fn(tree)[0]:
            yield from tree_iter(child, is_leaf)


def tree_leaves(tree: PyTree, is_leaf: IsLeaf = None) -> list[Any]:
    """The leaves of `tree` in order.

    >>> from minigrad.utils._pytree import tree_leaves
    >>> tree_leaves({"a": 1, "b": (2, None)})
    [1, 2, None]
    """
    return [*tree_iter(tree, is_leaf)]


def tree_structure(tree: PyTree, is_leaf: IsLeaf = None) -> TreeSpec:
    """The structure of `tree`, with ``*`` for each leaf.

    >>> from minigrad.utils._pytree import tree_structure
    >>> tree_structure({"a": 1})
    TreeSpec(dict, ['a'], [*])
    """
    return tree_flatten(tree, is_leaf)[1]


# ---- functions of leaves -------------------------------------------------------------------------
def tree_map(func: Callable[..., Any], tree: PyTree, *rests: PyTree, is_leaf: IsLeaf = None) -> PyTree:
    """A tree of the same structure, with ``func(leaf, *others)`` for each leaf; the others come from the trees `rests`.

    Raises ValueError for a tree in `rests` of another structure.

    >>> from minigrad.utils._pytree import tree_map
    >>> tree_map(lambda x, y: x * y, {"a": 1, "b": [2]}, {"a": 10, "b": [20]})
    {'a': 10, 'b': [40]}
    """
    leaves, spec = tree_flatten(tree, is_leaf)
    return spec.unflatten(map(func, leaves, *[spec.flatten_up_to(rest) for rest in rests]))


def tree_map_(func: Callable[..., Any], tree: PyTree, *rests: PyTree, is_leaf: IsLeaf = None) -> PyTree:
    """Calls ``func(leaf, *others)`` for each leaf, for what it does to them, and returns `tree` itself.

    >>> import minigrad as torch
    >>> from minigrad.utils._pytree import tree_map_
    >>> tree_map_(lambda x: x.add_(1), [torch.ones(1)])
    [tensor([2.])]
    """
    tree_map(func, tree, *rests, is_leaf=is_leaf)
    return tree


def _is_one_of(kinds: Any) -> Callable[[Any], bool]:
    """Whether a leaf is of one of the classes; `kinds` may be a function that tells it."""
    return (lambda x: isinstance(x, kinds)) if isinstance(kinds, (type, tuple)) else kinds


def tree_map_only(kinds: Any, func: Callable[[Any], Any], tree: PyTree, is_leaf: IsLeaf = None) -> PyTree:
    """`tree_map` for the leaves of a class, or of several; others stay.

    >>> from minigrad.utils._pytree import tree_map_only
    >>> tree_map_only(int, lambda x: -x, [1, "two", (3,)])
    [-1, 'two', (-3,)]
    """
    chosen = _is_one_of(kinds)
    return tree_map(lambda x: func(x) if chosen(x) else x, tree, is_leaf=is_leaf)


def tree_map_only_(kinds: Any, func: Callable[[Any], Any], tree: PyTree, is_leaf: IsLeaf = None) -> PyTree:
    """`tree_map_` for the leaves of a class, or of several.

    >>> import minigrad as torch
    >>> from minigrad.utils._pytree import tree_map_only_
    >>> tree_map_only_(torch.Tensor, torch.Tensor.zero_, [torch.ones(1), "two"])
    [tensor([0.]), 'two']
    """
    tree_map_only(kinds, func, tree, is_leaf)
    return tree


def tree_all(pred: Callable[[Any], bool], tree: PyTree, is_leaf: IsLeaf = None) -> bool:
    """Whether ``pred(leaf)`` holds for all leaves.

    >>> from minigrad.utils._pytree import tree_all
    >>> tree_all(lambda x: x > 0, [1, (2,)])
    True
    """
    return all(map(pred, tree_iter(tree, is_leaf)))


def tree_any(pred: Callable[[Any], bool], tree: PyTree, is_leaf: IsLeaf = None) -> bool:
    """Whether ``pred(leaf)`` holds for some leaf.

    >>> from minigrad.utils._pytree import tree_any
    >>> tree_any(lambda x: x > 1, [1, (2,)])
    True
    """
    return any(map(pred, tree_iter(tree, is_leaf)))


def tree_all_only(kinds: Any, pred: Callable[[Any], bool], tree: PyTree, is_leaf: IsLeaf = None) -> bool:
    """`tree_all` of the leaves of a class, or of several.

    >>> from minigrad.utils._pytree import tree_all_only
    >>> tree_all_only(int, lambda x: x > 0, [1, "two"])
    True
    """
    return all(map(pred, filter(_is_one_of(kinds), tree_iter(tree, is_leaf))))


def tree_any_only(kinds: Any, pred: Callable[[Any], bool], tree: PyTree, is_leaf: IsLeaf = None) -> bool:
    """`tree_any` of the leaves of a class, or of several.

    >>> from minigrad.utils._pytree import tree_any_only
    >>> tree_any_only(int, lambda x: x > 1, [1, "two"])
    False
    """
    return any(map(pred, filter(_is_one_of(kinds), tree_iter(tree, is_leaf))))


# ---- paths ---------------------------------------------------------------------------------------
def tree_leaves_with_path(tree: PyTree, is_leaf: IsLeaf = None) -> list[tuple[tuple[Any, ...], Any]]:
    """The leaves of `tree` with the keys that lead to each.

    >>> from minigrad.utils._pytree import tree_leaves_with_path
    >>> tree_leaves_with_path({"a": [5]})
    [((MappingKey(key='a'), SequenceKey(idx=0)), 5)]
    """
    if tree_is_leaf(tree, is_leaf):
        return [((), tree)]
    children, _ = SUPPORTED_NODES[_kind_of(tree)].flatten_fn(tree)
    if isinstance(tree, dict):
        keys: list[Any] = [MappingKey(key) for key in tree]
    elif hasattr(tree, "_fields"):
        keys = [GetAttrKey(name) for name in tree._fields]
    else:
        keys = [SequenceKey(place) for place in range(len(children))]
    below = [(key, tree_leaves_with_path(child, is_leaf)) for key, child in zip(keys, children, strict=True)]
    return [((key, *path), leaf) for key, found in below for path, leaf in found]


def tree_flatten_with_path(tree: PyTree, is_leaf: IsLeaf = None) -> tuple[list[tuple[Any, Any]], TreeSpec]:
    """`tree_leaves_with_path`, and the structure of the tree.

    >>> from minigrad.utils._pytree import tree_flatten_with_path
    >>> tree_flatten_with_path((7,))
    ([((SequenceKey(idx=0),), 7)], TreeSpec(tuple, None, [*]))
    """
    return tree_leaves_with_path(tree, is_leaf), tree_structure(tree, is_leaf)


def tree_map_with_path(func: Callable[..., Any], tree: PyTree, *rests: PyTree, is_leaf: IsLeaf = None) -> PyTree:
    """`tree_map` of a function that also gets the path of each leaf: ``func(path, leaf, *others)``.

    >>> from minigrad.utils._pytree import keystr, tree_map_with_path
    >>> tree_map_with_path(lambda path, x: keystr(path), {"a": [5, 6]})
    {'a': ["['a'][0]", "['a'][1]"]}
    """
    found, spec = tree_flatten_with_path(tree, is_leaf)
    others = [spec.flatten_up_to(rest) for rest in rests]
    return spec.unflatten([func(path, leaf, *rest) for (path, leaf), *rest in zip(found, *others, strict=True)])
