# %% [markdown]
# # 10. A small LeNet reads handwriting
#
# 1797 digits, written by 13 people, 8 x 8 pixels each, come with scikit-learn (`pip install scikit-learn`); nothing is
# downloaded. The net is a smaller LeNet (LeCun et al., 1998).

# %%
import sys

import minigrad as torch
from minigrad import course, nn, viz
from minigrad.utils.data import DataLoader, TensorDataset

try:
    from sklearn.datasets import load_digits
except ImportError:
    sys.exit("the digits come with scikit-learn: pip install scikit-learn")

torch.manual_seed(0)
digits = load_digits()
images = torch.tensor(digits.images, dtype=torch.float32)[:, None] / 16  # (N, 8, 8) -> (N, 1, 8, 8), 0 to 1
labels = torch.tensor(digits.target, dtype=torch.int64)  # a browser's Python counts in int32
mixed = torch.randperm(len(images))
train, test = mixed[:1500], mixed[1500:]
print(images.shape, "of which", len(test), "are kept for the test")

# %% [markdown]
# ## The net
#
# The first convolution finds strokes, the second combinations of strokes; pooling keeps the largest of four neighbours;
# two fully connected layers classify.

# %%
net = nn.Sequential(
    nn.Conv2d(1, 8, kernel_size=3, padding=1),  # (N, 1, 8, 8) -> (N, 8, 8, 8)
    nn.ReLU(),
    nn.MaxPool2d(2),  # -> (N, 8, 4, 4)
    nn.Conv2d(8, 16, kernel_size=3),  # -> (N, 16, 2, 2)
    nn.ReLU(),
    nn.Flatten(),  # -> (N, 64)
    nn.Linear(64, 32),
    nn.ReLU(),
    nn.Linear(32, 10),
)
print(sum(p.numel() for p in net.parameters()), "numbers to train")
assert [p.numel() for p in net.parameters()] == [8 * 1 * 9, 8, 16 * 8 * 9, 16, 64 * 32, 32, 32 * 10, 10]

# %% [markdown]
# ## Training, with a progress bar
#
# The first loss is about 2.3. The net knows nothing yet, and gives each of the ten digits a tenth: -log(1/10) = 2.303.
# For some time it stays there: the first epoch ends with hardly less, and chapter 15 says why.


# %%
def bar(done, of, text):
    filled = "#" * (20 * done // of)
    print(f"\r[{filled:.<20}] {text}", end="\n" if done == of else "", flush=True)


def accuracy(which):
    with torch.no_grad():
        return (net(images[which]).argmax(1) == labels[which]).float().mean().item()


loader = DataLoader(TensorDataset(images[train], labels[train]), batch_size=50, shuffle=True)
optimizer = torch.optim.SGD(net.parameters(), lr=0.05, momentum=0.9)
loss_function = nn.CrossEntropyLoss()
history = {"train": [], "test": []}
for epoch in range(10):
    for i, (batch, target) in enumerate(loader, 1):
        loss = loss_function(net(batch), target)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        bar(i, len(loader), f"epoch {epoch + 1}, loss {loss.item():.3f}")
    history["train"].append(accuracy(train))
    history["test"].append(accuracy(test))
print(f"right: {history['train'][-1]:.1%} of the training images, {history['test'][-1]:.1%} of the others")
assert history["test"][-1] > 0.9  # about 0.96; the last digits differ from one processor to another

# %% [markdown]
# ## Which digits are confused?
#
# The accuracy hides which digits are confused. A confusion matrix has a row for each true digit and a column for each
# predicted one.

# %%
with torch.no_grad():
    predicted = net(images[test]).argmax(1)
confusion = torch.zeros(10, 10, dtype=torch.int64)
for is_, taken in zip(labels[test].tolist(), predicted.tolist()):
    confusion[is_, taken] += 1
print(confusion)
wrong = [int(i) for i in (predicted != labels[test]).nonzero().flatten()]
print(f"{len(wrong)} are wrong:", [(int(labels[test][i]), int(predicted[i])) for i in wrong])

# %% [markdown]
# ## Look at what it learned, and at what it gets wrong
#
# Always look at the wrong predictions too. Some of these digits are hard to read even for people. In the pictures red
# is positive, blue negative, white 0; above each wrong digit stand its true class and the predicted one.

# %%
if viz.can_draw():
    viz.accuracy(history).figure.savefig("accuracy.png")
    viz.confusion(confusion).figure.savefig("confusion.png")
    viz.grid(net[0].weight, title="the kernels of the first layer").savefig("kernels.png")
    viz.grid(net[:2](images[test[:1]])[0], title="what they see in one digit").savefig("maps.png")
    names = [f"{labels[test][i]} or {predicted[i]}?" for i in wrong[:9]]
    viz.grid(images[test][wrong[:9], 0], names, columns=3, title="wrong ones").savefig("wrong.png")

# %% [markdown]
# ## Exercises


# %%
def my_confusion(predicted, labels, classes):
    """A matrix (classes, classes): at [i, j] the number of examples of class i that were predicted as class j."""


course.check("10.confusion", my_confusion)

# %% [markdown]
# Things to try: remove a layer; train on 100 digits only; shift the test images by one pixel. What fails first? And: give
# each layer the first weights of [chapter 15](15_deep_networks.py). How long does the loss stay near 2.3 now?
#
# When a program fails, there is a message. [Chapter 11](11_reading_errors.py) is about reading it.
