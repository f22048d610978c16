"""How messages show values: none prints a whole tensor, array or list in the place of an option."""

import numpy as np
import pytest

import minigrad as torch
from minigrad.shown_values import LONGEST, shorten, show_value

F = torch.nn.functional
WRONG = {
    "tensor": torch.arange(1000.0),
    "matrix": torch.ones(40, 25),
    "array": np.arange(1000) + 0.5,
    "list": list(range(1000)),
    "tuple": tuple(range(1000)),
    "nested": [[1.0] * 50] * 50,
    "dict": dict.fromkeys(range(1000), 1.0),
    "several": [torch.ones(30, 30)] * 30,
}
x, image = torch.ones(2, 2), torch.ones(1, 1, 4, 4)
SITES = {
    "device": lambda value: torch.zeros(2, device=value),
    "dtype": lambda value: torch.zeros(2, dtype=value),
    "layout": lambda value: torch.zeros(2, layout=value),
    "requires_grad": lambda value: torch.zeros(2, requires_grad=value),
    "requires_grad_": x.clone().requires_grad_,
    "reduction": lambda value: F.mse_loss(x, x, reduction=value),
    "reduction of a layer": lambda value: torch.nn.CrossEntropyLoss(reduction=value)(x, x),
    "generator": lambda value: torch.rand(2, generator=value),
    "rounding_mode": lambda value: torch.div(x, x, rounding_mode=value),
    "reduce": lambda value: torch.scatter(x, 0, torch.zeros(1, 1).long(), 1.0, reduce=value),
    "size": lambda value: F.interpolate(image, size=value),
    "scale_factor": lambda value: F.interpolate(image, scale_factor=value),
    "pad": lambda value: F.pad(image, value),
    "padding_mode": lambda value: F.grid_sample(image, torch.ones(1, 1, 1, 2), padding_mode=value),
    "mode": lambda value: F.grid_sample(image, torch.ones(1, 1, 1, 2), mode=value),
    "kernel_size": lambda value: F.max_pool2d(image, value),
    "normalized_shape": lambda value: F.layer_norm(x, value),
    "shape": lambda value: torch.zeros(value).reshape(7),
    "UPLO": lambda value: torch.linalg.eigh(x, UPLO=value),
    "interpolation": lambda value: torch.quantile(x, 0.5, interpolation=value),
    "betas": lambda value: torch.optim.Adam([torch.nn.Parameter(x)], betas=value),
    "batch_size": lambda value: torch.utils.data.DataLoader([1], batch_size=value),
    "lengths": lambda value: torch.utils.data.random_split([1], value),
    "T_0": lambda value: torch.optim.lr_scheduler.CosineAnnealingWarmRestarts(_optimizer(), value),
    "finfo": torch.finfo,
    "gain": torch.nn.init.calculate_gain,
}


def _optimizer():
    return torch.optim.SGD([torch.nn.Parameter(x)], 0.1)


@pytest.mark.parametrize("site", SITES)
@pytest.mark.parametrize("name", WRONG)
def test_messages_stay_short_whatever_is_given_as_an_option(site, name):
    with pytest.raises(Exception) as refused:  # each site has tests of its class and words
        SITES[site](WRONG[name])
    assert 0 < len(str(refused.value)) <= 400


def test_a_value_is_shown_by_its_shape_or_by_its_beginning():
    assert show_value(3) == "int 3" and show_value("a") == "str 'a'" and show_value(None) == "NoneType None"
    assert show_value(torch.ones(8, 8)) == shorten(torch.ones(8, 8)) == "Tensor of shape (8, 8)"
    assert show_value(np.arange(4)) == "ndarray array([0, 1, 2, 3])" and shorten("a", str) == "a"
    assert show_value(list(range(99))).startswith("list [0, 1, 2") and show_value(list(range(99))).endswith(" ...")
    assert len(shorten("x" * 1000, str)) == LONGEST + 4
