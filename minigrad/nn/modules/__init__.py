"""`torch.nn.modules`: the module in which PyTorch defines its layers. Here it only looks them up in `minigrad.nn`.

Its submodules, such as `torch.nn.modules.batchnorm`, are created on import. Each has the layers that PyTorch's has, and
the base class that programs test with `isinstance`.
"""

import sys as _sys
import typing as _typing
from importlib import import_module as _import_module
from importlib.machinery import ModuleSpec as _ModuleSpec
from types import ModuleType as _ModuleType

from minigrad.missing import missing_name as _missing_name

# PyTorch's submodule: the modules of `minigrad.nn` with its layers
_ROOMS = {
    "activation": "activation activation_variants multihead_attention",
    "batchnorm": "normalization lazy parallel.sync_batchnorm",
    "channelshuffle": "shape",
    "container": "sequential containers",
    "conv": "conv volumes conv_transpose lazy",
    "distance": "distance",
    "dropout": "dropout",
    "flatten": "shape",
    "fold": "shape",
    "instancenorm": "normalization",
    "lazy": "lazy",
    "linear": "linear bilinear lazy multihead_attention",
    "loss": "loss regression classification distance",
    "module": "module hooks_on_all modules.utils",
    "normalization": "normalization",
    "padding": "padding",
    "pixelshuffle": "shape",
    "pooling": "pooling",
    "rnn": "recurrent recurrent_cells",
    "sparse": "embedding",
    "transformer": "transformer transformer_layers",
    "upsampling": "shape",
}
# PyTorch's base class or helper: our name for it
_BASES = {
    "batchnorm": {"_NormBase": "RunningNorm", "_BatchNorm": "BatchNorm"},
    "conv": {"_ConvNd": "Convolution", "_ConvTransposeNd": "TransposedConvolution"},
    "dropout": {"_DropoutNd": "AnyDropout"},
    "instancenorm": {"_InstanceNorm": "InstanceNorm"},
    "loss": {"_Loss": "Loss", "_WeightedLoss": "WeightedLoss"},
    "module": {"_addindent": "add_indent"},
    "pooling": {"_MaxPoolNd": "MaxPooling"},
}


class _Answering(_ModuleType):
    """A module without code, whose names are looked up in the modules of `minigrad.nn`."""

    def __getattr__(self, name: str) -> _typing.Any:
        ours = _BASES.get(place := self.__name__.rpartition(".")[2], {}).get(name, name)
        if not ours.startswith("_"):
            for room in _ROOMS[place].split():
                found = getattr(_import_module(f"minigrad.nn.{room}"), ours, None)
                if found is not None:
                    return found
        raise _missing_name(f"torch.nn.modules.{place}", name)


for _place in _ROOMS:
    _made = _Answering(f"{__name__}.{_place}", f"`torch.nn.modules.{_place}`, answered by `minigrad.nn`.")
    _made.__spec__ = _ModuleSpec(_made.__name__, None)
    _sys.modules[_made.__name__] = globals()[_place] = _made
del _place, _made


def __getattr__(name: str) -> _typing.Any:
    from minigrad import nn

    if name == "utils":  # `_pair` and others, not nn.utils
        return _import_module(f"{__name__}.utils")
    if hasattr(nn, name) and not name.startswith("_"):
        return getattr(nn, name)
    raise _missing_name("torch.nn.modules", name)
