"""examples/stride_by_integers.py: its printed numbers are the lesson's, and integers stay integers."""

import pytest

import minigrad
import stride_by_integers as example

pytestmark = pytest.mark.lesson


def test_outputs_are_those_of_the_lesson() -> None:
    assert example.feature_map(1, 0).tolist() == [[10, 12, 12], [18, 16, 16], [13, 9, 3]]
    assert example.feature_map(2, 0).tolist() == [[10, 12], [13, 3]]
    assert example.feature_map(1, 1).tolist() == [
        [1, 3, 4, 10, 8],
        [5, 10, 12, 12, 6],
        [7, 18, 16, 16, 8],
        [11, 13, 9, 3, 4],
        [14, 13, 9, 7, 4],
    ]


def test_integers_stay_integers() -> None:
    assert example.feature_map(1, 1).dtype == minigrad.int64


def test_the_program_runs(capsys: pytest.CaptureFixture[str]) -> None:
    example.main([])
    assert capsys.readouterr().out.count("stride") == 3
    example.main(["--stride", "3", "--padding", "1"])
    assert "stride 3, padding 1:\ntensor([[ 1, 10],\n" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (["--stride", "0"], "at least 1, got 0"),
        (["--stride", "1", "--padding", "-1"], "at least 0, got -1"),
        (["--padding", "1"], "--padding goes with a --stride"),
    ],
)
def test_bad_numbers_are_explained(options: list[str], message: str, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit, match="2"):
        example.main(options)
    assert message in capsys.readouterr().err
