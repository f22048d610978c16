"""Functions of functions: `grad(f)` is the function that computes the gradient of f.

Source: https://docs.pytorch.org/docs/stable/func.api.html
"""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import Any

from minigrad.autograd import functional
from minigrad.autograd.core import wrap

__all__ = ["grad", "grad_and_value", "hessian", "jacfwd", "jacrev", "jvp", "vjp"]


def _at(
    func: Callable[..., Any], args: tuple[Any, ...], kwargs: dict[str, Any], argnums: Any
) -> tuple[Callable[..., Any], Any]:
    """`func` as a function of the arguments `argnums` alone, and their values."""
    places = (argnums,) if isinstance(argnums, int) else tuple(argnums)
    if not places or not all(isinstance(i, int) for i in places):
        raise RuntimeError(f"argnums must be an int or a tuple of ints that is not empty, got {argnums!r}")
    for i in places:
        if not -len(args) <= i < len(args):
            raise RuntimeError(f"Got argnum={i}, but only {len(args)} positional inputs")

    def partial(*values: Any) -> Any:
        full = list(args)
        for i, value in zip(places, values, strict=True):
            full[i] = value
        return func(*full, **kwargs)

    return partial, args[argnums] if isinstance(argnums, int) else tuple([args[i] for i in places])


def _nested(values: Any) -> bool:
    """Whether the arguments are themselves being differentiated: then the result must be recorded."""
    return any(getattr(x, "node", None) is not None for x in (values if isinstance(values, tuple) else (values,)))


def vjp(func: Callable[..., Any], *primals: Any, has_aux: bool = False) -> Any:
    """The outputs of `func`, and the function that maps a cotangent to the gradients.

    With `has_aux`, `func` returns (outputs, anything), and what it is comes third.

    >>> import minigrad as torch
    >>> y, pull = torch.func.vjp(torch.exp, torch.zeros(2))
    >>> pull(torch.tensor([1.0, 2.0]))
    (tensor([1., 2.]),)
    """
    nested, aux = _nested(primals), []

    def without_aux(*points: Any) -> Any:
        returned = func(*points)
        if has_aux and not (isinstance(returned, tuple) and len(returned) == 2):
            raise RuntimeError(f"with has_aux=True the function returns (output, aux), got {type(returned).__name__}")
        if has_aux:
            returned, more = returned
            aux.append(functional.done(more, nested))
        return returned

    points, outputs = functional.traced("vjp", without_aux, primals, nested, RuntimeError)

    def pull(*cotangents: Any) -> tuple[Any, ...]:
        given = functional.cotangents_of(outputs, cotangents)
        create = nested or _nested(given)
        return tuple(functional.done(functional.gradients(outputs, points, given, create), create))

    return functional.done(outputs, nested), pull, *aux


def grad_and_value(
    func: Callable[..., Any], argnums: int | tuple[int, ...] = 0, has_aux: bool = False
) -> Callable[..., Any]:
    """The function that returns (gradient, value) of `func`, which returns one number.

    With `has_aux`, `func` returns (number, anything), and so does the value.

    >>> import minigrad as torch
    >>> torch.func.grad_and_value(lambda x: x * x)(torch.tensor(3.0))
    (tensor(6.), tensor(9.))
    """

    @functools.wraps(func)
    def both(*args: Any, **kwargs: Any) -> Any:
        partial, values = _at(func, args, kwargs, argnums)
        value, pull, *aux = vjp(partial, *(values if isinstance(values, tuple) else (values,)), has_aux=has_aux)
        if value.array.ndim:
            raise RuntimeError(
                f"Expected f(*args) to return a scalar tensor, got tensor with {value.array.ndim} dims. Maybe you "
                "wanted to use the vjp or jacrev APIs instead?"
            )
        result = functional.like(values, pull(wrap(value.array * 0 + 1)))
        return result, (value, *aux) if has_aux else value

    return both


def grad(func: Callable[..., Any], argnums: int | tuple[int, ...] = 0, has_aux: bool = False) -> Callable[..., Any]:
    """The function that computes the gradient of `func`, which returns one number; it nests to any order.

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


def jvp(func: Callable[..., Any], primals: Any, tangents: Any) -> tuple[Any, Any]:
    """The outputs of `func` at `primals`, and how they change along `tangents`.

    >>> import minigrad as torch
    >>> torch.func.jvp(lambda x: x * x, (torch.tensor(3.0),), (torch.tensor(1.0),))
    (tensor(9.), tensor(6.))
    """
    if not isinstance(primals, tuple):
        raise RuntimeError(
            f"jvp(f, primals, tangents): Expected primals to be a tuple, got {type(primals).__name__}: write (x,)"
        )
    return functional.jvp(func, primals, tangents, create_graph=_nested(primals))


def jacrev(func: Callable[..., Any], argnums: int | tuple[int, ...] = 0) -> Callable[..., Any]:
    """The function that computes the Jacobian of `func`, of shape output + input.

    >>> import minigrad as torch
    >>> torch.func.jacrev(lambda x: x * x)(torch.tensor([1.0, 2.0]))
    tensor([[2., 0.],
            [0., 4.]])
    """

    @functools.wraps(func)
    def jacobian(*args: Any, **kwargs: Any) -> Any:
        partial, values = _at(func, args, kwargs, argnums)
        return functional.jacobian(partial, values, create_graph=_nested(values))

    return jacobian


jacfwd = jacrev


def hessian(func: Callable[..., Any], argnums: int | tuple[int, ...] = 0) -> Callable[..., Any]:
    """The function that computes the matrix of second derivatives of `func`.

    >>> import minigrad as torch
    >>> torch.func.hessian(lambda x: (x**3).sum())(torch.tensor([1.0, 2.0]))
    tensor([[ 6.,  0.],
            [ 0., 12.]])
    """
    return jacrev(jacrev(func, argnums), argnums)
