"""Argument checks by decorators: which arguments are tensors, NumPy's keyword spellings, `out=`."""

import numpy as np
import pytest

import minigrad as torch
from minigrad.nn import functional as F
from minigrad.ops import arguments
from tests.refusals import refusals

X = torch.arange(6.0).reshape(2, 3)
I = torch.tensor([[0, 1, 0]])
IMAGE = torch.arange(25.0).reshape(1, 1, 5, 5)
CASES = {
    "cat": lambda **d: torch.cat([X, X], **d),
    "concat": lambda **d: torch.concat([X, X], **d),
    "stack": lambda **d: torch.stack([X, X], **d),
    "softmax": lambda **d: torch.softmax(X, **d),
    "log_softmax": lambda **d: torch.log_softmax(X, **d),
    "unsqueeze": lambda **d: torch.unsqueeze(X, **d),
    "squeeze": lambda **d: torch.squeeze(X, **d),
    "chunk": lambda **d: torch.chunk(X, 2, **d),
    "split": lambda **d: torch.split(X, 1, **d),
    "unbind": lambda **d: torch.unbind(X, **d),
    "gather": lambda **d: torch.gather(X, index=I, **d),
    "index_select": lambda **d: torch.index_select(X, index=torch.tensor([1]), **d),
    "repeat_interleave": lambda **d: torch.repeat_interleave(X, 2, **d),
    "narrow": lambda **d: torch.narrow(X, start=0, length=1, **d),
    "take_along_dim": lambda **d: torch.take_along_dim(X, I, **d),
    "scatter_add": lambda **d: torch.scatter_add(X, index=I, src=X, **d),
    "unflatten": lambda **d: torch.unflatten(X, sizes=(1, -1), **d),
    "sum": lambda **d: torch.sum(X, **d),
    "cumsum": lambda **d: torch.cumsum(X, **d),
    "sort": lambda **d: torch.sort(X, **d),
    "method softmax": lambda **d: X.softmax(**d),
    "method unbind": lambda **d: X.unbind(**d),
    "method chunk": lambda **d: X.chunk(2, **d),
    "method index_select": lambda **d: X.index_select(index=torch.tensor([1]), **d),
}


@pytest.mark.parametrize("name", CASES)
def test_axis_is_read_as_dim(name):
    call = CASES[name]
    assert str(call(axis=0)) == str(call(dim=0))


def test_keepdims_is_read_as_keepdim():
    assert torch.sum(X, axis=1, keepdims=True).shape == X.max(axis=1, keepdims=True).values.shape == (2, 1)
    with pytest.raises(TypeError, match="unexpected keyword argument 'axis'"):
        torch.cat([X, X], axis=0, dim=0)


A = [1.0, 2.0]
NO_TENSORS = {
    "the first": (lambda: torch.sum(A), r"sum\(\): argument 'input' \(position 1\) must be Tensor, not list"),
    "by its name": (lambda: torch.sum(input=A), r"sum\(\): argument 'input' \(position 1\) must be Tensor, not list"),
    "the second": (lambda: torch.lerp(X, A, 0.5), r"lerp\(\): argument 'end' \(position 2\) must be Tensor, not list"),
    "the second by its name": (lambda: torch.lerp(X, end=A, weight=0.5), r"'end' \(position 2\) must be Tensor"),
    "the second of a product": (lambda: torch.mv(X, A), r"mv\(\): argument 'vec' \(position 2\) must be Tensor"),
    "the third": (lambda: torch.addmm(X, X, A), r"addmm\(\): argument 'mat2' \(position 3\) must be Tensor"),
    "of the function called": (lambda: torch.allclose(A, X), r"allclose\(\): argument 'input' \(position 1\) must be"),
    "under the name it has": (lambda: torch.split(A, 1), r"split\(\): argument 'tensor' \(position 1\) must be Tensor"),
    "of a method": (lambda: X.type_as(A), r"type_as\(\): argument 'other' \(position 2\) must be Tensor"),
}


test_an_error_for_what_is_no_int_names_the_function = refusals({
    "sum": (lambda: X.sum("a"), TypeError, r"^sum\(\): argument 'dim' must be int, not str 'a'$"),
    "softmax": (lambda: X.softmax(1.0), TypeError, r"^softmax\(\): argument 'dim' must be int, not float 1.0$"),
    "cat": (lambda: torch.cat([X], dim="a"), TypeError, r"^cat\(\): argument 'dim' must be int"),
    "transpose": (lambda: X.transpose(0, None), TypeError, r"^transpose\(\): argument 'dim' must be int, not NoneType"),
    "topk": (lambda: X.topk("a"), TypeError, r"^topk\(\): argument 'k' must be int"),
    "eye": (lambda: torch.eye("a"), TypeError, r"^eye\(\): argument 'n' must be int"),
    "linspace": (lambda: torch.linspace(0, 1, "a"), TypeError, r"^linspace\(\): argument 'steps' must be int"),
})  # fmt: skip
test_non_tensors_raise = refusals({name: (call, TypeError, message) for name, (call, message) in NO_TENSORS.items()})


def test_a_missing_argument_is_pythons_own_error():
    with pytest.raises(TypeError, match="missing 1 required positional argument: 'input'"):
        torch.sum()


def test_annotations_say_which_arguments_are_tensors():
    def scale(input: "Tensor", other: "Tensor", factor: float) -> "Tensor":  # noqa: F821
        return input * other * factor

    def shift(input: "Tensor", by: float) -> "Tensor":  # noqa: F821
        return input + by

    served = arguments.takes_out(scale)
    out = torch.zeros(2)
    assert served(torch.ones(2), torch.ones(2), 3.0, out=out) is out
    assert out.tolist() == [3.0, 3.0]
    with pytest.raises(TypeError, match="'other'"):
        served(torch.ones(2), 1.0, 3.0)
    with pytest.raises(TypeError, match="unexpected keyword argument 'out'"):
        arguments.of_tensors(shift)(torch.ones(2), 1.0, out=out)
    with pytest.raises(AttributeError, match="'input'"):
        arguments.of_tensors(shift, error=AttributeError)(1.0, 1.0)


@pytest.mark.parametrize("wrong", [1, 0, None, "yes", np.True_])
@pytest.mark.parametrize("function", [torch.sum, torch.mean, torch.max, torch.argmax, torch.amax, torch.logsumexp])
def test_keepdim_must_be_a_bool(function, wrong):
    for call in (lambda: function(X, 1, wrong), lambda: function(X, 1, keepdim=wrong)):
        with pytest.raises(TypeError, match=f"argument 'keepdim' must be bool, not {type(wrong).__name__}"):
            call()
    assert repr(function(X, 1, True)) == repr(function(X, 1, keepdim=True))


def test_an_axis_in_the_place_of_keepdim_is_sent_to_dim():
    with pytest.raises(TypeError, match=r"not int 1; a function of several axes takes them .*: dim=\(i, 1\)$"):
        X.sum(0, 1)
    with pytest.raises(TypeError, match=r"not str 'yes'$"):
        X.sum(0, "yes")


FLAGS = {
    "descending": lambda v: torch.sort(X, descending=v),
    "stable": lambda v: torch.argsort(X, stable=v),
    "largest": lambda v: torch.topk(X, 1, -1, v),
    "sorted": lambda v: torch.topk(X, 1, -1, True, v),
    "unbiased": lambda v: torch.var(X, 1, v),
    "return_inverse": lambda v: torch.unique(X, True, v),
    "as_tuple": lambda v: torch.nonzero(X, as_tuple=v),
    "accumulate": lambda v: torch.index_put(X, (I,), X[:1], v),
    "equal_nan": lambda v: torch.isclose(X, X, equal_nan=v),
    "right": lambda v: torch.bucketize(X, torch.ones(1), right=v),
    "upper": lambda v: torch.linalg.cholesky(torch.eye(2), upper=v),
    "full_matrices": lambda v: torch.linalg.svd(torch.eye(2), v),
    "invert": lambda v: torch.isin(X, X, invert=v),
    "include_self": lambda v: torch.scatter_reduce(X, 0, I, X, "sum", include_self=v),
    "descending by position": lambda v: torch.sort(X, 0, v),
    "copy": lambda v: X.to(copy=v),
    "non_blocking": lambda v: X.to(torch.float64, non_blocking=v),
    "non_blocking of copy_": lambda v: torch.zeros(2, 3).copy_(X, v),
    "requires_grad": lambda v: torch.zeros(2, requires_grad=v),
    "force": lambda v: X.numpy(force=v),
    "periodic": lambda v: torch.hann_window(4, v),
    "periodic of kaiser_window": lambda v: torch.kaiser_window(4, periodic=v),
    "ceil_mode": lambda v: F.max_pool2d(IMAGE, 2, ceil_mode=v),
    "ceil_mode of lp_pool1d": lambda v: F.lp_pool1d(IMAGE[0], 2, 2, ceil_mode=v),
    "count_include_pad": lambda v: F.avg_pool2d(IMAGE, 2, padding=1, count_include_pad=v),
    "use_input_stats": lambda v: F.instance_norm(IMAGE, torch.zeros(1), torch.ones(1), use_input_stats=v),
    "scale_grad_by_freq": lambda v: F.embedding(I, X, scale_grad_by_freq=v),
    "sparse": lambda v: F.embedding_bag(I, X, sparse=v),
    "include_last_offset": lambda v: F.embedding_bag(torch.tensor([0]), X, torch.tensor([0, 1]), include_last_offset=v),
    "align_corners": lambda v: F.interpolate(IMAGE, 2, mode="bilinear", align_corners=v),
    "align_corners of grid_sample": lambda v: F.grid_sample(IMAGE, torch.ones(1, 1, 1, 2), align_corners=v),
    "log_target": lambda v: F.kl_div(X, X, reduction="sum", log_target=v),
    "log_input": lambda v: F.poisson_nll_loss(X, X, log_input=v),
    "full": lambda v: F.poisson_nll_loss(X, X, full=v),
    "swap": lambda v: F.triplet_margin_loss(X, X, -X, swap=v),
    "training of alpha_dropout": lambda v: F.alpha_dropout(X, training=v),
    "training of feature_alpha_dropout": lambda v: F.feature_alpha_dropout(IMAGE, training=v),
    "zero_infinity": lambda v: F.ctc_loss(torch.zeros(1, 1, 2), torch.tensor([[1]]), [1], [1], zero_infinity=v),
}


@pytest.mark.parametrize("name", FLAGS)
def test_a_flag_must_be_a_bool(name):
    for wrong in (1, 0, "yes", torch.tensor(True), np.True_):
        with pytest.raises(TypeError, match=f"argument '{name.split()[0]}' must be bool, not {type(wrong).__name__}"):
            FLAGS[name](wrong)
    for value in (True, False):
        FLAGS[name](value)


def test_a_bool_by_the_name_dim_is_no_axis():
    with pytest.raises(TypeError, match=r"std\(\): argument 'dim' must be int, not bool True"):
        torch.std(X, dim=True)
    assert torch.std(X, False).item() == torch.std(X, unbiased=False).item()  # the older form of the flag
    with pytest.raises(TypeError, match="argument 'unbiased' must be bool, not NoneType"):
        torch.var(X, 0, None)


WHOLE = {
    "chunk": lambda k: torch.chunk(X, k),
    "diff": lambda k: torch.diff(X, k),
    "topk": lambda k: torch.topk(X, k),
    "kthvalue": lambda k: torch.kthvalue(X, k),
    "bincount": lambda k: torch.bincount(torch.tensor([1]), minlength=k),
    "histc": lambda k: torch.histc(X, k),
    "unfold": lambda k: X.unfold(0, k, k),
    "matrix_power": lambda k: torch.matrix_power(X[:, :2], k),
    "combinations": lambda k: torch.combinations(X[0], k),
    "multinomial": lambda k: torch.multinomial(torch.tensor([0.0, 1.0, 1.0]), k).sort().values,
    "avg_pool2d": lambda k: F.avg_pool2d(IMAGE, 2, divisor_override=k),
    "one_hot": lambda k: F.one_hot(torch.tensor([0, 1]), k),
    "sum": lambda k: torch.sum(X, k - 1),
    "tril": lambda k: torch.tril(X, k),
}


@pytest.mark.parametrize("name", WHOLE)
def test_a_tensor_of_one_whole_number_is_an_int(name):
    expected = repr(WHOLE[name](2))
    for number in (torch.tensor(2), torch.tensor(2, dtype=torch.int8), np.int64(2)):
        assert repr(WHOLE[name](number)) == expected
    with pytest.raises(TypeError):
        WHOLE[name](torch.tensor(2.0))


def test_a_part_of_a_changed_tensor_is_refused_before_a_wrong_axis():
    whole = torch.ones(2, 2, requires_grad=True) * 1
    part, _ = whole.split(1)
    whole.mul_(2)
    for call in (torch.cat, torch.stack):
        for given in ([part], [torch.ones(1, 2), part]):
            with pytest.raises(RuntimeError, match="one of several views that one call made"):
                call(given, 9)
    with pytest.raises(RuntimeError, match="one of several views that one call made"):
        part.unfold(9, 1, 1)


def test_flags_of_nn_functional_are_read_as_true_or_false():
    assert torch.nn.functional.relu(X, 1).tolist() == X.tolist()


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ({"image": X}, "not dict; pass one of its values, for example that of 'image'"),
        ({}, "not dict; pass one of its values$"),
        ((X, X), "not tuple; it holds tensors: pass one of its 2 elements, or join them with minigrad.stack"),
        ((X, I[0, 0]), "not tuple; it holds tensors: pass one of its 2 elements$"),
        ([X, None], "not list; it holds tensors: pass one of its 2 elements$"),
        ([1.0], r"not list; wrap it with minigrad.tensor"),
        (("cat", "dog"), r"not tuple; texts hold no numbers: give each name a number, for example sorted"),
    ],
)
def test_a_collection_in_place_of_a_tensor_is_refused_with_advice(given, message):
    with pytest.raises(TypeError, match=message):
        torch.nn.functional.relu(given)


def test_lengths_and_axes_in_a_row_are_given_by_keyword_too():
    assert torch.permute(input=X, dims=(1, 0)).shape == X.permute(dims=(1, 0)).shape == (3, 2)
    assert torch.tile(input=X, dims=(2, 1)).shape == torch.tile(X, dims=(2, 1)).shape == (4, 3)
    assert torch.broadcast_to(size=(1, 2, 3), input=X).shape == X.broadcast_to(size=(1, 2, 3)).shape == (1, 2, 3)


MISSPELT = {
    "dim": lambda: torch.sum(X, dimm=0),
    "dim of a method": lambda: X.max(dimm=0),
    "keepdim": lambda: torch.argmax(X, kepdim=True),
    "descending": lambda: torch.sort(X, descendng=True),
    "dtype": lambda: torch.zeros(2, dtpe=torch.float64),
    "requires_grad": lambda: torch.randn(2, requires_gard=True),
    "steps": lambda: torch.linspace(0, 1, step=3),
    "out": lambda: torch.cumsum(X, 0, oout=X),
    "dims": lambda: torch.permute(X, dim=(1, 0)),
    "alpha": lambda: torch.add(X, X, alhpa=2),
    "beta": lambda: torch.addmm(X, X, X, betta=2),
    "reduction": lambda: F.l1_loss(X, X, reducton="sum"),
    "padding": lambda: F.max_pool2d(IMAGE, 2, pading=1),
    "inplace": lambda: F.elu(X, inplce=True),
    "training": lambda: F.dropout(X, trainning=True),
    "scale_factor": lambda: F.interpolate(IMAGE, scale=2),
    "upscale_factor": lambda: F.pixel_shuffle(IMAGE, up_factor=1),
    "exponent": lambda: torch.float_power(X, exp=2),
    "groups": lambda: torch.channel_shuffle(IMAGE, group=1),
    "normalized_shape": lambda: F.layer_norm(X, normalised_shape=(3,)),
    "max_norm": lambda: torch.nn.utils.clip_grad_norm_([], maxnorm=1.0),
    "batch_size": lambda: torch.utils.data.DataLoader([1, 2], batchsize=2),
    "generator": lambda: torch.utils.data.random_split([1, 2], [1, 1], generatr=None),
    "replacement": lambda: torch.utils.data.RandomSampler([1, 2], replacment=True),
    "label_smoothing": lambda: F.cross_entropy(X, torch.tensor([0, 1]), label_smothing=0.1),
}


@pytest.mark.parametrize("name", MISSPELT)
def test_a_misspelt_option_is_told_the_one_that_was_meant(name):
    meant = f"got an unexpected keyword argument '[a-z_]+'. Did you mean '{name.split()[0]}'"
    with pytest.raises(TypeError, match=meant):
        MISSPELT[name]()


def test_an_option_like_no_other_is_told_all_that_there_are():
    with pytest.raises(TypeError, match=r"unexpected keyword argument 'colour'(; it takes input, dims|$)"):
        torch.permute(X, colour=1)


def test_factors_before_tensors_warn_once(monkeypatch):
    monkeypatch.setattr("minigrad.ops.former_order._warned", {})
    with pytest.warns(UserWarning, match="This overload of add is deprecated, with alpha among .*: write alpha=-2"):
        assert torch.ones(1).add_(-2, torch.ones(1)).tolist() == [-1.0]
    assert torch.ones(1).add_(-3, torch.ones(1)).tolist() == [-2.0]  # warnings are errors here
    assert torch.ones(1).add_(np.float32(-3), torch.ones(1)).tolist() == [-2.0]
    with pytest.raises(TypeError):
        torch.add(torch.ones(1), 2, np.ones(1, np.float32))


@pytest.mark.filterwarnings("ignore:This overload")
def test_the_last_tensors_of_a_former_order_may_be_given_by_name():
    x, two, eye = torch.ones(1), torch.full((1,), 2.0), torch.eye(1)
    assert torch.add(x, -3, other=two).tolist() == x.add(-3, other=two).tolist() == [-5.0]
    assert torch.ones(1).sub_(3, other=two).tolist() == [-5.0]
    assert torch.addcmul(x, 3, tensor1=two, tensor2=two).tolist() == x.addcmul(3, two, tensor2=two).tolist() == [13.0]
    assert torch.addmm(3, eye, mat1=eye, mat2=eye).tolist() == eye.addmm(3, mat1=eye, mat2=eye).tolist() == [[4.0]]
    assert torch.add(other=two, alpha=3, input=x).tolist() == [7.0]
    with pytest.raises(TypeError, match="multiple values for argument 'other'"):
        torch.add(x, two, other=two)


@pytest.mark.parametrize("call", [torch.subtract, torch.Tensor.subtract, torch.Tensor.subtract_])
def test_subtract_has_no_former_order(call):
    with pytest.raises(TypeError, match="3"):
        call(torch.ones(1), 2, torch.ones(1))
    assert call(torch.ones(1), torch.ones(1), alpha=3).tolist() == [-2.0]
