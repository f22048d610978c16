"""Advice of a step: a parameter that is no longer finite, and a gradient that was never zeroed; each is given once."""

import warnings

import pytest

import minigrad
from minigrad import advice, nn, optim
from tests.marks import NOT_ASKED

pytestmark = pytest.mark.usefixtures("fresh_advice")


def train(net, optimizer, zero, rounds=3):
    for _ in range(rounds):
        zero()
        net(minigrad.ones(1, 2)).sum().backward()
        optimizer.step()


def test_a_gradient_that_was_never_zeroed_gives_advice_once():
    net = nn.Linear(2, 1)
    optimizer = optim.SGD(net.parameters(), lr=0.1)
    with pytest.warns(advice.Advice, match=r"never zeroed.*Call optimizer.zero_grad\(\) in every round") as seen:
        train(net, optimizer, lambda: None, rounds=4)
    assert len(seen) == 1
    assert seen[0].filename == __file__


@pytest.mark.parametrize("kind", [optim.SGD, optim.Adam])
def test_each_way_to_zero_gradients_prevents_the_advice(kind):
    net = nn.Linear(2, 1)
    optimizer = kind(net.parameters(), lr=0.1)

    def by_hand():
        for p in net.parameters():
            if p.grad is not None:
                p.grad.zero_()

    for zero in (
        optimizer.zero_grad,
        lambda: optimizer.zero_grad(set_to_none=False),
        net.zero_grad,
        lambda: net.zero_grad(set_to_none=False),
        by_hand,
    ):
        optimizer.zero_grad()
        train(net, optimizer, zero)


def write_zeros(gradient):
    gradient.data.zero_()


def write_in_a_loop(gradient):
    gradient[:] = 0


@pytest.mark.parametrize("zero", [write_zeros, write_in_a_loop, lambda g: g.mul_(0), lambda g: g.fill_(0)])
def test_gradients_zeroed_by_the_users_own_writes_give_no_advice(zero):
    net = nn.Linear(2, 1)
    optimizer = optim.SGD(net.parameters(), lr=0.1)
    train(net, optimizer, lambda: [zero(p.grad) for p in net.parameters() if p.grad is not None], rounds=6)


def test_gradients_of_the_users_own_rule_give_no_advice():
    w = minigrad.ones(2, requires_grad=True)
    w.grad = minigrad.zeros(2)
    optimizer = optim.SGD([w], lr=0.1)
    for _ in range(4):
        w.grad.copy_(2 * w.detach())
        optimizer.step()


def test_a_mask_of_minus_infinity_among_the_parameters_gives_no_advice():
    w = nn.Parameter(minigrad.tensor([0.0, 1.0, float("-inf")]))
    optimizer = optim.SGD([w], lr=0.1)
    for _ in range(2):
        optimizer.zero_grad()
        w.softmax(0)[0].backward()
        optimizer.step()
    assert w.isfinite().tolist() == [True, True, False]


def test_gradients_summed_over_several_batches_give_no_advice():
    net = nn.Linear(2, 1)
    optimizer = optim.SGD(net.parameters(), lr=0.1)
    for batches in (2, 2, 3, 1):
        optimizer.zero_grad()
        for _ in range(batches):
            net(minigrad.ones(1, 2)).sum().backward()
        optimizer.step()


@NOT_ASKED
def test_a_parameter_that_is_no_longer_finite_is_named_once():
    net = nn.Linear(2, 1)
    optimizer = optim.SGD(net.named_parameters(), lr=1e38)
    net.weight.grad, net.bias.grad = minigrad.zeros(1, 2), minigrad.full((1,), 100.0)
    with pytest.warns(
        advice.Advice, match=r"parameter 'bias' of group 0, of shape \(1,\), is no longer finite.*SGD.*smaller"
    ) as seen:
        optimizer.step()
    assert len(seen) == 1
    optimizer.zero_grad()
    optimizer.step()


@pytest.mark.parametrize(("zeroed", "advised"), [(6, True), (8, False)])
def test_only_the_first_eight_steps_without_zero_grad_look_for_a_gradient_that_was_never_zeroed(zeroed, advised):
    net = nn.Linear(2, 1)
    optimizer = optim.SGD(net.parameters(), lr=0.1)
    train(net, optimizer, optimizer.zero_grad, rounds=20)
    train(net, optimizer, net.zero_grad, rounds=zeroed)
    with warnings.catch_warnings(record=True) as seen:
        warnings.simplefilter("always")
        train(net, optimizer, lambda: None)
    assert bool(seen) == advised


@NOT_ASKED
def test_a_lone_parameter_that_is_no_longer_finite_is_named():
    w = minigrad.ones(2, requires_grad=True)
    w.grad = minigrad.full((2,), 1e38)
    with pytest.warns(
        advice.Advice, match=r"parameter 0 of group 0, of shape \(2,\), is no longer finite.*learning rate"
    ):
        optim.SGD([w], lr=1e30).step()


@NOT_ASKED
def test_the_advice_names_a_gradient_that_was_not_finite():
    p, q = (minigrad.ones(2, requires_grad=True) for _ in range(2))
    p.grad, q.grad = minigrad.ones(2), minigrad.tensor([1.0, float("inf")])
    optimizer = optim.Adam([{"params": p}, {"params": q}])
    with pytest.warns(advice.Advice, match=r"parameter 0 of group 1.*neither was its gradient: look for the first"):
        optimizer.step()
    assert p.isfinite().all() and not q.isfinite().all()


@NOT_ASKED
def test_large_and_half_precision_parameters_are_checked_too():
    p = minigrad.zeros(1000, 300, requires_grad=True)
    p.grad = minigrad.zeros(1000, 300)
    p.grad[700, 1] = float("nan")
    q = minigrad.full((300,), 300.0, dtype=minigrad.float16, requires_grad=True)  # its squares overflow
    q.grad = minigrad.zeros(300, dtype=minigrad.float16)
    optim.SGD([q]).step()
    with pytest.warns(advice.Advice, match=r"shape \(1000, 300\)"):
        optim.SGD([p]).step()


def test_advice_enable_false_silences_both():
    advice.enable(False)
    net = nn.Linear(2, 1)
    optimizer = optim.SGD(net.parameters(), lr=1e38)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        train(net, optimizer, lambda: None)
    assert not net.bias.isfinite().all()


@NOT_ASKED
def test_an_advice_that_is_an_error_leaves_all_parameters_updated():
    p, q = (minigrad.ones(1, requires_grad=True) for _ in range(2))
    p.grad, q.grad = minigrad.tensor([float("nan")]), minigrad.ones(1)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        with pytest.raises(advice.Advice):
            optim.SGD([p, q], lr=0.5).step()
    assert q.tolist() == [0.5]


def test_a_step_without_gradients_gives_advice_once():
    net = nn.Linear(2, 1)
    optimizer = optim.Adam(net.parameters(), lr=0.1)
    words = r"^step\(\) of Adam changed nothing: no parameter has a gradient. Call loss.backward\(\), with its brackets"

    def train_without_brackets():
        for _ in range(3):
            optimizer.zero_grad()
            net(minigrad.ones(1, 2)).sum().backward  # noqa: B018 (the mistake: a name without brackets)
            optimizer.step()

    with pytest.warns(advice.Advice, match=words) as seen:
        train_without_brackets()
    assert len(seen) == 1
    assert seen[0].filename == __file__


def test_two_optimizers_that_take_turns_give_no_advice():
    first, second = nn.Linear(2, 2), nn.Linear(2, 1)
    one, two = optim.SGD(first.parameters(), lr=0.1), optim.SGD(second.parameters(), lr=0.1)
    with warnings.catch_warnings():
        warnings.simplefilter("error", advice.Advice)
        for turn in range(6):
            for optimizer in (one, two):
                optimizer.zero_grad()
            y = first(minigrad.ones(1, 2))
            (second(y.detach()) if turn % 2 else y).sum().backward()
            for optimizer in (one, two):
                optimizer.step()


def test_a_step_on_tensors_that_require_no_gradient_says_so():
    optimizer = optim.SGD([minigrad.ones(2)], lr=0.1)
    with pytest.warns(advice.Advice, match=r"None requires one: make the tensors with requires_grad=True"):
        optimizer.step()


def test_parameters_of_which_one_has_a_gradient_give_no_advice():
    used, unused = nn.Linear(2, 1), nn.Linear(2, 1)
    optimizer = optim.SGD([*used.parameters(), *unused.parameters()], lr=0.1)
    with warnings.catch_warnings():
        warnings.simplefilter("error", advice.Advice)
        train(used, optimizer, optimizer.zero_grad)


def test_an_optimizer_without_parameters_gives_no_advice():
    optimizer = optim.SGD([{"params": []}], lr=0.1)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        for _ in range(2):
            optimizer.step()


def test_a_schedule_without_training_gives_no_advice():
    optimizer = optim.SGD(nn.Linear(2, 1).parameters(), lr=0.1)
    schedule = optim.lr_scheduler.StepLR(optimizer, 1)
    with warnings.catch_warnings():
        warnings.simplefilter("error", advice.Advice)
        for _ in range(3):
            optimizer.step()
            schedule.step()
    assert optimizer.param_groups[0]["lr"] == pytest.approx(1e-4)
