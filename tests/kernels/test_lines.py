"""Lines: the contents of each, compared with the pixels that it should hold."""

import numpy as np
import pytest

from minigrad.kernels.fast.lines import Along, Lines


def read_pixels(images, rows, columns):
    """What `Lines` holds, read pixel by pixel: (n, some, C, H, W) -> (some, C*len(columns), n*rows*width)."""
    n, some, C, H, W = images.shape
    seen = np.zeros((some, C, len(columns), n, rows.length, columns[0].length))
    for k, column in enumerate(columns):
        for t in range(rows.length):
            for u in range(column.length):
                row, pixel = rows.first + t * rows.step, column.first + u * column.step
                if 0 <= row < H and 0 <= pixel < W:
                    seen[:, :, k, :, t, u] = images[:, :, :, row, pixel].transpose(1, 2, 0)
    return seen.reshape(some, C * len(columns), -1)


CASES = {
    "padded, so that rows of windows are as long as rows": (Along(-1, 7), [Along(j - 1, 6) for j in range(3)]),
    "without padding": (Along(0, 3), [Along(j, 4) for j in range(3)]),
    "a stride, whose columns see the same pixels": (Along(-1, 3, 2), [Along(j - 2, 4, 2) for j in range(5)]),
    "a stride wider than the kernel": (Along(0, 2, 3), [Along(j, 2, 4) for j in range(2)]),
    "a dilation": (Along(-2, 5), [Along(3 * j - 3, 6) for j in range(3)]),
    "columns that lie outside": (Along(4, 5), [Along(-9, 6), Along(0, 6), Along(9, 6)]),
    "rows above the image": (Along(-6, 4), [Along(0, 6)]),
    "columns in descending order": (Along(0, 5), [Along(2 - j, 6) for j in range(3)]),
}  # fmt: skip


@pytest.mark.parametrize("case", CASES)
@pytest.mark.parametrize("spare", [0, 2])
def test_a_line_holds_the_pixels_of_its_windows(case, spare):
    rows, columns = CASES[case]
    images = np.random.default_rng(0).standard_normal((2, 3, 2, 5, 6))
    lines = Lines("test", images, rows, tuple(columns), spare)
    lines.room[...] = np.nan  # what an earlier user of the memory left
    lines = Lines("test", images, rows, tuple(columns), spare)
    for some in (images, images[::-1], images + 1):
        np.testing.assert_array_equal(lines.fill(some), read_pixels(some, rows, columns))


def test_images_with_strides_are_read_too():
    images = np.random.default_rng(1).standard_normal((1, 2, 1, 5, 12))[..., ::2]
    rows, columns = Along(-1, 7), (Along(-1, 6), Along(0, 6), Along(1, 6))
    np.testing.assert_array_equal(Lines("test", images, rows, columns).fill(images), read_pixels(images, rows, columns))


def test_spare_room_comes_first_and_is_not_written_to():
    images, rows, columns = np.ones((1, 1, 1, 2, 3)), Along(0, 2), (Along(0, 3), Along(1, 3))
    lines = Lines("test", images, rows, columns, spare=1)
    lines.room[:, :6] = 7
    filled = lines.fill(images)
    assert (lines.room[:, :6] == 7).all() and np.shares_memory(filled, lines.room[:, 6:])


@pytest.mark.parametrize(
    ("along", "places", "pixels"),
    [(Along(-1, 4), [1, 2, 3], [0, 1, 2]), (Along(1, 4, 2), [0, 1], [1, 3]), (Along(9, 4), [], [])],
)
def test_meet_gives_the_overlap_of_a_range_and_an_image(along, places, pixels):
    into, out_of = along.meet(5)
    assert list(range(along.length)[into]) == places and list(range(5)[out_of]) == pixels
