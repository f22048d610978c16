# %% [markdown]
# # 16. It does not learn
#
# The program runs, no message comes, and the accuracy is that of guessing. This chapter is a list of things to look at,
# in the order in which to look, each with an experiment. The images are the bars and the noise of chapter 9.

# %%
import math

import minigrad as torch
import minigrad.nn.functional as F
from minigrad import course, nn, viz

torch.manual_seed(0)


def make_image(kind, noise=0.3):
    image, at = noise * torch.randn(8, 8), int(torch.randint(1, 5, (1,)))
    if kind == 0:
        image[:, at : at + 2] += 2
    elif kind == 1:
        image[at : at + 2, :] += 2
    return image[None]


labels = torch.arange(60) % 3
images = torch.stack([make_image(kind) for kind in labels.tolist()])


def make_net():
    torch.manual_seed(0)  # the same first weights for all experiments: change one thing at a time
    return nn.Sequential(
        nn.Conv2d(1, 4, 3, padding=1), nn.ReLU(), nn.MaxPool2d(2), nn.Flatten(),
        nn.Linear(64, 16), nn.ReLU(), nn.Linear(16, 3),
    )  # fmt: skip


def train(net, images, labels, lr=0.1, steps=40):
    optimizer, losses = torch.optim.SGD(net.parameters(), lr=lr, momentum=0.9), []
    for _ in range(steps):
        loss = F.cross_entropy(net(images), labels)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        losses.append(loss.item())
    return losses


# %% [markdown]
# ## First the data
#
# Print shape, dtype, range, and a few labels; look at a few images with their labels. Pixels from 0 to 255, a label for
# the wrong image, or images that are all 0 give no error.

# %%
print(images.shape, images.dtype, f"from {images.min():.1f} to {images.max():.1f}, mean {images.mean():.2f}")
print("labels:", labels[:6].tolist(), "counts:", labels.bincount().tolist())
assert images.isfinite().all() and labels.bincount().tolist() == [20, 20, 20]
if viz.can_draw():
    viz.grid(images[:6, 0], [str(int(k)) for k in labels[:6]], columns=6).savefig("data.png")

# %% [markdown]
# ## The first loss
#
# A net that knows nothing gives each of k classes about 1/k, and cross entropy is then log k: here log 3 = 1.10. A first
# loss that is much larger says: the net is sure, and wrong. Mostly the inputs are too large.

# %%
first = F.cross_entropy(make_net()(images), labels).item()
unscaled = F.cross_entropy(make_net()(images * 255), labels).item()
print(f"first loss {first:.2f}, log 3 = {math.log(3):.2f}; with pixels 255 times as large {unscaled:.0f}")
assert abs(first - math.log(3)) < 0.2 and unscaled > 10

# %% [markdown]
# ## Overfit one batch
#
# Take a few images and train on these alone. Any net that is large enough learns them by heart, and the loss goes to 0.
# If it does not, more data and more time will not help: something is broken. This takes seconds, so do it before any
# long training.

# %%
few, their_labels = images[:6], labels[:6]
losses = train(make_net(), few, their_labels)
print(f"six images: loss {losses[0]:.2f} -> {losses[-1]:.4f}")
assert losses[-1] < 0.02

# %% [markdown]
# Here are three broken programs. None of them gives an error.


# %%
class Detached(nn.Module):
    def __init__(self):
        super().__init__()
        self.net = make_net()

    def forward(self, x):
        return self.net[4:](self.net[:4](x).detach())  # the first layer is cut off


class Saturated(nn.Module):
    def __init__(self):
        super().__init__()
        self.net = make_net()

    def forward(self, x):
        return self.net(x).softmax(1)  # cross_entropy applies a softmax, too


class Dead(nn.Module):
    def __init__(self):
        super().__init__()
        self.net = make_net()
        nn.init.constant_(self.net[0].bias, -10.0)  # every ReLU gives 0

    def forward(self, x):
        return self.net(x)


torch.advice.enable(False)  # the library would say what is wrong with the second one
for broken in (Detached, Saturated, Dead):
    losses = train(broken(), few, their_labels)
    print(f"{broken.__name__}: loss {losses[0]:.2f} -> {losses[-1]:.4f}")
    assert (losses[-1] < 0.02) == (broken is Detached)
torch.advice.enable()

# %% [markdown]
# The first one learns! Its last layers are enough for six images. So look also at each gradient.
#
# ## Which gradients arrive?
#
# After one `backward()`, print the size of each parameter's gradient. None: the parameter was not used, or the graph is
# cut. 0: nothing flows, as through ReLUs that are off. Very small at the first layers alone: chapter 15.


# %%
def show_gradients(net):
    net.zero_grad()
    F.cross_entropy(net(few), their_labels).backward()
    for name, parameter in net.named_parameters():
        size = "None" if parameter.grad is None else f"{parameter.grad.norm().item():.1e}"
        print(f"  {name:14} {size}")


for net in (make_net(), Detached(), Dead()):
    print(type(net).__name__)
    show_gradients(net)
cut, dead = Detached(), Dead()
for net in (cut, dead):
    F.cross_entropy(net(few), their_labels).backward()
assert cut.net[0].weight.grad is None and dead.net[0].weight.grad.norm() == 0

# %% [markdown]
# A ReLU that is 0 for every image has the slope 0 for every image: its weights never change again, it is **dead**. Many
# of them come from steps that were too long. Count them:

# %%
with torch.no_grad():
    for net in (make_net(), Dead().net):
        active = (net[:2](images) > 0).any(0)  # (N, 4, 8, 8) -> (4, 8, 8)
        print(f"{1 - active.float().mean().item():.0%} of the first layer's outputs are 0 for all images")

# %% [markdown]
# ## The learning rate
#
# Try rates that differ by a factor of 10, for a few steps each, from the same first weights. Too small: the loss hardly
# falls. Too large: it jumps, stays near log k, or becomes nan. Take one a few times smaller than the largest that is
# stable (chapter 6 computes the limit where the loss is quadratic).

# %%
ends = {}
for lr in (0.0001, 0.001, 0.01, 0.1, 1.0, 10.0):
    losses = train(make_net(), images, labels, lr, steps=30)
    ends[lr] = losses[-1]
    print(f"lr {lr:<6}: {losses[0]:.3f} -> {losses[-1]:.3g}")
assert ends[0.0001] > 1 and ends[0.1] < 0.1 and not ends[10.0] < 1

# %% [markdown]
# ## Numbers that are too large
#
# A loss can become nan although the formula is right. The largest float32 is about 3e38, and exp(89) is larger: it
# becomes inf, and inf / inf is nan. Here is softmax as it stands in the books, and the same after the largest score was
# subtracted, which changes nothing: numerator and denominator are both divided by exp(largest).

# %%
scores = torch.tensor([[100.0, 0.0, -100.0]])
print("by the book:", scores.exp() / scores.exp().sum(1, keepdim=True))
smaller = scores - scores.amax(1, keepdim=True)
print("subtracted: ", smaller.exp() / smaller.exp().sum(1, keepdim=True))
assert (scores.exp() / scores.exp().sum(1, keepdim=True)).isnan().any()
assert torch.allclose(smaller.exp() / smaller.exp().sum(1, keepdim=True), scores.softmax(1))

# %% [markdown]
# Its logarithm has the same trouble at the other end: exp(-200) is 0, and log(0) is -inf. So cross entropy never computes
# the probabilities: log softmax(x) = x - largest - log(sum of exp(x - largest)). That is why the losses take scores.
# (The -99.98 has lost its digits before: numbers as small as exp(-100) keep only a few of them.)

# %%
print("log of softmax:", scores.softmax(1).log(), "\nlog_softmax:   ", scores.log_softmax(1))
assert scores.softmax(1).log()[0, 2] == -math.inf and scores.log_softmax(1)[0, 2] == -200

# %% [markdown]
# Numbers of 16 bits meet this sooner. Large networks are trained with them, because they take half the memory, and there
# are two kinds. **float16** keeps 11 significant bits and ends at 65504: a score of 70000 is inf, and a gradient of 1e-8
# is 0, so the loss is multiplied by a large number before backward (`torch.amp.GradScaler` does that). **bfloat16** is
# the upper half of a float32: the same range, but 8 significant bits, so 1 + 1/256 is 1. It needs no such scale, and a
# weight of 1 that should grow by 0.001 does not: optimizers keep such weights in float32. There are no tensors of
# bfloat16 here; the bits of a float32 show what it would hold.

# %%
for kind in (torch.float32, torch.float16, torch.bfloat16):
    limits = torch.finfo(kind)
    print(f"{limits.dtype:9}: at most {limits.max:g}, 1 + {limits.eps:.1g} is the next number after 1")

x = torch.tensor([1 + 1 / 300, 70000.0, 1e-8])
as_float16 = x.half().float()
as_bfloat16 = ((x.view(torch.int32) + 2**15) & -(2**16)).view(torch.float32)  # rounds to the upper 16 of 32 bits
print("float16: ", as_float16, "\nbfloat16:", as_bfloat16)
assert as_float16[1].isinf() and as_float16[2] == 0 and as_float16[0] > 1
assert as_bfloat16[0] == 1 and torch.allclose(as_bfloat16[1:], x[1:], rtol=1 / 256)

# %% [markdown]
# Back to the loss. Written with log softmax, it has a gradient that is easy to find. For one row of scores x and the
# right class c the loss is
#
#     -x[c] + log(sum of exp(x[j]))
#
# Along x[j] the second part has the slope exp(x[j]) / (sum of exp) = p[j], the softmax itself, and the first part has -1
# at the right class alone. So the gradient is p, less 1 at c; of the mean of N rows each has a share of 1/N. A score is
# pulled down by as much as the net believes in it, and the right one is pushed up by what lacks to 1.

# %%
scores = torch.tensor([[2.0, 1.0, 0.0]], requires_grad=True)
F.cross_entropy(scores, torch.tensor([1])).backward()
print("softmax: ", scores.softmax(1).detach(), "\ngradient:", scores.grad)
assert torch.allclose(scores.grad, scores.softmax(1).detach() - torch.tensor([[0.0, 1.0, 0.0]]))

# %% [markdown]
# To find the first nan in a program, run it under `torch.autograd.detect_anomaly()`: the message names the line whose
# gradient is nan.

# %%
x = torch.tensor([0.0], requires_grad=True)
try:
    with torch.autograd.detect_anomaly():
        (x.sqrt() * x).sum().backward()  # the slope of sqrt at 0 is inf, and 0 * inf is nan
except RuntimeError as error:
    mistake, _, place = str(error).partition(", recorded at ")
    print(f"{mistake}; made in line{place.rpartition('line')[2]}")  # the message names the file, too

# %% [markdown]
# ## Two curves
#
# The loss on the training images says whether the program can learn. The loss on other images says whether it has
# learned the right thing. Draw both.
#
# | training loss | other loss | what it means | what to try |
# |---|---|---|---|
# | high | high | it learns nothing, or too little | the steps above; a larger net; more time |
# | low | high | it learns by heart: **overfitting** | more images, augmentation, dropout, weight decay, stopping early |
# | low | low | it works | |
# | high | low | the test is easier than the training | dropout in training mode alone? Is a test image trained on? |
#
# The second row, made on purpose: the labels are drawn by chance, so there is nothing to learn, and the net learns the
# training images by heart (Zhang et al., 2017). A low training loss alone proves little.

# %%
by_chance = torch.randint(0, 3, (60,))
net, curves = make_net(), {"train": [], "test": []}
for _ in range(12):
    train(net, images[:30], by_chance[:30], lr=0.05, steps=20)
    with torch.no_grad():
        for name, part in (("train", slice(0, 30)), ("test", slice(30, 60))):
            curves[name].append(F.cross_entropy(net(images[part]), by_chance[part]).item())
for name, losses in curves.items():
    print(f"{name:5}", [f"{loss:.2f}" for loss in losses])
assert curves["train"][-1] < 0.3 and curves["test"][-1] > 2 * math.log(3)
if viz.can_draw():
    viz.loss_curve(curves).figure.savefig("two_losses.png")

# %% [markdown]
# If the test loss falls and then rises, keep the weights of its lowest point: **early stopping**.
#
# ## More images from few
#
# A bar that was moved by a pixel is still a bar, but the last layers of this net do not know that (chapter 14). Tell them
# by examples: in each step show every training image moved by a few pixels, drawn anew. This is **augmentation**. Flips,
# turns and other brightness serve too, if they leave the class as it is: a flipped bar is a bar, a flipped 2 is no 2.
# Only the training images are changed, never those of the test.


# %%
def move(images, most=2):
    moved = []
    for image in images:
        i, j = torch.randint(0, 2 * most + 1, (2,)).tolist()
        moved.append(F.pad(image, (most, most, most, most))[:, i : i + 8, j : j + 8])
    return torch.stack(moved)


shares = {}
for name, change in (("as they are", lambda images: images), ("moved", move)):
    net = make_net()
    torch.manual_seed(1)
    optimizer = torch.optim.SGD(net.parameters(), lr=0.05, momentum=0.9)
    for _ in range(150):
        loss = F.cross_entropy(net(change(images[:9])), labels[:9])
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    with torch.no_grad():
        train_loss = F.cross_entropy(net(images[:9]), labels[:9]).item()
        shares[name] = (net(images[9:]).argmax(1) == labels[9:]).float().mean().item()
    print(f"nine images {name:11}: their loss {train_loss:.3f}, of 51 others {shares[name]:.0%} are right")
assert shares["moved"] > shares["as they are"]

# %% [markdown]
# ## The list
#
# | symptom | look at |
# |---|---|
# | first loss far above log k | range of the inputs, first weights |
# | loss exactly constant | `optimizer.step()` called? the optimizer made of this net's parameters? a graph that is cut? |
# | loss stays at log k | gradients of the first layers, dead ReLUs, learning rate too small |
# | loss stops at log(1 + (k - 1) / e) | softmax before cross entropy, which applies one itself |
# | loss jumps up and down | learning rate too large, `zero_grad` forgotten, a batch that is too small |
# | loss becomes nan | learning rate, exp of large numbers, log(0), 0 / 0: `detect_anomaly()` names the line |
# | accuracy above 1, or far too good | shapes (N,) and (N, 1) compared; test images among the training images |
# | good in training, bad in use | `eval()` forgotten; the images are scaled in another way |
# | one class for all images | classes of very different frequency; labels shuffled apart from their images |
#
# Change one thing at a time, with the same seed, and write down what you tried.
#
# The fourth row is worth a proof. The net's outputs are probabilities, between 0 and 1. At best that of the right class
# is 1, and those of the k - 1 others are 0. A second softmax makes e / (e + k - 1) of the 1, so the loss is at least
# log(1 + (k - 1) / e): for three classes 0.55, and no training gets below.

# %%
perfect = torch.eye(3)
floor = F.cross_entropy(perfect, torch.arange(3)).item()
print(f"the least loss with two softmaxes: {floor:.4f} = {math.log(1 + 2 / math.e):.4f}")
assert abs(floor - math.log(1 + 2 / math.e)) < 1e-6

# %% [markdown]
# ## Exercises


# %%
def first_loss(classes):
    """The cross entropy of a net that knows nothing: it gives each class the same probability."""


course.check("16.first_loss", first_loss)


# %%
def dead(outputs):
    """The share of units that are 0 for all examples, from outputs (N, units) of a ReLU: between 0 and 1."""


course.check("16.dead", dead)


# %%
def untrained(net):
    """The names of the parameters that get no gradient: `.grad` is None, or 0 everywhere. backward() was called."""


course.check("16.untrained", untrained)


# %%
def softmax(scores):
    """The softmax of each row of scores (N, classes), right for scores of any size, without a library's softmax."""


course.check("16.softmax", softmax)


# %%
def scores_dx(g, x):
    """The gradient along scores x (N, classes) of their cross entropy, the mean over rows; row n has the class n."""


course.check("16.scores_dx", scores_dx)


# %%
def best_epoch(losses, patience):
    """The epoch, from 0, whose weights early stopping keeps: it stops after `patience` epochs without a lower loss."""


course.check("16.best_epoch", best_epoch)


# %%
def moved(X, i, j):
    """The image X (H, W), moved i rows down and j columns to the right (up and left if negative); 0 comes in."""


course.check("16.moved", moved)


# %%
def floor_of_two(classes):
    """The least cross entropy with two softmaxes in a row, for this number of classes."""


course.check("16.two_softmaxes", floor_of_two)

# %% [markdown]
# And when it has learned: what does it look at? [Chapter 17](17_what_it_sees.py).
