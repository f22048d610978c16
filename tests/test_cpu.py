"""`torch.cpu`, and the module of a device: programs for either device run on the CPU."""

import pytest

import minigrad as torch


def test_the_names_of_cuda_do_nothing_on_the_cpu():
    cpu, event = torch.cpu, torch.cpu.Event()
    assert cpu.is_available() and cpu.is_initialized() and cpu.device_count() == 1 and cpu.current_device() == "cpu"
    assert event.query() and cpu.set_device(0) is None and cpu.synchronize() is None
    side, usual = cpu.Stream(), cpu.current_stream()
    with cpu.stream(side), cpu.stream(None):
        assert cpu.current_stream() is side
        side.wait_stream(usual)
        side.wait_event(event)
        event.record(side)
        event.wait()
        event.synchronize()
    assert cpu.current_stream() is usual and side.record_event() is None


def test_the_module_of_a_device(stand_in):
    assert torch.get_device_module() is torch.get_device_module("cuda:1") is torch.cuda
    assert torch.get_device_module(torch.device("cpu")) is torch.get_device_module("cpu") is torch.cpu
    with pytest.raises(RuntimeError, match=r"Invalid value of device '3', expect torch\.device, str, or None"):
        torch.get_device_module(3)


def test_without_a_gpu_it_is_that_of_the_cpu(no_gpu):
    assert torch.get_device_module() is torch.cpu and torch.get_device_module("cuda") is torch.cuda


def test_what_is_not_here_is_said():
    with pytest.raises(AttributeError, match=r"PyTorch has torch\.cpu\.get_capabilities, minigrad does not"):
        torch.cpu.get_capabilities()
