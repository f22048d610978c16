"""Functions composed of several operations: what they read may not be written to before backward."""

import pytest

import minigrad as torch
import minigrad.nn.functional as F
from minigrad.autograd.graph import allow_mutation_on_saved_tensors

X, WHOLE = [0.5, 1.0, 2.0, 4.0], [1, 2, 0, 3]
# A function of x and of what is written to before backward, which is made by the second.
READS = {
    "multilabel_margin_loss": (lambda x, y: F.multilabel_margin_loss(x, y), lambda: torch.tensor([1, 0, -1, 2])),
    "multi_margin_loss": (lambda x, y: F.multi_margin_loss(x.view(1, 4), y), lambda: torch.tensor([1])),
    "weights of multi_margin_loss": (
        lambda x, y: F.multi_margin_loss(x.view(1, 4), torch.tensor([1]), weight=y), lambda: torch.tensor(X)),
    "soft_margin_loss": (F.soft_margin_loss, lambda: torch.tensor([1.0, -1.0, 1.0, -1.0])),
    "ctc_loss": (
        lambda x, y: F.ctc_loss(x.log_softmax(0).expand(3, 4), y, torch.tensor(3), torch.tensor(2)),
        lambda: torch.tensor([1, 2])),
    "the grid of grid_sample": (
        lambda x, y: F.grid_sample(x.view(1, 1, 2, 2), y, align_corners=True), lambda: torch.full((1, 2, 1, 2), 0.5)),
    "the grid of grid_sample, of halves": (
        lambda x, y: F.grid_sample(x.half().view(1, 1, 2, 2), y, align_corners=True),
        lambda: torch.full((1, 2, 1, 2), 0.5).half()),
    "offsets of embedding_bag": (
        lambda x, y: F.embedding_bag(torch.tensor(WHOLE), x.view(4, 1), y), lambda: torch.tensor([0, 2])),
    "dist": (torch.dist, lambda: torch.ones(4)),
    "cdist": (lambda x, y: torch.cdist(x.view(2, 2), y), lambda: torch.ones(2, 2)),
    "exponents": (torch.ldexp, lambda: torch.ones(4)),
    "pivots": (
        lambda x, y: torch.linalg.lu_solve(torch.eye(4), y, x.view(4, 1)), lambda: torch.tensor([1, 2, 3, 4]).int()),
    "integers in addcmul": (lambda x, y: torch.addcmul(torch.zeros(4), x, y), lambda: torch.tensor(WHOLE)),
    "integers in addcdiv": (lambda x, y: torch.addcdiv(torch.zeros(4), y, x), lambda: torch.tensor(WHOLE)),
    "halves in addcmul": (lambda x, y: torch.addcmul(x, x, y), lambda: torch.ones(4).half()),
    "integers in addr": (lambda x, y: torch.addr(torch.zeros(4, 4), x, y), lambda: torch.tensor(WHOLE)),
    "an integer target": (F.mse_loss, lambda: torch.tensor(WHOLE)),
    "weights of rms_norm, of halves": (lambda x, y: F.rms_norm(x.half(), (4,), y), lambda: torch.ones(4).half()),
}  # fmt: skip


@pytest.mark.parametrize("name", READS)
def test_what_a_function_read_may_not_be_written_to_before_backward(name):
    function, make = READS[name]
    x, y = torch.tensor(X, requires_grad=True), make()
    result = function(x, y).sum()
    y.neg_()
    with pytest.raises(RuntimeError, match=r"modified by an inplace operation.*version 0, and it is at version 1"):
        result.backward()


@pytest.mark.parametrize("name", READS)
def test_it_may_where_copies_are_saved(name):
    function, make = READS[name]
    x, y = torch.tensor(X, requires_grad=True), make()
    (expected,) = torch.autograd.grad(function(x, y).sum(), x)
    with allow_mutation_on_saved_tensors():
        result = function(x, y).sum()
        y.neg_()
        result.backward()
    assert torch.equal(x.grad, expected)


@pytest.mark.parametrize("function", [
    F.pdist, lambda h: F.multilabel_margin_loss(h, torch.tensor([[1, -1], [0, -1]])), lambda h: torch.cdist(h, h + 1),
])  # fmt: skip
def test_the_input_itself_may_not_be_written_to_before_backward(function):
    h = torch.tensor(X, requires_grad=True).view(2, 2) * 2
    result = function(h).sum()
    h.zero_()
    with pytest.raises(RuntimeError, match="modified by an inplace operation"):
        result.backward()


@pytest.mark.parametrize("function", [torch.dist, lambda x, y: torch.cdist(x[None], y[None])])
def test_a_result_that_its_rule_reads_may_not_be_written_to_either(function):
    result = function(torch.tensor(X, requires_grad=True), torch.ones(4))
    result.mul_(2)
    with pytest.raises(RuntimeError, match="modified by an inplace operation"):
        result.backward()


def test_the_pivots_that_lu_factor_returns_are_those_of_backward():
    factors, pivots = torch.linalg.lu_factor(torch.tensor([[1.0, 2.0], [3.0, 4.0]], requires_grad=True))
    pivots.fill_(1)
    with pytest.raises(RuntimeError, match="LinalgLuFactorExBackward0 saved a tensor of shape \\(2,\\)"):
        factors.sum().backward()


def test_composed_functions_have_one_name_in_the_graph():
    x, pair = torch.tensor(X, requires_grad=True), torch.tensor([0, 2])
    scores = x.log_softmax(0).expand(3, 1, 4)
    assert F.multilabel_margin_loss(x, torch.tensor([1, 0, -1, 2])).grad_fn.name() == "MultilabelMarginLossBackward0"
    losses = F.ctc_loss(scores, torch.tensor([[1, 2]]), torch.tensor([3]), torch.tensor([2]), reduction="none")
    assert losses.grad_fn.name() == "CtcLossBackward0"
    assert F.embedding_bag(torch.tensor(WHOLE), x.view(4, 1), pair).grad_fn.name() == "EmbeddingBagBackward0"
    assert torch.ldexp(x, torch.ones(4)).grad_fn.name() == "LdexpBackward0"
