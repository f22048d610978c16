"""`PackedSequence`: its text, conversions, and ways there and back; PyTorch's values are in ops/programs.txt."""

import copy

import pytest

import minigrad as torch
from minigrad.autograd import gradcheck, gradgradcheck
from minigrad.nn.utils import rnn
from minigrad.nn.utils.rnn import PackedSequence, pack_padded_sequence, pack_sequence, pad_packed_sequence
from tests.any_device import without_device
from tests.refusals import refusals

A, B, C = torch.tensor([1, 2, 3]), torch.tensor([4, 5]), torch.tensor([6])


def test_the_examples_of_pytorchs_documentation_print_as_there():
    packed = pack_sequence([A, B, C])
    assert without_device(repr(packed)) == (
        "PackedSequence(data=tensor([1, 4, 6, 2, 5, 3]), batch_sizes=tensor([3, 2, 1]), "
        "sorted_indices=None, unsorted_indices=None)"
    )
    padded = torch.tensor([[1, 2, 0], [3, 0, 0], [4, 5, 6]])
    packed = pack_padded_sequence(padded, [2, 1, 3], batch_first=True, enforce_sorted=False)
    assert without_device(repr(packed)) == (
        "PackedSequence(data=tensor([4, 1, 3, 5, 2, 6]), batch_sizes=tensor([3, 2, 1]), "
        "sorted_indices=tensor([2, 0, 1]), unsorted_indices=tensor([1, 2, 0]))"
    )
    assert repr(PackedSequence) == "<class 'minigrad.nn.utils.rnn.PackedSequence'>"


@pytest.mark.parametrize("lengths", [[4, 3, 1], [1, 4, 3], [2, 2, 2], [1, 1, 5]])
@pytest.mark.parametrize("batch_first", [False, True])
def test_packing_is_undone_in_the_order_of_the_sequences(lengths, batch_first):
    sequences = [torch.randn(length, 2) for length in lengths]
    packed = pack_sequence(sequences, enforce_sorted=False)
    assert packed.data.shape == (sum(lengths), 2) and packed.batch_sizes.sum() == sum(lengths)
    padded, found = pad_packed_sequence(packed, batch_first)
    assert found.tolist() == lengths
    assert torch.equal(padded, rnn.pad_sequence(sequences, batch_first))
    assert all(torch.equal(x, y) for x, y in zip(rnn.unpack_sequence(packed), sequences, strict=True))


def test_both_ways_pass_the_checker_to_second_order():
    def there(x):
        return pack_padded_sequence(x, [2, 3, 1], enforce_sorted=False).data ** 2

    def back(x):
        return pad_packed_sequence(PackedSequence(x, torch.tensor([2, 1, 1], device="cpu")), total_length=4)[0] ** 2

    padded = torch.randn(3, 3, 2, dtype=torch.float64, requires_grad=True)
    packed = torch.randn(4, 2, dtype=torch.float64, requires_grad=True)
    assert gradcheck(there, padded) and gradgradcheck(there, padded)
    assert gradcheck(back, packed) and gradgradcheck(back, packed)


def test_an_unpacked_sequence_is_a_copy():
    padded = torch.zeros(3, 1)
    (sequence,) = rnn.unpad_sequence(padded, torch.tensor([2]))
    sequence.add_(1)
    assert padded.sum() == 0


@pytest.mark.parametrize(
    ("method", "dtype"),
    [("double", "float64"), ("float", "float32"), ("half", "float16"), ("long", "int64"), ("int", "int32")]
    + [("short", "int16"), ("char", "int8"), ("byte", "uint8")],
)
def test_conversions_are_of_the_data_alone(method, dtype):
    packed = pack_sequence([C.float(), A.float()], enforce_sorted=False)
    converted = getattr(packed, method)()
    assert converted.data.dtype == getattr(torch, dtype) and converted.data.tolist() == packed.data.tolist()
    assert converted.batch_sizes is packed.batch_sizes and converted.sorted_indices.dtype == torch.int64
    assert converted.unsorted_indices.tolist() == [1, 0]
    assert (converted is packed) == (method == "float")
    assert type(copy.deepcopy(converted)) is PackedSequence


@pytest.mark.device
def test_batch_sizes_and_lengths_stay_on_the_cpu(device):
    packed = pack_sequence([C.cpu(), A.cpu()], enforce_sorted=False)
    there = packed.to(device)
    assert there.is_cuda == (device == "cuda") and (there is packed) == (device == "cpu")
    assert [x.device.type for x in there] == [device, "cpu", device, device]
    assert there.cpu().data.device.type == "cpu" and getattr(there, device)() is there
    padded, lengths = pad_packed_sequence(there, batch_first=True)
    assert padded.device.type == device and lengths.device.type == "cpu"
    assert padded.tolist() == [[6, 0, 0], [1, 2, 3]] and lengths.tolist() == [1, 3]
    again = pack_padded_sequence(padded, lengths, batch_first=True, enforce_sorted=False)
    assert again.data.tolist() == packed.data.tolist() and again.sorted_indices.device.type == device


ON_GPU = {
    "lengths": (
        lambda: pack_padded_sequence(torch.ones(3, 2, device="cuda"), torch.tensor([3, 1], device="cuda")),
        RuntimeError, "'lengths' argument should be a 1D CPU int64 tensor, but got 1D cuda:0 Long tensor.*lengths.cpu",
    ),
    "batch sizes": (
        lambda: PackedSequence(torch.ones(3, 2, device="cuda"), torch.tensor([2, 1], device="cuda")),
        ValueError, "batch_sizes should always be on CPU, got one on cuda:0",
    ),
}  # fmt: skip


@pytest.mark.parametrize("what", ON_GPU)
def test_lengths_and_batch_sizes_on_a_gpu_are_refused(what, stand_in):
    call, error, words = ON_GPU[what]
    with pytest.raises(error, match=words):
        call()


X = torch.ones(3, 2)
PACKED = pack_sequence([A, B])
test_refused = refusals(
    {
        "rising lengths": (
            lambda: pack_padded_sequence(X, [1, 3]),
            RuntimeError,
            r"^`lengths` array must be sorted in decreasing order when `enforce_sorted` is .* are \[1, 3\]",
        ),
        "a length of 0": (
            lambda: pack_padded_sequence(X, [3, 0]),
            RuntimeError,
            r"^Length of all samples has to be greater than 0, but found an element in 'lengths'.*\[3, 0\]",
        ),
        "a length beyond the steps": (
            lambda: pack_padded_sequence(X, [4, 1]),
            RuntimeError,
            "a length of 4 exceeds the 3 steps of the padded sequences",
        ),
        "another number of lengths": (
            lambda: pack_padded_sequence(X, [3], enforce_sorted=False),
            RuntimeError,
            r"^Expected `len\(lengths\)` to be equal to batch_size, but got 1 \(batch_size=2\)",
        ),
        "one length": (lambda: pack_padded_sequence(X, 3), RuntimeError, "a 1D CPU int64 tensor, but got 0D cpu Long"),
        "no elements": (
            lambda: pack_padded_sequence(X[:0], [1, 1]),
            RuntimeError,
            r"^Cannot pack empty tensors.*shape \(0, 2\)",
        ),
        "one axis": (lambda: pack_padded_sequence(X[0], [1]), IndexError, "^Dimension out of range"),
        "a list": (lambda: pack_padded_sequence([[1.0]], [1]), TypeError, "'input' .* must be Tensor, not list"),
        "an int as a flag": (lambda: pack_padded_sequence(X, [3, 1], 1), TypeError, "'batch_first' must be bool"),
        "a short total": (
            lambda: pad_packed_sequence(PACKED, total_length=2),
            ValueError,
            "^Expected total_length to be at least .* got total_length=2 and max sequence length being 3",
        ),
        "half a step": (lambda: pad_packed_sequence(PACKED, total_length=3.5), TypeError, "must be an int, got float"),
        "no padding": (lambda: pad_packed_sequence(PACKED, padding_value=None), TypeError, "'padding_value' must be"),
        "a flag to pad": (lambda: pad_packed_sequence(PACKED, 1), TypeError, "'batch_first' must be bool"),
        "a tensor that is not packed": (
            lambda: pad_packed_sequence(X),
            AttributeError,
            "^'Tensor' object has no attribute 'batch_sizes': pad_packed_sequence takes what pack_padded_sequence or",
        ),
        "no batch sizes": (
            lambda: PackedSequence(X),
            AssertionError,
            "^Expected data to be a list or tuple of length 2",
        ),
        "no permutation": (lambda: rnn.invert_permutation([1, 0]), TypeError, "'permutation' .* must be Tensor"),
    }
)
