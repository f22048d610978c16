"""A captured step does what the step does when one launch replays it; errors name what cannot be captured."""

import copy

import numpy as np
import pytest

import minigrad as mg
from minigrad import backend, cuda, nn, optim
from minigrad.backend import is_available
from tests import standin

DEVICES = ["stand-in", *(["cuda"] if is_available() else [])]


@pytest.fixture(params=DEVICES, autouse=True)
def gpu(request):
    """The stand-in as the GPU, and then a real one where there is one."""
    cuda.graphs.graph.default_capture_stream = None
    if request.param == "cuda":
        yield "cuda"
        return
    with backend.use_library(standin.cupy):
        yield "stand-in"
    cuda.graphs.graph.default_capture_stream = None


def make_network():
    mg.manual_seed(0)
    net = nn.Sequential(
        nn.Conv2d(1, 4, 3, padding=1), nn.BatchNorm2d(4), nn.ReLU(), nn.MaxPool2d(2), nn.Conv2d(4, 6, 3), nn.Tanh(),
        nn.AvgPool2d(2, padding=1), nn.Flatten(), nn.Linear(24, 10),
    )  # fmt: skip
    return net.to("cuda")


def draw_batches(count):
    mg.manual_seed(1)
    return [(mg.randn(8, 1, 8, 8), mg.randint(0, 10, (8,))) for _ in range(count)]


def train(kind, options, captured, steps=6, criterion=nn.CrossEntropyLoss):
    """The losses of `steps` steps, and the network; if `captured`, all steps but the first two are replays."""
    net, loss_of, data = make_network(), criterion(), draw_batches(steps)
    optimizer = kind(net.parameters(), **options)
    x, y = (tensor.to("cuda") for tensor in data[0])
    losses = []

    def step():
        optimizer.zero_grad(set_to_none=True)
        loss = loss_of(net(x), y)
        loss.backward()
        optimizer.step()
        return loss

    def load(batch):
        x.copy_(batch[0])
        y.copy_(batch[1])

    if not captured:
        for batch in data:
            load(batch)
            losses.append(step().item())
        return losses, net
    side = cuda.Stream()
    side.wait_stream(cuda.current_stream())
    with cuda.stream(side):
        for batch in data[:2]:
            load(batch)
            losses.append(step().item())
    cuda.current_stream().wait_stream(side)
    graph = cuda.CUDAGraph()
    optimizer.zero_grad(set_to_none=True)
    with cuda.graph(graph):
        loss = step()
    for batch in data[2:]:
        load(batch)
        standin.crossings.clear()
        graph.replay()
        assert not standin.crossings
        losses.append(loss.item())
    return losses, net


@pytest.mark.parametrize(
    ("kind", "options"),
    [
        (optim.SGD, {"lr": 0.1}),
        (optim.SGD, {"lr": 0.1, "momentum": 0.9, "nesterov": True, "weight_decay": 0.01}),
        (optim.Adam, {"lr": 0.01, "capturable": True}),
        (optim.AdamW, {"lr": 0.01, "capturable": True, "amsgrad": True}),
        (optim.RMSprop, {"lr": 0.01, "capturable": True, "centered": True}),
        (optim.NAdam, {"lr": 0.01, "capturable": True}),
        (optim.RAdam, {"lr": 0.01, "capturable": True}),
        (optim.ASGD, {"lr": 0.01, "t0": 3, "capturable": True}),
        (optim.Rprop, {"lr": 0.01, "capturable": True}),
    ],
)
def test_a_captured_training_step_trains_as_the_step_itself(kind, options):
    expected, eager = train(kind, options, captured=False)
    got, net = train(kind, options, captured=True)
    np.testing.assert_allclose(got, expected, rtol=1e-5)
    for p, q in zip(net.state_dict().values(), eager.state_dict().values(), strict=True):
        np.testing.assert_allclose(p.tolist(), q.tolist(), rtol=1e-4, atol=1e-6)


def test_a_capture_computes_nothing_and_a_replay_reads_the_present_values():
    x, total = mg.ones(3, device="cuda"), mg.zeros(3, device="cuda")
    graph = cuda.CUDAGraph()
    with cuda.graph(graph):
        assert cuda.is_current_stream_capturing()
        y = x * 2
        total += y
    assert not cuda.is_current_stream_capturing()
    assert total.tolist() == [0, 0, 0]
    for value, expected in ((1, 2), (10, 22)):
        x.fill_(value)
        graph.replay()
        assert total.tolist() == [expected] * 3
    assert y.tolist() == [20, 20, 20]


def test_graphs_share_memory_only_by_a_pool_handle(gpu):
    if gpu == "cuda":
        pytest.skip("the pools of a real GPU keep what they gave out")
    pool, first, second, third = cuda.graph_pool_handle(), cuda.CUDAGraph(), cuda.CUDAGraph(), cuda.CUDAGraph()
    with cuda.graph(first, pool=pool):
        x = mg.ones(4, device="cuda")
    with cuda.graph(second, pool=first.pool()):
        y = mg.ones(4, device="cuda")
    with cuda.graph(third):
        z = mg.ones(4, device="cuda")
    pools = [t.array._memory.pool for t in (x, y, z)]
    assert first.pool() == second.pool() == pool != third.pool()
    assert pools[0] is pools[1] is not pools[2] and standin.memory_pool not in pools
    assert pools[0].used_bytes() == 32


CROSSINGS = {
    "Tensor.item": lambda x: x[0].item(),
    "Tensor.tolist": lambda x: x.tolist(),
    "Tensor.cpu": lambda x: x.cpu(),
    "Tensor.__repr__": lambda x: repr(x),
    "Tensor.__bool__": lambda x: bool(x[0] > 0),
    "Tensor.__float__": lambda x: float(x[0]),
    "nonzero": lambda x: mg.nonzero(x),
    "Tensor.__getitem__": lambda x: x[x > 0],
    "tensor": lambda x: mg.tensor([1.0], device="cuda"),
    "Tensor.cuda": lambda x: mg.zeros(1).cuda(),
    "synchronize": lambda x: cuda.synchronize(),
    "unique": lambda x: mg.unique(x),
}


@pytest.mark.parametrize("name", CROSSINGS)
def test_calls_that_wait_for_the_gpu_are_refused_by_name(name):
    x, graph = mg.ones(3, device="cuda"), cuda.CUDAGraph()
    words = rf"{name}\(\): operation not permitted when stream is capturing.*before or after the capture"
    with pytest.raises(RuntimeError, match=words), cuda.graph(graph):
        CROSSINGS[name](x)
    assert not cuda.is_current_stream_capturing()
    with pytest.raises(RuntimeError, match="without a preceding successful capture"):
        graph.replay()
    assert (x + 1).tolist() == [2, 2, 2]


class Reading(nn.Softmax):
    """A layer that waits for the GPU, in a method of any name."""

    def forward(self, x):
        return self.scale(x)


def test_a_layer_leads_on_to_the_call_that_waits():
    in_the_library = f"{mg.__path__[0]}/nn/reading.py"  # errors name calls of the library's files alone
    exec(compile("def scale(self, x): return x * x[0].item()", in_the_library, "exec"), names := {})
    Reading.scale = names["scale"]
    x, graph = mg.ones(3, device="cuda"), cuda.CUDAGraph()
    with pytest.raises(RuntimeError, match=r"^Tensor\.item\(\): operation not permitted"), cuda.graph(graph):
        nn.Sequential(Reading())(x)


def test_other_errors_within_a_capture_are_passed_on():
    graph = cuda.CUDAGraph()
    with pytest.raises(ValueError, match="mine"), cuda.graph(graph):
        raise ValueError("mine")
    assert not backend.RECORDING


def test_an_optimizer_that_counts_on_the_cpu_is_refused():
    p = mg.ones(3, device="cuda", requires_grad=True)
    p.grad = mg.ones(3, device="cuda")
    for kind in (optim.Adam, optim.RMSprop):
        optimizer = kind([p])
        optimizer.step()
        words = f"Attempting CUDA graph capture of step.. for an instance of {kind.__name__} but .*capturable is False"
        with pytest.raises(RuntimeError, match=words), cuda.graph(cuda.CUDAGraph()):
            optimizer.step()


def test_wrong_calls_of_a_graph_are_refused():
    graph = cuda.CUDAGraph()
    with pytest.raises(RuntimeError, match="Called CUDAGraph::replay without a preceding successful capture"):
        graph.replay()
    with pytest.raises(RuntimeError, match=r"Called CUDAGraph::pool\(\) without a preceding successful capture"):
        graph.pool()
    with pytest.raises(RuntimeError, match="Called CUDAGraph::debug_dump without"):
        graph.debug_dump("graph.dot")
    with pytest.raises(RuntimeError, match=r"capture_end\(\) was called without capture_begin"):
        graph.capture_end()
    with pytest.raises(RuntimeError, match="must be captured on a non-default stream"):
        graph.capture_begin()
    with pytest.raises(RuntimeError, match=r"Unknown capture error mode. Expected `global`, .*got strict"):
        graph.capture_begin(capture_error_mode="strict")
    with cuda.graph(graph):
        mg.ones(2, device="cuda")
    with pytest.raises(RuntimeError, match="already owns a captured graph"), cuda.graph(graph):
        pass
    graph.reset()
    with pytest.raises(RuntimeError, match="without a preceding"):
        graph.replay()


def test_a_reset_graph_records_again_and_can_be_dumped(tmp_path):
    x, graph = mg.ones(2, device="cuda"), cuda.CUDAGraph()
    for factor in (2, 3):
        with cuda.stream(cuda.Stream()):
            graph.capture_begin(capture_error_mode="thread_local")
            y = x * factor
            graph.capture_end()
        graph.instantiate()
        graph.replay()
        cuda.synchronize()
        assert y.tolist() == [factor, factor]
        graph.enable_debug_mode()
        graph.debug_dump(str(tmp_path / "graph.dot"))
        assert (tmp_path / "graph.dot").read_text().startswith("digraph")
        graph.reset()


@pytest.mark.parametrize(
    "wait", [lambda other, mark: mark.wait(other), lambda other, mark: other.wait_event(mark),
             lambda other, mark: other.wait_stream(cuda.current_stream())],
    ids=["event.wait", "wait_event", "wait_stream"],
)  # fmt: skip
def test_work_of_another_stream_that_waits_is_recorded_too(wait):
    x, graph, other = mg.zeros(2, device="cuda"), cuda.CUDAGraph(), cuda.Stream()
    with cuda.graph(graph):
        wait(other, cuda.current_stream().record_event())
        with cuda.stream(other):
            x += 1
        cuda.current_stream().wait_stream(other)
    for _ in range(2):
        graph.replay()
    cuda.synchronize()
    assert x.tolist() == [2, 2]


@pytest.mark.skipif("cuda" in DEVICES, reason="CuPy does not tell how a stream was made")
def test_a_stream_does_not_wait_for_the_default_one():
    """A blocking one would: then nothing of the default stream could be computed beside it, or while it captures."""
    assert cuda.Stream().stream.non_blocking


def test_streams_are_equal_if_their_handles_are():
    stream = cuda.Stream(priority=-1)
    with cuda.stream(stream):
        assert cuda.current_stream() == stream and cuda.current_stream() != cuda.default_stream()
        assert hash(cuda.current_stream()) == hash(stream)
    with stream, cuda.Stream() as other:
        assert cuda.current_stream() == other != stream
    assert cuda.current_stream() == cuda.default_stream()
    assert repr(stream) == f"<torch.cuda.Stream device=cuda:0 cuda_stream={stream.cuda_stream:#x}>"


# ---- make_graphed_callables ----------------------------------------------------------------------
def test_graphed_modules_have_the_gradients_of_the_modules():
    mg.manual_seed(0)
    first, last = nn.Sequential(nn.Linear(4, 8), nn.Tanh()).to("cuda"), nn.Linear(8, 2).to("cuda")
    plain = copy.deepcopy((first, last))
    x, h = mg.randn(5, 4, device="cuda", requires_grad=True), mg.randn(5, 8, device="cuda", requires_grad=True)
    graphed = cuda.make_graphed_callables((first, last), ((x,), (h,)))
    assert graphed == (first, last)
    for _ in range(3):  # gradients add up
        x = mg.randn(5, 4, device="cuda", requires_grad=True)
        other_x = x.detach().clone().requires_grad_()
        got, expected = (last(first(x)) ** 2).sum(), (plain[1](plain[0](other_x)) ** 2).sum()
        got.backward()
        expected.backward()
        np.testing.assert_allclose(got.item(), expected.item(), rtol=1e-6)
        np.testing.assert_allclose(x.grad.tolist(), other_x.grad.tolist(), rtol=1e-5)
        for module, other in zip(graphed, plain, strict=True):
            for p, q in zip(module.parameters(), other.parameters(), strict=True):
                np.testing.assert_allclose(p.grad.tolist(), q.grad.tolist(), rtol=1e-5)


def test_a_graphed_module_in_the_other_mode_runs_without_the_graph():
    net = nn.Sequential(nn.Linear(3, 3), nn.BatchNorm1d(3)).to("cuda")
    x = mg.randn(4, 3, device="cuda")
    cuda.make_graphed_callables(net, (x,))
    net.eval()
    y = mg.randn(7, 3, device="cuda")  # a shape that no graph was recorded for
    assert net(y).shape == (7, 3)


def test_a_graphed_function_may_have_several_results():
    a, b = mg.randn(3, device="cuda", requires_grad=True), mg.randn(3, device="cuda")
    graphed = cuda.make_graphed_callables(lambda x, y: (x * y, x + 1), (a, b), num_warmup_iters=1)
    x, y = mg.tensor([1.0, 2.0, 3.0], device="cuda", requires_grad=True), mg.tensor([4.0, 5.0, 6.0], device="cuda")
    product, more = graphed(x, y)
    assert product.tolist() == [4, 10, 18] and more.tolist() == [2, 3, 4]
    (product.sum() + 2 * more.sum()).backward()
    assert x.grad.tolist() == [6, 7, 8]


def test_modules_that_cannot_be_graphed_are_refused():
    net, x = nn.Linear(3, 3).to("cuda"), mg.ones(2, 3, device="cuda")
    with pytest.raises(TypeError, match="sample_args for each callable must contain only Tensors"):
        cuda.make_graphed_callables(net, (3,))
    net.register_forward_hook(lambda *_: None)
    with pytest.raises(RuntimeError, match="Modules must not have hooks registered"):
        cuda.make_graphed_callables(net, (x,))
    other = nn.Linear(3, 3).to("cuda")
    other.register_buffer("b", mg.ones(1, device="cuda", requires_grad=True))
    with pytest.raises(RuntimeError, match="only parameters may be trainable"):
        cuda.make_graphed_callables(other, (x,))


def test_a_graphed_function_without_a_gradient_has_none():
    a = mg.randn(3, device="cuda", requires_grad=True)
    graphed = cuda.make_graphed_callables(lambda x: x > 0, (a,), num_warmup_iters=1)
    assert graphed(mg.tensor([1.0, -2.0, 3.0], device="cuda", requires_grad=True)).tolist() == [True, False, True]


def test_a_call_within_a_graphed_function_that_cannot_be_captured_is_named():
    a = mg.randn(3, device="cuda", requires_grad=True)
    with pytest.raises(RuntimeError, match=r"^Tensor\.item\(\): operation not permitted when stream is capturing"):
        cuda.make_graphed_callables(lambda x: x * x.sum().item(), (a,), num_warmup_iters=1)
