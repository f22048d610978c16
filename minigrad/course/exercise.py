"""`Exercise`, and the decorators that make one of a solution: the question, the solution and the test cases.

@exercise("ours.positions", cases=[(8, 2), (6, 3)], hint="Put the kernel on the first pixel and push.")
def positions(n, k):
    "In how many places does a kernel of k pixels fit on n?"
    return n - k + 1
"""

from __future__ import annotations

import inspect
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from importlib import import_module
from types import MappingProxyType
from typing import Any

import numpy as np

from minigrad.creation import tensor

Case = tuple[Any, ...]  # the arguments of one call
Judge = Callable[[Any], "str | None"]  # checks an answer; returns a complaint or None


@dataclass(frozen=True)
class Exercise:
    """A question, its solution, and the test cases. Made by `exercise` and `gradient_exercise`."""

    name: str
    solution: Callable[..., Any]
    cases: Sequence[Case] = ()
    hidden: Sequence[Case] = ()  # tested too, but never shown
    told: Sequence[str] = ()  # what is special about each hidden case, in words; "" says nothing
    hint: str = ""
    page: str = ""  # the page of the course
    judge: Judge | None = None  # checks the answer itself, after the cases
    gradient_of: str = ""  # the argument whose gradient the answer computes, of `solution`
    points: Sequence[Mapping[str, tuple[int, ...]]] = ()  # shapes of the arguments at which gradients are checked
    seconds: float = 10.0
    by_hand: bool = False  # autograd is not allowed: the answer runs without recording
    slips: Mapping[str, Callable[..., Any]] = field(default_factory=dict)  # what is wrong in words -> such an answer

    @property
    def question(self) -> str:
        return inspect.getdoc(self.solution) or ""

    @property
    def parameters(self) -> list[str]:
        """The names of the answer's parameters."""
        names = list(inspect.signature(self.solution).parameters)
        return ["g", *names] if self.gradient_of else names

    @property
    def calls(self) -> list[list[str]]:
        """The argument names of each call that an answer must accept."""
        counts = {len(case) for case in (*self.cases, *self.hidden)} or {len(self.parameters)}
        return [self.parameters[:count] for count in sorted(counts, reverse=True)]


KNOWN: dict[str, Exercise] = {}


def load() -> None:
    """Registers the exercises of the course."""
    import_module("minigrad.course.chapters")


def sort_as_in_course(names: Iterable[str]) -> list[str]:
    """Names of exercises by chapter, a teacher's own last; those of a chapter in the order in which it asks them."""
    load()
    places = {name: place for place, name in enumerate(KNOWN)}

    def key(name: str) -> tuple[bool, int, str, int, str]:
        chapter = name.partition(".")[0]
        own = not chapter.isdecimal()
        return own, 0 if own else int(chapter), chapter, places.get(name, len(places)), name

    return sorted(names, key=key)


def exercise(
    name: str, *, cases: Iterable[Any] = (), hidden: Iterable[Any] | Mapping[str, Any] = (), hint: str = "",
    page: str = "", judge: Judge | None = None, seconds: float = 10.0, by_hand: bool = False,
    slips: Mapping[str, Callable[..., Any]] = MappingProxyType({}),
) -> Callable[[Callable[..., Any]], Callable[..., Any]]:  # fmt: skip
    """Registers the decorated function as the solution of an exercise; its docstring is the question.

    Each of `cases` and `hidden` is the arguments of one call. A dict of hidden cases, ``{"no padding": (8, 2)}``, says
    in a few words what is special about each; a student whose answer fails there reads them. A `judge`
    examines the answer itself, after the cases if there are any: it is called with the answer and returns a complaint
    or None. With `by_hand` the answer cannot use autograd.
    `slips` are wrong answers that students often give, each under the words that say what is wrong with it.
    Raises ValueError without cases and judge.

    >>> @exercise("docs.twice", cases=[(1.0,), (2.0,)])
    ... def twice(x):
    ...     "Double x."
    ...     return 2 * x
    >>> from minigrad import course
    >>> course.check("docs.twice", lambda x: x + x)
    docs.twice: right.
    True
    """

    def register(solution: Callable[..., Any]) -> Callable[..., Any]:
        shown = list(map(_as_case, cases))
        kept = list(map(_as_case, hidden.values() if isinstance(hidden, Mapping) else hidden))
        told = list(hidden) if isinstance(hidden, Mapping) else [""] * len(kept)
        if not shown and not kept and judge is None:
            raise ValueError(f"exercise {name!r} has neither cases nor a judge: nothing would be checked")
        options: dict[str, Any] = {"seconds": seconds, "by_hand": by_hand, "slips": slips}
        KNOWN[name] = Exercise(name, solution, shown, kept, told, hint, page, judge, **options)
        return solution

    return register


def gradient_exercise(
    name: str, *, of: str, points: Sequence[Mapping[str, tuple[int, ...]]], hint: str = "", page: str = "",
    seconds: float = 30.0, slips: Mapping[str, Callable[..., Any]] = MappingProxyType({}),
) -> Callable[[Callable[..., Any]], Callable[..., Any]]:  # fmt: skip
    """Registers an exercise that asks for the gradient of the decorated forward in its argument `of`.

    The answer is a function of g, the gradient of the result, and of the forward's arguments. It is checked with
    random numbers at each of `points`, the shapes of the arguments; `check` names the mistake, in the words of `slips`
    if the answer is one of them. Raises ValueError if `of` or a point does not fit the forward's arguments.

    >>> @gradient_exercise("docs.square", of="x", points=[{"x": (2, 3)}])
    ... def square(x):
    ...     "The gradient of x * x along x."
    ...     return x * x
    >>> from minigrad import course
    >>> course.check("docs.square", lambda g, x: 2 * x * g)
    docs.square: right.
    True
    """

    def register(forward: Callable[..., Any]) -> Callable[..., Any]:
        parameters = list(inspect.signature(forward).parameters)
        if of not in parameters:
            raise ValueError(f"exercise {name!r}: `of` is one of {', '.join(parameters)}; got {of!r}")
        for point in points:
            if list(point) != parameters:
                raise ValueError(f"exercise {name!r}: a point gives the shapes of {parameters}; got {list(point)}")
        KNOWN[name] = Exercise(
            name, forward, hint=hint, page=page, gradient_of=of, points=tuple(points), seconds=seconds,
            by_hand=True, slips=slips,
        )  # fmt: skip
        return forward

    return register


def draw_point(shapes: Mapping[str, tuple[int, ...]], seed: int = 0) -> dict[str, Any]:
    """Random float64 tensors of these shapes, without zeros and without equal numbers."""
    draw = np.random.default_rng(seed)
    return {
        name: tensor(np.array(draw.uniform(0.5, 1.5, shape) * draw.choice([-1, 1], shape)))
        for name, shape in shapes.items()
    }


def _as_case(arguments: Any) -> Case:
    return arguments if isinstance(arguments, tuple) else (arguments,)
