"""Tensors on several devices in one expression: what may meet, what is refused, and which GPU is the current one."""

import pytest

import minigrad as mg
import minigrad.nn.functional as F
from minigrad import cuda, optim

pytestmark = pytest.mark.usefixtures("kept_gpu")
SECOND = mg.device("cuda:1")


def test_backward_crosses_three_devices():
    x = mg.tensor([1.0, 2.0], requires_grad=True)
    y = x.to("cuda:0") ** 2
    z = (y.to(SECOND) * 3 + (x * 2).to(SECOND)).sum()
    z.backward()
    assert x.grad.device == mg.device("cpu") and x.grad.tolist() == [8.0, 14.0]


def test_operands_on_two_gpus_are_refused():
    first, second = mg.ones(2, 2, device="cuda:0"), mg.ones(2, 2, device=SECOND)
    for name, mix in {
        "mul": lambda: first * second,
        "mm": lambda: first @ second,
        "cat": lambda: mg.cat([first, second]),
        "index assignment": lambda: first.__setitem__(first > 0, second[0]),
        "masked_select": lambda: first.masked_select(second > 0),
        "equal": lambda: mg.equal(first, second),
        "where": lambda: mg.where(first > 0, first, second),
        "addmm": lambda: F.linear(first, second, first[0]),
        # what a public function does inside has no name of its own
        "searchsorted": lambda: mg.searchsorted(first, second),
        "bucketize": lambda: mg.bucketize(second, first[0]),
        "bincount": lambda: mg.bincount(first[0].long(), second[0]),
        "select_scatter": lambda: first.select_scatter(second[0], 0, 0),
        "dot": lambda: first[0].dot(second[0]),
        "solve": lambda: mg.linalg.solve(first, second),
        # indices
        "gather": lambda: first.gather(0, second.long() - 1),
        "scatter_add": lambda: first.scatter_add(0, second.long() - 1, first),
        "index_select": lambda: first.index_select(0, second[0].long() - 1),
        "index_add": lambda: first.index_add(0, second[0].long() - 1, first),
        "take_along_dim": lambda: first.take_along_dim(second.long() - 1, 0),
    }.items():
        with pytest.raises(RuntimeError) as caught:
            mix()
        text = str(caught.value)
        assert text.startswith(f"{name}: expected all tensors to be on the same device, but operand ")
        assert "is on cuda:0 and operand " in text and "is on cuda:1" in text and ".to('cuda:0')" in text


def test_lbfgs_on_two_gpus_is_refused():
    here, there = (mg.ones(2, device=device, requires_grad=True) for device in ("cuda:0", SECOND))
    optimizer = optim.LBFGS([here, there])
    with pytest.raises(RuntimeError, match="LBFGS of one vector: expected all tensors to be on the same device"):
        optimizer.step(lambda: here.sum() + there.sum().to("cuda:0"))


@pytest.mark.parametrize("there", ["cpu", "cuda:0"])
@pytest.mark.parametrize("key", [0, (slice(None), 1), ...])
def test_an_assigned_part_may_be_on_another_device(key, there):
    """As in `copy_`, PyTorch brings it to the tensor; its gradient goes back."""
    for here, other in ((SECOND, there), (there, SECOND)):
        x, value = mg.zeros(2, 2, device=here), mg.tensor([2.0, 3.0], device=other, requires_grad=True)
        x[key] = value
        x.sum().backward()
        assert x.device == mg.device(here) and value.grad.device == value.device
        assert x[key].tolist() == mg.tensor([2.0, 3.0]).expand(x[key].shape).tolist()


def test_a_number_under_a_mask_may_be_on_another_device():
    x, number = mg.zeros(2), mg.tensor(2.0, device=SECOND)
    x[x == 0] = number
    x[mg.tensor([1])] = number + 1
    assert x.tolist() == [2.0, 3.0]


def test_a_0d_tensor_on_the_cpu_is_accepted_beside_a_gpu():
    """As in PyTorch."""
    x, scale = mg.ones(2, device=SECOND), mg.tensor(3.0, requires_grad=True)
    y = mg.where(x > 0, x * scale + scale / 2, scale)
    y.sum().backward()
    assert y.device == SECOND and y.tolist() == [4.5, 4.5]
    assert scale.grad.device == mg.device("cpu") and scale.grad.item() == 3.0
    x += mg.tensor(1.0)
    x[0] = mg.tensor(2.0)
    assert x.tolist() == [2.0, 2.0] and (mg.tensor(2) * x).dtype == mg.float32
    with pytest.raises(RuntimeError, match="expected all tensors to be on the same device"):
        _ = x * mg.ones(1)
    with pytest.raises(RuntimeError, match="expected all tensors to be on the same device"):
        _ = mg.ones(2) * mg.tensor(1.0, device=SECOND).reshape(1)


def test_cuda_without_a_number_is_the_current_gpu():
    x = mg.ones(2, device=SECOND)
    assert x.to("cuda").device == mg.device("cuda:0")
    with cuda.device(1):
        assert x.to("cuda") is x and mg.zeros(2, device="cuda").device == SECOND


def test_streams_select_their_gpu(stand_in):
    stream = cuda.Stream(1)
    with cuda.stream(stream):
        assert cuda.current_device() == 1 and cuda.current_stream().stream is stream.stream
        assert (mg.ones(2, device="cuda") + 1).device == SECOND
    assert cuda.current_device() == 0
    first, second = cuda.Event(enable_timing=True), cuda.Event(enable_timing=True)
    first.record(stream)
    second.record(stream)
    cuda.Stream(0).wait_stream(stream)
    assert first.elapsed_time(second) >= 0 and stream.query()


def test_manual_seed_all_seeds_each_gpu():
    cuda.manual_seed_all(7)
    first, second = (mg.randn(4, device=place) for place in ("cuda:0", SECOND))
    assert first.tolist() == second.tolist() and second.device == SECOND
    assert len(cuda.get_rng_state_all()) == 2 and cuda.initial_seed() == 7
