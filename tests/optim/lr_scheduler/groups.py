"""Optimizers for the tests of schedules."""

import minigrad
from minigrad import optim


def make_optimizer(*rates, **options):
    """SGD with a group of one parameter for each of the rates."""
    groups = [{"params": [minigrad.ones(1, requires_grad=True)], "lr": lr} for lr in rates]
    return optim.SGD(groups, **options)
