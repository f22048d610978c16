"""Every public callable has a readable signature, and a docstring with an example that runs.

For two kinds another docstring is enough: that of the base class for an overridden method, and the example of the class
for the `PARTS` of layers and users' functions.
"""

import doctest
import importlib
import inspect
import sys

import pytest

import minigrad

pytestmark = pytest.mark.cpu("what the examples print is the CPU's")
ROOMS = [  # within minigrad
    "", "nn", "nn.functional", "nn.init", "nn.utils", "nn.parallel", "optim", "optim.lr_scheduler",
    "optim.swa_utils", "utils.data", "utils.checkpoint", "linalg", "special", "autograd", "autograd.functional",
    "autograd.forward_ad",
    "autograd.graph", "func", "random", "distributions", "cuda", "backends", "serialization", "viz",
    "testing", "hub", "utils", "utils.benchmark", "utils.dlpack", "utils.model_zoo", "utils.tensorboard", "distributed",
]  # fmt: skip
# These pass their arguments on, to a user's function or to one of several forms.
FREE = {
    "minigrad.nn.Module": "a subclass's own",
    "minigrad.optim.Optimizer": "a subclass's own",
    "minigrad.nn.Identity": "any, as in PyTorch: it stands for every layer",
    "minigrad.nn.Module.to": "to(device), to(dtype), to(tensor)",
    "minigrad.nn.Module.forward": "a layer's own",
    "minigrad.autograd.Function.forward": "the user's own",
    "minigrad.autograd.Function.apply": "the operands of the user's forward",
    "minigrad.utils.data.StackDataset": "datasets in a row, or by name",
}
NEED_A_GPU = (
    "minigrad.cuda.CUDAGraph.",
    "minigrad.cuda.Event.",
    "minigrad.cuda.Stream.",
)  # an example would not run everywhere
IN_THEIR_CLASS = tuple(f"minigrad.distributed.{name}." for name in ("GradBucket", "ProcessGroup", "Work"))
OF_THE_ENGINE = {f"Inspectable.{name}" for name in ("join", "node_of", "operand_places", "split")}  # no one calls them
PARTS = {
    "forward", "initialize_parameters", "reset_parameters", "rule", "advance", "setup_context", "backward", "jvp",
    "vmap",
}  # fmt: skip


def list_public_names(room):
    """What the room says it offers, else what is defined in it."""
    own = [name for name, value in vars(room).items() if getattr(value, "__module__", None) == room.__name__]
    return getattr(room, "__all__", [name for name in own if not name.startswith("_")])


def list_methods(cls):
    """The public methods of a class, as functions; those of a Tensor also where a mixin holds them."""
    for name in dir(cls) if cls is minigrad.Tensor else list(vars(cls)):
        getattr(cls, name, None)  # some are read from their file when they are first asked for
        method = inspect.getattr_static(cls, name)
        method = getattr(method, "__func__", method)
        if not name.startswith("_") and callable(method) and not inspect.isclass(method):
            yield name, method


def find_callables():
    """Each once: (path, the class that holds it or None, the callable)."""
    seen = {}
    for room in (importlib.import_module(f"minigrad.{name}".rstrip(".")) for name in ROOMS):
        for name in list_public_names(room):
            value = getattr(room, name)
            is_ours = getattr(value, "__module__", None) is None or value.__module__.startswith("minigrad")
            if not callable(value) or inspect.ismodule(value) or not is_ours:
                continue
            seen.setdefault(id(value), (f"{room.__name__}.{name}", None, value))
            for method_name, method in list_methods(value) if inspect.isclass(value) else ():
                seen.setdefault(id(method), (f"{room.__name__}.{name}.{method_name}", value, method))
    return list(seen.values())


CALLABLES = find_callables()


def has_example(value):
    return ">>> " in (inspect.getdoc(value) or "")


def is_an_error(value):
    return inspect.isclass(value) and issubclass(value, BaseException)


def is_documented(path, holder, value):
    if (
        has_example(value)
        or path.startswith(NEED_A_GPU + IN_THEIR_CLASS)
        or (inspect.isclass(value) and issubclass(value, BaseException))
    ):
        return True
    name = path.rpartition(".")[2]
    if name in PARTS and holder is not None and has_example(holder):
        return True
    bases = holder.__mro__[1:] if holder is not None else ()
    return any(has_example(vars(base)[name]) for base in bases if name in vars(base))


def is_generic(value):
    if is_an_error(value):
        return False
    kinds = [p.kind for p in inspect.signature(value).parameters.values() if p.name not in ("self", "cls", "ctx")]
    return kinds == [inspect.Parameter.VAR_POSITIONAL, inspect.Parameter.VAR_KEYWORD]


def overrides(holder, name):
    return holder is not None and any(name in vars(base) for base in holder.__mro__[1:])


def test_every_public_callable_is_found():
    paths = {path for path, _, _ in CALLABLES}
    assert len(paths) > 900
    assert {"minigrad.zeros", "minigrad.Tensor.add_", "minigrad.nn.Conv2d", "minigrad.nn.Module.train"} <= paths


def test_every_public_callable_has_an_example():
    assert [path for path, holder, value in CALLABLES if not is_documented(path, holder, value)] == []


def test_every_method_that_a_public_class_inherits_has_an_example():
    """From the bases that are not public themselves, such as `Registry`, which has `Module.parameters`."""
    seen = {id(value) for _, _, value in CALLABLES}
    bare = []
    for holder in [value for _, _, value in CALLABLES if inspect.isclass(value)]:
        for base in [base for base in holder.__mro__[1:] if base.__module__.startswith("minigrad")]:
            for name, method in list_methods(base):
                path = f"{base.__name__}.{name}"
                left_out = id(method) in seen or name in PARTS or path in OF_THE_ENGINE
                if not left_out and not is_documented(path, base, method):
                    bare.append(path)
                seen.add(id(method))
    assert len(seen) > len(CALLABLES) + 60 and bare == []


def test_every_loss_says_the_shapes_that_it_takes():
    losses = [getattr(minigrad.nn, name) for name in dir(minigrad.nn) if name.endswith("Loss")]
    assert len(losses) > 15
    assert [x.__name__ for x in losses if "hape" not in x.__doc__ and "(N, C" not in x.__doc__] == []


def test_an_in_place_method_shows_its_function_s_example_as_a_method():
    assert ">>> torch.tensor([0.0, 1.0]).tanh_()\ntensor([0.0000, 0.7616])" in minigrad.Tensor.tanh_.__doc__
    assert ">>> torch.tensor([1, 2]).eq_(torch.tensor([1, 3]))\ntensor([1, 0])" in minigrad.Tensor.eq_.__doc__
    assert "x, index = " in minigrad.Tensor.scatter_reduce_.__doc__  # the lines before the call, too


def test_every_public_callable_has_a_signature_of_its_own():
    generic = [
        path
        for path, holder, value in CALLABLES
        if is_generic(value) and path not in FREE and not overrides(holder, path.rpartition(".")[2])
    ]
    assert generic == []


def is_defined_by_name(value):
    """Whether the file of the function defines it; a table or a decorator made the others."""
    if not inspect.isfunction(value) or "." in value.__qualname__:
        return True
    room = vars(sys.modules[value.__module__])
    return value.__globals__ is room and room.get(value.__name__) is value


GENERATED = [
    pytest.param(value, id=path) for path, _, value in CALLABLES if has_example(value) and not is_defined_by_name(value)
]


@pytest.mark.parametrize("value", GENERATED)
def test_examples_of_generated_functions_run(value):
    """Functions that their file defines by name are run by tests/test_documents.py, which cannot see these."""
    examples = doctest.DocTestParser().get_doctest(value.__doc__, {}, value.__name__, None, None)
    printed = []
    runner = doctest.DocTestRunner(optionflags=doctest.ELLIPSIS | doctest.NORMALIZE_WHITESPACE)
    assert runner.run(examples, out=printed.append).failed == 0, "".join(printed)
