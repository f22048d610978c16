"""Parts of a tensor that are no views to autograd: `narrow_copy`, `unsafe_split` and its kin."""

import pickle

import pytest

import minigrad as torch

X = torch.arange(10.0)


def test_narrow_copy_has_memory_of_its_own():
    x = torch.arange(6.0, requires_grad=True)
    y = x.narrow_copy(0, 2, 3)
    assert y.grad_fn.name() == "NarrowCopyBackward0" and y._base is None and y.tolist() == [2.0, 3.0, 4.0]
    y.mul_(2)
    y.sum().backward()
    assert x.tolist() == [0, 1, 2, 3, 4, 5] and x.grad.tolist() == [0, 0, 2, 2, 2, 0]
    assert torch.narrow_copy(X, 0, torch.tensor(-2), length=2).tolist() == [8.0, 9.0]
    with pytest.raises(IndexError, match=r"start out of range \(expected to be in range of \[-10, 10\], but got 11\)"):
        torch.narrow_copy(X, 0, 11, 1)


PARTS = {
    "unsafe_split": (lambda x: x.unsafe_split(4), [4, 4, 2], "UnsafeSplitBackward0"),
    "unsafe_chunk": (lambda x: torch.unsafe_chunk(x, 3, dim=0), [4, 4, 2], "UnsafeSplitBackward0"),
    "unsafe_split_with_sizes": (
        lambda x: torch.unsafe_split_with_sizes(x, split_sizes=[2, 8]), [2, 8], "UnsafeSplitWithSizesBackward0"),
}  # fmt: skip


@pytest.mark.parametrize("name", PARTS)
def test_unsafe_parts_may_be_written_to_and_share_memory(name):
    take, lengths, shown = PARTS[name]
    x = torch.arange(10.0, requires_grad=True)
    parts = take(x * 1)
    assert [len(part) for part in parts] == lengths and isinstance(parts, tuple)
    assert {part.grad_fn.name() for part in parts} == {shown} and not any(part._is_view() for part in parts)
    parts[0].mul_(3)
    sum(part.sum() for part in parts).backward()
    assert x.grad.tolist() == [3.0] * lengths[0] + [1.0] * (10 - lengths[0])
    whole = X.clone()
    take(whole)[0].add_(1)
    assert whole[0] == 1 and getattr(torch.Tensor, name).__name__ == name


def test_unsafe_parts_take_pytorchs_names_and_refuse_what_belongs_to_the_other():
    assert [len(part) for part in torch.unsafe_split(input=X, split_size=6, dim=0)] == [6, 4]
    assert [len(part) for part in torch.unsafe_split_with_sizes(input=X, split_sizes=(3, 7))] == [3, 7]
    assert [len(part) for part in torch.unsafe_chunk(input=X, chunks=2)] == [5, 5]
    assert pickle.loads(pickle.dumps(torch.unsafe_split)) is torch.unsafe_split
    with pytest.raises(TypeError, match="argument 'split_size' must be int, not list"):
        torch.unsafe_split(X, [5, 5])
    with pytest.raises(TypeError, match=r"'split_sizes' .position 2. must be tuple of ints, not int 5"):
        X.unsafe_split_with_sizes(5)
    with pytest.raises(TypeError, match=r"unsafe_split\(\) got an unexpected keyword argument 'tensor'"):
        torch.unsafe_split(tensor=X, split_size=2)


@pytest.mark.parametrize("name", PARTS)
def test_a_write_to_an_unsafe_part_leaves_what_was_saved_of_the_others(name):
    take, lengths, _ = PARTS[name]
    x = torch.arange(10.0, requires_grad=True)
    first, second = take(x * 1)[:2]
    first.mul_(second[:1])  # the second part is saved here, and not written to
    first.sum().backward()
    due = [float(lengths[0])] * lengths[0] + [float(sum(range(lengths[0])))]
    assert x.grad[: lengths[0] + 1].tolist() == due and first._version == 1 and second._version == 0


def test_split_with_sizes_takes_a_tuple_under_its_own_name():
    for parts in (torch.split_with_sizes(input=X, split_sizes=[4, 6]), X.split_with_sizes(split_sizes=(4, 6), dim=0)):
        assert [len(part) for part in parts] == [4, 6]
    for split in (torch.split_with_sizes, torch.unsafe_split_with_sizes):
        with pytest.raises(TypeError, match=r"'split_sizes' \(position 2\) must be tuple of ints, not int 4"):
            split(X, 4)
