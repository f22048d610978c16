"""Dropout of elements and of channels."""

import numpy as np
import pytest

import minigrad
import minigrad.nn.functional as F


def test_dropout_keeps_the_share_it_should_and_its_mean():
    minigrad.manual_seed(0)
    x = minigrad.ones(200, 100)
    dropped = F.dropout(x, 0.25)
    kept = dropped.numpy() != 0
    assert abs(kept.mean() - 0.75) < 0.01  # 4 standard deviations
    np.testing.assert_allclose(dropped.numpy()[kept], 1 / 0.75, rtol=1e-6)


def test_dropout2d_drops_whole_channels():
    minigrad.manual_seed(0)
    y = F.dropout2d(minigrad.ones(20, 30, 2, 3), 0.25).numpy()
    assert (y == y[:, :, :1, :1]).all() and set(np.unique(y)) == {0, np.float32(1 / 0.75)}
    assert 0.2 < (y == 0).mean() < 0.3
    layer = minigrad.nn.Dropout2d(1.0)
    assert not layer(minigrad.ones(1, 2, 2, 2)).any() and layer.eval()(minigrad.ones(1, 2, 2, 2)).all()
    assert repr(layer) == "Dropout2d(p=1.0, inplace=False)"


def test_dropout_draws_its_mask_from_the_generator_once():
    minigrad.manual_seed(1)
    expected = minigrad.random.default_generator.bernoulli(0.6, (4, 5))
    after = minigrad.rand(1)
    minigrad.manual_seed(1)
    assert ((F.dropout(minigrad.ones(4, 5), 0.4) != 0).numpy() == expected).all()
    assert minigrad.equal(minigrad.rand(1), after)


@pytest.mark.parametrize(("p", "training", "expected"), [(0.0, True, 1.0), (0.5, False, 1.0), (1.0, True, 0.0)])
def test_dropout_without_chance_draws_nothing(p, training, expected):
    minigrad.manual_seed(2)
    after = minigrad.rand(1)
    minigrad.manual_seed(2)
    assert F.dropout(minigrad.ones(3), p, training).tolist() == [expected] * 3
    assert minigrad.equal(minigrad.rand(1), after)


def test_the_gradient_of_dropout_has_the_same_mask():
    x = minigrad.ones(50, requires_grad=True)
    y = F.dropout(x, 0.5)
    y.sum().backward()
    assert minigrad.equal(x.grad, y.detach())
    z = minigrad.ones(4)
    assert F.dropout(z, 0.5, inplace=True) is z


def test_dropout1d_drops_channels_and_alpha_dropout_keeps_mean_and_std():
    minigrad.manual_seed(0)
    dropped = F.dropout1d(minigrad.ones(64, 8, 5), 0.5)
    assert set(dropped.sum(2).flatten().tolist()) == {0.0, 10.0}
    with pytest.raises(RuntimeError, match="Expected 2D or 3D input"):
        F.dropout1d(minigrad.ones(2))
    x = minigrad.randn(100_000)
    kept = F.alpha_dropout(x, 0.3, training=True)
    assert abs(kept.mean().item()) < 0.02 and kept.std().item() == pytest.approx(1, abs=0.02)
    assert F.alpha_dropout(x, 0.3) is x


def test_dropout3d_drops_whole_channels_of_volumes_with_and_without_a_batch():
    minigrad.manual_seed(0)
    for shape in (20, 30, 2, 3, 2), (600, 2, 3, 2):
        y = F.dropout3d(minigrad.ones(*shape), 0.25).numpy()
        assert (y == y[..., :1, :1, :1]).all() and 0.2 < (y == 0).mean() < 0.3
    with pytest.warns(UserWarning, match=r"dropout3d drops channels of \(N, C, D, H, W\) or \(C, D, H, W\)"):
        y = minigrad.nn.Dropout3d()(minigrad.ones(50, 3))
    assert minigrad.equal(y, y[:, :1].expand(50, 3))
    with pytest.raises(RuntimeError, match="at least 1 dimensions"), pytest.warns(UserWarning, match="dropout3d"):
        F.dropout3d(minigrad.tensor(1.0))


def test_dropout2d_warns_for_inputs_that_are_no_images():
    for shape, message in ((2, 3), "dropout drops elements"), ((2, 3, 4), "write dropout1d"):
        with pytest.warns(UserWarning, match=message):
            minigrad.nn.Dropout2d()(minigrad.ones(*shape))
