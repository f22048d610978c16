"""`torch.nn.utils`: gradient clipping, parameters as one vector, pruning and parametrizations."""

# fmt: off
from minigrad.late_imports import open_later as _open_later
from minigrad.nn.utils.clip_grad import (
    clip_grad_norm, clip_grad_norm_, clip_grad_value_, clip_grads_with_norm_, get_total_norm,
)
from minigrad.nn.utils.convert_parameters import parameters_to_vector, vector_to_parameters
from minigrad.nn.utils.spectral_norm import remove_spectral_norm, spectral_norm
from minigrad.nn.utils.weight_norm import remove_weight_norm, weight_norm

__all__ = [
    "clip_grad_norm", "clip_grad_norm_", "clip_grad_value_", "clip_grads_with_norm_",
    "convert_conv2d_weight_memory_format", "convert_conv3d_weight_memory_format", "fuse_conv_bn_eval",
    "fuse_conv_bn_weights", "fuse_linear_bn_eval", "fuse_linear_bn_weights", "fusion", "get_total_norm",
    "parameters_to_vector", "parametrizations", "parametrize", "prune", "remove_spectral_norm", "remove_weight_norm",
    "rnn", "skip_init", "spectral_norm", "vector_to_parameters", "weight_norm",
]

with _open_later("torch.nn.utils", globals()):
    from minigrad.nn.utils import fusion, init, memory_format, parametrizations, parametrize, prune, rnn
    from minigrad.nn.utils.fusion import (
        fuse_conv_bn_eval, fuse_conv_bn_weights, fuse_linear_bn_eval, fuse_linear_bn_weights,
    )
    from minigrad.nn.utils.init import skip_init
    from minigrad.nn.utils.memory_format import (
        convert_conv2d_weight_memory_format, convert_conv3d_weight_memory_format,
    )
