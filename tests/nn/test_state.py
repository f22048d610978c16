"""`state_dict` and `load_state_dict`."""

from collections import OrderedDict

import pytest

import minigrad as torch
from minigrad import nn
from tests.any_device import share_memory


def make_net():
    return nn.Sequential(nn.Linear(2, 3), nn.BatchNorm1d(3), nn.Linear(3, 1, bias=False))


def test_a_state_dict_shares_memory_with_the_module():
    model = make_net()
    state = model.state_dict()
    assert type(state) is OrderedDict and repr(state).startswith("OrderedDict(")
    assert list(state) == [
        "0.weight", "0.bias", "1.weight", "1.bias", "1.running_mean", "1.running_var",
        "1.num_batches_tracked", "2.weight",
    ]  # fmt: skip
    assert not any(tensor.requires_grad for tensor in state.values())
    with torch.no_grad():
        model[0].weight.fill_(5.0)
    assert state["0.weight"].tolist() == [[5.0, 5.0]] * 3  # detached, not copied
    assert model.state_dict(keep_vars=True)["0.weight"] is model[0].weight
    assert list(model[0].state_dict(prefix="net.")) == ["net.weight", "net.bias"]
    assert model.state_dict(destination={"x": 1})["x"] == 1


def test_loading_copies_in_place():
    source, target = make_net(), make_net()
    weight = target[0].weight
    result = target.load_state_dict(source.state_dict())
    assert str(result) == "<All keys matched successfully>"
    assert target[0].weight is weight
    for one, other in zip(source.parameters(), target.parameters(), strict=True):
        assert torch.equal(one, other)
    with torch.no_grad():
        source[0].weight += 1
    assert not torch.equal(source[0].weight, target[0].weight)
    double = make_net().double()
    double.load_state_dict(source.state_dict())
    assert double[0].weight.dtype == torch.float64


def test_loading_with_assign_takes_the_tensors_themselves():
    source, target = make_net().double(), make_net()
    target[0].weight.requires_grad_(False)
    target.load_state_dict(source.state_dict(), assign=True)
    assert target[0].weight.dtype == torch.float64
    assert isinstance(target[0].weight, nn.Parameter)
    assert target[0].weight.requires_grad is False and target[0].bias.requires_grad is True
    assert share_memory(target[0].weight, source[0].weight)


def test_all_mismatches_are_reported_in_one_error():
    with pytest.raises(RuntimeError) as refused:
        make_net().load_state_dict(
            {
                "0.weight": torch.zeros(3, 3),
                "0.bias": [1.0, 2.0, 3.0],
                "2.weight": torch.zeros(1, 3),
                "2.bias": torch.zeros(1),
                "3.weight": torch.zeros(1),
            }
        )
    assert str(refused.value) == (
        "Error(s) in loading state_dict for Sequential:\n"
        '\tMissing key(s) in state_dict: "1.weight", "1.bias", "1.running_mean", '
        '"1.running_var". \n'
        '\tUnexpected key(s) in state_dict: "3.weight", "2.bias". \n'
        "\tsize mismatch for 0.weight: copying a param with shape minigrad.Size([3, 3]) from "
        "checkpoint, the shape in current model is minigrad.Size([3, 2]).\n"
        '\tWhile copying the parameter named "0.bias", expected minigrad.Tensor or Tensor-like '
        "object from checkpoint but received <class 'list'>"
    )


def test_a_batch_norm_state_without_counter_and_version_loads():
    layer = nn.BatchNorm1d(2)
    layer.num_batches_tracked.fill_(7)
    old = {key: value for key, value in layer.state_dict().items() if key != "num_batches_tracked"}
    assert repr(layer.load_state_dict(old)) == "<All keys matched successfully>"
    assert layer.num_batches_tracked.item() == 7
    assert nn.Sequential(nn.Linear(2, 2), layer).state_dict()._metadata["1"] == {"version": 2}


def test_a_batch_norm_state_of_version_2_without_counter_is_refused():
    state = nn.BatchNorm1d(2).state_dict()
    del state["num_batches_tracked"]
    with pytest.raises(RuntimeError, match=r'Missing key.*"num_batches_tracked"'):
        nn.BatchNorm1d(2).load_state_dict(state)


def test_strict_false_returns_what_differs():
    result = nn.Linear(2, 2).load_state_dict({"weight": torch.zeros(2, 2), "x": 1}, strict=False)
    assert result.missing_keys == ["bias"] and result.unexpected_keys == ["x"]
    assert repr(result) == "_IncompatibleKeys(missing_keys=['bias'], unexpected_keys=['x'])"
    with pytest.raises(RuntimeError, match="size mismatch for weight"):
        nn.Linear(2, 2).load_state_dict({"weight": torch.zeros(1, 2)}, strict=False)
    with pytest.raises(TypeError, match="Expected state_dict to be dict-like, got <class 'list'>"):
        nn.Linear(2, 2).load_state_dict([])


def test_a_tensor_that_cannot_be_taken_is_listed_and_the_others_are_loaded():
    net = nn.Sequential(nn.Linear(2, 1), nn.Linear(1, 1))
    given = {"0.weight": torch.ones(1, 2, dtype=torch.int32), "1.weight": torch.full((1, 1), 3.0)}
    with pytest.raises(RuntimeError) as refused:
        net.load_state_dict(given, strict=False, assign=True)
    assert str(refused.value) == (
        "Error(s) in loading state_dict for Sequential:\n"
        '\tWhile copying the parameter named "0.weight", whose dimensions in the model are minigrad.Size([1, 2]) and '
        "whose dimensions in the checkpoint are minigrad.Size([1, 2]), an exception occurred : only Tensors of "
        "floating point dtype can require gradients, got minigrad.int32; convert it first, for example with .float()"
    )
    assert net[1].weight.item() == 3.0
    net[0].weight.requires_grad_(False)  # so integers do for it
    net.load_state_dict(given, strict=False, assign=True)
    assert net[0].weight.dtype == torch.int32 and isinstance(net[0].weight, nn.Parameter)


def test_a_buffer_that_cannot_be_written_to_is_listed():
    net = nn.Module()
    net.register_buffer("mask", torch.zeros(1).expand(3))
    with pytest.raises(
        RuntimeError, match=r'named "mask", .* an exception occurred : unsupported operation: more than'
    ):
        net.load_state_dict({"mask": torch.ones(3)})


@pytest.mark.parametrize("key", [0, b"weight", None])
def test_the_keys_of_a_state_are_names(key):
    message = rf"the keys are names of tensors, such as '0\.weight', got {key!r}"
    with pytest.raises(TypeError, match=message):
        nn.Linear(1, 1).load_state_dict({key: torch.ones(1)}, strict=False)


def test_a_0d_parameter_loads_from_a_tensor_of_one_element():
    model = nn.Module()
    model.gain = nn.Parameter(torch.tensor(1.0))
    model.load_state_dict({"gain": torch.tensor([3.0])})
    assert model.gain.item() == 3.0


class Renamed(nn.Linear):
    """A layer whose weight was once named `kernel`; it also saves its scale and how often it was loaded."""

    scale, loads = 1.0, 0

    def _load_from_state_dict(self, state_dict, prefix, metadata, strict, missing, unexpected, faults):
        if f"{prefix}kernel" in state_dict:
            state_dict[f"{prefix}weight"] = state_dict.pop(f"{prefix}kernel")
        super()._load_from_state_dict(state_dict, prefix, metadata, strict, missing, unexpected, faults)

    def _save_to_state_dict(self, destination, prefix, keep_vars):
        super()._save_to_state_dict(destination, prefix, keep_vars)
        destination[f"{prefix}scale"] = torch.tensor(self.scale)

    def get_extra_state(self):
        return {"loads": self.loads}

    def set_extra_state(self, state):
        self.loads = state["loads"] + 1


def test_a_module_may_read_older_names_and_save_extra_state():
    model, old = nn.Sequential(nn.ReLU(), Renamed(1, 1, bias=False)), torch.full((1, 1), 5.0)
    given = {"1.kernel": old, "1._extra_state": {"loads": 2}}
    assert repr(model.load_state_dict(given)) == "<All keys matched successfully>"
    assert model[1].weight.item() == 5 and model[1].loads == 3 and list(given) == ["1.kernel", "1._extra_state"]
    state = model.state_dict()
    assert list(state) == ["1.weight", "1._extra_state", "1.scale"] and state["1._extra_state"] == {"loads": 3}
    with pytest.raises(RuntimeError, match=r'Unexpected key\(s\) in state_dict: "1.scale"'):
        model.load_state_dict(state)
    result = model.load_state_dict({"0._extra_state": 1, "1.weight": old, "1.bias.x": old}, strict=False)
    assert result == (["1._extra_state"], ["0._extra_state", "1.bias.x"])


def test_a_child_may_rename_keys_and_override_state_dict():
    class Net(nn.Module):
        def __init__(self):
            super().__init__()
            self.conv = nn.Linear(1, 1, bias=False)

        def _load_from_state_dict(self, state_dict, prefix, *others):
            for key in [key for key in state_dict if key.startswith(f"{prefix}layer.")]:
                state_dict[key.replace("layer.", "conv.")] = state_dict.pop(key)
            super()._load_from_state_dict(state_dict, prefix, *others)

        def state_dict(self, *, destination=None, prefix="", keep_vars=False):
            return super().state_dict(destination=destination, prefix=f"{prefix}net.", keep_vars=keep_vars)

    model = nn.ModuleList([Net()])
    assert list(model.state_dict()) == ["0.net.conv.weight"]
    model.load_state_dict({"0.layer.weight": torch.full((1, 1), 5.0)})
    assert model[0].conv.weight.item() == 5


def test_a_tensor_of_a_state_says_why_no_gradient_flows_to_it():
    weight = nn.Linear(2, 1).state_dict()["weight"]
    with pytest.raises(RuntimeError, match=r"does not require grad.*taken from a state_dict\(\)"):
        weight.sum().backward()


def test_what_load_state_dict_returns_is_no_module():
    with pytest.raises(AttributeError, match=r"object has no attribute 'eval': load_state_dict.* changes its"):
        nn.Linear(1, 1).load_state_dict(nn.Linear(1, 1).state_dict()).eval()
