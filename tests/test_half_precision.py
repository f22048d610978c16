"""What an operation declares by `in_float32`: float16 is computed in float32 and rounded once."""

import numpy as np
import pytest

import minigrad as torch
from minigrad.autograd import operation
from minigrad.half_precision import round_once, round_result, sum_type, widen
from minigrad.ops import einsum, matmul
from minigrad.ops.elementwise import unary
from minigrad.ops.grad_fn_names import shown_as


def declare(in_float32):
    """An operation of two steps whose intermediate result, ``300 * 300 x``, is too large for float16."""
    seen = []

    def forward(x):
        seen.append(x.dtype.char)
        return x * 300 * 300 / 300 / 300

    def rule(g, x):
        seen.append(g.dtype.char + x.dtype.char)
        return g * 300 * 300 / 300 / 300

    if in_float32 == "forward":
        return operation("there_and_back", round_once(forward), rule), seen
    return operation("there_and_back", forward, rule, in_float32=in_float32), seen


@pytest.mark.parametrize(("in_float32", "types"), [(True, ["f", "ff"]), ("forward", ["f", "ee"]), (False, ["e", "ee"])])
def test_forward_and_rules_get_the_declared_type(in_float32, types):
    made, seen = declare(in_float32)
    x = torch.tensor([1.0, 0.9], dtype=torch.float16, requires_grad=True)
    y = made(x)
    y.sum().backward()
    assert seen == types
    assert y.dtype is x.grad.dtype is torch.float16
    assert y.tolist() == (x.tolist() if in_float32 else [np.inf, np.inf])
    assert x.grad.tolist() == ([1.0, 1.0] if in_float32 is True else [np.inf, np.inf])


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
def test_wider_types_are_computed_as_they_are(dtype):
    made, seen = declare(True)
    x = torch.ones(2, dtype=dtype, requires_grad=True)
    made(x).sum().backward()
    char = dtype.numpy.char
    assert seen == [char, char * 2] and x.grad.dtype is dtype


def test_of_arrays_and_of_copies_too():
    made, seen = declare(True)
    assert made(np.ones(2, np.float16)).dtype == np.float16
    shown_as(made, "OtherBackward0")(torch.ones(2, dtype=torch.float16))
    assert seen == ["f", "f"]


def test_gradients_of_wider_operands_are_not_rounded():
    scale = operation("scale", lambda x, w: x * w, lambda g, w: g * w, lambda g, x: g * x, in_float32=True)
    x, w = torch.full((1,), 0.1, dtype=torch.float16), torch.ones(1, requires_grad=True)
    scale(x, w).backward(torch.full((1,), 0.1, dtype=torch.float16))
    assert w.grad.item() == np.float32(np.float16(0.1)) * np.float32(np.float16(0.1))


def test_of_any_number_of_operands_too():
    seen = []

    def rule(g, i, others):
        seen.extend(x.dtype.char for x in (g, *others))
        return g * others[0]

    product = operation("product_of_two", lambda *xs: xs[0] * xs[1], rule, in_float32=True)
    x, y = (torch.full((1,), 3.0, dtype=torch.float16, requires_grad=True) for _ in range(2))
    product(x, y).backward()
    assert seen == ["f"] * 4 and x.grad.item() == y.grad.item() == 3.0


def test_a_kernel_rounds_what_it_computes():
    made, _ = declare(True)
    half = np.ones(1, np.float16)
    assert made.rules[0](half, half).dtype == np.float32
    assert round_result(made.rules[0])(half, half).dtype == round_result(made.forward)(half).dtype == np.float16
    plain, _ = declare(False)
    assert round_result(plain.forward) is plain.forward


def test_a_decorated_forward_shows_its_own_parameters():
    made, _ = declare(True)
    assert made.operands == ("x",) and made.reads == [("x",)]


def test_large_arrays_too(monkeypatch):
    monkeypatch.setattr("minigrad.passes.LARGE", 4)
    there_and_back = unary(
        "there_and_back", lambda x: x * 300 * 300 / 300 / 300, lambda g: g * 300 / 300, in_float32=True
    )
    x = torch.full((8,), 1000.0, dtype=torch.float16, requires_grad=True)
    y = there_and_back(x)
    y.backward(x)
    assert y.tolist() == x.grad.tolist() == [1000.0] * 8


@pytest.mark.parametrize("count", [5, 100_000])
def test_the_gradient_of_a_loss_is_computed_in_float32_too(count):
    """The count may be too large for float16, which ends at 65504."""
    x = torch.ones(count, dtype=torch.float16, requires_grad=True)
    x.mean().backward()
    assert x.grad[0].item() == x.grad[-1].item() == np.float16(1 / count)
    x.grad = None
    torch.nn.functional.l1_loss(x, torch.zeros_like(x)).backward()
    assert x.grad[0].item() == np.float16(1 / count)


PRODUCTS = {
    "matrices": torch.matmul,
    "batches": lambda x, y: torch.bmm(x.reshape(2, 8, 16), y.reshape(2, 16, 8)),
    "a layer": lambda x, y: torch.nn.functional.linear(x, y.T),
    "einsum": lambda x, y: torch.einsum("ij,jk->ki", x, y),
    "einsum of two": lambda x, y: torch.einsum("ij,ji->i", x, y),
}


@pytest.mark.cpu("NumPy's products are watched; on a GPU cuBLAS sums halves in float32")
@pytest.mark.parametrize("product", PRODUCTS.values(), ids=PRODUCTS)
def test_products_are_summed_in_float32(product, monkeypatch):
    rng = np.random.default_rng(0)
    x, y = (torch.tensor(rng.standard_normal((16, 16)).astype(np.float16), requires_grad=True) for _ in range(2))
    wide_x, wide_y = (t.detach().float().requires_grad_() for t in (x, y))
    kinds = []
    for name in ("dot", "matmul", "einsum"):
        whole = getattr(np, name)
        monkeypatch.setattr(
            np, name, lambda *args, _of=whole, **options: kinds.append(args[-1].dtype) or _of(*args, **options)
        )
    for family in (matmul, einsum):  # `x.dot(y)` of NumPy's arrays cannot be watched, but what is given to it
        monkeypatch.setattr(family, "widen", lambda a: kinds.append(widen(a).dtype) or widen(a))
    found, expected = product(x, y), product(wide_x, wide_y)
    assert found.dtype is torch.float16 and found.tolist() == expected.half().tolist()
    g = torch.tensor(rng.standard_normal(tuple(found.shape)).astype(np.float16))
    pairs = zip(
        torch.autograd.grad(found, (x, y), g), torch.autograd.grad(expected, (wide_x, wide_y), g.float()), strict=True
    )
    assert all(half.tolist() == wide.half().tolist() for half, wide in pairs)
    assert kinds and np.float16 not in kinds


def test_gradients_that_pytorch_makes_in_several_steps_round_in_each():
    rng = np.random.default_rng(0)
    x, end, weight, g = (torch.tensor(rng.standard_normal(64).astype(np.float16), requires_grad=True) for _ in range(4))
    a, b, w, c = (t.detach().numpy() for t in (x, end, weight, g))  # NumPy rounds each of its steps
    found = torch.autograd.grad(torch.lerp(x, end, weight), (x, end, weight), g.detach())
    for gradient, expected in zip(found, (c * (1 - w), c * w, c * (b - a)), strict=True):
        assert np.array_equal(gradient.numpy(), expected)
    off = a - x.detach().mean().numpy()
    assert np.array_equal(torch.autograd.grad(x.var(), x)[0].numpy(), np.float16(2 / 63) * off)
    std = x.std()
    slope = np.float16(1) / (2 * std.detach().numpy())
    assert np.array_equal(torch.autograd.grad(std, x)[0].numpy(), slope * np.float16(2 / 63) * off)


def test_only_halves_are_added_up_in_another_type():
    assert sum_type(np.ones(2, np.float16)) is np.float32
    for char in "fdlb":
        assert sum_type(np.ones(2, char)) == np.dtype(char)


def test_a_function_of_numpy_may_be_the_forward():
    exp = operation("exp", np.exp, lambda g, out: g * out, in_float32=True)
    x = torch.tensor([1.0, 11.0], dtype=torch.float16, requires_grad=True)
    y = exp(x)
    y.sum().backward()
    assert y.tolist() == x.grad.tolist() == np.exp([1.0, 11.0]).astype(np.float16).tolist()


@pytest.mark.parametrize("approximate", ["none", "tanh"])
def test_a_recorded_gradient_is_the_plain_one_also_where_a_step_would_overflow(approximate):
    values, gradients = [300.0, -300.0, 20.0, 0.5, -1.0], []
    for recorded in (False, True):
        x = torch.tensor(values, dtype=torch.float16, requires_grad=True)
        y = torch.nn.functional.gelu(x, approximate=approximate)
        gradients += torch.autograd.grad(y.sum(), x, create_graph=recorded)
    assert gradients[0].tolist() == gradients[1].tolist() and gradients[1].dtype == torch.float16
    assert gradients[0].tolist()[:3] == [1.0, 0.0, 1.0]
    second = torch.autograd.grad(gradients[1].sum(), x)[0].tolist()
    assert second[:3] == [0.0, 0.0, 0.0]
    np.testing.assert_allclose(second[3:], [0.6162, 0.2420], atol=5e-4)
