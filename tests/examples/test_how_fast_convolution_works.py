"""examples/how_fast_convolution_works.py: counted multiplications, the timings that it prints, and its errors."""

from pathlib import Path

import pytest

import how_fast_convolution_works as example
from minigrad import viz

pytestmark = pytest.mark.lesson


def test_multiplications_are_those_of_the_papers() -> None:
    count = {
        algorithm: example.multiplications(algorithm, images=1, channels=1, size=12) for algorithm in example.ALGORITHMS
    }
    assert count["direct"] == count["im2col"] == count["tiny"] == count["mec"] == 12 * 12 * 9
    assert count["direct"] / count["winograd"] == 4.0  # F(4x4, 3x3): 144 for 36
    assert count["direct"] / count["winograd 2x2"] == 2.25  # F(2x2, 3x3): 36 for 16


def test_multiplications_grow_as_images_and_channels_squared() -> None:
    for algorithm in example.ALGORITHMS:
        one = example.multiplications(algorithm, images=1, channels=2, size=7)
        assert example.multiplications(algorithm, images=3, channels=4, size=7) == 12 * one


def test_all_algorithms_agree_and_are_measured() -> None:
    rows = example.compare(images=1, channels=3, size=6)
    assert list(rows) == [*example.ALGORITHMS, "(chosen)"]
    assert all(row["error"] < 1e-5 and row["seconds"] > 0 for row in rows.values())
    output = 3 * 6 * 6 * 4
    assert all(rows[algorithm]["bytes"] >= output for algorithm in example.ALGORITHMS)


def test_the_program_draws(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    plot = tmp_path / "algorithms.png"
    example.main(["--channels", "2", "--size", "6", "--plot", str(plot)])
    assert plot.read_bytes().startswith(b"\x89PNG")
    printed = capsys.readouterr().out
    assert "3x3 convolution, 2 channels in and out, 1 x 6x6" in printed
    assert "winograd 2x2" in printed and "all agree" in printed
    assert "estimated" in printed and "\n* " in printed


def test_it_runs_without_matplotlib(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    monkeypatch.setattr(viz, "can_draw", lambda: False)
    example.main(["--channels", "1", "--size", "4"])
    assert "no picture: pip install matplotlib" in capsys.readouterr().out


def test_a_disagreement_ends_the_program(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(example, "error", lambda found, exact: 1e-3)
    with pytest.raises(SystemExit, match="the algorithms disagree"):
        example.main(["--channels", "1", "--size", "4"])


def test_bad_sizes_are_refused(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit, match="2"):
        example.main(["--size", "0"])
    assert "images, channels and size are at least 1" in capsys.readouterr().err
