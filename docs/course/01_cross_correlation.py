# %% [markdown]
# # 1. Cross-correlation by hand
#
# A convolution layer slides a small box of numbers, the kernel, over an image. At each position it multiplies the
# kernel by the pixels under it, number by number, and adds the products. The sums, arranged like the positions, are the
# feature map. In mathematics this is called cross-correlation. (A convolution flips the kernel first. For a learned
# kernel that makes no difference, so the layers kept the name without the flip.)

# %%
import minigrad as torch
import minigrad.nn.functional as F
from minigrad import course, viz

# %% [markdown]
# ## The window
#
# The window at (i, j) has the size of the kernel, and its upper left corner at row i, column j. Here is the
# window at (0, 1) of a 3 x 3 image, for a kernel of 2 x 2:
#
#     0 [1  2]       kernel  0  1
#     3 [4  5]               2  3
#     6  7  8

# %%
X = torch.tensor([[0.0, 1.0, 2.0], [3.0, 4.0, 5.0], [6.0, 7.0, 8.0]])
K = torch.tensor([[0.0, 1.0], [2.0, 3.0]])
print(X[0:2, 1:3])
print((X[0:2, 1:3] * K).sum())  # 1*0 + 2*1 + 4*2 + 5*3
assert (X[0:2, 1:3] * K).sum() == 25

# %% [markdown]
# `viz.convolution` tells the sum behind each number of the map. It also plays them all: the cell writes a page,
# windows.html. Open it in a browser, and go from window to window.

# %%
windows = viz.convolution(X, K)
print(windows.at(0, 1))
windows.save("windows.html")

# %% [markdown]
# ## Two loops
#
# A kernel of 2 rows fits at 2 positions in an image of 3 rows: 3 - 2 + 1. In general, the last window starts at row
# H - h, and the first at row 0. So the map has shape (H - h + 1, W - w + 1).


# %%
def corr2d(X, K):
    h, w = K.shape
    Y = torch.zeros(X.shape[0] - h + 1, X.shape[1] - w + 1)
    for i in range(Y.shape[0]):
        for j in range(Y.shape[1]):
            Y[i, j] = (X[i : i + h, j : j + w] * K).sum()
    return Y


print(corr2d(X, K))
assert corr2d(X, K).tolist() == [[19, 25], [37, 43]]

# %% [markdown]
# ## The other two loops
#
# Exchange the loops: each number of the kernel multiplies a shifted copy of the whole image, and the copies are added.
# The sums are the same, in another order. That takes one step for each number of the kernel, here 4, however large the
# image is; the two loops above take one step for each place of the window. Most quick algorithms for convolution are
# such changes of order (chapter 12).


# %%
def corr2d_by_shifts(X, K):
    h, w = K.shape
    H, W = X.shape[0] - h + 1, X.shape[1] - w + 1
    return sum(K[a, b] * X[a : a + H, b : b + W] for a in range(h) for b in range(w))


assert torch.equal(corr2d_by_shifts(X, K), corr2d(X, K))

# %% [markdown]
# ## The library's function
#
# `F.conv2d` takes many images with many channels: (images, channels, rows, columns). `X[None, None]` adds the first
# two.

# %%
print(F.conv2d(X[None, None], K[None, None])[0, 0])
assert torch.equal(F.conv2d(X[None, None], K[None, None])[0, 0], corr2d(X, K))

# %% [markdown]
# ## What it costs
#
# Each position takes as many multiplications as the kernel has numbers. An image of 3 x 3 and a kernel of 2 x 2: 4
# positions, 4 numbers, 16 multiplications. A photograph of 12 million pixels and a kernel of 5 x 5: 300 million.
#
# ## Exercises


# %%
def window(X, i, j, h, w):
    """The part of the image X that a kernel of h rows and w columns covers when its upper left corner is at (i, j)."""


course.check("1.window", window)


# %%
def my_corr2d(X, K):
    """The cross-correlation of an image (H, W) and a kernel (h, w)."""


course.check("1.corr2d", my_corr2d)


# %%
def multiplications(H, W, h, w):
    """The number of multiplications that corr2d takes, for an image of H x W and a kernel of h x w."""


course.check("1.multiplications", multiplications)

# %% [markdown]
# Next: what is a kernel good for? [Chapter 2](02_edges.py) finds the edges of an image.
