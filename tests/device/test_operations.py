"""Every family of operations on every array library, against NumPy and finite differences."""

import numpy as np
import pytest

import minigrad as mg
from minigrad import autograd
from tests import standin
from tests.device.cases import CASES as OPERATIONS
from tests.device.cases_nn import CASES_NN

CASES = OPERATIONS | CASES_NN
SMOOTH = [name for name, case in CASES.items() if case.smooth]


def make_operands(name, device=None, dtype=np.float64):
    """The operands of a case: NumPy arrays, or tensors that require gradients on `device`."""
    random = np.random.default_rng(len(name))
    arrays = [random.uniform(0.5, 1.5, shape).astype(dtype) for shape in CASES[name].shapes]
    if device is None:
        return arrays
    return [mg.tensor(a, device=device, requires_grad=True) for a in arrays]


def to_numpy(tensor):
    return tensor.detach().cpu().numpy()


@pytest.mark.parametrize("name", CASES)
def test_each_value_is_that_of_numpy(device, name):
    result = CASES[name].ours(*make_operands(name, device))
    expected = CASES[name].numpys(*make_operands(name))
    assert result.device.type == device and result.dtype == mg.float64
    assert tuple(result.shape) == np.shape(expected)
    np.testing.assert_allclose(to_numpy(result), expected, rtol=1e-12, atol=1e-13)


def differentiate_numerically(function, points, directions, step=1e-5):
    """The derivative of a scalar function along `directions`, by central differences."""

    def at(t):
        return function(*[p + t * d for p, d in zip(points, directions, strict=True)]).item()

    return (at(step) - at(-step)) / (2 * step)


def weight_the_result(name, device):
    """The case as a scalar function: its result, weighted at random."""
    random = np.random.default_rng(1)
    weights = random.normal(size=np.shape(CASES[name].numpys(*make_operands(name))))
    weights = mg.tensor(np.asarray(weights), device=device)
    return lambda *tensors: (CASES[name].ours(*tensors) * weights).sum()


def draw_directions(tensors):
    random = np.random.default_rng(2)
    return [mg.tensor(random.normal(size=t.shape), device=t.device) for t in tensors]


@pytest.mark.parametrize("name", SMOOTH)
def test_each_gradient_is_that_of_finite_differences(device, name):
    points, function = make_operands(name, device), weight_the_result(name, device)
    directions = draw_directions(points)
    gradients = autograd.grad(function(*points), points)
    assert all(g.device.type == device for g in gradients)
    got = sum((g * d).sum().item() for g, d in zip(gradients, directions, strict=True))
    with mg.no_grad():
        assert got == pytest.approx(differentiate_numerically(function, points, directions), rel=1e-6, abs=1e-8)


@pytest.mark.parametrize("name", [name for name in SMOOTH if name != "function: sign"])  # its gradient is a constant
def test_each_second_gradient_is_that_of_finite_differences(device, name):
    points, function = make_operands(name, device), weight_the_result(name, device)
    along, other = draw_directions(points), draw_directions(points[::-1])[::-1]

    def first(*tensors):
        # Squared, so that an operation linear in its operand has a second derivative too.
        gradients = autograd.grad(function(*tensors) ** 2, tensors, create_graph=True)
        return sum((g * d).sum() for g, d in zip(gradients, other, strict=True))

    def first_alone(*tensors):
        return first(*[t.detach().requires_grad_() for t in tensors])

    seconds = autograd.grad(first(*points), points)
    got = sum((g * d).sum().item() for g, d in zip(seconds, along, strict=True))
    assert got == pytest.approx(differentiate_numerically(first_alone, points, along), rel=1e-5, abs=1e-6)


@pytest.mark.parametrize("name", SMOOTH)
def test_each_rule_is_linear_in_the_gradient_also_at_0(device, name):
    # A forward-mode derivative is read off the rules at a gradient of 0.
    points, function = make_operands(name, device), weight_the_result(name, device)
    directions = draw_directions(points)
    gradients = autograd.grad(function(*points), points)
    expected = sum((g * d).sum().item() for g, d in zip(gradients, directions, strict=True))
    got = mg.func.jvp(function, tuple(p.detach() for p in points), tuple(directions))[1].item()
    assert got == pytest.approx(expected, rel=1e-9, abs=1e-9)


@pytest.mark.usefixtures("stand_in")
@pytest.mark.parametrize("name", sorted(set(CASES) - {"index: a list", "arithmetic: floor_divide"}))
def test_no_operation_copies_between_host_and_gpu(name):
    points = make_operands(name, "cuda", np.float32)
    result = CASES[name].ours(*points)
    moved = list(standin.crossings)
    standin.crossings.clear()
    result.sum().backward()
    assert standin.crossings == []  # (a list of indices must cross, floor_divide has no gradient)
    assert all(how == "to device: asarray" for how in moved)  # operands made by the test itself
    gradients = [p.grad for p in points if p.grad is not None]
    assert gradients
    assert all(g.dtype == mg.float32 and g.device.type == "cuda" for g in gradients)
