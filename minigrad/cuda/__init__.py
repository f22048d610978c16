"""`minigrad.cuda`: GPUs under PyTorch's names, a thin layer over CuPy.

Without a GPU `is_available()` is False, counts of devices and bytes are 0, `why_not()` says why, seeds and
`empty_cache()` do nothing, and everything else raises RuntimeError with that reason. A device is given as its number,
as "cuda:1", as `minigrad.device`, or left out: the current one.

Source: https://docs.pytorch.org/docs/stable/cuda.html
"""

# fmt: off
from __future__ import annotations

from minigrad.backend import device_count, is_available, why_not
from minigrad.creation import types_on
from minigrad.cuda.devices import (
    can_device_access_peer, current_device, device, device_of, get_device_capability, get_device_name,
    get_device_properties, init, is_bf16_supported, is_initialized, is_tf32_supported, set_device, synchronize,
)
from minigrad.cuda.memory import (
    device_memory_used, empty_cache, get_per_process_memory_fraction, ipc_collect, max_memory_allocated,
    max_memory_cached, max_memory_reserved, mem_get_info, memory_allocated, memory_cached, memory_reserved,
    memory_stats, memory_summary, reset_accumulated_memory_stats, reset_max_memory_allocated, reset_max_memory_cached,
    reset_peak_memory_stats, set_per_process_memory_fraction,
)
from minigrad.cuda.random import (
    get_rng_state, get_rng_state_all, initial_seed, manual_seed, manual_seed_all, seed, seed_all, set_rng_state,
    set_rng_state_all,
)
from minigrad.cuda.streams import Event, Stream, StreamContext, current_stream, default_stream, set_stream, stream
from minigrad.find_gpu import OutOfMemoryError
from minigrad.late_imports import open_later

with open_later("torch.cuda", globals()):
    from minigrad.cuda import amp, graphs, nvtx, profiler
    from minigrad.cuda.graphs import (
        CUDAGraph, graph, graph_pool_handle, is_current_stream_capturing, make_graphed_callables,
    )

(
    FloatTensor, DoubleTensor, LongTensor, IntTensor, BoolTensor, ByteTensor, HalfTensor, ShortTensor, CharTensor,
) = types_on("cuda")

__all__ = [
    "BoolTensor", "ByteTensor", "CUDAGraph", "CharTensor", "DoubleTensor", "Event", "FloatTensor", "HalfTensor",
    "IntTensor", "LongTensor", "OutOfMemoryError", "ShortTensor", "Stream", "StreamContext", "amp",
    "can_device_access_peer", "current_device", "current_stream", "default_stream", "device", "device_count",
    "device_memory_used", "device_of", "empty_cache", "get_device_capability", "get_device_name",
    "get_device_properties", "get_per_process_memory_fraction", "get_rng_state", "get_rng_state_all", "graph",
    "graph_pool_handle", "graphs", "init", "initial_seed", "ipc_collect", "is_available", "is_bf16_supported",
    "is_current_stream_capturing", "is_initialized", "is_tf32_supported", "make_graphed_callables", "manual_seed",
    "manual_seed_all", "max_memory_allocated", "max_memory_cached", "max_memory_reserved", "mem_get_info",
    "memory_allocated", "memory_cached", "memory_reserved", "memory_stats", "memory_summary", "nvtx", "profiler",
    "reset_accumulated_memory_stats", "reset_max_memory_allocated", "reset_max_memory_cached",
    "reset_peak_memory_stats", "seed", "seed_all", "set_device", "set_per_process_memory_fraction", "set_rng_state",
    "set_rng_state_all", "set_stream", "stream", "synchronize", "why_not",
]
