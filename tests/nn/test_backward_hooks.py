"""Full backward hooks: the gradients that they receive and replace, their order, and errors."""

from collections import namedtuple

import pytest

import minigrad as torch
from minigrad import nn


class Two(nn.Module):
    """Two results from two tensors and a number."""

    def forward(self, a, b, k=3):
        return a * b * k, a + b


def list_values(gradients):
    return [None if g is None else g.tolist() for g in gradients]


def test_full_backward_hooks_see_every_gradient():
    # The expected values are those that PyTorch 2.13 shows for the same calls.
    module = Two()
    log = []
    module.register_full_backward_pre_hook(lambda m, go: log.append(("pre", list_values(go))))
    module.register_full_backward_hook(lambda m, gi, go: log.append((list_values(gi), list_values(go))))
    x = torch.ones(2, requires_grad=True)
    out = module(x, torch.full((2,), 2.0), 2)
    (out[0] * 5).sum().backward()
    assert log == [("pre", [[5.0, 5.0], None]), ([[20.0, 20.0], [0.0, 0.0], None], [[5.0, 5.0], None])]
    log.clear()
    module(x, x, 2)[1].sum().backward()
    assert log[-1] == ([[1.0, 1.0], [1.0, 1.0], None], [None, [1.0, 1.0]])
    assert x.grad.tolist() == [22.0, 22.0]
    log.clear()
    assert not module(torch.ones(2), torch.ones(2))[0].requires_grad
    with torch.no_grad():
        module(x, x)
    assert log == []


def test_full_backward_hooks_replace_gradients():
    layer = nn.Linear(2, 1, bias=False)
    nn.init.ones_(layer.weight)
    layer.register_full_backward_hook(lambda m, gi, go: [gi[0] * 10])
    x = torch.ones(2, requires_grad=True)
    layer(x).sum().backward()
    assert x.grad.tolist() == [10.0, 10.0]
    layer.register_full_backward_pre_hook(lambda m, go: (go[0] * 3,))
    x.grad = None
    layer.zero_grad()
    layer(x).sum().backward()
    assert x.grad.tolist() == [30.0, 30.0]
    assert layer.weight.grad.tolist() == [[3.0, 3.0]]


def test_full_backward_hooks_without_an_input_that_requires_grad():
    layer = nn.Linear(2, 1)
    log = []
    handle = layer.register_full_backward_hook(lambda m, gi, go: log.append((gi, list_values(go))))
    with pytest.warns(UserWarning, match="Full backward hook is firing .* since no inputs require gradients"):
        layer(torch.ones(1, 2)).sum().backward()
    assert log == [((None,), [[[1.0]]])]
    handle.remove()
    layer.register_full_backward_hook(lambda m, gi, go: (go[0],))
    with pytest.raises(RuntimeError, match="no input requires gradient"), pytest.warns(match="Full backward"):
        layer(torch.ones(1, 2)).sum().backward()


def test_a_hooked_module_is_differentiable_twice():
    layer = nn.Linear(1, 1, bias=False)
    layer.register_full_backward_hook(lambda m, gi, go: None)
    x = torch.ones(1, requires_grad=True)
    (first,) = torch.autograd.grad((layer(x) ** 3).sum(), x, create_graph=True)
    (second,) = torch.autograd.grad(first.sum(), x)
    w = layer.weight.item()
    assert second.item() == pytest.approx(6 * w**3, rel=1e-5)


def test_outputs_in_a_dict_run_no_full_backward_hook():
    class InADict(nn.Module):
        def forward(self, x):
            return {"y": x * 2}

    module, seen = InADict(), []
    module.register_full_backward_hook(lambda m, gi, go: seen.append(gi))
    x = torch.ones(2, requires_grad=True)
    with pytest.warns(UserWarning, match="module output should be a Tensor or a tuple of Tensors, not a dict"):
        result = module(x)
    result["y"].sum().backward()
    assert seen == []
    assert x.grad.tolist() == [2.0, 2.0]


def test_a_named_tuple_stays_one_beside_a_backward_hook():
    Scores = namedtuple("Scores", ["first", "second"])

    class Heads(nn.Module):
        def forward(self, x):
            return Scores(x * 2, x * 3)

    module, seen = Heads(), []
    module.register_full_backward_hook(lambda m, grad_input, grad_output: seen.append(len(grad_output)))
    x = torch.ones(2, requires_grad=True)
    result = module(x)
    assert type(result) is Scores
    result.second.sum().backward()
    assert seen == [2] and x.grad.tolist() == [3.0, 3.0]


@pytest.mark.parametrize(
    ("register", "message"),
    [
        (
            lambda m: m.register_full_backward_hook(lambda m, gi, go: (gi[0], gi[0])),
            "Backward hook returned an invalid number of grad_input, got 2, but expected 1",
        ),
        (
            lambda m: m.register_full_backward_hook(lambda m, gi, go: gi[0]),
            r"number of grad_input, got one Tensor, but expected 1: return a tuple, \(gradient,\)",
        ),
        (
            lambda m: m.register_full_backward_hook(lambda m, gi, go: (gi[0][:1],)),
            r"hook '<lambda>' has changed the size of value: \(2,\) to \(1,\)",
        ),
        (
            lambda m: m.register_full_backward_hook(lambda m, gi, go: [gi[0].double()]),
            "hook '<lambda>' has changed the type of value",
        ),
        (
            lambda m: m.register_full_backward_pre_hook(lambda m, go: (go[0], go[0])),
            "Backward pre hook returned an invalid number of grad_output, got 2, but expected 1",
        ),
    ],
)
def test_what_a_hook_returns_is_refused_where_it_is_no_gradient(register, message):
    layer = nn.Tanh()
    register(layer)
    with pytest.raises(RuntimeError, match=message):
        layer(torch.ones(2, requires_grad=True)).sum().backward()


def test_a_number_is_refused_by_the_name_of_the_hook_and_a_wrong_signature_by_pythons_words_alone():
    layer = nn.Tanh()
    handle = layer.register_full_backward_hook(lambda m, gi, go: 3)
    with pytest.raises(TypeError, match="expected Variable, but hook returned 'int': hook '<lambda>' returns"):
        layer(torch.ones(2, requires_grad=True)).sum().backward()
    handle.remove()
    layer.register_full_backward_hook(lambda m, gi: None)
    with pytest.raises(TypeError, match="takes 2 positional arguments but 3 were given") as refused:
        layer(torch.ones(2, requires_grad=True)).sum().backward()
    assert not hasattr(refused.value, "__notes__")


@pytest.mark.parametrize("needs_gradient", [False, True])
def test_a_write_into_the_result_of_a_module_with_a_backward_hook_names_the_hook(needs_gradient):
    layer = nn.Conv2d(1, 2, 3)
    layer.register_full_backward_hook(lambda m, grad_input, grad_output: None)
    net = nn.Sequential(layer, nn.ReLU(inplace=True))
    with pytest.raises(RuntimeError) as refused:
        net(torch.ones(1, 1, 5, 5, requires_grad=needs_gradient))
    assert "Output 0 of BackwardHookFunction is a view and is being modified inplace by relu_" in str(refused.value)
    assert "full backward hook" in str(refused.value) and "nn.ReLU(inplace=True)" in str(refused.value)
    assert nn.Sequential(layer, nn.ReLU())(torch.ones(1, 1, 5, 5)).shape == (1, 2, 3, 3)
