"""Which way convolutions are computed on the CPU."""

from minigrad.kernels import algorithm, release_workspaces, workspace_bytes

__all__ = ["algorithm", "release_workspaces", "workspace_bytes"]
