"""One launch updates all parameters on a GPU, with the results of the optimizer's rule."""

import inspect
import itertools
from typing import ClassVar

import numpy as np
import pytest

import minigrad as mg
from minigrad import optim
from minigrad.gpu import optimizers
from minigrad.optim import fused
from tests import nvrtc, standin
from tests.kernels.cuda_on_cpu import run
from tests.optim.test_trajectories import RECORDED, assert_close, case_name, options_of, set_gradients, start

CHUNK = optimizers.CHUNK
CAPTURABLE = [case for case in RECORDED if case["optimizer"] not in ("SGD", "Adagrad")]
COMPILED = [
    *{case["optimizer"]: case for case in RECORDED}.values(),
    *[c for c in RECORDED if c["optimizer"] == "Adam"][:1],
]
SIZES = [(1,), (0, 3), (7, 3), (CHUNK - 1,), (CHUNK,), (CHUNK + 1,), (3, CHUNK + 5)]


@pytest.fixture
def one_by_one(monkeypatch):
    """The parameters that no launch took."""
    taken, on_gpu_of = [], fused.on_gpu_of
    monkeypatch.setattr(
        fused, "on_gpu_of", lambda array, *rest, **named: taken.append(array) or on_gpu_of(array, *rest, **named)
    )
    return taken


def step_on(parameters, optimizer, steps=3):
    """Steps on gradients that depend on nothing but the step."""
    for step in range(steps):
        for p in parameters:
            values = np.sin((step + 1.0) * np.arange(p.numel())).reshape(tuple(p.shape))
            p.grad = mg.tensor(values, dtype=p.dtype, device=p.device)
        optimizer.step()
    return parameters


def made(shapes, device, dtype=mg.float32):
    return [
        mg.tensor(np.cos(np.arange(np.prod(s))).reshape(s), dtype=dtype, device=device).requires_grad_() for s in shapes
    ]


def assert_same(got, expected):
    for p, q in zip(got, expected, strict=True):
        assert p.detach().cpu().tolist() == q.detach().cpu().tolist()


def reads_steps(optimizer):
    return not {"step", "eta"}.isdisjoint(inspect.signature(optimizer.rule).parameters)


@pytest.mark.parametrize("case", RECORDED, ids=case_name)
def test_every_optimizer_takes_pytorchs_path(case, stand_in, one_by_one):
    parameters = start(getattr(mg, case["dtype"]), "cuda")
    optimizer = getattr(optim, case["optimizer"])(parameters, **options_of(case))
    for step, expected in enumerate(case["path"]):
        set_gradients(step, parameters)
        standin.launches.clear()
        optimizer.step()
        assert len(standin.launches) == (2 if step > 2 and reads_steps(optimizer) else 1)  # one parameter missed a step
        for got, wanted in zip(parameters, expected, strict=True):
            assert_close(got.tolist(), wanted, case["dtype"])
    assert not one_by_one


@pytest.mark.parametrize("case", CAPTURABLE, ids=case_name)
def test_steps_that_are_counted_on_the_gpu_take_the_same_path(case, stand_in, one_by_one):
    parameters = start(getattr(mg, case["dtype"]), "cuda")
    optimizer = getattr(optim, case["optimizer"])(parameters, **options_of(case), capturable=True)
    for step, expected in enumerate(case["path"]):
        set_gradients(step, parameters)
        standin.crossings.clear()
        standin.launches.clear()
        optimizer.step()
        assert len(standin.launches) == 2  # the update, and then the count, whichever steps were missed
        assert not step or not standin.crossings
        for got, wanted in zip(parameters, expected, strict=True):
            assert_close(got.tolist(), wanted, case["dtype"])
    assert not one_by_one
    for p, count in zip(parameters, (6, 5), strict=True):
        assert optimizer.state[p]["step"].is_cuda and optimizer.state[p]["step"].item() == count


@pytest.mark.parametrize("case", COMPILED, ids=case_name)
@pytest.mark.parametrize("capturable", [False, True])
def test_the_source_computes_what_its_twin_computes(case, capturable, stand_in, monkeypatch):
    """Each launch of three steps, by the compiled kernel and by its twin, to the last bit."""
    if capturable and case["optimizer"] not in ("Adam", "NAdam", "RAdam", "ASGD"):
        pytest.skip("its rule reads no count: the kernel is the same but for its table")
    launched = []
    kernel = stand_in.RawKernel

    class Both(kernel):
        def __init__(self, code, name, options=()):
            super().__init__(code, name, options)
            self.code = code

        def __call__(self, grid, block, args, *, shared_mem=0):
            launched.append(self.name)
            arrays = [p.array._host for p in parameters] + [
                buffer.array._host for state in optimizer.state.values() for buffer in state.values() if buffer.is_cuda
            ]
            before = [array.copy() for array in arrays]
            run(self.code, self.name, grid, block, (args[0]._host, args[1]))
            after = [array.copy() for array in arrays]
            for array, old in zip(arrays, before, strict=True):
                array[...] = old
            super().__call__(grid, block, args, shared_mem=shared_mem)
            for array, new in zip(arrays, after, strict=True):
                np.testing.assert_allclose(array, new, rtol=1e-14 if array.dtype == "d" else 0)

    monkeypatch.setattr(stand_in, "RawKernel", Both)
    monkeypatch.setattr(optimizers, "WRITTEN", {})
    parameters = made([(5,), (2, 3), (0,), (CHUNK + 1,)], "cuda", getattr(mg, case["dtype"]))
    options = {**options_of(case), **({"capturable": True} if capturable else {})}
    optimizer = getattr(optim, case["optimizer"])(parameters, **options)
    step_on(parameters, optimizer)
    assert len(launched) == (6 if capturable else 3)


@pytest.mark.device
@pytest.mark.parametrize("kind", [optim.SGD, optim.Adam, optim.RMSprop])
def test_parameters_of_every_size_take_the_cpus_path_to_the_last_bit(kind, device, one_by_one):
    options = {"momentum": 0.5} if kind is not optim.Adam else {}
    expected, got = made(SIZES, "cpu"), made(SIZES, device)
    step_on(expected, kind(expected, lr=0.1, **options))
    step_on(got, kind(got, lr=0.1, **options))
    assert_same(got, expected)
    assert not one_by_one


def test_more_parameters_than_a_table_has_rows(stand_in):
    shapes = [(n % 5 + 1,) for n in range(300)]
    expected, got = made(shapes, "cpu"), made(shapes, "cuda")
    step_on(expected, optim.Adam(expected))
    standin.launches.clear()
    step_on(got, optim.Adam(got), 3)
    assert len(standin.launches) == 3 * 4
    assert_same(got, expected)


def test_parameters_and_gradients_in_other_memory_orders(stand_in, one_by_one):
    """A channels_last weight is updated as it lies; a gradient of another order is brought into its own."""
    expected, [p] = made([(2, 3, 4, 5)], "cpu"), made([(2, 3, 4, 5)], "cuda")
    got = [p.detach().to(memory_format=mg.channels_last).requires_grad_()]
    assert not got[0].array.flags.c_contiguous
    step_on(expected, optim.Adam(expected))
    step_on(got, optim.Adam(got))
    assert_same(got, expected)
    assert got[0].is_contiguous(memory_format=mg.channels_last)
    assert not one_by_one


def test_what_a_kernel_cannot_do_is_done_one_by_one(stand_in, one_by_one):
    """Every second element of a tensor, and a rule that looks at more than one element."""

    class Normalized(optim.Optimizer):
        counters: ClassVar = {}

        def __init__(self, params, lr):
            super().__init__(params, {"lr": lr})

        @staticmethod
        def rule(w, g, *, lr):
            w -= lr * g / np.sqrt((g * g).sum())

    for kind, change in ((optim.Adam, lambda p: p[::2]), (Normalized, lambda p: p)):
        pairs = []
        for device in ("cpu", "cuda"):
            parameters = [change(p.detach()).requires_grad_() for p in made([(9,), (4, 2)], device)]
            pairs.append(step_on(parameters, kind(parameters, lr=0.1)))
        assert len(one_by_one) == 6
        one_by_one.clear()
        for p, q in zip(*pairs, strict=True):
            np.testing.assert_allclose(p.tolist(), q.tolist(), rtol=1e-6)


@pytest.mark.parametrize("kind", [optim.SGD, optim.Adam, optim.Rprop])
def test_halves_are_rounded_after_every_step_as_numpy_rounds_them(kind, stand_in, one_by_one):
    options = {"lr": 0.1, **({"eps": 1e-3} if kind is optim.Adam else {})}
    expected, got = made(SIZES, "cpu", mg.float16), made(SIZES, "cuda", mg.float16)
    step_on(expected, kind(expected, **options))
    step_on(got, kind(got, **options))
    assert_same(got, expected)
    assert not one_by_one


def test_a_parameter_that_is_there_twice_takes_two_steps(stand_in, one_by_one):
    pairs = []
    for device in ("cpu", "cuda"):
        [p] = made([(4,)], device)
        with pytest.warns(UserWarning, match="duplicate parameters"):
            optimizer = optim.SGD([p, p], lr=0.1, momentum=0.9)
        pairs.append(step_on([p], optimizer))
    assert_same(*pairs)
    assert len(one_by_one) == 4  # in the first step one of them finds no buffer, so that they are apart


def test_types_groups_and_gpus_beside_each_other(stand_in, one_by_one):
    places = [("cuda:0", mg.float32), ("cuda:1", mg.float32), ("cuda:1", mg.float64), ("cpu", mg.float64)]
    got, expected = (
        [p for place, dtype in places for p in made([(3,), (2, 2)], place if there else "cpu", dtype)]
        for there in (1, 0)
    )
    groups = lambda ps: [{"params": ps[::2], "lr": 0.5}, {"params": ps[1::2], "weight_decay": 0.1, "maximize": True}]  # noqa: E731
    step_on(got, optim.AdamW(groups(got)))
    step_on(expected, optim.AdamW(groups(expected)))
    assert_same(got, expected)
    assert not one_by_one


def test_another_learning_rate_needs_no_other_kernel(stand_in, monkeypatch):
    monkeypatch.setattr(optimizers, "WRITTEN", {})
    parameters = made([(3,)], "cuda")
    optimizer = optim.Adam(parameters)
    for lr in (0.1, 0.2, 0.3):
        optimizer.param_groups[0]["lr"] = lr
        step_on(parameters, optimizer)
    assert len(optimizers.WRITTEN) == 1


def test_counts_move_to_the_gpu_and_back(stand_in):
    [p] = parameters = made([(3,)], "cuda")
    optimizer = optim.NAdam(parameters)
    twins = made([(3,)], "cuda")
    for capturable in (False, True, False):
        optimizer.param_groups[0]["capturable"] = capturable
        step_on(parameters, optimizer)
        assert optimizer.state[p]["step"].is_cuda is optimizer.state[p]["mu_product"].is_cuda is capturable
    plain = optim.NAdam(twins)
    for _ in range(3):
        step_on(twins, plain)
    np.testing.assert_allclose(p.tolist(), twins[0].tolist(), rtol=1e-6)


def test_fused_counts_on_the_gpu_and_on_the_cpu_it_means_nothing(stand_in):
    for device in ("cpu", "cuda"):
        [p] = parameters = made([(3,)], device)
        optimizer = optim.Adam(parameters, fused=True)
        step_on(parameters, optimizer)
        assert optimizer.state[p]["step"].is_cuda is (device == "cuda")


def test_flags_are_refused_as_pytorch_refuses_them():
    [p] = made([(3,)], "cpu")
    with pytest.raises(RuntimeError, match="`fused` does not support `differentiable`"):
        optim.SGD([p], fused=True, differentiable=True)
    p.grad = mg.ones(3)
    with pytest.raises(AssertionError, match="If capturable=True, params and steps must be on supported devices"):
        optim.Adam([p], capturable=True).step()
    with pytest.raises(AssertionError, match="params and steps, etas, mus must be"):
        optim.ASGD([p], capturable=True).step()


def test_another_rate_is_not_traced_anew(stand_in, monkeypatch):
    traced, trace = [], optimizers.trace_rule
    monkeypatch.setattr(optimizers, "trace_rule", lambda *arguments: traced.append(1) or trace(*arguments))
    parameters, expected = made([(3,)], "cuda"), made([(3,)], "cpu")
    for ps in (parameters, expected):
        optimizer = optim.AdamW(ps, weight_decay=0.1)
        for lr in (0.1, 0.2, 0.3):
            optimizer.param_groups[0]["lr"] = lr
            step_on(ps, optimizer)
    assert_same(parameters, expected)
    assert len(traced) == 2  # with new buffers, and then with those


@pytest.mark.parametrize("kind", [optim.AdamW, optim.NAdam, optim.Rprop])
def test_a_rate_on_the_gpu_stays_there_where_steps_are_captured(kind, stand_in, one_by_one):
    rate, options = mg.tensor(0.5, device="cuda"), {"weight_decay": 0.1} if kind is not optim.Rprop else {}
    parameters, expected = made([(3,)], "cuda"), made([(3,)], "cpu")
    optimizer, plain = kind(parameters, lr=rate, capturable=True, **options), kind(expected, lr=0.5, **options)
    for _ in range(2):
        step_on(parameters, optimizer)
        standin.crossings.clear()
        optimizer.step()
        assert not standin.crossings
        step_on(expected, plain)
        plain.step()
        rate.fill_(0.25)
        plain.param_groups[0]["lr"] = 0.25
    for p, q in zip(parameters, expected, strict=True):
        np.testing.assert_allclose(p.tolist(), q.tolist(), rtol=1e-6)
    assert not one_by_one


def test_a_table_serves_until_something_lies_elsewhere(stand_in, monkeypatch):
    filled, fill = [], optimizers.Update.fill
    monkeypatch.setattr(optimizers.Update, "fill", lambda self, rows: filled.append(len(rows)) or fill(self, rows))
    pairs = []
    for device in ("cpu", "cuda"):
        parameters = made([(3,), (4, 2), (2, 2)], device)
        optimizer = optim.Adam(parameters)
        step_on(parameters, optimizer, 5)
        settled = len(filled)
        step_on(parameters, optimizer, 3)
        assert len(filled) == settled
        optimizer.state[parameters[0]]["exp_avg"] = optimizer.state[parameters[0]]["exp_avg"].clone()
        step_on(parameters, optimizer)
        parameters[1].data = parameters[1].detach().clone()
        step_on(parameters, optimizer)
        parameters[2].grad = parameters[2].grad.t().contiguous().t()
        optimizer.step()
        parameters[2].grad = None
        optimizer.step()
        optimizer.load_state_dict(optimizer.state_dict())
        step_on(parameters, optimizer)
        pairs.append(parameters)
    assert_same(*pairs)
    assert len(filled) > settled > 0


def test_all_kernels_compile_for_a_gpu(stand_in, monkeypatch):
    nvrtc.require()
    monkeypatch.setattr(optimizers, "WRITTEN", {})
    for source in sources():
        nvrtc.compile_for_a_gpu(source, *optimizers.OPTIONS)


def sources():
    """The kernels of all optimizers, in all types, with and without counts on the GPU."""
    for case in RECORDED:
        for capturable, dtype in itertools.product((False, True), (mg.float16, mg.float64)):
            if not capturable or case in CAPTURABLE:
                options = {**options_of(case), **({"capturable": True} if capturable else {})}
                parameters = made([(2,)], "cuda", dtype)
                step_on(parameters, getattr(optim, case["optimizer"])(parameters, **options), 2)
    for update in optimizers.WRITTEN.values():
        yield update.update.source("f")
        if update.count_on is not None:
            yield update.count_on.source("f")
