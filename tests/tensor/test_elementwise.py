"""The operators of `Tensor`, which are generated."""

import pickle

import pytest

import minigrad as torch


@pytest.mark.parametrize("name", ["__eq__", "__lt__", "__rmod__", "__rpow__", "__rtruediv__"])
def test_generated_operators_have_names_and_can_be_pickled(name):
    method = getattr(torch.Tensor, name)
    assert (method.__name__, method.__qualname__, method.__module__) == (name, f"Tensor.{name}", "minigrad")
    assert pickle.loads(pickle.dumps(method)) is method
