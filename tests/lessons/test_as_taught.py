"""Details of lessons that once differed from PyTorch."""

import numpy as np
import pytest

import minigrad as torch
import minigrad.nn.functional as F
from minigrad import nn


def test_contiguous_packs_a_transposed_tensor():
    x = torch.arange(6.0).view(2, 3).t()
    packed = x.contiguous()
    assert packed.is_contiguous() and packed.stride() == (2, 1)
    assert packed.view(6).tolist() == [0, 3, 1, 4, 2, 5]
    assert x.clone().stride() == (1, 3)  # a clone keeps the order in memory
    assert packed.contiguous() is packed


def test_contiguous_lets_gradients_through():
    x = torch.arange(6.0).reshape(2, 3).requires_grad_()
    (x.t().contiguous().view(6) * torch.arange(6.0)).sum().backward()
    assert x.grad.tolist() == [[0, 2, 4], [1, 3, 5]]


def test_channels_are_shuffled_as_in_shufflenet():
    x = torch.arange(8.0).reshape(1, 4, 1, 2)
    shuffled = x.view(1, 2, 2, 1, 2).transpose(1, 2).contiguous().view(1, 4, 1, 2)
    assert shuffled.reshape(4, 2).tolist() == [[0, 1], [4, 5], [2, 3], [6, 7]]


def test_channels_last_lies_channels_last():
    x = torch.zeros(2, 3, 4, 5).contiguous(memory_format=torch.channels_last)
    assert x.stride() == (60, 1, 15, 3)


def test_linspace_rounds_as_pytorch():
    assert torch.linspace(-1, 1, 21)[10].item() == -1.4901161193847656e-08
    assert torch.linspace(-1, 1, 7)[3].item() == -2.9802322387695312e-08
    assert torch.linspace(-1, 1, 101)[50].item() == 2.2351741790771484e-08
    assert torch.linspace(10, -3, 40, dtype=torch.int64).tolist()[20:31] == [3, 2, 2, 2, 1, 1, 1, 0, 0, 0, 0]
    assert torch.linspace(2, 5, 1).tolist() == [2] and torch.linspace(2, 5, 2).tolist() == [2, 5]
    assert torch.linspace(2, 5, 0).shape == (0,)


@pytest.mark.parametrize("convert", [float, int])
def test_python_conversions_of_several_numbers_are_value_errors(convert):
    with pytest.raises(ValueError, match=r"only one element tensors .* got shape \(2,\); reduce it first"):
        convert(torch.ones(2))


def test_type_takes_the_typed_constructors():
    assert torch.ones(2).type(torch.LongTensor).dtype is torch.int64
    with pytest.raises(ValueError, match="invalid type: 'foo'; give a dtype, or one of HalfTensor"):
        torch.ones(2).type("foo")
    with pytest.raises(TypeError):
        torch.ones(2).type(5)


def test_module_type_converts_its_tensors():
    assert nn.Linear(2, 2).type(torch.float64).weight.dtype is torch.float64


def test_limits_of_types_print():
    assert repr(torch.finfo(torch.float32)) == (
        "finfo(resolution=1e-06, min=-3.40282e+38, max=3.40282e+38, eps=1.19209e-07, smallest_normal=1.17549e-38, "
        "tiny=1.17549e-38, dtype=float32)"
    )
    assert repr(torch.iinfo(torch.int8)) == "iinfo(min=-128, max=127, dtype=int8)"


def test_a_gradient_can_be_deleted_and_a_flag_is_a_bool():
    x = torch.ones(2, requires_grad=True)
    x.sum().backward()
    del x.grad
    assert x.grad is None
    with pytest.raises(RuntimeError, match="requires_grad must be a bool, got int 1"):
        x.requires_grad = 1


def test_jacobian_refuses_integers():
    with pytest.raises(RuntimeError, match=r"jacobian: only Tensors of floating point dtype .* got minigrad.int64"):
        torch.autograd.functional.jacobian(lambda x: x * x, torch.tensor([1, 2]))


def test_aux_outputs_are_detached():
    _, aux = torch.func.grad(lambda x: (x.sum(), {"twice": [x * 2, 3]}), has_aux=True)(torch.ones(2))
    assert not aux["twice"][0].requires_grad and aux["twice"][1] == 3


@pytest.mark.parametrize("key", [1.0, object(), (0, 1.5), np.float32(1), {1}])
def test_invalid_indices_raise_a_clear_error(key):
    x = torch.ones(2, 3)
    with pytest.raises(IndexError, match=r"only integers, slices .* are valid indices, got"):
        x[key]
    with pytest.raises(IndexError, match=r"only integers, slices .* are valid indices, got"):
        x[key] = 0


def test_names_and_ragged_lists_are_no_indices():
    with pytest.raises(TypeError, match="indexed by position, not by name: got 'a'"):
        torch.ones(2)["a"]
    with pytest.raises(ValueError, match=r"must not be ragged, got \[\[0\], \[0, 1\]\]"):
        torch.ones(2)[([[0], [0, 1]],)]


def test_bits_of_floats_are_not_turned_around():
    with pytest.raises(
        TypeError,
        match=r"^~ \(operator.invert\) is only implemented on integer and Boolean-type tensors, got minigrad.float32",
    ):
        ~torch.ones(2)


def test_state_dict_of_an_optimizer_prints_options_first():
    groups = torch.optim.Adam([torch.ones(1, requires_grad=True)]).state_dict()["param_groups"]
    assert list(groups[0]) == [
        "lr", "betas", "eps", "weight_decay", "amsgrad", "maximize", "foreach", "capturable", "differentiable", "fused",
        "decoupled_weight_decay", "params",
    ]  # fmt: skip


def test_module_dict_lists_as_a_dictionary():
    layers = nn.ModuleDict({"act": nn.ReLU()})
    assert str(layers.items()) == "dict_items([('act', ReLU())])"
    assert str(layers.keys()) == "dict_keys(['act'])" and list(layers.values()) == [layers["act"]]


REFUSED = {
    "a text for a number": (lambda x: x.fill_("a"), TypeError, "fill_(): argument 'value' must be a number, not str"),
    "None for a number": (lambda x: x.fill_(None), TypeError, "must be a number, not NoneType"),
    "a list for a number": (lambda x: torch.full((2,), [1]), TypeError, "must be a number, not list"),
    "a text in the mask": (lambda x: x.masked_fill(x > 0, "a"), TypeError, "masked_fill(): argument 'value'"),
    "a text scattered": (lambda x: x.scatter(0, torch.tensor([[0]]), "a"), TypeError, "scatter(): argument 'src'"),
    "a text chosen": (lambda x: torch.where(x > 0, "a", 1), TypeError, "where(): argument 'input'"),
    "half a part": (lambda x: x.split(1.5), TypeError, "argument 'split_size' must be int, not float 1.5"),
    "half a chunk": (lambda x: x.chunk(1.5), TypeError, "argument 'chunks' must be int, not float 1.5"),
    "half a step": (lambda x: x.roll(1.5), TypeError, "argument 'shifts' must be int, not float 1.5"),
    "half a diagonal": (lambda x: x.tril(1.5), TypeError, "argument 'diagonal' must be int, not float 1.5"),
    "a truth for a dim": (lambda x: x.sum(True), TypeError, "argument 'dim' must be int, not bool True"),
    "no dims to flip": (lambda x: x.flip(), TypeError, "flip() needs the dims to turn round"),
    "too many dims": (lambda x: x.permute(0, 1, 2), RuntimeError, "dims must name each of the 2 dimensions once"),
    "grids of matrices": (lambda x: torch.meshgrid(x, x, indexing="ij"), RuntimeError, "one axis, got shape (2, 3)"),
    "an axis for unique": (lambda x: x.unique(0), TypeError, "argument 'sorted' must be bool, not int"),
    "a misspelt keyword": (lambda x: torch.zeros(2, dytpe=torch.int64), TypeError, "dytpe"),
    "half an element": (lambda x: x.topk(1.5), TypeError, "argument 'k' must be int, not float 1.5"),
    "half a place": (lambda x: x.narrow(0, 0, 0.5), TypeError, "argument 'length' must be int, not float 0.5"),
    "half a window": (lambda x: x.unfold(1, 1.5, 1), TypeError, "argument 'size' must be int, not float 1.5"),
    "half a class": (lambda x: F.one_hot(torch.tensor([0]), 2.5), TypeError, "'num_classes' must be an int"),
    "a text as a probability": (lambda x: F.dropout(x, "a"), TypeError, "dropout(): argument 'p' must be a number"),
    "a text as a limit": (lambda x: x.uniform_("a", 1), TypeError, "uniform_(): argument 'parameter' must be a number"),
    "a text as a count": (lambda x: torch.linspace(0, "a", 3), TypeError, "linspace(): argument 'end'"),
    "a text as an end": (lambda x: torch.arange("a"), TypeError, "arange(): argument"),
    "no truth": (lambda x: x.requires_grad_("yes"), TypeError, "must be bool, not str 'yes'"),
    "nothing to put": (lambda x: x.index_put_((torch.tensor([0]),), None), TypeError, "index_put_(): argument"),
    "grids of two types": (
        lambda x: torch.meshgrid(x[0], x[0].int(), indexing="ij"), RuntimeError,
        "meshgrid expects tensors of one dtype, got ['minigrad.float32', 'minigrad.int32']"),
    "a product of two types": (
        lambda x: torch.einsum("ij,kj->ik", x, x.double()), RuntimeError,
        "einsum: expected operands of one dtype, got ['float32', 'float64']"),
    "targets of another type": (
        lambda x: F.binary_cross_entropy(x, x.double()), RuntimeError,
        "Found dtype Double but expected Float"),
    "closeness of unlike shapes": (lambda x: torch.isclose(x, x[:, :2]), RuntimeError, "tensor a (3) must match"),
    "a mask of another shape": (lambda x: x.masked_fill(x[:, :2] > 0, 0.0), RuntimeError, "masked_fill got shapes"),
    "an array into a network": (
        lambda x: nn.Flatten()(x.numpy()), TypeError,
        "must be Tensor, not numpy.ndarray; turn it into one with minigrad.from_numpy"),
    "an array into a norm": (lambda x: nn.BatchNorm1d(3)(x.numpy()), TypeError, "must be Tensor, not numpy.ndarray"),
    "an array into a lazy one": (lambda x: nn.LazyLinear(3)(x.numpy()), TypeError, "must be Tensor, not numpy.ndarray"),
    "parameters without brackets": (
        lambda x: torch.optim.SGD(nn.Linear(2, 2).parameters, lr=0.1), TypeError,
        "got method; write net.parameters(), with the brackets"),
    "ints put among floats": (
        lambda x: x.index_put_((torch.tensor([0]),), torch.tensor([1])), RuntimeError,
        "Index put requires the source and destination dtypes match, got float32 for the destination and int64"),
    "ints dropped out": (
        lambda x: F.dropout(x.int()), RuntimeError, "type Int: dropout scales what it keeps; convert it with .float()"),
    "batches that differ": (
        lambda x: torch.ones(2, 3, 4) @ torch.ones(3, 4, 5), RuntimeError,
        "for the batch axes of (2, 3, 4) and (3, 4, 5), matmul got shapes (2,) and (3,)"),
}  # fmt: skip


@pytest.mark.parametrize("mistake", REFUSED)
def test_each_mistake_is_refused_with_its_message(mistake):
    call, error, words = REFUSED[mistake]
    with pytest.raises(error) as caught:
        call(torch.ones(2, 3))
    assert words in str(caught.value)


def test_python_float_as_a_dtype_is_double():
    assert torch.zeros(2, dtype=float).dtype is torch.float64 and torch.ones(2).to(float).dtype is torch.float64


def test_float64_ranges_round_as_pytorch():
    assert torch.arange(-1, 1, 0.1, dtype=torch.float64)[10].item() == 5.551115123125783e-17


@pytest.mark.parametrize("leaf", [True, False])
@pytest.mark.parametrize(
    ("hook", "error", "words"),
    [
        (lambda g: g[:1], RuntimeError, r"has changed the size of value: \(2,\) to \(1,\)"),
        (lambda g: g.double(), RuntimeError, "has changed the type of value: float32 to float64"),
        (
            lambda g: g.numpy(),
            TypeError,
            "expected Variable, but hook returned 'ndarray': hook .* returns a Tensor, or None",
        ),
        (
            lambda g: 5,
            TypeError,
            "expected Variable, but hook returned 'int': hook .* leave the gradient as it is; got 5",
        ),
    ],
)
def test_a_hook_must_return_a_gradient_of_the_same_shape_and_dtype(leaf, hook, error, words):
    x = torch.ones(2, requires_grad=True)
    y = x if leaf else x * 2
    y.register_hook(hook)
    with pytest.raises(error, match=words):
        (y * 3).sum().backward()
