"""Computing on a GPU that is not the current one: CuPy would raise; minigrad selects it and switches back."""

import numpy as np
import pytest

import minigrad as mg
import minigrad.nn.functional as F
from minigrad import autograd, cuda, func, nn, optim, random
from minigrad.kernels import algorithm
from minigrad.serialization import load, save
from minigrad.utils.data import DataLoader, TensorDataset, default_collate
from tests.device.test_operations import CASES, to_numpy

pytestmark = pytest.mark.usefixtures("kept_gpu")
SECOND = mg.device("cuda:1")


@pytest.mark.parametrize("name", CASES)
def test_each_operation_and_its_gradient_run_on_the_second_gpu(name):
    random = np.random.default_rng(len(name))
    arrays = [random.uniform(0.5, 1.5, shape) for shape in CASES[name].shapes]
    there = [mg.tensor(a, device=SECOND, requires_grad=True) for a in arrays]
    with cuda.device(1):  # some cases make further operands on "cuda"
        result = CASES[name].ours(*there)
    np.testing.assert_allclose(to_numpy(result), CASES[name].numpys(*arrays), rtol=1e-12, atol=1e-13)
    if result.requires_grad:
        gradients = autograd.grad(result.sum(), there, retain_graph=True, allow_unused=True)
        assert all(g is None or g.device == SECOND for g in gradients)
        again = autograd.grad(result.sum(), there, create_graph=True, allow_unused=True)
        for g, h in zip(gradients, again, strict=True):
            assert (h is None) == (g is None)
            if h is not None:
                assert h.device == SECOND
                np.testing.assert_allclose(to_numpy(h), to_numpy(g), rtol=1e-12, atol=1e-13)


def train(device, make):
    mg.manual_seed(0)
    model = nn.Sequential(
        nn.Conv2d(1, 4, 3, padding=1, bias=False), nn.BatchNorm2d(4), nn.ReLU(), nn.MaxPool2d(2), nn.Flatten(),
        nn.Dropout(0.1), nn.Linear(4 * 16, 3),
    ).to(device)  # fmt: skip
    x, y = mg.randn(6, 1, 8, 8).to(device), mg.tensor([0, 1, 2, 2, 1, 0], device=device)
    optimizer = make(model.parameters())
    for _ in range(3):
        optimizer.zero_grad()
        loss = F.cross_entropy(model(x), y)
        loss.backward()
        nn.utils.clip_grad_norm_(model.parameters(), 1.0)
        optimizer.step()
    return model, loss


@pytest.mark.parametrize(
    "make",
    [
        lambda p: optim.SGD(p, lr=0.1, momentum=0.9, nesterov=True),
        lambda p: optim.Adam(p, lr=0.01, amsgrad=True),
        lambda p: optim.RMSprop(p, lr=0.01, momentum=0.5),
        lambda p: optim.Adagrad(p, lr=0.01),
    ],
)
def test_a_network_trains_on_the_second_gpu_as_on_the_cpu(make, monkeypatch):
    monkeypatch.setattr(random, "of_gpu", lambda _: mg.default_generator)  # the same dropout
    (here, loss_here), (there, loss_there) = train("cpu", make), train(SECOND, make)
    assert loss_there.item() == pytest.approx(loss_here.item(), rel=1e-4)
    for a, b in zip(here.parameters(), there.parameters(), strict=True):
        assert b.device == b.grad.device == SECOND
        np.testing.assert_allclose(to_numpy(b), to_numpy(a), rtol=1e-3, atol=1e-5)


KINDS = [getattr(optim, name) for name in optim.__all__ if name not in ("Optimizer", "lr_scheduler", "swa_utils")]


@pytest.mark.parametrize("kind", KINDS, ids=lambda kind: kind.__name__)
def test_each_optimizer_steps_on_the_second_gpu(kind):
    found = []
    for device in ("cpu", SECOND):
        w = mg.tensor([[1.0, -2.0], [0.5, 3.0]], device=device, requires_grad=True)
        optimizer, gpus = kind([w], lr=0.1), set()

        def measure(w=w, optimizer=optimizer, gpus=gpus):
            gpus.add(cuda.current_device())
            optimizer.zero_grad()
            loss = (w**4 + w).sum()
            loss.backward()
            return loss

        for _ in range(2):
            optimizer.step(measure)
        found.append(to_numpy(w))
        assert gpus == {0} and w.device == mg.device(device)
    np.testing.assert_allclose(*found, rtol=1e-5)


# name: a function without a gradient, of float and integer tensors; not all return a tensor.
COUNTS = mg.tensor([2, 0, 1])
WITHOUT_GRADIENTS = {
    "argmax": lambda x, i: mg.argmax(x, 1),
    "max": lambda x, i: mg.max(x, 1),
    "sort": lambda x, i: mg.sort(x, descending=True),
    "topk": lambda x, i: mg.topk(x, 2),
    "median": lambda x, i: mg.median(x, 1),
    "kthvalue": lambda x, i: mg.kthvalue(x, 2),
    "mode": lambda x, i: mg.mode(i),
    "unique": lambda x, i: mg.unique(i, return_counts=True),
    "searchsorted": lambda x, i: mg.searchsorted(mg.sort(x[0]).values, x),
    "bincount": lambda x, i: mg.bincount(i, minlength=4),
    "nonzero": lambda x, i: mg.nonzero(x > 0.8),
    "gather": lambda x, i: mg.gather(x, 1, i.reshape(1, 3)),
    "scatter of a number": lambda x, i: mg.scatter(x, 0, i.clamp(max=1).reshape(1, 3), 7.0),
    "repeat_interleave": lambda x, i: mg.repeat_interleave(x, i, 1),
    "one_hot": lambda x, i: F.one_hot(i),
    "isclose": lambda x, i: mg.isclose(x, x + 1e-9),
    "equal": lambda x, i: mg.equal(x, x.clone()),
    "allclose": lambda x, i: mg.allclose(x, x + 1e-9),
    "all": lambda x, i: mg.all(x > 0, 1),
    "any": lambda x, i: mg.any(x > 1),
    "count_nonzero": lambda x, i: mg.count_nonzero(i),
    "cummax": lambda x, i: mg.cummax(x, 1),
    "quantile": lambda x, i: mg.quantile(x, 0.5, 1),
    "isin": lambda x, i: mg.isin(i, 2),
    "embedding of short rows": lambda x, i: F.embedding(i.clamp(max=1), x.clone(), max_norm=1.0),
}


@pytest.mark.parametrize("name", WITHOUT_GRADIENTS)
def test_functions_without_a_gradient_run_on_the_second_gpu(name):
    x = np.random.default_rng(0).uniform(0.5, 1.5, (2, 3))
    wanted, got = [WITHOUT_GRADIENTS[name](mg.tensor(x, device=d), COUNTS.to(d)) for d in (mg.device("cpu"), SECOND)]
    if isinstance(wanted, bool):
        assert got is wanted
        return
    for w, g in zip(*[r if isinstance(r, tuple) else (r,) for r in (wanted, got)], strict=True):
        assert g.device == SECOND
        np.testing.assert_array_equal(to_numpy(g), to_numpy(w))


def test_writes_in_place_run_on_the_second_gpu():
    x = mg.zeros(3, 4, device=SECOND)
    x[1] = mg.ones(4, device=SECOND)
    x[:, [0, 2]] = 5.0
    x[0, 1:3] += 2
    x.mul_(2).add_(mg.ones(4, device=SECOND)).clamp_(max=9)
    x[x > 8.5] = -1.0
    assert x.tolist() == [[-1, 5, -1, 1], [-1, 3, -1, 3], [-1, 1, -1, 1]]
    assert x.device == SECOND


def test_second_gradients_run_on_the_second_gpu():
    x = mg.tensor([1.0, 2.0], device=SECOND, requires_grad=True)
    (first,) = autograd.grad((x**3).sum(), x, create_graph=True)
    (second,) = autograd.grad(first.sum(), x)
    assert second.tolist() == [6.0, 12.0] and second.device == SECOND


@pytest.mark.parametrize(
    "look",
    [
        lambda x: x.unsqueeze(0).expand(3, -1, -1),
        lambda x: x.t().reshape(6),  # a copy
        lambda x: x.t().flatten(),
        lambda x: x.unfold(1, 2, 1),
        lambda x: x.diagonal(),
        lambda x: x[:, ::2],
        lambda x: x.split(2, 1)[1],
    ],
)
def test_views_and_their_gradients_stay_on_the_second_gpu(look):
    x = mg.arange(6.0, device=SECOND).reshape(2, 3).requires_grad_()
    seen = look(x)
    assert seen.device == SECOND and seen.tolist() == look(x.detach().cpu()).tolist()
    (first,) = autograd.grad((seen**3).sum(), x, create_graph=True)
    (second,) = autograd.grad(first.sum(), x)
    counts = autograd.grad(look(x).sum(), x)[0]
    assert second.device == SECOND and second.tolist() == (6 * counts * x.detach()).tolist()


# Functions with steps of their own outside of an operation, of x (2, 4), its first columns s (2, 2) and indices i (2,).
WITH_STEPS = {
    "autograd.functional.jacobian": lambda x, s, i: autograd.functional.jacobian(mg.sin, x),
    "autograd.functional.hvp": lambda x, s, i: autograd.functional.hvp(lambda t: (t**3).sum(), x, x)[1],
    "func.jvp": lambda x, s, i: func.jvp(mg.sin, (x,), (x,))[1],
    "func.hessian": lambda x, s, i: func.hessian(lambda t: (t**3).sum())(x),
    "vmap": lambda x, s, i: mg.vmap(lambda row: row.cumsum(0))(x),
    "dropout2d": lambda x, s, i: F.dropout2d(x[None, None], 0.0),
    "feature_alpha_dropout": lambda x, s, i: F.feature_alpha_dropout(x[None, None], 0.0, training=True),
    "matrix_exp": lambda x, s, i: mg.linalg.matrix_exp(s),
    "lu_solve": lambda x, s, i: mg.linalg.lu_solve(*mg.linalg.lu_factor(s + mg.eye(2, device=x.device)), x),
    "index_fill": lambda x, s, i: x.index_fill(1, i - 1, 7),
    "index_fill of a tensor": lambda x, s, i: x.index_fill(1, i, x[0, 0]),
    "index_put": lambda x, s, i: x.index_put((i,), x),
    "masked_scatter": lambda x, s, i: x.masked_scatter(x > 2, x),
    "take": lambda x, s, i: x.take(i - 1),
    "put": lambda x, s, i: x.put(i - 1, s[0]),
    "take_along_dim": lambda x, s, i: x.take_along_dim(i[None], 1),
    "combinations": lambda x, s, i: mg.combinations(x[0]),
    "resize_": lambda x, s, i: x.clone().resize_(3, 4)[:2],
    "set_": lambda x, s, i: x.clone().set_(),
    "repeat_interleave of counts": lambda x, s, i: mg.repeat_interleave(i.to(mg.int32)),
    "max of one number": lambda x, s, i: mg.max(x[0, 0], 0).indices,
    "median of NaN": lambda x, s, i: (x / (x > 2)).log().sub(2).sqrt().median(),
    "median of nothing": lambda x, s, i: x[:0].median(),
    "nanmedian": lambda x, s, i: (x - 4).log().nanmedian(),
    "product of nothing": lambda x, s, i: mg.mv((x > 1)[:, :0], (x > 1)[0, :0]),
    "index_add of wrapped integers": lambda x, s, i: i.byte().index_add(0, i, i.byte(), alpha=-1),
    "pow of bools": lambda x, s, i: (x > 2) ** True,
    "cov with weights": lambda x, s, i: mg.cov(s, aweights=s[0]),
    "histogram of given edges": lambda x, s, i: mg.histogram(x, x[0]).hist,
    "lu_unpack": lambda x, s, i: mg.lu_unpack(*mg.linalg.lu_factor(s + mg.eye(2, device=x.device))).P,
    "inv_ex": lambda x, s, i: mg.linalg.inv_ex(s + mg.eye(2, device=x.device)).inverse,
    "pinv": lambda x, s, i: mg.linalg.pinv(s, atol=1e-3),
    "lstsq": lambda x, s, i: mg.linalg.lstsq(x.t(), x[1, :, None] ** 2, driver="gels").residuals,
    "lstsq without values": lambda x, s, i: mg.linalg.lstsq(x.t(), x[0], driver="gelsy").singular_values,
    "lstsq without a rank": lambda x, s, i: mg.linalg.lstsq(x.t(), x[0], driver="gels").rank,
    "qr without Q": lambda x, s, i: mg.linalg.qr(x, mode="r").Q,
    "asarray": lambda x, s, i: mg.asarray(x, copy=True),
    "bernoulli of one chance": lambda x, s, i: x.t().bernoulli(1.0),
    "in": lambda x, s, i: x * (3.0 in x),
    "storage": lambda x, s, i: mg.tensor(x.clone().storage().fill_(3.0).tolist(), device=x.device),
    "default_collate": lambda x, s, i: default_collate([x, x]),
    "DataLoader": lambda x, s, i: next(iter(DataLoader(TensorDataset(x), 2, sampler=[1, 0])))[0],
}


@pytest.mark.parametrize("name", WITH_STEPS)
def test_each_step_of_a_function_is_on_the_gpu_of_its_tensors(name):
    found = []
    for device in ("cpu", SECOND):
        x, i = mg.arange(8.0, device=device).reshape(2, 4) + 1, mg.tensor([1, 0], device=device)
        found.append(WITH_STEPS[name](x, x[:, :2], i))
    here, there = found
    assert there.device == SECOND
    np.testing.assert_allclose(to_numpy(there), to_numpy(here), rtol=1e-5)


def test_anomaly_mode_reads_numbers_on_the_second_gpu():
    x = mg.tensor([-1.0, 4.0], device=SECOND, requires_grad=True)
    with autograd.detect_anomaly(), pytest.warns(RuntimeWarning, match="the forward of SqrtBackward0 returned NaN"):
        y = x.sqrt()
    with autograd.detect_anomaly(), pytest.raises(RuntimeError, match="'SqrtBackward0' returned nan values"):
        y.backward(mg.ones(2, device=SECOND))


def test_a_gradient_in_another_memory_order_is_laid_anew_on_the_second_gpu():
    w = mg.ones(3, 2, device=SECOND, requires_grad=True)
    w.grad = mg.arange(6.0, device=SECOND).reshape(2, 3).t()
    optim.SGD([w], lr=1.0).step()
    assert w.tolist() == [[1, -2], [0, -3], [-1, -4]]


def test_map_location_loads_a_state_on_another_device(tmp_path):
    model, _ = train(SECOND, lambda p: optim.SGD(p, lr=0.1))
    save(model.state_dict(), tmp_path / "model.mg")
    assert {t.device for t in load(tmp_path / "model.mg").values()} == {SECOND}
    for place in ("cuda:0", "cpu"):
        state = load(tmp_path / "model.mg", map_location=place)
        assert {t.device for t in state.values()} == {mg.device(place)}
        other, _ = train("cuda:0", lambda p: optim.SGD(p, lr=0.1))
        other.load_state_dict(state)
        assert all(p.device == mg.device("cuda:0") for p in other.parameters())


def test_gradcheck_runs_on_the_second_gpu():
    x = mg.tensor([0.5, 1.5], dtype=mg.float64, device=SECOND, requires_grad=True)
    assert autograd.gradcheck(lambda x: (x * x.exp(), x.sum()), (x,))
    assert autograd.gradcheck(mg.tanh, (x,), fast_mode=True) and autograd.gradgradcheck(mg.exp, (x,))
    with pytest.raises(autograd.GradcheckError, match="Jacobian mismatch for output 0"):
        autograd.gradcheck(lambda x: (x * x.detach()).sum(), (x,))


@pytest.mark.parametrize("bytes_at_a_time", [1, 600, 2000])
def test_strips_of_any_size_give_the_same_convolution(monkeypatch, bytes_at_a_time):
    """The limits make strips of one image, single images and groups of images."""
    random = np.random.default_rng(0)
    for shape, kernel, how in (
        ((3, 2, 7, 6), (4, 2, 3, 2), {"padding": (2, 1)}),
        ((3, 4, 7, 6), (2, 2, 3, 3), {"stride": (2, 1), "groups": 2, "padding": 1}),
        ((3, 2, 5, 5), (3, 2, 1, 1), {}),
        ((3, 2, 5, 5), (3, 2, 1, 1), {"stride": 2}),
    ):
        arrays = [random.normal(size=s) for s in (shape, kernel)]
        found = []
        for device, limit in (("cpu", None), (SECOND, bytes_at_a_time)):
            if limit:
                monkeypatch.setattr("minigrad.kernels.fast.cuda_columns.BLOCK_BYTES", limit)
            x, w = (mg.tensor(a, device=device, requires_grad=True) for a in arrays)
            with algorithm("cuda columns" if limit else None):
                y = F.conv2d(x, w, **how)
                found.append([to_numpy(t) for t in (y, *autograd.grad((y * y).sum(), (x, w)))])
        for here, there in zip(*found, strict=True):
            np.testing.assert_allclose(there, here, rtol=1e-10, atol=1e-12)


def test_convolutions_of_empty_batches_have_zero_gradients():
    for shape, out in (((0, 2, 5, 5), (0, 3, 3, 3)), ((0, 2, 5, 5), (0, 3, 5, 5))):
        k = 6 - out[2]
        x, w = (
            mg.zeros(shape, device=SECOND, requires_grad=True),
            mg.ones(3, 2, k, k, device=SECOND, requires_grad=True),
        )
        y = F.conv2d(x, w)
        y.sum().backward()
        assert y.shape == out and x.grad.shape == shape and w.grad.abs().sum().item() == 0


@pytest.mark.parametrize(
    "write",
    [
        lambda x: x.unfold(0, 2, 1).mul_(3),  # overlapping windows, one element after the other
        lambda x: x[:1].expand(3).masked_fill_(x[:3] < 1, 7.0),
    ],
)
def test_elements_that_share_memory_are_written_on_the_second_gpu(write):
    here, there = mg.arange(4.0), mg.arange(4.0, device=SECOND)
    write(here), write(there)
    assert there.tolist() == here.tolist()


def test_values_that_do_not_fit_an_index_are_refused_on_the_second_gpu():
    x = mg.zeros(2, 3, device=SECOND)
    with pytest.raises(RuntimeError, match="shape mismatch"):
        x[mg.tensor([0, 1], device=SECOND)] = mg.ones(2, device=SECOND)
    with pytest.raises(RuntimeError, match="Index put requires the source and destination dtypes match"):
        x[mg.tensor([0, 1], device=SECOND)] = mg.ones(2, 3, dtype=mg.int64, device=SECOND)


def test_packed_indices_stay_on_the_second_gpu():
    x, devices = mg.ones(3, device=SECOND, requires_grad=True), []
    with autograd.graph.saved_tensors_hooks(lambda t: devices.append(t.device) or t, lambda t: t):
        x[mg.tensor([2, 0], device=SECOND)].sum().backward()
    assert x.grad.tolist() == [1, 0, 1] and set(devices) == {SECOND}
