"""Panels drawn by matplotlib: feature maps, kernels, confusion matrices, and figures made of them."""

import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

import minigrad
from minigrad import viz


def test_feature_map_shows_the_last_two_axes() -> None:
    image = minigrad.arange(6.0).reshape(1, 1, 2, 3)
    axes = viz.feature_map(image)
    np.testing.assert_array_equal(axes.images[0].get_array(), [[0, 1, 2], [3, 4, 5]])


def test_a_tensor_in_a_graph_is_drawn_too() -> None:
    weight = minigrad.ones(1, 1, 2, 2, requires_grad=True)
    axes = viz.kernel(weight * -0.001)
    assert [text.get_text() for text in axes.texts] == ["0.00"] * 4


def test_kernel_writes_its_numbers() -> None:
    axes = viz.kernel([[1.0, -1.0]])
    assert [text.get_text() for text in axes.texts] == ["1.00", "-1.00"]
    viz.kernel(minigrad.zeros(3, 3))


@pytest.mark.parametrize(("cells", "bound"), [([[2.0, -4.0]], 4), ([[-0.5, 0.25]], 0.5), ([[0.0, 0.0]], 1)])
def test_colours_reach_from_minus_the_largest_size_to_it(cells: list[list[float]], bound: float) -> None:
    assert viz.kernel(cells).images[0].get_clim() == (-1.6 * bound, 1.6 * bound)  # pale, so that numbers can be read
    assert viz.grid([cells, cells]).axes[1].images[0].get_clim() == (-bound, bound)


def test_figure_orders_panels_by_rows(tmp_path: Path) -> None:
    picture, axes = viz.figure(2, 3, "title")
    assert len(axes) == 6
    viz.kernel([[1.0]], axes[4])
    assert len(axes[4].images) == 1 and not axes[1].images
    picture.savefig(tmp_path / "picture.svg")
    assert "<svg" in (tmp_path / "picture.svg").read_text(encoding="utf-8")


@pytest.mark.parametrize("odd", [float("inf"), float("-inf"), float("nan")])
def test_colours_are_those_of_the_finite_numbers(odd: float, tmp_path: Path) -> None:
    cells = [[odd, 4.0], [2.0, 1.0]]
    assert viz.kernel(cells).images[0].get_clim() == (-6.4, 6.4)
    assert viz.grid([cells]).axes[0].images[0].get_clim() == (-4.0, 4.0)
    axes = viz.feature_map(cells)
    assert axes.images[0].get_clim() == (1.0, 4.0)
    assert [text.get_text() for text in axes.texts] == [f"{odd}", "4", "2", "1"]
    axes.figure.savefig(tmp_path / "map.png")  # without a warning


def test_where_there_is_nothing_to_draw_the_error_says_so() -> None:
    for draw in (viz.feature_map, viz.kernel, lambda x: viz.maps({"x": x})):
        with pytest.raises(ValueError, match=r"there is nothing to draw in an? (image|kernel) of shape \(0, 4\)"):
            draw(minigrad.zeros(0, 4))
    with pytest.raises(ValueError, match="there is nothing to draw in a confusion matrix of no classes"):
        viz.confusion(np.zeros((0, 0)))


@pytest.mark.parametrize("draw", [viz.feature_map, viz.kernel])
def test_several_channels_are_refused(draw: object) -> None:
    with pytest.raises(ValueError, match=r"\(H, W\) or \(1, 1, H, W\), got \(2, 3, 4, 4\).*x\[0, 0\]"):
        draw(minigrad.zeros(2, 3, 4, 4))
    with pytest.raises(ValueError, match=r"got \(3,\)"):
        draw(minigrad.zeros(3))


def test_without_matplotlib_the_error_says_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    assert viz.can_draw()
    monkeypatch.setitem(sys.modules, "matplotlib", None)
    assert not viz.can_draw()
    with pytest.raises(ImportError, match=r"pip install matplotlib"):
        viz.loss_curve([1.0])


def test_importing_minigrad_does_not_import_matplotlib() -> None:
    code = "import sys, minigrad.viz; sys.exit('matplotlib' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0


def test_a_notebook_shows_panels_and_figures() -> None:
    for drawn in (viz.loss_curve([1.0]), viz.kernel([[1.0]]), viz.figure()[0], viz.maps({"x": np.eye(2)})):
        assert drawn._repr_png_().startswith(b"\x89PNG")
    _, (left, _right) = viz.figure(1, 2)
    assert not hasattr(viz.loss_curve([1.0], left), "_repr_png_")  # part of a larger picture


def test_counts_of_a_confusion_matrix_are_readable_on_dark_cells() -> None:
    axes = viz.confusion([[9, 4, 1], [0, 7, 0], [0, 0, 5]])
    assert {text.get_text(): text.get_color() for text in axes.texts} == {
        "9": "black", "4": "white", "1": "black", "7": "black", "5": "black",
    }  # fmt: skip
    assert all(text.get_color() == "black" for text in viz.confusion([[3, 0], [0, 2]]).texts)


def test_confusion_writes_its_counts() -> None:
    axes = viz.confusion(minigrad.tensor([[3, 1], [0, 2]]), ["cat", "dog"])
    assert [text.get_text() for text in axes.texts] == ["3", "1", "2"]
    assert [text.get_text() for text in axes.get_xticklabels()] == ["cat", "dog"]
    with pytest.raises(ValueError, match=r"\(classes, classes\), got \(2, 3\)"):
        viz.confusion(np.zeros((2, 3)))
    labels, predictions, C = [0, 0, 1], [0, 1, 1], 2
    with pytest.raises(ValueError, match="; count pairs first: ") as refused:
        viz.confusion(labels, predictions)  # type: ignore[arg-type]
    made = {"np": np, "C": C, "labels": labels, "predictions": predictions}
    exec(str(refused.value).partition("count pairs first: ")[2], made)
    assert made["counts"].tolist() == [[1, 1], [0, 1]]  # type: ignore[attr-defined]
    with pytest.raises(ValueError, match="expected 2 names, one for each class, got 1"):
        viz.confusion(np.zeros((2, 2)), ["cat"])


def test_maps_have_pixels_of_one_size_and_readable_values() -> None:
    picture = viz.maps({"image": np.ones((6, 8)), "map": np.zeros((6, 7))})
    picture.canvas.draw()
    sizes = [axes.transData.transform([[0, 0], [1, 1]]) for axes in picture.axes]
    np.testing.assert_allclose(np.diff(sizes[0], axis=0), np.diff(sizes[1], axis=0), rtol=0.02)
    assert [len(axes.texts) for axes in picture.axes] == [48, 42]
    assert [text.get_text() for text in picture.axes[0].texts[:2]] == ["1", "1"]


def test_kernels_and_maps_are_drawn_in_a_grid() -> None:
    kernels = viz.grid(minigrad.randn(3, 2, 5, 5), title="kernels")
    assert len(kernels.axes) == 6 and kernels.axes[0].get_gridspec().ncols == 2
    assert len(viz.grid(minigrad.randn(5, 4, 4)).axes) == 6
    limits = {axes.images[0].get_clim() for axes in kernels.axes}
    assert len(limits) == 1  # one colour for one value
    assert viz.grid(minigrad.randn(2, 4, 4), ["a", "b"]).axes[1].get_title() == "b"
    with pytest.raises(ValueError, match=r"\(C, H, W\), got \(4, 4\)"):
        viz.grid(np.zeros((4, 4)))
    with pytest.raises(ValueError, match="expected 2 titles"):
        viz.grid(np.zeros((2, 4, 4)), ["a"])


def test_image_and_map_have_pixels_of_one_size_and_readable_values() -> None:
    picture, (left, right) = viz.figure(1, 2)
    viz.feature_map(np.ones((6, 8)), left)
    viz.feature_map(np.full((6, 7), -1.3e-6), right)
    viz.same_pixels(left, right)
    picture.canvas.draw()
    sizes = [np.diff(panel.transData.transform([(0, 0), (1, 1)]), axis=0).ravel() for panel in (left, right)]
    np.testing.assert_allclose(sizes[0], sizes[1])
    assert right.texts[0].get_text() == "-1.3e-06" and left.texts[0].get_text() == "1"
    learned = viz.feature_map(np.array([[0.9996, -4e-6]]))
    assert [text.get_text() for text in learned.texts] == ["1", "0"]
    assert len(viz.feature_map(np.ones((20, 20))).figure.axes) == 2  # a large one has a bar in their place


def test_images_that_cannot_be_drawn_are_refused() -> None:
    for images in ({}, [minigrad.ones(2, 2)]):
        with pytest.raises(TypeError, match=r"maps takes images by name, maps\(\{'image': x\}\), got (dict|list)"):
            viz.maps(images)  # type: ignore[arg-type]
    with pytest.raises(ValueError, match=r"nothing to draw in kernels or maps of shape \(0, 3, 3\)"):
        viz.grid(minigrad.zeros(0, 3, 3))
    with pytest.raises(TypeError, match="columns must be an int, got str 'a'"):
        viz.grid(minigrad.ones(2, 3, 3), columns="a")  # type: ignore[arg-type]
    with pytest.raises(ValueError, match=r"same_pixels takes panels that show images: same_pixels\(\*figure.axes\)"):
        viz.same_pixels()
