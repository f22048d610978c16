"""Targets that are no classes of the scores: the class of each error and its first words, as recorded from PyTorch."""

import re

import pytest

import minigrad
from minigrad.nn import functional as F

MULTI = "0D or 1D target tensor expected, multi-target not supported"
NOT_LONG = "expected target dtype to be Long or Byte, but got Float"
SPATIAL = "only batches of spatial targets supported (3D tensors) but got targets of dimension: "
REFUSED = {  # scores' shape, target's shape, its dtype -> the error of both losses, and what to write
    ((3, 4), (), "int64"): (ValueError, "Expected input batch_size (3) to match target batch_size (0)", ""),
    ((3, 4), (4,), "int64"): (ValueError, "Expected input batch_size (3) to match target batch_size (4)", ""),
    ((3, 4), (4,), "float32"): (ValueError, "Expected input batch_size (3) to match target batch_size (4)", ""),
    ((3, 4), (3, 1), "int64"): (RuntimeError, MULTI, "Write target.reshape(3)."),
    ((3, 4), (3, 1), "float32"): (RuntimeError, MULTI, "Write target.reshape(3).long()."),
    ((3, 4), (3, 3), "float32"): (RuntimeError, MULTI, "got float32 of shape [3, 3]."),
    ((3, 4), (3,), "float32"): (RuntimeError, NOT_LONG, "Write target.long()."),
    ((3, 4), (3,), "int32"): (RuntimeError, "expected target dtype to be Long or Byte, but got Int", ".long()."),
    ((4,), (3,), "int64"): (ValueError, "For 1D input, 1D target must have size 1, but got target size: 3", ""),
    ((4,), (3,), "float32"): (RuntimeError, NOT_LONG, "takes classes of shape [] as int64"),
    ((4,), (1, 1), "int64"): (RuntimeError, MULTI, "Write target.reshape(())."),
    ((3, 4, 5), (3, 6), "int64"): (RuntimeError, "Expected target size [3, 5], got [3, 6]", ""),
    ((3, 4, 5), (3, 1, 5), "float32"): (RuntimeError, "Expected target size [3, 5], got [3, 1, 5]", "(3, 5).long()."),
    ((3, 4, 5), (3, 5), "float32"): (RuntimeError, NOT_LONG, "Write target.long()."),
    ((3, 4, 5, 6), (3, 1, 5, 6), "int64"): (RuntimeError, f"{SPATIAL}4", "Write target.reshape(3, 5, 6)."),
    ((3, 4, 5, 6), (3,), "int64"): (RuntimeError, f"{SPATIAL}1", ""),
    ((3, 4, 5, 6), (3, 5, 7), "int64"): (
        RuntimeError, "size mismatch (got input: [3, 4, 5, 6] , target: [3, 5, 7])", "classes of shape [3, 5, 6]",
    ),
    ((3, 4, 5, 6), (3, 5, 7), "float32"): (RuntimeError, NOT_LONG, ""),
}  # fmt: skip


@pytest.mark.parametrize("loss", [F.cross_entropy, F.nll_loss])
@pytest.mark.parametrize(("shape", "have", "dtype"), REFUSED)
def test_targets_that_are_no_classes_are_refused_in_pytorchs_words(shape, have, dtype, loss):
    error, words, cure = REFUSED[shape, have, dtype]
    target = minigrad.zeros(have, dtype=getattr(minigrad, dtype))
    with pytest.raises(error, match=f"^{re.escape(words)}: {loss.__name__} of scores .*{re.escape(cure)}"):
        loss(minigrad.zeros(shape), target)


def test_rows_of_0_and_1_are_taken_as_probabilities_if_they_are_floats():
    scores, rows = minigrad.zeros(2, 3), minigrad.tensor([[0, 1, 0], [1, 0, 0]])
    words = "^Expected floating point type for target with class probabilities, got Long: "
    with pytest.raises(RuntimeError, match=words + r".*Write target.argmax\(1\) or target.float\(\)."):
        F.cross_entropy(scores, rows)
    assert F.cross_entropy(scores, rows.argmax(1)) == F.cross_entropy(scores, rows.float())
    with pytest.raises(RuntimeError, match=f"^{MULTI}: " + r".*as int64; got .*Write target.argmax\(1\)."):
        F.nll_loss(scores, rows)


def test_classes_in_the_place_of_scores_are_refused_in_pytorchs_words():
    words = (
        r"^Expected floating point type for target with class probabilities, got Long: .* argmax has chosen are no scor"
    )
    with pytest.raises(RuntimeError, match=words):
        F.cross_entropy(minigrad.tensor([1, 0]), minigrad.tensor([0, 1]))
