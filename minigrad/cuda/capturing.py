"""CUDA graphs: the kernel launches of a training step, captured once and then replayed by a single launch.

    s = cuda.Stream()                       # some steps beforehand: kernels are compiled, buffers are made
    s.wait_stream(cuda.current_stream())
    with cuda.stream(s):
        for _ in range(3):
            step()
    cuda.current_stream().wait_stream(s)
    g = cuda.CUDAGraph()
    with cuda.graph(g):                     # nothing is computed here
        step()
    for batch in batches:
        x.copy_(batch)                      # overwrites the captured input
        g.replay()

An operation that needs a number on the CPU cannot be captured, and raises an error that names it.

Source: https://docs.pytorch.org/docs/stable/notes/cuda.html#cuda-graphs
"""

from __future__ import annotations

import gc
import inspect
from pathlib import Path
from traceback import walk_tb
from types import FrameType, TracebackType
from typing import Any

import minigrad
from minigrad import backend, cuda, devices, random
from minigrad.autograd.recording import Operation
from minigrad.gpu.capture import Capture, Handle, Pool, make_handle
from minigrad.nn.module import Module
from minigrad.tensor import Tensor

MODES = ("global", "thread_local", "relaxed")
PACKAGE = str(Path(minigrad.__file__).parent)
OWN_FILES = {__file__, str(Path(__file__).with_name("graphs.py"))}  # whose calls no error names


def is_current_stream_capturing() -> bool:
    """Whether the current stream is capturing; False without a GPU.

    >>> import minigrad as torch
    >>> torch.cuda.is_current_stream_capturing()
    False
    """
    return bool(backend.RECORDING) and bool(cuda.current_stream().stream.is_capturing())


def graph_pool_handle() -> Handle:
    """A handle of a memory pool that several graphs can share, as their `pool`.

    >>> import minigrad as torch
    >>> pool = torch.cuda.graph_pool_handle()
    """
    return make_handle()


class CUDAGraph:
    """A CUDA graph: captured launches that `replay()` launches at once.

    The current stream, which must not be the default one, captures between `capture_begin()` and `capture_end()`;
    `with cuda.graph(g):` does both in a stream of its own. `pool` is the memory pool of another graph, to share.
    Raises RuntimeError for a second capture, and for a replay without one.

    >>> import minigrad as torch
    >>> if torch.cuda.is_available():
    ...     x, g = torch.zeros(2, device="cuda"), torch.cuda.CUDAGraph()
    ...     with torch.cuda.graph(g):
    ...         x += 1
    ...     g.replay()
    """

    def __init__(self, keep_graph: bool = False) -> None:
        cuda.current_device()
        self._device = devices.device("cuda", cuda.current_device())
        self._capture: Capture | None = None
        self._graph: Any = None
        self._pool: Pool | None = None  # kept alive, because replays write there
        self._handle: Handle | None = None
        self._needs: list[Any] | None = None
        self._generators: list[Any] = [random.of_gpu(cuda.current_device())]
        self._draws: list[Any] = []  # the draws of the graph from each generator

    def register_generator_state(self, generator: Any) -> None:
        """Lets the graph draw from `generator`, which each replay advances; the default one needs no registration.

        >>> import minigrad as torch
        >>> if torch.cuda.is_available():
        ...     torch.cuda.CUDAGraph().register_generator_state(torch.Generator(device="cuda"))
        """
        self._generators.append(generator)

    def capture_begin(
        self, pool: Handle | None = None, capture_error_mode: str = "global", check_input_liveness: bool = False
    ) -> None:
        """Starts the capture in the current stream.

        `capture_error_mode` is checked and has no effect: allocation needs CUDA's mode "relaxed".
        """
        if self._graph is not None or self._capture is not None:
            hint = "To capture a new graph, create a new instance."
            raise RuntimeError(f"This CUDAGraph instance already owns a captured graph. {hint}")
        if capture_error_mode not in MODES:
            detail = f"Expected `global`, `thread_local`, or `relaxed`, got {capture_error_mode}"
            raise RuntimeError(f"Unknown capture error mode. {detail}")
        xp = backend.library(self._device)
        if xp.cuda.get_current_stream().ptr in (0, 1, 2):  # the default streams
            raise RuntimeError(
                "CUDA graphs must be captured on a non-default stream. (However, after capture, it's ok to replay them "
                "on the default stream.) Capture within `with cuda.graph(g):`, or `with cuda.stream(cuda.Stream()):`"
            )
        self._handle = make_handle() if pool is None else pool
        for generator in self._generators:
            generator.record()
        try:
            self._capture = Capture(xp, self._handle)
        except BaseException:
            self._end_draws()
            raise
        self._pool = self._capture.pool

    def _end_draws(self) -> None:
        self._draws = [generator.end_recording() for generator in self._generators]

    def capture_end(self) -> None:
        """Ends the capture."""
        if self._capture is None:
            raise RuntimeError("capture_end() was called without capture_begin()")
        capture, self._capture = self._capture, None
        self._end_draws()
        self._needs, self._graph = capture.needs, capture.end()

    def instantiate(self) -> None:
        """Does nothing: a graph is ready when its capture ends."""

    def replay(self) -> None:
        """Launches the graph in the current stream."""
        if self._graph is None:
            raise RuntimeError("Called CUDAGraph::replay without a preceding successful capture.")
        with backend.on(self._device):
            for generator, drawn in zip(self._generators, self._draws, strict=True):
                generator.replay(drawn)  # continues from the generator's current state
            self._graph.launch()

    def reset(self) -> None:
        """Deletes the captured graph and frees its memory."""
        self._graph = self._pool = self._handle = self._needs = None

    def pool(self) -> Handle:
        """The handle of the graph's memory pool, for the `pool` of another graph."""
        if self._handle is None:
            raise RuntimeError("Called CUDAGraph::pool() without a preceding successful capture.")
        return self._handle

    def enable_debug_mode(self) -> None:
        """Does nothing: every graph can be dumped."""

    def debug_dump(self, debug_path: str) -> None:
        """Writes the graph to a file in Graphviz's DOT format."""
        if self._graph is None:
            raise RuntimeError("Called CUDAGraph::debug_dump without a preceding successful capture.")
        Path(debug_path).write_text(self._graph.debug_dot_str(), encoding="utf-8")


class graph:
    """A context, `with cuda.graph(g):`, that captures its operations into the CUDAGraph `g` without running them.

    `pool` is a memory pool to share, `stream` the capturing stream. Before the capture it waits for the GPU and frees
    unused memory. Raises RuntimeError that names the call for an operation that cannot be captured.

    >>> import minigrad as torch
    >>> if torch.cuda.is_available():
    ...     g = torch.cuda.CUDAGraph()
    ...     with torch.cuda.graph(g):
    ...         y = torch.ones(3, device="cuda") * 2
    """

    default_capture_stream: Any = None

    def __init__(
        self, cuda_graph: CUDAGraph, pool: Handle | None = None, stream: Any = None,
        capture_error_mode: str = "global", enable_annotations: bool = False, check_input_liveness: bool = False,
    ) -> None:  # fmt: skip
        if stream is None:
            if self.__class__.default_capture_stream is None:
                self.__class__.default_capture_stream = cuda.Stream()
            stream = self.__class__.default_capture_stream
        self.cuda_graph, self.pool, self.capture_stream = cuda_graph, pool, stream
        self.capture_error_mode = capture_error_mode

    def __enter__(self) -> None:
        cuda.synchronize()
        gc.collect()
        cuda.empty_cache()
        self._stream = cuda.stream(self.capture_stream)
        self._stream.__enter__()
        try:
            self.cuda_graph.capture_begin(self.pool, self.capture_error_mode)
        except BaseException:
            self._stream.__exit__(None, None, None)
            raise

    def __exit__(self, kind: Any, error: BaseException | None, traceback: TracebackType | None) -> None:
        words = _explain(error, traceback)
        try:
            self.cuda_graph.capture_end()
        except Exception:
            if words is None:
                raise
        finally:
            self._stream.__exit__(None, None, None)
        if words is not None:
            self.cuda_graph.reset()
            raise RuntimeError(words) from error


def _explain(error: BaseException | None, traceback: TracebackType | None) -> str | None:
    """The error for an operation that CuPy or CUDA cannot capture: which call it was, and why."""
    if error is None or "captur" not in str(error).lower():
        return None
    call = "this"
    for frame, _ in walk_tb(traceback):  # the first call into the library that does not lead to the one that is meant
        if frame.f_code.co_filename.startswith(PACKAGE) and frame.f_code.co_filename not in OWN_FILES:
            call = f"{_name_as_called(frame)}()"
            if not _leads_on(frame):
                break
    return (
        f"{call}: operation not permitted when stream is capturing. It needs a number on the CPU, or a shape that "
        "depends on one, or copies from there, and a CUDA graph computes only when it is replayed: call it before or "
        f"after the capture ({type(error).__name__}: {error})"
    )


def _leads_on(frame: FrameType) -> bool:
    """Whether a frame leads to a call that has a name: that of a module, an operation, or a decorated function."""
    code = frame.f_code
    receiver = frame.f_locals.get(code.co_varnames[0]) if code.co_argcount else None
    return isinstance(receiver, (Module, Operation)) or "<locals>" in code.co_qualname


def _name_as_called(frame: FrameType) -> str:
    """The name of a function in a program: that of a method is the one that it has in `Tensor`."""
    code = frame.f_code
    if "<locals>" in code.co_qualname and "function" in frame.f_locals:  # of a decorator
        code = inspect.unwrap(frame.f_locals["function"]).__code__
    methods = inspect.getmembers(Tensor, inspect.isfunction)
    names = [name for name, method in methods if inspect.unwrap(method).__code__ is code]
    if not names:
        return code.co_qualname
    return f"Tensor.{code.co_name if code.co_name in names else names[0]}"
