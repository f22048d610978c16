"""PyTorch's switches for a library that is not used here: they can be set, and change nothing."""

enabled = False
benchmark = False
deterministic = True
allow_tf32 = False


def is_available() -> bool:
    """False: there is no cuDNN underneath."""
    return False
