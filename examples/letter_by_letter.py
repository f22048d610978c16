"""A recurrent network learns a tongue twister letter by letter, and recites it.

At each letter it guesses the next one. Who looks at the last letter alone cannot guess well: after "s" comes "h", "e",
"u" or a blank. Counting tells the least loss that is possible without a memory, the entropy of the next letter given
the last one:

    H = -sum over pairs (a, b) of p(a, b) * log p(b | a)

An LSTM (Hochreiter and Schmidhuber, 1997) carries a state from letter to letter, in which it keeps what it needs, so
its loss falls far below H. Then each letter that it writes is its own next input: only the state tells it where it is.
"""

import argparse
import math
from collections import Counter
from itertools import pairwise

import minigrad as torch
import minigrad.nn.functional as F
from minigrad import nn
from shared_options import seed

TEXT = "she sells sea shells by the sea shore, and the shells she sells are sea shells for sure. "
LETTERS = sorted(set(TEXT))


def as_numbers(text: str) -> torch.Tensor:
    """The place of each letter in the alphabet: (letters,)."""
    return torch.tensor([LETTERS.index(letter) for letter in text])


def entropy_without_memory(text: str) -> float:
    """The least mean loss of who sees the last letter alone: -sum of p(a, b) log p(b | a)."""
    pairs, firsts = Counter(pairwise(text)), Counter(text[:-1])
    return -sum(n * math.log(n / firsts[a]) for (a, _), n in pairs.items()) / (len(text) - 1)


class Writer(nn.Module):
    """Letters in, a score for each possible next letter out: (steps,) -> (steps, letters), and the state."""

    def __init__(self, hidden: int) -> None:
        super().__init__()
        self.look_up = nn.Embedding(len(LETTERS), 16)
        self.remember = nn.LSTM(16, hidden)
        self.score = nn.Linear(hidden, len(LETTERS))

    def forward(self, letters: torch.Tensor, state: object = None) -> tuple[torch.Tensor, object]:
        hidden, state = self.remember(self.look_up(letters), state)
        return self.score(hidden), state


def loss_of(net: Writer, text: str) -> torch.Tensor:
    """The mean of -log p(next letter) over the text."""
    numbers = as_numbers(text)
    scores, _ = net(numbers[:-1])
    return F.cross_entropy(scores, numbers[1:])


def train(net: Writer, steps: int) -> float:
    """Trains on the whole text at once; returns the last loss. Gradients may explode on the way back: they are cut."""
    optimizer = torch.optim.Adam(net.parameters(), lr=0.01)
    for _ in range(steps):
        loss = loss_of(net, TEXT)
        optimizer.zero_grad()
        loss.backward()
        nn.utils.clip_grad_norm_(net.parameters(), 1.0)
        optimizer.step()
    return loss.item()


@torch.no_grad()
def recite(net: Writer, beginning: str, count: int) -> str:
    """`beginning` and the `count` letters that follow, each the likeliest one after all before it."""
    text, (scores, state) = beginning, net(as_numbers(beginning))
    for _ in range(count):
        text += LETTERS[int(scores[-1].argmax())]
        scores, state = net(as_numbers(text[-1]), state)
    return text


def main(arguments: list[str] | None = None) -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--steps", type=int, default=150, help="of training (default 150)")
    parser.add_argument("--hidden", type=int, default=64, help="numbers in the state (default 64)")
    parser.add_argument("--seed", type=seed, default=0, help="of the first weights (default 0)")
    options = parser.parse_args(arguments)
    if options.steps < 1 or options.hidden < 1:
        parser.error(f"--steps and --hidden count: at least 1, got {options.steps} and {options.hidden}")
    torch.manual_seed(options.seed)
    net = Writer(options.hidden)
    print(f"{len(LETTERS)} letters: a blind guess costs log({len(LETTERS)}) = {math.log(len(LETTERS)):.2f}")
    print(f"the last letter alone: at least {entropy_without_memory(TEXT):.2f}")
    print(f"before training: {loss_of(net, TEXT).item():.2f}")
    print(f"after {options.steps} steps: {train(net, options.steps):.2f}")
    recited = recite(net, TEXT[0], len(TEXT) - 1)
    right = sum(one == other for one, other in zip(recited, TEXT, strict=True))
    print(f"\n{recited}\n{right} of {len(TEXT)} letters are right")


if __name__ == "__main__":
    main()
