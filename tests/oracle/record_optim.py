"""Records the trajectories of PyTorch's optimizers and schedules:
tests/data/trajectories.json, matrices.json, lbfgs.json and schedules.json.

    python tests/oracle/record_optim.py      # needs torch==2.13.0
"""

import json
import warnings
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
# Of matrices as a whole; Adafactor takes vectors too.
MATRICES = {
    "Muon": [
        {"lr": 0.1},
        {"lr": 0.1, "weight_decay": 0.3, "momentum": 0.5, "nesterov": False},
        {"lr": 0.1, "adjust_lr_fn": "match_rms_adamw", "ns_steps": 3},
        {"lr": 0.1, "ns_coefficients": [2.0, -1.5, 0.5], "ns_steps": 20},
    ],
    "Adafactor": [
        {},
        {"lr": 0.1, "beta2_decay": -0.5, "eps": [1e-3, 0.1], "d": 2.0, "weight_decay": 0.1},
        {"lr": 0.5, "maximize": True},
    ],
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
    ["ConstantLR", {}],
    ["ConstantLR", {"factor": 0.5, "total_iters": 3}],
    ["LinearLR", {}],
    ["LinearLR", {"start_factor": 1.0, "end_factor": 0.1, "total_iters": 4}],
    ["PolynomialLR", {}],
    ["PolynomialLR", {"total_iters": 9, "power": 0.5}],
    ["CosineAnnealingWarmRestarts", {"T_0": 4}],
    ["CosineAnnealingWarmRestarts", {"T_0": 2, "T_mult": 3, "eta_min": 0.01}],
    ["CyclicLR", {"base_lr": 0.01, "max_lr": 0.1, "step_size_up": 3}],
    ["CyclicLR", {"base_lr": [0.01, 0.02], "max_lr": [0.1, 0.3], "step_size_up": 2, "step_size_down": 4}],
    ["CyclicLR", {"base_lr": 0.01, "max_lr": 0.1, "step_size_up": 2, "mode": "triangular2"}],
    ["CyclicLR", {"base_lr": 0.01, "max_lr": 0.1, "step_size_up": 3, "mode": "exp_range", "gamma": 0.9}],
    ["OneCycleLR", {"max_lr": 0.5, "total_steps": 15}],
    ["OneCycleLR", {"max_lr": [0.5, 0.1], "epochs": 5, "steps_per_epoch": 3, "anneal_strategy": "linear"}],
    ["OneCycleLR", {"max_lr": 0.5, "total_steps": 15, "three_phase": True, "pct_start": 0.4, "div_factor": 10.0}],
]
# Schedules of schedules: the outer one's options, and the inner ones.
COMPOSED = [
    ["SequentialLR", {"milestones": [3]}, [["ConstantLR", {"factor": 0.1}], ["ExponentialLR", {"gamma": 0.9}]]],
    [
        "SequentialLR",
        {"milestones": [2, 7]},
        [["LinearLR", {"total_iters": 2}], ["CosineAnnealingLR", {"T_max": 4}], ["StepLR", {"step_size": 2}]],
    ],
    ["ChainedScheduler", {}, [["ConstantLR", {"factor": 0.1, "total_iters": 4}], ["ExponentialLR", {"gamma": 0.9}]]],
]
LOSSES = [3.0, 2.5, 2.4999, 2.6, 2.4, 2.41, 2.39999, 2.5, 2.5, 1.0, 1.0, 1.0, 0.99, 0.99, 5.0, 5.0, 5.0, 5.0]
PLATEAUS = [
    {"patience": 1},
    {"patience": 0, "factor": 0.5, "cooldown": 2, "min_lr": [0.05, 0.01]},
    {"patience": 1, "mode": "max", "threshold": 0.1},
    {"patience": 2, "threshold": 0.05, "threshold_mode": "abs"},
    {"patience": 1, "mode": "max", "threshold": 0.05, "threshold_mode": "abs", "eps": 0.02},
]
SWALRS = [
    {"swa_lr": 0.05},
    {"swa_lr": [0.5, 0.01], "anneal_epochs": 4, "anneal_strategy": "linear"},
    {"swa_lr": 0.2, "anneal_epochs": 0},
]
# step(epoch), which PyTorch deprecates
EPOCHS = [4, 1, 7.5, 0, 9]


def make_parameters(dtype):
    """Two parameters, [3] and [2, 2]; the second one has no gradient at the third step."""
    return [
        torch.tensor([1.0, -2.0, 0.5], dtype=dtype, requires_grad=True),
        torch.tensor([[0.1, 0.2], [-0.3, 4.0]], dtype=dtype, requires_grad=True),
    ]


def set_gradients(step, parameters):
    """Numbers that need no random generator, the same in every library."""
    for i, p in enumerate(parameters):
        flat = [((7 * step + 5 * i + 3 * k) % 11 - 5) / 4 for k in range(p.numel())]
        p.grad = torch.tensor(flat, dtype=p.dtype).reshape(p.shape)
    if step == 2:
        parameters[1].grad = None


def record_matrices(name, options, dtype):
    """The path of two matrices, and for Adafactor of a vector and a stack of matrices, too."""
    parameters = [torch.arange(12.0, dtype=dtype).sin().reshape(shape) for shape in ((3, 4), (6, 2), (12,), (2, 3, 2))]
    parameters = [p.requires_grad_() for p in parameters[: 2 if name == "Muon" else 4]]
    options = {key: tuple(value) if isinstance(value, list) else value for key, value in options.items()}
    return record_steps(getattr(torch.optim, name)(parameters, **options), parameters)


def record_trajectory(name, options, dtype):
    parameters = make_parameters(dtype)
    options = options | {name: tuple(options[name]) for name in PAIRS if name in options}
    return record_steps(getattr(torch.optim, name)(parameters, **options), parameters)


def record_steps(optimizer, parameters):
    path = []
    for step in range(STEPS):
        set_gradients(step, parameters)
        optimizer.step()
        path.append(to_lists(parameters))
    return {"path": path, "state_dict": to_lists(optimizer.state_dict()), "repr": repr(optimizer)}


def record_in_both_precisions(cases, record):
    """What `record` gives for every optimizer and its options, in single and in double precision."""
    return [
        {"optimizer": name, "options": options, "dtype": dtype, **record(name, options, getattr(torch, dtype))}
        for name, several in cases.items()
        for options in several
        for dtype in ("float32", "float64")
    ]


def to_lists(value):
    """A state dict with lists in place of tensors."""
    if isinstance(value, torch.Tensor):
        return value.tolist()
    if isinstance(value, dict):
        return {str(key): to_lists(entry) for key, entry in value.items()}
    return [to_lists(entry) for entry in value] if isinstance(value, (list, tuple)) else value


def compute_loss(problem, parameters):
    x, y = parameters
    if problem == "valley":
        return (1 - x).pow(2).sum() + 10 * (y - x * x).pow(2).sum()
    return (x - 1).pow(4).sum() + (x[:1] * y + 0.5).pow(2).sum() + y.pow(2).sum()


def record_lbfgs(problem, options):
    start = [torch.tensor([-1.2, 0.7], dtype=torch.float64), torch.tensor([1.0, -0.5], dtype=torch.float64)]
    parameters = [p.requires_grad_() for p in start]
    optimizer = torch.optim.LBFGS(parameters, **options)
    calls, path = [0], []

    def closure():
        calls[0] += 1
        optimizer.zero_grad()
        loss = compute_loss(problem, parameters)
        loss.backward()
        return loss

    for _ in range(3):
        loss = optimizer.step(closure)
        path.append({"parameters": to_lists(parameters), "loss": loss.item(), "calls": calls[0]})
    counts = {name: optimizer.state[parameters[0]][name] for name in ("func_evals", "n_iter")}
    return {"path": path, "counts": counts, "repr": repr(optimizer)}


def make_two_groups():
    groups = [{"params": [torch.ones(1)], "lr": 0.3}, {"params": [torch.ones(1)]}]
    return torch.optim.SGD(groups, lr=0.1, momentum=0.9)


def record_rates(schedule, epochs=14):
    optimizer = schedule.optimizer
    seen, momenta = [schedule.get_last_lr()], [[group["momentum"] for group in optimizer.param_groups]]
    for _ in range(epochs):
        optimizer.step()
        schedule.step()
        seen.append(schedule.get_last_lr())
        momenta.append([group["momentum"] for group in optimizer.param_groups])
    state = {key: value for key, value in schedule.state_dict().items() if not callable(value)}
    return {"rates": seen, "momenta": momenta, "state_dict": to_lists(state)}


def record_jumps(name, options):
    optimizer = make_two_groups()
    schedule = getattr(torch.optim.lr_scheduler, name)(optimizer, **options)
    optimizer.step()
    seen = []
    for epoch in EPOCHS:
        if name == "CosineAnnealingWarmRestarts" or epoch == int(epoch):
            schedule.step(epoch)
            seen.append([epoch, schedule.get_last_lr()])
    return seen


def compose(name, options, parts):
    optimizer = make_two_groups()
    inner = [getattr(torch.optim.lr_scheduler, part)(optimizer, **keywords) for part, keywords in parts]
    arguments = [inner] if name == "ChainedScheduler" else [optimizer, inner]
    return getattr(torch.optim.lr_scheduler, name)(*arguments, **options)


def record_plateau(options):
    schedule = torch.optim.lr_scheduler.ReduceLROnPlateau(make_two_groups(), **options)
    seen = []
    for loss in LOSSES:
        schedule.step(loss)
        seen.append(schedule.get_last_lr())
    return {"losses": LOSSES, "rates": seen, "state_dict": to_lists(schedule.state_dict())}


def main():
    (FOLDER / "trajectories.json").write_text(json.dumps(record_in_both_precisions(CASES, record_trajectory)))
    (FOLDER / "matrices.json").write_text(json.dumps(record_in_both_precisions(MATRICES, record_matrices)))
    searches = [{"problem": name, "options": options, **record_lbfgs(name, options)} for name, options in LBFGS]
    (FOLDER / "lbfgs.json").write_text(json.dumps(searches))
    warnings.simplefilter("ignore")  # of the first step and of step(epoch)
    schedules = [
        {
            "schedule": name,
            "options": options,
            **record_rates(getattr(torch.optim.lr_scheduler, name)(make_two_groups(), **options)),
            "jumps": record_jumps(name, options),
        }
        for name, options in SCHEDULES
    ]
    others = [
        {"schedule": name, "options": options, "parts": parts, **record_rates(compose(name, options, parts))}
        for name, options, parts in COMPOSED
    ]
    plateaus = [{"options": options, **record_plateau(options)} for options in PLATEAUS]
    swalrs = [
        {"options": options, **record_rates(torch.optim.swa_utils.SWALR(make_two_groups(), **options))}
        for options in SWALRS
    ]
    recorded = {"schedules": schedules, "composed": others, "plateaus": plateaus, "swalrs": swalrs}
    (FOLDER / "schedules.json").write_text(json.dumps(recorded))


if __name__ == "__main__":
    main()
