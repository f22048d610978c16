# %% [markdown]
# # 14. Other convolutions
#
# What makes a convolution right for images, and which variants do networks use? You need chapters 3 and 4 for this one,
# and chapter 8 for its last part.

# %%
import minigrad as torch
import minigrad.nn.functional as F
from minigrad import course, nn, viz

torch.manual_seed(0)

# %% [markdown]
# ## A shifted image
#
# A window uses the same kernel everywhere. So if the image is shifted, the map is shifted too, and nothing else
# changes: convolution is **equivariant** to shifts. At the border a shift brings in new pixels. Here the image is
# continued as if it were repeated (`padding_mode="circular"`), and `roll` shifts it in a circle: so nothing is lost.

# %%
X = torch.randn(1, 1, 8, 8)
layer = nn.Conv2d(1, 4, 3, padding=1, padding_mode="circular", bias=False)
with torch.no_grad():
    assert torch.allclose(layer(X.roll(1, dims=3)), layer(X).roll(1, dims=3), atol=1e-6)

# %% [markdown]
# A fully connected layer knows nothing of shifts: it must learn a bar at each place anew, and it has many more numbers
# to learn.

# %%
dense = nn.Linear(8 * 8, 4 * 8 * 8, bias=False)  # the same sizes in and out
print("numbers to train:", layer.weight.numel(), "and", dense.weight.numel())
assert (layer.weight.numel(), dense.weight.numel()) == (36, 16384)
with torch.no_grad():
    shifted = dense(X.roll(1, dims=3).flatten()).reshape(1, 4, 8, 8)
    assert not torch.allclose(shifted, dense(X.flatten()).reshape(1, 4, 8, 8).roll(1, dims=3), atol=0.1)

# %% [markdown]
# Both are matrices, because both are sums of pixels times numbers. Here is the matrix of a convolution, for a row of 7
# pixels and a kernel of 3. Each row is the kernel, one pixel further; along each diagonal all numbers are equal, which
# is called a **Toeplitz** matrix. A fully connected layer could have 35 different numbers there. A convolution leaves
# most of them at 0, since a window sees neighbours alone, and **shares** the others: 3 are left. `jacobian` finds the
# matrix: its number [i, j] is the slope of output i along pixel j, so what pixel j is multiplied by there.

# %%
w = torch.tensor([1.0, 2.0, 3.0])
matrix = torch.autograd.functional.jacobian(
    lambda x: F.conv1d(x.reshape(1, 1, 7), w.reshape(1, 1, 3)).flatten(), torch.zeros(7)
)
print(matrix.int())
assert matrix.shape == (5, 7) and all((matrix.diagonal(d) == w[d]).all() for d in range(3))

# %% [markdown]
# A stride breaks the rule. With a stride of 2, a shift by 2 pixels shifts the map by 1; but a shift by 1 pixel gives
# other windows, and another map. Pooling does the same. (If the map is summed up at the end, what is left does not
# depend on the place at all: it is **invariant**.)

# %%
strided = nn.Conv2d(1, 1, 2, stride=2, bias=False)
with torch.no_grad():
    assert torch.allclose(strided(X.roll(2, dims=3)), strided(X).roll(1, dims=3), atol=1e-6)
    by_one = strided(X.roll(1, dims=3))
    assert not any(torch.allclose(by_one, strided(X).roll(places, dims=3), atol=0.1) for places in range(4))

# %% [markdown]
# ## A classifier that slides
#
# A net that ends with `Flatten` and `Linear` takes images of one size only. But each row of that Linear's weight is a
# kernel as large as the maps: give it the axes (channels, rows, columns), and it is a convolution layer that fits at
# one place. On a larger image it fits at several, and gives a map of scores: the answer of the net for every window,
# while the layers before computed what windows have in common only once (Sermanet et al., 2014). Nets without Flatten
# and Linear are called **fully convolutional**; they can give a class to each pixel (Long et al., 2015).

# %%
body = nn.Sequential(nn.Conv2d(1, 4, 3), nn.ReLU())
head = nn.Linear(4 * 6 * 6, 3)  # for images of 8 x 8, whose maps are 6 x 6
sliding = nn.Conv2d(4, 3, kernel_size=6)
with torch.no_grad():
    sliding.weight.copy_(head.weight.reshape(3, 4, 6, 6))
    sliding.bias.copy_(head.bias)
    wide = torch.randn(1, 1, 8, 12)
    scores = sliding(body(wide))  # (1, 3, 1, 5)
    for j in range(5):
        assert torch.allclose(scores[0, :, 0, j], head(body(wide[..., j : j + 8]).flatten(1))[0], atol=1e-5)
print("a wide image:", tuple(wide.shape), "-> scores of five windows:", tuple(scores.shape))

# %% [markdown]
# ## Pooling
#
# A pooling layer slides a window too, but has no kernel: it takes the largest number of each window, or the mean. The
# windows mostly do not overlap: their stride is their size. What was shifted within a window gives the same result.

# %%
spot = torch.zeros(1, 1, 4, 4)
spot[0, 0, 2, 2] = 5
print(F.max_pool2d(spot, 2)[0, 0])
assert torch.equal(F.max_pool2d(spot, 2), F.max_pool2d(spot.roll((1, 1), dims=(2, 3)), 2))
assert F.avg_pool2d(spot, 2)[0, 0].tolist() == [[0, 0], [0, 1.25]]

# %% [markdown]
# And the way back? The result is its largest number: if that grows by 1, so does the result; the others change nothing.
# So the largest number gets the whole gradient. In a mean of four numbers each counts for a quarter, and gets a quarter
# of the gradient.

# %%
X = torch.tensor([[1.0, 2, 8, 3], [4, 3, 1, 5]], requires_grad=True)
F.max_pool2d(X[None, None], 2).backward(torch.tensor([[[[10.0, 20.0]]]]))
print(X.grad)
assert X.grad.tolist() == [[0, 0, 20, 0], [10, 0, 0, 0]]

# %% [markdown]
# ## Dilation
#
# A kernel may have gaps: with a dilation of d its numbers lie d pixels apart. From its first number to its last it
# covers d (k - 1) + 1 pixels, for the same price.
#
#     dilation 1    o o o
#     dilation 2    o . o . o
#
# So the receptive field grows quickly. Three layers with kernels of 3 see 7 pixels; with dilations of 1, 2, 4 they see
# 15. Here is, for each pixel of a row, on how many paths it leads to one output (the trick of chapter 3):


# %%
def paths(*dilations):
    X = torch.zeros(1, 1, 1, 17, requires_grad=True)
    Y = X
    for d in dilations:
        Y = F.conv2d(Y, torch.ones(1, 1, 1, 3), padding=(0, d), dilation=d)
    Y[0, 0, 0, 8].backward()
    return X.grad.flatten().int().tolist()


for dilations in ((1, 1, 1), (1, 2, 4), (2, 2, 2)):
    print(dilations, paths(*dilations))
assert [sum(n > 0 for n in paths(*d)) for d in ((1, 1, 1), (1, 2, 4), (2, 2, 2))] == [7, 15, 7]
if viz.can_draw():
    viz.receptive_field([3, 3, 3], dilations=[1, 2, 4]).savefig("growing.png")
    viz.receptive_field([3, 3, 3], dilations=[2, 2, 2]).savefig("gaps.png")

# %% [markdown]
# Look at the last line: if every layer has the same dilation, the output sees only every second pixel. That is why
# dilations grow from layer to layer.
#
# ## Separable kernels
#
# Some kernels are a column times a row. Then the image can be convolved with the column, and the result with the row:
# 3 + 3 multiplications for each pixel instead of 9. Blurring kernels and Sobel's are of this kind. A kernel is separable
# if its rows are multiples of each other: if its rank, as a matrix, is 1.

# %%
column, row = torch.tensor([[1.0], [2], [1]]), torch.tensor([[1.0, 0, -1]])
sobel, laplace = column @ row, torch.tensor([[0.0, 1, 0], [1, -4, 1], [0, 1, 0]])
print(sobel)
image = torch.randn(1, 1, 6, 8)
in_two = F.conv2d(F.conv2d(image, column[None, None]), row[None, None])
assert torch.allclose(in_two, F.conv2d(image, sobel[None, None]), atol=1e-5)
assert [int(torch.linalg.matrix_rank(K)) for K in (sobel, torch.ones(3, 3), laplace)] == [1, 1, 2]

# %% [markdown]
# ## Channels apart
#
# What makes a layer large is not the size of its kernels, but their count: one for each pair of channels, so 2048 for
# 32 channels in and 64 out. A **depthwise** layer gives each channel a kernel of its own, and does not mix channels:
# `groups=channels`. A 1x1 layer after it mixes them. Both together are a **depthwise separable** convolution, as in
# MobileNet (Howard et al., 2017).

# %%
whole = nn.Conv2d(32, 64, 3, padding=1, bias=False)
depthwise = nn.Conv2d(32, 32, 3, padding=1, groups=32, bias=False)
pointwise = nn.Conv2d(32, 64, 1, bias=False)
print("weights:", tuple(whole.weight.shape), "or", tuple(depthwise.weight.shape), tuple(pointwise.weight.shape))
apart = depthwise.weight.numel() + pointwise.weight.numel()
print(f"{whole.weight.numel()} numbers, or {apart}: {whole.weight.numel() / apart:.1f} times fewer")
assert (whole.weight.numel(), apart) == (64 * 32 * 9, 32 * 9 + 64 * 32)

# %% [markdown]
# It computes less than a whole layer can: only kernels w[o, c] that are a number times the depthwise kernel of c.

# %%
X = torch.randn(2, 32, 5, 5)
combined = pointwise.weight * depthwise.weight[:, 0]  # (64, 32, 1, 1) * (32, 3, 3) -> (64, 32, 3, 3)
with torch.no_grad():
    assert torch.allclose(pointwise(depthwise(X)), F.conv2d(X, combined, padding=1), atol=1e-5)

# %% [markdown]
# ## Transposed convolution
#
# Some networks must make an image larger: to colour it, or to paint one. A **transposed convolution** goes the way of
# the gradient of chapter 8: each pixel is multiplied by the whole kernel, and written where its window was; what
# overlaps is added. With a stride of s the windows are s pixels apart. So n pixels become
#
#     (n - 1) s + k - 2p
#
# The padding p cuts pixels off here. Transposed means that a convolution is a matrix product y = A x
# ([here](../convolution_backward.md#one-row-two-matrices) is that matrix), and this is the product with the transposed
# matrix. It is not the inverse: it has the shape of the image, but other numbers.

# %%
x, w = torch.tensor([1.0, 10, 100]), torch.tensor([1.0, 2, 3])
print(F.conv_transpose1d(x.reshape(1, 1, 3), w.reshape(1, 1, 3), stride=2).flatten())
#     1  2  3
#          10 20  30
#                100 200 300
assert F.conv_transpose1d(x.reshape(1, 1, 3), w.reshape(1, 1, 3), stride=2).flatten().tolist() == [
    1, 2, 13, 20, 130, 200, 300
]  # fmt: skip
A = torch.autograd.functional.jacobian(
    lambda x: F.conv1d(x.reshape(1, 1, 7), w.reshape(1, 1, 3), stride=2).flatten(), torch.zeros(7)
)
print(A.int())
assert torch.equal(A.T @ x, F.conv_transpose1d(x.reshape(1, 1, 3), w.reshape(1, 1, 3), stride=2).flatten())

# %% [markdown]
# ## Checkerboards
#
# Networks that paint used to show a fine checkerboard pattern (Odena et al., 2016). Count how often each pixel is
# written to: with kernel 3 and stride 2 every second pixel gets two contributions, and in two dimensions one, two or
# four. Even for weights that are all equal the image has a pattern. If the stride divides the kernel, all pixels inside
# get the same number.


# %%
def written(n, k, stride):
    ones = torch.ones(1, 1, n, n)
    return F.conv_transpose2d(ones, torch.ones(1, 1, k, k), stride=stride)[0, 0].int()


print(written(4, 3, 2))
print(written(4, 4, 2))
assert written(4, 3, 2)[2:-2, 2:-2].unique().tolist() == [1, 2, 4]
assert written(4, 4, 2)[2:-2, 2:-2].unique().tolist() == [4]
if viz.can_draw():
    viz.maps({"kernel 3, stride 2": written(4, 3, 2), "kernel 4, stride 2": written(4, 4, 2)}).savefig("written.png")

# %% [markdown]
# The other cure: first enlarge the image by repeating its pixels, then use an ordinary convolution, which treats all
# places alike.

# %%
larger = F.interpolate(torch.ones(1, 1, 4, 4), scale_factor=2, mode="nearest")
print(F.conv2d(larger, torch.ones(1, 1, 3, 3))[0, 0].int())
assert (F.conv2d(larger, torch.ones(1, 1, 3, 3)) == 9).all()

# %% [markdown]
# ## Exercises


# %%
def matrix_of(w, n):
    """The matrix A (n - k + 1, n) for which A @ x is the cross-correlation of a row x (n,) and a kernel w (k,)."""


course.check("14.matrix", matrix_of)


# %%
def sliding_scores(weight, X, h, w):
    """The scores (classes, H', W') of all windows of X (C, H, W), by a Linear's weight (classes, C * h * w)."""


course.check("14.sliding", sliding_scores)


# %%
def max_pool(X, k):
    """The largest number of each k x k window of X (H, W), windows side by side; what does not fill one is left out."""


course.check("14.max_pool", max_pool)


# %%
def max_pool_dx(g, x):
    """The gradient of max_pool2d(x, 2) along x (N, C, H, W), for even H and W."""


course.check("14.max_pool_dx", max_pool_dx)


# %%
def covered(k, dilation):
    """The number of pixels from the first number of a kernel of k numbers to its last, `dilation` pixels apart."""


course.check("14.covered", covered)


# %%
def depthwise_separable(channels_in, channels_out, k):
    """The number of weights of a depthwise k x k layer and the 1x1 layer after it, both without a bias."""


course.check("14.weights", depthwise_separable)


# %%
def my_depthwise(X, K):
    """The depthwise cross-correlation of X (C, H, W) with one kernel (h, w) for each channel, K (C, h, w): C maps."""


course.check("14.depthwise", my_depthwise)


# %%
def upsampled_size(n, k, stride=1, padding=0):
    """The number of pixels that a transposed convolution makes of n, with a kernel of k."""


course.check("14.upsampled_size", upsampled_size)


# %%
def transposed(x, w, stride):
    """The transposed convolution of a row x (n,) with a kernel w (k,): each x[i] * w, written from i * stride on."""


course.check("14.transposed", transposed)


# %%
def dx(g, x, w):
    """The gradient of conv_transpose2d(x, w, stride=2) along x, for x (N, C, H, W) and w (C, O, kh, kw)."""


course.check("14.dx", dx)

# %% [markdown]
# Chapters 4 and 8 are all that was needed: each of these layers is the same sum, over fewer numbers or other places.
#
# What happens if many layers stand in a row? [Chapter 15](15_deep_networks.py).
