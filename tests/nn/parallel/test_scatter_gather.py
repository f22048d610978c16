"""Batches are cut for several devices, and results joined, with gradients."""

from collections import namedtuple

import pytest

import minigrad as torch
from minigrad.nn.parallel import gather, scatter

Pair = namedtuple("Pair", "x y")
TWO = ["cpu", "cpu"]


def test_each_device_gets_its_part_of_every_tensor_and_all_other_objects():
    x = torch.arange(10).reshape(5, 2)
    first, second = scatter({"batch": [x, "name"], "pair": Pair(x[:, 0], 7), "empty": ()}, TWO)
    assert first["batch"][0].tolist() == [[0, 1], [2, 3], [4, 5]] and second["batch"][0].tolist() == [[6, 7], [8, 9]]
    assert first["batch"][1] == second["batch"][1] == "name" and first["empty"] == ()
    assert isinstance(first["pair"], Pair) and second["pair"].x.tolist() == [6, 8] and second["pair"].y == 7
    assert [part.tolist() for part in scatter(x, TWO, dim=1)] == [[[0], [2], [4], [6], [8]], [[1], [3], [5], [7], [9]]]


def test_a_short_axis_has_fewer_parts_than_there_are_devices():
    assert len(scatter(torch.ones(2), ["cpu"] * 3)) == 2
    assert len(scatter((torch.ones(2), "name"), ["cpu"] * 3)) == 2


def test_gathering_undoes_scattering_and_both_have_gradients():
    x = torch.arange(6.0).reshape(3, 2).requires_grad_()
    parts = scatter([x, {"y": x * 2}], TWO)
    whole = gather(parts, "cpu")
    assert whole[0].tolist() == x.tolist() and whole[1]["y"].tolist() == (2 * x).tolist()
    (whole[0] * whole[1]["y"]).sum().backward()
    assert x.grad.tolist() == (4 * x).tolist()
    assert isinstance(gather([Pair(x, x)] * 2, "cpu"), Pair) and gather([None, None], "cpu") is None


def test_losses_of_several_devices_become_a_vector_with_a_warning():
    with pytest.warns(UserWarning, match="all input tensors were scalars"):
        assert gather([torch.tensor(1.0), torch.tensor(2.0)], "cpu").tolist() == [1.0, 2.0]


def test_numbers_name_gpus(stand_in):
    (part,) = scatter(torch.ones(2), [0])
    assert part.is_cuda and not gather([part], "cpu").is_cuda
