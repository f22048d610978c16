"""The buffers and counters that an optimizer keeps."""

import numpy as np
import pytest

import minigrad
from minigrad import optim
from tests.optim.test_optimizer import make_parameter


def test_float64_rates_do_not_widen_float32_parameters():
    p = make_parameter()
    for kind in (optim.SGD, optim.Adam, optim.RMSprop, optim.Adagrad, optim.Adadelta):
        kind([p], lr=np.float64(0.1)).step()
    assert p.dtype == minigrad.float32


def test_state_of_another_model_is_refused_at_the_step():
    donor = optim.Adam([make_parameter(2)])
    donor.step()
    optimizer = optim.Adam([make_parameter(3)])
    optimizer.load_state_dict(donor.state_dict())
    with pytest.raises(RuntimeError, match=r"exp_avg has shape \(2,\), its parameter \(3,\).*another model"):
        optimizer.step()
