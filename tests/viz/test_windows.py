"""A convolution window by window: the arithmetic of each output, and a page that plays it."""

import json
import re
import shutil
import subprocess
from pathlib import Path

import numpy as np
import pytest

import minigrad as mg
from minigrad import nn, viz
from tests.refusals import refusals

X = mg.arange(9.0).reshape(3, 3)
K = mg.tensor([[0.0, 1.0], [2.0, 3.0]])


def add_up(text: str) -> float:
    """The value of the arithmetic that `at` writes, without its last line."""
    lines = [line for line in text.splitlines()[1:-1] if not line.startswith("channel")]
    return eval("".join(line.removesuffix(", the bias") for line in lines))


def test_one_output_is_told_as_a_sum_of_products():
    assert viz.convolution(X, K).at(1, 0).splitlines() == [
        "output (1, 0): rows 1, 2 and columns 0, 1 of the image, pixel * kernel",
        "  3 * 0 + 4 * 1",
        "+ 6 * 2 + 7 * 3",
        "= 37",
    ]
    assert viz.convolution(X, K).at(-1, -2) == viz.convolution(X, K).at(1, 0)


def test_channels_padding_and_the_bias_are_named():
    windows = viz.convolution(mg.ones(2, 2, 3), mg.full((1, 2, 1, 2), 2.0), mg.tensor([0.5]), padding=(0, 1))
    assert windows.at(1, 3).splitlines() == [
        "output (1, 3): row 1 and columns 2, 3 of the image, pixel * kernel; padding is in parentheses",
        "channel 0:",
        "  1 * 2 + (0) * 2",
        "channel 1:",
        "+ 1 * 2 + (0) * 2",
        "+ 0.5, the bias",
        "= 4.5",
    ]


@pytest.mark.parametrize(
    "options",
    [
        {"stride": 2, "padding": 1}, {"dilation": 2, "padding": (2, 1)}, {"padding": "same", "dilation": (1, 2)},
        {"padding": "valid", "groups": 2}, {"padding": (0, 2), "padding_mode": "circular"},
        {"padding": 1, "padding_mode": "reflect", "stride": (1, 3), "bias": False},
        {"padding": "same", "padding_mode": "replicate"},
    ],
)  # fmt: skip
def test_each_sum_gives_the_output_of_the_layer(options):
    mg.manual_seed(0)
    layer, image = nn.Conv2d(2, 4, (2, 3), **options), mg.randn(2, 6, 7)
    for channel in range(4):
        windows, wanted = viz.convolution(image, layer, channel=channel), layer(image)[channel].detach()
        assert np.array_equal(windows.output, wanted.cpu().double().numpy())
        sums = [add_up(windows.at(i, j)) for i, j in np.ndindex(*windows.output.shape)]
        assert np.allclose(sums, windows.output.ravel(), atol=0.01)  # of numbers in four digits


@pytest.mark.parametrize(
    "options",
    [
        {}, {"stride": 2, "padding": 1}, {"dilation": 2, "padding": (2, 1)}, {"padding": "same", "groups": 2},
        {"stride": 3}, {"padding": (0, 2), "stride": (1, 2)},
    ],
)  # fmt: skip
def test_the_sums_of_the_way_back_are_those_of_autograd(options):
    mg.manual_seed(0)
    layer, image = nn.Conv2d(2, 4, (2, 3), **options), mg.randn(2, 5, 6, requires_grad=True)
    windows, made = viz.convolution(image, layer, channel=1), layer(image)[1]
    g = mg.randn_like(made)
    made.backward(g)
    values = {"g": lambda p, q: g[p, q].item()}
    for c, given in enumerate(windows.kernel):
        pixels = [windows.gradient_of_pixel(i, j, c) for i, j in np.ndindex(5, 6)]
        sums = [
            0 if "in no window" in text else eval(text.partition("\n")[2].replace("\n", ""), values) for text in pixels
        ]
        assert np.allclose(sums, image.grad[c].flatten().tolist(), atol=0.01)
        numbers = [windows.gradient_of_weight(a, b, c) for a, b in np.ndindex(*given.shape)]
        sums = [eval(text.partition("\n")[2].replace("\n", ""), values) for text in numbers]
        assert np.allclose(sums, layer.weight.grad[1, c].flatten().tolist(), atol=0.01)


def test_a_pixel_between_windows_has_no_gradient():
    told = viz.convolution(mg.ones(1, 5), mg.ones(1, 2), stride=3).gradient_of_pixel(0, 2)
    assert told == "pixel (0, 2): it is in no window, so its gradient is 0"


def test_the_way_back_names_the_channel_if_there_are_several():
    several = viz.convolution(mg.ones(2, 1, 4), mg.ones(1, 2, 1, 2), stride=3)
    assert several.gradient_of_pixel(0, 0, 1).startswith("pixel (0, 0) of channel 1: the g of each window")
    assert several.gradient_of_pixel(0, 2).startswith("pixel (0, 2) of channel 0: it is in no window")
    assert several.gradient_of_weight(0, 1).startswith("number (0, 1) of the kernel of channel 0: the g of each")


def test_images_and_kernels_may_be_lists_arrays_and_integers():
    for image, kernel in (([[1, 2, 3]], [[1, 2]]), (np.array([[1, 2, 3]]), np.array([[1, 2]])),
                          (mg.tensor([[[[1, 2, 3]]]]), mg.tensor([[1, 2]]))):  # fmt: skip
        assert viz.convolution(image, kernel).output.tolist() == [[5, 8]]


def test_the_layer_and_its_graph_are_left_as_they_are():
    layer = nn.Conv2d(1, 1, 2)
    image = mg.ones(1, 3, 3, requires_grad=True)
    viz.convolution(image, layer).at(0, 0)
    assert layer.weight.requires_grad and layer.weight.grad is None and image.grad is None


def test_numbers_that_are_not_finite_have_a_colour():
    page = viz.convolution(mg.tensor([[float("inf"), 1.0]]), mg.tensor([[float("nan"), -2.0]])).html()
    assert '<td style="background: white">nan</td>' in page and '0.45)">-2</td>' in page
    assert "nan)" not in page and "nan%" not in page


test_what_is_no_convolution_of_one_image_is_refused = refusals(
    {
        "several images": (
            lambda: viz.convolution(mg.ones(2, 1, 3, 3), K), ValueError, ("got (2, 1, 3, 3); pick one of several",)
        ),
        "a row": (lambda: viz.convolution(mg.ones(9), K), ValueError, r"expected an image \(H, W\).*got \(9,\)$"),
        "a row of a kernel": (
            lambda: viz.convolution(X, mg.ones(3)), ValueError, ("expected a kernel (h, w)", "got (3,)")
        ),
        "a map too many": (
            lambda: viz.convolution(X, K, channel=1), ValueError, ("counted from 0 to 0, got channel=1",)
        ),
        "a file": (
            lambda: viz.convolution("cat.png", K), TypeError, ("expected a tensor of numbers, got str 'cat.png'",)
        ),
        "a row too many": (
            lambda: viz.convolution(X, K).at(2, 0), IndexError, ("2 rows and 2 columns", "got (2, 0)")
        ),
        "rows of two lengths": (
            lambda: viz.convolution([[1], [1, 2]], K), ValueError,
            ("expected numbers, and every row of the same length, as in [[1, 2], [3, 4]]; got list [[1], [1, 2]]",),
        ),
        "a letter": (lambda: viz.convolution([["a"]], K), ValueError, ("expected numbers", "got list [['a']]")),
        "half a row": (lambda: viz.convolution(X, K).at(0.5, 0), TypeError, "i must be an int, got float 0.5"),
        "a name of a row": (lambda: viz.convolution(X, K).at(0, "a"), TypeError, "j must be an int, got str 'a'"),
        "half a pixel": (
            lambda: viz.convolution(X, K).gradient_of_pixel(0.5, 0), TypeError, "i must be an int, got float 0.5"
        ),
        "half a number": (
            lambda: viz.convolution(X, K).gradient_of_weight(0, 0.5), TypeError, "b must be an int, got float 0.5"
        ),
        "half a channel": (
            lambda: viz.convolution(X, K).gradient_of_weight(0, 0, 0.5), TypeError, "channel must be an int"
        ),
        "a map without a number": (
            lambda: viz.convolution(X, K, channel="all"), TypeError, "channel must be an int, got str 'all'"
        ),
        "a stride beside a layer": (
            lambda: viz.convolution(X, nn.Conv2d(1, 1, 2), stride=2), TypeError,
            ("a layer has a bias, a stride, a padding, a dilation and groups of its own: give them to Conv2d",),
        ),
        "a bias beside a layer": (
            lambda: viz.convolution(X, nn.Conv2d(1, 1, 2), mg.ones(1)), TypeError, ("give them to Conv2d",)
        ),
        "two numbers for one map": (
            lambda: viz.convolution(X, K, bias=[1, 2]), ValueError,
            ("expected a bias of 1 numbers, one for each map, got (2,)",),
        ),
        "groups that are no number": (
            lambda: viz.convolution(X, K, groups="2"), TypeError, "groups must be an int, got str '2'"
        ),
        "a net": (
            lambda: viz.convolution(X, nn.Sequential(nn.Conv2d(1, 1, 2))), TypeError,
            ("expected one Conv2d, or its weight, got Sequential; of a net, pick a layer: net[0]",),
        ),
        "a pixel that is not there": (
            lambda: viz.convolution(X, K).gradient_of_pixel(3, 0), IndexError,
            ("the image has 3 rows, 3 columns and 1 channels, counted from 0; got (3, 0) of channel 0",),
        ),
        "a number that is not there": (
            lambda: viz.convolution(X, K).gradient_of_weight(0, 1, 1), IndexError, ("got (0, 1) of channel 1",)
        ),
        "copies of pixels": (
            lambda: viz.convolution(X, nn.Conv2d(1, 1, 2, padding=1, padding_mode="circular")).gradient_of_pixel(0, 0),
            ValueError, "padding_mode='circular' copies pixels into the padding",
        ),
        "a large kernel": (
            lambda: viz.convolution(X, mg.ones(4, 4)), RuntimeError, "Kernel size can't be greater"
        ),
        "a large image": (
            lambda: viz.convolution(mg.ones(40, 40), K).html(), ValueError, ("1521 windows are too many", "x[..., :16")
        ),
        "another format": (
            lambda: viz.convolution(X, K).save("windows.png"), ValueError, "a convolution is saved as .html"
        ),
    }
)  # fmt: skip


def test_the_page_has_a_step_for_each_window_and_needs_no_other_files(tmp_path):
    windows = viz.convolution(X, K, stride=(1, 1), padding=(1, 0))
    html = windows._repr_html_()
    steps = json.loads(re.search(r"steps = (\[.*\]);", html)[1])
    assert len(steps) == windows.output.size == html.count("data-step=") == 8
    assert steps[2]["seen"] == [3, 4, 6, 7] and steps[2]["text"] == windows.at(1, 0)
    assert html.count('class="padding"') == 6 and "src=" not in html and html.count("data-image") == 2  # and the script
    windows.save(tmp_path / "windows.HTML")
    assert (tmp_path / "windows.HTML").read_text("utf-8").startswith("<!DOCTYPE html>")


def test_a_notebook_shows_the_text_for_a_large_image():
    windows = viz.convolution(mg.ones(40, 40), K)
    assert windows._repr_html_() is None
    assert repr(windows).startswith(
        "1521 windows of 2 x 2 on an image of 40 x 40: .at(0, 0) tells one in words; to play"
    )
    padded = repr(viz.convolution(X, K, padding=1))
    assert padded.startswith("16 windows of 2 x 2 on an image of 5 x 5 with its padding: ")
    assert padded.endswith('.at(0, 0) tells one in words, .save("windows.html") plays all')


def test_the_greys_of_finite_pixels_do_not_depend_on_others():
    page = viz.convolution(mg.tensor([[float("inf"), 1.0, 0.0, float("nan")]]), mg.tensor([[1.0]])).html()
    for text, white in (("inf", 100), ("1", 100), ("0", 62), ("nan", 100)):
        assert f'style="background: hsl(0 0% {white}%)">{text}</td>' in page


def test_the_colours_of_a_map_without_differences_or_of_nan_are_white():
    for image in (mg.ones(2, 3), mg.full((2, 3), float("nan"))):
        assert viz.convolution(image, mg.ones(1, 2)).html().count("hsl(0 0% 100%)") == 6 + 4


CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")


@pytest.mark.skipif(CHROMIUM is None, reason="no Chromium is installed here: the page is not clicked")
def test_a_click_on_a_pixel_of_the_map_shows_its_window(tmp_path: Path) -> None:
    viz.convolution(X, K).save(tmp_path / "windows.html")
    page = (tmp_path / "windows.html").read_text("utf-8")
    click = "<script>document.querySelector('[data-step=\"2\"]').click()</script></body>"
    (tmp_path / "windows.html").write_text(page.replace("</body>", click), encoding="utf-8")
    options = ["--headless", "--no-sandbox", "--disable-gpu", f"--user-data-dir={tmp_path}", "--dump-dom"]
    done = subprocess.run(
        [CHROMIUM, *options, (tmp_path / "windows.html").as_uri()],
        capture_output=True, text=True, timeout=120, check=True,
    )  # fmt: skip
    assert ">step 3 of 4<" in done.stdout and "= 37</pre>" in done.stdout
