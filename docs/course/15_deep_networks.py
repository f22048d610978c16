# %% [markdown]
# # 15. Deep networks: first weights, batch norm, shortcuts
#
# Two layers learn more than one, twenty should learn more than two. But put twenty layers in a row, and nothing is
# learned at all. This chapter looks for the reason, and finds the three parts of a residual network.

# %%
import math

import minigrad as torch
import minigrad.nn.functional as F
from minigrad import course, nn, viz

torch.manual_seed(0)

# %% [markdown]
# ## How strong is the signal?
#
# One output of a layer is a sum of n products of a weight and an input; for a convolution n = channels in * h * w. Let
# the weights be random numbers around 0, with the standard deviation s: their mean square is s^2, and the mean of a
# product of two of them is 0. So in the square of the sum only the n squares remain on average, and its mean is n s^2
# times the mean square of the inputs. Half of the sums are negative, and ReLU replaces these by 0, which leaves half of
# the mean square. So each layer multiplies the mean square by
#
#     n s^2 / 2
#
# and twenty layers by the twentieth power of that. Only one s keeps the signal: s = sqrt(2 / n) (He et al., 2015).

# %%
channels, n = 16, 16 * 3 * 3


def through(s, layers=20):
    x = torch.randn(4, channels, 8, 8)
    for _ in range(layers):
        weight = s * torch.randn(channels, channels, 3, 3)
        x = F.conv2d(F.pad(x, (1, 1, 1, 1), mode="circular"), weight).relu()  # no zeros at the border: n everywhere
    return x.square().mean().item()


for s in (0.5 * math.sqrt(2 / n), math.sqrt(2 / n), 2 * math.sqrt(2 / n)):
    print(f"s = {s:.3f}: mean square after 20 layers {through(s):.1e}, by the formula {(n * s**2 / 2) ** 20:.1e}")
assert 1e-3 < through(math.sqrt(2 / n)) < 1e3
assert through(0.5 * math.sqrt(2 / n)) < 1e-8 and through(2 * math.sqrt(2 / n)) > 1e8

# %% [markdown]
# The formula is the mean over all weights that could be drawn; a single net of sixteen channels is above or below it by
# a factor of ten or so. That is little beside the others: a factor of 2 in the weights, and the signal is gone, or
# overflows soon. The gradient goes the same way back, and is multiplied in the same manner (with the channels out in
# place of those in). `nn.init.kaiming_normal_` draws weights by this rule. PyTorch's layers begin smaller, with uniform
# numbers up to 1 / sqrt(n): s^2 = 1 / (3 n), so that each layer with ReLU leaves a sixth. A few layers learn
# nevertheless, after a while: that is why the loss of chapter 10 stays near 2.3 at first.

# %%
layer = nn.Conv2d(channels, channels, 3)
print(f"PyTorch's first weights: {layer.weight.std().item():.4f}, 1 / sqrt(3 n) = {1 / math.sqrt(3 * n):.4f}")
nn.init.kaiming_normal_(layer.weight, nonlinearity="relu")
print(f"He's: {layer.weight.std().item():.4f}, sqrt(2 / n) = {math.sqrt(2 / n):.4f}")
assert abs(layer.weight.std().item() * math.sqrt(n / 2) - 1) < 0.1

# %% [markdown]
# Why random at all? If all kernels of a layer begin equal, they get equal gradients and stay equal for ever: many
# channels, and one would be enough.

# %%
alike = nn.Sequential(nn.Conv2d(1, 3, 3), nn.Tanh(), nn.Flatten(), nn.Linear(3 * 4, 1))
for parameter in alike.parameters():
    nn.init.constant_(parameter, 0.1)
optimizer = torch.optim.SGD(alike.parameters(), lr=0.1)
X, Y = torch.randn(8, 1, 4, 4), torch.randn(8, 1)
for _ in range(10):
    optimizer.zero_grad()
    F.mse_loss(alike(X), Y).backward()
    optimizer.step()
kernels = alike[0].weight.detach()
print(kernels[:, 0, 0])
assert torch.allclose(kernels, kernels[:1].expand(3, -1, -1, -1), atol=1e-6) and not (kernels == 0.1).any()

# %% [markdown]
# ## Batch norm
#
# First weights are right only at the beginning. **Batch normalization** (Ioffe and Szegedy, 2015) sets the strength of
# each channel in every step: subtract the mean of the channel, over all images of the batch and all pixels, and divide
# by its standard deviation. Then the layer multiplies by a number gamma and adds a number beta for each channel, which
# are trained; so it can undo what it did.
#
#     y = gamma (x - mean) / sqrt(variance + eps) + beta


# %%
def normalize(x, mean, variance, gamma, beta, eps=1e-5):
    shape = 1, -1, 1, 1  # a number for each channel, (C,) -> (1, C, 1, 1)
    scale = gamma / (variance + eps).sqrt()
    return (x - mean.reshape(shape)) * scale.reshape(shape) + beta.reshape(shape)


x = 5 + 3 * torch.randn(6, 2, 4, 4)
norm = nn.BatchNorm2d(2)
mean, variance = x.mean((0, 2, 3)), x.var((0, 2, 3), unbiased=False)
y = norm(x)
assert torch.allclose(y, normalize(x, mean, variance, norm.weight, norm.bias), atol=1e-5)
print("before: mean", mean, "variance", variance)
after = [n.detach().abs().round(decimals=3) for n in (y.mean((0, 2, 3)), y.var((0, 2, 3), unbiased=False))]
print("after:  mean", after[0], "variance", after[1])

# %% [markdown]
# ## The way back through batch norm
#
# A number x of a channel enters the result in three ways: by itself, by the mean, and by the standard deviation. Let a
# channel have m numbers x, their normalized values z = (x - mean) / deviation, and g the gradient that arrives at z.
#
# - By itself: z grows by 1 / deviation for each 1 of x. That gives g / deviation.
# - By the mean, which grows by 1 / m, and which all m numbers lose: that gives -mean(g) / deviation.
# - By the deviation: its slope along x is z / m (the mean drops out, since the differences sum to 0), and each z is
#   divided by it: that gives -z mean(g z) / deviation.
#
# Together, for a channel:
#
#     dx = (g - mean(g) - z mean(g z)) / deviation
#
# The two terms that are taken away have a meaning. Adding the same to all numbers changes nothing in z, and so does
# making all of them larger by a factor: along both directions the gradient must be 0.

# %%
x, g = x.requires_grad_(), torch.randn(x.shape)
F.batch_norm(x, None, None, training=True).backward(g)
m = (0, 2, 3)
z = (x - x.mean(m, keepdim=True)) / (x.var(m, correction=0, keepdim=True) + 1e-5).sqrt()
by_hand = g - g.mean(m, keepdim=True) - z * (g * z).mean(m, keepdim=True)
by_hand = (by_hand / (x.var(m, correction=0, keepdim=True) + 1e-5).sqrt()).detach()
print(f"largest difference to autograd: {(by_hand - x.grad).abs().max().item():.0e}")
assert torch.allclose(by_hand, x.grad, atol=1e-5)
assert x.grad.sum(m).abs().max() < 1e-4 and (x.grad * z).sum(m).abs().max() < 1e-3
x = x.detach()

# %% [markdown]
# ## Two modes
#
# The result for one image depends on the other images of its batch. That does no harm in training, but a digit should be
# read in the same way in any company, and alone. So the layer keeps **running averages** of mean and variance: after
# each batch in training mode,
#
#     running = 0.9 * running + 0.1 * that of the batch
#
# (the variance divided by m - 1 in place of m, the count of numbers). After `net.eval()` it uses these instead, and
# leaves them as they are; `net.train()` goes back. Dropout has the same two modes.

# %%
print("running mean after one batch:", norm.running_mean)
assert torch.allclose(norm.running_mean, 0.1 * mean, atol=1e-5)  # it began at 0
assert torch.allclose(norm.running_var, 0.9 + 0.1 * x.var((0, 2, 3)), atol=1e-4)  # it began at 1

with torch.no_grad():
    for _ in range(50):
        norm(x)
    alone, in_company = norm.train()(x[:1]), norm(x)[:1]
    print(
        f"in training mode: a pixel of an image alone {alone[0, 0, 0, 0]:.3f}, among others {in_company[0, 0, 0, 0]:.3f}"
    )
    assert not torch.allclose(alone, in_company, atol=1e-2)
    norm.eval()
    assert torch.allclose(norm(x[:1]), norm(x)[:1])

# %% [markdown]
# Forgetting `eval()` is one of the mistakes without a message: the accuracy on the test set is then lower, or changes
# with the batch size. A message comes only if there is nothing to average: one number for a channel.

# %%
try:
    nn.BatchNorm2d(2)(torch.ones(1, 2, 1, 1))
except ValueError as error:
    print(error)

# %% [markdown]
# ## Shortcuts
#
# A layer of a **residual network** (He et al., 2016) computes what is to be added: y = x + f(x). The derivative of y
# along x is 1 + f'(x). So the gradient of each layer reaches the first one also on a way without any factor, and cannot
# die out on it. And a layer that has nothing to add yet does no harm.


# %%
class Block(nn.Module):
    def __init__(self, channels, with_norm, with_shortcut):
        super().__init__()
        self.conv = nn.Conv2d(channels, channels, 3, padding=1)
        self.norm = nn.BatchNorm2d(channels) if with_norm else nn.Identity()
        self.with_shortcut = with_shortcut

    def forward(self, x):
        y = F.relu(self.norm(self.conv(x)))
        return x + y if self.with_shortcut else y


def deep(depth, with_norm, with_shortcut, channels=6):
    torch.manual_seed(0)
    blocks = [Block(channels, with_norm, with_shortcut) for _ in range(depth)]
    return nn.Sequential(
        nn.Conv2d(1, channels, 3, padding=1), *blocks, nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(channels, 3)
    )


# %% [markdown]
# `AdaptiveAvgPool2d(1)` takes the mean of each map, which leaves one number for each channel.
#
# The images are the bars and the noise of chapter 9. We look at the gradient of the very first weights, and at the loss
# after some steps. A net that knows nothing has the loss log 3 = 1.0986.


# %%
def make_image(kind):
    image, at = 0.3 * torch.randn(8, 8), int(torch.randint(1, 5, (1,)))
    if kind == 0:
        image[:, at : at + 2] += 2
    elif kind == 1:
        image[at : at + 2, :] += 2
    return image[None]


labels = torch.arange(36) % 3
images = torch.stack([make_image(kind) for kind in labels.tolist()])


def train(net, steps=20):
    optimizer, losses = torch.optim.SGD(net.parameters(), lr=0.05, momentum=0.9), []
    for step in range(steps):
        loss = F.cross_entropy(net(images), labels)
        optimizer.zero_grad()
        loss.backward()
        if step == 0:
            slope = net[0].weight.grad.norm().item()
        optimizer.step()
        losses.append(loss.item())
    return slope, losses


results, curves = {}, {}
for with_norm, with_shortcut in ((False, False), (True, False), (False, True), (True, True)):
    slope, losses = train(deep(16, with_norm, with_shortcut))
    results[with_norm, with_shortcut] = slope, losses[-1]
    parts = [part for part, is_there in (("batch norm", with_norm), ("shortcuts", with_shortcut)) if is_there]
    name = " and ".join(parts) or "plain"
    curves[name] = losses
    print(f"{name:24} first gradient {slope:.0e}, loss {losses[-1]:.4f}")
if viz.can_draw():
    viz.loss_curve(curves).figure.savefig("deep.png")
assert results[False, False][0] < 1e-6 and abs(results[False, False][1] - math.log(3)) < 0.01
assert results[True, False][0] > 1e-3 and results[False, True][0] > 1e-3
assert results[True, True][1] < 0.1 < results[True, False][1]

# %% [markdown]
# Sixteen plain layers: the gradient of the first one is nearly 0, and the loss stays where it was. With batch norm the
# gradient arrives, and with shortcuts too; with both the loss falls furthest in twenty steps. (Shortcuts alone have a
# danger: each block adds to the signal, which grows with the depth.) These are the parts of ResNet; the rest is more of
# them, and a stride of 2 with twice the channels at three places (where the shortcut is a 1x1 convolution).
#
# ## Exercises


# %%
def first_weights(channels_in, k):
    """The standard deviation of the first weights that keeps the mean square, for a k x k convolution and ReLU."""


course.check("15.first_weights", first_weights)


# %%
def batch_norm(X, gamma, beta, eps):
    """Batch norm of X (N, C, H, W) in training mode, with gamma (C,) and beta (C,)."""


course.check("15.batch_norm", batch_norm)


# %%
def running(mean, variance, X, momentum):
    """The pair of new running averages (C,) after a batch X (N, C, H, W) in training mode."""


course.check("15.running", running)


# %%
def centred(g, x):
    """The gradient of x - x.mean(0) along x (N, C): the first half of batch norm, for a batch of numbers."""


course.check("15.centred", centred)


# %%
def normalized_dx(g, x):
    """The gradient of (x - mean) / sqrt(variance + 0.1) along x (N, C); each column has its own mean."""


course.check("15.normalized_dx", normalized_dx)


# %%
def shortcut(g, x, w):
    """The gradient of x + (x @ w).tanh() along x (N, C), for w (C, C)."""


course.check("15.shortcut", shortcut)

# %% [markdown]
# And if a network still does not learn? [Chapter 16](16_it_does_not_learn.py) says where to look.
