"""The warning of `autocast` that nothing is cast, and the names under which programs import it."""

import importlib
import warnings

import pytest

import minigrad as torch
from minigrad import advice


def test_autocast_casts_nothing_and_says_so_once():
    advice.enable()
    said = r"every tensor keeps its type here; for half precision write model.half\(\). What PyTorch computes in"
    with pytest.warns(advice.Advice, match=said):
        cast = torch.autocast("cpu")
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        with cast, torch.autocast("cpu", dtype=torch.float16):
            assert (torch.ones(2, 2) @ torch.ones(2, 2)).dtype is torch.float32
        assert torch.autocast("cpu", enabled=False)(len) is len
    advice.enable()


def test_autocast_knows_the_type_that_pytorch_would_cast_to():
    advice.enable(False)
    kinds = [torch.autocast("cpu", dtype=dtype).fast_dtype for dtype in (None, torch.float16)]
    assert kinds == [torch.bfloat16, torch.float16]
    assert torch.autocast("cuda", enabled=False).fast_dtype is torch.float16
    advice.enable()


def test_without_a_gpu_autocast_for_cuda_is_disabled(monkeypatch):
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    with pytest.warns(UserWarning, match="CUDA is not available or .*Disabling autocast"), torch.cuda.amp.autocast():
        pass
    with pytest.raises(RuntimeError, match="Expected one of cpu, cuda"):
        torch.autocast("gpu")


@pytest.mark.parametrize("dtype", [torch.float64, torch.float32, torch.int64, torch.complex64])
def test_on_a_cpu_autocast_to_another_dtype_than_a_half_is_disabled(dtype):
    with pytest.warns(UserWarning, match="In CPU autocast, but the target dtype is not supported. Dis") as warned:
        assert torch.autocast("cpu", dtype=dtype)._enabled is False
    assert str(warned[0].message).endswith("only supports dtypes of torch.bfloat16, torch.float16 currently.")
    assert len(warned) == 1 and warned[0].filename == __file__  # no advice: nothing would be cast in PyTorch either


@pytest.mark.parametrize("dtype", [None, torch.float16, torch.bfloat16])
def test_halves_enable_autocast_on_a_cpu_and_a_disabled_one_takes_any_dtype(dtype):
    advice.enable(False)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert torch.autocast("cpu", dtype=dtype)._enabled is True
        assert torch.autocast("cpu", dtype=torch.float64, enabled=False)._enabled is False
    advice.enable()


@pytest.mark.parametrize("given", [0, None, torch.device("cpu")])
def test_a_device_type_is_a_string(given):
    with pytest.raises(ValueError, match=r"Expected `device_type` of type `str`, got: .*; write 'cpu' or 'cuda'"):
        torch.autocast(given)
    with pytest.raises(TypeError, match="argument 'device_type' must be str, not"):
        torch.amp.is_autocast_available(given)
    with pytest.raises(TypeError, match=r"get_autocast_dtype.*argument 'device_type' must be str, not"):
        torch.get_autocast_dtype(given)


def test_custom_fwd_and_bwd_return_the_function_itself():
    assert torch.amp.custom_fwd(len) is len and torch.amp.custom_bwd(device_type="cuda")(len) is len
    assert torch.amp.is_autocast_available("cpu") and not torch.is_autocast_cpu_enabled()
    assert torch.get_autocast_dtype("cpu") is torch.bfloat16 and torch.get_autocast_dtype("cuda") is torch.float16


def test_both_files_have_pytorchs_names():
    assert importlib.import_module("minigrad.amp.autocast_mode").autocast is torch.amp.autocast is torch.autocast
    assert importlib.import_module("minigrad.amp.grad_scaler").GradScaler is torch.amp.GradScaler
