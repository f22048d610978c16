"""`MultiheadAttention` against a loop over heads, and what users do to the layer. Recorded values: test_transformer."""

import copy
import math

import numpy as np
import pytest

import minigrad as torch
from minigrad import nn
from minigrad.autograd import gradcheck, gradgradcheck
from minigrad.utils.checkpoint import checkpoint
from tests.refusals import refusals

X = torch.linspace(-2, 2, 48).reshape(3, 2, 8)


def attend_head_by_head(layer, x, mask):
    """The output for one sequence (L, E), by the formula: each head by itself, each query by itself."""
    weights = layer.in_proj_weight.detach().numpy().astype("float64").reshape(3, layer.num_heads, -1, layer.embed_dim)
    bias = layer.in_proj_bias.detach().numpy().astype("float64").reshape(3, layer.num_heads, -1)
    heads = []
    for head in range(layer.num_heads):
        q, k, v = [x @ weights[i, head].T + bias[i, head] for i in range(3)]
        means = []
        for place, query in enumerate(q):
            scores = [math.exp(query @ key / math.sqrt(layer.head_dim)) for key in k]
            scores = [0.0 if hidden else score for hidden, score in zip(mask[place], scores, strict=True)]
            means.append(sum(score * value for score, value in zip(scores, v, strict=True)) / sum(scores))
        heads.append(np.stack(means))
    out = np.concatenate(heads, 1) @ layer.out_proj.weight.detach().numpy().T
    return out + layer.out_proj.bias.detach().numpy()


@pytest.mark.parametrize("need_weights", [True, False])
def test_each_head_attends_by_itself(need_weights):
    layer = nn.MultiheadAttention(8, 4)
    with torch.no_grad():
        layer.in_proj_bias.normal_()
    mask = torch.ones(3, 3).triu(1).bool()
    output, weights = layer(X, X, X, attn_mask=mask, need_weights=need_weights)
    for sequence in range(2):
        expected = attend_head_by_head(layer, X[:, sequence].numpy(), mask.tolist())
        np.testing.assert_allclose(output[:, sequence].detach().numpy(), expected, rtol=1e-4, atol=1e-5)
    assert (weights is None) is not need_weights
    if weights is not None:
        torch.testing.assert_close(weights.sum(-1), torch.ones(2, 3))
        assert not weights[:, mask].any()


def test_batch_first_changes_the_order_of_axes_alone():
    one, other = nn.MultiheadAttention(8, 2), nn.MultiheadAttention(8, 2, batch_first=True)
    other.load_state_dict(one.state_dict())
    (output, weights), (turned, same) = one(X, X, X), other(*[X.transpose(0, 1)] * 3)
    torch.testing.assert_close(turned.transpose(0, 1), output)
    torch.testing.assert_close(same, weights)
    assert turned.stride() == (8, 16, 1)  # as PyTorch's output lies, which decides on the numbers that dropout draws
    alone, _ = other(X[:, 1], X[:, 1], X[:, 1])
    torch.testing.assert_close(alone, output[:, 1])


def test_masks_of_bools_and_of_floats_say_the_same():
    layer = nn.MultiheadAttention(8, 2, add_bias_kv=True, add_zero_attn=True)
    hidden, padding = torch.eye(3).bool(), torch.tensor([[False, False, True], [False, True, False]])
    as_floats = [torch.zeros(x.shape).masked_fill(x, -torch.inf) for x in (hidden, padding)]
    for options in ({}, {"need_weights": False}, {"average_attn_weights": False}):
        found = layer(X, X, X, attn_mask=hidden, key_padding_mask=padding, **options)
        expected = layer(X, X, X, attn_mask=as_floats[0], key_padding_mask=as_floats[1], **options)
        for one, other in zip(found, expected, strict=True):
            assert (one is None) == (other is None)
            if one is not None:
                torch.testing.assert_close(one, other)
    for_each_head = hidden.expand(4, 3, 3)
    torch.testing.assert_close(layer(X, X, X, attn_mask=for_each_head)[0], layer(X, X, X, attn_mask=hidden)[0])


def test_a_mask_of_bools_beside_one_of_floats_is_added_with_pytorchs_warning():
    layer = nn.MultiheadAttention(8, 2)
    padding = torch.tensor([[False, False, True], [False, True, False]])
    words = "Support for mismatched key_padding_mask and attn_mask is deprecated. Use same type for both instead."
    with pytest.warns(UserWarning, match=words) as seen:
        found, _ = layer(X, X, X, attn_mask=torch.zeros(3, 3), key_padding_mask=padding)
    assert seen[0].filename == __file__
    torch.testing.assert_close(found, layer(X, X, X, key_padding_mask=padding)[0])


def test_a_query_without_keys_gives_nan_with_weights_and_zeros_without_as_in_pytorch():
    layer = nn.MultiheadAttention(8, 2)
    mask = torch.tensor([[False, False, False], [True, True, True], [False, False, False]])
    output, weights = layer(X, X, X, attn_mask=mask)
    assert output[1].isnan().all() and weights[:, 1].isnan().all() and not output[0].isnan().any()
    output, _ = layer(X, X, X, attn_mask=mask, need_weights=False)
    torch.testing.assert_close(output[1], layer.out_proj.bias.detach().expand(2, 8))


def test_the_hint_is_causal_takes_the_place_of_the_mask_where_pytorch_lets_it():
    layer = nn.MultiheadAttention(8, 2)
    causal, other = nn.Transformer.generate_square_subsequent_mask(3), torch.zeros(3, 3)
    expected = layer(X, X, X, attn_mask=causal)[0]
    torch.testing.assert_close(layer(X, X, X, attn_mask=other, is_causal=True, need_weights=False)[0], expected)
    torch.testing.assert_close(layer(X, X, X, attn_mask=causal, is_causal=True)[0], expected)


@pytest.mark.parametrize("same", ["all", "key and value", "none"])
def test_one_product_projects_what_is_the_same_tensor(same):
    layer = nn.MultiheadAttention(8, 2).double()
    q, k, v = [torch.randn(3, 2, 8, dtype=torch.float64, requires_grad=True) for _ in range(3)]
    given = {"all": (q, q, q), "key and value": (q, k, k), "none": (q, k, v)}[same]
    leaves = list(dict.fromkeys(given)) + list(layer.parameters())
    output, _ = layer(*given)
    apart, _ = layer(*[x * 1 for x in given])
    torch.testing.assert_close(output, apart)
    slopes = [torch.autograd.grad(y.square().sum(), leaves) for y in (output, apart)]
    for found, expected in zip(*slopes, strict=True):
        torch.testing.assert_close(found, expected)


def test_gradients_hold_to_second_order_with_every_option():
    layer = nn.MultiheadAttention(4, 2, add_bias_kv=True, add_zero_attn=True, kdim=3, vdim=2).double()
    names = [name for name, _ in layer.named_parameters()]
    shapes = [(2, 2, 4), (3, 2, 3), (3, 2, 2), (2, 3)]
    inputs = [torch.randn(s, dtype=torch.float64, requires_grad=True) for s in shapes]

    def call(q, k, v, mask, *values):
        weights = dict(zip(names, values, strict=True))
        return torch.func.functional_call(layer, weights, (q, k, v), {"attn_mask": mask})

    values = [p.detach().clone().requires_grad_() for p in layer.parameters()]
    assert gradcheck(call, (*inputs, *values), fast_mode=True)
    assert gradgradcheck(call, (*inputs, *values), fast_mode=True)


def test_the_last_product_is_of_pytorchs_class():
    layer = nn.MultiheadAttention(4, 2)
    assert type(layer.out_proj) is nn.modules.linear.NonDynamicallyQuantizableLinear
    assert isinstance(layer.out_proj, nn.Linear) and nn.modules.activation.MultiheadAttention is nn.MultiheadAttention
    assert layer.in_proj_weight.shape == (12, 4) and layer.q_proj_weight is None and layer.bias_k is None
    assert (layer.head_dim, layer.kdim, layer.vdim) == (2, 4, 4)


def test_it_is_hooked_copied_converted_checkpointed_and_summed_up_as_others_are():
    layer, seen = nn.MultiheadAttention(8, 2), []
    layer.register_forward_hook(lambda module, args, result: seen.append(tuple(result[1].shape)))
    expected = layer(X, X, X)[0]
    assert seen == [(2, 3, 3)]
    twin = copy.deepcopy(layer)
    assert twin.in_proj_weight is not layer.in_proj_weight
    torch.testing.assert_close(twin(X, X, X)[0], expected)
    x = X.clone().requires_grad_()
    torch.testing.assert_close(checkpoint(lambda y: layer(y, y, y)[0], x, use_reentrant=False), expected)
    assert layer.double()(*[X.double()] * 3)[0].dtype == torch.float64
    half = layer.half()(*[X.half()] * 3)[0]
    torch.testing.assert_close(half.float(), expected, rtol=2e-2, atol=2e-2)


def test_keys_and_values_may_be_given_as_they_are_for_each_head():
    weights = [torch.eye(4).repeat(3, 1), None, None, None, False, 0.0, torch.eye(4), None]
    x = torch.linspace(-1, 1, 8).reshape(2, 1, 4)
    k, v = torch.ones(2, 5, 2), torch.arange(20.0).reshape(2, 5, 2)
    output, attended = torch.nn.functional.multi_head_attention_forward(x, x, x, 4, 2, *weights, static_k=k, static_v=v)
    torch.testing.assert_close(attended, torch.full((1, 2, 5), 0.2))
    torch.testing.assert_close(output[0, 0], torch.tensor([4.0, 5.0, 14.0, 15.0]))


def test_a_tensor_of_another_class_takes_over_the_function():
    class Watched(torch.Tensor):
        called = []  # noqa: RUF012

        @classmethod
        def __torch_function__(cls, func, types, args=(), kwargs=None):
            cls.called.append(func.__name__)
            return super().__torch_function__(func, types, args, kwargs)

    x = X.as_subclass(Watched)
    weights = (torch.eye(8).repeat(3, 1), None, None, None, False, 0.0, torch.eye(8), None)
    output, _ = torch.nn.functional.multi_head_attention_forward(x, x, x, 8, 2, *weights)
    assert type(output) is Watched and "multi_head_attention_forward" in Watched.called


# ---- what is refused ------------------------------------------------------------------------------
def call(*shapes, options=None, **given):
    """A call of a layer with tensors of ones as query, key and value; the last one also stands for those that lack."""
    inputs = [torch.ones(shape) for shape in (*shapes, *[shapes[-1]] * (3 - len(shapes)))]
    return lambda: nn.MultiheadAttention(8, 2, **(options or {}))(*inputs, **given)


ON = {"dtype": torch.bool}
BATCH = (3, 2, 8)
test_refused = refusals({
    "other features": (call((3, 2, 6)), AssertionError,
        r"^was expecting embedding dimension of 8, but got 6: the last axis of a query \(3, 2, 6\) holds the "),
    "one axis": (call((8,)), AssertionError,
        r"^query should be unbatched 2D or batched 3D tensor but received 1-D query tensor of shape \(8,\)"),
    "a query without a batch": (call((3, 8), BATCH), AssertionError,
        "^For unbatched .2-D. `query`, expected `key` and `value` to be 2-D but found 3-D and 3-D tensors"),
    "keys of another length than values": (call(BATCH, (4, 2, 8), BATCH), AssertionError,
        r"^key shape .*\[4, 2, 8\]\) does not match value shape .*\[3, 2, 8\]\)"),
    "separate keys of another length": (call(BATCH, (4, 2, 3), BATCH, options={"kdim": 3}), AssertionError,
        r"^key's sequence and batch dims .*\[4, 2\]\) do not match value's .*\[3, 2\]\)"),
    "another batch": (call(BATCH, (4, 3, 8)), RuntimeError,
        "^the batch number of query and key must be equal, but got 2 and 3: with batch_first=True they are "),
    "keys of other features": (call(BATCH, (4, 2, 6)), RuntimeError,
        (r"mat1 and mat2 shapes cannot be multiplied (8x6 and 8x8)", "kdim= and vdim=")),
    "keys of other features than kdim": (call(BATCH, options={"kdim": 3}), AssertionError,
        r"^expecting key weights shape of \(8, 8\), but got .*\[8, 3\]\)"),
    "a mask for other queries": (call(BATCH, attn_mask=torch.ones(2, 3, **ON)), RuntimeError,
        r"^The shape of the 2D attn_mask is .*\[2, 3\]\), but should be \(3, 3\)\. It is \(queries, keys\)"),
    "a mask for each sequence": (call(BATCH, attn_mask=torch.ones(2, 3, 3, **ON)), RuntimeError,
        r"^The shape of the 3D attn_mask is .*\[2, 3, 3\]\), but should be \(4, 3, 3\)\. .*batch \* num_heads, "),
    "a mask of one axis": (call(BATCH, attn_mask=torch.ones(3, **ON)), AssertionError,
        r"`attn_mask` to be `None`, 2-D or 3-D but found 1-D tensor instead: it is \(L, S\), or \(N \* num_heads"),
    "a mask of integers": (call(BATCH, attn_mask=torch.ones(3, 3, dtype=torch.int64)), AssertionError,
        r"^only bool and floating types of attn_mask are supported, got minigrad.int64: attn_mask.bool\(\) is True"),
    "padding the other way round": (call(BATCH, key_padding_mask=torch.ones(3, 2, **ON)), AssertionError,
        r"^Expected key_padded_mask.shape\[0\] to be 2, but got 3: it is \(N, S\), here for 2 sequences of 3 keys"),
    "padding of another length": (call(BATCH, key_padding_mask=torch.ones(2, 4, **ON)), AssertionError,
        r"^Expected key_padded_mask.shape\[1\] to be 3, but got 4"),
    "padding of one sequence": (call(BATCH, key_padding_mask=torch.ones(3, **ON)), AssertionError,
        r"`key_padding_mask` to be `None` or 2-D but found 1-D tensor instead: it is \(N, S\), a row for each"),
    "padding of several sequences": (call((3, 8), key_padding_mask=torch.ones(1, 3, **ON)), AssertionError,
        r"`key_padding_mask` to be `None` or 1-D but found 2-D tensor instead: it is \(S,\), one for each key"),
    "padding of integers": (call(BATCH, key_padding_mask=torch.ones(2, 3, dtype=torch.int64)), AssertionError,
        r"^only bool and floating types of key_padding_mask are supported"),
    "a mask for other heads": (call((3, 8), attn_mask=torch.zeros(4, 3, 3)), AssertionError,
        r"^Expected `attn_mask` shape to be \(2, 3, 3\) but got .*\[4, 3, 3\]\)"),
    "a hint without a mask": (call(BATCH, is_causal=True), RuntimeError,
        "^Need attn_mask if specifying the is_causal hint. .* `generate_square_subsequent_mask` to create this mask."),
    "heads that do not divide": (lambda: nn.MultiheadAttention(8, 3), AssertionError,
        "^embed_dim must be divisible by num_heads, got 8 features for 3 heads"),
    "no features": (lambda: nn.MultiheadAttention(0, 3), ValueError,
        "^embed_dim and num_heads must be greater than 0, got embed_dim=0 and num_heads=3 instead"),
    "a list": (lambda: nn.MultiheadAttention(8, 2)([1.0], X, X), TypeError,
        r"argument 'query' \(position 1\) must be Tensor, not list"),
})  # fmt: skip


def forward(**others):
    """A call of the function with weights that fit, but for the `others`."""
    given = {
        "embed_dim_to_check": 8, "num_heads": 2, "in_proj_weight": torch.ones(24, 8), "in_proj_bias": None,
        "bias_k": None, "bias_v": None, "add_zero_attn": False, "dropout_p": 0.0, "out_proj_weight": torch.ones(8, 8),
        "out_proj_bias": None,
    }  # fmt: skip
    return lambda: nn.functional.multi_head_attention_forward(X, X, X, **(given | others))


KEY, STATIC = torch.ones(1, 1, 8), torch.ones(4, 5, 4)
test_weights_that_do_not_fit_are_refused = refusals({
    "no weight": (forward(in_proj_weight=None), AssertionError,
        "^use_separate_proj_weight is False but in_proj_weight is None"),
    "no separate weight": (forward(use_separate_proj_weight=True, q_proj_weight=torch.ones(8, 8)), AssertionError,
        "^use_separate_proj_weight is True but k_proj_weight is None"),
    "a key alone": (forward(bias_k=KEY), AssertionError, "^bias_k is set but bias_v is None"),
    "a value alone": (forward(bias_v=KEY), AssertionError, "^bias_v is set but bias_k is None"),
    "added to static keys": (forward(bias_k=KEY, bias_v=KEY, static_k=STATIC), AssertionError,
        "^bias cannot be added to static key"),
    "added to static values": (forward(bias_k=KEY, bias_v=KEY, static_v=STATIC), AssertionError,
        "^bias cannot be added to static value"),
    "static keys of another batch": (forward(static_k=STATIC[1:]), AssertionError,
        r"^expecting static_k.size\(0\) of 4, but got 3"),
    "static values of another width": (forward(static_v=STATIC[..., 1:]), AssertionError,
        r"^expecting static_v.size\(2\) of 4, but got 3"),
    "heads that do not divide": (forward(num_heads=3), AssertionError, "^embed_dim 8 not divisible by num_heads 3"),
})  # fmt: skip
