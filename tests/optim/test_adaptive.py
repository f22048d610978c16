"""What is special to RMSprop, Adagrad, Adadelta and Rprop; `test_trajectories.py` compares them with PyTorch."""

import math

import minigrad
from minigrad import optim


def test_rprop_takes_no_step_where_the_gradient_is_nan():
    p = minigrad.ones(3, requires_grad=True)
    optimizer = optim.Rprop([p], lr=0.125, etas=(0.5, 2.0))
    for gradient in ([1.0, 1.0, 1.0], [1.0, math.nan, math.inf], [1.0, 1.0, 1.0]):
        p.grad = minigrad.tensor(gradient)
        optimizer.step()
    assert p.tolist() == [0.125, 0.75, 0.125] and optimizer.state[p]["step_size"].tolist() == [0.5, 0.125, 0.5]


def test_adagrad_makes_the_sums_of_its_first_groups_at_once():
    first, added = minigrad.ones(2, requires_grad=True), minigrad.ones(2, requires_grad=True)
    optimizer = optim.Adagrad([first], initial_accumulator_value=0.5)
    optimizer.add_param_group({"params": [added]})
    assert optimizer.state[first]["sum"].tolist() == [0.5, 0.5]
    assert list(optimizer.state_dict()["state"]) == [0]
    added.grad = minigrad.ones(2)
    optimizer.step()
    assert optimizer.state[added]["sum"].tolist() == [1.5, 1.5]
