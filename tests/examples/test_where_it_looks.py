"""examples/where_it_looks.py: the heat of Grad-CAM lies on the pattern, and its formula."""

from functools import cache

import numpy as np
import pytest

import minigrad
import where_it_looks as example

pytestmark = pytest.mark.lesson


@cache
def train_network() -> minigrad.nn.Sequential:
    minigrad.manual_seed(0)
    images, classes, _ = example.make_images(96)
    net = example.make_network()
    assert example.train(net, images, classes, 150) < 0.1
    return net


@pytest.mark.cpu("a GPU draws other images, and trains to other weights")
def test_the_hottest_pixel_lies_in_the_pattern() -> None:
    trained = train_network()
    minigrad.manual_seed(1)
    images, classes, corners = example.make_images(30)
    inside = 0
    for image, kind, (i, j) in zip(images, classes.tolist(), corners, strict=True):
        if example.NAMES[kind] != "nothing":
            row, column = divmod(int(example.heat_of(trained, image, kind).argmax()), example.SIZE)
            inside += i <= row < i + 5 and j <= column < j + 5
    assert inside >= 18  # of 20


@pytest.mark.cpu("a GPU draws other images, and trains to other weights")
def test_heat_is_the_sum_of_maps_times_their_importance() -> None:
    trained = train_network()
    (image,), _, _ = example.make_images(1)
    maps = trained[:4](image[None]).detach()[0].cpu().numpy()
    weight = trained[-1].weight.detach()[1].cpu().numpy()  # behind a mean over 14 * 14 pixels
    expected = np.maximum(np.einsum("c,chw->hw", weight / 14**2, maps), 0)
    heat = example.heat_of(trained, image, 1).cpu().numpy()
    np.testing.assert_allclose(heat, expected / max(expected.max(), 1e-9), atol=1e-5)


def test_an_image_without_a_pattern_is_noise_alone() -> None:
    images, classes, corners = example.make_images(6)
    assert classes.tolist() == [0, 1, 2, 0, 1, 2] and len(corners) == 6
    assert all((image.max() > 1) == (kind < 2) for image, kind in zip(images, classes.tolist(), strict=True))


def test_shades_run_from_light_to_dark() -> None:
    assert example.draw(minigrad.tensor([[0.0, 0.5, 1.0]])) == ["  ++@@"]


def test_the_program_draws_an_image_beside_its_heat(capsys: pytest.CaptureFixture[str]) -> None:
    example.main(["--steps", "2"])
    printed = capsys.readouterr().out
    assert printed.startswith("loss after 2 steps: 1.") and "of 30 are right\n" in printed
    assert printed.count(" | ") == 2 * example.SIZE
    with pytest.raises(SystemExit):
        example.main(["--steps", "0"])
    assert "--steps counts gradient steps: at least 1, got 0" in capsys.readouterr().err
