"""The twins of the pooling kernels: the functions that the kernels replace."""

import numpy as np

from minigrad.kernels import Geometry, adaptive_pool, pool
from tests.standin.kernels import TWINS, widen


def twin(function, arrays, adaptive=False):
    """A twin of so many arrays, the result last, and the sizes behind them."""

    def run(grid, block, arguments, constants):
        *operands, out = arguments[:arrays]
        count, H, W, Ho, Wo, *numbers = map(int, arguments[arrays:])
        assert 0 <= grid[0] * block[0] - count < block[0] and count == out.size
        options = () if adaptive else (Geometry(*zip(*[iter(numbers[:8])] * 2, strict=True)), *numbers[8:])
        with np.errstate(all="ignore"):
            out[...] = function(*map(widen, operands), (H, W), (Ho, Wo), *options)

    return run


TWINS.update(
    max_pool=twin(lambda x, places, size, windows, geometry: pool.max_pool2d(x, places, geometry), 3),
    max_pool_rule=twin(lambda g, places, size, windows, geometry: pool.max_pool2d_input(g, places, size, False), 3),
    mean_pool=twin(lambda x, size, windows, geometry, n, pad: pool.avg_pool2d(x, geometry, windows, n or None, pad), 2),
    mean_pool_rule=twin(
        lambda g, size, windows, geometry, n, pad: pool.avg_pool2d_input(g, geometry, size, n or None, pad), 2
    ),
    adaptive_mean_pool=twin(lambda x, size, windows: adaptive_pool.adaptive_avg_pool2d(x, windows), 2, adaptive=True),
    adaptive_mean_pool_rule=twin(
        lambda g, size, windows: adaptive_pool.adaptive_avg_pool2d_input(g, size), 2, adaptive=True
    ),
)
