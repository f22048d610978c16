"""First values: bounds and moments; the numbers themselves stand in `test_recorded.py`."""

import math

import pytest

import minigrad as torch
from minigrad import nn


def test_they_fill_in_place_outside_the_graph():
    w = nn.Parameter(torch.empty(3, 4))
    for fill in (
        nn.init.uniform_, nn.init.normal_, nn.init.ones_, nn.init.zeros_, nn.init.eye_,
        nn.init.xavier_uniform_, nn.init.xavier_normal_, nn.init.kaiming_uniform_,
        nn.init.kaiming_normal_, nn.init.trunc_normal_, nn.init.orthogonal_,
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
def test_uniform_bounds(fill, bound):
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
        (lambda w: nn.init.trunc_normal_(w, std=1.0, a=-1, b=1), 0.5396),  # of N(0, 1) cut at +-1
        (lambda w: nn.init.trunc_normal_(w, std=1.0, a=1, b=2), 0.2655),
    ],
)
def test_standard_deviations(fill, std):
    torch.manual_seed(0)
    assert fill(torch.empty(50, 100)).numpy().std() == pytest.approx(std, rel=0.05)


def test_a_far_mean_is_warned_of():
    with pytest.warns(UserWarning, match="mean 5.0 is more than 2 std from"):
        nn.init.trunc_normal_(torch.empty(3), mean=5.0)
    with pytest.warns(UserWarning, match="zero-element tensors is a no-op"):
        nn.init.kaiming_normal_(torch.empty(0, 2))


def test_orthogonal_rows_or_columns():
    torch.manual_seed(0)
    wide = nn.init.orthogonal_(torch.empty(3, 5, dtype=torch.float64), gain=2.0)
    assert torch.allclose(wide @ wide.t(), 4 * torch.eye(3, dtype=torch.float64), atol=1e-6)
    tall = nn.init.orthogonal_(torch.empty(5, 3, dtype=torch.float64))
    assert torch.allclose(tall.t() @ tall, torch.eye(3, dtype=torch.float64), atol=1e-6)
    assert nn.init.orthogonal_(torch.empty(0, 3)).shape == (0, 3)


def test_dirac_passes_the_input_through():
    conv = nn.Conv2d(3, 3, 3, padding=1, bias=False)
    nn.init.dirac_(conv.weight)
    x = torch.randn(1, 3, 5, 4)
    assert torch.equal(conv(x), x)


def test_errors_name_what_was_got():
    with pytest.raises(ValueError, match=r"a weight is \(out, in\).*got \(3,\)"):
        nn.init.xavier_uniform_(torch.empty(3))
    with pytest.raises(ValueError, match="Mode sideways not supported"):
        nn.init.kaiming_uniform_(torch.empty(3, 3), mode="sideways")
    with pytest.raises(ValueError, match="Unsupported nonlinearity swish; known are linear"):
        nn.init.calculate_gain("swish")
    with pytest.raises(ValueError, match=r"Only tensors with 2 dimensions.*\(3,\)"):
        nn.init.eye_(torch.empty(3))
    with pytest.raises(ValueError, match="dim 0 must be divisible by groups, got 3 and groups=2"):
        nn.init.dirac_(torch.empty(3, 3, 3), groups=2)


def test_a_generator_of_ones_own():
    def draw():
        return nn.init.normal_(torch.empty(4), generator=torch.Generator().manual_seed(1))

    assert torch.equal(draw(), draw())
