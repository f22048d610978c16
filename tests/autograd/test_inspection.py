"""What a node shows of itself: hooks, their order and errors, names, metadata."""

import copy
import gc
import pickle
from weakref import ref

import pytest

import minigrad as mg
from minigrad import autograd
from tests.autograd.test_node_attributes import Pair
from tests.leaves import leaf_of as leaf


def test_tensor_hooks_run_before_prehooks_and_hooks_of_the_node():
    x, seen = leaf(1.0, 2.0), []
    y = x * x
    y.retain_grad()
    y.grad_fn.register_prehook(lambda outputs: seen.append(("before", outputs[0].tolist())))
    y.grad_fn.register_hook(
        lambda inputs, outputs: seen.append(("behind", *map(mg.Tensor.tolist, (*inputs, *outputs))))
    )
    y.register_hook(lambda g: seen.append(("tensor", g.tolist())) or g * 10)
    y.sum().backward()
    assert seen == [("tensor", [1, 1]), ("before", [10, 10]), ("behind", [10, 20], [10, 20], [10, 10])]
    assert y.grad.tolist() == [10, 10] and x.grad.tolist() == [20, 40]


def scale_in_place(gradient):
    gradient *= 100


@pytest.mark.parametrize("value", [2.0, [2.0]])
def test_a_hook_may_write_to_the_gradient(value):
    a, b, d = (mg.tensor(value, requires_grad=True) for _ in range(3))
    c = a * b
    c.retain_grad()
    c.register_hook(scale_in_place)
    d.register_hook(scale_in_place)
    (c * 3).backward(mg.ones_like(c))
    (d * 5).backward(mg.ones_like(d))
    assert (a.grad.item(), b.grad.item(), c.grad.item(), d.grad.item()) == (600, 600, 300, 500)


@pytest.mark.parametrize("value", [2.0, [2.0]])
def test_a_write_of_a_hook_reaches_all_who_share_the_gradient_as_in_pytorch(value):
    a, b, d = (mg.tensor(value, requires_grad=True) for _ in range(3))
    c = a * b
    d.register_hook(scale_in_place)
    (c + d).backward(mg.ones_like(c))  # the sum passes one gradient to both
    assert (a.grad.item(), b.grad.item(), d.grad.item()) == (200, 200, 100)


@pytest.mark.parametrize("value", [2.0, [2.0]])
def test_a_write_of_a_results_hook_leaves_the_leaf_beside_it_alone(value):
    """A leaf has its gradient before the nodes below are walked, as in PyTorch."""
    a, b, d = (mg.tensor(value, requires_grad=True) for _ in range(3))
    c = a * b
    c.register_hook(scale_in_place)
    (c + d).backward(mg.ones_like(c))
    assert (a.grad.item(), b.grad.item(), d.grad.item()) == (200, 200, 1)


REGISTERS = {
    "a result": lambda x, y: y.register_hook,
    "a leaf": lambda x, y: x.register_hook,
    "before a node": lambda x, y: y.grad_fn.register_prehook,
    "after a node": lambda x, y: y.grad_fn.register_hook,
    "before accumulation": lambda x, y: y.grad_fn.next_functions[0][0].register_prehook,
}


@pytest.mark.parametrize("create_graph", [False, True])
@pytest.mark.parametrize("where", REGISTERS)
def test_hooks_on_one_gradient_are_shown_the_same_tensor(where, create_graph):
    """What one hook notes on a gradient, another one reads: so rules of relevance propagation replace it."""
    x = leaf(1.0, 2.0)
    y = x * 3
    shown, register = [], REGISTERS[where](x, y)

    def note(*given):
        gradient = given[0] if isinstance(given[0], mg.Tensor) else given[0][0]
        shown.append(gradient)
        gradient.note = len(shown)

    register(note)
    register(note)
    y.sum().backward(create_graph=create_graph)
    assert shown[0] is shown[1] and shown[0].note == 2


def test_a_hook_is_shown_what_the_one_before_returned():
    x, given = leaf(1.0, 2.0), mg.tensor([5.0, 6.0])
    shown = []
    x.register_hook(lambda gradient: given)
    x.register_hook(shown.append)
    (x * x).sum().backward()
    assert shown[0] is given and x.grad.tolist() == [5, 6] and x.grad is not given


def test_grad_returns_the_gradient_before_the_prehooks_of_its_node():
    x = leaf(1.0, 2.0)
    y = x * 2
    y.grad_fn.register_prehook(lambda outputs: (outputs[0] * 3,))
    z = y.sum()
    asked = [autograd.grad(z, inputs, retain_graph=True) for inputs in (y, [y, x], x)]
    assert [[g.tolist() for g in gradients] for gradients in asked] == [[[1, 1]], [[1, 1], [6, 6]], [[6, 6]]]
    y.retain_grad()
    z.backward()
    assert y.grad.tolist() == [1, 1] and x.grad.tolist() == [6, 6]


@pytest.mark.parametrize("make", [lambda x: x * 2, lambda x: Pair.apply(x, 3)[0]])
def test_a_node_that_its_hooks_and_notes_refer_to_is_freed(make):
    def scope():
        y, calls = make(leaf(1.0)), []

        def hook(*_):
            calls.append(y.grad_fn.name())

        y.grad_fn.register_hook(hook)
        y.grad_fn.register_prehook(hook)
        y.grad_fn.metadata["result"] = y
        y.register_hook(hook)
        y.sum().backward(retain_graph=True)
        assert len(calls) == 3
        return ref(y.grad_fn)

    node = scope()
    gc.collect()
    assert node() is None


def test_each_node_has_its_own_metadata():
    y = leaf(1.0) * 2
    y.grad_fn.metadata["name"] = "doubled"
    assert y.grad_fn.metadata == {"name": "doubled"} and (y * 2).grad_fn.metadata == {}


def make_hook(value):
    """A hook that returns `value`."""
    return lambda *_: value


def register_before_accumulation(y, value):
    y.grad_fn.next_functions[0][0].register_prehook(make_hook((value,)))


REFUSED = {
    "no tuple behind": (
        lambda y: y.grad_fn.register_hook(make_hook(mg.ones(2))), TypeError,
        r"expected tuple, but hook '<lambda>' returned 'Tensor'"),
    "too many behind": (
        lambda y: y.grad_fn.register_hook(make_hook((mg.ones(2),) * 3)), RuntimeError,
        r"incorrect number of values \(got 3, but expected 2\)"),
    "no tuple before": (
        lambda y: y.grad_fn.register_prehook(make_hook(mg.ones(2))), TypeError, "expected tuple, but hook"),
    "a number behind": (lambda y: y.grad_fn.register_hook(make_hook((3, None))), TypeError, "but hook returned 'int'"),
    "another shape behind": (
        lambda y: y.grad_fn.register_hook(make_hook((mg.ones(3), None))), RuntimeError,
        r"has changed the size of value: \(2,\) to \(3,\)"),
    "a gradient for an operand without one": (
        lambda y: y.grad_fn.register_hook(make_hook((mg.ones(2), mg.ones(())))), RuntimeError,
        "can't replace a None gradient with a non-None value"),
    "a number before accumulation": (lambda y: register_before_accumulation(y, 3), TypeError, "hook returned 'int'"),
    "another shape before accumulation": (
        lambda y: register_before_accumulation(y, mg.ones(3)), RuntimeError,
        r"has changed the size of value: \(2,\) to \(3,\)"),
    "another dtype before accumulation": (
        lambda y: register_before_accumulation(y, mg.ones(2, dtype=mg.float64)), RuntimeError,
        "has changed the type of value: float32 to float64"),
}  # fmt: skip


@pytest.mark.parametrize("case", REFUSED)
def test_refused(case):
    hang, kind, words = REFUSED[case]
    y = leaf(1.0, 2.0) * 3

    def hang_and_walk():
        hang(y)
        y.sum().backward()

    with pytest.raises(kind, match=words):
        hang_and_walk()


def test_the_class_of_a_node_is_named_after_its_operation():
    class Double(mg.autograd.Function):
        @staticmethod
        def forward(ctx, x):
            return x * 2

        @staticmethod
        def backward(ctx, g):
            return g * 2

    x = mg.ones(2, requires_grad=True)
    y = Double.apply((x * 3).exp())
    first = y.grad_fn
    names = [type(first).__name__]
    while getattr(first, "next_functions", ()):
        first = first.next_functions[0][0]
        names.append(type(first).__name__)
    assert names == ["DoubleBackward", "ExpBackward0", "MulBackward0", "AccumulateGrad"]
    assert str(type(y.sum().grad_fn)) == "<class 'SumBackward0'>" and isinstance(y.grad_fn, mg.autograd.Node)
    seen = []
    y.grad_fn.register_hook(lambda inputs, outputs: seen.append(type(y.grad_fn).__name__))
    y.sum().backward()
    assert seen == ["DoubleBackward"] and x.grad is not None


ONE = mg.ones(2, requires_grad=True)
SIGNAL = mg.ones(1, 1, 4, requires_grad=True)
IMAGE = mg.ones(1, 4, 4, 4, requires_grad=True)
F = mg.nn.functional


@pytest.mark.parametrize(
    ("result", "name"),
    [
        (lambda: ONE**2, "PowBackward0"),
        (lambda: ONE**ONE, "PowBackward1"),
        (lambda: 2**ONE, "PowBackward2"),
        (lambda: mg.pow(2.0, ONE), "PowBackward2"),
        (lambda: mg.roll(ONE, 1), "RollBackward0"),
        (lambda: F.conv1d(SIGNAL, mg.ones(1, 1, 2)), "ConvolutionBackward0"),
        (lambda: F.conv_transpose1d(SIGNAL, mg.ones(1, 1, 2)), "ConvolutionBackward0"),
        (lambda: F.pixel_shuffle(IMAGE, 2), "PixelShuffleBackward0"),
        (lambda: F.pixel_unshuffle(IMAGE, 2), "PixelUnshuffleBackward0"),
        (lambda: F.glu(ONE), "GluBackward0"),
        (lambda: F.pairwise_distance(ONE, mg.zeros(2)), "NormBackward1"),
        (lambda: F.pad(SIGNAL, (1, 1), mode="reflect"), "ReflectionPad1DBackward0"),
        (lambda: F.pad(IMAGE, (1, 1, 1, 1), mode="replicate"), "ReplicationPad2DBackward0"),
        (lambda: F.pad(IMAGE, (1, 1, 1, 1), mode="circular"), "CopySlices"),
        (lambda: F.adaptive_avg_pool2d(IMAGE, 1), "MeanBackward1"),
        (lambda: F.adaptive_avg_pool2d(IMAGE, 2), "AdaptiveAvgPool2DBackward0"),
    ],
)
def test_a_function_of_several_operations_has_pytorchs_grad_fn_name(result, name):
    made = result()
    assert made.grad_fn.name() == name
    assert f"grad_fn=<{name}>" in repr(made)
    made.sum().backward()


def test_a_function_that_returns_its_input_renames_nothing():
    y = ONE * 2
    assert F.pixel_shuffle(y.reshape(1, 2, 1, 1), 1).grad_fn is not y.grad_fn
    assert F.pad(y.reshape(1, 1, 2), (0, 0), mode="reflect").grad_fn.name() == "CloneBackward0"
    assert y.grad_fn.name() == "MulBackward0"


def test_a_node_is_neither_copied_nor_pickled():
    node = (leaf(1.0) * 2).grad_fn
    for refused in (copy.copy, copy.deepcopy, pickle.dumps):
        for one in (node, node.next_functions[0][0]):
            with pytest.raises(TypeError, match=r"cannot pickle '(MulBackward0|AccumulateGrad)' object: a node of the"):
                refused(one)


def test_the_node_of_a_leaf_adds_what_it_is_called_with_to_grad():
    x, posts = leaf(1.0, 2.0), []
    add = (x * 2).grad_fn.next_functions[0][0]
    x.register_hook(lambda g: g * 10)  # of the walk, which is not asked
    x.register_post_accumulate_grad_hook(lambda x: posts.append(x.grad.tolist()))
    given = mg.tensor([1.0, 3.0])
    assert add(given) == () and add(given) == () and add(None) == ()
    assert posts[0] == [1.0, 3.0] and x.grad.tolist() == [2.0, 6.0] and given.tolist() == [1.0, 3.0]
    x.grad = None
    add(leaf(1.0, 2.0) * 3)
    assert x.grad.requires_grad  # as under create_graph


@pytest.mark.parametrize(("given", "kind", "message"), [
    ([], TypeError, "expected 1 arguments, got 0 instead: the gradient of the leaf"),
    ([1.0], TypeError, "a gradient must be a tensor or None, got float"),
    ([mg.ones(3)], RuntimeError, r"AccumulateGrad returned an invalid gradient: got \[3\] but expected .* \[2\]"),
])  # fmt: skip
def test_the_node_of_a_leaf_refuses_what_is_no_gradient(given, kind, message):
    with pytest.raises(kind, match=message):
        (leaf(1.0, 2.0) * 2).grad_fn.next_functions[0][0](*given)


def test_nodes_are_numbered_as_they_are_recorded():
    x = leaf(1.0)
    y = x * 2
    z, w = y.exp(), Pair.apply(x, 2)[0]
    first = y.grad_fn._sequence_nr()
    assert [z.grad_fn._sequence_nr() - first, w.grad_fn._sequence_nr() - first] == [1, 2]
    assert y.grad_fn.next_functions[0][0]._sequence_nr() == 2**64 - 1


def test_a_hook_that_takes_no_gradient_is_told_what_it_is_called_with():
    x = mg.ones(1, requires_grad=True)
    x.register_hook(lambda: None)
    with pytest.raises(
        TypeError, match=r"takes 0 positional arguments but 1 was given: it is called as hook\(gradient\)$"
    ):
        (x * 2).backward()
