"""Lazy layers: the number of input features is taken from the first input.

Until then their parameters have no shape. The first call shapes and initializes them, and changes
the layer's class to the ordinary one: ``type(layer) == nn.Linear``. The parameters stay the same
objects, so an optimizer may be built before that call.
"""

from __future__ import annotations

from inspect import Signature, signature
from typing import Any, ClassVar

from minigrad.nn.complaints import check_convolution
from minigrad.nn.conv import Conv1d, Conv2d
from minigrad.nn.conv_transpose import ConvTranspose1d, ConvTranspose2d
from minigrad.nn.functional.images import check_images
from minigrad.nn.linear import Linear
from minigrad.nn.module import Module
from minigrad.nn.normalization import (
    BatchNorm1d,
    BatchNorm2d,
    BatchNorm3d,
    InstanceNorm1d,
    InstanceNorm2d,
    InstanceNorm3d,
)
from minigrad.nn.parameter import Parameter
from minigrad.nn.state import own_state
from minigrad.nn.uninitialized import Uninitialized, UninitializedBuffer, UninitializedParameter
from minigrad.nn.volumes import Conv3d, ConvTranspose3d
from minigrad.ops.arguments import require_tensors
from minigrad.tensor import Tensor


class LazyModuleMixin:
    """Makes a module lazy: its first call lets `initialize_parameters` read the input, and shape the parameters by it.

    It stands before `nn.Module` among the bases. Then the module becomes an instance of `cls_to_become`, if that is
    set. Raises RuntimeError where a parameter is still without a shape, NotImplementedError without
    `initialize_parameters`.
    Source: https://docs.pytorch.org/docs/stable/generated/torch.nn.modules.lazy.LazyModuleMixin.html

    >>> import minigrad as torch
    >>> class Scale(torch.nn.modules.lazy.LazyModuleMixin, torch.nn.Module):
    ...     def __init__(self):
    ...         super().__init__()
    ...         self.factors = torch.nn.UninitializedParameter()
    ...
    ...     def initialize_parameters(self, x):
    ...         self.factors.materialize(x.shape[-1:])
    ...         torch.nn.init.ones_(self.factors)
    ...
    ...     def forward(self, x):
    ...         return self.factors * x
    >>> scale = Scale()
    >>> scale(torch.ones(2, 3)).shape, scale.factors.shape
    (minigrad.Size([2, 3]), minigrad.Size([3]))
    """

    cls_to_become: ClassVar[type[Module] | None] = None
    _was_called = False

    def initialize_parameters(self, *args: Any, **kwargs: Any) -> None:
        """Gives the parameters the shapes that follow from the arguments of the first call, and initializes them."""
        raise NotImplementedError(
            f"initialize_parameters is not implemented for {type(self).__name__}: it takes what forward takes"
        )

    def has_uninitialized_params(self: Any) -> bool:
        """True until the first call, or until `load_state_dict` has given the shapes.

        >>> import minigrad as torch
        >>> torch.nn.LazyLinear(2).has_uninitialized_params()
        True
        """
        return any(isinstance(tensor, Uninitialized) for tensor in own_state(self).values())

    def __call__(self: Any, *args: Any, **kwargs: Any) -> Any:
        if self._was_called:
            return super().__call__(*args, **kwargs)  # type: ignore[misc]
        self.initialize_parameters(*args, **kwargs)
        if self.has_uninitialized_params():
            missing = [name for name, tensor in own_state(self).items() if isinstance(tensor, Uninitialized)]
            detail = f"initialize_parameters left {', '.join(missing)} without a shape"
            raise RuntimeError(f"module {type(self).__name__} has not been fully initialized: {detail}")
        if self.cls_to_become is None:
            self._was_called = True
        else:
            self.__class__ = self.cls_to_become
        return self(*args, **kwargs)


class Lazy(LazyModuleMixin, Module):
    """The base of lazy layers, which take the arguments of the ordinary layer without the first, the input size.

    `cls_to_become` is the ordinary class, from which the layer derives too.
    """

    __signature__: ClassVar[Signature]
    defaults: ClassVar[dict[str, Any]] = {}  # those that differ from the ordinary layer's

    def __init_subclass__(cls, **kwargs: Any) -> None:
        super().__init_subclass__(**kwargs)
        if "cls_to_become" in vars(cls):
            _, *parameters = signature(vars(cls)["cls_to_become"]).parameters.values()
            cls.__signature__ = Signature([p.replace(default=cls.defaults.get(p.name, p.default)) for p in parameters])

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        left_out = self.defaults.keys() - [*self.__signature__.parameters][: len(args)]
        super().__init__(0, *args, **{name: self.defaults[name] for name in left_out} | kwargs)  # type: ignore[call-arg]
        for name, tensor in own_state(self).items():
            kind = UninitializedParameter if isinstance(tensor, Parameter) else UninitializedBuffer
            if name == "num_batches_tracked":
                tensor.zero_()
            else:
                setattr(self, name, kind(device=tensor.device, dtype=tensor.dtype))

    def reset_parameters(self) -> None:
        """Initializes the parameters if their shapes are known."""
        if not any(isinstance(t, Uninitialized) or not t.numel() for t in own_state(self).values()):
            super().reset_parameters()  # type: ignore[misc]

    def _read_sizes(self, input: Tensor) -> dict[str, tuple[int, ...]]:
        """Reads the missing size from `input`, and returns the shape of each tensor."""
        raise NotImplementedError

    def initialize_parameters(self, input: Tensor, *_: Any, **__: Any) -> None:
        """Gives the parameters the shapes that follow from `input`, and initializes them.

        >>> import minigrad as torch
        >>> layer = torch.nn.LazyLinear(2)
        >>> layer.initialize_parameters(torch.ones(1, 3))
        >>> layer.weight.shape
        minigrad.Size([2, 3])
        """
        require_tensors(type(self).__name__, "input", input)
        shapes, fresh = self._read_sizes(input), self.has_uninitialized_params()
        for name, tensor in own_state(self).items():
            if isinstance(tensor, Uninitialized):
                tensor.materialize(shapes[name])
        if fresh:
            self.reset_parameters()


class LazyLinear(Lazy, Linear):
    """A `Linear` whose `in_features` is the length of the first input's last axis.

    >>> import minigrad as torch
    >>> net = torch.nn.LazyLinear(2)
    >>> _ = net(torch.ones(3, 5))
    >>> net
    Linear(in_features=5, out_features=2, bias=True)
    """

    cls_to_become = Linear

    def _read_sizes(self, input: Tensor) -> dict[str, tuple[int, ...]]:
        if not input.ndim:
            raise IndexError("LazyLinear takes (*, in_features), got a 0-d tensor: put the number into a list, x[None]")
        self.in_features = input.shape[-1]
        return {"weight": (self.out_features, self.in_features), "bias": (self.out_features,)}


class LazyConvolution(Lazy):
    """The base of the lazy convolutions: `in_channels` is the length of the input's channel axis."""

    def _read_sizes(self, input: Tensor) -> dict[str, tuple[int, ...]]:
        check_images(type(self).__name__, self.axes, input)
        self.in_channels = input.shape[-self.axes - 1]
        check_convolution(self)
        return {"weight": self._weight_shape(), "bias": (self.out_channels,)}


class LazyConv1d(LazyConvolution, Conv1d):
    """A `Conv1d` whose `in_channels` is read off the first input.

    >>> import minigrad as torch
    >>> layer = torch.nn.LazyConv1d(4, 3)
    >>> layer(torch.ones(1, 2, 8)).shape, layer.in_channels
    (minigrad.Size([1, 4, 6]), 2)
    """

    cls_to_become = Conv1d


class LazyConv2d(LazyConvolution, Conv2d):
    """A `Conv2d` whose `in_channels` is read off the first input.

    >>> import minigrad as torch
    >>> net = torch.nn.LazyConv2d(4, kernel_size=3)
    >>> _ = net(torch.ones(1, 2, 8, 8))
    >>> net
    Conv2d(2, 4, kernel_size=(3, 3), stride=(1, 1))
    """

    cls_to_become = Conv2d


class LazyConv3d(LazyConvolution, Conv3d):
    """A `Conv3d` whose `in_channels` is read off the first input.

    >>> import minigrad as torch
    >>> layer = torch.nn.LazyConv3d(4, 3)
    >>> layer(torch.ones(1, 2, 8, 8, 8)).shape, layer.in_channels
    (minigrad.Size([1, 4, 6, 6, 6]), 2)
    """

    cls_to_become = Conv3d


class LazyConvTranspose1d(LazyConvolution, ConvTranspose1d):
    """A `ConvTranspose1d` whose `in_channels` is read off the first input.

    >>> import minigrad as torch
    >>> torch.nn.LazyConvTranspose1d(4, 3)(torch.ones(1, 2, 8)).shape
    minigrad.Size([1, 4, 10])
    """

    cls_to_become = ConvTranspose1d


class LazyConvTranspose2d(LazyConvolution, ConvTranspose2d):
    """A `ConvTranspose2d` whose `in_channels` is read off the first input.

    >>> import minigrad as torch
    >>> layer = torch.nn.LazyConvTranspose2d(4, 3)
    >>> layer(torch.ones(1, 2, 8, 8)).shape
    minigrad.Size([1, 4, 10, 10])
    """

    cls_to_become = ConvTranspose2d


class LazyConvTranspose3d(LazyConvolution, ConvTranspose3d):
    """A `ConvTranspose3d` whose `in_channels` is read off the first input.

    >>> import minigrad as torch
    >>> torch.nn.LazyConvTranspose3d(4, 3)(torch.ones(1, 2, 8, 8, 8)).shape
    minigrad.Size([1, 4, 10, 10, 10])
    """

    cls_to_become = ConvTranspose3d


class LazyNorm(Lazy):
    """The base of the lazy batch and instance norms: `num_features` is the length of the input's channel axis."""

    channel_axis: ClassVar[int] = 1

    def _read_sizes(self, input: Tensor) -> dict[str, tuple[int, ...]]:
        self._check_input_dim(input)
        self.num_features = input.shape[self.channel_axis]
        names = ("weight", "bias", "running_mean", "running_var")
        return dict.fromkeys(names, (self.num_features,))


class LazyBatchNorm1d(LazyNorm, BatchNorm1d):
    """A `BatchNorm1d` whose `num_features` is read off the first input.

    >>> import minigrad as torch
    >>> layer = torch.nn.LazyBatchNorm1d()
    >>> layer(torch.ones(4, 2)).shape, layer.num_features
    (minigrad.Size([4, 2]), 2)
    """

    cls_to_become = BatchNorm1d


class LazyBatchNorm2d(LazyNorm, BatchNorm2d):
    """A `BatchNorm2d` whose `num_features` is read off the first input.

    >>> import minigrad as torch
    >>> net = torch.nn.LazyBatchNorm2d()
    >>> _ = net(torch.ones(2, 3, 4, 4))
    >>> net.num_features
    3
    """

    cls_to_become = BatchNorm2d


class LazyBatchNorm3d(LazyNorm, BatchNorm3d):
    """A `BatchNorm3d` whose `num_features` is read off the first input.

    >>> import minigrad as torch
    >>> layer = torch.nn.LazyBatchNorm3d()
    >>> layer(torch.ones(2, 3, 4, 4, 4)).shape, layer.num_features
    (minigrad.Size([2, 3, 4, 4, 4]), 3)
    """

    cls_to_become = BatchNorm3d


class LazyInstanceNorm(LazyNorm):
    """The base of the lazy instance norms: as in PyTorch, they have a weight, a bias and running statistics."""

    defaults: ClassVar = {"affine": True, "track_running_stats": True}


class LazyInstanceNorm1d(LazyInstanceNorm, InstanceNorm1d):
    """An `InstanceNorm1d` whose `num_features` is read off the first input; `affine` and `track_running_stats` are on.

    >>> import minigrad as torch
    >>> layer = torch.nn.LazyInstanceNorm1d()
    >>> layer(torch.ones(4, 2, 3)).shape, layer.num_features
    (minigrad.Size([4, 2, 3]), 2)
    """

    cls_to_become = InstanceNorm1d
    channel_axis = -2  # of (C, L) too


class LazyInstanceNorm2d(LazyInstanceNorm, InstanceNorm2d):
    """An `InstanceNorm2d` whose `num_features` is read off the first input; `affine` and `track_running_stats` are on.

    >>> import minigrad as torch
    >>> layer = torch.nn.LazyInstanceNorm2d()
    >>> _ = layer(torch.ones(2, 3, 4, 4))
    >>> layer.num_features
    3
    """

    cls_to_become = InstanceNorm2d
    channel_axis = -3  # of (C, H, W) too


class LazyInstanceNorm3d(LazyInstanceNorm, InstanceNorm3d):
    """An `InstanceNorm3d` whose `num_features` is read off the first input; `affine` and `track_running_stats` are on.

    >>> import minigrad as torch
    >>> layer = torch.nn.LazyInstanceNorm3d()
    >>> layer(torch.ones(2, 3, 4, 4, 4)).shape, layer.num_features
    (minigrad.Size([2, 3, 4, 4, 4]), 3)
    """

    cls_to_become = InstanceNorm3d
    channel_axis = -4  # of (C, D, H, W) too
