"""examples/stable_learning_rate.py: training converges just below the printed limit, and diverges just above it."""

import pytest

import minigrad
import minigrad.nn.functional as F
import stable_learning_rate as example
from detect_edges import bars, edges
from minigrad import nn

pytestmark = pytest.mark.lesson
CASES = [
    ("sum", False, 60, 0.0333),
    ("sum", True, 124.3, 0.0161),
    ("mean", False, 1.43, 1.40),
    ("mean", True, 2.96, 0.676),
]


def compute_final_loss(reduction: str, bias: bool, lr: float, momentum: float, steps: int) -> float:
    minigrad.manual_seed(0)
    layer = nn.Conv2d(1, 1, (1, 2), bias=bias)
    X = bars()[None, None]
    Y = edges(bars(), minigrad.tensor([[1.0, -1.0]]))[None, None]
    optimizer = minigrad.optim.SGD(layer.parameters(), lr=lr, momentum=momentum)
    for _ in range(steps):
        loss = F.mse_loss(layer(X), Y, reduction=reduction)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    return loss.item()


def compute_limit(reduction: str, bias: bool, momentum: float = 0.0) -> float:
    layer = nn.Conv2d(1, 1, (1, 2), bias=bias)
    Y = edges(bars(), minigrad.tensor([[1.0, -1.0]]))[None, None]
    loss = F.mse_loss(layer(bars()[None, None]), Y, reduction=reduction)
    return example.stable_limit(loss, list(layer.parameters()), momentum)


@pytest.mark.parametrize(("reduction", "bias", "curvature", "limit"), CASES)
def test_each_case_has_its_limit(reduction: str, bias: bool, curvature: float, limit: float) -> None:
    found = compute_limit(reduction, bias)
    assert found == pytest.approx(limit, rel=4e-3)
    assert 2 / found == pytest.approx(curvature, rel=2e-3)


@pytest.mark.parametrize("momentum", [0.0, 0.9])
@pytest.mark.parametrize(("reduction", "bias"), [("sum", False), ("mean", True)])
def test_training_converges_below_the_limit_and_diverges_above(reduction: str, bias: bool, momentum: float) -> None:
    limit = compute_limit(reduction, bias, momentum)
    assert compute_final_loss(reduction, bias, 0.98 * limit, momentum, steps=300) < 0.1
    assert compute_final_loss(reduction, bias, 1.02 * limit, momentum, steps=300) > 100


def test_the_curvature_of_the_sum_is_60() -> None:
    assert 2 / compute_limit("sum", bias=False) == pytest.approx(60, rel=1e-5)


def test_the_curvature_of_a_diagonal_quadratic_is_its_largest() -> None:
    x = minigrad.zeros(4, requires_grad=True)
    loss = (minigrad.tensor([1.0, 7.0, 3.0, 2.0]) * x * x).sum()
    assert example.largest_curvature(loss, [x]) == pytest.approx(14, rel=1e-4)


def test_the_program_prints_them(capsys: pytest.CaptureFixture[str]) -> None:
    example.main([])
    printed = capsys.readouterr().out
    for _, _, _, limit in CASES:
        assert f"the learning rate stays below {limit:.3g}\n" in printed
