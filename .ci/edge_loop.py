"""The core alone: with nothing installed but NumPy, a convolution layer learns ``[1, -1]``."""

from __future__ import annotations

import importlib.metadata
import sys

import minigrad as torch
from minigrad import nn

installed = {d.metadata["Name"].lower() for d in importlib.metadata.distributions()}
strangers = installed - {"minigrad-conv", "numpy", "pip", "setuptools", "wheel"}
assert not strangers, f"not only NumPy beside minigrad: {strangers}"

torch.manual_seed(0)
image = torch.ones(1, 1, 6, 8)
image[..., 2:6] = 0
edges = image[..., :-1] - image[..., 1:]
layer = nn.Conv2d(1, 1, kernel_size=(1, 2), bias=False)
optimizer = torch.optim.SGD(layer.parameters(), lr=3e-2)
loss = nn.MSELoss(reduction="sum")
for _ in range(60):
    optimizer.zero_grad()
    loss(layer(image), edges).backward()
    optimizer.step()
kernel = layer.weight.detach()
assert torch.allclose(kernel, torch.tensor([[[[1.0, -1.0]]]]), atol=0.02), kernel

optional = {"matplotlib", "PIL", "scipy", "safetensors", "cupy", "torch"}
assert not optional & set(sys.modules), optional & set(sys.modules)
version = importlib.metadata.version("numpy")
print(f"Python {sys.version.split()[0]}, NumPy {version}: learned {kernel.flatten().tolist()}")
