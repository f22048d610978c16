"""Gradients are clipped by their norm, or by their values."""

import math

import numpy as np
import pytest

import minigrad as torch
from minigrad import nn


def make_parameters(*gradients):
    parameters = [nn.Parameter(torch.zeros(len(g))) for g in gradients]
    for parameter, gradient in zip(parameters, gradients, strict=True):
        parameter.grad = torch.tensor(gradient)
    return parameters


def test_the_norm_is_clipped_over_all_gradients_together():
    parameters = make_parameters([3.0, 0.0], [4.0])
    total = nn.utils.clip_grad_norm_(parameters, 1.0)
    assert total.item() == 5.0
    clipped = np.concatenate([p.grad.numpy() for p in parameters])
    np.testing.assert_allclose(clipped, [0.6, 0.0, 0.8], rtol=1e-6)
    assert nn.utils.clip_grad_norm_(parameters, 10.0).item() == pytest.approx(1.0, rel=1e-6)
    np.testing.assert_allclose(parameters[0].grad.numpy(), [0.6, 0.0], rtol=1e-6)  # below the limit nothing changes


@pytest.mark.parametrize(("order", "norm"), [(1, 7.0), (2, 5.0), (math.inf, 4.0)])
def test_the_norm_may_have_any_order(order, norm):
    parameters = make_parameters([3.0], [-4.0])
    assert nn.utils.clip_grad_norm_(parameters, 100.0, norm_type=order).item() == pytest.approx(norm)


def test_the_order_may_be_a_word_and_a_used_up_generator_is_told():
    layer = nn.Linear(2, 1)
    layer(torch.tensor([3.0, -4.0])).backward()
    assert nn.utils.clip_grad_norm_(layer.parameters(), 100.0, "inf").item() == 4.0
    with pytest.raises(ValueError, match="could not convert string to float"):
        nn.utils.get_total_norm([torch.ones(2)], "a")
    parameters = layer.parameters()
    list(parameters)
    with pytest.warns(UserWarning, match="clip_grad_norm_: `parameters` is an empty generator, nothing is clipped"):
        nn.utils.clip_grad_norm_(parameters, 1.0)


def test_clip_grad_norm_takes_one_tensor_an_iterator_or_nothing():
    (parameter,) = make_parameters([3.0, 4.0])
    assert nn.utils.clip_grad_norm_(parameter, 1.0).item() == 5.0
    assert nn.utils.clip_grad_norm_([nn.Parameter(torch.ones(1))], 1.0).item() == 0.0
    assert nn.utils.clip_grad_norm_([], 1.0).item() == 0.0
    assert nn.utils.clip_grad_norm_((p for p in make_parameters([3.0, 4.0])), 1.0).item() == 5.0


def test_a_norm_that_is_not_finite_raises_if_asked():
    parameters = make_parameters([math.inf])
    with pytest.raises(RuntimeError, match=r"order 2.0 .* is non-finite \(inf\)"):
        nn.utils.clip_grad_norm_(parameters, 1.0, error_if_nonfinite=True)
    assert nn.utils.clip_grad_norm_(make_parameters([math.inf]), 1.0).item() == math.inf


def test_clipping_takes_a_limit_that_is_part_of_a_graph():
    limit = torch.tensor([1.0], requires_grad=True)
    (w,) = parameters = make_parameters([3.0, 4.0])
    nn.utils.clip_grad_norm_(parameters, limit)
    assert w.grad.tolist() == pytest.approx([0.6, 0.8])
    nn.utils.clip_grads_with_norm_(parameters, limit, torch.tensor(2.0))
    assert w.grad.tolist() == pytest.approx([0.3, 0.4])
    nn.utils.clip_grad_value_(parameters, limit[0] / 5)
    assert w.grad.tolist() == pytest.approx([0.2, 0.2])
    assert limit.grad is None


def test_clip_grad_value_clips_each_value():
    parameters = make_parameters([3.0, -0.5], [-4.0])
    nn.utils.clip_grad_value_(parameters, 1)
    assert [p.grad.tolist() for p in parameters] == [[1.0, -0.5], [-1.0]]


def test_gradients_are_scaled_to_a_norm_that_is_given():
    parameters = make_parameters([3.0], [4.0])
    nn.utils.clip_grads_with_norm_(parameters, 1.0, torch.tensor(5.0))
    np.testing.assert_allclose([p.grad.item() for p in parameters], [0.6, 0.8], rtol=1e-6)
    nn.utils.clip_grads_with_norm_(parameters, 2.0, torch.tensor(1.0))  # it is below already
    np.testing.assert_allclose([p.grad.item() for p in parameters], [0.6, 0.8], rtol=1e-6)


@pytest.mark.parametrize(
    ("name", "limit", "rest"),
    [
        ("clip_grad_norm_", "max_norm", ()),
        ("clip_grads_with_norm_", "max_norm", (torch.tensor(1.0),)),
        ("clip_grad_value_", "clip_value", ()),
    ],
)
def test_a_limit_that_is_no_number_is_refused(name, limit, rest):
    with pytest.raises(
        ValueError, match=rf"^could not convert string to float: 'a': {name}\(\) takes a number as {limit}"
    ):
        getattr(nn.utils, name)(make_parameters([1.0]), "a", *rest)
    with pytest.raises(TypeError, match=rf"^{name}\(\): argument '{limit}' must be a number, not NoneType None"):
        getattr(nn.utils, name)(make_parameters([1.0]), None, *rest)
    for given, hint in ((1.0, "parameters come first"), (nn.Linear(1, 1), r"write .parameters\(\)")):
        with pytest.raises(TypeError, match=f"^'{type(given).__name__}' object is not iterable: {name}.*{hint}"):
            getattr(nn.utils, name)(given, 1.0, *rest)
    with pytest.raises(AttributeError, match=r"it is a name with its tensor.*pass the tensor alone"):
        getattr(nn.utils, name)(nn.Linear(1, 1).named_parameters(), 1.0, *rest)


def test_the_old_name_clips_and_warns():
    parameters = make_parameters([3.0], [4.0])
    with pytest.warns(FutureWarning, match="clip_grad_norm` is now deprecated in favor of"):
        assert nn.utils.clip_grad_norm(parameters, 1.0).item() == 5.0
    np.testing.assert_allclose([p.grad.item() for p in parameters], [0.6, 0.8], rtol=1e-6)
