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


REFUSED = {
    "a length by name": (lambda: X.size("a"), TypeError, r"^size\(\): argument 'dim' .* must be int, not str 'a'"),
    "a stride by name": (lambda: X.stride("a"), TypeError, r"^stride\(\): argument 'dim' .* must be int, not str"),
    "a length beyond": (lambda: X.size(2), IndexError, r"^Dimension out of range .*: size\(\) of a tensor of"),
    "a length of one number": (lambda: torch.tensor(1.0).size(0), IndexError, "tensor has no dimensions"),
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


@pytest.mark.filterwarnings("error")
def test_no_advice_is_given_on_a_conversion_that_is_refused():
    torch.advice.enable()
    with pytest.raises(ValueError, match="only one element tensors can be converted to Python scalars"):
        float(X.clone().requires_grad_())


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


# ---- NumPy's functions on tensors -----------------------------------------------------------------


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
    assert type(seen) is Image and w.grad.tolist() == [0.5, 0.5] and type(seen.darker()) is Image
    assert type(torch.Tensor(torch.nn.Parameter(torch.ones(1)))) is torch.Tensor
    with pytest.raises(TypeError, match="must be a type that derives from Tensor, got int"):
        w.as_subclass(int)


def test_functions_are_pickled_by_their_public_names():
    for name in ("true_divide", "div", "add"):
        function = getattr(torch, name)
        assert pickle.loads(pickle.dumps(function)) is function


def test_array_priority_and_array_wrap_are_there():
    assert X.__array_priority__ > np.matrix.__array_priority__
    assert X.__array_wrap__(np.ones(2)).tolist() == [1.0, 1.0]


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
