"""The public attributes of nodes: hooks before and after a node, saved values, metadata."""

import copy
import gc
import pickle
from weakref import ref

import pytest

import minigrad as mg
from minigrad import autograd
from tests.leaves import leaf_of as leaf


class Pair(autograd.Function):
    @staticmethod
    def forward(ctx, x, k):
        ctx.save_for_backward(x)
        return x * k, x + k

    @staticmethod
    def backward(ctx, g, h):
        return 2 * g + h, None


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


def test_hooks_of_a_node_replace_gradients():
    x = leaf(1.0, 2.0)
    y = x * 3
    handle = y.grad_fn.register_hook(lambda inputs, outputs: (inputs[0] * 10, None))
    y.grad_fn.register_prehook(lambda outputs: (outputs[0] * 100,))
    y.sum().backward(retain_graph=True)
    assert x.grad.tolist() == [3000, 3000]
    handle.remove()
    y.sum().backward()
    assert x.grad.tolist() == [3300, 3300]


def test_hooks_of_a_function_with_several_results_see_all_gradients():
    x, seen = leaf(1.0, 2.0), []
    y, z = Pair.apply(x, 2.0)
    node = z.grad_fn
    assert y.grad_fn is node and (y * z).grad_fn.next_functions == ((node, 0), (node, 1))
    z.register_hook(lambda g: g * 3)
    y.retain_grad()
    handle = node.register_prehook(lambda outputs: (None, outputs[1] * 10))
    node.register_hook(lambda inputs, outputs: seen.append((inputs, outputs)))
    (y + z).sum().backward(retain_graph=True)
    ((inputs, (g, h)),) = seen  # the number 2.0 is no operand
    assert g is None and y.grad.tolist() == [1, 1] and h.tolist() == [30, 30]
    assert [i.tolist() for i in inputs] == [x.grad.tolist()] == [[30, 30]]
    seen.clear()
    handle.remove()
    y.sum().backward(retain_graph=True)
    ((_, (g, h)),) = seen
    assert g.tolist() == [1, 1] and h is None
    assert node(mg.ones(2), mg.ones(2)).tolist() == [3, 3]
    with pytest.raises(TypeError, match="expected 2 arguments, got 1"):
        node(mg.ones(2))


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


def test_a_gradient_stored_by_a_node_hook_is_not_modified():
    x, kept = leaf(1.0, 2.0), []
    y = x * x  # two gradients for x, which are added up
    y.grad_fn.register_hook(lambda inputs, outputs: kept.extend(inputs))
    y.sum().backward()
    assert [g.tolist() for g in kept] == [[1, 2], [1, 2]] and x.grad.tolist() == [2, 4]


@pytest.mark.parametrize("call", [lambda x: Pair.apply(x, 2.0)[0], lambda x: mg.cat([x, x]), lambda x: x.relu()])
def test_each_kind_of_node_takes_hooks(call):
    x, seen = leaf(1.0, 2.0), []
    y = call(x)
    y.grad_fn.register_hook(lambda inputs, outputs: seen.append(outputs[0].sum().item()))
    y.sum().backward()
    assert seen == [y.numel()]
    plain = leaf(1.0, 2.0)
    call(plain).sum().backward()
    assert x.grad.tolist() == plain.grad.tolist()


def test_a_hooked_node_is_differentiable_twice():
    x = leaf(1.0, 2.0)
    y = x**3
    y.grad_fn.register_hook(lambda inputs, outputs: (inputs[0] * 2, *inputs[1:]))
    (g,) = autograd.grad(y.sum(), x, create_graph=True)
    (second,) = autograd.grad(g.sum(), x)
    assert g.tolist() == [6, 24] and second.tolist() == [12, 24]


@pytest.mark.usefixtures("without_collector")
def test_a_hooked_node_is_freed_by_reference_counting():
    y = leaf(1.0) * 2
    y.grad_fn.register_hook(lambda inputs, outputs: None)
    y.grad_fn.metadata["mine"] = 1
    node = ref(y.grad_fn)
    del y
    assert node() is None


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


def test_operands_that_can_have_no_gradient_are_not_shown():
    x = leaf(1.0, 2.0) * 1
    calls = [
        mg.where(x > 0, x, 0.0),
        mg.nn.functional.embedding(mg.tensor([0]), x[:, None]),
        mg.nn.functional.nll_loss(x[None], mg.tensor([1])),
    ]
    assert [len(y.grad_fn.next_functions) for y in calls] == [2, 1, 1]
    assert calls[0].grad_fn.next_functions[0][0] is x.grad_fn


def test_each_node_has_its_own_metadata():
    y = leaf(1.0) * 2
    y.grad_fn.metadata["name"] = "doubled"
    assert y.grad_fn.metadata == {"name": "doubled"} and (y * 2).grad_fn.metadata == {}


def test_calling_a_node_runs_its_rules():
    x = leaf(1.0, 2.0)
    ones = mg.ones(2)
    first, _ = (x * x).grad_fn(ones)
    assert first.tolist() == [1, 2] and first.requires_grad
    assert x.sin().grad_fn(ones).tolist() == x.cos().tolist()
    assert (x + 1).grad_fn(ones)[1] is None
    node = (x * x).grad_fn
    with mg.no_grad():
        assert not node(ones)[0].requires_grad
    with pytest.raises(TypeError, match="expected 1 arguments, got 0"):
        (x + 1).grad_fn()


def test_saved_attributes_show_what_a_node_keeps():
    x = leaf(1.0, 2.0)
    y = x * 2
    assert (x * y).grad_fn._saved_self is x
    assert (x * y).grad_fn._saved_other is y
    assert (x * 2).grad_fn._saved_other == 2 and (x * 2).grad_fn._saved_self is None
    z = x.exp()
    assert z.grad_fn._saved_result.tolist() == z.tolist() and z.grad_fn._saved_result.grad_fn is z.grad_fn
    assert (x**3).grad_fn._saved_exponent == 3
    with pytest.raises(AttributeError, match="'AddBackward0' object has no attribute '_saved_self'"):
        (x + y).grad_fn._saved_self  # noqa: B018
    z = x * y
    z.sum().backward()
    with pytest.raises(RuntimeError, match="a second time"):
        z.grad_fn._saved_self  # noqa: B018


def test_hooks_of_a_leaf_run_around_the_accumulation():
    x, seen = leaf(1.0, 2.0), []
    accumulate = (x * 2).grad_fn.next_functions[0][0]
    assert accumulate.variable is x
    accumulate.register_hook(
        lambda inputs, outputs: seen.append(("last", inputs, outputs[0].tolist(), x.grad.tolist()))
    )
    accumulate.register_prehook(lambda outputs: seen.append(("before", outputs[0].tolist(), x.grad)))
    x.register_hook(lambda g: seen.append(("tensor", g.tolist())))
    handle = x.register_post_accumulate_grad_hook(lambda t: seen.append(("after", t.grad.tolist())))
    (x * 2).sum().backward()
    expected = [("tensor", [2, 2]), ("before", [2, 2], None), ("after", [2, 2]), ("last", (), [2, 2], [2, 2])]
    assert seen == expected
    seen.clear()
    autograd.grad((x * 2).sum(), x)
    assert seen == [("tensor", [2, 2])]
    seen.clear()
    handle.remove()
    (x * 2).sum().backward(inputs=[x])
    assert [name for name, *_ in seen] == ["tensor", "before", "last"]


def test_a_prehook_of_accumulate_grad_replaces_the_gradient():
    x = leaf(1.0)
    (x * 2).grad_fn.next_functions[0][0].register_prehook(lambda outputs: (outputs[0] * 10,))
    (x * 2).sum().backward()
    (x * 2).sum().backward()
    assert x.grad.tolist() == [40]


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
    "a number behind": (lambda y: y.grad_fn.register_hook(make_hook((3, None))), TypeError, "must return a Tensor"),
    "another shape behind": (
        lambda y: y.grad_fn.register_hook(make_hook((mg.ones(3), None))), RuntimeError,
        r"has changed the size of value: \(2,\) to \(3,\)"),
    "a gradient for an operand without one": (
        lambda y: y.grad_fn.register_hook(make_hook((mg.ones(2), mg.ones(())))), RuntimeError,
        "can't replace a None gradient with a non-None value"),
    "a number before accumulation": (lambda y: register_before_accumulation(y, 3), TypeError, "must return a Tensor"),
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


def test_node_hooks_see_gradients_of_the_operands_shape_and_dtype():
    x, w, seen = leaf(1.0), mg.ones(2, 3, dtype=mg.float64, requires_grad=True), []
    y = x * w
    y.grad_fn.register_hook(lambda inputs, _: seen.extend((tuple(g.shape), g.dtype) for g in inputs))
    y.grad_fn.register_hook(lambda inputs, _: (inputs[0] * 2, None))
    y.sum().backward()
    assert seen == [((1,), mg.float32), ((2, 3), mg.float64)]
    assert x.grad.tolist() == [12.0] and w.grad is None


def test_a_tensor_returned_by_a_prehook_of_accumulate_grad_is_not_modified():
    x, own = leaf(1.0, 2.0), mg.ones(2)
    accumulate = (x * 2).grad_fn.next_functions[0][0]
    accumulate.register_prehook(lambda _: (own,))
    for _ in range(2):
        (x * 2).sum().backward()
    assert x.grad.tolist() == [2.0, 2.0] and own.tolist() == [1.0, 1.0]


def test_a_prehook_that_returns_none_stops_the_gradient():
    x = mg.tensor([1.0], requires_grad=True)
    y, seen = x.exp(), []
    y.grad_fn.register_hook(lambda inputs, outputs: seen.append((inputs, outputs)))
    y.grad_fn.register_prehook(lambda outputs: (None,))
    y.grad_fn.register_prehook(seen.append)
    y.sum().backward(retain_graph=True)
    assert x.grad is None
    assert seen == [(None,), ((None,), (None,))]
    (y + x).sum().backward()
    assert x.grad.tolist() == [1.0]


def test_a_node_is_neither_copied_nor_pickled():
    node = (leaf(1.0) * 2).grad_fn
    for refused in (copy.copy, copy.deepcopy, pickle.dumps):
        for one in (node, node.next_functions[0][0]):
            with pytest.raises(TypeError, match=r"cannot pickle '(MulBackward0|AccumulateGrad)' object: a node of the"):
                refused(one)


def test_one_object_stands_for_a_leaf_wherever_a_graph_reads_it():
    x, w = mg.ones(2, requires_grad=True), mg.ones(2, requires_grad=True)
    product = x * x
    (first, _), (second, _) = product.grad_fn.next_functions
    assert first is second is product.grad_fn.next_functions[0][0] is mg.autograd.graph.get_gradient_edge(x).node
    assert isinstance(first, mg.autograd.graph.Node) and first.next_functions == () and first.variable is x
    seen = []

    def walk(node):
        if node is not None and node not in seen:
            seen.append(node)
            for below, _ in node.next_functions:
                walk(below)

    walk((w * x + w * 2 + x).sum().grad_fn)
    assert [id(node.variable) for node in seen if type(node).__name__ == "AccumulateGrad"] == [id(w), id(x)]


@pytest.mark.usefixtures("without_collector")
def test_what_stands_for_a_leaf_does_not_keep_it_alive():
    x = mg.ones(2, requires_grad=True)
    reference = ref(x)
    assert (x * 2).grad_fn.next_functions[0][0].variable is x
    del x
    assert reference() is None
