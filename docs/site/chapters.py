"""Converts a chapter of the course, a Python file of `# %%` cells, to a page with its output and to a notebook."""

from __future__ import annotations

import contextlib
import io
import json
import os
import posixpath
import re
from dataclasses import dataclass
from pathlib import Path

ELEMENT = re.compile(r"<body>(.*)</body>", re.DOTALL)  # of a page that a cell wrote
LINK = re.compile(r"\[([^\]]*)\]\((?!https?:|#)([^)#\s]+)(?:#[^)\s]*)?\)")  # to a file
CELL = re.compile(r"^# %%(?P<markdown> \[markdown\])?\n", re.MULTILINE)


@dataclass
class Cell:
    """Prose in Markdown, or code."""

    text: str
    is_code: bool


def read_cells(source: str) -> list[Cell]:
    """The cells of a chapter, in order; prose without its comment signs."""
    pieces = CELL.split(source)
    cells = []
    for marker, body in zip(pieces[1::2], pieces[2::2], strict=True):
        text = body.strip("\n")
        if marker:
            text = "\n".join(line.removeprefix("#").removeprefix(" ") for line in text.splitlines())
        cells.append(Cell(text, is_code=not marker))
    return cells


def write_page(path: Path, pictures: Path) -> str:
    """A chapter as Markdown: it is run here, and each cell is followed by what it printed and drew."""
    parts, names = [], {"__name__": "__main__"}
    pictures.mkdir(parents=True, exist_ok=True)
    before, drawn = Path.cwd(), set()
    os.chdir(pictures)
    try:
        for cell in read_cells(path.read_text("utf-8")):
            if not cell.is_code:
                parts.append(cell.text)
                continue
            printed = io.StringIO()
            with contextlib.redirect_stdout(printed):
                exec(compile(cell.text, str(path), "exec"), names)
            parts.append(f"```python\n{cell.text}\n```")
            if text := clean(printed.getvalue()):
                parts.append(f"```text\n{text}\n```")
            for picture in sorted(set(pictures.glob("*.png")) - drawn):
                drawn.add(picture)
                parts.append(f"![what this cell draws: {picture.stem}](pictures/{picture.parent.name}/{picture.name})")
            for played in sorted(set(pictures.glob("*.html")) - drawn):
                drawn.add(played)
                parts.append(f"```{{raw}} html\n{ELEMENT.findall(played.read_text('utf-8'))[0]}\n```")
    finally:
        os.chdir(before)
    return "\n\n".join(parts) + "\n"


def clean(printed: str) -> str:
    """Output as a screen would show it at the end: a progress bar's last state."""
    return "\n".join(line.rpartition("\r")[2] for line in printed.rstrip().split("\n"))


def show_in_place(code: str) -> str:
    """A cell for a notebook: pictures are shown and not saved, and the value of its last call is not printed, too."""
    code = re.sub(r"^( *)(viz\..*)\.savefig\([^()]*\)$", r"\1display(\2)", code, flags=re.MULTILINE)
    code = re.sub(r"^( *)(.*)\.save\(\"[^()]*\.html\"\)$", r"\1display(\2)", code, flags=re.MULTILINE)
    return re.sub(r"^((?:course\.check|torch\.manual_seed)\(.*\))(  #.*)?\Z", r"\1;\2", code, flags=re.MULTILINE)


def point_from_notebook(prose: str) -> str:
    """Prose whose links lead to the other notebooks; of files that do not lie beside these, the place is told."""

    def point(link: re.Match[str]) -> str:
        text, target = link.groups()
        if re.fullmatch(r"\d\d_\w+\.py", target):
            return f"[{text}]({target.removesuffix('.py')}.ipynb)"
        place = posixpath.normpath(f"docs/course/{target}")
        return text if place.endswith(text) and "/" in text else f"{text} (`{place}`)"

    return LINK.sub(point, prose)


def write_notebook(path: Path) -> str:
    """A chapter as a notebook (nbformat 4.5) without output; its first cell brings the library into a browser."""
    source = path.read_text("utf-8")
    extras = [name for name, sign in (("matplotlib", "viz."), ("scikit-learn", "sklearn")) if sign in source]
    wanted = " ".join(["minigrad-conv", *extras])
    start = Cell(
        f"# In a browser, this line fetches what is needed; elsewhere it is not.\n%pip install -q {wanted}", True
    )
    cells = []
    for number, cell in enumerate([start, *read_cells(source)]):
        lines = (show_in_place(cell.text) if cell.is_code else point_from_notebook(cell.text)).splitlines(keepends=True)
        if cell.is_code:
            more = {"execution_count": None, "outputs": []}
            cells.append({"cell_type": "code", "id": f"c{number}", "metadata": {}, "source": lines, **more})
        else:
            cells.append({"cell_type": "markdown", "id": f"c{number}", "metadata": {}, "source": lines})
    kernel = {"display_name": "Python", "language": "python", "name": "python"}
    book = {"cells": cells, "metadata": {"kernelspec": kernel}, "nbformat": 4, "nbformat_minor": 5}
    return json.dumps(book, indent=1) + "\n"
