"""Records the trajectories of PyTorch's optimizers and schedules:
tests/data/trajectories.json and schedules.json.

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
}

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
    if "betas" in options:
        options = options | {"betas": tuple(options["betas"])}
    optimizer = getattr(torch.optim, name)(parameters, **options)
    path = []
    for step in range(STEPS):
        gradients(step, parameters)
        optimizer.step()
        path.append(plain(parameters))
    return {"path": path, "state_dict": plain(optimizer.state_dict()), "repr": repr(optimizer)}


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
    schedules = [{"schedule": name, "options": options, **rates(name, options)} for name, options in SCHEDULES]
    (FOLDER / "schedules.json").write_text(json.dumps(schedules))


if __name__ == "__main__":
    main()
