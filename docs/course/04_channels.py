# %% [markdown]
# # 4. Channels
#
# A colour image is three images on top of one another: (3, H, W). A kernel then has three layers too, one for each
# channel: (3, h, w). Each layer is laid over its own channel, and the three maps are added up.

# %%
import minigrad as torch
import minigrad.nn.functional as F
from minigrad import course, nn


def corr2d(X, K):
    return F.conv2d(X[None, None], K[None, None])[0, 0]


# %% [markdown]
# ## Channels in


# %%
def corr2d_multi_in(X, K):  # (C, H, W), (C, h, w) -> (H', W')
    return sum(corr2d(x, k) for x, k in zip(X, K))


X = torch.tensor([[[0.0, 1, 2], [3, 4, 5], [6, 7, 8]], [[1, 2, 3], [4, 5, 6], [7, 8, 9]]])
K = torch.tensor([[[0.0, 1], [2, 3]], [[1, 2], [3, 4]]])
print(corr2d_multi_in(X, K))
assert corr2d_multi_in(X, K).tolist() == [[56, 72], [104, 120]]

# %% [markdown]
# ## Channels out
#
# One kernel looks for one thing. For several things take several kernels, and lay the maps on top of one another: they
# are the channels of the next layer. So a layer's weight has four axes: (channels out, channels in, h, w).


# %%
def corr2d_multi_in_out(X, K):  # (C, H, W), (O, C, h, w) -> (O, H', W')
    return torch.stack([corr2d_multi_in(X, k) for k in K])


K = torch.stack([K, K + 1, K + 2])
print(K.shape, "->", corr2d_multi_in_out(X, K).shape)
assert torch.equal(corr2d_multi_in_out(X, K), F.conv2d(X[None], K)[0])

# %% [markdown]
# ## 1x1
#
# A kernel of one pixel sees no neighbours. What is left is the sum over channels, with weights: at each pixel the same
# small matrix is multiplied with the pixel's channels. A fully connected layer, pixel by pixel.


# %%
def corr2d_1x1(X, K):
    C, H, W = X.shape
    return (K.reshape(-1, C) @ X.reshape(C, H * W)).reshape(-1, H, W)


torch.manual_seed(0)
X, K = torch.randn(3, 3, 3), torch.randn(2, 3, 1, 1)
assert torch.allclose(corr2d_1x1(X, K), corr2d_multi_in_out(X, K), atol=1e-6)

# %% [markdown]
# ## The layer
#
# `nn.Conv2d` keeps the weight and a bias, one number for each channel out. The four axes of its input have an order that
# never changes: (images, channels, rows, columns). Most errors of beginners are about this order; try one.

# %%
layer = nn.Conv2d(3, 8, kernel_size=5)
print(layer.weight.shape, layer.bias.shape, sum(p.numel() for p in layer.parameters()), "numbers to train")
try:
    layer(torch.rand(1, 32, 48, 3))
except RuntimeError as error:
    print(error)

# %% [markdown]
# ## Exercises


# %%
def multi_in(X, K): ...


course.check("4.multi_in", multi_in)


# %%
def multi_in_out(X, K): ...


course.check("4.multi_in_out", multi_in_out)


# %%
def one_by_one(X, K): ...


course.check("4.one_by_one", one_by_one)

# %% [markdown]
# We have designed kernels by thinking. Nobody can think out the 2400 numbers of a layer. [Chapter 5](05_learning_a_kernel.py)
# lets the machine find them.
