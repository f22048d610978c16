"""Optimizers, each a rule of a few lines on the base that does what all have in common, and `lr_scheduler`.

The heart is `Optimizer` and `SGD`; the others open when they are first asked for.
"""

from typing import TYPE_CHECKING as _TYPE_CHECKING

from minigrad.missing import open_later as _open_later
from minigrad.optim.optimizer import Optimizer
from minigrad.optim.sgd import SGD

if _TYPE_CHECKING:
    from minigrad.optim import lr_scheduler, swa_utils
    from minigrad.optim.adam import Adam, Adamax, AdamW, NAdam, RAdam
    from minigrad.optim.adaptive import Adadelta, Adagrad, RMSprop, Rprop
    from minigrad.optim.averaged import ASGD
    from minigrad.optim.lbfgs import LBFGS
    from minigrad.optim.matrix import Adafactor, Muon

__all__ = [
    "ASGD", "LBFGS", "SGD", "Adadelta", "Adafactor", "Adagrad", "Adam", "AdamW", "Adamax", "Muon", "NAdam",
    "Optimizer", "RAdam", "RMSprop", "Rprop", "lr_scheduler", "swa_utils",
]  # fmt: skip


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
            "matrix": "Adafactor Muon",
        },
    )


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
