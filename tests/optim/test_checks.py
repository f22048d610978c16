"""Wrong parameters and options of optimizers: each is refused by the constructor, or by the step that reads it."""

import pytest

import minigrad
from minigrad import optim
from tests.optim.test_optimizer import make_parameter
from tests.refusals import refusals


def test_wrong_parameters_are_refused():
    p, q = make_parameter(), make_parameter()
    with pytest.raises(TypeError, match=r"iterable of Tensors or dicts, but got one Tensor of shape \(2,\)"):
        optim.SGD(p)
    with pytest.raises(ValueError, match=r"empty parameter list.*nn.ModuleList.*used up"):
        optim.SGD([])
    with pytest.raises(TypeError, match="can only optimize Tensors, but one of the params is int"):
        optim.SGD([1])
    with pytest.raises(TypeError, match=r"one of the params is str; write net.parameters\(\), not its names"):
        optim.SGD({"weight": p})
    with pytest.raises(ValueError, match=r"a non-leaf Tensor.*shape \(2,\).*\(MulBackward0\).*detach\(\)"):
        optim.SGD([p * 2])
    with pytest.raises(TypeError, match="list instead"):
        optim.SGD([{"params": {p, q}}])
    with pytest.raises(ValueError, match="more than one parameter group"):
        optim.SGD([{"params": [p]}, {"params": [p, q]}])
    with pytest.raises(TypeError, match=r"param_group must be a dict, but got <class 'list'>"):
        optim.SGD([p]).add_param_group([q])
    with pytest.raises(
        KeyError, match=r"params: a group is a dict with its tensors under 'params', got keys \['param', 'lr'\]"
    ):
        optim.SGD([{"param": [p], "lr": 1}])
    with pytest.warns(UserWarning, match="duplicate parameters"):
        optim.SGD([p, p])


@pytest.mark.parametrize(
    ("kind", "options", "text"),
    [
        (optim.SGD, {"lr": -1}, "Invalid learning rate: -1"),
        (optim.SGD, {"momentum": -1}, "Invalid momentum value: -1"),
        (optim.SGD, {"weight_decay": -1}, "Invalid weight_decay value: -1"),
        (optim.SGD, {"nesterov": True}, "Nesterov momentum requires a momentum and zero dampening"),
        (optim.SGD, {"nesterov": True, "momentum": 0.9, "dampening": 0.1}, "got momentum=0.9, dampening=0.1"),
        (optim.SGD, {"lr": float("nan")}, "Invalid learning rate: nan; it must be a number of at least 0"),
        (optim.Adam, {"lr": -1}, "Invalid learning rate: -1"),
        (optim.Adam, {"eps": -1}, "Invalid epsilon value: -1"),
        (optim.Adam, {"betas": (1, 0)}, "Invalid beta parameter at index 0: 1"),
        (optim.Adam, {"betas": (0, 1.0)}, "Invalid beta parameter at index 1: 1.0"),
        (optim.Adam, {"weight_decay": -1}, "Invalid weight_decay value: -1"),
        (optim.AdamW, {"lr": -1}, "Invalid learning rate: -1"),
        (optim.RMSprop, {"lr": -1}, "Invalid learning rate: -1"),
        (optim.RMSprop, {"eps": -1}, "Invalid epsilon value: -1"),
        (optim.RMSprop, {"momentum": -1}, "Invalid momentum value: -1"),
        (optim.RMSprop, {"weight_decay": -1}, "Invalid weight_decay value: -1"),
        (optim.RMSprop, {"alpha": -1}, "Invalid alpha value: -1"),
        (optim.Adagrad, {"lr": -1}, "Invalid learning rate: -1"),
        (optim.Adagrad, {"lr_decay": -1}, "Invalid lr_decay value: -1"),
        (optim.Adagrad, {"weight_decay": -1}, "Invalid weight_decay value: -1"),
        (optim.Adagrad, {"initial_accumulator_value": -1}, "Invalid initial_accumulator_value"),
        (optim.Adagrad, {"eps": -1}, "Invalid epsilon value: -1"),
        (optim.Adamax, {"betas": (0.9, 1.0)}, "Invalid beta parameter at index 1: 1.0"),
        (optim.NAdam, {"momentum_decay": -1}, "Invalid momentum_decay value: -1"),
        (optim.RAdam, {"eps": -1}, "Invalid epsilon value: -1"),
        (optim.Rprop, {"etas": (1.0, 1.2)}, "Invalid eta values: 1.0, 1.2"),
        (optim.Rprop, {"lr": float("nan")}, "Invalid learning rate: nan"),
        (optim.ASGD, {"weight_decay": -1}, "Invalid weight_decay value: -1"),
        (optim.Adadelta, {"lr": -1}, "Invalid learning rate: -1"),
        (optim.Adadelta, {"rho": 1.1}, "Invalid rho value: 1.1"),
        (optim.Adadelta, {"eps": -1}, "Invalid epsilon value: -1"),
        (optim.Adadelta, {"weight_decay": -1}, "Invalid weight_decay value: -1"),
    ],
)
def test_options_out_of_range_are_refused(kind, options, text):
    with pytest.raises(ValueError, match=text):
        kind([make_parameter()], **options)


def test_options_that_cannot_be_served_are_refused():
    p = make_parameter()
    with pytest.raises(ValueError, match=r"Tensor lr must be 1-element, got shape \(2,\)"):
        optim.SGD([p], lr=minigrad.ones(2))
    with pytest.raises(RuntimeError, match="`fused` and `foreach` cannot be `True` together"):
        optim.SGD([p], fused=True, foreach=True)
    with pytest.raises(NotImplementedError, match="create_graph=True"):
        optim.SGD([p], differentiable=True)
    with pytest.raises(TypeError, match="unexpected keyword argument 'decoupled_weight_decay'"):
        optim.AdamW([p], decoupled_weight_decay=False)
    with pytest.raises(NotImplementedError, match=r"Optimizer does not say how.*override step\(\), or write a rule"):
        optim.Optimizer([p], {}).step()
    p.grad = minigrad.ones(2)
    with pytest.raises(TypeError, match=r"lr of a parameter group must be a number, got '1e-3'; write float\('1e-3'\)"):
        optim.SGD([{"params": [p], "lr": "1e-3"}]).step()
    for harmless in ({"foreach": True}, {"fused": True}):
        optim.SGD([p], **harmless).step()


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"betas": (0.9, minigrad.tensor(0.99))}, "either both floats or both Tensors"),
        ({"lr": minigrad.tensor(0.1), "foreach": True}, "lr as a Tensor is not supported"),
    ],
)
def test_tensors_among_adams_options_are_refused_where_pytorch_refuses(options, message):
    with pytest.raises(ValueError, match=message):
        optim.Adam([minigrad.zeros(1)], **options)


def test_betas_that_are_no_two_floats_are_refused():
    with pytest.raises(ValueError, match=r"either both floats or both Tensors, got \(0, 0.9\)"):
        optim.Adam([make_parameter()], betas=(0, 0.9))
    with pytest.raises(RuntimeError, match="2 elements"):
        optim.Adam([make_parameter()], betas=(minigrad.ones(2), minigrad.ones(2)))


@pytest.mark.parametrize(
    ("make", "kind", "text"),
    [
        (lambda p: optim.Adam(p, betas=3), TypeError, "argument 'betas' must be a pair of numbers, not int 3"),
        (lambda p: optim.NAdam(p, betas=(0.9,)), TypeError, "must be a pair of numbers, not tuple \\(0.9,\\)"),
        (lambda p: optim.Adamax(p, betas=("a", 0.9)), TypeError, "'betas\\[0\\]' must be a number, not str 'a'"),
        (lambda p: optim.Rprop(p, etas=3), TypeError, "argument 'etas' must be a pair of numbers, not int 3"),
        (lambda p: optim.Rprop(p, step_sizes=None), TypeError, "'step_sizes' must be a pair of numbers, not NoneType"),
        (lambda p: optim.Adafactor(p, eps=3), TypeError, "argument 'eps' must be a pair of numbers, not int 3"),
        (lambda p: optim.SGD(p, dampening="much"), TypeError, "'dampening' must be a number, not str 'much'"),
        (lambda p: optim.ASGD(p, t0=[]), TypeError, "argument 't0' must be a number, not list"),
        (lambda p: optim.ASGD(p, alpha="a"), TypeError, "argument 'alpha' must be a number, not str 'a'"),
        (lambda p: optim.Adafactor(p, d="a"), TypeError, "argument 'd' must be a number, not str 'a'"),
        (lambda p: optim.Muon(p, ns_steps="a"), TypeError, "argument 'ns_steps' must be a number, not str 'a'"),
        (lambda p: optim.LBFGS(p, max_iter="a"), TypeError, "argument 'max_iter' must be a number, not str 'a'"),
        (lambda p: optim.LBFGS(p, history_size=None), TypeError, "'history_size' must be a number, not NoneType"),
    ],
)
def test_options_of_wrong_types_are_refused_by_name(make, kind, text):
    with pytest.raises(kind, match=text):
        make([make_parameter()])


def step(closure, kind=optim.SGD):
    return lambda: kind([make_parameter()], lr=0.1).step(closure)


test_what_is_no_closure_or_no_group = refusals({
    "a number": (step(3), TypeError, r"^step\(\) takes a function that computes the loss, or nothing, not int 3$"),
    "the loss": (
        step(minigrad.tensor(2.0)), TypeError, r"not Tensor tensor\(2.\); call loss.backward\(\) first, then step\(\)"),
    "none for LBFGS": (step(None, optim.LBFGS), TypeError, r"^step\(\) takes a function that computes the loss"),
    "a net in a group": (
        lambda: optim.SGD([{"params": minigrad.nn.Linear(1, 1)}], 0.1), TypeError,
        r"iterable of Tensors or dicts, but got Linear; write net.parameters\(\), with the brackets"),
})  # fmt: skip
