"""A transformer learns to write words backwards, and shows where it looks.

Every place of a sequence asks a question q, shows a key k, and has a value v to give. Each is a product of its features
x with a matrix of its own. A place then takes the mean of all values, weighted by how well their keys fit its question
(Vaswani et al., 2017, https://arxiv.org/abs/1706.03762):

    attention(q, k, v) = softmax(q @ k.T / sqrt(D)) @ v

Nothing in this formula knows of order: shuffled places give shuffled results. So each place adds a vector of its own to
that of its letter, and the network must find out that place i has to look at place n - 1 - i. The weights show that it
did: they are large on the diagonal from the lower left to the upper right.
"""

import argparse

import minigrad as torch
import minigrad.nn.functional as F
from minigrad import nn
from shared_options import seed

LETTERS = "abcdefghijklmnopqrstuvwxyz"
LENGTH = 8
SHADES = " .:-=+*#%@"


class Reverser(nn.Module):
    """Letters in, a score for each possible letter at each place out: (words, LENGTH) -> (words, LENGTH, letters)."""

    def __init__(self, features: int) -> None:
        super().__init__()
        self.letter = nn.Embedding(len(LETTERS), features)
        self.place = nn.Parameter(torch.randn(LENGTH, features))
        self.layer = nn.TransformerEncoderLayer(features, 1, 2 * features, dropout=0.0, batch_first=True)
        self.score = nn.Linear(features, len(LETTERS))

    def forward(self, words: torch.Tensor) -> torch.Tensor:
        return self.score(self.layer(self.letter(words) + self.place))

    def look(self, words: torch.Tensor) -> torch.Tensor:
        """The weight that each place gives to each other one: (words, LENGTH, LENGTH)."""
        x = self.letter(words) + self.place
        return self.layer.self_attn(x, x, x)[1]


def draw_words(count: int) -> torch.Tensor:
    """Words of random letters: (count, LENGTH)."""
    return torch.randint(len(LETTERS), (count, LENGTH))


def train(net: Reverser, steps: int) -> float:
    """Trains on new words at each step; returns the last loss, the mean of -log p(right letter)."""
    optimizer = torch.optim.Adam(net.parameters(), lr=0.005)
    for _ in range(steps):
        words = draw_words(64)
        loss = F.cross_entropy(net(words).transpose(1, 2), words.flip(1))
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    return loss.item()


@torch.no_grad()
def write_backwards(net: Reverser, word: str) -> str:
    """The likeliest letter at each place."""
    places = net(torch.tensor([[LETTERS.index(letter) for letter in word]])).argmax(-1)[0]
    return "".join(LETTERS[int(place)] for place in places)


@torch.no_grad()
def find_looks(net: Reverser, count: int) -> torch.Tensor:
    """How much each place looks at each other one, on average over words: (LENGTH, LENGTH)."""
    return net.look(draw_words(count)).mean(0)


def draw_looks(looks: torch.Tensor) -> str:
    """A line for each place that looks, a sign for each one that is looked at; a darker sign is a larger weight."""
    rows = [[SHADES[min(int(x * len(SHADES)), len(SHADES) - 1)] * 2 for x in row] for row in looks.tolist()]
    return "\n".join(f"  place {i} |{''.join(row)}|" for i, row in enumerate(rows))


def main(arguments: list[str] | None = None) -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--steps", type=int, default=300, help="of training (default 300)")
    parser.add_argument("--features", type=int, default=32, help="of each letter and place (default 32)")
    parser.add_argument("--seed", type=seed, default=0, help="of the first weights and the words (default 0)")
    options = parser.parse_args(arguments)
    if options.steps < 1 or options.features < 1:
        parser.error(f"--steps and --features count: at least 1, got {options.steps} and {options.features}")
    torch.manual_seed(options.seed)
    net = Reverser(options.features)
    print(f"before training, it looks everywhere:\n{draw_looks(find_looks(net, 64))}")
    print(f"after {options.steps} steps the loss is {train(net, options.steps):.3f}, and it looks from the end:")
    print(draw_looks(find_looks(net, 64)))
    for word in ("gradient", "backward", "sequence"):
        print(f"{word} -> {write_backwards(net, word)}")


if __name__ == "__main__":
    main()
