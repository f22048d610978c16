"""Records the trajectories of PyTorch's optimizers and schedules:
tests/data/trajectories.json, lbfgs.json and schedules.json.

    python tests/oracle/record_optim.py      # needs torch==2.13.0
"""

import json
from pathlib import Path

import torch

FOLDER = Path(__file__).resolve().parent.parent / "data"
STEPS = 6

CASES = {
    "SGD": [
        {"lr": 0.1},
        {"lr": 0.1, "weight_decay": 0.2},
        {"lr": 0.1, "maximize": True},
        {"lr": 0.1, "momentum": 0.9},
        {"lr": 0.1, "momentum": 0.9, "dampening": 0.3, "weight_decay": 0.01},
        {"lr": 0.1, "momentum": 0.8, "nesterov": True, "weight_decay": 0.1, "maximize": True},
    ],
    "Adam": [
        {"lr": 0.1},
        {"lr": 0.1, "betas": [0.5, 0.9], "eps": 1e-3, "weight_decay": 0.1},
        {"lr": 0.1, "amsgrad": True, "maximize": True},
        {"lr": 0.1, "weight_decay": 0.3, "decoupled_weight_decay": True},
    ],
    "AdamW": [{}, {"lr": 0.1, "weight_decay": 0.5, "amsgrad": True, "maximize": True}],
    "RMSprop": [
        {},
        {"lr": 0.1, "alpha": 0.5, "eps": 1e-3, "weight_decay": 0.1},
        {"lr": 0.1, "momentum": 0.9},
        {"lr": 0.1, "momentum": 0.5, "centered": True, "maximize": True},
        {"lr": 0.1, "centered": True},
    ],
    "Adagrad": [
        {},
        {"lr": 0.1, "lr_decay": 0.2, "weight_decay": 0.1},
        {"lr": 0.1, "initial_accumulator_value": 0.5, "eps": 1e-2, "maximize": True},
    ],
    "Adadelta": [{}, {"lr": 0.5, "rho": 0.5, "eps": 1e-3, "weight_decay": 0.1, "maximize": True}],
    "Adamax": [{}, {"lr": 0.1, "betas": [0.5, 0.9], "eps": 1e-3, "weight_decay": 0.1, "maximize": True}],
    "NAdam": [
        {},
        {"lr": 0.1, "betas": [0.5, 0.9], "momentum_decay": 0.1, "weight_decay": 0.1},
        {"lr": 0.1, "weight_decay": 0.3, "decoupled_weight_decay": True, "maximize": True},
    ],
    "RAdam": [
        {},
        {"lr": 0.1, "betas": [0.5, 0.9], "eps": 1e-3, "weight_decay": 0.1},
        {"lr": 0.1, "betas": [0.9, 0.99], "weight_decay": 0.3, "decoupled_weight_decay": True, "maximize": True},
    ],
    "Rprop": [{}, {"lr": 0.1, "etas": [0.3, 1.5], "step_sizes": [0.05, 0.2], "maximize": True}],
    "ASGD": [{}, {"lr": 0.1, "lambd": 0.1, "alpha": 0.5, "t0": 2, "weight_decay": 0.1, "maximize": True}],
}
PAIRS = ("betas", "etas", "step_sizes")  # JSON has lists where PyTorch takes tuples

# On Rosenbrock's valley, or a sum of fourth powers: three calls of step() each.
LBFGS = [
    ["valley", {}],
    ["valley", {"line_search_fn": "strong_wolfe"}],
    ["valley", {"lr": 0.5, "max_iter": 5, "history_size": 2, "line_search_fn": "strong_wolfe"}],
    ["valley", {"lr": 1e-3, "max_iter": 4}],
    ["powers", {}],
    ["powers", {"lr": 0.1, "max_iter": 30, "history_size": 3}],
    ["powers", {"max_iter": 8, "max_eval": 9, "line_search_fn": "strong_wolfe"}],
    ["powers", {"tolerance_grad": 0.5, "line_search_fn": "strong_wolfe"}],
    ["powers", {"tolerance_change": 0.1}],
]

SCHEDULES = [
    ["StepLR", {"step_size": 3}],
    ["StepLR", {"step_size": 2, "gamma": 0.5}],
    ["MultiStepLR", {"milestones": [2, 5, 5, 9], "gamma": 0.3}],
    ["ExponentialLR", {"gamma": 0.9}],
    ["CosineAnnealingLR", {"T_max": 5}],
    ["CosineAnnealingLR", {"T_max": 8, "eta_min": 0.01}],
]


def start(dtype):
    """Two parameters, [3] and [2, 2]; the second one has no gradient at the third step."""
    return [
        torch.tensor([1.0, -2.0, 0.5], dtype=dtype, requires_grad=True),
        torch.tensor([[0.1, 0.2], [-0.3, 4.0]], dtype=dtype, requires_grad=True),
    ]


def gradients(step, parameters):
    """Numbers that need no random generator, the same in every library."""
    for i, p in enumerate(parameters):
        flat = [((7 * step + 5 * i + 3 * k) % 11 - 5) / 4 for k in range(p.numel())]
        p.grad = torch.tensor(flat, dtype=p.dtype).reshape(p.shape)
    if step == 2:
        parameters[1].grad = None


def plain(value):
    """A state dict with lists in place of tensors."""
    if isinstance(value, torch.Tensor):
        return value.tolist()
    if isinstance(value, dict):
        return {str(key): plain(entry) for key, entry in value.items()}
    return [plain(entry) for entry in value] if isinstance(value, (list, tuple)) else value


def trajectory(name, options, dtype):
    parameters = start(dtype)
    options = options | {name: tuple(options[name]) for name in PAIRS if name in options}
    optimizer = getattr(torch.optim, name)(parameters, **options)
    path = []
    for step in range(STEPS):
        gradients(step, parameters)
        optimizer.step()
        path.append(plain(parameters))
    return {"path": path, "state_dict": plain(optimizer.state_dict()), "repr": repr(optimizer)}


def losses(problem, parameters):
    x, y = parameters
    if problem == "valley":
        return (1 - x).pow(2).sum() + 10 * (y - x * x).pow(2).sum()
    return (x - 1).pow(4).sum() + (x[:1] * y + 0.5).pow(2).sum() + y.pow(2).sum()


def lbfgs(problem, options):
    start = [torch.tensor([-1.2, 0.7], dtype=torch.float64), torch.tensor([1.0, -0.5], dtype=torch.float64)]
    parameters = [p.requires_grad_() for p in start]
    optimizer = torch.optim.LBFGS(parameters, **options)
    calls, path = [0], []

    def closure():
        calls[0] += 1
        optimizer.zero_grad()
        loss = losses(problem, parameters)
        loss.backward()
        return loss

    for _ in range(3):
        loss = optimizer.step(closure)
        path.append({"parameters": plain(parameters), "loss": loss.item(), "calls": calls[0]})
    counts = {name: optimizer.state[parameters[0]][name] for name in ("func_evals", "n_iter")}
    return {"path": path, "counts": counts, "repr": repr(optimizer)}


def rates(name, options, epochs=14):
    optimizer = torch.optim.SGD([{"params": [torch.ones(1)], "lr": 0.3}, {"params": [torch.ones(1)]}], lr=0.1)
    schedule = getattr(torch.optim.lr_scheduler, name)(optimizer, **options)
    seen = [schedule.get_last_lr()]
    for _ in range(epochs):
        optimizer.step()
        schedule.step()
        seen.append(schedule.get_last_lr())
    return {"rates": seen, "state_dict": plain(schedule.state_dict())}


def main():
    trajectories = [
        {"optimizer": name, "options": options, "dtype": dtype, **trajectory(name, options, kind)}
        for name, cases in CASES.items()
        for options in cases
        for dtype, kind in (("float32", torch.float32), ("float64", torch.float64))
    ]
    (FOLDER / "trajectories.json").write_text(json.dumps(trajectories))
    searches = [{"problem": problem, "options": options, **lbfgs(problem, options)} for problem, options in LBFGS]
    (FOLDER / "lbfgs.json").write_text(json.dumps(searches))
    schedules = [{"schedule": name, "options": options, **rates(name, options)} for name, options in SCHEDULES]
    (FOLDER / "schedules.json").write_text(json.dumps(schedules))


if __name__ == "__main__":
    main()
