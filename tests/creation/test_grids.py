"""Numbers in a row and on a grid: arange, linspace, logspace, meshgrid, triangles, windows, blocks on a diagonal."""

from functools import partial

import numpy as np
import pytest

import minigrad as torch


def test_meshgrid_takes_indexing_ij_and_xy():
    rows, columns = torch.meshgrid(torch.arange(2), torch.arange(3), indexing="ij")
    assert rows.shape == columns.shape == (2, 3)
    assert torch.meshgrid(torch.arange(2), torch.arange(3), indexing="xy")[0].shape == (3, 2)


def test_range_logspace_tril_indices_frombuffer_and_empty_strided():
    with pytest.warns(UserWarning, match="range is deprecated"):
        assert torch.range(1, 3).tolist() == [1.0, 2.0, 3.0]
    with pytest.raises(TypeError, match="missing 1 required positional argument: 'end'"):
        torch.range(3)
    assert torch.logspace(0, 3, 4, base=2).tolist() == [1.0, 2.0, 4.0, 8.0]
    assert torch.tril_indices(2, 3).tolist() == [[0, 1, 1], [0, 0, 1]]
    assert torch.triu_indices(2, 3, 1).tolist() == [[0, 0, 1], [1, 2, 2]]
    assert torch.frombuffer(bytearray(8), dtype=torch.float32, offset=4).shape == (1,)
    with pytest.raises(ValueError, match=r"buffer length \(0\) and count \(-1\) must not be 0"):
        torch.frombuffer(bytearray(0), dtype=torch.float32)
    assert torch.empty_strided((2, 3), (1, 2)).stride() == (1, 2)


@pytest.mark.parametrize("name", ["hann", "hamming", "blackman", "bartlett", "kaiser"])
def test_windows_are_scipys(name):
    from scipy.signal import windows

    make, options = getattr(torch, f"{name}_window"), {"kaiser": (12.0,)}.get(name, ())
    for length, periodic in ((1, True), (2, False), (7, True), (8, False), (30, True)):
        expected = getattr(windows, name)(length, *options, sym=not periodic)
        np.testing.assert_allclose(
            make(length, periodic, dtype=torch.float64).numpy(), expected, rtol=1e-12, atol=1e-15
        )
        np.testing.assert_allclose(make(length, periodic).numpy(), expected, rtol=1e-5, atol=1e-6)
    assert make(0).shape == (0,) and make(3, requires_grad=True).requires_grad
    for wrong, message in (({"window_length": -1}, "non-negative window_length"), ({"dtype": torch.int64}, "floating")):
        with pytest.raises(RuntimeError, match=message):
            make(**{"window_length": 3} | wrong)


@pytest.mark.parametrize(
    "fill", [partial(torch.arange, 6), partial(torch.linspace, 0, 5, 6), partial(torch.logspace, 0, 5, 6)]
)
def test_an_out_with_as_many_elements_keeps_its_shape(fill):
    out = torch.empty(3, 2).t()
    assert fill(out=out) is out
    assert out.shape == (2, 3) and out.stride() == (1, 2)
    assert out.flatten().tolist() == fill().tolist()


def test_an_out_with_another_number_of_elements_is_resized():
    out = torch.empty(2, 3)
    with pytest.warns(UserWarning, match=r"resized, from \[2, 3\] to \[5\]"):
        torch.arange(5, out=out)
    assert out.tolist() == [0, 1, 2, 3, 4]


def test_arange_of_large_ints_is_exact():
    assert torch.arange(-2, 2**62, 2**40).shape == (2**22 + 1,)
    assert torch.arange(2**62, 2**62 - 3, -2).tolist() == [2**62, 2**62 - 2]
    assert torch.arange(5, 5).shape == (0,)


def test_logspace_rounds_as_pytorchs():
    halved = torch.logspace(2.5, 1 / 3, 17)[:4]  # recorded from PyTorch 2.13
    assert halved.tolist() == np.array([316.22775, 231.51724, 169.49881, 124.09377], np.float32).tolist()
    assert torch.logspace(-1, -0.25, 10, dtype=torch.float16)[1].item() == 0.12115478515625
    assert torch.logspace(0.5, 5, 1, dtype=torch.int32).tolist() == [3]
    assert torch.logspace(float("inf"), 0, 0, dtype=torch.uint8).tolist() == []
    with pytest.raises(RuntimeError, match="cannot be converted to type uint8 without overflow"):
        torch.logspace(2.5, 0, 1, dtype=torch.uint8)


def test_half_precision_is_rounded_as_pytorchs():
    assert torch.linspace(0.3, 0.5, 17, dtype=torch.float16)[3].item() == 0.33740234375
    assert torch.arange(0.3, 20, 0.3, dtype=torch.float16)[17].item() == 5.40234375
    assert torch.arange(0, 3000, dtype=torch.float16)[[2049, 2051, 2999]].tolist() == [2048.0, 2052.0, 3000.0]


def test_logspace_of_ints_counts_in_ints():
    assert torch.logspace(0.5, 1, 3, dtype=torch.int64).tolist() == [1, 3, 10]
    assert torch.logspace(-1.5, 2.5, 4, dtype=torch.int64).tolist() == [0, 1, 10, 100]
    assert torch.logspace(-3, float("inf"), 1, dtype=torch.float64).tolist() == [1e-3]
    with pytest.raises(RuntimeError, match="cannot be converted to type uint8 without overflow"):
        torch.logspace(300, 0, 3, dtype=torch.uint8)


def test_block_diag_promotes_as_arithmetic_does():
    assert torch.block_diag(torch.ones(3), torch.tensor(1.0, dtype=torch.float64)).dtype is torch.float32
    assert torch.block_diag(torch.ones(1, 1).int(), torch.tensor(1.5)).tolist() == [[1.0, 0.0], [0.0, 1.5]]


@pytest.mark.parametrize(("start", "end", "steps"), [(0.1, 0.7, 7), (0, 1, 11), (-3.3, 7.1, 50), (1 / 3, 2 / 7, 1000)])
def test_linspace_counts_from_both_ends(start, end, steps):
    """So both ends are exact, and the numbers backwards are those of the ends exchanged."""
    x = torch.linspace(start, end, steps, dtype=torch.float64)
    assert x[0].item() == start and x[-1].item() == end
    if steps % 2 == 0:
        assert torch.equal(x.flip(0), torch.linspace(end, start, steps, dtype=torch.float64))


@pytest.mark.parametrize("name", ["tril_indices", "triu_indices"])
def test_indices_of_a_triangle_take_a_dtype(name):
    make = getattr(torch, name)
    assert make(2, 3).dtype is torch.int64 and make(2, 3, dtype=torch.int32).dtype is torch.int32


@pytest.mark.parametrize("lengths", [(0,), (0, 3), (2, 0)])
def test_eye_may_be_empty(lengths):
    assert torch.eye(*lengths).shape == (lengths[0], lengths[-1])


@pytest.mark.parametrize(("start", "end"), [(2**63, 2**63 + 3), (0, 2**63)])
def test_arange_beyond_64_bits_is_refused(start, end):
    with pytest.raises(RuntimeError, match="value cannot be converted to type int64 without overflow"):
        torch.arange(start, end, dtype=torch.int64)
    with pytest.raises(OverflowError, match="an integer of 65 bits is too large"):
        torch.arange(-(2**64), 0)


def test_the_ends_of_a_range_may_require_a_gradient_which_does_not_reach_them():
    end = torch.tensor(1.0, requires_grad=True)
    assert torch.linspace(0, end, 3).tolist() == [0.0, 0.5, 1.0] and not torch.linspace(0, end, 3).requires_grad
    assert torch.logspace(0, end, 2).tolist() == [1.0, 10.0]


def test_block_diag_of_nothing_is_an_empty_row():
    assert torch.block_diag().shape == (1, 0)
