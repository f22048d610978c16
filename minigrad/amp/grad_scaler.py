"""`GradScaler`: it keeps half-precision gradients in range.

Source: Micikevicius et al., "Mixed Precision Training", 2018.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from math import isfinite
from typing import Any

import numpy as np

from minigrad.amp.autocast_mode import is_there
from minigrad.autograd.modes import no_grad
from minigrad.optim import Optimizer
from minigrad.tensor import Tensor

_NO_SCALER = "torch.cuda.amp.GradScaler is enabled, but CUDA is not available.  Disabling."
_STATE = {  # attribute of a scaler -> its key in `state_dict`
    "_scale": "scale", "_growth_factor": "growth_factor", "_backoff_factor": "backoff_factor",
    "_growth_interval": "growth_interval", "_growth_tracker": "_growth_tracker",
}  # fmt: skip


def _in_float32(scale: Any) -> float:
    """`scale` as PyTorch keeps it, which multiplies it in float32."""
    with np.errstate(over="ignore"):
        return float(np.float32(scale))


class GradScaler:
    """Scales a loss, and divides its gradients by the scale again before each step.

        scaler.scale(loss).backward()
        scaler.step(optimizer)  # skipped where a gradient is inf or NaN
        scaler.update()

    The scale falls by `backoff_factor` after a step with an inf or NaN, and grows by `growth_factor` after
    `growth_interval` steps without. Where `device` is CUDA and not available it warns, as PyTorch, and does nothing.
    Raises AssertionError and RuntimeError for calls in another order.

    >>> import minigrad as torch
    >>> w = torch.ones(1, requires_grad=True)
    >>> optimizer, scaler = torch.optim.SGD([w], lr=0.5), torch.amp.GradScaler("cpu", init_scale=8.0)
    >>> scaler.scale(w.sum()).backward()
    >>> w.grad
    tensor([8.])
    >>> scaler.step(optimizer)
    >>> scaler.update()
    >>> w
    tensor([0.5000], requires_grad=True)
    """

    def __init__(
        self, device: str = "cuda", init_scale: float = 2.0**16, growth_factor: float = 2.0,
        backoff_factor: float = 0.5, growth_interval: int = 2000, enabled: bool = True,
    ) -> None:  # fmt: skip
        if enabled and growth_factor <= 1.0:
            raise AssertionError(f"The growth factor must be > 1.0, got {growth_factor}")
        if enabled and backoff_factor >= 1.0:
            raise AssertionError(f"The backoff factor must be < 1.0, got {backoff_factor}")
        self._enabled = enabled and is_there(device, _NO_SCALER)
        self._scale, self._growth_tracker = init_scale, 0
        self._growth_factor, self._backoff_factor = growth_factor, backoff_factor
        self._growth_interval = growth_interval
        self._scaled = False  # whether `scale` was called at all
        self._forget()

    def _forget(self) -> None:
        """Starts a round: forgets which optimizers were unscaled and stepped, and whether gradients were finite."""
        self._found: dict[int, bool] = {}
        self._stepped: set[int] = set()

    def scale(self, outputs: Any) -> Any:
        """The losses times the scale: a tensor, or tensors in lists and tuples.

        >>> import minigrad as torch
        >>> torch.amp.GradScaler("cpu", init_scale=8.0).scale(torch.tensor(2.0))
        tensor(16.)
        """
        self._scaled, self._scale = True, _in_float32(self._scale)
        if not self._enabled or isinstance(outputs, Tensor):
            return outputs * self._scale if self._enabled else outputs
        if not isinstance(outputs, Iterable) or isinstance(outputs, (str, bytes, Mapping)):
            raise ValueError(f"outputs must be a Tensor or an iterable of Tensors, got {type(outputs).__name__}")
        scaled = [self.scale(output) for output in outputs]
        return tuple(scaled) if isinstance(outputs, tuple) else scaled

    def unscale_(self, optimizer: Optimizer) -> None:
        """Divides the gradients of `optimizer` by the scale now, for example to clip them; else `step` does.

        >>> import minigrad as torch
        >>> w = torch.ones(1, requires_grad=True)
        >>> optimizer, scaler = torch.optim.SGD([w], lr=0.5), torch.amp.GradScaler("cpu")
        >>> scaler.scale(w.sum()).backward()
        >>> scaler.unscale_(optimizer)
        >>> w.grad
        tensor([1.])
        """
        if not self._enabled:
            return
        if not self._scaled:
            raise AssertionError("Attempted unscale_: call scaler.scale(loss).backward() earlier in the iteration")
        if id(optimizer) in self._stepped:
            raise RuntimeError("unscale_() is being called after step().")
        if id(optimizer) in self._found:
            raise RuntimeError("unscale_() has already been called on this optimizer since the last update().")
        gradients = [p.grad for group in optimizer.param_groups for p in group["params"] if p.grad is not None]
        if not gradients:
            detail = "none of its parameters has a gradient"
            raise AssertionError(f"No inf checks were recorded for this optimizer: {detail}")
        with no_grad():
            for gradient in gradients:
                gradient.mul_(1.0 / self._scale)
        self._found[id(optimizer)] = all(bool(gradient.isfinite().all()) for gradient in gradients)

    def step(self, optimizer: Optimizer, *args: Any, **kwargs: Any) -> Any:
        """``optimizer.step(...)``, unless one of its gradients is inf or NaN.

        >>> import minigrad as torch
        >>> w = torch.ones(1, requires_grad=True)
        >>> optimizer, scaler = torch.optim.SGD([w], lr=0.5), torch.amp.GradScaler("cpu")
        >>> scaler.scale(w.sum()).backward()
        >>> scaler.step(optimizer)
        >>> w
        tensor([0.5000], requires_grad=True)
        """
        if not self._enabled:
            return optimizer.step(*args, **kwargs)
        if id(optimizer) in self._stepped:
            raise RuntimeError("step() has already been called since the last update().")
        if id(optimizer) not in self._found:
            self.unscale_(optimizer)
        self._stepped.add(id(optimizer))
        return optimizer.step(*args, **kwargs) if self._found[id(optimizer)] else None

    def update(self, new_scale: Any = None) -> None:
        """Sets the scale of the next round: `new_scale`, or adapted to the last rounds.

        >>> import minigrad as torch
        >>> scaler = torch.amp.GradScaler("cpu")
        >>> scaler.update(4.0)
        >>> scaler.get_scale()
        4.0
        """
        if not self._enabled:
            return
        if new_scale is not None:
            self._scale = _in_float32(new_scale)
        elif not self._found:
            raise AssertionError("No inf checks were recorded prior to update: call scaler.step(optimizer) before it")
        elif not all(self._found.values()):
            self._scale, self._growth_tracker = _in_float32(self._scale * self._backoff_factor), 0
        else:
            self._growth_tracker += 1
            if self._growth_tracker == self._growth_interval:
                grown = _in_float32(self._scale * self._growth_factor)
                self._scale, self._growth_tracker = grown if isfinite(grown) else self._scale, 0
        self._forget()

    def get_scale(self) -> float:
        """The scale; 1 where it is not enabled.

        >>> import minigrad as torch
        >>> torch.amp.GradScaler("cpu").get_scale()
        65536.0
        """
        return self._scale if self._enabled else 1.0

    def get_growth_factor(self) -> float:
        """The factor by which the scale grows.

        >>> import minigrad as torch
        >>> torch.amp.GradScaler("cpu").get_growth_factor()
        2.0
        """
        return self._growth_factor

    def set_growth_factor(self, new_factor: float) -> None:
        """Sets what `get_growth_factor` returns.

        >>> import minigrad as torch
        >>> scaler = torch.amp.GradScaler("cpu")
        >>> scaler.set_growth_factor(4.0)
        >>> scaler.get_growth_factor()
        4.0
        """
        self._growth_factor = new_factor

    def get_backoff_factor(self) -> float:
        """The factor by which the scale falls after an inf or NaN.

        >>> import minigrad as torch
        >>> torch.amp.GradScaler("cpu").get_backoff_factor()
        0.5
        """
        return self._backoff_factor

    def set_backoff_factor(self, new_factor: float) -> None:
        """Sets what `get_backoff_factor` returns.

        >>> import minigrad as torch
        >>> scaler = torch.amp.GradScaler("cpu")
        >>> scaler.set_backoff_factor(0.25)
        >>> scaler.get_backoff_factor()
        0.25
        """
        self._backoff_factor = new_factor

    def get_growth_interval(self) -> int:
        """The rounds in a row with finite gradients after which the scale grows.

        >>> import minigrad as torch
        >>> torch.amp.GradScaler("cpu").get_growth_interval()
        2000
        """
        return self._growth_interval

    def set_growth_interval(self, new_interval: int) -> None:
        """Sets what `get_growth_interval` returns.

        >>> import minigrad as torch
        >>> scaler = torch.amp.GradScaler("cpu")
        >>> scaler.set_growth_interval(100)
        >>> scaler.get_growth_interval()
        100
        """
        self._growth_interval = new_interval

    def is_enabled(self) -> bool:
        """Whether it scales at all.

        >>> import minigrad as torch
        >>> torch.amp.GradScaler("cpu", enabled=False).is_enabled()
        False
        """
        return self._enabled

    def state_dict(self) -> dict[str, Any]:
        """The state for `load_state_dict`; empty if the scaler is not enabled.

        >>> import minigrad as torch
        >>> torch.amp.GradScaler("cpu").state_dict()["growth_interval"]
        2000
        """
        return {shown: getattr(self, name) for name, shown in _STATE.items()} if self._enabled else {}

    def load_state_dict(self, state_dict: dict[str, Any]) -> None:
        """Restores a state. Raises RuntimeError for an empty one, KeyError if a key is missing.

        >>> import minigrad as torch
        >>> scaler = torch.amp.GradScaler("cpu")
        >>> scaler.load_state_dict(torch.amp.GradScaler("cpu", init_scale=8.0).state_dict())
        >>> scaler.get_scale()
        8.0
        """
        if not self._enabled:
            return
        if not state_dict:
            raise RuntimeError("The source state dict is empty: it was saved from a GradScaler that was not enabled.")
        parts = {name: state_dict[shown] for name, shown in _STATE.items()}  # reads all before setting any
        for name, value in parts.items():
            setattr(self, name, value)
