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
from tests.optim.test_trajectories import RECORDED, assert_close, case_name, read_options, set_gradients, start

CHUNK = optimizers.CHUNK
CAPTURABLE = [case for case in RECORDED if case["optimizer"] not in ("SGD", "Adagrad")]
COMPILED = [
    *{case["optimizer"]: case for case in RECORDED}.values(),
    *[c for c in RECORDED if c["optimizer"] == "Adam"][:1],
]
SIZES = [(1,), (0, 3), (7, 3), (CHUNK - 1,), (CHUNK,), (CHUNK + 1,), (3, CHUNK + 5)]


@pytest.fixture
def one_by_one(monkeypatch):
    """A list that gets each parameter which no launch updates."""
    taken, on_gpu_of = [], fused.on_gpu_of
    monkeypatch.setattr(
        fused, "on_gpu_of", lambda array, *rest, **named: taken.append(array) or on_gpu_of(array, *rest, **named)
    )
    return taken


def take_steps(parameters, optimizer, steps=3):
    """Steps on gradients that depend on nothing but the step."""
    for step in range(steps):
        for p in parameters:
            values = np.sin((step + 1.0) * np.arange(p.numel())).reshape(tuple(p.shape))
            p.grad = mg.tensor(values, dtype=p.dtype, device=p.device)
        optimizer.step()
    return parameters


def make_parameters(shapes, device, dtype=mg.float32):
    return [
        mg.tensor(np.cos(np.arange(np.prod(s))).reshape(s), dtype=dtype, device=device).requires_grad_() for s in shapes
    ]


def assert_same(got, expected):
    for p, q in zip(got, expected, strict=True):
        assert p.detach().cpu().tolist() == q.detach().cpu().tolist()


def reads_steps(optimizer):
    return not {"step", "eta"}.isdisjoint(inspect.signature(optimizer.rule).parameters)


@pytest.mark.parametrize("case", RECORDED, ids=case_name)
def test_every_optimizer_follows_pytorchs_trajectory_in_one_launch(case, stand_in, one_by_one):
    parameters = start(getattr(mg, case["dtype"]), "cuda")
    optimizer = getattr(optim, case["optimizer"])(parameters, **read_options(case))
    for step, expected in enumerate(case["path"]):
        set_gradients(step, parameters)
        standin.launches.clear()
        optimizer.step()
        assert len(standin.launches) == (2 if step > 2 and reads_steps(optimizer) else 1)  # one parameter missed a step
        for got, wanted in zip(parameters, expected, strict=True):
            assert_close(got.tolist(), wanted, case["dtype"])
    assert not one_by_one


@pytest.mark.parametrize("case", CAPTURABLE, ids=case_name)
def test_capturable_optimizers_follow_pytorchs_trajectory(case, stand_in, one_by_one):
    parameters = start(getattr(mg, case["dtype"]), "cuda")
    optimizer = getattr(optim, case["optimizer"])(parameters, **read_options(case), capturable=True)
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
    parameters = make_parameters([(5,), (2, 3), (0,), (CHUNK + 1,)], "cuda", getattr(mg, case["dtype"]))
    options = {**read_options(case), **({"capturable": True} if capturable else {})}
    optimizer = getattr(optim, case["optimizer"])(parameters, **options)
    take_steps(parameters, optimizer)
    assert len(launched) == (6 if capturable else 3)


@pytest.mark.device
@pytest.mark.parametrize("kind", [optim.SGD, optim.Adam, optim.RMSprop])
def test_parameters_of_every_size_have_the_bits_of_the_cpu(kind, device, one_by_one):
    options = {"momentum": 0.5} if kind is not optim.Adam else {}
    expected, got = make_parameters(SIZES, "cpu"), make_parameters(SIZES, device)
    take_steps(expected, kind(expected, lr=0.1, **options))
    take_steps(got, kind(got, lr=0.1, **options))
    assert_same(got, expected)
    assert not one_by_one


def test_300_parameters_take_several_launches(stand_in):
    shapes = [(n % 5 + 1,) for n in range(300)]
    expected, got = make_parameters(shapes, "cpu"), make_parameters(shapes, "cuda")
    take_steps(expected, optim.Adam(expected))
    standin.launches.clear()
    take_steps(got, optim.Adam(got), 3)
    assert len(standin.launches) == 3 * 4
    assert_same(got, expected)


def test_parameters_and_gradients_may_have_other_memory_orders(stand_in, one_by_one):
    """A channels_last weight is updated as it lies; a gradient of another order is brought into its own."""
    expected, [p] = make_parameters([(2, 3, 4, 5)], "cpu"), make_parameters([(2, 3, 4, 5)], "cuda")
    got = [p.detach().to(memory_format=mg.channels_last).requires_grad_()]
    assert not got[0].array.flags.c_contiguous
    take_steps(expected, optim.Adam(expected))
    take_steps(got, optim.Adam(got))
    assert_same(got, expected)
    assert got[0].is_contiguous(memory_format=mg.channels_last)
    assert not one_by_one


def test_parameters_that_no_kernel_serves_are_updated_one_by_one(stand_in, one_by_one):
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
            parameters = [change(p.detach()).requires_grad_() for p in make_parameters([(9,), (4, 2)], device)]
            pairs.append(take_steps(parameters, kind(parameters, lr=0.1)))
        assert len(one_by_one) == 6
        one_by_one.clear()
        for p, q in zip(*pairs, strict=True):
            np.testing.assert_allclose(p.tolist(), q.tolist(), rtol=1e-6)


@pytest.mark.parametrize("kind", [optim.SGD, optim.Adam, optim.Rprop])
def test_halves_are_rounded_after_every_step_as_numpy_rounds_them(kind, stand_in, one_by_one):
    options = {"lr": 0.1, **({"eps": 1e-3} if kind is optim.Adam else {})}
    expected, got = make_parameters(SIZES, "cpu", mg.float16), make_parameters(SIZES, "cuda", mg.float16)
    take_steps(expected, kind(expected, **options))
    take_steps(got, kind(got, **options))
    assert_same(got, expected)
    assert not one_by_one


def test_a_parameter_given_twice_takes_two_steps(stand_in, one_by_one):
    pairs = []
    for device in ("cpu", "cuda"):
        [p] = make_parameters([(4,)], device)
        with pytest.warns(UserWarning, match="duplicate parameters"):
            optimizer = optim.SGD([p, p], lr=0.1, momentum=0.9)
        pairs.append(take_steps([p], optimizer))
    assert_same(*pairs)
    assert len(one_by_one) == 4  # in the first step one of them finds no buffer, so that they are apart


def test_dtypes_groups_and_gpus_may_be_mixed(stand_in, one_by_one):
    places = [("cuda:0", mg.float32), ("cuda:1", mg.float32), ("cuda:1", mg.float64), ("cpu", mg.float64)]
    got, expected = (
        [p for place, dtype in places for p in make_parameters([(3,), (2, 2)], place if there else "cpu", dtype)]
        for there in (1, 0)
    )
    groups = lambda ps: [{"params": ps[::2], "lr": 0.5}, {"params": ps[1::2], "weight_decay": 0.1, "maximize": True}]  # noqa: E731
    take_steps(got, optim.AdamW(groups(got)))
    take_steps(expected, optim.AdamW(groups(expected)))
    assert_same(got, expected)
    assert not one_by_one


def test_another_learning_rate_needs_no_other_kernel(stand_in, monkeypatch):
    monkeypatch.setattr(optimizers, "WRITTEN", {})
    parameters = make_parameters([(3,)], "cuda")
    optimizer = optim.Adam(parameters)
    for lr in (0.1, 0.2, 0.3):
        optimizer.param_groups[0]["lr"] = lr
        take_steps(parameters, optimizer)
    assert len(optimizers.WRITTEN) == 1


def test_step_counts_follow_the_option_capturable(stand_in):
    [p] = parameters = make_parameters([(3,)], "cuda")
    optimizer = optim.NAdam(parameters)
    twins = make_parameters([(3,)], "cuda")
    for capturable in (False, True, False):
        optimizer.param_groups[0]["capturable"] = capturable
        take_steps(parameters, optimizer)
        assert optimizer.state[p]["step"].is_cuda is optimizer.state[p]["mu_product"].is_cuda is capturable
    plain = optim.NAdam(twins)
    for _ in range(3):
        take_steps(twins, plain)
    np.testing.assert_allclose(p.tolist(), twins[0].tolist(), rtol=1e-6)


def test_fused_counts_steps_on_the_gpu_if_the_parameters_are_there(stand_in):
    for device in ("cpu", "cuda"):
        [p] = parameters = make_parameters([(3,)], device)
        optimizer = optim.Adam(parameters, fused=True)
        take_steps(parameters, optimizer)
        assert optimizer.state[p]["step"].is_cuda is (device == "cuda")


def test_fused_and_capturable_are_refused_as_in_pytorch():
    [p] = make_parameters([(3,)], "cpu")
    with pytest.raises(RuntimeError, match="`fused` does not support `differentiable`"):
        optim.SGD([p], fused=True, differentiable=True)
    p.grad = mg.ones(3)
    with pytest.raises(AssertionError, match="If capturable=True, params and steps must be on supported devices"):
        optim.Adam([p], capturable=True).step()
    with pytest.raises(AssertionError, match="params and steps, etas, mus must be"):
        optim.ASGD([p], capturable=True).step()


def test_another_learning_rate_is_not_traced_again(stand_in, monkeypatch):
    traced, trace = [], optimizers.trace_rule
    monkeypatch.setattr(optimizers, "trace_rule", lambda *arguments: traced.append(1) or trace(*arguments))
    parameters, expected = make_parameters([(3,)], "cuda"), make_parameters([(3,)], "cpu")
    for ps in (parameters, expected):
        optimizer = optim.AdamW(ps, weight_decay=0.1)
        for lr in (0.1, 0.2, 0.3):
            optimizer.param_groups[0]["lr"] = lr
            take_steps(ps, optimizer)
    assert_same(parameters, expected)
    assert len(traced) == 2  # with new buffers, and then with those


@pytest.mark.parametrize("kind", [optim.AdamW, optim.NAdam, optim.Rprop])
def test_a_learning_rate_on_the_gpu_is_not_copied_to_the_host(kind, stand_in, one_by_one):
    rate, options = mg.tensor(0.5, device="cuda"), {"weight_decay": 0.1} if kind is not optim.Rprop else {}
    parameters, expected = make_parameters([(3,)], "cuda"), make_parameters([(3,)], "cpu")
    optimizer, plain = kind(parameters, lr=rate, capturable=True, **options), kind(expected, lr=0.5, **options)
    for _ in range(2):
        take_steps(parameters, optimizer)
        standin.crossings.clear()
        optimizer.step()
        assert not standin.crossings
        take_steps(expected, plain)
        plain.step()
        rate.fill_(0.25)
        plain.param_groups[0]["lr"] = 0.25
    for p, q in zip(parameters, expected, strict=True):
        np.testing.assert_allclose(p.tolist(), q.tolist(), rtol=1e-6)
    assert not one_by_one


def test_a_table_of_addresses_is_filled_again_only_after_a_change(stand_in, monkeypatch):
    filled, fill = [], optimizers.Update.fill
    monkeypatch.setattr(optimizers.Update, "fill", lambda self, rows: filled.append(len(rows)) or fill(self, rows))
    pairs = []
    for device in ("cpu", "cuda"):
        parameters = make_parameters([(3,), (4, 2), (2, 2)], device)
        optimizer = optim.Adam(parameters)
        take_steps(parameters, optimizer, 5)
        settled = len(filled)
        take_steps(parameters, optimizer, 3)
        assert len(filled) == settled
        optimizer.state[parameters[0]]["exp_avg"] = optimizer.state[parameters[0]]["exp_avg"].clone()
        take_steps(parameters, optimizer)
        parameters[1].data = parameters[1].detach().clone()
        take_steps(parameters, optimizer)
        parameters[2].grad = parameters[2].grad.t().contiguous().t()
        optimizer.step()
        parameters[2].grad = None
        optimizer.step()
        optimizer.load_state_dict(optimizer.state_dict())
        take_steps(parameters, optimizer)
        pairs.append(parameters)
    assert_same(*pairs)
    assert len(filled) > settled > 0


def test_all_kernels_compile_for_a_gpu(stand_in, monkeypatch):
    nvrtc.require()
    monkeypatch.setattr(optimizers, "WRITTEN", {})
    for source in list_sources():
        nvrtc.compile_for_a_gpu(source, *optimizers.OPTIONS)


def list_sources():
    """The kernels of all optimizers, in all types, with and without counts on the GPU."""
    for case in RECORDED:
        for capturable, dtype in itertools.product((False, True), (mg.float16, mg.float64)):
            if not capturable or case in CAPTURABLE:
                options = {**read_options(case), **({"capturable": True} if capturable else {})}
                parameters = make_parameters([(2,)], "cuda", dtype)
                take_steps(parameters, getattr(optim, case["optimizer"])(parameters, **options), 2)
    for update in optimizers.WRITTEN.values():
        yield update.update.source("f")
        if update.count_on is not None:
            yield update.count_on.source("f")
