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
    ],
)
def test_standard_deviations(fill, std):
    torch.manual_seed(0)
    assert fill(torch.empty(50, 100)).numpy().std() == pytest.approx(std, rel=0.05)


def test_an_empty_tensor_is_warned_of():
    with pytest.warns(UserWarning, match="zero-element tensors is a no-op"):
        nn.init.kaiming_normal_(torch.empty(0, 2))


def test_errors_name_what_was_got():
    with pytest.raises(ValueError, match=r"a weight is \(out, in\).*got \(3,\)"):
        nn.init.xavier_uniform_(torch.empty(3))
    with pytest.raises(ValueError, match="Mode sideways not supported"):
        nn.init.kaiming_uniform_(torch.empty(3, 3), mode="sideways")
    with pytest.raises(ValueError, match="Unsupported nonlinearity swish; known are linear"):
        nn.init.calculate_gain("swish")
    with pytest.raises(ValueError, match=r"Only tensors with 2 dimensions.*\(3,\)"):
        nn.init.eye_(torch.empty(3))


def test_a_generator_of_ones_own():
    def draw():
        return nn.init.normal_(torch.empty(4), generator=torch.Generator().manual_seed(1))

    assert torch.equal(draw(), draw())
