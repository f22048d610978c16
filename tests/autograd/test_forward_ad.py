"""Dual numbers: tangents of results are Jacobian-vector products, as `func.jvp` computes them."""

import pytest

import minigrad as mg
from minigrad import nn
from minigrad.autograd import forward_ad
from minigrad.autograd.forward_ad import dual_level, make_dual, unpack_dual
from tests.refusals import refusals

X, V = mg.tensor([0.5, 2.0]), mg.tensor([1.0, -3.0])

FUNCTIONS = {
    "elementwise": mg.exp,
    "softmax": lambda x: x.softmax(0),
    "a product": mg.prod,
    "a sort": lambda x: x.sort(descending=True).values,
    "a convolution of two": lambda x: nn.functional.conv1d(x.view(1, 1, 2), x.view(1, 1, 2)),
    "writes": lambda x: mg.zeros(2).index_put_((mg.tensor(0),), x[1] * 3),
    "a write in place": lambda x: (x * 1).mul_(x),
}


@pytest.mark.parametrize("name", FUNCTIONS)
def test_the_tangent_is_that_of_jvp(name):
    function = FUNCTIONS[name]
    value, tangent = mg.func.jvp(function, (X,), (V,))
    with dual_level():
        found = unpack_dual(function(make_dual(X, V)))
    assert found.primal.tolist() == value.tolist() and not found.primal.requires_grad
    assert found.tangent.tolist() == tangent.tolist() and not found.tangent.requires_grad


def test_a_dual_tensor_shares_memory_and_keeps_its_tangent():
    x = mg.tensor([1.0, 2.0])
    with dual_level():
        dual = make_dual(x, V)
        assert unpack_dual(dual).tangent is V
        dual.mul_(2)
        assert x.tolist() == [2.0, 4.0]
        assert unpack_dual(dual).tangent.tolist() == [2.0, -6.0]


def test_what_depends_on_no_dual_tensor_has_no_tangent():
    with dual_level():
        dual = make_dual(X, V)
        for other in (X, dual.detach(), dual.long(), dual > 0, X.clone().requires_grad_() * 2):
            assert unpack_dual(other).tangent is None
        assert unpack_dual(dual.floor()).tangent.tolist() == [0.0, 0.0]


def test_tangents_end_with_their_level():
    with dual_level() as level:
        y = make_dual(X, V) * 2
        assert level == 0 and unpack_dual(y, level=level).tangent is not None
        dual = make_dual(X, V)
    assert unpack_dual(y) == (y, None)
    with dual_level():
        assert unpack_dual(y).tangent is unpack_dual(dual).tangent is None
        make_dual(X, V)
        assert unpack_dual(y).tangent is unpack_dual(dual).tangent is None


def test_several_tangents_add_up_in_a_module_too():
    layer, x = nn.Linear(2, 1), mg.tensor([[3.0, 5.0]])
    tangents = {"weight": mg.tensor([[1.0, 10.0]]), "bias": mg.tensor([100.0])}
    with dual_level():
        duals = {name: make_dual(p, tangents[name]) for name, p in layer.named_parameters()}
        out = mg.func.functional_call(layer, duals, (x,))
        assert unpack_dual(out).tangent.tolist() == [[153.0]]


def test_tangents_and_primals_are_differentiated_by_backward():
    x, v = mg.tensor([1.0, 2.0], requires_grad=True), mg.tensor([1.0, 3.0], requires_grad=True)
    with dual_level():
        primal, tangent = unpack_dual((make_dual(x, v) ** 3).sum())
        assert (primal.item(), tangent.item()) == (9.0, 39.0)
        by_x, by_v = mg.autograd.grad(tangent, (x, v))
        assert (by_x.tolist(), by_v.tolist()) == ([6.0, 36.0], [3.0, 12.0])
        primal.backward()
    assert x.grad.tolist() == [3.0, 12.0]


def test_a_tangent_may_have_another_dtype():
    with dual_level():
        assert unpack_dual(make_dual(X, V.double()) * 2).tangent.dtype == mg.float32


def within(call):
    def run():
        with dual_level():
            call()

    return run


REFUSED = {
    "no level": (lambda: make_dual(X, V), RuntimeError, r"make sure to enter_dual_level\(\) first"),
    "no level to leave": (forward_ad.exit_dual_level, RuntimeError, "Trying to exit a forward AD level"),
    "another level": (lambda: within(lambda: forward_ad.exit_dual_level(level=1))(), RuntimeError, "was not the last"),
    "two levels": (within(forward_ad.enter_dual_level), RuntimeError, "Nested forward mode AD is not supported"),
    "integers": (within(lambda: make_dual(X.long(), V)), ValueError, "Expected primal to be floating.*int64"),
    "an integer tangent": (within(lambda: make_dual(X, V.long())), ValueError, "Expected tangent to be.*int64"),
    "another shape": (within(lambda: make_dual(X, V[:1])), RuntimeError, r"size \(1,\) that has a different size"),
    "a dual": (within(lambda: make_dual(make_dual(X, V), V)), RuntimeError, "has a tangent.*unpack_dual.*primal"),
    "a number": (lambda: unpack_dual(1.0), TypeError, "must be Tensor, not float"),
    "a number as tangent": (
        within(lambda: make_dual(X, 1.0)),
        AttributeError,
        "tangent must be a Tensor, not float; wrap",
    ),
}

test_refused = refusals(REFUSED)
