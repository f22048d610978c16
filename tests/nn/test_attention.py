"""The choice of a kernel for attention, which is accepted and changes nothing."""

import pytest

import minigrad as torch
from minigrad.nn.attention import SDPBackend, sdpa_kernel


def test_every_choice_of_a_kernel_gives_the_same_attention():
    x = torch.randn(1, 2, 3, 4)
    attend = torch.nn.functional.scaled_dot_product_attention
    choices = [*SDPBackend, [SDPBackend.FLASH_ATTENTION, SDPBackend.MATH]]
    for backends in choices:
        with sdpa_kernel(backends, set_priority=True) as options:
            assert options == {} and attend(x, x, x).equal(attend(x, x, x))
    assert sdpa_kernel(SDPBackend.MATH)(attend)(x, x, x).equal(attend(x, x, x))


def test_kernels_print_as_in_pytorch():
    assert (str(SDPBackend.MATH), repr(SDPBackend.FLASH_ATTENTION)) == (
        "SDPBackend.MATH",
        "<SDPBackend.FLASH_ATTENTION: 1>",
    )
    assert torch.nn.attention.SDPBackend(3) is SDPBackend.CUDNN_ATTENTION


@pytest.mark.parametrize("backends", ["math", (SDPBackend.MATH,), 0])
def test_what_is_no_kernel_is_refused(backends):
    with (
        pytest.raises(AssertionError, match=r"must be an SDPBackend, such as SDPBackend\.MATH, or a list of them, not"),
        sdpa_kernel(backends),
    ):
        pass


def test_names_of_pytorch_that_are_not_here_say_so():
    with pytest.raises(
        AttributeError, match=r"PyTorch has torch\.nn\.attention\.WARN_FOR_UNFUSED_KERNELS, minigrad does"
    ):
        _ = torch.nn.attention.WARN_FOR_UNFUSED_KERNELS
