# %% [markdown]
# # 7. An engine in one file
#
# In chapter 5 you worked out a gradient on paper. Here you build an engine that computes gradients, with NumPy alone,
# in seven steps. Each step solves a problem of the last one. The result is an engine of fewer than 100 lines that
# differentiates a convolution, to any order, and learns the kernel [1, -1].

# %%
import gc
import itertools
import weakref

import numpy as np

clock = itertools.count()

# %% [markdown]
# ## Step 1: a number that remembers
#
# Every result stores its operands, and the derivative with respect to each. By the chain rule the gradient of x is a
# sum over all paths from the result back to x, of the product of the derivatives along the path.


# %%
class Number:
    def __init__(self, value, *came_from):
        self.value, self.came_from = value, came_from  # pairs: (operand, slope of this number along it)
        self.grad, self.order = 0.0, next(clock)

    def __add__(self, other):
        return Number(self.value + other.value, (self, 1.0), (other, 1.0))

    def __mul__(self, other):
        return Number(self.value * other.value, (self, other.value), (other, self.value))


def walk_every_path(number, slope=1.0):
    number.grad += slope
    return 1 + sum(walk_every_path(operand, slope * s) for operand, s in number.came_from)


x, y = Number(3.0), Number(4.0)
walk_every_path(x * y + x)
assert (x.grad, y.grad) == (5.0, 3.0)  # d(xy + x) = (y + 1) dx + x dy

# %% [markdown]
# That is right, but useless: if a number is doubled sixteen times, by x + x, 2^16 paths lead back to it.


# %%
def double(number, times):
    return double(number + number, times - 1) if times else number


visits = walk_every_path(double(Number(1.0), 16))
print(f"sixteen additions, {visits:,} visits")
assert visits == 2**17 - 1

# %% [markdown]
# ## Step 2: each number once, but in which order?
#
# All paths through a number have their lower part in common. So a number should first collect its whole gradient, and
# then pass it on once. But when is it complete? The order of arrival (a queue) looks natural, and is wrong.


# %%
def walk_first_come(result):
    result.grad, queue = 1.0, [result]
    for number in queue:  # grows while it is walked: breadth first
        for operand, slope in number.came_from:
            operand.grad += number.grad * slope
            if operand not in queue:
                queue.append(operand)


x = Number(3.0)
a = x + x  # read three times: once by the last sum, twice by the square
walk_first_come(a + a * a)
print(f"first come, first served: {x.grad}; but 2x + 4x^2 has the slope 2 + 8x = 26")
assert x.grad == 2.0  # `a` passed its gradient on before it had received that of its square

# %% [markdown]
# A number can pass on its gradient when all results that use it have passed on theirs. An operand is always older than
# its result. So it is enough to go from the newest to the oldest: this is a topological order, without sorting.


# %%
def newest_first(result, operands_of):
    """All that `result` was made from. Without recursion: a chain may have 100,000 links."""
    found, waiting = {result}, [result]
    while waiting:
        new = {operand for operand in operands_of(waiting.pop()) if operand not in found}
        found |= new
        waiting += new
    return sorted(found, key=lambda one: one.order, reverse=True)


def walk_newest_first(result):
    result.grad = 1.0
    numbers = newest_first(result, lambda number: [operand for operand, _ in number.came_from])
    for number in numbers:
        for operand, slope in number.came_from:
            operand.grad += number.grad * slope
    return len(numbers)


x = Number(3.0)
a = x + x
walk_newest_first(a + a * a)
assert x.grad == 26.0
assert walk_newest_first(double(Number(1.0), 60)) == 61  # 61 steps, not 2^61

# %% [markdown]
# ## Step 3: arrays
#
# An image has thousands of numbers, and an object for each would take minutes. So a value becomes an array, and a
# derivative becomes a **rule**: a function from the gradient `g` of the result to the gradient of one operand. (The
# derivative itself would be a matrix, outputs by inputs, which is never needed as a whole.) The forward of an operation,
# which computes the result, and its rules stand side by side; the names of a rule's parameters say what it reads: `x`
# is that operand, `x_shape` its shape, `out` the result.


# %%
class Tensor:
    def __init__(self, value, call=None):
        self.value = np.asarray(value, dtype=float)
        self.call = call or Call(self.value.shape)

    def __add__(self, other):
        return add(self, other)

    def __mul__(self, other):
        return multiply(self, other)

    def __sub__(self, other):
        return add(self, multiply(other, -1.0))


class Call:
    """A place in the graph: which operation was carried out, on the results of which calls. A leaf, made by no
    operation, has none."""

    def __init__(self, shape, operands=(), rules=()):
        self.shape, self.rules, self.order = shape, rules, next(clock)
        self.edges = [x.call if isinstance(x, Tensor) else None for x in operands]


def operation(forward, *rules):
    """Called with Tensors it records; called with arrays alone it only computes."""

    def apply(*operands):
        value = forward(*map(value_of, operands))
        if not any(isinstance(x, Tensor) for x in operands):
            return value
        result = Tensor(value, Call(value.shape, operands, rules))
        known = dict(zip(names_of(forward), operands, strict=True))
        shapes = {f"{name}_shape": np.shape(value_of(x)) for name, x in known.items()}
        result.call.kept = keep(rules, known | shapes | {"out": result})
        return result

    return apply


def names_of(function):
    return function.__code__.co_varnames[: function.__code__.co_argcount]


def value_of(x):
    return x.value if isinstance(x, Tensor) else x


add = operation(lambda x, y: x + y, lambda g: g, lambda g: g)
multiply = operation(lambda x, y: x * y, lambda g, y: g * y, lambda g, x: g * x)
exp = operation(lambda x: np.exp(x), lambda g, out: g * out)

# %% [markdown]
# Three small functions remain, which later steps will improve: what a call saves for its rules, how it runs them, and
# how a gradient is fitted to its operand.


# %%
def keep(rules, known):
    return known


def pull(call, g):
    """The gradients of a call's operands, from that of its result."""
    return [rule(g, *[value_of(call.kept[n]) for n in names_of(rule)[1:]]) if rule else None for rule in call.rules]


def settle(share, shape):
    return share


def gradients(result, *xs, g=1.0):
    """The gradients of `result` (or of its product with `g`, summed) along each of the tensors `xs`."""
    arrived = {result.call: g}
    for call in newest_first(result.call, lambda call: filter(None, call.edges)):
        for edge, share in zip(call.edges, pull(call, arrived[call]), strict=True):
            if edge:
                share = settle(share, edge.shape)
                arrived[edge] = arrived[edge] + share if edge in arrived else share
    return [arrived[x.call] for x in xs]


image, bias = Tensor(np.arange(6.0).reshape(2, 3)), Tensor(5.0)
along_image, along_bias = gradients(image * image + bias, image, bias, g=np.ones((2, 3)))
assert np.array_equal(along_image, 2 * image.value)
print("the gradient of one number, the bias, has the shape", along_bias.shape)
assert along_bias.shape == (2, 3)  # wrong: it was given six

# %% [markdown]
# NumPy has broadcast the bias: it used one number for each of the six pixels. So its gradient is the sum of six
# numbers. Broadcasting and summing are each other's gradient. The engine does this sum, so that not every rule must.
# (A shape has no gradient: `None` stands where its rule would be.)


# %%
def sum_stretched(x, shape):
    """x, summed over the axes along which an array of `shape` was stretched."""
    new = x.ndim - len(shape)
    axes = [i for i in range(x.ndim) if i < new or shape[i - new] < x.shape[i]]
    return x.sum(tuple(axes)).reshape(shape)


sum_to = operation(sum_stretched, lambda g, x_shape: stretch(g, x_shape), None)
stretch = operation(lambda x, shape: np.broadcast_to(x, shape), lambda g, x_shape: sum_to(g, x_shape), None)


def settle(share, shape):
    return share if np.shape(value_of(share)) == shape else sum_to(share, shape)


assert gradients(image * image + bias, bias, g=np.ones((2, 3)))[0] == 6.0

# %% [markdown]
# ## Step 4: what to keep
#
# A call stores all its values, and with them its own result, which refers to the call: a reference cycle. Reference
# counting, which frees objects in Python at once, cannot free a cycle. Python's collector (`gc`) finds cycles later, by
# searching; until then training uses more and more memory. A weak reference shows it: it does not keep its object alive.

# %%
gc.disable()  # no search while we look
result = exp(image)
ghost = weakref.ref(result)
del result
print("deleted, out of reach, and still in memory:", ghost() is not None)
assert ghost() is not None
gc.enable()

# %% [markdown]
# The names of the rules' parameters say what will be read: nothing for a sum, the other factor for a product, the
# result for exp. Only that is saved, as a plain array without its graph. So a result can be freed.


# %%
def keep(rules, known):
    reads = {name for rule in rules if rule for name in names_of(rule)[1:]}
    place = {name: getattr(x, "call", None) for name, x in known.items() if name != "out"}
    return {name: (value_of(known[name]), place.get(name)) for name in reads}


def pull(call, g):
    return [rule(g, *[call.kept[n][0] for n in names_of(rule)[1:]]) if rule else None for rule in call.rules]


gc.disable()
result = exp(image)
ghost = weakref.ref(result)
del result
assert ghost() is None
gc.enable()
assert (image + image).call.kept == {} and list(exp(image).call.kept) == ["out"]

# %% [markdown]
# ## Step 5: a gradient has a gradient
#
# The curvature of a loss is the gradient of its gradient. But the gradient is a plain array: no call has recorded how
# it was computed.

# %%
x = Tensor(2.0)
print("the gradient of x^3 at 2 is", gradients(x * x * x, x)[0], "and knows nothing of x")
assert not isinstance(gradients(x * x * x, x)[0], Tensor)

# %% [markdown]
# The rules are written with `*`, `+` and operations, which work on Tensors too. So start with a Tensor, and call the
# rules with Tensors: their computation is then recorded like any other. No second set of rules is needed.


# %%
def pull(call, g):
    def read(name):
        value, place = call.kept[name]
        if not isinstance(g, Tensor) or name.endswith("_shape"):
            return value
        return Tensor(value, call if name == "out" else place)

    return [rule(g, *map(read, names_of(rule)[1:])) if rule else None for rule in call.rules]


(first,) = gradients(x * x * x, x, g=Tensor(1.0))
(second,) = gradients(first, x, g=Tensor(1.0))
(third,) = gradients(second, x)
print("x^3 at 2, differentiated once, twice, three times:", first.value, second.value, third)
assert (first.value, second.value, third) == (12.0, 12.0, 6.0)  # 3x^2, 6x, 6

# %% [markdown]
# ## Step 6: the convolution triad
#
# A convolution written with `+` and `*` would record thousands of calls. As one operation it needs two rules, which are
# operations themselves and need rules too. Three operations are enough:
#
# * `conv(x, w)`, the feature map;
# * `conv_x(y, w)`, from a map back to an image: for every window the kernel, times y, is added to the image;
# * `conv_w(x, y)`, from image and map to a kernel: the cross-correlation of the image with the map.
#
# All three come from one number, sum(conv(x, w) * y), which is linear in x, in w and in y: `conv` is the gradient of
# this number with respect to y, `conv_x` that with respect to x, `conv_w` that with respect to w. So the rules of each
# are the other two, and derivatives of any order exist. (Chapter 8 derives the flip in `carry_to_image`.)
#
# `np.einsum("nchw,oc->nohw", a, b)` names the axes: it multiplies the numbers of a and b whose letters agree, and adds
# up over the letters that do not stand behind the arrow, here over c, the channels.


# %%
def correlate(x, w):  # (N, C, H, W), (O, C, kh, kw) -> (N, O, Ho, Wo)
    ho, wo = x.shape[2] - w.shape[2] + 1, x.shape[3] - w.shape[3] + 1
    places = np.ndindex(w.shape[2:])
    return sum(np.einsum("nchw,oc->nohw", x[:, :, i : i + ho, j : j + wo], w[:, :, i, j]) for i, j in places)


def carry_to_image(y, w):  # (N, O, Ho, Wo), (O, C, kh, kw) -> (N, C, H, W)
    kh, kw = w.shape[2:]
    padded = np.pad(y, [(0, 0), (0, 0), (kh - 1, kh - 1), (kw - 1, kw - 1)])
    return correlate(padded, w[:, :, ::-1, ::-1].swapaxes(0, 1))


def carry_to_kernel(x, y):  # (N, C, H, W), (N, O, Ho, Wo) -> (O, C, kh, kw)
    return correlate(x.swapaxes(0, 1), y.swapaxes(0, 1)).swapaxes(0, 1)


conv = operation(correlate, lambda g, w: conv_x(g, w), lambda g, x: conv_w(x, g))
conv_x = operation(carry_to_image, lambda g, w: conv(g, w), lambda g, y: conv_w(g, y))
conv_w = operation(carry_to_kernel, lambda g, y: conv_x(y, g), lambda g, x: conv(x, g))

draw = np.random.default_rng(0)
x, w, y = draw.normal(size=(2, 3, 5, 6)), draw.normal(size=(4, 3, 2, 3)), draw.normal(size=(2, 4, 4, 4))
numbers = [(conv(x, w) * y).sum(), (x * conv_x(y, w)).sum(), (w * conv_w(x, y)).sum()]
print("one number, three ways:", np.round(numbers, 6))
assert np.allclose(numbers, numbers[0])

# %% [markdown]
# Do not trust a rule because it looks right. Change one number of the kernel a little, and compare the change of the
# output.

# %%
push = np.zeros_like(w)
push[1, 2, 0, 1] = 1e-5
slope_by_pushing = ((conv(x, w + push) - conv(x, w - push)) * y).sum() / 2e-5
(slope_by_rule,) = gradients(conv(x, leaf := Tensor(w)), leaf, g=y)
print(f"by pushing {slope_by_pushing:.6f}, by the rule {slope_by_rule[1, 2, 0, 1]:.6f}")
assert np.isclose(slope_by_pushing, slope_by_rule[1, 2, 0, 1])

# %% [markdown]
# ## Step 7: it learns
#
# The image of chapter 2, its edges, an arbitrary first kernel, and gradient descent.

# %%
X = np.ones((1, 1, 6, 8))
X[..., 2:6] = 0
edges = X[..., :-1] - X[..., 1:]
kernel = Tensor([[[[0.3, 0.2]]]])


def loss_of(kernel):
    error = conv(X, kernel) - edges
    return sum_to(error * error, ())


for step in range(30):
    loss = loss_of(kernel)
    (slope,) = gradients(loss, kernel)
    kernel.value -= 0.03 * slope
    if step % 10 == 0:
        print(f"step {step}, loss {loss.value:.4f}")
print("the kernel:", kernel.value.ravel().round(2))
assert np.allclose(kernel.value, [1, -1], atol=0.02)

# %% [markdown]
# Why 0.03? The gradient of the gradient along a direction v gives the curvature. It is largest in the direction [1, 1],
# where it is 60; a rate larger than 2/60 increases the distance to the minimum in each step (chapter 6).

# %%
v = np.array([[[[1.0, 1.0]]]])
(slope,) = gradients(loss_of(kernel), kernel, g=Tensor(1.0))
(curvature,) = gradients(slope, kernel, g=v)
assert np.allclose(curvature, 60 * v)

# %% [markdown]
# ## The same in the library
#
# | in this file | in minigrad | what is more there |
# |---|---|---|
# | `Tensor`, `Call`, `clock` | [autograd/core.py](../../minigrad/autograd/core.py), [autograd/node.py](../../minigrad/autograd/node.py) | views, in-place writes, versions |
# | `operation`, `keep` | [autograd/recording.py](../../minigrad/autograd/recording.py) | plans what to keep once |
# | `gradients`, `settle` | [autograd/walk.py](../../minigrad/autograd/walk.py) | a heap; hooks; frees as it goes |
# | `add`, `multiply`, `exp` | [ops/arithmetic.py](../../minigrad/ops/arithmetic.py) | dtypes, `out=` |
# | `sum_to`, `stretch` | [ops/reduce.py](../../minigrad/ops/reduce.py), [ops/shape.py](../../minigrad/ops/shape.py) | |
# | `conv`, `conv_x`, `conv_w` | [ops/conv.py](../../minigrad/ops/conv.py) | stride, padding, groups, quick algorithms |
# | the last loop | [optim/sgd.py](../../minigrad/optim/sgd.py) | momentum, weight decay |
#
# [How autograd works](../how_autograd_works.md) looks into the library's engine, with its own nodes in hand.
#
# Other small engines to read next:
#
# * [micrograd](https://github.com/karpathy/micrograd) works on single numbers, as steps 1 and 2, with a small network;
# * [autodidact](https://github.com/mattjj/autodidact) wraps NumPy, and has its rules in a separate table;
# * [autodidax](https://docs.jax.dev/en/latest/autodidax.html) starts with forward mode, and gets reverse mode by
#   transposing it; it also vectorizes and compiles.
#
# ## Exercises
#
# Rules, on tensors of the library: `g` is the gradient that arrives, and the rest are the operands. First, as an example,
# the rule of tanh, whose derivative is 1 - tanh(x)^2: the checker compares it with pushing. The five below are yours.

# %%
import minigrad as torch
from minigrad import course


def tanh_rule(g, x):
    return g * (1 - torch.tanh(x) ** 2)


print(course.check_gradients(torch.tanh, {"x": torch.linspace(-1, 1, 5)}, tanh_rule))


# %%
def multiply_rule(g, x, y):
    """The gradient of x * y along x."""


def sigmoid_rule(g, x):
    """The gradient of the sigmoid of x, 1 / (1 + exp(-x)), along x."""


def stretch_rule(g, x, b):
    """The gradient of x + b along b, where b (n,) was broadcast over the rows of x (m, n)."""


def matmul_rule(g, a, b):
    """The gradient of a @ b along b."""


def softplus_rule(g, x):
    """The gradient of log(1 + exp(x)) along x."""


for name in ("multiply", "sigmoid", "stretch", "matmul", "softplus"):
    course.check(f"7.{name}", globals()[f"{name}_rule"])

# %% [markdown]
# What are these rules for a convolution? [Chapter 8](08_convolution_backward.py).
