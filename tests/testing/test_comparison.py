"""assert_close: what passes, and the messages of what fails."""

import numpy as np
import pytest

import minigrad as torch
from minigrad.testing import assert_close

t, nan, inf = torch.tensor, float("nan"), float("inf")
PASSES = [
    (t([1.0, 2.0]), t([1.0, 2.0 + 1e-7]), {}),
    (t([1.0]), t([1.0], dtype=torch.float64), {"check_dtype": False}),
    (t([1.0], dtype=torch.float16), t([1.001]), {"check_dtype": False}),
    (t([1.0]), t([1.1]), {"rtol": 0, "atol": 0.2}),
    (t([nan, inf, -inf]), t([nan, inf, -inf]), {"equal_nan": True}),
    (t([1.0], requires_grad=True), t([1.0]), {}),
    (torch.nn.Parameter(t([1.0])), t([1.0]), {}),
    (torch.ones(2, 3), torch.ones(3, 2).T, {}),
    (torch.ones(0, 3), torch.ones(0, 3), {}),
    (1, 1.0, {"check_dtype": False}),
    ((1.0, [t(2.0)]), [1.0, (t(2.0),)], {}),
    ({"a": t(1.0), "b": None}, {"b": None, "a": t(1.0)}, {}),
    (np.array([1.0, 2.0]), np.array([1.0, 2.0]), {}),
]
FLOATS = (
    "Tensor-likes are not close!\n\nMismatched elements: {}\nGreatest absolute difference: {} (up to 1e-05 allowed)\n"
)
FLOATS += "Greatest relative difference: {} (up to 1.3e-06 allowed)"
INTS = "Tensor-likes are not equal!\n\nMismatched elements: {}\nGreatest absolute difference: {}\n"
INTS += "Greatest relative difference: {}"
SCALARS = "Scalars are not close!\n\nExpected {} but got {}.\nAbsolute difference: {} (up to {} allowed)\n"
SCALARS += "Relative difference: {} (up to {} allowed)"
KEYS = """The keys of the mappings do not match:
Missing keys in the actual mapping: ['c']
Additional keys in the actual mapping: ['b']"""
SHAPES = "The values for attribute 'shape' do not match: minigrad.Size([2]) != minigrad.Size([1])."
LAST = "1.0 at index (2,)", "0.25 at index (2,)"
FAILS = [  # what PyTorch 2.13 says
    (t([1.0, 2.0, 3.0]), t([1.0, 2.0, 4.0]), {}, FLOATS.format("1 / 3 (33.3%)", *LAST)),
    (
        t([[1.0, 2.0], [3.0, 9.0]]), t([[1.0, 2.0], [4.0, 4.0]]), {},
        FLOATS.format("2 / 4 (50.0%)", "5.0 at index (1, 1)", "1.25 at index (1, 1)"),
    ),
    (t([nan]), t([nan]), {}, FLOATS.format("1 / 1 (100.0%)", "nan at index (0,)", "nan at index (0,)")),
    (t([inf]), t([1.0]), {}, FLOATS.format("1 / 1 (100.0%)", "inf at index (0,)", "inf at index (0,)")),
    (t([0.1]), t([0.0]), {}, FLOATS.format("1 / 1 (100.0%)", "0.10000000149011612 at index (0,)", "inf at index (0,)")),
    (t(5, dtype=torch.uint8), t(3, dtype=torch.uint8), {}, (
        "Scalars are not equal!\n\nExpected 3 but got 5.\nAbsolute difference: 2\n"
        "Relative difference: 0.6666666666666666")),
    (np.float32(1), 1.5, {"rtol": 0, "atol": 0}, (
        "Scalars are not equal!\n\nExpected 1.5 but got 1.0.\nAbsolute difference: 0.5\n"
        "Relative difference: 0.3333333333333333")),
    (t([1, 2]), t([1, 3]), {}, INTS.format("1 / 2 (50.0%)", "1 at index (1,)", "0.3333333432674408 at index (1,)")),
    (t([True, False]), t([True, True]), {}, INTS.format("1 / 2 (50.0%)", "1 at index (1,)", "1.0 at index (1,)")),
    (
        t([1], dtype=torch.uint8), t([255], dtype=torch.uint8), {},
        INTS.format("1 / 1 (100.0%)", "254 at index (0,)", "0.9960784316062927 at index (0,)"),
    ),
    (t(1.0), t(2.0), {}, SCALARS.format(2.0, 1.0, 1.0, 1e-05, 0.5, 1.3e-06)),
    (1.0, 2.0, {}, SCALARS.format(2.0, 1.0, 1.0, 1e-07, 0.5, 1e-07)),
    (1, 2, {}, "Scalars are not equal!\n\nExpected 2 but got 1.\nAbsolute difference: 1\nRelative difference: 0.5"),
    (1, 1.0, {}, "The (d)types do not match: <class 'int'> != <class 'float'>."),
    (True, False, {}, "Booleans mismatch: True is not False"),
    (None, t(1.0), {}, "None mismatch: None is not 1.0"),
    (t([1.0, 2.0]), t([1.0]), {}, SHAPES),
    (t([1.0]), t([1]), {}, "The values for attribute 'dtype' do not match: minigrad.float32 != minigrad.int64."),
    (
        torch.ones(2, 3), torch.ones(3, 2).T, {"check_stride": True},
        "The values for attribute 'stride()' do not match: (3, 1) != (1, 2).",
    ),
    ([1.0, 2.0], [1.0], {}, "The length of the sequences mismatch: 2 != 1"),
    (
        {"a": 1, "b": 1}, {"a": 1, "c": 1}, {},
        KEYS,
    ),
    (
        {"a": [1.0, 2.0]}, {"a": [1.0, 3.0]}, {},
        SCALARS.format(3.0, 2.0, 1.0, 1e-07, 0.3333333333333333, 1e-07) + "\n\nThe failure occurred for item ['a'][1]",
    ),
    (t([1.0]), t([2.0]), {"msg": "my words"}, "my words"),
    (1.0, 2.0, {"msg": lambda words: words[:7]}, "Scalars"),
]  # fmt: skip


@pytest.mark.parametrize(("actual", "expected", "options"), PASSES)
def test_assert_close_accepts_close_values(actual, expected, options):
    assert assert_close(actual, expected, **options) is None


@pytest.mark.parametrize(("actual", "expected", "options", "words"), FAILS)
def test_assert_close_raises_with_pytorchs_message(actual, expected, options, words):
    with pytest.raises(AssertionError) as caught:
        assert_close(actual, expected, **options)
    assert str(caught.value) == words


@pytest.mark.parametrize(
    ("call", "error", "words"),
    [
        (lambda: assert_close(t([1.0]), 1.0), TypeError, "No comparison pair was able to handle inputs of type"),
        (lambda: assert_close("a", "a"), TypeError, "No comparison pair"),
        (lambda: assert_close(torch.nn.Parameter(t(1.0)), t(1.0), allow_subclasses=False), TypeError, "No comparison"),
        (lambda: assert_close(t(1.0), t(1.0), rtol=1), ValueError, "either specified or omitted, but got no atol"),
        (lambda: assert_close(t(1.0), t(1.0), rtol=-1, atol=0), ValueError, "tolerances are not negative, got rtol=-1"),
    ],
)
def test_assert_close_refuses_wrong_types_and_tolerances(call, error, words):
    with pytest.raises(error, match=words):
        call()
