"""`torch.accelerator`, and the backends that are not there: what lessons ask of them."""

import pytest

import minigrad as torch


def test_accelerator_and_backends_answer_as_lessons_ask():
    acc = torch.accelerator
    device = acc.current_accelerator().type if acc.is_available() else "cpu"
    assert torch.device(device).type in ("cpu", "cuda") and acc.device_count() == torch.cuda.device_count()
    for name in ("mps", "mkl", "mkldnn", "openmp"):
        absent = getattr(torch.backends, name)
        assert not absent.is_available() and not absent.is_built() and name in repr(absent)
    if not acc.is_available():
        for call in (acc.current_device_index, acc.synchronize, acc.current_stream, lambda: acc.set_device_index(0)):
            with pytest.raises(RuntimeError, match="device 'cuda"):
                call()
        assert acc.current_accelerator() is None
    with acc.device_index(None):
        pass


def test_programs_that_look_for_an_mps_or_xpu_device_find_none():
    for absent in (torch.mps, torch.xpu):
        assert not absent.is_available() and absent.device_count() == 0 and "no device" in repr(absent)
        absent.manual_seed(0), absent.manual_seed_all(0)
    with pytest.raises(AttributeError, match=r"minigrad.mps.* 'empty_cache': minigrad has no devices of this kind"):
        torch.mps.empty_cache()
