"""Names that a module does not have: the AttributeError for them, and PyTorch's that are only names here.

The error says whether PyTorch has the name, or which name was probably meant.
"""

from __future__ import annotations

import sys
from collections.abc import Iterable
from importlib import import_module
from types import ModuleType
from typing import Any

from minigrad.advice import count_own_frames

PAGE = "docs/supported.md"
_NO_STORE = "init_process_group() brings the processes together, broadcast_object_list() tells values to the others"
_NO_CODE = "a file holds no code here, so nothing has to be allowed: save and load a state_dict"
_NOT_FETCHED = "nothing is fetched: read the hubconf.py of your own copy of the repository"
_CUPYS_POOL = "CuPy's pool allocates: cupy.get_default_memory_pool(), cupy.cuda.alloc()"
_OF_NVIDIA_SMI = "clock_rate list_gpu_processes memory_usage power_draw temperature utilization"
_NEVER_WAITS = ".item(), .tolist(), .cpu(), printing and `if` wait for a GPU, a training step does not"
_NO_BFLOAT16 = "float32 holds every bfloat16, in the same range and with 16 bits more"
INSTEAD = {  # PyTorch's missing name -> what to use instead
    **{f"torch.distributed.{kind}Store": _NO_STORE for kind in ("TCP", "File", "Hash", "Prefix", "")},
    "torch.distributed.device_mesh": "new_group() and new_subgroups() make groups of ranks",
    "torch.distributed.init_device_mesh": "new_group() and new_subgroups() make groups of ranks",
    **{f"torch.serialization.{act}_safe_globals": _NO_CODE for act in ("add", "clear", "get")},
    "torch.serialization.safe_globals": _NO_CODE,
    "torch.serialization.get_unsafe_globals_in_checkpoint": _NO_CODE,
    "torch.hub.list": _NOT_FETCHED,
    "torch.hub.help": _NOT_FETCHED,
    **{f"torch.cuda.caching_allocator_{act}": _CUPYS_POOL for act in ("alloc", "delete", "enable", "disabled")},
    **{f"torch.cuda.{name}": _CUPYS_POOL for name in ("CUDAPluggableAllocator", "change_current_allocator", "MemPool")},
    "torch.cuda.use_mem_pool": _CUPYS_POOL,
    "torch.cuda.memory_snapshot": "memory_stats() and memory_summary() give the bytes in use",
    "torch.cuda.memory_stats_as_nested_dict": "memory_stats() gives the bytes in use",
    **dict.fromkeys((f"torch.cuda.{name}" for name in _OF_NVIDIA_SMI.split()), "`nvidia-smi` shows it"),
    **{f"torch.cuda.{act}_sync_debug_mode": _NEVER_WAITS for act in ("get", "set")},
    "torch.cuda.cudart": "torch.cuda.profiler.start() and stop() are here, all other calls are in cupy.cuda.runtime",
    "torch.cuda.default_generators": "torch.cuda.get_rng_state() is the state of a GPU's own generator",
    "torch.cuda.jiterator": "cupy.ElementwiseKernel compiles a formula",
    "torch.cuda.nccl": "torch.distributed moves tensors between GPUs",
    **dict.fromkeys(("torch.BFloat16Tensor", "torch.Tensor.bfloat16", "torch.nn.Module.bfloat16"), _NO_BFLOAT16),
    "torch.distributed.rpc": "send_object_list() and recv_object_list() bring values from rank to rank",
}
NAMED_ONLY = {  # files of what programs only compare with: no tensor or layer here is of such a kind
    "torch": "minigrad.absent_dtypes",
    "torch.nn": "minigrad.nn.absent",
}
ELSEWHERE = {"torch.nn.functional.grad": "minigrad.nn.grad", "torch._C": "minigrad._C"}  # imported when first named
_OLD_NAMES = ("has_cuda", "has_cudnn", "has_mkldnn", "has_mps")  # of `torch`; not in dir(), because they warn
ANSWERED = {  # PyTorch's package -> its modules whose names are in the package itself here
    "torch.autograd": "anomaly_mode grad_mode",
    "torch.cuda.amp": "autocast_mode common grad_scaler",
    "torch.distributions": (
        "bernoulli beta binomial categorical cauchy chi2 dirichlet exponential geometric gumbel half_cauchy "
        "half_normal laplace log_normal mixture_same_family normal one_hot_categorical pareto poisson "
        "relaxed_bernoulli relaxed_categorical studentT uniform weibull"
    ),
    "torch.nn.parallel": "data_parallel",
    "torch.optim": "adadelta adagrad adamax adamw asgd nadam radam rmsprop rprop",
}


class Answer(ModuleType):
    """A module without code, whose names are those of its package."""

    def __getattr__(self, name: str) -> Any:
        if name.startswith("__"):
            raise AttributeError(name)
        return getattr(sys.modules[self.__name__.rpartition(".")[0]], name)


def missing_name(namespace: str, name: str, known: Any = ()) -> AttributeError:
    """The error for `name` in `namespace`, written with "torch": ``missing_name("torch.nn", "Conv9d", dir(nn))``.

    >>> from minigrad.missing import missing_name
    >>> missing_name("torch", "lstm")
    AttributeError("module 'minigrad' has no attribute 'lstm': PyTorch has torch.lstm, minigrad does not; docs/supported.md lists what is here")
    """  # noqa: E501 (an error's text is one line)
    ours = namespace.replace("torch", "minigrad", 1)
    what = "'Tensor' object" if namespace == "torch.Tensor" else f"module {ours!r}"
    text = f"{what} has no attribute {name!r}"
    if not name.startswith("_"):
        from minigrad.spelling import NUMPYS_FUNCTIONS, NUMPYS_METHODS, find_close

        public = _leave_out_files(ours, known)
        same_letters = [x for x in public if x.lower() == name.lower()]
        same_letters.sort(key=lambda x: x[0] != name[0])  # those with the same first letter come first
        if is_closed_module(f"{ours}.{name}") and f"{ours}.{name}" not in sys.modules and not same_letters:
            return AttributeError(f"{text} yet: import {ours}.{name} first", name=name)
        if name in read_pytorch_names().get(namespace, "").split():
            hint = INSTEAD.get(f"{namespace}.{name}", f"{PAGE} lists what is here")
            return AttributeError(f"{text}: PyTorch has {namespace}.{name}, minigrad does not; {hint}", name=name)
        numpys = NUMPYS_METHODS if namespace == "torch.Tensor" else NUMPYS_FUNCTIONS
        if name in numpys:
            return AttributeError(f"{text}: NumPy's {name} is written {numpys[name]}", name=name)
        elsewhere = find_elsewhere(namespace, name)
        if elsewhere and not same_letters:
            return AttributeError(f"{text}: it is {elsewhere}", name=name)
        close = same_letters[0] if same_letters else find_close(name, public)
        if close:
            also = f" Or {elsewhere}?" if elsewhere else ""
            return AttributeError(f"{text}. Did you mean: {close!r}?{also}", name=name)  # so Python adds no guess
    return AttributeError(text)


def _leave_out_files(package: str, known: Iterable[str]) -> list[str]:
    """The `known` names without those that begin with "_", and those of the package's files that are not public."""
    names = vars(sys.modules[package]) if package in sys.modules else {}
    files = {name for name, value in names.items() if isinstance(value, ModuleType)}
    files -= {*names.get("__all__", names)}
    return [name for name in known if not name.startswith("_") and name not in files]


def find_elsewhere(namespace: str, name: str) -> str:
    """How a public name is written that another of PyTorch's namespaces has, and this library, too; "" if none has it.

    >>> from minigrad.missing import find_elsewhere
    >>> find_elsewhere("torch.optim", "StepLR"), find_elsewhere("torch.nn", "view")
    ('torch.optim.lr_scheduler.StepLR', 'a method: x.view(...)')
    """
    from importlib.util import find_spec

    for place, names in read_pytorch_names().items():
        if place != namespace and name in names.split():
            ours = place.replace("torch", "minigrad", 1)
            if place == "torch.Tensor":
                if callable(getattr(sys.modules["minigrad"].Tensor, name, None)):
                    return f"a method: x.{name}(...)"
            elif find_spec(ours) and hasattr(import_module(ours), name):
                return f"{place}.{name}"
    return ""


def is_closed_module(name: str) -> bool:
    """Whether `name` is a module of this library that its package does not open before it is imported.

    >>> from minigrad.missing import is_closed_module
    >>> is_closed_module("minigrad.as_torch"), is_closed_module("minigrad.lstm")
    (True, False)
    """
    from importlib.util import find_spec

    return hasattr(sys.modules.get(name.rpartition(".")[0]), "__path__") and find_spec(name) is not None


def read_pytorch_names() -> dict[str, str]:
    """PyTorch 2.13's public names by namespace, recorded by tests/oracle/record_names.py."""
    import json
    from pkgutil import get_data

    return json.loads(get_data(__package__, "pytorch_names.json") or "{}")  # from an archive, too


def find_named_only(namespace: str, name: str) -> Any:
    """What a file of `NAMED_ONLY` has under `name`, or None.

    >>> from minigrad.missing import find_named_only
    >>> find_named_only("torch", "bfloat16"), find_named_only("torch", "qint8")
    (minigrad.bfloat16, None)
    """
    return import_module(NAMED_ONLY[namespace]).NAMES.get(name) if namespace in NAMED_ONLY else None


def answer(namespace: str, package: dict[str, Any], name: str, known: Any) -> Any:
    """The module `name` of `ANSWERED`, or what only has a name, for a name that the package does not have.

    Raises AttributeError for all others, ImportError with the same text for ``from package import name``. For that
    statement Python calls `__getattr__` in `_handle_fromlist`, and replaces an AttributeError by "cannot import name".
    Only the caller's frame tells the two cases apart.
    """
    if name in ANSWERED.get(namespace, "").split():
        package[name] = made = Answer(f"{package['__name__']}.{name}")
        return made
    where = ELSEWHERE.get(f"{namespace}.{name}")
    if where:
        package[name] = found = import_module(where)
        return found
    if namespace == "torch" and name in _OLD_NAMES:
        return getattr(import_module("minigrad.backends.old_names"), name)
    is_import = sys._getframe(count_own_frames() - 1).f_code.co_name == "_handle_fromlist"
    if is_import and is_closed_module(f"{package['__name__']}.{name}"):
        raise AttributeError(name)  # nobody reads it: Python imports the module next
    is_private = name.startswith("_")  # as tools ask for `__wrapped__`: such a name opens no file
    if not is_private and (kind := find_named_only(namespace, name)) is not None:
        return kind
    error = missing_name(namespace, name, known)
    if is_import and not is_private:
        raise ImportError(f"cannot import name {name!r}: {error}", name=name)
    raise error


def explain_missing(namespace: str, module: dict[str, Any]) -> None:
    """Gives the module `namespace` a `__getattr__` that raises the error for a missing name.

    Its `dir`, which completes names in notebooks, lists its public names alone. (Type checkers see no `__getattr__` in
    the module's file, so they refuse missing names too.)
    """
    module["__dir__"] = lambda: sorted(module.get("__all__", module))
    module["__getattr__"] = lambda name: answer(namespace, module, name, module)
