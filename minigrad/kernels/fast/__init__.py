"""Fast algorithms for convolution. A first reader can skip them.

Each file is one algorithm. Importing this package registers them in `kernels/dispatch.py`; without it, convolutions are
computed by the algorithms of `kernels/`, with the same results up to rounding. Those named cuda are registered when a
GPU is found (`gpu/served.py`).
"""

from minigrad.kernels.dispatch import reckon_for, register
from minigrad.kernels.fast import apart, depthwise, mec, phases, pointwise, winograd
from minigrad.kernels.fast.machine import tell_machine

for _way in (mec.WAY, pointwise.WAY, depthwise.WAY, apart.WAY, phases.WAY, *winograd.WAYS):
    register(_way)
reckon_for(tell_machine())
