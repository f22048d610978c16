"""What goes wrong between processes, under PyTorch's class names: each is a `RuntimeError`."""


class DistError(RuntimeError):
    """An error of the distributed package."""


class DistBackendError(DistError):
    """The library that moves the data reports a fault, or another process did not do its part in time."""


class DistNetworkError(DistError):
    """Another machine cannot be reached."""
