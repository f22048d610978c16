"""The public names for the graph: edges, versions, hooks on several tensors."""

import pytest

import minigrad as mg
from minigrad import autograd
from minigrad.autograd import graph


def test_an_edge_stands_for_its_tensor():
    x = mg.tensor([1.0, 2.0], requires_grad=True)
    y = x * x
    edge = graph.get_gradient_edge(y)
    assert edge.node is y.grad_fn and edge.output_nr == 0
    z = (y * 3).sum()
    del y
    assert autograd.grad(z, edge, retain_graph=True)[0].tolist() == [3, 3]
    assert autograd.grad(z, [x, edge])[1].tolist() == [3, 3]
    place = graph.get_gradient_edge(x)
    assert place.node.variable is x
    assert autograd.grad((x * 2).sum(), place)[0].tolist() == [2, 2]
    assert autograd.grad(graph.get_gradient_edge(x * x), x, grad_outputs=mg.ones(2))[0].tolist() == [2, 4]
    autograd.backward(graph.get_gradient_edge((x * x).sum()))
    assert x.grad.tolist() == [2, 4]
    with pytest.raises(RuntimeError, match="does not require gradients"):
        graph.get_gradient_edge(mg.ones(1))


def test_an_edge_that_the_outputs_do_not_use_is_refused_unless_allowed():
    x = mg.ones(2, requires_grad=True)
    edge, z = graph.get_gradient_edge(x * 3), (x * 2).sum()
    with pytest.raises(RuntimeError, match=r"at index 0 .* not have been used in the graph: it has shape \(2,\)"):
        autograd.grad(z, edge, retain_graph=True)
    assert autograd.grad(z, edge, allow_unused=True, retain_graph=True) == (None,)
    assert autograd.grad(z, edge, materialize_grads=True)[0].tolist() == [0, 0]
    with pytest.raises(TypeError, match="tensors to start from must be Tensors, got str"):
        autograd.backward("z")


def test_increment_version_counts_a_write_by_hand():
    x = mg.ones(2)
    graph.increment_version(x)
    graph.increment_version([x, x])
    assert x._version == 3
    with mg.inference_mode():
        graph.increment_version(mg.ones(2))  # has no counter
    for wrong in (3, [3]):
        with pytest.raises(RuntimeError, match="expects a Tensor or several, got"):
            graph.increment_version(wrong)
    w = mg.ones(2, requires_grad=True)
    y = w * x
    x.numpy()[0] = 5
    graph.increment_version(x)
    with pytest.raises(RuntimeError, match="modified by an inplace operation"):
        y.sum().backward()


@pytest.mark.parametrize(("mode", "expected"), [("all", [[[1, 1], [2, 2]]] * 2), ("any", [[2, 2]] * 2)])
def test_a_multi_grad_hook_runs_once_in_each_backward(mode, expected):
    x, seen = mg.ones(2, requires_grad=True), []
    y, z = x * 2, x * 3
    take = (lambda gs: seen.append([g.tolist() for g in gs])) if mode == "all" else (lambda g: seen.append(g.tolist()))
    handle = graph.register_multi_grad_hook((y, z), take, mode=mode)
    loss = (y + 2 * z).sum()
    loss.backward(retain_graph=True)
    loss.backward(retain_graph=True)
    assert seen == expected
    handle.remove()
    loss.backward()
    assert len(seen) == 2
    with pytest.raises(ValueError, match=r"one of \('all', 'any'\), got some"):
        graph.register_multi_grad_hook((y, z), take, mode="some")


def test_a_multi_grad_hook_gets_none_for_tensors_that_a_backward_does_not_reach():
    a, b, c = (mg.ones(1, requires_grad=True) for _ in range(3))
    seen, product = [], 2 * a * b
    handle = graph.register_multi_grad_hook(
        (a, b, c), lambda gs: seen.append([g if g is None else g.item() for g in gs])
    )
    product.backward(retain_graph=True)
    product.backward(inputs=[b], retain_graph=True)
    product.backward(inputs=[c], retain_graph=True)
    assert seen == [[2, 2, None], [None, 2, None]]
    autograd.grad(product, [a, c], allow_unused=True, retain_graph=True)
    assert seen[2:] == [[2, None, None]]
    handle.remove()
    product.backward()
    assert len(seen) == 3


@pytest.mark.parametrize("mode", ["all", "any"])
def test_a_multi_grad_hook_forgets_a_backward_that_failed(mode):
    x, seen = mg.ones(2, requires_grad=True), []
    y, z = x * 2, x * 3

    def fail(_):
        raise ValueError("stop")

    graph.register_multi_grad_hook((y, z), lambda _: seen.append(1), mode=mode)
    failing = y.register_hook(fail)
    with pytest.raises(ValueError, match="stop"):
        (y + z).sum().backward(retain_graph=True)
    failing.remove()
    seen.clear()
    (y + z).sum().backward()
    assert seen == [1]


class DoubleAndTriple(autograd.Function):
    @staticmethod
    def forward(ctx, x):
        ctx.mark_non_differentiable(sign := x > 0)
        return x * 2, sign, x * 3

    @staticmethod
    def backward(ctx, g, _, h):
        return g * 2 + h * 3


def test_an_edge_means_one_of_several_results():
    x = mg.ones(2, requires_grad=True)
    double, _, triple = DoubleAndTriple.apply(x)
    edge, z = graph.get_gradient_edge(triple), double * triple
    assert edge == (double.grad_fn, 2, None)
    for other in (edge, graph.GradientEdge(double.grad_fn, 2), graph.GradientEdge(*z.grad_fn.next_functions[1])):
        assert autograd.grad(z.sum(), other, retain_graph=True)[0].tolist() == [2, 2]
        assert autograd.grad(other, x, mg.ones(2), retain_graph=True)[0].tolist() == [3, 3]
