"""The switches of cuDNN, which lessons set."""

import minigrad as torch


def test_cudnn_flags_are_restored():
    cudnn = torch.backends.cudnn
    cudnn.benchmark = True
    with cudnn.flags(benchmark=False, enabled=True):
        assert cudnn.enabled and not cudnn.benchmark
    assert cudnn.benchmark and not cudnn.enabled and not cudnn.is_available() and cudnn.version() is None
    cudnn.benchmark = False
