"""The lessons' own PyTorch programs, with the import changed, print what PyTorch prints."""

import json
import re
import runpy
from pathlib import Path

import pytest

from tests.any_device import without_device
from tests.marks import mark_each

pytestmark = pytest.mark.lesson

LESSONS = Path(__file__).parent
RECORD = json.loads((LESSONS.parent / "data" / "lessons.json").read_text(encoding="utf-8"))
PROGRAMS = sorted(p.stem for p in LESSONS.glob("*.py") if not p.name.startswith("test_"))


def make_comparable(text: str) -> str:
    """The text with PyTorch's name as ours, and without the names of the operations.

    An operation's name may be longer or shorter than PyTorch's, so whether `grad_fn=` still fits
    on its line is left open too. Python 3.12 prints an OrderedDict otherwise than 3.11, which recorded.
    """
    text = re.sub(r"\btorch\.", "minigrad.", text)
    text = re.sub(r"\('(\w+)', (tensor\([^()]*\))\)", r"'\1': \2", text)
    text = re.sub(r"OrderedDict\(\[(.*?\]\))\]\)", r"OrderedDict({\1})", text)
    return re.sub(r",\s+grad_fn=<\w+>", ", grad_fn=<...>", text)


def test_every_program_is_recorded() -> None:
    assert sorted(RECORD["printed"]) == PROGRAMS


OF_THE_CPU = {
    "lazy_layers_and_parameters": "it prints on which device its tensors are made",
    "tensors_and_chance": "it prints the last digit of exp(12)",
    "three_ways": "it prints the last digit of sums",
}


@pytest.mark.parametrize("name", mark_each(PROGRAMS, OF_THE_CPU))
def test_prints_as_pytorch_does(name: str, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("KMP_DUPLICATE_LIB_OK", "TRUE")  # two lessons set it; put back afterwards
    runpy.run_path(str(LESSONS / f"{name}.py"), run_name="__main__")
    printed = capsys.readouterr().out
    expected = "\n".join(RECORD["printed"][name])
    assert make_comparable(without_device(printed)).splitlines() == make_comparable(expected).splitlines()


def test_the_comparison_finds_a_changed_digit() -> None:
    text = "tensor([[0.9990]], grad_fn=<ViewBackward0>)"
    assert make_comparable(text) == make_comparable(text.replace("ViewBackward0", "reshape"))
    assert make_comparable(text) != make_comparable(text.replace("0.9990", "0.9991"))
