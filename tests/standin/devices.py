"""`cupy.cuda`: devices, streams and memory by name only; nothing is computed on a GPU."""

import contextlib
import ctypes
import threading
import time
from types import SimpleNamespace

from tests.standin import journal
from tests.standin.journal import MODULES, asked


class OutOfMemoryError(MemoryError):
    __module__ = "cupy.cuda.memory"

    def __init__(self, size, total, limit=0):
        limited = f", limit set to: {limit:,} bytes" if limit else ""
        super().__init__(f"Out of memory allocating {size:,} bytes (allocated so far: {total:,} bytes{limited}).")


class CUDARuntimeError(RuntimeError):
    __module__ = "cupy_backends.cuda.api.runtime"


class _Current(threading.local):
    device = 0
    streams: tuple = ()  # (GPU, stream that was entered there)
    allocator = None  # that of `using_allocator`
    inside = False  # a function that is captured calls others


current = _Current()


class Device:
    __module__ = "cupy.cuda"

    def __init__(self, device=None):
        self.id = current.device if device is None else int(device)
        self._before = []

    def __enter__(self):
        before = current.device
        self.use()
        self._before.append(before)
        return self

    def __exit__(self, *exception):
        current.device = self._before.pop()

    def __int__(self):
        return self.id

    def __eq__(self, other):
        return isinstance(other, Device) and self.id == other.id

    def __hash__(self):
        return self.id

    def __repr__(self):
        return f"<CUDA Device {self.id}>"

    def use(self):
        if not 0 <= self.id < cuda.runtime.getDeviceCount():
            raise CUDARuntimeError("cudaErrorInvalidDevice: invalid device ordinal")
        current.device = self.id

    def synchronize(self):
        asked.add(("cupy.cuda.Device", "synchronize", ()))
        journal.stop_at_capture()

    @property
    def mem_info(self):
        return cuda.runtime.memGetInfo()

    @property
    def compute_capability(self):
        return "90"


class Stream:
    __module__ = "cupy.cuda"
    null: "Stream"

    def __init__(self, null=False, non_blocking=False, ptds=False):
        self.ptr, self.null_stream, self.device_id = 0 if null else id(self), null, -1 if null else current.device
        self.done, self.recording, self.non_blocking = True, None, non_blocking

    def __enter__(self):
        self._check_device()
        current.streams = (*current.streams, (current.device, self))
        return self

    def __exit__(self, *exception):
        current.streams = current.streams[:-1]

    def use(self):
        self._check_device()
        elsewhere = [entered for entered in current.streams if entered[0] != current.device]
        current.streams = (*elsewhere, (current.device, self))
        return self

    def _check_device(self):
        if self.device_id not in (-1, current.device):
            raise RuntimeError(
                f"The device that the stream is created on ({self.device_id}) does not match with the current device "
                f"({current.device})"
            )

    def synchronize(self):
        journal.stop_at_capture()

    def record(self, event=None):
        event = event or Event()
        event.record(self)
        return event

    def wait_event(self, event):
        if event.recording is not None:  # a stream that waits for a capture takes part in it
            self.recording = event.recording

    def begin_capture(self, mode=None):
        if self.ptr == 0:
            raise RuntimeError("cannot capture on the default (legacy) stream")
        self.recording = []

    def is_capturing(self):
        return self.recording is not None

    def end_capture(self):
        from tests.standin.graphs import Graph

        steps, self.recording = self.recording, None
        if steps is None:
            raise CUDARuntimeError("cudaErrorIllegalState: the operation cannot be performed in the present state")
        return Graph(steps)


class Event:
    __module__ = "cupy.cuda"

    def __init__(self, block=False, disable_timing=False, interprocess=False):
        self.time, self.done, self.recording, self.device_id = None, True, None, current.device

    def record(self, stream=None):
        stream = stream or find_stream()
        if self.device_id != (current.device if stream.device_id == -1 else stream.device_id):
            raise CUDARuntimeError("cudaErrorInvalidResourceHandle: invalid resource handle")
        self.time, self.recording = time.perf_counter(), stream.recording

    def synchronize(self):
        pass


class Memory:
    """A block on one device: its size counts until nobody holds it."""

    def __init__(self, size, pool):
        self.size, self.device_id, self.pool = size, current.device, pool
        self.pool.used += size

    def __del__(self):
        self.pool.used -= self.size


class MemoryPointer:
    __module__ = "cupy.cuda"

    def __init__(self, mem, offset, owner=None):
        self.mem, self.offset, self.device_id = mem, offset, mem.device_id
        self.owner = owner  # the stand-in's array that holds the memory
        self.ptr = (id(mem) if owner is None else owner._host.ctypes.data) + offset

    def __add__(self, offset):
        return MemoryPointer(self.mem, self.offset + offset, self.owner)

    def copy_from_device_async(self, src, size, stream=None):
        asked.add(("cupy.cuda.MemoryPointer", "copy_from_device_async", ()))
        from tests.standin import graphs

        graphs.launch(ctypes.memmove, self.ptr, src.ptr, size)


class MemoryPool:
    __module__ = "cupy.cuda"

    def __init__(self, allocator=None):
        self.used = self.limit = 0

    def malloc(self, size):
        if self.limit and self.used + size > self.limit:
            raise OutOfMemoryError(size, self.used, self.limit)
        return MemoryPointer(Memory(size, self), 0)

    def used_bytes(self):
        return self.used

    def total_bytes(self):
        return self.used

    def free_bytes(self):
        return 0

    def free_all_blocks(self, stream=None):
        asked.add(("cupy.cuda.MemoryPool", "free_all_blocks", ()))

    def set_limit(self, size=None, fraction=None):
        self.limit = int(size or 0)

    def get_limit(self):
        return self.limit


memory_pool = MemoryPool()
Stream.null = Stream(null=True)
allocator = memory_pool.malloc
TOTAL_MEMORY = 8 << 30


def set_allocator(new=None):
    global allocator
    if current.allocator is not None:
        raise ValueError("Can't change the global allocator inside `using_allocator` context manager")
    allocator = new or memory_pool.malloc


def get_allocator():
    return current.allocator or allocator


@contextlib.contextmanager
def using_allocator(new=None):
    before, current.allocator = current.allocator, new or memory_pool.malloc
    try:
        yield
    finally:
        current.allocator = before


def allocate(size):
    """What every new array does."""
    return get_allocator()(size).mem


def find_stream(device_id=-1):
    """The stream that was entered last on a GPU, the current one for -1."""
    device = current.device if device_id == -1 else device_id
    return next((stream for where, stream in reversed(current.streams) if where == device), Stream.null)


def recording():
    """What the current stream has recorded so far; None where it does not."""
    return find_stream().recording


def _set_device(device):
    Device(device).use()


shown: list[str] = []  # what a profiler would show: the names that `nvtx` was given, in order

nvtx = SimpleNamespace(
    available=True,
    Mark=lambda message, id_color=-1: shown.append(f"mark {message}"),
    RangePush=lambda message, id_color=-1: shown.append(f"push {message}"),
    RangePop=lambda: shown.append("pop"),
    RangeStart=lambda message, color: shown.append(f"start {message}") or len(shown),
    RangeEnd=lambda range_id: shown.append(f"end {range_id}"),
)


class PinnedMemoryPointer(bytearray):
    """Memory of the host: what CuPy's offers is its buffer."""


cuda = SimpleNamespace(
    nvtx=nvtx,
    PinnedMemoryPointer=PinnedMemoryPointer,
    alloc_pinned_memory=lambda size: PinnedMemoryPointer(size),
    Device=Device,
    Stream=Stream,
    Event=Event,
    MemoryPool=MemoryPool,
    MemoryPointer=MemoryPointer,
    get_allocator=get_allocator,
    set_allocator=set_allocator,
    using_allocator=using_allocator,
    alloc=lambda size: get_allocator()(size),
    is_available=lambda: cuda.runtime.getDeviceCount() > 0,
    get_device_id=lambda: current.device,
    get_current_stream=find_stream,
    get_elapsed_time=lambda start_event, end_event: 1e3 * (end_event.time - start_event.time),
    memory=SimpleNamespace(OutOfMemoryError=OutOfMemoryError, MemoryPool=MemoryPool, MemoryPointer=MemoryPointer),
    runtime=SimpleNamespace(
        CUDARuntimeError=CUDARuntimeError,
        getDeviceCount=lambda: 2,
        getDevice=lambda: current.device,
        setDevice=_set_device,
        deviceCanAccessPeer=lambda device, peer: int(device != peer),
        profilerStart=lambda: shown.append("profiler on"),
        profilerStop=lambda: shown.append("profiler off"),
        deviceSynchronize=lambda: journal.stop_at_capture(),
        streamCaptureModeGlobal=0,
        streamCaptureModeThreadLocal=1,
        streamCaptureModeRelaxed=2,
        driverGetVersion=lambda: 13000,
        runtimeGetVersion=lambda: 12090,
        memGetInfo=lambda: (TOTAL_MEMORY - memory_pool.used, TOTAL_MEMORY),
        getDeviceProperties=lambda device: {
            "name": b"Strict stand-in",
            "major": 9,
            "minor": 0,
            "totalGlobalMem": TOTAL_MEMORY,
            "multiProcessorCount": 132,
            "maxThreadsPerMultiProcessor": 2048,
        },
    ),
)


def find_unknown(namespace, module):
    """The names in `namespace` that CuPy does not have; a test holds this to be empty."""
    entry = MODULES[module]
    known = {*entry["functions"], *entry["classes"], *entry["others"], *entry["ufuncs"]}
    return set(vars(namespace)) - known - {"memory", "runtime"}
