"""Lesson 1b: padding and stride, four layers and their output sizes.

Repaired from a Chinese summary of "Dive into Deep Learning", chapter on padding and stride.
"""

import os

import minigrad as torch
from minigrad import nn

os.environ["KMP_DUPLICATE_LIB_OK"] = "TRUE"


def comp_conv2d(conv2d, X):
    # (1, 1): the batch size and the number of channels are both 1
    X = X.reshape((1, 1) + X.shape)
    Y = conv2d(X)
    # leave the first two dimensions away again
    return Y.reshape(Y.shape[2:])


conv2d = nn.Conv2d(1, 1, kernel_size=3, padding=1)
X = torch.rand(size=(8, 8))
print(comp_conv2d(conv2d, X).shape)

conv2d = nn.Conv2d(1, 1, kernel_size=(5, 3), padding=(2, 1))
print(comp_conv2d(conv2d, X).shape)

conv2d = nn.Conv2d(1, 1, kernel_size=3, padding=1, stride=2)
print(comp_conv2d(conv2d, X).shape)

conv2d = nn.Conv2d(1, 1, kernel_size=(3, 5), padding=(0, 1), stride=(3, 4))
print(comp_conv2d(conv2d, X).shape)
