"""Writes by index: what they do to views, graphs and dtypes, to second order; which of them are refused."""

import pytest

import minigrad as mg
from minigrad import autograd
from tests.leaves import leaf
from tests.marks import NOT_ASKED, mark


# ---- programs that write, to second order -------------------------------------------------------
def into_zeros(x, v):
    y = mg.zeros(2, 3, dtype=mg.float64)
    for i in range(2):
        for j in range(3):
            y[i, j] = x[i, j] * v[i] ** 2
    return y


def through_a_view_of_a_view(x, v):
    y = x * x
    y[0][1:][:1].mul_(v[:1] ** 2)
    y.T[2].add_(v)
    return y * x


def a_view_made_before_the_write(x, v):
    y = x * 1.0
    early, row = y.reshape(6)[1:5], y[0]
    y[:, 1] = v**2
    row[2] = v[0] * x[1, 1]
    return early * early + y.sum()


def written_base_read_view(x, v):
    y = x * 2
    part = y[1]
    y.mul_(v[:, None])
    (part * 1).sum()  # reads its place in the graph
    part.exp_()
    return y * y


def written_view_read_base_and_sibling(x, v):
    y = x.clone()
    first, second = y[:, :2], y[:, 1:]
    first.copy_(x[:, 1:] ** 2)
    second.sub_(v[:, None] ** 3)
    return (first * second).sum() + y.prod()


def one_value_after_another(x, v):
    y = x.clone()
    y[0] = x[1] * y[0].clone()
    y[0] += v[0] ** 2
    y[0] *= y[1].clone()
    y[[1, 0], [0, 2]] = v**2
    y[y.detach() > 0.5] = v[0] ** 2
    return y * x


def by_mask_and_rows(x, v):
    y = x * x
    y[mg.tensor([True, False])] = v[1] * x[1]
    y.scatter_add_(1, mg.tensor([[0, 0], [0, 0]]), x[:, :2])
    y.masked_fill_(mg.tensor([[False, False, True]] * 2), 0.0)
    return y * y


PROGRAMS = [
    into_zeros,
    through_a_view_of_a_view,
    a_view_made_before_the_write,
    written_base_read_view,
    written_view_read_base_and_sibling,
    one_value_after_another,
    by_mask_and_rows,
]


@pytest.mark.parametrize("program", PROGRAMS)
def test_programs_that_write_pass_gradgradcheck(program):
    inputs = leaf(2, 3), leaf(2, seed=1)
    assert autograd.gradcheck(program, inputs)
    assert autograd.gradgradcheck(program, inputs)


@pytest.mark.parametrize("program", PROGRAMS)
def test_programs_that_write_pass_gradcheck_for_one_operand(program):
    x, v = leaf(2, 3), leaf(2, seed=1)
    assert autograd.gradcheck(program, (x.detach(), v))
    assert autograd.gradcheck(program, (x, v.detach()))


def test_views_follow_writes_in_value_and_gradient():
    x = leaf(4)
    y = x * 1.0
    view = y[:2]
    before = view.grad_fn
    y.mul_(3.0)
    assert view.requires_grad and view.grad_fn is not before
    view.sum().backward()
    assert x.grad.tolist() == [3, 3, 0, 0]


def test_a_base_requires_grad_after_a_write_of_values_that_do():
    base, x = mg.zeros(2, 2, dtype=mg.float64), leaf(2)
    early = base[1]
    assert not base.requires_grad
    base[1] = x
    assert base.requires_grad and early.requires_grad and not base.is_leaf
    early.sum().backward()
    assert x.grad.tolist() == [1, 1]


def test_a_write_under_no_grad_stays_outside_the_graph():
    x = leaf(3)
    y = mg.zeros(3, dtype=mg.float64)
    with mg.no_grad():
        y[0] = x[0]
        x[1] = 5.0
        x.mul_(2.0)
    assert not y.requires_grad and x.is_leaf and x[1].item() == 10


def test_a_write_takes_the_targets_dtype():
    y = mg.zeros(2, requires_grad=True) * 1.0
    v = leaf(2)
    y[:] = v
    assert y.dtype == mg.float32
    y.sum().backward()
    assert v.grad.dtype == mg.float64 and v.grad.tolist() == [1, 1]


FILLINGS = {
    "under a mask": lambda x, number: x.__setitem__(mg.tensor([True, False]), number),
    "masked_fill": lambda x, number: x.masked_fill(mg.tensor([True, False]), number),
    "index_fill_": lambda x, number: x.index_fill_(0, mg.tensor([0]), number),
    "full_like": mg.full_like,
}


@pytest.mark.parametrize("name", mark(FILLINGS, NOT_ASKED, set(FILLINGS) - {"full_like"}))
@pytest.mark.parametrize(
    ("dtype", "number"),
    [("int8", 300), ("int8", 1e30), ("uint8", float("nan")), ("int64", 1e30), ("float16", 70000.0), ("float32", 1e300)],
)
def test_a_fill_value_must_fit_the_dtype(name, dtype, number):
    x = mg.ones(2, dtype=getattr(mg, dtype))
    wide = mg.tensor(number, dtype=mg.float64 if isinstance(number, float) else None)
    with pytest.raises(RuntimeError, match=f"cannot be converted to type {dtype} without overflow"):
        FILLINGS[name](x, wide)
    assert x.tolist() == [1, 1]


def test_1600_writes_into_one_tensor_give_exact_gradients():
    """The hand-written layer of the course: 40 x 40 outputs, one write each."""
    x = leaf(40)
    y = mg.zeros(40, 40, dtype=mg.float64)
    for i in range(40):
        for j in range(40):
            y[i, j] = x[i]
    y.sum().backward()
    assert (x.grad == 40).all()


@pytest.mark.parametrize(
    ("key", "words"), [(5, "out of bounds"), ((0, 0, 0), "too many indices"), ((slice(None), -4), "out of bounds")]
)
def test_an_index_out_of_range_is_reported_before_a_write_to_a_leaf(key, words):
    w = mg.ones(2, 3, requires_grad=True)
    with pytest.raises(IndexError, match=words):
        w[key] = 1.0


@pytest.mark.parametrize("key", [0, (0, 0), slice(None), [0]])
def test_one_number_is_not_written_to_by_index(key):
    with pytest.raises(
        IndexError, match=r"invalid index of a 0-dim tensor. Use `tensor.item\(\)`.* \(assigning into a tensor of shape"
    ):
        mg.tensor(3.0)[key] = 1.0


@pytest.mark.parametrize("value", [2.0, mg.tensor(2.0), mg.tensor([2.0]), mg.tensor(2.0, requires_grad=True)])
def test_assignment_to_an_expanded_tensor_is_refused(value):
    x = mg.zeros(1).expand(3)
    with pytest.raises(RuntimeError, match="more than one element of the written-to tensor"):
        x[...] = value
    x[0] = value if value.__class__ is float else value.detach().reshape(())  # one of them alone
    assert x.tolist() == [2, 2, 2]


@pytest.mark.parametrize(
    ("shape", "key", "value"),
    [
        ((2, 1, 3), (slice(None), [0], slice(3, 3)), (2, 2, 1, 0)),
        ((3, 2), mg.tensor([], dtype=mg.int64), (2, 0, 2)),
        ((0,), mg.tensor([], dtype=mg.bool), (2, 0)),
        ((3,), mg.tensor([True, False, True]), (2, 2)),
        ((2, 2), mg.ones(2, 2).bool(), (3,)),
        ((3, 2), slice(0, 0), (2, 0, 2)),
    ],
)
@pytest.mark.parametrize("asks", [False, True])
def test_values_that_do_not_fit_their_region_are_refused(shape, key, value, asks):
    x = mg.zeros(shape)
    with pytest.raises(RuntimeError, match=r"shape mismatch: value tensor of shape .* cannot be broadcast"):
        x[key] = mg.ones(value, requires_grad=asks)


def test_values_without_elements_may_have_leading_axes_of_length_1():
    x = mg.zeros(3)
    x[3:] = mg.ones(1, 0)
    assert x.tolist() == [0.0, 0.0, 0.0]


@pytest.mark.parametrize("key", [(True, slice(None)), (slice(None), False)])
def test_a_bool_among_the_indices_requires_values_of_the_same_dtype(key):
    x = mg.zeros(2, 3, dtype=mg.float16)
    with pytest.raises(RuntimeError, match="Index put requires the source and destination dtypes match"):
        x[key] = mg.ones(2, 3)
    x[True] = mg.ones(2, 3)
    assert (x == 1).all()


@pytest.mark.parametrize("key", [..., slice(None), slice(0, 2), (slice(None), slice(None))])
def test_an_assignment_to_the_whole_saves_nothing(key):
    weight, y = mg.tensor([2.0, 3.0], requires_grad=True), mg.zeros(2, 2)
    y[key] = weight
    for _ in range(2):
        y.sum().backward()
    assert weight.grad.tolist() == [4.0, 4.0]


def test_a_leaf_that_is_assigned_to_itself_is_refused_while_calls_are_recorded():
    x = mg.ones(2, requires_grad=True)
    with pytest.raises(RuntimeError, match="leaf Variable"):
        x[...] = x[...]
    with mg.no_grad():
        x[0] = x[0]
    assert x.tolist() == [1.0, 1.0]


@pytest.mark.parametrize("key", [5, -3, (slice(None), 1), (0, 0), [4], (..., [0], slice(1, None))])
def test_a_refused_assignment_is_not_counted_as_a_write(key):
    x, w = mg.tensor([2.0]), mg.tensor([3.0], requires_grad=True)
    y = x * w
    with pytest.raises(IndexError):
        x[key] = 1.0
    with pytest.raises(ValueError, match="Overflow when unpacking long long"):
        mg.zeros(2, dtype=mg.int64)[0] = 2**70
    y.sum().backward()  # reads x
    assert (x._version, w.grad.tolist()) == (0, [2.0])


def test_too_many_indices_with_a_place_among_them_are_counted_in_a_graph_too():
    y = mg.ones(3, requires_grad=True) * 1
    with pytest.raises(IndexError, match="too many indices for tensor of dimension 1: 2 were indexed"):
        y[..., mg.tensor([1]), 1:] = mg.ones(1)


BOTH, DIAGONAL = mg.tensor([0, 2]), mg.eye(3) > 0


@pytest.mark.parametrize(
    "key", [BOTH, DIAGONAL, [0, 2], (BOTH, BOTH), (slice(None), BOTH), (..., BOTH), (slice(0, 3, 1), BOTH), DIAGONAL[0]]
)
def test_a_write_to_places_that_arrays_name_is_an_index_put_in_the_graph(key):
    y = mg.ones(3, 3, requires_grad=True) * 2
    y[key] = 0
    assert type(y.grad_fn).__name__ == "IndexPutBackward0"


@pytest.mark.parametrize(
    "key", [0, (0, BOTH), (None, BOTH), (slice(1, None), BOTH), (slice(None, None, 2), BOTH), mg.tensor(1), True]
)
def test_a_write_through_a_view_is_copy_slices_in_the_graph(key):
    y, z = (mg.ones(3, 3, requires_grad=True) * 2 for _ in range(2))
    y[key] = 0
    z[1:][BOTH[:1]] = 0
    assert [type(x.grad_fn).__name__ for x in (y, z)] == ["CopySlices", "CopySlices"]
