"""examples/photograph.py: edges of a photograph agree with SciPy, and its kernels are learned back."""

import sys
from pathlib import Path

import numpy as np
import pytest
from scipy import signal

import minigrad
import photograph as example
from detect_edges import edges

pytestmark = pytest.mark.lesson


def test_the_photo_is_grey_and_centred() -> None:
    X = example.photo()
    assert X.shape == (300, 256)
    assert X.dtype == minigrad.float32
    assert abs(X.mean().item()) < 1e-6
    assert 0.5 < (X.max() - X.min()).item() <= 1


def test_edges_agree_with_scipy() -> None:
    X = example.photo(every=8)
    for K in example.KERNELS.values():
        expected = signal.correlate2d(X.numpy(), K.numpy(), "valid")
        np.testing.assert_allclose(edges(X, K), expected, atol=1e-5)


@pytest.mark.parametrize(("name", "within"), [("difference", 1e-3), ("sobel", 2e-2)])
def test_the_kernel_is_learned_from_its_edges(name: str, within: float) -> None:
    minigrad.manual_seed(0)
    X, K = example.photo(every=4), example.KERNELS[name]
    learned = example.learn(X, edges(X, K), tuple(K.shape), steps=200)
    np.testing.assert_allclose(learned, K, atol=within)


def test_the_program_draws(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    example.main(["--steps", "2", "--plot", str(tmp_path / "photograph.png")])
    assert (tmp_path / "photograph.png").read_bytes().startswith(b"\x89PNG")
    printed = capsys.readouterr().out
    assert "difference: " in printed and "of the edge map (300, 255)" in printed
    assert "sobel: " in printed and "of the edge map (298, 254)" in printed


def test_without_matplotlib_the_program_says_what_to_install(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setitem(sys.modules, "matplotlib", None)
    with pytest.raises(SystemExit, match="2"):
        example.main([])
    assert "pip install matplotlib" in capsys.readouterr().err


def test_a_matplotlib_without_its_photo_is_explained(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr("matplotlib.get_data_path", lambda: str(tmp_path))
    with pytest.raises(FileNotFoundError, match="came without its sample photo"):
        example.photo()


def test_no_picture_is_drawn_if_none_is_asked_for(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    example.main(["--steps", "1", "--plot", "none"])
    assert list(tmp_path.iterdir()) == []
    with pytest.raises(SystemExit, match="2"):
        example.main(["--steps", "1", "--plot", "no/such/folder.png"])


def test_zero_steps_are_refused(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit, match="2"):
        example.main(["--steps", "0"])
    assert "at least 1, got 0" in capsys.readouterr().err
