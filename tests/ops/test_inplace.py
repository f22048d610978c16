"""In-place operations on tensors and views: their gradients, and what is refused."""

import pytest

import minigrad as torch
from tests.leaves import counting_leaf as leaf
from tests.refusals import refusals


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
    "an activation of a leaf": (
        lambda: torch.relu_(leaf(2)),
        "Call relu, without the underscore, for a new tensor. To write into it, call relu_",
    ),
    "new values of a leaf": (
        lambda: leaf(2).copy_(torch.ones(2)),
        r"shape \(2,\)\). To write into it, call copy_ inside minigrad.no_grad",
    ),
    "a view of a leaf": (lambda: leaf(2)[0].add_(1), "view of a leaf"),
    "a larger result": (lambda: torch.ones(1).add_(torch.ones(3)), "doesn't match the broadcast"),
}


test_refused = refusals({name: (call, RuntimeError, message) for name, (call, message) in REFUSED.items()})


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


@pytest.mark.parametrize("dtype", [torch.int32, torch.int64])
def test_whole_numbers_are_counted_in_place_and_take_no_fractions(dtype):
    n = torch.tensor([3, -4], dtype=dtype)
    n += 1
    n *= torch.tensor(2, dtype=dtype)
    n -= torch.tensor([1, 1], dtype=dtype)
    assert n.dtype == dtype and n.tolist() == [7, -7] and n._version == 3
    for write in (lambda: n.add_(0.5), lambda: n.div_(2), lambda: n.true_divide_(2)):
        with pytest.raises(RuntimeError, match="can't be cast to the desired output type"):
            write()
    assert n.tolist() == [7, -7]
    n += 2**16 if dtype == torch.int32 else 2**40  # beyond what all types hold
    assert n[0].item() == 7 + (2**16 if dtype == torch.int32 else 2**40)


@pytest.mark.parametrize(
    ("write", "words"),
    [
        (lambda x: x.add_(None), "^add_\\(\\): argument 'other' \\(position 1\\) must be Tensor, not NoneType"),
        (lambda x: x.mul_("a"), "^mul_\\(\\): argument 'other' \\(position 1\\) must be Tensor, not str"),
        (lambda x: x.addcmul_(None, x), "^addcmul_\\(\\): argument 'tensor1' \\(position 1\\) must be Tensor"),
        (lambda x: x.add_(), "^add_\\(\\) missing 1 required positional argument: 'other'"),
        (lambda x: x.__ipow__(None), "^unsupported operand type\\(s\\) for \\*\\*=: 'Tensor' and 'NoneType'"),
    ],
)
def test_a_wrong_operand_is_told_by_the_name_that_was_called(write, words):
    with pytest.raises(TypeError, match=words):
        write(torch.ones(2))


@pytest.mark.parametrize(
    ("write", "given", "expected"),
    [("sub_", [0.5], 1.5), ("mul_", [0.5], 1.0), ("fill_", [0.5], 0.5), ("zero_", [], 0.0)],
)
def test_a_write_into_a_parameter_under_no_grad_is_not_recorded_but_noticed(write, given, expected):
    w = torch.tensor([2.0], requires_grad=True)
    y = w * w
    with torch.no_grad():
        returned = getattr(w, write)(*given)
    assert returned is w and w.is_leaf and w.requires_grad
    assert w.tolist() == [expected]
    with pytest.raises(RuntimeError, match="modified by an inplace operation"):
        y.backward()
