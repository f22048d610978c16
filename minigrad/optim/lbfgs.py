"""`LBFGS`: a quasi-Newton method, whose direction is estimated from the last few steps and gradients."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from minigrad.autograd import enable_grad
from minigrad.autograd.core import wrap
from minigrad.autograd.failed_calls import check_same_library
from minigrad.backend import Array, array_module, on, on_gpu_of
from minigrad.devices import device
from minigrad.ops.device import number_device
from minigrad.optim.checks import require_closure
from minigrad.optim.line_search import Trial, search_line
from minigrad.optim.optimizer import Optimizer, Params, Rate, State, options_of

# Keys of the state, in the order in which PyTorch's step adds them.
_LATE = ("al", "d", "t", "old_dirs", "old_stps", "ro", "H_diag", "prev_flat_grad", "prev_loss")


class LBFGS(Optimizer):
    r"""Limited-memory BFGS: `w <- w + t d`, where `d = -H g` and `H` estimates the inverse Hessian.

    `H` is never stored: the two-loop recursion computes `d` from the last `history_size` pairs of a
    step and the change of the gradient along it. One call of `step(closure)` takes up to
    `max_iter` such steps and calls `closure`, which computes the loss and its gradients again, up to
    `max_eval` times (`max_iter * 5 / 4`). `t` is `lr`, or, with `line_search_fn="strong_wolfe"`,
    found by a search along `d`. It stops early if no gradient is above `tolerance_grad`, or if
    neither loss nor parameters change by more than `tolerance_change`. For full-batch training of smooth
    losses, where it needs far fewer steps than gradient descent.

    Raises `ValueError` for several groups of parameters, a negative `lr` and a `history_size` below 1; at a step
    `AssertionError` where a group was added, `RuntimeError` for another line search and for parameters without a
    single number, `TypeError` or `ValueError` where `closure` gives none, or several.
    Follows https://docs.pytorch.org/docs/stable/generated/torch.optim.LBFGS.html; Nocedal and
    Wright, Numerical optimization, 2006, algorithm 7.4; Schmidt, minFunc, 2005.

    >>> import minigrad as torch
    >>> w = torch.tensor([3.0, -2.0], requires_grad=True)
    >>> optimizer = torch.optim.LBFGS([w], line_search_fn="strong_wolfe")
    >>> def closure():
    ...     optimizer.zero_grad()
    ...     loss = ((w - 1) ** 2 * torch.tensor([1.0, 10.0])).sum()
    ...     loss.backward()
    ...     return loss
    >>> print(optimizer.step(closure))
    tensor(94., grad_fn=<SumBackward0>)
    >>> torch.allclose(w, torch.ones(2), atol=1e-4)
    True
    """

    def __init__(
        self, params: Params, lr: Rate = 1, max_iter: int = 20, max_eval: int | None = None,
        tolerance_grad: float = 1e-7, tolerance_change: float = 1e-9, history_size: int = 100,
        line_search_fn: str | None = None,
    ) -> None:  # fmt: skip
        options = options_of(locals())
        if history_size < 1:
            raise ValueError(f"history_size is the number of pairs that are kept, at least 1, got {history_size}")
        if max_eval is None:
            options["max_eval"] = max_iter * 5 // 4
        super().__init__(params, options)
        if len(self.param_groups) != 1:
            hint = "it takes one list of tensors"
            raise ValueError(f"LBFGS doesn't support per-parameter options (parameter groups): {hint}")

    def step(self, closure: Callable[[], Any]) -> Any:  # type: ignore[override]  # it needs one
        """Takes up to `max_iter` steps; returns the loss of the first call of `closure`."""
        require_closure(closure)
        first = self._read_group()["params"][0].array
        evaluate = enable_grad()(closure)
        with np.errstate(all="ignore"):
            return on_gpu_of(first, self._minimize, evaluate if first.__class__ is np.ndarray else _keep_gpu(evaluate))

    def _minimize(self, closure: Callable[[], Any]) -> Any:
        group = self._read_group()
        state = self.state[group["params"][0]]
        state.setdefault("func_evals", 0)
        state.setdefault("n_iter", 0)
        known = list(state)
        first_loss = closure()
        here = Trial(0, _number(first_loss), self._gradient(), 0)
        calls, left = 1, group["max_iter"]  # which may be inf
        state["func_evals"] += 1
        while left > 0 and not abs(here.gradient).max() <= group["tolerance_grad"]:
            left -= 1
            state["n_iter"] += 1
            d, t = self._choose_step(state, here)
            start = here._replace(t=0, slope=here.gradient.dot(d))
            if start.slope > -group["tolerance_change"]:  # no descent direction
                break
            here, more = self._advance(closure, start, t, d, group["max_eval"] - calls, is_last=left == 0)
            state["t"] = _hold(here.t)
            calls += more
            state["func_evals"] += more
            if calls >= group["max_eval"] or abs(d * here.t).max() <= group["tolerance_change"]:
                break
            if abs(here.loss - start.loss) < group["tolerance_change"]:
                break
        state.update({name: state.pop(name) for name in (*known, *_LATE) if name in state})
        return first_loss

    def _choose_step(self, state: State, here: Trial) -> tuple[Array, float]:
        """The direction of a step and the length that is tried first; the state keeps both, and what the next needs."""
        group, g = self.param_groups[0], here.gradient
        d, t = _direction(state, g, group["history_size"]), group["lr"]
        t = t if type(t) is int else float(t)
        if state["n_iter"] == 1:
            t *= min(1.0, 1.0 / abs(g).sum())
        state.update(d=wrap(d), t=_hold(t), prev_flat_grad=wrap(g.copy()), prev_loss=here.loss)
        return d, t

    def _advance(
        self, closure: Callable[[], Any], start: Trial, t: Any, d: Array, most: int, is_last: bool
    ) -> tuple[Trial, int]:
        """Moves the parameters along `d`; loss and gradient there, and the number of calls of `closure`."""
        if self.param_groups[0]["line_search_fn"] is not None:
            found, calls = self._search(closure, start, t, d, most)
            self._move(found.t, d)
            return found, calls
        self._move(t, d)
        if is_last:  # nobody reads the loss and the gradient there
            return start._replace(t=t), 0
        return Trial(t, _number(closure()), self._gradient(), 0), 1

    def _read_group(self) -> dict[str, Any]:
        """The only group. Raises AssertionError if there are others."""
        if len(self.param_groups) != 1:
            detail = "LBFGS trains one list of tensors"
            raise AssertionError(f"Expected exactly one param_group, but got {len(self.param_groups)}: {detail}")
        return self.param_groups[0]

    def _search(self, closure: Callable[[], Any], start: Trial, t: Any, d: Array, most: int) -> tuple[Trial, int]:
        """The point that a line search finds along `d`, and the number of calls of `closure`."""
        if (name := self.param_groups[0]["line_search_fn"]) != "strong_wolfe":
            raise RuntimeError(f"only 'strong_wolfe' is supported as line_search_fn, got {name!r}")
        parameters = self.param_groups[0]["params"]
        here = [p.array.copy() for p in parameters]

        def evaluate(t: Any) -> Trial:
            self._move(t, d)
            loss, g = _number(closure()), self._gradient()
            for p, array in zip(parameters, here, strict=True):
                p.array[...] = array
                p.bump_version()
            return Trial(t, loss, g, g.dot(d))

        return search_line(evaluate, start, t, abs(d).max(), most)

    def _gradient(self) -> Array:
        """All gradients in one vector; zeros for missing ones."""
        parameters = self.param_groups[0]["params"]
        check_same_library("LBFGS of one vector", [p.array for p in parameters])
        parts = [p.array * 0 if p.grad is None else p.grad.array for p in parameters]
        if not any(part.size for part in parts):
            raise RuntimeError("LBFGS has nothing to train: its parameters hold no numbers")
        return array_module(parts[0]).concatenate([part.reshape(-1) for part in parts])

    def _move(self, t: Any, d: Array) -> None:
        """Adds `t * d` to the parameters."""
        start = 0
        for p in self.param_groups[0]["params"]:
            part = d[start : start + p.array.size]
            p.array += (t * part).reshape(p.array.shape)
            p.bump_version()
            start += p.array.size


def _keep_gpu(closure: Callable[[], Any]) -> Callable[[], Any]:
    """`closure` on the GPU that is current now, whichever GPU LBFGS computes on."""
    gpu = number_device(device("cuda"))

    def call() -> Any:
        with on(gpu):
            return closure()

    return call


def _direction(state: State, g: Array, history_size: int) -> Array:
    """Adds the last step to the history, and returns `-H g` by the two-loop recursion."""
    if state["n_iter"] == 1:
        state.update(old_dirs=[], old_stps=[], ro=[], H_diag=1)
        return -g
    _remember(state, g, history_size)
    pairs = [(y.array, s.array, r.array) for y, s, r in zip(state["old_dirs"], state["old_stps"], state["ro"])]  # noqa: B905
    q, shares = -g, []
    for y, s, r in reversed(pairs):
        share = s.dot(q) * r
        q -= share * y
        shares.append(share)
    state["al"] = [*map(_hold, reversed(shares)), *[None] * (history_size - len(shares))]
    scale = state["H_diag"]
    d = q * (scale if isinstance(scale, (int, float)) else scale.array)
    for (y, s, r), share in zip(pairs, reversed(shares), strict=True):
        d += (share - y.dot(d) * r) * s
    return d


def _remember(state: State, g: Array, history_size: int) -> None:
    """Adds the last step `s` and the change `y` of the gradient to the history, if the curvature is positive."""
    y = g - state["prev_flat_grad"].array
    t = state["t"]
    s = state["d"].array * getattr(t, "array", t)
    curvature = y.dot(s)
    if curvature > 1e-10:
        history = state["old_dirs"], state["old_stps"], state["ro"]
        for held, value in zip(history, (y, s, 1.0 / curvature), strict=True):
            if len(held) == history_size:
                held.pop(0)
            held.append(_hold(value))
        state["H_diag"] = _hold(curvature / y.dot(y))


def _hold(value: Any) -> Any:
    """`value` as the state holds it: a number of Python as it is, NumPy's numbers and arrays as tensors."""
    if type(value) in (int, float):
        return value
    return wrap(np.asarray(value) if isinstance(value, np.generic) else value)


def _number(loss: Any) -> float:
    """The result of a closure, a tensor or a number, as a number. Raises TypeError for None, ValueError for several."""
    if loss is None:
        raise TypeError("the closure of LBFGS must return the loss, it gave None: let it end in `return loss`")
    array = getattr(loss, "array", loss)
    if np.size(array) != 1:
        got = f"it gave a tensor of shape {np.shape(array)}; reduce it by .mean() or .sum()"
        raise ValueError(f"the closure of LBFGS must return one number, {got}")
    return float(array.item() if hasattr(array, "item") else array)
