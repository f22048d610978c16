"""A user's program, for type checkers: what each expression is, and what no expression has.

`.ci/check_types.py` runs mypy --strict and pyright over it. Lines that end in ``# mistake`` must be
flagged, all others must not.
"""

from typing import assert_type

import minigrad as torch
from minigrad import Tensor, nn
from minigrad.nn import functional as F

x = torch.ones(2, 3)
assert_type(x, Tensor)
assert_type(torch.tensor([1.0]), Tensor)
assert_type(torch.randn(2), Tensor)

# ---- operators, functions, methods
assert_type(x * 2, Tensor)
assert_type(2 * x, Tensor)
assert_type(x + x, Tensor)
assert_type(x - x, Tensor)
assert_type(x / 2, Tensor)
assert_type(x**2, Tensor)
assert_type(-x, Tensor)
assert_type(x @ x.T, Tensor)
assert_type(x > 0, Tensor)
assert_type(x == x, Tensor)
assert_type(x[0], Tensor)
assert_type(torch.relu(x), Tensor)
torch.sqrt_(x)
torch.conv9d(x)  # mistake
assert_type(torch.exp(x), Tensor)
assert_type(torch.add(x, x), Tensor)
assert_type(torch.matmul(x, x.T), Tensor)
assert_type(torch.cat([x, x]), Tensor)
assert_type(x.exp(), Tensor)
assert_type(x.add_(1), Tensor)
assert_type(x.sum(), Tensor)
assert_type(x.mean(0, keepdim=True), Tensor)
assert_type(x.var(), Tensor)
assert_type(x.reshape(3, 2), Tensor)
assert_type(x.shape[0], int)

# ---- a training step
conv = nn.Conv2d(1, 1, kernel_size=(1, 2), bias=False)
image = torch.ones(1, 1, 6, 8)
output = conv(image)
assert_type(output, Tensor)
assert_type(conv.weight.data, Tensor)
loss = nn.MSELoss()(output, output)
assert_type(loss, Tensor)
assert_type(loss.backward(), None)
assert_type(loss.item(), float)
optimizer = torch.optim.SGD(conv.parameters(), lr=0.1)
optimizer.zero_grad()
optimizer.step()
(gradient,) = torch.autograd.grad(loss, (conv.weight,))
assert_type(gradient, Tensor)

# ---- layers and their options
assert_type(nn.Dropout(0.5)(x), Tensor)
assert_type(nn.LeakyReLU(0.1)(x), Tensor)
assert_type(nn.MaxPool2d(2, stride=2)(image), Tensor)
assert_type(nn.CrossEntropyLoss(label_smoothing=0.1)(x, x), Tensor)

# ---- functional
assert_type(F.conv2d(image, conv.weight), Tensor)
assert_type(F.relu(x), Tensor)
assert_type(F.cross_entropy(x, x), Tensor)

# ---- what no tensor has
(x * 2).bananas()  # mistake
torch.relu(x).bananas()  # mistake
x.exp().bananas()  # mistake
x.sum().bananas()  # mistake
conv(image).bananas()  # mistake
F.relu(x).bananas()  # mistake
