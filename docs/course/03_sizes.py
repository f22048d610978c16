# %% [markdown]
# # 3. Sizes: padding, stride, receptive field
#
# A kernel of 3 pixels fits 6 times on 8 pixels. Ten such layers, and 20 pixels of an image are gone. Padding puts them
# back, a stride throws them away on purpose.

# %%
import minigrad as torch
from minigrad import course, nn, viz

# %% [markdown]
# ## How often does it fit?
#
# Along one axis, with n pixels, padding p on either side, a kernel of k and steps of s: the first window starts at -p,
# the last one may start at n + p - k, and between them lie steps of s. So there are
#
#     floor((n + 2p - k) / s) + 1
#
# windows. `floor`, because a step that would leave the image is not taken: its pixels are never seen.


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
# Zeros around the image. Half the kernel on each side keeps the size, for an odd kernel. Rows and columns may differ.

# %%
assert size_of(nn.Conv2d(1, 1, kernel_size=(5, 3), padding=(2, 1))) == (8, 8)
assert size_of(nn.Conv2d(1, 1, kernel_size=(3, 5), padding=(0, 1), stride=(3, 4))) == (2, 2)
assert size_of(nn.Conv2d(1, 1, 3, padding="same")) == (8, 8)

# %% [markdown]
# ## A stride that ignores pixels
#
# Kernel 2, stride 3 on 8 pixels: windows at 0, 3 and 6. Pixels 2 and 5 are never looked at.

# %%
X = torch.zeros(1, 1, 1, 8, requires_grad=True)
nn.functional.conv2d(X, torch.ones(1, 1, 1, 2), stride=3).sum().backward()
print("how often each pixel was seen:", X.grad.flatten().int().tolist())
assert X.grad.flatten().tolist() == [1, 1, 0, 1, 1, 0, 1, 1]

# %% [markdown]
# ## What a pixel sees
#
# The gradient has just told which pixels a layer looks at. The same question for one output of several layers gives its
# **receptive field**: all pixels that can change it. Two layers of 3 see 5 pixels, not 6: they share one.


# %%
def seen(*layers, n=32):
    X = torch.zeros(1, 1, n, n, requires_grad=True)
    Y = X
    for layer in layers:
        nn.init.ones_(layer.weight)
        Y = layer(Y)
    Y[0, 0, Y.shape[2] // 2, Y.shape[3] // 2].backward()
    return int((X.grad[0, 0] != 0).any(0).sum())


def conv(k, **options):
    return nn.Conv2d(1, 1, k, bias=False, **options)


print("3:", seen(conv(3)), " 3 3:", seen(conv(3), conv(3)), " 3/2 3:", seen(conv(3, stride=2), conv(3)))
assert [seen(conv(3)), seen(conv(3), conv(3)), seen(conv(3, stride=2), conv(3))] == [3, 5, 7]
if viz.can_draw():
    viz.receptive_field([3, 3], [2, 1]).savefig("receptive_field.png")

# %% [markdown]
# Behind a stride of 2, neighbours lie 2 pixels apart in the image: a kernel of 3 reaches over 4 pixels more. That is how
# deep networks come to see whole faces.
#
# ## Exercises


# %%
def output_size(n, k, padding=0, stride=1): ...


course.check("3.output_size", output_size)


# %%
def same_padding(k): ...


course.check("3.same_padding", same_padding)


# %%
def receptive_field(kernels, strides): ...


course.check("3.receptive_field", receptive_field)

# %% [markdown]
# So far the image was grey. [Chapter 4](04_channels.py) brings colour, and more maps than one.
