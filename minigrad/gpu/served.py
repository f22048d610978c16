"""Which functions of the heart have kernels of our own: read once, when a GPU is found.

`backend.KERNELS` is the seam: the engine looks there for what computes a forward or a rule of arrays on a GPU.
"""

from __future__ import annotations

from minigrad.backend import KERNELS
from minigrad.gpu.elementwise import Elementwise
from minigrad.ops.elementwise import ELEMENTWISE

for _operation in ELEMENTWISE:
    for _function in (_operation.forward, *_operation.rules):
        if _function is not None:
            KERNELS[_function] = Elementwise(_function)
