"""Writes to tensors whose elements share memory: what overlaps is refused, and what the rest means."""

import warnings

import numpy as np
import pytest

import minigrad as torch
import minigrad.nn.functional as F


def test_an_expanded_tensor_shares_its_memory():
    x = torch.zeros(3)
    wide = x.expand(2, 3)
    wide[0] += 1
    assert x.tolist() == [1.0, 1.0, 1.0]


class TestWrites:
    """Writes whose source and target, or whose targets, lie at the same places."""

    @pytest.mark.parametrize(
        "write",
        [
            lambda x: x.__setitem__(slice(1, None), x[:-1]),
            lambda x: x[1:].add_(x[:-1]),
            lambda x: x[:-1].mul_(x[1:]),
            lambda x: x.view(3, 3).copy_(x.view(3, 3).t()),
        ],
    )
    def test_parts_that_overlap_are_refused(self, write):
        x = torch.arange(9.0)
        with pytest.raises(RuntimeError, match=r"some elements of the input tensor and the written-to.*clone\(\)"):
            write(x)
        assert x.tolist() == list(range(9))

    def test_equal_and_disjoint_parts_are_accepted(self):
        x = torch.arange(8.0)
        x.add_(x)
        x[:4] = x[4:]
        x[:] = x
        assert x.tolist() == [8, 10, 12, 14, 8, 10, 12, 14]

    def test_several_values_for_one_place_are_refused(self):
        for write in (lambda x: x.__setitem__(..., torch.arange(3.0)), lambda x: x.mul_(torch.arange(3.0))):
            with pytest.raises(RuntimeError, match="more than one element of the written-to tensor"):
                write(torch.zeros(1).expand(3))

    def test_one_number_for_an_expanded_tensor_is_accepted(self):
        w = torch.ones(1, 2, requires_grad=True)
        y = (w * 1).expand(3, 2)
        y.fill_(2.0)
        assert y.tolist() == [[2.0, 2.0]] * 3 and torch.ones(1).expand(3).zero_().tolist() == [0, 0, 0]

    def test_one_number_in_a_tensor_is_refused_for_an_expanded_tensor(self):
        with pytest.raises(RuntimeError, match="more than one element of the written-to tensor"):
            torch.zeros(1).expand(3).fill_(torch.tensor(2.0))

    def test_a_write_to_a_part_of_an_expanded_tensor_also_replaces_nan(self):
        x = torch.tensor([float("nan"), 1.0])
        x.expand(2, 2).index_put_((torch.tensor([0, 0]),), torch.tensor(3.0))
        assert x.tolist() == [3.0, 3.0]

    def test_a_write_to_a_part_of_an_expanded_tensor_shows_the_sign_of_zero(self):
        x = torch.zeros(2)
        x.expand(2, 2).masked_fill_(torch.tensor([True, False]), -0.0)
        assert torch.signbit(x).tolist() == [True, False]

    def test_a_part_of_an_expanded_result_may_be_written_to_but_gets_no_gradient(self):
        h = torch.ones(2, requires_grad=True) * 1
        wide = h.expand(2, 2).masked_fill_(torch.tensor([True, False]), 5.0)
        assert wide.tolist() == [[5.0, 1.0]] * 2 and h.tolist() == [5.0, 1.0]
        for walk in (wide.sum().backward, h.sum().backward):
            with pytest.raises(RuntimeError, match="more than one element of the written-to tensor"):
                walk()

    def test_what_is_put_into_an_expanded_tensor_gets_its_gradient(self):
        weight, h = torch.ones(1, requires_grad=True), torch.zeros(2)
        h.expand(2, 2).index_put_((torch.tensor([0]),), weight * 3, accumulate=True)
        h.sum().backward()
        assert h.tolist() == [3.0, 3.0] and weight.grad.tolist() == [6.0]

    @pytest.mark.parametrize(
        "write", [lambda x: x.add_(1), lambda x: x.__setitem__(0, 9.0), lambda x: x.zero_(), lambda x: x[:2].mul_(2.0)]
    )
    def test_read_only_memory_is_refused_in_words(self, write):
        array = np.arange(4, dtype=np.float32)
        array.flags.writeable = False
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # from_numpy may warn of it
            x = torch.from_numpy(array)
        with pytest.raises(RuntimeError, match=r"read-only .*x\.clone\(\)"):
            write(x)
        assert array.tolist() == [0, 1, 2, 3]


def test_threshold_in_place_takes_an_expanded_tensor():
    row = torch.tensor([[0.25, 1.0, 0.5]])
    rows = row.expand(2, 3)
    assert F.threshold(rows, 0.5, 7.0, inplace=True) is rows
    assert rows.tolist() == [[7.0, 1.0, 7.0]] * 2 and row.tolist() == [[7.0, 1.0, 7.0]]
    with pytest.raises(RuntimeError, match="a single memory location"):
        F.elu(rows, inplace=True)
