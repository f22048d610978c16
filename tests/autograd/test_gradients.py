"""`backward` and `grad`: their options, and where gradients end up."""

import numpy as np
import pytest

import minigrad as mg
from minigrad import autograd
from tests.any_device import share_memory
from tests.leaves import leaf
from tests.refusals import refusals


def test_backward_of_a_scalar_of_any_shape():
    for shape in [(), (1,), (1, 1)]:
        x = leaf(*shape)
        (x * 3).backward()
        assert x.grad.shape == shape and x.grad.item() == 3


def test_backward_takes_a_cotangent():
    x = leaf(2, 3)
    g = mg.tensor(np.random.default_rng(1).normal(size=(2, 3)))
    (x**2).backward(g)
    np.testing.assert_allclose(x.grad.numpy(), 2 * x.detach().numpy() * g.numpy())


def test_a_gradient_is_cast_to_the_roots_dtype():
    x = mg.ones(2, requires_grad=True)
    (x * 2).backward(mg.ones(2, dtype=mg.float64))
    assert x.grad.dtype == mg.float32


def test_retain_graph_allows_another_backward():
    x = leaf()
    y = x * x
    y.backward(retain_graph=True)
    y.backward(retain_graph=True)
    y.backward()
    assert x.grad.item() == pytest.approx(6 * x.item())
    with pytest.raises(RuntimeError, match=r"second time \(MulBackward0\).*retain_graph=True"):
        y.backward()


def test_grad_frees_the_graph():
    x = leaf()
    y = x * x
    autograd.grad(y, x)
    with pytest.raises(RuntimeError, match="second time"):
        autograd.grad(y, x)


def test_a_second_derivative_without_a_graph_names_create_graph():
    x = leaf()
    (slope,) = autograd.grad(x * x, x)
    for start in (lambda: (slope * slope).backward(), lambda: autograd.grad(slope.sin(), x)):
        with pytest.raises(
            RuntimeError, match=r"computed from gradients, which have no graph unless .*create_graph=True"
        ):
            start()
    (slope,) = autograd.grad(x * x, x, create_graph=True)
    (slope * slope).backward()
    assert x.grad.item() == pytest.approx(8 * x.item())


def test_create_graph_retains_the_graph():
    x = leaf()
    y = x**3
    autograd.grad(y, x, create_graph=True)
    y.backward()
    assert x.grad.item() == pytest.approx(3 * x.item() ** 2)


def test_backward_with_create_graph_gives_a_differentiable_grad():
    x = leaf()
    (x**3).backward(create_graph=True)
    first = x.grad
    assert first.requires_grad
    x.grad = None
    first.backward()
    assert x.grad.item() == pytest.approx(6 * x.item())


def test_create_graph_records_under_no_grad():
    x = leaf()
    y = x**3
    with mg.no_grad():
        (first,) = autograd.grad(y, x, create_graph=True)
        y.backward(create_graph=True)
    assert first.requires_grad and x.grad.requires_grad


def test_grad_does_not_touch_dot_grad():
    x, w = leaf(2, seed=1), leaf(2, seed=2)
    g_w, g_x = autograd.grad((x * w).sum(), [w, x])
    np.testing.assert_array_equal(g_w.numpy(), x.detach().numpy())
    np.testing.assert_array_equal(g_x.numpy(), w.detach().numpy())
    assert x.grad is None and w.grad is None


def test_grad_with_respect_to_an_interior_tensor():
    x = leaf(2)
    y = x * 3
    (g,) = autograd.grad((y * y).sum(), y)
    np.testing.assert_allclose(g.numpy(), 2 * y.detach().numpy())


def test_grad_of_a_tensor_with_respect_to_itself_is_its_cotangent():
    x = leaf(2)
    y = x * 3
    seed = mg.ones(2, dtype=mg.float64)
    (g,) = autograd.grad(y, y, seed)
    assert g.tolist() == [1, 1] and not share_memory(g, seed)
    assert autograd.grad(x, x, seed)[0].tolist() == [1, 1]


def test_unused_inputs_raise_or_give_none_or_zeros():
    x, unused = leaf(2, seed=1), leaf(3)
    with pytest.raises(RuntimeError, match=r"at index 1 appears to not have been used.*allow_unused=True"):
        autograd.grad(x.sum(), [x, unused])
    g, nothing = autograd.grad(x.sum(), [x, unused], allow_unused=True)
    assert g.tolist() == [1, 1] and nothing is None
    _, zeros = autograd.grad(x.sum(), [x, unused], materialize_grads=True, create_graph=True)
    assert zeros.requires_grad and zeros.is_leaf
    _, zeros = autograd.grad(x.sum(), [x, unused], materialize_grads=True)
    assert not zeros.requires_grad
    assert zeros.tolist() == [0, 0, 0]


def test_gradients_of_several_outputs_are_summed():
    x = leaf(2)
    weights = [mg.ones(2, dtype=mg.float64), None]
    (g,) = autograd.grad([x * 2, (x * x).sum()], x, weights)
    np.testing.assert_allclose(g.numpy(), 2 + 2 * x.detach().numpy())
    y = x * 1.0
    autograd.backward([y, y.sum()], [mg.ones(2, dtype=mg.float64), None])
    assert x.grad.tolist() == [2, 2]


def test_an_output_may_be_computed_from_another():
    x = leaf()
    y = x * 2
    z = y * 3
    (g,) = autograd.grad([y, z], x)
    assert g.item() == 8


def test_backward_with_inputs_fills_their_grads_alone():
    x, w = leaf(2, seed=1), leaf(2, seed=2)
    y = x * w
    y.sum().backward(inputs=[w], retain_graph=True)
    assert x.grad is None
    np.testing.assert_array_equal(w.grad.numpy(), x.detach().numpy())
    y.sum().backward(inputs=y)
    assert y.grad.tolist() == [1, 1] and x.grad is None
    with pytest.raises(RuntimeError, match="cannot be empty"):
        y.sum().backward(inputs=[])
    with pytest.raises(RuntimeError, match=r"does not require grad: inputs\[0\]"):
        y.sum().backward(inputs=[mg.ones(2)])


def test_grad_takes_a_view_whose_base_was_written_to():
    base, part = mg.zeros(3, dtype=mg.float64), leaf(2)
    view = base[:2]
    base[:2] = part
    (g,) = autograd.grad((view * 3).sum(), view)
    assert g.tolist() == [3, 3]


def test_a_tensor_without_elements_has_a_grad_of_its_shape():
    x = leaf(0, 3)
    (x * 2).sum().backward()
    assert x.grad.shape == (0, 3)


# ---- refused ------------------------------------------------------------------------------------
REFUSED = {
    "not a scalar": (
        lambda: leaf(2, 3).exp().backward(), RuntimeError,
        ("only for scalar outputs", "(2, 3)", ".sum()", "gradient=")),
    "nothing requires grad": (
        lambda: (mg.ones(()) * 2).backward(), RuntimeError,
        ("element 0 of tensors does not require grad", "requires_grad=True")),
    "made under no_grad": (
        lambda: compute_under_no_grad().backward(), RuntimeError, ("does not require grad", "no_grad()")),
    "detached": (
        lambda: (leaf().detach() * 2).backward(), RuntimeError,
        ("does not require grad", "detached at", "test_gradients.py, line")),
    "taken with .data": (lambda: (leaf().data * 2).backward(), RuntimeError, ("does not require grad", ".data")),
    "nothing to differentiate by": (lambda: autograd.grad(leaf().sum(), []), RuntimeError, ("cannot be empty",)),
    "zeros and None for the unused": (
        lambda: autograd.grad(leaf().sum(), leaf(), materialize_grads=True, allow_unused=False), ValueError,
        ("materialize_grads=True", "allow_unused")),
    "integers": (
        lambda: mg.tensor(3).backward(), RuntimeError, ("does not require grad", "int64", "only floating-point")),
    "a gradient of another shape": (
        lambda: leaf(2).backward(mg.ones(3)), RuntimeError, ("Mismatch in shape", "(3,)", "(2,)")),
    "a NumPy gradient": (
        lambda: leaf(2).backward(np.ones(2)), TypeError, ("Tensors or None", "ndarray", "minigrad.tensor")),
    "too few gradients": (
        lambda: autograd.backward([leaf(), leaf()], [None]), RuntimeError, ("2 tensors and 1 gradients",)),
    "an input without gradient": (
        lambda: autograd.grad(leaf(), mg.ones(2)), RuntimeError, ("does not require grad", "inputs[0]", "(2,)")),
}  # fmt: skip


def compute_under_no_grad():
    with mg.no_grad():
        y = leaf() * 2
    return y + 1


test_refused = refusals(REFUSED)


def test_grad_does_not_need_the_graph_below_its_inputs():
    x = mg.ones(2, requires_grad=True)
    h = x * x
    h.sum().backward()  # what lies below h is freed
    (gradient,) = mg.autograd.grad((h * 2).sum(), h)
    assert gradient.tolist() == [2.0, 2.0]


def test_only_the_rules_of_wanted_gradients_run():
    ran = []

    def rule(name):
        return lambda g: ran.append(name) or g

    add = mg.autograd.operation("add", lambda x, y: x + y, rule("x"), rule("y"))
    x, y = mg.ones(2, requires_grad=True), mg.ones(2, requires_grad=True)
    mg.autograd.grad(add(x, y).sum(), (x,))
    add(x, y).sum().backward(inputs=[y])
    assert ran == ["x", "y"]


def test_a_dict_of_inputs_gives_a_dict_of_gradients():
    net, x, unused = mg.nn.Linear(2, 1), mg.ones(2, requires_grad=True), mg.ones(1, requires_grad=True)
    found = autograd.grad(net(mg.tensor([3.0, 4.0])).sum(), dict(net.named_parameters()))
    assert {name: g.tolist() for name, g in found.items()} == {"weight": [[3, 4]], "bias": [1]}
    found = autograd.grad((x * x).sum(), {"x": x, "again": x, "unused": unused}, create_graph=True, allow_unused=True)
    assert list(found) == ["x", "again", "unused"] and found["x"].requires_grad and found["unused"] is None
    assert autograd.grad(x * x, {"x": x}, mg.eye(2), is_grads_batched=True)["x"].tolist() == [[2, 0], [0, 2]]
    (x * unused).sum().backward(inputs={"x": x})
    assert x.grad.tolist() == [1, 1] and unused.grad is None
    with pytest.raises(RuntimeError, match="cannot be empty"):
        autograd.grad(x.sum(), {})


def test_backward_from_no_tensors_does_nothing():
    x = mg.ones(1, requires_grad=True)
    autograd.backward([])
    autograd.backward([], inputs=[x])
    assert x.grad is None
    with pytest.raises(RuntimeError, match="Tensor at index 0 appears to not have been used"):
        autograd.grad([], x)
    with pytest.raises(RuntimeError, match="got 0 tensors and 1 gradients"):
        autograd.backward([], [x])


def test_is_grads_batched_takes_one_cotangent_per_row():
    x = mg.tensor([1.0, 2.0], requires_grad=True)
    other = mg.ones(2, requires_grad=True)
    (rows,) = autograd.grad(x * x, x, mg.eye(2), is_grads_batched=True)
    assert rows.tolist() == [[2, 0], [0, 4]]
    rows, unused = autograd.grad(
        (x * x, x.sum()), (x, other), (mg.eye(2), mg.ones(2)), is_grads_batched=True, allow_unused=True
    )
    assert rows.tolist() == [[3, 1], [1, 5]] and unused is None
    (rows,) = autograd.grad(x**3, x, mg.eye(2), create_graph=True, is_grads_batched=True)
    assert autograd.grad(rows.sum(), x)[0].tolist() == [6, 12]
    given = [iter(tensors) for tensors in ((x * x,), (x,), (mg.eye(2),))]
    assert autograd.grad(*given, is_grads_batched=True)[0].tolist() == [[2, 0], [0, 4]]
    with pytest.raises(RuntimeError, match=r"first dimension.*\(2,\) has no rows of the shape.*\(2,\)"):
        autograd.grad(x * x, x, mg.ones(2), is_grads_batched=True)
    with pytest.raises(ValueError, match=r"same number of rows, got \[2, 3\]"):
        autograd.grad((x * x, x.sum()), x, (mg.eye(2), mg.ones(3)), is_grads_batched=True)
    with pytest.raises(RuntimeError, match="got 1 tensors and 0 gradients"):
        autograd.grad(x * x, x, is_grads_batched=True)


def test_deprecated_arguments_warn():
    x = mg.tensor([1.0, 2.0], requires_grad=True)
    assert autograd.grad((x * x).sum(), x, None, True, False, True)[0].tolist() == [2, 4]
    with pytest.warns(FutureWarning, match="only_inputs is ignored"):
        autograd.grad((x * x).sum(), x, only_inputs=False)
    with pytest.warns(FutureWarning, match="grad_variables"):
        autograd.backward(x * x, grad_variables=mg.ones(2))
    assert x.grad.tolist() == [2, 4]
    with pytest.warns(FutureWarning, match="grad_variables"), pytest.raises(RuntimeError, match="cannot both be given"):
        autograd.backward(x * x, mg.ones(2), grad_variables=mg.ones(2))


def test_grad_refuses_flags_that_contradict_each_other():
    x = mg.ones(2, requires_grad=True)
    with pytest.raises(ValueError, match="zeros for unused inputs: leave allow_unused out, or set it True"):
        autograd.grad((x * x).sum(), x, materialize_grads=True, allow_unused=False)


def test_a_list_of_numbers_is_refused_as_gradient():
    y = mg.ones(2, requires_grad=True) * 2
    with pytest.raises(TypeError, match="either Tensors or None, but got float"):
        y.backward([1.0, 1.0])


def test_create_graph_with_backward_warns_of_the_cycle():
    x = leaf(2)
    with pytest.warns(UserWarning, match=r"a cycle between a parameter and its \.grad.*autograd\.grad"):
        (x**2).sum().backward(create_graph=True)


@pytest.mark.parametrize("step", [lambda x: x.argmax(), lambda x: x > 0, lambda x: x.long(), lambda x: x.sort()[1]])
def test_a_loss_of_piecewise_constant_functions_raises(step):
    loss = (step(leaf(3) * 2).float() - 1.0).sum()
    with pytest.raises(RuntimeError, match=r"The cause: .*changes in steps alone, as argmax, a comparison"):
        loss.backward()
    with pytest.raises(RuntimeError, match=r"no tensor that it was computed from"):
        step(mg.ones(3)).float().sum().backward()


# ---- errors in a walk end near the line that began it


def read_calls(run):
    """The functions in the traceback of the error that `run` raises, from the one where the walk begins."""
    with pytest.raises(RuntimeError) as refused:
        run()
    names = [entry.name for entry in refused.traceback]
    return names[names.index("walk_silently") :]


def test_the_traceback_of_an_error_in_a_walk_leaves_out_the_engines_calls():
    loss = (leaf(2) ** 2).sum()
    loss.backward()
    for run in (loss.backward, lambda: autograd.backward(loss)):
        assert read_calls(run) == ["walk_silently", "saved_values"]


def test_the_traceback_of_an_error_in_a_hook_goes_on_with_the_hook():
    def show_gradient(gradient):
        return gradient.reshape(5)

    y = leaf(2) * 2
    y.register_hook(show_gradient)
    assert read_calls(y.sum().backward)[:3] == ["walk_silently", "show_gradient", "reshape"]


def test_a_stop_iteration_of_a_hook_arrives_as_it_was_raised():
    def take_from_none(_):
        return next(iter(()))

    y = leaf(2) * 2
    y.register_hook(take_from_none)
    for run in (lambda: y.sum().backward(retain_graph=True), lambda: autograd.grad(y.sum(), y, create_graph=True)):
        with pytest.raises(StopIteration) as stopped:
            run()
        assert stopped.traceback[-1].name == "take_from_none"
        assert stopped.value.__suppress_context__


def test_a_generator_of_the_users_own_that_is_stopped_in_a_hook_stays_an_error():
    def read_numbers():
        yield next(iter(()))

    y = leaf(2) * 2
    y.register_hook(lambda _: next(read_numbers()))
    with pytest.raises(RuntimeError, match=r"^generator raised StopIteration$"):
        y.sum().backward()
