# %% [markdown]
# # 8. Convolution backward, by hand and checked
#
# The engine of chapter 7 asked for one thing that it could not do itself: the rules of a convolution. Here you write
# them, for a batch of images with channels, and a checker tells you what is wrong, by name.

# %%
import minigrad as torch
import minigrad.nn.functional as F
from minigrad import course

torch.manual_seed(0)
N, C, O, H, W, h, w = 2, 2, 3, 5, 5, 2, 2
inputs = {"x": torch.randn(N, C, H, W), "w": torch.randn(O, C, h, w), "b": torch.randn(O)}

# %% [markdown]
# ## The forward, by shifts
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
# `g` has the shape of y. It tells by how much the loss grows with each output. Wanted: by how much it grows with each
# number of x, of w and of b. For any of these, follow it forward: where does it enter, and multiplied by what?
#
# ## The bias
#
# b[o] enters every pixel of map o, of every image, with weight 1. So all of g's map o is due to it:


# %%
def db(g, x, w, b):
    return g.sum((0, 2, 3))  # (N, O, Ho, Wo) -> (O,)


# %% [markdown]
# `check_gradients` compares with differences of the forward. It says which argument is right, and which is not.

# %%
print(course.check_gradients(conv, inputs, lambda g, x, w, b: {"b": db(g, x, w, b)}))

# %% [markdown]
# And if we forget the batch? And if we forget it so that the shape is right?

# %%
print(course.check_gradients(conv, inputs, lambda g, x, w, b: {"b": g.sum((2, 3))}))
print(course.check_gradients(conv, inputs, lambda g, x, w, b: {"b": g[0].sum((1, 2))}))

# %% [markdown]
# ## The kernel
#
# w[o, c, i, j] meets the pixels `under(x[n, c], i, j)`, and makes map o of image n. Multiply what arrives there with
# what it met, and add up over places and over images. (Again a correlation: of x with g. Chapter 5 had its small case.)
# This one is yours. Here is a wrong one to begin with; what does the checker say?


# %%
def dw(g, x, w, b):
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
# A pixel is met by up to h * w windows, each time by another number of the kernel. Each window sends back its g, times
# the number that looked at the pixel; and they add up. `=` in place of `+=` forgets all but one.


# %%
def dx(g, x, w, b): ...


course.check("8.dx", dx)

# %% [markdown]
# Another way to the same: at pixel (p, q) the window (p - i, q - j) looks through w[i, j]. The indices run against each
# other, so dx is a correlation of g, padded, with the kernel **flipped in both axes**, its channels in and out
# exchanged. Forget the flip, and:

# %%
print(course.check_gradients(conv, inputs, lambda g, x, w, b: {"x": F.conv_transpose2d(g, w.flip(2, 3))}))

# %% [markdown]
# ## When the checker is blind
#
# With one image, a forgotten sum over the batch changes nothing, and no checker in the world can see it. It says so:

# %%
one_image = {**inputs, "x": inputs["x"][:1]}
print(course.check_gradients(conv, one_image, lambda g, x, w, b: {"b": g[0].sum((1, 2))}))

# %% [markdown]
# ## Two mistakes that numbers do not show
#
# A rule may return the right numbers and be wrong: it may read what the *last* call left behind, or write into the
# gradient that arrives, which others still read. The checker calls twice, and looks twice.


# %%
def scribbles(g, x):
    g *= 2
    return g * x


print(course.check_gradients(lambda x: x * x, {"x": torch.randn(3)}, scribbles))

# %% [markdown]
# ## With a stride
#
# Window (p, q) starts at (2p, 2q). The rest is as before; mind the pixels that no window sees.


# %%
def dw_strided(g, x, w): ...


course.check("8.dw_strided", dw_strided)


# %%
def dx_strided(g, x, w): ...


course.check("8.dx_strided", dx_strided)


# %%
course.check("8.db", db)

# %% [markdown]
# You now hold all that a convolution layer needs. The library keeps these rules in
# [ops/conv.py](../../minigrad/ops/conv.py), in three lines: each of conv, dx and dw is the others' gradient.
