"""Every differentiable operation: forward and gradient side by side, one file per family."""
