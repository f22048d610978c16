"""Tensors on two devices, and GPUs that are not there: each is refused by name."""

import numpy as np
import pytest

import minigrad as mg
import minigrad.nn.functional as F
from minigrad import nn
from tests.test_bad_input import check_refused

ones = mg.ones
SAME = ["same device", "cuda:0", "cpu"]


def gpu(*shape):
    return ones(*shape, device="cuda")


MIXED = {
    "add": (lambda: gpu(2) + ones(2), RuntimeError, [*SAME, "operand 1 with .to('cuda:0')"]),
    "add to": (lambda: gpu(2).add_(ones(2)), RuntimeError, SAME),
    "a layer on the GPU": (
        lambda: nn.Conv2d(1, 1, 1).cuda()(ones(1, 1, 3, 3)), RuntimeError,
        [*SAME, "convolution", "(1, 1, 3, 3)", ".to('cpu')"]),
    "an image on the GPU": (
        lambda: nn.Conv2d(1, 1, 1)(gpu(1, 1, 3, 3)), RuntimeError,
        [*SAME, "convolution", "(1, 1, 1, 1)", ".to('cuda:0')"]),
    "a bias": (
        lambda: F.conv2d(gpu(1, 1, 3, 3), gpu(1, 1, 1, 1), ones(1)), RuntimeError, [*SAME, "operand 2 of shape (1,)"]),
    "linear": (lambda: nn.Linear(2, 2).cuda()(ones(1, 2)), RuntimeError, SAME),
    "mse_loss": (lambda: F.mse_loss(gpu(2), ones(2)), RuntimeError, SAME),
    "matmul": (lambda: gpu(2, 2) @ ones(2, 2), RuntimeError, SAME),
    "matmul by an array": (
        lambda: gpu(2, 2) @ np.ones((2, 2)), RuntimeError, [*SAME, "operand 1 is a NumPy array", "from_numpy(array)"]),
    "einsum": (lambda: mg.einsum("i,i->", gpu(2), ones(2)), RuntimeError, SAME),
    "cat": (lambda: mg.cat([gpu(2), ones(2)]), RuntimeError, SAME),
    "stack": (lambda: mg.stack([gpu(2), ones(2)]), RuntimeError, SAME),
    "where": (lambda: mg.where(gpu(2) > 0, ones(2), ones(2)), RuntimeError, SAME),
    "an assignment under a mask": (
        lambda: gpu(2).__setitem__(gpu(2) > 0, ones(2)), RuntimeError, [*SAME, "index assignment"]),
    "an index on the GPU": (
        lambda: ones(2)[mg.tensor([0], device="cuda")], RuntimeError,
        ["either on cpu or on the same device as the indexed tensor (cpu), got cuda:0", ".to('cpu')"]),
    "a mask on the GPU": (lambda: ones(2).__setitem__(gpu(2) > 0, 1), RuntimeError, ["either on cpu or", ".to('cpu')"]),
    "take": (lambda: gpu(2).take(mg.tensor([0])), RuntimeError, [*SAME, "take"]),
    "put": (lambda: ones(2).put(mg.tensor([0], device="cuda"), gpu(1)), RuntimeError, [*SAME, "put"]),
    "masked_select": (lambda: gpu(2).masked_select(ones(2) > 0), RuntimeError, [*SAME, "masked_select"]),
    "masked_scatter": (lambda: gpu(2).masked_scatter(ones(2) > 0, gpu(2)), RuntimeError, [*SAME, "masked_scatter"]),
    "equal": (lambda: mg.equal(gpu(2), ones(2)), RuntimeError, [*SAME, "equal"]),
    "gather": (
        lambda: gpu(2, 2).gather(0, mg.tensor([[0, 1]])), RuntimeError, [*SAME, "gather", "operand 1 of shape (1, 2)"]),
    "classes": (
        lambda: F.cross_entropy(gpu(2, 2), mg.tensor([0, 1])), RuntimeError,
        [*SAME, "cross_entropy", "operand 1 of shape (2,)"]),
    "batch_norm": (
        lambda: nn.BatchNorm2d(1).cuda()(ones(1, 1, 3, 3)), RuntimeError, [*SAME, "batch_norm", "(1, 1, 3, 3)"]),
    "a gradient": (
        lambda: ones(2, device="cuda", requires_grad=True).backward(ones(2)), RuntimeError, [*SAME, "backward"]),
    "numpy()": (lambda: gpu(2).numpy(), TypeError, ["cuda:0", ".cpu()"]),
    "a GPU that is not there": (lambda: ones(2).to("cuda:7"), RuntimeError, ["'cuda:7'", "2 GPU(s)", "'cuda:1'"]),
}  # fmt: skip


@pytest.mark.usefixtures("stand_in")
@pytest.mark.parametrize("name", MIXED)
def test_tensors_on_two_devices_are_refused(name):
    check_refused(*MIXED[name])


def test_the_error_without_a_gpu_gives_the_reason(monkeypatch):
    monkeypatch.setattr("minigrad.backend._cuda", None)
    monkeypatch.setattr("minigrad.backend._why_not", "CuPy is not installed: pip install ...")
    check_refused(lambda: ones(2).cuda(), RuntimeError, ["was asked for", "CuPy is not installed"])
