"""Modules as functions of their parameters."""

import pytest

import minigrad as mg
from minigrad import func, nn
from minigrad.func import functional_call, stack_module_state
from tests.refusals import refusals

X = mg.ones(1, 2)
W, B = mg.tensor([[3.0, 4.0]]), mg.tensor([0.5])


class Tied(nn.Module):
    def __init__(self):
        super().__init__()
        self.first = nn.Linear(2, 2, bias=False)
        self.second = nn.Linear(2, 2, bias=False)
        self.second.weight = self.first.weight

    def forward(self, x):
        return self.second(self.first(x))


def test_the_given_tensors_replace_parameters_for_one_call():
    layer = nn.Linear(2, 1)
    own = layer.weight
    given = {"weight": W, "bias": B}
    assert functional_call(layer, given, (X,)).item() == 7.5
    assert functional_call(layer, given, X).item() == 7.5
    assert functional_call(layer, given, kwargs={"input": X}).item() == 7.5
    assert functional_call(layer, ({"weight": W}, {"bias": B}), X).item() == 7.5
    assert layer.weight is own and isinstance(layer.weight, nn.Parameter)
    expected = layer(X).item() - layer.bias.item() + 0.5
    assert functional_call(layer, {"bias": B}, X).item() == pytest.approx(expected)


def test_gradients_go_to_the_given_tensors():
    net = nn.Sequential(nn.Linear(2, 3), nn.Tanh(), nn.Linear(3, 1))
    parameters = {name: p.detach() for name, p in net.named_parameters()}
    found = func.grad(lambda p: functional_call(net, p, (X,)).sum())(parameters)
    net(X).sum().backward()
    for name, p in net.named_parameters():
        assert found[name].tolist() == p.grad.tolist()


def test_tied_parameters_stay_tied():
    net, eye = Tied(), mg.eye(2)
    assert functional_call(net, {"first.weight": eye * 2}, X).tolist() == [[4, 4]]
    assert functional_call(net, {"first.weight": eye * 2, "second.weight": eye * 3}, X, tie_weights=False).tolist() == [
        [6, 6]
    ]
    assert net.first.weight is net.second.weight


def test_buffers_that_are_given_are_written_to():
    norm = nn.BatchNorm1d(2)
    buffers = {name: b.clone() for name, b in norm.named_buffers()}
    functional_call(norm, buffers, mg.tensor([[1.0, 2.0], [3.0, 6.0]]))
    assert buffers["num_batches_tracked"].item() == 1 and buffers["running_mean"].tolist() != [0, 0]
    assert norm.running_mean.tolist() == [0, 0] and norm.num_batches_tracked.item() == 0


def test_a_buffer_that_the_module_assigns_goes_into_the_dict():
    class Counter(nn.Module):
        def __init__(self):
            super().__init__()
            self.register_buffer("calls", mg.zeros(1))

        def forward(self, x):
            self.calls = self.calls + 1
            return x + self.calls

    module, given = Counter(), {"calls": mg.tensor([5.0])}
    assert functional_call(module, given, mg.ones(1)).tolist() == [7.0]
    assert given["calls"].tolist() == [6.0] and module.calls.tolist() == [0.0]
    with pytest.raises(TypeError, match="'training' is no tensor in the module, but True"):
        functional_call(module, {"training": mg.ones(1)}, mg.ones(1))
    assert module.training is True


def test_the_own_tensors_are_restored_after_an_error():
    layer = nn.Linear(2, 1)
    own = layer.weight
    with pytest.raises(RuntimeError):
        functional_call(layer, {"weight": W, "more": B}, mg.ones(1, 5))
    assert layer.weight is own and not hasattr(layer, "more")


def test_stack_module_state_stacks_parameters_and_buffers():
    parameters, buffers = stack_module_state([nn.BatchNorm1d(2) for _ in range(3)])
    assert parameters["weight"].shape == (3, 2) and parameters["weight"].requires_grad and parameters["weight"].is_leaf
    assert buffers["running_var"].shape == (3, 2) and not buffers["running_var"].requires_grad
    assert buffers["num_batches_tracked"].tolist() == [0, 0, 0]
    layers = [nn.Linear(2, 1) for _ in range(3)]
    parameters, buffers = stack_module_state(layers)
    assert buffers == {}
    for i, layer in enumerate(layers):
        row = {name: p[i] for name, p in parameters.items()}
        assert functional_call(layers[0], row, X).tolist() == layer(X).tolist()


def test_one_name_of_a_shared_tensor_is_enough_for_strict():
    given = {"first.weight": 2 * mg.eye(2)}
    assert functional_call(Tied(), given, mg.ones(2), strict=True).tolist() == [4.0, 4.0]


def test_none_leaves_a_tensor_out():
    layer = nn.Linear(2, 1)
    bias = layer.bias
    assert functional_call(layer, {"weight": W, "bias": None}, X).tolist() == (X @ W.T).tolist()
    assert layer.bias is bias


REFUSED = {
    "no tensor": (
        lambda: functional_call(nn.Linear(2, 1), {"weight": 3}, X), TypeError,
        "'weight' must be a Tensor or None, got int"),
    "twice": (lambda: functional_call(nn.Linear(2, 1), ({"weight": W},) * 2, X), ValueError, "weight.*multiple dict"),
    "no dict": (lambda: functional_call(nn.Linear(2, 1), 3, X), ValueError, "a dict, or a list/tuple of dicts.*int"),
    "a list": (lambda: functional_call(nn.Linear(2, 1), [W], X), ValueError, "elements.*dictionaries, got Tensor"),
    "tied, two values": (
        lambda: functional_call(Tied(), {"first.weight": W, "second.weight": B}, X), ValueError,
        r"\['first.weight', 'second.weight'\], which are tied.*tie_weights=False"),
    "strict": (
        lambda: functional_call(nn.Linear(2, 1), {"weight": W, "more": B}, X, strict=True), RuntimeError,
        r"Linear:\n\tUnexpected key\(s\): 'more'.\n\tMissing key\(s\): 'bias'."),
    "no module there": (lambda: functional_call(nn.Linear(2, 1), {"more.bias": B}, X), AttributeError, "more"),
    "no models": (lambda: stack_module_state([]), RuntimeError, "at least one model"),
    "other modes": (
        lambda: stack_module_state([nn.Linear(2, 1).eval(), nn.Linear(2, 1)]), RuntimeError, "same training/eval mode"),
    "other trained parameters": (
        lambda: stack_module_state([nn.Linear(2, 1).requires_grad_(False), nn.Linear(2, 1)]), RuntimeError,
        "Expected weight from each model to have the same .requires_grad"),
    "other classes": (
        lambda: stack_module_state([nn.Linear(2, 1), nn.BatchNorm1d(2)]), RuntimeError,
        "same class, got BatchNorm1d, Linear"),
}  # fmt: skip


test_refused = refusals(REFUSED)


def test_batch_norm_layers_lose_their_running_statistics():
    net = nn.Sequential(
        nn.Linear(2, 3), nn.Sequential(nn.BatchNorm1d(3)), nn.InstanceNorm1d(3, track_running_stats=True)
    )
    assert func.replace_all_batch_norm_modules_(net) is net
    assert [name for name, _ in net.named_buffers()] == ["2.running_mean", "2.running_var", "2.num_batches_tracked"]
    x = mg.rand(4, 2)
    layers = net[:2]
    assert mg.equal(layers.eval()(x), layers.train()(x))
    assert func.vmap(layers)(x.expand(5, 4, 2)).shape == (5, 4, 3)
