"""Elementwise functions as one kernel: shapes, strides, numbers, and calls that the kernel does not handle."""

import re
from importlib import import_module
from pathlib import Path

import numpy as np
import pytest

import minigrad as torch
from minigrad import backend, ops
from minigrad.autograd.recording import Operation
from minigrad.gpu import elementwise
from minigrad.gpu.elementwise import Elementwise
from minigrad.gpu.placement import place
from minigrad.ops.elementwise import ELEMENTWISE
from minigrad.ops.elementwise import elementwise as declare
from tests.standin.journal import launches


def normal(*shape):
    return np.random.default_rng(0).standard_normal(shape).astype("f")


# Operands whose layouts in memory need different indexing.
LAYOUTS = {
    "from one end to the other": (normal(7), normal(7)),
    "more than a block": (normal(1030), normal(1030)),
    "a scalar beside": (normal(3, 5), normal()),
    "one element in more axes": (normal(5), normal(1, 1)),
    "a row for each": (normal(6, 8), normal(8)),
    "a row of odd length for each": (normal(6, 7), normal(7)),
    "a column for each": (normal(6, 8), normal(6, 1)),
    "a channel for each": (normal(2, 3, 4, 5), normal(1, 3, 1, 1)),
    "row and column": (normal(5, 1), normal(1, 4)),
    "both transposed": (normal(4, 6).T, normal(4, 6).T),
    "one transposed": (normal(6, 4), normal(4, 6).T),
    "channels last": (normal(2, 4, 5, 3).transpose(0, 3, 1, 2), normal(2, 4, 5, 3).transpose(0, 3, 1, 2)),
    "every other": (normal(6, 8)[:, ::2], normal(6, 4)),
    "from the end": (normal(6, 8)[::-1, ::-1], normal(6, 8)),
    "not at a multiple of 16 bytes": (normal(9)[1:], normal(8)),
    "rows not at a multiple of 16 bytes": (normal(4, 9)[:, 1:], normal(4, 8)),
    "five axes": (normal(2, 1, 3, 1, 4), normal(1, 2, 1, 3, 4)),
    "empty": (normal(0, 3), normal(3)),
    "repeated by stride 0": (np.broadcast_to(normal(3, 1), (3, 4)), normal(3, 4)),
}


@pytest.mark.parametrize(("x", "y"), LAYOUTS.values(), ids=LAYOUTS)
def test_operands_of_every_layout_are_read_by_one_kernel(launched, x, y):
    function = Elementwise(lambda x, y: x - 2.0 * y)
    before = x.copy(), y.copy()
    got = function(x, y)
    wanted = x - np.float32(2) * y
    np.testing.assert_array_equal(got, wanted)
    assert got.shape == wanted.shape and got.dtype == wanted.dtype
    assert len(launched) == bool(wanted.size)
    np.testing.assert_array_equal(before[0], x)
    np.testing.assert_array_equal(before[1], y)


@pytest.mark.parametrize("name", ["both transposed", "channels last"])
def test_the_result_has_the_strides_of_its_operand(launched, name):
    x = LAYOUTS[name][0]
    assert Elementwise(np.negative)(x).strides == x.strides


@pytest.mark.parametrize(
    ("shape", "operands", "wanted"),
    [  # strides of the operands, and of PyTorch's sum of them or copy of one
        ((2, 3, 3), [(9, 1, 3), (3, 6, 1)], (9, 1, 3)),
        ((2, 3, 3), [(3, 6, 1), (9, 1, 3)], (3, 6, 1)),
        ((3, 3, 2, 3), [(0, 1, 9, 3)], (18, 1, 9, 3)),
        ((3, 2, 2), [(0, 1, 2)], (4, 1, 2)),
        ((2, 3, 4), [(0, 1, 3), (12, 4, 1)], (12, 1, 3)),
        ((2, 3, 4), [(0, 0, 0), (1, 8, 2)], (1, 8, 2)),
        ((3, 3), [(1, 1), (1, 3)], (1, 3)),
        ((2, 2), [(1, 2), (2, 1)], (1, 2)),
    ],
)
def test_strides_of_results_are_pytorchs(stand_in, shape, operands, wanted):
    first, *others = [torch.arange(99.0, device="cuda").as_strided(shape, steps) for steps in operands]
    for result in [sum(others, first)] if others else [first.clone(), first.double()]:
        assert result.stride() == wanted
        assert result.tolist() == sum([x.cpu() for x in others], first.cpu()).tolist()


@pytest.mark.parametrize("char", "?eld")
def test_copies_of_every_element_size_are_exact(launched, char):
    copy, x = Elementwise(lambda x: x.copy()), np.arange(-3, 6).astype(char)
    np.testing.assert_array_equal(copy(x), x)
    np.testing.assert_array_equal(copy(x[1:]), x[1:])


def test_large_arrays_are_indexed_by_64_bits():
    wide = place(False, (0, 1), ((2**16, 2**16), (2**18, 4), 4), ((2**16,), (4,), 4))
    assert wide.index_type == "long long" and wide.size == 2**32 and wide.blocks == 2**22
    assert all(type(n) is np.int64 for n in wide.arguments)
    far = place(False, (0, 1), ((8, 8), (2**40, 4), 4), ((8,), (4,), 4))
    assert far.index_type == "long long"
    assert place(False, (0, 1), ((8, 8), (32, 4), 4), ((8,), (4,), 4)).index_type == "int"


def test_numbers_are_arguments_of_one_kernel(launched):
    scale = Elementwise(lambda x, y: x * y + (1 - y))
    x = normal(5)
    for factor in (2.0, 3.5, 0.1):
        np.testing.assert_array_equal(scale(x, factor), x * factor + (1 - factor))
    assert len(set(launched)) == 1
    np.testing.assert_array_equal(scale(x, np.float32(0.1)), x * np.float32(0.1) + (1 - np.float32(0.1)))
    half = x.astype("e")
    np.testing.assert_array_equal(scale(half, 0.1), half * 0.1 + (1 - 0.1))
    np.testing.assert_array_equal(scale(half, np.float16(0.1)), half * np.float16(0.1) + (1 - np.float16(0.1)))


def test_a_function_that_branches_on_its_number_gets_a_kernel_for_each_branch(launched):
    power = Elementwise(lambda x, y: x * x if isinstance(y, int) and y == 2 else np.power(x, y))
    x = np.abs(normal(5))
    np.testing.assert_array_equal(power(x, 2), x * x)
    np.testing.assert_allclose(power(x, 3), x**3, rtol=1e-6)
    np.testing.assert_allclose(power(x, 2.5), x**2.5, rtol=1e-6)
    assert len(set(launched)) == 3 and launched[0].startswith("multiply") and launched[1].startswith("power")


def test_a_function_that_cannot_be_traced_is_called_itself(launched):
    x = normal(3, 4)
    for function in (
        lambda x: x - x.max(axis=0),  # a reduction
        lambda x: x if x[0, 0] > 0 else -x,  # a value
        lambda x: np.sort(x),
        lambda x: np.sinc(x),
        lambda x: np.fft.fft(x).real,
        lambda x: x.sum(dtype=float),
        lambda x: x * np.arange(4),
    ):
        np.testing.assert_array_equal(Elementwise(function)(x), function(x))
    assert launched == []


def test_a_function_that_returns_its_operand_launches_nothing(launched):
    g, x = normal(3), normal(3)
    assert Elementwise(lambda g, x: g)(g, x) is g
    assert launched == []


def test_an_operand_may_give_its_shape_alone(launched):
    got = Elementwise(lambda g, x: np.zeros_like(x) + g)(normal(1, 4), normal(3, 1))
    np.testing.assert_array_equal(got, np.broadcast_to(normal(1, 4), (3, 4)))
    np.testing.assert_array_equal(Elementwise(np.zeros_like)(normal(2, 3)), np.zeros((2, 3), "f"))


def test_a_function_may_write_into_an_array_that_it_made(launched):
    def logistic(x):
        e = np.empty_like(x)
        np.exp(np.negative(x, out=e), out=e)
        e += 1
        return np.true_divide(1, e, out=e)

    x = normal(6)
    np.testing.assert_allclose(Elementwise(logistic)(x), 1 / (1 + np.exp(-x)), rtol=1e-6)
    assert len(launched) == 1

    def spoil(x):
        x *= 2
        return x

    Elementwise(spoil)(x)
    assert len(launched) == 1  # a function that writes into its operand is called itself


def test_out_is_written_by_the_kernel_where_it_is_safe(launched):
    x, y, row = normal(4, 8), normal(4, 8) + 1, normal(8)
    add = Elementwise(np.add)
    wanted = x + y
    assert add(x, y, out=x) is x and add(x, row, x) is x  # out= and a third argument
    np.testing.assert_array_equal(x, wanted + row)
    assert len(launched) == 2
    shifted = np.arange(9, dtype="f")
    wanted = shifted[1:] + shifted[:-1]
    np.testing.assert_array_equal(add(shifted[1:], shifted[:-1], out=shifted[1:]), wanted)  # overlaps: NumPy's add runs
    integers = np.zeros((4, 8), int)
    with pytest.raises(TypeError, match="cast"):
        add(integers, 0.5, out=integers)
    add(x, y, out=np.empty((8, 4), "f").T)
    with pytest.raises(ValueError, match="broadcast"):
        add(x, y, out=np.empty((2, 8), "f"))
    assert len(launched) == 2


def test_the_number_of_kernels_of_one_function_is_limited(launched, monkeypatch):
    monkeypatch.setattr(elementwise, "VARIANTS", 3)
    shift = Elementwise(lambda x, *, by: x + by)
    x = normal(4)
    for i in range(5):
        np.testing.assert_array_equal(shift(x, by=i / 4), x + i / 4)
    assert len(launched) == 3
    np.testing.assert_array_equal(shift(x, by=0), x + 0)


def test_options_of_other_types_get_another_kernel(launched):
    choose = Elementwise(lambda x, *, options: x + options[0])
    x = np.arange(3)
    assert choose(x, options=(1,)).dtype.kind == "i" and choose(x, options=(1.0,)).dtype.kind == "f"


def test_shapes_that_do_not_fit_are_refused(launched):
    with pytest.raises(ValueError, match="broadcast"):
        Elementwise(lambda x, y, *, alpha: x + alpha * y)(normal(2), normal(3), alpha=2.0)


def test_each_operation_and_each_rule_is_one_launch(stand_in):
    launches.clear()
    x, y = torch.randn(4, 3), torch.randn(3)
    there, beside = x.to("cuda").requires_grad_(), y.to("cuda")
    result = torch.nn.functional.gelu(there * 2.0 + beside)
    assert [name.split("_")[0] for name in launches] == ["multiply", "add", "multiply"]
    result.backward(torch.ones_like(result))
    assert len(launches) == 5  # the rule of add returns the gradient itself
    wanted = torch.nn.functional.gelu(x.requires_grad_() * 2.0 + y)
    wanted.sum().backward()
    assert torch.allclose(result.cpu(), wanted) and torch.allclose(there.grad.cpu(), x.grad)


def test_every_operation_of_the_tables_has_a_kernel(stand_in):
    names = [
        p.stem
        for p in Path(ops.__file__).parent.glob("*.py")
        if re.search(r"= (unary|binary|elementwise)\(", p.read_text())
    ]
    assert len(names) >= 9
    for name in names:
        module = import_module(f"minigrad.ops.{name}")
        for made in vars(module).values():
            if isinstance(made, Operation) and made in ELEMENTWISE:
                assert made.forward in backend.KERNELS, f"{name}: {made}"
    assert all(made.forward in backend.KERNELS for made in ELEMENTWISE)


def test_arrays_of_the_host_are_never_given_to_a_kernel(stand_in):
    assert backend.KERNELS[np.add] is not np.add
    assert torch.add(torch.ones(2), torch.ones(2)).tolist() == [2.0, 2.0]


def test_an_operation_declared_later_gets_kernels_too(stand_in):
    double = declare("double", lambda x: x + x, lambda g: g + g)
    assert double.forward in backend.KERNELS and double.rules[0] in backend.KERNELS
    assert double(torch.ones(2, device="cuda")).tolist() == [2.0, 2.0]
