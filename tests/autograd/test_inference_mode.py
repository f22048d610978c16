"""Inference mode: its tensors are marked, and refuse what needs a graph or a version counter."""

import subprocess
import sys

import pytest

import minigrad as mg
from minigrad import autograd
from tests.autograd.test_modes import recording


def make_inference_tensor():
    with mg.inference_mode():
        return mg.ones(2) * 3


def test_tensors_made_in_inference_mode_report_it():
    x = mg.ones(2)
    with mg.inference_mode():
        y, view, copy = x * 2, x.view(2), x.clone()
        assert [t.is_inference() for t in (x, y, view, copy)] == [False, True, False, True]
        x.add_(1)
        y[0] = 5
        y.add_(1)
        assert x._version == 1
    assert mg.is_inference(y) and not mg.is_inference(x)
    assert [t.is_inference() for t in (y[0], y.view(2), y.detach(), y.clone(), y * y)] == [
        True,
        True,
        True,
        False,
        False,
    ]
    with pytest.raises(RuntimeError, match="do not track version counter"):
        y._version  # noqa: B018
    with mg.inference_mode(False):
        assert not mg.ones(1).is_inference()


def test_the_data_of_a_usual_tensor_is_usual_in_inference_mode_too():
    w = mg.ones(2, requires_grad=True)
    with mg.inference_mode():
        data, inner = w.data, mg.ones(2).data
        data.sub_(0.5)
    assert not data.is_inference() and inner.is_inference()
    assert inner.data.is_inference()  # also outside
    with pytest.raises(RuntimeError, match="Inplace update to inference tensor"):
        inner.data.add_(1)
    assert data.add_(1.0).tolist() == w.tolist() == [1.5, 1.5]
    (w * data).sum().backward()
    assert w.grad.tolist() == [1.5, 1.5]


@pytest.mark.parametrize(
    "how", ["with mg.inference_mode():\n    y = x * 2", "y = mg.inference_mode()(lambda: x * 2)()"]
)
def test_the_first_inference_mode_of_a_program_marks_its_tensors(how):
    program = f"import minigrad as mg\nx = mg.ones(2)\n{how}\nassert y.is_inference() and not x.is_inference()"
    subprocess.run([sys.executable, "-c", program], check=True)


WRITES = {
    "add_": lambda y: y.add_(1),
    "add_ under no_grad": lambda y: mg.no_grad()(y.add_)(1),
    "through a view": lambda y: y.view(2).add_(1),
    "fill_": lambda y: y.fill_(1),
    "copy_": lambda y: y.copy_(mg.ones(2)),
    "an index": lambda y: y.__setitem__(0, 1.0),
    "a list of indices": lambda y: y.__setitem__([0], 1.0),
    "out=": lambda y: mg.add(mg.ones(2), 1, out=y),
}


@pytest.mark.parametrize("write", WRITES.values(), ids=WRITES)
def test_an_inference_tensor_refuses_writes_outside_inference_mode(write):
    y = make_inference_tensor()
    with pytest.raises(RuntimeError, match=r"Inplace update to inference tensor outside InferenceMode.*clone\(\)"):
        write(y)
    assert y.tolist() == [3, 3]
    with mg.inference_mode():
        write(y)
    assert y.tolist() != [3, 3]


def test_an_inference_tensor_is_not_saved_for_backward():
    x, y = mg.ones(2, requires_grad=True), make_inference_tensor()
    with pytest.raises(RuntimeError, match=r"cannot be saved for backward: MulBackward0 .* shape \(2,\)"):
        x * y
    (x + y).sum().backward()  # reads neither
    (x * y.clone()).sum().backward()
    assert x.grad.tolist() == [4, 4]
    with pytest.raises(RuntimeError, match="Setting requires_grad=True on inference tensor"):
        y.requires_grad_()

    class Scale(autograd.Function):
        @staticmethod
        def forward(ctx, x, y):
            ctx.save_for_backward(y)
            return x * y

        @staticmethod
        def backward(ctx, g):
            return g, None

    with pytest.raises(RuntimeError, match="cannot be saved for backward: ScaleBackward"):
        Scale.apply(x, y)


READS_OF_PLACES = {
    "index": lambda x, i, m: x[i],
    "mask": lambda x, i, m: x[m],
    "index_select": lambda x, i, m: x.index_select(0, i),
    "gather": lambda x, i, m: x.gather(0, i),
    "take": lambda x, i, m: x.take(i),
    "scatter": lambda x, i, m: x.scatter(0, i, 0.0),
    "index_fill": lambda x, i, m: x.index_fill(0, i, 2.0),
    "masked_select": lambda x, i, m: x.masked_select(m),
    "masked_scatter": lambda x, i, m: x.masked_scatter(m, mg.ones(3)),
    "assignment": lambda x, i, m: (x * 1).__setitem__(i, 1.0),
}


@pytest.mark.parametrize("read", READS_OF_PLACES.values(), ids=READS_OF_PLACES)
def test_an_index_or_mask_made_in_inference_mode_is_not_saved_either(read):
    x = mg.ones(3, requires_grad=True)
    with mg.inference_mode():
        index, mask = mg.tensor([0, 1]), mg.tensor([True, False, True])
    with pytest.raises(RuntimeError, match=r"Inference tensors cannot be saved for backward: .* shape \(\d,\)"):
        read(x, index, mask)
    read(x, index.clone(), mask.clone())
    with mg.no_grad():
        read(x, index, mask)  # nothing is saved


def test_torch_is_inference_is_the_method():
    assert mg.is_inference(make_inference_tensor()) and not mg.is_inference(mg.ones(1))
    with pytest.raises(TypeError, match="must be Tensor, not list"):
        mg.is_inference([1.0])


def test_recording_cannot_be_switched_on_within_inference_mode():
    for switch in (mg.enable_grad, lambda: mg.set_grad_enabled(True)):
        with mg.inference_mode():
            with switch():
                assert mg.is_grad_enabled() and not recording()
                with mg.no_grad():
                    assert not mg.is_grad_enabled()
            assert not mg.is_grad_enabled()
    assert recording()


def test_a_backward_within_inference_mode_leaves_ordinary_gradients():
    x = mg.ones(2, requires_grad=True)
    y = (x * 2).sum()
    with mg.inference_mode():
        y.backward()
    assert not x.grad.is_inference()
    (x * 2).sum().backward()
    assert x.grad.tolist() == [4, 4]


def test_views_of_what_was_made_in_inference_mode_ask_for_no_gradient():
    x = mg.ones(2, 2, requires_grad=True)
    with mg.inference_mode():
        y = mg.ones(2, 2, requires_grad=True)
        assert y.requires_grad and x.view(4).requires_grad and x[0].requires_grad
        for view in (y.view(4), y[0], y.t(), y.unbind(1)[0], y.view(4).mul_(2)):
            assert not view.requires_grad and view.is_leaf
