"""`torch.nn.init`: functions that set the initial values of parameters."""

# fmt: off

from minigrad.missing import explain_missing
from minigrad.nn.init.xavier_kaiming import _calculate_fan_in_and_fan_out as _calculate_fan_in_and_fan_out
from minigrad.nn.init.xavier_kaiming import (
    calculate_gain, constant_, kaiming_normal_, kaiming_uniform_, normal_, ones_, uniform_, xavier_normal_,
    xavier_uniform_, zeros_,
)
from minigrad.nn.init.shaped import (
    constant, dirac, dirac_, eye, eye_, kaiming_normal, kaiming_uniform, normal, orthogonal, orthogonal_, sparse,
    sparse_, trunc_normal_, uniform, xavier_normal, xavier_uniform,
)

__all__ = [
    "calculate_gain", "constant", "constant_", "dirac", "dirac_", "eye", "eye_", "kaiming_normal", "kaiming_normal_",
    "kaiming_uniform", "kaiming_uniform_", "normal", "normal_", "ones_", "orthogonal", "orthogonal_", "sparse",
    "sparse_", "trunc_normal_", "uniform", "uniform_", "xavier_normal", "xavier_normal_", "xavier_uniform",
    "xavier_uniform_", "zeros_",
]

explain_missing("torch.nn.init", globals())
