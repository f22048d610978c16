"""What all losses share: flags, shapes and dtypes of a pair, the reduction."""

import numpy as np
import pytest

import minigrad
import minigrad.nn.functional as F

generator = np.random.default_rng(16)
X, Y = generator.standard_normal((4, 3)), generator.standard_normal((4, 3))


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
    with pytest.raises(ValueError, match=r"target size \(minigrad.Size\(\[8, 1\]\)\) that is different to"):
        F.mse_loss(x, y)
    for loss in (F.l1_loss, F.smooth_l1_loss, F.huber_loss):
        with pytest.warns(UserWarning, match=r"target size \(minigrad.Size\(\[8, 1\]\)\) that is"):
            assert loss(x, y, reduction="none").shape == (8, 8)


def test_targets_of_another_dtype_are_promoted_or_refused_as_in_pytorch():
    x = minigrad.tensor([0.3, 0.4], requires_grad=True)
    flags, counts, double = minigrad.tensor([False, True]), minigrad.tensor([0, 1]), x.detach().double()
    assert F.mse_loss(x, flags).item() == pytest.approx((0.09 + 0.36) / 2)
    assert F.smooth_l1_loss(x, counts).dtype is minigrad.float32
    assert F.mse_loss(x, double).dtype is minigrad.float64
    for target in (flags, counts, double):
        with pytest.raises(RuntimeError, match=r"^Found dtype \w+ but expected \w+; write target\.to\(input\.dtype\)"):
            F.huber_loss(x, target)
        assert F.huber_loss(x.detach(), target).dtype is minigrad.float32
    with pytest.raises(RuntimeError, match=r"^result type Float can't be cast to the desired output type Long: "):
        F.binary_cross_entropy_with_logits(x, counts)
    with pytest.raises(NotImplementedError, match="not implemented for 'Long'"):
        F.mse_loss(counts, counts)


def test_losses_of_halves_are_summed_in_float32():
    x = minigrad.full((70_000,), 2.0, dtype=minigrad.float16)
    assert F.mse_loss(x, x * 0).item() == 4.0
    assert F.smooth_l1_loss(x, x * 0).item() == 1.5
    logs = minigrad.full((70_000, 2), -2.0, dtype=minigrad.float16)
    assert F.nll_loss(logs, minigrad.zeros(70_000, dtype=minigrad.int64)).item() == 2.0


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
