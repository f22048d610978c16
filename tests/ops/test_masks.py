"""Masks that are added to the scores of attention."""

import numpy as np
import pytest

import minigrad
from minigrad.ops.masks import find_hidden_rows, make_causal


@pytest.mark.parametrize(("queries", "keys"), [(3, 5), (5, 3), (130, 140)])
def test_a_causal_mask_hides_the_keys_after_each_query_whatever_its_size(queries, keys):
    for _ in range(2):  # a small one is kept for the second call
        mask = make_causal(minigrad.ones(1), queries, keys)
        later = np.arange(keys) > np.arange(queries)[:, None]
        np.testing.assert_array_equal(mask.numpy(), np.where(later, -np.inf, 0).astype(np.float32))


def test_the_rows_in_which_a_mask_hides_every_key_are_found():
    allowed = np.array([[True, False], [False, False]])
    for mask in (allowed, np.where(allowed, 0.5, -np.inf)):
        assert find_hidden_rows(mask).tolist() == [[False], [True]]
