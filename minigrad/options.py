"""`NamesOptions`: classes whose constructors tell which option was meant by one that they do not take."""

from __future__ import annotations

from typing import Any, Self

from minigrad.autograd.failed_calls import NamesItself


class NamesOptions(NamesItself):
    """A class whose constructor names the option that was meant for one that it does not take, and a flag of arrays."""

    def __new__(cls, *_: Any, **options: Any) -> Self:
        code: Any = getattr(getattr(cls.__init__, "__wrapped__", cls.__init__), "__code__", None)
        names = code.co_varnames[1 : code.co_argcount + code.co_kwonlyargcount] if code else options
        if not options.keys() <= set(names) or any(hasattr(value, "ndim") for value in options.values()):
            from minigrad.ops.complaints import refuse_options

            refuse_options(cls, options)
        return object.__new__(cls)
