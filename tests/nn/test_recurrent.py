"""`RNN`, `GRU` and `LSTM` against recorded values, plain loops, and what users do to layers."""

import copy
import gc
import json
import weakref
from pathlib import Path

import numpy as np
import pytest

import minigrad as torch
from minigrad import nn
from minigrad.autograd import gradcheck, gradgradcheck
from minigrad.nn.utils import clip_grad_norm_, parametrizations, prune
from minigrad.nn.utils.rnn import pack_sequence, unpack_sequence
from tests.refusals import refusals

RECORD = json.loads((Path(__file__).parent.parent / "data" / "recurrent.json").read_text())
KINDS = ("RNN", "GRU", "LSTM")


def flatten(value):
    """The tensors in nested tuples, in their order."""
    return [value] if isinstance(value, torch.Tensor) else [x for part in value for x in flatten(part)]


def run_recorded(line):
    """The results, and the gradients of the arguments and the parameters, as record_recurrent.py computes them."""
    layer, shapes = [eval(part, {"nn": nn}) for part in line.split(" @ ")]
    layer.double()
    count = 0
    for tensor in layer.parameters():
        numbers = torch.arange(count, count + tensor.numel(), dtype=torch.float64)
        tensor.data = torch.sin(numbers + 1).reshape(tensor.shape) / 2
        count += tensor.numel()
    given = [torch.cos(torch.arange(int(np.prod(s)), dtype=torch.float64)).reshape(s).requires_grad_() for s in shapes]
    states = given[1:]
    hx = () if not states else (states[0],) if len(states) == 1 else (tuple(states),)
    results = flatten(layer(given[0], *hx))
    weighted = sum((y * torch.arange(1.0, y.numel() + 1, dtype=y.dtype).reshape(y.shape)).sum() for y in results)
    return results, torch.autograd.grad(weighted, [*given, *layer.parameters()])


@pytest.mark.parametrize("line", RECORD)
def test_results_and_all_gradients_are_pytorchs(line):
    results, gradients = run_recorded(line)
    assert [list(y.shape) for y in results] == [shape for shape, _ in RECORD[line]["results"]]
    for found, (_, expected) in zip(results, RECORD[line]["results"], strict=True):
        np.testing.assert_allclose(found.detach().cpu().numpy().ravel(), expected, rtol=1e-12, atol=1e-12)
    for found, expected in zip(gradients, RECORD[line]["gradients"], strict=True):
        np.testing.assert_allclose(found.cpu().numpy().ravel(), expected, rtol=1e-12, atol=1e-11)


@pytest.mark.parametrize(
    "layer",
    [
        nn.RNN(2, 3, bidirectional=True),
        nn.RNN(2, 3, nonlinearity="relu"),
        nn.GRU(2, 2, bidirectional=True),
        nn.LSTM(2, 2, num_layers=2),
        nn.LSTM(2, 3, proj_size=2, bidirectional=True),
    ],
    ids=repr,
)
def test_gradients_hold_to_second_order(layer):
    layer.double()
    names = [name for name, _ in layer.named_parameters()]
    torch.manual_seed(1)
    x = torch.randn(3, 2, 2, dtype=torch.float64, requires_grad=True)

    def call(x, *values):
        return tuple(flatten(torch.func.functional_call(layer, dict(zip(names, values, strict=True)), (x,))))

    weights = [p.detach().clone().requires_grad_() for p in layer.parameters()]
    assert gradcheck(call, (x, *weights), fast_mode=True) and gradgradcheck(call, (x, *weights), fast_mode=True)


@pytest.mark.parametrize("kind", KINDS)
def test_a_sequence_may_be_run_in_parts(kind):
    layer, x = getattr(nn, kind)(3, 4, 2), torch.randn(6, 2, 3)
    whole, end = layer(x)
    first, state = layer(x[:4])
    second, last = layer(x[4:], state)
    torch.testing.assert_close(torch.cat([first, second]), whole)
    for found, expected in zip(flatten(last), flatten(end), strict=True):
        torch.testing.assert_close(found, expected)


@pytest.mark.parametrize("kind", KINDS)
def test_the_reverse_direction_reads_the_flipped_sequence(kind):
    both, one = getattr(nn, kind)(3, 4, bidirectional=True), getattr(nn, kind)(3, 4)
    weights = both.state_dict().items()
    one.load_state_dict({name.removesuffix("_reverse"): w for name, w in weights if name.endswith("_reverse")})
    x = torch.randn(5, 2, 3)
    torch.testing.assert_close(both(x)[0][..., 4:], one(x.flip(0))[0].flip(0))
    torch.testing.assert_close(flatten(both(x)[1])[0][1:], flatten(one(x.flip(0))[1])[0])


@pytest.mark.parametrize("kind", KINDS)
def test_results_have_memory_of_their_own(kind):
    layer = getattr(nn, kind)(3, 4)
    x = torch.randn(5, 2, 3)
    output, state = layer(x)
    assert output.is_contiguous() and all(end.is_contiguous() for end in flatten(state))
    expected = torch.autograd.grad(output.sum() + flatten(state)[0].sum(), layer.weight_hh_l0)[0]
    output, state = layer(x)
    output.add_(1.0)  # which PyTorch refuses for an LSTM alone
    flatten(state)[0].mul_(1.0)
    found = torch.autograd.grad(output.sum() + flatten(state)[0].sum(), layer.weight_hh_l0)[0]
    torch.testing.assert_close(found, expected)


@pytest.mark.parametrize("kind", KINDS)
def test_a_call_leaves_no_cycle_of_references(kind):
    layer = getattr(nn, kind)(3, 4)
    gc.disable()
    try:
        output, _ = layer(torch.randn(5, 2, 3))
        (slope,) = torch.autograd.grad(output.square().sum(), layer.weight_hh_l0, create_graph=True)
        (slope**2).sum().backward()
        node = weakref.ref(output.grad_fn)
        del output, slope, _
        assert node() is None
    finally:
        gc.enable()


@pytest.mark.parametrize("kind", KINDS)
def test_a_nan_spreads_to_its_sequence_alone(kind):
    x = torch.randn(4, 2, 3)
    x[1, 0, 0] = float("nan")
    output, _ = getattr(nn, kind)(3, 4)(x)
    assert output[1:, 0].isnan().all() and not output[:, 1].isnan().any() and not output[0].isnan().any()


@pytest.mark.parametrize("kind", KINDS)
def test_an_empty_batch_has_empty_results_and_gradients_of_zero(kind):
    layer = getattr(nn, kind)(3, 4, bidirectional=True)
    output, state = layer(torch.ones(5, 0, 3))
    assert output.shape == (5, 0, 8) and all(end.shape == (2, 0, 4) for end in flatten(state))
    output.sum().backward()
    assert all(not p.grad.any() for p in layer.parameters())


@pytest.mark.parametrize("kind", KINDS)
def test_gates_far_from_zero_neither_overflow_nor_warn(kind):
    layer = getattr(nn, kind)(1, 2)
    x = torch.tensor([[[1e4]], [[-1e4]]], requires_grad=True)
    output, _ = layer(x)
    output.sum().backward()
    assert output.isfinite().all() and x.grad.isfinite().all()


def test_float16_is_rounded_once_for_each_layer():
    layer = nn.GRU(3, 4)
    x = torch.randn(5, 2, 3)
    expected = layer(x)[0]
    found = layer.half()(x.half())[0]
    assert found.dtype == torch.float16
    torch.testing.assert_close(found.float(), expected, rtol=1e-2, atol=1e-2)


def test_the_output_prints_pytorchs_name_of_the_last_call():
    x = torch.ones(5, 2, 3)
    names = [
        type(layer(x)[0].grad_fn).__name__
        for layer in (nn.RNN(3, 4), nn.GRU(3, 4, bidirectional=True), nn.LSTM(3, 4), nn.LSTM(3, 4, proj_size=2))
    ]
    assert names == ["StackBackward0", "CatBackward0", "MkldnnRnnLayerBackward0", "StackBackward0"]


def test_nothing_is_recorded_without_gradients():
    layer, x = nn.LSTM(3, 4), torch.randn(5, 2, 3)
    with torch.no_grad():
        assert layer(x)[0].grad_fn is None
    with torch.inference_mode():
        assert layer(x)[0].is_inference()
    assert layer(x)[0].grad_fn is not None


# ---- packed batches -------------------------------------------------------------------------------
LENGTHS = [3, 1, 4, 3]


@pytest.mark.parametrize("given", [False, True])
@pytest.mark.parametrize("layer", [
    nn.RNN(3, 4, bidirectional=True), nn.GRU(3, 4, 2, bidirectional=True), nn.LSTM(3, 4, 2),
    nn.LSTM(3, 4, proj_size=2, bidirectional=True),
], ids=repr)  # fmt: skip
def test_a_packed_batch_is_run_as_each_of_its_sequences_alone(layer, given):
    layer.double()
    torch.manual_seed(0)
    sequences = [torch.randn(n, 3, dtype=torch.float64) for n in LENGTHS]
    places = layer.num_layers * (1 + layer.bidirectional)
    widths = (layer.proj_size or 4, 4)[: 2 if layer.mode == "LSTM" else 1]
    states = [torch.randn(places, 4, width, dtype=torch.float64) for width in widths]
    single = len(states) == 1

    def start(parts):
        return () if not given else (parts[0] if single else tuple(parts),)

    output, ends = layer(pack_sequence(sequences, enforce_sorted=False), *start(states))
    slopes = torch.autograd.grad(output.data.square().sum() + flatten(ends)[-1].sum(), [*layer.parameters()])
    wanted, total = [], 0.0
    for n, x in enumerate(sequences):
        alone, own_ends = layer(x, *start([state[:, n] for state in states]))
        wanted.append(alone)
        total = total + alone.square().sum() + flatten(own_ends)[-1].sum()
        for found, expected in zip(flatten(ends), flatten(own_ends), strict=True):
            torch.testing.assert_close(found[:, n], expected)
    for found, expected in zip(unpack_sequence(output), wanted, strict=True):
        torch.testing.assert_close(found, expected)
    for found, expected in zip(slopes, torch.autograd.grad(total, [*layer.parameters()]), strict=True):
        torch.testing.assert_close(found, expected)


def test_a_packed_batch_of_sorted_sequences_keeps_its_order():
    packed = pack_sequence([torch.randn(3, 2), torch.randn(1, 2)])
    output, h = nn.GRU(2, 4)(packed)
    assert type(output) is type(packed) and output.batch_sizes is packed.batch_sizes
    assert output.sorted_indices is None and h.shape == (1, 2, 4)


# ---- weights --------------------------------------------------------------------------------------
def test_weights_that_something_computes_are_computed_anew_at_each_call():
    layer, x = nn.LSTM(3, 4), torch.randn(5, 2, 3)
    before = layer(x)[0]
    with pytest.warns(FutureWarning, match="weight_norm. is deprecated"):
        nn.utils.weight_norm(layer, "weight_hh_l0")
    torch.testing.assert_close(layer(x)[0], before)
    with torch.no_grad():
        layer.weight_hh_l0_g.mul_(2)
    assert not torch.allclose(layer(x)[0], before)
    layer(x)[0].sum().backward()
    assert layer.weight_hh_l0_g.grad is not None and layer.weight_hh_l0_v.grad is not None
    parametrizations.spectral_norm(layer, "weight_ih_l0")
    prune.l1_unstructured(layer, "bias_ih_l0", amount=4)
    layer(x)[0].sum().backward()
    assert layer.parametrizations.weight_ih_l0.original.grad is not None
    assert (layer.bias_ih_l0 == 0).sum() == 4 and layer.bias_ih_l0_orig.grad is not None


def test_replaced_weights_are_those_of_the_call():
    layer, x = nn.GRU(2, 3), torch.randn(4, 1, 2)
    zeros = {name: torch.zeros_like(p) for name, p in layer.named_parameters()}
    assert not torch.func.functional_call(layer, zeros, (x,))[0].any()
    layer.weight_hh_l0 = nn.Parameter(torch.zeros(9, 3))
    assert layer.all_weights[0][1] is layer.weight_hh_l0
    assert layer._all_weights == [["weight_ih_l0", "weight_hh_l0", "bias_ih_l0", "bias_hh_l0"]]  # libraries read it
    assert [name for name, _ in layer.named_parameters()][1] == "weight_hh_l0"
    twin = copy.deepcopy(layer)
    assert twin.weight_hh_l0 is not layer.weight_hh_l0
    torch.testing.assert_close(twin(x)[0], layer(x)[0])


def test_a_layer_is_moved_clipped_hooked_and_summed_up_as_others_are():
    layer = nn.LSTM(3, 4, batch_first=True)
    layer.flatten_parameters()
    seen = []
    layer.register_forward_hook(lambda module, args, result: seen.append(tuple(result[0].shape)))
    layer(torch.randn(2, 5, 3))[0].sum().backward()
    assert seen == [(2, 5, 4)]
    clip_grad_norm_(layer.parameters(), 1e-3)
    assert sum(p.grad.square().sum().item() for p in layer.parameters()) <= 1.01e-6
    text = str(nn.summary(layer, (2, 5, 3)))
    assert "(2, 5, 4)" in text and "1,120 multiplications" in text  # 10 rows times 16 sums of 3 + 4 numbers
    assert layer.double()(torch.randn(2, 5, 3, dtype=torch.float64))[0].dtype == torch.float64


def test_a_program_that_writes_the_gates_out_computes_the_same():
    torch.manual_seed(0)
    layer, x = nn.LSTM(3, 4), torch.randn(5, 2, 3)
    h = c = torch.zeros(2, 4)
    for t in range(5):
        sums = x[t] @ layer.weight_ih_l0.T + layer.bias_ih_l0 + h @ layer.weight_hh_l0.T + layer.bias_hh_l0
        i, f, g, o = sums.chunk(4, 1)
        c = f.sigmoid() * c + i.sigmoid() * g.tanh()
        h = o.sigmoid() * c.tanh()
    output, (h_n, c_n) = layer(x)
    for found, expected in ((output[-1], h), (h_n[0], h), (c_n[0], c)):
        torch.testing.assert_close(found, expected)
    by_hand = torch.autograd.grad(h.sum(), [*layer.parameters()])
    for found, expected in zip(torch.autograd.grad(h_n.sum(), [*layer.parameters()]), by_hand, strict=True):
        torch.testing.assert_close(found, expected)


class Series(torch.Tensor):
    """Tensors of a class of the user's own."""


@pytest.mark.parametrize("kind", KINDS)
def test_results_of_a_subclass_are_of_the_class(kind):
    layer, x, state = getattr(nn, kind)(3, 4, 2), torch.ones(5, 2, 3), torch.ones(2, 2, 4)
    states = (state, state.as_subclass(Series)) if kind == "LSTM" else state.as_subclass(Series)
    for found in (layer(x.as_subclass(Series)), layer(x, states)):
        assert {*map(type, flatten(found))} == {Series}
    packed = pack_sequence([x[:, 0].as_subclass(Series), x[:3, 1].as_subclass(Series)])
    assert type(layer(packed)[0].data) is Series
    layer(x.as_subclass(Series))[0].sum().backward()
    found = layer.weight_hh_l0.grad
    layer.zero_grad()
    layer(x)[0].sum().backward()
    assert torch.equal(found, layer.weight_hh_l0.grad) and type(found) is torch.Tensor


# ---- what is refused ------------------------------------------------------------------------------
def call(make, *shapes, dtype=torch.float32):
    """A call of the layer of tensors of ones."""
    given = [torch.ones(*shape, dtype=dtype) for shape in shapes]
    return lambda: make()(given[0], *([tuple(given[1:])] if len(given) > 2 else given[1:]))


def make(kind, **options):
    return lambda: getattr(nn, kind)(3, 4, **options)


test_refused = refusals({
    "a layer of no steps": (call(make("LSTM"), (0, 2, 3)), RuntimeError,
        "^Expected sequence length to be larger than 0 in RNN"),
    "no steps, with states": (call(make("GRU"), (0, 2, 3), (1, 2, 4)), RuntimeError,
        "^Expected sequence length to be larger than 0 in RNN"),
    "other axes": (call(make("GRU"), (3,)), ValueError,
        r"^GRU: Expected input to be 2D or 3D, got 1D tensor instead; it is \(steps, features\), or .* \(steps, batch"),
    "other axes, batch first": (call(make("RNN", batch_first=True), (3,)), ValueError,
        r"^RNN: Expected input to be 2D or 3D, got 1D tensor instead; .* \(batch, steps, features\)"),
    "another type": (call(make("GRU"), (5, 2, 3), dtype=torch.float64), ValueError,
        ("RNN input dtype (minigrad.float64) does not match weight dtype (minigrad.float32). Convert input: ",
         "input.to(minigrad.float32), or convert model: model.to(minigrad.float64)")),
    "other features": (call(make("GRU"), (5, 2, 7)), RuntimeError,
        r"^input\.size\(-1\) must be equal to input_size\. Expected 3, got 7$"),
    "axes in another order": (call(make("GRU", batch_first=True), (2, 3, 5)), RuntimeError,
        r"input_size\. Expected 3, got 5; the axes of an input are \(batch, steps, features\), got \(2, 3, 5\)"),
    "another state": (call(make("GRU"), (5, 2, 3), (1, 3, 4)), RuntimeError,
        r"^Expected hidden size \(1, 2, 4\), got \[1, 3, 4\]"),
    "another cell": (call(make("LSTM"), (5, 2, 3), (1, 2, 4), (1, 2, 5)), RuntimeError,
        r"^Expected hidden\[1\] size \(1, 2, 4\), got \[1, 2, 5\]"),
    "a state of one sequence": (call(make("RNN"), (5, 2, 3), (1, 4)), RuntimeError,
        "^For batched 3-D input, hx should also be 3-D but got 2-D tensor"),
    "states of a batch": (call(make("LSTM"), (5, 3), (1, 1, 4), (1, 1, 4)), RuntimeError,
        r"^For unbatched 2-D input, hx and cx should also be 2-D but got \(3-D, 3-D\) tensors"),
    "one state of an LSTM": (call(make("LSTM"), (5, 2, 3), (1, 2, 4)), RuntimeError,
        r"^hx and cx of an LSTM are a pair of tensors \(h_0, c_0\), got one tensor of shape \(1, 2, 4\); a GRU"),
    "a state of another type": (
        lambda: nn.GRU(3, 4)(torch.ones(5, 2, 3), torch.ones(1, 2, 4).double()), RuntimeError,
        "^mat1 and mat2 must have the same dtype, but got Double and Float: the state is minigrad.float64"),
    "a packed batch of another type": (
        lambda: nn.GRU(3, 4)(pack_sequence([torch.ones(2, 3).double()])), ValueError,
        r"^RNN input dtype \(minigrad.float64\) does not match weight dtype \(minigrad.float32\)"),
    "a packed batch with more axes": (
        lambda: nn.GRU(3, 4)(pack_sequence([torch.ones(2, 3, 1)])), RuntimeError,
        "^input must have 2 dimensions, got 3: the data of a PackedSequence"),
    "a state of another packed batch": (
        lambda: nn.GRU(3, 4)(pack_sequence([torch.ones(2, 3)]), torch.ones(1, 2, 4)), RuntimeError,
        r"^Expected hidden size \(1, 1, 4\), got \[1, 2, 4\]"),
    "a list": (lambda: nn.GRU(3, 4)([1.0]), TypeError, r"GRU\(\): argument 'input' \(position 1\) must be Tensor, not"),
    "a pair for a GRU": (
        lambda: nn.GRU(3, 4)(torch.ones(5, 2, 3), (torch.ones(1, 2, 4),) * 2), TypeError,
        r"GRU\(\): argument 'hx' \(position 2\) must be Tensor, not tuple"),
    "the base class": (
        lambda: nn.RNNBase("LSTM", 3, 4)(torch.ones(5, 2, 3)), NotImplementedError,
        r'^Module \[RNNBase\] is missing the required "forward" function'),
    "another mode": (lambda: nn.RNNBase("LSTMS", 3, 4), ValueError,
        "^Unrecognized RNN mode: LSTMS; it is one of RNN_TANH"),
    "another nonlinearity": (make("RNN", nonlinearity="gelu"), ValueError,
        "^Unknown nonlinearity 'gelu'. Select from 'tanh' or 'relu'."),
    "a projection of a GRU": (make("GRU", proj_size=2), ValueError,
        "^proj_size argument is only supported for LSTM, not RNN or GRU"),
    "a projection too wide": (make("LSTM", proj_size=4), ValueError,
        "^proj_size has to be smaller than hidden_size: 4 and"),
    "a negative projection": (make("LSTM", proj_size=-1), ValueError,
        "^proj_size should be a positive integer or zero to disable projections, got -1"),
    "a dropout above 1": (make("LSTM", dropout=2), ValueError, (
        "dropout should be a number in range [0, 1] representing the probability of an element being zeroed", "got 2")),
    "a bias of 1": (make("LSTM", bias=1), TypeError, "^bias should be of type bool, got: int"),
    "a float as a size": (lambda: nn.LSTM(3, 4.0), TypeError, "^hidden_size should be of type int, got: float"),
    "no layers": (lambda: nn.LSTM(3, 4, 0), ValueError, "^num_layers must be greater than zero, got 0"),
})  # fmt: skip


def test_dropout_of_a_single_layer_is_told_to_have_no_effect():
    words = "dropout option adds dropout after all but last recurrent layer, so non-zero dropout expects num_layers "
    with pytest.warns(UserWarning, match=f"^{words}greater than 1, but got dropout=0.5 and num_layers=1$") as seen:
        nn.GRU(3, 4, dropout=0.5)
    assert seen[0].filename == __file__


def test_a_subclass_may_check_what_it_is_given():
    gru, lstm = nn.GRU(2, 3, 2, bidirectional=True), nn.LSTM(2, 4, proj_size=3)
    x, h, c = torch.ones(4, 5, 2), torch.zeros(1, 5, 3), torch.zeros(1, 5, 4)
    packed = pack_sequence([torch.ones(3, 2), torch.ones(2, 2)])
    assert gru.get_expected_hidden_size(x, None) == (4, 5, 3) and lstm.get_expected_cell_size(x, None) == (1, 5, 4)
    assert lstm.get_expected_hidden_size(packed.data, packed.batch_sizes) == (1, 2, 3)
    assert nn.GRU(2, 3, batch_first=True).get_expected_hidden_size(x, None) == (1, 4, 3)
    lstm.check_forward_args(x, (h, c), None)
    gru.check_forward_args(packed.data, torch.zeros(4, 2, 3), packed.batch_sizes)
    order = torch.tensor([1, 0, 2, 3, 4])
    assert [state.shape for state in lstm.permute_hidden((h, c), order)] == [h.shape, c.shape]
    numbers = torch.arange(5.0).reshape(1, 5, 1)
    assert gru.permute_hidden(numbers, order).flatten().tolist() == [1, 0, 2, 3, 4]
    assert gru.permute_hidden(h, None) is h


NOT_FOR_THE_LAYER = {
    "axes": (lambda layer: layer.check_input(torch.ones(4, 2), None), RuntimeError, "must have 3 dimensions, got 2"),
    "axes of a packed batch": (
        lambda layer: layer.check_input(torch.ones(4, 2, 2), torch.tensor([4])), RuntimeError, "2 dimensions, got 3"),
    "features": (lambda layer: layer.check_input(torch.ones(4, 5, 3), None), RuntimeError, "Expected 2, got 3"),
    "a state": (
        lambda layer: layer.check_hidden_size(torch.ones(1, 1, 3), (1, 5, 3)), RuntimeError,
        r"Expected hidden size \(1, 5, 3\), got \[1, 1, 3\]"),
    "a state, in words of one's own": (
        lambda layer: layer.check_hidden_size(torch.ones(1), (2,), "need {} not {}"), RuntimeError,
        r"need \(2,\) not \[1\]"),
    "one of two states": (
        lambda layer: layer.check_forward_args(torch.ones(4, 5, 2), (torch.ones(1, 5, 3), torch.ones(1, 1, 3)), None),
        RuntimeError, r"Expected hidden\[1\] size \(1, 5, 3\), got \[1, 1, 3\]"),
}  # fmt: skip


@pytest.mark.parametrize("case", NOT_FOR_THE_LAYER)
def test_a_check_says_what_was_expected(case):
    call, error, words = NOT_FOR_THE_LAYER[case]
    with pytest.raises(error, match=words):
        call(nn.LSTM(2, 3))
