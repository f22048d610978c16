"""Reading and writing by index, basic and advanced, against NumPy; writes through views of views."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

import minigrad as mg
from minigrad import autograd
from tests.leaves import leaf
from tests.marks import NOT_ASKED, mark


def as_tensors(key):
    """The key as a user of tensors writes it."""
    if isinstance(key, tuple):
        return tuple(as_tensors(k) for k in key)
    return mg.tensor(key) if isinstance(key, np.ndarray) else key


SHAPES = hnp.array_shapes(min_dims=1, max_dims=4, max_side=4)


@st.composite
def draw_keys(draw):
    """A shape and a key for it: ints, slices, None, ..., integer arrays (also negative), masks."""
    shape = draw(SHAPES)
    kind = draw(st.sampled_from(["basic", "integers", "mask", "mixed"]))
    if kind == "basic":
        basic = hnp.basic_indices(shape, allow_newaxis=True).filter(has_no_negative_step)
        return shape, draw(basic)
    if kind == "integers":
        return shape, draw(hnp.integer_array_indices(shape, result_shape=hnp.array_shapes(max_dims=2, max_side=3)))
    if kind == "mask":
        axes = draw(st.integers(1, len(shape)))
        return shape, draw(hnp.arrays(bool, shape[:axes]))
    axis = draw(st.integers(0, len(shape) - 1))
    places = draw(hnp.arrays(np.int64, draw(st.integers(1, 3)), elements=st.integers(-shape[axis], shape[axis] - 1)))
    key = [slice(None)] * len(shape)
    key[axis] = places
    if axis and draw(st.booleans()):
        key[0] = draw(st.integers(0, shape[0] - 1))
    return shape, tuple(key)


def take_int_first(array, key):
    """`array` and `key` for NumPy: an int beside index arrays is taken first, as PyTorch takes it."""
    mixed = isinstance(key, tuple) and any(isinstance(k, np.ndarray) for k in key)
    return (array[key[0]], key[1:]) if mixed and isinstance(key[0], int) else (array, key)


def has_no_negative_step(key):
    """PyTorch refuses the others."""
    parts = key if isinstance(key, tuple) else (key,)
    return all(not isinstance(k, slice) or k.step is None or k.step > 0 for k in parts)


@settings(deadline=None, max_examples=150)
@given(draw_keys())
def test_reading_and_its_gradient_are_take_int_first(case):
    shape, key = case
    x = leaf(*shape)
    part, place = take_int_first(x.detach().numpy(), key)
    y = x[as_tensors(key)]
    np.testing.assert_array_equal(y.detach().numpy(), part[place])
    g = np.random.default_rng(1).normal(size=y.shape)
    y.backward(mg.tensor(np.asarray(g)))
    expected = np.zeros(shape)
    part, place = take_int_first(expected, key)
    np.add.at(part, place, g)
    np.testing.assert_allclose(x.grad.numpy(), expected, atol=1e-12)


@settings(deadline=None, max_examples=150)
@given(draw_keys(), st.booleans())
def test_writing_and_its_gradients_are_take_int_first(case, broadcast):
    shape, key = case
    numbered, place = take_int_first(np.arange(np.prod(shape)).reshape(shape), key)
    places = numbered[place]
    if places.size != np.unique(places).size:
        return  # which of two values written to one place stays is not defined
    x = leaf(*shape)
    v = leaf(*(() if broadcast else places.shape), seed=2)
    y = x * 1.0
    y[as_tensors(key)] = v
    expected = x.detach().numpy().copy()
    part, place = take_int_first(expected, key)
    part[place] = v.detach().numpy()
    np.testing.assert_array_equal(y.detach().numpy(), expected)
    g = np.random.default_rng(1).normal(size=shape)
    y.backward(mg.tensor(g))
    part, place = take_int_first(g.copy(), key)
    region = part[place]
    kept = g.copy()
    part, place = take_int_first(kept, key)
    part[place] = 0
    np.testing.assert_allclose(x.grad.numpy(), kept, atol=1e-12)
    np.testing.assert_allclose(v.grad.numpy(), region.sum() if broadcast else region, atol=1e-12)


KEYS = {
    "an element": (1, 2),
    "a slice": (slice(None), slice(1, None)),
    "a new axis": (None, 1),
    "rows, one twice": ([0, 1, 1],),
    "columns by an array": (slice(None), np.array([2, 0, 2])),
    "pairs": (np.array([0, 1, 0]), np.array([2, 2, 2])),
    "a mask": (np.array([[True, False, True], [False, True, True]]),),
}


@pytest.mark.parametrize("name", KEYS)
def test_reading_passes_gradgradcheck(name):
    key = as_tensors(KEYS[name])

    def function(x):
        return x[key] ** 2

    assert autograd.gradcheck(function, leaf(2, 3)) and autograd.gradgradcheck(function, leaf(2, 3))


@pytest.mark.parametrize("name", [k for k in KEYS if "twice" not in k and k not in ("columns by an array", "pairs")])
def test_writing_passes_gradgradcheck(name):
    key = as_tensors(KEYS[name])

    def function(x, v):
        y = x * x
        y[key] = v**2
        return y * x

    inputs = leaf(2, 3), leaf(seed=1)
    assert autograd.gradcheck(function, inputs) and autograd.gradgradcheck(function, inputs)


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


@pytest.mark.parametrize(
    "key", [([0, 1], ...), (slice(None), mg.tensor([[1], [0]]), ...), (mg.tensor([True, False]), ...), (True, ...)]
)
def test_indexing_by_arrays_before_an_ellipsis_copies_too(key):
    base, w = mg.zeros(2, 2, 2), mg.tensor(2.0, requires_grad=True)
    read = base[key]
    assert read.is_contiguous() and read._base is None
    read.add_(1).mul_(w)
    assert not base.requires_grad and base.grad_fn is None and base.sum() == 0
    (gradient,) = autograd.grad(read.sum(), w)
    assert gradient == read.numel()


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


@pytest.mark.filterwarnings("ignore:indexing with dtype torch.uint8")
@pytest.mark.parametrize("make", [lambda x: mg.tensor(x, dtype=mg.uint8), lambda x: np.array(x, np.uint8)])
def test_bytes_are_read_as_masks(make):
    x = mg.arange(6.0).reshape(2, 3)
    assert x[make([0, 1])].tolist() == [[3, 4, 5]]
    assert x[make(1)].shape == (1, 2, 3) and x[make(0)].shape == (0, 2, 3) and x[0, make(1)].shape == (1, 3)
    x[make([1, 0])] = 7.0
    assert x.tolist() == [[7, 7, 7], [3, 4, 5]]


def test_bytes_as_an_index_warn():
    with pytest.warns(UserWarning, match=r"indexing with dtype torch.uint8 is now deprecated.*x\[mask.bool\(\)\]"):
        mg.ones(2)[np.array([0, 1], np.uint8)]


REFUSED = {
    "float indices": (lambda x: x[mg.tensor([0.5])], IndexError, "long, int, byte or bool.*float32"),
    "out of range": (lambda x: x[2], IndexError, r"index 2.*\(2, 3\)"),
    "an index array out of range": (lambda x: x[[0, 5]], IndexError, r"index 5.*\(2, 3\)"),
    "too many": (lambda x: x[0, 0, 0], IndexError, r"too many indices.*\(2, 3\)"),
    "a mask of another shape": (lambda x: x[mg.ones(3).bool()], IndexError, r"\(2, 3\)"),
    "a negative step": (lambda x: x[::-1], ValueError, "greater than zero.*flip"),
    "a value that does not fit": (
        lambda x: (x * 1).__setitem__(0, mg.ones(2)),
        RuntimeError,
        r"shape mismatch.*\[2\].*\[3\].*\(2, 3\)",
    ),
    "a value that does not fit rows": (
        lambda x: (x * 1).__setitem__([0, 1], mg.ones(2).double()),
        RuntimeError,
        r"shape mismatch.*\[2\].*\[2, 3\]",
    ),
    "a string": (lambda x: x.detach().__setitem__(0, "a"), TypeError, "can't assign a str"),
    "into a leaf": (
        lambda x: x.__setitem__(0, 1.0),
        RuntimeError,
        r"leaf Variable that requires grad.*index assignment.*\(2, 3\)",
    ),
    "into a leaf, by rows": (lambda x: x.__setitem__([0], 1.0), RuntimeError, "leaf Variable that requires grad"),
    "into a view of a leaf": (lambda x: x[0].__setitem__(0, 1.0), RuntimeError, "view of a leaf Variable"),
}


@pytest.mark.parametrize("name", mark(REFUSED, NOT_ASKED, ["an index array out of range"]))
def test_refused(name):
    call, kind, words = REFUSED[name]
    x = leaf(2, 3)
    before = x.detach().numpy().copy()
    with pytest.raises(kind, match=f"(?s){words}"):
        call(x)
    np.testing.assert_array_equal(x.detach().numpy(), before)


@pytest.mark.parametrize(
    ("key", "words"), [(5, "out of bounds"), ((0, 0, 0), "too many indices"), ((slice(None), -4), "out of bounds")]
)
def test_an_index_out_of_range_is_reported_before_a_write_to_a_leaf(key, words):
    w = mg.ones(2, 3, requires_grad=True)
    with pytest.raises(IndexError, match=words):
        w[key] = 1.0


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


def test_a_list_of_arrays_is_read_as_a_tuple_with_a_warning():
    x = mg.arange(24.0).reshape(2, 3, 4)
    for rows, columns in (np.array([0, 1]), np.array([1, 0])), ([0, 1], np.array([1, 0])):
        with pytest.warns(UserWarning, match="non-tuple sequence"):
            assert x[[rows, columns]].tolist() == x[rows, columns].tolist()
    with pytest.warns(UserWarning, match="non-tuple sequence"):
        x[[np.array([0, 1]), np.array([1, 0])]] = -1.0
    assert (x == -1).sum() == 8
