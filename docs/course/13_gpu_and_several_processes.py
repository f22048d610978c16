# %% [markdown]
# # 13. A GPU, and several processes
#
# A GPU does thousands of multiplications at once. It has its own memory: a tensor is either on the CPU or on the GPU,
# and both operands of an operation must be on the same device.

# %%
import json
import os
import subprocess
import sys
import time

import minigrad as torch
from minigrad import course, nn

device = "cuda" if torch.cuda.is_available() else "cpu"
print("this lesson runs on", device)

# %% [markdown]
# ## One program for both
#
# Make the net and the data, then move them. `.to(device)` moves the weights of a module, and copies a tensor.

# %%
torch.manual_seed(0)
X = torch.ones(1, 1, 6, 8)
X[..., 2:6] = 0
Y = X[..., :-1] - X[..., 1:]
net = nn.Conv2d(1, 1, (1, 2), bias=False).to(device)
X, Y = X.to(device), Y.to(device)
optimizer = torch.optim.SGD(net.parameters(), lr=0.03)
for _ in range(30):
    optimizer.zero_grad()
    ((net(X) - Y) ** 2).sum().backward()
    optimizer.step()
print(net.weight.data.cpu().flatten())
assert torch.allclose(net.weight.data.cpu().flatten(), torch.tensor([1.0, -1.0]), atol=0.02)

# %% [markdown]
# For such a small image a GPU is slower: starting its work takes longer than the work. When does it pay? Count the
# multiplications of a layer (chapter 1, times the channels in and out), and measure, for growing images. A GPU works
# while the program goes on, so the clock must wait for it: `synchronize`.


# %%
def milliseconds(n, device):
    layer, image = nn.Conv2d(8, 8, 3, device=device), torch.ones(1, 8, n, n, device=device)
    times = []
    for _ in range(6):
        began = time.perf_counter()
        with torch.no_grad():
            layer(image)
        if device == "cuda":
            torch.cuda.synchronize()
        times.append(1e3 * (time.perf_counter() - began))
    return min(times[1:])  # the first call prepares the others


for n in (4, 8, 32, 128, 512):
    shown = ", ".join(f"{milliseconds(n, d):.3f} ms on {d}" for d in sorted({"cpu", device}))
    print(f"{8 * 8 * 9 * (n - 2) ** 2:>11,} multiplications: {shown}")

# %% [markdown]
# At first the time hardly grows: it is that of the calls (chapter 12). Then it follows the multiplications. On a GPU the
# first part is longer, and the second begins later and is far less steep: it pays from the row on where its time is the
# smaller one. (Without a GPU you see the CPU's times alone.)
#
# ## Several processes: the same step, shared
#
# Split a batch in two, and let two workers compute gradients. The gradient of a sum is the sum of the gradients: so the
# workers add their gradients, and take the same step. No worker needs the other's images.

# %%
torch.manual_seed(1)
images, targets = torch.randn(8, 1, 6, 6), torch.randn(8, 1, 5, 5)
weight = torch.randn(1, 1, 2, 2)


def gradient(images, targets):
    w = weight.clone().requires_grad_()
    ((nn.functional.conv2d(images, w) - targets) ** 2).sum().backward()
    return w.grad


whole = gradient(images, targets)
halves = [gradient(images[:4], targets[:4]), gradient(images[4:], targets[4:])]
assert torch.allclose(whole, halves[0] + halves[1], atol=1e-4)
print("the halves add up to the whole")

# %% [markdown]
# ## Two real processes
#
# A process has its own memory; data must be sent. Here is a program that takes its share of the images and prints its
# gradient; it is started twice, both run at the same time, and their numbers are added here.

# %%
worker = """
import sys, json
import minigrad as torch

rank, size = int(sys.argv[1]), int(sys.argv[2])
torch.manual_seed(1)  # so that all start with the same numbers
images, targets = torch.randn(8, 1, 6, 6), torch.randn(8, 1, 5, 5)
weight = torch.randn(1, 1, 2, 2).requires_grad_()
mine = slice(8 * rank // size, 8 * (rank + 1) // size)
((torch.nn.functional.conv2d(images[mine], weight) - targets[mine]) ** 2).sum().backward()
print(json.dumps(weight.grad.tolist()))
"""

if sys.platform == "emscripten":
    print("a browser starts no processes: run this chapter on a computer to see them")
else:
    here = {**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)}
    commands = [[sys.executable, "-c", worker, str(rank), "2"] for rank in range(2)]
    processes = [subprocess.Popen(c, stdout=subprocess.PIPE, text=True, env=here) for c in commands]
    shares = [torch.tensor(json.loads(process.communicate()[0])) for process in processes]
    print("by two processes:", (shares[0] + shares[1]).flatten())
    assert torch.allclose(whole, shares[0] + shares[1], atol=1e-4)

# %% [markdown]
# With a mean instead of the sum, the workers average their gradients (if their shares are equally large). That is all
# that data-parallel training does; the rest is sending numbers quickly. Two things to watch: all workers must start
# with the same weights; and a layer that computes with the whole batch, as batch norm does (chapter 15), sees only the
# worker's own part of it.
#
# ## With minigrad.distributed
#
# Text through a pipe is slow. `minigrad.distributed` sends the numbers by MPI, a library for messages between
# processes, while backward is still running. Each process has a number, its rank, from 0. A program needs three more
# lines, and also runs as a single process.

# %%
import minigrad.distributed as dist

dist.init_process_group()
model = nn.parallel.DistributedDataParallel(nn.Conv2d(1, 1, 2, bias=False))
print("rank", dist.get_rank(), "of", dist.get_world_size())
model(images).square().sum().backward()  # gradients are averaged over the ranks while backward still runs
print(model.module.weight.grad.shape)
dist.destroy_process_group()

# %% [markdown]
# Saved as a file, the same lines run in four processes with `mpiexec -n 4 python file.py`;
# [several machines](../several_machines.md) has the details, and an example on 1, 2 and 4 processes.
#
# ## Exercises


# %%
def share(n, rank, size):
    """The images (start, stop), of n, that worker `rank` of `size` takes: each image once, shares nearly equal."""


course.check("13.share", share)


# %%
def mean(means, counts):
    """The mean gradient over all images, from the mean gradient of each worker and the number of its images."""


course.check("13.mean", mean)

# %% [markdown]
# Next: the relatives of the convolution that networks use. [Chapter 14](14_other_convolutions.py).
