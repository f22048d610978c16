"""`nn.utils.skip_init`: a module that draws nothing."""

import minigrad as torch
from minigrad import nn
from tests.refusals import refusals


def test_a_module_whose_initialization_is_skipped_draws_nothing():
    torch.manual_seed(3)
    expected = torch.rand(4)
    torch.manual_seed(3)
    module = nn.utils.skip_init(nn.Conv2d, 2, 3, kernel_size=3, dtype=torch.float64)
    assert torch.equal(torch.rand(4), expected)
    assert module.weight.shape == (3, 2, 3, 3) and module.weight.dtype == torch.float64
    assert nn.init.zeros_(module.weight).requires_grad


test_refused = refusals(
    {
        "no module": (lambda: nn.utils.skip_init(torch.Tensor, 2), RuntimeError, "Expected a Module; got .*Tensor"),
        "no class": (lambda: nn.utils.skip_init(3), RuntimeError, "Expected a Module; got 3"),
        "no device": (lambda: nn.utils.skip_init(nn.ReLU), RuntimeError, ("support a 'device' arg", "ReLU has none")),
    }
)
