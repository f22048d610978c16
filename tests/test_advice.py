"""The switch for advice, and that each advice is given once."""

import inspect
import subprocess
import sys
import warnings

import pytest

from minigrad import advice

pytestmark = pytest.mark.usefixtures("fresh_advice")


def test_each_advice_is_given_once():
    with pytest.warns(advice.Advice, match="look here"):
        advice.advise("one", "look here")
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        advice.advise("one", "look here")
    with pytest.warns(advice.Advice, match="and there"):
        advice.advise("two", "and there")


def test_enable_silences_all_and_starts_again():
    advice.enable(False)
    assert not advice.is_wanted("one")
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        advice.advise("one", "look here")
    advice.enable()
    assert advice.is_wanted("one")


def test_an_environment_variable_switches_advice_off():
    program = "from minigrad import advice; print(advice.is_wanted('one'))"
    for value, answer in (("0", "False"), ("1", "True")):
        run = subprocess.run(
            [sys.executable, "-c", program], env={"MINIGRAD_ADVICE": value}, capture_output=True, text=True, check=False
        )
        assert run.stdout.strip() == answer, run.stderr


def test_the_warning_points_at_the_users_line():
    with pytest.warns(advice.Advice) as seen:
        advice.advise("one", "look here")
    assert (seen[0].filename, seen[0].lineno) == (__file__, inspect.currentframe().f_lineno - 1)
