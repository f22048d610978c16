"""The engine's error texts: what was expected, what was got, what to do."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from contextvars import ContextVar
from inspect import CO_VARARGS, unwrap
from types import FrameType
from typing import Any

from minigrad.advice import warn
from minigrad.autograd.core import TensorBase
from minigrad.autograd.failed_calls import is_raised_here, leave_out_inner_calls
from minigrad.shown_values import shorten, show_value
from minigrad.size import is_index

# Why no gradient flows through counts, orders and choices.
IN_STEPS = (
    "it, or something it was computed from, changes in steps alone, as argmax, a comparison and .long() do, so no "
    "gradient flows through it: compute the loss from the scores themselves"
)

# Why none flows through a gradient, as a penalty on one would need.
OF_GRADIENT = (
    "it was computed from gradients, which have no graph unless backward() or grad() was called with create_graph=True"
)


def freed(name: str) -> RuntimeError:
    """The error for a second backward through a freed graph."""
    return RuntimeError(
        f"Trying to backward through the graph a second time ({name}): its saved values were freed by the first "
        "backward. Specify retain_graph=True in the first backward() or grad() call, or run the forward computation "
        "again. Is a loss of an earlier round part of this one? Keep its number alone: total += loss.item(). Is a "
        "state? Cut it off: state = state.detach()."
    )


def leave_out_walk(error: Exception) -> Exception:
    """`error` without the inner calls of the walk in its traceback; if a hook raised a StopIteration, that one."""
    if isinstance(error.__cause__, StopIteration) and is_raised_here(error):
        error = error.__cause__  # Python put a RuntimeError in its place, since the walk is a generator
        error.__suppress_context__ = True
    leave_out_inner_calls(error)
    trace = error.__traceback__
    return error.with_traceback(trace and trace.tb_next)  # to raise it adds the first call again


def refuse_copy(node: Any, _protocol: Any = None) -> Any:
    """Raises TypeError: a node of the graph is neither copied nor saved."""
    raise TypeError(
        f"cannot pickle '{type(node).__name__}' object: a node of the graph is neither copied nor saved; keep the "
        "tensor's numbers with detach(), and compute it again"
    )


def overwritten(name: str, trace: str | None, shape: Any, version: int, now: int) -> RuntimeError:
    """The error for a saved value that was modified before its gradient rule reads it."""
    place = f" Recorded at {trace}." if trace else ""
    return RuntimeError(
        "one of the variables needed for gradient computation has been modified by an inplace operation: "
        f"{name} saved a tensor of shape {tuple(shape)} at version {version}, and it is at version {now} "
        f"now.{place} Write into a copy instead (x.clone()), or replace the in-place call by one that makes a new "
        "tensor. If it is a weight, an optimizer.step() came between: call every backward() before step()."
    )


def refuse_inference(name: str, saved: Any, watched: Sequence[Any]) -> None:
    """Raises for saving tensors made in inference mode, or `watched` indices: they have no version counter."""
    kept = [(x.writes, x.array.shape) for x, _ in saved if isinstance(x, TensorBase)]
    for writes, shape in kept + [(writes, shape) for writes, _, shape in watched]:
        if writes.__class__ is not list:
            shape = tuple(shape)
            raise RuntimeError(
                f"Inference tensors cannot be saved for backward: {name} would keep one of shape {shape}, which was "
                "made in inference_mode(), where writes are not counted. Use a copy, x.clone(), or make it under "
                "no_grad()."
            )


def name_the_rule(error: Exception, node: Any, create_graph: bool) -> Exception:
    """`error`, which the gradient rule of `node` has raised, with the name of the operation.

    NumPy's ValueError for what does not fit becomes a RuntimeError.
    """
    name = node.name()
    if isinstance(error, ValueError):
        hint = "was the data of an operand, a mask or an index replaced after the forward?"
        return RuntimeError(f"{name}: its gradient rule got arrays that do not fit: {error}; {hint}")
    if create_graph and name not in str(error):
        error.add_note(
            f"The gradient rule of {name} ran on Tensors instead of arrays, because of create_graph=True. A rule of "
            "your own may use operators, indexing and NumPy's functions there; it may neither write into arrays nor "
            "make them with np.zeros (docs/adding_an_operation.md)"
        )
    return error


def invalid_gradient(node: Any, shape: Any, got: Any) -> RuntimeError:
    """The error for a gradient that cannot be summed to its operand's shape."""
    return RuntimeError(
        f"Function {node.name()} returned an invalid gradient: got {list(got)} but expected shape compatible with "
        f"{list(shape)}, the shape of its operand. Check the gradient rule of that operation."
    )


# The last conversion of a tensor with a graph to numbers: how, and in which program, file and line.
_departure: ContextVar[tuple[int | None, str, str, int]] = ContextVar("departure", default=(None, "", "", 0))


def note_departure(way: str) -> None:
    """Records that a tensor with a graph was "turned into ...", as a possible cause when backward cannot start."""
    frame = _user_frame()
    _departure.set((id(frame.f_globals), way, frame.f_code.co_filename, frame.f_lineno))


def _departure_here() -> str:
    """The last record, if it is of the current program (or notebook)."""
    program, way, file, line = _departure.get()
    if program != id(_user_frame().f_globals):
        return ""
    return (
        f". Or did its numbers come out of a graph? A tensor that requires grad was {way} at {file}, line {line}, and "
        "what is computed from that has no graph"
    )


def numpy_in_graph(size: int) -> RuntimeError:
    """The error for `numpy()` of a tensor in the graph, with this number of elements."""
    hint = " For the number alone, such as a loss in a list, write tensor.item()." if size == 1 else ""
    return RuntimeError(f"Can't call numpy() on Tensor that requires grad. Use tensor.detach().numpy() instead.{hint}")


def no_gradient(root: Any, position: int) -> RuntimeError:
    """The error for a backward that cannot start, with the reason."""
    if root.array.dtype.kind != "f":
        why = f"it has dtype {root.array.dtype}: only floating-point tensors have gradients"
    else:
        why = root.cause or (
            "no tensor that it was computed from has requires_grad=True; set it where the parameter is made, for "
            f"example minigrad.tensor(..., requires_grad=True){_departure_here()}"
        )
    return RuntimeError(
        f"element {position} of tensors does not require grad and does not have a grad_fn, so nothing can flow back "
        f"from it. The cause: {why}."
    )


def not_scalar(shape: Any) -> RuntimeError:
    """The error for backward from several numbers without a given gradient."""
    return RuntimeError(
        f"grad can be implicitly created only for scalar outputs, got shape {tuple(shape)}: reduce it to one number "
        "first, for example .sum() or .mean(), or pass gradient=<a tensor of that shape>"
    )


def not_a_tensor(x: Any, role: str, several: bool = False) -> Exception:
    """The error for a value that should be a tensor, in its `role`: as PyTorch's, another one for one of `several`."""
    hint = "a .grad is None until backward() has run" if x is None else "wrap it with minigrad.tensor(...)"
    if several:
        return RuntimeError(f"all {role} have to be Tensors or GradientEdges, but got {type(x).__name__}; {hint}")
    return TypeError(f"{role} must be Tensors, got {type(x).__name__}; {hint}")


def unfit_seed(gradient: Any, array: Any, position: int) -> Exception:
    """The error for a value that cannot be the gradient of the result `array`: no tensor, or of another shape."""
    if not isinstance(gradient, TensorBase):
        hint = "wrap it with minigrad.tensor(...)"
        return TypeError(f"gradients can be either Tensors or None, but got {type(gradient).__name__}; {hint}")
    return RuntimeError(
        f"Mismatch in shape: grad_output[{position}] has a shape of {tuple(gradient.array.shape)} and "
        f"output[{position}] has a shape of {tuple(array.shape)}."
    )


def no_inputs(name: str, targets: Sequence[Any]) -> RuntimeError:
    """The error for `targets` of `grad` or `backward` of which one requires no gradient, or for none at all."""
    for position, target in enumerate(targets):
        if target.node is None:
            return RuntimeError(
                f"One of the differentiated Tensors does not require grad: inputs[{position}] of shape "
                f"{tuple(target.array.shape)}; make it with requires_grad=True"
            )
    return RuntimeError(f"`inputs` argument to `{name}()` cannot be empty.")


def wrong_counts(roots: int, gradients: int) -> RuntimeError:
    """The error for another number of gradients than of tensors that a walk starts from."""
    return RuntimeError(f"got {roots} tensors and {gradients} gradients")


def unused(target: Any, position: int) -> RuntimeError:
    """The error for an input of `grad` that the outputs do not depend on."""
    return RuntimeError(
        f"The differentiated Tensor at index {position} appears to not have been used in the graph: it has "
        f"shape {tuple(target.array.shape)}. Set allow_unused=True if this is the desired behavior."
    )


def take_from_hook(hook: Any, gradient: Any, changed: Any) -> Any:
    """What a hook returned in place of `gradient`. Raises unless it is a tensor with that one's shape and dtype."""
    name, got = getattr(hook, "__name__", repr(hook)), getattr(changed, "array", None)
    if gradient is None:
        raise RuntimeError(f"hook {name!r}: can't replace a None gradient with a non-None value")
    if got is None or not hasattr(changed, "grad_fn"):
        returns = f"hook {name!r} returns a Tensor, or None to leave the gradient as it is; got {shorten(changed)}"
        raise TypeError(f"expected Variable, but hook returned {type(changed).__name__!r}: {returns}")
    if tuple(got.shape) != tuple(gradient.shape):
        detail = f"size of value: {tuple(gradient.shape)} to {tuple(got.shape)}"
        raise RuntimeError(f"hook {name!r} has changed the {detail}")
    if got.dtype != gradient.array.dtype:
        raise RuntimeError(f"hook {name!r} has changed the type of value: {gradient.array.dtype} to {got.dtype}")
    return changed


def user_line() -> str:
    """File and line of the nearest caller outside minigrad."""
    frame = _user_frame()
    return f"{frame.f_code.co_filename}, line {frame.f_lineno}"


def _user_frame() -> FrameType:
    """The frame of the nearest caller outside minigrad."""
    frame = sys._getframe(1)
    while frame.f_back and frame.f_globals.get("__name__", "").startswith("minigrad."):
        frame = frame.f_back
    return frame


def check_declaration(name: Any, forward: Any, rules: Sequence[Any]) -> None:
    """Raises for an operation without a name, for parts that cannot be called, and rules that tell no parameters."""
    if not isinstance(name, str):
        raise TypeError(f"operation(): its name comes first, as a str, then forward and rules; got {shorten(name)}")
    for part in (forward, *[rule for rule in rules if rule is not None]):
        if not callable(part):
            raise TypeError(
                f"operation {name!r}: its forward and its gradient rules are functions; got {shorten(part)}"
            )
        if part is not forward and not hasattr(part, "__code__") and not hasattr(unwrap(part), "__code__"):
            raise TypeError(
                f"operation {name!r}: {part!r} tells no parameters; write a rule, lambda g, x: ..., around it"
            )


def check_rules(made: Any, code: Any) -> None:
    """Raises for a rule with a parameter that the forward, of this `code`, does not have: a typing mistake."""
    any_number = bool(code and code.co_flags & CO_VARARGS)
    known = {"out", *made.operands, *(f"{n}_shape" for n in made.operands)}
    if any_number:
        known |= {"i", "others"}
    if code:
        known |= set(code.co_varnames[code.co_argcount : code.co_argcount + code.co_kwonlyargcount])
    expected = 1 if any_number else len(made.operands)
    if len(made.rules) != expected:
        raise TypeError(
            f"operation {made.name!r} has {expected} operands ({', '.join(made.operands) or '*'}), so it "
            f"needs {expected} gradient rules; got {len(made.rules)}. Give None where no gradient flows."
        )
    for reads in made.reads:
        for name in reads:
            if name not in known:
                raise TypeError(
                    f"a gradient rule of operation {made.name!r} reads {name!r}; it can read {', '.join(sorted(known))}"
                )


def written_since_no_grad() -> RuntimeError:
    """The error for a view made under no_grad() whose base was modified."""
    return RuntimeError(
        "A view was created in no_grad mode and its base or another view of its base has been modified inplace since: "
        "whether gradients flow through it cannot be told. Make the view outside of no_grad(), or anew after the write."
    )


def written_with_siblings() -> RuntimeError:
    """The error for writes to views that were made by one call together."""
    return RuntimeError(
        "This tensor is one of several views that one call made (split, chunk or unbind), and it or "
        "the tensor it is a view of has been modified inplace. Such functions do not allow the output "
        "views to be modified inplace: take the part by index, x[i] or x[i:j], or replace the "
        "inplace operation by an out-of-place one."
    )


def made_before_its_graph(name: str) -> RuntimeError:
    """The error for a write to a view that was made before its base required a gradient."""
    return RuntimeError(
        f"a leaf Variable that requires grad is being used in an in-place operation ({name}): this tensor is a view "
        "that was made before its base required a gradient. Take it from the base again, as row = x[i], or write to "
        "the base itself, x[i] = value"
    )


def warn_of_cycle() -> None:
    """Warns about the reference cycle of `backward` with `create_graph`."""
    hint = "minigrad.autograd.grad returns it instead; else set x.grad = None after use"
    warn(f"backward(create_graph=True) makes a cycle between a parameter and its .grad, which keeps memory: {hint}")


def take_old_name(grad_tensors: Any, grad_variables: Any) -> Any:
    """`grad_variables` of `backward`, with a warning. Raises RuntimeError if both names were given."""
    warn("`grad_variables` is deprecated. Use `grad_tensors` instead.", FutureWarning)
    if grad_tensors is not None:
        raise RuntimeError("`grad_tensors` and `grad_variables` cannot both be given: leave `grad_variables` out")
    return grad_variables


def read_flag(value: Any, flag: str = "retain_graph") -> bool:
    """A walk's flag as a bool. Raises TypeError unless it is one, or an integer, which PyTorch takes too."""
    if isinstance(value, bool) or is_index(value):
        return bool(value)
    raise TypeError(f"argument '{flag}' must be bool, not {show_value(value)}")


def check_flags(create_graph: Any, only_inputs: bool, materialize_grads: bool, allow_unused: bool | None) -> None:
    """Warns that `grad` ignores `only_inputs`; raises for a flag that is none, and for flags that contradict."""
    read_flag(create_graph, "create_graph")
    if not only_inputs:
        hint = "to add to the gradients of all leaves, call torch.autograd.backward"
        warn(f"only_inputs is ignored: {hint}.", FutureWarning)
    if materialize_grads and allow_unused is False:
        raise ValueError("materialize_grads=True gives zeros for unused inputs: leave allow_unused out, or set it True")
