"""A network learns a damped oscillation from its differential equation: the loss holds second derivatives.

    u'' + mu u' + k u = 0,   u(0) = 1,   u'(0) = 0

After Raissi et al., "Physics-informed neural networks", 2019.
"""

import minigrad as torch
from minigrad import nn

torch.manual_seed(123)
torch.set_default_dtype(torch.float64)

MU, K = 4.0, 400.0


class Network(nn.Module):
    def __init__(self, width, depth):
        super().__init__()
        inner = [nn.Sequential(nn.Linear(width, width), nn.Tanh()) for _ in range(depth - 1)]
        self.layers = nn.Sequential(nn.Linear(1, width), nn.Tanh(), *inner, nn.Linear(width, 1))

    def forward(self, t):
        return self.layers(t)


def derive(u, t):
    (gradient,) = torch.autograd.grad(u, t, torch.ones_like(u), create_graph=True)
    return gradient


net = Network(16, 3)
print(net)
optimizer = torch.optim.Adam(net.parameters(), lr=1e-3)
start = torch.zeros(1, 1, requires_grad=True)
times = torch.linspace(0, 1, 30).view(-1, 1).requires_grad_(True)
for step in range(6):
    optimizer.zero_grad()
    u = net(start)
    at_start = (u.squeeze() - 1) ** 2 + 1e-1 * derive(u, start).squeeze() ** 2
    u = net(times)
    du = derive(u, times)
    equation = ((derive(du, times) + MU * du + K * u) ** 2).mean()
    loss = at_start + 1e-4 * equation
    loss.backward()
    optimizer.step()
    print(f"step {step}: loss {loss.item():.6f}, start {at_start.item():.6f}, equation {equation.item():.4f}")

# The exact solution satisfies the equation: a check of the derivatives alone.
omega = (K - (MU / 2) ** 2) ** 0.5
exact = torch.exp(-MU / 2 * times) * (torch.cos(omega * times) + MU / (2 * omega) * torch.sin(omega * times))
first = derive(exact, times)
print(torch.allclose(derive(first, times) + MU * first + K * exact, torch.zeros_like(times), atol=1e-9))

# The Laplacian of x^2 y^3, from a gradient and a derivative of each of its parts.
xy = torch.tensor([[0.3, 0.4], [1.0, 2.0]], requires_grad=True)
gradient = derive(xy[:, 0] ** 2 * xy[:, 1] ** 3, xy)
print(sum(derive(gradient[:, i], xy)[:, i] for i in range(2)).detach())

torch.set_default_dtype(torch.float32)
