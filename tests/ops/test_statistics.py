"""Variance and its gradient, and the weights that covariance refuses."""

import math

import numpy as np
import pytest

import minigrad as torch

VECTOR = torch.tensor([1.0, 2.0, 3.0])


@pytest.mark.parametrize(
    ("call", "words"),
    [
        (lambda: torch.cov(VECTOR, fweights=torch.ones(3)), "expected fweights to have integral dtype but got"),
        (lambda: torch.cov(VECTOR, aweights=torch.tensor([1, 2, 3])), "expected aweights to have floating point dtype"),
        (lambda: torch.cov(VECTOR, aweights=torch.tensor([1.0, -1.0, 2.0])), "aweights cannot be negative, got -1"),
        (lambda: torch.cov(VECTOR, fweights=torch.tensor([1, 2])), "observations in the input but got 2 != 3"),
        (lambda: torch.cov(VECTOR, fweights=torch.tensor([[1, 2, 3]])), "one or fewer dimensions but got 2"),
        (lambda: torch.cov(VECTOR, fweights=torch.tensor([0, 0, 0])), "weights sum to zero"),
        (lambda: torch.cov(torch.tensor([True, False])), "bool dtype is not supported"),
        (lambda: torch.bincount(torch.tensor([1, 1]), weights=torch.ones(1)), r"got \(1,\) for \(2,\)"),
        (lambda: torch.dist(torch.tensor([1]), torch.tensor([3])), "should be either floating point or complex"),
        (lambda: torch.cartesian_prod(torch.tensor([1]), torch.tensor([2.0])), "same dtype, but got float32, int64"),
        (lambda: torch.addr(torch.ones(1, 1), torch.ones(1), torch.ones(1), alpha=True), "Boolean alpha only"),
        (
            lambda: torch.addr(torch.tensor([[1]]), torch.tensor([1]), torch.tensor([1]), beta=0.5),
            "argument beta must not be a floating point number: addr got 0.5",
        ),
    ],
)
def test_wrong_arguments_raise(call, words):
    with pytest.raises(RuntimeError, match=words):
        call()


def test_the_correction_of_a_covariance_is_an_int():
    for wrong in (True, 1.0, None):
        with pytest.raises(TypeError, match="argument 'correction' must be an int"):
            torch.cov(VECTOR, correction=wrong)


@pytest.mark.cpu("on a GPU the squares of singles are singles")
@pytest.mark.parametrize("count", [3, 60])
def test_the_std_of_float32_whose_squares_overflow(count):
    x = torch.tensor([1e30, -1e30, 5e29]).repeat(count // 3).requires_grad_()
    expected = np.std(x.detach().double().numpy(), ddof=1)
    for found in (x.std(), torch.std_mean(x)[0], x.std(0, keepdim=True)):
        assert found.item() == pytest.approx(expected, rel=1e-6)
    assert x.var().item() == float("inf")
    assert torch.full((count, 2), 1e30).std(0).tolist() == [0.0, 0.0]
    x.std().backward()
    off = x.detach().double().numpy() - x.detach().double().numpy().mean()
    np.testing.assert_allclose(x.grad.numpy(), off / expected / (count - 1), rtol=1e-5)


def test_the_slope_of_the_variance_of_one_infinity_is_nan():
    for x in (torch.tensor(-torch.inf, requires_grad=True), torch.tensor([torch.inf], requires_grad=True)):
        with pytest.warns(UserWarning, match="degrees of freedom"):
            x.var().backward()
        assert x.grad.isnan().all()


def test_unbiased_and_a_correction_exclude_each_other_even_where_that_is_none():
    with pytest.raises(TypeError, match=r"std\(\) takes unbiased or correction, not both: got True and None"):
        torch.std(torch.ones(3), unbiased=True, correction=None)
    assert torch.std(torch.arange(3.0), correction=None).item() == torch.arange(3.0).std(unbiased=True).item() == 1


def test_var_and_std_are_numpys_in_every_spelling():
    x = np.array([[1.0, 2.0, 4.0], [0.0, 5.0, 5.0]])
    t = torch.from_numpy(x)
    np.testing.assert_allclose(t.var().item(), x.var(ddof=1))
    np.testing.assert_allclose(t.var(False).item(), x.var())
    np.testing.assert_allclose(t.var(1, unbiased=False).numpy(), x.var(1))
    np.testing.assert_allclose(t.std(0, correction=0, keepdim=True).numpy(), x.std(0, keepdims=True))
    with pytest.warns(UserWarning, match=r"var\(\): degrees of freedom is <= 0: the spread of 1 values"):
        assert math.isnan(torch.ones(1).var().item())


def test_the_gradient_of_a_deviation_of_zero_is_zero():
    x = torch.ones(3, requires_grad=True)
    (x.std() + x.norm() * 0).backward()
    assert x.grad.tolist() == [0.0, 0.0, 0.0]


@pytest.mark.cpu("a GPU adds in float32")
@pytest.mark.parametrize("dtype", [torch.float16, torch.float32, torch.float64])
def test_equal_numbers_have_no_variance(dtype):
    for count in range(2, 60):  # 0.1 has no exact mean: the sum of some of them, divided by their number, is another
        x = torch.full((count, 3), 0.1, dtype=dtype, requires_grad=True)
        for found in (x.var(0), x.std(0), x.t().contiguous().std(1), x.var(), x.std()):
            assert not found.any()
        assert not torch.autograd.grad(x.std(0).sum(), x)[0].any()


@pytest.mark.cpu("a GPU adds in float32")
@pytest.mark.parametrize("base", [1e5, 1e7, 3e7])
def test_var_of_float32_numbers_far_from_0_is_exact(base):
    x = torch.tensor([base + 4 * k for k in (-3, 0, 1, 1, 2, 3, 3)] * 9)  # the mean is no float32 number
    exact = x.double().var().item()
    assert x.var().item() == pytest.approx(exact, rel=1e-6)
    assert x.reshape(1, -1).var(1).item() == pytest.approx(exact, rel=1e-6)
    assert x.reshape(-1, 1).std(0).item() == pytest.approx(exact**0.5, rel=1e-6)
    assert torch.full((10,), 1e20).std().item() == 0.0
