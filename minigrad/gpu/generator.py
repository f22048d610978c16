"""The random generator of a GPU: `Generator` with the state and the draws of `Philox`."""

from __future__ import annotations

from typing import Any

import numpy as np

from minigrad.autograd.core import wrap
from minigrad.generator import ON_A_GPU, Generator, read_state
from minigrad.gpu.philox import Philox

STATE_BYTES = 16  # PyTorch's: seed and offset


class GpuGenerator(Philox, Generator):
    """`Generator(device="cuda")`: a seed, and an offset that each draw moves on.

    It draws on the current GPU. A permutation is the order of 63-bit draws.

    >>> import minigrad as torch
    >>> if torch.cuda.is_available():
    ...     generator = torch.Generator(device="cuda").manual_seed(0)
    """

    def __init__(self, device: Any = "cuda") -> None:
        self._recording = None
        super().__init__(device)

    def manual_seed(self, seed: int) -> Generator:
        super().manual_seed(seed)
        self._offset = 0
        return self

    def get_state(self) -> Any:
        return wrap(np.array([self._seed, self._offset], np.uint64).view(np.uint8))

    def set_state(self, new_state: Any) -> Generator:
        seed, offset = read_state(new_state, "a GPU generator", STATE_BYTES).tolist()
        self.manual_seed(seed)
        return self.set_offset(offset)

    def get_offset(self) -> int:
        """How many words each thread has drawn, a multiple of 4.

        >>> import minigrad as torch
        >>> if torch.cuda.is_available():
        ...     value = torch.Generator(device="cuda").get_offset()
        """
        return self._offset

    def set_offset(self, offset: int) -> Generator:
        """Continues from that offset.

        >>> import minigrad as torch
        >>> if torch.cuda.is_available():
        ...     _ = torch.Generator(device="cuda").set_offset(4)
        """
        if offset < 0 or offset % 4:
            raise RuntimeError(f"offset must be a multiple of 4, got {offset}")
        self._offset = offset
        return self

    def _draw_permutation(self, n: int, dtype: Any) -> Any:
        return self._draw_integers((n,), np.int64, 2**63, 0, True).argsort().astype(dtype, copy=False)


ON_A_GPU.append(GpuGenerator)
