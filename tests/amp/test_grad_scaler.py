"""Loss scaling for half precision."""

import inspect

import pytest

import minigrad as torch


def run_rounds(scaler, optimizer, w, factors):
    """The scale and the weight after one round for each factor of the loss."""
    for factor in factors:
        optimizer.zero_grad()
        scaler.scale((w * factor).sum()).backward()
        scaler.step(optimizer)
        scaler.update()
        yield scaler.get_scale(), round(w[0].item(), 4)


def make_scaler(**options):
    w = torch.ones(2, requires_grad=True)
    return torch.amp.GradScaler("cpu", **options), torch.optim.SGD([w], lr=0.1), w


def test_the_scale_grows_after_finite_steps_and_falls_after_others():
    scaler, optimizer, w = make_scaler(init_scale=4.0, growth_interval=2)
    found = list(run_rounds(scaler, optimizer, w, [1.0, 1.0, float("inf"), 1.0, 1.0]))
    assert found == [(4.0, 0.9), (8.0, 0.8), (4.0, 0.8), (4.0, 0.7), (8.0, 0.6)]  # as PyTorch 2.13
    assert scaler.state_dict() == {
        "scale": 8.0,
        "growth_factor": 2.0,
        "backoff_factor": 0.5,
        "growth_interval": 2,
        "_growth_tracker": 0,
    }
    other, *_ = make_scaler()
    other.load_state_dict(scaler.state_dict())
    assert other.get_scale() == 8.0


def test_the_scale_is_kept_in_float32_and_never_grows_to_infinity():
    scaler, optimizer, w = make_scaler(init_scale=0.1, growth_interval=1, growth_factor=3.0)
    assert scaler.get_scale() == 0.1  # until it is used; all numbers as PyTorch 2.13
    scales = [scale for scale, _ in run_rounds(scaler, optimizer, w, [1.0, 1.0, float("inf")])]
    assert scales == [0.30000001192092896, 0.9000000357627869, 0.45000001788139343]
    scaler, optimizer, w = make_scaler(init_scale=3e38, growth_interval=1)
    assert [scale for scale, _ in run_rounds(scaler, optimizer, w, [0.0, 0.0])] == [3.0000000054977558e38] * 2
    scaler.update(torch.tensor(0.3).item())
    assert scaler.get_scale() == 0.30000001192092896


def test_growth_and_backoff_can_be_changed_between_rounds():
    scaler, optimizer, w = make_scaler(init_scale=8.0)
    scaler.set_growth_interval(1)
    scaler.set_growth_factor(4.0)
    scaler.set_backoff_factor(0.25)
    assert (scaler.get_growth_interval(), scaler.get_growth_factor(), scaler.get_backoff_factor()) == (1, 4.0, 0.25)
    rounds = run_rounds(scaler, optimizer, w, [1.0, float("inf")])
    assert [scale for scale, _ in rounds] == [32.0, 8.0]


def test_gradients_can_be_unscaled_to_be_clipped():
    scaler, optimizer, w = make_scaler(init_scale=4.0)
    first, second = scaler.scale((w.sum(), w.sum() * 2))
    (first + second).backward()
    assert w.grad.tolist() == [12.0, 12.0]
    scaler.unscale_(optimizer)
    assert w.grad.tolist() == [3.0, 3.0]
    torch.nn.utils.clip_grad_norm_([w], 1.0)
    scaler.step(optimizer)
    assert w[0].item() == pytest.approx(1 - 0.1 / 2**0.5)


def test_losses_in_lists_and_tuples_are_scaled_in_the_same():
    scaler, _, w = make_scaler(init_scale=4.0)
    for losses in ((w[0], w[1]), [w[0], w[1]], (w[0], [w[1]])):
        scaled = scaler.scale(losses)
        assert type(scaled) is type(losses) and type(scaled[1]) is type(losses[1]) and scaled[0].item() == 4.0


@pytest.mark.parametrize("name", ["autocast", "GradScaler"])
def test_the_older_names_for_cuda_have_the_same_defaults(name):
    older, newer = (inspect.signature(getattr(amp, name)).parameters for amp in (torch.cuda.amp, torch.amp))
    wanted = {key: p.default for key, p in newer.items()} | {"cache_enabled": True}
    assert {key: p.default for key, p in older.items()} == {key: wanted[key] for key in older}


def test_calls_in_another_order_are_refused():
    scaler, optimizer, w = make_scaler()
    with pytest.raises(AssertionError, match=r"call scaler.scale\(loss\).backward\(\) earlier"):
        scaler.step(optimizer)
    scaler.scale(w.sum())
    with pytest.raises(AssertionError, match=r"none of its parameters has a gradient"):
        scaler.step(optimizer)
    with pytest.raises(AssertionError, match=r"prior to update: call scaler.step"):
        scaler.update()
    w.grad = torch.ones(2)
    scaler.unscale_(optimizer)
    with pytest.raises(RuntimeError, match="already been called on this optimizer since the last update"):
        scaler.unscale_(optimizer)
    scaler.step(optimizer)
    with pytest.raises(RuntimeError, match=r"step\(\) has already been called since the last update"):
        scaler.step(optimizer)
    with pytest.raises(ValueError, match="a Tensor or an iterable of Tensors, got int"):
        scaler.scale(3)
    with pytest.raises(AssertionError, match=r"growth factor must be > 1.0"):
        torch.amp.GradScaler("cpu", growth_factor=1.0)
    with pytest.raises(AssertionError, match=r"backoff factor must be < 1.0, got 1.0"):
        torch.amp.GradScaler("cpu", backoff_factor=1.0)
    with pytest.raises(RuntimeError, match="The source state dict is empty"):
        scaler.load_state_dict({})


def test_a_disabled_scaler_steps_without_scaling():
    w = torch.ones(1, requires_grad=True)
    scaler, optimizer = torch.cuda.amp.GradScaler(enabled=False), torch.optim.SGD([w], lr=0.5)
    assert list(run_rounds(scaler, optimizer, w, [1.0])) == [(1.0, 0.5)] and scaler.state_dict() == {}


def test_without_a_gpu_a_scaler_for_cuda_is_disabled(monkeypatch):
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    with pytest.warns(UserWarning, match="GradScaler is enabled, but CUDA is not available.  Disabling"):
        assert not torch.cuda.amp.GradScaler().is_enabled()


@pytest.mark.parametrize("wrong", ["ab", {"loss": 1.0}, 3.0, ["ab"]])
def test_scale_refuses_what_is_no_tensor(wrong):
    scaler, *_ = make_scaler()
    with pytest.raises(ValueError, match="outputs must be a Tensor or an iterable of Tensors"):
        scaler.scale(wrong)


def test_a_state_that_lacks_a_key_changes_nothing():
    scaler, *_ = make_scaler(init_scale=4.0)
    with pytest.raises(KeyError, match="growth_factor"):
        scaler.load_state_dict({"scale": 8.0})
    assert scaler.get_scale() == 4.0
    scaler.load_state_dict({**scaler.state_dict(), "scale": 2.0, "enabled": False})
    assert scaler.get_scale() == 2.0 and scaler.is_enabled()
