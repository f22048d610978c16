"""`biject_to` and `transform_to`: each set is reached from all real numbers, and back."""

import pytest

import minigrad as torch
from tests.refusals import refusals

D = torch.distributions
C = D.constraints
X, M = torch.tensor([0.5, -1.0, 2.0]), torch.tensor([[1.0, 2.0], [0.5, -1.0]])
SETS = {
    "real": C.real, "positive": C.positive, "nonnegative": C.nonnegative, "above": C.greater_than(2.0),
    "below": C.less_than(-2.0), "unit": C.unit_interval, "interval": C.interval(-1.0, 3.0),
    "half open": C.half_open_interval(-1.0, 3.0), "vector": C.real_vector, "independent": C.independent(C.positive, 1),
    "cat": C.cat([C.positive, C.real], 0, [1, 2]), "stack": C.stack([C.positive, C.real, C.unit_interval]),
    "simplex": C.simplex, "correlations": C.corr_cholesky,
}  # fmt: skip


@pytest.mark.parametrize("registry", [D.biject_to, D.transform_to], ids=["biject_to", "transform_to"])
@pytest.mark.parametrize("name", SETS)
def test_each_set_is_reached_and_left(registry, name):
    transform = registry(SETS[name])
    y = transform(X)
    assert SETS[name].check(y).all()
    assert torch.allclose(transform(transform.inv(y)), y, atol=1e-5)


@pytest.mark.parametrize("name", ["lower_cholesky", "positive_definite", "positive_semidefinite"])
def test_matrices_are_reached(name):
    constraint = getattr(C, name)
    assert constraint.check(D.transform_to(constraint)(M)).all()


def test_a_parameter_is_learned_within_its_set():
    free = torch.zeros((), requires_grad=True)
    optimizer = torch.optim.Adam([free], 0.1)
    data = torch.tensor([-2.0, 2.0])
    for _ in range(200):
        scale = D.transform_to(D.Normal.arg_constraints["scale"])(free)
        optimizer.zero_grad()
        (-D.Normal(0.0, scale).log_prob(data).sum()).backward()
        optimizer.step()
    assert scale.item() == pytest.approx(2.0, abs=1e-2)


def test_a_set_of_ones_own():
    class Even(C.Constraint):
        pass

    registry = D.constraint_registry.ConstraintRegistry()

    @registry.register(Even)
    def to_even(constraint):
        return D.AffineTransform(0.0, 2.0)

    assert registry(Even())(torch.tensor(3.0)).item() == 6.0


test_refused = refusals({
    "no way to bools": (lambda: D.biject_to(C.boolean), NotImplementedError, "Cannot transform _Boolean constraints"),
    "no set": (lambda: D.biject_to.register(3, lambda c: None), TypeError, "subclass or instance, but got 3"),
})  # fmt: skip
