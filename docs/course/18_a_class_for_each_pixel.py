# %% [markdown]
# # 18. A class for each pixel
#
# Until now an image had one class. But where in the image is the thing, and where does it end? In this chapter a network
# gives a class to each pixel: this is called **segmentation**. It needs a way down to smaller maps, a way up again, and
# shortcuts between the two.

# %%
import math

import minigrad as torch
import minigrad.nn.functional as F
from minigrad import course, nn, viz

torch.manual_seed(0)

# %% [markdown]
# The images are noise with two shapes: on the left and on the right a disc (class 1) or a thin cross (class 2). Of a disc
# the image shows the outline alone; the pixels inside belong to the disc, too. All other pixels are background (class 0).
# The target has the size of the image: one whole number for each pixel.

# %%
SIZE, SIGNS = 16, ".o+"
NAMES = ("background", "disc", "cross")


def make_images(count):
    rows, columns = torch.arange(SIZE)[:, None], torch.arange(SIZE)
    classes = torch.zeros(count, SIZE, SIZE, dtype=torch.int64)
    images = 0.3 * torch.randn(count, 1, SIZE, SIZE)
    for image, truth in zip(images, classes):
        for begin in (0, SIZE // 2):
            kind, radius = torch.randint(1, 3, (1,)).item(), torch.randint(2, 4, (1,)).item()
            i = torch.randint(radius, SIZE - radius, (1,)).item()
            j = begin + torch.randint(radius, SIZE // 2 - radius, (1,)).item()
            down, right = (rows - i).abs(), (columns - j).abs()  # (16, 1) and (16,)
            distance = (down**2 + right**2).sqrt()  # (16, 16)
            if kind == 1:
                shape = distance <= radius + 0.3
                drawn = shape & (distance > radius - 0.7)
            else:
                shape = drawn = (down.minimum(right) == 0) & (down.maximum(right) <= radius)
            truth[shape] = kind
            image[0, drawn] += 1
    return images, classes


def draw(classes):
    return "\n".join("".join(SIGNS[kind] * 2 for kind in row) for row in classes.tolist())


images, classes = make_images(64)
print(draw(classes[0]))

# %% [markdown]
# ## How good is it?
#
# Most pixels are background. A network that says "background" everywhere is right for most of the pixels, and has found
# nothing. So count for each class by itself. Let A be the pixels that the network calls a disc, and B those that are
# one. Two numbers say how well A and B agree; both are 1 if A = B, and 0 if no pixel is in both:
#
#     IoU = |A and B| / |A or B|                (intersection over union)
#     Dice = 2 |A and B| / (|A| + |B|)
#
# A shape that is found one pixel beside its place shows why pixels alone say little:

# %%
nothing = torch.zeros_like(classes)
print(f"background everywhere: {(nothing == classes).float().mean().item():.0%} of the pixels are right")


def iou(predicted, classes, kind):
    ours, theirs = predicted == kind, classes == kind
    return ((ours & theirs).sum() / (ours | theirs).sum()).item()


beside = classes.roll(1, 2)  # one pixel to the right
for kind, name in enumerate(NAMES):
    print(f"one pixel beside: {name:10} IoU {iou(beside, classes, kind):.2f}")
assert iou(nothing, classes, 1) == 0 and iou(beside, classes, 2) < 0.3 < iou(beside, classes, 1)

# %% [markdown]
# ## Scores for each pixel
#
# A network of convolutions alone can do it: give each pixel three scores, so the output is (N, 3, H, W). `cross_entropy`
# takes these scores with the classes (N, H, W), and its result is the mean over all pixels. So chapter 10's loss needs
# no change.
#
# How far does one pixel see? Through two convolutions with 3 x 3 kernels, 5 x 5 pixels (chapter 3). From the middle of a
# disc the outline is three pixels away, so nothing is seen there but noise: background.


# %%
def convolve(channels_in, channels_out):
    return nn.Sequential(nn.Conv2d(channels_in, channels_out, 3, padding=1), nn.BatchNorm2d(channels_out), nn.ReLU())


def train(net, steps=80):
    torch.manual_seed(1)
    optimizer = torch.optim.Adam(net.parameters(), lr=0.01)
    net.train()
    for _ in range(steps):
        images, classes = make_images(16)
        loss = F.cross_entropy(net(images), classes)  # (N, 3, H, W) and (N, H, W)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    return loss.item()


def judge(net, name):
    loss = train(net)
    net.eval()
    with torch.no_grad():
        predicted = net(images).argmax(1)
    found = [iou(predicted, classes, kind) for kind in range(3)]
    print(f"{name:22} loss {loss:.3f}, IoU:", ", ".join(f"{n} {x:.2f}" for n, x in zip(NAMES, found)))
    return predicted, found


plain = nn.Sequential(convolve(1, 8), nn.Conv2d(8, 3, 3, padding=1))
_, of_plain = judge(plain, "two convolutions")

# %% [markdown]
# ## Down and up
#
# More layers see more, but each adds only 2 pixels. Pooling is quicker: after it a kernel of 3 x 3 covers 6 x 6 pixels
# of the image, and after two poolings 12 x 12. Then the maps have 4 x 4 numbers, and a score is needed for each of
# 16 x 16 pixels. So there must be a way up. A transposed convolution with kernel 2 and stride 2 makes maps of twice the
# size (chapter 14; the stride divides the kernel, so there is no checkerboard). `nn.Upsample(scale_factor=2)`, which
# repeats each number, and a convolution after it would do as well.


# %%
class DownAndUp(nn.Module):
    def __init__(self):
        super().__init__()
        self.first, self.second, self.bottom = convolve(1, 8), convolve(8, 16), convolve(16, 32)
        self.up_second, self.join_second = nn.ConvTranspose2d(32, 16, 2, stride=2), convolve(16, 16)
        self.up_first, self.join_first = nn.ConvTranspose2d(16, 8, 2, stride=2), convolve(8, 8)
        self.scores = nn.Conv2d(8, 3, 1)

    def forward(self, x):
        x = self.first(x)  # (N, 8, 16, 16)
        x = self.second(F.max_pool2d(x, 2))  # (N, 16, 8, 8)
        x = self.bottom(F.max_pool2d(x, 2))  # (N, 32, 4, 4)
        x = self.join_second(self.up_second(x))  # (N, 16, 8, 8)
        x = self.join_first(self.up_first(x))  # (N, 8, 16, 16)
        return self.scores(x)  # (N, 3, 16, 16)


torch.manual_seed(0)
_, of_down_and_up = judge(DownAndUp(), "down and up")

# %% [markdown]
# The discs are found, inside and all. The crosses are not: after pooling, nobody knows any more in which of two columns
# the thin arm was.
#
# ## The shortcuts of the U
#
# But the maps on the way down knew it. So keep them, and put them beside the maps of the same size on the way up, as
# more channels (`torch.cat` along axis 1). The next convolution then has both: from below what the shape is, from the
# side where it ends. Drawn with its shortcuts the net looks like a U (**U-Net**, Ronneberger et al., 2015). In
# chapter 15 a shortcut was added; here it is put beside, because its maps mean something else.


# %%
class UNet(DownAndUp):
    def __init__(self):
        super().__init__()
        self.join_second, self.join_first = convolve(2 * 16, 16), convolve(2 * 8, 8)

    def forward(self, x):
        first = self.first(x)
        second = self.second(F.max_pool2d(first, 2))
        bottom = self.bottom(F.max_pool2d(second, 2))
        x = torch.cat([second, self.up_second(bottom)], dim=1)  # (N, 16, 8, 8) twice -> (N, 32, 8, 8)
        x = torch.cat([first, self.up_first(self.join_second(x))], dim=1)  # (N, 8, 16, 16) twice -> (N, 16, 16, 16)
        return self.scores(self.join_first(x))


torch.manual_seed(0)
predicted, of_unet = judge(UNet(), "with shortcuts")
for left, right in zip(draw(classes[0]).split("\n"), draw(predicted[0]).split("\n")):
    print(left, "|", right)
if viz.can_draw():
    looks = {"image": images[0, 0], "truth": classes[0], "found": predicted[0]}
    viz.maps(looks).savefig("segmented.png")
assert of_unet[1] > 0.85 and of_unet[2] > 0.7
assert of_plain[1] < 0.6 and of_down_and_up[1] > 0.7 and of_down_and_up[2] < 0.4

# %% [markdown]
# ## Sizes that do not fit
#
# Pooling makes 7 rows of 15, and then 3. On the way up these become 6, which cannot stand beside the 7. Each pooling
# halves the size, so with two of them it must be a multiple of 4. Fill the image up with zeros, and cut the result.

# %%
try:
    UNet()(torch.zeros(1, 1, 15, 16))
except RuntimeError as error:
    print(str(error).splitlines()[0])
filled = F.pad(torch.zeros(1, 1, 15, 16), (0, 0, 0, 1))  # one row below
assert UNet()(filled)[:, :, :15].shape == (1, 3, 15, 16)

# %% [markdown]
# ## A loss that counts overlap
#
# Cross entropy adds up over pixels, so a class with few pixels counts little. The Dice number does not depend on how
# much background there is. It has no gradient: it counts pixels. But with probabilities p between 0 and 1 in place of
# the set A, and t (0 or 1) in place of B, sums take the place of counts, and the result can be differentiated
# (Milletari et al., 2016). The loss is
#
#     1 - (2 sum(p t) + eps) / (sum(p) + sum(t) + eps)
#
# where a small eps keeps 0 / 0 away, if a class does not occur.


# %%
def dice_loss(p, t, eps=1.0):
    return 1 - (2 * (p * t).sum() + eps) / (p.sum() + t.sum() + eps)


truth = (classes == 2).float()
for name, p in (("nothing", torch.zeros(truth.shape)), ("half sure", truth / 2), ("all of it", truth)):
    print(f"{name:10} loss {dice_loss(p, truth).item():.3f}")
assert math.isclose(dice_loss(truth, truth).item(), 0, abs_tol=1e-6) and dice_loss(torch.zeros(3), torch.zeros(3)) == 0

# %% [markdown]
# Many programs add the two losses: cross entropy, which is smooth from the first step on, and the Dice loss, which
# does not forget the small classes.
#
# ## Exercises


# %%
def overlap(predicted, classes, kind):
    """The IoU of one class, for the classes (H, W) of all pixels, predicted and true; 1 if the class is in neither."""


course.check("18.iou", overlap)


# %%
def soft_dice(p, t, eps):
    """The Dice loss of probabilities p and of t (0 or 1), both (H, W): a number."""


course.check("18.dice", soft_dice)


# %%
def upsample_dx(g, x):
    """The gradient of repeating each number of x (N, C, H, W) as 2 x 2, which gives (N, C, 2H, 2W), along x."""


course.check("18.upsample_dx", upsample_dx)


# %%
def missing(n, levels):
    """How many pixels must be added to n, so that a U-Net with so many poolings of 2 x 2 gets back its size."""


course.check("18.missing", missing)

# %% [markdown]
# [examples/segment_shapes.py](../../examples/segment_shapes.py) is the same network as a program with options.
#
# All of these images were made by a program, as many as were needed. And if there are only nine?
# [Chapter 19](19_few_images.py).
