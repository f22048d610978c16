"""Hooks of a module that run when its state is saved or loaded."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from minigrad.autograd.handles import Hookable, RemovableHandle


class StateHooks(Hookable):
    """The hooks of a module around `state_dict` and `load_state_dict`."""

    def register_state_dict_pre_hook(self, hook: Callable[..., Any]) -> RemovableHandle:
        """Runs ``hook(module, prefix, keep_vars)`` before the state of this module is saved.

        >>> import minigrad as torch
        >>> layer = torch.nn.Linear(2, 1)
        >>> handle = layer.register_state_dict_pre_hook(lambda module, prefix, keep_vars: print("saving"))
        >>> _ = layer.state_dict()
        saving
        """
        return self._hang("save_pre", hook)

    def register_state_dict_post_hook(self, hook: Callable[..., Any]) -> RemovableHandle:
        """Runs ``hook(module, state_dict, prefix, local_metadata)`` after the state of this module is saved.

        The hook changes `state_dict`; `state_dict()` raises RuntimeError if it returns something.

        >>> import minigrad as torch
        >>> layer = torch.nn.Linear(2, 1)
        >>> handle = layer.register_state_dict_post_hook(
        ...     lambda module, state, prefix, metadata: state.pop("bias") and None
        ... )
        >>> list(layer.state_dict())
        ['weight']
        """
        return self._hang("save_post", hook, False, False)

    def _register_state_dict_hook(self, hook: Callable[..., Any]) -> RemovableHandle:
        """`register_state_dict_post_hook`, but what the hook returns replaces the dict."""
        if any(other is hook and not may_replace for other, may_replace in self._hooks_at("save_post")):
            raise RuntimeError(
                "Cannot register the same function as the state dict post hook that was previously registered via "
                "register_state_dict_post_hook"
            )
        return self._hang("save_post", hook, False, True)

    def register_load_state_dict_pre_hook(self, hook: Callable[..., Any]) -> RemovableHandle:
        """Runs a hook before the state of this module is loaded; it may rename the keys of older files.

        It is called as ``hook(module, state_dict, prefix, local_metadata, strict, missing_keys, unexpected_keys,
        error_msgs)``, and changes the dict and the lists.

        >>> import minigrad as torch
        >>> net = torch.nn.Sequential(torch.nn.Linear(2, 1, bias=False))
        >>> def rename(module, state_dict, *_):
        ...     state_dict["0.weight"] = state_dict.pop("w")
        >>> handle = net.register_load_state_dict_pre_hook(rename)
        >>> net.load_state_dict({"w": torch.ones(1, 2)})
        <All keys matched successfully>
        """
        return self._hang("load_pre", hook, False, True)

    def _register_load_state_dict_pre_hook(
        self, hook: Callable[..., Any], with_module: bool = False
    ) -> RemovableHandle:
        """`register_load_state_dict_pre_hook`, but the hook does not get the module."""
        return self._hang("load_pre", hook, False, with_module)

    def register_load_state_dict_post_hook(self, hook: Callable[..., Any]) -> RemovableHandle:
        """Runs ``hook(module, incompatible_keys)`` after this module and its submodules are loaded.

        The hook may empty the two lists; `load_state_dict` raises AssertionError if it returns something.

        >>> import minigrad as torch
        >>> layer = torch.nn.Linear(2, 1)
        >>> handle = layer.register_load_state_dict_post_hook(lambda module, keys: keys.missing_keys.clear())
        >>> layer.load_state_dict({"weight": torch.ones(1, 2)})
        <All keys matched successfully>
        """
        return self._hang("load_post", hook)
