# %% [markdown]
# # 3. Sizes: padding, stride, receptive field
#
# A kernel of 3 pixels fits at 6 positions on 8 pixels, so each layer removes 2 pixels, and ten layers 20. Padding keeps
# the size; a stride reduces it on purpose.

# %%
import minigrad as torch
from minigrad import course, nn, viz

# %% [markdown]
# ## How many windows?
#
# Along one axis, with n pixels, padding p on each side, a kernel of k and stride s: the first window starts at -p, the
# last one may start at n + p - k, and windows are s pixels apart. So there are
#
#     floor((n + 2p - k) / s) + 1
#
# windows. `floor` rounds down, because a window that would leave the image is left out: its pixels are ignored.
#
# The layer `nn.Conv2d(1, 1, 3)` does what `F.conv2d` does, with a 3 x 3 kernel that it keeps: here we look at the size
# of its result alone. The first two numbers count channels; chapter 4 explains them.


# %%
def size_of(layer, n=8):
    return tuple(layer(torch.rand(1, 1, n, n)).shape[2:])


print("kernel 3:                     ", size_of(nn.Conv2d(1, 1, 3)))
print("kernel 3, padding 1:          ", size_of(nn.Conv2d(1, 1, 3, padding=1)))
print("kernel 3, padding 1, stride 2:", size_of(nn.Conv2d(1, 1, 3, padding=1, stride=2)))
assert size_of(nn.Conv2d(1, 1, 3)) == (6, 6)
assert size_of(nn.Conv2d(1, 1, 3, padding=1)) == (8, 8)
assert size_of(nn.Conv2d(1, 1, 3, padding=1, stride=2)) == (4, 4)

# %% [markdown]
# ## Padding
#
# Padding adds zeros around the image. With (k - 1) / 2 on each side, for odd k, the size stays the same. Rows and
# columns may have different padding.

# %%
assert size_of(nn.Conv2d(1, 1, kernel_size=(5, 3), padding=(2, 1))) == (8, 8)
assert size_of(nn.Conv2d(1, 1, kernel_size=(3, 5), padding=(0, 1), stride=(3, 4))) == (2, 2)
assert size_of(nn.Conv2d(1, 1, 3, padding="same")) == (8, 8)

# %% [markdown]
# ## Other borders
#
# Zeros are a black frame around the image: a kernel for edges finds an edge there. Other paddings go on with the image:
# they repeat the last pixel, mirror the pixels behind it, or go on at the other end. A layer takes them as
# `padding_mode`. Its kernel is `layer.weight`, and `.data` are the numbers in it, which we set. With `bias=False` it
# adds no number of its own to the result.

# %%
row = torch.tensor([[[1.0, 2.0, 3.0, 4.0]]])
for mode in ("constant", "replicate", "reflect", "circular"):
    print(f"{mode:9}", nn.functional.pad(row, (2, 2), mode=mode).flatten().int().tolist())

white = torch.ones(1, 1, 1, 6)
edges = {}
for mode in ("zeros", "replicate", "reflect", "circular"):
    layer = nn.Conv2d(1, 1, (1, 3), padding=(0, 1), padding_mode=mode, bias=False)
    layer.weight.data = torch.tensor([[[[1.0, 0.0, -1.0]]]])
    edges[mode] = layer(white).flatten().int().tolist()
    print(f"{mode:9} the edges of a white row: {edges[mode]}")
assert edges["zeros"] == [-1, 0, 0, 0, 0, 1] and all(edges[mode] == [0] * 6 for mode in ("replicate", "reflect"))

# %% [markdown]
# ## A stride that ignores pixels
#
# Kernel 2, stride 3 on 8 pixels: windows at 0, 3 and 6. Pixels 2 and 5 are in no window.
#
# A trick shows it. With a kernel of ones, the sum of the map counts each pixel as often as a window sees it.
# `backward()` finds, for each pixel, by how much that sum grows if the pixel grows by 1: just this number. (Chapters 5
# and 7 explain how.)

# %%
X = torch.zeros(1, 1, 1, 8, requires_grad=True)
nn.functional.conv2d(X, torch.ones(1, 1, 1, 2), stride=3).sum().backward()
print("how often each pixel was seen:", X.grad.flatten().int().tolist())
assert X.grad.flatten().tolist() == [1, 1, 0, 1, 1, 0, 1, 1]

# %% [markdown]
# ## The receptive field
#
# The gradient has just shown which pixels a layer uses. For one output of several layers these pixels are its
# **receptive field**: all pixels that can change it. Two layers with kernels of 3 have a receptive field of 5 pixels,
# not 6: the output sees 3 neighbours in the map between, whose windows overlap.
#
#     image      o o o o o      3 + 2 = 5
#     between      o o o        3
#     output         o          1


# %%
def seen(*layers, n=32):
    X = torch.zeros(1, 1, n, n, requires_grad=True)
    Y = X
    for layer in layers:
        nn.init.ones_(layer.weight)  # a kernel of ones, so that no two ways cancel
        Y = layer(Y)
    Y[0, 0, Y.shape[2] // 2, Y.shape[3] // 2].backward()
    return int((X.grad[0, 0] != 0).any(0).sum())


def conv(k, **options):
    return nn.Conv2d(1, 1, k, bias=False, **options)


print("one layer, kernel 3:              ", seen(conv(3)), "pixels")
print("two layers:                       ", seen(conv(3), conv(3)), "pixels")
print("two layers, the first of stride 2:", seen(conv(3, stride=2), conv(3)), "pixels")
assert [seen(conv(3)), seen(conv(3), conv(3)), seen(conv(3, stride=2), conv(3))] == [3, 5, 7]
if viz.can_draw():
    viz.receptive_field([3, 3], [2, 1]).savefig("receptive_field.png")

# %% [markdown]
# After a stride of 2, neighbours are 2 pixels apart in the image: a kernel of 3 adds 4 pixels to the receptive field.
# So an output of a deep network can depend on a whole face.
#
# ## Exercises


# %%
def output_size(n, k, padding=0, stride=1):
    """The number of windows of k pixels on n pixels, with `padding` zeros on each side, `stride` pixels apart."""


course.check("3.output_size", output_size)


# %%
def same_padding(k):
    """The padding at which a kernel of k pixels, k odd, leaves the size as it is (stride 1)."""


course.check("3.same_padding", same_padding)


# %%
def receptive_field(kernels, strides):
    """The number of pixels, along one axis of the image, that can change one output of these layers in a row."""


course.check("3.receptive_field", receptive_field)


# %%
def mirror(x, p):
    """The row x (n,) with p pixels added at each end, as `padding_mode="reflect"` does, for p < n."""


course.check("3.mirror", mirror)

# %% [markdown]
# So far the image was grey. [Chapter 4](04_channels.py) adds colour, and several feature maps.
