"""Attention as one operation: its values and gradients are those of the operations that it is made of."""

import numpy as np
import pytest

import minigrad
import minigrad.nn.functional as F
from minigrad.autograd import gradcheck, gradgradcheck
from minigrad.ops import attention
from minigrad.ops.attention import Kept, self_attention

LATER = minigrad.ones(3, 4, dtype=minigrad.bool).triu(1)
HIDDEN = minigrad.zeros(3, 4, dtype=minigrad.float64).masked_fill(LATER, -minigrad.inf)


def draw(*shape):
    return minigrad.randn(*shape, dtype=minigrad.float64, requires_grad=True)


def compose(q, k, v, factors=1.0):
    """The same by six operations, for the causal mask and one factor of a dropout for each weight."""
    weights = (q / q.shape[-1] ** 0.5 @ k.mT + HIDDEN).softmax(-1)
    return weights * factors @ v


@pytest.mark.parametrize("lead", [(), (2,), (2, 2)])
def test_values_and_gradients_are_those_of_the_operations_it_is_made_of(lead):
    minigrad.manual_seed(0)
    operands, g = [draw(*lead, *shape) for shape in ((3, 2), (4, 2), (4, 5))], minigrad.randn(*lead, 3, 5).double()
    results = [F.scaled_dot_product_attention(*operands, is_causal=True), compose(*operands)]
    np.testing.assert_allclose(*[y.detach().numpy() for y in results], rtol=1e-13)
    gradients = [minigrad.autograd.grad(y, operands, g) for y in results]
    for ours, expected in zip(*gradients, strict=True):
        np.testing.assert_allclose(ours.numpy(), expected.numpy(), rtol=1e-10, atol=1e-14)


def split_into_heads(x, heads):
    """(L, N, E) -> (N, H, L, D)."""
    return x.unflatten(-1, (heads, -1)).permute(1, 2, 0, 3)


@pytest.mark.parametrize("dropped", [False, True])
def test_heads_that_attend_to_themselves_are_split_and_merged_in_one_operation(dropped):
    minigrad.manual_seed(0)
    packed, g = draw(3, 2, 12), minigrad.randn(3, 2, 4).double()
    mask = minigrad.zeros(3, 3).double().masked_fill(LATER[:, :3], -minigrad.inf)
    factors = minigrad.tensor([2.0, 0.0, 1.0]).double()  # of a dropout, the same for all queries
    drop = (lambda weights: np.broadcast_to(factors.numpy(), weights.shape)) if dropped else None
    ours = self_attention(packed, heads=2, mask=mask.array, drop=drop, kept=Kept())
    q, k, v = [split_into_heads(x, 2) for x in packed.chunk(3, -1)]
    weights = (q / 2**0.5 @ k.mT + mask).softmax(-1)
    means = (weights * factors if dropped else weights) @ v
    expected = means.permute(2, 0, 1, 3).reshape(3, 2, 4)
    np.testing.assert_allclose(ours.detach().numpy(), expected.detach().numpy(), rtol=1e-12)
    gradients = [minigrad.autograd.grad(y, packed, g)[0].numpy() for y in (ours, expected)]
    np.testing.assert_allclose(*gradients, rtol=1e-10, atol=1e-14)


@pytest.mark.parametrize(("wanted", "products"), [("q", 2), ("k", 2), ("v", 1), ("qk", 3), ("qkv", 4)])
def test_only_the_products_of_wanted_gradients_are_made(monkeypatch, wanted, products):
    operands = {"q": draw(3, 2), "k": draw(4, 2), "v": draw(4, 5)}
    loss = F.scaled_dot_product_attention(*operands.values()).sum()
    multiply, made = attention.multiply_matrices, []
    monkeypatch.setattr(attention, "multiply_matrices", lambda x, y: made.append(x) or multiply(x, y))
    minigrad.autograd.grad(loss, [operands[name] for name in wanted])
    assert len(made) == products


def test_second_derivatives_pass_through_mask_and_dropout():
    operands = [draw(3, 2), draw(4, 2), draw(4, 2)]

    def attend(q, k, v):
        minigrad.manual_seed(1)
        return F.scaled_dot_product_attention(q, k, v, dropout_p=0.5, is_causal=True)

    assert gradcheck(attend, operands)
    assert gradgradcheck(attend, operands)


def test_a_mask_that_was_overwritten_does_not_enter_gradients():
    q, k, v, mask = draw(3, 2), draw(4, 2), draw(4, 2), HIDDEN.clone()
    out, usual = F.scaled_dot_product_attention(q, k, v, mask), F.scaled_dot_product_attention(q, k, v, HIDDEN)
    mask[0, 0] = -9.0
    (wanted,) = minigrad.autograd.grad(usual.square().sum(), q)
    (got,) = minigrad.autograd.grad(out.square().sum(), q, retain_graph=True)
    assert got.tolist() == wanted.tolist()  # by the weights of the forward
    words = r"scaled_dot_product_attention saved a tensor of shape \(3, 4\) at version 0, and it is at version 1"
    with pytest.raises(RuntimeError, match=words):  # the weights would be computed again
        minigrad.autograd.grad(out.square().sum(), q, create_graph=True)


def test_dropped_weights_are_those_that_dropout_draws():
    minigrad.manual_seed(0)
    q, k, v = draw(2, 3, 2), draw(2, 4, 2), draw(2, 4, 2)
    minigrad.manual_seed(5)
    out = F.scaled_dot_product_attention(q, k, v, dropout_p=0.25, is_causal=True)
    minigrad.manual_seed(5)
    factors = F.dropout(minigrad.ones(2, 3, 4, dtype=minigrad.float64), 0.25)
    np.testing.assert_allclose(out.detach().numpy(), compose(q, k, v, factors).detach().numpy(), rtol=1e-13)


def test_all_weights_are_dropped_with_probability_one():
    x = minigrad.ones(2, 2)
    assert F.scaled_dot_product_attention(x, x, x, dropout_p=1.0).tolist() == [[0.0, 0.0], [0.0, 0.0]]
