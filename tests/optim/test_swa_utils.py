"""Averages of weights, their schedule, and recomputed batch norm statistics."""

import json
from pathlib import Path

import pytest

import minigrad
from minigrad import nn, optim
from minigrad.optim import swa_utils
from minigrad.utils.data import DataLoader, TensorDataset

RECORDED = json.loads((Path(__file__).resolve().parent.parent / "data" / "schedules.json").read_text())["swalrs"]


@pytest.mark.parametrize("case", RECORDED, ids=lambda case: str(case["options"]))
def test_rates_of_swalr_are_pytorchs(case):
    groups = [{"params": [minigrad.ones(1, requires_grad=True)], "lr": lr} for lr in (0.3, 0.1)]
    optimizer = optim.SGD(groups, momentum=0.9)
    schedule = swa_utils.SWALR(optimizer, **case["options"])
    for epoch, expected in enumerate(case["rates"]):
        if epoch:
            optimizer.step()
            schedule.step()
        assert schedule.get_last_lr() == pytest.approx(expected, rel=1e-12)


DEVICE = minigrad.get_default_device()


def train(averaged, values):
    net = averaged.module
    source = nn.Sequential(nn.Linear(2, 1), nn.BatchNorm1d(1)).double()
    for value in values:
        with minigrad.no_grad():
            source[0].weight.fill_(value)
            source[1].running_mean.fill_(value)
        averaged.update_parameters(source)
    return net[0].weight[0, 0].item(), net[1].running_mean.item()


@pytest.mark.parametrize(
    ("options", "weight", "mean"),
    [
        ({}, 3.0, 6.0),
        ({"use_buffers": True}, 3.0, 3.0),
        ({"avg_fn": swa_utils.get_ema_avg_fn(0.5)}, 3.75, 6.0),
        ({"multi_avg_fn": swa_utils.get_ema_multi_avg_fn(0.5)}, 3.75, 6.0),
        ({"multi_avg_fn": swa_utils.get_swa_multi_avg_fn()}, 3.0, 6.0),
        ({"avg_fn": lambda averaged, current, count: minigrad.maximum(averaged, current), "device": DEVICE}, 6.0, 6.0),
    ],
)
def test_averaged_model_averages_parameters_and_buffers_as_asked(options, weight, mean):
    net = nn.Sequential(nn.Linear(2, 1), nn.BatchNorm1d(1)).double()
    averaged = swa_utils.AveragedModel(net, **options)
    assert train(averaged, (1.0, 2.0, 6.0)) == (pytest.approx(weight), pytest.approx(mean))
    assert averaged.n_averaged.item() == 3
    assert averaged.state_dict().keys() == {"n_averaged", *(f"module.{key}" for key in net.state_dict())}
    averaged.eval()
    assert averaged(minigrad.ones(3, 2).double()).shape == (3, 1)


def test_update_bn_recomputes_the_statistics():
    net = nn.Sequential(nn.BatchNorm1d(1), nn.BatchNorm1d(1, momentum=None))
    x = minigrad.tensor([[1.0], [3.0], [5.0], [7.0]])
    net.eval()
    swa_utils.update_bn(DataLoader(TensorDataset(x, x), batch_size=2), net, device=DEVICE)
    assert net[0].running_mean.tolist() == [4]
    assert net[0].running_var.tolist() == [2]
    assert net[0].momentum == 0.1 and net[1].momentum is None and not net.training
    swa_utils.update_bn([], nn.Linear(1, 1))


def test_a_group_added_after_swalr_names_its_rate():
    optimizer = optim.SGD([minigrad.ones(1, requires_grad=True)], lr=1.0)
    schedule = swa_utils.SWALR(optimizer, 0.5, anneal_epochs=2, anneal_strategy="linear")
    optimizer.add_param_group({"params": [minigrad.ones(1, requires_grad=True)], "lr": 0.2})
    optimizer.step()
    with pytest.raises(KeyError, match=r"param 'swa_lr' is not specified in param_groups\[1\]"):
        schedule.step()
    optimizer.param_groups[1]["swa_lr"] = 0.4
    schedule.step()
    assert schedule.get_last_lr()[1] == pytest.approx(0.4)


def test_wrong_arguments_are_refused():
    net = nn.Linear(1, 1)
    optimizer = optim.SGD(net.parameters())
    with pytest.raises(AssertionError, match="Only one of avg_fn and multi_avg_fn"):
        swa_utils.AveragedModel(net, avg_fn=max, multi_avg_fn=max)
    for make in (swa_utils.get_ema_avg_fn, swa_utils.get_ema_multi_avg_fn):
        with pytest.raises(ValueError, match=r"Invalid decay value 1.5.*\[0,1\]"):
            make(1.5)
    with pytest.raises(ValueError, match="'cos' or 'linear', instead got x"):
        swa_utils.SWALR(optimizer, 0.1, anneal_strategy="x")
    with pytest.raises(ValueError, match="equal or greater than 0, got -1"):
        swa_utils.SWALR(optimizer, 0.1, anneal_epochs=-1)


def test_rates_of_swalr_print_pytorchs_digits():
    optimizer = optim.SGD([minigrad.zeros(1, requires_grad=True)], lr=0.1)
    schedule = swa_utils.SWALR(optimizer, swa_lr=0.05, anneal_epochs=4)
    rates = []
    for _ in range(5):
        optimizer.step()
        schedule.step()
        rates += schedule.get_last_lr()
    assert rates == [0.09267766952966369, 0.075, 0.057322330470336316, 0.05, 0.05]
