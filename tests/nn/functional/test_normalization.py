"""Normalisations against their formulas."""

import json
from pathlib import Path

import numpy as np
import pytest

import minigrad
import minigrad.nn.functional as F

X = np.random.default_rng(19).standard_normal((4, 6, 3, 2)) * 3 + 5
W, B = np.linspace(0.5, 2, 6), np.linspace(-1, 1, 6)
COLUMN = (1, 6, 1, 1)


def standardize(x, axes, eps=1e-5):
    return (x - x.mean(axes, keepdims=True)) / np.sqrt(x.var(axes, keepdims=True) + eps)


def to_tensors(*arrays):
    return [minigrad.tensor(a) for a in arrays]


def test_batch_norm_uses_the_batch_in_training_and_remembers_it():
    mean, var = minigrad.full((6,), 2.0).double(), minigrad.full((6,), 3.0).double()
    x, w, b = to_tensors(X, W, B)
    result = F.batch_norm(x, mean, var, w, b, True, 0.25, 1e-3)
    expected = standardize(X, (0, 2, 3), 1e-3) * W.reshape(COLUMN) + B.reshape(COLUMN)
    np.testing.assert_allclose(result.numpy(), expected, rtol=1e-11, atol=1e-12)
    np.testing.assert_allclose(mean.numpy(), 0.75 * 2 + 0.25 * X.mean((0, 2, 3)))
    np.testing.assert_allclose(var.numpy(), 0.75 * 3 + 0.25 * X.var((0, 2, 3), ddof=1))


def test_batch_norm_in_evaluation_uses_running_statistics():
    mean, var = to_tensors(np.arange(6.0), np.arange(1.0, 7.0))
    x, w, b = to_tensors(X, W, B)
    scale = (W / np.sqrt(np.arange(1.0, 7.0) + 1e-5)).reshape(COLUMN)
    expected = (X - np.arange(6.0).reshape(COLUMN)) * scale + B.reshape(COLUMN)
    result = F.batch_norm(x, mean, var, w, b)
    np.testing.assert_allclose(result.numpy(), expected, rtol=1e-11, atol=1e-12)
    assert mean.tolist() == list(range(6))


def test_batch_norm_takes_rows_and_empty_batches():
    rows = X[:, :, 0, 0]
    result = F.batch_norm(*to_tensors(rows), None, None, training=True)
    np.testing.assert_allclose(result.numpy(), standardize(rows, (0,)), atol=1e-12)
    mean = minigrad.zeros(6)
    empty = F.batch_norm(minigrad.zeros(0, 6, 2), mean, minigrad.ones(6), training=True)
    assert empty.shape == (0, 6, 2)
    assert mean.tolist() == [0.0] * 6


@pytest.mark.parametrize("shape", [(2, 0), (2, 0, 3), (0, 0, 3), (2, 0, 3, 4)])
def test_norms_without_channels_keep_the_empty_running_statistics(shape):
    x, mean, variance = minigrad.ones(shape, requires_grad=True), minigrad.zeros(0), minigrad.ones(0)
    results = [F.batch_norm(x, mean, variance, training=True)]
    if len(shape) > 2:
        results.append(F.instance_norm(x, mean, variance))
    for y in results:
        y.sum().backward()
        assert y.shape == shape and x.grad.shape == shape
    assert mean.shape == variance.shape == (0,)


def test_batch_norm_of_halves_keeps_single_statistics():
    mean, var = minigrad.zeros(6), minigrad.ones(6)
    x = minigrad.tensor(X).half()
    result = F.batch_norm(x, mean, var, minigrad.ones(6), minigrad.zeros(6), True)
    assert result.dtype is minigrad.float16
    np.testing.assert_allclose(mean.numpy(), 0.1 * x.float().numpy().mean((0, 2, 3)), rtol=1e-5)


def test_a_large_mean_does_not_spoil_the_variance():
    x = minigrad.tensor(X + 1e4, dtype=minigrad.float32)
    expected = standardize(x.numpy().astype(np.float64), (0, 2, 3))
    result = F.batch_norm(x, None, None, training=True)
    np.testing.assert_allclose(result.numpy(), expected, atol=2e-3)


@pytest.mark.parametrize("shape", [(2,), (3, 2), (6, 3, 2)])
def test_layer_norm_over_the_last_axes(shape):
    axes = tuple(range(-len(shape), 0))
    w = np.random.default_rng(20).standard_normal(shape)
    result = F.layer_norm(*to_tensors(X), shape, *to_tensors(w, w + 1))
    np.testing.assert_allclose(result.numpy(), standardize(X, axes) * w + w + 1, atol=1e-11)


@pytest.mark.parametrize("groups", [1, 2, 3, 6])
def test_group_norm_is_layer_norm_of_groups(groups):
    grouped = X.reshape(4, groups, -1)
    expected = standardize(grouped, (2,)).reshape(X.shape) * W.reshape(COLUMN) + B.reshape(COLUMN)
    result = F.group_norm(minigrad.tensor(X), groups, *to_tensors(W, B))
    np.testing.assert_allclose(result.numpy(), expected, atol=1e-11)


def test_one_value_per_group_is_refused_unless_the_batch_has_more():
    with pytest.raises(ValueError, match=r"more than 1 value per channel when training, got input size \[1, 4\]"):
        F.group_norm(minigrad.ones(1, 4), 4)
    assert F.group_norm(minigrad.ones(2, 4), 4).tolist() == [[0.0] * 4] * 2


def test_normalize_divides_by_the_norm():
    expected = X / np.linalg.norm(X, axis=1, keepdims=True)
    np.testing.assert_allclose(F.normalize(minigrad.tensor(X)).numpy(), expected)
    assert F.normalize(minigrad.zeros(1, 2)).tolist() == [[0.0, 0.0]]
    by_sum = F.normalize(minigrad.tensor([[1.0, 3.0]]), p=1.0)
    assert by_sum.tolist() == [[0.25, 0.75]]


@pytest.mark.parametrize("affine", [False, True])
def test_a_write_to_the_result_leaves_the_gradient_right(affine):
    x = minigrad.tensor(np.random.default_rng(3).standard_normal((4, 6, 2)), requires_grad=True)
    weight = minigrad.ones(6, dtype=minigrad.float64) if affine else None
    for call in (
        lambda x: F.batch_norm(x, None, None, weight, training=True),
        lambda x: F.layer_norm(x, (6, 2)),
        lambda x: F.group_norm(x, 2, weight),
        lambda x: F.instance_norm(x, None, None, weight),
    ):
        plain, changed = call(x), call(x)
        changed += 1.0
        cotangent = minigrad.tensor(np.random.default_rng(4).standard_normal((4, 6, 2)))
        (expected,) = minigrad.autograd.grad(plain, x, cotangent)
        (result,) = minigrad.autograd.grad(changed, x, cotangent)
        np.testing.assert_allclose(result.numpy(), expected.numpy(), rtol=1e-12)


def test_instance_norm_updates_its_running_statistics():
    x = minigrad.tensor(X[:, :, 0])
    mean, var = minigrad.zeros(6, dtype=minigrad.float64), minigrad.ones(6, dtype=minigrad.float64)
    F.instance_norm(x, mean, var, momentum=0.25)
    np.testing.assert_allclose(mean.numpy(), 0.25 * X[:, :, 0].mean((0, 2)))
    np.testing.assert_allclose(var.numpy(), 0.75 + 0.25 * X[:, :, 0].var(2, ddof=1).mean(0))
    with pytest.raises(ValueError, match="Expected more than 1 spatial element when training, got input size"):
        F.instance_norm(minigrad.ones(2, 3, 1))
    with pytest.raises(RuntimeError, match="to be defined when use_input_stats=False"):
        F.instance_norm(x, use_input_stats=False)


@pytest.mark.parametrize("normalize", [lambda *args: F.batch_norm(*args, training=True), F.instance_norm])
def test_running_statistics_come_in_pairs_and_get_no_gradient(normalize):
    x, ones = minigrad.tensor(X[:, :, 0]).float(), minigrad.ones(6)
    for half in ((ones, None), (None, ones)):
        with pytest.raises(ValueError, match="must either both be None or neither be None"):
            normalize(x, *half)
    assert ones.tolist() == [1.0] * 6
    for part, pair in (("running_mean", (ones * 1, ones)), ("running_var", (ones, ones * 1))):
        pair[part == "running_var"].requires_grad_()
        with pytest.raises(RuntimeError, match=f"is not differentiable with respect to {part}"):
            normalize(x, *pair)
        with minigrad.no_grad():
            normalize(x, *pair)


def test_batch_norm_that_ceases_to_track_changes_no_buffer():
    layer = minigrad.nn.BatchNorm1d(2)
    layer.track_running_stats = False
    before = {name: value.clone() for name, value in layer.state_dict().items()}
    layer(minigrad.arange(8.0).view(4, 2))
    assert all(minigrad.equal(value, before[name]) for name, value in layer.state_dict().items())


def test_instance_norm_of_another_number_of_channels():
    with pytest.warns(UserWarning, match="the input has 3 channels; num_features=2 is not used"):
        minigrad.nn.InstanceNorm1d(2)(minigrad.rand(1, 3, 4))
    with pytest.raises(ValueError, match="expected input of num_features=2 channels, got 3"):
        minigrad.nn.InstanceNorm1d(2, affine=True)(minigrad.rand(1, 3, 4))


@pytest.mark.parametrize("instances", [False, True])
def test_statistics_updated_before_backward_leave_the_gradient_right(instances):
    mean, var = minigrad.tensor([1.0]), minigrad.tensor([4.0])
    x = minigrad.tensor([[[1.0, 3.0]], [[5.0, 7.0]]], requires_grad=True)
    weight = minigrad.tensor([2.0], requires_grad=True)
    if instances:
        y = F.instance_norm(x, mean, var, weight, use_input_stats=False, eps=1e-30)
        F.instance_norm(x, mean, var)
    else:
        y = F.batch_norm(x, mean, var, weight, eps=1e-30)
        F.batch_norm(x, mean, var, training=True)
    assert mean.item() != 1.0
    y.sum().backward()
    assert x.grad.flatten().tolist() == [1.0] * 4  # weight / sqrt(4)
    assert weight.grad.tolist() == [6.0]  # the sum of (x - 1) / 2


def test_a_constant_channel_leaves_no_residue():
    x = minigrad.full((8, 2, 16, 16), 0.1)
    assert F.batch_norm(x, None, None, training=True).abs().max() < 1e-5


def compute_gradient(function, x, cotangent, dtype):
    t = minigrad.tensor(x, dtype=dtype, requires_grad=True)
    function(t).backward(minigrad.tensor(cotangent, dtype=dtype))
    return t.grad.tolist()


@pytest.mark.cpu("a GPU adds in another order")
def test_gradients_that_cancel_are_rounded_as_in_pytorch():
    """Of two numbers, only the rounding and eps are left (values of PyTorch 2.13, exactly)."""
    weight, single = minigrad.tensor([3.0]), minigrad.float32
    batch = compute_gradient(
        lambda x: F.batch_norm(x, None, None, weight, training=True), [[-1.0], [2.0]], [[0.3], [-0.5]], single
    )
    assert batch == [[3.457061666267691e-06], [-3.457061666267691e-06]]
    layer = compute_gradient(lambda x: F.layer_norm(x, (2,)), [[-1.0, 2.0]], [[0.1, 0.7]], single)
    assert layer == [[-8.940696716308594e-07, 8.642673492431641e-07]]
    layer = compute_gradient(lambda x: F.layer_norm(x, (2,)), [[1.5, 1.25]], [[0.3, -0.5]], minigrad.float16)
    np.testing.assert_allclose(layer, [[0.003124237060546875, -0.00312042236328125]], rtol=0.002)


def test_statistics_overflow_in_the_dtype_of_the_input():
    x = minigrad.tensor([[0.0], [1e38], [-3e38]])
    assert F.batch_norm(x, None, None, training=True).tolist() == [[0.0], [0.0], [-0.0]]


SMALL = json.loads((Path(__file__).parents[2] / "data" / "small_norms.json").read_text())


@pytest.mark.cpu("a GPU adds in another order")
@pytest.mark.parametrize(("call", "shape", "recorded"), SMALL, ids=[f"{c[2:12]}{tuple(s)}" for c, s, _ in SMALL])
def test_recorded_gradients_that_cancel_are_rounded_as_in_pytorch(call, shape, recorded):
    minigrad.manual_seed(0)
    x, w = (minigrad.rand(shape) * 4 - 2).requires_grad_(), minigrad.rand(20)
    eval(call, {"F": F, "x": x, "w": w}).backward(x.detach() / 2)
    np.testing.assert_array_equal(x.grad.numpy().ravel(), [float.fromhex(n) for n in recorded])


@pytest.mark.cpu("what PyTorch gives on a CPU, where squares overflow")
def test_layer_norm_is_nan_where_squares_overflow_float32():
    x = minigrad.tensor([[0.0, -2.0, 1e38]])
    assert F.layer_norm(x, (3,)).isnan().all()
    assert F.layer_norm(x.double(), (3,)).isfinite().all()


@pytest.mark.parametrize("shape", [(1, 2, 100_003), (2, 2, 150, 300), (60_000, 2)])
def test_gradients_of_many_float32_numbers_are_as_exact_as_float32(shape):
    rng = np.random.default_rng(0)
    exact = minigrad.tensor(rng.uniform(-2, 2, shape), requires_grad=True)
    single = exact.detach().float().requires_grad_()
    g = minigrad.tensor(rng.uniform(-1, 1, shape))
    for x, cotangent in ((exact, g), (single, g.float())):
        F.batch_norm(x, None, None, training=True).backward(cotangent)
    assert (single.grad.double() - exact.grad).abs().max() < 5e-7


def test_instance_norm_of_a_channels_last_image_is_row_major():
    x = minigrad.rand(2, 4, 3, 3).contiguous(memory_format=minigrad.channels_last)
    ones = minigrad.ones(4)
    for y in (F.instance_norm(x), F.instance_norm(x, ones, ones, use_input_stats=False)):
        assert y.stride() == (36, 9, 3, 1)


@pytest.mark.parametrize(
    ("name", "axes", "cure"),
    [
        ("BatchNorm2d", 2, "; BatchNorm1d takes it"),
        ("BatchNorm2d", 3, r"; BatchNorm1d takes it; one example without its batch axis is written x\[None\]"),
        ("BatchNorm1d", 1, r"; one example without its batch axis is written x\[None\]"),
        ("BatchNorm1d", 4, "; BatchNorm2d takes it"), ("BatchNorm1d", 5, "; BatchNorm3d takes it"),
        ("BatchNorm1d", 6, ""),
        ("InstanceNorm2d", 2, "; InstanceNorm1d takes it"), ("InstanceNorm1d", 4, "; InstanceNorm2d takes it"),
    ],
)  # fmt: skip
def test_the_error_for_a_wrong_number_of_axes_names_the_layer_that_takes_it(name, axes, cure):
    layer = getattr(minigrad.nn, name)

    class Own(layer):
        """A layer derived by a user, which belongs to the same family."""

    for kind in (layer, Own):
        with pytest.raises(ValueError, match=rf"{kind.__name__} takes .*, got \(2{', 2' * (axes - 1) or ','}\){cure}$"):
            kind(2)(minigrad.ones(*[2] * axes))


def test_instance_norm_of_no_examples_has_none_and_its_running_statistics_become_nan():
    mean, variance = minigrad.zeros(3), minigrad.ones(3)
    assert minigrad.nn.functional.instance_norm(minigrad.zeros(0, 3, 4), mean, variance).shape == (0, 3, 4)
    assert mean.isnan().all() and variance.isnan().all()
