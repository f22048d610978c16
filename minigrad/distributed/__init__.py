"""`minigrad.distributed`: several processes, on one machine or many, under PyTorch's names.

    mpiexec -n 4 python program.py

MPI moves the data, through mpi4py (``pip install mpi4py mpich``); between GPUs NCCL does, through CuPy. Without
them a program is a single process, and everything here works with a world size of 1.
"""

# fmt: off

from minigrad.distributed.agreement import DebugLevel, get_debug_level, set_debug_level, set_debug_level_from_env
from minigrad.distributed.backends import (
    Backend, get_default_backend_for_device, is_backend_available, is_gloo_available, is_mpi_available,
    is_nccl_available,
)
from minigrad.distributed.collectives import all_reduce, barrier, broadcast, reduce
from minigrad.distributed.errors import DistBackendError, DistError, DistNetworkError
from minigrad.distributed.grad_bucket import GradBucket
from minigrad.distributed.monitored import monitored_barrier
from minigrad.distributed.new_groups import new_group, new_subgroups
from minigrad.distributed.objects import (
    all_gather_object, broadcast_object_list, gather_object, recv_object_list, scatter_object_list, send_object_list,
)
from minigrad.distributed.parts import (
    all_gather, all_gather_into_tensor, all_gather_single, all_to_all, all_to_all_single, gather, reduce_scatter,
    reduce_scatter_single, reduce_scatter_tensor, scatter,
)
from minigrad.distributed.point_to_point import P2POp, batch_isend_irecv, irecv, isend, recv, send
from minigrad.distributed.process_group import (
    GroupMember, ProcessGroup, default_pg_timeout, destroy_process_group, init_process_group, is_available,
    is_initialized, is_torchelastic_launched,
)
from minigrad.distributed.process_group import groups as group
from minigrad.distributed.ranks import (
    get_backend, get_global_rank, get_group_rank, get_node_local_rank, get_process_group_ranks, get_rank,
    get_world_size,
)
from minigrad.distributed.reduce_op import ReduceOp
from minigrad.distributed.work import Work
from minigrad.late_imports import open_later as _open_later

__all__ = [
    "Backend", "DebugLevel", "DistBackendError", "DistError", "DistNetworkError", "GradBucket", "GroupMember", "P2POp",
    "ProcessGroup", "ReduceOp", "Work", "all_gather", "all_gather_into_tensor", "all_gather_object",
    "all_gather_single", "all_reduce", "all_to_all", "all_to_all_single", "barrier", "batch_isend_irecv", "broadcast",
    "broadcast_object_list", "default_pg_timeout", "destroy_process_group", "gather", "gather_object", "get_backend",
    "get_debug_level", "get_default_backend_for_device", "get_global_rank", "get_group_rank", "get_node_local_rank",
    "get_process_group_ranks", "get_rank", "get_world_size", "group", "init_process_group", "irecv", "is_available",
    "is_backend_available", "is_gloo_available", "is_initialized", "is_mpi_available", "is_nccl_available",
    "is_torchelastic_launched", "isend", "monitored_barrier", "new_group", "new_subgroups", "recv", "recv_object_list",
    "reduce", "reduce_scatter", "reduce_scatter_single", "reduce_scatter_tensor", "scatter", "scatter_object_list",
    "send", "send_object_list", "set_debug_level", "set_debug_level_from_env",
]

# Submodules that need layers, optimizers and files are imported when first used.
with _open_later("torch.distributed", globals()):
    from minigrad.distributed import algorithms, checkpoint, nn, optim
