"""GPUs under PyTorch's names: `minigrad.cuda`, thinly over CuPy.

Without a GPU `is_available()` is False, `device_count()` 0, `why_not()` says why, seeds and
`empty_cache()` do nothing, and everything else raises RuntimeError with that reason. A device is
given as its number, as "cuda:1", as `minigrad.device`, or left out: the current one.

Source: https://docs.pytorch.org/docs/stable/cuda.html
"""

from __future__ import annotations

import contextlib
import importlib
from typing import TYPE_CHECKING, Any

from minigrad import backend, random
from minigrad.backend import OutOfMemoryError, device_count, is_available, why_not
from minigrad.creation import type_names
from minigrad.missing import open_later

if TYPE_CHECKING:
    from minigrad.cuda import graphs
    from minigrad.cuda.graphs import (
        CUDAGraph,
        graph,
        graph_pool_handle,
        is_current_stream_capturing,
        make_graphed_callables,
    )  # fmt: skip

(
    FloatTensor, DoubleTensor, LongTensor, IntTensor, BoolTensor, ByteTensor, HalfTensor, ShortTensor, CharTensor,
) = type_names("cuda")  # fmt: skip

__all__ = [
    "BoolTensor", "ByteTensor", "CUDAGraph", "CharTensor", "DoubleTensor", "Event", "FloatTensor", "HalfTensor",
    "IntTensor", "LongTensor", "OutOfMemoryError", "ShortTensor", "Stream", "current_device", "current_stream",
    "default_stream", "device", "device_count", "empty_cache", "get_device_name", "get_rng_state", "get_rng_state_all",
    "graph", "graph_pool_handle", "graphs", "initial_seed", "is_available", "is_current_stream_capturing",
    "make_graphed_callables", "manual_seed", "manual_seed_all", "mem_get_info", "memory_allocated", "memory_reserved",
    "seed", "seed_all", "set_device", "set_rng_state", "set_rng_state_all", "set_stream", "stream", "synchronize",
    "why_not",
]  # fmt: skip


def _cupy() -> Any:
    return backend.library(backend.device("cuda"))


def _index(device: Any = None) -> int:
    """The number of `device`, the current one for None. Raises ValueError for the CPU."""
    if device is None:
        return current_device()
    place = backend.device(device)
    if place.type != "cuda":
        raise ValueError(f"Expected a cuda device, but got: {place}")
    backend.library(place)
    return current_device() if place.index is None else place.index


# ---- devices --------------------------------------------------------------------------------


def current_device() -> int:
    """The number of the GPU that "cuda", without a number, stands for in this thread.

    >>> import minigrad as torch
    >>> if torch.cuda.is_available():
    ...     value = torch.cuda.current_device()
    """
    return int(_cupy().cuda.runtime.getDevice())


def set_device(device: Any) -> None:
    """Lets "cuda" stand for this GPU from now on, in this thread.

    >>> import minigrad as torch
    >>> if torch.cuda.is_available():
    ...     value = torch.cuda.set_device(0)
    """
    _cupy().cuda.Device(_index(device)).use()


class device(contextlib.ContextDecorator):
    """Within `with cuda.device(1):` the name "cuda" stands for that GPU; None or -1 change nothing.

    Raises ValueError for the CPU, RuntimeError for a GPU that is not there.

    >>> import minigrad as torch
    >>> with torch.cuda.device(None):
    ...     pass
    """

    def __init__(self, device: Any) -> None:
        self.idx = -1 if device in (None, -1) else _index(device)
        self._selected: list[Any] = []

    def __enter__(self) -> None:
        # An object of CuPy's per entry: theirs remembers one place to return to.
        self._selected.append(_cupy().cuda.Device(self.idx) if self.idx >= 0 else None)
        if self._selected[-1] is not None:
            self._selected[-1].__enter__()

    def __exit__(self, *exception: object) -> None:
        selected = self._selected.pop()
        if selected is not None:
            selected.__exit__(*exception)


def synchronize(device: Any = None) -> None:
    """Waits until the GPU has done all that was asked of it.

    >>> import minigrad as torch
    >>> if torch.cuda.is_available():
    ...     value = torch.cuda.synchronize()
    """
    _cupy().cuda.Device(_index(device)).synchronize()


def get_device_name(device: Any = None) -> str:
    """What the maker calls the GPU.

    >>> import minigrad as torch
    >>> if torch.cuda.is_available():
    ...     value = torch.cuda.get_device_name(0)
    """
    return str(_cupy().cuda.runtime.getDeviceProperties(_index(device))["name"].decode())


# ---- memory, in bytes -----------------------------------------------------------------------


def mem_get_info(device: Any = None) -> tuple[int, int]:
    """The GPU's free and total memory.

    >>> import minigrad as torch
    >>> if torch.cuda.is_available():
    ...     value = torch.cuda.mem_get_info()
    """
    with backend.on(backend.device("cuda", _index(device))):
        free, total = _cupy().cuda.runtime.memGetInfo()
    return int(free), int(total)


def _pool(device: Any, measure: str) -> int:
    if not is_available():
        return 0
    with backend.on(backend.device("cuda", _index(device))):
        return int(getattr(_cupy().get_default_memory_pool(), measure)())


def memory_allocated(device: Any = None) -> int:
    """What this program's arrays on the GPU hold now; 0 without a GPU.

    >>> import minigrad as torch
    >>> torch.cuda.memory_allocated() >= 0
    True
    """
    return _pool(device, "used_bytes")


def memory_reserved(device: Any = None) -> int:
    """That, and what is kept for the next arrays; 0 without a GPU.

    >>> import minigrad as torch
    >>> torch.cuda.memory_reserved() >= 0
    True
    """
    return _pool(device, "total_bytes")


def empty_cache() -> None:
    """Gives memory that no array holds back to the GPU.

    >>> import minigrad as torch
    >>> torch.cuda.empty_cache()
    """
    if is_available():
        _cupy().get_default_memory_pool().free_all_blocks()


# ---- streams --------------------------------------------------------------------------------


class Event:
    """A mark in a stream's work: `record()` sets it, `elapsed_time` measures between two.

    >>> import minigrad as torch
    >>> if torch.cuda.is_available():
    ...     mark = torch.cuda.Event(enable_timing=True)
    """

    def __init__(self, enable_timing: bool = False, blocking: bool = False, interprocess: bool = False) -> None:
        self.event = _cupy().cuda.Event(block=blocking, disable_timing=not enable_timing, interprocess=interprocess)

    def record(self, stream: Stream | None = None) -> None:
        """Sets the mark behind what `stream`, or the current one, was asked so far."""
        self.event.record((stream or current_stream()).stream)

    def wait(self, stream: Stream | None = None) -> None:
        """Lets what `stream`, or the current one, is asked next wait for the mark; does not wait itself."""
        (stream or current_stream()).wait_event(self)

    def query(self) -> bool:
        """Whether the GPU has come past the mark."""
        return bool(self.event.done)

    def synchronize(self) -> None:
        """Waits until the GPU has come past the mark."""
        self.event.synchronize()

    def elapsed_time(self, end_event: Event) -> float:
        """Milliseconds between this mark and `end_event`, both made with `enable_timing=True`."""
        return float(_cupy().cuda.get_elapsed_time(self.event, end_event.event))


class Stream:
    """A queue of work on a GPU, independent of the others. `with cuda.stream(s):` fills it.

    `priority` is taken and means nothing.

    >>> import minigrad as torch
    >>> if torch.cuda.is_available():
    ...     stream = torch.cuda.Stream()
    """

    def __init__(self, device: Any = None, priority: int = 0, *, existing: Any = None) -> None:
        self.device, self.priority = backend.device("cuda", _index(device)), priority
        with backend.on(self.device):
            self.stream = existing or _cupy().cuda.Stream(non_blocking=True)
        self._entered: list[Any] = []

    def __enter__(self) -> Stream:
        self._entered.append(stream(self))
        self._entered[-1].__enter__()
        return self

    def __exit__(self, *exception: Any) -> None:
        self._entered.pop().__exit__(*exception)

    @property
    def cuda_stream(self) -> int:
        """CUDA's own name of the stream, an address."""
        return int(self.stream.ptr)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Stream) and (self.device, self.cuda_stream) == (other.device, other.cuda_stream)

    def __hash__(self) -> int:
        return hash((self.device, self.cuda_stream))

    def __repr__(self) -> str:
        return f"<torch.cuda.Stream device={self.device} cuda_stream={self.cuda_stream:#x}>"

    def query(self) -> bool:
        """Whether all its work is done."""
        return bool(self.stream.done)

    def synchronize(self) -> None:
        """Waits until all its work is done."""
        self.stream.synchronize()

    def record_event(self, event: Event | None = None) -> Event:
        """An event behind the work it has so far."""
        event = event or Event()
        event.record(self)
        return event

    def wait_event(self, event: Event) -> None:
        """Lets what is asked of it next wait for `event`; does not wait itself."""
        self.stream.wait_event(event.event)

    def wait_stream(self, stream: Stream) -> None:
        """Lets what is asked of it next wait for what `stream` has so far."""
        self.wait_event(stream.record_event())


def current_stream(device: Any = None) -> Stream:
    """The stream that work goes to now.

    >>> import minigrad as torch
    >>> if torch.cuda.is_available():
    ...     value = torch.cuda.current_stream().query()
    """
    return Stream(device, existing=_cupy().cuda.get_current_stream())


def default_stream(device: Any = None) -> Stream:
    """The stream that work goes to when none was chosen.

    >>> import minigrad as torch
    >>> if torch.cuda.is_available():
    ...     value = torch.cuda.default_stream().query()
    """
    return Stream(device, existing=_cupy().cuda.Stream.null)


def set_stream(stream: Stream) -> None:
    """Sends work to `stream`, on its GPU, from now on, in this thread.

    >>> import minigrad as torch
    >>> if torch.cuda.is_available():
    ...     value = torch.cuda.set_stream(torch.cuda.current_stream())
    """
    set_device(stream.device)
    stream.stream.use()


@contextlib.contextmanager
def stream(stream: Stream | None) -> Any:
    """Sends the work within to `stream`, on its GPU; None changes nothing.

    >>> import minigrad as torch
    >>> with torch.cuda.stream(None):
    ...     pass
    """
    if stream is None:
        yield
    else:
        with device(stream.device), stream.stream:
            yield


# ---- random numbers -------------------------------------------------------------------------
# Each GPU draws by a generator of its own; `minigrad.manual_seed` seeds them all.


def manual_seed(seed: int) -> None:
    """Starts the generator of the selected GPU from `seed`. Without a GPU it does nothing.

    >>> import minigrad as torch
    >>> torch.cuda.manual_seed(0)
    """
    if is_available():
        random.of_gpu(current_device()).manual_seed(seed)


def manual_seed_all(seed: int) -> None:
    """Starts the generators of all GPUs from `seed`. Without a GPU it does nothing.

    >>> import minigrad as torch
    >>> torch.cuda.manual_seed_all(0)
    """
    for index in range(device_count()):
        random.of_gpu(index).manual_seed(seed)


def seed() -> None:
    """Starts the generator of the selected GPU from the operating system's seed; without a GPU it does nothing.

    >>> import minigrad as torch
    >>> torch.cuda.seed()
    """
    if is_available():
        random.of_gpu(current_device()).seed()


def seed_all() -> None:
    """Starts the generators of all GPUs from one seed of the operating system's; without a GPU it does nothing.

    >>> import minigrad as torch
    >>> torch.cuda.seed_all()
    """
    if is_available():
        manual_seed_all(random.of_gpu(0).seed())


def initial_seed() -> int:
    """The seed that the generator of the selected GPU started from.

    >>> import minigrad as torch
    >>> if torch.cuda.is_available():
    ...     value = torch.cuda.initial_seed()
    """
    return random.of_gpu(current_device()).initial_seed()


def get_rng_state(device: Any = "cuda") -> Any:
    """The state of the generator of `device`: its seed and its offset, a tensor of 16 bytes on the CPU.

    >>> import minigrad as torch
    >>> if torch.cuda.is_available():
    ...     value = torch.cuda.get_rng_state()
    """
    return random.of_gpu(_index(device)).get_state()


def get_rng_state_all() -> list[Any]:
    """The states for all GPUs, in their order.

    >>> import minigrad as torch
    >>> len(torch.cuda.get_rng_state_all()) == torch.cuda.device_count()
    True
    """
    return [get_rng_state(index) for index in range(device_count())]


def set_rng_state(new_state: Any, device: Any = "cuda") -> None:
    """Lets the generator of `device` go on from `new_state`.

    >>> import minigrad as torch
    >>> if torch.cuda.is_available():
    ...     value = torch.cuda.set_rng_state(torch.cuda.get_rng_state())
    """
    random.of_gpu(_index(device)).set_state(new_state)


def set_rng_state_all(new_states: Any) -> None:
    """Lets the generators of all GPUs go on from the states of `get_rng_state_all`.

    >>> import minigrad as torch
    >>> torch.cuda.set_rng_state_all(torch.cuda.get_rng_state_all())
    """
    for index, state in enumerate(new_states):
        set_rng_state(state, index)


if not TYPE_CHECKING:
    _GRAPHS = "CUDAGraph graph graph_pool_handle is_current_stream_capturing make_graphed_callables"
    __getattr__ = open_later("torch.cuda", globals(), "graphs", {"graphs": _GRAPHS})
