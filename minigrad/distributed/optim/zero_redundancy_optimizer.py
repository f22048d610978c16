"""`ZeroRedundancyOptimizer`: each rank keeps the state of, and updates, its share of the parameters."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from minigrad.distributed import objects
from minigrad.distributed.agreement import agree
from minigrad.distributed.algorithms.join import Join, Joinable, JoinHook
from minigrad.distributed.packed_broadcast import begin_broadcast
from minigrad.distributed.process_group import ProcessGroup, require_member
from minigrad.optim.optimizer import Optimizer
from minigrad.tensor import Tensor

_OWN = ("params", "param_names")  # entries of a group that differ between the ranks


class ZeroRedundancyOptimizer(Optimizer, Joinable):
    """Divides `params` among the ranks, each with its own `optimizer_class`: each keeps about 1/N of the state.

    Parameters go, the largest first, to the rank that has the fewest elements so far. `step` updates the own share and
    broadcasts it; results are those of the plain optimizer, as gradients are the same on all ranks (use
    DistributedDataParallel). `state_dict` needs `consolidate_state_dict` before, on all ranks; `local_state_dict` gives
    the own share, for `checkpoint.save`. Options come as keywords: ``ZeroRedundancyOptimizer(params, Adam, lr=1e-3)``.

    Raises TypeError for what is no optimizer class, NotImplementedError for `overlap_with_ddp`; else as `Optimizer`.
    As `torch.distributed.optim.ZeroRedundancyOptimizer`; S. Rajbhandari et al., "ZeRO", 2020, stage 1.

    >>> import minigrad as torch
    >>> torch.distributed.init_process_group()
    >>> w = torch.ones(2, requires_grad=True)
    >>> optimizer = torch.distributed.optim.ZeroRedundancyOptimizer([w], torch.optim.SGD, lr=0.25)
    >>> (w * w).sum().backward()
    >>> optimizer.step()
    >>> w.detach()
    tensor([0.5000, 0.5000])
    >>> torch.distributed.destroy_process_group()
    """

    def __init__(
        self, params: Any, optimizer_class: type[Optimizer], process_group: Any = None,
        parameters_as_bucket_view: bool = False, overlap_with_ddp: bool = False, **defaults: Any,
    ) -> None:  # fmt: skip
        if not isinstance(optimizer_class, type) or not issubclass(optimizer_class, Optimizer):
            raise TypeError(
                f"optimizer_class must be a class of optimizers, such as optim.Adam, got {optimizer_class!r}"
            )
        if overlap_with_ddp:
            raise NotImplementedError("overlap_with_ddp is not offered: the update begins when backward is over")
        self._group = group = require_member(
            process_group, "ZeroRedundancyOptimizer needs a group that this process is in"
        )
        self._class, self._options = optimizer_class, defaults
        self._shares: list[list[Tensor]] = [[] for _ in range(group.size())]  # by rank
        self._consolidated: dict[int, Any] | None = None
        self.optim: Optimizer | None = None
        super().__init__(params, {})
        self.defaults = defaults
        agree(group, f"a ZeroRedundancyOptimizer of {[tuple(p.shape) for p in self._list_parameters()]}")
        self._make_own()

    # ---- shares ------------------------------------------------------------------------------------

    def add_param_group(self, param_group: dict[str, Any]) -> None:
        """Adds a group of parameters; all ranks must add the same."""
        super().add_param_group(param_group)
        self._share_out(self.param_groups[-1]["params"])
        if self.optim is not None:
            own = self._cut_out_own(self.param_groups[-1])
            self.optim.add_param_group(own)
            _copy_options(self.optim.param_groups, self.param_groups)

    def _share_out(self, parameters: list[Tensor]) -> None:
        """Assigns parameters to ranks: the largest first, to the rank with the fewest elements."""
        sizes = [sum(p.numel() for p in share) for share in self._shares]
        for parameter in sorted(parameters, key=lambda p: -p.numel()):
            rank = sizes.index(min(sizes))
            self._shares[rank].append(parameter)
            sizes[rank] += parameter.numel()

    def _make_own(self) -> None:
        """Makes the optimizer of this rank's share, with the same number of groups, some of which may be empty."""
        self.optim = self._class([self._cut_out_own(group) for group in self.param_groups], **self._options)
        self.state = self.optim.state
        _copy_options(self.optim.param_groups, self.param_groups)

    def _cut_out_own(self, group: dict[str, Any]) -> dict[str, Any]:
        """The group with this rank's parameters alone."""
        own = self._list_own_ids()
        options = {name: value for name, value in group.items() if name not in _OWN}
        return {**options, "params": [p for p in group["params"] if id(p) in own]}

    def _list_own_ids(self) -> set[int]:
        return {id(p) for p in self._shares[self._group.rank()]}

    def _list_parameters(self) -> list[Tensor]:
        return [p for group in self.param_groups for p in group["params"]]

    @property
    def owned(self) -> set[int]:
        """The indices of this rank's parameters among all: keys of `state_dict()["state"]`."""
        own = self._list_own_ids()
        return {i for i, p in enumerate(self._list_parameters()) if id(p) in own}

    def _require_own(self) -> Optimizer:
        """The optimizer of this rank's share, which the constructor made."""
        assert self.optim is not None
        return self.optim

    # ---- a step ------------------------------------------------------------------------------------

    def step(self, closure: Callable[[], Any] | None = None, **kwargs: Any) -> Any:
        """Updates this rank's share, and exchanges the updated parameters; all ranks must call it."""
        Join.notify_join_context(self)
        inner = self._require_own()
        _copy_options(self.param_groups, inner.param_groups)
        loss = inner.step(closure, **kwargs)
        agree(self._group, "ZeroRedundancyOptimizer.step()")
        begun = [
            begin_broadcast(self._group, share, rank, f"the update of rank {self._group.ranks[rank]}")
            for rank, share in enumerate(self._shares)
        ]
        for finish in begun:
            finish()
        _copy_options(inner.param_groups, self.param_groups)
        return loss

    def join_hook(self, **kwargs: Any) -> JoinHook:
        """The `JoinHook`: a rank without inputs still updates its share."""
        return _UpdateShare(self)

    @property
    def join_process_group(self) -> ProcessGroup:
        """The group of ranks."""
        return self._group

    # ---- state -------------------------------------------------------------------------------------

    def local_state_dict(self) -> dict[str, Any]:
        """As `state_dict`, but only with this rank's share, under the indices among all parameters."""
        inner = self._require_own()
        _copy_options(self.param_groups, inner.param_groups)
        number = {id(p): i for i, p in enumerate(self._list_parameters())}
        own = [p for group in inner.param_groups for p in group["params"]]
        state = {number[id(own[i])]: buffers for i, buffers in inner.state_dict()["state"].items()}
        groups = [
            {k: v for k, v in group.items() if k != "params"} | {"params": [number[id(p)] for p in group["params"]]}
            for group in self.param_groups
        ]
        return {"state": state, "param_groups": groups}

    def consolidate_state_dict(self, to: int = 0) -> None:
        """Gathers the state of all ranks on rank `to`, for `state_dict` there; all ranks must call it."""
        if to not in self._group.ranks:
            raise ValueError(f"to={to} is no rank of the optimizer's group: its ranks are {self._group.ranks}")
        root = self._group.ranks.index(to)
        here = self._group.rank() == root
        parts: list[Any] | None = [None] * self._group.size() if here else None
        objects.gather_object(self.local_state_dict()["state"], parts, group=self._group, group_dst=root)
        self._consolidated = {i: buffers for part in parts or [] for i, buffers in part.items()} if here else None

    def state_dict(self) -> dict[str, Any]:
        """The state of all ranks, in the format of the plain optimizer, on the rank that gathered it.

        Raises RuntimeError on other ranks.
        """
        if self._group.size() == 1:
            return self.local_state_dict()
        if self._consolidated is None:
            rank = self._group.ranks[self._group.rank()]
            raise RuntimeError(
                "Optimizer state has not been consolidated on this rank. Please call "
                f"`consolidate_state_dict(to={rank})` on all ranks beforehand if you meant to save the global state."
            )
        state = dict(sorted(self._consolidated.items()))
        return {"state": state, "param_groups": self.local_state_dict()["param_groups"]}

    def load_state_dict(self, state_dict: dict[str, Any]) -> None:
        """Loads this rank's share of a `state_dict` or `local_state_dict`, saved on any number of ranks.

        Raises ValueError if the groups differ in number or length.
        """
        inner = self._require_own()
        saved = state_dict["param_groups"]
        if [len(group["params"]) for group in saved] != [len(group["params"]) for group in self.param_groups]:
            raise ValueError(
                "loaded state dict has other parameter groups: "
                f"{[len(group['params']) for group in saved]} parameters in its groups, the optimizer has "
                f"{[len(group['params']) for group in self.param_groups]}"
            )
        numbers = [number for group in saved for number in group["params"]]
        number = {id(p): n for p, n in zip(self._list_parameters(), numbers, strict=True)}
        own = [[number[id(p)] for p in group["params"]] for group in inner.param_groups]
        wanted = {n for group in own for n in group}
        inner.load_state_dict({
            "state": {n: buffers for n, buffers in state_dict["state"].items() if n in wanted},
            "param_groups": [
                {k: v for k, v in group.items() if k not in _OWN} | {"params": params}
                for group, params in zip(saved, own, strict=True)
            ],
        })  # fmt: skip
        self.state = inner.state
        self._consolidated = None
        _copy_options(inner.param_groups, self.param_groups)


class _UpdateShare(JoinHook):
    """The `JoinHook` of an optimizer on a rank without inputs."""

    def __init__(self, optimizer: ZeroRedundancyOptimizer) -> None:
        self._optimizer = optimizer

    def main_hook(self) -> None:
        """Updates the share of this rank, and takes part in the exchange."""
        self._optimizer.step()


def _copy_options(source: list[dict[str, Any]], target: list[dict[str, Any]]) -> None:
    """Copies options between groups: a scheduler writes to ours, the inner optimizer reads its own."""
    for given, kept in zip(source, target, strict=True):
        kept.update({name: value for name, value in given.items() if name not in _OWN})
