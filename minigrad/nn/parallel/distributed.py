"""`DistributedDataParallel`: every rank trains the same model on its own part of the batch."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterable, Iterator, Sequence
from functools import partial
from typing import Any

from minigrad.autograd.core import LEAF
from minigrad.autograd.modes import is_grad_enabled
from minigrad.distributed import objects
from minigrad.distributed.agreement import agree, reduce_numbers
from minigrad.distributed.algorithms.join import Join, Joinable, JoinHook
from minigrad.distributed.errors import name_ranks
from minigrad.distributed.grad_bucket import GradBucket
from minigrad.distributed.packed_broadcast import begin_broadcast
from minigrad.distributed.process_group import ProcessGroup, require_member
from minigrad.distributed.reduce_op import ReduceOp
from minigrad.nn.module import Module
from minigrad.nn.parallel.reducer import Reducer
from minigrad.tensor import Tensor

MIB = 1024 * 1024


def default_cap(parameters: Iterable[Tensor]) -> int:
    """The bytes of a bucket: a quarter of all gradients, but at least 64 KiB and at most 25 MiB.

    >>> import minigrad as torch
    >>> default_cap([torch.ones(1024, 1024)]) == MIB
    True
    """
    return min(max(sum(p.array.nbytes for p in parameters) // 4, MIB // 16), 25 * MIB)


class DistributedDataParallel(Module, Joinable):
    """Wraps `module` so that its gradients are averaged over the ranks during backward.

    With g_r the gradient on rank r of N: every rank's ``.grad`` becomes g_0 / N + ... + g_N-1 / N. When all ranks have
    batches of one size and the loss is a mean, that is the gradient of the whole batch. The constructor
    copies the parameters and buffers of rank 0 to all ranks; `broadcast_buffers` repeats this for buffers before each
    forward. Gradients are reduced in buckets of `bucket_cap_mb` MiB (the first of at most 1; see `default_cap`) while
    backward is running. `find_unused_parameters` searches every forward for parameters that it does not use; without
    it they are an error at the next forward. `gradient_as_bucket_view` saves a copy: ``.grad`` is a view of the bucket.
    Keys of `state_dict` begin with ``module.``.

    Raises RuntimeError for a module without parameters to train, on every rank when the ranks' parameters differ in
    name, shape or dtype, and for ``backward(create_graph=True)``; ValueError for `device_ids` of a module on the CPU.
    As `torch.nn.parallel.DistributedDataParallel`; S. Li et al., "PyTorch Distributed", VLDB 2020.

    >>> import minigrad as torch
    >>> torch.distributed.init_process_group()
    >>> net = torch.nn.parallel.DistributedDataParallel(torch.nn.Linear(2, 1))
    >>> list(net.state_dict())
    ['module.weight', 'module.bias']
    >>> torch.distributed.destroy_process_group()
    """

    module: Module

    def __init__(
        self, module: Module, device_ids: Sequence[Any] | None = None, output_device: Any = None, dim: int = 0,
        broadcast_buffers: bool | None = None, init_sync: bool = True, process_group: Any = None,
        bucket_cap_mb: float | None = None, find_unused_parameters: bool = False, check_reduction: bool = False,
        gradient_as_bucket_view: bool = False, static_graph: bool = False,
    ) -> None:  # fmt: skip
        super().__init__()
        here_only = "DistributedDataParallel needs a group that this process is in: make the model inside it only"
        group = require_member(process_group, here_only)
        parameters = _list_trained(module)
        _check_arguments(module, parameters, device_ids, output_device)
        self.module = module
        self.process_group, self.dim, self.device_ids, self.output_device = group, dim, device_ids, output_device
        self.broadcast_buffers = True if broadcast_buffers is None else broadcast_buffers
        # Unused parameters of a static graph are also searched for at each forward.
        self.find_unused_parameters, self.static_graph = find_unused_parameters or static_graph, static_graph
        self.gradient_as_bucket_view = gradient_as_bucket_view
        cap = default_cap(parameters.values()) if bucket_cap_mb is None else int(bucket_cap_mb * MIB)
        self.bucket_bytes_cap = cap
        self.require_backward_grad_sync = True
        self._divides_by_all = True  # in `join`, whether ranks without further inputs count in the average
        self._sent_buffers = list(module.buffers()) if self.broadcast_buffers else []
        self.reducer: Reducer | None = None
        if group.size() > 1:
            _require_same(group, module)
            if init_sync:
                broadcast_together(group, [*module.parameters(), *module.buffers()])
            self.reducer = self._make_reducer()

    def _make_reducer(self) -> Reducer:
        """The reducer of the parameters that are trained, whose hooks it registers."""
        trained = _list_trained(self.module)
        return Reducer(
            list(trained.values()), self.process_group, self.bucket_bytes_cap, self.gradient_as_bucket_view,
            list(trained),
        )  # fmt: skip

    def register_comm_hook(self, state: Any, hook: Callable[[Any, GradBucket], Any]) -> None:
        """Lets ``hook(state, bucket)`` reduce the gradients. Call it once, before the first backward.

        The hook is called for each complete `GradBucket`, and returns a `Future` of the tensor with the reduced
        gradients; it must also divide to get a mean. ``distributed.algorithms.ddp_comm_hooks`` has some hooks.

        Raises TypeError unless the hook can be called, RuntimeError for a second hook.
        As `torch.nn.parallel.DistributedDataParallel.register_comm_hook`.

        >>> import minigrad as torch
        >>> from minigrad.distributed.algorithms.ddp_comm_hooks import default_hooks
        >>> torch.distributed.init_process_group()
        >>> net = torch.nn.parallel.DistributedDataParallel(torch.nn.Linear(2, 1))
        >>> net.register_comm_hook(None, default_hooks.fp16_compress_hook)
        >>> net(torch.ones(3, 2)).sum().backward()
        >>> net.module.bias.grad
        tensor([3.])
        >>> torch.distributed.destroy_process_group()
        """
        if not callable(hook):
            raise TypeError(f"Communication hook must be callable, got {hook!r}")
        self.reducer = self.reducer or self._make_reducer()
        if self.reducer.hook is not None:
            raise RuntimeError("register_comm_hook or register_builtin_comm_hook can only be called once.")
        self.reducer.hook = partial(hook, state)

    def forward(self, *inputs: Any, **kwargs: Any) -> Any:
        """Runs `module`; the gradients of the next backward are averaged."""
        reducer = self.reducer
        if reducer is None:
            return self.module(*inputs, **kwargs)
        averages = is_grad_enabled() and self.require_backward_grad_sync
        sends = bool(self._sent_buffers) and self.require_backward_grad_sync
        root = 0 if self._join is None else self._keep_step(reducer, sends, averages)
        if sends:
            broadcast_together(self.process_group, self._sent_buffers, root)
        if is_grad_enabled() and not averages:
            reducer.ignore()
        elif averages and not self.find_unused_parameters:
            reducer.expect(None)
        result = self.module(*inputs, **kwargs)
        if averages and self.find_unused_parameters:
            reducer.expect(self._find_unused(result))
        return result

    def _find_unused(self, result: Any) -> list[int]:
        """The numbers of the parameters that get no gradient."""
        used = find_leaves(find_tensors(result))
        trained = _list_trained(self.module).values()
        return [i for i, parameter in enumerate(trained) if id(parameter) not in used]

    # ---- ranks with fewer inputs ----------------------------------------------------------------

    def join(
        self, divide_by_initial_world_size: bool = True, enable: bool = True, throw_on_early_termination: bool = False
    ) -> Join:
        """A context in which ranks may have different numbers of batches: ``with net.join():`` around the loop.

        Ranks without further batches add zeros to the gradients, which are still divided by the number of all ranks,
        or without `divide_by_initial_world_size` of active ones. At the end all get the parameters of the last.
        See `distributed.algorithms.join.Join`. As `torch.nn.parallel.DistributedDataParallel.join`.

        >>> import minigrad as torch
        >>> torch.distributed.init_process_group()
        >>> net = torch.nn.parallel.DistributedDataParallel(torch.nn.Linear(2, 1))
        >>> with net.join():
        ...     net(torch.ones(3, 2)).sum().backward()
        >>> torch.distributed.destroy_process_group()
        """
        return Join(
            [self], enable, throw_on_early_termination, divide_by_initial_world_size=divide_by_initial_world_size
        )

    def join_hook(self, **kwargs: Any) -> JoinHook:
        """The `JoinHook` that a rank without further inputs runs."""
        self._divides_by_all = kwargs.get("divide_by_initial_world_size", True)
        return _KeepStep(self)

    @property
    def join_process_group(self) -> ProcessGroup:
        """The group of ranks that train the module."""
        return self.process_group

    def _keep_step(self, reducer: Reducer, sends: bool, averages: bool) -> int:
        """Tells the ranks without further inputs what follows; returns the rank whose buffers are broadcast."""
        active = Join.notify_join_context(self)
        reducer.scale = 1 / (self.process_group.size() if self._divides_by_all or active is None else active)
        return _find_largest(self.process_group, self.process_group.rank(), sends, averages)[0]

    @contextlib.contextmanager
    def no_sync(self) -> Iterator[None]:
        """A context in which gradients accumulate on each rank; the first backward after it averages the sums.

        >>> import minigrad as torch
        >>> torch.distributed.init_process_group()
        >>> net = torch.nn.parallel.DistributedDataParallel(torch.nn.Linear(2, 1))
        >>> with net.no_sync():
        ...     net(torch.ones(3, 2)).sum().backward()
        >>> net.module.bias.grad
        tensor([3.])
        >>> torch.distributed.destroy_process_group()
        """
        before = self.require_backward_grad_sync
        self.require_backward_grad_sync = False
        try:
            yield
        finally:
            self.require_backward_grad_sync = before


class _KeepStep(JoinHook):
    """The `JoinHook` of a model on a rank without further inputs."""

    def __init__(self, model: DistributedDataParallel) -> None:
        self._model, self._group = model, model.process_group

    def main_hook(self) -> None:
        """Takes part in one forward and backward of the other ranks."""
        root, sends, averages = _find_largest(self._group, -1, False, False)
        if sends:
            broadcast_together(self._group, self._model._sent_buffers, root)
        if averages and self._model.reducer is not None:
            self._model.reducer.shadow(self._model.find_unused_parameters)

    def post_hook(self, is_last_joiner: bool) -> None:
        """Copies the parameters and buffers of the last active rank to all ranks."""
        (root,) = _find_largest(self._group, self._group.rank() if is_last_joiner else -1)
        module = self._model.module
        broadcast_together(self._group, [*module.parameters(), *module.buffers()], root)


def _find_largest(group: ProcessGroup, *numbers: int) -> list[int]:
    """The maximum over the ranks of each number."""
    return reduce_numbers(group, numbers, ReduceOp.MAX, "what ranks without inputs are told")


def _list_trained(module: Module) -> dict[str, Tensor]:
    """The parameters that require a gradient, by name."""
    return {name: p for name, p in module.named_parameters() if p.requires_grad}


def _check_arguments(module: Module, parameters: dict[str, Tensor], device_ids: Any, output_device: Any) -> None:
    """Raises RuntimeError where there is nothing to train, ValueError for devices that do not fit."""
    if not parameters:
        raise RuntimeError(
            "DistributedDataParallel is not needed when a module doesn't have any parameters that require a gradient."
        )
    devices = {p.device for p in module.parameters()}
    if (device_ids or output_device is not None) and (len(devices) > 1 or next(iter(devices)).type != "cuda"):
        raise ValueError(
            "DistributedDataParallel device_ids and output_device arguments only work with GPU modules, but got "
            f"device_ids {device_ids}, output_device {output_device}, and module parameters {devices}: leave them out"
        )
    if device_ids is not None and len(device_ids) > 1:
        raise ValueError("device_ids can only be None or contain a single element: one process drives one GPU")


def _require_same(group: ProcessGroup, module: Module) -> None:
    """Raises RuntimeError, on every rank, that names the first difference of names, shapes or dtypes."""
    own = [
        f"{name} {tuple(x.shape)} {x.dtype}{'' if x.requires_grad else ' (not trained)'}"
        for name, x in [*module.named_parameters(), *module.named_buffers()]
    ]
    everybody: list[Any] = [None] * group.size()
    objects.all_gather_object(everybody, own, group)
    for place in range(max(map(len, everybody))):
        said: dict[str, list[int]] = {}
        for rank, theirs in zip(group.ranks, everybody, strict=True):
            said.setdefault(theirs[place] if place < len(theirs) else "nothing", []).append(rank)
        if len(said) > 1:
            differences = "; ".join(f"{what} on {name_ranks(ranks)}" for what, ranks in said.items())
            detail = f"with its parameters in one order, but parameter or buffer {place} is {differences}"
            raise RuntimeError(f"DistributedDataParallel expects the same model on all ranks, {detail}")


def broadcast_together(group: ProcessGroup, tensors: Sequence[Tensor], root: int = 0) -> None:
    """Copies `tensors` of rank `root` of the group to all ranks."""
    agree(group, f"the broadcast of {len(tensors)} parameters and buffers before forward")
    begin_broadcast(group, tensors, root, "the broadcast of parameters and buffers")()


def find_tensors(result: Any) -> Iterator[Tensor]:
    """The tensors in the result of a forward: itself, or in lists, tuples and dicts."""
    if isinstance(result, Tensor):
        yield result
    elif isinstance(result, (list, tuple)):
        for part in result:
            yield from find_tensors(part)
    elif isinstance(result, dict):
        yield from find_tensors(list(result.values()))


def find_leaves(tensors: Iterator[Tensor]) -> set[int]:
    """The leaves from which `tensors` were computed, by identity."""
    stack: list[Any] = [x if x.node is LEAF else x.grad_fn for x in tensors if x.requires_grad]
    seen: set[int] = set()
    while stack:
        edge = stack.pop()
        if id(edge) not in seen:
            seen.add(id(edge))
            if not isinstance(edge, Tensor):
                stack.extend(edge.edges)
    return seen
