"""`torch.special`: its names, and the functions that only it has."""

import math

import numpy as np
import pytest
from scipy import special

import minigrad as torch
from minigrad.autograd import gradcheck, gradgradcheck

X = torch.tensor([[-2.0, -0.3, 0.4], [0.9, 1.7, 3.1]]).double()


SCIPYS = ["entr", "ndtr", "erf", "erfc", "erfcx", "log_ndtr", "expit", "gammaln", "psi", "exp2", "log1p", "sinc"]


@pytest.mark.parametrize("name", SCIPYS)
def test_values_are_scipys(name):
    x = X.abs() if name == "log1p" else X
    theirs = np.sinc if name == "sinc" else getattr(special, name)
    np.testing.assert_allclose(getattr(torch.special, name)(x).numpy(), theirs(x.numpy()), rtol=1e-12)


def test_entr_is_0_at_0_and_minus_infinity_below():
    x = torch.tensor([0.0, -1.0, torch.nan, torch.inf, 1.0])
    np.testing.assert_array_equal(torch.special.entr(x).numpy(), [0, -np.inf, np.nan, -np.inf, 0])


def test_xlog1py_is_scipys_and_passes_gradgradcheck():
    x, y = X.requires_grad_(), X.detach().abs().requires_grad_()
    found = torch.special.xlog1py(x, y)
    np.testing.assert_allclose(found.detach().numpy(), special.xlog1py(x.detach().numpy(), y.detach().numpy()))
    assert gradcheck(torch.special.xlog1py, (x, y)) and gradgradcheck(torch.special.xlog1py, (x, y))
    assert torch.special.xlog1py(torch.zeros(2), torch.tensor([-1.0, torch.nan])).nan_to_num(5.0).tolist() == [0.0, 5.0]


def test_all_names_are_there_and_a_missing_one_is_named():
    assert all(callable(getattr(torch.special, name)) for name in torch.special.__all__)
    with pytest.raises(AttributeError, match=r"PyTorch has torch.special.airy_ai, minigrad does not"):
        _ = torch.special.airy_ai


def test_the_second_derivative_of_sinc_at_0_is_that_of_its_series():
    x = torch.zeros(1, dtype=torch.float64, requires_grad=True)
    (slope,) = torch.autograd.grad(torch.special.sinc(x), x, create_graph=True)
    assert slope.item() == 0
    torch.testing.assert_close(torch.autograd.grad(slope, x)[0].item(), -(np.pi**2) / 3)


def test_ldexp_multiplies_by_powers_of_2():
    x = torch.tensor([1.0, 0.0, 3.0], dtype=torch.float64, requires_grad=True)
    y = torch.ldexp(x, torch.tensor([200, 2**31 - 1, -2000], dtype=torch.int32))
    assert y.tolist() == [2.0**200, 0.0, 0.0]
    y[0].backward()
    assert x.grad.tolist() == [2.0**200, 0.0, 0.0]
    assert torch.ldexp(torch.tensor([1.0]).half(), torch.tensor([3])).dtype is torch.float16
    assert torch.autograd.gradgradcheck(lambda x: torch.ldexp(x, torch.tensor([1, -2, 3])), x)
    with pytest.raises(NotImplementedError, match="\"ldexp\" not implemented for 'Bool'"):
        torch.ldexp(x, x > 0)
    with pytest.raises(RuntimeError, match=r"ldexp got shapes \(3,\) and \(2,\)"):
        torch.ldexp(x, torch.ones(2).long())


def test_logit_with_a_negative_eps_is_not_clamped():
    x = torch.tensor([0.5, 2.0], requires_grad=True)
    torch.logit(x, eps=-1).sum().backward()
    assert x.grad[0] == 4 and x.grad[1].isnan()


def test_heaviside_is_recorded_and_has_no_derivative():
    x = torch.ones(2, requires_grad=True)
    y = torch.heaviside(x, torch.zeros(2))
    assert y.requires_grad
    with pytest.raises(RuntimeError, match="derivative for heaviside is not implemented"):
        y.sum().backward()


def test_the_gradient_of_nextafter_is_1_unless_the_operands_are_equal():
    x, y = torch.tensor([1.0, 2.0], requires_grad=True), torch.tensor([0.0, 2.0], requires_grad=True)
    torch.nextafter(x, y).backward(torch.tensor([3.0, 4.0]))
    assert x.grad.tolist() == [3, 0] and y.grad.tolist() == [0, 0]


# ---- the tail of the normal distribution ----------------------------------------------------------
@pytest.mark.parametrize(("dtype", "exact"), [(np.float64, 1e-14), (np.float32, 6e-7)])
def test_erfc_is_exact_where_it_is_small(dtype, exact):
    x = np.linspace(1, 9 if dtype is np.float32 else 26, 2000).astype(dtype)
    expected = [math.erfc(v) for v in x]
    np.testing.assert_allclose(torch.erfc(torch.tensor(x)).numpy(), expected, rtol=exact)
    denormal = torch.erfc(torch.tensor([9.5, 10.0, 10.05, 11.0])).double() / 2.0**-149
    expected = [math.erfc(v) * 2.0**149 for v in np.float32([9.5, 10.0, 10.05, 11.0]).tolist()]
    assert denormal.tolist() == [round(v) for v in expected]


def test_the_scaled_complement_is_scipys_from_overflow_to_infinity():
    x = np.array([-27.0, -26.0, -5.0, -1.0, -0.5, 0.0, 0.99, 1.0, 5.0, 27.9, 28.1, 50.0, 1e10, 1e200, -np.inf, np.inf])
    found = torch.special.erfcx(torch.tensor(x)).numpy()
    np.testing.assert_allclose(found, special.erfcx(x), rtol=1e-13)
    assert torch.special.erfcx(torch.tensor([0, 1])).dtype == torch.float32


def test_log_ndtr_is_scipys_where_ndtr_is_0_or_1():
    x = np.array([-1e5, -300.0, -38.0, -1.1, -0.9, 0.0, 1.0, 1.5, 8.0, 25.0, 40.0, -np.inf, np.inf])
    np.testing.assert_allclose(torch.special.log_ndtr(torch.tensor(x)).numpy(), special.log_ndtr(x), rtol=1e-13)


def test_ndtri_is_scipys_from_the_smallest_chance_to_1():
    p = np.array([1e-300, 1e-30, 0.01, 0.3, 0.5, 0.7, 0.999, 1 - 1e-15, 0.0, 1.0, -0.1, 1.1, np.nan])
    np.testing.assert_allclose(torch.special.ndtri(torch.tensor(p)).numpy(), special.ndtri(p), rtol=1e-13)


@pytest.mark.parametrize("name", ["erfcx", "log_ndtr", "ndtri"])
def test_three_derivatives_of_the_normal_distributions_functions_are_right(name):
    function, x = getattr(torch.special, name), torch.tensor([-3.0, -1.2, -0.5, 0.1, 0.9, 2.0]).double()
    x = (x.sigmoid() if name == "ndtri" else x).requires_grad_()

    def slope(x):
        return torch.autograd.grad(function(x).sum(), x, create_graph=True)[0]

    assert gradcheck(function, x) and gradcheck(slope, x) and gradgradcheck(slope, x)


def test_the_slopes_of_log_ndtr_far_out_are_their_limits():
    x = torch.tensor([-1e3, 50.0, torch.inf], dtype=torch.float64, requires_grad=True)
    (slope,) = torch.autograd.grad(torch.special.log_ndtr(x).sum(), x, create_graph=True)
    torch.testing.assert_close(slope.tolist(), [1000.000999998, 0.0, 0.0])
    torch.testing.assert_close(torch.autograd.grad(slope[:2].sum(), x)[0].tolist()[:2], [-1 + 1e-6, 0.0])


def test_the_angle_of_a_real_number_is_0_or_pi_and_flat():
    x = torch.tensor([-np.inf, -1.0, -0.0, 0.0, 2.0, np.nan], requires_grad=True)
    np.testing.assert_array_equal(x.angle().detach().numpy(), np.float32([np.pi, np.pi, 0, 0, 0, np.nan]))
    x.angle().sum().backward()
    assert x.grad.tolist() == [0.0] * 6
    assert torch.angle(torch.tensor([1, -1])).dtype == torch.float32


@pytest.mark.parametrize(("x", "y", "value"), [  # recorded with PyTorch: the power is rounded to the dtype of y ...
    ((1.3, torch.float32), ([2.7], torch.float16), 8.444921493530273),
    ((1.3, torch.float32), (2.7, torch.float16), 8.444921493530273),
    ((1.3, torch.float64), ([2.7], torch.float32), 8.447424983978271),
    ((1.3, torch.float64), (2.7, torch.float32), 8.447425201307734),  # ... but not a single one beside float64
])  # fmt: skip
def test_ldexp_of_two_dtypes_rounds_the_power_as_pytorch_does(x, y, value):
    assert torch.ldexp(torch.tensor([x[0]], dtype=x[1]), torch.tensor(y[0], dtype=y[1])).item() == value
