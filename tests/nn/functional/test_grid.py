"""`grid_sample` and `affine_grid`: recorded values, second derivatives, points at and outside the border, errors."""

import json
import warnings
from pathlib import Path

import numpy as np
import pytest

import minigrad as torch
import minigrad.nn.functional as F

CASES = json.loads((Path(__file__).parents[2] / "data" / "grid.json").read_text())


def read(case, *names):
    return [torch.tensor(case[n][0], dtype=torch.float64).reshape(case[n][1]).requires_grad_() for n in names]


@pytest.mark.filterwarnings("ignore:Since version 1.3.0")
@pytest.mark.parametrize("case", CASES, ids=lambda case: f"{len(case['image'][1]) - 2}d-{case['options']}")
def test_values_and_gradients_are_pytorchs(case):
    image, grid, theta = read(case, "image", "grid", "theta")
    out = F.grid_sample(image, grid, *case["options"])
    size = (2, 1, *out.shape[2:])
    made = F.affine_grid(theta, size, case["options"][2])
    gradients = torch.autograd.grad(out, (image, grid), *read(case, "cotangent"))
    found = [out, made, *gradients, *torch.autograd.grad(made, theta, grid.detach())]
    for value, name in zip(found, ("out", "affine", "image_grad", "grid_grad", "theta_grad"), strict=True):
        np.testing.assert_allclose(
            value.detach().numpy(), read(case, name)[0].detach().numpy(), atol=2e-9, err_msg=name
        )


@pytest.mark.parametrize("mode", ["bilinear", "bicubic"])
@pytest.mark.parametrize("border", ["zeros", "border", "reflection"])
@pytest.mark.parametrize("align", [False, True])
def test_grid_sample_passes_gradgradcheck(mode, border, align):
    image = torch.randn(1, 4, 3, 2).double().transpose(1, 3).requires_grad_()  # not contiguous
    grid = (torch.rand(1, 2, 2, 2).double() * 3 - 1.5).requires_grad_()
    for check in (torch.autograd.gradcheck, torch.autograd.gradgradcheck):  # a GPU adds in any order
        assert check(lambda x, g: F.grid_sample(x, g, mode, border, align), (image, grid), nondet_tol=1e-12)


def test_affine_grid_passes_gradgradcheck():
    theta = torch.randn(2, 2, 3).double().requires_grad_()
    assert torch.autograd.gradgradcheck(lambda t: F.affine_grid(t, (2, 1, 3, 2), align_corners=False), (theta,))


@pytest.mark.parametrize("align", [False, True])
@pytest.mark.parametrize("mode", ["bilinear", "nearest", "bicubic"])
def test_the_identity_map_gives_the_image(mode, align):
    image = torch.randn(2, 3, 5, 4)
    theta = torch.tensor([[[1.0, 0, 0], [0, 1, 0]]]).expand(2, 2, 3)
    grid = F.affine_grid(theta, image.shape, align_corners=align)
    np.testing.assert_allclose(F.grid_sample(image, grid, mode, align_corners=align).numpy(), image.numpy(), atol=1e-5)


def test_names_in_the_graph_halves_and_the_gradient_of_a_nearest_grid():
    grid = torch.zeros(1, 1, 1, 2, requires_grad=True)
    out = F.grid_sample(torch.ones(1, 1, 2, 2), grid, "nearest", align_corners=False)
    assert out.grad_fn.name() == "GridSampler2DBackward0"
    out.sum().backward()
    assert grid.grad.tolist() == [[[[0.0, 0.0]]]]
    made = F.affine_grid(torch.ones(1, 2, 3, requires_grad=True), (1, 1, 2, 2), False)
    assert made.grad_fn.name() == "AffineGridGeneratorBackward0"


def test_half_precision_is_sampled_in_float32_and_its_grid_is_made_in_half():  # numbers recorded from PyTorch
    image = torch.arange(16.0).view(1, 1, 4, 4).half().requires_grad_()
    grid = (torch.arange(8.0).view(1, 2, 2, 2) / 8 - 0.5).half().requires_grad_()
    out = F.grid_sample(image, grid, align_corners=False)
    assert (out.dtype, out.grad_fn.name()) == (torch.float16, "GridSampler2DBackward0")
    assert out.tolist() == [[[[3.5, 6.0], [8.5, 11.0]]]]
    out.sum().backward()
    assert image.grad[0, 0, 1].tolist() == [0.375, 1.25, 0.125, 0.0]
    assert grid.grad.tolist() == [[[[2.0, 8.0]] * 2] * 2]
    theta = torch.tensor([[[1.0, 0.5, 0.25], [0.3, 1.0, 0.0]]]).half().requires_grad_()
    made = F.affine_grid(theta, (1, 1, 3, 3), align_corners=False)
    assert (made.dtype, made.grad_fn.name()) == (torch.float16, "AffineGridGeneratorBackward0")
    np.testing.assert_array_equal(made[0, 0, :, 0].detach().numpy(), np.float16([-0.75, -0.08325, 0.583]))


def test_places_that_are_nan_or_far_outside():
    image = torch.arange(9.0).view(1, 1, 3, 3)
    grid = torch.tensor([[[[float("nan"), 0.0], [1e30, 0.0]]]])
    zeros = F.grid_sample(image, grid, align_corners=False).flatten()
    assert zeros[0].isnan()
    assert zeros[1] == 0
    assert F.grid_sample(image, grid, "nearest", "border", False).tolist() == [[[[3.0, 5.0]]]]


def test_an_infinite_pixel_that_no_place_reads_does_not_spread():
    image = torch.tensor([[[[1.0, float("inf")]]]])
    out = F.grid_sample(image, torch.tensor([[[[-1.0, 0.0]]]]), align_corners=False)
    assert out.item() == 0.5  # half of the pixel, half of the zeros beside it


def test_an_ambiguous_align_corners_warns():
    with pytest.warns(UserWarning, match="has changed to align_corners=False since 1.3.0") as seen:
        F.grid_sample(torch.ones(1, 1, 2, 2), torch.zeros(1, 1, 1, 2))
    assert seen[0].filename == __file__
    with pytest.warns(UserWarning, match="for unit-size grids when align_corners=True"):
        F.affine_grid(torch.ones(1, 2, 3), (1, 1, 2, 1), align_corners=True)


ONE = torch.ones(1, 1, 2, 2)
REFUSED = {
    "axis": (lambda: F.grid_sample(ONE, torch.ones(1, 2, 2, 3)), RuntimeError, "grid to have size 2 in last dimension"),
    "batch": (lambda: F.grid_sample(ONE, torch.ones(2, 2, 2, 2)), RuntimeError, "to have same batch size"),
    "rank": (lambda: F.grid_sample(ONE, torch.ones(1, 2, 2)), RuntimeError, "same number of dimensions"),
    "mode": (lambda: F.grid_sample(ONE, ONE, "x"), ValueError, "expected mode to be 'bilinear', 'nearest' or"),
    "border": (lambda: F.grid_sample(ONE, ONE, padding_mode="x"), ValueError, "expected padding_mode to be 'zeros'"),
    "dtype": (lambda: F.grid_sample(ONE, torch.ones(1, 2, 2, 2).double()), RuntimeError, "expected a grid of type"),
    "ints": (lambda: F.grid_sample(ONE.long(), ONE.long()), NotImplementedError, "not implemented for 'Long'"),
    "empty": (lambda: F.grid_sample(ONE[:, :, :0], torch.ones(1, 2, 2, 2)), RuntimeError, "non-empty spatial"),
    "list": (lambda: F.grid_sample(ONE, [1]), TypeError, "argument 'grid'"),
    "cubic": (
        lambda: F.grid_sample(torch.ones(1, 1, 2, 2, 2), torch.ones(1, 2, 2, 2, 3), "bicubic"),
        RuntimeError, "bicubic interpolation only supports 4D input",
    ),
    "size": (lambda: F.affine_grid(torch.ones(1, 2, 3), (1, 1, 2)), NotImplementedError, "only supports 4D and 5D"),
    "theta": (lambda: F.affine_grid(torch.ones(1, 2, 4), (1, 1, 2, 2)), ValueError, "shape Nx2x3 for size"),
    "whole": (lambda: F.affine_grid(torch.ones(1, 2, 3).long(), (1, 1, 2, 2)), ValueError, "floating point type"),
    "nothing": (lambda: F.affine_grid(torch.ones(1, 2, 3), (1, 1, 0, 2)), ValueError, "non-zero, positive output"),
    "many": (lambda: F.affine_grid(torch.ones(2, 2, 3), (1, 1, 2, 2)), RuntimeError, "theta has 2 matrices"),
}  # fmt: skip


@pytest.mark.parametrize("case", REFUSED)
def test_wrong_arguments_raise(case):
    call, error, message = REFUSED[case]
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        with pytest.raises(error, match=message):
            call()


# Recorded from PyTorch: of the inner points of the identity map's grid, those that lie before their pixel's centre by
# rounding. There the gradient of a spatial transformer that starts with the identity takes its slope from the left.
BEFORE_THE_CENTRE = {
    (7, True): [4], (11, True): [1, 2], (18, True): [1, 2, 3, 4, 5, 10], (19, True): [1, 2, 3, 4, 12],
    (7, False): [], (11, False): [1, 2, 6], (18, False): [16], (19, False): [1, 4],
}  # fmt: skip


@pytest.mark.parametrize(("length", "align"), BEFORE_THE_CENTRE)
def test_the_identity_map_falls_on_pytorchs_side_of_each_pixel(length, align):
    grid = F.affine_grid(torch.eye(2, 3)[None], (1, 1, 2, length), align_corners=align).detach().requires_grad_()
    image = (torch.arange(length, dtype=torch.float32) ** 2).expand(1, 1, 2, length)
    F.grid_sample(image, grid, align_corners=align).sum().backward()
    slopes = grid.grad[0, 0, 1:-1, 0] / ((length - 1 if align else length) / 2)  # (i + 1)^2 - i^2 or i^2 - (i - 1)^2
    left = [i for i, slope in enumerate(slopes.tolist(), 1) if round((slope - 1) / 2) < i]
    assert left == BEFORE_THE_CENTRE[length, align]
