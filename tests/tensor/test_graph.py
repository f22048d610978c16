"""A tensor's attributes in the graph: assignments, their errors, and values."""

import numpy as np
import pytest

import minigrad as torch
from minigrad.tensor.absent import NAMES as ABSENT
from minigrad.tensor.absent import NUMPYS
from tests.marks import mark_each


def leaf(*shape):
    return torch.ones(*shape, requires_grad=True)


ASSIGNMENTS = {
    "data: a list": ("data", lambda x: [1.0], TypeError, "Variable data has to be a tensor, but got list"),
    "data: an array": ("data", lambda x: np.ones(2), TypeError, "got numpy.ndarray; turn it into one"),
    "data: nothing": ("data", lambda x: None, TypeError, "got NoneType"),
    "data: integers": ("data", lambda x: torch.zeros(2).long(), RuntimeError, r"must be floating point.*\.float\(\)"),
    "data: truths": ("data", lambda x: torch.zeros(2).bool(), RuntimeError, "must be floating point"),
    "grad: a number": ("grad", lambda x: 1, TypeError, "expected to be a Tensor or None but got grad of type int"),
    "grad: another size": ("grad", lambda x: torch.ones(3), RuntimeError, r"size '\[3\]' to a tensor of size '\[2\]'"),
    "grad: fewer axes": ("grad", lambda x: torch.ones(()), RuntimeError, "a gradient has its tensor's size"),
    "grad: another type": ("grad", lambda x: torch.ones(2).double(), RuntimeError, r"with \.to\(minigrad.float32"),
    "grad: itself": ("grad", lambda x: x, RuntimeError, "can't assign Variable as its own grad"),
    "requires_grad: an int": ("requires_grad", lambda x: 1, RuntimeError, "must be a bool, got int 1"),
    "require_grad": ("require_grad", lambda x: True, AttributeError, r"changes nothing; write x.requires_grad = True"),
    "requires_gradient": ("requires_gradient", lambda x: True, AttributeError, "no attribute 'requires_gradient'"),
    "shape": ("shape", lambda x: (1, 2), AttributeError, "shape"),
    "is_leaf": ("is_leaf", lambda x: False, AttributeError, "is_leaf"),
}  # fmt: skip


@pytest.mark.parametrize("name", ASSIGNMENTS)
def test_wrong_assignments_are_refused_and_change_nothing(name):
    attribute, value, error, message = ASSIGNMENTS[name]
    x = leaf(2)
    with pytest.raises(error, match=message):
        setattr(x, attribute, value(x))
    assert x.requires_grad and x.grad is None and x.tolist() == [1.0, 1.0]


def test_grad_data_and_new_attributes_can_be_assigned():
    x = leaf(2)
    x.grad = torch.full((2,), 3.0)
    x.data = torch.zeros(2, dtype=torch.float64)
    assert x.dtype == torch.float64 and x.requires_grad and x.is_leaf
    plain = torch.ones(2)
    plain.data = torch.zeros(3).long()
    assert plain.shape == (3,)
    plain.note = "kept"
    assert plain.note == "kept" and not hasattr(plain, "require_grad")
    with pytest.raises(RuntimeError, match="Deleting tensor data is not allowed"):
        del x.data


def test_new_data_of_another_shape_starts_without_a_gradient():
    x = leaf(2)
    (x * 2).sum().backward()
    x.data = torch.zeros(3)
    (x * 2).sum().backward()
    assert x.grad.tolist() == [2.0, 2.0, 2.0]


def test_requires_grad_of_a_result_cannot_change():
    y = leaf(2) * 2
    for value, message in ((True, "a result, which requires grad already"), (False, r"take x.detach\(\)")):
        with pytest.raises(RuntimeError, match=f"only change requires_grad flags of leaf variables.*{message}"):
            y.requires_grad = value
    assert y.requires_grad_() is y


def test_grad_of_a_result_is_none_with_a_warning():
    x = leaf(2)
    y = x * 2
    with pytest.warns(UserWarning, match=r"not a leaf Tensor.*MulBackward0.*\.retain_grad\(\).*under no_grad\(\)"):
        assert y.grad is None
    y.retain_grad()
    assert y.grad is None
    y.sum().backward()
    assert y.grad.tolist() == [1.0, 1.0] and x.grad.tolist() == [2.0, 2.0] and torch.ones(2).grad is None


WAYS_OUT = {
    "item": (lambda y: y.item(), r"turned into a number by \.item\(\)"),
    "int": (lambda y: int(y), r"by int\(\)"),
    "tolist": (lambda y: y.tolist(), r"by \.tolist\(\)"),
    "numpy": (lambda y: y.numpy(force=True), r"by \.numpy\(\)"),
    "numpy of a detached": (lambda y: y.detach().numpy(), r"by \.numpy\(\)"),
}


OF_THE_CPU = dict.fromkeys(("numpy", "numpy of a detached"), "`--device` has a numpy() of its own, which is named")


@pytest.mark.parametrize("name", mark_each(WAYS_OUT, OF_THE_CPU))
def test_backward_names_the_call_that_took_a_number_out_of_the_graph(name):
    take, message = WAYS_OUT[name]
    y = (leaf(1) * 2).sum()
    number = take(y)
    with pytest.raises(RuntimeError, match=rf"{message} at .*test_graph.py, line \d+.* has no graph"):
        torch.tensor([1.0]).mul(torch.tensor(np.float32(number if not isinstance(number, list) else 1))).backward()


def test_backward_names_what_is_certain_before_a_number_that_left_another_graph():
    frozen = torch.nn.Linear(2, 1).requires_grad_(False)
    (leaf(1) * 2).sum().item()  # of a loss that was trained before, say
    cause = (
        r"The cause: no tensor that it was computed from has requires_grad=True; .*\. Or did its numbers come out of"
    )
    with pytest.raises(RuntimeError, match=cause):
        frozen(torch.ones(1, 2)).sum().backward()


def test_numpy_of_a_loss_names_item():
    loss = (leaf(2) * 2).sum()
    with pytest.raises(RuntimeError, match=r"detach\(\)\.numpy\(\) instead\. For the number alone.*tensor\.item\(\)"):
        np.mean([loss, loss])
    with pytest.raises(RuntimeError, match=r"Use tensor\.detach\(\)\.numpy\(\) instead\.$"):
        leaf(2).numpy()


def test_backward_names_the_line_of_data_and_detach():
    x = leaf(2)
    for part in ((x * 1).data, x.detach()):
        with pytest.raises(RuntimeError, match=r"test_graph.py, line \d+"):
            part.sum().backward()
    assert torch.ones(2).data.cause is None
    with pytest.raises(RuntimeError, match=r"taken with \.data, which leaves the graph"):
        x.data.sum().backward()


def test_float_of_a_tensor_in_a_graph_gives_advice_once():
    torch.advice.enable()
    y, array = leaf(1) * 2, np.zeros(1)
    with pytest.warns(torch.advice.Advice, match=r"became a Python float.*x.item\(\) or x.detach\(\)"):
        array[0] = y[0]
    assert float(y) == 2.0
    torch.advice.enable()


def test_rows_by_iteration_refuse_writes_in_a_graph():
    a = leaf(3, 2) * 1
    assert [row.tolist() for row in a] == [[1.0, 1.0]] * 3
    first, *_ = a
    with pytest.raises(RuntimeError, match="several views that one call made"):
        first.mul_(2)
    plain = torch.zeros(3, 2)
    for row in plain:
        row.add_(1)
    assert plain.sum() == 6


def test_base_of_a_view_is_the_tensor_that_owns_its_memory():
    x, w = torch.ones(2, 3), torch.ones(2, 3, requires_grad=True)
    hidden = w * 2
    for base in (x, w, hidden):
        for view in (base.view(-1), base[0][1], base.t(), base.unbind()[0], base.reshape(3, 2)):
            assert view._is_view() and view._base is base
    for own in (x, x.clone(), x.t().reshape(6), x.detach(), w.detach(), x.data, x.contiguous(), hidden):
        assert not own._is_view() and own._base is None


def test_each_name_that_dir_lists_can_be_read():
    x = torch.ones(2, 2, requires_grad=True)
    broken = [name for name in dir(x) if not name.startswith("__") and name != "imag" and not hasattr(x, name)]
    assert broken == [] and "requires_grad" in dir(x) and "requires_gard" not in dir(x)
    assert {name for name in dir(type(x)) if not hasattr(type(x), name)} <= {*ABSENT, *NUMPYS}


@pytest.mark.parametrize("shape", [(3,), (2, 3, 4)])
def test_t_of_a_tensor_that_is_no_matrix_warns(shape):
    with pytest.warns(UserWarning, match=r"x\.T of a tensor of \d dimensions.*x\.mT.*x\.permute"):
        assert torch.ones(*shape).T.shape == shape[::-1]
    assert torch.ones(2, 3).T.shape == (3, 2) and torch.tensor(1.0).T.shape == ()


def test_functions_without_gradient_take_a_part_of_a_written_split():
    x = torch.ones(4, requires_grad=True) * 1
    part, _ = x.split(2)
    x.mul_(2)
    assert (part > 1).tolist() == [True, True]
    assert part.isnan().tolist() == [False, False] and part.long().tolist() == [2, 2]
    with pytest.raises(RuntimeError, match="several views that one call made"):
        part * 1


def test_a_gradient_is_read_and_set_under_its_inner_name():
    x = torch.ones(2, requires_grad=True)
    assert x._grad is None
    x.sum().backward()
    assert x._grad is x.grad
    x._grad = None
    assert x.grad is None
