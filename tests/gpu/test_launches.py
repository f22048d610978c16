"""A training step takes few launches, all of our own kernels and cuBLAS."""

import numpy as np
import pytest

import minigrad as torch
from minigrad import nn
from minigrad.nn import functional as F
from tests.standin.journal import asked, launches

NETWORKS = {  # a network, a batch for it, the launches of a step besides the matrix products
    "an edge": (lambda: nn.Conv2d(1, 1, (1, 2), bias=False), (1, 1, 6, 8), 5),
    "two layers": (lambda: nn.Sequential(nn.Linear(20, 16), nn.ReLU(), nn.Linear(16, 10)), (8, 20), 11),
    "norms": (lambda: nn.Sequential(nn.Linear(20, 16), nn.LayerNorm(16), nn.GELU(), nn.Linear(16, 10)), (8, 20), 14),
    "images": (
        lambda: nn.Sequential(
            nn.Conv2d(1, 4, 3), nn.BatchNorm2d(4), nn.ReLU(), nn.MaxPool2d(2), nn.Flatten(), nn.Linear(36, 10)
        ),
        (8, 1, 8, 8),
        24,
    ),
}
UFUNCS = {name for name in dir(np) if isinstance(getattr(np, name), np.ufunc)}


@pytest.mark.parametrize(("network", "shape", "most"), NETWORKS.values(), ids=NETWORKS)
def test_a_training_step_takes_few_launches_and_no_ufunc_of_cupy(stand_in, network, shape, most):
    model = network().to("cuda")
    x = torch.randn(*shape).to("cuda")
    y = torch.randint(0, 10, (len(x),)).to("cuda")
    optimizer = torch.optim.SGD(model.parameters(), lr=0.01)

    def step():
        optimizer.zero_grad()
        out = model(x)
        loss = F.cross_entropy(out, y) if out.ndim == 2 else F.mse_loss(out, torch.zeros_like(out))
        loss.backward()
        optimizer.step()

    step()  # kernels are written, and buffers made
    launches.clear()
    asked.clear()
    step()
    assert len(launches) <= most, launches
    assert not {name for module, name, _ in asked if module == "cupy" and name in UFUNCS}
