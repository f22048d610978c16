"""`torch.func`: function transforms. `grad(f)` is the function that computes the gradient of f; transforms nest.

Built on `autograd.derivatives`, for nested dicts, lists and tuples of tensors. A result is part of the graph if it
depends on a tensor that is itself being differentiated: an argument, or a tensor that f closes over.
Source: https://docs.pytorch.org/docs/stable/func.api.html
"""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import Any

from minigrad import nn  # noqa: F401 (a package before its files: see minigrad/optim/__init__.py)
from minigrad.autograd import derivatives
from minigrad.autograd.inference import inference_mode
from minigrad.autograd.modes import enable_grad, is_grad_enabled
from minigrad.autograd.node import next_order
from minigrad.autograd.node_attributes import edge_of
from minigrad.autograd.trees import flatten, structure
from minigrad.missing import explain_missing
from minigrad.nn.functional_call import functional_call, replace_all_batch_norm_modules_, stack_module_state
from minigrad.tensor import Tensor
from minigrad.vectorize import vmap

__all__ = [
    "functional_call", "grad", "grad_and_value", "hessian", "jacfwd", "jacrev", "jvp", "linearize",
    "replace_all_batch_norm_modules_", "stack_module_state", "vjp", "vmap",
]  # fmt: skip

Argnums = int | tuple[int, ...]


def grad(func: Callable[..., Any], argnums: Argnums = 0, has_aux: bool = False) -> Callable[..., Any]:
    """The function that computes the gradient of `func`, which returns one number.

    With `has_aux`, `func` returns (number, anything), and the new function (gradient, anything).

    >>> import minigrad as torch
    >>> torch.func.grad(torch.func.grad(lambda x: x**3))(torch.tensor(2.0))
    tensor(12.)
    """
    both = grad_and_value(func, argnums, has_aux)

    @functools.wraps(func)
    def gradient(*args: Any, **kwargs: Any) -> Any:
        result, value = both(*args, **kwargs)
        return (result, value[1]) if has_aux else result

    return gradient


def grad_and_value(func: Callable[..., Any], argnums: Argnums = 0, has_aux: bool = False) -> Callable[..., Any]:
    """The function that returns (gradient, value) of `func`, which returns one number.

    With `has_aux`, `func` returns (number, anything), and so does the value.

    >>> import minigrad as torch
    >>> torch.func.grad_and_value(lambda x: x * x)(torch.tensor(3.0))
    (tensor(6.), tensor(9.))
    """

    @functools.wraps(func)
    def both(*args: Any, **kwargs: Any) -> Any:
        call = _Call.of_arguments("grad_and_value", func, args, kwargs, argnums, has_aux)
        value = call.returned
        if not isinstance(value, Tensor):
            raise call.refused(f"to return a Tensor, got {type(value).__name__}")
        if value.ndim:
            detail = f"a scalar tensor, got tensor with {value.ndim} dims"
            raise call.refused(f"to return {detail}. Maybe you wanted to use the vjp or jacrev APIs instead?")
        gradient = call.as_inputs(derivatives.pull([value], call.points, [value.new_ones(())], call.create_graph))
        return call.hand_out((gradient, (value, call.aux) if has_aux else value))

    return both


def vjp(func: Callable[..., Any], *primals: Any, has_aux: bool = False) -> Any:
    """The outputs of `func`, and the function that maps cotangents like them to the gradients.

    With `has_aux`, `func` returns (outputs, anything), and `anything` is returned as the third value.

    >>> import minigrad as torch
    >>> y, pull = torch.func.vjp(torch.exp, torch.zeros(2))
    >>> pull(torch.tensor([1.0, 2.0]))
    (tensor([1., 2.]),)
    """
    call = _Call("vjp", lambda values: func(*values), primals, has_aux)
    call.require_floats()

    def pull(cotangents: Any, retain_graph: bool = True, create_graph: bool | None = None) -> tuple[Any, ...]:
        vectors = _match("cotangents", cotangents, "the outputs of the function", call.returned)
        wanted = call.is_differentiated_along(vectors)
        return call.hand_out(call.as_inputs(derivatives.pull(call.outputs, call.points, vectors, wanted)))

    return call.hand_out(call.returned), pull, *call.hand_out_aux()


def jvp(
    func: Callable[..., Any], primals: tuple[Any, ...], tangents: tuple[Any, ...], *, strict: bool = False,
    has_aux: bool = False,
) -> Any:  # fmt: skip
    """The outputs of `func` at `primals`, and the Jacobian-vector product J v with the `tangents` v.

    >>> import minigrad as torch
    >>> torch.func.jvp(lambda x: x * x, (torch.tensor(3.0),), (torch.tensor(1.0),))
    (tensor(9.), tensor(6.))
    """
    call, along = _linearize("jvp", func, primals, strict, has_aux)
    return call.hand_out(call.returned), along(tangents), *call.hand_out_aux()


def linearize(func: Callable[..., Any], *primals: Any) -> tuple[Any, Callable[..., Any]]:
    """The outputs of `func`, and the function v -> J v of tangents.

    >>> import minigrad as torch
    >>> y, push = torch.func.linearize(torch.square, torch.tensor([1.0, 3.0]))
    >>> push(torch.ones(2))
    tensor([2., 6.])
    """
    call, along = _linearize("linearize", func, primals, False, False)
    return call.hand_out(call.returned), lambda *tangents: along(tangents)


def jacrev(
    func: Callable[..., Any], argnums: Argnums = 0, *, has_aux: bool = False, chunk_size: int | None = None,
    _preallocate_and_copy: bool = False,
) -> Callable[..., Any]:  # fmt: skip
    """The function that computes the Jacobian of `func`, of shape output + input: a walk for each output element.

    >>> import minigrad as torch
    >>> torch.func.jacrev(lambda x: x * x)(torch.tensor([1.0, 2.0]))
    tensor([[2., 0.],
            [0., 4.]])
    """
    if chunk_size is not None and chunk_size <= 0:  # it has no effect, because there is one walk for each element
        raise ValueError(f"jacrev: `chunk_size` should be greater than 0, got {chunk_size}")
    return _jacobian("jacrev", derivatives.jacobian, func, argnums, has_aux)


def jacfwd(
    func: Callable[..., Any], argnums: Argnums = 0, has_aux: bool = False, *, randomness: str = "error"
) -> Callable[..., Any]:
    """The function that computes the Jacobian of `func`, of shape output + input: a walk for each input element.

    >>> import minigrad as torch
    >>> torch.func.jacfwd(lambda x: x * x)(torch.tensor([1.0, 2.0]))
    tensor([[2., 0.],
            [0., 4.]])
    """
    return _jacobian("jacfwd", derivatives.jacobian_by_inputs, func, argnums, has_aux, forward_mode=True)


def hessian(func: Callable[..., Any], argnums: Argnums = 0) -> Callable[..., Any]:
    """The function that computes the second derivatives of `func`, of shape output + input + input.

    >>> import minigrad as torch
    >>> torch.func.hessian(lambda x: (x**3).sum())(torch.tensor([1.0, 2.0]))
    tensor([[ 6.,  0.],
            [ 0., 12.]])
    """

    @functools.wraps(func)
    def second(*args: Any, **kwargs: Any) -> Any:
        call = _Call.of_arguments("hessian", func, args, kwargs, argnums, False, forward_mode=True)
        call.require_floats()
        blocks = derivatives.hessian(call.outputs, call.points, call.create_graph)
        return call.hand_out(call.as_outputs([call.as_inputs(map(call.as_inputs, rows)) for rows in blocks]))

    return second


def _jacobian(
    name: str, build: Any, func: Callable[..., Any], argnums: Argnums, has_aux: bool, forward_mode: bool = False
) -> Callable[..., Any]:
    @functools.wraps(func)
    def jacobian(*args: Any, **kwargs: Any) -> Any:
        call = _Call.of_arguments(name, func, args, kwargs, argnums, has_aux, forward_mode)
        call.require_floats()
        blocks = build(call.outputs, call.points, call.create_graph)
        result = call.hand_out(call.as_outputs(map(call.as_inputs, blocks)))
        return (result, *call.hand_out_aux()) if has_aux else result

    return jacobian


def _linearize(
    name: str, func: Callable[..., Any], primals: Any, strict: bool, has_aux: bool
) -> tuple[_Call, Callable[..., Any]]:
    """The outputs of `func` at `primals`, and the function ``v -> J v``."""
    if not isinstance(primals, tuple):
        got = type(primals).__name__
        raise RuntimeError(f"{name}(f, primals, ...): Expected primals to be a tuple, got {got}: write (x,)")
    if not flatten(primals)[0]:
        raise RuntimeError(f"{name}(f, primals, ...): Expected primals to contain at least one Tensor.")
    call = _Call(name, lambda values: func(*values), primals, has_aux, forward_mode=True)
    call.require_floats()
    transposed, probes = derivatives.transpose(call.outputs, call.points, strict)
    call.adopt(probes)

    def along(tangents: Any) -> Any:
        vectors = _match("tangents", tangents, "primals", primals)
        wanted = call.is_differentiated_along(vectors)
        return call.hand_out(call.as_outputs(derivatives.pull(transposed, probes, vectors, wanted)))

    return call, along


class _Call:
    """One call of the function that is differentiated: its points, its results, and what is returned to the user."""

    def __init__(
        self, name: str, func: Callable[..., Any], inputs: Any, has_aux: bool, forward_mode: bool = False
    ) -> None:
        """Calls `func` with `inputs`, a tree, and records it.

        With `forward_mode`, as PyTorch differentiates in some transforms, integers among them get that mode's error.
        """
        self.name, self.has_aux, self.recording = name, has_aux, is_grad_enabled()
        self.own: set[Any] = set()
        self.aux: Any
        values, self.as_inputs = flatten(inputs)
        for x in values:
            self._check_input(x, forward_mode)
        returned = self._run(func, values, forward_mode)
        self.returned, self.aux = self._split_off_aux(returned) if has_aux else (returned, None)
        self.outputs, self.as_outputs = flatten(self.returned)
        self._check_outputs()
        self.create_graph = self.reaches_beyond(self.outputs)

    @classmethod
    def of_arguments(
        cls, name: str, func: Callable[..., Any], args: tuple[Any, ...], kwargs: dict[str, Any], argnums: Argnums,
        has_aux: bool, forward_mode: bool = False,
    ) -> _Call:  # fmt: skip
        """Calls `func` as a function of only the arguments `argnums`."""
        places = _find_places(argnums, len(args))

        def partial(selected: Any) -> Any:
            full = list(args)
            for i, value in zip(places, (selected,) if isinstance(argnums, int) else selected, strict=True):
                full[i] = value
            return func(*full, **kwargs)

        inputs = args[argnums] if isinstance(argnums, int) else tuple([args[i] for i in places])
        return cls(name, partial, inputs, has_aux, forward_mode)

    def _check_input(self, x: Any, forward_mode: bool) -> None:
        if not isinstance(x, Tensor):
            got = f"{type(x).__name__}; name the arguments to differentiate with argnums"
            raise ValueError(f"{self.name}: Thing passed to transform API must be Tensor, got {got}")
        if forward_mode and not x.is_floating_point():
            raise ValueError(f"{self.name}: Expected primal to be floating point, but got: {x.dtype}")
        derivatives.require_float(self.name, x)

    def _run(self, func: Callable[..., Any], values: list[Any], forward_mode: bool) -> Any:
        """What `func` returns at the points, which have the `values`; recorded, whatever the mode."""
        with inference_mode(False), enable_grad():
            self.points = derivatives.points_at(values, self.recording)
            self.around, self.start = derivatives.running.get(), next_order()
            self.adopt([x for x in self.points if x.is_leaf])
            token = derivatives.running.set(self)
            # A function that is differentiated forward may write into its arguments: these are copies.
            given = [x.clone() for x in self.points] if forward_mode else self.points
            try:
                return func(self.as_inputs(given))
            finally:
                derivatives.running.reset(token)

    def _split_off_aux(self, returned: Any) -> tuple[Any, Any]:
        if not (isinstance(returned, tuple) and len(returned) == 2):
            raise self.refused(f"to return (output, aux) with has_aux=True, got {type(returned).__name__}")
        return returned

    def _check_outputs(self) -> None:
        if not self.outputs:
            raise self.refused(f"to have a non-empty output, got {self.returned!r}")
        for y in self.outputs:
            if not isinstance(y, Tensor):
                raise self.refused(f"to return only Tensors, got {type(y).__name__}")

    def require_floats(self) -> None:
        """Raises RuntimeError unless all results have derivatives: those of integers and bools have none."""
        whole = [y.dtype for y in self.outputs if not y.is_floating_point()]
        if whole:
            raise self.refused(f"to return only floating-point Tensors, got {whole[0]}")

    def adopt(self, leaves: Any) -> None:
        """Mark `leaves` as internal to this call and the calls around it: nothing outside requests their gradients."""
        self.own |= {edge_of(x) for x in leaves}
        if self.around is not None:
            self.around.adopt(leaves)

    def refused(self, expected: str) -> RuntimeError:
        """The error for a function that returns something else than `expected`."""
        return RuntimeError(f"{self.name}(f)(*args): Expected f(*args) {expected}")

    def reaches_beyond(self, tensors: Any) -> bool:
        """Whether gradients flow from any of `tensors` to something other than the points."""
        return self.recording and any(derivatives.reaches_beyond(x, self.own, self.start) for x in tensors)

    def is_differentiated_along(self, vectors: Any) -> bool:
        """Whether the product of the Jacobian with `vectors` is to be part of the graph: never under no_grad()."""
        return is_grad_enabled() and (self.create_graph or self.reaches_beyond(vectors))

    def hand_out(self, tree: Any) -> Any:
        """`tree` detached from the graph of the points, which the caller does not know."""
        values, rebuild = flatten(tree)
        return rebuild([self._detach_from_points(x) for x in values])

    def _detach_from_points(self, x: Any) -> Any:
        inside = isinstance(x, Tensor) and x.requires_grad and not self.reaches_beyond([x])
        return x.detach() if inside else x

    def hand_out_aux(self) -> tuple[Any, ...]:
        """The auxiliary value of the function, if there is one, as the last of the results."""
        return (self.hand_out(self.aux),) if self.has_aux else ()


def _find_places(argnums: Argnums, count: int) -> tuple[int, ...]:
    """`argnums` as positions among `count` arguments."""
    given = (argnums,) if isinstance(argnums, int) else argnums
    if not isinstance(given, tuple) or not all(isinstance(i, int) for i in given):
        raise RuntimeError(f"argnums must be an int or a tuple of ints, got {argnums!r}")
    if not given:
        raise RuntimeError("argnums must be non-empty: it says which arguments to differentiate")
    for i in given:
        if not -count <= i < count:
            raise RuntimeError(f"Got argnum={i}, but only {count} positional inputs")
    places = tuple([i % count for i in given])
    if len(set(places)) < len(places):
        raise RuntimeError(f"argnums elements must be unique, got {argnums}")
    return places


def _match(name: str, vectors: Any, role: str, like: Any) -> list[Any]:
    """The leaves of `vectors`, one for each leaf of `like` and of its shape."""
    values, (expected, _) = flatten(vectors)[0], flatten(like)
    if repr(structure(vectors)) != repr(structure(like)):
        detail = f"{structure(like)}, got {structure(vectors)}"
        raise RuntimeError(f"Expected {name} of the same structure as {role}: {detail}")
    for i, (v, x) in enumerate(zip(values, expected, strict=True)):
        if not isinstance(v, Tensor):
            raise TypeError(f"{name} must be Tensors, got {type(v).__name__}")
        if v.shape != x.shape:
            raise RuntimeError(f"{name}[{i}] has shape {tuple(v.shape)}, expected {tuple(x.shape)}: that of {role}")
    return values


explain_missing("torch.func", globals())
