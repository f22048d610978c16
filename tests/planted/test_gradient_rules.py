"""Several faults are planted in every gradient rule of the package, one at a time: the checks must find each.

Each rule is run by some of the calls in samples.py. For every (operation, operand, mistake) the rule is replaced in
the running program, and `gradcheck` along one random direction must fail. A mistake that changes nothing on a sample
(a sum's gradient reversed where all are equal) proves nothing and is skipped; at least one must be left for each rule.
"""

import contextlib
import functools
import gc
import importlib
import inspect
import pkgutil

import numpy as np
import pytest

import minigrad
from minigrad import backend, devices
from minigrad.autograd import GradcheckError, gradcheck, gradgradcheck
from minigrad.autograd.recording import Operation
from tests import standin
from tests.planted.samples import SAMPLES, STEPS, make_operands

pytestmark = pytest.mark.cpu("the rules run as they are written; on a GPU kernels take the place of some")


@functools.cache
def find_operations():
    """All operations of the package, one of each kind, also those that only a closure of a public function holds."""
    for module in pkgutil.walk_packages(minigrad.__path__, "minigrad."):
        importlib.import_module(module.name)
    found = [o for o in gc.get_objects() if isinstance(o, Operation)]
    ours = [o for o in found if any(r and r.__module__.startswith("minigrad.") for r in o.rules)]
    return sorted({(o.forward, o.rules): o for o in ours}.values(), key=find_declaration)


def find_declaration(operation):
    """What orders operations alike in every process: `gc` lists them in an order that depends on when it ran."""
    codes = [getattr(inspect.unwrap(f), "__code__", None) for f in (operation.forward, *operation.rules) if f]
    places = [(code.co_filename, code.co_firstlineno, code.co_name) if code else () for code in codes]
    return operation.name, operation.backward_name, places


@functools.cache
def find_every_operation():
    """All operations in memory. Cached, because looking through all objects of a long test run is slow."""
    find_operations()  # all files imported
    return [o for o in gc.get_objects() if isinstance(o, Operation)]


def find_twins(operation):
    """`operation`, and those that differ from it only in the name that they print."""
    return [o for o in find_every_operation() if (o.forward, o.rules) == (operation.forward, operation.rules)]


def flip(gradient):
    """The elements in the opposite order, as by swapped axes or a flipped kernel."""
    return np.reshape(np.ravel(gradient)[::-1], gradient.shape)


MISTAKES = {
    "negated": lambda right, g: -right,
    "a factor too many": lambda right, g: 2.0 * right,
    "forgotten": lambda right, g: 0.0 * right,
    "elements out of order": lambda right, g: flip(right),
    "the upstream gradient dropped": lambda right, g: 0.0 * right + 1.0,
    "only the upstream gradient": lambda right, g: g if type(g) is type(right) and g.shape == right.shape else right,
}


HARMLESS = {
    ("to_device", "negated"),  # it runs twice, there and back, and the two mistakes cancel
    ("to_device", "elements out of order"),
    ("fill", "elements out of order"),  # they are summed to one number
}
NO_DERIVATIVES = {
    "floor_divide",  # a step: differentiating it raises, as in PyTorch
    "heaviside",  # likewise
    "igamma",  # in its first operand; test_incomplete_gamma.py checks the second
    "igammac",
    "unique",
    "binomial",
    "cut",  # computes what a scatter does not read: likewise
    "normal",  # the gradient of a draw is zero by convention, although it moves with its mean
    "poisson",  # likewise
    "bernoulli",
    "as_it_was",  # for leaves transposed in place, which gradcheck cannot do: ops/programs.txt tests it
}


class WrongRule:
    """A gradient rule with a mistake; it has the parameters of the right one."""

    def __init__(self, rule, mistake):
        self.rule, self.mistake, self.__code__ = rule, mistake, rule.__code__
        self.calls, self.changed = 0, False

    def __call__(self, g, *values, **named):
        on_gpu = not isinstance(g, np.ndarray | minigrad.Tensor)  # a GPU may compute the rule by another function
        right = (backend.KERNELS.get(self.rule, self.rule) if on_gpu else self.rule)(g, *values, **named)
        self.calls += 1
        if self.mistake is None or isinstance(right, minigrad.Tensor):
            return right  # under create_graph the rule stays right: only the last derivative is spoilt
        wrong = self.mistake(right, g)
        self.changed |= not np.allclose(wrong, right, rtol=1e-3, atol=1e-4)
        return wrong


@contextlib.contextmanager
def plant(operation, rules):
    """Within, `operation`, whatever its name, differentiates by `rules`."""
    same, before = find_twins(operation), operation.rules
    for made in same:
        made.rules, made.plans = rules, {}
    try:
        yield
    finally:
        for made in same:
            made.rules, made.plans = before, {}


def spoil_rule(operation, i, mistake):
    rules = list(operation.rules)
    rules[i] = WrongRule(rules[i], mistake)
    return rules[i], tuple(rules)


def check_first_order(name):
    return gradcheck(SAMPLES[name][0], make_operands(name), eps=STEPS.get(name, 1e-6), fast_mode=True)


def check_second_order(name):
    """For a rule that only other rules use, such as those of conv2d's adjoints."""
    step = STEPS.get(name, 1e-6)
    return gradgradcheck(SAMPLES[name][0], make_operands(name), eps=step, fast_mode=True)


@pytest.fixture(scope="module", autouse=True)
def device_to_move_to():
    """With `--device`, too, the operands of the checks that are made once for all tests are on the CPU."""
    with backend.use_library(standin.cupy), pytest.MonkeyPatch.context() as patch:
        patch.setattr(devices, "_default_device", devices.CPU)
        yield


@pytest.fixture(scope="module")
def checks_by_rule():
    """(id of the operation, operand) -> the checks in which this rule runs, on arrays."""
    spies = {}
    with contextlib.ExitStack() as stack:
        for operation in find_operations():
            rules = [r and WrongRule(r, None) for r in operation.rules]
            stack.enter_context(plant(operation, tuple(rules)))
            spies |= {(id(operation), i): spy for i, spy in enumerate(rules) if spy}
        found = {key: [] for key in spies}
        for check in (check_first_order, check_second_order):
            for name in SAMPLES:
                before = {key: spy.calls for key, spy in spies.items()}
                check(name)  # a failure here means that the rule itself is wrong
                for key, spy in spies.items():
                    if spy.calls > before[key]:
                        found[key].append((check, name))
    return found


RULES = [
    pytest.param(operation, i, id=f"{operation.name}-{i}")
    for operation in find_operations()
    for i, rule in enumerate(operation.rules)
    if rule is not None and operation.name not in NO_DERIVATIVES
]


@pytest.mark.parametrize(("operation", "i"), RULES)
def test_a_planted_mistake_is_found(operation, i, checks_by_rule):
    checks = checks_by_rule[id(operation), i]
    assert checks, f"no sample reaches rule {i} of {operation!r}: add one to samples.py"
    titles = [t for t in MISTAKES if (operation.name, t) not in HARMLESS]
    proven = [title for title in titles if is_found(operation, i, title, checks)]
    assert proven


def is_found(operation, i, title, checks):
    """Whether a check fails; False where the mistake changes nothing on these samples."""
    missed = []
    for check, name in checks[:8]:
        spoilt, rules = spoil_rule(operation, i, MISTAKES[title])
        with plant(operation, rules):
            try:
                check(name)
            except GradcheckError:
                return True
        if spoilt.changed:
            missed.append(f"{check.__name__}({name!r})")
    assert not missed, f"{title}: not found by {missed}"
    return False


@pytest.mark.parametrize(
    "operation", [pytest.param(o, id=o.name) for o in find_operations() if len(o.rules) == 2 and all(o.rules)]
)
def test_swapped_rules_are_found(operation, checks_by_rule):
    """The gradient of the first operand given to the second, and the other way round."""
    first, second = operation.rules
    if operation.name in NO_DERIVATIVES:
        return
    if first.__code__.co_code == second.__code__.co_code and operation.reads == [(), ()]:
        return  # the same rule for both, as in a sum
    checks = [c for c in checks_by_rule[id(operation), 0] if c in checks_by_rule[id(operation), 1]]
    reads, operation.reads = operation.reads, operation.reads[::-1]
    try:
        with plant(operation, (second, first)):
            assert any(fails(check, name) for check, name in checks)
    finally:
        operation.reads = reads


def fails(check, name):
    try:
        check(name)
    except (RuntimeError, ValueError, TypeError, IndexError):
        return True  # a wrong gradient, or one of the wrong shape
    return False
