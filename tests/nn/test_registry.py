"""A module's registry of its attributes: registration, replacement, deletion, look-up, order."""

import pytest

import minigrad as torch
from minigrad import nn


class Net(nn.Module):
    def __init__(self):
        super().__init__()
        self.first = nn.Linear(2, 3)
        self.gain = nn.Parameter(torch.ones(1))
        self.register_buffer("count", torch.zeros(1))
        self.second = nn.Linear(3, 1, bias=False)


def list_names(pairs):
    return [name for name, _ in pairs]


def test_attributes_are_registered_by_their_type():
    net = Net()
    assert list_names(net.named_parameters()) == ["gain", "first.weight", "first.bias", "second.weight"]
    assert list_names(net.named_buffers()) == ["count"]
    assert list_names(net.named_children()) == ["first", "second"]
    assert list_names(net.named_modules()) == ["", "first", "second"]
    assert list_names(net.named_modules(prefix="net")) == ["net", "net.first", "net.second"]
    assert list_names(net.named_parameters("net", recurse=False)) == ["net.gain"]
    assert [type(child) for child in net.children()] == [nn.Linear, nn.Linear]
    assert next(net.modules()) is net
    assert next(net.parameters()) is net.gain
    assert list(net.buffers()) == [net.count]


def test_a_registered_attribute_lies_in_the_dict_of_the_instance():
    """So that reading it costs no `__getattr__`."""
    layer = nn.Linear(2, 3)
    assert vars(layer)["weight"] is layer.weight is layer._parameters["weight"]


def test_changes_of_the_private_dicts_reach_the_module():
    net = Net()
    net._parameters["gain"] = replaced = nn.Parameter(torch.zeros(2))
    assert net.gain is replaced
    del net._modules["second"]
    assert not hasattr(net, "second")
    net._modules["third"] = nn.ReLU()
    assert repr(net.third) == "ReLU()"
    net._buffers["count"] = None
    assert list(net.named_buffers()) == []
    del net._modules["first"]
    assert list_names(net.named_children()) == ["third"]
    assert len(net._modules) == 1
    assert "third" in net._modules
    assert repr(net._modules) == "{'third': ReLU()}"
    assert repr(net._modules.keys()) == "dict_keys(['third'])"
    assert repr(net._modules.items()) == "dict_items([('third', ReLU())])"
    assert net._parameters.get("third") is None
    with pytest.raises(KeyError, match="third"):
        del net._parameters["third"]


def test_a_parameter_is_replaced_at_its_position_and_deleted():
    net = Net()
    net.gain = nn.Parameter(torch.zeros(3))
    assert list_names(net.named_parameters())[0] == "gain"
    net.gain = None
    assert net.gain is None
    assert "gain" not in list_names(net.named_parameters())
    assert "gain" in net._parameters
    del net.gain
    assert not hasattr(net, "gain")
    net.gain = torch.zeros(3)  # free again: a plain attribute now
    assert "gain" not in net._parameters


def test_a_buffer_may_be_replaced_by_a_module_or_a_parameter():
    net = Net()
    net.count = nn.ReLU()
    assert "count" in net._modules and "count" not in net._buffers
    net.count = nn.Parameter(torch.ones(1))
    assert "count" in net._parameters and "count" not in net._modules
    net.plain = 3
    net.plain = nn.Parameter(torch.ones(1))
    assert list_names(net.named_parameters(recurse=False)) == ["gain", "count", "plain"]


def test_parameters_and_modules_refuse_values_of_another_kind():
    net = Net()
    with pytest.raises(TypeError, match=r"cannot assign 'minigrad\.nn\.activation\.ReLU' as parameter 'gain'"):
        net.gain = nn.ReLU()
    with pytest.raises(TypeError, match=r"'minigrad\.nn\.parameter\.Buffer' as parameter 'gain'"):
        net.gain = nn.Buffer(torch.ones(1))
    with pytest.raises(TypeError, match=r"'minigrad\.nn\.parameter\.Buffer' as child module 'first'"):
        net.first = nn.Buffer(torch.ones(1))
    net.plain = 3
    with pytest.raises(KeyError, match="attribute 'plain' already exists"):
        net.plain = nn.Buffer(torch.ones(1))
    assert net.plain == 3
    assert list_names(net.named_parameters(recurse=False)) == ["gain"]


def test_a_buffer_takes_any_tensor_and_stays_a_buffer():
    net = Net()
    net.count = net.count + 1
    assert net._buffers["count"].item() == 1
    net.held = nn.Buffer(torch.ones(2), persistent=False)
    assert list_names(net.named_buffers()) == ["count", "held"]
    assert list(net.state_dict(keep_vars=True)) == [
        "gain", "count", "first.weight", "first.bias", "second.weight",
    ]  # fmt: skip
    net.register_buffer("held", torch.ones(2))
    assert "held" in net.state_dict()
    del net.held
    assert "held" not in net._non_persistent_buffers_set


def test_a_shared_parameter_or_module_comes_once():
    net = nn.Module()
    net.a = nn.Linear(2, 2)
    net.b = net.a
    net.c = nn.Linear(2, 2)
    net.c.weight = net.a.weight
    assert list_names(net.named_parameters()) == ["a.weight", "a.bias", "c.bias"]
    assert list_names(net.named_modules()) == ["", "a", "c"]
    assert list_names(net.named_children()) == ["a", "c"]
    assert list_names(net.named_parameters(remove_duplicate=False)) == [
        "a.weight", "a.bias", "b.weight", "b.bias", "c.weight", "c.bias",
    ]  # fmt: skip
    assert len(list(net.modules(remove_duplicate=False))) == 4


@pytest.mark.parametrize(
    ("assign", "what"),
    [
        (lambda m: setattr(m, "w", nn.Parameter(torch.ones(1))), "cannot assign parameter before"),
        (lambda m: setattr(m, "w", nn.ReLU()), "cannot assign module before"),
        (lambda m: setattr(m, "w", nn.Buffer(torch.ones(1))), "cannot assign buffer before"),
        (lambda m: m.register_parameter("w", None), "cannot assign parameter before"),
        (lambda m: m.register_buffer("w", None), "cannot assign buffer before"),
        (lambda m: m.add_module("w", nn.ReLU()), "cannot assign module before"),
    ],
)
def test_a_forgotten_super_init_is_named(assign, what):
    class Forgetful(nn.Module):
        def __init__(self):
            assign(self)

    with pytest.raises(AttributeError, match=what) as refused:
        Forgetful()
    message = str(refused.value)
    assert "make super().__init__() the first line of __init__ of class Forgetful" in message


@pytest.mark.parametrize("use", [lambda m: m(1), lambda m: list(m.parameters()), lambda m: m.eval(), repr])
def test_using_a_module_without_super_init_raises(use):
    class Forgetful(nn.Module):
        def __init__(self):
            self.x = 1  # a plain attribute is allowed, as in PyTorch

        def forward(self, x):
            return x

    with pytest.raises(AttributeError, match=r"before Module.__init__\(\) call"):
        use(Forgetful())
    assert Forgetful().x == 1


def test_values_that_are_no_parameters_are_refused_with_advice():
    layer = nn.Linear(2, 2)
    with pytest.raises(TypeError, match=r"'minigrad\.Tensor' as parameter 'weight'") as refused:
        layer.weight = torch.zeros(2, 2)
    assert "nn.Parameter(tensor)" in str(refused.value)
    assert "module.weight.copy_(tensor)" in str(refused.value)
    with pytest.raises(TypeError, match="'int' as buffer 'running_mean'"):
        nn.BatchNorm2d(2).running_mean = 3
    with pytest.raises(TypeError, match=r"^cannot assign 'int' as child module '0' "):
        setattr(nn.Sequential(nn.ReLU()), "0", 3)
    with pytest.raises(TypeError, match=r"^minigrad.nn.activation.ReLU is not a Module subclass; pass ReLU\(...\)"):
        nn.Sequential(nn.ReLU)
    assert layer.weight.shape == (2, 2)  # still there


def test_a_sequence_of_layers_names_what_is_no_layer():
    with pytest.raises(TypeError, match=r"^dict is not a Module subclass; .* Sequential\(OrderedDict\(layers\)\)"):
        nn.Sequential({"first": nn.ReLU()})
    with pytest.raises(TypeError, match="unexpected keyword argument 'first'; it takes none by name"):
        nn.Sequential(first=nn.ReLU())


def test_names_that_are_wrong_or_taken_are_refused():
    layer = nn.Linear(2, 2)
    with pytest.raises(KeyError, match=r"contain .*, got: .*a\.b.*; a dot separates modules"):
        layer.register_parameter("a.b", None)
    with pytest.raises(KeyError, match='t be empty string "", got: '):
        layer.add_module("", nn.ReLU())
    with pytest.raises(TypeError, match=r"^cannot assign 'int' object to buffer 'b' .minigrad.Tensor or None required"):
        layer.register_buffer("b", 3)
    with pytest.raises(
        TypeError, match=r"^cannot assign 'minigrad.Tensor' object to parameter 'p' .minigrad.nn.Parameter"
    ):
        layer.register_parameter("p", torch.ones(1))
    with pytest.raises(TypeError, match=r"buffer name should be a string\. Got int"):
        layer.register_buffer(3, None)
    with pytest.raises(KeyError, match="attribute 'forward' already exists in Linear"):
        layer.add_module("forward", nn.ReLU())
    with pytest.raises(TypeError, match=r"^int is not a Module subclass"):
        layer.add_module("forward", 3)
    with pytest.raises(KeyError, match="attribute 'weight' already exists in Linear"):
        layer.register_buffer("weight", torch.ones(1))


def test_a_computed_parameter_is_refused():
    class Made(nn.Module):
        def __init__(self):
            super().__init__()
            self.w = nn.Parameter(torch.ones(2))

    made = Made()
    computed = nn.Parameter(torch.ones(2))
    computed.node = (made.w * 2).node  # which no public function does
    with pytest.raises(ValueError, match="Compute it in forward"):
        made.w = computed


def test_get_parameter_buffer_and_submodule_take_a_path():
    net = nn.Sequential(nn.Linear(2, 2), nn.BatchNorm1d(2))
    assert net.get_parameter("0.weight") is net[0].weight
    assert net.get_buffer("1.running_mean") is net[1].running_mean
    assert net.get_submodule("0") is net[0]
    assert net.get_submodule("") is net
    with pytest.raises(AttributeError, match="Sequential has no attribute `5`"):
        net.get_submodule("5.weight")
    with pytest.raises(AttributeError, match=r"`weight` is not an nn\.Module"):
        net.get_submodule("0.weight")
    with pytest.raises(AttributeError, match=r"`running_mean` is not an nn\.Parameter"):
        net.get_parameter("1.running_mean")
    with pytest.raises(AttributeError, match="`weight` is not a buffer"):
        net.get_buffer("0.weight")


def test_what_is_switched_off_is_not_found_by_its_path():
    net = nn.Sequential(nn.Linear(2, 2, bias=False), nn.BatchNorm1d(2, track_running_stats=False))
    net.add_module("off", None)
    with pytest.raises(AttributeError, match=r"`bias` is not an nn\.Parameter"):
        net.get_parameter("0.bias")
    for path in ("off", "off.inner"):
        with pytest.raises(AttributeError, match=r"`off` is not an nn\.Module"):
            net.get_submodule(path)
    assert net.get_buffer("1.running_mean") is None  # as in PyTorch


def test_an_error_in_a_property_keeps_its_message():
    class Odd(nn.Module):
        @property
        def size(self):
            return self.missing

    with pytest.raises(AttributeError, match="'Odd' object has no attribute 'missing'"):
        Odd().size  # noqa: B018


def test_a_wrapper_may_fall_back_on_getattr():
    class Wrapper(nn.Module):
        def __init__(self, inner):
            super().__init__()
            self.inner = inner

        def __getattr__(self, name):
            try:
                return super().__getattr__(name)
            except AttributeError:
                return getattr(self.inner, name)

    assert Wrapper(nn.Linear(2, 3)).out_features == 3


def test_dir_lists_all_attributes():
    listed = dir(nn.Sequential(nn.Linear(2, 2)))
    assert "forward" in listed and "0" not in listed
    assert "weight" in dir(nn.Linear(2, 2))


@pytest.mark.parametrize("name", ["share_memory", "get_extra_state"])
def test_missing_methods_of_pytorchs_modules_raise_a_clear_error(name):
    message = f"'Linear' object has no attribute '{name}': PyTorch has torch.nn.Module.{name}, minigrad does not; docs/"
    with pytest.raises(AttributeError, match=message):
        getattr(nn.Linear(1, 1), name)
    assert not hasattr(nn.Linear(1, 1), name)
