"""Worker processes: PyTorch's batches and numbers, clear errors, and nothing left over."""

import gc
import json
import multiprocessing
import os
import pickle
import random
import re
import signal
import subprocess
import sys
import time
from collections import namedtuple
from pathlib import Path

import numpy as np
import pytest

import minigrad
from minigrad.utils.data import DataLoader, Dataset, IterableDataset, TensorDataset, get_worker_info
from minigrad.utils.data import pool as pool_module

pytestmark = [
    pytest.mark.skipif(os.name != "posix", reason="these tests fork and send signals"),
    pytest.mark.cpu("workers are processes of their own, which have no GPU"),
]
RECORDED = json.loads((Path(__file__).parents[2] / "data" / "workers.json").read_text())["workers"]
Pair = namedtuple("Pair", "x y")


class Drawn(Dataset):
    """As in tests/oracle/record_data.py: the worker, and what its three generators draw."""

    def __len__(self):
        return 7

    def __getitem__(self, index):
        info = get_worker_info()
        own = [info.id, info.num_workers, info.seed]
        return [index, *own, minigrad.randint(1000, ()).item(), random.randrange(1000), int(np.random.randint(1000))]


class Counted(IterableDataset):
    def __iter__(self):
        worker = get_worker_info().id
        return iter(range(worker * 100, worker * 100 + 7 - 3 * worker))


def return_unchanged(batch):
    return batch


CASES = {
    "drawn": (Drawn(), {"batch_size": 2, "shuffle": True}),
    "persistent": (Drawn(), {"batch_size": 2, "shuffle": True, "persistent_workers": True}),
    "single": (Drawn(), {"batch_size": None, "prefetch_factor": 1}),
    "stream": (Counted(), {"batch_size": 2}),
    "dropped": (Counted(), {"batch_size": 2, "drop_last": True, "persistent_workers": True}),
    "items": (Counted(), {"batch_size": None}),
}


@pytest.mark.parametrize("case", RECORDED, ids=lambda case: f"seed {case['seed']}")
@pytest.mark.parametrize("name", CASES)
def test_batches_seeds_and_later_draws_are_those_of_pytorch(case, name):
    dataset, options = CASES[name]
    minigrad.manual_seed(case["seed"])
    loader = DataLoader(dataset, num_workers=2, collate_fn=return_unchanged, **options)
    for expected in case[name]:
        assert list(loader) == expected["batches"]
        assert minigrad.randint(1000, ()).item() == expected["drawn"]


def list_shared_memory(pid=None):
    """The names of the shared memory that the loaders of one process hold, by default of this process."""
    folder = Path("/dev/shm")
    return {path.name for path in folder.glob(f"minigrad_{pid or os.getpid()}_*")} if folder.is_dir() else set()


@pytest.fixture(autouse=True)
def check_nothing_is_left():
    """No process and no shared memory outlives a test."""
    before = list_shared_memory()
    yield
    gc.collect()  # an error's traceback holds the iterator that raised it
    assert multiprocessing.active_children() == []
    assert list_shared_memory() <= before


class Images(Dataset):
    """Large enough for shared memory."""

    def __len__(self):
        return 8

    def __getitem__(self, index):
        image = minigrad.full((3, 64, 64), float(index))
        return {"image": image, "name": str(index), "pair": Pair(index, np.arange(3) + index), "raw": minigrad.ones(2)}


@pytest.mark.parametrize("method", ["fork", "spawn"])
def test_everything_in_a_batch_arrives(method):
    if method == "spawn" and "PYTEST_XDIST_WORKER" in os.environ:
        pytest.skip("a spawned process looks for the main program, which is no file there")
    loader = DataLoader(Images(), batch_size=4, num_workers=2, multiprocessing_context=method)
    batches = list(loader)
    for batch, expected in zip(batches, DataLoader(Images(), batch_size=4), strict=True):
        assert minigrad.equal(batch["image"], expected["image"])
        assert batch["name"] == expected["name"]
        assert type(batch["pair"]) is Pair and minigrad.equal(batch["pair"].y, expected["pair"].y)
        batch["image"] += 1
        batch["raw"].mul_(2)
    assert len(loader) == 2


def test_options_without_effect_are_accepted():
    x = minigrad.arange(10)
    for options in (
        {"prefetch_factor": 5, "timeout": 100},
        {"persistent_workers": True},
        {"in_order": False},
        {"multiprocessing_context": "fork"},
    ):
        loader = DataLoader(TensorDataset(x), batch_size=3, num_workers=3, **options)
        for _ in range(2):
            rows = [row for (batch,) in loader for row in batch.tolist()]
            assert sorted(rows) == list(range(10))
            assert rows == list(range(10)) or "in_order" in options


def test_a_pass_may_be_left_early():
    first = next(iter(DataLoader(Images(), num_workers=2)))
    assert first["name"] == ["0"]
    loader = DataLoader(Images(), num_workers=2, persistent_workers=True)
    for _ in range(2):
        for batch in loader:
            assert batch["name"] == ["0"]
            break
    assert [batch["name"][0] for batch in loader] == [str(i) for i in range(8)]


def test_persistent_workers_are_made_once():
    class Processes(Dataset):
        def __len__(self):
            return 4

        def __getitem__(self, index):
            return os.getpid()

    def seen(loader):
        return {int(pid) for batch in loader for pid in batch}

    loader = DataLoader(Processes(), num_workers=2, persistent_workers=True, multiprocessing_context="fork")
    assert len(seen(loader) | seen(loader)) == 2
    loader = DataLoader(Processes(), num_workers=2, multiprocessing_context="fork")
    assert len(seen(loader) | seen(loader)) == 4
    assert os.getpid() not in seen(loader)


def initialize(worker):
    get_worker_info().dataset.offset = 100 * (worker + 1)


class Shifted(Dataset):
    offset = 0

    def __len__(self):
        return 4

    def __getitem__(self, index):
        return self.offset + index


def test_worker_init_fn_may_change_its_copy_of_the_dataset():
    dataset = Shifted()
    loader = DataLoader(dataset, num_workers=2, worker_init_fn=initialize)
    assert [int(batch) for batch in loader] == [100, 201, 102, 203]
    assert dataset.offset == 0


class Failing(Dataset):
    def __init__(self, error, at=2):
        self.error, self.at = error, at

    def __len__(self):
        return 6

    def __getitem__(self, index):
        if index == self.at:
            raise self.error
        return index


class Awkward(Exception):
    def __init__(self, a, b):
        super().__init__(a, b)


def test_an_error_in_a_worker_is_raised_and_the_loop_may_continue():
    iterator = iter(DataLoader(Failing(ZeroDivisionError("by nought")), num_workers=2))
    assert [next(iterator).item() for _ in range(2)] == [0, 1]
    with pytest.raises(
        ZeroDivisionError, match=r"(?s)in DataLoader worker process 0.*Traceback.*__getitem__.*by nought"
    ):
        next(iterator)
    assert [batch.item() for batch in iterator] == [3, 4, 5]


@pytest.mark.parametrize(
    ("error", "kind"),
    [(KeyError("no key"), KeyError), (Awkward(1, 2), RuntimeError), (StopIteration("early"), RuntimeError)],
)
def test_errors_that_cannot_be_rebuilt_become_others(error, kind):
    class Own(Exception):
        """A local class, which no other process can import."""

    iterator = iter(DataLoader(Failing(Own("hidden"), at=0), num_workers=1, multiprocessing_context="fork"))
    with pytest.raises(RuntimeError, match=r"(?s)Caught an error in DataLoader worker process 0.*Own: hidden"):
        next(iterator)
    with pytest.raises(kind) as seen:
        list(DataLoader(Failing(error), num_workers=1, multiprocessing_context="fork"))
    assert "worker process 0.\nOriginal Traceback" in str(seen.value)


def bad_start(worker):
    raise ValueError("no such disk")


def test_errors_of_the_start_and_of_pickling_are_raised():
    with pytest.raises(ValueError, match=r"(?s)worker process 0.*bad_start.*no such disk"):
        list(DataLoader(Shifted(), num_workers=1, worker_init_fn=bad_start))
    loader = DataLoader(
        Shifted(), num_workers=1, collate_fn=lambda batch: lambda: batch, multiprocessing_context="fork"
    )
    with pytest.raises(Exception, match=r"(?s)worker process 0.*pickle, which cannot pack this one. Return tensors"):
        list(loader)


@pytest.mark.parametrize("method", ["spawn", "forkserver"])
def test_what_no_other_process_can_import_is_refused_with_the_cure(method):
    class Local(Shifted):
        pass

    with pytest.raises((AttributeError, TypeError, pickle.PicklingError)) as seen:
        list(DataLoader(Local(), num_workers=1, multiprocessing_context=method))
    note = seen.value.__notes__[-1]  # Python 3.14 has its own before
    assert f"worker 0 is started by '{method}'" in note and "must stand at the top of a file" in note
    assert "multiprocessing_context='fork'" in note


def test_a_class_of_a_program_that_is_no_file_is_named_as_the_cause():
    program = PROGRAM.replace('"fork"', '"spawn"')
    command = [sys.executable, "-c", program]
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)}
    done = subprocess.run(command, capture_output=True, text=True, check=False, env=environment)
    assert re.search(r"DataLoader worker \d \(pid \d+\) ended with exit code 1", done.stderr)
    assert "is started by 'spawn'" in done.stderr and "imports your program anew" in done.stderr


class Dying(Dataset):
    def __init__(self, how):
        self.how = how

    def __len__(self):
        return 8

    def __getitem__(self, index):
        if index == 3:
            self.how()
        return minigrad.full((200, 200), float(index))


@pytest.mark.parametrize(
    ("how", "text"),
    [
        (lambda: os.kill(os.getpid(), signal.SIGKILL), r"was killed by signal SIGKILL \(out of memory\?\)"),
        (lambda: os.kill(os.getpid(), signal.SIGUSR1), "was killed by signal SIGUSR1"),
        (lambda: os._exit(7), "ended with exit code 7"),
        (lambda: os._exit(0), "ended with exit code 0"),
    ],
)
def test_a_worker_that_dies_is_named(how, text):
    start = time.monotonic()
    with pytest.raises(RuntimeError, match=rf"DataLoader worker 1 \(pid \d+\) {text} before its batch was done"):
        list(DataLoader(Dying(how), num_workers=2, multiprocessing_context="fork"))
    assert time.monotonic() - start < 20


def test_a_worker_that_dies_between_two_passes_is_named():
    loader = DataLoader(Shifted(), num_workers=2, persistent_workers=True)
    list(loader)
    process = loader._iterator._pool.processes[1]
    os.kill(process.pid, signal.SIGKILL)
    process.join()
    with pytest.raises(RuntimeError, match=r"DataLoader worker 1 .* SIGKILL"):
        list(loader)
    assert len(list(loader)) == len(loader)  # by new workers


class Slow(Dataset):
    def __len__(self):
        return 2

    def __getitem__(self, index):
        time.sleep(60)


def test_a_silent_worker_is_reported_after_the_timeout(monkeypatch):
    monkeypatch.setattr(pool_module, "PATIENCE", 0.2)
    start = time.monotonic()
    with pytest.raises(RuntimeError, match=r"DataLoader timed out after 0.3 seconds"):
        list(DataLoader(Slow(), num_workers=1, timeout=0.3))
    assert time.monotonic() - start < 10


def test_tasks_and_batches_larger_than_a_pipe_do_not_block_each_other():
    indices = [list(range(30_000))] * 6
    loader = DataLoader(Strings(), batch_sampler=indices, num_workers=2, collate_fn=return_unchanged, prefetch_factor=3)
    assert [len(batch) for batch in loader] == [30_000] * 6


class Strings(Dataset):
    def __getitem__(self, index):
        return "some text " + str(index)


def test_without_shared_memory_batches_go_through_the_pipe(monkeypatch):
    def full(*_):
        raise OSError("No space left on device")

    monkeypatch.setattr(os, "posix_fallocate", full)
    for i, batch in enumerate(DataLoader(Images(), num_workers=1)):
        assert (batch["image"] == i).all()


PROGRAM = """
import sys, time
import minigrad
from minigrad.utils.data import DataLoader, Dataset

class Images(Dataset):
    def __len__(self): return 10**6
    def __getitem__(self, index):
        time.sleep(0.002)
        return minigrad.zeros(3, 100, 100)

iterator = iter(DataLoader(Images(), batch_size=2, num_workers=3, multiprocessing_context="fork"))
next(iterator)
print(*[process.pid for process in iterator._pool.processes], flush=True)
while True:
    next(iterator)
"""


def exists(pid):
    try:
        status = Path(f"/proc/{pid}/stat").read_text()
    except FileNotFoundError:
        return False
    return status.rsplit(")", 1)[1].split()[0] != "Z"


@pytest.mark.slow
@pytest.mark.skipif(not Path("/proc/self/stat").exists(), reason="processes are looked up in /proc")
@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGKILL], ids=lambda n: n.name)
def test_a_terminated_program_leaves_no_process_and_no_memory(number):
    process = subprocess.Popen(
        [sys.executable, "-c", PROGRAM], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
        start_new_session=True, env={**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)},
    )  # fmt: skip
    workers = [int(pid) for pid in process.stdout.readline().split()]
    assert len(workers) == 3
    time.sleep(0.1)
    if number == signal.SIGINT:
        os.killpg(process.pid, number)  # as the keyboard does: the workers hear it too
    else:
        process.send_signal(number)
    try:
        _, errors = process.communicate(timeout=20)
    finally:
        if process.returncode is None:
            os.killpg(process.pid, signal.SIGKILL)
            process.communicate()
    if number == signal.SIGINT:
        assert errors.count("KeyboardInterrupt") == 1
    deadline = time.monotonic() + 15
    while time.monotonic() < deadline and (any(map(exists, workers)) or list_shared_memory(process.pid)):
        time.sleep(0.1)
    assert not any(map(exists, workers))
    assert list_shared_memory(process.pid) == set()


@pytest.mark.parametrize(
    ("options", "kind", "text"),
    [
        ({"num_workers": 1, "prefetch_factor": -1}, ValueError, "prefetch_factor option should be non-negative"),
        ({"num_workers": 1.5}, TypeError, "num_workers should be an int, but got float 1.5"),
        ({"num_workers": 1, "multiprocessing_context": "no"}, ValueError, "a valid start method in .*, but got 'no'"),
        ({"num_workers": 1, "multiprocessing_context": 3}, TypeError, "a valid context object or a string"),
    ],
)
def test_invalid_options_of_workers_are_refused(options, kind, text):
    with pytest.raises(kind, match=text):
        DataLoader([1, 2], **options)
