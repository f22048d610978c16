"""`torch._C` answers the one call that libraries of pure Python make, and refuses others in words."""

import pytest

import minigrad


def test_the_count_of_uses_counts_nothing():
    assert minigrad._C._log_api_usage_once("a library was imported") is None
    assert "_C" not in dir(minigrad.nn)


def test_other_names_are_missing():
    with pytest.raises(AttributeError, match=r"module 'minigrad\._C' has no attribute '_nothing'"):
        minigrad._C._nothing  # noqa: B018
