"""A wing: the quick ways to compute a convolution, of which a reader of the heart need not know.

Each file is one way. Importing this room tells the dispatch of them, and of the machine; without it, convolutions
are computed by the ways of the room above, with the same results. The files named cuda are told of when a GPU is found
(`gpu/served.py`).
"""

from minigrad.kernels.dispatch import reckon_for, register
from minigrad.kernels.fast import apart, depthwise, mec, phases, pointwise, winograd
from minigrad.kernels.fast.machine import tell_machine

for _way in (mec.WAY, pointwise.WAY, depthwise.WAY, apart.WAY, phases.WAY, *winograd.WAYS):
    register(_way)
reckon_for(tell_machine())
