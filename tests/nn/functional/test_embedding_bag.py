"""`embedding_bag` and its layer, compared with a loop over the bags; and errors."""

import numpy as np
import pytest

import minigrad as torch
import minigrad.nn.functional as F
from minigrad import nn
from tests.marks import NOT_ASKED

BAGS = [[2, 3, 3], [], [1, 0], [1]]


@pytest.mark.parametrize("mode", ["sum", "mean", "max"])
@pytest.mark.parametrize("padding", [None, 1, -4])
@pytest.mark.parametrize("last", [False, True])
def test_bags_are_those_of_a_loop(mode, padding, last):
    table = torch.randn(5, 3, dtype=torch.float64, requires_grad=True)
    starts = [0, 3, 3, 5] + ([6] if last else [])
    flat = torch.tensor([row for bag in BAGS for row in bag])
    options = {"mode": mode, "padding_idx": padding, "include_last_offset": last}
    out = F.embedding_bag(flat, table, torch.tensor(starts), **options)
    expected = []
    for bag in BAGS:
        rows = table.detach().numpy()[[row for row in bag if padding is None or row != padding % 5]]
        whole = {"sum": np.sum, "mean": np.mean, "max": np.max}[mode]
        expected.append(whole(rows, 0) if len(rows) else np.zeros(3))
    np.testing.assert_allclose(out.detach().numpy(), expected)
    assert torch.autograd.gradcheck(lambda t: F.embedding_bag(flat, t, torch.tensor(starts), mode=mode), (table,))


def test_bags_over_a_given_table_share_its_memory():
    table = torch.tensor([[1.0, 2.0], [3.0, 5.0]])
    bags = nn.EmbeddingBag.from_pretrained(table, mode="sum", padding_idx=1)
    assert repr(bags) == "EmbeddingBag(2, 2, mode='sum', padding_idx=1)" and not bags.weight.requires_grad
    assert bags(torch.tensor([[0, 1, 0]])).tolist() == [[2, 4]] and bags.weight.data_ptr() == table.data_ptr()
    assert nn.EmbeddingBag.from_pretrained(table, freeze=False).weight.requires_grad
    with pytest.raises(AssertionError, match="2-dimensional, got 1"):
        nn.EmbeddingBag.from_pretrained(table[0])


def test_weighted_bags_of_one_length_and_empty_ones():
    table, bags = torch.randn(4, 2), torch.tensor([[0, 1], [3, 3]])
    weights = torch.tensor([[0.5, 2.0], [1.0, -1.0]], requires_grad=True)
    out = F.embedding_bag(bags, table, mode="sum", per_sample_weights=weights)
    np.testing.assert_allclose(out[0].tolist(), (table[0] * 0.5 + table[1] * 2).tolist(), rtol=1e-6)
    out.sum().backward()
    np.testing.assert_allclose(weights.grad[0].tolist(), table[:2].sum(1).tolist(), rtol=1e-6)
    assert F.embedding_bag(bags[:0], table).shape == (0, 2)
    assert F.embedding_bag(bags[0, :0], table, torch.tensor([0, 0]), mode="max").tolist() == [[0, 0], [0, 0]]


def test_the_layer_prints_its_options_and_zeroes_the_padding_row():
    layer = nn.EmbeddingBag(5, 3, mode="sum", padding_idx=-1)
    assert repr(layer) == "EmbeddingBag(5, 3, mode='sum', padding_idx=4)"
    assert not layer.weight[4].any()
    assert torch.equal(layer(torch.tensor([[1, 4]])), layer.weight[1:2])
    assert repr(nn.EmbeddingBag(3, 4, 1.0, 1.0, True)) == (
        "EmbeddingBag(3, 4, max_norm=1.0, norm_type=1.0, scale_grad_by_freq=True, mode='mean')"
    )
    with pytest.raises(AssertionError, match="Padding_idx must be within num_embeddings 3"):
        nn.EmbeddingBag(3, 4, padding_idx=3)


@pytest.mark.parametrize(
    ("rows", "starts", "options", "error", "message"),
    [
        ([[1, 2]], [0], {}, ValueError, "if input is 2D, then offsets has to be None"),
        ([1], None, {}, ValueError, "offsets has to be a 1D Tensor but got None"),
        ([[[1]]], None, {}, ValueError, "input has to be 1D or 2D Tensor, but got Tensor of dimension 3"),
        ([1], [0], {"mode": "x"}, ValueError, "mode has to be one of sum, mean or max"),
        ([1], [[0]], {}, ValueError, "offsets has to be a 1D Tensor"),
        ([1], [1], {}, RuntimeError, r"offsets\[0\] has to be 0"),
        ([1], [0, 2], {}, RuntimeError, r"offsets\[-1\] can not be greater than input's length 1"),
        ([1, 2], [0, 1, 0], {}, RuntimeError, "offsets must not fall"),
        ([1, 2], [0], {"mode": "max", "scale_grad_by_freq": True}, ValueError, "max mode does not support scaling"),
        pytest.param(
            [9],
            [0],
            {},
            RuntimeError,
            "embedding_bag: index out of range in self: embedding has rows 0 to 3, got 9",
            marks=NOT_ASKED,
        ),
        ([1], [0.0], {}, RuntimeError, "'offsets' to hold Long, Int, but got minigrad.float32"),
        ([1], [0], {"per_sample_weights": torch.ones(1)}, NotImplementedError, "only supported for mode='sum'"),
        ([1], [0], {"per_sample_weights": torch.ones(2)}, ValueError, "must have the same shape as the input"),
        (
            [1],
            [0],
            {"per_sample_weights": torch.ones(1).double(), "mode": "sum"},
            RuntimeError,
            "'weight' to have the same type as 'per_sample_weights'; but minigrad.float32 does not equal",
        ),
    ],
)
def test_wrong_arguments_raise(rows, starts, options, error, message):
    offsets = None if starts is None else torch.tensor(starts)
    with pytest.raises(error, match=message):
        F.embedding_bag(torch.tensor(rows), torch.ones(4, 2), offsets, **options)


def test_a_table_of_integers_or_of_one_axis_is_refused():
    rows, starts = torch.tensor([1]), torch.tensor([0])
    with pytest.raises(RuntimeError, match="'weight' to hold floats, but got minigrad"):
        F.embedding_bag(rows, torch.ones(4, 2).long(), starts)
    with pytest.raises(ValueError, match="weight has to be a 2D Tensor, but got Tensor of dimension 1"):
        F.embedding_bag(rows, torch.ones(4), starts)


def test_table_first_as_in_old_programs_is_turned_round_with_a_warning():
    table, indices = torch.tensor([[1.0], [2.0], [6.0]]), torch.tensor([[0, 2]])
    with pytest.warns(UserWarning, match="Argument order of nn.functional.embedding_bag was changed"):
        found = F.embedding_bag(table, indices, mode="sum")
    assert found.tolist() == [[7.0]]
