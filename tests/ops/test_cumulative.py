"""Running sums and products, and the gradient of a product."""

import pytest

import minigrad as torch


def test_products_with_zeros_have_exact_gradients_of_both_orders():
    x = torch.tensor([0.0, 2.0, 3.0, 5.0, 7.0], requires_grad=True)
    (first,) = torch.autograd.grad(x.prod(), x, create_graph=True)
    assert first.tolist() == [210.0, 0.0, 0.0, 0.0, 0.0]
    (second,) = torch.autograd.grad(first[0], x)
    assert second.tolist() == [0.0, 105.0, 70.0, 42.0, 30.0]
    assert torch.ones(0).prod().item() == 1.0


@pytest.mark.parametrize("multiply", [torch.prod, lambda x: x.prod(0), lambda x: x.cumprod(0)])
def test_backward_refuses_a_product_that_was_written_to(multiply):
    x = torch.tensor([[2.0, 3.0], [0.0, 5.0]], requires_grad=True)
    y = multiply(x)
    y.mul_(2)
    with pytest.raises(RuntimeError, match=r"modified by an inplace operation.*version 0.*version 1"):
        y.sum().backward()
