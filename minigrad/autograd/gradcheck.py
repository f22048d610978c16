"""`gradcheck` and `gradgradcheck`: compare a function's gradients with finite differences of the function.

`trials.py` has the checks, and is imported with the first one.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, TypeAlias

from minigrad.autograd.core import Tensor
from minigrad.backend import on_gpu_of

Inputs: TypeAlias = Any  # a tensor, or a tuple of tensors and other arguments


class GradcheckError(RuntimeError):
    """The error for a gradient that differs from finite differences, or fails another check."""


def gradcheck(
    func: Callable[..., Any], inputs: Inputs, *, eps: float = 1e-6, atol: float = 1e-5, rtol: float = 0.001,
    raise_exception: bool = True, nondet_tol: float = 0.0, check_undefined_grad: bool = True,
    check_grad_dtypes: bool = False, check_batched_grad: bool = False, check_batched_forward_grad: bool = False,
    check_forward_ad: bool = False, check_backward_ad: bool = True, fast_mode: bool = False,
    masked: bool | None = None,
) -> bool:  # fmt: skip
    """Compares the gradients of `func` at `inputs` with ``(func(x + eps) - func(x - eps)) / (2 * eps)``.

    Checks every floating-point tensor among `inputs` that requires a gradient: the whole Jacobian, or, in
    `fast_mode`, its product with one random cotangent and one random direction. Also checks that inputs and the
    cotangent stay unmodified, that the gradient is linear in the cotangent, that running twice agrees within
    `nondet_tol`, and that a second call leaves the first one's gradients alone.
    Raises GradcheckError (or returns False) naming the worst input and index, and the likely mistake; AssertionError if
    the outputs' shapes or dtypes depend on the values of the inputs. Forward mode
    and batches of gradients are made of the same rules: the flags that check them, and `masked`, change nothing.
    Source: https://docs.pytorch.org/docs/stable/generated/torch.autograd.gradcheck.gradcheck.html

    >>> import minigrad as torch
    >>> x = torch.tensor([0.5, 1.5], dtype=torch.float64, requires_grad=True)
    >>> torch.autograd.gradcheck(torch.exp, (x,))
    True
    """
    from minigrad.autograd import trials

    if not check_forward_ad and (check_batched_forward_grad or not check_backward_ad):
        raise AssertionError(trials.open_complaints().describe_flags(check_backward_ad))
    check = trials.check_direction if fast_mode else trials.check_jacobian
    try:
        on_gpu_of(trials.find_checked(inputs), trials.judge, check, func, inputs, eps, atol, rtol, nondet_tol)
    except GradcheckError:
        if raise_exception:
            raise
        return False
    return True


def gradgradcheck(
    func: Callable[..., Any], inputs: Inputs, grad_outputs: Tensor | Sequence[Tensor] | None = None, *,
    eps: float = 1e-6, atol: float = 1e-5, rtol: float = 0.001, gen_non_contig_grad_outputs: bool = False,
    raise_exception: bool = True, nondet_tol: float = 0.0, check_undefined_grad: bool = True,
    check_grad_dtypes: bool = False, check_batched_grad: bool = False, check_fwd_over_rev: bool = False,
    check_rev_over_rev: bool = True, fast_mode: bool = False, masked: bool = False,
) -> bool:  # fmt: skip
    """`gradcheck`, with its options, of the gradients of `func` with respect to its inputs and to the cotangents.

    The cotangents are random unless `grad_outputs` are given.

    >>> import minigrad as torch
    >>> x = torch.tensor([0.5, 1.5], dtype=torch.float64, requires_grad=True)
    >>> torch.autograd.gradgradcheck(torch.exp, (x,))
    True
    """
    from minigrad.autograd.trials import differentiate, find_checked

    gradients, arguments = on_gpu_of(find_checked(inputs), differentiate, func, inputs, grad_outputs)
    if not gradients(*arguments):
        return True  # `func` is linear, so its gradients are constants
    return gradcheck(
        gradients, arguments, eps=eps, atol=atol, rtol=rtol, raise_exception=raise_exception, nondet_tol=nondet_tol,
        fast_mode=fast_mode
    )  # fmt: skip
