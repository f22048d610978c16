"""check: mistakes that students often make are named, each in the words of its exercise."""

import math

import numpy as np
import pytest

import minigrad as mg
from minigrad import course
from minigrad.course.checking import find
from minigrad.func import grad
from minigrad.nn.functional import conv2d
from tests.course.asking import ask

SLIPS = [(name, words) for name in course.exercises() for words in find(name).slips]


def batch_kernel(g, x):
    """The gradient of conv2d(x, w) along w."""
    return conv2d(x.transpose(0, 1), g.transpose(0, 1)).transpose(0, 1)


@pytest.mark.parametrize(("name", "words"), SLIPS)
def test_each_slip_of_an_exercise_is_wrong_and_is_told_from_the_others(name, words, capsys):
    solved, text = ask(capsys, name, find(name).slips[words])
    assert not solved and f"{words}.\n" in text


def repeat(g):
    """Each number of g (N, C, H, W) four times, as 2 x 2."""
    return g.repeat_interleave(2, 2).repeat_interleave(2, 3)


def windows(x, size, stride):
    """The windows of x (N, C, H, W): (N, C, rows, columns, h, w)."""
    return x.unfold(2, size[0], stride).unfold(3, size[1], stride)


def divide(X, gamma, beta, deviation):
    """Batch norm of X (N, C, H, W), with a deviation (C,)."""
    mean, deviation, gamma, beta = [x.reshape(1, -1, 1, 1) for x in (X.mean((0, 2, 3)), deviation, gamma, beta)]
    return (X - mean) / deviation * gamma + beta


@pytest.mark.parametrize(
    ("name", "answer", "words"),
    [
        ("1.window", lambda X, i, j, h, w: X[i:h, j:w], "the window ends at i + h, and h is its height."),
        ("1.window", lambda X, i, j, h, w: X[i : i + h - 1, j : j + w - 1], "a slice leaves its stop out."),
        ("1.window", lambda X, i, j, h, w: X[i : i + h + 1, j : j + w + 1], "so nothing is to be added."),
        ("1.multiplications", lambda H, W, h, w: H * W * h * w, "96 is not right: a window fits at fewer places"),
        ("1.multiplications", lambda H, W, h, w: (H - h) * (W - w) * h * w, "60 is not right: along each axis it"),
        ("1.multiplications", lambda H, W, h, w: (H - h + 1) * (W - w + 1), "that is the number of windows."),
        ("3.output_size", lambda n, k, padding=0, stride=1: (n + 2 * padding - k) // stride, "one window too few."),
        ("3.output_size", lambda n, k, padding=0, stride=1: (n + padding - k) // stride + 1, "stands on both sides."),
        (
            "3.output_size",
            lambda n, k, padding=0, stride=1: math.ceil((n + 2 * padding - k) / stride) + 1,
            "5 is not right: a window that would leave the image is left out: round down.",
        ),
        (
            "3.output_size",
            lambda n, k, padding=0, stride=1: (n + 2 * padding - k) / stride + 1,
            "4.5 is not right: a number of windows is whole: round down.",
        ),
        ("3.receptive_field", lambda kernels, strides: sum(kernels), "6 is not right: windows of neighbours overlap"),
        (
            "3.receptive_field",
            lambda kernels, strides: sum(kernels) - len(kernels) + 1,
            "strides = [2, 1]: 5 is not right: after a stride, the neighbours are further apart in the image.",
        ),
        ("5.loss", lambda prediction, target: ((prediction - target) ** 2).mean(), "not right: that is the mean."),
        ("5.loss", lambda prediction, target: (prediction - target).sum() ** 2, "errors of both signs cancel there"),
        ("5.loss", lambda prediction, target: (prediction - target).abs().sum(), "an error counts by its square"),
        ("5.loss", lambda prediction, target: (prediction - target).max(), "is not right.\n"),
        ("9.parameters", lambda i, o, k: o * i * k * k, "150 is not right: that is without the bias."),
        ("9.parameters", lambda i, o, k: i * (o * k * k + 1), "151 is not right: there is one bias for each channel"),
        ("1.multiplications", lambda H, W, h, w: (H - h + 1) * (W - w + 1) * (h + w), "of h x w has h * w numbers"),
        (
            "3.output_size",
            lambda n, k, padding=0, stride=1: (n + 2 * padding - k + 1) // stride,
            "stride = 3: 3 is not right: the first window needs no stride: divide before 1",
        ),
        ("3.same_padding", lambda k: k - 1, "that much is lost, and the padding adds on both sides"),
        (
            "3.receptive_field",
            lambda kernels, strides: 1 + sum((k - 1) * s for k, s in zip(kernels, strides, strict=True)),
            "(four layers): the answer is not right: the stride of a layer spreads the layers after it",
        ),
        (
            "4.multi_in_out",
            lambda X, K: mg.cat([mg.nn.functional.conv2d(X[None], k[None])[0, 0] for k in K]),
            "`cat` sets the maps below each other",
        ),
        ("5.loss", lambda prediction, target: 0.5 * ((prediction - target) ** 2).sum(), "that is half of it"),
        ("11.features", lambda n: 4 * math.ceil((n - 2) / 2) ** 2, "For n = 9: 64 is not right: a window of the pool"),
        ("6.limit", lambda curvature: 1 / curvature, "the steps jump across the minimum, and still shrink"),
        ("6.distance", lambda lr, c, steps: abs((1 - lr * c) ** steps), "a step across the minimum changes the sign"),
        ("6.distance", lambda lr, c, steps: 1 - steps * lr * c, "each step multiplies what the step before it left"),
        ("6.best", lambda curvatures: 2 / max(curvatures), "along the largest curvature this rate only swings"),
        ("6.best", lambda curvatures: 1 / max(curvatures), "the best for the largest curvature alone"),
        ("6.best", lambda c: 1 / (sum(c) / len(c)), "only the largest and the smallest curvature decide"),
        ("9.momentum", lambda w, g, v, lr, mu: (w - lr * v, mu * v + g), "the step goes along the old velocity"),
        (
            "9.momentum",
            lambda w, g, v, lr, mu: (w - mu * v - lr * g, mu * v + lr * g),
            "the learning rate belongs to the step, not to the velocity",
        ),
        (
            "9.momentum",
            lambda w, g, v, lr, mu: (w - lr * (mu * v + (1 - mu) * g), mu * v + (1 - mu) * g),
            "PyTorch adds the whole gradient to the velocity",
        ),
        ("9.accuracy", lambda s, labels: (s.argmax(1) == labels).sum().item(), "the number of them, not their share"),
        ("9.accuracy", lambda s, labels: (s.argmax(1) == labels).float().mean() * 100, "that is in percent"),
        ("9.accuracy", lambda s, labels: (s.argmax(1) != labels).float().mean(), "that is the share of the wrong ones"),
        ("11.features", lambda n: ((n - 2) // 2) ** 2, "that is one channel, and the convolution makes four"),
        ("11.features", lambda n: 4 * (n // 2) ** 2, "the convolution has no padding"),
        ("11.features", lambda n: 4 * (n - 2) * ((n - 2) // 2), "the pool halves both axes"),
        ("11.features", lambda n: 4 * (n - 2) ** 2, "that is without the pool"),
        (
            "11.labels",
            lambda s, labels: mg.nn.functional.nll_loss(s.softmax(1).log_softmax(1), labels.long()[:, 0]),
            "cross_entropy computes the softmax itself: it is there twice",
        ),
        (
            "11.labels",
            lambda s, labels: mg.nn.functional.cross_entropy(s, labels.long()[:, 0], reduction="sum"),
            "that is the sum over the images",
        ),
        ("14.covered", lambda k, dilation: k * dilation, "behind the last number there is no distance any more"),
        ("14.covered", lambda k, dilation: dilation * (k - 1), "the last number is a pixel, too"),
        ("14.covered", lambda k, dilation: k + (k - 1) * dilation, "dilation 1 is the plain kernel"),
        ("14.weights", lambda i, o, k: i * o * k * k, "that is one whole convolution"),
        ("14.weights", lambda i, o, k: i * k * k, "that is without the 1x1 layer"),
        ("14.weights", lambda i, o, k: o * k * k + i * o, "a channel in has only one kernel"),
        ("14.upsampled_size", lambda n, k, s=1, p=0: n * s, "the last window is as long as the kernel"),
        ("14.upsampled_size", lambda n, k, s=1, p=0: (n - 1) * s + k - p, "the padding is cut off once only"),
        ("14.upsampled_size", lambda n, k, s=1, p=0: (n - 1) * s + k + 2 * p, "the padding is cut off, not added"),
        ("14.upsampled_size", lambda n, k, s=1, p=0: (n + 2 * p - k) // s + 1, "a convolution without transposing"),
        ("6.limit", lambda curvature: curvature / 2, "upside down: a steeper bowl needs smaller steps"),
        ("6.distance", lambda lr, c, steps: 1 - lr * c, "that is what one step leaves"),
        ("6.distance", lambda lr, c, steps: steps * (1 - lr * c), "adds the factor of each step: multiply them"),
        ("6.distance", lambda lr, c, steps: (1 + lr * c) ** steps, "towards the minimum: minus"),
        ("6.best", lambda c: 2 / sum(c), "that is right for two curvatures; of more, only the largest and the"),
        ("6.best", lambda c: 2 / (c[0] + c[-1]), "the largest and the smallest may stand anywhere"),
        ("6.best", lambda c: 2 / sorted(c)[0], "the limit for the smallest curvature; along the largest it diverges"),
        ("7.multiply", lambda g, x, y: g * (x * y), "x is a factor too many"),
        ("7.sigmoid", lambda g, x: g * x * (1 - x), "s is the sigmoid of x, and x itself stands in its place"),
        ("7.sigmoid", lambda g, x: g * mg.sigmoid(x), "that is the sigmoid, and not yet its derivative"),
        ("7.sigmoid", lambda g, x: g * mg.sigmoid(-x), "a factor is missing: the sigmoid itself"),
        ("7.stretch", lambda g, x, b: mg.einsum("ij,ij->j", g, x), "x + b grows by 1, and not by x"),
        ("7.softplus", lambda g, x: g * mg.sigmoid(-x), "that is the derivative of the log alone: multiply it by that"),
        ("7.softplus", lambda g, x: g * mg.nn.functional.softplus(x), "that is the function itself, and not its deriv"),
        ("9.momentum", lambda w, g, v, lr, mu: (w - lr * g, mu * v + g), "that is the step without momentum"),
        ("9.momentum", lambda w, g, v, lr, mu: (w + lr * (g + mu * v), mu * v + g), "down the slope: minus"),
        ("9.momentum", lambda w, g, v, lr, mu: (w + (mu * v - lr * g), mu * v - lr * g), "belong to the step, not"),
        ("9.momentum", lambda w, g, v, lr, mu: (w - lr * (g + mu * v), v), "the second of the pair is the new"),
        ("9.accuracy", lambda s, t: (s.argmax(1)[:, None] == t).float().mean(), "(N, 1) and (N,) compare each with"),
        ("9.accuracy", lambda s, t: (s.argmax(1) == t).sum() / len(s[0]), "that divides by the number of classes"),
        ("9.parameters", lambda i, o, k: o * i * k**2 + 1, "not one for the whole layer"),
        ("9.parameters", lambda i, o, k: o * i * (k**2 + 1), "not one for each pair of channels"),
        ("9.parameters", lambda i, o, k: o * (i * k + 1), "a kernel has k * k numbers for each channel in"),
        (
            "10.confusion",
            lambda p, t, n: mg.zeros(n, n).index_put((t, p), mg.ones(len(p))),
            "a pair of classes that comes twice counts twice",
        ),
        ("11.channels_last", lambda layer, x: layer(x.view(len(x), 3, *x.shape[1:3])), "mixes pixels with channels"),
        ("11.bytes", lambda layer, x: layer(x.float()), "the bytes are not scaled"),
        ("11.bytes", lambda layer, x: layer(x.float()).div(255), "scale the images, not the maps"),
        ("11.bytes", lambda layer, x: layer((x == 255).float()), "all other bytes become 0"),
        ("11.features", lambda n: 4 * ((n - 3) // 2) ** 2, "a kernel of 3 fits in n - 2 places"),
        (
            "12.im2col",
            lambda X, h, w: X.unfold(0, h, 1).unfold(1, w, 1).reshape(h * w, -1),
            "so the windows are still rows: transpose",
        ),
        ("12.winograd", lambda d, g: find("12.winograd").solution(d, g[::-1]), "the kernel is read backwards there"),
        ("4.one_by_one", lambda X, K: K[:, :, 0, 0] @ X.flatten(1), "give it the shape (O, H, W)"),
        ("14.max_pool", lambda X, k: X.unfold(0, k, k).unfold(1, k, k).mean((2, 3)), "that is the mean of each window"),
        ("14.max_pool_dx", lambda g, x: repeat(g / 4), "that is the rule of the mean"),
        (
            "14.max_pool_dx",
            lambda g, x: mg.cat([mg.cat([g, g], 2)] * 2, 3) * (x == repeat(mg.nn.functional.max_pool2d(x, 2))),
            "`repeat_interleave` repeats each number",
        ),
        (
            "14.max_pool_dx",
            lambda g, x: repeat(g) * mg.tensor([[1.0, 0], [0, 0]]).repeat(g.shape[2:]),
            "not at its corner alone",
        ),
        ("14.covered", lambda k, dilation: k + dilation - 1, "that stretches one of the k - 1 distances"),
        ("14.weights", lambda i, o, k: i * k + i * o, "a kernel has k * k numbers"),
        ("14.weights", lambda i, o, k: i * k * k + i + i * o + o, "both layers are without a bias"),
        (
            "14.depthwise",
            lambda X, K: mg.stack([mg.nn.functional.conv2d(x[None, None], K[None, :1])[0, 0] for x in X]),
            "that takes the first kernel for all channels",
        ),
        ("14.upsampled_size", lambda n, k, s=1, p=0: (n - 1) * s + k, "that is before the padding is cut off"),
        ("14.upsampled_size", lambda n, k, s=1, p=0: n * s + k - 2 * p, "there are n - 1 strides"),
        ("15.first_weights", lambda channels, k: 2 / (channels * k**2), "that is the variance, the square of it"),
        ("15.first_weights", lambda channels, k: (channels * k**2) ** -0.5, "ReLU takes half of the mean square away"),
        ("15.first_weights", lambda channels, k: math.sqrt(2 / channels / k), "a kernel has k * k numbers for each"),
        ("15.first_weights", lambda channels, k: math.sqrt(2) / k, "an output adds up over the channels, too"),
        (
            "15.batch_norm",
            lambda X, gamma, beta, eps: divide(X, gamma, beta, X.std((0, 2, 3), correction=0) + eps),
            "eps belongs under the root, beside the variance",
        ),
        (
            "15.batch_norm",
            lambda X, gamma, beta, eps: divide(X, gamma, beta, X.var((0, 2, 3), correction=0) + eps),
            "the deviation is the root of the variance",
        ),
        (
            "15.batch_norm",
            lambda X, gamma, beta, eps: divide(X, gamma, beta, (X.var((0, 2, 3)) + eps).sqrt()),
            "the variance divides by the count itself, not by one less",
        ),
        ("1.corr2d", lambda X, K: conv2d(X[None, None], K[None, None].flip((2, 3)))[0, 0], "does not flip the kernel"),
        ("2.mean", lambda k: mg.full((k, k), 1 / k), "a window of k x k has k * k pixels, not k."),
        ("7.matmul", lambda g, a, b: mg.einsum("mn,kn->mk", g, b), "that is the gradient along a."),
        ("8.db", lambda g, x, w, b: mg.einsum("nohw->ohw", g), "one number of b serves all pixels of a map"),
        (
            "8.dx",
            lambda g, x, w, b: conv2d(mg.nn.functional.pad(g, (1, 1, 1, 1)), w.flip(3, 2).transpose(1, 0)),
            "one zero on each side is enough for kernels of 2 x 2 alone",
        ),
        (
            "8.dw_strided",
            lambda g, x, w: mg.einsum("ncpqij,nopq->ocij", windows(x, g.shape[2:], 1).permute(0, 1, 4, 5, 2, 3), g)[
                :, :, : w.shape[2], : w.shape[3]
            ],
            "that is the rule without a stride.",
        ),
        ("11.grey", lambda layer, image: layer(image.reshape(1, 1, *image.shape)), "that is still a batch: take its"),
        ("14.dx", lambda g, x, w: mg.einsum("nophij,coij->ncph", windows(g, w.shape[2:], 1), w), "without the stride."),
        (
            "15.batch_norm",
            lambda X, gamma, beta, eps: mg.nn.functional.batch_norm(X, None, None, training=True, eps=eps),
            "gamma and beta are missing.",
        ),
        (
            "15.running",
            lambda m, v, X, a: (m.lerp(X.mean((0, 2, 3)), a), v.lerp(X.var((0, 2, 3), correction=0), a)),
            "the running variance is that of the batch divided by the count less one.",
        ),
        ("15.centred", lambda g, x: g - g.sum() / g.numel(), "each column has a mean of its own."),
        (
            "15.normalized_dx",
            lambda g, x: (g - g.mean(0)) / (x.var(0, unbiased=False) + 0.1).sqrt(),
            "that takes the deviation as a constant",
        ),
        ("16.scores_dx", lambda g, x: g * (x.exp() / x.exp().sum(1, keepdim=True)) / len(x), "less 1 there."),
        (
            "15.shortcut",
            lambda g, x, w: g + (g / (x @ w).cosh() ** 2) @ w,
            "the way back through x @ w is a product with w transposed.",
        ),
        ("16.best_epoch", lambda losses, patience: int(mg.tensor(losses).argmin()), "the lowest of all losses, and"),
        ("16.two_softmaxes", lambda k: -math.log(1 / k), "that is the loss of a net that knows nothing."),
        (
            "17.saliency",
            lambda net, X, kind: grad(lambda image: net(image[None])[0, kind])(X).max(0).values,
            "a push can go both ways, so the size of the slope counts",
        ),
        (
            "17.grad_cam",
            lambda maps, gradient: mg.einsum("chw,c->hw", maps, gradient.mean((1, 2))),
            "what speaks against the class is left out: negative sums become 0.",
        ),
        ("17.attack", lambda X, g, eps: (X + eps * g).clip(0, 1), "moves by eps, however large its gradient is."),
        ("17.attack", lambda X, g, eps: mg.where(g > 0, X + eps, X - eps).clip(0, 1), "is 0 a pixel stays as it is."),
        (
            "18.iou",
            lambda p, t, k: 2 * ((p == k) & (t == k)).sum().item() / ((p == k).sum() + (t == k).sum()).item(),
            "IoU divides the pixels of both by those of either.",
        ),
        (
            "18.dice",
            lambda p, t, eps: 1 - 2 * (p @ t.T).trace() / (p.sum() + t.sum() + eps),
            "eps belongs above the line, too",
        ),
        ("18.upsample_dx", lambda g, x: mg.nn.functional.interpolate(g, scale_factor=0.5), "this takes one of them."),
        ("18.missing", lambda n, levels: 2**levels - n % 2**levels, "a size that fits needs nothing."),
        ("3.mirror", lambda x, p: np.pad(x.numpy(), p, mode="symmetric"), "is the mirror, and does not come twice."),
        ("3.mirror", lambda x, p: np.pad(x.numpy(), p, mode="edge"), "that repeats the border pixel."),
        ("3.mirror", lambda x, p: np.pad(x.numpy(), p, mode="wrap"), "that goes on at the other end, as a circle."),
        ("4.cost", lambda i, o, k, rows, columns: math.prod([i, o, k, k]), "that is the number of weights: each"),
        ("4.cost", lambda i, o, k, rows, columns: 2 * i * o * k**2 * rows * columns, "those are FLOPs, where a"),
        ("7.stretch", lambda g, x, b: b * g.sum(0), "b itself does not stand in its gradient"),
        ("8.dw", lambda g, x, w, b: w * batch_kernel(g, x), "w itself does not stand in its gradient"),
        ("8.dw", lambda g, x, w, b: batch_kernel(g[[0] * len(g)], x), "each image n has its own g[n]"),
        ("8.dx", lambda g, x, w, b: x * mg.nn.functional.conv_transpose2d(g, w), "x itself does not stand in its"),
        ("9.parameters", lambda i, o, k: len([*mg.nn.Conv2d(i, o, k).parameters()]), "that counts the tensors, weight"),
        ("9.momentum", lambda w, g, v, lr, mu: (w - lr * (v + mu * g), v + mu * g), "mu multiplies the old velocity"),
        ("9.accuracy", lambda s, t: (s.argmax() == t).float().mean(), "of each row is wanted, argmax(1)"),
        ("9.accuracy", lambda s, t: (s.max(1).values == t).float().mean(), "of each row is wanted, argmax(1)"),
        (
            "9.in_a_row",
            lambda a, b: conv2d(
                mg.nn.functional.pad(a[None, None], (b.shape[1] - 1,) * 2 + (b.shape[0] - 1,) * 2), b[None, None]
            )[0, 0],
            "that is the cross-correlation of the kernels: flip the second one.",
        ),
        (
            "14.matrix",
            lambda w, n: mg.stack([mg.nn.functional.pad(w, (0, n - len(w))).roll(i) for i in range(n)]),
            "windows do not go on at the other end: n - k + 1 rows.",
        ),
        (
            "14.sliding",
            lambda weight, X, h, w: conv2d(X[None], weight.view(len(weight), h, w, -1).movedim(3, 1))[0],
            "so the channels are the axis before the rows.",
        ),
        ("16.moved", lambda X, i, j: np.roll(X.numpy(), (i, j), (0, 1)), "leaves on one side comes back on the other"),
        ("16.moved", lambda X, i, j: mg.nn.functional.pad(X, (j, -j, 0, 0)), "columns alone are moved."),
        ("16.first_loss", lambda classes: 1 / classes, "that is the probability of the right class"),
        ("16.first_loss", lambda classes: -math.log(classes), "a logarithm of a probability is negative"),
        ("16.first_loss", lambda classes: math.log(classes, 2), "the natural logarithm is meant, to the base e"),
        ("16.first_loss", lambda classes: math.log10(classes), "not the one to the base 10"),
        ("16.dead", lambda y: (y == 0).float().mean(), "that is the share of the numbers that are 0"),
        ("16.dead", lambda y: (y.sum(1) == 0).float().mean(), "a unit is a column, and this looks at rows"),
        ("16.dead", lambda y: (y.sum(0) == 0).sum(), "that is the number of them, not their share"),
        ("16.dead", lambda y: (y.amin(0) == 0).float().mean(), "0 for one example may live for another"),
    ],
)  # fmt: skip
def test_a_frequent_mistake_is_named(capsys, name, answer, words):
    solved, text = ask(capsys, name, answer)
    assert not solved and words in text


def test_a_forgotten_flip_is_not_called_a_transpose(capsys):
    """For some kernels of 2 x 2 they are the same."""
    _, text = ask(capsys, "9.in_a_row", lambda a, b: conv2d(a[None], b[None, None], padding=1)[0])
    assert "7 of 9 numbers are wrong" in text and "transposed" not in text
