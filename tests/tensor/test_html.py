"""How a notebook shows a tensor."""

import base64
import io
import re

import numpy as np
import pytest
from PIL import Image

import minigrad as mg
from minigrad.tensor.html import encode_png


def decode_image(tensor):
    data = re.search(r"base64,([^\"]*)", tensor._repr_html_())
    return None if data is None else np.asarray(Image.open(io.BytesIO(base64.b64decode(data[1]))))


def test_html_shows_shape_dtype_range_and_numbers():
    html = mg.tensor([1.0, -2.5], device="cpu", requires_grad=True)._repr_html_()
    assert "shape (2,), float32, -2.5 to 1, requires grad" in html
    assert ">tensor([ 1.0000, -2.5000], requires_grad=True)</pre>" in html


def test_nan_and_inf_are_counted():
    html = mg.tensor([1.0, mg.nan, mg.inf])._repr_html_()
    assert "1 to 1, <b>2 nan or inf</b>" in html
    assert "<b>1 nan or inf</b>" in mg.tensor([mg.nan])._repr_html_()


@pytest.mark.parametrize("shape", [(6, 8), (1, 1, 6, 8)])
def test_a_matrix_is_drawn_as_an_image(shape):
    x = mg.zeros(6, 8)
    x[:, :2] = 2.0
    pixels = decode_image(x.reshape(shape))
    assert pixels.shape == (6, 8, 3) and (pixels[:, :2] == 255).all() and not pixels[:, 2:].any()


def test_a_large_image_is_subsampled():
    x = mg.zeros(600, 800)
    x[:, 400:] = 1.0
    pixels = decode_image(x)
    assert pixels.shape == (150, 200, 3) and not pixels[:, :100].any() and (pixels[:, 100:] == 255).all()


def test_three_channels_are_drawn_in_colour():
    x = mg.zeros(3, 4, 5)
    x[0] = 1.0
    assert (decode_image(x) == [255, 0, 0]).all()


@pytest.mark.parametrize("x", [mg.ones(3), mg.ones(2, 4, 4), mg.ones(0, 4), mg.ones(1000, 2), mg.tensor(1.0)])
def test_other_shapes_are_not_drawn(x):
    assert decode_image(x) is None and '<pre style="font-family: monospace">' in x._repr_html_()


@pytest.mark.parametrize("x", [mg.full((2, 2), mg.nan), mg.ones(2, 2), mg.ones(2, 2, dtype=mg.bool), -mg.ones(2, 2)])
def test_images_of_nan_bools_and_negative_numbers_are_drawn(x):
    assert decode_image(x).shape == (2, 2, 3)


def test_an_encoded_png_decodes_to_the_same_pixels():
    pixels = np.random.default_rng(0).integers(0, 256, (5, 7, 3), dtype=np.uint8)
    np.testing.assert_array_equal(np.asarray(Image.open(io.BytesIO(encode_png(pixels)))), pixels)
