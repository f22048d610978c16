# %% [markdown]
# # 4. Channels
#
# A colour image consists of three images, its channels: (3, H, W). A kernel then has three parts too, one for each
# channel: (3, h, w). Each part is applied to its own channel, and the three maps are added.

# %%
import minigrad as torch
import minigrad.nn.functional as F
from minigrad import course, nn, viz


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
print(viz.convolution(X, K[None]).at(0, 0))  # one number of the map, as a sum over both channels

# %% [markdown]
# ## Channels out
#
# One kernel finds one pattern. For several patterns take several kernels, and stack their maps: these are the channels
# of the next layer. So a layer's weight has four axes: (channels out, channels in, h, w).


# %%
def corr2d_multi_in_out(X, K):  # (C, H, W), (O, C, h, w) -> (O, H', W')
    return torch.stack([corr2d_multi_in(X, k) for k in K])


K = torch.stack([K, K + 1, K + 2])
print(K.shape, "->", corr2d_multi_in_out(X, K).shape)
assert torch.equal(corr2d_multi_in_out(X, K), F.conv2d(X[None], K)[0])

# %% [markdown]
# ## 1x1
#
# A kernel of one pixel uses no neighbours. It computes a weighted sum over channels: at each pixel the same small
# matrix is multiplied by the pixel's channels. (A layer that multiplies all its inputs by one matrix is called fully
# connected: this is one for each pixel.) `manual_seed` makes the random numbers the same in every run.


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
# `nn.Conv2d` has the weight and a bias, one number for each channel out that is added to its map. The axes of its
# input always have the order (images, channels, rows, columns). Many errors of beginners are about this order; try
# one.

# %%
layer = nn.Conv2d(3, 8, kernel_size=5)
print(layer.weight.shape, layer.bias.shape, sum(p.numel() for p in layer.parameters()), "numbers to train")
assert sum(p.numel() for p in layer.parameters()) == 8 * 3 * 5 * 5 + 8
try:
    layer(torch.rand(1, 32, 48, 3))
except RuntimeError as error:
    print(error)

# %% [markdown]
# ## What a layer costs
#
# Each number of each map out is a sum of C * h * w products. For O maps of H' x W' numbers that makes
#
#     O * C * h * w             weights
#     O * C * h * w * H' * W'   multiplications
#
# So the first layers, whose maps are large, cost time, and the last ones, with many channels, cost memory.
# `nn.summary` counts both (and the biases, too). Papers often count FLOPs: a multiplication and an addition are two, so
# there are twice as many.

# %%
print(nn.summary(nn.Conv2d(3, 64, 3, padding=1, bias=False), (1, 3, 224, 224)))
assert 64 * 3 * 3 * 3 * 224 * 224 == 86_704_128

# %% [markdown]
# Two ways to spend less. Three layers of 3 x 3 see as many pixels as one of 7 x 7 (chapter 3), with 27 in place of 49
# weights for each pair of channels (Simonyan and Zisserman, 2015: VGG). And a 1x1 layer can first reduce the channels,
# so that the expensive 3 x 3 layer has few, and another one brings them back: a **bottleneck** (He et al., 2016).


# %%
def count(*layers):
    return sum(layer.weight.numel() for layer in layers)


small = [nn.Conv2d(64, 64, 3, padding=1) for _ in range(3)]
print("three of 3 x 3:", count(*small), "weights; one of 7 x 7:", count(nn.Conv2d(64, 64, 7, padding=3)))
narrow = nn.Conv2d(256, 64, 1), nn.Conv2d(64, 64, 3, padding=1), nn.Conv2d(64, 256, 1)
print("a bottleneck:", count(*narrow), "weights; without it:", count(nn.Conv2d(256, 256, 3, padding=1)))
assert count(*small) == 27 * 64**2 and count(*narrow) == 69_632

# %% [markdown]
# ## Exercises


# %%
def multi_in(X, K):
    """The cross-correlation of an image (C, H, W) and a kernel (C, h, w): one map."""


course.check("4.multi_in", multi_in)


# %%
def multi_in_out(X, K):
    """The cross-correlation of an image (C, H, W) and kernels (O, C, h, w): O maps."""


course.check("4.multi_in_out", multi_in_out)


# %%
def one_by_one(X, K):
    """A 1x1 convolution, X (C, H, W) and K (O, C, 1, 1), as one product of matrices."""


course.check("4.one_by_one", one_by_one)


# %%
def cost(channels_in, channels_out, k, rows, columns):
    """The number of multiplications of a k x k convolution whose maps out have `rows` x `columns` numbers."""


course.check("4.cost", cost)

# %% [markdown]
# So far we designed kernels by hand. Nobody can design the 600 numbers in the kernels of `nn.Conv2d(3, 8, 5)`. In
# [chapter 5](05_learning_a_kernel.py) the computer finds them.
