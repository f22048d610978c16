"""NumPy's functions on tensors."""

import numpy as np
import pytest

import minigrad as torch

T, V = torch.tensor([[0.5, 2.0], [3.0, -1.0]]), torch.tensor([0.5, 2.0, -1.0])


def test_numpys_functions_read_a_tensor():
    x = torch.arange(6.0).reshape(2, 3).cpu()
    assert np.shares_memory(np.asarray(x), x.numpy())
    assert np.asarray(x, dtype=np.float64).dtype == np.float64
    assert isinstance(np.exp(x), torch.Tensor) and type(np.concatenate([x, x])) is np.ndarray
    np.testing.assert_array_equal(np.percentile(x, 50), 2.5)  # no twin here: NumPy's own answer
    np.testing.assert_array_equal(np.add.reduce(x), [3, 5, 7])


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
    "take from the end": (lambda: np.take(V, [0, -1]), [0.5, -1.0]),
    "take one": (lambda: np.take(V, -3), 0.5),
    "take columns": (lambda: np.take(T, [-1, 0], axis=-1), [[2.0, 0.5], [-1.0, 3.0]]),
    "take in rounds": (lambda: np.take(V, [4], mode="wrap"), [2.0]),
    "repeat each": (lambda: np.repeat(T, [1, 2], axis=1), [[0.5, 2.0, 2.0], [3.0, -1.0, -1.0]]),
    "reshape by columns": (lambda: np.reshape(T, -1, order="F"), [0.5, 3.0, 2.0, -1.0]),
    "cumsum to another type": (lambda: np.cumsum(torch.tensor([1, 2]), dtype=np.float64), [1.0, 3.0]),
    "clip by an array": (lambda: np.clip(V, V * 0, np.array([1.0, 1.0, 1.0])), [0.5, 1.0, 0.0]),
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


@pytest.mark.parametrize(
    "call",
    [
        lambda out: np.clip(V, 0.0, 1.0, out=out), lambda out: np.cumsum(V, out=out),
        lambda out: np.take(V, [0, 1, 1], out=out), lambda out: np.round(V, out=out),
    ],
)  # fmt: skip
def test_numpy_functions_write_to_an_array_and_to_no_tensor(call):
    out = np.zeros(3, np.float32)
    result = call(out)
    assert result.tolist() == out.tolist() != [0.0, 0.0, 0.0]
    with pytest.raises(TypeError, match=r"return arrays must be of ArrayType: NumPy writes into arrays, such as out=x"):
        call(torch.zeros(3))


def test_numpys_ufuncs_and_other_functions_write_to_no_tensor():
    for call in (lambda out: np.add(V, 1.0, out=out), lambda out: np.median(T, axis=0, out=out)):
        with pytest.raises(TypeError, match="return arrays must be of ArrayType"):
            call(torch.zeros(3))


@pytest.mark.cpu("a GPU's places are not looked at")
def test_numpys_take_refuses_places_that_are_not_there():
    for place in (3, -4):
        with pytest.raises(IndexError, match=f"index {place} is out of bounds for dimension 0 with size 3"):
            np.take(V, [place])


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


def test_a_numpy_number_on_the_left_counts_as_the_python_number():
    for number in (np.float64(1e6), np.float32(1e6), np.int32(10**6)):
        half = torch.tensor([1.0, 0.0], dtype=torch.float16)
        assert (number * half).tolist() == (half * number).tolist() == [float("inf"), 0.0]  # the number in float32
    assert (np.float64(1e-9) / torch.tensor([1.0, 0.0], dtype=torch.float16)).tolist() == [0.0, float("inf")]
    zero = torch.tensor(0, dtype=torch.float16)
    assert np.float64(1e-9) == zero and not np.float64(1e-9) > zero  # it is 0 in float16, as PyTorch compares it
    for ours, value in (
        (np.int64(7) // torch.tensor(2), 3), (np.int64(7) % torch.tensor(4), 3), (np.int64(2) ** torch.tensor(5), 32),
        (np.int64(7) - torch.tensor(4), 3), (np.int64(6) & torch.tensor(3), 2), (np.int64(6) | torch.tensor(3), 7),
        (np.int64(6) ^ torch.tensor(3), 5), (np.int64(6) << torch.tensor(3), 48), (np.int64(6) >> torch.tensor(1), 3),
        (np.int64(1) < torch.tensor(2), True), (np.int64(2) <= torch.tensor(1), False),
        (np.int64(2) >= torch.tensor(2), True), (np.int64(2) > torch.tensor(2), False),
        (np.int64(2) != torch.tensor(2), False),
    ):  # fmt: skip
        assert ours.item() == value
