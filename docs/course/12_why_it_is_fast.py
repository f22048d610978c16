# %% [markdown]
# # 12. Why convolution is fast
#
# The loops of chapter 1 take hundreds of times as long as the library: a cell below measures it. Two ideas make the
# difference: one large matrix product instead of many small sums, and fewer multiplications.

# %%
import time
from fractions import Fraction

import minigrad as torch
import minigrad.nn.functional as F
from minigrad import course, nn, viz

torch.manual_seed(0)

# %% [markdown]
# ## One product
#
# Write each window as a column: its pixels, row by row. Then the whole convolution is one matrix product: kernels as
# rows, windows as columns. That is **im2col**; `F.unfold` writes the columns. It copies each pixel up to h * w times,
# and is still much faster, because processors are best at products of large matrices. The picture shows window 2 of 6,
# counted from 0, and its column.

# %%
X = torch.arange(12.0).reshape(3, 4)
columns = F.unfold(X[None, None], (2, 2))[0]
print(columns.int())
K = torch.tensor([[0.0, 1.0], [2.0, 3.0]])
if viz.can_draw():
    viz.im2col(3, 4, 2, 2, window=2).savefig("im2col.png")
assert torch.equal((K.reshape(1, 4) @ columns).reshape(2, 3), F.conv2d(X[None, None], K[None, None])[0, 0])

# %% [markdown]
# ## How much faster?


# %%
def by_loops(X, K):
    Y = torch.zeros(X.shape[0] - K.shape[0] + 1, X.shape[1] - K.shape[1] + 1)
    for i in range(Y.shape[0]):
        for j in range(Y.shape[1]):
            Y[i, j] = (X[i : i + K.shape[0], j : j + K.shape[1]] * K).sum()
    return Y


def by_im2col(X, K):
    columns = F.unfold(X[None, None], K.shape)[0]
    return (K.reshape(1, -1) @ columns).reshape(X.shape[0] - K.shape[0] + 1, -1)


def seconds(function, *arguments):
    began = time.perf_counter()
    function(*arguments)
    return time.perf_counter() - began


X, K = torch.randn(64, 64), torch.randn(5, 5)
assert torch.allclose(by_loops(X, K), by_im2col(X, K), atol=1e-4)
slow, quick = seconds(by_loops, X, K), min(seconds(by_im2col, X, K) for _ in range(5))
print(f"loops {slow * 1e3:.1f} ms, one product {quick * 1e3:.2f} ms: {slow / quick:.0f} times as fast")

# %% [markdown]
# Both do the same 90,000 multiplications. But the loops make several calls for each of 3,600 windows, and a call costs
# as much for one number as for a hundred:

# %%
for n in (1, 100, 10_000, 1_000_000):
    x = torch.ones(n)
    print(f"{n:>9,} products in one call: {min(seconds(torch.mul, x, x) for _ in range(50)) * 1e6:7.1f} microseconds")
assert 60 * 60 * 5 * 5 == 90_000

# %% [markdown]
# ## Four products for six
#
# Four pixels d0 to d3 and a kernel of three numbers g0, g1, g2 make two outputs: y0 = d0 g0 + d1 g1 + d2 g2 and
# y1 = d1 g0 + d2 g1 + d3 g2. Six products. Shmuel Winograd (1980) showed that four are enough, and that fewer are
# impossible:
#
#     m1 = (d0 - d2) g0          m2 = (d1 + d2) (g0 + g1 + g2) / 2
#     m4 = (d1 - d3) g2          m3 = (d2 - d1) (g0 - g1 + g2) / 2
#     y0 = m1 + m2 + m3          y1 = m2 - m3 - m4
#
# The sums of g, with their halves, are computed once for the whole image, so they are not counted: what counts is how
# often a number made of pixels meets a number made of the kernel. Proof by exact fractions: both sides are linear in
# each d and each g, so it is enough to look at unit vectors, which have one 1 and else 0.


# %%
def winograd(d, g):
    half = Fraction(1, 2)
    m1, m4 = (d[0] - d[2]) * g[0], (d[1] - d[3]) * g[2]
    m2 = (d[1] + d[2]) * (g[0] + g[1] + g[2]) * half
    m3 = (d[2] - d[1]) * (g[0] - g[1] + g[2]) * half
    return m1 + m2 + m3, m2 - m3 - m4


def plainly(d, g):
    return sum(d[k] * g[k] for k in range(3)), sum(d[k + 1] * g[k] for k in range(3))


units = [[int(i == k) for i in range(4)] for k in range(4)]
assert all(winograd(d, g[:3]) == plainly(d, g[:3]) for d in units for g in units[:3])
print("equal for all", 4 * 3, "pairs of unit vectors, so for all numbers")
if viz.can_draw():
    viz.winograd().savefig("winograd.png")

# %% [markdown]
# In two dimensions this is done along both axes: four outputs of a 3 x 3 kernel take 4 * 4 = 16 products instead of
# 4 * 9 = 36. The additions before and after take time too, and float32 loses some digits, so it pays for layers with
# many channels and 3 x 3 kernels, the most common layers. Lavin and Gray introduced it to deep learning in 2015.
#
# ## Which algorithm?
#
# No algorithm is the quickest for all shapes. So for each shape the library estimates what every algorithm would cost
# on this kind of machine: so many products, so many copied numbers, so many calls. It chooses the least. These appear
# below:
#
# | name | how it computes |
# |---|---|
# | tiny | im2col for the whole batch at once, with as few calls as possible |
# | im2col | the same in blocks that fit into the processor's fast memory; more calls, but any size |
# | planes, mec | fewer copies: windows that overlap share what was copied |
# | pointwise | for 1x1 kernels: a product over the channels, as in chapter 4, without any copy |
# | channels last | the channels of a pixel side by side, so a row of a window is copied in one piece |
# | toeplitz | for small images: one product with the matrix of [chapter 14](14_other_convolutions.py) |
# | winograd | fewer products; `2x2` makes four outputs at once, as above, and the other sixteen |
#
# `explain` lists them, the quickest first, with the estimate and with what it measures here and now, in milliseconds:
# forward, the gradient in the image, the gradient in the kernel (chapter 8), and their sum. A star marks the algorithm
# with the least estimate, which is the one that a layer uses.

# %%
for shape, layer in (
    ((1, 1, 6, 8), nn.Conv2d(1, 1, (1, 2))),
    ((4, 64, 28, 28), nn.Conv2d(64, 64, 1)),
    ((4, 64, 28, 28), nn.Conv2d(64, 64, 3, padding=1)),
):
    rows = torch.backends.conv.explain(shape, layer)
    print(layer, rows, sep="\n")
    assert sum(row.chosen for row in rows) == 1

# %% [markdown]
# The first layer is that of chapter 5. It takes 84 multiplications, much less work than a single call: so `tiny` is the
# quickest, because it makes the fewest calls. The second one is a matrix product as it stands, and `pointwise` does just
# that. The third takes 116 million multiplications, beside which calls and copies are little, so it pays to save
# products. Where two rows are nearly equal, the measured order may differ from the estimated one, and from run to run;
# the choice is made without measuring, once for each shape.

# %%
assert 6 * 7 * 2 == 84 and 4 * 64 * 64 * 9 * 28 * 28 == 115_605_504

# %% [markdown]
# Each algorithm is one file:
# [tiny.py](../../minigrad/kernels/tiny.py) and [im2col.py](../../minigrad/kernels/im2col.py), and the quicker ones in
# [kernels/fast](../../minigrad/kernels/fast).
#
# ## Exercises


# %%
def im2col(X, h, w):
    """The windows of X (H, W) as the columns of a matrix (h * w, windows)."""


course.check("12.im2col", im2col)


# %%
def my_winograd(d, g):
    """Two outputs of a kernel g of three numbers on four pixels d, with four multiplications of d by g: [y0, y1]."""


course.check("12.winograd", my_winograd)

# %% [markdown]
# And if one processor is not enough? [Chapter 13](13_gpu_and_several_processes.py).
