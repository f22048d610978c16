"""Argument checks by decorators: which arguments are tensors, NumPy's keyword spellings, `out=`."""

import numpy as np
import pytest

import minigrad as torch
from minigrad.ops import arguments
from tests.refusals import refusals

X = torch.arange(6.0).reshape(2, 3)
I = torch.tensor([[0, 1, 0]])
CASES = {
    "cat": lambda **d: torch.cat([X, X], **d),
    "concat": lambda **d: torch.concat([X, X], **d),
    "stack": lambda **d: torch.stack([X, X], **d),
    "softmax": lambda **d: torch.softmax(X, **d),
    "log_softmax": lambda **d: torch.log_softmax(X, **d),
    "unsqueeze": lambda **d: torch.unsqueeze(X, **d),
    "squeeze": lambda **d: torch.squeeze(X, **d),
    "chunk": lambda **d: torch.chunk(X, 2, **d),
    "split": lambda **d: torch.split(X, 1, **d),
    "unbind": lambda **d: torch.unbind(X, **d),
    "gather": lambda **d: torch.gather(X, index=I, **d),
    "index_select": lambda **d: torch.index_select(X, index=torch.tensor([1]), **d),
    "repeat_interleave": lambda **d: torch.repeat_interleave(X, 2, **d),
    "narrow": lambda **d: torch.narrow(X, start=0, length=1, **d),
    "take_along_dim": lambda **d: torch.take_along_dim(X, I, **d),
    "scatter_add": lambda **d: torch.scatter_add(X, index=I, src=X, **d),
    "unflatten": lambda **d: torch.unflatten(X, sizes=(1, -1), **d),
    "sum": lambda **d: torch.sum(X, **d),
    "cumsum": lambda **d: torch.cumsum(X, **d),
    "sort": lambda **d: torch.sort(X, **d),
    "method softmax": lambda **d: X.softmax(**d),
    "method unbind": lambda **d: X.unbind(**d),
    "method chunk": lambda **d: X.chunk(2, **d),
    "method index_select": lambda **d: X.index_select(index=torch.tensor([1]), **d),
}


@pytest.mark.parametrize("name", CASES)
def test_axis_is_read_as_dim(name):
    call = CASES[name]
    assert str(call(axis=0)) == str(call(dim=0))


def test_keepdims_is_read_as_keepdim():
    assert torch.sum(X, axis=1, keepdims=True).shape == X.max(axis=1, keepdims=True).values.shape == (2, 1)
    with pytest.raises(TypeError, match="unexpected keyword argument 'axis'"):
        torch.cat([X, X], axis=0, dim=0)


A = [1.0, 2.0]
NO_TENSORS = {
    "the first": (lambda: torch.sum(A), r"sum\(\): argument 'input' \(position 1\) must be Tensor, not list"),
    "by its name": (lambda: torch.sum(input=A), r"sum\(\): argument 'input' \(position 1\) must be Tensor, not list"),
    "the second": (lambda: torch.lerp(X, A, 0.5), r"lerp\(\): argument 'end' \(position 2\) must be Tensor, not list"),
    "the second by its name": (lambda: torch.lerp(X, end=A, weight=0.5), r"'end' \(position 2\) must be Tensor"),
    "under the name it has": (lambda: torch.split(A, 1), r"split\(\): argument 'tensor' \(position 1\) must be Tensor"),
    "of a method": (lambda: X.type_as(A), r"type_as\(\): argument 'other' \(position 2\) must be Tensor"),
}


test_non_tensors_raise = refusals({name: (call, TypeError, message) for name, (call, message) in NO_TENSORS.items()})


def test_a_missing_argument_is_pythons_own_error():
    with pytest.raises(TypeError, match="missing 1 required positional argument: 'input'"):
        torch.sum()


def test_annotations_say_which_arguments_are_tensors():
    def scale(input: "Tensor", other: "Tensor", factor: float) -> "Tensor":  # noqa: F821
        return input * other * factor

    def shift(input: "Tensor", by: float) -> "Tensor":  # noqa: F821
        return input + by

    served = arguments.takes_out(scale)
    out = torch.zeros(2)
    assert served(torch.ones(2), torch.ones(2), 3.0, out=out) is out
    assert out.tolist() == [3.0, 3.0]
    with pytest.raises(TypeError, match="'other'"):
        served(torch.ones(2), 1.0, 3.0)
    with pytest.raises(TypeError, match="unexpected keyword argument 'out'"):
        arguments.of_tensors(shift)(torch.ones(2), 1.0, out=out)
    with pytest.raises(AttributeError, match="'input'"):
        arguments.of_tensors(shift, error=AttributeError)(1.0, 1.0)


@pytest.mark.parametrize("wrong", [1, 0, None, "yes"])
@pytest.mark.parametrize("function", [torch.sum, torch.mean, torch.max, torch.argmax, torch.amax, torch.logsumexp])
def test_keepdim_must_be_a_bool(function, wrong):
    for call in (lambda: function(X, 1, wrong), lambda: function(X, 1, keepdim=wrong)):
        with pytest.raises(TypeError, match=f"argument 'keepdim' must be bool, not {type(wrong).__name__}"):
            call()
    assert repr(function(X, 1, np.True_)) == repr(function(X, 1, keepdim=np.True_)) == repr(function(X, 1, True))


FLAGS = {
    "descending": lambda v: torch.sort(X, descending=v),
    "stable": lambda v: torch.argsort(X, stable=v),
    "largest": lambda v: torch.topk(X, 1, -1, v),
    "sorted": lambda v: torch.topk(X, 1, -1, True, v),
    "unbiased": lambda v: torch.var(X, 1, v),
    "return_inverse": lambda v: torch.unique(X, True, v),
    "as_tuple": lambda v: torch.nonzero(X, as_tuple=v),
    "accumulate": lambda v: torch.index_put(X, (I,), X[:1], v),
    "equal_nan": lambda v: torch.isclose(X, X, equal_nan=v),
    "right": lambda v: torch.bucketize(X, torch.ones(1), right=v),
    "upper": lambda v: torch.linalg.cholesky(torch.eye(2), upper=v),
    "full_matrices": lambda v: torch.linalg.svd(torch.eye(2), v),
    "invert": lambda v: torch.isin(X, X, invert=v),
    "include_self": lambda v: torch.scatter_reduce(X, 0, I, X, "sum", include_self=v),
}


@pytest.mark.parametrize("name", FLAGS)
def test_a_flag_must_be_a_bool(name):
    for wrong in (1, 0, "yes", torch.tensor(True)):
        with pytest.raises(TypeError, match=f"argument '{name}' must be bool, not {type(wrong).__name__}"):
            FLAGS[name](wrong)
    for value in (True, False):
        assert repr(FLAGS[name](np.bool_(value))) == repr(FLAGS[name](value))


def test_flags_of_nn_functional_are_read_as_true_or_false():
    assert torch.nn.functional.relu(X, 1).tolist() == X.tolist()


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ({"image": X}, "not dict; pass one of its values, for example that of 'image'"),
        ({}, "not dict; pass one of its values$"),
        ((X, I), "not tuple; it holds tensors: pass one of its 2 elements, or join them with minigrad.stack"),
        ([1.0], r"not list; wrap it with minigrad.tensor"),
    ],
)
def test_a_collection_in_place_of_a_tensor_is_refused_with_advice(given, message):
    with pytest.raises(TypeError, match=message):
        torch.nn.functional.relu(given)
