# %% [markdown]
# # 11. Reading errors
#
# Everyone who trains networks reads error messages all day. Here are 25 broken programs, each with a mistake
# that people really make. Run one and read the message, from the last line up: what was expected, what was got, what to
# do. Then correct the program. Corrected ones are at the end. Every message has a section in [errors](../errors.md).

# %%
from contextlib import contextmanager

import numpy as np

import minigrad as torch
import minigrad.nn.functional as F
from minigrad import course, nn


@contextmanager
def broken(number):
    try:
        yield
    except Exception as error:
        print(f"{number}. {type(error).__name__}: {error}\n")
    else:
        raise AssertionError(f"program {number} is not broken")


torch.manual_seed(0)
image, layer = torch.rand(6, 8), nn.Conv2d(1, 4, 3)
labels = torch.tensor([0, 1, 2, 1])
scores = torch.randn(4, 3, requires_grad=True)

# %% [markdown]
# ## Shapes

# %%
with broken(1):
    layer(image)

with broken(2):
    nn.Conv2d(3, 8, 3)(torch.rand(1, 32, 32, 3))

with broken(3):
    layer(torch.rand(1, 3, 6, 8))

with broken(4):
    nn.Conv2d(1, 1, 5)(torch.rand(1, 1, 4, 4))

with broken(5):
    nn.Sequential(nn.Conv2d(1, 4, 3), nn.Flatten(), nn.Linear(100, 10))(torch.rand(2, 1, 6, 8))

with broken(6):
    F.mse_loss(torch.rand(8, 1), torch.rand(8))

with broken(7):
    image.reshape(5, 5)

with broken(8):
    torch.rand(2, 3) @ torch.rand(2, 3)

# %% [markdown]
# ## Kinds of numbers

# %%
with broken(9):
    layer(torch.ones(1, 1, 6, 8, dtype=torch.float64))

with broken(10):
    layer(np.ones((1, 1, 6, 8)))

with broken(11):
    layer(torch.ones(1, 1, 6, 8, dtype=torch.uint8))

with broken(12):
    torch.tensor([1, 2, 3]).mean()

with broken(13):
    torch.tensor([1, 2], requires_grad=True)

# %% [markdown]
# ## Losses

# %%
with broken(14):
    nn.CrossEntropyLoss()(scores, labels.float())

with broken(15):
    nn.CrossEntropyLoss()(scores, torch.tensor([0, 1, 3, 1]))

with broken(16):
    nn.BCELoss()(torch.tensor([1.3]), torch.tensor([1.0]))

with broken(17):
    scores.backward()

# %% [markdown]
# ## Gradients

# %%
with broken(18):
    loss = (scores**2).sum()
    loss.backward()
    loss.backward()

with broken(19):
    with torch.no_grad():
        loss = (scores**2).sum()
    loss.backward()

with broken(20):
    w = torch.ones(2, requires_grad=True)
    w -= 0.1

with broken(21):
    scores.numpy()

with broken(22):
    a = torch.ones(2, requires_grad=True) * 2
    b = a.exp()
    b += 1
    b.sum().backward()

# %% [markdown]
# ## Modules


# %%
class Forgetful(nn.Module):
    def __init__(self):
        self.layer = nn.Linear(2, 2)


with broken(23):
    Forgetful()

with broken(24):
    torch.optim.SGD(nn.Linear(2, 2).parameters, lr=0.1)

with broken(25):
    if torch.rand(3) > 0.5:
        print("heads")

# %% [markdown]
# ## Mistakes without a message
#
# The worst mistakes give no message. Each of these runs; what is wrong with the result? (More of them are at the end of
# [errors](../errors.md#mistakes-that-look-like-right-programs), with the reason why there is no message.)
#
# * `((p - t) ** 2).mean()` with p of shape (8, 1) and t of shape (8,): the difference is 8 x 8. Look at shapes.
# * `zero_grad` forgotten: the loss swings (chapter 6).
# * softmax before `CrossEntropyLoss`, which applies one itself: it learns, slowly.
# * `.detach()` between two layers: the layers before it get no gradient and never change (chapter 16).
#
# ## Mended

# %%
layer(image[None, None])  # 1
nn.Conv2d(3, 8, 3)(torch.rand(1, 32, 32, 3).permute(0, 3, 1, 2))  # 2
nn.Conv2d(3, 4, 3)(torch.rand(1, 3, 6, 8))  # 3
nn.Conv2d(1, 1, 5, padding=1)(torch.rand(1, 1, 4, 4))  # 4
nn.Sequential(nn.Conv2d(1, 4, 3), nn.Flatten(), nn.Linear(4 * 4 * 6, 10))(torch.rand(2, 1, 6, 8))  # 5
F.mse_loss(torch.rand(8, 1), torch.rand(8)[:, None])  # 6
image.reshape(4, 12)  # 7
torch.rand(2, 3) @ torch.rand(2, 3).T  # 8
layer(torch.ones(1, 1, 6, 8, dtype=torch.float64).float())  # 9
layer(torch.from_numpy(np.ones((1, 1, 6, 8))).float())  # 10
layer(torch.ones(1, 1, 6, 8, dtype=torch.uint8) / 255)  # 11
torch.tensor([1, 2, 3]).float().mean()  # 12
torch.tensor([1.0, 2.0], requires_grad=True)  # 13
nn.CrossEntropyLoss()(scores, labels)  # 14
nn.CrossEntropyLoss()(torch.randn(4, 4), torch.tensor([0, 1, 3, 1]))  # 15
nn.BCEWithLogitsLoss()(torch.tensor([1.3]), torch.tensor([1.0]))  # 16
scores.sum().backward()  # 17
(scores**2).sum().backward()  # 18: build the loss anew for each backward
with torch.enable_grad():  # 19
    (scores**2).sum().backward()
w = torch.ones(2, requires_grad=True)
with torch.no_grad():  # 20
    w -= 0.1
scores.detach().numpy()  # 21
b = (torch.ones(2, requires_grad=True) * 2).exp()
(b + 1).sum().backward()  # 22: a new tensor, in place of writing into one that is still needed


class Careful(nn.Module):
    def __init__(self):
        super().__init__()  # 23
        self.layer = nn.Linear(2, 2)


torch.optim.SGD(Careful().parameters(), lr=0.1)  # 24: with parentheses
if (torch.rand(3) > 0.5).any():  # 25: any, or all
    print("heads at least once")

# %% [markdown]
# ## Exercises
#
# Five functions that beginners write wrong at first. The message of a wrong try is the hint.


# %%
def grey(layer, image):
    """The maps (O, H', W') that layer, a Conv2d of one channel, makes of one grey image (H, W)."""
    return layer(image)


course.check("11.grey", grey)


# %%
def channels_last(layer, images):
    """The maps (N, O, H', W') that layer, a Conv2d of three channels, makes of images (N, H, W, 3)."""
    return layer(images)


course.check("11.channels_last", channels_last)


# %%
def maps_of_bytes(layer, images):
    """The maps of layer, for images (N, 1, H, W) of bytes, 0 to 255, that are scaled to 0 to 1 first."""
    return layer(images)


course.check("11.bytes", maps_of_bytes)


# %%
def features(n):
    """in_features of the Linear after Conv2d(1, 4, 3), MaxPool2d(2) and Flatten, for images of n x n pixels."""


course.check("11.features", features)


# %%
def loss_of_labels(scores, labels):
    """The mean cross entropy of scores (N, C) for classes that came from a table: floats of shape (N, 1)."""
    return F.cross_entropy(scores, labels)


course.check("11.labels", loss_of_labels)

# %% [markdown]
# No message says why a program is slow. [Chapter 12](12_why_it_is_fast.py) explains what makes a convolution fast.
