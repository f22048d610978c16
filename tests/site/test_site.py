"""The site's own programs: cells, pages, notebooks, links; and the page to play with, clicked in a browser."""

import hashlib
import json
import re
import shutil
import sys
import tomllib
import zipfile
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
SITE = ROOT / "docs" / "site"
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["project"]["name"]
CHAPTERS = sorted((ROOT / "docs" / "course").glob("[0-9]*.py"))


@pytest.fixture
def site(monkeypatch):
    monkeypatch.syspath_prepend(str(SITE))
    import api
    import build
    import chapters

    return {"api": api, "build": build, "chapters": chapters}


PROGRAM = """# %% [markdown]
# # Title
#
# Words, and `code`.

# %%
x = 2
print("10%\\r20%")
print(x + 1)

# %%
y = x
"""


def test_read_cells_divides_a_chapter(site):
    cells = site["chapters"].read_cells(PROGRAM)
    assert [cell.is_code for cell in cells] == [False, True, True]
    assert cells[0].text == "# Title\n\nWords, and `code`."
    assert cells[2].text == "y = x"


def test_a_page_shows_what_its_cells_print_and_draw(site, tmp_path):
    path = tmp_path / "01_one.py"
    path.write_text(PROGRAM + "open('drawn.png', 'wb').close()\n")
    page = site["chapters"].write_page(path, tmp_path / "pictures" / "01_one")
    assert "```text\n20%\n3\n```" in page
    assert page.count("```python") == 2
    assert "![what this cell draws: drawn](pictures/01_one/drawn.png)" in page
    assert Path.cwd() != tmp_path / "pictures"


def test_a_page_holds_what_its_cells_play(site, tmp_path):
    path = tmp_path / "01_one.py"
    path.write_text(PROGRAM + "import minigrad as torch\ntorch.viz.convolution([[1]], [[2]]).save('p.html')\n")
    page = site["chapters"].write_page(path, tmp_path / "pictures" / "01_one")
    played = re.search(r"```\{raw\} html\n(.*)\n```\n\Z", page, re.DOTALL)[1]
    assert played.startswith('<div class="minigrad-windows">') and played.endswith("</div>")


def test_the_page_to_play_with_holds_the_windows_and_the_walk(site, tmp_path):
    (tmp_path / "static").mkdir()
    site["build"].write_index(tmp_path, ["course/01_one"], ["errors"])
    page = (tmp_path / "play.md").read_text("utf-8")
    assert page.index("play.html") < page.index("windows.html") < page.index("stepper.html")
    assert (tmp_path / "static" / "windows.html").read_text("utf-8").count("data-step=") >= 12  # 3 x 4 windows
    assert "minigrad-stepper" in (tmp_path / "static" / "stepper.html").read_text("utf-8")


def test_an_error_in_a_chapter_stops_the_build(site, tmp_path):
    path = tmp_path / "01_one.py"
    path.write_text("# %%\n1 / 0\n")
    before = Path.cwd()
    with pytest.raises(ZeroDivisionError):
        site["chapters"].write_page(path, tmp_path / "pictures")
    assert Path.cwd() == before


@pytest.mark.parametrize("path", CHAPTERS, ids=lambda path: path.stem)
def test_every_chapter_is_a_notebook(site, path):
    book = json.loads(site["chapters"].write_notebook(path))
    assert book["nbformat"] == 4 and len({cell["id"] for cell in book["cells"]}) == len(book["cells"])
    code = ["".join(cell["source"]) for cell in book["cells"] if cell["cell_type"] == "code"]
    assert f"%pip install -q {PROJECT}" in code[0]
    assert ("scikit-learn" in code[0]) == path.stem.startswith("10")
    compile("\n".join(code[1:]), str(path), "exec")
    assert book["cells"][1]["source"][0].startswith("# ")


def test_a_notebook_shows_its_pictures_and_prints_no_verdict_twice(site):
    show = site["chapters"].show_in_place
    assert (
        show('if viz.can_draw():\n    viz.im2col(3, 4).savefig("i.png")')
        == "if viz.can_draw():\n    display(viz.im2col(3, 4))"
    )
    assert show('windows.save("windows.html")\nw.save("w.pt")') == 'display(windows)\nw.save("w.pt")'
    assert show("x = 1\ncourse.check('a', f)") == "x = 1\ncourse.check('a', f);"
    assert show("course.check('a', f(1))  # yours") == "course.check('a', f(1));  # yours"
    assert show("import x\n\ntorch.manual_seed(0)") == "import x\n\ntorch.manual_seed(0);"
    for path in CHAPTERS:
        assert ".savefig" not in site["chapters"].write_notebook(path)


def test_a_notebook_links_to_notebooks_and_tells_where_other_files_are(site):
    point = site["chapters"].point_from_notebook
    assert point("[Chapter 7](07_an_engine.py), [web](https://a.org/b.md)") == (
        "[Chapter 7](07_an_engine.ipynb), [web](https://a.org/b.md)"
    )
    assert point("in [errors](../errors.md#a-b)") == "in errors (`docs/errors.md`)"
    assert point("[ops/conv.py](../../minigrad/ops/conv.py)") == "ops/conv.py"
    for path in CHAPTERS:
        cells = json.loads(site["chapters"].write_notebook(path))["cells"]
        prose = "".join("".join(cell["source"]) for cell in cells if cell["cell_type"] == "markdown")
        links = re.findall(r"\]\(([^)]+)\)", prose)
        books = {f"{chapter.stem}.ipynb" for chapter in CHAPTERS}
        assert not [link for link in links if link not in books and not link.startswith("https://")]


def test_wheels_are_checked_by_their_hashes(site, tmp_path):
    """In folders and archives; a file of the right name with another hash is not taken."""
    import check_in_browser

    folder, given = tmp_path / "pyodide", tmp_path / "given"
    folder.mkdir()
    given.mkdir()
    packages = {
        name: {"file_name": f"{name}-1.whl", "sha256": hashlib.sha256(name.encode()).hexdigest()}
        for name in check_in_browser.NEEDED
    }
    (folder / "pyodide-lock.json").write_text(json.dumps({"packages": packages}))
    (given / "micropip-1.whl").write_text("micropip")
    (given / "numpy-1.whl").write_text("another numpy")
    with zipfile.ZipFile(tmp_path / "all.zip", "w") as archive:
        for name in ("ipython", "matplotlib"):
            archive.writestr(f"deep/inside/{name}-1.whl", name)
    missing = check_in_browser.collect(folder, [given, tmp_path / "all.zip", tmp_path / "none.zip"], tmp_path / "room")
    assert missing == ["numpy", "scikit-learn"]
    assert (tmp_path / "room" / "ipython-1.whl").read_text() == "ipython"


def test_links_lead_to_pages_and_copies(site):
    page, sources = ROOT / "docs" / "course" / "07_an_engine_in_one_file.py", set()
    text = "[8](08_convolution_backward.py) [conv](../../minigrad/ops/conv.py) [e](../errors.md) [w](https://x.org)"
    assert site["build"].rewrite_links(page, text, sources, "../") == (
        "[8](08_convolution_backward.md) [conv](../source/minigrad/ops/conv.py.md) [e](../errors.md) [w](https://x.org)"
    )
    assert sources == {ROOT / "minigrad" / "ops" / "conv.py"}
    page = ROOT / "docs" / "index.md"
    assert (
        site["build"].rewrite_links(page, "[e](errors.md#channels-last)", set(), "") == "[e](errors/channels-last.md)"
    )


def test_copies_of_files_are_listed_by_their_whole_names(site, tmp_path):
    site["build"].write_sources(tmp_path, {ROOT / "tests" / "README.md", ROOT / "minigrad" / "ops" / "conv.py"})
    listed = (tmp_path / "source.md").read_text().split()
    for name in ("source/tests/README.md.md", "source/minigrad/ops/conv.py.md"):
        assert name in listed and (tmp_path / name).is_file()  # Sphinx looks for a name without its last .md


def test_a_broken_link_is_found(site, tmp_path):
    (tmp_path / "a.html").write_text('<a href="b.html#there">b</a><a href="b.html#not">b</a><img src="no.png">')
    (tmp_path / "b.html").write_text('<p id="there"></p><a href="https://x.org/no">out</a>')
    assert site["build"].broken_links(tmp_path) == ["a.html: b.html#not", "a.html: no.png"]


def test_the_reference_holds_the_names_that_matter(site):
    pages = site["api"].write_pages()
    for module, name in (("minigrad", "Tensor"), ("minigrad.nn", "Conv2d"), ("minigrad.course", "check")):
        assert re.search(rf"^## {name}$", pages[module], re.MULTILINE)
    assert "### Tensor.backward" in pages["minigrad"] and "kernel_size" in pages["minigrad.nn"]


CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")


@pytest.mark.skipif(CHROMIUM is None, reason="no Chromium is installed here: the page is not clicked")
@pytest.mark.skipif(sys.platform == "win32", reason="the browser is started as on Linux")
def test_the_interactive_page_is_tried_and_missing_files_are_reported(site, tmp_path, monkeypatch, capsys):
    """The slider is moved and the button clicked; a broken page is reported; without npm the chapters are skipped."""
    import check_in_browser

    def cannot(into):
        raise FileNotFoundError("npm")

    monkeypatch.setattr(check_in_browser, "fetch", cannot)
    page = (SITE / "static" / "play.html").read_text("utf-8")
    (tmp_path / "inner.html").write_text(page)
    (tmp_path / "play.html").write_text('<link rel="icon" href="data:,"><iframe src="inner.html"></iframe>')
    assert check_in_browser.main([str(tmp_path)]) == 0
    said = capsys.readouterr().out
    assert "ok      the page to play with" in said and "Pyodide is not to be had here (npm)" in said

    (tmp_path / "inner.html").write_text(page.replace("k - rate * g[i]", "k - 0.9 * rate * g[i] + 0.01"))
    assert check_in_browser.main([str(tmp_path)]) == 1
    assert "FAILED  the page to play with" in (said := capsys.readouterr().out) and "learned kernel" in said
