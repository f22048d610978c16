"""Tensors exchanged as DLPack capsules share their memory."""

import numpy as np
import pytest

import minigrad as torch
from minigrad.utils.dlpack import from_dlpack, to_dlpack


def test_a_capsule_shares_the_memory():
    x = torch.arange(3.0, device="cpu")
    y = from_dlpack(to_dlpack(x))
    x[0] = 7
    assert torch.from_dlpack(to_dlpack(x)).data_ptr() == x.data_ptr()
    assert y[0].item() == 7 and from_dlpack(np.ones(2)).dtype is torch.float64


@pytest.mark.skipif(not np.from_dlpack(np.ones(1)).flags.writeable, reason="NumPy 2.1 marks what it is given read-only")
def test_what_came_by_a_capsule_can_be_written_to():
    x = torch.zeros(3, device="cpu")
    from_dlpack(to_dlpack(x))[0] = 7
    assert x.tolist() == [7, 0, 0]


def test_unsupported_objects_are_refused():
    with pytest.raises(TypeError, match="from_dlpack needs an object with __dlpack__, got int"):
        from_dlpack(3)
    capsule = to_dlpack(torch.ones(1, device="cpu"))
    from_dlpack(capsule)
    with pytest.raises(
        RuntimeError, match=r"received an invalid capsule.* consumed only once: make another one by to_dl"
    ):
        from_dlpack(capsule)


def test_a_capsule_holds_no_gradient():
    x = torch.ones(1, device="cpu", requires_grad=True)
    assert from_dlpack(to_dlpack(x)).requires_grad is False
    with pytest.raises(BufferError, match=r"Can't export tensors that require gradient, use tensor.detach\(\)"):
        x.__dlpack__()


def test_asarray_takes_a_capsule():
    x = torch.arange(3.0, device="cpu")
    assert torch.asarray(to_dlpack(x), copy=False).data_ptr() == x.data_ptr()
    assert torch.asarray(to_dlpack(x), copy=True).data_ptr() != x.data_ptr()
    assert torch.asarray(to_dlpack(x), dtype=torch.int64).tolist() == [0, 1, 2]
