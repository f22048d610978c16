"""Fast algorithms for convolution. A first reader can skip them.

Each file is one algorithm. Importing this package registers them in `kernels/dispatch.py`; without it, convolutions are
computed by the algorithms of `kernels/`, with the same results up to rounding. Those named cuda are registered when a
GPU is found (`gpu/served.py`).
"""

from minigrad.kernels.dispatch import set_machine, register
from minigrad.kernels.fast import (
    apart,
    channels_last,
    depthwise,
    mec,
    phases,
    planes,
    pointwise,
    strides,
    toeplitz,
    winograd,
)
from minigrad.kernels.fast.machine import recognize_machine

for _algorithm in (
    *[file.ALGORITHM for file in (mec, pointwise, channels_last, depthwise, planes, strides, toeplitz, apart, phases)],
    *winograd.ALGORITHMS,
):
    register(_algorithm)
set_machine(recognize_machine())
