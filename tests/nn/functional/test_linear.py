"""Linear maps, tables and dropout."""

import numpy as np
import pytest

import minigrad
import minigrad.nn.functional as F
from tests.any_device import share_memory


@pytest.mark.parametrize("shape", [(3,), (2, 3), (4, 2, 3), (0, 3), (2, 0, 3)])
def test_linear_is_a_product_over_the_last_axis(shape):
    generator = np.random.default_rng(14)
    x, w, b = generator.standard_normal(shape), generator.standard_normal((5, 3)), np.arange(5.0)
    result = F.linear(*map(minigrad.tensor, (x, w, b)))
    np.testing.assert_allclose(result.numpy(), x @ w.T + b, atol=1e-14)


def test_linear_of_halves_is_rounded_once_after_the_bias():
    generator = np.random.default_rng(16)
    x, w, b = [generator.standard_normal(s).astype(np.float16) for s in ((20, 7), (5, 7), (5,))]
    product, half = x.astype(np.float64) @ w.T.astype(np.float64), [minigrad.tensor(z) for z in (x, w, b)]
    np.testing.assert_array_equal(F.linear(*half).numpy(), (product + b).astype(np.float16))
    expected = (np.float32(0.3) * b + np.float32(1.7) * product).astype(np.float16)
    np.testing.assert_array_equal(minigrad.addmm(half[2], half[0], half[1].T, beta=0.3, alpha=1.7).numpy(), expected)


def test_a_weight_of_one_axis_gives_one_number_per_row():
    x, w = minigrad.tensor([[1.0, 2.0]]), minigrad.tensor([3.0, 4.0])
    assert F.linear(x, w).tolist() == [11.0]
    assert F.linear(x[0], w, minigrad.tensor(1.0)).tolist() == 12.0


def test_bilinear_is_a_form_for_each_output():
    generator = np.random.default_rng(15)
    x, y, w = [generator.standard_normal(s) for s in ((2, 3), (2, 4), (5, 3, 4))]
    expected = np.array([[a @ form @ b for form in w] for a, b in zip(x, y, strict=True)])
    np.testing.assert_allclose(F.bilinear(*map(minigrad.tensor, (x, y, w))).numpy(), expected)


def test_embedding_reads_rows_and_adds_their_gradients():
    weight = minigrad.arange(6.0).reshape(3, 2).requires_grad_()
    places = minigrad.tensor([[0, 2], [2, 2]])
    rows = F.embedding(places, weight)
    assert rows.tolist() == [[[0, 1], [4, 5]], [[4, 5], [4, 5]]]
    rows.sum().backward()
    assert weight.grad.tolist() == [[1, 1], [0, 0], [3, 3]]


def test_scale_grad_by_freq_divides_and_the_padding_row_gets_no_gradient():
    weight = minigrad.ones(3, 1, requires_grad=True)
    places = minigrad.tensor([0, 2, 2, -1 + 2])
    F.embedding(places, weight, padding_idx=-3, scale_grad_by_freq=True).sum().backward()
    assert weight.grad.tolist() == [[0.0], [1.0], [1.0]]


def test_embedding_of_one_index_is_a_copy_of_its_row():
    weight = minigrad.arange(4.0).reshape(2, 2)
    row = F.embedding(minigrad.tensor(1), weight)
    assert row.tolist() == [2.0, 3.0]
    assert not share_memory(row, weight)


def test_max_norm_shortens_rows_in_place():
    weight = minigrad.tensor([[3.0, 4.0], [30.0, 40.0]])
    none = F.embedding(minigrad.zeros(0, dtype=minigrad.int64), weight, max_norm=1.0)
    assert none.shape == (0, 2)
    rows = F.embedding(minigrad.tensor([0]), weight, max_norm=1.0)
    np.testing.assert_allclose(rows.numpy(), [[0.6, 0.8]], rtol=1e-5)
    np.testing.assert_allclose(weight.numpy(), [[0.6, 0.8], [30.0, 40.0]], rtol=1e-5)


def test_one_hot_marks_classes():
    classes = minigrad.tensor([[0, 2], [1, 1]])
    assert F.one_hot(classes).tolist() == np.eye(3, dtype=int)[classes.numpy()].tolist()
    assert F.one_hot(classes, 5).shape == (2, 2, 5)
    assert F.one_hot(minigrad.tensor([], dtype=minigrad.int64), 3).shape == (0, 3)


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
