"""examples/segment_shapes.py: the pixels of thin crosses are found through the shortcuts alone; IoU and Dice."""

import pytest

import minigrad
import segment_shapes as example

pytestmark = pytest.mark.lesson
DISC, CROSS = 1, 2


def judge_trained(shortcuts: bool) -> list[float]:
    """The IoU of each class on new images, after a short training."""
    minigrad.manual_seed(0)
    net = example.UNet(shortcuts=shortcuts)
    example.train(net, 60)
    images, classes = example.make_images(30)
    predicted = example.predict(net, images)
    return [example.overlap(predicted, classes, kind)[0] for kind in range(3)]


@pytest.mark.cpu("a GPU draws other images, and trains to other weights")
def test_with_its_shortcuts_a_network_finds_thin_crosses_and_without_them_only_discs() -> None:
    with_shortcuts, without = judge_trained(True), judge_trained(False)
    assert with_shortcuts[DISC] > 0.8 and with_shortcuts[CROSS] > 0.6
    assert without[DISC] > 0.4 and without[CROSS] < 0.3


@pytest.mark.parametrize("shortcuts", [True, False])
def test_there_is_a_score_for_each_class_and_pixel(shortcuts: bool) -> None:
    scores = example.UNet(channels=2, shortcuts=shortcuts)(minigrad.zeros(2, 1, 8, 12))
    assert scores.shape == (2, 3, 8, 12)


def test_each_half_of_an_image_has_one_shape_and_a_disc_is_dark_inside() -> None:
    images, classes = example.make_images(40)
    assert images.shape == (40, 1, 16, 16) and classes.shape == (40, 16, 16)
    for half in (classes[:, :, :8], classes[:, :, 8:]):
        assert all(len(set(one.flatten().tolist()) - {0}) == 1 for one in half)
    background, disc, cross = (images[:, 0][classes == kind].mean().item() for kind in range(3))
    assert abs(background) < 0.05 and 0.5 < disc < 0.8 and abs(cross - 1) < 0.05


def test_overlap_is_counted_by_hand() -> None:
    predicted, classes = minigrad.tensor([[1, 1, 0, 2]]), minigrad.tensor([[0, 1, 1, 2]])
    assert example.overlap(predicted, classes, DISC) == (1 / 3, 1 / 2)  # one of three pixels; 2 of 2 + 2
    assert example.overlap(predicted, classes, CROSS) == (1, 1)
    assert example.overlap(predicted, classes, 0) == (0, 0)
    assert example.overlap(predicted, classes, 7) == (1, 1)


def test_classes_are_drawn_as_characters() -> None:
    assert example.draw(minigrad.tensor([[0, 1, 2]])) == ["..oo++"]


def test_the_program_prints_the_overlap_of_each_class(capsys: pytest.CaptureFixture[str]) -> None:
    example.main(["--steps", "2", "--no-shortcuts"])
    printed = capsys.readouterr().out
    assert printed.startswith("loss after 2 steps: ") and "60 new images: " in printed
    assert all(f"\n  {name:10} IoU 0." in printed for name in example.NAMES)
    assert printed.count(" | ") == example.SIZE
    with pytest.raises(SystemExit):
        example.main(["--steps", "0"])
    assert "--steps counts gradient steps: at least 1, got 0" in capsys.readouterr().err
