"""Explaining pictures: the right pixels and numbers are marked, and bad input is refused."""

import numpy as np
import pytest
from matplotlib.colors import to_hex

import minigrad as mg
from minigrad import nn, viz
from minigrad.viz.pictures import RED


def find_red_squares(picture, level):
    at = [patch for patch in picture.axes[0].patches if patch.get_y() + 0.45 == pytest.approx(1.5 * level)]
    return [patch for patch in at if to_hex(patch.get_facecolor()) == RED]


@pytest.mark.parametrize(
    ("kernels", "strides", "sees"), [([3], None, 3), ([3, 3], None, 5), ([3, 3], [2, 1], 7), ([5, 2, 5], [1, 2, 1], 14)]
)
def test_a_receptive_field_marks_what_the_output_sees(kernels, strides, sees):
    picture = viz.receptive_field(kernels, strides)
    assert picture.axes[0].get_title() == f"one output sees {sees} pixels"
    assert len(find_red_squares(picture, 0)) == sees
    assert len(find_red_squares(picture, len(kernels))) == 1


def test_every_square_and_label_of_a_receptive_field_is_inside_the_axes():
    (axes,) = viz.receptive_field([3, 2], [2, 1]).axes
    (left, right), (bottom, top) = axes.get_xlim(), axes.get_ylim()
    boxes = [patch.get_extents().transformed(axes.transData.inverted()) for patch in axes.patches]
    assert min(box.x0 for box in boxes) >= left and max(box.x1 for box in boxes) <= right
    assert min(box.y0 for box in boxes) >= bottom and max(box.y1 for box in boxes) <= top
    assert all(left < text.get_position()[0] for text in axes.texts)


def test_lines_lead_from_each_red_square_to_its_window():
    (axes,) = viz.receptive_field([3, 2], [2, 1]).axes
    ends = {tuple(np.concatenate([line.get_xdata(), line.get_ydata()]).tolist()) for line in axes.lines}
    below = {(x, i, 1.5, 0.0) for x, first in ((1.0, 0), (3.0, 2)) for i in range(first, first + 3)}
    assert ends == below | {(2.0, 1.0, 3.0, 1.5), (2.0, 3.0, 3.0, 1.5)}


def test_gaps_of_dilated_kernels_stay_grey():
    picture = viz.receptive_field([3, 3], dilations=[2, 2])
    assert [patch.get_x() + 0.45 for patch in find_red_squares(picture, 0)] == pytest.approx([0, 2, 4, 6, 8])
    assert len(find_red_squares(viz.receptive_field([3, 3, 3], dilations=[1, 2, 4]), 0)) == 15


@pytest.mark.parametrize(
    ("layers", "like"),
    [
        ([nn.Conv2d(1, 1, (1, 3), stride=2), nn.ReLU(), nn.AvgPool2d(3)], ([3, 3], [2, 3])),
        ([nn.Conv2d(1, 1, 3, dilation=2, padding=1), nn.MaxPool2d(2, stride=1)], ([3, 2], [1, 1], 16, [2, 1])),
        ([nn.Sequential(nn.Conv1d(1, 1, 2)), nn.Flatten(), nn.Conv1d(1, 1, 9)], ([2],)),
    ],
)
def test_the_layers_of_a_net_are_read_in_order(layers, like):
    net = viz.receptive_field(nn.Sequential(*layers))
    assert [len(find_red_squares(net, level)) for level in range(3)] == [
        len(find_red_squares(viz.receptive_field(*like), level)) for level in range(3)
    ]


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        ((nn.Linear(2, 2),), "no convolution and no pool before its first Flatten or Linear"),
        ((nn.ConvTranspose2d(1, 1, 2),), "ConvTranspose2d has no window in its input"),
        (([3], None, 16, [1, 1]), r"got \[3\] and \[1\] and \[1, 1\]"),
        (([3], [1, 1]), "as many strides as kernels"),
        (([0],), "all at least 1"),
        (([9, 9],), "see 17 pixels, more than the 16"),
    ],
)
def test_layers_that_cannot_be_drawn_are_refused(arguments, words):
    with pytest.raises(ValueError, match=words):
        viz.receptive_field(*arguments)


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        ((3,), "kernels must be a list of ints, one for each layer, got int 3"),
        (("abc",), "kernels must be a list of ints, one for each layer, got str 'abc'"),
        (([3], 1), "strides must be a list of ints, one for each layer, got int 1"),
        (([(3, 1)],), r"kernels: each must be an int, got tuple \(3, 1\)"),
        (([3], None, 16, [0.5]), "dilations: each must be an int, got float 0.5"),
        (([3], None, "large"), "size must be an int, got str 'large'"),
        ((nn.Conv2d(1, 1, 2), (8, 8)), "strides and dilations of their own: give the net alone, and size="),
    ],
)
def test_what_are_no_numbers_of_layers_is_refused(arguments, words):
    with pytest.raises(TypeError, match=words):
        viz.receptive_field(*arguments)


def test_im2col_writes_the_matrix_of_unfold():
    picture = viz.im2col(3, 4, 2, 2, window=4)
    left, right = picture.axes
    expected = mg.nn.functional.unfold(mg.arange(12.0).reshape(1, 1, 3, 4), (2, 2))[0]
    written = np.array([int(text.get_text()) for text in right.texts]).reshape(4, 6)
    np.testing.assert_array_equal(written, expected.numpy())
    np.testing.assert_array_equal(np.flatnonzero(left.images[0].get_array()), [5, 6, 9, 10])
    assert left.get_title() == "window 4 of 6" and picture._repr_png_().startswith(b"\x89PNG")


def test_im2col_of_a_kernel_as_large_as_the_image_has_one_window():
    left, right = viz.im2col(2, 3, 2, 3).axes
    assert left.get_title() == "window 0 of 1"
    assert [text.get_text() for text in right.texts] == list("012345")


def test_the_halves_of_a_picture_stand_side_by_side():
    for picture in (viz.im2col(3, 4, 2, 2), viz.winograd()):
        left, right = [axes.get_position() for axes in picture.axes]
        assert left.x1 < right.x0 and left.y1 > right.y0


@pytest.mark.parametrize("layers", [1, 4])
def test_a_receptive_field_has_room_for_every_layer(layers):
    width, height = viz.receptive_field([2] * layers).get_size_inches()
    assert height > 0.9 * (layers + 1) and width > 0.4 * (layers + 1)


@pytest.mark.parametrize(
    ("arguments", "words"), [((2, 2, 3, 1), "3 x 1 does not fit"), ((3, 3, 2, 2, 4), "from 0 to 3, got 4")]
)
def test_windows_outside_the_image_are_refused(arguments, words):
    with pytest.raises(ValueError, match=words):
        viz.im2col(*arguments)


def test_sizes_of_im2col_are_whole_numbers():
    with pytest.raises(TypeError, match=r"W must be an int, got float 4\.5"):
        viz.im2col(3, 4.5, 2, 2)
    assert viz.im2col(np.int64(3), 4, 2, 2).axes[0].get_title() == "window 0 of 6"


def test_winograd_shows_four_products():
    assert viz.winograd().get_suptitle() == "two outputs of a kernel of three numbers, on four pixels"
    _, right = viz.winograd().axes
    assert sum(text.get_text().startswith("m") for text in right.texts) == 4
