"""Initial values: bounds and moments. `test_recorded.py` compares the numbers with PyTorch's."""

import inspect
import math

import numpy as np
import pytest
from scipy import stats

import minigrad as torch
from minigrad import nn


def test_each_init_function_fills_in_place_outside_the_graph():
    w = nn.Parameter(torch.empty(3, 4))
    for fill in (
        nn.init.uniform_, nn.init.normal_, nn.init.ones_, nn.init.zeros_, nn.init.eye_,
        nn.init.xavier_uniform_, nn.init.xavier_normal_, nn.init.kaiming_uniform_,
        nn.init.kaiming_normal_,
    ):  # fmt: skip
        assert fill(w) is w
        assert w.is_leaf and w.requires_grad


@pytest.mark.parametrize(
    ("fill", "bound"),
    [
        (lambda w: nn.init.uniform_(w, -2, 3), (-2, 3)),
        (lambda w: nn.init.xavier_uniform_(w, gain=2), 2 * math.sqrt(6 / (100 + 50))),
        (lambda w: nn.init.kaiming_uniform_(w, a=math.sqrt(5)), 1 / math.sqrt(100)),
        (lambda w: nn.init.kaiming_uniform_(w, mode="fan_out", nonlinearity="relu"), math.sqrt(6 / 50)),
    ],
)
def test_uniform_values_reach_their_bounds(fill, bound):
    torch.manual_seed(0)
    low, high = bound if isinstance(bound, tuple) else (-bound, bound)
    w = fill(torch.empty(50, 100)).numpy()
    assert low <= w.min() < low + 0.01 * (high - low)
    assert high - 0.01 * (high - low) < w.max() <= high
    assert w.std() == pytest.approx((high - low) / math.sqrt(12), rel=0.05)


@pytest.mark.parametrize(
    ("fill", "std"),
    [
        (lambda w: nn.init.normal_(w, 1.0, 0.5), 0.5),
        (lambda w: nn.init.xavier_normal_(w), math.sqrt(2 / (100 + 50))),
        (lambda w: nn.init.kaiming_normal_(w, nonlinearity="relu"), math.sqrt(2 / 100)),
    ],
)
def test_normal_values_have_their_standard_deviation(fill, std):
    torch.manual_seed(0)
    assert fill(torch.empty(50, 100)).numpy().std() == pytest.approx(std, rel=0.05)


def test_an_empty_tensor_warns():
    with pytest.warns(UserWarning, match="zero-element tensors is a no-op"):
        nn.init.kaiming_normal_(torch.empty(0, 2))


def test_errors_name_the_given_value():
    with pytest.raises(ValueError, match=r"a weight is \(out, in\).*got \(3,\)"):
        nn.init.xavier_uniform_(torch.empty(3))
    with pytest.raises(ValueError, match="Mode sideways not supported"):
        nn.init.kaiming_uniform_(torch.empty(3, 3), mode="sideways")
    with pytest.raises(ValueError, match="Unsupported nonlinearity swish; known are linear"):
        nn.init.calculate_gain("swish")
    with pytest.raises(ValueError, match=r"Only tensors with 2 dimensions.*\(3,\)"):
        nn.init.eye_(torch.empty(3))


def test_init_draws_from_a_given_generator():
    def draw():
        return nn.init.normal_(torch.empty(4), generator=torch.Generator().manual_seed(1))

    assert torch.equal(draw(), draw())


def test_orthogonal_makes_rows_or_columns_orthogonal():
    for shape in ((3, 5), (5, 3), (4, 2, 3)):
        w = nn.init.orthogonal_(torch.empty(shape), gain=2.0).reshape(shape[0], -1)
        small = w @ w.T if w.shape[0] <= w.shape[1] else w.T @ w
        np.testing.assert_allclose(small.numpy(), 4 * np.eye(len(small)), atol=1e-5)
    with pytest.raises(ValueError, match="2 or more dimensions"):
        nn.init.orthogonal_(torch.empty(3))
    with pytest.raises(NotImplementedError, match="\"orthogonal_\" not implemented for 'Half'; fill a float32 tensor"):
        nn.init.orthogonal_(torch.empty(2, 3, dtype=torch.float16))


def test_a_truncated_normal_is_normal_between_its_limits():
    torch.manual_seed(0)
    w = nn.init.trunc_normal_(torch.empty(50_000, dtype=torch.float64), 1.0, 2.0, 0.0, 4.0).numpy()
    assert w.min() >= 0 and w.max() <= 4
    expected = stats.truncnorm((0 - 1) / 2, (4 - 1) / 2, 1, 2)
    assert stats.kstest(w, expected.cdf).pvalue > 0.01
    with pytest.warns(UserWarning, match="mean is more than 2 std"):
        nn.init.trunc_normal_(torch.empty(2), 100.0)


def test_a_truncated_normal_draws_as_pytorch():
    for limits, first, after in (
        ((0.0, 1.0, -2.0, 2.0), [1.5410, -0.2934, -0.7193, 0.5684], 0.4194),  # what falls outside is drawn again
        ((0.0, 1.0, 1.5, 2.0), [1.5926, 1.8841, 1.5442, 1.5660], 0.5846),  # a narrow tail: uniform draws, some kept
    ):
        torch.manual_seed(0)
        w = nn.init.trunc_normal_(torch.empty(6 if limits[2] < 0 else 7), *limits)
        np.testing.assert_allclose(w[:4].numpy(), first, atol=6e-5)
        np.testing.assert_allclose(torch.rand(1).numpy(), after, atol=6e-5)


def test_dirac_keeps_the_channels_of_the_input():
    conv = nn.Conv2d(3, 3, 3, padding=1, bias=False)
    nn.init.dirac_(conv.weight)
    x = torch.randn(1, 3, 4, 4)
    assert torch.equal(conv(x), x)
    grouped = nn.init.dirac_(torch.empty(4, 2, 3), groups=2)
    assert grouped[:, :, 1].tolist() == [[1.0, 0.0], [0.0, 1.0], [1.0, 0.0], [0.0, 1.0]]
    with pytest.raises(ValueError, match="divisible by groups"):
        nn.init.dirac_(torch.empty(3, 1, 1), 2)


def test_sparse_zeroes_its_share_of_each_column():
    w = nn.init.sparse_(torch.empty(10, 4), 0.35, std=1.0)
    assert (w == 0).sum(0).tolist() == [4, 4, 4, 4]


@pytest.mark.parametrize("old", ["uniform", "normal", "constant", "xavier_uniform", "kaiming_normal", "orthogonal"])
def test_deprecated_names_warn_and_work(old):
    w = torch.empty(2, 3)
    with pytest.warns(FutureWarning, match=rf"`nn.init.{old}` is now deprecated in favor of `nn.init.{old}_`"):
        assert getattr(nn.init, old)(w, *([0.5] if old == "constant" else [])) is w
    assert inspect.signature(getattr(nn.init, old)) == inspect.signature(getattr(nn.init, f"{old}_"))


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
def test_a_fresh_layer_holds_what_kaiming_uniform_draws_to_the_last_bit(dtype):
    for layer in (
        lambda: nn.Linear(7, 3, dtype=dtype), lambda: nn.Conv2d(3, 2, (5, 3), dtype=dtype),
        lambda: nn.Conv2d(4, 6, 3, groups=2, dtype=dtype), lambda: nn.ConvTranspose1d(5, 2, 11, dtype=dtype),
    ):  # fmt: skip
        torch.manual_seed(1)
        made = layer()
        torch.manual_seed(1)
        weight = nn.init.kaiming_uniform_(torch.empty(made.weight.shape, dtype=dtype), a=math.sqrt(5))
        bound = 1 / math.sqrt(made.weight[0].numel())
        bias = nn.init.uniform_(torch.empty(made.bias.shape, dtype=dtype), -bound, bound)
        assert torch.equal(made.weight, weight) and torch.equal(made.bias, bias)


def test_reset_parameters_is_a_write_that_backward_refuses():
    layer = nn.Linear(2, 1)
    y = layer(torch.ones(1, 2, requires_grad=True)).sum()
    layer.reset_parameters()
    assert layer.weight.is_leaf and layer.weight.requires_grad
    with pytest.raises(RuntimeError, match="modified by an inplace operation"):
        y.backward()
