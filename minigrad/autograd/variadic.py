"""Operations of any number of operands, such as `cat`: for each number they are an operation of its own."""

from __future__ import annotations

from functools import partial
from itertools import islice
from typing import Any

from minigrad.autograd.recording import Operation


class Variadic(Operation):
    """A forward with ``*operands``, and one gradient rule for all of them."""

    plans: Any  # the operations, by their number of operands

    def __call__(self, *operands: Any, **statics: Any) -> Any:
        count = len(operands)
        made = self.plans.get(count) or self.plans.setdefault(count, self._derive(count))
        return made(*operands, **statics)

    def _derive(self, count: int) -> Operation:
        """Makes the operation of `count` operands ``x0, x1, ...``, each of which has a rule."""
        rule, reads = self.rules[0], self.reads[0]
        names = tuple([f"x{i}" for i in range(count)])
        several = {"others": count - 1, "shapes": count}

        def spell(read: str, i: int) -> tuple[str, ...]:
            """The names for which `read` stands in the rule of operand `i`."""
            shapes = tuple([f"{name}_shape" for name in names])
            return {"i": (), "others": names[:i] + names[i + 1 :], "shapes": shapes}.get(read, (read,))

        def rule_of(i: int, g: Any, *values: Any) -> Any:
            """The gradient of operand `i`: the common rule, given what it reads."""
            rest = iter(values)
            given: list[Any] = []
            for read in reads:
                if read == "i":
                    given.append(i)
                elif read in several:
                    given.append([*islice(rest, several[read])])
                else:
                    given.append(next(rest))
            return rule(g, *given)  # type: ignore[misc]

        made = Operation(self.name, self.forward, (), self.view, self.backward_name)
        made.operands = names
        made.rules = tuple([rule and partial(rule_of, i) for i in range(count)])
        made.reads = [tuple([name for read in reads for name in spell(read, i)]) for i in range(count)]
        return made
