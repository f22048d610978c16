"""Asks what `check` says of an answer."""

import minigrad as mg
from minigrad import course


def ask(capsys, name, answer):
    verdict = course.check(name, answer)
    return verdict, capsys.readouterr().out


def corr2d(X, K):
    return mg.nn.functional.conv2d(X[None, None], K[None, None])[0, 0]
