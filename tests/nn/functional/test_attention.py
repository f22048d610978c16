"""`scaled_dot_product_attention`: what masks do to values and gradients."""

import math

import numpy as np
import pytest

import minigrad
import minigrad.nn.functional as F
from tests.refusals import refusals


def attend_one_by_one(q, k, v, allowed):
    """Each query by itself, among the keys that it may attend to; zeros where there are none."""
    out = np.zeros((len(q), v.shape[1]))
    for i, query in enumerate(q):
        keys = [j for j in range(len(k)) if allowed[i][j]]
        weights = [math.exp(query @ k[j] / math.sqrt(len(query))) for j in keys]
        for j, weight in zip(keys, weights, strict=True):
            out[i] += weight / sum(weights) * v[j]
    return out


@pytest.mark.parametrize("kind", ["bool", "float"])
def test_a_query_without_keys_gets_zeros_and_no_gradient(kind):
    minigrad.manual_seed(0)
    q, k, v = [minigrad.randn(3, 4, dtype=minigrad.float64, requires_grad=True) for _ in range(3)]
    allowed = minigrad.tensor([[True, False, True], [False, False, False], [False, True, True]])
    mask = allowed if kind == "bool" else minigrad.zeros(3, 3, dtype=minigrad.float64).masked_fill(~allowed, -math.inf)
    out = F.scaled_dot_product_attention(q, k, v, attn_mask=mask)
    expected = attend_one_by_one(*[x.detach().numpy() for x in (q, k, v)], allowed.tolist())
    np.testing.assert_allclose(out.detach().numpy(), expected, rtol=1e-12)
    out.sum().backward()
    assert q.grad[1].tolist() == [0.0] * 4
    assert all(minigrad.isfinite(x.grad).all() for x in (q, k, v))
    np.testing.assert_allclose(v.grad.sum(0).numpy(), [2.0] * 4)  # two queries, each with weights that sum to 1


def test_the_causal_mask_hides_later_keys():
    q, v = minigrad.zeros(3, 2), minigrad.tensor([[3.0], [6.0], [9.0], [12.0]])
    out = F.scaled_dot_product_attention(q, minigrad.zeros(4, 2), v, is_causal=True)
    assert out.tolist() == [[3.0], [4.5], [6.0]]


def test_half_precision_is_computed_in_single_and_empty_operands_are_served():
    x = minigrad.tensor([[[60000.0, 0.0], [0.0, 60000.0]]], dtype=minigrad.float16)
    assert F.scaled_dot_product_attention(x, x, x).tolist() == x.tolist()
    assert F.scaled_dot_product_attention(*[minigrad.ones(2, 0, 4)] * 3).shape == (2, 0, 4)
    assert F.scaled_dot_product_attention(*[minigrad.ones(2, 3, 0)] * 3).shape == (2, 3, 0)


def test_heads_split_by_view_and_transpose_are_merged_by_transpose_and_view():
    x = minigrad.linspace(-1, 1, 24, requires_grad=True)  # (batch, length, heads * width)
    heads = x.view(2, 3, 2 * 2).view(2, 3, 2, 2).transpose(1, 2)
    out = F.scaled_dot_product_attention(heads, heads, heads, is_causal=True)
    assert out.stride() == heads.stride() == (12, 2, 4, 1)
    assert type(out.grad_fn).__name__ == "ScaledDotProductFlashAttentionForCpuBackward0"
    merged = out.transpose(1, 2).view(2, 3, 4)
    for batch, head in [(0, 0), (0, 1), (1, 0), (1, 1)]:
        one = heads.detach()[batch, head]
        expected = attend_one_by_one(one.numpy(), one.numpy(), one.numpy(), np.tri(3))
        np.testing.assert_allclose(merged[batch, :, 2 * head : 2 * head + 2].detach().numpy(), expected, rtol=1e-5)
    merged.sum().backward()
    assert x.grad.shape == (24,)


@pytest.mark.parametrize(
    ("order", "strides"), [((1, 2, 0, 3), (8, 4, 16, 1)), ((2, 1, 0, 3), (4, 8, 16, 1)), ((0, 3, 2, 1), (24, 12, 4, 1))]
)
def test_the_output_of_four_axes_lies_as_the_query_whose_innermost_axis_has_no_gaps(order, strides):
    lengths = {(1, 2, 0, 3): (3, 2, 2, 4), (2, 1, 0, 3): (3, 2, 2, 4), (0, 3, 2, 1): (2, 4, 3, 2)}[order]
    query = minigrad.ones(lengths).permute(order)
    assert F.scaled_dot_product_attention(query, query, query).stride() == strides  # PyTorch's


@pytest.mark.parametrize("kind", ["bool", "float"])
def test_a_mask_beside_is_causal_hides_keys_too(kind):
    minigrad.manual_seed(0)
    q, k, v = [minigrad.randn(1, 2, 3, 4, dtype=minigrad.float64) for _ in range(3)]
    allowed = minigrad.tensor([[True, False, True], [False, True, True], [True, True, False]])
    mask = allowed if kind == "bool" else minigrad.zeros(3, 3, dtype=minigrad.float64).masked_fill(~allowed, -math.inf)
    out = F.scaled_dot_product_attention(q, k, v, attn_mask=mask, is_causal=True)
    expected = attend_one_by_one(*[x[0, 1].numpy() for x in (q, k, v)], np.tri(3) * allowed.numpy())
    np.testing.assert_allclose(out[0, 1].numpy(), expected, rtol=1e-12)


ONES = minigrad.ones(4, 5, 8)
test_what_does_not_fit_is_refused = refusals({
    "a probability above 1": (
        lambda: F.scaled_dot_product_attention(ONES, ONES, ONES, dropout_p=1.5),
        RuntimeError, "dropout probability has to be between 0 and 1, but got 1.5",
    ),
    "a text as a probability": (
        lambda: F.scaled_dot_product_attention(ONES, ONES, ONES, dropout_p="0.5"),
        TypeError, "argument 'dropout_p' must be a number, not str '0.5'",
    ),
    "a mask with more axes": (
        lambda: F.scaled_dot_product_attention(ONES, ONES, ONES, attn_mask=minigrad.ones(2, 1, 5, 5)),
        RuntimeError, ("attn_mask of shape (2, 1, 5, 5) must broadcast", "the weights, (*, L, S) = (4, 5, 5)"),
    ),
    "a mask for other queries": (
        lambda: F.scaled_dot_product_attention(ONES, ONES, ONES, attn_mask=minigrad.ones(6, 5)),
        RuntimeError, r"attn_mask of shape \(6, 5\) must broadcast",
    ),
})  # fmt: skip
