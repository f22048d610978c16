"""Python's and NumPy's protocols on tensors: length, truth, index, copies, NumPy's functions."""

import copy
import operator
import pickle

import numpy as np
import pytest

import minigrad as torch
from tests.refusals import refusals

X = torch.arange(6.0).reshape(2, 3)


def test_pythons_operators_and_builtins_read_a_tensor():
    assert len(X) == 2 and [row.tolist() for row in X] == X.tolist()
    assert float(X[1, 2]) == 5.0 and int(X[1, 2]) == 5 and f"{X[1, 2]:.1f}" == "5.0"
    assert 5.0 in X and 9 not in X and torch.tensor(4.0) in X
    assert [10, 20, 30][torch.tensor(1)] == 20
    assert [row.tolist() for row in reversed(X)] == X.flip(0).tolist()
    assert sum(X).tolist() == [3.0, 5.0, 7.0] and {X: 1}[X] == 1


def test_numpys_functions_read_a_tensor():
    x = X.cpu()
    assert np.shares_memory(np.asarray(x), x.numpy())
    assert np.asarray(x, dtype=np.float64).dtype == np.float64
    assert isinstance(np.exp(x), torch.Tensor) and type(np.concatenate([x, x])) is np.ndarray
    np.testing.assert_array_equal(np.percentile(x, 50), 2.5)  # no twin here: NumPy's own answer
    np.testing.assert_array_equal(np.add.reduce(x), [3, 5, 7])


def test_copies_keep_requires_grad_and_share_nothing():
    w = torch.ones(2, requires_grad=True)
    for twin in (copy.deepcopy(w), pickle.loads(pickle.dumps(w))):
        assert twin.requires_grad and twin.is_leaf and twin.data_ptr() != w.data_ptr()
    first, second = copy.deepcopy([w, w])
    assert first is second


REFUSED = {
    "the length of a number": (lambda: len(torch.tensor(1.0)), TypeError, "len\\(\\) of a 0-d tensor"),
    "iterating over a number": (lambda: list(torch.tensor(1.0)), TypeError, "iteration over a 0-d tensor"),
    "a float for an index": (lambda: [1, 2][torch.tensor(1.0)], TypeError, "only integer tensors"),
    "many for an index": (lambda: [1, 2][torch.tensor([0, 1])], TypeError, "only integer tensors"),
    "the truth of many": (lambda: bool(X), RuntimeError, "ambiguous"),
    "a copy of a result": (lambda: copy.deepcopy(X.clone().requires_grad_() * 2), RuntimeError, "graph leaves"),
    "a grad that is no tensor": (lambda: setattr(X.clone(), "grad", [1.0]), TypeError, "got grad of type list"),
    "data that is no tensor": (lambda: setattr(X.clone(), "data", [1.0]), TypeError, "has to be a tensor"),
    "filled with several": (lambda: X.clone().fill_(torch.ones(2)), RuntimeError, "0-dimension value tensor"),
}  # fmt: skip


test_refused = refusals(REFUSED)


def test_an_array_on_the_left_is_refused_but_for_comparison_and_division():
    x = X.cpu()
    with pytest.raises(TypeError, match="put the tensor first"):
        np.ones(3) * x
    assert (x.numpy() == x).all() and not (x.numpy() != x).any()


@pytest.mark.cpu("an array of NumPy's is on the CPU, where no tensor on a GPU meets it")
def test_an_array_on_the_right_is_a_constant_for_every_operator_but_no_argument_of_a_function():
    x, array = torch.tensor([[1.0, 2.0]], requires_grad=True), np.array([[3.0], [5.0]])
    product = x @ array
    assert product.dtype == torch.float64 and product.tolist() == [[13.0]] and (x + array.T).tolist() == [[4.0, 7.0]]
    product.backward()
    assert x.grad.dtype == torch.float32 and x.grad.tolist() == [[3.0, 5.0]]
    for shape in ((2,), (3, 2, 1)):  # a vector, and a batch
        assert (x.detach() @ np.ones(shape, np.float32)).tolist() == (x.detach().numpy() @ np.ones(shape)).tolist()
    with pytest.raises(TypeError, match=r"argument 'other' \(position 2\) must be Tensor, not numpy.ndarray"):
        torch.matmul(x, array)
    with pytest.raises(RuntimeError, match="mat1 and mat2 shapes cannot be multiplied"):
        x @ np.ones((3, 1))


def test_storage_offset_and_data_ptr_of_a_view():
    x = torch.arange(12.0).reshape(3, 4)
    view = x[1:, 2:]
    assert (x.storage_offset(), view.storage_offset(), view.t().storage_offset()) == (0, 6, 6)
    assert view.data_ptr() - x.data_ptr() == 6 * x.element_size() == 24


# ---- NumPy's functions on tensors -----------------------------------------------------------------
T, V = torch.tensor([[0.5, 2.0], [3.0, -1.0]]), torch.tensor([0.5, 2.0, -1.0])

GIVE_TENSORS = {
    "clip": (lambda: np.clip(T, 0.0, 1.0), [[0.5, 1.0], [1.0, 0.0]]),
    "clip by name": (lambda: np.clip(V, None, 1), [0.5, 1.0, -1.0]),
    "squeeze": (lambda: np.squeeze(V.reshape(1, 3)), [0.5, 2.0, -1.0]),
    "squeeze an axis": (lambda: np.squeeze(V.reshape(1, 3, 1), axis=0), [[0.5], [2.0], [-1.0]]),
    "reshape": (lambda: np.reshape(T, (4,)), [0.5, 2.0, 3.0, -1.0]),
    "reshape to one axis": (lambda: np.reshape(T, -1), [0.5, 2.0, 3.0, -1.0]),
    "round": (lambda: np.round(T), [[0.0, 2.0], [3.0, -1.0]]),
    "around": (lambda: np.around(V, 1), [0.5, 2.0, -1.0]),
    "argsort": (lambda: np.argsort(V), [2, 0, 1]),
    "transpose": (lambda: np.transpose(T), [[0.5, 3.0], [2.0, -1.0]]),
    "moveaxis": (lambda: np.moveaxis(T, 0, 1), [[0.5, 3.0], [2.0, -1.0]]),
    "cumsum": (lambda: np.cumsum(T), [0.5, 2.5, 5.5, 4.5]),
    "cumsum along": (lambda: np.cumsum(T, axis=1), [[0.5, 2.5], [3.0, 2.0]]),
    "cumprod": (lambda: np.cumprod(V), [0.5, 1.0, -1.0]),
    "maximum": (lambda: np.maximum(T, 1), [[1.0, 2.0], [3.0, 1.0]]),
    "minimum, number first": (lambda: np.minimum(1, V), [0.5, 1.0, -1.0]),
    "repeat": (lambda: np.repeat(V, 2), [0.5, 0.5, 2.0, 2.0, -1.0, -1.0]),
    "take": (lambda: np.take(V, [[0, 2]]), [[0.5, -1.0]]),
    "square": (lambda: np.square(V), [0.25, 4.0, 1.0]),
    "hypot": (lambda: np.hypot(V, torch.zeros(3)), [0.5, 2.0, 1.0]),
    "hypot, number first": (lambda: np.hypot(3, torch.tensor([4.0])), [5.0]),
    "add.reduce": (lambda: np.add.reduce(T), [3.5, 1.0]),
    "argmax": (lambda: np.argmax(T, axis=1), [1, 0]),
    "round of integers": (lambda: np.round(torch.tensor([1, 2])), [1, 2]),
    "nonzero": (lambda: np.nonzero(torch.tensor([0, 5])), [[1]]),
    "trim_zeros": (lambda: np.trim_zeros(torch.tensor([0, 5])), [5]),
    "fix": (lambda: np.fix(V), [0.0, 2.0, -1.0]),
    "sum of bytes": (lambda: np.add.reduce(torch.tensor([200, 100], dtype=torch.uint8)), 300),
}  # fmt: skip


@pytest.mark.filterwarnings("ignore:numpy.fix is deprecated:DeprecationWarning")  # since NumPy 2.5
@pytest.mark.parametrize("name", GIVE_TENSORS)
def test_numpy_functions_with_a_counterpart_give_tensors(name):
    call, expected = GIVE_TENSORS[name]
    result = call()
    assert isinstance(result, torch.Tensor) and result.tolist() == expected


GIVE_ARRAYS = {
    "where": lambda: np.where(T > 1)[0],
    "where of two": lambda: np.where(T > 1, T, 0.0),
    "concatenate": lambda: np.concatenate([T, T]),
    "concatenate along": lambda: np.concatenate((T, T), axis=1),
    "stack": lambda: np.stack([T, T]),
    "sort": lambda: np.sort(V),
    "broadcast_to": lambda: np.broadcast_to(V, (2, 3)),
    "unique": lambda: np.unique(V),
    "zeros_like": lambda: np.zeros_like(V),
    "pad": lambda: np.pad(V, 1),
    "expand_dims": lambda: np.expand_dims(V, 0),
    "add.outer": lambda: np.add.outer(V, V),
    "searchsorted": lambda: np.searchsorted(np.arange(3), V),
}


@pytest.mark.parametrize("name", GIVE_ARRAYS)
def test_other_numpy_functions_give_arrays(name):
    assert type(GIVE_ARRAYS[name]()) is np.ndarray


def test_numpy_functions_with_a_counterpart_are_differentiable():
    x = torch.tensor([0.5, 2.0], requires_grad=True)
    for function in (np.exp, np.square, lambda v: np.clip(v, 0, 1), lambda v: np.reshape(v, (2, 1)), np.cumsum):
        assert function(x).requires_grad
    with pytest.raises(RuntimeError, match=r"Use tensor.detach\(\).numpy\(\)"):
        np.concatenate([x, x])
    (slope,) = torch.autograd.grad(np.hypot(3.0, x * 8).sum(), x)  # of two tensors, which takes a number from NumPy
    assert np.allclose(slope, [6.4, 128 / np.hypot(3.0, 16.0)])
    assert all(f(x).requires_grad for f in (np.floor, np.rint, lambda v: np.fmod(v, 2), lambda v: np.remainder(v, 2)))
    (first,) = torch.autograd.grad((x * x).sum(), x, create_graph=True)
    assert torch.where(x > 1, first, 0).sum().requires_grad  # rules speak NumPy, and get tensors


@pytest.mark.parametrize("scalar", [np.float64(0.5), np.float32(0.5), np.float16(0.5), np.int64(1), np.bool_(True)])
def test_a_numpy_scalar_on_the_left_is_a_number(scalar):
    x = torch.tensor([0.25, 0.75])
    number = torch.tensor(scalar.item())
    for act in (operator.lt, operator.le, operator.gt, operator.ge, operator.eq, operator.ne, operator.mod,
                operator.mul, operator.add, operator.truediv, operator.pow, operator.floordiv):  # fmt: skip
        result = act(scalar, x)
        assert type(result) is torch.Tensor and result.tolist() == act(number, x).tolist()
        assert result.dtype == act(number, x).dtype
    assert bool(np.min([0.5, 0.4]) > torch.tensor(0.3))
    assert (np.float64(0.1) <= torch.tensor([0.1], dtype=torch.float64)).tolist() == [True]
    with pytest.raises(TypeError, match="unsupported operand type"):
        np.ones(2, np.float32) * x


class Image(torch.Tensor):
    def darker(self):
        return self * 0.5


def test_a_class_derived_from_tensor_can_be_constructed_and_cast_to():
    made = Image([1.0, 2.0])
    assert type(made) is Image and made.darker().tolist() == [0.5, 1.0]
    assert type(Image(2, 3)) is Image and Image(2, 3).shape == (2, 3)
    w = torch.ones(2, requires_grad=True)
    seen = (w * 1).as_subclass(Image)
    seen.darker().sum().backward()
    assert type(seen) is Image and w.grad.tolist() == [0.5, 0.5] and type(seen.darker()) is torch.Tensor
    assert type(torch.Tensor(torch.nn.Parameter(torch.ones(1)))) is torch.Tensor
    with pytest.raises(TypeError, match="must be a type that derives from Tensor, got int"):
        w.as_subclass(int)


def test_functions_are_pickled_by_their_public_names():
    for name in ("true_divide", "div", "add"):
        function = getattr(torch, name)
        assert pickle.loads(pickle.dumps(function)) is function


@pytest.mark.parametrize(
    ("call", "dtype"),
    [
        (lambda: np.sqrt(torch.tensor([4])), torch.float64),
        (lambda: np.exp(torch.tensor([0], dtype=torch.uint8)), torch.float16),
        (lambda: np.divide(torch.tensor([1]), 2), torch.float64),
        (lambda: np.exp(torch.tensor([0.0])), torch.float32),
        (lambda: torch.ones(2) + np.array([1, 2]), torch.float64),
        (lambda: torch.tensor([1, 2]) / np.array([1, 2]), torch.float64),
        (lambda: np.array([1, 2]) / torch.ones(2), torch.float64),
        (lambda: torch.ones(2) * np.float32([1, 2]), torch.float32),
        (lambda: np.float64(2) * torch.ones(2), torch.float32),
        (lambda: np.float32(2) + torch.tensor([1]), torch.float32),
    ],
)
def test_where_numpy_computes_the_dtype_is_numpys(call, dtype):
    with torch.device("cpu"):
        assert call().dtype is dtype


def test_numpys_shape_of_a_tensor_is_a_size():
    assert np.shape(T) == torch.Size([2, 2]) and isinstance(np.shape(T), torch.Size)
    assert [part.tolist() for part in np.array_split(torch.arange(5), 2)] == [[0, 1, 2], [3, 4]]


def test_array_priority_and_array_wrap_are_there():
    assert T.__array_priority__ > np.matrix.__array_priority__
    assert T.__array_wrap__(np.ones(2)).tolist() == [1.0, 1.0]


@pytest.mark.parametrize("name", ["__eq__", "__lt__", "__rmod__", "__rpow__", "__rtruediv__"])
def test_generated_operators_have_names_and_can_be_pickled(name):
    method = getattr(torch.Tensor, name)
    assert (method.__name__, method.__qualname__, method.__module__) == (name, f"Tensor.{name}", "minigrad")
    assert pickle.loads(pickle.dumps(method)) is method


@pytest.mark.cpu("NumPy's memory is shared, which a GPU's tensors have none of")
@pytest.mark.filterwarnings("ignore:Setting the shape")  # newer NumPy prefers reshape
@pytest.mark.parametrize(
    "leave",
    [
        lambda x: x.numpy(),
        lambda x: x.detach().numpy(),
        lambda x: x.numpy(force=True),
        np.asarray,
        lambda x: x.data.numpy(),
    ],
)
def test_an_array_of_a_tensor_has_a_shape_and_flags_of_its_own(leave):
    x = torch.arange(6.0)
    array = leave(x)
    array.shape = (2, 3)
    array[0, 0] = 7
    array.flags.writeable = False
    assert x.shape == (6,) and x.tolist() == [7, 1, 2, 3, 4, 5]
    x.add_(1)
    assert array.tolist() == [[8, 2, 3], [4, 5, 6]] and leave(x).shape == (6,)
