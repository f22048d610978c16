# %% [markdown]
# # 19. Few images: weight decay, dropout, a borrowed body
#
# With few images a network learns them by heart (chapter 16). More images are the best cure. If there are none, three
# others help: keep the weights small, let numbers drop out, or begin with a network that has learned from other images.

# %%
import copy

import minigrad as torch
import minigrad.nn.functional as F
from minigrad import course, nn, viz

torch.manual_seed(0)

# %% [markdown]
# ## Too many weights for one image
#
# Once more the kernel [1, -1] is to be found (chapter 5), but now under worse conditions: the targets have noise, nobody
# says how large the kernel is, so it has 7 x 7 = 49 numbers, and there is one image of 8 x 8 = 64 pixels. Twenty other
# images tell how good the kernel is; they are called the **validation** set. No kernel gets below the noise: its mean
# square is 0.25.


# %%
def make_pairs(count):
    X = torch.randn(count, 1, 8, 8)
    edges = X - F.pad(X, (0, 1))[..., 1:]  # X[i, j] - X[i, j + 1]
    return X, edges + 0.5 * torch.randn(edges.shape)


X, Y = make_pairs(1)
X_other, Y_other = make_pairs(20)


def learn_kernel(decay):
    torch.manual_seed(1)
    layer = nn.Conv2d(1, 1, kernel_size=7, padding=3, bias=False)
    optimizer = torch.optim.SGD(layer.parameters(), lr=0.05, momentum=0.9, weight_decay=decay)
    for _ in range(300):
        loss = F.mse_loss(layer(X), Y)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    return layer.weight.detach()[0, 0]


def loss_of(kernel, X, Y):
    return F.mse_loss(F.conv2d(X, kernel[None, None], padding=3), Y).item()


kernel = learn_kernel(decay=0)
print(f"training loss {loss_of(kernel, X, Y):.3f}, on other images {loss_of(kernel, X_other, Y_other):.3f}")
print("the row in the middle:", [f"{n:.2f}" for n in kernel[3].tolist()])

# %% [markdown]
# The training loss is far below the noise: the kernel has learned the noise of this one image by heart. The two numbers
# in the middle are nearly right, but the others, which should be 0, are not.
#
# ## Weight decay
#
# A weight that is not needed should be small. So let it cost something: add the squares of all weights to the loss,
#
#     loss + decay / 2 * sum(w^2)
#
# The gradient of the new part is decay * w. So each step also pulls every weight a little towards 0:
#
#     w = w - lr * (gradient + decay * w)
#
# That is the option `weight_decay` of `SGD`. How much is right? Try, and look at the validation loss:

# %%
decays = (0.0, 0.03, 0.1, 0.3, 1.0, 3.0)
table = {}
print("decay  training  validation  kernel[3, 3], kernel[3, 4]  the 47 others (root of their squares)")
for decay in decays:
    kernel = learn_kernel(decay)
    table[decay] = loss_of(kernel, X, Y), loss_of(kernel, X_other, Y_other)
    middle = kernel[3, 3:5]
    rest = (kernel.square().sum() - middle.square().sum()).sqrt().item()
    print(
        f"{decay:<5}  {table[decay][0]:8.3f}  {table[decay][1]:10.3f}  {middle[0]:12.2f} {middle[1]:13.2f}  {rest:17.2f}"
    )
training, validation = ([losses[k] for losses in table.values()] for k in (0, 1))
assert training == sorted(training)
assert min(validation) < 0.8 * validation[0] and min(validation) < 0.8 * validation[-1]
if viz.can_draw():
    viz.loss_curve({"training": training, "validation": validation}).figure.savefig("weight_decay.png")

# %% [markdown]
# The more decay, the higher the training loss. The validation loss falls first and then rises: with too little decay the
# kernel keeps the noise, with too much it loses the edge as well. The distance between the two losses is called the
# **gap**; it is the sign of learning by heart. But the aim is a low validation loss, not a small gap: with decay 3 the gap
# in proportion is the smallest of all.
#
# `Adam` divides each gradient by its usual size, and with it the pull of the decay, which then depends on the gradients.
# `AdamW` leaves the pull out of that division (Loshchilov and Hutter, 2019): with Adam's steps, take that one.
#
# ## Dropout
#
# A network that knows an image by one pixel fails if that pixel changes. **Dropout** (Srivastava et al., 2014) sets each
# number of a layer to 0 with probability p, drawn anew in each step. So no number can rely on a single other one. What
# remains is divided by 1 - p, and so the sum of a layer stays the same on average. In `eval()` mode all numbers stay
# as they are.

# %%
dropout, ones = nn.Dropout(0.5), torch.ones(10000)
print("training mode:", dropout(ones)[:8].tolist(), f"mean {dropout(ones).mean().item():.3f}")
print("eval mode:    ", dropout.eval()(ones)[:8].tolist())
assert abs(nn.Dropout(0.5)(ones).mean().item() - 1) < 0.05 and torch.equal(dropout(ones), ones)

# %% [markdown]
# Now a small, bad training set: sixty images of a bar that stands, a bar that lies, or nothing, in much noise; one label
# of ten is wrong. The 600 validation images have right labels.


# %%
def make_bars(count):
    images, labels = 0.6 * torch.randn(count, 1, 8, 8), torch.arange(count) % 3
    for image, label, at in zip(images, labels.tolist(), torch.randint(0, 8, (count,)).tolist()):
        if label == 0:
            image[0, :, at] += 1.5
        elif label == 1:
            image[0, at] += 1.5
    return images, labels


torch.manual_seed(0)
bars, labels = make_bars(60)
labels[:6] = (labels[:6] + 1) % 3  # wrong ones
bars_other, labels_other = make_bars(600)


def judge(net, images, labels):
    net.eval()
    with torch.no_grad():
        scores = net(images)
    return F.cross_entropy(scores, labels).item(), (scores.argmax(1) == labels).float().mean().item()


def train_on_bars(decay, p):
    torch.manual_seed(1)
    net = nn.Sequential(
        nn.Conv2d(1, 16, 3, padding=1), nn.ReLU(), nn.MaxPool2d(2), nn.Conv2d(16, 16, 3, padding=1), nn.ReLU(),
        nn.Flatten(), nn.Dropout(p), nn.Linear(256, 32), nn.ReLU(), nn.Dropout(p), nn.Linear(32, 3),
    )  # fmt: skip
    optimizer = torch.optim.AdamW(net.parameters(), lr=0.01, weight_decay=decay)
    for _ in range(120):
        loss = F.cross_entropy(net(bars), labels)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    return *judge(net, bars, labels), *judge(net, bars_other, labels_other)


results = {}
for name, decay, p in (("neither", 0, 0.0), ("weight decay", 1, 0.0), ("dropout", 0, 0.5), ("both", 1, 0.5)):
    results[name] = loss, right, loss_other, right_other = train_on_bars(decay, p)
    print(
        f"{name:13} training: loss {loss:.2f}, {right:4.0%} right;  validation: loss {loss_other:.2f}, {right_other:.0%}"
    )
assert results["neither"][2] > 1.5 * max(results[name][2] for name in ("weight decay", "dropout", "both"))
assert results["dropout"][3] > results["neither"][3]

# %% [markdown]
# Each net gives all sixty training labels, the six wrong ones too. The validation loss shows the difference: weight decay
# makes the net less sure where it is wrong, and dropout gives more right answers as well. (Each row comes from one
# training. Try other seeds before you believe a small difference, such as that between dropout alone and both.)
#
# ## A body that has learned before
#
# The last layer of a network is its **head**: scores from a few numbers. What stands before it, the **body**, makes
# these numbers from an image. A body that was trained on many images can serve for another question, for which there
# are few. That is **transfer learning**, or fine-tuning. Here is a body that tells nine shapes apart:

# %%
SHAPES = {
    "cross": "x...x .x.x. ..x.. .x.x. x...x", "diamond": "..x.. .x.x. x...x .x.x. ..x..",
    "N": "x...x xx..x x.x.x x..xx x...x", "Z": "xxxxx ...x. ..x.. .x... xxxxx",
    "square": "xxxxx x...x x...x x...x xxxxx", "plus": "..x.. ..x.. xxxxx ..x.. ..x..",
    "L": "x.... x.... x.... x.... xxxxx", "T": "xxxxx ..x.. ..x.. ..x.. ..x..", "H": "x...x x...x xxxxx x...x x...x",
}  # fmt: skip
PLANES = [torch.tensor([[float(sign == "x") for sign in row] for row in rows.split()]) for rows in SHAPES.values()]


def make_shapes(count):
    images, kinds = 0.4 * torch.randn(count, 1, 10, 10), torch.arange(count) % 9
    for image, kind, (i, j) in zip(images, kinds.tolist(), torch.randint(0, 6, (count, 2)).tolist()):
        image[0, i : i + 5, j : j + 5] += PLANES[kind]
    return images, kinds


def make_body():
    return nn.Sequential(
        nn.Conv2d(1, 16, 3), nn.BatchNorm2d(16), nn.ReLU(), nn.Conv2d(16, 32, 3), nn.BatchNorm2d(32), nn.ReLU(),
        nn.AdaptiveMaxPool2d(1), nn.Flatten(),
    )  # fmt: skip


torch.manual_seed(0)
body = make_body()
net = nn.Sequential(body, nn.Linear(32, 9))
optimizer = torch.optim.Adam(net.parameters(), lr=0.01)
for _ in range(200):
    images, kinds = make_shapes(36)  # new images in each step
    loss = F.cross_entropy(net(images), kinds)
    optimizer.zero_grad()
    loss.backward()
    optimizer.step()
print(f"nine shapes: {judge(net, *make_shapes(450))[1]:.0%} of new images are right")

# %% [markdown]
# The new question: has the shape a slanted line, as a cross, a diamond, an N and a Z have? The training images are nine,
# one of each shape. Compare four ways:
#
# - **from scratch**: new weights everywhere;
# - **frozen body**: `requires_grad_(False)` for the body, so that only a new head is trained. The body stays in `eval()`
#   mode, or batch norm would go on changing its running averages, which are no parameters;
# - **all alike**: body and head are trained with one learning rate;
# - **careful body**: both are trained, the body with a smaller rate. An optimizer takes **groups** of parameters, each
#   with options of its own.


# %%
def answer_slanted(images, kinds):
    return images, (kinds < 4).long()  # the first four shapes


few, test = answer_slanted(*make_shapes(9)), answer_slanted(*make_shapes(450))


def try_way(way, few):
    torch.manual_seed(2)
    new = make_body() if way == "from scratch" else copy.deepcopy(body).eval()
    head = nn.Linear(32, 2)
    if way == "frozen body":
        new.requires_grad_(False)
    rate = {"from scratch": 0.01, "all alike": 0.02, "careful body": 0.001}.get(way, 0.0)
    groups = [{"params": [p for p in new.parameters() if p.requires_grad], "lr": rate}]
    optimizer = torch.optim.Adam([*groups, {"params": head.parameters(), "lr": 0.02}])
    net = nn.Sequential(new, head)
    for _ in range(60):
        loss = F.cross_entropy(net(few[0]), few[1])
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    trained = sum(p.numel() for p in net.parameters() if p.requires_grad)
    right = judge(net, *test)[1]
    print(f"{way:13} {trained:5} numbers trained, training loss {loss.item():.3f}, {right:.0%} of new images are right")
    return right


shares = {way: try_way(way, few) for way in ("from scratch", "frozen body", "all alike", "careful body")}
assert shares["frozen body"] > shares["from scratch"] + 0.05
assert shares["careful body"] > shares["all alike"]

# %% [markdown]
# Nine images are too few to learn what noise is and what a line is. The body knows both. Trained at the full rate it
# forgets some of that; a small rate keeps it. With more images the body may change more, and at last nothing need be
# borrowed:

# %%
many = answer_slanted(*make_shapes(180))
shares = {way: try_way(way, many) for way in ("from scratch", "frozen body", "careful body")}
assert shares["careful body"] >= shares["frozen body"] - 0.02

# %% [markdown]
# A body knows only what its first question needed. This one ends with the largest number of each map, so it has
# forgotten where the shape was: no head can ask it that.
#
# ## Exercises


# %%
def step_with_decay(w, gradient, lr, decay):
    """The weights after a step of SGD with weight decay, from the gradient of the loss without it."""


course.check("19.decay", step_with_decay)


# %%
def drop(X, keep, p):
    """Dropout in training mode: keep has X's shape, 1 where a number stays and 0 where it drops out; p is its share."""


course.check("19.dropout", drop)


# %%
def trained(net):
    """How many numbers of net are trained: all that its parameters hold, but not those that are frozen."""


course.check("19.trained", trained)


# %%
def groups(body, head, lr):
    """The list of groups for an optimizer: the head with the rate lr, the body with a tenth of it."""


course.check("19.groups", groups)

# %% [markdown]
# All images so far stood still. [Chapter 20](20_videos_and_volumes.py) gives them a time, and a depth.
