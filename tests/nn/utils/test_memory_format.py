"""`nn.utils.convert_conv2d_weight_memory_format` and its kin: weights in another order in memory."""

import minigrad as torch
from minigrad import nn


def test_the_weights_of_convolutions_are_copied_to_the_order_that_is_asked_for():
    model = nn.Sequential(nn.Conv2d(8, 4, 3), nn.ReLU(), nn.ConvTranspose2d(4, 2, 2), nn.Linear(2, 2))
    x, weight = torch.arange(72.0).reshape(1, 8, 3, 3).sin(), model[0].weight
    before = model(x)
    assert nn.utils.convert_conv2d_weight_memory_format(model, torch.channels_last) is model
    assert model[0].weight is weight and weight.is_leaf and weight.stride() == (72, 1, 24, 8)
    assert model[2].weight.stride() == (8, 1, 4, 2) and model[3].weight.is_contiguous()
    assert torch.allclose(model(x), before)


def test_the_weights_of_convolutions_of_volumes_alone_are_copied():
    model = nn.Sequential(nn.Conv3d(2, 3, 2), nn.Conv2d(8, 4, 3))
    x = torch.arange(54.0).reshape(1, 2, 3, 3, 3).sin()
    before = model[0](x)
    assert nn.utils.convert_conv3d_weight_memory_format(model, torch.channels_last_3d) is model
    assert model[0].weight.stride() == (16, 1, 8, 4, 2) and model[1].weight.is_contiguous()
    assert torch.allclose(model[0](x), before)
