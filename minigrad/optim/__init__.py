"""Optimizers, each a rule of a few lines; the base class `Optimizer` does the rest. Also `lr_scheduler`.

Read `Optimizer` and `SGD` first; the others are imported when they are first used.
"""

from minigrad.late_imports import open_later as _open_later
from minigrad.optim.optimizer import Optimizer
from minigrad.optim.sgd import SGD

with _open_later("torch.optim", globals()):
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
