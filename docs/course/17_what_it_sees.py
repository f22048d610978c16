# %% [markdown]
# # 17. What does it see?
#
# A network gives a class, and no reason. But it can be asked: look at its kernels and its maps, cover a part of the
# image, or take the gradient in the image. At the end a small push makes it say something else.

# %%
import minigrad as torch
import minigrad.nn.functional as F
from minigrad import course, nn, viz

# %% [markdown]
# The images are noise with at most one pattern of 5 x 5 pixels, a cross or a square, anywhere. The net is told what is
# in an image, and never where. It has two convolutions; then the mean of each map, so that the place is forgotten
# (chapter 14); then a score for each class.

# %%
NAMES = ("cross", "square", "nothing")
CROSS = torch.eye(5).maximum(torch.eye(5).flip(1))
SQUARE = torch.ones(5, 5)
SQUARE[1:4, 1:4] = 0


def make_images(count):
    images, labels = 0.2 * torch.rand(count, 1, 14, 14), torch.arange(count) % 3
    corners = torch.randint(0, 10, (count, 2)).tolist()
    for image, label, (i, j) in zip(images, labels.tolist(), corners):
        if label < 2:
            image[0, i : i + 5, j : j + 5] += 0.8 * (CROSS, SQUARE)[label]
    return images, labels, corners


def make_net():
    return nn.Sequential(
        nn.Conv2d(1, 8, 3, padding=1), nn.ReLU(), nn.Conv2d(8, 8, 3, padding=1), nn.ReLU(),
        nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(8, 3),
    )  # fmt: skip


torch.manual_seed(0)
images, labels, _ = make_images(72)
net = make_net()
optimizer = torch.optim.Adam(net.parameters(), lr=0.015)
for _ in range(120):
    loss = F.cross_entropy(net(images), labels)
    optimizer.zero_grad()
    loss.backward()
    optimizer.step()

images, labels, corners = make_images(60)
with torch.no_grad():
    share = (net(images).argmax(1) == labels).float().mean().item()
print(f"loss {loss.item():.3f}; of 60 new images {share:.0%} are right")
assert share > 0.9

# %% [markdown]
# ## Kernels and maps
#
# The kernels of the first layer can be drawn: their channels are those of the image. Later kernels combine maps, so look
# at the maps instead. The last layer sees the mean of each of the eight maps. Here are these means for each class, and
# how much each map counts for each class. (A map that is 0 for all of them is dead, as in chapter 16.)

# %%
with torch.no_grad():
    means = net[:6](images)  # (60, 8)
for kind, name in enumerate(NAMES):
    print(f"{name:8} maps   ", *[f"{n:6.2f}" for n in means[labels == kind].mean(0).tolist()])
for kind, name in enumerate(NAMES):
    print(f"{name:8} weights", *[f"{n:6.2f}" for n in net[6].weight[kind].tolist()])
if viz.can_draw():
    viz.grid(net[0].weight, title="the kernels of the first layer").savefig("kernels.png")
    viz.grid(net[:4](images[1:2])[0], columns=4, title="the eight maps of one square").savefig("maps.png")

# %% [markdown]
# ## Cover a part
#
# Set a small window of the image to 0 and look how much the score of its class falls. Where it falls, the net looked at
# the window (Zeiler and Fergus, 2014). That takes one forward for each place of the window; all covered images can be
# one batch. A score may also rise: then the window spoke against the class.


# %%
def cover_each(image, k):
    places = [(i, j) for i in range(14 - k + 1) for j in range(14 - k + 1)]
    covered = image.repeat(len(places), 1, 1, 1)  # (places, 1, 14, 14)
    for one, (i, j) in zip(covered, places):
        one[0, i : i + k, j : j + k] = 0
    return covered


def falls_of(image, kind, k=3):
    with torch.no_grad():
        scores = net(cover_each(image, k))[:, kind]
        return (net(image[None])[0, kind] - scores).reshape(14 - k + 1, -1)


falls = falls_of(images[1], 1)
i, j = divmod(falls.argmax().item(), falls.shape[1])
print(f"the square begins at {corners[1]}; its score falls most, by {falls.max():.2f}, without the window at {[i, j]}")
assert abs(i + 1 - (corners[1][0] + 2)) <= 3 and abs(j + 1 - (corners[1][1] + 2)) <= 3  # the window touches the square

# %% [markdown]
# ## The gradient in the image
#
# How would the score change if a pixel grew a little? That is the gradient of the score along the image (chapter 8's
# dx, through all layers). One backward gives it for all pixels at once (Simonyan et al., 2014). Its size, without the
# sign, is called the **saliency**; of several channels the largest counts.


# %%
def slopes_of(image, kind):
    image = image.clone().requires_grad_()
    net(image[None])[0, kind].backward()
    return image.grad[0]


slopes = slopes_of(images[1], 1)
push = torch.zeros(1, 14, 14)
push[0, 7, 7] = 1e-3
with torch.no_grad():
    by_pushing = ((net((images[1] + push)[None]) - net((images[1] - push)[None]))[0, 1] / 2e-3).item()
print(f"pixel (7, 7): slope {slopes[7, 7]:.4f}, by pushing {by_pushing:.4f}")
assert abs(slopes[7, 7] - by_pushing) < 0.05 * (1 + abs(by_pushing))  # a ReLU may begin or end on the way

# %% [markdown]
# A slope is not an importance. If a score is already certain, it may hardly change with the very pixels that made it;
# and slopes of neighbours differ much. So saliency is noisy. The next way is smoother.
#
# ## Grad-CAM
#
# The last maps are made by the convolutions, and still know the places. The mean gradient of the score along map c is
# the importance of this map, and the sum of the maps, each times its importance, shows the places that speak for the
# class (Selvaraju et al., 2017):
#
#     heat = relu(sum over c of importance[c] * map[c])


# %%
def heat_of(net, image, kind):
    maps = net[:4](image[None])  # (1, 8, 14, 14)
    (gradient,) = torch.autograd.grad(net[4:](maps)[0, kind], maps)
    importance = gradient.mean((2, 3), keepdim=True)  # (1, 8, 1, 1)
    return F.relu((importance * maps).sum(1))[0].detach()


def share_inside(heat, corner):
    """The share of the heat that lies on the pattern or within one pixel of it."""
    (i, j), inside = corner, torch.zeros(14, 14)
    inside[max(i - 1, 0) : i + 6, max(j - 1, 0) : j + 6] = 1
    return ((heat * inside).sum() / heat.sum().clamp(min=1e-9)).item()


squares = [n for n in range(60) if labels[n] == 1]
shares = [share_inside(heat_of(net, images[n], 1), corners[n]) for n in squares]
print(f"Grad-CAM: on average {sum(shares) / len(shares):.0%} of the heat lies on the square")
assert sum(shares) / len(shares) > 0.6
if viz.can_draw():
    looks = {"image": images[1, 0], "falls": falls, "slopes": slopes.abs(), "Grad-CAM": heat_of(net, images[1], 1)}
    viz.maps(looks).savefig("looks.png")

# %% [markdown]
# Test the method too. A map that looks good may show the image alone, and nothing of what the net has learned. Draw new
# weights: if the heat stays where it was, it told nothing about the net (Adebayo et al., 2018). The square with the
# pixels around it is at most 49 of 196 pixels, a quarter of the image.

# %%
by_chance = []
for seed in range(4):
    torch.manual_seed(seed)
    untrained = make_net()
    by_chance += [share_inside(heat_of(untrained, images[n], 1), corners[n]) for n in squares]
print(f"with new weights: {sum(by_chance) / len(by_chance):.0%}")
assert sum(by_chance) / len(by_chance) < 0.75

# %% [markdown]
# More than a quarter, though these nets know nothing: the square is the brightest part of the image, and bright pixels
# make large maps. Only what goes beyond that was learned.

# %% [markdown]
# ## A push against it
#
# The gradient of the loss along the image also says how to make the net wrong: move each pixel a little, by eps, up
# where the gradient is positive and down where it is negative. All these small changes add up in the loss. This is an
# **adversarial example** (Goodfellow et al., 2015). Compare with the same push in random directions:


# %%
def loss_slopes(images, labels):
    images = images.clone().requires_grad_()
    F.cross_entropy(net(images), labels, reduction="sum").backward()
    return images.grad


def push_against(images, ways, eps):
    """The share that is right, and the loss, after each pixel was moved by eps."""
    with torch.no_grad():
        scores = net((images + eps * ways.sign()).clamp(0, 1))
        return (scores.argmax(1) == labels).float().mean().item(), F.cross_entropy(scores, labels).item()


slopes, by_chance = loss_slopes(images, labels), torch.randn(images.shape)
for eps in (0.0, 0.05, 0.1, 0.2):
    (right, loss), (right_against, loss_against) = (push_against(images, ways, eps) for ways in (by_chance, slopes))
    print(f"moved by {eps:<4}: by chance {right:4.0%} right, loss {loss:.2f}; ", end="")
    print(f"against the net {right_against:4.0%} right, loss {loss_against:.2f}")
    assert loss_against > loss or eps == 0

# %% [markdown]
# With eps 0.1 a pushed image looks nearly the same to you. The net has learned what told its training images apart, and
# that is not always what you would name.
#
# ## Exercises


# %%
def occlusion(net, X, kind, k):
    """How much the score of class `kind` falls if the k x k window at (i, j) of X (C, H, W) is 0, for all (i, j)."""


course.check("17.occlusion", occlusion)


# %%
def saliency(net, X, kind):
    """(H, W): how steeply the score of class `kind` changes with each pixel of X (C, H, W), the steepest channel's."""


course.check("17.saliency", saliency)


# %%
def grad_cam(maps, gradient):
    """The heat (H, W) of maps (C, H, W), from the gradient of a score along them, of the same shape."""


course.check("17.grad_cam", grad_cam)


# %%
def attack(X, gradient, eps):
    """X, pixels from 0 to 1, each moved by eps so that the loss grows fastest, from the loss's gradient along X."""


course.check("17.attack", attack)

# %% [markdown]
# [examples/where_it_looks.py](../../examples/where_it_looks.py) draws Grad-CAM in the terminal.
#
# The heat says roughly where a thing is. [Chapter 18](18_a_class_for_each_pixel.py) asks for each of its pixels.
