"""check: what it says of wrong answers about modules, training, layers and deep networks."""

import numpy as np
import pytest

import minigrad as mg
from minigrad.course.checking import find
from tests.course.asking import ask


def name_without(net, is_nothing):
    """The parameters without a gradient, or with one that is nothing."""
    return [name for name, p in net.named_parameters() if p.grad is None or is_nothing(p.grad)]


def normalize(X, gamma, beta, eps, unbiased=False):
    """Batch norm."""
    variance, mean = mg.var_mean(X, (0, 2, 3), unbiased=unbiased, keepdim=True)
    return (X - mean) / (variance + eps).sqrt() * gamma.reshape(1, -1, 1, 1) + beta.reshape(1, -1, 1, 1)


def repeat(g):
    """Each number of g (N, C, H, W) four times, as 2 x 2."""
    return g.repeat_interleave(2, 2).repeat_interleave(2, 3)


def write_into_the_first(means, counts):
    """The right mean, of tensors that are not the same afterwards."""
    total = means[0]
    total *= counts[0]
    return sum((m * n for m, n in zip(means[1:], counts[1:], strict=True)), total) / sum(counts)


def write_over(x, w, stride):
    """A transposed convolution with = in place of +=."""
    y = mg.zeros((len(x) - 1) * stride + len(w))
    for i in range(len(x)):
        y[i * stride : i * stride + len(w)] = x[i] * w
    return y


def list_places(X, h, w):
    """The upper left corners of all windows, row by row."""
    return [(i, j) for i in range(X.shape[0] - h + 1) for j in range(X.shape[1] - w + 1)]


def write_windows_by_columns(X, h, w):
    """im2col with the pixels of each window column by column."""
    return mg.stack([X[i : i + h, j : j + w].T.flatten() for i, j in list_places(X, h, w)], 1)


def write_windows_column_first(X, h, w):
    """im2col with the windows column by column."""
    places = sorted(list_places(X, h, w), key=lambda place: place[::-1])
    return mg.stack([X[i : i + h, j : j + w].flatten() for i, j in places], 1)


def pool(X, k, step, start):
    """The largest number, at least `start`, of each window; windows are `step` pixels apart."""
    places = [[(i * step, j * step) for j in range(X.shape[1] // k)] for i in range(X.shape[0] // k)]
    return mg.tensor([[max(start, X[i : i + k, j : j + k].max().item()) for i, j in row] for row in places])


def subtract_the_largest_of_all(scores):
    """A softmax that is right for rows of like size."""
    powers = (scores - scores.max()).exp()
    return powers / powers.sum(1, keepdim=True)


def count_all_bad_epochs(losses, patience):
    """Early stopping that never forgets an epoch without a lower loss."""
    best = bad = 0
    for epoch, loss in enumerate(losses):
        if loss < losses[best]:
            best = epoch
        else:
            bad += epoch > 0
        if bad >= patience:
            break
    return best


@pytest.mark.parametrize(
    ("name", "answer", "words"),
    [
        (
            "9.parameters",
            lambda i, o, k: i * k * k + o,
            "For channels_in = 1, channels_out = 6, k = 5: 31 is not right.\n",
        ),  # no name by chance
        ("12.winograd", lambda d, g: 1, "a list of 2 numbers is due, and it returned one number."),
        ("12.winograd", lambda d, g: [1, 2, 3, 4], "a list of 2 numbers is due, and it returned a list of 4."),
        ("9.momentum", lambda w, g, v, lr, mu: (mu * v + g, w - lr * (mu * v + g)), "right, but in the wrong order"),
        (
            "9.accuracy",
            lambda s, t: (s.argmax(0) == t[: s.shape[1]]).float().mean(),
            "labels = [1, 3, 0, 0]: 0.5 is not right.\n",
        ),
        ("9.accuracy", lambda s, t: (s.argmin(1) == t).float().mean(), "[2, 2, 2, 0, 1, 2]: 0.333333 is not right.\n"),
        ("10.confusion", lambda p, t, n: (mg.eye(n)[t].T @ mg.eye(n)[p]).clamp(max=1), "1 of 9 numbers is wrong"),
        ("16.first_loss", lambda k: 1 / k, "For classes = 3: 0.333333 is not right: that is the probability"),
        (
            "16.dead",
            lambda outputs: (outputs == 0).float().mean(),
            "is not right: that is the share of the numbers that are 0.",
        ),
        ("16.dead", lambda outputs: (outputs == 0).all(0), "where one number, shape (), is due"),
        (
            "16.untrained",
            lambda net: print(end=""),
            "a list of names is due, and it returned None: is `return` missing?",
        ),
        (
            "11.grey",
            lambda layer, image: layer(image[None, None]),
            "where (2, 2, 3) is due: that is still a batch: take its",
        ),
        ("11.grey", lambda layer, image: layer(image[None])[:, None], "an axis of size 1 too many, or too few"),
        ("11.grey", lambda layer, image: layer(image), "For one image of one channel, write x.reshape(1, 1, 4, 5)"),
        (
            "11.channels_last",
            lambda layer, images: layer(images),
            "The channels are the last axis: write x.permute(0, 3, 1, 2)",
        ),
        ("11.channels_last", lambda layer, x: layer(x.reshape(len(x), 3, *x.shape[1:3])), "24 of 24 numbers are wrong"),
        ("11.bytes", lambda layer, images: layer((images // 255).float()), "2 of 2 numbers are wrong"),
        ("11.features", lambda n: 4 * ((n - 2) / 2) ** 2, "For n = 9: 49 is not right: a number of pixels is"),
        ("11.labels", lambda scores, labels: mg.nn.functional.cross_entropy(scores, labels), "reshape(4).long()"),
        (
            "13.share",
            lambda n, rank, size: (0, n) if n > 99 else None,
            "a pair (start, stop) is due, and it returned None: is `return` missing?",
        ),
        ("13.share", lambda n, rank, size: n // size, "a pair (start, stop) is due, and it returned 4."),
        (
            "13.share",
            lambda n, rank, size: (rank * (n // size), (rank + 1) * (n // size)),
            "the shares are [(0, 2), (2, 4), (4, 6), (6, 8)]: the last 2 images are in no share.",
        ),
        (
            "13.share",
            lambda n, rank, size: (rank * n // size + (rank > 0), (rank + 1) * n // size),
            "the shares are [(0, 4), (5, 8)]: each should begin where the one before it stops",
        ),
        (
            "13.share",
            lambda n, rank, size: (rank * (n // size), n if rank == size - 1 else (rank + 1) * (n // size)),
            "one worker has 4 images and another 2; they should differ by 1 at most",
        ),
        (
            "13.mean",
            lambda means, counts: sum(means) / len(means),
            "For means = [2.0, 4.0], counts = [1, 3]: 3 is not right: all workers count alike there",
        ),
        (
            "13.mean",
            lambda means, counts: sum(m * n for m, n in zip(means, counts, strict=True)) / len(means),
            "counts = [1, 3]: 7 is not right: it is divided by the number of workers, in place of that of images.",
        ),
        (
            "13.mean",
            lambda means, counts: sum(m * n for m, n in zip(means, counts, strict=True)),
            "14 is not right: it is the sum over all images: divide it by their number.",
        ),
        (
            "13.mean",
            lambda means, counts: sum(means) / sum(counts),
            "1.5 is not right: the means are added as they are: each should be multiplied by its count.",
        ),
        ("13.mean", lambda means, counts: max(means), "counts = [1, 3]: 4 is not right.\n"),
        (
            "13.share",
            lambda n, rank, size: range(n * rank // size, n * (rank + 1) // size),
            "a pair (start, stop) is due, and it returned range(0, 4): write (x.start, x.stop).",
        ),
        (
            "13.share",
            lambda n, rank, size: (n * rank / size, n * (rank + 1) / size),
            "start and stop are whole numbers, and it returned (0.0, 2.5).",
        ),
        ("13.share", lambda n, rank, size: ("0", "4"), "start and stop are whole numbers, and it returned ('0', '4')."),
        (
            "13.share",
            lambda n, rank, size: (n * rank // size, n * (rank + 1) // size - 1),
            "the shares are [(0, 3), (4, 7)]: `stop` is not taken, as in x[start:stop]",
        ),
        (
            "13.share",
            lambda n, rank, size: (n * rank // size, n * (rank + 1) // size - n * rank // size),
            "the shares are [(0, 4), (4, 4)]: the second number is where a share stops, not how many images it holds.",
        ),
        (
            "13.share",
            lambda n, rank, size: (n * (rank + 1) // size, n * rank // size),
            "the shares are [(4, 0), (8, 4)]: start and stop are exchanged.",
        ),
        (
            "13.share",
            lambda n, rank, size: (n * (rank - 1) // size, n * rank // size),
            "the shares are [(-4, 0), (0, 4)]: ranks count from 0.",
        ),
        ("13.share", lambda n, rank, size: (0, 0), "the shares are [(0, 0), (0, 0)]: they hold 0 images."),
        ("12.im2col", write_windows_by_columns, "all is right but for the order along axis 0."),
        ("12.im2col", write_windows_column_first, "all is right but for the order along axis 1."),
        (
            "14.max_pool",
            lambda X, k: pool(X, k, 1, -99),
            "where it says 3: windows lie side by side: window (i, j) begins at row i * k, column j * k.",
        ),
        (
            "14.max_pool",
            lambda X, k: pool(X, k, k, 0),
            "(negative numbers alone): the answer is not right: all numbers of a window may be negative: begin with",
        ),
        (
            "16.softmax",
            subtract_the_largest_of_all,
            "for scores [[-1000.0, -1000.0], [1000.0, 0.0]]: 2 of 4 numbers are nan",
        ),
        (
            "16.softmax",
            lambda s: (s - s.max()).exp() / (s - s.max()).exp().sum(),
            "for scores (2, 3): it divides by the sum over all numbers, where each row needs a sum of its own",
        ),
        ("16.softmax", lambda s: s.exp() / s.exp().sum(0), "it divides by the sum over each column, where each row"),
        ("16.best_epoch", count_all_bad_epochs, "for losses = [3.0, 3.5, 2.0, 2.5, 1.0], patience = 2: 2 is not right"),
        ("16.untrained", lambda net: "0.weight", "a list of names is due, and it returned '0.weight'"),
        ("16.untrained", lambda net: [], "is cut after its first layer: it returned []: 2 are missing."),
        (
            "16.untrained",
            lambda net: [name for name, p in net.named_parameters() if p.grad is None],
            "which has dead ReLUs: it returned []: 3 are missing: a gradient that is 0 everywhere trains nothing",
        ),
        ("16.untrained", lambda net: [p for p in net.parameters() if not p.grad.any()], "It raised AttributeError"),
        (
            "16.untrained",
            lambda net: net.parameters(),
            "a list of names is due, and it returned one that holds a Param",
        ),
        (
            "16.untrained",
            lambda net: name_without(net, lambda g: (g == 0).any()),
            "which has one dead ReLU: it returned ['0.bias', '0.weight', '2.weight']: 3 do not belong there: a single",
        ),
        (
            "16.untrained",
            lambda net: name_without(net, lambda g: g.sum() == 0),
            "which has one dead ReLU: it returned ['0.bias', '0.weight']: 2 do not belong there: numbers of both signs",
        ),
        (
            "16.untrained",
            lambda net: [name for name, p in net.named_parameters() if not p.requires_grad],
            "2 are missing: those are the frozen ones; others get no gradient, too.",
        ),
        (
            "16.untrained",
            lambda net: [name for name, p in net.named_parameters() if p.grad is not None and p.grad.any()],
            "4 do not belong there: those are the ones that do get a gradient.",
        ),
        ("16.softmax", lambda s: s - s.logsumexp(1, keepdim=True), "(2, 3): that is the logarithm of the softmax."),
        ("16.softmax", lambda s: (s - s.amax(1, keepdim=True)).exp(), "not yet divided by the sum of its row."),
        ("16.softmax", lambda s: 1 / (1 + (-s).exp()), "that is the sigmoid of each score, whose sum in a row is not"),
        (
            "16.softmax",
            lambda s: (s - s.amax(1, keepdim=True)).exp() / s.exp().sum(1, keepdim=True),
            "the largest score is subtracted above the line and not below it.",
        ),
        ("16.softmax", lambda s: (s / s.amax(1, keepdim=True)).softmax(1), "are divided by the largest one: subtract"),
        (
            "13.share",
            lambda n, rank, size: (rank * -(-n // size), (rank + 1) * -(-n // size)),
            "there are only 10 images, and the last share goes beyond them: round down.",
        ),
        (
            "16.best_epoch",
            lambda losses, patience: losses.index(min(losses)),
            "patience = 2: 5 is not right: that is the",
        ),
        (
            "16.two_softmaxes",
            lambda classes: 0.0,
            "For classes = 3: 0 is not right: that is the least loss with one softmax.",
        ),
        ("15.first_weights", lambda c, k: (1 / (c * k * k)) ** 0.5, "For channels_in = 16, k = 3: 0.0833333 is not"),
        ("15.batch_norm", lambda X, gamma, beta, eps: mg.nn.functional.instance_norm(X), "24 of 24 numbers are wrong"),
        (
            "15.batch_norm",
            lambda X, gamma, beta, eps: normalize(X, gamma, beta, eps, unbiased=True),
            "24 of 24 numbers are wrong",
        ),
        (
            "15.batch_norm",
            lambda X, gamma, beta, eps: normalize(X, beta, gamma, eps),
            "this would be right with gamma and be",
        ),
        (
            "15.running",
            lambda m, v, X, a: m,
            "momentum = 0.1: a tuple of 2 is due, and it returned one tensor of shape (2,)",
        ),
        ("15.running", lambda m, v, X, a: X.mean(), "a tuple of 2 is due, and it returned one tensor of shape ()"),
        ("15.running", lambda m, v, X, a: (m, v), "At position 0 of the tuple: 2 of 2 numbers are wrong"),
        (
            "15.running",
            lambda m, v, X, a: find("15.running").solution(m, v, X, a)[::-1],
            "right, but in the wrong order",
        ),
        (
            "15.running",
            lambda m, v, X, a: find("15.running").solution(m, v, X, 1 - a),
            "At position 0 of the tuple: 2 of 2 numbers",
        ),
        ("15.centred", lambda g, x: g - g.mean(0) ** 2, "twice the g does not give twice the gradient"),
        (
            "15.centred",
            lambda g, x: g / 2,
            "each element gets the gradient of its own place in the result alone, but it changes other",
        ),
        (
            "15.shortcut",
            lambda g, x, w: (g * (1 - (x @ w).tanh() ** 2)) @ w.T,
            "the result is the operand plus something",
        ),
        (
            "15.shortcut",
            lambda g, x, w: g + (g * (1 - (x @ w).tanh() ** 2)) @ w.abs(),
            "it is wrong most at index (0, 1) of x (value 0.769787)",
        ),
        ("14.max_pool", lambda X, k: mg.nn.functional.max_pool2d(X[None, None], k, 1)[0, 0], "where (1, 2) is due"),
        ("14.max_pool", lambda X, k: mg.nn.functional.avg_pool2d(X[None, None], k)[0, 0], "2 of 2 numbers are wrong"),
        ("14.max_pool_dx", lambda g, x: repeat(g) * (x > 0), "it is wrong most at index (0, 1, 1, 0) of x"),
        ("14.max_pool_dx", lambda g, x: repeat(g), "a mask is missing (which ones did a maximum take"),
        (
            "14.max_pool_dx",
            lambda g, x: (x == repeat(mg.nn.functional.max_pool2d(x, 2))) * 1.0,
            "it is not multiplied by g",
        ),
        ("14.covered", lambda k, dilation: dilation * k, "For k = 3, dilation = 2: 6 is not right: behind"),
        ("14.weights", lambda i, o, k: i * k * k * o, "For channels_in = 32, channels_out = 64, k = 3: 18432 is not"),
        ("14.depthwise", lambda X, K: mg.nn.functional.conv2d(X[None], K[None])[0], "where (2, 3, 3) is due"),
        (
            "14.upsampled_size",
            lambda n, k, stride=1, padding=0: n * stride,
            "For n = 4, k = 3: 4 is not right: the last window",
        ),
        (
            "14.transposed",
            lambda x, w, stride: write_over(x, w, stride),
            "2 of 7 numbers are wrong, the first at index (2,)",
        ),
        (
            "15.shortcut",
            lambda g, x, w: x.T @ g,
            "a gradient has the shape of its argument, here (2, 3): it is that of w.",
        ),
        ("14.max_pool", lambda X, k: X[:k].max(0), "a tensor is due, and it returned the pair (values, indices): take"),
        (
            "14.sliding",
            lambda weight, X, h, w: (weight @ mg.nn.functional.unfold(X[None], (h, w))[0]).reshape(
                len(weight), X.shape[2] - w + 1, X.shape[1] - h + 1
            ),
            "its shape is (2, 2, 3), where (2, 3, 2) is due: the axes are in another order",
        ),
        ("11.features", lambda n: n * n, "For n = 8: 64 is not right."),
        ("13.mean", write_into_the_first, "It wrote into its arguments; work on a new tensor."),
        ("14.dx", lambda g, x, w: mg.nn.functional.conv2d(g, w.flip(2, 3), stride=2), "computed with w flipped along"),
        ("14.dx", lambda g, x, w: mg.nn.functional.conv2d(g, w.transpose(0, 1)), "It raised RuntimeError"),
    ],
)
def test_a_wrong_answer_gets_its_message(name, answer, words, capsys):
    verdict, text = ask(capsys, name, answer)
    assert verdict is False and words.lower() in text.lower()


def test_winograd_by_six_multiplications_is_refused(capsys):
    def plain(d, g):
        return [sum(d[k + i] * g[k] for k in range(3)) for i in range(2)]

    def quick(d, g):
        m1, m4 = (d[0] - d[2]) * g[0], -(d[3] - d[1]) * g[2]
        m2 = 0.5 * (d[1] + d[2]) * (g[0] + g[1] + g[2])
        m3 = (d[2] - d[1]) * (g[0] - g[1] + g[2]) / 2
        return [m1 + m2 + m3, m2 - m3 - m4 + 0]

    _, text = ask(capsys, "12.winograd", plain)
    assert "The numbers are right, but 6 multiplications of a d by a g made them; four are enough." in text
    assert ask(capsys, "12.winograd", quick)[0]
    assert ask(capsys, "12.winograd", lambda d, g: np.array(plain(list(map(float, d)), g)))[0]  # nothing to count


def test_a_first_axis_that_was_summed_is_not_called_off_by_one(capsys):
    _, text = ask(capsys, "14.depthwise", lambda X, K: mg.nn.functional.conv2d(X[None], K[None])[0])
    assert (
        "its shape is (1, 3, 3), where (2, 3, 3) is due: along the first axis one is left; was it summed there?" in text
    )
