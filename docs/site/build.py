"""Build the site, and serve it: course, errors, reference and pages in one folder of static files.

    pip install -e '.[docs]'
    python docs/site/build.py            # into build/site
    python docs/site/build.py --serve    # and shows it on http://localhost:8000

Warnings are errors, and every link inside the site is followed. No page asks the network for anything, but for the
chapters run in the browser: JupyterLite fetches Python and NumPy for the browser (Pyodide) from its own distribution.
"""

from __future__ import annotations

import argparse
import functools
import http.server
import re
import shutil
import subprocess
import sys
from html.parser import HTMLParser
from pathlib import Path
from urllib.parse import unquote, urldefrag

sys.path.insert(0, str(Path(__file__).resolve().parent))
import api
import chapters

DOCS = Path(__file__).resolve().parents[1]
ROOT = DOCS.parent
LINK = re.compile(r"(\]\()(?!https?:|#|mailto:)([^)#\s]+)((?:#[^)\s]*)?\))")


def build(out: Path, lite: bool = True) -> None:
    """Write the pages, let Sphinx make HTML of them, add the notebooks that run in a browser, and follow the links."""
    pages = out.parent / f"{out.name}-pages"
    for folder in (pages, out):
        shutil.rmtree(folder, ignore_errors=True)
    shutil.copytree(DOCS / "site" / "static", pages / "static")
    shutil.copy(DOCS / "site" / "conf.py", pages / "conf.py")
    sources: set[Path] = set()
    chapter_names = write_course(pages, sources, lite)
    write_errors(pages, sources)
    write_reference(pages)
    page_names = write_pages(pages, sources)
    for picture in DOCS.glob("*.png"):
        shutil.copy(picture, pages / picture.name)
    write_sources(pages, sources)
    write_index(pages, chapter_names, page_names)
    command = [sys.executable, "-m", "sphinx", "-q", "-W", "--keep-going", "-b", "html", str(pages), str(out)]
    subprocess.run(command, check=True)
    if lite:
        build_lite(pages, out)
    if broken := broken_links(out):
        sys.exit("links that lead nowhere:\n" + "\n".join(broken))


def build_lite(pages: Path, out: Path) -> None:
    """JupyterLite with the chapters as notebooks and a wheel of the library, which `%pip install` finds there."""
    room = pages.parent / f"{out.name}-lite"
    shutil.rmtree(room, ignore_errors=True)
    shutil.copytree(pages / "static" / "notebooks", room / "contents", ignore=shutil.ignore_patterns("*.py"))
    # The library, and what the kernel would else fetch from the package index.
    wheel = [sys.executable, "-m", "pip", "wheel", "-qq", "--no-deps", "-w", str(room / "pypi"), str(ROOT), "comm"]
    subprocess.run(wheel, check=True)
    where = ["--lite-dir", str(room), "--contents", "contents", "--output-dir", str(out / "lite")]
    options = ["--no-sourcemaps", "--apps", "lab", "--apps", "notebooks"]
    made = subprocess.run(
        [sys.executable, "-m", "jupyterlite_core", "build", *where, *options],
        cwd=room, capture_output=True, text=True, check=False,
    )  # fmt: skip
    if made.returncode:
        sys.exit(f"JupyterLite was not built:\n{made.stdout}\n{made.stderr}")


def write_course(pages: Path, sources: set[Path], lite: bool) -> list[str]:
    """Each chapter as a page and as a notebook to take away; the teachers' page."""
    course, books = pages / "course", pages / "static" / "notebooks"
    books.mkdir(parents=True)
    names = []
    for path in sorted((DOCS / "course").glob("[0-9]*.py")):
        text = chapters.write_page(path, course / "pictures" / path.stem)
        title, _, rest = text.partition("\n")
        (books / f"{path.stem}.ipynb").write_text(chapters.write_notebook(path), encoding="utf-8")
        shutil.copy(path, books / path.name)
        book = f"../static/notebooks/{path.stem}"
        take = f"To take away: [a notebook]({book}.ipynb), [a program]({book}.py)."
        if lite:
            run = f"../lite/lab/index.html?path={path.stem}.ipynb"
            take = f'<a href="{run}">Run this chapter in your browser</a>, with nothing to install. {take}'
        whole = f"{title}\n\n{take}\n{rewrite_links(path, rest, sources, '../')}"
        (course / f"{path.stem}.md").write_text(whole, encoding="utf-8")
        names.append(f"course/{path.stem}")
    page = DOCS / "course" / "teachers.md"
    (course / "teachers.md").write_text(rewrite_links(page, page.read_text("utf-8"), sources, "../"), encoding="utf-8")
    return [*names, "course/teachers"]


def write_errors(pages: Path, sources: set[Path]) -> None:
    """A page for each section of errors.md, and one that lists them."""
    (pages / "errors").mkdir()
    head, *sections = re.split(r"^## ", (DOCS / "errors.md").read_text("utf-8"), flags=re.MULTILINE)
    names = []
    for section in sections:
        title, _, body = section.partition("\n")
        name = re.sub(r"\s+", "-", re.sub(r"[^\w\s-]", "", title.lower()).strip())
        text = rewrite_links(DOCS / "errors.md", f"# {title}\n{body}", sources, "../")
        (pages / "errors" / f"{name}.md").write_text(text.replace("```python", "```pycon"), encoding="utf-8")
        names.append(f"errors/{name}")
    (pages / "errors.md").write_text(f"{head.replace('```python', '```pycon')}\n{toctree(names)}", encoding="utf-8")


def write_pages(pages: Path, sources: set[Path]) -> list[str]:
    """The other pages of docs/, as they are."""
    names = []
    for page in sorted([*DOCS.glob("*.md"), *DOCS.glob("decisions/*.md")]):
        place = page.relative_to(DOCS)
        if place.stem in ("index", "errors"):
            continue
        (pages / place).parent.mkdir(exist_ok=True)
        text = rewrite_links(page, page.read_text("utf-8"), sources, "../" * (len(place.parts) - 1))
        (pages / place).write_text(text, encoding="utf-8")
        names.append(str(place.with_suffix("")))
    return names


def write_reference(pages: Path) -> None:
    """A page for each module, and one that lists them."""
    (pages / "api").mkdir()
    written = api.write_pages()
    for name, text in written.items():
        (pages / "api" / f"{name}.md").write_text(text, encoding="utf-8")
    listed = toctree([f"api/{name}" for name in written])
    (pages / "api.md").write_text(
        f"# Reference\n\nEvery public name, with its docstring.\n\n{listed}", encoding="utf-8"
    )


def write_sources(pages: Path, sources: set[Path]) -> None:
    """A page for each file of the library that some page points at."""
    names = []
    for path in sorted(sources):
        place = path.relative_to(ROOT)
        target = pages / "source" / f"{place}.md"
        target.parent.mkdir(parents=True, exist_ok=True)
        if path.is_dir():
            listed = "\n".join(f"- `{p.name}`" for p in sorted(path.iterdir()) if p.suffix in (".py", ".md"))
            target.write_text(f"# {place}\n\n{listed}\n", encoding="utf-8")
        else:
            kind = {".py": "python", ".md": "markdown"}.get(path.suffix, "text")
            target.write_text(f"# {place}\n\n`````{kind}\n{path.read_text('utf-8')}\n`````\n", encoding="utf-8")
        names.append(f"source/{place}.md")  # with the suffix: Sphinx strips one, also from a README.md
    (pages / "source.md").write_text(f"# Files that the pages speak of\n\n{toctree(names)}", encoding="utf-8")


def write_stepper(page: Path) -> None:
    """The backward walk through the course's loss, to be played."""
    import minigrad as torch
    from minigrad import viz

    image = torch.ones(1, 1, 6, 8)
    image[..., 2:6] = 0
    kernel = torch.tensor([[[[0.3, 0.2]]]], requires_grad=True)
    error = torch.nn.functional.conv2d(image, kernel) - (image[..., :-1] - image[..., 1:])
    viz.stepper((error**2).sum()).save(page)  # image and kernel are drawn under their names


def write_windows(page: Path) -> None:
    """A convolution with padding and a stride, window by window, to be played."""
    import minigrad as torch
    from minigrad import viz

    image = torch.ones(6, 8)
    image[:, 2:6] = 0
    sobel = torch.tensor([[1.0, 0, -1], [2, 0, -2], [1, 0, -1]])
    viz.convolution(image, sobel, stride=2, padding=1).save(page)


def write_index(pages: Path, chapter_names: list[str], page_names: list[str]) -> None:
    """The front page, and the pages that lead to all others."""
    (pages / "course.md").write_text(write_course_page(chapter_names), encoding="utf-8")
    write_stepper(pages / "static" / "stepper.html")
    write_windows(pages / "static" / "windows.html")
    (pages / "play.md").write_text(
        "# Play with a kernel\n\nMove the sliders, or let it learn.\n\n"
        '```{raw} html\n<iframe class="lab" src="_static/play.html" title="A kernel to play with"></iframe>\n```\n\n'
        "## Window by window\n\nSobel's kernel on the image with the black bar, with a padding of 1 and a stride of 2. "
        "Click on a pixel of the output.\n\n"
        '```{raw} html\n<iframe class="lab" src="_static/windows.html" title="The windows"></iframe>\n```\n\n'
        "## Where its gradient comes from\n\nThe walk back from the loss to the kernel, box by box.\n\n"
        '```{raw} html\n<iframe class="lab" src="_static/stepper.html" title="The backward walk"></iframe>\n```\n',
        encoding="utf-8",
    )
    more = f"# More\n\nHow it is built, what it supports, how fast it is.\n\n{toctree([*page_names, 'source'])}"
    (pages / "more.md").write_text(more, encoding="utf-8")
    names = ["course", "play", "errors", "api", "more"]
    front = (DOCS / "site" / "front_page.md").read_text("utf-8").replace("(../", "(")  # its picture lies beside it
    (pages / "index.md").write_text(f"{front}\n{toctree(names, hidden=True)}", encoding="utf-8")


def write_course_page(chapter_names: list[str]) -> str:
    """The chapters by their titles, with the questions that they answer, as chapter 0 lists them."""
    start = (DOCS / "course" / "00_start.py").read_text("utf-8")
    rows = ["| chapter | question |", "|---|---|", "| [0. Start](course/00_start.md) | what do I need? |"]
    for number, name, question in re.findall(r"^# \| \[(\d+)\]\((\w+)\.py\) \| (.*) \|$", start, re.MULTILINE):
        title = re.search(r"^# # (.*)$", (DOCS / "course" / f"{name}.py").read_text("utf-8"), re.MULTILINE)
        rows.append(f"| [{title[1] if title else number}](course/{name}.md) | {question} |")
    table = "\n".join(rows)
    return (
        "# The course\n\n21 chapters, from the sliding window to the engine. Each is a program that runs alone: "
        "read it here, run it in your browser, or take it away as a notebook. Exercises check themselves, and name the "
        f"mistake.\n\n{table}\n\n[For teachers](course/teachers.md): setting up a class, writing exercises, grading."
        f"\n\n{toctree(chapter_names, hidden=True)}"
    )


def toctree(names: list[str], hidden: bool = False) -> str:
    """Sphinx's list of pages."""
    return "```{toctree}\n:maxdepth: 1\n" + (":hidden:\n" if hidden else "") + "\n" + "\n".join(names) + "\n```\n"


def rewrite_links(page: Path, text: str, sources: set[Path], up: str) -> str:
    """Links to chapters lead to their pages, links to files outside docs to a copy of the file."""

    def rewrite(match: re.Match[str]) -> str:
        start, target, end = match.groups()
        path = (page.parent / target).resolve()
        if path.parent == DOCS / "course" and path.suffix == ".py":
            return f"{start}{target.removesuffix('.py')}.md{end}"
        if path == DOCS / "errors.md" and "#" in end:
            return f"{start}{up}errors/{end.strip('#)')}.md)"
        if not path.exists() or path.is_relative_to(DOCS):
            return match.group()
        sources.add(path)
        return f"{start}{up}source/{path.relative_to(ROOT)}.md{end}"

    return LINK.sub(rewrite, text)


class Links(HTMLParser):
    """The targets of a page, and the places that it can be linked at."""

    def __init__(self) -> None:
        super().__init__()
        self.targets: list[str] = []
        self.places: set[str] = set()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        given = dict(attrs)
        self.targets += [given[name] or "" for name in ("href", "src") if name in given]
        if given.get("id"):
            self.places.add(str(given["id"]))


def broken_links(out: Path) -> list[str]:
    """Every link, picture and script inside the site that leads nowhere."""
    parsed: dict[Path, Links] = {}
    for path in out.rglob("*.html"):
        if path.name == "webpack-macros.html" or path.is_relative_to(out / "lite"):  # not our pages
            continue
        parsed[path] = Links()
        parsed[path].feed(path.read_text("utf-8"))
    broken = []
    for path, page in parsed.items():
        for target in page.targets:
            if re.match(r"(https?|mailto|data|javascript):", target):
                continue
            place, fragment = urldefrag(target)
            file = (path.parent / unquote(place.partition("?")[0])).resolve() if place else path
            found = file.exists() and (not fragment or file not in parsed or fragment in parsed[file].places)
            if not found:
                broken.append(f"{path.relative_to(out)}: {target}")
    return broken


def main(arguments: list[str] | None = None) -> None:
    """Read the command line, build, and serve if asked to."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--out", type=Path, default=ROOT / "build" / "site", help="where to (default build/site)")
    parser.add_argument("--serve", action="store_true", help="show it on http://localhost:8000 until Ctrl-C")
    parser.add_argument("--no-lite", action="store_true", help="leave out the notebooks that run in the browser")
    options = parser.parse_args(arguments)
    sys.path.insert(0, str(ROOT))
    build(options.out.resolve(), lite=not options.no_lite)
    print(f"built: {options.out}/index.html")
    if options.serve:
        handler = functools.partial(http.server.SimpleHTTPRequestHandler, directory=str(options.out))
        http.server.ThreadingHTTPServer(("localhost", 8000), handler).serve_forever()


if __name__ == "__main__":
    main()
