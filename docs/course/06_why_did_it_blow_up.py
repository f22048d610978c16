# %% [markdown]
# # 6. Why did it blow up?
#
# With a learning rate of 0.03 the kernel is found in thirty steps. With 0.04 the loss grows without limit. Between them
# lies a largest stable rate, and it can be computed exactly.
#
# The gradient is computed by the library here: for a K with `requires_grad=True`, `torch.autograd.grad(loss, K)`
# returns it, in a tuple, and leaves `K.grad` alone. The update stands under `no_grad`, because it is no part of a loss.

# %%
import minigrad as torch
import minigrad.nn.functional as F
from minigrad import course

X = torch.ones(1, 1, 6, 8)
X[..., 2:6] = 0
Y = X[..., :-1] - X[..., 1:]


def loss_of(K):
    return ((F.conv2d(X, K) - Y) ** 2).sum()


def learn(lr, steps=30):
    K, losses = torch.tensor([[[[0.3, 0.2]]]], requires_grad=True), []
    for _ in range(steps):
        loss = loss_of(K)
        (gradient,) = torch.autograd.grad(loss, K)
        with torch.no_grad():
            K -= lr * gradient
        losses.append(loss.item())
    return losses


for lr in (0.03, 0.033, 0.034, 0.04):
    losses = learn(lr)
    print(f"lr {lr}: loss {losses[0]:.2f} -> {losses[-1]:.3g}")
assert learn(0.033)[-1] < learn(0.033)[0] and learn(0.034)[-1] > learn(0.034)[0]

# %% [markdown]
# ## A step
#
# The loss is quadratic in the kernel: it has the shape of a bowl. Along one of its axes it is a parabola, loss =
# c d^2 / 2, where d is the distance from the minimum and c the curvature. Its slope at d is c d; a step leads to
# d - lr * c * d. So each step multiplies the distance by
#
#     1 - lr * c
#
# If this factor is between -1 and 1 the distance shrinks; otherwise it grows, from side to side, without limit. For the
# curvature 60, which we find below, the factor is -0.8 with lr 0.03, and -1.4 with 0.04.

# %%
for lr in (0.03, 0.04):
    K, distances = torch.tensor([[[[0.3, 0.2]]]], requires_grad=True), []
    for _ in range(6):
        distances.append(round(K.sum().item(), 2))  # along [1, 1]: the minimum, [1, -1], has the sum 0
        (gradient,) = torch.autograd.grad(loss_of(K), K)
        K = (K - lr * gradient).detach().requires_grad_()
    print(f"lr {lr}: factor {1 - lr * 60:.1f}, distances {distances}")

# %% [markdown]
# ## The exact limit
#
# The distance must shrink along all axes, so the largest curvature decides: lr < 2 / c_max. The curvatures come from
# the matrix H of second derivatives, the Hessian, here 2 x 2. Along a direction v with H v = c v the curvature is c;
# these c are called the eigenvalues of H.
#
# H can be counted. Each of the 42 windows has a left pixel l and a right pixel r, and adds (l K[0] + r K[1] - y)^2 to
# the loss; its second derivatives are 2 l l, 2 l r and 2 r r. In a row of X, 1 1 0 0 0 0 1 1, three windows have l = 1,
# three have r = 1, and two have both. With six rows, H = 2 * 6 * [[3, 2], [2, 3]].

# %%
K = torch.zeros(1, 1, 1, 2, requires_grad=True)
H = torch.autograd.functional.hessian(loss_of, K.detach()).reshape(2, 2)
print(H)
assert H.tolist() == [[36, 24], [24, 36]]  # eigenvalues 60, along [1, 1], and 12, along [1, -1]
print("the limit:", 2 / 60)

# %% [markdown]
# For a million weights the matrix H is too large. But the gradient can be differentiated again along a direction v,
# which gives H v. Each time it is applied, H stretches the part of v along the largest curvature the most, until nearly
# nothing else is left: this is called power iteration.


# %%
def largest_curvature(loss, K, steps=50):
    (gradient,) = torch.autograd.grad(loss, K, create_graph=True)
    v = torch.linspace(1, 2, K.numel()).reshape(K.shape)
    for _ in range(steps):
        v = v / v.norm()
        (Hv,) = torch.autograd.grad(gradient, K, v, retain_graph=True)
        curvature, v = (v * Hv).sum().item(), Hv
    return curvature


c = largest_curvature(loss_of(K), K)
print(f"largest curvature {c:.4f}, limit {2 / c:.5f}")
assert abs(c - 60) < 1e-3

# %% [markdown]
# ## What changes the limit
#
# The mean over the 42 outputs, instead of the sum, makes the loss, and so the curvature, 42 times smaller: the limit is
# 42 / 30 = 1.4, and 0.03 is slow. Training a bias too makes the bowl steeper. The bias enters each of the 7 windows of
# a row with the factor 1, so H = 2 * 6 * [[3, 2, 3], [2, 3, 3], [3, 3, 7]]: curvature 124.3 for the sum, limit 0.0161,
# so 0.03 diverges. More pixels and brighter pixels make it steeper too. That is why images are scaled to small numbers
# before training.

# %%
b = torch.zeros(1, requires_grad=True)


def with_bias(weights):
    return ((F.conv2d(X, weights[:2].reshape(1, 1, 1, 2), weights[2:]) - Y) ** 2).sum()


weights = torch.zeros(3, requires_grad=True)
c = largest_curvature(with_bias(weights), weights)
print(f"with a bias: curvature {c:.1f}, limit {2 / c:.4f}")
assert abs(2 / c - 0.0161) < 1e-4

# %% [markdown]
# ## The best rate
#
# Near the limit the distance along the axis of largest curvature shrinks slowly; far below it, that along the flattest
# axis does. In between both shrink equally fast, the first from side to side: 60 lr - 1 = 1 - 12 lr, so
# lr = 2 / (60 + 12). Here is how many steps it takes until the loss is below 0.001:

# %%
steps_needed = {lr: sum(loss > 1e-3 for loss in learn(lr, 200)) for lr in (0.01, 0.02, 2 / 72, 0.032)}
print({f"{lr:.4f}": n for lr, n in steps_needed.items()})
assert min(steps_needed, key=steps_needed.get) == 2 / 72

# %% [markdown]
# ## Another mistake: zero_grad forgotten
#
# `backward` adds to `.grad`. Without `zero_grad` each step uses the sum of all gradients so far. So the steps become
# larger, pass the minimum, and come back only when the later gradients outweigh the earlier ones, again and again. The
# loss does not grow without limit; it goes up and down.

# %%
K = torch.tensor([[[[0.3, 0.2]]]], requires_grad=True)
losses = []
for _ in range(16):
    loss = loss_of(K)
    loss.backward()  # no zero_grad
    with torch.no_grad():
        K -= 0.005 * K.grad
    losses.append(round(loss.item(), 1))
print(losses)
assert min(losses) < 2 and losses[-1] > 2  # down, and up again

# %% [markdown]
# ## Exercises


# %%
def limit(curvature):
    """The learning rate beyond which gradient descent diverges, for the largest curvature of a quadratic loss."""


course.check("6.limit", limit)


# %%
def distance(lr, curvature, steps):
    """What `steps` steps leave of a distance of 1 to the minimum, with its sign, along an axis of this curvature."""


course.check("6.distance", distance)


# %%
def best(curvatures):
    """The learning rate at which the slowest of the distances, one for each curvature, shrinks fastest."""


course.check("6.best", best)

# %% [markdown]
# We used the library's gradients, and even gradients of gradients. How does it compute them?
# [Chapter 7](07_an_engine_in_one_file.py) builds such an engine.
