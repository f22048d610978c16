"""Losses of scores against classes or probabilities."""

import tracemalloc
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


LABELS = np.array([2, 0, 1, 2], np.int64)


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


def test_smoothed_and_weighted_classes_may_be_uint8():
    y, w = minigrad.tensor([2, 1, 1], dtype=minigrad.uint8), minigrad.tensor(WEIGHTS)
    scores = make_scores()[:3]
    found = F.cross_entropy(scores, y, w, ignore_index=2, label_smoothing=0.3)
    assert found == F.cross_entropy(scores, y.long(), w, ignore_index=2, label_smoothing=0.3)


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


@pytest.mark.parametrize("reduction", ["mean", "sum", "none"])
def test_the_class_of_one_example_may_be_a_batch_of_one(reduction):
    scores = minigrad.tensor([1.0, 2.0, 3.0], requires_grad=True)
    loss = F.cross_entropy(scores, minigrad.tensor([0]), reduction=reduction)
    assert loss.shape == () and loss.item() == pytest.approx(2.4076060)
    loss.backward()
    assert scores.grad.tolist() == pytest.approx([0.0900306 - 1, 0.2447285, 0.6652410])
    assert F.nll_loss(minigrad.tensor([-1.0, -2.0]), minigrad.tensor([1]), reduction=reduction).tolist() == 2.0
    with pytest.raises(
        ValueError,
        match=r"^For 1D input, 1D target must have size 1, but got target size: 2: cross_entropy of scores \[3\]",
    ):
        F.cross_entropy(scores, minigrad.tensor([0, 1]), reduction=reduction)


def test_large_scores_do_not_overflow():
    x = minigrad.tensor([[1e4, 0.0]], requires_grad=True)
    loss = F.cross_entropy(x, minigrad.tensor([1]))
    loss.backward()
    assert loss.item() == 1e4
    assert x.grad.tolist() == [[1.0, -1.0]]


@pytest.mark.parametrize("bad", [np.inf, -np.inf, np.nan])
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


def test_the_second_derivative_of_nll_is_zero():
    x = minigrad.tensor([[1.0, -2.0], [0.5, 3.0]], requires_grad=True)
    (slope,) = minigrad.autograd.grad(F.nll_loss(x, minigrad.tensor([0, 1])), x, create_graph=True)
    (second,) = minigrad.autograd.grad(slope.sum(), x)
    assert not second.any()


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

    @pytest.mark.parametrize("name", ["relu", "sigmoid"])
    def test_scores_from_an_activation_get_advice_once(self, name):
        x, y = minigrad.randn(8, 3, requires_grad=True), minigrad.arange(8) % 3
        with pytest.warns(
            advice.Advice, match=f"scores of cross_entropy come from a {name}: .*takes raw scores"
        ) as seen:
            F.cross_entropy(getattr(x, name)(), y)
        assert seen[0].filename == __file__
        with warnings.catch_warnings():
            warnings.simplefilter("error")
            F.cross_entropy(getattr(x, name)(), y)  # a second time says nothing
            F.cross_entropy(getattr(x, name)() + 1, y)  # nor where something is between

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
    @pytest.mark.parametrize("shape", [(4, 1), (1,), (2, 1, 3)])
    def test_cross_entropy_of_one_class_gets_advice(self, shape):
        classes = minigrad.zeros(*shape[:1], *shape[2:], dtype=minigrad.int64) if len(shape) > 1 else minigrad.tensor(0)
        with pytest.warns(advice.Advice, match=r"scores of a single class.*is 1 and the loss 0.*with_logits") as seen:
            assert F.cross_entropy(minigrad.randn(*shape), classes) == 0
        assert seen[0].filename == __file__

    def test_a_negative_nll_loss_gets_advice(self):
        with pytest.warns(advice.Advice, match=r"nll_loss is negative \(-0\.5\): it takes log-probabilities") as seen:
            F.nll_loss(minigrad.tensor([[0.5, 0.5]]), minigrad.tensor([1]))
        assert seen[0].filename == __file__

    @pytest.mark.parametrize("shape", [(0, 3), (0, 3, 2), (2, 3, 0, 4)])
    @pytest.mark.parametrize("reduction", ["mean", "sum", "none"])
    def test_nll_loss_without_samples_is_no_reason_for_advice(self, shape, reduction):
        classes = minigrad.zeros(*shape[:1], *shape[2:], dtype=minigrad.int64)
        loss = F.nll_loss(minigrad.zeros(*shape), classes, reduction=reduction)
        assert loss.isnan() if reduction == "mean" else loss.sum() == 0

    def test_a_loss_that_is_nan_is_not_called_negative(self):
        with warnings.catch_warnings():
            warnings.simplefilter("error")
            assert F.nll_loss(minigrad.tensor([[0.5, float("nan")]]), minigrad.tensor([1])).isnan()

    @pytest.mark.parametrize("bias", [True, False])
    def test_a_negative_nll_loss_of_a_layers_scores_gets_advice(self, bias):
        layer = minigrad.nn.Linear(2, 2, bias)
        minigrad.nn.init.constant_(layer.weight, 1.0)
        with pytest.warns(advice.Advice, match=r"nll_loss is negative .*: it takes log-probabilities"):
            F.nll_loss(layer(minigrad.full((1, 2), 5.0)), minigrad.tensor([1]))

    def test_logarithms_of_densities_may_be_above_0(self):
        means = minigrad.tensor([0.0, 1.0], requires_grad=True)
        logs = minigrad.distributions.Normal(means, 0.01).log_prob(minigrad.tensor([[0.0], [1.0]]))
        with warnings.catch_warnings():
            warnings.simplefilter("error")
            assert F.nll_loss(logs, minigrad.tensor([0, 1])) < -3
            F.nll_loss(logs.detach(), minigrad.tensor([0, 1]))


@pytest.mark.parametrize(
    ("call", "error", "message"),
    [
        (lambda x: F.multi_margin_loss(x, x[:, 0].long(), 3), ValueError, "only p == 1 and p == 2"),
        pytest.param(
            lambda x: F.multi_margin_loss(x, minigrad.tensor([0, 9])), RuntimeError, "out of range: 9", marks=NOT_ASKED
        ),
        (lambda x: F.multilabel_margin_loss(x, minigrad.zeros(2).long()), RuntimeError, "inconsistent target size"),
        (lambda x: F.multi_margin_loss(x[:, :0], minigrad.zeros(7).long()), RuntimeError, "at least one class"),
        (lambda x: F.multilabel_margin_loss(x[:, :0], x[:, :0].long()), RuntimeError, "at least one class"),
        pytest.param(
            lambda x: F.multilabel_margin_loss(x[0], minigrad.tensor([1, -1, 3])),
            RuntimeError,
            "out of range: 3",
            marks=NOT_ASKED,
        ),
        pytest.param(
            lambda x: F.multilabel_margin_loss(x[0], minigrad.tensor([1, -2, 0])),
            RuntimeError,
            "out of range: -2",
            marks=NOT_ASKED,
        ),
    ],
)
def test_wrong_arguments_raise(call, error, message):
    with pytest.raises(error, match=message):
        call(minigrad.ones(2, 3))


def test_multilabel_margin_loss_takes_memory_for_the_listed_classes_only():
    scores, target = minigrad.zeros(1, 4000), minigrad.full((1, 4000), -1)
    target[0, 0] = 3
    tracemalloc.start()
    try:
        loss = F.multilabel_margin_loss(scores, target)
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert loss.item() == pytest.approx(3999 / 4000) and peak < 2**22  # a table of all pairs holds 2**24 numbers


def test_multilabel_margin_loss_of_rows_that_list_nothing_is_0():
    x = minigrad.ones(2, 3, requires_grad=True)
    loss = F.multilabel_margin_loss(x, minigrad.full((2, 3), -1), reduction="none")
    loss.sum().backward()
    assert loss.tolist() == [0.0, 0.0] and x.grad.tolist() == [[0.0] * 3] * 2
