"""A language model of one block: attention by hand, beside the function that computes it at once.

After Vaswani et al., "Attention is all you need", 2017.
"""

import minigrad as torch
import minigrad.nn.functional as F
from minigrad import nn

torch.manual_seed(1337)
torch.set_default_dtype(torch.float64)

text = "the quick brown fox jumps over the lazy dog. " * 6
letters = sorted(set(text))
data = torch.tensor([letters.index(letter) for letter in text])
BATCH, LENGTH, WIDTH = 4, 8, 16


class Head(nn.Module):
    def __init__(self, size):
        super().__init__()
        self.key, self.query, self.value = (nn.Linear(WIDTH, size, bias=False) for _ in range(3))
        self.register_buffer("past", torch.tril(torch.ones(LENGTH, LENGTH)))

    def forward(self, x):
        T = x.shape[1]
        q, k, v = self.query(x), self.key(x), self.value(x)
        scores = q @ k.transpose(-2, -1) * k.shape[-1] ** -0.5
        scores = scores.masked_fill(self.past[:T, :T] == 0, float("-inf"))
        out = F.softmax(scores, dim=-1) @ v
        assert torch.allclose(out, F.scaled_dot_product_attention(q, k, v, is_causal=True))
        return out


class Model(nn.Module):
    def __init__(self):
        super().__init__()
        self.letter, self.place = nn.Embedding(len(letters), WIDTH), nn.Embedding(LENGTH, WIDTH)
        self.heads = nn.ModuleList([Head(WIDTH // 2) for _ in range(2)])
        self.think = nn.Sequential(
            nn.LayerNorm(WIDTH), nn.Linear(WIDTH, 4 * WIDTH), nn.GELU(), nn.Linear(4 * WIDTH, WIDTH)
        )
        self.out = nn.Linear(WIDTH, len(letters))

    def forward(self, indices):
        x = self.letter(indices) + self.place(torch.arange(indices.shape[1]))
        x = x + torch.cat([head(x) for head in self.heads], dim=-1)
        return self.out(x + self.think(x))


model = Model()
print(model)
print(sum(p.numel() for p in model.parameters()), "parameters")
optimizer = torch.optim.AdamW(model.parameters(), lr=3e-3)
for step in range(10):
    starts = torch.randint(len(data) - LENGTH, (BATCH,))
    x = torch.stack([data[i : i + LENGTH] for i in starts])
    y = torch.stack([data[i + 1 : i + LENGTH + 1] for i in starts])
    loss = F.cross_entropy(model(x).flatten(0, 1), y.flatten())
    optimizer.zero_grad(set_to_none=True)
    loss.backward()
    optimizer.step()
    if step % 3 == 0:
        print(f"step {step}: loss {loss.item():.6f}")

with torch.no_grad():
    written = torch.zeros((1, 1), dtype=torch.long)
    for _ in range(20):
        scores = model(written[:, -LENGTH:])[:, -1] / 0.8
        best, _ = torch.topk(scores, 5)
        scores[scores < best[:, [-1]]] = -float("inf")
        written = torch.cat((written, torch.multinomial(F.softmax(scores, -1), 1)), dim=1)
print(repr("".join(letters[i] for i in written[0].tolist())))

# A bool mask, a float mask, and a query that may attend to nothing.
q, k, v = torch.randn(3, 4), torch.randn(5, 4), torch.randn(5, 2)
allowed = torch.ones(3, 5, dtype=torch.bool).tril(1)
added = torch.zeros(3, 5).masked_fill(~allowed, float("-inf"))
print(F.scaled_dot_product_attention(q, k, v, attn_mask=allowed))
print(
    torch.allclose(
        F.scaled_dot_product_attention(q, k, v, attn_mask=added), F.scaled_dot_product_attention(q, k, v, allowed)
    )
)
allowed[1] = False
print(F.scaled_dot_product_attention(q, k, v, attn_mask=allowed)[1])

torch.set_default_dtype(torch.float32)
