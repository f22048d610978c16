"""Copies: the order in memory that they have."""

import minigrad as torch


def test_contiguous_packs_in_the_order_asked_for():
    turned = torch.arange(6.0).reshape(2, 3).t()
    assert turned.contiguous().is_contiguous() and turned.contiguous().stride() == (2, 1)
    image = torch.zeros(2, 3, 4, 5).contiguous(memory_format=torch.channels_last)
    assert image.is_contiguous(memory_format=torch.channels_last) and image.stride() == (60, 1, 15, 3)
    assert image.clone().stride() == image.stride() and image.contiguous().stride() == (60, 20, 5, 1)
    copied = torch.zeros(2, 3, 4, 5, requires_grad=True).contiguous(memory_format=torch.channels_last)
    assert copied.grad_fn.name() == "CloneBackward0" and not copied._is_view()
    kept = image.to(torch.float64, memory_format=torch.preserve_format)
    assert kept.stride() == image.stride() and not image[0].is_contiguous(memory_format=torch.channels_last)
