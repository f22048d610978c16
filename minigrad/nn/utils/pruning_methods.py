"""The methods that choose which elements are pruned; the functions of `prune.py` apply them to a module.

A pruned `weight` becomes the parameter `weight_orig`, the buffer `weight_mask` and the plain attribute
``weight = weight_orig * weight_mask``, computed again before every forward. `remove` makes it a parameter again.
Sources: PyTorch's `nn.utils.prune`; Han et al., "Learning both Weights and Connections", 2015.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterator
from numbers import Integral, Real
from typing import Any, ClassVar

from minigrad.creation import ones_like, rand, rand_like, zeros_like
from minigrad.nn.module import Module
from minigrad.tensor import Tensor


class BasePruningMethod(ABC):
    """The base class of pruning methods: derive from it, set `PRUNING_TYPE` and write `compute_mask`.

    `PRUNING_TYPE` says which elements a further pruning of the same parameter considers: with "unstructured" those
    that are not pruned, with "structured" the channels along `dim` that are not, with "global" all.

    >>> import minigrad as torch
    >>> from minigrad.nn.utils import prune
    >>> class EverySecond(prune.BasePruningMethod):
    ...     PRUNING_TYPE = "unstructured"
    ...
    ...     def compute_mask(self, t, default_mask):
    ...         mask = default_mask.clone()
    ...         mask.view(-1)[::2] = 0
    ...         return mask
    >>> layer = torch.nn.Linear(4, 1)
    >>> _ = EverySecond.apply(layer, "weight")
    >>> layer.weight_mask
    tensor([[0., 1., 0., 1.]])
    """

    def __init_subclass__(cls, **options: Any) -> None:
        super().__init_subclass__(**options)
        if cls.__module__ == __name__:
            cls.__module__ = "minigrad.nn.utils.prune"  # the public module

    PRUNING_TYPE: ClassVar[str]
    _tensor_name: str

    def __call__(self, module: Module, inputs: Any) -> None:
        setattr(module, self._tensor_name, self.apply_mask(module))

    @abstractmethod
    def compute_mask(self, t: Tensor, default_mask: Tensor) -> Tensor:
        """The mask for importance scores `t`; elements that `default_mask` prunes stay pruned."""

    def apply_mask(self, module: Module) -> Tensor:
        """The parameter times its mask."""
        name = getattr(self, "_tensor_name", None)
        if name is None:
            raise AssertionError(f"Module {module} has to be pruned")
        mask, orig = getattr(module, f"{name}_mask"), getattr(module, f"{name}_orig")
        return mask.to(dtype=orig.dtype) * orig

    def prune(self, t: Tensor, default_mask: Tensor | None = None, importance_scores: Tensor | None = None) -> Tensor:
        """Prunes the tensor `t`, without a module, by `importance_scores`, by default `t` itself."""
        scores = t if importance_scores is None else importance_scores
        _check_shapes(scores, t, "importance_scores should have the same shape as tensor t")
        mask = self.compute_mask(scores, ones_like(t) if default_mask is None else default_mask)
        return t * mask

    @classmethod
    def apply(
        cls, module: Module, name: str, *args: Any, importance_scores: Tensor | None = None, **kwargs: Any
    ) -> BasePruningMethod:
        """Prunes the parameter `name` of `module` by this method, after methods that prune it already."""
        method: BasePruningMethod = cls(*args, **kwargs)
        method._tensor_name = name
        number, before = find_pruning(module, name)
        value = getattr(module, name)
        scores = value if importance_scores is None else importance_scores
        _check_shapes(scores, value, f"importance_scores should have the same shape as parameter {name} of {module}")
        if before is None:
            mask = method.compute_mask(scores.detach(), ones_like(value).detach())
            delattr(module, name)
            module.register_parameter(f"{name}_orig", value)
        else:
            method = PruningContainer(*(before if isinstance(before, PruningContainer) else (before,)), method)
            mask = method.compute_mask(scores.detach(), getattr(module, f"{name}_mask").detach().clone())
            unhook(module, number)
        module.register_buffer(f"{name}_mask", mask)
        setattr(module, name, method.apply_mask(module))
        module.register_forward_pre_hook(method)
        return method

    def remove(self, module: Module) -> None:
        """Makes the pruned parameter an ordinary one, with zeros for pruned elements."""
        name = self._tensor_name
        pruned, orig = self.apply_mask(module), getattr(module, f"{name}_orig")
        for attribute in (name, f"{name}_orig", f"{name}_mask"):
            if hasattr(module, attribute):
                delattr(module, attribute)
        orig.data = pruned.data
        setattr(module, name, orig)


class PruningContainer(BasePruningMethod):
    """Several pruning methods of one parameter, applied one after the other.

    >>> import minigrad as torch
    >>> from minigrad.nn.utils import prune
    >>> layer = torch.nn.Linear(4, 2)
    >>> for _ in range(2):
    ...     _ = prune.random_unstructured(layer, "weight", amount=0.5)
    >>> (hook,) = layer._forward_pre_hooks.values()
    >>> len(hook), layer.weight_mask.sum()  # a half of all, and a half of that half
    (2, tensor(2.))
    """

    def __init__(self, *args: BasePruningMethod) -> None:
        self._pruning_methods: tuple[BasePruningMethod, ...] = ()
        self._tensor_name = args[0]._tensor_name if args else None  # type: ignore[assignment]
        for method in args:
            self.add_pruning_method(method)

    def add_pruning_method(self, method: BasePruningMethod) -> None:
        """Adds a method. Raises TypeError for anything else, ValueError for a method of another parameter."""
        if not isinstance(method, BasePruningMethod):
            raise TypeError(f"{type(method)} is not a BasePruningMethod subclass")
        if self._tensor_name != method._tensor_name:
            raise ValueError(
                f"Can only add pruning methods acting on the parameter named '{self._tensor_name}' to "
                f"PruningContainer {self}. Found '{method._tensor_name}'"
            )
        self._pruning_methods += (method,)

    def __len__(self) -> int:
        return len(self._pruning_methods)

    def __iter__(self) -> Iterator[BasePruningMethod]:
        return iter(self._pruning_methods)

    def __getitem__(self, idx: int) -> BasePruningMethod:
        return self._pruning_methods[idx]

    def compute_mask(self, t: Tensor, default_mask: Tensor) -> Tensor:
        """The mask of the last method, on the elements that `default_mask` leaves, in the dtype of `t`."""
        method, mask = self._pruning_methods[-1], default_mask.to(t.dtype, copy=True)
        left = _find_left(method, mask)
        mask[left] = method.compute_mask(t[left], default_mask[left]).to(mask.dtype)
        return mask


class Identity(BasePruningMethod):
    """Prunes nothing: the parameter gets a mask of ones.

    >>> import minigrad as torch
    >>> from minigrad.nn.utils import prune
    >>> prune.Identity().prune(torch.tensor([1.0, 2.0]))
    tensor([1., 2.])
    """

    PRUNING_TYPE = "unstructured"

    def compute_mask(self, t: Tensor, default_mask: Tensor) -> Tensor:
        """`default_mask` itself."""
        return default_mask


class _Amount(BasePruningMethod):
    """The base of methods that prune `amount` elements or channels: an int, or a float for a fraction."""

    def __init__(self, amount: int | float) -> None:
        _check_amount(amount)
        self.amount = amount


class RandomUnstructured(_Amount):
    """Prunes random elements.

    >>> import minigrad as torch
    >>> from minigrad.nn.utils import prune
    >>> prune.RandomUnstructured(amount=0.5).prune(torch.ones(4)).sum()
    tensor(2.)
    """

    PRUNING_TYPE = "unstructured"

    def compute_mask(self, t: Tensor, default_mask: Tensor) -> Tensor:
        """`default_mask` without random elements."""
        return _drop_numbers(default_mask, t, self.amount, lambda: rand_like(t), largest=True)


class L1Unstructured(_Amount):
    """Prunes the elements with the smallest magnitude.

    >>> import minigrad as torch
    >>> from minigrad.nn.utils import prune
    >>> prune.L1Unstructured(amount=2).prune(torch.tensor([3.0, -1.0, 0.5, -2.0]))
    tensor([ 3., -0.,  0., -2.])
    """

    PRUNING_TYPE = "unstructured"

    def compute_mask(self, t: Tensor, default_mask: Tensor) -> Tensor:
        """`default_mask` without the smallest elements."""
        return _drop_numbers(default_mask, t, self.amount, t.abs, largest=False)


class _Channels(_Amount):
    """The base of methods that prune whole channels along `dim`: those that `_choose` does not keep."""

    PRUNING_TYPE = "structured"

    def __init__(self, amount: int | float, dim: int = -1) -> None:
        super().__init__(amount)
        self.dim = dim

    def compute_mask(self, t: Tensor, default_mask: Tensor) -> Tensor:
        """`default_mask` without the channels that are pruned."""
        if t.ndim <= 1:
            detail = f"Found tensor of shape {t.shape} with {t.ndim} dims"
            raise ValueError(f"Structured pruning can only be applied to multidimensional tensors. {detail}")
        if not -t.ndim <= self.dim < t.ndim:
            raise IndexError(f"Invalid index {self.dim} for tensor of size {t.shape}")
        count = _count(self.amount, t.shape[self.dim])
        if not count:
            return default_mask
        mask = zeros_like(t)
        mask.transpose(0, self.dim)[self._choose(t, count)] = 1
        return mask * default_mask.to(dtype=mask.dtype)

    @abstractmethod
    def _choose(self, t: Tensor, count: int) -> Tensor:
        """The channels that are kept when `count` are pruned."""


class RandomStructured(_Channels):
    """Prunes random channels.

    >>> import minigrad as torch
    >>> from minigrad.nn.utils import prune
    >>> prune.RandomStructured(amount=1, dim=0).prune(torch.ones(3, 2)).sum()
    tensor(4.)
    """

    def _choose(self, t: Tensor, count: int) -> Tensor:
        drawn = rand(t.shape[self.dim])
        return drawn > drawn.sort().values[count - 1]


class LnStructured(_Channels):
    """Prunes the channels with the smallest norm of order `n`.

    >>> import minigrad as torch
    >>> from minigrad.nn.utils import prune
    >>> prune.LnStructured(amount=1, n=2, dim=0).prune(torch.tensor([[1.0, 2.0], [3.0, 4.0]]))
    tensor([[0., 0.],
            [3., 4.]])
    """

    def __init__(self, amount: int | float, n: Any, dim: int = -1) -> None:
        super().__init__(amount, dim)
        self.n = n

    def _choose(self, t: Tensor, count: int) -> Tensor:
        dim = self.dim % t.ndim
        norms = t.norm(p=self.n, dim=[d for d in range(t.ndim) if d != dim])
        return norms.topk(t.shape[dim] - count).indices


class CustomFromMask(BasePruningMethod):
    """Prunes by a given mask.

    >>> import minigrad as torch
    >>> from minigrad.nn.utils import prune
    >>> prune.CustomFromMask(torch.tensor([1, 0])).prune(torch.tensor([5.0, 6.0]))
    tensor([5., 0.])
    """

    PRUNING_TYPE = "global"

    def __init__(self, mask: Tensor) -> None:
        self.mask = mask

    def compute_mask(self, t: Tensor, default_mask: Tensor) -> Tensor:
        """`default_mask` where the mask is not zero."""
        if default_mask.shape != self.mask.shape:
            raise AssertionError(f"the mask has shape {self.mask.shape}, the tensor {default_mask.shape}")
        return default_mask * self.mask.to(dtype=default_mask.dtype)


# ---- helpers ----------------------------------------------------------------------
def _check_amount(amount: Any) -> None:
    if not isinstance(amount, Real):
        raise TypeError(f"Invalid type for amount: {amount}. Must be int or float.")
    if amount < 0 or (not isinstance(amount, Integral) and float(amount) > 1.0):
        raise ValueError(f"amount={amount} should either be a float in the range [0, 1] or a non-negative integer")


def _count(amount: Any, size: int) -> int:
    """The number of elements for an int, or a float that is a fraction of `size`."""
    if not isinstance(amount, Integral):
        return round(float(amount) * size)
    if int(amount) > size:
        raise ValueError(f"amount={amount} should be smaller than the number of parameters to prune={size}")
    return int(amount)


def _drop_numbers(default_mask: Tensor, t: Tensor, amount: Any, scores: Any, *, largest: bool) -> Tensor:
    """`default_mask` without the elements with the largest, or the smallest, scores."""
    count = _count(amount, t.numel())
    mask = default_mask.contiguous().clone()
    if count:
        mask.view(-1)[scores().reshape(-1).topk(count, largest=largest).indices] = 0
    return mask


def _find_left(method: BasePruningMethod, mask: Tensor) -> Any:
    """The index of the elements that `mask` leaves for `method` to prune."""
    if method.PRUNING_TYPE == "unstructured":
        return mask == 1
    if method.PRUNING_TYPE == "global":
        return (slice(None),) * mask.ndim
    if method.PRUNING_TYPE != "structured":
        raise ValueError(f"Unrecognized PRUNING_TYPE {method.PRUNING_TYPE}")
    dim = method.dim % mask.ndim  # type: ignore[attr-defined]
    channels = mask.sum(dim=[d for d in range(mask.ndim) if d != dim]) != 0
    return (*(slice(None),) * dim, channels)


def _check_shapes(scores: Tensor, t: Tensor, mismatch: str) -> None:
    if scores.shape != t.shape:
        raise AssertionError(f"{mismatch}: {scores.shape} and {t.shape}")


def find_pruning(module: Module, name: str) -> tuple[int, BasePruningMethod | None]:
    """The method that prunes the parameter `name`, and its number among the hooks."""
    for number, hook in module._forward_pre_hooks.items():
        if isinstance(hook, BasePruningMethod) and hook._tensor_name == name:
            return number, hook
    return 0, None


def unhook(module: Module, number: int) -> None:
    """Removes the hook with this number."""
    assert module._hooks_by_place is not None
    module._hooks_by_place.remove("forward_pre", number)
