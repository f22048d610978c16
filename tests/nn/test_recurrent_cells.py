"""`RNNCell`, `GRUCell` and `LSTMCell`: single steps, in loops of one's own. Their values: test_recurrent.py."""

import pytest

import minigrad as torch
from minigrad import nn
from tests.refusals import refusals

ones = torch.ones


@pytest.mark.parametrize("kind", ["RNN", "GRU", "LSTM"])
def test_a_loop_of_steps_computes_what_the_layer_does(kind):
    layer, cell = getattr(nn, kind)(3, 4), getattr(nn, f"{kind}Cell")(3, 4)
    cell.load_state_dict({name.removesuffix("_l0"): weight for name, weight in layer.state_dict().items()})
    x, state, outputs = torch.randn(5, 2, 3), None, []
    for step in x:
        state = cell(step, state)
        outputs.append(state[0] if kind == "LSTM" else state)
    expected, end = layer(x)
    torch.testing.assert_close(torch.stack(outputs), expected)
    slopes = torch.autograd.grad(torch.stack(outputs).square().sum(), [*cell.parameters()])
    for found, wanted in zip(slopes, torch.autograd.grad(expected.square().sum(), [*layer.parameters()]), strict=True):
        torch.testing.assert_close(found, wanted)
    if kind == "LSTM":
        torch.testing.assert_close(state[1], end[1][0])


def test_steps_of_a_subclass_are_of_the_class():
    class Series(torch.Tensor):
        pass

    x, h = ones(2, 3).as_subclass(Series), ones(2, 4)
    assert type(nn.GRUCell(3, 4)(x, h)) is type(nn.RNNCell(3, 4)(ones(2, 3), h.as_subclass(Series))) is Series
    assert [*map(type, nn.LSTMCell(3, 4)(x, (h, h)))] == [Series, Series]


def test_states_have_memory_of_their_own():
    h, c = nn.LSTMCell(3, 4)(ones(2, 3))
    assert h.is_contiguous() and c.is_contiguous()
    before = c.tolist()
    h.zero_()
    assert c.tolist() == before
    state = nn.GRUCell(3, 4)(ones(2, 3))
    (state.mul_(2) ** 2).sum().backward()  # the step's gradient does not read what was written to


def test_functions_of_one_step_take_weights_without_biases():
    x, h = torch.randn(2, 3), torch.randn(2, 4)
    for function, sums in ((torch.rnn_tanh_cell, 4), (torch.rnn_relu_cell, 4), (torch.gru_cell, 12)):
        w_ih, w_hh, none = torch.randn(sums, 3), torch.randn(sums, 4), torch.zeros(sums)
        torch.testing.assert_close(function(x, h, w_ih, w_hh), function(x, h, w_ih, w_hh, none, none))
    torch.testing.assert_close(torch.rnn_relu_cell(x, h, w_ih[:4], w_hh[:4]), (x @ w_ih[:4].T + h @ w_hh[:4].T).relu())


test_refused = refusals({
    "an input of a sequence": (lambda: nn.LSTMCell(3, 4)(ones(5, 2, 3)), ValueError,
        "^LSTMCell: Expected input to be 1D or 2D, got 3D instead"),
    "a state of a layer": (lambda: nn.GRUCell(3, 4)(ones(2, 3), ones(1, 2, 4)), ValueError,
        "^GRUCell: Expected hidden to be 1D or 2D, got 3D instead"),
    "a cell of a layer": (lambda: nn.LSTMCell(3, 4)(ones(2, 3), (ones(2, 4), ones(1, 2, 4))), ValueError,
        r"^LSTMCell: Expected hx\[1\] to be 1D or 2D, got 3D instead"),
    "other features": (lambda: nn.RNNCell(3, 4)(ones(2, 5)), RuntimeError,
        "^input has inconsistent input_size: got 5 expected 3"),
    "another batch": (lambda: nn.GRUCell(3, 4)(ones(2, 3), ones(3, 4)), RuntimeError,
        "^Input batch size 2 doesn't match hidden0 batch size 3"),
    "a state without a batch": (lambda: nn.RNNCell(3, 4)(ones(4, 3), ones(4)), RuntimeError,
        "^hidden0 has inconsistent hidden_size: got none, expected 4"),
    "other numbers of a cell": (lambda: nn.LSTMCell(3, 4)(ones(2, 3), (ones(2, 4), ones(2, 5))), RuntimeError,
        "^hidden1 has inconsistent hidden_size: got 5, expected 4"),
    "one state of an LSTM": (lambda: nn.LSTMCell(3, 4)(ones(2, 3), ones(2, 4)), TypeError,
        r"^lstm_cell\(\): argument 'hx' \(position 2\) must be tuple of Tensors, not Tensor: give \(h, c\)"),
    "another type": (lambda: nn.LSTMCell(3, 4)(ones(2, 3).double()), RuntimeError,
        "but got Double and Float: the input is minigrad.float64, the weights are minigrad.float32: input.to"),
    "a state of another type": (lambda: nn.GRUCell(3, 4)(ones(2, 3), ones(2, 4).double()), RuntimeError,
        "but got Double and Float: the state is minigrad.float64, the weights are minigrad.float32: state.to"),
    "a list": (lambda: nn.GRUCell(3, 4)([1.0]), TypeError,
        r"^GRUCell\(\): argument 'input' \(position 1\) must be Tensor, not list"),
    "another nonlinearity": (lambda: nn.RNNCell(3, 4, nonlinearity="selu")(ones(2, 3)), RuntimeError,
        "^Unknown nonlinearity: selu; it is 'tanh' or 'relu'"),
    "a number as weight": (lambda: torch.gru_cell(ones(2, 3), ones(2, 4), ones(12, 3), 5), TypeError,
        r"^gru_cell\(\): argument 'w_hh' \(position 4\) must be Tensor, not int"),
    "a weight with one axis": (lambda: torch.rnn_tanh_cell(ones(2, 3), ones(2, 4), ones(4), ones(4, 4)), IndexError,
        r"^Dimension out of range \(expected .*, but got 1\): w_ih is a matrix with a row for each sum, got .* \(4,\)"),
    "rows of another cell": (lambda: torch.gru_cell(ones(2, 3), ones(2, 4), ones(4, 3), ones(12, 4)), RuntimeError,
        r"^weight_ih first dim must be 3 \* hidden_size = 12, but got 4"),
    "a state's rows of another cell": (lambda: torch.rnn_relu_cell(ones(2, 3), ones(2, 4), ones(4, 3), ones(12, 4)),
        RuntimeError, r"^weight_hh first dim must be 1 \* hidden_size = 4, but got 12"),
    "a bias of another cell": (lambda: torch.rnn_relu_cell(ones(2, 3), ones(2, 4), ones(4, 3), ones(4, 4), ones(3)),
        RuntimeError, r"^The expanded size of the tensor \(4\) must match the existing size \(3\) at non-singleton "),
    "one tensor as both states": (lambda: torch.lstm_cell(ones(2, 3), ones(2, 4), ones(16, 3), ones(16, 4)), TypeError,
        r"^lstm_cell\(\): argument 'hx' \(position 2\) must be tuple of Tensors, not Tensor: give \(h, c\)"),
    "no cell": (lambda: torch.lstm_cell(ones(2, 3), [ones(2, 4)], ones(16, 3), ones(16, 4)), RuntimeError,
        r"^lstm_cell expects two hidden states, \(h, c\), got 1"),
})  # fmt: skip


def test_one_bias_alone_is_added():
    x, h, none = torch.randn(2, 3), torch.randn(2, 4), torch.zeros(16)
    for function, sums in ((torch.rnn_tanh_cell, 4), (torch.gru_cell, 12), (torch.lstm_cell, 16)):
        hx = (h, h) if function is torch.lstm_cell else h
        w_ih, w_hh, bias = torch.randn(sums, 3), torch.randn(sums, 4), torch.randn(sums)
        step = lambda *biases: function(x, hx, w_ih, w_hh, *biases)  # noqa: B023, E731
        torch.testing.assert_close(step(bias), step(bias, none[:sums]))
        torch.testing.assert_close(step(None, bias), step(none[:sums], bias))
    tanh = torch.rnn_tanh_cell(torch.zeros(1, 2), torch.zeros(1, 1), ones(1, 2), ones(1, 1), torch.tensor([0.3]))
    torch.testing.assert_close(tanh, torch.tensor([[0.29131261]]))


def test_they_print_as_pytorchs():
    assert repr(nn.RNNCell(3, 4, False, "relu")) == "RNNCell(3, 4, bias=False, nonlinearity=relu)"
    assert repr(nn.LSTMCell(3, 4)) == "LSTMCell(3, 4)" and repr(nn.GRUCell(3, 4, bias=False)).endswith("bias=False)")
    assert [*nn.LSTMCell(3, 4).state_dict()] == ["weight_ih", "weight_hh", "bias_ih", "bias_hh"]
