"""Losses against their formulas."""

import warnings

import numpy as np
import pytest
from scipy import special

import minigrad
import minigrad.nn.functional as F
from minigrad import advice
from tests.marks import NOT_ASKED

generator = np.random.default_rng(16)
X, Y = generator.standard_normal((4, 3)), generator.standard_normal((4, 3))
D = np.abs(X - Y)
PAIRS = {
    "mse_loss": D**2,
    "l1_loss": D,
    "smooth_l1_loss": np.where(D < 1, D**2 / 2, D - 0.5),
    "huber_loss": np.where(D < 1, D**2 / 2, D - 0.5),
}


@pytest.mark.parametrize("name", PAIRS)
def test_a_loss_of_pairs_is_its_formula_in_each_reduction(name):
    loss, expected = getattr(F, name), PAIRS[name]
    x, y = minigrad.tensor(X), minigrad.tensor(Y)
    np.testing.assert_allclose(loss(x, y, reduction="none").numpy(), expected, rtol=1e-13)
    assert loss(x, y, reduction="sum").item() == pytest.approx(expected.sum(), rel=1e-13)
    assert loss(x, y).item() == pytest.approx(expected.mean(), rel=1e-13)


@pytest.mark.parametrize("name", ["mse_loss", "l1_loss", "huber_loss"])
def test_weighted_losses_of_pairs_are_averaged_as_in_pytorch(name):
    weight = np.abs(X) + 0.1
    result = getattr(F, name)(minigrad.tensor(X), minigrad.tensor(Y), weight=minigrad.tensor(weight))
    # PyTorch divides the first two by the weights' sum, and Huber's by the number of pairs.
    total = X.size if name == "huber_loss" else weight.sum()
    assert result.item() == pytest.approx((PAIRS[name] * weight).sum() / total, rel=1e-12)


def test_beta_and_delta_say_where_the_line_begins():
    x, y = minigrad.tensor(X), minigrad.tensor(Y)
    bent = np.where(D < 0.4, D**2 / 0.8, D - 0.2)
    np.testing.assert_allclose(F.smooth_l1_loss(x, y, reduction="none", beta=0.4).numpy(), bent)
    np.testing.assert_allclose(F.huber_loss(x, y, "none", 0.4).numpy(), bent * 0.4)
    assert F.smooth_l1_loss(x, y, beta=0.0).item() == pytest.approx(D.mean())


@pytest.mark.parametrize(
    ("flags", "reduction"),
    [((True, True), "mean"), ((False, None), "sum"), ((None, False), "none"), ((True, None), "mean")],
)
def test_the_older_flags_still_choose_the_reduction(flags, reduction):
    x, y = minigrad.tensor(X), minigrad.tensor(Y)
    with_flags = F.mse_loss(x, y, *flags)
    assert minigrad.equal(with_flags, F.mse_loss(x, y, reduction=reduction))


def test_shapes_that_differ_are_refused_or_warned_of():
    x, y = minigrad.ones(8), minigrad.ones(8, 1)
    with pytest.raises(ValueError, match=r"target size \(8, 1\) that is different to the input size \(8,\):"):
        F.mse_loss(x, y)
    for loss in (F.l1_loss, F.smooth_l1_loss, F.huber_loss):
        with pytest.warns(UserWarning, match=r"target size \(8, 1\) that is different"):
            assert loss(x, y, reduction="none").shape == (8, 8)


LABELS = np.array([2, 0, 1, 2])
LOGS = special.log_softmax(X, 1)
WEIGHTS = np.array([0.5, 1.0, 3.0])


def make_scores(dtype=minigrad.float64):
    return minigrad.tensor(X, dtype=dtype)


def test_cross_entropy_of_classes_is_minus_the_log_softmax():
    expected = -LOGS[np.arange(4), LABELS]
    y = minigrad.tensor(LABELS)
    np.testing.assert_allclose(F.cross_entropy(make_scores(), y, reduction="none").numpy(), expected)
    assert F.cross_entropy(make_scores(), y).item() == pytest.approx(expected.mean())
    logs = minigrad.tensor(LOGS)
    assert F.nll_loss(logs, y).item() == pytest.approx(expected.mean())
    assert F.nll_loss(logs[0], y[0]).item() == pytest.approx(expected[0])


def test_cross_entropy_with_weights_and_ignored_samples():
    losses, weights = -LOGS[np.arange(4), LABELS] * WEIGHTS[LABELS], WEIGHTS[LABELS]
    y, w = minigrad.tensor(LABELS), minigrad.tensor(WEIGHTS)
    assert F.cross_entropy(make_scores(), y, w).item() == pytest.approx(losses.sum() / weights.sum())
    kept = LABELS != 0
    mean = losses[kept].sum() / weights[kept].sum()
    assert F.cross_entropy(make_scores(), y, w, ignore_index=0).item() == pytest.approx(mean)
    y[1] = -100
    assert F.cross_entropy(make_scores(), y, w).item() == pytest.approx(mean)


def test_smoothing_is_a_mixture_with_the_uniform_distribution():
    smooth = np.full((4, 3), 0.3 / 3)
    smooth[np.arange(4), LABELS] += 0.7
    y, w = minigrad.tensor(LABELS), minigrad.tensor(WEIGHTS)
    plain = F.cross_entropy(make_scores(), y, label_smoothing=0.3)
    assert plain.item() == pytest.approx(-(smooth * LOGS).sum(1).mean())
    weighted = F.cross_entropy(make_scores(), y, w, label_smoothing=0.3)
    expected = -(smooth * LOGS * WEIGHTS).sum() / WEIGHTS[LABELS].sum()
    assert weighted.item() == pytest.approx(expected)
    target = minigrad.tensor(np.eye(3)[LABELS])
    soft = F.cross_entropy(make_scores(), target, label_smoothing=0.3)
    assert soft.item() == pytest.approx(plain.item())


def test_an_image_has_a_class_at_each_pixel():
    x = minigrad.tensor(np.random.default_rng(17).standard_normal((2, 3, 4, 5)))
    y = minigrad.tensor(np.random.default_rng(18).integers(0, 3, (2, 4, 5)))
    pixels = F.cross_entropy(x.permute(0, 2, 3, 1).reshape(-1, 3), y.reshape(-1))
    assert F.cross_entropy(x, y).item() == pytest.approx(pixels.item())


def test_the_mean_of_nothing_is_nan_with_zero_gradients():
    x = minigrad.tensor(X, requires_grad=True)
    loss = F.cross_entropy(x, minigrad.tensor([-100] * 4))
    loss.backward()
    assert np.isnan(loss.item())
    assert not x.grad.numpy().any()


def test_large_scores_do_not_overflow():
    x = minigrad.tensor([[1e4, 0.0]], requires_grad=True)
    loss = F.cross_entropy(x, minigrad.tensor([1]))
    loss.backward()
    assert loss.item() == 1e4
    assert x.grad.tolist() == [[1.0, -1.0]]


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


def test_cosine_similarity_and_pairwise_distance_are_their_formulas():
    x, y = minigrad.tensor(X), minigrad.tensor(Y)
    cosine = (X * Y).sum(1) / np.linalg.norm(X, axis=1) / np.linalg.norm(Y, axis=1)
    np.testing.assert_allclose(F.cosine_similarity(x, y).numpy(), cosine)
    np.testing.assert_allclose(F.pairwise_distance(x, y).numpy(), np.linalg.norm(X - Y + 1e-6, axis=1))
    zeros = minigrad.zeros(2, 3)
    assert F.cosine_similarity(zeros, zeros).tolist() == [0.0, 0.0]
    pairs = F.cosine_similarity(x.unsqueeze(0), y.unsqueeze(1), dim=-1)
    assert pairs.shape == (4, 4)
    np.testing.assert_allclose(pairs.diagonal().numpy(), cosine)


INF, NAN = float("inf"), float("nan")


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


@pytest.mark.parametrize("target", [255.0, 1.5, -1.0, -1e-40, NAN])
@NOT_ASKED
def test_targets_of_bce_must_lie_between_0_and_1(target):
    p = minigrad.tensor([0.9], dtype=minigrad.float64)
    with pytest.raises(RuntimeError, match=r"all elements of target should be between 0 and 1, got .*divide a mask"):
        F.binary_cross_entropy(p, minigrad.tensor([target], dtype=minigrad.float64))


def test_targets_of_another_dtype_are_promoted_or_refused_as_in_pytorch():
    x = minigrad.tensor([0.3, 0.4], requires_grad=True)
    flags, counts, double = minigrad.tensor([False, True]), minigrad.tensor([0, 1]), x.detach().double()
    assert F.mse_loss(x, flags).item() == pytest.approx((0.09 + 0.36) / 2)
    assert F.smooth_l1_loss(x, counts).dtype is minigrad.float32
    assert F.mse_loss(x, double).dtype is minigrad.float64
    for target in (flags, counts, double):
        with pytest.raises(RuntimeError, match=r"Found dtype .* but expected .*write target\.to\(input\.dtype\)"):
            F.huber_loss(x, target)
        assert F.huber_loss(x.detach(), target).dtype is minigrad.float32
    with pytest.raises(RuntimeError, match="can't be cast to the desired output type"):
        F.binary_cross_entropy_with_logits(x, counts)
    with pytest.raises(NotImplementedError, match="not implemented for 'Long'"):
        F.mse_loss(counts, counts)


@pytest.mark.parametrize("loss", [F.huber_loss, F.smooth_l1_loss])
def test_huber_and_smooth_l1_have_slope_1_at_infinity(loss):
    x = minigrad.tensor([INF, -INF, 2.0], requires_grad=True)
    loss(x, minigrad.zeros(3), reduction="sum").backward()
    assert x.grad.tolist() == [1.0, -1.0, 1.0]


@pytest.mark.parametrize("bad", [INF, -INF, NAN])
@pytest.mark.parametrize("options", [{}, {"label_smoothing": 0.1}, {"weight": minigrad.ones(2)}])
def test_an_ignored_row_adds_nothing_even_if_it_is_not_finite(bad, options):
    x = minigrad.tensor([[bad, 0.0], [1.0, 2.0]], requires_grad=True)
    alone = x.detach()[1:].requires_grad_()
    y = minigrad.tensor([-100, 1])
    loss, expected = F.cross_entropy(x, y, **options), F.cross_entropy(alone, y[1:], **options)
    assert loss.item() == pytest.approx(expected.item())
    if not options:
        (found,), (wanted,) = minigrad.autograd.grad(F.nll_loss(x, y), x), minigrad.autograd.grad(expected, alone)
        assert found[0].tolist() == [0.0, 0.0] and wanted.isfinite().all()


def test_losses_of_halves_are_summed_in_float32():
    x = minigrad.full((70_000,), 2.0, dtype=minigrad.float16)
    assert F.mse_loss(x, x * 0).item() == 4.0
    assert F.smooth_l1_loss(x, x * 0).item() == 1.5
    logs = minigrad.full((70_000, 2), -2.0, dtype=minigrad.float16)
    assert F.nll_loss(logs, minigrad.zeros(70_000, dtype=minigrad.int64)).item() == 2.0


def test_the_second_derivative_of_nll_is_zero():
    x = minigrad.tensor([[1.0, -2.0], [0.5, 3.0]], requires_grad=True)
    (slope,) = minigrad.autograd.grad(F.nll_loss(x, minigrad.tensor([0, 1])), x, create_graph=True)
    (second,) = minigrad.autograd.grad(slope.sum(), x)
    assert not second.any()


@pytest.mark.usefixtures("fresh_advice")
@pytest.mark.parametrize("loss", [F.huber_loss, F.smooth_l1_loss])
def test_the_second_derivative_of_a_parabola_and_a_line_is_0_on_the_line_and_at_nan(loss):
    x = minigrad.tensor([0.5, 1.0, 3.0, -4.0, float("nan"), float("inf")], requires_grad=True)
    target = minigrad.tensor([0.0, 0.0, 0.0, 0.0, 0.0, float("inf")])
    (slope,) = minigrad.autograd.grad(loss(x, target, reduction="sum"), x, create_graph=True)
    assert slope[:4].tolist() == [0.5, 1.0, 1.0, -1.0] and slope[4:].isnan().all()
    assert minigrad.autograd.grad(slope.sum(), x)[0].tolist() == [1.0, 0.0, 0.0, 0.0, 0.0, 0.0]


@pytest.mark.usefixtures("fresh_advice")
class TestAdvice:
    @NOT_ASKED
    def test_softmax_before_cross_entropy_gets_advice_once(self):
        x, y = minigrad.randn(8, 3), minigrad.arange(8) % 3
        with pytest.warns(advice.Advice, match="sum to 1 already, as after a softmax"):
            F.cross_entropy(x.softmax(1), y)
        with warnings.catch_warnings():
            warnings.simplefilter("error")
            F.cross_entropy(x.softmax(1), y)  # a second time says nothing

    def test_raw_scores_get_no_advice(self):
        with warnings.catch_warnings(record=True) as given:
            for x in (minigrad.randn(8, 3), minigrad.tensor([[1.0, 0.0]]), minigrad.zeros(0, 3), minigrad.ones(2, 1)):
                F.cross_entropy(x, minigrad.zeros(len(x), dtype=minigrad.int64))
            F.nll_loss(minigrad.randn(8, 3).log_softmax(1), minigrad.arange(8) % 3)
        assert not given

    def test_rows_that_only_look_like_probabilities_get_no_advice(self):
        with warnings.catch_warnings(record=True) as given:
            for row in ([0.5, 0.6], [1.5, -0.5], [0.9, 0.9]):  # of another sum, with a number below zero
                F.cross_entropy(minigrad.tensor([row, [0.5, 0.5]]), minigrad.tensor([0, 1]))
                F.cross_entropy(minigrad.tensor([[0.5, 0.5], row]), minigrad.tensor([0, 1]))
        assert not given

    @NOT_ASKED
    def test_a_negative_nll_loss_gets_advice(self):
        with pytest.warns(advice.Advice, match=r"nll_loss is negative \(-0\.5\): it takes log-probabilities") as seen:
            F.nll_loss(minigrad.tensor([[0.5, 0.5]]), minigrad.tensor([1]))
        assert seen[0].filename == __file__


@pytest.mark.parametrize(
    ("call", "error", "message"),
    [
        (lambda x: F.kl_div(x, x.long()), RuntimeError, "kl_div: Integral inputs not supported"),
        (lambda x: F.kl_div(x, x, reduction="all"), ValueError, "use one of 'mean', 'sum', 'none', 'batchmean'"),
        pytest.param(lambda x: F.gaussian_nll_loss(x, x, -x), ValueError, "negative entry", marks=NOT_ASKED),
        (lambda x: F.gaussian_nll_loss(x, x, x[:1, :1]), ValueError, "var is of incorrect size"),
        (lambda x: F.gaussian_nll_loss(x, x, x, eps=0), ValueError, "eps must be positive"),
        (lambda x: F.margin_ranking_loss(x, x, x[0]), RuntimeError, "should have same dimension"),
        (lambda x: F.cosine_embedding_loss(x, x, x), RuntimeError, "multi-target not supported"),
        (lambda x: F.triplet_margin_loss(x, x, x, 0), ValueError, "margin must be greater than 0, got 0"),
        (lambda x: F.triplet_margin_loss(x, x, x[0]), RuntimeError, "anchor 2D, positive 2D, and negative 1D"),
        (lambda x: F.multi_margin_loss(x, x[:, 0].long(), 3), ValueError, "only p == 1 and p == 2"),
        pytest.param(
            lambda x: F.multi_margin_loss(x, minigrad.tensor([0, 9])), RuntimeError, "out of range: 9", marks=NOT_ASKED
        ),
        (lambda x: F.multilabel_margin_loss(x, minigrad.zeros(2).long()), RuntimeError, "inconsistent target size"),
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


def test_the_mean_of_kl_div_warns():
    p = minigrad.full((2, 4), 0.25)
    with pytest.warns(UserWarning, match="'batchmean' divides only by the batch size"):
        F.kl_div(p.log(), p)
    assert F.kl_div(p.log(), p, reduction="batchmean").item() == 0
    certain = minigrad.tensor([[1.0, 0.0, 0.0, 0.0]])
    assert F.kl_div(p[:1].log(), certain, reduction="sum").item() == pytest.approx(np.log(4))


@pytest.mark.parametrize("dtype", [minigrad.float16, minigrad.float64])
def test_0d_inputs_have_0d_gradients(dtype):
    x, y, w = (minigrad.tensor(v, dtype=dtype, requires_grad=True) for v in (0.5, 0.25, 2.0))
    for loss in (
        F.binary_cross_entropy_with_logits(x, y, w, pos_weight=w),
        F.binary_cross_entropy(x, y, w),
        F.smooth_l1_loss(x, y),
        F.huber_loss(x, y),
        F.mse_loss(x, y),
        F.gelu(x) + F.mish(y) + F.softplus(x),
    ):
        for slope in minigrad.autograd.grad(loss, (x, y)):
            assert slope.shape == () and slope.dtype is dtype and slope.isfinite()


@pytest.mark.parametrize("flags", [{"size_average": False}, {"reduce": True}])
def test_deprecated_flags_warn(flags):
    with pytest.warns(UserWarning, match="size_average and reduce are deprecated: write reduction="):
        F.mse_loss(minigrad.ones(2), minigrad.zeros(2), **flags)


def test_one_hot_integers_as_target_suggest_both_corrections():
    scores, classes = minigrad.zeros(2, 3), F.one_hot(minigrad.tensor([0, 2]), 3)
    with pytest.raises(RuntimeError, match=r"write target.argmax\(1\), or target.float\(\) to take them as probab"):
        F.cross_entropy(scores, classes)
    with pytest.raises(RuntimeError, match=r"write target.argmax\(1\)$"):
        F.nll_loss(scores, classes)


@pytest.mark.parametrize("delta", [3.0, 6e4, 65504.0, 1e6])
def test_huber_of_halves_takes_a_delta_beyond_them(delta):
    x = minigrad.tensor([1.0, -300.0], dtype=minigrad.float16, requires_grad=True)
    loss = F.huber_loss(x, minigrad.tensor([3.0, 0.0]).half(), "none", delta)
    loss.sum().backward()
    far = [44992.0, -300.0] if delta > 300 else [895.5, -3.0]
    assert loss.tolist() == [2.0, far[0]]
    assert x.grad.tolist() == [-2.0, far[1]]
