"""The recorded names of CuPy, the names that tests used, and the copies between host and GPU."""

import inspect
import json
from functools import cache
from pathlib import Path

NAMES = json.loads((Path(__file__).parent.parent / "data" / "cupy_names.json").read_text())
MODULES = NAMES["modules"]

asked: set[tuple[str, str, tuple[str, ...]]] = set()  # (module or class, name, keywords used)


class Crossings(list):
    """What went between host and device, in words. Nothing goes while a stream captures."""

    def append(self, how):
        stop_at_capture()
        super().append(how)


def stop_at_capture():
    """Refuse, in CuPy's words, to wait for what a capture does not compute."""
    from tests.standin import devices, graphs

    if devices.recording() is not None:
        raise RuntimeError(graphs.CAPTURING)


crossings: list[str] = Crossings()  # "to host: get", "to device: asarray", ...
launches: list[str] = []  # the names of the RawKernels that were launched


@cache
def signature(text):
    """An inspect.Signature from the recorded text, such as 'a, axis=None, *, out=None'."""
    kind, parameters = inspect.Parameter.POSITIONAL_OR_KEYWORD, []
    for piece in filter(None, text.split(", ")):
        name, equals, _ = piece.partition("=")
        default = None if equals else inspect.Parameter.empty
        if piece == "/":
            parameters = [p.replace(kind=inspect.Parameter.POSITIONAL_ONLY) for p in parameters]
        elif piece == "*":
            kind = inspect.Parameter.KEYWORD_ONLY
        elif piece.startswith("**"):
            parameters.append(inspect.Parameter(name[2:], inspect.Parameter.VAR_KEYWORD))
        elif piece.startswith("*"):
            parameters.append(inspect.Parameter(name[1:], inspect.Parameter.VAR_POSITIONAL))
            kind = inspect.Parameter.KEYWORD_ONLY
        else:
            parameters.append(inspect.Parameter(name, kind, default=default))
    return inspect.Signature(parameters)


def check_call(owner, name, text, args, kwargs):
    """Notes the call, and raises TypeError for a keyword or a count that CuPy does not take."""
    asked.add((owner, name, tuple(sorted(kwargs))))
    try:
        signature(text).bind(*args, **kwargs)
    except TypeError as error:
        raise TypeError(f"{owner}.{name}({text}): {error}") from None
