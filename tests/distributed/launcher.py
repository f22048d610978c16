"""Start a program on several ranks, and tests that run on each of them.

`@ranks(1, 2, 4)` above a function makes it a test that every rank of a world of 1, 2 and 4 runs. The functions of
one file share one start of mpiexec for each size of the world; each rank writes down what failed.
"""

import functools
import importlib
import json
import os
import shutil
import subprocess
import sys
import sysconfig
import tempfile
from importlib.util import find_spec
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
TIMEOUT = 180  # seconds for all functions of a file; a single wait times out after 20


def find_mpiexec():
    """The path of mpiexec: beside this Python, where the wheel puts it, or on PATH; None where there is none."""
    beside = Path(sysconfig.get_path("scripts")) / "mpiexec"
    return str(beside) if beside.exists() else shutil.which("mpiexec")


def require_mpi():
    if find_spec("mpi4py") is None or find_mpiexec() is None:
        pytest.skip("several ranks need mpi4py and mpiexec: pip install mpi4py mpich")


def make_command(count, *arguments, options=()):
    """`mpiexec -n count python arguments`."""
    return [find_mpiexec(), *options, "-n", str(count), sys.executable, *map(str, arguments)]


def make_environment(**more):
    kept = {k: v for k, v in os.environ.items() if not k.startswith(("PMI", "MPI_", "HYD"))}
    threads = {"OPENBLAS_NUM_THREADS": "1", "OMP_NUM_THREADS": "1"}  # ranks share the processors
    return {**kept, **threads, "PYTHONPATH": str(ROOT), "PYTHONUNBUFFERED": "1", **more}


def launch(count, *arguments, timeout=60, options=(), before=(), **more):
    """Run a program on `count` ranks and return subprocess's result; the words `before` precede mpiexec."""
    require_mpi()
    return subprocess.run(
        [*before, *make_command(count, *arguments, options=options)], env=make_environment(**more), capture_output=True,
        text=True, timeout=timeout, check=False, stdin=subprocess.DEVNULL,
    )  # fmt: skip


@functools.cache
def _run_module(module, count):
    """The report of each rank, function name -> its error or "", and all that was printed."""
    with tempfile.TemporaryDirectory() as folder:
        done = launch(count, "-m", "tests.distributed.launcher", module, folder, timeout=TIMEOUT)
        found = [json.loads(path.read_text()) for path in sorted(Path(folder).glob("*.json"))]
    return found, done.stdout + done.stderr


def _name_module(function):
    """The dotted name under which a rank imports the file of `function`."""
    path = Path(function.__code__.co_filename).resolve().relative_to(ROOT)
    return ".".join(path.with_suffix("").parts)


def ranks(*counts):
    """Decorator: a test that runs the function on every rank of worlds of these sizes."""

    def test_of(function):
        @pytest.mark.parametrize("count", counts)
        def test(count):
            require_mpi()
            found, printed = _run_module(_name_module(function), count)
            assert len(found) == count, printed
            failures = [
                f"rank {rank}: {what}" for rank, report in enumerate(found) if (what := report[function.__name__])
            ]
            assert not failures, "\n".join(failures)

        test.__doc__, test.counts, test.function = function.__doc__, counts, function
        return test

    return test_of


def rank_and_size():
    """The rank of this process, and how many there are."""
    import minigrad.distributed as dist

    return dist.get_rank(), dist.get_world_size()


def catch_refusal(kind, call, *arguments, **options):
    """The message of the error of this kind that the call raises."""
    try:
        call(*arguments, **options)
    except kind as error:
        return str(error)
    raise AssertionError(f"{call.__name__} raised no error")


def main():
    """On each rank: run those functions of a module that ask for a world of this size, and write a report."""
    import traceback
    import warnings
    from datetime import timedelta

    import minigrad.distributed as dist

    warnings.simplefilter("error")
    module = importlib.import_module(sys.argv[1])
    report, rank = {}, 0
    for name, test in list(vars(module).items()):
        if not hasattr(test, "counts"):
            continue
        dist.init_process_group(timeout=timedelta(seconds=20))
        rank = dist.get_rank()
        report[name] = ""
        if dist.get_world_size() in test.counts:
            try:
                test.function()
            except BaseException:  # noqa: BLE001 (it is written down)
                report[name] = traceback.format_exc()
        dist.destroy_process_group()
    (Path(sys.argv[2]) / f"{rank}.json").write_text(json.dumps(report))


if __name__ == "__main__":
    main()
