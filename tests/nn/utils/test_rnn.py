"""`nn.utils.rnn`: sequences of different lengths as one padded tensor."""

import pytest

import minigrad as torch
from minigrad.nn.utils.rnn import pad_sequence, unpad_sequence
from tests.refusals import refusals

LONG, SHORT = torch.tensor([1.0, 2.0, 3.0]), torch.tensor([4.0])


def test_sequences_are_padded_on_the_side_that_is_asked_for():
    assert pad_sequence([LONG, SHORT]).tolist() == [[1, 4], [2, 0], [3, 0]]
    left = pad_sequence(iter([LONG, SHORT]), batch_first=True, padding_value=-1.0, padding_side="left")
    assert left.tolist() == [[1, 2, 3], [-1, -1, 4]]
    assert pad_sequence([torch.ones(25, 3), torch.ones(22, 3)]).shape == (25, 2, 3)


def test_the_dtype_is_that_of_the_first_sequence():
    assert pad_sequence([torch.tensor([1, 2]), torch.tensor([1.5])]).tolist() == [[1, 1], [2, 0]]
    assert pad_sequence([torch.tensor([1.5]), torch.tensor([1, 2])]).dtype == torch.float32


def test_each_sequence_gets_its_part_of_the_gradient():
    long, short = LONG.clone().requires_grad_(), SHORT.clone().requires_grad_()
    (pad_sequence([long, short], True) * torch.arange(6.0).reshape(2, 3)).sum().backward()
    assert long.grad.tolist() == [0, 1, 2] and short.grad.tolist() == [3]


@pytest.mark.parametrize("batch_first", [False, True])
def test_unpadding_gives_the_sequences_back(batch_first):
    found = unpad_sequence(pad_sequence([LONG, SHORT], batch_first), torch.tensor([3, 1]), batch_first)
    assert [x.tolist() for x in found] == [LONG.tolist(), SHORT.tolist()]


test_refused = refusals(
    {
        "no iterable": (lambda: pad_sequence(3), RuntimeError, "Expected iterable for input sequences, .* type: int"),
        "no sequences": (lambda: pad_sequence([]), RuntimeError, "received an empty list of sequences"),
        "no padding": (lambda: pad_sequence([LONG], True, None), TypeError, "'padding_value' must be a number"),
        "lengths of other sequences": (
            lambda: unpad_sequence(LONG[None], torch.tensor([1, 1]), True),
            ValueError,
            "argument 2 is longer",
        ),
        "a third side": (lambda: pad_sequence([LONG], padding_side="up"), RuntimeError, "'right' or 'left', got 'up'"),
        "an int as a flag": (lambda: pad_sequence([LONG], 1), TypeError, "'batch_first' must be bool, not int 1"),
        "lists": (lambda: pad_sequence([[1], [2]]), TypeError, "tensors of one axis or more, got a list"),
        "numbers": (lambda: pad_sequence([LONG.sum()]), RuntimeError, "one axis or more, got a 0-d tensor"),
        "other axes": (
            lambda: pad_sequence([torch.ones(2, 3), torch.ones(2, 4)]),
            RuntimeError,
            "differ in length alone",
        ),
    }
)


def test_sequences_of_other_features_are_refused_with_both_shapes():
    with pytest.raises(
        RuntimeError, match=r"^pad_sequence: sequences differ in length alone, .* \[2, 3\] and \[2, 4\]"
    ):
        pad_sequence([torch.ones(2, 3), torch.ones(2, 4)])
    with pytest.raises(TypeError, match=r"got a list; wrap each with minigrad.tensor\(...\)"):
        pad_sequence([[1, 2], [3]])
