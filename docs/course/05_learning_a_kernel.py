# %% [markdown]
# # 5. Learning the kernel
#
# You have an image and its edge map, and have lost the kernel. Can it be found again? Start with any kernel, see how
# wrong its map is, and change the kernel so that it is a little less wrong. Again and again.

# %%
import minigrad as torch
import minigrad.nn.functional as F
from minigrad import course, nn


def corr2d(X, K):
    return F.conv2d(X[None, None], K[None, None])[0, 0]


X = torch.ones(6, 8)
X[:, 2:6] = 0
Y = corr2d(X, torch.tensor([[1.0, -1.0]]))

# %% [markdown]
# ## How wrong?
#
# Square every error, add up. The sum is the loss. It is 0 for the right kernel, and above 0 for every other.


# %%
def loss_of(K):
    return ((corr2d(X, K) - Y) ** 2).sum()


K = torch.tensor([[0.0, 0.0]])
print("a kernel of zeros:", loss_of(K).item())
assert loss_of(K) == 12  # six rows, two edges each

# %% [markdown]
# ## Which way?
#
# Push one number of the kernel a little, and see what the loss does. That is its slope.

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
# Pushing costs two losses for each number of the kernel. Paper is cheaper. Write E = corr2d(X, K) - Y for the errors.
# The number K[a, b] meets the pixel X[i + a, j + b] in window (i, j), so the output there grows by that pixel, and its
# square by 2 E[i, j] times as much. Added up over all windows:
#
#     dK[a, b] = 2 * sum over i, j of E[i, j] * X[i + a, j + b]
#
# Look at the sum again: it is the cross-correlation of X with E. The gradient of a convolution is a convolution.


# %%
def gradient(K):
    return corr2d(X, 2 * (corr2d(X, K) - Y))


print(gradient(K))
assert torch.allclose(gradient(K).flatten(), torch.tensor(slopes), atol=0.01)

# %% [markdown]
# ## Down the slope
#
# Step against the gradient. How far? 0.03 times it, for now; chapter 6 tells what is special about this number.

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
# `loss.backward()` computes the gradient for you, and puts it into `weight.grad`. It adds to what is there already; so
# before each step the old gradient is set to zero.

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
def loss_function(prediction, target): ...


course.check("5.loss", loss_function)


# %%
def dK(X, K, Y): ...


course.check("5.dK", dK)


# %%
def learn(X, Y, shape): ...


course.check("5.learn", learn)

# %% [markdown]
# Try 0.04 in place of 0.03 above. [Chapter 6](06_why_did_it_blow_up.py) explains what you see.
