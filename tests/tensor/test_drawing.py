"""In-place draws, in every memory order, against PyTorch's after `manual_seed(7)`."""

import numpy as np
import pytest

import minigrad as torch
from minigrad.random import Generator, manual_seed

# Recorded with PyTorch 2.13, CPU: `torch.manual_seed(7)`, then the call; the first six, in hex.
RECORDED = {
    "a transpose is filled by column": (
        lambda: torch.empty(3, 2).t().uniform_(),
        "0x1.11e15ep-1 0x1.518432p-1 0x1.dcb218p-3 0x1.972620p-3 0x1.5053ecp-1 0x1.b3434cp-2"),
    "sixteen in a transpose come in pairs": (
        lambda: torch.empty(2, 8).t().normal_(),
        "-0x1.2ca2e8p-3 0x1.1afa44p-3 0x1.92811cp-1 -0x1.aea490p+0 0x1.e4c5cep-1 0x1.454d76p-2"),
    "so do twenty with gaps between": (
        lambda: torch.empty(40)[::2].normal_(),
        "-0x1.2ca2e8p-3 0x1.92811cp-1 0x1.e4c5cep-1 -0x1.1d45a6p+0 0x1.b0d7a0p+0 -0x1.ca26e2p-1"),
    "integers below ten": (lambda: torch.empty(3).random_(10), "0x1.4p+2 0x1.0p+1 0x1.0p+0"),
    "a fair coin": (lambda: torch.empty(3).bernoulli_(0.5), "0x1.0p+0 0x1.0p+0 0x0.0p+0"),
    "a tensor of means": (lambda: torch.normal(torch.ones(2), 0.5), "0x1.da6ba4p-1 0x1.64a048p+0"),
    "a tensor of spreads": (
        lambda: torch.normal(0.0, torch.ones(3) * 0.1), "-0x1.e104a6p-7 0x1.4200e4p-4 0x1.83d172p-4"),
}  # fmt: skip


@pytest.mark.parametrize("name", RECORDED)
def test_draws_in_place_are_pytorchs(name):
    call, expected = RECORDED[name]
    manual_seed(7)
    got = call().array.reshape(-1)[:6].tolist()
    assert got == [float.fromhex(number) for number in expected.split()]


def test_a_draw_writes_into_the_view_and_keeps_its_dtype():
    base = torch.zeros(4, 3, dtype=torch.float64)
    part = base[1:3]
    assert part.uniform_(2, 3) is part
    assert ((base[1:3] >= 2) & (base[1:3] < 3)).all()
    assert (base[[0, 3]] == 0).all()
    assert set(torch.zeros(50, dtype=torch.int64).bernoulli_().array.tolist()) == {0, 1}


def test_random_takes_its_bounds_in_every_spelling():
    draws = Generator().manual_seed(1), Generator().manual_seed(1)
    for bounds, named, low, high in (
        ((5,), {}, 0, 5),
        ((2, 5), {}, 2, 5),
        ((), {"from": 2, "to": 5}, 2, 5),
        ((2,), {"to": 5}, 2, 5),
        ((), {"to": 5}, 0, 5),
        ((100, None), {}, 100, None),
    ):
        got = torch.zeros(6, dtype=torch.int64).random_(*bounds, generator=draws[0], **named)
        np.testing.assert_array_equal(got.cpu().array, draws[1].randint(low, high, (6,)))
    got = torch.zeros(6, dtype=torch.int16).random_(generator=draws[0])
    np.testing.assert_array_equal(got.cpu().array, draws[1].random((6,), np.int16))


def test_bernoulli_takes_probabilities_from_a_tensor():
    chances = torch.tensor([0.0, 1.0, 0.5])
    one, two = Generator().manual_seed(1), Generator().manual_seed(1)
    drawn = chances.bernoulli(generator=one)
    assert drawn.array.tolist()[:2] == [0.0, 1.0] and drawn.dtype == torch.float32
    rows = torch.zeros(2, 3).bernoulli_(chances, generator=one).cpu()
    assert (rows[:, 0] == 0).all() and (rows[:, 1] == 1).all()
    assert chances.tolist() == [0.0, 1.0, 0.5]
    np.testing.assert_array_equal(drawn.numpy(), two.bernoulli(chances.numpy()))
    assert chances.bernoulli(1.0).array.tolist() == [1, 1, 1]


def test_drawing_functions_take_a_size_in_every_spelling():
    for size in ((2, 3), [2, 3], torch.Size([2, 3])):
        assert torch.rand(size).shape == torch.randn(*size).shape == torch.rand(size=size).shape
        assert torch.randint(5, size).shape == torch.randint(low=2, high=5, size=size).shape == (2, 3)
    assert torch.randn(()).shape == ()
    assert torch.randperm(5, dtype=torch.float32).dtype == torch.float32


@pytest.mark.parametrize(
    ("call", "error", "message"),
    [
        (lambda: torch.ones(2, requires_grad=True).uniform_(), RuntimeError, r"uniform_ on a tensor of shape \(2,\)"),
        (lambda: torch.ones(2).uniform_(1, 0), RuntimeError, "from=1 > to=0"),
        (lambda: torch.ones(2).uniform_(high=3), TypeError, "keyword argument 'high'"),
        (lambda: torch.ones(2).uniform_(generator=3), TypeError, "minigrad.Generator or None, not int"),
        (lambda: torch.ones(2, dtype=torch.int64).normal_(), NotImplementedError, "int64"),
        (lambda: torch.ones(2).random_(0), RuntimeError, "from=0 >= to=0"),
        (lambda: torch.ones(2).random_(1, 2, 3), TypeError, r"random_\(\) takes two bounds at most, .* got 3"),
        (lambda: torch.ones(2).random_(1, 2, to=3), TypeError, r"random_\(\) takes two bounds at most, .* got 3"),
        (lambda: torch.ones(2).bernoulli_(2), RuntimeError, "got p=2"),
        (lambda: torch.normal(0.0, 1.0), TypeError, "needs a size"),
        (lambda: torch.normal(torch.ones(2), torch.ones(3)), RuntimeError, "do not broadcast"),
        (lambda: torch.ones(2).bernoulli_(torch.ones(3)), RuntimeError, r"\(3,\) do not broadcast"),
        (lambda: torch.bernoulli(torch.ones(2, dtype=torch.int64)), NotImplementedError, "int64"),
        (lambda: torch.bernoulli([0.5]), TypeError, "bernoulli.*must be Tensor.*list"),
        (lambda: torch.rand(), TypeError, r"rand\(\) needs ints, such as rand\(2, 3\)"),
        (lambda: torch.rand(2, generator="x"), TypeError, "minigrad.Generator or None, not str"),
        (lambda: torch.randint(0, 5), TypeError, r"randint\(low, high, size\), size a tuple"),
        (lambda: torch.randint(0, 5, 2), TypeError, "must be tuple of ints, not int 2"),
        (lambda: torch.randint(2**63, (2,)), ValueError, "fit into int64"),
        (lambda: torch.randperm(300, dtype=torch.uint8), RuntimeError, "all integers below 300"),
        (lambda: torch.randperm(5, dtype=torch.bool), NotImplementedError, "not defined for dtype bool"),
        (lambda: torch.normal(0.0, -torch.ones(2)), RuntimeError, "elements of std >= 0"),
    ],
)
def test_wrong_arguments_are_refused(call, error, message):
    with pytest.raises(error, match=message):
        call()


def test_an_infinite_mean_and_an_infinite_spread():
    assert torch.empty(3).normal_(float("inf")).tolist() == [float("inf")] * 3
    assert torch.empty(40, dtype=torch.float64).normal_(0.0, float("inf")).isinf().all()


def test_exponential_numbers_are_no_integers():
    with pytest.raises(RuntimeError, match=r"Exponential distribution is a continuous.*specified int64"):
        torch.zeros(2, dtype=torch.int64).exponential_()


def test_a_toss_goes_into_an_out_of_any_dtype():
    for dtype in (torch.int64, torch.float64, torch.bool):
        torch.manual_seed(7)
        out = torch.empty(5, dtype=dtype)
        assert torch.bernoulli(torch.full((5,), 0.5), out=out) is out
        assert out.tolist() == [0, 1, 0, 0, 1]  # recorded with PyTorch 2.13
    with pytest.raises(TypeError, match=r"bernoulli\(\): argument 'out' must be Tensor, not int"):
        torch.bernoulli(torch.ones(3), out=3)


def test_normal_numbers_are_drawn_in_the_dtype_of_out():
    torch.manual_seed(7)
    drawn = torch.normal(torch.ones(3), torch.full((3,), 2.0), out=torch.empty(3, dtype=torch.float64))
    recorded = [0.7064098050300096, 2.5722825974470718, 2.893643218007913]  # with PyTorch 2.13
    np.testing.assert_allclose(drawn.numpy(), recorded, rtol=1e-14)
    with pytest.raises(TypeError, match=r"normal\(\): argument 'out' must be Tensor, not int"):
        torch.normal(torch.ones(3), out=3)
    with pytest.raises(NotImplementedError, match="normal draws floating-point numbers, got dtype int64"):
        torch.normal(torch.ones(3), out=torch.empty(3, dtype=torch.int64))


def test_integers_beyond_int64_are_parameters_as_floats_are():
    for fill in (
        lambda x, n: x.normal_(n, 1), lambda x, n: x.uniform_(0, n), lambda x, n: torch.normal(0.0, n, (3,)),
        lambda x, n: x.cauchy_(0, n), lambda x, n: x.exponential_(n),
    ):  # fmt: skip
        drawn = []
        for number in (10**20, 1e20):
            torch.manual_seed(0)
            drawn.append(fill(torch.empty(3), number).tolist())
        assert drawn[0] == drawn[1]
