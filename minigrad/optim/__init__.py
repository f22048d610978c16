"""Optimizers: `SGD`, `Adam`, `AdamW`, `RMSprop`, `Adagrad`, `Adadelta`, and `lr_scheduler`."""

from minigrad.optim import lr_scheduler
from minigrad.optim.adaptive import Adadelta, Adagrad, Adam, AdamW, RMSprop
from minigrad.optim.optimizer import Optimizer
from minigrad.optim.sgd import SGD

__all__ = ["SGD", "Adadelta", "Adagrad", "Adam", "AdamW", "Optimizer", "RMSprop", "lr_scheduler"]
