"""Idioms of the builders' guide: lazy layers, initialization, sharing, user-defined layers, files."""

import tempfile
from pathlib import Path

import minigrad as torch
from minigrad import nn
from minigrad.nn import functional as F

torch.manual_seed(0)
net = nn.Sequential(nn.LazyLinear(8), nn.ReLU(), nn.LazyLinear(1))
optimizer = torch.optim.SGD(net.parameters(), lr=0.1)
print(net, net[0].weight)
X = torch.rand(size=(2, 4))
print(net(X).shape, type(net[0]) == nn.Linear, net)
print(net[2].state_dict(), type(net[2].bias).__name__, net[2].bias.data, net[2].weight.grad is None)
print([(name, parameter.shape) for name, parameter in net.named_parameters()])
net(X).sum().backward()
optimizer.step()
print(net[2].bias)


def init_normal(module):
    if type(module) == nn.Linear:
        nn.init.normal_(module.weight, mean=0, std=0.01)
        nn.init.zeros_(module.bias)


net.apply(init_normal)
print(net[0].weight.data[0], net[0].bias.data[0])
net[0].weight.data[:] += 1
net[0].weight.data[0, 0] = 42
print(net[0].weight.data[0])

shared = nn.LazyLinear(8)
net = nn.Sequential(nn.LazyLinear(8), nn.ReLU(), shared, nn.ReLU(), shared, nn.ReLU(), nn.LazyLinear(1))
net(X)
net[2].weight.data[0, 0] = 100
print(net[2].weight.data[0] == net[4].weight.data[0], len(list(net.parameters())))


class Centered(nn.Module):
    def forward(self, X):
        return X - X.mean()


class Dense(nn.Module):
    def __init__(self, in_units, units):
        super().__init__()
        self.weight = nn.Parameter(torch.randn(in_units, units))
        self.bias = nn.Parameter(torch.randn(units))

    def forward(self, X):
        return F.relu(torch.matmul(X, self.weight.data) + self.bias.data)


print(Centered()(torch.tensor([1.0, 2, 3, 4, 5])))
dense = Dense(5, 3)
print(dense.weight, dense(torch.rand(2, 5)))
print(nn.Sequential(Dense(64, 8), nn.Sequential(Centered(), nn.Flatten())))

folder = Path(tempfile.mkdtemp())
torch.save([X, torch.zeros(4)], str(folder / "x-files"))
print(torch.load(str(folder / "x-files")))
torch.save(dense.state_dict(), str(folder / "dense.params"))
clone = Dense(5, 3)
print(clone.load_state_dict(torch.load(str(folder / "dense.params"))))
print(clone.eval()(torch.ones(1, 5)) == dense(torch.ones(1, 5)))
print(torch.device("cpu"), torch.device("cuda"), torch.device("cuda:1"), X.device)
