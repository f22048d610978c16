"""Write minigrad/README.md: every file of the package in one line, the heart first, in reading order.

    python docs/make_rooms.py           # write the page
    python docs/make_rooms.py --check   # exit with 1 if the page is out of date

pyproject.toml lists the files of the heart. The first sentence of a file's docstring says what the file is for.
"""

from __future__ import annotations

import argparse
import ast
import re
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
PACKAGE = ROOT / "minigrad"
PAGE = PACKAGE / "README.md"
sys.path.insert(0, str(ROOT / ".ci"))

from heart import heart, place_in_heart  # noqa: E402

HEART_ROOMS = ("autograd", "ops", "kernels", "tensor", "creation", "nn", "optim")  # in reading order
HEAD = """# The files of the package

One line for every file. The **heart** is the part to read first: it explains how a layer learns, and it imports nothing
from the **wings**, the optional parts, except by the few imports that pyproject.toml names. Begin with
[autograd/](autograd), read down, and stop where the wings begin. [docs/architecture.md](../docs/architecture.md)
describes the whole on one page, with a picture. This page is generated from the files' docstrings by
`python docs/make_rooms.py`.

| looking for | open |
|---|---|
"""
PLACES = {  # what a reader looks for -> where it is
    "how a call is recorded": "`Operation.call` in [autograd/recording.py](autograd/recording.py)",
    "the chain rule": (
        "`walk` in [autograd/walk.py](autograd/walk.py); "
        "`Node.vjp` in [autograd/node.py](autograd/node.py) runs the rules of one call"
    ),
    "the derivative of an operation": (
        "beside its forward, in its family's file in [ops/](ops): "
        "`x * y` in [arithmetic.py](ops/arithmetic.py), `exp` in [unary.py](ops/unary.py)"
    ),
    "where to add an operation": "there, too; [adding an operation](../docs/adding_an_operation.md) goes step by step",
    "convolution's backward": (
        "the rules in [ops/conv.py](ops/conv.py); by the definition in [kernels/direct.py](kernels/direct.py), as a "
        "matrix product in [kernels/tiny.py](kernels/tiny.py); [the lesson](../docs/convolution_backward.md)"
    ),
    "what chooses the algorithm for a convolution": "`choose` in [kernels/dispatch.py](kernels/dispatch.py)",
    "the update of a weight": "`rule` in [optim/sgd.py](optim/sgd.py)",
}


def first_sentence(path: Path) -> str:
    """The docstring of a file, up to the first full stop or empty line."""
    text = ast.get_docstring(ast.parse(path.read_text("utf-8"))) or ""
    sentence = re.split(r"(?<=\.)\s|\n\n", text, maxsplit=1)[0]
    assert sentence.endswith((".", ":")), f"{path}: a file's docstring begins with a whole sentence, got {sentence!r}"
    return " ".join(sentence.split()).rstrip(".:")


def room_of(path: Path) -> str:
    """The folder that a file stands in, as seen from the package; empty for the package itself."""
    return path.parent.relative_to(PACKAGE).as_posix().removeprefix(".")


def tell_room(room: str, files: list[Path]) -> str:
    """The lines of one room."""
    own = PACKAGE / room / "__init__.py"
    head = f"### [{room}/]({room})\n\n{first_sentence(own)}.\n" if room else "### Beside the folders\n"
    lines = [f"- [{f.name}]({f.relative_to(PACKAGE).as_posix()}): {first_sentence(f)}" for f in files]
    return head + "\n" + "\n".join(lines) + "\n"


def tell_all() -> str:
    """The whole page."""
    listed = heart()
    places = {f: place_in_heart(f.relative_to(ROOT).as_posix(), listed) for f in sorted(PACKAGE.rglob("*.py"))}
    files = [f for f in places if f.name != "__init__.py"]
    page = HEAD + "".join(f"| {what} | {where} |\n" for what, where in PLACES.items())
    for title, is_heart in (("The heart, in reading order", True), ("The wings", False)):
        chosen = [f for f in files if (places[f] is not None) is is_heart]
        if is_heart:
            chosen.sort(key=lambda f: places[f] or 0)
        rooms = sorted({room_of(f) for f in chosen}, key=lambda room: (_place(room), room))
        page += f"\n## {title}\n\n" + "\n".join([tell_room(r, [f for f in chosen if room_of(f) == r]) for r in rooms])
    return page


def _place(room: str) -> int:
    first = room.partition("/")[0]
    return HEART_ROOMS.index(first) if first in HEART_ROOMS else len(HEART_ROOMS) + (room == "")


def main() -> None:
    """Write the page, or compare it with the files."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--check", action="store_true", help="write nothing; exit with 1 if the page is out of date")
    page = tell_all()
    if not parser.parse_args().check:
        PAGE.write_text(page, "utf-8")
    elif PAGE.read_text("utf-8") != page:
        sys.exit("minigrad/README.md is not what the files say; write it with: python docs/make_rooms.py")


if __name__ == "__main__":
    main()
