# %% [markdown]
# # 9. Modules, optimizers, data
#
# You know what a layer computes, how its gradient is computed and how a kernel is learned. The rest is bookkeeping for
# many layers, weights and images. The library has modules, optimizers and data loaders for it.

# %%
import minigrad as torch
from minigrad import course, nn
from minigrad.utils.data import DataLoader, TensorDataset

torch.manual_seed(0)

# %% [markdown]
# ## Modules hold the weights
#
# A module has a `forward`, which computes its output. It registers every `nn.Parameter`, a tensor that is to be
# trained, and every module that is assigned to it. Here is the loop of chapter 1 as a layer. It can be trained, because
# assigning to an element of a tensor is recorded like any operation
# ([how](../how_autograd_works.md#views-and-writing-in-place)).


# %%
def corr2d(X, K):
    h, w = K.shape
    Y = torch.zeros(X.shape[0] - h + 1, X.shape[1] - w + 1)
    for i in range(Y.shape[0]):
        for j in range(Y.shape[1]):
            Y[i, j] = (X[i : i + h, j : j + w] * K).sum()
    return Y


class Conv2D(nn.Module):
    def __init__(self, kernel_size):
        super().__init__()
        self.weight = nn.Parameter(torch.rand(kernel_size))
        self.bias = nn.Parameter(torch.zeros(1))

    def forward(self, x):
        return corr2d(x, self.weight) + self.bias


layer = Conv2D((1, 2))
print(layer, [name for name, _ in layer.named_parameters()])

# %% [markdown]
# ## What is trained
#
# Modules can contain modules: `nn.Sequential` calls its modules in order. New are:
#
# * `nn.ReLU`: max(x, 0), number by number; negative ones become 0.
# * `nn.MaxPool2d(2)`: the largest number of each 2 x 2 square, so the map is half as high and half as wide.
# * `nn.Flatten`: all numbers of an image in one row; here 4 maps of 4 x 4, so 64.
# * `nn.Linear(64, 3)`: three weighted sums of the 64 numbers, each with a bias: one score for each of 3 classes.
#
# Why ReLU? Because two convolutions in a row are only one, with a larger kernel: each output is a sum of sums of
# pixels. Something that is no weighted sum must stand between them. Which kernel is it? A single spot gives it back,
# turned by half a turn (chapter 2).

# %%
first, second = torch.rand(1, 1, 2, 2), torch.rand(1, 1, 2, 2)


def two_layers(x):
    return nn.functional.conv2d(nn.functional.conv2d(x, first), second)


spot = torch.zeros(1, 1, 5, 5)
spot[0, 0, 2, 2] = 1
both = two_layers(spot).flip(2, 3)
print("two kernels of 2 x 2 are one of", tuple(both.shape[2:]))
x = torch.rand(1, 1, 6, 6)
assert torch.allclose(two_layers(x), nn.functional.conv2d(x, both), atol=1e-5)

# %% [markdown]
# Written down: the number a of the first kernel and the number b of the second meet in the number a + b of both, since
# their shifts add up. So, along each axis,
#
#     both[m] = sum over a of first[a] * second[m - a]
#
# The index of `second` falls where that of `first` grows: this is the **convolution** of mathematics, the sum with the
# flip (chapter 1). It does not matter which of the two comes first; for cross-correlation it does.


# %%
def in_a_row(first, second):
    """The kernel of two layers in a row, of kernels (h, w) and (h', w'), without anything between them: one kernel."""


course.check("9.in_a_row", in_a_row)

# %%
net = nn.Sequential(
    nn.Conv2d(1, 4, kernel_size=3, padding=1), nn.ReLU(), nn.MaxPool2d(2), nn.Flatten(), nn.Linear(4 * 4 * 4, 3)
)
print(nn.summary(net, (1, 1, 8, 8)))


# %%
def parameters(channels_in, channels_out, k):
    """The number of numbers that Conv2d(channels_in, channels_out, k) trains, with its bias."""


course.check("9.parameters", parameters)

# %% [markdown]
# ## Optimizers update the weights
#
# `zero_grad`, `backward`, `step`. Plain SGD (stochastic gradient descent) subtracts lr times the gradient, as we did by
# hand.

# %%
X = torch.ones(6, 8)
X[:, 2:6] = 0
Y = corr2d(X, torch.tensor([[1.0, -1.0]]))
optimizer = torch.optim.SGD(layer.parameters(), lr=0.014)  # below 0.0161, the limit with a bias (chapter 6)
for step in range(100):
    loss = ((layer(X) - Y) ** 2).sum()
    optimizer.zero_grad()
    loss.backward()
    optimizer.step()
print(f"loss {loss.item():.5f}, kernel {layer.weight.data}, bias {layer.bias.data}")
assert torch.allclose(layer.weight.data, torch.tensor([[1.0, -1.0]]), atol=0.05)

# %% [markdown]
# ## Momentum
#
# Often the loss is much steeper along one axis than along another (chapter 6). Then plain gradient descent moves from
# side to side along the steep axis, and makes little progress along the other. Momentum adds steps up: the velocity is
# the old velocity times a factor mu below 1, plus the gradient. Each step is lr times the velocity. Steps from side to
# side cancel, steps in one direction grow.


# %%
def momentum(w, gradient, velocity, lr, mu):
    """PyTorch's step of SGD with momentum mu: the pair (new w, new velocity)."""


course.check("9.momentum", momentum)

# %% [markdown]
# ## Data: batches
#
# The gradient of one image is a poor direction; that of all images is expensive. So take a batch of some images.
# `TensorDataset` pairs each image with its label, the number of its class; `DataLoader` shuffles the pairs and makes
# batches. Here the images are vertical bars (class 0), horizontal bars (1) and noise (2), made by the program.


# %%
def make_image(kind):
    image, at = 0.3 * torch.randn(8, 8), int(torch.randint(1, 5, (1,)))
    if kind == 0:
        image[:, at : at + 2] += 2
    elif kind == 1:
        image[at : at + 2, :] += 2
    return image[None]


labels = torch.arange(240) % 3
images = torch.stack([make_image(kind) for kind in labels.tolist()])
loader = DataLoader(TensorDataset(images[:180], labels[:180]), batch_size=20, shuffle=True)
print(len(loader), "batches of", next(iter(loader))[0].shape)

# %% [markdown]
# ## How good?
#
# The net gives three scores for an image; the place of the largest, `argmax(1)` for each row of a batch, is the
# predicted class. `CrossEntropyLoss` takes the scores as they are, and the number of the right class. It applies
# softmax itself, exp(score) divided by the sum of all exp, which turns scores into positive numbers that sum to 1. The
# loss is -log of the number of the right class: 0 if that is 1, and large if it is near 0. The accuracy is the share of
# right predictions. One pass over all training images is called an epoch.


# %%
def accuracy(scores, labels):
    return (scores.argmax(1) == labels).float().mean().item()


optimizer = torch.optim.SGD(net.parameters(), lr=0.1, momentum=0.9)
loss_function = nn.CrossEntropyLoss()
for epoch in range(4):
    for batch, target in loader:
        loss = loss_function(net(batch), target)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    with torch.no_grad():
        print(f"epoch {epoch + 1}, loss {loss.item():.3f}, accuracy {accuracy(net(images[180:]), labels[180:]):.2f}")
assert accuracy(net(images[180:]), labels[180:]) > 0.9


# %%
def my_accuracy(scores, labels):
    """The share of rows of scores (N, classes) that are largest at their label (N,), between 0 and 1."""


course.check("9.accuracy", my_accuracy)

# %% [markdown]
# Bars are easy. [Chapter 10](10_digits.py) classifies handwritten digits.
