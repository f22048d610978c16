"""Cosine annealing, with and without restarts."""

import math

import pytest

from minigrad.optim import lr_scheduler
from tests.optim.lr_scheduler.groups import make_optimizer


def test_cosine_annealing_is_the_closed_form():
    optimizer = make_optimizer(1.0)
    schedule = lr_scheduler.CosineAnnealingLR(optimizer, T_max=7, eta_min=0.1)
    for epoch in range(1, 8):
        optimizer.step()
        schedule.step()
        expected = 0.1 + 0.9 * (1 + math.cos(math.pi * epoch / 7)) / 2
        assert schedule.get_last_lr() == pytest.approx([expected], rel=1e-12)


@pytest.mark.parametrize(
    ("name", "options", "text"),
    [
        ("CosineAnnealingWarmRestarts", {"T_0": 0}, "positive integer T_0, but got 0"),
        ("CosineAnnealingWarmRestarts", {"T_0": 2, "T_mult": 1.5}, "integer T_mult >= 1, but got 1.5"),
        ("CosineAnnealingWarmRestarts", {"T_0": 2, "eta_min": "a"}, "float or int eta_min"),
    ],
)
def test_options_out_of_range_are_refused(name, options, text):
    with pytest.raises(ValueError, match=text):
        getattr(lr_scheduler, name)(make_optimizer(1.0, momentum=0.9), **options)
