"""Curves drawn by matplotlib: losses, accuracies, and the weights of a kernel, over the steps of a training."""

from pathlib import Path

import numpy as np
import pytest

import minigrad
from minigrad import viz


def test_loss_curve_has_a_logarithmic_axis() -> None:
    axes = viz.loss_curve([8.0, 4.0, 2.0], title="mine")
    (line,) = axes.lines
    np.testing.assert_array_equal(line.get_xydata(), [[1, 8], [2, 4], [3, 2]])
    assert axes.get_yscale() == "log"
    assert axes.get_title() == "mine"


def test_losses_by_name_are_drawn_with_a_legend() -> None:
    axes = viz.loss_curve({"training": [1.0, 0.1, 0.01], "test": [1.1, 1.5, 2.0]})
    assert [(line.get_label(), line.get_ydata().tolist()) for line in axes.lines] == [
        ("training", [1.0, 0.1, 0.01]), ("test", [1.1, 1.5, 2.0])
    ]  # fmt: skip
    assert axes.get_legend() is not None and axes.get_yscale() == "log"
    assert viz.loss_curve({"training": [0.0]}).get_yscale() == "linear"


@pytest.mark.parametrize("values", [0.5, "losses"])
def test_a_curve_is_a_list_of_numbers(values: object) -> None:
    with pytest.raises(TypeError, match=r"a curve is a list of numbers, one for each step; 'training' got (float|str)"):
        viz.loss_curve({"training": values})  # type: ignore[dict-item]
    with pytest.raises(TypeError, match=r"one for each step; got (float|str)"):
        viz.loss_curve(values)  # type: ignore[arg-type]
    assert viz.loss_curve({}).get_legend() is None


def test_a_loss_curve_labels_steps_by_whole_numbers_and_losses_without_powers() -> None:
    axes = viz.loss_curve([0.9, 0.7, 0.6])
    axes.figure.canvas.draw()
    steps = [label.get_text() for label in axes.get_xticklabels()]
    losses = [label.get_text() for label in axes.get_yticklabels(which="both")]
    assert all(step.lstrip("\N{MINUS SIGN}").isdigit() for step in steps)
    assert {"0.6", "0.7", "0.9"} <= set(losses)


def test_a_loss_curve_over_decades_labels_only_powers_of_ten() -> None:
    axes = viz.loss_curve([300.0, 20.0, 1e-5])
    axes.figure.canvas.draw()
    assert not any(label.get_text() for label in axes.get_yticklabels(minor=True))
    assert {"0.01", "1", "100"} <= {label.get_text() for label in axes.get_yticklabels()}


def test_losses_below_zero_are_all_drawn_on_a_linear_axis() -> None:
    for losses in ([0.5, -1.0, -2.0], {"training": [2.0, 1.0], "test": [1.0, -0.5]}):
        axes = viz.loss_curve(losses)
        assert axes.get_yscale() == "linear" and min(axes.get_ylim()) < 0
    assert viz.loss_curve([0.5, 0.0, float("-inf")]).get_yscale() == "log"


def test_a_loss_curve_with_infinities_can_be_saved(tmp_path: Path) -> None:
    for losses in ([1.0, float("inf"), float("nan")], [0.0, 0.0], [float("nan")]):
        viz.loss_curve(losses).figure.savefig(tmp_path / "loss.png")
    assert (tmp_path / "loss.png").stat().st_size > 1000


def test_kernel_history_has_a_line_per_weight() -> None:
    axes = viz.kernel_history([minigrad.zeros(1, 1, 1, 2), minigrad.tensor([[[[1.0, -1.0]]]])])
    np.testing.assert_array_equal([line.get_ydata() for line in axes.lines], [[0, 1], [0, -1]])
    assert [text.get_text() for text in axes.get_legend().get_texts()] == ["[0, 0]", "[0, 1]"]
    assert viz.kernel_history([np.zeros((4, 4))]).get_legend() is None
    legend = viz.kernel_history([np.zeros((2, 1, 1, 2))]).get_legend()
    assert [text.get_text() for text in legend.get_texts()] == [
        "[0, 0, 0, 0]", "[0, 0, 0, 1]", "[1, 0, 0, 0]", "[1, 0, 0, 1]"
    ]  # fmt: skip


def test_accuracies_are_drawn_by_name() -> None:
    axes = viz.accuracy({"train": [0.5, 0.9], "test": [0.4, 0.8]})
    np.testing.assert_array_equal(axes.lines[1].get_ydata(), [0.4, 0.8])
    assert [text.get_text() for text in axes.get_legend().get_texts()] == ["train", "test"]
    assert viz.accuracy([0.5]).get_legend() is None


def test_numbers_that_are_no_curve_are_refused() -> None:
    with pytest.raises(TypeError, match="a curve is a list of numbers, one for each step; got list"):
        viz.loss_curve(["0.5"])  # type: ignore[list-item]
    with pytest.raises(TypeError, match=r"a curve is a list of numbers, one for each step; got list"):
        viz.loss_curve([[1.0, 2.0], [3.0, 4.0]])  # type: ignore[list-item]
    with pytest.raises(ValueError, match="accuracies lie between 0 and 1, got 90: divide percents by 100"):
        viz.accuracy({"test": [50.0, 90.0]})
    with pytest.raises(
        ValueError, match="kernel_history draws a list of kernels, one for each step: this one is empty"
    ):
        viz.kernel_history([])
