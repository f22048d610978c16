"""Optimizers, each a rule of a few lines on the base that does what all have in common, and `lr_scheduler`.

The heart is `Optimizer` and `SGD`; the others open when they are first asked for.
"""

from importlib import import_module as _import_module
from typing import TYPE_CHECKING as _TYPE_CHECKING
from typing import Any as _Any

from minigrad.missing import open_later as _open_later
from minigrad.optim.lanes import LANES as _LANES
from minigrad.optim.optimizer import Optimizer
from minigrad.optim.sgd import SGD

if _TYPE_CHECKING:
    from minigrad.optim import lr_scheduler, swa_utils
    from minigrad.optim.adam import Adam, Adamax, AdamW, NAdam, RAdam
    from minigrad.optim.adaptive import Adadelta, Adagrad, RMSprop, Rprop
    from minigrad.optim.averaged import ASGD
    from minigrad.optim.lbfgs import LBFGS

__all__ = [
    "ASGD", "LBFGS", "SGD", "Adadelta", "Adagrad", "Adam", "AdamW", "Adamax", "NAdam", "Optimizer", "RAdam", "RMSprop",
    "Rprop", "lr_scheduler", "swa_utils",
]  # fmt: skip


def _launch_once(*arguments: _Any) -> _Any:
    """The GPU's lane, whose file opens when the first parameter is on one."""
    return _import_module("minigrad.gpu.optimizers").update(*arguments)


_LANES.append(_launch_once)


if not _TYPE_CHECKING:
    __getattr__ = _open_later(
        "torch.optim",
        globals(),
        "lr_scheduler swa_utils",
        {
            "adam": "Adam Adamax AdamW NAdam RAdam",
            "adaptive": "Adadelta Adagrad RMSprop Rprop",
            "averaged": "ASGD",
            "lbfgs": "LBFGS",
        },
    )


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
