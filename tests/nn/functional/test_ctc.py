"""`ctc_loss` against the sum over all alignments."""

import itertools

import numpy as np
import pytest

import minigrad
import minigrad.nn.functional as F
from minigrad.autograd import gradcheck, gradgradcheck

SCORES = minigrad.tensor(np.random.default_rng(2).standard_normal((4, 3, 3)))
TARGETS = minigrad.tensor([[1, 2], [1, 1], [2, 0]])
INPUTS, LENGTHS = [4, 3, 4], [2, 2, 1]


def sum_over_paths(log_probs, target, length, blank):
    """-log of the sum of the probabilities of every path that reads as `target`."""
    total = 0.0
    for path in itertools.product(range(log_probs.shape[1]), repeat=length):
        read = [c for c, before in zip(path, (None, *path), strict=False) if c != before]
        if [c for c in read if c != blank] == target:
            total += np.exp(sum(log_probs[t, c] for t, c in enumerate(path)))
    return -np.log(total)


@pytest.mark.parametrize("blank", [0, 2])
def test_ctc_loss_is_the_sum_over_all_alignments(blank):
    targets = minigrad.tensor([[1, 0], [1, 1], [0, 0]]) if blank else TARGETS
    lp = F.log_softmax(SCORES, 2)
    rows = [targets[n, :k].tolist() for n, k in enumerate(LENGTHS)]
    expected = [sum_over_paths(lp[:, n].numpy(), rows[n], INPUTS[n], blank) for n in range(3)]
    found = F.ctc_loss(lp, targets, INPUTS, LENGTHS, blank, "none")
    np.testing.assert_allclose(found.numpy(), expected, rtol=1e-12)
    in_a_row = minigrad.tensor([c for row in rows for c in row])
    lengths = minigrad.tensor(INPUTS), minigrad.tensor(LENGTHS)
    assert F.ctc_loss(lp, in_a_row, *lengths, blank, "sum").item() == pytest.approx(sum(expected))
    mean = np.mean(np.array(expected) / LENGTHS)
    assert minigrad.nn.CTCLoss(blank)(lp, targets, *lengths).item() == pytest.approx(mean)
    one = F.ctc_loss(lp[:, 0], targets[0], minigrad.tensor(4), minigrad.tensor(2), blank, "none")
    assert one.ndim == 0 and one.item() == pytest.approx(expected[0])


def test_ctc_loss_passes_gradgradcheck():
    def call(x):
        return F.ctc_loss(F.log_softmax(x, 2), TARGETS, INPUTS, LENGTHS)

    x = SCORES.clone().requires_grad_()
    assert gradcheck(call, x) and gradgradcheck(call, x)


def test_a_target_that_does_not_fit_costs_infinity_and_an_empty_one_the_blanks():
    lp = F.log_softmax(SCORES[:2, :1], 2).detach().requires_grad_()
    assert F.ctc_loss(lp, minigrad.tensor([[1, 1]]), [2], [2]).item() == float("inf")
    loss = F.ctc_loss(lp, minigrad.tensor([[1, 1]]), [2], [2], zero_infinity=True)
    loss.backward()
    assert loss.item() == 0.0 and not lp.grad.any()
    empty = F.ctc_loss(lp, minigrad.tensor([[1]]), [2], [0], reduction="none")
    assert empty.item() == pytest.approx(-lp[:, 0, 0].sum().item())


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ((TARGETS, [5, 3, 4], LENGTHS), "value at most 4"),
        ((TARGETS, [4, 3], LENGTHS), "^input_lengths must be of size batch_size: .* 3 lengths each.* 2 input_lengths"),
        ((TARGETS, INPUTS, [3, 2]), "^target_lengths must be of size batch_size: .* 2 target_lengths"),
        ((TARGETS, INPUTS, [3, 2, 1]), "hold 3 classes for sequence 0, but got 2"),
        ((TARGETS + 7, INPUTS, LENGTHS), "out of range"),
        ((TARGETS.float(), INPUTS, LENGTHS), "must be class numbers"),
        ((TARGETS, [4.0, 3.0, 4.0], LENGTHS), "input_lengths must be one integer"),
        ((TARGETS, INPUTS, LENGTHS, 3), r"blank must be in label range \[0, 3\)"),
    ],
)
def test_refused(arguments, message):
    with pytest.raises(RuntimeError, match=message):
        F.ctc_loss(F.log_softmax(SCORES, 2), *arguments)


@pytest.mark.parametrize(
    ("scores", "targets", "message"),
    [
        ((3,), (1, 1), r"2 or 3 dimensions, \(T, C\) or \(T, N, C\), got \[3\]"),
        ((), (1, 1), r"2 or 3 dimensions.* got \[\]"),
        ((1, 4, 1, 3), (1, 1), r"2 or 3 dimensions.* got \[1, 4, 1, 3\]"),
        ((0, 1, 3), (1, 1), r"must not be empty, got shape \[0, 1, 3\]"),
        ((4, 0, 3), (1, 1), "must not be empty"),
        ((4, 1, 0), (1, 1), "must not be empty"),
        ((4, 1, 3), (1, 1, 1), r"targets of 1 or 2 dimensions.* got \[1, 1, 1\]"),
        ((4, 1, 3), (), r"targets of 1 or 2 dimensions.* got \[\]"),
        ((4, 1, 3), (2, 1), r"targets of 1 sequences, \(N, S\), got \[2, 1\]"),
    ],
)
def test_wrong_shapes_are_refused(scores, targets, message):
    with pytest.raises(RuntimeError, match=message):
        F.ctc_loss(minigrad.zeros(scores), minigrad.ones(targets, dtype=minigrad.int64), [4], [1])
