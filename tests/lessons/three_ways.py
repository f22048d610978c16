"""Lesson 4: one convolution in three ways: the layer, the function, and plain loops with padding.

Repaired from a Chinese note on `torch.nn.Conv2d` and `torch.nn.functional.conv2d`.
"""

import math

import minigrad as torch
import minigrad.nn as nn
import minigrad.nn.functional as F

torch.manual_seed(1)

in_channels = 1
out_channels = 1
kernel_size = (2, 3)
batch_size = 1
bias = False
input_size = [batch_size, in_channels, 4, 4]

conv_layer = torch.nn.Conv2d(in_channels, out_channels, kernel_size, bias=bias)
input_feature_map = torch.randn(input_size)
output_feature_map = conv_layer(input_feature_map)
print(input_feature_map)
print(conv_layer)
print(isinstance(conv_layer, nn.Module))
print(conv_layer.weight)  # out_channels * in_channels * height * width
print(output_feature_map)

output_feature_map1 = F.conv2d(input_feature_map, conv_layer.weight)
print(output_feature_map1)

input = input_feature_map
kernel = conv_layer.weight.data
print(kernel)

input = torch.randn(5, 5)
kernel = torch.randn(3, 3)


def matrix_multiplication_for_conv2d(input, kernel, stride=1, padding=0):
    if padding > 0:
        input = F.pad(input, (padding, padding, padding, padding))
    input_h, input_w = input.shape
    kernel_h, kernel_w = kernel.shape
    output_h = math.floor((input_h - kernel_h) / stride) + 1
    output_w = math.floor((input_w - kernel_w) / stride) + 1
    output = torch.zeros(output_h, output_w)
    for i in range(0, input_h - kernel_h + 1, stride):
        for j in range(0, input_w - kernel_w + 1, stride):
            region = input[i : i + kernel_h, j : j + kernel_w]
            output[int(i / stride), int(j / stride)] = torch.sum(region * kernel)
    return output


mat_mul_conv_output = matrix_multiplication_for_conv2d(input, kernel, padding=1)
print(mat_mul_conv_output)
