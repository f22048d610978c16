"""summary(net, input_size): shapes, weights, multiplications; the module does not change."""

import pytest

import minigrad as mg
from minigrad import nn


def make_lenet():
    return nn.Sequential(
        nn.Conv2d(1, 6, 5, padding=2), nn.Sigmoid(), nn.AvgPool2d(2), nn.Conv2d(6, 16, 5), nn.Sigmoid(),
        nn.AvgPool2d(2), nn.Flatten(), nn.Linear(400, 120), nn.Linear(120, 84), nn.Linear(84, 10),
    )  # fmt: skip


def test_the_summary_of_lenet_has_the_numbers_on_paper():
    """A convolution multiplies outputs x kernel area x input channels times; a linear layer inputs x outputs times."""
    found = nn.summary(make_lenet(), (1, 1, 28, 28))
    assert [row.shape for row in found.rows][:4] == [(1, 6, 28, 28), (1, 6, 28, 28), (1, 6, 14, 14), (1, 16, 10, 10)]
    assert found.trained == 61706 and found.kept == 0
    assert found.rows[0].multiplications == 6 * 28 * 28 * 25
    assert found.rows[3].multiplications == 16 * 100 * 6 * 25
    assert found.multiplications == 117600 + 240000 + 48000 + 10080 + 840
    text = str(found)
    assert "3      Conv2d     (1, 16, 10, 10)       2,416          240,000" in text
    assert text.endswith("61,706 parameters to train, 416,520 multiplications")


def test_multiplications_of_grouped_transposed_and_1d_convolutions():
    assert nn.summary(nn.Conv2d(4, 4, 3, groups=4), (1, 4, 5, 5)).multiplications == 4 * 9 * 9
    assert nn.summary(nn.Conv3d(2, 3, 3), (1, 2, 4, 5, 6)).multiplications == 2 * 3 * 4 * 3 * 27 * 2
    assert nn.summary(nn.Conv1d(2, 3, 3), (1, 2, 10)).multiplications == 3 * 8 * 2 * 3
    # each of the 9 pixels lays down a kernel of 2 x 2 for each pair of channels
    assert nn.summary(nn.ConvTranspose2d(2, 3, 2, stride=2), (1, 2, 3, 3)).multiplications == 9 * 4 * 2 * 3
    assert nn.summary(nn.ConvTranspose2d(2, 4, 3, padding=1, groups=2), (1, 2, 5, 5)).multiplications == 25 * 9 * 2 * 2
    assert nn.summary(nn.ConvTranspose1d(2, 3, 3), (1, 2, 5)).multiplications == 5 * 3 * 2 * 3  # an output of 7 pixels


def test_attention_has_a_row_of_its_own_beside_that_of_its_last_product():
    layer = nn.TransformerEncoderLayer(8, 2, 4, batch_first=True)
    table = nn.summary(layer, (2, 3, 8))
    rows = {row.name: row for row in table.rows}
    products, pairs = 4 * 2 * 3 * 8 * 8, 2 * 2 * 3 * 3 * 8  # of 2 sequences of 3 places with 8 features
    assert (rows["self_attn"].parameters, rows["self_attn"].multiplications) == (3 * 8 * 8 + 3 * 8, products + pairs)
    assert (rows["self_attn.out_proj"].parameters, rows["self_attn.out_proj"].multiplications) == (8 * 8 + 8, 0)
    assert sum(row.parameters for row in table.rows) == sum(p.numel() for p in layer.parameters())


def test_without_an_input_the_summary_has_no_shapes():
    net = make_lenet()
    found = nn.summary(net)
    assert found.multiplications is None and found.rows[0].shape is None
    assert net._repr_html_() == found._repr_html_()
    assert "<td>Conv2d</td>" in found._repr_html_() and "61,706 parameters to train</p>" in found._repr_html_()


def test_the_module_is_not_changed():
    net = nn.Sequential(nn.Conv2d(1, 2, 3), nn.BatchNorm2d(2), nn.Dropout())
    net[2].eval()
    before = net[1].running_mean.clone()
    nn.summary(net, (2, 1, 5, 5))
    assert net.training and net[1].training and not net[2].training
    assert mg.equal(net[1].running_mean, before)
    with pytest.raises(RuntimeError, match="channels"):
        nn.summary(net, (2, 3, 5, 5))
    assert net.training


def test_frozen_and_shared_parameters_are_counted_once():
    layer = nn.Linear(3, 3)
    net = nn.Sequential(layer, layer)
    assert nn.summary(net, (1, 3)).trained == 12
    layer.weight.requires_grad_(False)
    assert str(nn.summary(net, (1, 3))).endswith("3 parameters to train, 9 that stay as they are, 9 multiplications")
    assert nn.summary(layer).rows[0].name == "(itself)"


@pytest.mark.parametrize(
    ("net", "size", "error", "words"),
    [
        ("net", (1, 1), TypeError, "expects a Module, got str"),
        (nn.Linear(2, 2), (1, -2), ValueError, r"shape of an input, such as \(1, 3, 32, 32\), got \(1, -2\)"),
    ],
)
def test_refused(net, size, error, words):
    with pytest.raises(error, match=words):
        nn.summary(net, size)


def test_a_net_that_does_not_fit_tells_the_shapes_before_the_layer_that_failed():
    net = nn.Sequential(nn.Conv2d(1, 4, 3), nn.Flatten(), nn.Linear(100, 10))
    with pytest.raises(RuntimeError, match="last axis should have 100 entries") as refused:
        nn.summary(net, (1, 1, 8, 8))
    assert refused.value.__notes__ == ["Before that, the layers gave: 0 (1, 4, 6, 6), 1 (1, 144)."]
    with pytest.raises(RuntimeError, match="to have 1 channels") as refused:
        nn.summary(net, (1, 3, 8, 8))
    assert refused.value.__notes__ == ["Before that, the layers gave: nothing."]


def test_an_output_size_may_stand_before_the_input():
    class Net(nn.Module):
        def __init__(self):
            super().__init__()
            self.up = nn.ConvTranspose2d(1, 2, 2)

        def forward(self, x):
            return self.up(output_size=[4, 4], input=x)

    (row,) = nn.summary(Net(), (1, 1, 3, 3)).rows
    assert (row.shape, row.multiplications) == ((1, 2, 4, 4), 72)  # 9 numbers, each times 2 kernels of 4


def test_a_net_that_begins_with_an_embedding_is_given_indices():
    net = nn.Sequential(nn.Embedding(10, 3), nn.Linear(3, 2))
    table = nn.summary(net, (4, 5), dtype=mg.long)
    assert [row.shape for row in table.rows] == [(4, 5, 3), (4, 5, 2)] and table.multiplications == 4 * 5 * 3 * 2
    with pytest.raises(RuntimeError, match="indices"):
        nn.summary(net, (4, 5))


@pytest.mark.parametrize(("size", "given"), [(3, "int 3"), ("a", "str 'a'"), ((2, 0), r"\(2, 0\)")])
def test_an_input_size_is_a_shape(size, given):
    with pytest.raises(ValueError, match=f"expects the shape of an input, such as .1, 3, 32, 32., got {given}$"):
        nn.summary(nn.Linear(1, 1), size)
