"""Layers of transformers and their stacks: recorded values, PyTorch's peculiarities, and what users do to them."""

import copy
import json
import warnings
from pathlib import Path

import numpy as np
import pytest

import minigrad as torch
import minigrad.nn.functional as F
from minigrad import nn
from minigrad.autograd import gradcheck, gradgradcheck
from minigrad.utils.checkpoint import checkpoint
from tests.nn.transformer_calls import run_line
from tests.refusals import refusals

RECORD = json.loads((Path(__file__).parent.parent / "data" / "transformers.json").read_text())
X = torch.linspace(-2, 2, 48).reshape(3, 2, 8)


@pytest.mark.filterwarnings("ignore:enable_nested_tensor is True", "ignore:Support for mismatched")
@pytest.mark.parametrize("line", RECORD)
def test_results_and_all_gradients_are_pytorchs(line):
    results, gradients = run_line(torch, line)
    assert [list(y.shape) for y in results] == [shape for shape, _ in RECORD[line]["results"]]
    for found, (_, expected) in zip(results, RECORD[line]["results"], strict=True):
        np.testing.assert_allclose(found.detach().cpu().numpy().ravel(), expected, rtol=1e-9, atol=1e-11)
    for found, expected in zip(gradients, RECORD[line]["gradients"], strict=True):
        np.testing.assert_allclose(found.cpu().numpy().ravel(), expected, rtol=1e-8, atol=1e-9)


@pytest.mark.parametrize("norm_first", [True, False])
def test_gradients_hold_to_second_order(norm_first):
    layer = nn.TransformerDecoderLayer(4, 2, 3, 0.0, "gelu", norm_first=norm_first).double()
    names = [name for name, _ in layer.named_parameters()]
    torch.manual_seed(1)
    given = [torch.randn(length, 2, 4, dtype=torch.float64, requires_grad=True) for length in (2, 3)]

    def call(x, memory, *values):
        return torch.func.functional_call(layer, dict(zip(names, values, strict=True)), (x, memory))

    values = [p.detach().clone().requires_grad_() for p in layer.parameters()]
    assert gradcheck(call, (*given, *values), fast_mode=True) and gradgradcheck(call, (*given, *values), fast_mode=True)


# ---- layers ---------------------------------------------------------------------------------------
def test_a_layer_is_attention_and_two_products_with_sums_and_norms_around():
    layer = nn.TransformerEncoderLayer(8, 2, 16).eval()
    x = layer.norm1(X + layer.self_attn(X, X, X)[0])
    torch.testing.assert_close(layer(X), layer.norm2(x + layer.linear2(layer.linear1(x).relu())))
    layer.norm_first = True
    x = X + layer.self_attn(*[layer.norm1(X)] * 3)[0]
    torch.testing.assert_close(layer(X), x + layer.linear2(layer.linear1(layer.norm2(x)).relu()))


def test_activations_are_known_by_name_function_and_module():
    kinds = {
        "relu": (F.relu, 1), "gelu": (F.gelu, 2), F.relu: (F.relu, 1), F.gelu: (F.gelu, 2), torch.tanh: (torch.tanh, 0)
    }  # fmt: skip
    for given, (expected, known) in kinds.items():
        layer = nn.TransformerEncoderLayer(4, 1, 2, activation=given)
        assert layer.activation is expected and layer.activation_relu_or_gelu == known
    layer = nn.TransformerDecoderLayer(4, 1, 2, activation=nn.GELU("tanh"))
    assert dict(layer.named_children())["activation"] is layer.activation
    assert nn.TransformerEncoderLayer(4, 1, 2, activation=nn.GELU()).activation_relu_or_gelu == 2


def test_a_layer_of_ones_own_replaces_a_part():
    class Watched(nn.TransformerEncoderLayer):
        def _sa_block(self, x, attn_mask, key_padding_mask, is_causal=False):
            x, self.seen = self.self_attn(x, x, x, attn_mask=attn_mask, key_padding_mask=key_padding_mask)
            return self.dropout1(x)

    layer = Watched(8, 2, 4).eval()
    plain = nn.TransformerEncoderLayer(8, 2, 4).eval()
    plain.load_state_dict(layer.state_dict())
    torch.testing.assert_close(layer(X), plain(X))
    assert layer.seen.shape == (2, 3, 3)


def test_float_masks_are_added_in_evaluation_too():
    layer = nn.TransformerEncoderLayer(8, 2, 4, batch_first=True).eval()
    mask = torch.linspace(-1, 1, 4).reshape(2, 2)
    with_gradients = layer(X, src_mask=mask)
    with torch.no_grad():
        torch.testing.assert_close(layer(X, src_mask=mask), with_gradients.detach())


# ---- stacks ---------------------------------------------------------------------------------------
def test_copies_of_a_layer_start_alike_and_learn_apart():
    layer = nn.TransformerEncoderLayer(8, 2, 4, batch_first=True)
    stack = nn.TransformerEncoder(layer, 2)
    first, second = stack.layers
    assert first.linear1.weight.equal(second.linear1.weight) and first.linear1.weight is not layer.linear1.weight
    stack(X).sum().backward()
    assert not first.linear1.weight.grad.equal(second.linear1.weight.grad) and layer.linear1.weight.grad is None


def test_copies_of_a_layer_keep_an_activation_that_is_a_module():
    stack = nn.TransformerDecoder(nn.TransformerDecoderLayer(8, 2, 4, activation=nn.Tanh()), 2)
    assert all(isinstance(layer.activation, nn.Tanh) for layer in stack.layers)


USUAL = {"d_model": 8, "nhead": 2, "dim_feedforward": 4, "batch_first": True}
UNUSUAL = {
    "encoder_layer.norm_first was True": {"norm_first": True},
    "encoder_layer.self_attn.batch_first was not True(use batch_first for better inference performance)": {
        "batch_first": False
    },
    "encoder_layer.self_attn was passed bias=False": {"bias": False},
    "encoder_layer.activation_relu_or_gelu was not True": {"activation": torch.tanh},
    "encoder_layer.self_attn.num_heads is odd": {"nhead": 1},
}


@pytest.mark.parametrize("why", UNUSUAL)
def test_an_encoder_tells_why_padding_is_not_skipped_in_pytorchs_words(why):
    layer = nn.TransformerEncoderLayer(**(USUAL | UNUSUAL[why]))
    with pytest.warns(UserWarning, match="^enable_nested_tensor is True") as seen:
        stack = nn.TransformerEncoder(layer, 1)
    assert str(seen[0].message) == (f"enable_nested_tensor is True, but self.use_nested_tensor is False because {why}")
    assert seen[0].filename == __file__ and stack.enable_nested_tensor and not stack.use_nested_tensor
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        nn.TransformerEncoder(layer, 1, enable_nested_tensor=False)


def test_an_encoder_tells_of_layers_that_are_not_the_usual_ones():
    layer = nn.TransformerEncoderLayer(**USUAL)
    layer.norm1.eps = 0.1
    words = "encoder_layer.norm1.eps was not equal to encoder_layer.norm2.eps$"
    with pytest.warns(UserWarning, match=words):
        nn.TransformerEncoder(layer, 1)
    with pytest.warns(UserWarning, match="encoder_layer was not TransformerEncoderLayer$"):
        nn.TransformerEncoder(nn.Linear(2, 2), 1)
    layer = nn.TransformerEncoderLayer(**USUAL)
    layer.self_attn = nn.MultiheadAttention(8, 2, kdim=3, batch_first=True)
    with pytest.warns(UserWarning, match="encoder_layer.self_attn._qkv_same_embed_dim was not True$"):
        nn.TransformerEncoder(layer, 1)


ENDS = torch.tensor([[False, False], [False, True], [True, True]])


def test_padding_at_the_end_gives_zeros_in_evaluation_as_in_pytorch():
    stack = nn.TransformerEncoder(nn.TransformerEncoderLayer(**USUAL), 2).eval()
    computed = stack(X, src_key_padding_mask=ENDS).detach()
    assert computed[ENDS].all()  # with gradients the places are computed like others
    with torch.no_grad():
        found = stack(X, src_key_padding_mask=ENDS)
        torch.testing.assert_close(found, computed.masked_fill(ENDS.unsqueeze(-1), 0.0))
        assert stack(X, src_key_padding_mask=ENDS.flip(1))[ENDS.flip(1)].all()  # padding in front is computed
        assert stack.train()(X, src_key_padding_mask=ENDS)[ENDS].any()


def test_the_zeros_can_be_switched_off():
    stack = nn.TransformerEncoder(nn.TransformerEncoderLayer(**USUAL), 1).eval()
    assert torch.backends.mha.get_fastpath_enabled()
    torch.backends.mha.set_fastpath_enabled(False)
    try:
        with torch.no_grad():
            assert stack(X, src_key_padding_mask=ENDS)[ENDS].all()
    finally:
        torch.backends.mha.set_fastpath_enabled(True)
    apart = nn.TransformerEncoder(nn.TransformerEncoderLayer(**USUAL), 1, enable_nested_tensor=False).eval()
    with torch.no_grad():
        assert apart(X, src_key_padding_mask=ENDS)[ENDS].all()


@pytest.mark.filterwarnings("ignore:enable_nested_tensor is True")
def test_no_place_sees_a_later_one_through_a_causal_mask():
    stack = nn.TransformerEncoder(nn.TransformerEncoderLayer(8, 2, 4), 2).eval()
    mask = nn.Transformer.generate_square_subsequent_mask(3)
    changed = X.clone()
    changed[2] = 7.0
    for given in ({"mask": mask}, {"mask": mask, "is_causal": True}, {"mask": mask != 0}):
        before, after = stack(X, **given), stack(changed, **given)
        torch.testing.assert_close(after[:2], before[:2])
        assert not torch.allclose(after[2], before[2])


def test_the_mask_of_a_sequence_has_the_asked_type():
    mask = nn.Transformer.generate_square_subsequent_mask(3, dtype=torch.float64)
    assert mask.dtype == torch.float64 and mask.tolist() == [[0, -np.inf, -np.inf], [0, 0, -np.inf], [0, 0, 0]]
    assert nn.Transformer(8, 2, 1, 1, 4, batch_first=True).generate_square_subsequent_mask(2).dtype == torch.float32


def test_a_transformer_takes_an_encoder_and_a_decoder_of_ones_own():
    class Reader(nn.Module):
        def forward(self, src, mask=None, src_key_padding_mask=None, is_causal=None):
            return src * 2

    class Writer(nn.Module):
        def forward(self, tgt, memory, **masks):
            return tgt + memory[: len(tgt)]

    net = nn.Transformer(8, custom_encoder=Reader(), custom_decoder=Writer())
    torch.testing.assert_close(net(X, X[:2]), 3 * X[:2])
    assert list(net.state_dict()) == []


@pytest.mark.filterwarnings("ignore:enable_nested_tensor is True")
def test_a_transformer_is_copied_converted_hooked_checkpointed_and_summed_up_as_others_are():
    net = nn.Transformer(8, 2, 1, 1, 4, 0.0)
    seen = []
    net.decoder.layers[0].self_attn.register_forward_hook(lambda module, args, result: seen.append(result[1]))
    expected = net(X, X[:2])
    assert seen == [None] and expected.shape == (2, 2, 8)
    torch.testing.assert_close(copy.deepcopy(net)(X, X[:2]), expected)
    x = X.clone().requires_grad_()
    found = checkpoint(net, x, X[:2], use_reentrant=False)
    torch.testing.assert_close(found, expected)
    found.sum().backward()
    assert x.grad is not None and all(p.grad is not None for p in net.parameters())
    zeros = {name: torch.zeros_like(p) for name, p in net.named_parameters()}
    assert not torch.func.functional_call(net, zeros, (X, X[:2])).any()
    assert net.double()(X.double(), X[:2].double()).dtype == torch.float64
    half = net.half()(X.half(), X[:2].half())
    torch.testing.assert_close(half.float(), expected, rtol=3e-2, atol=3e-2)


def test_layers_are_made_of_the_asked_type():
    net = nn.Transformer(8, 2, 1, 1, 4, batch_first=True, dtype=torch.float64, device="cpu")
    assert {p.dtype for p in net.parameters()} == {torch.float64}
    assert nn.modules.transformer.Transformer is nn.Transformer
    assert nn.modules.transformer.TransformerEncoderLayer is nn.TransformerEncoderLayer


# ---- what is refused ------------------------------------------------------------------------------
def run(*shapes, **options):
    return lambda: nn.Transformer(8, 2, 1, 1, 4, **options)(*[torch.ones(shape) for shape in shapes])


test_refused = pytest.mark.filterwarnings("ignore:enable_nested_tensor is True")(refusals({
    "another batch": (run((3, 2, 8), (3, 5, 8)), RuntimeError,
        r"^the batch number of src and tgt must be equal: src is \(3, 2, 8\), tgt is \(3, 5, 8\); .*\(sequence, N, "),
    "another batch, which is first": (run((3, 2, 8), (4, 2, 8), batch_first=True), RuntimeError,
        r"^the batch number of src and tgt must be equal: .*their axes are \(N, sequence, features\)"),
    "other features": (run((3, 2, 8), (3, 2, 6)), RuntimeError,
        "^the feature number of src and tgt must be equal to d_model: .*last axes hold d_model = 8 features"),
    "another activation": (lambda: nn.TransformerEncoderLayer(8, 2, activation="tanh"), RuntimeError,
        "^activation should be relu/gelu, not tanh: pass another as a function, torch.tanh"),
    "a mask of integers": (lambda: nn.TransformerEncoderLayer(8, 2)(X, torch.ones(3, 3, dtype=torch.int64)),
        AssertionError, "^only bool and floating types of src_mask are supported, got minigrad.int64"),
    "padding of integers": (
        lambda: nn.TransformerEncoder(nn.TransformerEncoderLayer(8, 2), 1)(
            X, src_key_padding_mask=torch.ones(2, 3, dtype=torch.int64)),
        AssertionError, "^only bool and floating types of src_key_padding_mask are supported"),
    "a class in place of a layer": (lambda: nn.TransformerEncoder(nn.TransformerEncoderLayer, 2), TypeError,
        r"TransformerEncoderLayer is not a Module subclass; pass TransformerEncoderLayer\(...\)"),
    "other features in a layer": (lambda: nn.TransformerEncoderLayer(6, 2)(X), AssertionError,
        "^was expecting embedding dimension of 6, but got 8"),
}))  # fmt: skip


def test_masks_of_two_kinds_are_told_once_by_the_names_of_the_call():
    layer = nn.TransformerEncoderLayer(8, 2, 4)
    words = "^Support for mismatched src_key_padding_mask and src_mask is deprecated. Use same type for both instead.$"
    with pytest.warns(UserWarning, match=words) as seen:
        layer(X, torch.zeros(3, 3), torch.zeros(2, 3, dtype=torch.bool))
    assert len(seen) == 1 and seen[0].filename == __file__
