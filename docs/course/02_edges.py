# %% [markdown]
# # 2. Edges, and how to design a kernel
#
# An edge is where neighbouring pixels differ. A kernel that subtracts a pixel from its neighbour gives 0 where
# neighbours are equal, and a large number at an edge.

# %%
import minigrad as torch
import minigrad.nn.functional as F
from minigrad import course, viz


def corr2d(X, K):
    return F.conv2d(X[None, None], K[None, None])[0, 0]


X = torch.ones(6, 8)
X[:, 2:6] = 0
print(X)

# %% [markdown]
# ## [1, -1]
#
# Left minus right: 1 where white turns black, -1 where black turns white, 0 else.

# %%
K = torch.tensor([[1.0, -1.0]])
Y = corr2d(X, K)
print(Y)
assert Y[0].tolist() == [0, 1, 0, 0, 0, -1, 0]

# %% [markdown]
# ## Horizontal bars
#
# `X.t()` is X transposed: its rows are the columns of X. It has only horizontal edges. The kernel compares left and
# right neighbours, and finds nothing.

# %%
print(corr2d(X.t(), K))
assert (corr2d(X.t(), K) == 0).all()


# %%
def horizontal():
    """A kernel that finds horizontal edges, and gives 0 wherever there is none."""
    return torch.zeros(2, 1)  # your kernel in place of zeros


course.check("2.horizontal", horizontal)

# %% [markdown]
# ## A recipe
#
# A kernel looks like the pattern that it should find: positive numbers where the pattern is bright, negative where it
# is dark. If it should ignore the brightness of the whole image, its numbers must sum to 0. If it should keep the
# brightness, they must sum to 1.
#
# | kernel | sum | responds to |
# |---|---|---|
# | [1, -1] | 0 | vertical edges |
# | [[1, 2, 1], [0, 0, 0], [-1, -2, -1]] | 0 | horizontal edges, a little smoothed (Sobel) |
# | [[0, 1, 0], [1, -4, 1], [0, 1, 0]] | 0 | spots and edges of any direction (Laplace) |
# | ones(3, 3) / 9 | 1 | no pattern: it blurs |

# %%
sobel = torch.tensor([[1.0, 2, 1], [0, 0, 0], [-1, -2, -1]])
laplace = torch.tensor([[0.0, 1, 0], [1, -4, 1], [0, 1, 0]])
assert sobel.sum() == 0 and laplace.sum() == 0
assert (corr2d(X, sobel) == 0).all()  # no horizontal edge in the upright bars
spot = torch.zeros(5, 5)
spot[2, 2] = 1
print(corr2d(spot, laplace))  # a spot gives the kernel back, turned by half a turn: this one looks the same

# %% [markdown]
# ## Blur
#
# The mean of nine pixels is smoother than any of them. (If matplotlib is there, the cell writes a picture, edges.png.)

# %%
blurred = corr2d(X, torch.ones(3, 3) / 9)
print(blurred[0])
if viz.can_draw():
    viz.maps({"image": X, "edges": Y, "blurred": blurred}).savefig("edges.png")

# %% [markdown]
# ## Exercises


# %%
def mean(k):
    """The kernel (k, k) that replaces each pixel by the mean of its window."""


course.check("2.mean", mean)

# %% [markdown]
# The map of a 6 x 8 image was 6 x 7, and then 4 x 6. Where did the pixels go? [Chapter 3](03_sizes.py).
