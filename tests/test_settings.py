"""PyTorch's switches: deterministic algorithms, the precision of products, the number of threads."""

import os

import pytest

import minigrad as torch


def test_deterministic_algorithms_can_be_switched():
    try:
        torch.use_deterministic_algorithms(True, warn_only=True)
        assert torch.is_deterministic_algorithms_warn_only_enabled() and torch.get_deterministic_debug_mode() == 1
        torch.set_deterministic_debug_mode("error")
        assert torch.are_deterministic_algorithms_enabled() and torch.is_deterministic()
        torch.set_deterministic(False)
        assert not torch.is_deterministic()
        torch.use_deterministic_algorithms(False, warn_only=True)  # remembered, as in PyTorch
        assert torch.is_deterministic_algorithms_warn_only_enabled() and not torch.is_deterministic()
    finally:
        torch.use_deterministic_algorithms(False)
    for call, error in (
        (lambda: torch.use_deterministic_algorithms(1), TypeError),
        (lambda: torch.use_deterministic_algorithms(True, warn_only=1), TypeError),
        (lambda: torch.set_deterministic_debug_mode("loud"), RuntimeError),
        (lambda: torch.set_num_threads(2**65), ValueError),
        (lambda: torch.set_num_interop_threads(2**65), ValueError),
        (lambda: torch.set_float32_matmul_precision("low"), RuntimeError),
    ):
        with pytest.raises(error):
            call()


def test_float32_products_on_a_gpu_may_be_rounded_if_asked(monkeypatch):
    monkeypatch.setenv("CUPY_TF32", "0")
    torch.set_float32_matmul_precision("high")
    assert os.environ["CUPY_TF32"] == "1" and torch.get_float32_matmul_precision() == "high"
    torch.set_float32_matmul_precision("highest")
    assert os.environ["CUPY_TF32"] == "0"
