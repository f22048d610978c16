"""Reading and writing by every kind of index, against NumPy, with gradients; which indices are refused."""

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
def test_reading_and_its_gradient_match_numpys(case):
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
def test_writing_and_its_gradients_match_numpys(case, broadcast):
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
    "out of range": (lambda x: x[2], IndexError, r"index 2 is out of bounds for dimension 0 with size 2.*\(2, 3\)"),
    "an index array out of range": (
        lambda x: x[[0, 5]],
        IndexError,
        r"index 5 is out of bounds for dimension 0.*\(2, 3\)",
    ),
    "of one number": (
        lambda x: x.sum().data[0],
        IndexError,
        r"^invalid index of a 0-dim tensor. Use `tensor.item\(\)` in Python .*shape \(\)",
    ),
    "two of one number": (
        lambda x: x.sum()[0, 0],
        IndexError,
        r"^invalid index of a 0-dim tensor. Use `tensor.item\(\)`",
    ),
    "a list of one number": (
        lambda x: x.sum()[[0]],
        IndexError,
        r"^invalid index of a 0-dim tensor. Use `tensor.item\(\)`",
    ),
    "too many": (
        lambda x: x[0, 0, 0],
        IndexError,
        r"too many indices for tensor of dimension 2: 3 were indexed.*\(2, 3\)",
    ),
    "a mask of another shape": (
        lambda x: x[mg.ones(3).bool()],
        IndexError,
        r"mask does not match .* index 0: it has 3 there, not 2.*\(2, 3\)",
    ),
    "lists of two lengths": (lambda x: x[[0, 1], [0, 1, 2]], IndexError, "indexing tensors could not be broadcast"),
    "a negative step": (lambda x: x[::-1], ValueError, "greater than zero.*flip"),
    "a value that does not fit": (
        lambda x: (x * 1).__setitem__(0, mg.ones(2)),
        RuntimeError,
        r"^The expanded size of the tensor \(3\) must match the existing size \(2\) .*\(2, 3\)",
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
        r"^a view of a leaf Variable that requires grad.*index assignment",
    ),
    "into a leaf, by rows": (lambda x: x.__setitem__([0], 1.0), RuntimeError, "^a leaf Variable that requires grad"),
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


def test_a_list_of_arrays_is_read_as_a_tuple_with_a_warning():
    x = mg.arange(24.0).reshape(2, 3, 4)
    for rows, columns in (np.array([0, 1]), np.array([1, 0])), ([0, 1], np.array([1, 0])):
        with pytest.warns(UserWarning, match="non-tuple sequence"):
            assert x[[rows, columns]].tolist() == x[rows, columns].tolist()
    with pytest.warns(UserWarning, match="non-tuple sequence"):
        x[[np.array([0, 1]), np.array([1, 0])]] = -1.0
    assert (x == -1).sum() == 8


class Halves:
    """A sequence that is no list, as a `Subset` of row numbers is one."""

    def __len__(self):
        return 2

    def __getitem__(self, place):
        return (np.int64(2), np.int64(0))[place]


def test_any_sequence_of_integers_is_read_as_a_list():
    x = leaf(3, 2)
    np.testing.assert_array_equal(x[Halves()].detach().numpy(), x[[2, 0]].detach().numpy())
    np.testing.assert_array_equal(x[Halves(), 1].detach().numpy(), x[[2, 0], 1].detach().numpy())
    y = mg.zeros(3)
    y[Halves()] = mg.tensor([1.0, 2.0])
    assert y.tolist() == [2, 0, 1]
    for wrong in ({0: 1}, {0, 1}, 0.5):
        with pytest.raises(IndexError, match="are valid indices, got"):
            x[wrong]


@pytest.mark.parametrize("key", [np.array(1), (np.array(1, np.int8), slice(None)), (None, np.array(1, np.uint16))])
def test_an_array_of_one_integer_is_an_integer_so_reading_gives_a_view(key):
    x = mg.zeros(3, 4)
    x[key].fill_(5.0)
    assert x[1].tolist() == [5.0] * 4 and x.sum() == 20


@pytest.mark.filterwarnings("ignore:indexing with dtype torch.uint8")
def test_one_uint8_is_a_mask_so_reading_gives_a_copy():
    x, mask = mg.arange(6).reshape(3, 2), mg.tensor(2, dtype=mg.uint8)
    for key, shape in [
        (mask, (1, 3, 2)),
        ((1, mask), (1, 2)),
        ((True, mask, -1), (1, 2)),
        (np.array(0, np.uint8), (0, 3, 2)),
    ]:
        y = x[key]
        assert y.shape == shape and not y._is_view()
    assert x[True, mask, -1].tolist() == [[4, 5]]


@pytest.mark.filterwarnings("ignore:Using a non-tuple sequence")
def test_a_list_that_holds_ranges_has_an_entry_for_each_axis():
    x = leaf(2, 3)
    for key, same in (
        ([range(2)], [0, 1]),
        ([range(2), 1], (slice(None), 1)),
        ([range(2), range(1, 3)], ([0, 1], [1, 2])),
    ):
        np.testing.assert_array_equal(x[key].detach().numpy(), x[same].detach().numpy())
