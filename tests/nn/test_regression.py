"""`HuberLoss` as a layer."""

import pytest

from minigrad import nn


@pytest.mark.parametrize("delta", [1j, "1"])
def test_a_delta_that_is_no_number_is_refused_by_the_constructor(delta):
    with pytest.raises(TypeError, match=r"HuberLoss\(\): argument 'delta' must be a number, not"):
        nn.HuberLoss(delta=delta)
