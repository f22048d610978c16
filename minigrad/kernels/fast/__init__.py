"""A wing: the quick ways to compute a convolution, of which a reader of the heart need not know.

Each file is one way. Importing this room tells the dispatch of them, and of the machine; without it, convolutions
are computed by the ways of the room above, with the same results.
"""

from minigrad.kernels.dispatch import reckon_for, register
from minigrad.kernels.fast import cuda, depthwise, mec, pointwise, winograd
from minigrad.kernels.fast.machine import tell_machine

for _way in (mec.WAY, pointwise.WAY, depthwise.WAY, winograd.WAY, winograd.WAY_2X2, cuda.WAY):
    register(_way)
for _family in cuda.FAMILIES.values():
    register(_family.WAY)
reckon_for(tell_machine())
