"""Idioms of the chapters on convolutional networks: windows, channels, blocks, the shapes within."""

import minigrad as torch
from minigrad import nn
from minigrad.nn import functional as F

torch.manual_seed(0)
X = torch.arange(16, dtype=torch.float32).reshape((1, 1, 4, 4))
X = torch.cat((X, X + 1), 1)
print(nn.MaxPool2d(3, padding=1, stride=2)(X), nn.AvgPool2d((2, 3), stride=(2, 3), padding=(0, 1))(X))
K = torch.normal(0, 1, (2, 3, 1, 1))
P = torch.normal(0, 1, (3, 3, 3))
mixed = torch.matmul(K.reshape((2, 3)), P.reshape((3, 9))).reshape((2, 3, 3))
by_hand = torch.stack([sum(p * w for p, w in zip(P, k.reshape(3))) for k in K], 0)
print(float(torch.abs(mixed - by_hand).sum()) < 1e-6)


def init_cnn(module):
    if type(module) == nn.Linear or type(module) == nn.Conv2d:
        nn.init.xavier_uniform_(module.weight)


class Residual(nn.Module):
    def __init__(self, num_channels, use_1x1conv=False, strides=1):
        super().__init__()
        self.conv1 = nn.LazyConv2d(num_channels, kernel_size=3, padding=1, stride=strides)
        self.conv2 = nn.LazyConv2d(num_channels, kernel_size=3, padding=1)
        self.conv3 = nn.LazyConv2d(num_channels, kernel_size=1, stride=strides) if use_1x1conv else None
        self.bn1 = nn.LazyBatchNorm2d()
        self.bn2 = nn.LazyBatchNorm2d()

    def forward(self, X):
        Y = F.relu(self.bn1(self.conv1(X)))
        Y = self.bn2(self.conv2(Y))
        if self.conv3:
            X = self.conv3(X)
        Y += X
        return F.relu(Y)


net = nn.Sequential(
    nn.Sequential(nn.LazyConv2d(6, kernel_size=5, padding=2), nn.Sigmoid(), nn.AvgPool2d(2, 2)),
    Residual(6),
    Residual(8, use_1x1conv=True, strides=2),
    nn.Sequential(nn.AdaptiveAvgPool2d((1, 1)), nn.Flatten(), nn.LazyLinear(10)),
)
print(net)
images, labels = torch.rand(4, 1, 28, 28), torch.tensor([3, 1, 4, 1])
net(images)
net.apply(init_cnn)
Y = images
for layer in net:
    Y = layer(Y)
    print(layer.__class__.__name__, "output shape:\t", Y.shape)
print(net)
optimizer = torch.optim.SGD(net.parameters(), lr=0.05)
for _ in range(3):
    loss = F.cross_entropy(net(images), labels)
    optimizer.zero_grad()
    with torch.no_grad():
        loss.backward()
        optimizer.step()
    print(f"loss {loss:.3f}")
print(net[1].bn1.running_mean, net[1].bn1.num_batches_tracked)
guess = net.eval()(images).argmax(axis=1).type(labels.dtype)
print((guess == labels).type(torch.float32).mean())
