"""`torch.has_mps` and its kin ask a backend, and warn."""

import pytest

import minigrad as torch
from minigrad.backends import old_names


@pytest.mark.parametrize("asked", ["cuda.is_built", "cudnn.is_available", "mkldnn.is_available", "mps.is_built"])
def test_old_names_ask_the_backend_and_warn(asked):
    backend, question = asked.split(".")
    with pytest.warns(UserWarning, match=rf"'has_{backend}' is deprecated, please use 'torch\.backends\.{asked}\(\)'"):
        answer = getattr(torch, f"has_{backend}")
    assert answer is getattr(getattr(torch.backends, backend), question)()
    assert f"has_{backend}" not in dir(torch)  # nor in PyTorch's


def test_other_names_are_missing():
    with pytest.raises(AttributeError, match="has no attribute 'has_gpu'"):
        _ = old_names.has_gpu
