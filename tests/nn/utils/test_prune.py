"""`nn.utils.prune`: masks, repeated pruning, pruning over several layers, removal, and errors."""

import numpy as np
import pytest

import minigrad as torch
from minigrad import nn
from minigrad.nn.utils import prune
from tests.refusals import refusals


def make_conv():
    layer = nn.Conv2d(2, 4, 3, dtype=torch.float64)
    return layer, layer.weight.detach().numpy().copy()


def test_the_smallest_numbers_are_masked_and_the_others_trained():
    layer, weight = make_conv()
    assert prune.l1_unstructured(layer, "weight", amount=0.25) is layer
    mask = (np.abs(weight) > np.sort(np.abs(weight), axis=None)[17]).astype(np.float64)
    np.testing.assert_array_equal(layer.weight_mask.numpy(), mask)
    np.testing.assert_array_equal(layer.weight.detach().numpy(), weight * mask)
    assert list(dict(layer.named_parameters())) == ["bias", "weight_orig"]
    assert list(dict(layer.named_buffers())) == ["weight_mask"]
    x = torch.randn(2, 2, 5, 5, dtype=torch.float64)
    cotangent = torch.randn(2, 4, 3, 3, dtype=torch.float64)
    layer(x).backward(cotangent)
    plain = torch.tensor(weight * mask, requires_grad=True)
    nn.functional.conv2d(x, plain, layer.bias.detach()).backward(cotangent)
    np.testing.assert_allclose(layer.weight_orig.grad.numpy(), plain.grad.numpy() * mask)


def test_the_next_forward_uses_the_weight_of_an_optimizer_step():
    layer = prune.custom_from_mask(nn.Linear(2, 1, bias=False), "weight", torch.tensor([[1, 0]]))
    layer(torch.ones(1, 2)).sum().backward()
    before = layer.weight.tolist()[0][0]
    torch.optim.SGD(layer.parameters(), lr=0.5).step()
    layer(torch.ones(1, 2))
    assert layer.weight.tolist()[0] == pytest.approx([before - 0.5, 0.0])


@pytest.mark.parametrize("order", [1, 2, float("inf")])
@pytest.mark.parametrize("dim", [0, 1, -1])
def test_ln_structured_masks_the_channel_of_the_smallest_norm(order, dim):
    layer, weight = make_conv()
    prune.ln_structured(layer, "weight", amount=1, n=order, dim=dim)
    channels = np.moveaxis(weight, dim, 0).reshape(weight.shape[dim], -1)
    worst = np.linalg.norm(channels, order, axis=1).argmin()
    gone = np.moveaxis(layer.weight_mask.numpy(), dim, 0)
    assert [bool(channel.any()) for channel in gone] == [i != worst for i in range(weight.shape[dim])]
    assert set(np.unique(gone)) == {0.0, 1.0}


def test_random_pruning_masks_the_amount_asked_for():
    layer, _ = make_conv()
    prune.random_unstructured(layer, "weight", amount=10)
    assert layer.weight_mask.sum() == 62
    other, _ = make_conv()
    prune.random_structured(other, "weight", amount=0.5, dim=0)
    assert sorted(other.weight_mask.sum(dim=(1, 2, 3)).tolist()) == [0, 0, 18, 18]
    mask = prune.random_structured(make_conv()[0], "weight", amount=0, dim=0).weight_mask
    assert mask.all()


def test_pruning_again_prunes_the_remaining_elements():
    layer, _ = make_conv()
    prune.l1_unstructured(layer, "weight", amount=0.5)
    prune.l1_unstructured(layer, "weight", amount=0.5)
    assert layer.weight_mask.sum() == 18
    prune.ln_structured(layer, "weight", amount=0.5, n=2, dim=0)
    (hook,) = layer._forward_pre_hooks.values()
    assert [type(method) for method in hook] == [prune.L1Unstructured, prune.L1Unstructured, prune.LnStructured]
    assert len(hook) == 3
    assert hook[-1].amount == 0.5
    assert (layer.weight_mask.sum(dim=(1, 2, 3)) == 0).sum() == 2
    prune.custom_from_mask(layer, "weight", torch.zeros(4, 2, 3, 3))
    assert not layer.weight.any()


def test_importance_scores_choose_what_is_masked():
    layer = nn.Linear(4, 1)
    prune.l1_unstructured(layer, "weight", amount=2, importance_scores=torch.tensor([[4.0, 1.0, -3.0, 2.0]]))
    assert layer.weight_mask.tolist() == [[1, 0, 1, 0]]


def test_global_pruning_has_one_threshold_for_several_layers():
    layers = [nn.Linear(5, 4), nn.Linear(4, 3)]
    weights = [layer.weight.detach().numpy().copy() for layer in layers]
    pairs = [(layer, "weight") for layer in layers]
    prune.global_unstructured(pairs, pruning_method=prune.L1Unstructured, amount=0.5)
    threshold = np.sort(np.abs(np.concatenate([w.ravel() for w in weights])))[15]
    for layer, weight in zip(layers, weights, strict=True):
        np.testing.assert_array_equal(layer.weight_mask.numpy(), np.abs(weight) > threshold)
    prune.global_unstructured(iter(pairs), pruning_method=prune.RandomUnstructured, amount=6)
    assert sum(float(layer.weight_mask.sum()) for layer in layers) == 10
    scores = {pairs[0]: torch.zeros(4, 5)}
    others = [(layer, "bias") for layer in layers]
    prune.global_unstructured(others, prune.L1Unstructured, scores, amount=1)
    assert sum(float(layer.bias_mask.sum()) for layer in layers) == 6


def test_remove_leaves_an_ordinary_parameter():
    layer, _ = make_conv()
    prune.l1_unstructured(layer, "weight", amount=0.5)
    prune.identity(layer, "bias")
    zeros, orig = layer.weight == 0, layer.weight_orig
    assert prune.remove(layer, "weight") is layer
    assert layer.weight is orig
    assert isinstance(layer.weight, nn.Parameter)
    assert torch.equal(layer.weight == 0, zeros)
    assert sorted(layer.state_dict()) == ["bias_mask", "bias_orig", "weight"]
    assert prune.is_pruned(layer)
    prune.remove(layer, "bias")
    assert not prune.is_pruned(layer)
    assert not layer._forward_pre_hooks


def test_a_state_loads_into_a_pruned_layer_and_after_remove_into_a_plain_one():
    layer, _ = make_conv()
    prune.l1_unstructured(layer, "weight", amount=0.5)
    twin = prune.identity(make_conv()[0], "weight")
    twin.load_state_dict(layer.state_dict())
    x = torch.randn(1, 2, 3, 3, dtype=torch.float64)
    assert torch.equal(twin(x), layer(x))
    prune.remove(layer, "weight")
    make_conv()[0].load_state_dict(layer.state_dict())


class Half(prune.BasePruningMethod):
    PRUNING_TYPE = "nothing"

    def compute_mask(self, t, default_mask):
        return default_mask


def linear(name="weight"):
    return nn.Linear(3, 2), name


REFUSED = {
    "no amount": (lambda: prune.l1_unstructured(*linear(), amount="a"), TypeError, "Invalid type for amount: a"),
    "below zero": (lambda: prune.l1_unstructured(*linear(), amount=-1), ValueError, "amount=-1 should either be"),
    "above one": (lambda: prune.random_unstructured(*linear(), amount=1.5), ValueError, "amount=1.5 should either be"),
    "too many": (lambda: prune.l1_unstructured(*linear(), amount=9), ValueError, "amount=9 should be smaller than"),
    "one axis": (lambda: prune.ln_structured(*linear("bias"), 1, 2, 0), ValueError, "multidimensional tensors"),
    "no axis": (lambda: prune.ln_structured(*linear(), 1, 2, 5), IndexError, "Invalid index 5 for tensor of size"),
    "not pruned": (lambda: prune.remove(*linear()), ValueError, "Parameter 'weight' of module Linear"),
    "no pairs": (
        lambda: prune.global_unstructured(3, prune.L1Unstructured, amount=1), TypeError, "parameters is not an Iter",
    ),
    "structured": (
        lambda: prune.global_unstructured([linear()], prune.LnStructured, amount=1, n=2), TypeError,
        'Only "unstructured" PRUNING_TYPE supported',
    ),
    "scores": (
        lambda: prune.global_unstructured([linear()], prune.L1Unstructured, [1], amount=1), TypeError,
        "importance_scores must be of type dict",
    ),
    "score's shape": (
        lambda: prune.l1_unstructured(*linear(), 1, torch.ones(2)), AssertionError, "should have the same shape",
    ),
    "mask's shape": (lambda: prune.custom_from_mask(*linear(), torch.ones(2)), AssertionError, "the mask has shape"),
    "no method": (lambda: prune.PruningContainer(prune.PruningContainer(), 3), TypeError, "not a BasePruningMethod"),
    "no parameter": (lambda: prune.identity(nn.Linear(1, 1), "wait"), AttributeError, "wait"),
    "not applied": (lambda: prune.Identity().apply_mask(nn.Linear(1, 1)), AssertionError, "has to be pruned"),
    "no type": (
        lambda: Half.apply(prune.identity(nn.Linear(1, 1), "bias"), "bias"), ValueError, "Unrecognized PRUNING_TYPE",
    ),
}  # fmt: skip


test_wrong_arguments_raise = refusals(REFUSED)


def test_a_container_refuses_methods_of_another_parameter():
    layer = prune.identity(prune.identity(nn.Linear(1, 1), "bias"), "weight")
    with pytest.raises(ValueError, match="Can only add pruning methods acting on the parameter named 'bias'"):
        prune.PruningContainer(*layer._forward_pre_hooks.values())


def test_a_refused_pruning_leaves_the_layer_as_it_was():
    layer = nn.Linear(3, 2)
    with pytest.raises(ValueError, match="amount=9"):
        prune.l1_unstructured(layer, "weight", amount=9)
    assert list(layer.state_dict()) == ["weight", "bias"]
    assert not layer._forward_pre_hooks


def test_a_pruning_method_prints_its_public_path():
    layer = torch.nn.Linear(2, 2)
    prune.l1_unstructured(layer, "weight", 1)
    (hook,) = layer._forward_pre_hooks.values()
    assert repr(hook).startswith("<minigrad.nn.utils.prune.L1Unstructured object at")


def test_the_mask_of_a_container_has_the_dtype_of_the_parameter():
    container = prune.PruningContainer()
    container._tensor_name = "test"
    method = prune.L1Unstructured(amount=2)
    method._tensor_name = "test"
    container.add_pruning_method(method)
    before = torch.tensor([[1, 1, 1, 0], [1, 1, 0, 1]])
    mask = container.compute_mask(torch.arange(1.0, 9).reshape(2, 4), before)
    assert (mask.dtype, mask.tolist()) == (torch.float32, [[0, 0, 1, 0], [1, 1, 0, 1]])
    assert before.sum() == 6  # as it was
