"""The scratch memory of the algorithms: kept up to a limit, one for each thread."""

from __future__ import annotations

import threading

import numpy as np

from minigrad import kernels
from minigrad.kernels import workspace
from tests.kernels.layers import LAYERS, compute_three, draw_operands


class TestWorkspace:
    def test_scratch_memory_is_bounded_reused_and_released(self):
        kernels.release_workspaces()
        assert kernels.workspace_bytes() == 0
        shape = LAYERS["winograd"]
        x, w, g = draw_operands(*shape, dtype=np.float32)
        compute_three("winograd", x, w, g, shape[2])
        kept = kernels.workspace_bytes()
        assert 0 < kept <= workspace.LIMIT
        for _ in range(3):
            compute_three("winograd", x, w, g, shape[2])
        assert kernels.workspace_bytes() == kept
        kernels.release_workspaces()
        assert kernels.workspace_bytes() == 0

    def test_scratch_memory_over_the_limit_is_not_kept(self, monkeypatch):
        kernels.release_workspaces()
        monkeypatch.setattr(workspace, "LIMIT", 1000)
        assert workspace.workspace("tiles", (1001,), np.dtype("f")).shape == (1001,)
        assert kernels.workspace_bytes() == 0

    def test_threads_do_not_share_scratch_memory(self):
        shape = LAYERS["im2col"]
        problems = [draw_operands(*shape, seed=seed) for seed in range(4)]
        expected = [compute_three("im2col", *p, shape[2]) for p in problems]
        wrong = []

        def work(number):
            for _ in range(20):
                found = compute_three("im2col", *problems[number], shape[2])
                same = zip(found, expected[number], strict=True)
                wrong.extend(number for a, b in same if not np.array_equal(a, b))

        threads = [threading.Thread(target=work, args=(number,)) for number in range(4)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert wrong == []
