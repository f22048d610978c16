"""The parameters and buffers of lazy layers, before they have a shape."""

import copy
import pickle

import pytest

import minigrad as torch
from minigrad import nn
from tests.any_device import without_device


def test_an_uninitialized_parameter_knows_its_dtype_and_no_shape():
    p = nn.UninitializedParameter(dtype=torch.float64)
    assert p.dtype == torch.float64 and p.device.type == torch.get_default_device().type
    assert p.requires_grad and p.is_leaf and p.grad is None
    assert isinstance(p, nn.Parameter)
    assert without_device(repr(p)) == "<UninitializedParameter>"
    assert repr(nn.UninitializedBuffer()) == "<UninitializedBuffer>"
    with pytest.raises(RuntimeError, match="Can't access the shape of an uninitialized parameter"):
        p.shape  # noqa: B018
    with pytest.raises(RuntimeError, match=r"uninitialized buffer.*net\(X\)"):
        nn.UninitializedBuffer().shape  # noqa: B018


@pytest.mark.parametrize("use", [lambda p: p + 1, lambda p: p.sum(), lambda p: p.clone(), torch.exp])
def test_operations_refuse_an_uninitialized_parameter(use):
    with pytest.raises(ValueError, match="Attempted to use an uninitialized parameter") as refused:
        use(nn.UninitializedParameter())
    assert "Call the module with one batch first" in str(refused.value)


def test_nn_parameter_has_the_uninitialized_classes():
    from minigrad.nn.parameter import UninitializedBuffer, UninitializedParameter

    assert UninitializedParameter is nn.UninitializedParameter and UninitializedBuffer is nn.UninitializedBuffer
    with pytest.raises(AttributeError, match=r"module 'minigrad.nn.parameter' has no attribute 'Uninit'"):
        nn.parameter.Uninit  # noqa: B018


def test_materialize_keeps_the_object():
    p = nn.UninitializedParameter(dtype=torch.float64)
    held = [p]
    p.materialize((2, 3))
    assert type(p) is nn.Parameter and held[0] is p
    assert p.shape == (2, 3) and p.dtype == torch.float64 and p.requires_grad
    (p * 0 + 1).sum().backward()
    assert p.grad.shape == (2, 3)
    b = nn.UninitializedBuffer()
    b.materialize((4,), dtype=torch.float64)
    assert type(b) is torch.Tensor and b.dtype == torch.float64 and not b.requires_grad


@pytest.mark.parametrize("duplicate", [copy.deepcopy, lambda p: pickle.loads(pickle.dumps(p))])
def test_an_uninitialized_parameter_can_be_copied_frozen_and_converted(duplicate):
    p = nn.UninitializedParameter(dtype=torch.float64)
    q = duplicate(p.requires_grad_(False))
    assert type(q) is nn.UninitializedParameter and q.dtype == torch.float64
    assert not q.requires_grad
    layer = nn.LazyLinear(2).double()
    assert layer.weight.dtype == torch.float64
    assert layer(torch.ones(1, 3, dtype=torch.float64)).dtype == torch.float64
