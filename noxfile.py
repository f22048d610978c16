"""The project's checks by name: ``nox -s lint types``; ``nox -l`` lists them. `.ci/run` calls the same names.

Every session runs in the environment that is there (``pip install -e '.[test,dev]'``), so it starts at once.
"""

import sys
from pathlib import Path

import nox

nox.options.default_venv_backend = "none"
nox.options.sessions = ["lint", "types", "rooms", "tests"]


def python(session: nox.Session, *arguments: str) -> None:
    """Run this Python, whatever is first on the path."""
    session.run(sys.executable, *arguments)


@nox.session
def lint(session: nox.Session) -> None:
    """Ruff's rules, and its format."""
    python(session, "-m", "ruff", "check", "--no-cache", "--output-format", "concise", ".")
    python(session, "-m", "ruff", "format", "--no-cache", "--check", ".")


@nox.session
def types(session: nox.Session) -> None:
    """The package under mypy --strict; a user's program under mypy --strict and pyright."""
    python(session, "-m", "mypy")
    python(session, ".ci/check_types.py")


@nox.session
def rooms(session: nox.Session) -> None:
    """Imports run one way, and the heart imports no wing."""
    python(session, ".ci/heart.py")
    session.run(str(Path(sys.executable).with_name("lint-imports")), "--no-cache")


@nox.session
def smoke(session: nox.Session) -> None:
    """The handful of tests that say the house stands at all."""
    python(session, "-m", "pytest", "-q", "-m", "smoke")


@nox.session
def tests(session: nox.Session) -> None:
    """All tests; what follows ``--`` goes to pytest."""
    python(session, "-m", "pytest", "-q", *session.posargs)


@nox.session
def lines(session: nox.Session) -> None:
    """Code lines by room, beside an earlier commit; and how many of them the smallest lesson executes."""
    python(session, "-m", "doctest", ".ci/count_lines.py", ".ci/heart.py")
    python(session, ".ci/count_lines.py", *session.posargs)
    python(session, ".ci/request_lines.py")


@nox.session
def supported(session: nox.Session) -> None:
    """The pages made from the code are what it says; ``nox -s supported -- write`` writes them."""
    for page in ("supported", "rooms", "performance"):
        python(session, f"docs/make_{page}.py", *([] if "write" in session.posargs else ["--check"]))


@nox.session
def browser(session: nox.Session) -> None:
    """The edge lesson in JupyterLite, and the page to play with, in a headless Chromium; ``-- SITE [...]``."""
    python(session, "docs/site/check_in_browser.py", *(session.posargs or ["build/site", "--chapters", "02"]))


@nox.session
def bench(session: nox.Session) -> None:
    """The benchmarks run at all; those of a GPU and of several processes are started by tests and by `.ci/run`."""
    for name in ("ways", "scaling", "second_core", "gpu_ways"):
        python(session, f"benchmarks/{name}.py", "--smoke")
    python(session, "benchmarks/where_time_goes.py", "--budget", "0.01")
    python(session, "benchmarks/record.py", "smoke", "--smoke")
