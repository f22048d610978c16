"""A table of expected errors as a test: the call, the class of the error, and words of its message."""

from collections.abc import Callable, Collection

import pytest


def refusals(cases: dict, names: Collection = ()) -> Callable:
    """The test that each call of `cases` is refused; of those `names`, some of them marked, where they are given."""

    @pytest.mark.parametrize("name", names or cases)
    def test_refused(name):
        call, kind, message = cases[name]
        with pytest.raises(kind, match=message):
            call()

    return test_refused
