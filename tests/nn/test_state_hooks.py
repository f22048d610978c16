"""Hooks that run when the state of a module is saved or loaded."""

import pytest

import minigrad as torch
from minigrad import nn


def test_hooks_run_before_and_after_saving_with_the_prefix_of_the_module():
    net, seen = nn.Sequential(nn.Linear(2, 1)), []
    net[0].register_state_dict_pre_hook(lambda *given: seen.append(given[1:]))
    net[0].register_state_dict_post_hook(lambda m, state, *given: seen.append((sorted(state), *given)))
    net.register_state_dict_post_hook(lambda m, state, *_: state.pop("0.bias") and None)
    assert list(net.state_dict()) == ["0.weight"]
    assert seen == [("0.", False), (["0.bias", "0.weight"], "0.", {"version": 1})]


def test_a_hook_after_saving_returns_none_but_the_older_kind_replaces_the_dict():
    layer = nn.Linear(2, 1)
    layer._register_state_dict_hook(lambda m, state, *_: {"all": len(state)})
    assert layer.state_dict() == {"all": 2}
    handle = layer.register_state_dict_post_hook(lambda *_: {})
    with pytest.raises(RuntimeError, match="state_dict post-hook must return None"):
        layer.state_dict()
    handle.remove()
    public = print
    layer.register_state_dict_post_hook(public)
    with pytest.raises(RuntimeError, match="Cannot register the same function as the state dict post hook"):
        layer._register_state_dict_hook(public)


def test_a_hook_before_loading_renames_keys_for_the_submodules_too():
    net, seen = nn.Sequential(nn.Linear(2, 1, bias=False)), []

    def rename(state, prefix, metadata, strict, missing, unexpected, errors):
        seen.append((prefix, metadata, strict, missing, unexpected, errors))
        state["0.weight"] = state.pop("w")

    net._register_load_state_dict_pre_hook(rename)
    net[0].register_load_state_dict_pre_hook(lambda m, state, prefix, *_: seen.append((m, list(state), prefix)))
    net.load_state_dict({"w": torch.ones(1, 2)})
    assert net[0].weight.tolist() == [[1.0, 1.0]]
    assert seen == [("", {}, True, [], [], []), (net[0], ["0.weight"], "0.")]


def test_a_hook_after_loading_may_forgive_keys_but_returns_none():
    net = nn.Sequential(nn.Linear(2, 1, bias=False))

    def forgive(module, keys):
        assert module is net and keys.missing_keys == ["0.weight"] and keys.unexpected_keys == ["x"]
        keys.missing_keys.clear()
        keys.unexpected_keys.clear()

    handle = net.register_load_state_dict_post_hook(forgive)
    assert repr(net.load_state_dict({"x": torch.ones(1)})) == "<All keys matched successfully>"
    handle.remove()
    net[0].register_load_state_dict_post_hook(lambda module, keys: keys)
    with pytest.raises(AssertionError, match="must return None"):
        net.load_state_dict(net.state_dict())
