"""examples/learn_edge_kernel.py: every option learns the kernel, and a training that fails says why."""

import re
import sys
from pathlib import Path

import numpy as np
import pytest

import learn_edge_kernel as example
import minigrad
from minigrad import cuda, nn
from tests.examples import closed_form

pytestmark = pytest.mark.lesson


def read_kernel(printed: str) -> list[float]:
    found = re.search(r"the learned kernel: tensor\(\[\[(.*)\]\]", printed)
    assert found is not None, printed
    return [float(number) for number in found[1].split(",")]


@pytest.fixture
def working_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    return tmp_path


def test_the_default_run_learns_and_draws(working_folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert example.main([]) == 0
    out, err = capsys.readouterr()
    assert "sgd, learning rate 0.03, 30 steps" in out
    assert out.count("epoch") == 10
    np.testing.assert_allclose(read_kernel(out), [1, -1], atol=2e-3)
    assert (working_folder / "learn_edge_kernel.png").read_bytes().startswith(b"\x89PNG")
    assert err == ""


def test_the_kernel_follows_the_closed_form(working_folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    minigrad.manual_seed(5)
    first = nn.Conv2d(1, 1, (1, 2), bias=False).weight.detach().numpy().reshape(2)
    example.main(["--seed", "5", "--steps", "7", "--lr", "0.02", "--plot", "none"])
    expected = closed_form.after(first, lr=0.02, steps=7)
    np.testing.assert_allclose(read_kernel(capsys.readouterr().out), expected, atol=1e-4)
    assert list(working_folder.iterdir()) == []


@pytest.mark.parametrize(
    "options",
    [
        ["--bias"],
        ["--reduction", "mean"],
        ["--reduction", "mean", "--bias"],
        ["--optimizer", "momentum"],
        ["--optimizer", "adam"],
        ["--image", "photo"],
        ["--image", "photo", "--optimizer", "adam"],
    ],
    ids=" ".join,
)
def test_each_option_finds_the_kernel(options: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    assert example.main([*options, "--plot", "none"]) == 0
    out, err = capsys.readouterr()
    np.testing.assert_allclose(read_kernel(out), [1, -1], atol=0.02)
    assert ("the learned bias" in out) == ("--bias" in options)
    assert err == ""


@pytest.mark.parametrize(
    ("options", "limit"),
    [
        (["--lr", "0.034"], "0.0333 (2 over 60,"),
        (["--lr", "0.03", "--bias"], "0.0161 (2 over 124.3,"),
        (["--lr", "1.5", "--reduction", "mean"], "1.4 (2 over 1.429,"),
        (["--lr", "0.7", "--reduction", "mean", "--bias"], "0.676 (2 over 2.96,"),
        (["--lr", "0.07", "--optimizer", "momentum"], "0.0633 (3.8 over 60,"),
    ],
)
def test_a_learning_rate_over_the_limit_warns(
    options: list[str], limit: str, capsys: pytest.CaptureFixture[str]
) -> None:
    example.main([*options, "--plot", "none"])
    assert f"is beyond the stable limit {limit}" in capsys.readouterr().err


def test_a_learning_rate_below_the_limit_does_not_warn(capsys: pytest.CaptureFixture[str]) -> None:
    example.main(["--lr", "0.033", "--plot", "none"])
    assert capsys.readouterr().err == ""


def test_a_growing_loss_is_reported(capsys: pytest.CaptureFixture[str]) -> None:
    assert example.main(["--lr", "0.05", "--plot", "none"]) == 0
    assert "nothing was learned: the loss grew from 19.16 to" in capsys.readouterr().err


def test_a_run_that_is_no_longer_finite_stops(capsys: pytest.CaptureFixture[str]) -> None:
    assert example.main(["--lr", "0.05", "--steps", "200", "--plot", "none"]) == 1
    out, err = capsys.readouterr()
    assert "stopped at epoch 65: the loss is inf. The learning rate 0.05 is beyond the " in err
    assert "Try --lr 0.03." in err
    assert "learned kernel" not in out


def test_an_overflow_with_adam_is_reported(capsys: pytest.CaptureFixture[str]) -> None:
    assert example.main(["--optimizer", "adam", "--lr", "1e30", "--plot", "none"]) == 1
    assert "is too high" in capsys.readouterr().err


def test_without_matplotlib_it_runs_and_says_so(
    monkeypatch: pytest.MonkeyPatch, working_folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setitem(sys.modules, "matplotlib", None)
    monkeypatch.setitem(sys.modules, "PIL", None)
    assert example.main([]) == 0
    out = capsys.readouterr().out
    np.testing.assert_allclose(read_kernel(out), [1, -1], atol=2e-3)
    assert "no picture: that needs matplotlib, pip install matplotlib" in out
    for options in (["--plot", "picture.png"], ["--image", "photo"]):
        with pytest.raises(SystemExit, match="2"):
            example.main(options)
        assert "pip install matplotlib" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (["--lr", "-1"], "--lr: a learning rate is a positive number; got '-1'"),
        (["--lr", "nan"], "a learning rate is a positive number; got 'nan'"),
        (["--lr", "fast"], "a learning rate is a positive number; got 'fast'"),
        (["--steps", "0"], "--steps: gradient steps are counted: 1, 2, ...; got '0'"),
        (["--steps", "many"], "gradient steps are counted: 1, 2, ...; got 'many'"),
        (["--plot", "picture.doc"], "a picture ends in .png, .svg, .pdf, .jpg; got 'picture.doc'"),
        (["--plot", "no/such/picture.png"], "there is no folder 'no/such' to write into"),
        (["--image", "cat"], "invalid choice: 'cat'"),
        (["--plot", "."], "a picture ends in .png"),
        (["--device", "banana"], "banana"),
        (["--seed", "one"], "--seed: a seed is a whole number from -2**63 to 2**64 - 1; got one"),
        (["--seed", str(2**64)], f"2**64 - 1; got {2**64}"),
    ],
)
def test_bad_arguments_are_explained_before_training(
    options: list[str], message: str, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit, match="2"):
        example.main(options)
    out, err = capsys.readouterr()
    assert message in err
    assert out == ""


def test_a_file_that_cannot_be_written_is_reported(working_folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (working_folder / "learn_edge_kernel.png").mkdir()
    with pytest.raises(SystemExit, match="2"):
        example.main(["--plot", "learn_edge_kernel.png"])
    assert "--plot: 'learn_edge_kernel.png' cannot be written" in capsys.readouterr().err
    with pytest.raises(SystemExit, match="no picture: "):
        example.main([])
    assert "the learned kernel" in capsys.readouterr().out


def test_the_default_device_is_the_environments(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(minigrad.devices, "_default_device", None)
    monkeypatch.setenv("MINIGRAD_DEVICE", "banana")
    with pytest.raises(SystemExit, match="2"):
        example.main(["--plot", "none"])
    assert "MINIGRAD_DEVICE='banana'" in capsys.readouterr().err
    monkeypatch.setenv("MINIGRAD_DEVICE", "")  # as good as not set
    assert example.main(["--plot", "none"]) == 0
    assert "on cpu" in capsys.readouterr().out


def test_an_unfinished_training_is_reported(capsys: pytest.CaptureFixture[str]) -> None:
    example.main(["--steps", "2", "--plot", "none"])
    assert "not there yet: the loss is 69% of what a kernel of zeros would leave." in capsys.readouterr().out
    example.main(["--plot", "none"])
    assert "not there yet" not in capsys.readouterr().out


@pytest.mark.usefixtures("no_gpu")
def test_cuda_without_a_gpu_says_why(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit, match="2"):
        example.main(["--device", "cuda"])
    err = " ".join(capsys.readouterr().err.split())
    assert " ".join(cuda.why_not().split()) in err


def test_the_program_runs_on_every_array_library(device: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert example.main(["--device", device, "--bias", "--plot", "none"]) == 0
    out = capsys.readouterr().out
    assert f"on {device}" in out
    np.testing.assert_allclose(read_kernel(out), [1, -1], atol=0.02)
