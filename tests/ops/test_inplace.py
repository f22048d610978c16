"""In-place operations on tensors and views: their gradients, and what is refused."""

import copy
import warnings

import numpy as np
import pytest

import minigrad as torch
from tests.refusals import refusals


def leaf(*shape):
    values = np.arange(1.0, 1 + np.prod(shape)).reshape(shape)
    return torch.tensor(values, requires_grad=True)


def test_a_write_through_one_view_reaches_its_base_and_the_other_views():
    x = leaf(2, 3)
    y = x.clone()
    column, row = y[:, 0], y[1]
    column.mul_(10.0)
    assert row.tolist() == [40.0, 5.0, 6.0]
    row.sum().backward()
    assert x.grad.tolist() == [[0.0, 0.0, 0.0], [10.0, 1.0, 1.0]]


def test_views_keep_their_order_when_their_base_is_transposed_in_place():
    x = leaf(2, 3)
    y = x * 1.0
    flat = y.reshape(-1)
    y.t_()
    y.div_(2.0)
    flat.mul_(3.0)
    (flat * torch.arange(6)).sum().backward()
    np.testing.assert_allclose(x.grad.numpy().ravel(), np.arange(6) * 1.5)


WRITES = {
    "the whole": lambda y: y.view(-1).mul_(2.0),
    "a part": lambda y: y.view(-1)[1:3].fill_(0.0),
    "an element by index": lambda y: y.view(3, 2).__setitem__((1, 0), 0.0),
    "elements by a list": lambda y: y.flatten().__setitem__([0, 4], 0.0),
    "where a mask holds": lambda y: y.reshape(6).masked_fill_(torch.arange(6) > 3, 0.0),
    "a view of a transposed view": lambda y: y.t().unflatten(0, (3, 1)).mul_(torch.arange(3.0).view(3, 1, 1)),
}


@pytest.mark.parametrize("write", WRITES)
def test_the_gradient_of_a_write_through_a_view_may_arrive_in_any_memory_order(write):
    cotangent = torch.arange(1.0, 7.0).reshape(2, 3).double()
    found = []
    for transpose in (False, True):
        x = leaf(2, 3)
        y = x**2
        WRITES[write](y)
        loss = ((y.T * cotangent.T.contiguous()) if transpose else y * cotangent).sum()
        found.append(torch.autograd.grad(loss, x, create_graph=True)[0])
        found.append(torch.autograd.grad(found[-1].sum(), x)[0])
    assert torch.equal(found[0], found[2]) and torch.equal(found[1], found[3])
    assert not torch.equal(found[0], 2 * x * cotangent)


def test_copy_of_a_constant_gives_the_old_value_a_gradient_of_zero():
    x = leaf(2)
    y = x * 2
    y.copy_(torch.ones(2, dtype=torch.float64))
    y[0] += x[1]
    y.sum().backward()
    assert x.grad.tolist() == [0.0, 1.0]


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
def test_copy_of_a_result_gives_the_old_value_a_gradient_of_zero(dtype):
    x, w = leaf(3), torch.ones(1, dtype=dtype, requires_grad=True)
    y = x * 2
    y.copy_(w * 3)
    y.sum().backward()
    assert y.grad_fn.name() == "CopyBackwards"
    assert x.grad.tolist() == [0.0] * 3 and w.grad.tolist() == [9.0]


def test_an_expanded_tensor_shares_its_memory():
    x = torch.zeros(3)
    wide = x.expand(2, 3)
    wide[0] += 1
    assert x.tolist() == [1.0, 1.0, 1.0]


def test_parts_of_a_split_may_be_written_to_where_no_gradient_flows():
    x = torch.zeros(4)
    for part in x.split(2):
        part.add_(1)
    assert x.tolist() == [1.0] * 4
    assert leaf(2).clone().unbind()[0].requires_grad


def write_to_a_part():
    x = leaf(4) * 1
    x.split(2)[0].mul_(2)


def use_a_part_after_a_write_to_its_base():
    x = leaf(4) * 1
    first, _ = x.chunk(2)
    x.mul_(2)
    assert first.requires_grad
    first + 1


def walk_through_an_expanded_tensor():
    h = leaf(3) * 1
    h.expand(2, 3).fill_(1)
    h.sum().backward()


SEVERAL, SHARED = "one of several views.*x\\[i\\]", "single memory location.*clone\\(\\)"
REFUSED = {
    "one part of many": (write_to_a_part, SEVERAL),
    "a part of what was changed": (use_a_part_after_a_write_to_its_base, SEVERAL),
    "an expanded tensor": (lambda: torch.zeros(1).expand(3).add_(1), SHARED),
    "an expanded tensor in a graph, on the way back": (walk_through_an_expanded_tensor, SHARED),
    "a leaf": (lambda: leaf(2).add_(1), "leaf Variable that requires grad.*no_grad"),
    "a view of a leaf": (lambda: leaf(2)[0].add_(1), "view of a leaf"),
    "a larger result": (lambda: torch.ones(1).add_(torch.ones(3)), "doesn't match the broadcast"),
}


test_refused = refusals({name: (call, RuntimeError, message) for name, (call, message) in REFUSED.items()})


def test_a_view_that_became_a_leaf_joins_the_graph_when_its_base_does():
    base, weight = torch.zeros(4), leaf(4)
    view = base[:2].requires_grad_()
    base.mul_(2.0)
    assert view.is_leaf and view.requires_grad and not base.requires_grad
    base.copy_(weight * 2)
    (view * 3).sum().backward()
    assert not view.is_leaf and view.gradient is None and weight.grad.tolist() == [6.0, 6.0, 0.0, 0.0]


def test_a_write_through_thousands_of_nested_views():
    base, weight = torch.zeros(4), leaf(1)
    view = base
    for _ in range(3000):
        view = view[:]
    view[:1] = weight * 2
    base.sum().backward()
    assert weight.grad.tolist() == [2.0] and base.tolist() == [2.0, 0.0, 0.0, 0.0] and view.requires_grad


class TestMemory:
    """Writes whose source and target, or whose targets, lie at the same places."""

    @pytest.mark.parametrize(
        "write",
        [
            lambda x: x.__setitem__(slice(1, None), x[:-1]),
            lambda x: x[1:].add_(x[:-1]),
            lambda x: x[:-1].mul_(x[1:]),
            lambda x: x.view(3, 3).copy_(x.view(3, 3).t()),
        ],
    )
    def test_parts_that_overlap_are_refused(self, write):
        x = torch.arange(9.0)
        with pytest.raises(RuntimeError, match=r"some elements of the input tensor and the written-to.*clone\(\)"):
            write(x)
        assert x.tolist() == list(range(9))

    def test_equal_and_disjoint_parts_are_accepted(self):
        x = torch.arange(8.0)
        x.add_(x)
        x[:4] = x[4:]
        x[:] = x
        assert x.tolist() == [8, 10, 12, 14, 8, 10, 12, 14]

    def test_several_values_for_one_place_are_refused(self):
        for write in (lambda x: x.__setitem__(..., torch.arange(3.0)), lambda x: x.mul_(torch.arange(3.0))):
            with pytest.raises(RuntimeError, match="more than one element of the written-to tensor"):
                write(torch.zeros(1).expand(3))

    def test_one_number_for_an_expanded_tensor_is_accepted(self):
        w = torch.ones(1, 2, requires_grad=True)
        y = (w * 1).expand(3, 2)
        y.fill_(2.0)
        assert y.tolist() == [[2.0, 2.0]] * 3 and torch.ones(1).expand(3).zero_().tolist() == [0, 0, 0]

    def test_one_number_in_a_tensor_is_refused_for_an_expanded_tensor(self):
        with pytest.raises(RuntimeError, match="more than one element of the written-to tensor"):
            torch.zeros(1).expand(3).fill_(torch.tensor(2.0))

    def test_a_write_to_a_part_of_an_expanded_tensor_also_replaces_nan(self):
        x = torch.tensor([float("nan"), 1.0])
        x.expand(2, 2).index_put_((torch.tensor([0, 0]),), torch.tensor(3.0))
        assert x.tolist() == [3.0, 3.0]

    def test_a_write_to_a_part_of_an_expanded_tensor_shows_the_sign_of_zero(self):
        x = torch.zeros(2)
        x.expand(2, 2).masked_fill_(torch.tensor([True, False]), -0.0)
        assert torch.signbit(x).tolist() == [True, False]

    def test_a_part_of_an_expanded_result_may_be_written_to_but_gets_no_gradient(self):
        h = torch.ones(2, requires_grad=True) * 1
        wide = h.expand(2, 2).masked_fill_(torch.tensor([True, False]), 5.0)
        assert wide.tolist() == [[5.0, 1.0]] * 2 and h.tolist() == [5.0, 1.0]
        for walk in (wide.sum().backward, h.sum().backward):
            with pytest.raises(RuntimeError, match="more than one element of the written-to tensor"):
                walk()

    def test_what_is_put_into_an_expanded_tensor_gets_its_gradient(self):
        weight, h = torch.ones(1, requires_grad=True), torch.zeros(2)
        h.expand(2, 2).index_put_((torch.tensor([0]),), weight * 3, accumulate=True)
        h.sum().backward()
        assert h.tolist() == [3.0, 3.0] and weight.grad.tolist() == [6.0]

    @pytest.mark.parametrize(
        "write", [lambda x: x.add_(1), lambda x: x.__setitem__(0, 9.0), lambda x: x.zero_(), lambda x: x[:2].mul_(2.0)]
    )
    def test_read_only_memory_is_refused_in_words(self, write):
        array = np.arange(4, dtype=np.float32)
        array.flags.writeable = False
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # from_numpy may warn of it
            x = torch.from_numpy(array)
        with pytest.raises(RuntimeError, match=r"read-only .*x\.clone\(\)"):
            write(x)
        assert array.tolist() == [0, 1, 2, 3]


def test_copy_of_a_leaf_is_recorded():
    w = torch.tensor([1.0, 2.0], requires_grad=True)
    y, z = torch.empty(2).copy_(w), torch.empty(2)
    z[:] = w
    assert not y.is_leaf and not z.is_leaf
    (y * 3 + z).sum().backward()
    assert w.grad.tolist() == [4, 4]


@pytest.mark.parametrize("turn", ["t_", "squeeze_", lambda p: p.unsqueeze_(0), lambda p: p.transpose_(0, 1)])
def test_a_parameter_reshaped_in_place_under_no_grad_stays_a_leaf(turn):
    p = torch.ones(1, 3, requires_grad=True)
    with torch.no_grad():
        getattr(p, turn)() if isinstance(turn, str) else turn(p)
    assert p.requires_grad and p.is_leaf


@pytest.mark.parametrize("exponent", [2, 65536, 1e-8, 1e10])
def test_a_factor_beside_halves_stays_a_single(exponent):
    x = torch.tensor([0.01, 0.0], dtype=torch.float16, requires_grad=True)
    expected = (x.detach().float() * exponent).half()
    y = x * exponent
    assert y.dtype == torch.float16 and y.tolist() == expected.tolist() == (exponent * x).tolist()
    assert x.detach().clone().mul_(exponent).tolist() == expected.tolist()
    (y * 0.5).sum().backward()
    assert x.grad.tolist() == [torch.tensor(exponent * 0.5).half().item()] * 2


IN_PLACE = ["exp_", "sqrt_", "sigmoid_", "tanh_", "reciprocal_"]


@pytest.mark.parametrize("name", IN_PLACE)
@pytest.mark.parametrize("write", [lambda y: y.add_(1.0), lambda y: y.cumsum_(0), lambda y: y[0].zero_()])
def test_backward_refuses_an_in_place_result_that_was_written_to_again(name, write):
    y = getattr(leaf(2, 3) * 1.0, name)()
    write(y)
    with pytest.raises(RuntimeError, match=r"modified by an inplace operation.*version 1.*version 2"):
        y.sum().backward()


@pytest.mark.parametrize("name", IN_PLACE)
def test_in_place_functions_have_the_gradients_of_their_other_forms(name):
    x, z = leaf(2, 3), leaf(2, 3)
    y = getattr(x * 1.0, name)()
    y.sum().backward()
    getattr(z, name[:-1])().sum().backward()
    assert torch.equal(x.grad, z.grad)


def test_copy_of_its_own_detached_values_gives_a_gradient_of_zero():
    x = leaf(2, 3)
    y = x * 2.0
    y.copy_(y.detach())
    assert y.requires_grad
    y.sum().backward()
    assert not x.grad.any()


def test_copy_of_itself_changes_nothing():
    x = leaf(2, 3)
    y = x * 2.0
    y.copy_(y).sum().backward()
    assert (x.grad == 2.0).all()


@pytest.mark.parametrize("write_first", [True, False])
def test_a_view_transposed_in_place_joins_a_graph_that_its_base_starts_later(write_first):
    base = torch.ones(3)
    view = base.expand(2, 3)
    if write_first:
        base.mul_(2)
    view.t_()
    base.requires_grad_()
    assert view.requires_grad and not view.is_leaf and view.shape == (3, 2)
    (view * torch.arange(6.0).view(3, 2)).sum().backward()
    assert base.grad.tolist() == [1.0, 5.0, 9.0]


WRITES_OF_A_VIEW = {
    "by slices": lambda y, v: y.__setitem__(slice(None), v),
    "by places": lambda y, v: y.__setitem__([0, 1, 2], v),
    "everywhere": lambda y, v: y.__setitem__(..., v),
    "copy_": lambda y, v: y.copy_(v),
    "add_": lambda y, v: y.add_(v),
    "lerp_": lambda y, v: y.lerp_(v, 1.0),
    "fill_": lambda y, v: y.fill_(v.sum()),
    "index_add_": lambda y, v: y.index_add_(0, torch.arange(3), v),
}


@pytest.mark.parametrize("write", WRITES_OF_A_VIEW.values(), ids=WRITES_OF_A_VIEW.keys())
def test_a_written_view_brings_the_graph_that_its_base_got_later(write):
    x, w = torch.zeros(4), torch.ones(4, requires_grad=True)
    v = x[1:]
    x.add_(w * 2)  # after which nobody asks the view whether it requires a gradient
    y = torch.zeros(3)
    write(y, v)
    assert y.requires_grad
    y[0].backward()
    assert w.grad.tolist() in ([0.0, 2.0, 0.0, 0.0], [0.0, 2.0, 2.0, 2.0])


@pytest.mark.parametrize("write", WRITES_OF_A_VIEW.values(), ids=WRITES_OF_A_VIEW.keys())
def test_a_part_of_a_split_whose_base_was_written_to_is_refused_as_a_source(write):
    x = torch.zeros(6)
    _, part = x.split(3)
    x.add_(torch.ones(6, requires_grad=True) * 2)
    with pytest.raises(RuntimeError, match="one of several views"):
        write(torch.zeros(3), part)


def test_copy_and_out_see_that_a_view_of_a_written_base_requires_grad():
    x, w = torch.zeros(4), torch.ones(4, requires_grad=True)
    v, other = x[1:], x[:3]
    x.add_(w * 2)
    assert copy.copy(v).requires_grad
    with pytest.raises(RuntimeError, match=r"out=\.\.\. arguments don't support automatic differentiation"):
        torch.add(torch.ones(3), 1.0, out=other)


def test_an_in_place_method_takes_no_out():
    for write in (lambda x: x.sin_(out=torch.ones(2)), lambda x: x.mul_(2, out=x)):
        with pytest.raises(
            TypeError, match=r"(sin|mul)_\(\) takes no argument 'out': it writes into the tensor itself"
        ):
            write(torch.ones(2))


def test_a_gradient_of_a_result_with_an_axis_more_under_no_grad_reaches_its_leaf():
    x = leaf(2, 3)
    y = x.index_select(0, torch.tensor([0, 0]))
    with torch.no_grad():
        y.unsqueeze_(0)
    assert y.requires_grad and not y.is_leaf
    y.backward(torch.ones_like(y))
    assert x.grad.tolist() == [[2.0] * 3, [0.0] * 3]


def test_a_gradient_of_a_result_that_was_transposed_under_no_grad_is_refused_in_words():
    y = leaf(2, 3) * 2
    with torch.no_grad():
        y.t_()
    with pytest.raises(RuntimeError, match="invalid gradient"):
        y.backward(torch.ones_like(y))


def test_a_hook_on_a_result_that_lost_an_axis_under_no_grad_sees_the_gradients_of_earlier_users():
    x = leaf(1, 2)
    y = x * 1
    earlier = y * 3
    with torch.no_grad():
        y.squeeze_(0)
    y.register_hook(lambda g: g * 2)
    earlier.sum().backward()
    assert x.grad.tolist() == [[6.0, 6.0]]


WHOLE = {
    "exp_": lambda v: v.exp_(),
    "fill_": lambda v: v.fill_(1.0),
    "zero_": lambda v: v.zero_(),
    "copy_": lambda v: v.copy_(torch.ones(2)),
    "relu_": torch.relu_,
    "masked_fill_": lambda v: v.masked_fill_(v.detach() > 0, 1.0),
    "x[...] = number": lambda v: v.__setitem__(..., 1.0),
    "x[:] = number": lambda v: v.__setitem__(slice(None), 1.0),
    "x[0:2] = number": lambda v: v.__setitem__(slice(0, 2), 1.0),
    "x[indices] = number": lambda v: v.__setitem__([0], 1.0),
}


class TestAViewThatIsOlderThanTheGraphOfItsBase:
    def make(self):
        weight, base = torch.ones(1, requires_grad=True), torch.ones(2, 2)
        row = base[0]
        base.mul_(weight)
        return weight, base, row

    @pytest.mark.parametrize("name", WHOLE)
    def test_a_write_to_all_of_it_is_refused_until_its_place_in_the_graph_was_read(self, name):
        _, _, row = self.make()
        with pytest.raises(RuntimeError, match=r"a leaf Variable.*made before its base required a gradient.*x\[i\]"):
            WHOLE[name](row)
        assert not row.is_leaf  # which reads it
        WHOLE[name](row)

    def test_a_write_to_a_part_of_it_is_recorded(self):
        weight, base, row = self.make()
        row[0] = weight[0] * 5
        row[1] += weight[0]
        base.sum().backward()
        assert base.tolist() == [[5.0, 2.0], [1.0, 1.0]] and weight.grad.tolist() == [9.0]

    def test_it_is_the_same_after_an_augmented_assignment_that_began_the_graph(self):
        weight, base = torch.ones(1, requires_grad=True), torch.ones(2, 2)
        row = base[0]
        with pytest.raises(RuntimeError, match="made before its base required a gradient"):
            row[...] += weight
