"""How the algorithm of a convolution is chosen, by costs or by timing, and how the choice is explained."""

from __future__ import annotations

import json

import numpy as np
import pytest

import minigrad as torch
from minigrad.kernels import dispatch
from minigrad.kernels.algorithms import Machine
from minigrad.kernels.fast import clock, machine

conv = torch.backends.conv


@pytest.fixture(autouse=True)
def _as_before():
    before = dispatch.machine()
    clock._known.clear()
    yield
    conv.benchmark = False
    dispatch.set_machine(before)


def test_benchmark_measures_each_algorithm_once_for_a_shape(monkeypatch):
    tried = []
    through = clock.measure
    monkeypatch.setattr(clock, "measure", lambda call: tried.append(call.func) or through(call))
    layer, x = torch.nn.Conv2d(8, 8, 3), torch.randn(2, 8, 20, 20, requires_grad=True)
    plain = layer(x)
    conv.benchmark = True
    assert conv.benchmark is True
    out = layer(x)
    algorithms = len(tried)
    assert algorithms > 2
    np.testing.assert_allclose(out.detach().numpy(), plain.detach().numpy(), atol=1e-5)
    layer(x)
    assert len(tried) == algorithms
    out.sum().backward()
    assert len(tried) > algorithms
    with conv.algorithm("im2col"):  # a forced algorithm is not measured
        layer(torch.randn(3, 8, 20, 20))
    conv.benchmark = False
    layer(torch.randn(4, 8, 20, 20))
    assert {call.__module__.rpartition(".")[2] for call in tried} >= {"im2col", "mec"}


def test_a_nan_reaches_only_its_outputs_under_benchmark():
    conv.benchmark = True
    x = torch.randn(1, 16, 32, 32)
    x[0, 0, 15, 15] = float("nan")
    assert int(torch.nn.functional.conv2d(x, torch.ones(16, 16, 3, 3), padding=1)[0, 0].isnan().sum()) == 9


def test_benchmark_must_be_a_bool():
    with pytest.raises(RuntimeError, match="set_benchmark expects a bool, but got int"):
        conv.benchmark = 1


def test_explain_names_every_algorithm_that_is_worth_it():
    layer = torch.nn.Conv2d(16, 24, 3, padding=1)
    rows = conv.explain((8, 16, 14, 14), layer)
    assert {row.algorithm for row in rows} >= {"im2col", "mec", "winograd"}
    assert [row.chosen for row in rows].count(True) == 1
    assert all(row.measured > 0 and row.estimated > 0 for row in rows)
    assert [row.measured for row in rows] == sorted(row.measured for row in rows)
    head, *lines = repr(rows).split("\n")
    assert head.split() == ["algorithm", "estimated", "measured", "forward", "in", "image", "in", "kernel", "ms"]
    assert len(lines) == len(rows) and sum(line.startswith("*") for line in lines) == 1
    same = conv.explain(torch.ones(8, 16, 14, 14), torch.ones(24, 16, 3, 3), padding=1)
    assert {row.algorithm for row in same} == {row.algorithm for row in rows}
    with pytest.raises(RuntimeError, match="expected input"):
        conv.explain((2, 3, 14, 14), layer)
    with pytest.raises(TypeError, match="conv2d: no batch of images and kernels with options that are ints"):
        conv.explain((16, 14, 14), layer)
    with pytest.raises(
        RuntimeError, match=r"^negative padding is not supported, got padding=.-1, -1.; give 0 or more \(conv2d"
    ):
        conv.explain((2, 16, 14, 14), torch.ones(24, 16, 3, 3), padding=-1)


def test_measured_speeds_are_plausible():
    conv.measure()
    found = dispatch.machine()
    assert 1e8 < found.peak < 1e14 and 1 <= found.half <= 64 and 0 < found.move < 1e-7 and 0 <= found.run < 1e-5


def test_measured_speeds_are_saved_and_loaded(tmp_path, monkeypatch):
    file = tmp_path / "machine.json"
    conv.measure(file)
    found = dispatch.machine()
    monkeypatch.setattr(torch.backends.conv, "measure_machine", lambda: pytest.fail("it was measured again"))
    dispatch.set_machine(Machine())
    conv.measure(str(file))
    assert dispatch.machine() == found
    assert [path.name for path in tmp_path.iterdir()] == ["machine.json"]


DAMAGED = {
    "no JSON": (lambda saved: "{", "cannot be read"),
    "no UTF-8": (lambda saved: b"\xff", "cannot be read"),
    "a list": (lambda saved: [], "something else"),
    "a key less": (lambda saved: saved.pop("half") and saved, "something else"),
    "another machine": (lambda saved: {**saved, "machine": "abacus"}, r"another machine \(abacus\)"),
    "a word": (lambda saved: {**saved, "peak": "fast"}, "no machine has"),
    "no number": (lambda saved: {**saved, "move": float("nan")}, "no machine has"),
    "no speed": (lambda saved: {**saved, "peak": 0}, "no machine has"),
    "a truth": (lambda saved: {**saved, "run": True}, "no machine has"),
}


@pytest.mark.parametrize("damage", DAMAGED)
def test_a_damaged_file_is_reported_and_replaced(damage, tmp_path):
    file, (spoil, words) = tmp_path / "machine.json", DAMAGED[damage]
    conv.measure(file)
    spoilt = spoil(json.loads(file.read_text()))
    file.write_bytes(
        spoilt
        if isinstance(spoilt, bytes)
        else spoilt.encode()
        if isinstance(spoilt, str)
        else json.dumps(spoilt).encode()
    )
    torch.advice.enable()
    with pytest.warns(torch.advice.Advice, match=words):
        conv.measure(file)
    assert dispatch.machine() == Machine(*[json.loads(file.read_text())[name] for name in Machine._fields])


def test_a_file_that_cannot_be_written_is_reported(tmp_path):
    torch.advice.enable()
    with pytest.warns(torch.advice.Advice, match="cannot be written"):
        conv.measure(tmp_path / "nowhere" / "machine.json")


def test_a_file_that_cannot_be_written_leaves_nothing_behind(tmp_path):
    folder = tmp_path / "machine.json"
    folder.mkdir()
    torch.advice.enable()
    with pytest.warns(torch.advice.Advice, match="cannot be"):
        conv.measure(folder)
    assert [*tmp_path.iterdir()] == [folder] and not [*folder.iterdir()]


def test_a_machine_is_recognized_by_its_instructions(monkeypatch):
    monkeypatch.setenv("OPENBLAS_CORETYPE", "Haswell")
    assert machine.recognize_machine() == Machine(peak=machine.NARROW)
    monkeypatch.delenv("OPENBLAS_CORETYPE")
    monkeypatch.setattr(machine, "read_features", lambda: {"AVX512F": True})
    assert machine.recognize_machine() == Machine(peak=machine.WIDE)


def test_the_number_of_threads_does_not_change_the_choice(monkeypatch):
    before, choices = torch.get_num_threads(), []
    for threads in (1, 8):
        torch.set_num_threads(threads)
        dispatch.set_machine(machine.recognize_machine())
        choices.append(
            [dispatch.choose((8, c, n, n), 2 * c, dispatch.Geometry((3, 3))).name for c in (8, 64) for n in (8, 50)]
        )
    torch.set_num_threads(before)
    assert choices[0] == choices[1]


def test_slow_copies_favour_algorithms_that_copy_less():
    shapes = (64, 6, 14, 14), 16, dispatch.Geometry((7, 7))
    dispatch.set_machine(Machine(peak=1e13, move=1e-8))
    assert dispatch.choose(*shapes).name == "mec"
    dispatch.set_machine(Machine(peak=1e8, move=1e-12, run=0.0, half=0.0))
    assert dispatch.choose((8, 256, 28, 28), 256, dispatch.Geometry((3, 3), padding=(1, 1))).name == "winograd"


@pytest.mark.parametrize(
    ("shape", "layer"), [((1, 2, 4), torch.nn.Conv1d(2, 3, 2)), ((1, 2, 4, 4, 4), torch.nn.Conv3d(2, 3, 2))]
)
def test_explain_takes_no_signals_and_volumes(shape, layer):
    with pytest.raises(RuntimeError, match=r"explain takes images \(N, C, H, W\) and a Conv2d or its weight, got"):
        conv.explain(shape, layer)
