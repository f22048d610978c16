"""What all losses share: flags, shapes and dtypes of a pair."""

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


@pytest.mark.parametrize("flags", [{"size_average": False}, {"reduce": True}])
def test_deprecated_flags_warn(flags):
    with pytest.warns(UserWarning, match="size_average and reduce are deprecated: write reduction="):
        F.mse_loss(minigrad.ones(2), minigrad.zeros(2), **flags)
