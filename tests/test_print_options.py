"""`set_printoptions`: how its calls add up."""

import numpy as np
import pytest

from minigrad.print_options import set_printoptions
from minigrad.printing import format_array


def test_options_accumulate_until_a_profile_is_set_except_sci_mode():
    array = np.float32([1 / 3, 100])
    set_printoptions(precision=1, sci_mode=True)
    assert format_array(array) == "tensor([3.3e-01, 1.0e+02])"
    set_printoptions(linewidth=40)
    assert format_array(array) == "tensor([  0.3, 100.0])"
    set_printoptions(3)
    assert format_array(array) == "tensor([  0.333, 100.000])"
    set_printoptions(profile="short", precision=5)
    assert format_array(array) == "tensor([  0.33333, 100.00000])"
    with pytest.raises(ValueError, match="unknown profile 'long'; expected one of 'default'"):
        set_printoptions(profile="long")
    set_printoptions(profile="default")
    assert format_array(array) == "tensor([  0.3333, 100.0000])"
