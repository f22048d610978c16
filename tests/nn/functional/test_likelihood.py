"""Losses of probabilities and distributions."""

import numpy as np
import pytest
from scipy import special

import minigrad
import minigrad.nn.functional as F
from minigrad.advice import Advice
from tests.marks import NOT_ASKED

generator = np.random.default_rng(16)
X, Y = generator.standard_normal((4, 3)), generator.standard_normal((4, 3))


def test_binary_cross_entropy_is_its_formula():
    p, t = special.expit(X), special.expit(Y)
    expected = -(t * np.log(p) + (1 - t) * np.log1p(-p))
    target = minigrad.tensor(t)
    result = F.binary_cross_entropy(minigrad.tensor(p), target, reduction="none")
    np.testing.assert_allclose(result.numpy(), expected, rtol=1e-12)
    logits = F.binary_cross_entropy_with_logits(minigrad.tensor(X), target, reduction="none")
    np.testing.assert_allclose(logits.numpy(), expected, rtol=1e-12)
    positive = -(3 * t * np.log(p) + (1 - t) * np.log1p(-p))
    weighted = F.binary_cross_entropy_with_logits(
        minigrad.tensor(X), target, minigrad.tensor(2.0), pos_weight=minigrad.tensor(3.0)
    )
    assert weighted.item() == pytest.approx(2 * positive.mean())


@pytest.mark.usefixtures("fresh_advice")
def test_a_sigmoid_before_the_loss_that_applies_one_gets_advice():
    scores, target = minigrad.tensor(X, requires_grad=True), minigrad.tensor(special.expit(Y))
    with pytest.warns(
        Advice, match=r"comes from a sigmoid.* between 0\.5 and 0\.73.*take binary_cross_entropy"
    ) as seen:
        F.binary_cross_entropy_with_logits(scores.sigmoid(), target)
    assert seen[0].filename == __file__
    F.binary_cross_entropy_with_logits(scores.sigmoid(), target)  # said once
    assert special.expit([0, 1]).round(2).tolist() == [0.5, 0.73]


@pytest.mark.usefixtures("fresh_advice")
@NOT_ASKED
@pytest.mark.parametrize("dtype", [minigrad.float32, minigrad.float64])
def test_targets_outside_0_and_1_get_advice_when_the_loss_is_negative(dtype):
    scores, target = minigrad.full((2,), 5.0), minigrad.tensor([2.0, -1.0], dtype=dtype)
    F.binary_cross_entropy_with_logits(scores, target.clamp(0, 1))
    with pytest.warns(
        Advice, match=r"is negative \(-4\.993\).*these go from -1 to 2.*Divide a mask of 0 and 255 by 255"
    ):
        F.binary_cross_entropy_with_logits(scores, target, reduction="none")
    assert np.log1p(np.exp(5)) - 2 * 5 == pytest.approx(-4.993, abs=1e-3)


@pytest.mark.parametrize("reduction", ["none", "mean", "sum"])
def test_logits_of_another_dtype_give_a_loss_of_the_targets(reduction):
    x, t = minigrad.tensor(X, requires_grad=True), minigrad.tensor(special.expit(Y), dtype=minigrad.float32)
    weight = minigrad.tensor([2.0, 1.0, 3.0], dtype=minigrad.float64)
    loss = F.binary_cross_entropy_with_logits(x, t, weight, reduction=reduction, pos_weight=weight)
    same = F.binary_cross_entropy_with_logits(x, t.double(), weight, reduction=reduction, pos_weight=weight)
    assert loss.dtype is minigrad.float32 and same.dtype is minigrad.float64
    np.testing.assert_allclose(loss.detach().numpy(), same.detach().numpy(), rtol=1e-6)
    ours, theirs = minigrad.autograd.grad(loss.sum(), x)[0], minigrad.autograd.grad(same.sum(), x)[0]
    assert ours.dtype is minigrad.float64
    np.testing.assert_allclose(ours.numpy(), theirs.numpy(), rtol=1e-6)


def test_certain_and_wrong_costs_100_and_large_logits_do_not_overflow():
    zero, one = minigrad.tensor([0.0]), minigrad.tensor([1.0])
    assert F.binary_cross_entropy(zero, one).item() == 100.0
    assert F.binary_cross_entropy_with_logits(minigrad.tensor([-1e4]), one).item() == 1e4


@pytest.mark.parametrize("dtype", [minigrad.float32, minigrad.float64])
@pytest.mark.parametrize(
    ("logit", "target"), [(20.0, 1.0), (40.0, 1.0), (200.0, 1.0), (-200.0, 0.0), (200.0, 0.0), (-200.0, 1.0)]
)
def test_a_saturated_sigmoid_leaves_gradients_finite(logit, target, dtype):
    z = minigrad.tensor([logit, 0.5], dtype=dtype, requires_grad=True)
    y = minigrad.tensor([target, 1.0], dtype=dtype)
    for options in ({}, {"weight": minigrad.tensor([2.0, 1.0], dtype=dtype)}, {"reduction": "sum"}):
        (slope,) = minigrad.autograd.grad(F.binary_cross_entropy(minigrad.sigmoid(z), y, **options), z)
        assert slope.isfinite().all()


def test_the_gradient_of_bce_at_0_and_1_is_pytorchs():
    p = minigrad.tensor([1.0, 0.0, 1.0, 0.0], requires_grad=True)
    F.binary_cross_entropy(p, minigrad.tensor([1.0, 0.0, 0.0, 1.0]), reduction="sum").backward()
    np.testing.assert_allclose(p.grad.numpy(), [0.0, 0.0, 1e12, -1e12], rtol=1e-6)  # PyTorch's floor of 1e-12
    p = minigrad.tensor([1.0, 0.5], requires_grad=True)
    F.binary_cross_entropy(p, minigrad.tensor([1.0, 1.0])).backward()
    assert p.grad.tolist() == [0.0, -1.0]


def test_bce_of_small_probabilities_keeps_its_digits():
    p = minigrad.tensor([1e-7, 1e-9, 1e-30])
    losses = F.binary_cross_entropy(p, minigrad.zeros(3), reduction="none")
    np.testing.assert_allclose(losses.numpy(), p.numpy(), rtol=2e-7)


def test_targets_of_another_size_are_refused_in_pytorchs_words():
    half, targets = minigrad.full((3,), 0.5), minigrad.zeros(3, 1)
    sizes = r"\(minigrad.Size\(\[3, 1\]\)\) {} input size \(minigrad.Size\(\[3\]\)\)"
    words = (
        "^Using a target size " + sizes.format("that is different to the") + " is deprecated. Please ensure they have "
    )
    with pytest.raises(ValueError, match=words + r"the same size: .*target.reshape\(input.shape\)"):
        F.binary_cross_entropy(half, targets)
    with pytest.raises(ValueError, match="^Target size " + sizes.format("must be the same as") + r": .*reshape\(input"):
        F.binary_cross_entropy_with_logits(half, targets)
    words = "^Using a target size " + sizes.format("that is different to the") + ". This will likely lead to incorrect "
    with pytest.raises(
        ValueError, match=words + "results due to broadcasting. Please ensure they have the same size: mse"
    ):
        F.mse_loss(half, targets)


@pytest.mark.parametrize("target", [255.0, 1.5, -1.0, -1e-40, np.nan])
@NOT_ASKED
def test_targets_of_bce_must_lie_between_0_and_1(target):
    p = minigrad.tensor([0.9], dtype=minigrad.float64)
    with pytest.raises(RuntimeError, match=r"all elements of target should be between 0 and 1, got .*divide a mask"):
        F.binary_cross_entropy(p, minigrad.tensor([target], dtype=minigrad.float64))


def test_the_mean_of_kl_div_warns():
    p = minigrad.full((2, 4), 0.25)
    with pytest.warns(UserWarning, match="'batchmean' divides only by the batch size"):
        F.kl_div(p.log(), p)
    assert F.kl_div(p.log(), p, reduction="batchmean").item() == 0
    certain = minigrad.tensor([[1.0, 0.0, 0.0, 0.0]])
    assert F.kl_div(p[:1].log(), certain, reduction="sum").item() == pytest.approx(np.log(4))


@pytest.mark.parametrize(
    ("call", "error", "message"),
    [
        (lambda x: F.kl_div(x, x.long()), RuntimeError, "kl_div: Integral inputs not supported"),
        (lambda x: F.kl_div(x, x, reduction="all"), ValueError, "use one of 'mean', 'sum', 'none', 'batchmean'"),
        pytest.param(lambda x: F.gaussian_nll_loss(x, x, -x), ValueError, "negative entry", marks=NOT_ASKED),
        (lambda x: F.gaussian_nll_loss(x, x, x[:1, :1]), ValueError, "var is of incorrect size"),
        (lambda x: F.binary_cross_entropy(x, x, x[0, :2]), RuntimeError, r"binary_cross_entropy got shapes \(2,\)"),
        (
            lambda x: F.binary_cross_entropy_with_logits(x, x, pos_weight=minigrad.ones(4, 2, 3)),
            RuntimeError,
            r"binary_cross_entropy_with_logits: shapes .*4, 2, 3.* do not fit together",
        ),
    ],
)
def test_wrong_arguments_raise(call, error, message):
    with pytest.raises(error, match=message):
        call(minigrad.ones(2, 3))
