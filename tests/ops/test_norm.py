"""Norms, and what is scaled by them."""

import math
import tracemalloc

import numpy as np
import pytest

import minigrad as torch
from minigrad.autograd import gradcheck, gradgradcheck
from minigrad.ops import norm as norm_file


def test_norms_of_every_order_are_numpys():
    x = np.array([[3.0, -4.0], [0.0, 1.0]])
    t = torch.from_numpy(x)
    for p in (1, 2, 3, 0.5):
        np.testing.assert_allclose(torch.norm(t, p).item(), (np.abs(x) ** p).sum() ** (1 / p))
    assert torch.norm(t, 0).item() == 3
    assert torch.norm(t, math.inf).item() == 4
    assert torch.norm(t, -math.inf, dim=1).tolist() == [3.0, 0.0]
    np.testing.assert_allclose(torch.norm(t, "nuc").item(), np.linalg.norm(x, "nuc"))
    np.testing.assert_allclose(torch.norm(t, dim=0).numpy(), np.linalg.norm(x, axis=0))


def test_the_nuclear_norm_has_derivatives_of_every_order():
    x = torch.tensor(np.random.default_rng(1).standard_normal((3, 2)), requires_grad=True)
    derivatives = []
    for total in (torch.linalg.norm(x, "nuc"), torch.linalg.svdvals(x).sum()):
        for order in range(1, 4):
            (slope,) = torch.autograd.grad(total, x, create_graph=True)
            derivatives.append(slope.tolist())
            total = (slope * torch.arange(float(order), order + 6).reshape(3, 2)).sum()
    np.testing.assert_allclose(derivatives[:3], derivatives[3:], rtol=1e-9, atol=1e-12)


@pytest.mark.parametrize("shape", [(), (1,), (3, 1)])
def test_the_norm_of_one_number_is_its_absolute_value_however_large(shape):
    x = torch.full(shape, -1e38, requires_grad=True)
    y = torch.linalg.vector_norm(x, dim=-1 if shape else None)
    y.sum().backward()
    assert y.unique().tolist() == [torch.tensor(1e38).item()]
    assert x.grad.unique().tolist() == [-1.0]


@pytest.mark.parametrize("p", [2, 1, 0.5, math.inf])
def test_a_nan_cotangent_stays_nan_at_a_norm_of_zero(p):
    x = torch.zeros(2, requires_grad=True)
    (g,) = torch.autograd.grad(x.norm(p), x, torch.tensor(math.nan))
    assert g.isnan().all()


@pytest.mark.parametrize("p", [3, 1.5, -1, 0.5])
def test_a_norm_along_an_axis_of_length_1_is_the_absolute_value(p):
    assert torch.tensor([[-1e30], [88.8]]).norm(p, 1).tolist() == torch.tensor([1e30, 88.8]).tolist()


def test_rows_that_renorm_leaves_as_they_are_pass_their_gradient_also_beside_nan():
    x = torch.tensor([[torch.nan, 0.02], [0.1, 0.2], [0.0, 3.0]], requires_grad=True)
    x.renorm(2, 0, 1.0).backward(torch.tensor([[1.0, 2.0]] * 3))
    assert x.grad[:2].tolist() == [[1.0, 2.0]] * 2 and x.grad[2].isfinite().all()
    half = torch.arange(16.0).view(4, 4).half().requires_grad_().renorm(2, 0, 3.0)  # numbers recorded from PyTorch
    np.testing.assert_allclose(half[1].tolist(), [1.0693, 1.3369, 1.6035, 1.8711], atol=5e-5)
    assert (half.dtype, half.grad_fn.name()) == (torch.float16, "RenormBackward0")


def test_renorm_takes_numbers():
    with pytest.raises(TypeError, match=r"renorm\(\): argument 'p' must be a number, not str"):
        torch.renorm(torch.ones(1, 1), "a", 0, 1.0)
    with pytest.raises(TypeError, match=r"renorm\(\): argument 'maxnorm' must be a number, not NoneType"):
        torch.renorm(torch.ones(1, 1), 2, 0, None)


@pytest.mark.cpu("a GPU measures all rows at once")
@pytest.mark.parametrize("p", [0.0, 1.0, 1.5, 2.0, math.inf])
def test_distances_and_their_gradients_do_not_depend_on_how_many_rows_are_measured_at_a_time(p, monkeypatch):
    x = torch.rand(2, 1, 7, 3, dtype=torch.float64, generator=torch.Generator().manual_seed(0)).requires_grad_()
    y = (x.detach()[0, :, :5] + 0.3).requires_grad_()
    found = []
    for piece in (1, 40, 2**16):
        monkeypatch.setattr(norm_file, "_PIECE", piece)
        distances = torch.cdist(x, y, p)
        found.append([distances, *torch.autograd.grad((distances * distances.detach().cos()).sum(), (x, y))])
    plain = (x.unsqueeze(-2) - y.unsqueeze(-3)).norm(p, -1)
    for made in found:
        torch.testing.assert_close(made[0], plain)
        assert all(torch.equal(a, b) or torch.allclose(a, b, rtol=1e-12) for a, b in zip(made, found[0], strict=True))
    if p in (1.5, 2.0):
        monkeypatch.setattr(norm_file, "_PIECE", 10)
        assert gradcheck(lambda a, b: torch.cdist(a, b, p), (x, y))
        assert gradgradcheck(lambda a, b: torch.cdist(a, b, p), (x, y))


@pytest.mark.cpu("a GPU measures all rows at once")
def test_distances_of_many_rows_take_no_memory_for_their_differences():
    rows = torch.ones(500, 200)  # 200 MB of differences
    tracemalloc.start()
    assert torch.cdist(rows, rows).count_nonzero() == 0
    most = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert most < 10e6
