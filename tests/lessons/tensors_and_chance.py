"""Idioms of the preliminaries: creating, in-place operations, broadcasting, norms, gradients, random numbers."""

import numpy as np

import minigrad as torch
from minigrad.distributions.multinomial import Multinomial

x = torch.arange(12, dtype=torch.float32)
print(x, x.numel(), x.shape, len(x))
X = x.reshape(3, -1)
X[1, 2] = 17
X[:2, :] = 12
print(X[-1], X[1:3], torch.exp(x))
Y = torch.tensor([[2.0, 1, 4, 3], [1, 2, 3, 4], [4, 3, 2, 1]])
print(torch.cat((X, Y), dim=1), X == Y, X.sum())
print(torch.arange(3).reshape((3, 1)) + torch.arange(2).reshape((1, 2)))

before = id(Y)
Y = Y + X
print(id(Y) == before)
before = id(X)
X += Y
X[:] = X + Y
print(id(X) == before)
print(type(X.numpy()), type(torch.from_numpy(X.numpy())), isinstance(X, torch.Tensor), torch.is_tensor(X))
a = torch.tensor([3.5])
print(a, a.item(), float(a), int(a), f"{a.item():.2f}")

A = torch.arange(6, dtype=torch.float32).reshape(2, 3)
B = A.clone()
print(A * B, A.sum(axis=0), A.sum(axis=[0, 1]) == A.sum(), A.mean(), A.mean(axis=0))
print(A / A.sum(axis=1, keepdims=True), A.cumsum(axis=0), A.T)
v = torch.ones(3)
print(torch.dot(v, v), torch.mv(A, v), A @ v, torch.mm(A, A.T), torch.norm(v), torch.abs(-v).sum())
print(A.norm(), A.median(), A.cumprod(dim=1))
print(torch.broadcast_shapes((3, 1), (2,)))
print(torch.result_type(A, 1), torch.result_type(torch.arange(2), 1.5), torch.is_floating_point(A), torch.numel(A))

x = torch.arange(4.0, requires_grad=True)
y = 2 * torch.dot(x, x)
print(y)
y.backward()
print(x.grad, x.grad == 4 * x)
x.grad.zero_()
y = x * x
u = y.detach()
(u * x).sum().backward()
print(x.grad == u, x.requires_grad, u.requires_grad)


def doubled(a):
    b = a * 2
    while b.norm() < 1000:
        b = b * 2
    return b if b.sum() > 0 else 100 * b


a = torch.tensor(0.7, requires_grad=True)
d = doubled(a)
d.backward()
print(a.grad == d / a)

torch.manual_seed(3)
fair = torch.tensor([0.5, 0.5])
print(Multinomial(100, fair).sample(), Multinomial(100, fair).sample() / 100)
counts = Multinomial(1, fair).sample((500,))
cumulated = counts.cumsum(dim=0)
print((cumulated / cumulated.sum(dim=1, keepdims=True))[-1], np.asarray(cumulated).shape)
print(torch.multinomial(torch.tensor([[1.0, 2.0, 1.0], [0.0, 0.0, 5.0]]), 6, replacement=True), torch.rand(2))
for refused in (
    lambda: torch.multinomial(torch.zeros(2), 2, replacement=True),
    lambda: torch.multinomial(torch.tensor([-1.0, 2.0]), 2, replacement=True),
    lambda: torch.multinomial(torch.ones(2), 3),
    lambda: torch.multinomial(torch.ones(2), 0),
    lambda: torch.multinomial(torch.tensor([1, 2]), 1),
    lambda: Multinomial(3, torch.tensor([-1.0, 2.0])),
    lambda: torch.broadcast_shapes((2,), (3,)),
):
    try:
        print(refused())
    except (RuntimeError, ValueError) as error:
        print(type(error).__name__)
