"""`gradcheck` finds and names each planted mistake, and does not mistake kinks for mistakes."""

import numpy as np
import pytest

import minigrad as mg
from minigrad.autograd import gradcheck, gradgradcheck, operation
from minigrad.autograd.gradcheck import GradcheckError, Trial


def leaf(*shape, seed=0, dtype=mg.float64):
    numbers = np.random.default_rng(seed).uniform(0.5, 1.5, size=shape)
    return mg.tensor(numbers, dtype=dtype, requires_grad=True)


def square(rule):
    return operation("square", lambda x: x * x, rule)


def product(x_rule, y_rule):
    return operation("product", lambda x, y: x @ y, x_rule, y_rule)


MISTAKES = {
    "the sign": (square(lambda g, x: -g * 2 * x), (leaf(3),), "sign|negat|minus"),
    "a factor": (square(lambda g, x: g * x), (leaf(3),), "divided by 2"),
    "a factor too many": (square(lambda g, x: g * 6 * x), (leaf(3),), "times 3"),
    "a constant": (square(lambda g, x: g * 2 * x * 1.37), (leaf(3),), "times 1.37"),
    "nothing comes back": (square(lambda g, x: g * 0), (leaf(3),), "zero"),
    "a transpose": (
        operation("twice", lambda x: 2 * x, lambda g: 2 * np.swapaxes(g, 0, 1)), (leaf(3, 3),), "transposed"),
    "a flipped kernel": (
        operation("weigh", lambda x: x * WEIGHTS, lambda g: (g * WEIGHTS)[::-1, ::-1]), (leaf(3, 2),), "flipped"),
    "the upstream gradient dropped": (
        square(lambda g, x: 2 * x + 0 * g), (leaf(3),), "upstream|not multiplied by grad_output"),
    "swapped operands": (
        operation("over", lambda x, y: x / y, lambda g, x: g / x, lambda g, x, y: -g * x / y / y),
        (leaf(3, seed=1), leaf(3, seed=2)), "with respect to input 0"),
}  # fmt: skip
WEIGHTS = mg.arange(1.0, 7.0, dtype=mg.float64).reshape(3, 2).array


@pytest.mark.parametrize("mode", ["full", "fast"])
@pytest.mark.parametrize("mistake", MISTAKES)
def test_a_mistake_is_found_and_named(mistake, mode):
    function, inputs, words = MISTAKES[mistake]
    with pytest.raises(GradcheckError, match=words):
        gradcheck(function, inputs, fast_mode=mode == "fast")
    assert not gradcheck(function, inputs, fast_mode=mode == "fast", raise_exception=False)


def test_right_gradients_pass():
    for fast in (False, True):
        assert gradcheck(square(lambda g, x: g * 2 * x), leaf(2, 3), fast_mode=fast)
        assert gradgradcheck(square(lambda g, x: g * 2 * x), leaf(2, 3), fast_mode=fast)


def test_the_message_names_the_worst_place():
    wrong = operation("shifted", lambda x: x * x, lambda g, x: g * (2 * x + SPIKE))
    with pytest.raises(GradcheckError) as caught:
        gradcheck(lambda y, x: y + wrong(x), (leaf(2, 3), leaf(2, 3)))
    text = str(caught.value)
    assert "output 0 with respect to input 1" in text
    assert "worst at input index (1, 2)" in text
    assert "numerical: " in text and "analytical: " in text


SPIKE = mg.tensor([[0.1, 0, 0], [0, 0, 7]], dtype=mg.float64).array


def test_a_kink_is_distinguished_from_a_mistake():
    x = mg.tensor([0.0, 1.0], dtype=mg.float64, requires_grad=True)
    with pytest.raises(GradcheckError, match="kink there: its slope is 0 to the left and 1 to the"):
        gradcheck(mg.relu, x)
    assert gradcheck(mg.relu, leaf(3))


def test_equal_numbers_that_are_sorted_are_a_kink():
    x = mg.ones(3, dtype=mg.float64, requires_grad=True)
    with pytest.raises(GradcheckError, match="kink there: its slope is"):
        gradcheck(lambda x: x.sort().values, x)


def test_an_infinite_gradient_is_no_missing_upstream():
    x = mg.zeros(1, dtype=mg.float64, requires_grad=True)
    with pytest.raises(
        GradcheckError, match=r"^Jacobian mismatch for .*\n.*\n.*\n.*\nThe gradient is not finite there"
    ) as told:
        gradcheck(mg.sqrt, x)
    assert "upstream" not in str(told.value)


def test_a_straight_through_estimate_is_told_from_a_mistake():
    class Sign(mg.autograd.Function):
        @staticmethod
        def forward(ctx, x):
            return x.sign()

        @staticmethod
        def backward(ctx, g):
            return g

    with pytest.raises(
        GradcheckError, match=r"does not change with x here, .* passed straight through, no check can agree"
    ):
        gradcheck(Sign.apply, leaf(3))


def test_gradgradcheck_finds_a_wrong_second_derivative():
    """The rule reads the operand outside the graph: right once, wrong the second time."""

    class Cube(mg.autograd.Function):
        @staticmethod
        def forward(ctx, x):
            ctx.save_for_backward(x)
            return x**3

        @staticmethod
        def backward(ctx, g):
            return g * 3 * ctx.saved_tensors[0].detach() ** 2

    assert gradcheck(Cube.apply, leaf(3))
    with pytest.raises(GradcheckError, match="Jacobian mismatch"):
        gradgradcheck(Cube.apply, leaf(3))


def _write_into_zeros(g, x):
    slope = np.zeros(x.shape)
    slope[x > 0] = g[x > 0]
    return slope


@pytest.mark.parametrize(
    "rule", [_write_into_zeros, lambda g, x: np.where(x > 0, g, np.zeros(x.shape))], ids=["write", "zeros"]
)
def test_a_rule_for_arrays_alone_is_told_what_it_may_do_on_tensors(rule):
    ramp = operation("ramp", lambda x: np.maximum(x, 0.0), rule)
    assert gradcheck(ramp, leaf(3))
    for differentiate_twice in (
        lambda: gradgradcheck(ramp, leaf(3)),
        lambda: (ramp(leaf(3)) ** 2).sum().backward(create_graph=True),
    ):
        with pytest.raises((RuntimeError, TypeError)) as raised:
            differentiate_twice()
        (note,) = raised.value.__notes__
        assert note.startswith("The gradient rule of RampBackward0 ran on Tensors instead of arrays, because of")
        assert "create_graph=True" in note and "docs/adding_an_operation.md" in note


def test_leaves_that_the_function_closes_over_keep_their_gradient():
    w = leaf(3, seed=5)
    assert gradcheck(lambda x: x * w, leaf(3)) and w.grad is None


@pytest.mark.parametrize("check", [gradcheck, gradgradcheck])
def test_no_gradient_goes_to_what_the_function_closes_over(check):
    w, seen = leaf(3, seed=5), []
    w.register_hook(seen.append)
    freed = w.exp() * w
    freed.register_hook(seen.append)
    freed.sum().backward()
    seen.clear()
    assert check(lambda x: x * x * w * freed, leaf(3))
    assert seen == []


def test_an_input_that_is_not_used_has_the_gradient_zero_even_where_it_is_infinite():
    far = mg.tensor([float("inf")], dtype=mg.float64, requires_grad=True)
    trial = Trial(lambda x, y: x * 2, (leaf(1), far), 1e-6, 1e-5, 1e-3, 0.0)
    assert trial.gradients(trial.cotangents)[1].tolist() == [0]


def test_gradgradcheck_takes_cotangents():
    assert gradgradcheck(lambda x: x**3, leaf(3), leaf(3, seed=4))
    assert gradgradcheck(lambda x: x * 3, leaf(3))  # linear: nothing left to differentiate


def test_float32_is_checked_in_float64():
    x = leaf(4, dtype=mg.float32)
    assert gradcheck(lambda x: (x.exp() * x.tanh()).sum(), x)
    assert x.dtype == mg.float32


@pytest.mark.parametrize("fast", [False, True])
def test_inputs_are_not_modified(fast):
    x, bystander = leaf(2, 3), mg.ones(3, dtype=mg.float64)
    before = x.detach().numpy().copy()
    gradcheck(lambda a, b: a * b, (x, bystander), fast_mode=fast)
    np.testing.assert_array_equal(x.detach().numpy(), before)
    assert (bystander == 1).all() and x.grad is None and x._version == 0


def test_inputs_are_restored_when_the_function_fails():
    x, calls = leaf(2), []

    def fails_the_fourth_time(x):
        calls.append(1)
        if len(calls) == 4:
            raise ZeroDivisionError
        return x * 2

    before = x.detach().numpy().copy()
    with pytest.raises(ZeroDivisionError):
        gradcheck(fails_the_fourth_time, x)
    np.testing.assert_array_equal(x.detach().numpy(), before)


def test_non_contiguous_inputs_stay_non_contiguous():
    layouts = []

    def function(x):
        layouts.append(x.is_contiguous())
        return x.exp()

    x = mg.from_numpy(np.random.default_rng(0).normal(size=(3, 4)).T).requires_grad_()
    assert not x.is_contiguous()
    assert gradcheck(function, x)
    assert layouts and not any(layouts)


def test_a_function_that_writes_to_its_input_is_refused():
    def writes(x):
        with mg.no_grad():
            x.add_(1.0)
        return x * 2

    with pytest.raises(GradcheckError, match="wrote into its input 0"):
        gradcheck(writes, leaf(3))


def test_operands_that_are_refused_at_other_numbers_than_their_own_stay_there():
    p = mg.tensor([0.7, 0.2], dtype=mg.float64, requires_grad=True)
    target = mg.tensor([1.0, 0.0], dtype=mg.float64)  # a loss refuses a target above 1, a distribution 1e-6
    assert gradcheck(mg.nn.functional.binary_cross_entropy, (p, target))
    assert gradcheck(lambda sample, p: mg.distributions.Bernoulli(p).log_prob(sample), (target, p))


def test_a_backward_that_differs_from_run_to_run_is_refused():
    draws = np.random.default_rng(0)
    noisy = operation("noisy", lambda x: 2 * x, lambda g: 2 * g * draws.normal(1, 1e-3))
    with pytest.raises(GradcheckError, match="not reentrant"):
        gradcheck(noisy, leaf(3))


def test_a_detached_input_is_reported():
    with pytest.raises(GradcheckError, match="expected to be zero"):
        gradcheck(lambda x: x.detach() * 2, leaf(3))
    assert gradcheck(lambda x: mg.ones(2, dtype=mg.float64), leaf(3))


@pytest.mark.parametrize("fast_mode", [True, False])
def test_outputs_that_change_their_shape_or_dtype_nearby(fast_mode):
    one = mg.ones(1, dtype=mg.float64, requires_grad=True)
    with pytest.raises(AssertionError, match=r"same shape when .*: output 0 has shape .*\[2\]\), beside the .*\[1\]"):
        gradcheck(lambda x: mg.cat([x, x]) if x >= 1 else x, one, fast_mode=fast_mode)
    with pytest.raises(AssertionError, match=r"same dtype when .*output 0 has dtype minigrad.float32, .*float64"):
        gradcheck(lambda x: x.float() if x >= 1 else x, one, fast_mode=fast_mode)
    with pytest.raises(AssertionError, match="as many outputs beside the inputs, 2: got 1"):
        gradcheck(lambda x: (x, x * 2) if x >= 1 else x, one, fast_mode=fast_mode)


def test_each_pair_of_input_and_output_is_checked():
    assert gradcheck(lambda x, y: (x * y, x.sum(), x > y), (leaf(3, seed=1), leaf(3, seed=2)))
    with pytest.raises(GradcheckError, match="output 1 with respect to input 0"):
        gradcheck(lambda x, y: (x * y, square(lambda g, x: g * x)(x)), (leaf(3), leaf(3)))


@pytest.mark.parametrize(
    ("function", "inputs", "words"),
    [
        (mg.exp, (mg.ones(2),), "requires_grad=True"),
        (lambda x: x > 0, (leaf(2),), "floating-point tensor"),
        (lambda x: None, (leaf(2),), "floating-point tensor"),
    ],
)
def test_refused(function, inputs, words):
    with pytest.raises(ValueError, match=words):
        gradcheck(function, inputs)


def test_gradgradcheck_needs_an_input_to_check_too():
    with pytest.raises(ValueError, match="requires_grad=True"):
        gradgradcheck(mg.exp, mg.ones(2))


def test_inputs_without_elements_pass():
    assert gradcheck(lambda x: x * 2, leaf(0))
    assert gradgradcheck(lambda x: x * x, leaf(0, 3))


def test_pytorchs_other_options_are_accepted():
    x = mg.tensor([0.5, 1.5], dtype=mg.float64, requires_grad=True)
    every = {"check_forward_ad": True, "check_batched_forward_grad": True, "check_batched_grad": True}
    assert gradcheck(mg.exp, x, **every, check_grad_dtypes=True, check_undefined_grad=False, masked=True)
    assert gradgradcheck(mg.exp, x, check_fwd_over_rev=True, check_batched_grad=True)
    with pytest.raises(AssertionError, match="at least one of check_forward_ad or check_backward_ad"):
        gradcheck(mg.exp, x, check_backward_ad=False)
    with pytest.raises(AssertionError, match="requires check_forward_ad"):
        gradcheck(mg.exp, x, check_batched_forward_grad=True)


@pytest.mark.parametrize(("function", "eps"), [(lambda x: x / 0, 1e-6), (lambda x: x.log() / 0, 1e-6), (mg.sin, 0)])
@pytest.mark.filterwarnings("error")
def test_a_check_of_what_is_infinite_gives_none_of_numpys_warnings(function, eps):
    assert not gradcheck(function, (leaf(3),), eps=eps, raise_exception=False)


def test_hooks_on_the_gradient_of_an_input_count():
    x, seen = mg.ones(2, dtype=mg.float64, requires_grad=True), []
    handle = x.register_hook(lambda g: seen.append(g.tolist()))
    assert mg.autograd.gradcheck(lambda x: x * x, (x,)) and seen and x.grad is None
    handle.remove()
    x.register_hook(lambda g: g * 2)
    with pytest.raises(GradcheckError):
        mg.autograd.gradcheck(lambda x: x * x, (x,))


def test_a_view_made_before_its_memory_was_written_to_is_checked():
    def take_then_add(x):
        whole = mg.ones(5, dtype=mg.float64)
        part = whole[1:3]
        whole.add_(x * x)
        return part

    x = leaf(1)
    assert gradcheck(take_then_add, (x,)) and gradgradcheck(take_then_add, (x,))


@pytest.mark.parametrize("option", ["eps", "atol", "rtol", "nondet_tol"])
def test_a_tolerance_is_a_number(option):
    x = mg.ones(2, dtype=mg.float64, requires_grad=True)
    with pytest.raises(TypeError, match=rf"^gradcheck\(\): argument '{option}' must be a number, not str 'a'$"):
        mg.autograd.gradcheck(mg.sin, x, **{option: "a"})
