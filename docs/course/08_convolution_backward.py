# %% [markdown]
# # 8. Convolution backward, by hand and checked
#
# The engine of chapter 7 needs the gradient rules of a convolution. Here you write them, for a batch (several images in
# one tensor) with channels, and a checker names your mistakes.

# %%
import minigrad as torch
import minigrad.nn.functional as F
from minigrad import course, viz

torch.manual_seed(0)
N, C, O, H, W, h, w = 2, 2, 3, 5, 5, 2, 2
inputs = {"x": torch.randn(N, C, H, W), "w": torch.randn(O, C, h, w), "b": torch.randn(O)}

# %% [markdown]
# ## The forward, by shifts
#
# Chapter 1's other two loops, with channels and a batch: for each number (i, j) of the kernel the pixels that it meets,
# times the number, added up over the channels c. (`einsum` multiplies where letters agree, and adds up over those that
# do not stand behind the arrow.)
#
#     y[n, o, p, q] = b[o] + sum over c, i, j of x[n, c, p + i, q + j] * w[o, c, i, j]


# %%
def under(x, i, j, size):
    """The pixels that the kernel's number (i, j) meets, over all places of the window."""
    return x[:, :, i : i + size[0], j : j + size[1]]


def conv(x, w, b):
    size = x.shape[2] - w.shape[2] + 1, x.shape[3] - w.shape[3] + 1
    y = b.reshape(1, -1, 1, 1)
    for i in range(w.shape[2]):
        for j in range(w.shape[3]):
            y = y + torch.einsum("nchw,oc->nohw", under(x, i, j, size), w[:, :, i, j])
    return y


assert torch.allclose(conv(**inputs), F.conv2d(*inputs.values()), atol=1e-5)

# %% [markdown]
# ## The question
#
# `g` has the shape of y: it is the derivative of the loss with respect to each output. Wanted are the derivatives with
# respect to each number of x, of w and of b. Ask for each number: which outputs does it enter, and with which factor?
#
# For the image and the kernel of chapter 1 the answers can be written down; g(p, q) belongs to window (p, q). The
# corner of the image is in one window, its middle in four:

# %%
windows = viz.convolution(torch.arange(9.0).reshape(3, 3), torch.tensor([[0.0, 1.0], [2.0, 3.0]]))
print(windows.gradient_of_weight(0, 1))
print(windows.gradient_of_pixel(0, 0))
print(windows.gradient_of_pixel(1, 1))

# %% [markdown]
# Now for a batch, and for channels.
#
# ## The bias
#
# b[o] enters every pixel of map o, of every image, with factor 1. So its derivative is the sum of g over map o:


# %%
def db(g, x, w, b):
    """The gradient of conv2d(x, w, b) along b (O,), from g (N, O, Ho, Wo)."""
    return g.sum((0, 2, 3))  # (N, O, Ho, Wo) -> (O,)


course.check("8.db", db)

# %% [markdown]
# `check_gradients` compares with finite differences: it changes each number a little, and looks how much the forward's
# output changes. It says which gradients are right and which are wrong.

# %%
print(course.check_gradients(conv, inputs, lambda g, x, w, b: {"b": db(g, x, w, b)}))

# %% [markdown]
# What if we forget to sum over the batch? And what if the shape is right nevertheless?

# %%
print(course.check_gradients(conv, inputs, lambda g, x, w, b: {"b": g.sum((2, 3))}))
print(course.check_gradients(conv, inputs, lambda g, x, w, b: {"b": g[0].sum((1, 2))}))

# %% [markdown]
# ## The kernel
#
# w[o, c, i, j] is multiplied by the pixels `under(x[n, c], i, j)`, for map o of image n. Multiply g there by these
# pixels, and sum over positions and images. (This is again a correlation, of x with g; chapter 5 had a small case.)
# Write this rule yourself. Here is a wrong one to begin with; what does the checker say?


# %%
def dw(g, x, w, b):
    """The gradient of conv2d(x, w, b) along w (O, C, kh, kw), from g (N, O, Ho, Wo)."""
    gradient = torch.zeros_like(w)
    for n in range(g.shape[0]):
        for i in range(w.shape[2]):
            for j in range(w.shape[3]):
                met = under(x, i, j, g.shape[2:])[n]  # (C, Ho, Wo)
                gradient[:, :, i, j] = torch.einsum("ohw,chw->oc", g[n], met)
    return gradient


course.check("8.dw", dw)

# %% [markdown]
# ## The image
#
# A pixel is in up to h * w windows, each time multiplied by another number of the kernel. Each window contributes its g
# times that number, and the contributions are added. `=` instead of `+=` keeps only one of them.


# %%
def dx(g, x, w, b):
    """The gradient of conv2d(x, w, b) along x (N, C, H, W), from g (N, O, Ho, Wo)."""


course.check("8.dx", dx)

# %% [markdown]
# The same in another form: in window (p - i, q - j) the pixel (p, q) is multiplied by w[i, j]. The indices have
# opposite signs, so dx is a correlation of the padded g with the kernel **flipped in both axes**, with its channels in
# and out exchanged. Here the flip is forgotten; for a 2 x 2 kernel, g is padded with one zero on each side:

# %%
print(course.check_gradients(conv, inputs, lambda g, x, w, b: {"x": F.conv2d(g, w.transpose(0, 1), padding=1)}))

# %% [markdown]
# ## When the checker is blind
#
# With one image a forgotten sum over the batch changes nothing, so no checker can find it. It says so:

# %%
one_image = {**inputs, "x": inputs["x"][:1]}
print(course.check_gradients(conv, one_image, lambda g, x, w, b: {"b": g[0].sum((1, 2))}))

# %% [markdown]
# ## Two mistakes with right numbers
#
# A rule may return the right numbers and still be wrong: it may use values left over from the *last* call, or write
# into the arriving gradient, which other rules still read. So the checker calls twice, and checks for writes.


# %%
def scribbles(g, x):
    g *= 2
    return g * x


print(course.check_gradients(lambda x: x * x, {"x": torch.randn(3)}, scribbles))

# %% [markdown]
# ## With a stride
#
# Window (p, q) starts at (2p, 2q). The rest is as before; mind the pixels that are in no window.


# %%
def dw_strided(g, x, w):
    """The gradient of conv2d(x, w, stride=2) along w."""


course.check("8.dw_strided", dw_strided)


# %%
def dx_strided(g, x, w):
    """The gradient of conv2d(x, w, stride=2) along x."""


course.check("8.dx_strided", dx_strided)


# %% [markdown]
# You now have all the rules of a convolution layer. In the library they stand in
# [ops/conv.py](../../minigrad/ops/conv.py), in three lines: each of conv, dx and dw is the gradient of the others.
# [How Conv2d's backward works](../convolution_backward.md) derives them once more, with padding, dilation and groups,
# and leads to the lines of the library that compute them.
#
# Next: who keeps the weights and makes the steps? [Chapter 9](09_modules_optimizers_data.py).
