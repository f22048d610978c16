"""Idioms of linear regression and of the optimization chapter: loaders, by hand and concise, schedules."""

import minigrad as torch
from minigrad import nn
from minigrad.optim import lr_scheduler

torch.manual_seed(0)
w, b = torch.tensor([2, -3.4]), 4.2
X = torch.randn(200, 2)
y = torch.matmul(X, w.reshape((-1, 1))) + b + torch.randn(200, 1) * 0.01
dataset = torch.utils.data.TensorDataset(X, y)
loader = torch.utils.data.DataLoader(dataset, 20, shuffle=True)
first, target = next(iter(loader))
print(len(loader), first.shape, target.shape, first[0])

weight = torch.normal(0, 0.01, (2, 1), requires_grad=True)
bias = torch.zeros(1, requires_grad=True)
for epoch in range(3):
    for features, labels in loader:
        loss = ((torch.matmul(features, weight) + bias - labels) ** 2 / 2).mean()
        loss.backward()
        with torch.no_grad():
            for parameter in (weight, bias):
                parameter -= 0.3 * parameter.grad
                parameter.grad.zero_()
    with torch.no_grad():
        print(f"epoch {epoch + 1}, loss {loss:.5f}")
print(f"{w - weight.reshape(w.shape)}", (b - bias).detach())

x = torch.arange(-8.0, 8.0, 0.1, requires_grad=True)
y2 = torch.relu(x)
y2.backward(torch.ones_like(x), retain_graph=True)
print(x[78:83], x.grad[78:83])

for algorithm, options in (
    (torch.optim.SGD, {"lr": 0.05, "momentum": 0.9, "weight_decay": 0.1}),
    (torch.optim.Adagrad, {"lr": 0.1}),
    (torch.optim.RMSprop, {"lr": 0.01, "alpha": 0.9}),
    (torch.optim.Adadelta, {"rho": 0.9}),
    (torch.optim.Adam, {"lr": 0.01}),
):
    torch.manual_seed(1)
    net = nn.Sequential(nn.Linear(2, 1))
    optimizer = algorithm([{"params": net[0].weight}, {"params": net[0].bias}], **options)
    loss = nn.MSELoss(reduction="none")
    for features, labels in loader:
        optimizer.zero_grad()
        out = net(features)
        value = loss(out, labels.reshape(out.shape)).mean()
        value.backward()
        optimizer.step()
    print(algorithm.__name__, f"{value:.3f}", net[0].bias.data)

net = nn.Linear(2, 1)
optimizer = torch.optim.SGD(net.parameters(), lr=0.5)
scheduler = lr_scheduler.MultiStepLR(optimizer, milestones=[2, 4], gamma=0.5)
print(scheduler.__module__ == lr_scheduler.__name__)
rates = []
for _ in range(6):
    rates.append(scheduler.get_last_lr()[0])
    optimizer.step()
    scheduler.step()
print(rates, optimizer.param_groups[0]["lr"])
print(optimizer)
