"""examples/receptive_field.py: the receptive field that a gradient shows is that of the formula."""

import pytest

import receptive_field as example

pytestmark = pytest.mark.lesson


@pytest.mark.parametrize(
    ("layers", "field"), [([(3, 1)], 3), ([(3, 1), (3, 1)], 5), ([(3, 2), (3, 1)], 7), ([(3, 1), (3, 2), (3, 1)], 9)]
)
def test_the_measured_receptive_field_equals_the_formula(layers: list[tuple[int, int]], field: int) -> None:
    assert example.by_formula(layers) == field
    assert example.sides(example.measured(layers)) == (field, field)


def test_the_middle_counts_paths() -> None:
    gradient = example.measured([(3, 1), (3, 1)], size=7)
    row = [0, 1, 2, 3, 2, 1, 0]  # 1 1 1 with itself
    assert gradient.tolist() == [[a * b for b in row] for a in row]


def test_the_program_runs(capsys: pytest.CaptureFixture[str]) -> None:
    example.main([])
    assert "one pixel sees 9x9 pixels, by the formula 9" in capsys.readouterr().out
    example.main(["5", "2,2"])
    assert "after 2 layer(s): one pixel sees 6x6 pixels" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("layers", "message"),
    [
        (["three"], "a layer is KERNEL or KERNEL,STRIDE; got 'three'"),
        (["3,2,1"], "a layer is KERNEL or KERNEL,STRIDE; got '3,2,1'"),
        (["0"], "kernel and stride are at least 1; got '0'"),
        (["9", "9"], "these layers see 17 pixels, more than the 15x15 image has"),
    ],
)
def test_bad_layers_are_explained(layers: list[str], message: str, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit, match="2"):
        example.main(layers)
    assert message in capsys.readouterr().err
