"""Modules converted to other dtypes, devices and memory formats."""

import pytest

import minigrad as torch
from minigrad import nn
from tests.nn.test_module import make_net


def test_conversion_keeps_every_parameter_the_same_object():
    model = make_net()
    before = list(model.parameters())
    (model(torch.ones(4, 2)) ** 2).sum().backward()
    assert model.to(torch.float64) is model
    assert all(p is q for p, q in zip(before, model.parameters(), strict=True))
    assert {p.dtype for p in model.parameters()} == {torch.float64}
    assert {p.grad.dtype for p in model.parameters()} == {torch.float64}
    assert model[1].running_mean.dtype == torch.float64
    assert model[1].num_batches_tracked.dtype == torch.int64  # integers stay what they are
    assert model.half()[0].weight.dtype == torch.float16
    assert model.float()[0].weight.dtype == torch.float32
    assert model.double()[0].weight.dtype == torch.float64
    assert model.to(torch.ones(1))[0].weight.dtype == torch.float32
    assert model.to("cpu", torch.float64)[0].weight.dtype == torch.float64
    assert model.cpu().to(dtype=torch.float32)[0].weight.dtype == torch.float32


def test_only_floating_point_dtypes_are_converted_to():
    with pytest.raises(TypeError, match=r"only accepts floating point dtypes.*minigrad\.int64.*x\.float"):
        make_net().to(torch.int64)
    with pytest.raises(TypeError, match="to\\(\\) takes a dtype, a device or a tensor"):
        make_net().to("cpu", 1.5)
    for mixed in (("cpu", True), (None, True), ("cpu", "cpu"), (torch.float32, torch.float64), (torch.float16, "cpu")):
        with pytest.raises(TypeError, match=r"after a device a dtype; then non_blocking and copy, got \("):
            make_net().to(*mixed)
        with pytest.raises(TypeError, match="after a device a dtype"):
            torch.ones(1).to(*mixed)


def test_a_function_that_writes_into_all_tensors_is_noticed():
    layer = nn.Linear(2, 2)
    squares = layer.weight * layer.weight
    layer._apply(lambda tensor: tensor.add_(1.0))
    with pytest.raises(RuntimeError, match="modified"):
        squares.sum().backward()
    layer(torch.ones(2)).sum().backward()
    cubes = layer.weight.grad.requires_grad_() ** 3
    layer._apply(lambda tensor: tensor.mul_(2.0))
    assert layer.weight.grad.tolist() == [[2.0, 2.0], [2.0, 2.0]]
    with pytest.raises(RuntimeError, match="modified"):
        cubes.sum().backward()


def test_moving_a_module_moves_parameters_gradients_and_buffers(device):
    model = make_net().to(device)
    before = list(model.parameters())
    x = torch.ones((4, 2), device=device)
    model(x).sum().backward()
    where = torch.device(device).type
    assert {p.device.type for p in model.parameters()} == {where}
    assert {p.grad.device.type for p in model.parameters()} == {where}
    assert {b.device.type for b in model.buffers()} == {where}
    model.cpu()
    assert {p.grad.device.type for p in model.parameters()} == {"cpu"}
    assert all(p is q for p, q in zip(before, model.parameters(), strict=True))
    assert nn.Linear(2, 2, device=device).weight.device.type == where


def test_weights_of_four_axes_take_a_memory_format():
    model = nn.Sequential(nn.Conv2d(3, 4, 3), nn.BatchNorm2d(4), nn.Linear(2, 2))
    model.to(memory_format=torch.channels_last)
    assert [p.stride() for p in model.parameters()][:2] == [(27, 1, 9, 3), (1,)]
    model.to("cpu", torch.float64, memory_format=torch.contiguous_format)
    assert model[0].weight.stride() == (27, 9, 3, 1) and model[0].weight.dtype is torch.float64
    assert model[1].num_batches_tracked.dtype is torch.int64


def test_a_module_without_tensors_may_be_sent_anywhere():
    assert isinstance(nn.MSELoss().to("cuda"), nn.MSELoss) and isinstance(nn.ReLU().cuda(), nn.ReLU)
    with pytest.raises(RuntimeError, match="Expected one of cpu, cuda"):
        nn.ReLU().to("gpu")
    with pytest.raises(TypeError, match=r"only accepts floating point dtypes, but got minigrad.int32"):
        nn.ReLU().to(torch.int32)
