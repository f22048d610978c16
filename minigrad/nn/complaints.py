"""Errors and advice for what a module is given wrongly: an option, an input, a plain tensor, a list of layers.

Imported when the first is met.
"""

from __future__ import annotations

import dis
import inspect
from collections.abc import Sequence
from functools import partial
from itertools import pairwise, takewhile
from typing import Any
from weakref import WeakKeyDictionary

from minigrad.advice import advise, postponed
from minigrad.failed_constructors import unknown_option
from minigrad.missing import INSTEAD, PAGE
from minigrad.nn.parameter import Parameter
from minigrad.nn.registry import BUFFER, MODULE, PARAMETER, TAKES, Registry, collect
from minigrad.ops.complaints import as_flag, type_name
from minigrad.spelling import find_meant
from minigrad.tensor import Tensor

_NOT_HERE = {  # attributes of PyTorch's modules that are not supported
    "bfloat16", "get_extra_state", "ipu", "mtia", "set_extra_state", "share_memory", "xpu",
}  # fmt: skip


_SET_BY_INIT = ("training", "_kinds", "_hooks_by_place", "_non_persistent_buffers_set")


def refuse_absent(module: Any, name: str) -> None:
    """Raises AttributeError for a name that PyTorch's modules have, and ours have not, or not before `__init__`."""
    if name in _SET_BY_INIT:
        check_begun(module, f"or read '{name}'")
    if misspelt := _find_misspelt_init(type(module)):
        raise AttributeError(
            f"{type(module).__name__!r} object has no attribute {name!r}: class {type(module).__name__} has "
            f"{misspelt!r}, which Python never calls; is that `__init__` misspelt?", name=name, obj=module
        )  # fmt: skip
    if name in _NOT_HERE:
        raise AttributeError(
            f"{type(module).__name__!r} object has no attribute {name!r}: PyTorch has torch.nn.Module.{name}, "
            f"minigrad does not; {INSTEAD.get(f'torch.nn.Module.{name}', f'{PAGE} lists what is here')}"
        )
    if place := _find_in_children(module, name):
        raise AttributeError(
            f"{type(module).__name__!r} object has no attribute {name!r}; one of its modules has it: {place}",
            name=name, obj=module,
        )  # fmt: skip


def _find_in_children(module: Any, name: str) -> str:
    """The place of a parameter or a buffer of this name in the first of the module's children that has one."""
    for child, kind in vars(module).get("_kinds", {}).items():
        inner = vars(module)[child]
        if kind == MODULE and inner is not None and vars(inner).get("_kinds", {}).get(name) in (PARAMETER, BUFFER):
            return f"net[{child}].{name}" if child.isdecimal() else f"net.{child}.{name}"
    return ""


def _find_misspelt_init(cls: type) -> str | None:
    """A method of a user's class that calls super().__init__(), where the class itself has no `__init__`; or None."""
    if cls.__module__.startswith("minigrad.") or "__init__" in vars(cls):
        return None
    functions = {name: value.__code__ for name, value in vars(cls).items() if inspect.isfunction(value)}
    return next((name for name, code in functions.items() if {"super", "__init__"} <= {*code.co_names}), None)


_PLAIN: WeakKeyDictionary[Any, list[str]] = WeakKeyDictionary()  # module -> the names of its tensors that require grad


def note_plain_tensor(module: Any, name: str) -> None:
    """Notes a tensor that requires a gradient and is no parameter, where the module is made.

    Later a module may keep its input, to look at the gradient.
    """
    if _is_made_now(module):
        _PLAIN.setdefault(module, []).append(name)


def _is_made_now(module: Any) -> bool:
    """Whether the constructor of the module is running."""
    frame = inspect.currentframe()
    while frame is not None:
        if frame.f_code.co_name == "__init__" and frame.f_locals.get(frame.f_code.co_varnames[0]) is module:
            return True
        frame = frame.f_back
    return False


def advise_of_no_result(module: Any) -> None:
    """Advises of a module with parameters whose forward never returns a value, where the caller wants one."""
    code = getattr(inspect.unwrap(type(module).forward), "__code__", None)
    trained = next(iter(collect(PARAMETER, module._walk_tree())), None) is not None
    if trained and code is not None and not _returns_values(code) and not _is_discarded(module):
        name = type(module).__name__
        advise("forward gave None", f"forward of {name} returned None: does it end in a return statement?")


def _is_discarded(module: Any) -> bool:
    """Whether the call of this module stands alone: nobody uses its result, so it may be called for an effect."""
    frame = inspect.currentframe()
    while frame is not None and not (frame.f_code.co_name == "__call__" and frame.f_locals.get("self") is module):
        frame = frame.f_back
    caller = frame and frame.f_back
    steps = iter(dis.get_instructions(caller.f_code)) if caller else iter(())
    after = next((following for step, following in pairwise(steps) if caller and step.offset == caller.f_lasti), None)
    return after is not None and after.opname == "POP_TOP"


def _returns_values(code: Any) -> bool:
    """Whether one of the return statements of a function's `code` has a value."""
    before: Any = None
    for step in dis.get_instructions(code):
        is_none = before is not None and before.opname == "LOAD_CONST" and before.argval is None
        if step.opname == "RETURN_VALUE" and (step.is_jump_target or not is_none):  # as of `x if flag else None`
            return True
        if step.opname == "RETURN_CONST" and step.argval is not None:  # from Python 3.12 to 3.13
            return True
        before = step
    return False


def advise_of_untrained(root: Any, modules: Sequence[Any]) -> None:
    """Advises of what a user's modules below `root` hold to be trained, and `root.parameters()` does not list.

    Of a plain tensor only if the next optimizer does not train it either.
    """
    for module in modules:
        for name in _PLAIN.get(module, ()):
            value = vars(module).get(name)
            if getattr(value, "is_leaf", False) and value.requires_grad:
                place = f"{type(module).__name__}.{name}"
                postponed[place] = partial(_advise_of_plain_tensor, place, name, id(value))
        for name, value in vars(module).items():
            _advise_of_plain_list(root, f"{type(module).__name__}.{name}", name, value)


def _advise_of_plain_tensor(place: str, name: str, tensor: int, trained: set[int]) -> None:
    if tensor in trained:  # as by SGD([*net.parameters(), net.h0])
        return
    advise(
        "plain tensor in a module",
        f"{place} is a tensor that requires grad and no Parameter: parameters() does not list it, so an optimizer of "
        "parameters() alone does not train it, and state_dict() leaves it out. If it is a weight, write "
        f"self.{name} = nn.Parameter(tensor)",
    )


def _advise_of_plain_list(root: Any, place: str, name: str, value: Any) -> None:
    """Advises of layers or parameters in a list or dict; a layer alone in a list is hidden there on purpose."""
    parts = value.values() if isinstance(value, dict) else value if isinstance(value, (list, tuple)) else ()
    held = [x for x in parts if isinstance(x, (Registry, Parameter))]
    is_hidden = len(held) == 1 and isinstance(held[0], Registry)
    if held and not is_hidden and any(x.requires_grad for x in _parameters_in(held) - _parameters_in([root])):
        what = "layers" if isinstance(held[0], Registry) else "parameters"
        made = ("Module" if what == "layers" else "Parameter") + ("Dict" if isinstance(value, dict) else "List")
        advise(
            "layers in a plain list",
            f"{place} holds {what} in a plain {type(value).__name__}: parameters() does not list them, so an optimizer "
            f"of parameters() does not train them. If they are to be trained, write self.{name} = nn.{made}({what})",
        )


def _parameters_in(parts: Sequence[Any]) -> set[Any]:
    """The parameters among layers and parameters, and of the layers."""
    found: set[Any] = set()
    for x in parts:
        found |= {x} if isinstance(x, Parameter) else {value for _, _, value in collect(PARAMETER, x._walk_tree())}
    return found


def check_begun(module: Any, what: str) -> None:
    """Raises AttributeError before `Module.__init__` was called."""
    if "_kinds" not in vars(module):
        raise AttributeError(
            f"cannot assign {what} before Module.__init__() call: make super().__init__() the first line of "
            f"__init__ of class {type(module).__name__}"
        )


def check_registration(module: Any, kind: str, name: Any, value: Any) -> None:
    """Raises for a name or a value that cannot be registered as a `kind`."""
    check_begun(module, kind)
    if not isinstance(name, str):
        raise TypeError(f"{kind} name should be a string. Got {type(name).__name__}")
    if "." in name or not name:
        words = 'contain ".", got' if name else 'be empty string "", got'
        raise KeyError(f"{kind} name can't {words}: {name}; a dot separates modules")
    if (name in vars(module) or hasattr(type(module), name)) and module._kinds.get(name) != kind:
        raise KeyError(f"attribute '{name}' already exists in {type(module).__name__}")
    if not isinstance(value, TAKES[kind]):
        raise not_registered(kind, name, value)


_WANTED = {PARAMETER: "minigrad.nn.Parameter", BUFFER: "minigrad.Tensor", MODULE: "minigrad.nn.Module"}


def wrong_kind(kind: str, name: str, value: Any) -> TypeError:
    """The error for a `value` of another kind than the attribute it is assigned to."""
    registered = f"{'child ' if kind == MODULE else ''}{kind} '{name}' ({_WANTED[kind]} or None expected)"
    return TypeError(f"cannot assign '{type_name(value)}' as {registered}{_hint_at(kind, name, value)}")


def not_registered(kind: str, name: str, value: Any) -> TypeError:
    """The error for a `value` that cannot be registered as a `kind`, in PyTorch's words."""
    words = f"cannot assign '{type_name(value)}' object to {kind} '{name}' ({_WANTED[kind]} or None required)"
    if kind == MODULE:
        itself = isinstance(value, type) or inspect.isroutine(value)  # a class or a function has a name of its own
        words = f"{f'{value.__module__}.{value.__qualname__}' if itself else type_name(value)} is not a Module subclass"
    return TypeError(f"{words}{_hint_at(kind, name, value)}")


def _hint_at(kind: str, name: str, value: Any) -> str:
    """What to write where a `value` of another kind is given, after a semicolon."""
    hint = ""
    if isinstance(value, Tensor) and kind == MODULE:
        hint = "; layers are put together first, then called with the tensor"
    elif isinstance(value, Tensor):
        hint = (
            "; write nn.Parameter(tensor) for a new parameter, or copy the values with minigrad.no_grad(): "
            f"module.{name}.copy_(tensor)"
        )
    elif isinstance(value, type):
        hint = f"; pass {value.__name__}(...)"
    elif kind == BUFFER:
        hint = "; write minigrad.tensor(...) around it"
    elif kind == PARAMETER and not isinstance(value, Registry):
        hint = "; write nn.Parameter(minigrad.tensor(...))"
    elif isinstance(value, dict) and kind == MODULE:
        hint = "; layers with names of their own come in an OrderedDict: Sequential(OrderedDict(layers))"
    elif isinstance(value, (list, tuple)) and kind == MODULE:
        hint = "; unpack the layers: Sequential(*layers)"
    elif callable(value) and kind == MODULE:
        hint = "; a function is no layer: take its layer, nn.ReLU() for F.relu, or call it in a forward of your own"
    return hint


# ---- of constructors ------------------------------------------------------------------------------
def missing_forward(cls: type) -> NotImplementedError:
    """The error for a call of a module whose class has no `forward`; it names the method that is spelt almost so."""
    name = cls.__name__
    own = [method for base in cls.__mro__ if not base.__module__.startswith("minigrad.") for method in vars(base)]
    if cls.__module__.startswith("minigrad."):
        hint = f"a {name} only holds what is in it; call that one by one, or use nn.Sequential"
    elif meant := find_meant("forward", own, 0.7):
        hint = f"class {name} has {meant!r}; is that `forward` misspelt?"
    else:
        hint = f"define `def forward(self, x):` in class {name}"
    return NotImplementedError(f'Module [{name}] is missing the required "forward" function: {hint}')


def refuse_input(cls: type, given: tuple[Any, ...]) -> None:
    """Raises TypeError for a tensor among a layer's options, which was probably meant as the layer's input.

    Several numbers as a flag raise what their truth value does.
    """
    init: Any = cls.__init__  # type: ignore[misc]
    if str(init.__module__).startswith("minigrad."):
        code = getattr(init, "__wrapped__", init).__code__
        places = code.co_varnames[1 : code.co_argcount]
        for name, value in zip(places, given, strict=False):
            if isinstance(value, Tensor) and value.ndim and "Tensor" not in init.__annotations__[name]:
                raise TypeError(made_with_input(cls, name, value))
            if init.__annotations__[name] == "bool":
                as_flag(cls.__name__, name, value)


def made_with_input(cls: type, option: str, given: Tensor) -> str:
    """The message for a layer whose constructor was called with its input."""
    name = cls.__name__
    return (
        f"{name}() got a tensor of shape {tuple(given.shape)} as its argument {option!r}: a layer is made first and "
        f"called then, nn.{name}({'...' if _has_required(cls) else ''})({_name_inputs(cls)})"
    )


def _name_inputs(cls: Any) -> str:
    """What a layer is called with: x, or the names of several inputs, as a loss has them."""
    function = getattr(cls, "_function", None) or cls.forward
    others = {"self", *getattr(cls, "_options", ())}
    parameters = inspect.signature(function).parameters.values()
    inputs = [p.name for p in parameters if p.default is p.empty and p.name not in others]
    return "x" if len(inputs) < 2 else ", ".join(inputs)


def _has_required(cls: type) -> bool:
    parameters = inspect.signature(cls).parameters.values()
    return any(p.default is p.empty and p.kind is p.POSITIONAL_OR_KEYWORD for p in parameters)


def explain_arguments(layer: Any, fault: TypeError, args: tuple[Any, ...], kwargs: dict[str, Any]) -> TypeError:
    """The error for arguments that are not those of the layer: which they are, or that its input was given."""
    cls, known = type(layer), tuple(layer._options)
    if not kwargs.keys() <= set(known):
        return unknown_option(cls, kwargs, known)
    tensors = [x for x in args if isinstance(x, Tensor)]
    if tensors:
        return TypeError(made_with_input(cls, "x", tensors[0]))
    taken = inspect.Signature([p.replace(annotation=p.empty) for p in layer._options.values()])
    words = str(fault)
    if words.startswith("missing a required argument: "):
        words = f"missing 1 required positional argument: {words.rpartition(': ')[2]}"
    elif words == "too many positional arguments":
        words = f"takes {len(known) + 1} positional argument{'s' if known else ''} but {len(args) + 1} were given"
    return TypeError(f"{cls.__name__}.__init__() {words}; it takes {taken}")


def explain_inputs(layer: Any, fault: TypeError, inputs: tuple[Any, ...], named: dict[str, Any]) -> TypeError:
    """The error for another number of inputs than the layer's function takes, by the layer's name; else the `fault`."""
    parameters = inspect.signature(layer._function).parameters.values()
    taken = [*takewhile(lambda p: p.name not in layer._options, parameters)]  # tensors come before options
    places = [p.name for p in taken if p.kind is p.POSITIONAL_OR_KEYWORD]
    missing = [p.name for p in taken if p.default is p.empty and p.name not in (*places[: len(inputs)], *named)]
    called, names = f"{type(layer).__name__}.forward()", ", ".join(places)
    if len(inputs) > len(places) and not any(p.kind is p.VAR_POSITIONAL for p in taken):
        count = f"{len(places) + 1} positional argument{'s' if places else ''} but {len(inputs) + 1} were given"
        return TypeError(f"{called} takes {count}: it is called with {names}")
    if missing and missing[0] in places:
        which = " and ".join(map(repr, missing))
        return TypeError(
            f"{called} missing {len(missing)} required positional argument{'s'[: len(missing) - 1]}: {which}"
        )
    return fault


def complete_with_input(layer: Any, option: str) -> None:
    """Reports that the constructor got the layer's input: as advice if possible, else as a TypeError."""
    text = made_with_input(type(layer), option, getattr(layer, option))
    try:
        layer._complete()
    except (RuntimeError, TypeError, ValueError):
        raise TypeError(text) from None
    advise("layer made with its input", text)


PADDING_MODES = ("zeros", "reflect", "replicate", "circular")


def check_convolution(layer: Any) -> None:
    """Raises ValueError for groups that do not divide the channels, and for unknown paddings."""
    groups, padding = layer.groups, layer.padding
    if groups <= 0:
        raise ValueError(f"groups must be a positive integer, got groups={groups}")
    for name in ("in_channels", "out_channels"):
        if getattr(layer, name) % groups:
            raise ValueError(f"{name} must be divisible by groups, got {getattr(layer, name)} and groups={groups}")
    if isinstance(padding, str) and padding not in ("valid", "same"):
        raise ValueError(f"Invalid padding string {padding!r}, should be 'valid', 'same' or numbers of zeros")
    if padding == "same" and any(s != 1 for s in layer.stride):
        raise ValueError(
            f"padding='same' is not supported for strided convolutions, got {layer.stride}; give padding as "
            "numbers, (kernel_size - 1) // 2 for instance"
        )
    mode = layer.padding_mode
    if not isinstance(mode, str) or mode not in PADDING_MODES:
        modes = ", ".join(map(repr, PADDING_MODES))
        raise ValueError(f"padding_mode must be one of {modes}, but got padding_mode={mode!r}")
