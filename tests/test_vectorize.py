"""`vmap` beside loops, alone and together with derivatives."""

import pytest

import minigrad as torch
import minigrad.nn.functional as F

X = torch.arange(24.0).reshape(2, 3, 4).sin()


def test_vmap_maps_and_stacks_along_any_axes():
    for dim in (0, 1, -1):
        found = torch.vmap(lambda a: (a.T, a.sum()), in_dims=dim, out_dims=(-1, 0))(X)
        parts = X.unbind(dim)
        assert torch.equal(found[0], torch.stack([p.T for p in parts], -1))
        assert torch.equal(found[1], torch.stack([p.sum() for p in parts]))
    by_name = torch.vmap(lambda d, *, y: d["a"] * d["b"] + y, in_dims=({"a": 0, "b": None},))
    assert torch.equal(by_name({"a": X, "b": X[0]}, y=1.0), X * X[0] + 1)
    assert torch.equal(torch.vmap(torch.vmap(torch.dot))(X, X), (X * X).sum(-1))


def test_vmap_composes_with_derivatives():
    per_sample = torch.vmap(torch.func.grad(lambda w, x: (w * x).sum() ** 2), in_dims=(None, 0))
    w = torch.ones(3, 4)
    assert torch.allclose(per_sample(w, X), 2 * (w * X).sum((1, 2))[:, None, None] * X)
    assert torch.allclose(torch.func.jacrev(torch.vmap(torch.sin))(X[0, 0]), X[0, 0].cos().diag())
    assert torch.allclose(torch.vmap(torch.func.hessian(lambda r: (r**3).sum()))(X[0]), torch.diag_embed(6 * X[0]))
    x = X.clone().requires_grad_()
    torch.vmap(lambda a: a.exp())(x).sum().backward()
    assert torch.allclose(x.grad, X.exp())
    images, kernel = X[:, None], torch.ones(1, 1, 2, 2)
    assert torch.allclose(torch.vmap(F.conv2d, in_dims=(0, None))(images, kernel), F.conv2d(images, kernel))


def test_out_dims_none_takes_only_a_result_that_no_example_changes():
    shared = torch.tensor([1.0, float("nan")])
    both = torch.vmap(lambda a: (shared * 2, a), out_dims=(None, 0))
    assert both(X)[0].tolist()[0] == 2 and torch.equal(both(X)[1], X)
    with pytest.raises(ValueError, match="when out_dim is None: examples 0 and 1 gave different results; out_dims=0"):
        torch.vmap(torch.sin, out_dims=None)(X)


def test_an_example_may_write_to_its_own_row():
    x = torch.zeros(2, 4)
    assert torch.equal(torch.vmap(torch.Tensor.add_)(x, X[0, :2]), X[0, :2])
    assert torch.equal(x, X[0, :2])


def test_no_examples_give_no_results_of_the_shape_of_one_and_stay_in_the_graph():
    x = torch.ones(3, 0, 2, requires_grad=True)
    total, turned = torch.vmap(lambda a: (a.sum(), a.t() > 0), in_dims=1, out_dims=(0, -1))(x)
    assert total.shape == (0,)
    assert (turned.shape, turned.dtype) == ((2, 3, 0), torch.bool)
    total.sum().backward()
    assert x.grad.shape == x.shape
    assert torch.vmap(torch.vmap(torch.func.grad(torch.sum)))(torch.ones(0, 2, 3)).shape == (0, 2, 3)


def test_randomness_refuses_shares_or_draws_anew():
    torch.manual_seed(0)
    before = torch.get_rng_state()
    with pytest.raises(RuntimeError, match="called random operation while in randomness error mode"):
        torch.vmap(torch.rand_like)(X)
    assert torch.equal(torch.get_rng_state(), before)
    same, new = [torch.vmap(torch.rand_like, randomness=how)(X) for how in ("same", "different")]
    assert torch.equal(same[0], same[1]) and not torch.equal(new[0], new[1])


@pytest.mark.parametrize(
    ("call", "error", "message"),
    [
        (lambda: torch.vmap(torch.dot)(X[0], X[0, :2]), ValueError, "same size in the mapped dimension"),
        (lambda: torch.vmap(torch.sin, in_dims=3)(X), ValueError, "expected in_dim to satisfy -3 <= in_dim < 3"),
        (lambda: torch.vmap(torch.sin)(2.0), ValueError, "We cannot vmap over non-Tensor"),
        (lambda: torch.vmap(torch.sin, in_dims=None)(X), ValueError, "at least one of in_dims"),
        (lambda: torch.vmap(torch.sin, in_dims=(0, 0))(X), ValueError, "in_dims=.* is not compatible"),
        (lambda: torch.vmap(torch.sin)(), ValueError, "got no inputs"),
        (lambda: torch.vmap(lambda a: 3)(X), ValueError, "must only return Tensors"),
        (lambda: torch.vmap(torch.sin, randomness="some"), RuntimeError, "Only allowed values for randomness"),
        (
            lambda: torch.vmap(torch.Tensor.add_, in_dims=(None, 0))(torch.ones(4), X[0]),
            RuntimeError,
            r"argument of shape \(4,\) that all examples see .*x.clone\(\)",
        ),
        (lambda: torch.vmap(torch.sin, chunk_size=0), ValueError, "chunk_size should be None or greater than 0"),
    ],
)
def test_refused(call, error, message):
    with pytest.raises(error, match=message):
        call()


def test_vmap_of_grad_walks_one_graph_for_each_row():
    x = torch.tensor([1.0, 2.0, 3.0], requires_grad=True)
    y = x**2
    jacobian = torch.vmap(lambda v: torch.autograd.grad(y, x, v)[0])(torch.eye(3))
    assert jacobian.tolist() == [[2.0, 0.0, 0.0], [0.0, 4.0, 0.0], [0.0, 0.0, 6.0]]
    with pytest.raises(RuntimeError, match="a second time"):  # the last example has freed it
        torch.autograd.grad(y, x, torch.ones(3))
