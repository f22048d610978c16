"""Small programs with PyTorch's recorded answers: values, dtypes, gradients, and errors for bad input."""

import builtins
import json

import numpy as np
import pytest

import minigrad
from tests.any_device import without_device
from tests.marks import NOT_ASKED
from tests.oracle.record_programs import ANSWERS, answer, read_programs

WANTED = json.loads(ANSWERS.read_text())
TOLERANCE = {"float16": 2e-3, "float32": 2e-6, "float64": 1e-12}


def check(got, want):
    if isinstance(want, dict) and "values" in want:
        assert [got[k] for k in ("dtype", "shape", "grad")] == [want[k] for k in ("dtype", "shape", "grad")]
        numbers = [np.array(x["values"], dtype=want["dtype"]) for x in (got, want)]
        tolerance = TOLERANCE.get(want["dtype"], 0)
        np.testing.assert_allclose(*numbers, rtol=tolerance, atol=tolerance)
    elif isinstance(want, list):
        assert len(got) == len(want)
        for g, w in zip(got, want, strict=True):
            check(g, w)
    else:
        assert (without_device(got) if isinstance(got, str) else got) == want


# What PyTorch refuses on a CPU for the values of an index, and on a GPU notices too late to say.
ABOUT_VALUES = {
    "torch.zeros(3,2).index_add(0,torch.tensor([0,3]),torch.ones(2,2))",
    "torch.zeros(3,2).index_fill(0,torch.tensor([3]),5)",
    "torch.arange(6).take_along_dim(torch.tensor([0,-1]))",
    "torch.searchsorted(torch.tensor([3,1,2]),torch.tensor([2]),sorter=torch.tensor([1,2,5]))",
    "torch.take(torch.ones(2,2),torch.tensor([4]))",
    "torch.take(torch.ones(2,2),torch.tensor([-5]))",
    "torch.scatter_reduce(torch.ones(3),0,torch.tensor([0,0,3]),torch.tensor([5.,6.,7.]),'sum')",
    "torch.ones(3).index_select(0,torch.tensor([3]))",
    "torch.ones(3).index_select(0,torch.tensor([-1]))",
    "torch.ones(0,4).gather(0,torch.tensor([[0]]))",
    "torch.ones(2,4).gather(0,torch.tensor([[-1]]))",
    "torch.zeros(3,dtype=torch.uint8).masked_fill(torch.tensor(True),torch.tensor(-2.))",
    "torch.zeros(3,dtype=torch.uint8).masked_fill_(torch.tensor(True),torch.tensor(-2.))",
    "torch.zeros(3,dtype=torch.int8).masked_fill(torch.tensor([True,False,True]),torch.tensor(300))",
    "torch.zeros(3).masked_fill(torch.tensor(True),torch.tensor(1e300,dtype=torch.float64))",
    "F.embedding_bag(torch.tensor([0,5]),torch.ones(3,2),torch.tensor([0]))",
}


# Batches keep the order of their axes there, as `empty_like` of the input has it in PyTorch.
BATCHES_ON_A_GPU = (
    "x=torch.arange(24.).reshape(4,3,2).permute(2,0,1); [F.layer_norm(x,(3,)).stride(),F.group_norm(x,2).stride(),"
    "F.batch_norm(x,None,None,training=True).stride(),F.batch_norm(x,torch.zeros(4),torch.ones(4)).stride(),"
    "F.instance_norm(x).stride(),F.rms_norm(x,(3,)).stride()]"
)


def marks_of(program):
    if "rrelu" in program and "training=True" in program:
        return pytest.mark.cpu("a GPU draws a number for every element, the CPU for those below 0")
    if "signbit" in program and "clamp" in program:
        return pytest.mark.cpu("which of two equal zeros a limit keeps is left open on a GPU")
    return NOT_ASKED if program in ABOUT_VALUES else ()


def answer_on_a_gpu(program, wanted):
    """Where PyTorch answers something else for tensors on a GPU."""
    if (".apply_(" in program or ".map_(" in program) and "raises" not in wanted:
        return {"raises": "TypeError"}
    if program == BATCHES_ON_A_GPU:
        return [*wanted[:2], [1, 6, 2], [1, 6, 2], *wanted[4:]]
    return wanted


@pytest.mark.parametrize(("title", "program"), [pytest.param(*row, marks=marks_of(row[1])) for row in read_programs()])
def test_a_program_answers_as_in_pytorch(title, program):
    want, got = WANTED[program], answer(program, minigrad)
    if minigrad.get_default_device().type == "cuda":
        want = answer_on_a_gpu(program, want)
    if isinstance(want, dict) and "raises" in want:
        assert issubclass(getattr(builtins, got["raises"]), getattr(builtins, want["raises"])), title
    else:
        check(got, want)


def test_every_answer_belongs_to_a_program():
    assert list(WANTED) == list(dict.fromkeys(p for _, p in read_programs()))
