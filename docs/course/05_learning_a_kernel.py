# %% [markdown]
# # 5. Learning the kernel
#
# You have an image and its edge map, but not the kernel. Can it be found? Start with any kernel, measure how wrong its
# map is, and change the kernel so that the map is a little less wrong. Repeat.

# %%
import minigrad as torch
import minigrad.nn.functional as F
from minigrad import course, nn


def corr2d(X, K):
    return F.conv2d(X[None, None], K[None, None])[0, 0]


X = torch.ones(6, 8)
X[:, 2:6] = 0
Y = corr2d(X, torch.tensor([[1.0, -1.0]]))
print(X.shape, "with a kernel of (1, 2) ->", Y.shape)  # 6 - 1 + 1, 8 - 2 + 1

# %% [markdown]
# ## How wrong?
#
# The loss is the sum of the squared errors. It is 0 for the right kernel, and positive for every other one.


# %%
def loss_of(K):
    return ((corr2d(X, K) - Y) ** 2).sum()


K = torch.tensor([[0.0, 0.0]])
print("a kernel of zeros:", loss_of(K).item())
assert loss_of(K) == 12  # six rows, two edges each

# %% [markdown]
# ## In which direction?
#
# Change one number of the kernel a little, and see how the loss changes. The ratio is the slope. There is a slope for
# each number of the kernel; all of them together, in the kernel's shape, are called the gradient.

# %%
push = 0.001
slopes = [
    ((loss_of(K + push * unit) - loss_of(K - push * unit)) / (2 * push)).item()
    for unit in (torch.tensor([[1.0, 0.0]]), torch.tensor([[0.0, 1.0]]))
]
print("slopes:", [round(s, 2) for s in slopes])

# %% [markdown]
# ## On paper
#
# That takes two losses for each number of the kernel; a formula is quicker. Let E = corr2d(X, K) - Y be the errors. In
# window (i, j) the number K[a, b] is multiplied by the pixel X[i + a, j + b], which is the derivative of the output.
# The derivative of its square is 2 E[i, j] times that. Summed over all windows:
#
#     dK[a, b] = 2 * sum over i, j of E[i, j] * X[i + a, j + b]
#
# This sum is the cross-correlation of X with E: the gradient of a convolution is again a convolution. The shapes agree:
# X (6, 8) with E (6, 7) gives (6 - 6 + 1, 8 - 7 + 1) = (1, 2), the shape of K.
#
# By hand, for a kernel of zeros: E = -Y, so each row of E is 0 -1 0 0 0 1 0, and each row of X is 1 1 0 0 0 0 1 1.
# Under K[0, 0] lie the pixels X[i, j]: the -1 meets a 1, the 1 meets a 0. Six rows make -6, times 2: -12. Under K[0, 1]
# lie the right neighbours: the -1 meets a 0, the 1 meets a 1, which makes 12.


# %%
def gradient(K):
    return corr2d(X, 2 * (corr2d(X, K) - Y))


print(gradient(K))
assert gradient(K).tolist() == [[-12, 12]]
assert torch.allclose(gradient(K).flatten(), torch.tensor(slopes), atol=0.01)

# %% [markdown]
# ## Down the slope
#
# Each step goes against the gradient, by 0.03 times the gradient. This factor is called the learning rate, `lr`;
# chapter 6 explains its value. The whole is called gradient descent.

# %%
K = torch.tensor([[0.3, 0.2]])
for step in range(30):
    K = K - 0.03 * gradient(K)
    if step % 6 == 5:
        print(f"step {step + 1}, loss {loss_of(K).item():.4f}")
print("the kernel:", K)
assert torch.allclose(K, torch.tensor([[1.0, -1.0]]), atol=0.02)

# %% [markdown]
# ## The same with a layer
#
# `loss.backward()` computes the gradient and adds it to `weight.grad`. Because it adds, the old gradient is set to zero
# before each step. `weight.data` are the numbers of the weight: the step changes them, and is no part of the loss.

# %%
torch.manual_seed(0)
conv2d = nn.Conv2d(1, 1, kernel_size=(1, 2), bias=False)
for i in range(30):
    Y_hat = conv2d(X.reshape(1, 1, 6, 8))
    loss = ((Y_hat - Y.reshape(1, 1, 6, 7)) ** 2).sum()
    conv2d.zero_grad()
    loss.backward()
    conv2d.weight.data[:] -= 3e-2 * conv2d.weight.grad
    if i % 6 == 5:
        print(f"step {i + 1}, loss {loss.item():.4f}")
print(conv2d.weight.data.reshape(1, 2))
assert torch.allclose(conv2d.weight.data.reshape(1, 2), torch.tensor([[1.0, -1.0]]), atol=0.05)

# %% [markdown]
# ## Exercises


# %%
def loss_function(prediction, target):
    """The sum of the squared errors."""


course.check("5.loss", loss_function)


# %%
def dK(X, K, Y):
    """The gradient of ((corr2d(X, K) - Y) ** 2).sum() along K, of K's shape, without autograd."""


course.check("5.dK", dK)


# %%
def learn(X, Y, shape):
    """The kernel of this shape which makes Y from X, learned by gradient descent."""


course.check("5.learn", learn)

# %% [markdown]
# Try 0.04 instead of 0.03 above. [Chapter 6](06_why_did_it_blow_up.py) explains what you see.
