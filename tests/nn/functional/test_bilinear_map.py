"""The bilinear map."""

import numpy as np

import minigrad
import minigrad.nn.functional as F


def test_bilinear_is_a_form_for_each_output():
    generator = np.random.default_rng(15)
    x, y, w = [generator.standard_normal(s) for s in ((2, 3), (2, 4), (5, 3, 4))]
    expected = np.array([[a @ form @ b for form in w] for a, b in zip(x, y, strict=True)])
    np.testing.assert_allclose(F.bilinear(*map(minigrad.tensor, (x, y, w))).numpy(), expected)
