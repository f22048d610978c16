"""Axes of a batch as parts of a value: PyTorch's numbers and shapes, errors."""

import pytest

import minigrad as torch
from tests.refusals import refusals

D = torch.distributions
T = torch.tensor


JOINED = D.Independent(D.Normal(torch.zeros(2, 3), torch.ones(3)), 1)


def test_joined_axes_add_up():
    assert JOINED.batch_shape == (2,) and JOINED.event_shape == (3,) and JOINED.has_rsample
    assert JOINED.log_prob(torch.ones(3)).tolist() == pytest.approx([-4.2568] * 2, abs=1e-4)
    assert JOINED.entropy().tolist() == pytest.approx([4.2568] * 2, abs=1e-4)
    assert JOINED.sample((4,)).shape == JOINED.rsample((4,)).shape == (4, 2, 3)
    assert JOINED.mean.shape == JOINED.mode.shape == JOINED.variance.shape == (2, 3)
    assert JOINED.expand((5, 2)).log_prob(torch.ones(3)).shape == (5, 2)
    assert repr(JOINED).endswith("scale: minigrad.Size([2, 3])), 1)") and repr(JOINED).startswith("Independent(Normal(")


REFUSED = {
    "axes that are not there": (
        lambda: D.Independent(D.Normal(0.0, 1.0), 1), ValueError, "reinterpreted_batch_ndims <= .* actual 1 vs 0"),
    "a distribution function of parts that no axis joins": (
        lambda: D.Independent(D.Normal(0.0, 1.0), 0).cdf(torch.ones(2)), NotImplementedError, "Independent has no cdf"),
}  # fmt: skip

test_refused = refusals(REFUSED)
