"""LBFGS takes PyTorch's steps and calls the closure as often; its errors."""

import json
from pathlib import Path

import numpy as np
import pytest

import minigrad
from minigrad import optim

RECORDED = json.loads((Path(__file__).resolve().parent.parent / "data" / "lbfgs.json").read_text())


def case_name(case):
    return f"{case['problem']} {case['options']}"


def losses(problem, parameters):
    """As in tests/oracle/record_optim.py."""
    x, y = parameters
    if problem == "valley":
        return (1 - x).pow(2).sum() + 10 * (y - x * x).pow(2).sum()
    return (x - 1).pow(4).sum() + (x[:1] * y + 0.5).pow(2).sum() + y.pow(2).sum()


class Run:
    def __init__(self, problem, options, dtype=minigrad.float64, device=None):
        starts = [-1.2, 0.7], [1.0, -0.5]
        self.problem, self.calls = problem, 0
        self.parameters = [minigrad.tensor(x, dtype=dtype, device=device, requires_grad=True) for x in starts]
        self.optimizer = optim.LBFGS(self.parameters, **options)

    def closure(self):
        self.calls += 1
        self.optimizer.zero_grad()
        loss = losses(self.problem, self.parameters)
        loss.backward()
        return loss

    def step(self):
        return self.optimizer.step(self.closure).item()


@pytest.mark.parametrize("case", RECORDED, ids=case_name)
def test_the_path_is_pytorchs(case):
    run = Run(case["problem"], case["options"])
    for expected in case["path"]:
        assert run.step() == pytest.approx(expected["loss"], rel=1e-6)
        for got, wanted in zip(run.parameters, expected["parameters"], strict=True):
            np.testing.assert_allclose(got.tolist(), wanted, rtol=1e-6)
        assert run.calls == expected["calls"]
    state = run.optimizer.state[run.parameters[0]]
    assert {name: state[name] for name in case["counts"]} == case["counts"]
    assert repr(run.optimizer) == case["repr"]


def test_lbfgs_finds_the_minimum_on_every_device(device):
    run = Run("valley", {"line_search_fn": "strong_wolfe", "max_iter": 40, "tolerance_grad": 1e-4}, device=device)
    run.step()
    assert run.step() < 1e-6


def test_a_saved_run_goes_on_alike(tmp_path):
    options = {"line_search_fn": "strong_wolfe", "max_iter": 4}
    run, fresh = Run("valley", options), Run("valley", options)
    run.step()
    minigrad.save({"optimizer": run.optimizer.state_dict(), "w": run.parameters}, tmp_path / "run.pt")
    saved = minigrad.load(tmp_path / "run.pt")
    fresh.optimizer.load_state_dict(saved["optimizer"])
    with minigrad.no_grad():
        for p, q in zip(fresh.parameters, saved["w"], strict=True):
            p.copy_(q)
    assert [run.step() for _ in range(2)] == [fresh.step() for _ in range(2)]
    assert [p.tolist() for p in run.parameters] == [p.tolist() for p in fresh.parameters]


def test_a_run_saved_after_its_first_step_goes_on_alike(tmp_path):
    run, fresh = Run("valley", {"max_iter": 1}, minigrad.float32), Run("valley", {"max_iter": 1}, minigrad.float32)
    run.step()
    (state,) = run.optimizer.state.values()
    assert isinstance(state["t"], minigrad.Tensor)  # shorter than the rate, because the gradient is large
    minigrad.save({"optimizer": run.optimizer.state_dict(), "w": run.parameters}, tmp_path / "run.pt")
    saved = minigrad.load(tmp_path / "run.pt")
    fresh.optimizer.load_state_dict(saved["optimizer"])
    with minigrad.no_grad():
        for p, q in zip(fresh.parameters, saved["w"], strict=True):
            p.copy_(q)
    assert [run.step() for _ in range(3)] == [fresh.step() for _ in range(3)]


def test_the_closure_records_under_no_grad_and_missing_gradients_are_zeros():
    run = Run("valley", {"max_iter": 2})
    unused = minigrad.ones(2, dtype=minigrad.float64, requires_grad=True)
    run.optimizer = optim.LBFGS([*run.parameters, unused], max_iter=2)
    with minigrad.no_grad():
        run.step()
    assert unused.tolist() == [1, 1]
    assert run.parameters[0].tolist() != [-1.2, 0.7]


@pytest.mark.parametrize(("most", "calls"), [(0, 1), (1.5, 3), (float("inf"), 3), (minigrad.tensor(1), 1)])
def test_max_iter_may_be_any_number(most, calls):
    w, seen = minigrad.tensor([2.0], requires_grad=True), []

    def closure():
        w.grad = w.detach().clone()
        seen.append(w.item())
        return 0.5 * w.item() ** 2

    optim.LBFGS([w], max_iter=most, max_eval=100, tolerance_change=0.0).step(closure)
    assert len(seen) == calls


def test_wrong_arguments_are_refused():
    p, q = (minigrad.ones(1, requires_grad=True) for _ in range(2))
    with pytest.raises(ValueError, match="doesn't support per-parameter options"):
        optim.LBFGS([{"params": p}, {"params": q}])
    with pytest.raises(ValueError, match="Invalid learning rate: -1"):
        optim.LBFGS([p], lr=-1)
    with pytest.raises(TypeError, match="closure"):
        optim.LBFGS([p]).step()
    with pytest.raises(ValueError, match="history_size is the number of pairs that are kept, at least 1, got 0"):
        optim.LBFGS([p], history_size=0)
    run = Run("valley", {"line_search_fn": "weak"})
    with pytest.raises(RuntimeError, match="only 'strong_wolfe' is supported as line_search_fn, got 'weak'"):
        run.step()


def test_a_closure_gives_one_number_in_a_tensor_of_any_shape():
    w = minigrad.tensor([3.0, 1.0], requires_grad=True)

    def closure():
        w.grad = 2 * w.detach()
        return (w * w).sum().reshape(1, 1)

    optim.LBFGS([w], lr=0.5, max_iter=1).step(closure)
    assert w.tolist() == [2.625, 0.875]  # the first step is lr / |g|_1 times the gradient
    with pytest.raises(TypeError, match="closure of LBFGS must return the loss, it gave None: let it end in `return"):
        optim.LBFGS([w]).step(lambda: None)
    with pytest.raises(
        ValueError, match=r"must return one number, it gave a tensor of shape \(2,\); reduce it by .mean"
    ):
        optim.LBFGS([w]).step(lambda: w * w)


def test_a_group_that_was_added_and_parameters_without_numbers_are_refused_at_the_step():
    p, q = (minigrad.ones(2, requires_grad=True) for _ in range(2))
    optimizer = optim.LBFGS([p])
    optimizer.add_param_group({"params": [q]})
    with pytest.raises(AssertionError, match="exactly one param_group, but got 2: LBFGS trains one list"):
        optimizer.step(lambda: p.sum())
    empty = minigrad.zeros(0, requires_grad=True)
    with pytest.raises(RuntimeError, match="nothing to train: its parameters hold no numbers"):
        optim.LBFGS([empty]).step(lambda: empty.sum())


def test_the_state_has_pytorchs_keys_in_its_order():
    w = minigrad.ones(2, requires_grad=True)
    optimizer = optim.LBFGS([w], max_iter=1, history_size=3)

    def closure():
        optimizer.zero_grad()
        loss = ((w - minigrad.tensor([3.0, 1.5])) ** 2 * minigrad.tensor([1.0, 4.0])).sum()
        loss.backward()
        return loss

    optimizer.step(closure)
    late = ["d", "t", "old_dirs", "old_stps", "ro", "H_diag", "prev_flat_grad", "prev_loss"]
    assert list(optimizer.state[w]) == ["func_evals", "n_iter", *late]
    optimizer.step(closure)
    state = optimizer.state[w]
    assert list(state) == ["func_evals", "n_iter", *late, "al"] and state["t"] == 1 and type(state["t"]) is int
    assert isinstance(state["al"][0], minigrad.Tensor) and state["al"][1:] == [None, None]
