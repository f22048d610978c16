"""Operations of any number of operands, such as `cat`: for each number they are an operation of its own."""

from __future__ import annotations

from functools import partial
from itertools import islice
from typing import Any

from minigrad.autograd.recording import Operation

KEPT = 32  # operations of different numbers of operands: a list that grows in a loop makes one for each length


class Variadic(Operation):
    """A forward with ``*operands``, and one gradient rule for all of them."""

    plans: Any  # the operations, by their number of operands

    def __call__(self, *operands: Any, **statics: Any) -> Any:
        count = len(operands)
        made = self.plans.get(count)
        if made is None:
            if len(self.plans) >= KEPT:
                self.plans.clear()
            made = self.plans[count] = self._derive(count)
        return made(*operands, **statics)

    def _derive(self, count: int) -> Operation:
        """Makes the operation of `count` operands ``x0, x1, ...``, each of which has a rule."""
        rule, reads = self.rules[0], self.reads[0]
        names = tuple([f"x{i}" for i in range(count)])

        def read_by(i: int) -> tuple[str, ...]:
            """The names of the values that the rule of operand `i` reads."""
            found: list[str] = []
            for read in reads:
                if read == "others":
                    found += [*names[:i], *names[i + 1 :]]
                elif read != "i":
                    found.append(read)
            return tuple(found)

        def rule_of(i: int, g: Any, *values: Any) -> Any:
            """The gradient of operand `i`: the common rule, given what it reads."""
            rest = iter(values)
            given: list[Any] = []
            for read in reads:
                if read == "i":
                    given.append(i)
                elif read == "others":
                    given.append([*islice(rest, count - 1)])
                else:
                    given.append(next(rest))
            return rule(g, *given)  # type: ignore[misc]

        made = Operation(self.name, self.forward, (), self.view, self.backward_name)
        made.operands = names
        made.rules = tuple([rule and partial(rule_of, i) for i in range(count)])
        made.reads = [read_by(i) for i in range(count)] if "others" in reads else [read_by(0)] * count
        return made
