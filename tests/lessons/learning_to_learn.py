"""A network learns to learn sines from ten points: the outer gradient goes through the inner steps.

After Finn et al., "Model-agnostic meta-learning for fast adaptation of deep networks", 2017.
"""

import math

import minigrad as torch
import minigrad.nn.functional as F
from minigrad import nn
from minigrad.func import functional_call

torch.manual_seed(0)
torch.set_default_dtype(torch.float64)


def make_task():
    amplitude, phase = torch.rand(1) * 4.9 + 0.1, torch.rand(1) * math.pi

    def draw(count=10):
        x = torch.rand(count, 1) * 10 - 5
        return x, amplitude * torch.sin(x + phase)

    return draw


def adapt(net, x, y, steps, rate, first_order=False):
    weights = dict(net.named_parameters())
    for _ in range(steps):
        loss = F.mse_loss(functional_call(net, weights, (x,)), y)
        gradients = torch.autograd.grad(loss, weights.values(), create_graph=not first_order)
        weights = {name: w - rate * g for (name, w), g in zip(weights.items(), gradients)}
    return weights


net = nn.Sequential(nn.Linear(1, 20), nn.Tanh(), nn.Linear(20, 20), nn.Tanh(), nn.Linear(20, 1))
optimizer = torch.optim.Adam(net.parameters(), lr=1e-2)
for round in range(5):
    optimizer.zero_grad()
    total = 0.0
    for _ in range(4):
        task = make_task()
        weights = adapt(net, *task(), steps=2, rate=0.02)
        x, y = task()
        total = total + F.mse_loss(functional_call(net, weights, (x,)), y) / 4
    total.backward()
    norm = nn.utils.clip_grad_norm_(net.parameters(), 10.0)
    optimizer.step()
    print(f"round {round}: loss {total.item():.6f}, gradient {norm.item():.6f}")

# One step by hand: without the inner derivative (first order), and with it.
w = torch.tensor([1.0, -2.0], requires_grad=True)
x, y = torch.tensor([[1.0, 2.0], [3.0, 4.0]]), torch.tensor([1.0, 0.0])
for first_order in (True, False):
    (gradient,) = torch.autograd.grad(((x @ w - y) ** 2).mean(), w, create_graph=not first_order)
    outer = ((x @ (w - 0.01 * gradient) - y) ** 2).mean()
    print("first order:", first_order, torch.autograd.grad(outer, w)[0])

torch.set_default_dtype(torch.float32)
