"""`torch.cuda.graphs`: CUDA graphs, which `capturing.py` captures, and functions whose passes are graphs.

`make_graphed_callables` makes one graph of a function's forward and one of its backward.
"""

from __future__ import annotations

from typing import Any

from minigrad import cuda
from minigrad.autograd import Function, grad
from minigrad.creation import empty_like
from minigrad.cuda.capturing import CUDAGraph, graph, graph_pool_handle, is_current_stream_capturing
from minigrad.gpu.capture import Handle
from minigrad.nn.module import Module
from minigrad.tensor import Tensor

__all__ = ["CUDAGraph", "graph", "graph_pool_handle", "is_current_stream_capturing", "make_graphed_callables"]


def make_graphed_callables(
    callables: Any, sample_args: Any, num_warmup_iters: int = 3, allow_unused_input: bool = False,
    pool: Handle | None = None,
) -> Any:  # fmt: skip
    """Makes CUDA graphs of `callables` (a function or Module, or a tuple of them): one launch per forward and backward.

    `sample_args` are tensors with the shapes, dtypes and `requires_grad` of all later arguments; for several callables
    a tuple of tuples, in the order of their calls. A Module is returned itself, with a new `forward` for its present
    mode, training or evaluation. The next call overwrites the results of the last.

    Raises RuntimeError for buffers that require a gradient and for Modules with hooks, TypeError for arguments that are
    no tensors. Follows https://docs.pytorch.org/docs/stable/generated/torch.cuda.make_graphed_callables.html.

    >>> import minigrad as torch
    >>> if torch.cuda.is_available():
    ...     layer = torch.nn.Linear(3, 2).cuda()
    ...     layer = torch.cuda.make_graphed_callables(layer, (torch.ones(4, 3, device="cuda"),))
    """
    several = isinstance(callables, tuple)
    functions, samples = (callables, sample_args) if several else ((callables,), (sample_args,))
    shared = pool or graph_pool_handle()
    for function, arguments in zip(functions, samples, strict=True):
        _check_callable(function, arguments)
    recorded = [_Recorded(f, tuple(a), allow_unused_input, shared) for f, a in zip(functions, samples, strict=True)]
    cuda.synchronize()
    with cuda.stream(cuda.Stream()):
        for one in recorded:
            for _ in range(num_warmup_iters):
                one.run()
    cuda.synchronize()
    for one in recorded:
        one.record_forward()
    for one in reversed(recorded):  # in the order of the replays, so that they can share memory
        one.record_backward()
    made = tuple([one.as_callable() for one in recorded])
    return made if several else made[0]


def _check_callable(function: Any, arguments: Any) -> None:
    if isinstance(function, Module):
        if function._hooks_by_place is not None:
            detail = "registering hooks on modules after passing them through make_graphed_callables is allowed."
            raise RuntimeError(f"Modules must not have hooks registered at the time they are passed. However, {detail}")
        if any(buffer.requires_grad for buffer in function.buffers()):
            detail = "only parameters may be trainable. All buffers must have ``requires_grad=False``."
            raise RuntimeError(f"In any :class:`~torch.nn.Module` passed to :func:`~make_graphed_callables`, {detail}")
    if not all(isinstance(x, Tensor) for x in arguments):
        detail = "Other types are not allowed."
        raise TypeError(f"In the beta API, sample_args for each callable must contain only Tensors. {detail}")


class _Recorded:
    """A function with its arguments and parameters, and the graphs of its forward and its backward."""

    def __init__(self, function: Any, arguments: tuple[Tensor, ...], allow_unused: bool, pool: Handle) -> None:
        self.function, self.arguments, self.allow_unused, self.pool = function, arguments, allow_unused, pool
        parameters = tuple(function.parameters()) if isinstance(function, Module) else ()
        self.inputs = (*arguments, *parameters)
        self.wanted = [i for i, x in enumerate(self.inputs) if x.requires_grad]
        self.forward, self.backward = CUDAGraph(), CUDAGraph()

    def call(self) -> tuple[Tensor, ...]:
        """Calls the function: the results and their structure."""
        result = self.function(*self.arguments)
        self.alone = isinstance(result, Tensor)
        return (result,) if self.alone else tuple(result)

    def differentiate(self, outputs: tuple[Tensor, ...], cotangents: list[Tensor]) -> tuple[Tensor | None, ...]:
        """The gradients of the inputs that require one."""
        inputs = [self.inputs[i] for i in self.wanted]
        differentiable = [y for y in outputs if y.requires_grad]
        if not inputs or not differentiable:
            return ()
        return grad(differentiable, inputs, cotangents, allow_unused=self.allow_unused)

    def run(self) -> None:
        """Runs once without a graph, to compile kernels and make buffers."""
        outputs = self.call()
        self.differentiate(outputs, [empty_like(y) for y in outputs if y.requires_grad])

    def record_forward(self) -> None:
        with graph(self.forward, pool=self.pool):
            self.outputs = self.call()

    def record_backward(self) -> None:
        self.cotangents = [empty_like(y) if y.requires_grad else None for y in self.outputs]
        with graph(self.backward, pool=self.pool):
            found = self.differentiate(self.outputs, [g for g in self.cotangents if g is not None])
        gradients = dict(zip(self.wanted, found, strict=False))
        self.gradients = tuple([gradients.get(i) for i in range(len(self.inputs))])
        self.outputs = tuple([y.detach() for y in self.outputs])

    def as_callable(self) -> Any:
        """The function that replaces the original."""
        recorded = self

        class Graphed(Function):
            """Copies new inputs to the captured ones, and launches the graph."""

            @staticmethod
            def forward(ctx: Any, *inputs: Tensor) -> Any:  # noqa: ARG004
                for kept, x in zip(recorded.arguments, inputs, strict=False):
                    if kept.array is not x.array:
                        kept.data.copy_(x)
                recorded.forward.replay()
                return tuple([y.detach() for y in recorded.outputs])

            @staticmethod
            def backward(ctx: Any, *gradients: Tensor) -> Any:  # noqa: ARG004
                for kept, g in zip(recorded.cotangents, gradients, strict=True):
                    if kept is not None:
                        kept.copy_(g)
                recorded.backward.replay()
                return tuple([None if g is None else g.clone() for g in recorded.gradients])

        def replay(*arguments: Tensor) -> Any:
            results = Graphed.apply(*arguments, *self.inputs[len(self.arguments) :])
            return results[0] if self.alone else results

        if not isinstance(self.function, Module):
            return replay
        module, training, before = self.function, self.function.training, self.function.forward

        def forward(*arguments: Tensor) -> Any:
            """The results of the graph, or in the other mode, training or evaluation, of the module itself."""
            return replay(*arguments) if module.training == training else before(*arguments)

        module.forward = forward
        return module
