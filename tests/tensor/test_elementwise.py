"""The operators of `Tensor`, which are generated."""

import operator as operators
import pickle
import re

import pytest

import minigrad as torch


@pytest.mark.parametrize(
    "name", ["__eq__", "__lt__", "__add__", "__rmul__", "__rmod__", "__pow__", "__rpow__", "__rtruediv__"]
)
def test_generated_operators_have_names_and_can_be_pickled(name):
    method = getattr(torch.Tensor, name)
    assert (method.__name__, method.__qualname__, method.__module__) == (name, f"Tensor.{name}", "minigrad")
    assert pickle.loads(pickle.dumps(method)) is method


@pytest.mark.parametrize("name", ["__iadd__", "__imul__", "__itruediv__", "__iand__", "__irshift__"])
def test_operators_in_place_can_be_pickled(name):
    method = getattr(torch.Tensor, name)
    assert pickle.loads(pickle.dumps(method)) is method


class Answers:
    """An operand of another library, which computes with tensors itself."""

    def __radd__(self, x):
        return "radd", x.shape

    __rsub__ = __rmul__ = __rtruediv__ = __rfloordiv__ = __rmod__ = __rand__ = __ror__ = __rmatmul__ = __rpow__ = (
        __radd__
    )


@pytest.mark.parametrize(
    "operator", ["add", "sub", "mul", "truediv", "floordiv", "mod", "and_", "or_", "matmul", "pow"]
)
def test_an_operand_that_no_tensor_knows_is_asked_next(operator):
    for x in (torch.ones(2), torch.ones(2, dtype=torch.int64)):
        assert getattr(operators, operator)(x, Answers()) == ("radd", (2,))
        with pytest.raises(TypeError, match=r"unsupported operand type.*object"):
            getattr(operators, operator)(x, object())
    with pytest.raises(TypeError, match="must be Tensor, not"):
        torch.add(x, Answers())  # a function asks nobody
    with pytest.raises(TypeError, match=r"unsupported operand type\(s\) for \*\* or pow\(\): 'Tensor' and 'Answers'"):
        x.pow(Answers())


@pytest.mark.parametrize("symbol", ["+", "-", "*", "/", "//", "%", "&", "|", "^", "<<", ">>"])
def test_an_operator_in_place_is_named_where_the_other_operand_is_no_tensor(symbol):
    values = {"x": torch.ones(2, dtype=torch.int64), "other": None}
    words = f"unsupported operand type(s) for {symbol}=: 'Tensor' and 'NoneType'; a function without a return"
    for target in ("x", "x[0]"):
        with pytest.raises(TypeError, match=re.escape(words)):
            exec(f"{target} {symbol}= other", values)
    assert values["x"].tolist() == [1, 1]


def test_an_operand_that_no_tensor_knows_answers_an_operator_in_place():
    for write in (operators.isub, operators.ipow):
        assert write(torch.ones(2), Answers()) == ("radd", (2,))


def test_the_reflected_operators_are_methods_of_a_tensor():
    with pytest.raises(TypeError, match=r"reflected //\(\): argument 'self' \(position 1\) must be Tensor, not int"):
        torch.Tensor.__rfloordiv__(3, 2)


def test_a_list_takes_the_elements_of_a_tensor_in_place():
    losses = [0.5]
    losses += torch.tensor([1.0, 2.0])
    assert losses == [0.5, 1.0, 2.0]
    with pytest.raises(TypeError, match="can only concatenate list"):
        losses + torch.ones(2)
    for words in ("a", (1, 2)):
        with pytest.raises(TypeError, match=r"unsupported operand type.*(str|tuple)"):
            words + torch.ones(2)
    with pytest.raises(TypeError, match="a function without a return statement gives None"):
        torch.ones(2) + None
