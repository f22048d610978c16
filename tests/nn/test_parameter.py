"""Parameters and buffers."""

import copy
import pickle

import numpy as np
import pytest

import minigrad as torch
from minigrad import nn
from tests.any_device import share_memory, without_device


def test_a_parameter_is_a_leaf_that_shares_its_data():
    data = torch.ones(2)
    p = nn.Parameter(data)
    assert isinstance(p, torch.Tensor) and type(p) is nn.Parameter
    assert p.requires_grad and p.is_leaf and p.grad is None
    assert share_memory(p, data)
    assert not nn.Parameter(data, requires_grad=False).requires_grad
    assert nn.Parameter().shape == (0,)
    assert type(p * 2) is torch.Tensor  # results are no parameters
    assert without_device(repr(p)) == "Parameter containing:\ntensor([1., 1.], requires_grad=True)"


def test_a_parameter_of_a_result_is_detached():
    made = torch.ones(2, requires_grad=True) * 2
    assert nn.Parameter(made).is_leaf


def test_integers_may_be_parameters_without_gradient():
    assert nn.Parameter(torch.zeros(2, dtype=torch.int64), False).dtype == torch.int64
    with pytest.raises(RuntimeError, match="floating point"):
        nn.Parameter(torch.zeros(2, dtype=torch.int64))


@pytest.mark.parametrize(
    ("data", "hint"), [([1.0, 2.0], r"minigrad.tensor\(\[1.0, 2.0\]\)"), (np.ones(2), "minigrad.from_numpy")]
)
def test_non_tensors_raise_and_suggest_how_to_make_one(data, hint):
    with pytest.raises(AttributeError, match=r"nn.Parameter expects a Tensor.*" + hint):
        nn.Parameter(data)


def test_copies_are_parameters_without_grad():
    p = nn.Parameter(torch.arange(3.0))
    (p * 2).sum().backward()
    for q in (copy.deepcopy(p), pickle.loads(pickle.dumps(p))):
        assert type(q) is nn.Parameter and q.requires_grad and q.grad is None
        assert q.tolist() == p.tolist()
        assert not share_memory(q, p)
    twice = copy.deepcopy([p, p])
    assert twice[0] is twice[1]
    assert not copy.deepcopy(nn.Parameter(torch.ones(1), False)).requires_grad
    assert copy.deepcopy(nn.Parameter(torch.ones(2, 3).t())).stride() == (1, 3)


def test_a_buffer_is_a_tensor_with_a_persistent_flag():
    b = nn.Buffer(torch.ones(2), persistent=False)
    assert isinstance(b, torch.Tensor) and not b.requires_grad and b.persistent is False
    assert nn.Buffer().shape == (0,)
    assert copy.deepcopy(nn.BatchNorm1d(2)).running_mean.tolist() == [0.0, 0.0]


def test_a_buffer_asks_for_a_gradient_if_its_data_does():
    data = torch.ones(2, requires_grad=True)
    buffer = nn.Buffer(data * 2)
    assert buffer.requires_grad and buffer.is_leaf and not nn.Buffer(data.detach()).requires_grad
    (nn.Buffer(data) * 3).sum().backward()
    assert data.grad is None


def test_a_parameter_of_an_own_class_shows_both_names():
    class Scale(nn.Parameter):
        pass

    text = without_device(repr(Scale(torch.ones(2))))
    assert text == "Parameter containing:\nParameter(Scale([1., 1.], requires_grad=True))"


def test_a_class_of_parameters_may_have_a_constructor_of_its_own():
    """As in PyTorch, `Parameter` is made by `__new__` alone: the `__init__` that a class inherits is Python's."""

    class Tagged(nn.Parameter):
        def __new__(cls, data, tag):
            return super().__new__(cls, data)

        def __init__(self, data, tag):
            super().__init__()
            self.tag = tag

    made = Tagged(torch.ones(2), "first")
    assert made.tag == "first" and made.requires_grad and made.is_leaf
    assert nn.Parameter.__init__ is object.__init__ is nn.Buffer.__init__


def test_a_copied_parameter_is_made_by_its_class():
    class Tagged(nn.Parameter):
        def __new__(cls, data=None, requires_grad=True, tag="usual"):
            made = super().__new__(cls, data, requires_grad)
            made.tag = tag
            return made

    network = nn.Module()
    network.scale = network.same = Tagged(torch.ones(2), False, "own")
    copied = copy.deepcopy(network)
    assert copied.scale is copied.same and type(copied.scale) is Tagged and copied.scale.tag == "usual"  # as in PyTorch
    assert not copied.scale.requires_grad
