"""`gradcheck`: compares a function's gradients with finite differences; the check itself stands in `trial.py`.

When a gradient is wrong, `complaints.py` says where, and `mistakes.py` names the mistake.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from minigrad.backend import on_gpu_of


class GradcheckError(RuntimeError):
    """The error for a gradient that differs from finite differences, or fails another check."""


def gradcheck(
    func: Callable[..., Any], inputs: Any, *, eps: float = 1e-6, atol: float = 1e-5, rtol: float = 0.001,
    raise_exception: bool = True, nondet_tol: float = 0.0, check_undefined_grad: bool = True,
    check_grad_dtypes: bool = False, check_batched_grad: bool = False, check_batched_forward_grad: bool = False,
    check_forward_ad: bool = False, check_backward_ad: bool = True, fast_mode: bool = False,
    masked: bool | None = None,
) -> bool:  # fmt: skip
    """Compares the gradients of `func` at `inputs` with ``(func(x + eps) - func(x - eps)) / (2 * eps)``.

    Checks every floating-point tensor among `inputs` that requires a gradient: the whole Jacobian, or, in
    `fast_mode`, its product with one random cotangent and one random direction. Also checks that inputs and the
    cotangent stay unmodified, that a zero cotangent gives zero gradients and twice the cotangent twice, that
    running twice agrees within `nondet_tol`, and that a second call leaves the first one's gradients alone.
    Raises GradcheckError (or returns False) naming the worst input and index, and the likely mistake; AssertionError if
    the outputs' shapes or dtypes depend on the values of the inputs. Forward mode
    and batches of gradients are made of the same rules: the flags that check them, and `masked`, change nothing.
    Source: https://docs.pytorch.org/docs/stable/generated/torch.autograd.gradcheck.gradcheck.html

    >>> import minigrad as torch
    >>> x = torch.tensor([0.5, 1.5], dtype=torch.float64, requires_grad=True)
    >>> torch.autograd.gradcheck(torch.exp, (x,))
    True
    """
    if not (check_forward_ad or check_backward_ad):
        raise AssertionError("Expected at least one of check_forward_ad or check_backward_ad to be True")
    if check_batched_forward_grad and not check_forward_ad:
        raise AssertionError("Setting check_batched_forward_grad=True requires check_forward_ad to be True")
    from minigrad.autograd.trial import check_direction, check_jacobian, find_checked, judge

    check = check_direction if fast_mode else check_jacobian
    try:
        on_gpu_of(find_checked(inputs), judge, check, func, inputs, eps, atol, rtol, nondet_tol)
    except GradcheckError:
        if raise_exception:
            raise
        return False
    return True


def gradgradcheck(
    func: Callable[..., Any], inputs: Any, grad_outputs: Any = None, *, eps: float = 1e-6, atol: float = 1e-5,
    rtol: float = 0.001, gen_non_contig_grad_outputs: bool = False, raise_exception: bool = True,
    nondet_tol: float = 0.0, check_undefined_grad: bool = True, check_grad_dtypes: bool = False,
    check_batched_grad: bool = False, check_fwd_over_rev: bool = False, check_rev_over_rev: bool = True,
    fast_mode: bool = False, masked: bool = False,
) -> bool:  # fmt: skip
    """`gradcheck`, with its options, of the gradients of `func` with respect to its inputs and to the cotangents.

    The cotangents are random unless `grad_outputs` are given.

    >>> import minigrad as torch
    >>> x = torch.tensor([0.5, 1.5], dtype=torch.float64, requires_grad=True)
    >>> torch.autograd.gradgradcheck(torch.exp, (x,))
    True
    """
    from minigrad.autograd.trial import differentiate, find_checked

    gradients, arguments = on_gpu_of(find_checked(inputs), differentiate, func, inputs, grad_outputs)
    if not gradients(*arguments):
        return True  # `func` is linear, so its gradients are constants
    return gradcheck(
        gradients, arguments, eps=eps, atol=atol, rtol=rtol, raise_exception=raise_exception, nondet_tol=nondet_tol,
        fast_mode=fast_mode
    )  # fmt: skip
