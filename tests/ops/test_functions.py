"""Functions of one tensor against SciPy and NumPy, types, and what is refused."""

import numpy as np
import pytest
from scipy import special

import minigrad as torch

X = np.linspace(-8, 8, 4001)


@pytest.mark.parametrize(("ours", "exact"), [(torch.erf, special.erf)])
@pytest.mark.parametrize(("dtype", "error"), [("float64", 5e-15), ("float32", 3e-7), ("float16", 1e-3)])
def test_error_function(ours, exact, dtype, error):
    x = X.astype(dtype)
    got = ours(torch.from_numpy(x)).numpy()
    assert got.dtype == dtype
    np.testing.assert_allclose(got, exact(x.astype(float)), atol=error, rtol=0)
    assert ours(torch.tensor([float("nan")])).isnan().item()


def test_small_and_large_arguments_keep_their_relative_accuracy():
    tiny = torch.tensor([1e-12, -1e-12], dtype=torch.float64)
    np.testing.assert_allclose(torch.erf(tiny).numpy(), special.erf(tiny.numpy()), rtol=1e-14)

    far = torch.tensor([5.0, 20.0, 25.9, 26.1, 26.5, 27.3, 88.0, float("inf")], dtype=torch.float64)
    np.testing.assert_allclose(torch.erfc(far).numpy(), special.erfc(far.numpy()), rtol=1e-12, atol=1e-309)


def test_integers_become_the_default_float_where_the_function_is_real():
    ints = torch.tensor([1, 4])
    assert torch.sqrt(ints).tolist() == [1.0, 2.0]
    assert torch.exp(ints).dtype is torch.float32
    assert torch.floor(ints).dtype is torch.int64
    assert torch.square(torch.tensor([True])).dtype is torch.int64


def test_halves_round_to_even_and_decimals_shift():
    assert torch.round(torch.tensor([0.5, 1.5, -2.5])).tolist() == [0.0, 2.0, -2.0]
    assert torch.round(torch.tensor([1234.0]), decimals=-2).tolist() == [1200.0]


def test_the_sign_of_nan_is_zero_as_in_pytorch():
    assert torch.sign(torch.tensor([float("nan"), -2.0, 0.0])).tolist() == [0.0, -1.0, 0.0]
    assert torch.sign(torch.tensor([True, False])).tolist() == [True, False]


REFUSED = {
    "minus a mask": (lambda: -torch.tensor([True]), RuntimeError, "neg.*Bool"),
    "plus a mask": (
        lambda: +torch.tensor([True]), RuntimeError, "`\\+` operator, on a bool tensor"),
    "decimals of integers": (
        lambda: torch.round(torch.tensor([12]), decimals=1), NotImplementedError, "round.*Long"),
    "no tensor": (lambda: torch.exp(2.0), TypeError, "exp\\(\\): argument 'input'.*not float"),
    "no tensor for plus": (lambda: torch.positive(None), TypeError, "return statement"),
    "floor of bools": (lambda: torch.floor(torch.tensor([True])), NotImplementedError, "floor"),
}  # fmt: skip


@pytest.mark.parametrize("name", REFUSED)
def test_refused(name):
    call, kind, message = REFUSED[name]
    with pytest.raises(kind, match=message):
        call()


def test_contiguous_packs_in_the_order_asked_for():
    turned = torch.arange(6.0).reshape(2, 3).t()
    assert turned.contiguous().is_contiguous() and turned.contiguous().stride() == (2, 1)
    image = torch.zeros(2, 3, 4, 5).contiguous(memory_format=torch.channels_last)
    assert image.is_contiguous(memory_format=torch.channels_last) and image.stride() == (60, 1, 15, 3)
    assert image.clone().stride() == image.stride() and image.contiguous().stride() == (60, 20, 5, 1)


def test_what_is_not_computed_of_a_mask_names_the_way_to_invert_one():
    with pytest.raises(RuntimeError, match=r'"neg" not implemented for \'Bool\'.*invert a mask, use the `~`'):
        -torch.tensor([True])
