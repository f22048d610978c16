"""A table of expected errors as a test: the call, the class of the error, and its message."""

import re
from collections.abc import Callable, Collection

import pytest


def refusals(cases: dict, names: Collection = ()) -> Callable:
    """The test that each call of `cases` is refused; of those `names`, some of them marked, where they are given."""

    @pytest.mark.parametrize("name", names or cases)
    def test_refused(name):
        call, kind, message = cases[name]
        with pytest.raises(kind, match=read_pattern(message)):
            call()

    return test_refused


def read_pattern(message: str | tuple[str, ...]) -> str:
    """A regular expression as it is; a tuple of words is one that finds them all, in any order."""
    if isinstance(message, str):
        return "(?s)" + message
    return "(?s)" + "".join(f"(?=.*{re.escape(word)})" for word in message)
