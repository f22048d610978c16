# %% [markdown]
# # 0. Start
#
# This course teaches convolution: what it computes, how it learns, how the machine behind it works, and why it is fast.
# You need Python and a little of lists and functions. Each chapter is one program: read it as a page, run it as a
# script (`python docs/course/00_start.py`), or open it as a notebook, cell by cell (VS Code does so, and Jupyter with
# jupytext). Chapters run alone; nothing is downloaded. The two commands that set it up, in the folder of the project:
#
#     python3 -m venv .venv
#     .venv/bin/pip install -e '.[course]'
#
# Then `python` stands for `.venv/bin/python` here and below. Beside minigrad they install matplotlib, which draws the
# pictures, and scikit-learn, which has the digits of chapter 10.
#
# The library is called minigrad. It has PyTorch's names, so that all you learn here is also true for PyTorch.

# %%
import minigrad as torch
from minigrad import course

# %% [markdown]
# ## A tensor is a box of numbers
#
# It has a shape and a dtype (type of number). `X[i, j]` reads one number, `X[a:b, c:d]` a rectangle; `:` is a whole
# axis.

# %%
X = torch.tensor([[0.0, 1.0, 2.0], [3.0, 4.0, 5.0], [6.0, 7.0, 8.0]])
print(X.shape, X.dtype)
print("row 1, column 2:", X[1, 2].item())
print("the lower right corner:", X[1:, 1:], sep="\n")

# %% [markdown]
# Arithmetic works number by number, `sum` adds all numbers. A convolution multiplies a part of an image by a small box
# of numbers and adds the products, again and again. Here is one step of it; chapter 1 explains it.

# %%
K = torch.tensor([[0.0, 1.0], [2.0, 3.0]])
print((X[:2, :2] * K).sum())
assert (X[:2, :2] * K).sum() == 0 * 0 + 1 * 1 + 3 * 2 + 4 * 3

# %% [markdown]
# ## Exercises
#
# An exercise has a name, such as `1.corr2d`. Its question stands below the name of the function. Write the body under
# it, with `return`, and run the cell: `course.check` says what is right and what is wrong, and gives a hint, but never
# the answer. `course.explain` shows the question again.

# %%
print(course.explain("3.same_padding"))


def same_padding(k):
    """The padding at which a kernel of k pixels, k odd, leaves the size as it is (stride 1)."""


course.check("3.same_padding", same_padding)

# %% [markdown]
# This exercise belongs to chapter 3. Your progress is kept while Python runs; to save it in a file, call
# `course.keep_progress("progress.json")`.

# %%
print(course.progress())

# %% [markdown]
# ## The chapters
#
# | chapter | question |
# |---|---|
# | [1](01_cross_correlation.py) | what does a convolution compute? |
# | [2](02_edges.py) | what is it good for? |
# | [3](03_sizes.py) | how large is the result? |
# | [4](04_channels.py) | what about colours, and many maps? |
# | [5](05_learning_a_kernel.py) | can it find the kernel itself? |
# | [6](06_why_did_it_blow_up.py) | why does it sometimes explode? |
# | [7](07_an_engine_in_one_file.py) | who computes the gradients? |
# | [8](08_convolution_backward.py) | what are they for a convolution? |
# | [9](09_modules_optimizers_data.py) | who keeps the weights, makes the steps, brings the images? |
# | [10](10_digits.py) | can it read handwriting? |
# | [11](11_reading_errors.py) | what does the message say? |
# | [12](12_why_it_is_fast.py) | why is the library so much faster than my loops? |
# | [13](13_gpu_and_several_processes.py) | what if one processor is not enough? |
# | [14](14_other_convolutions.py) | which other convolutions are there? |
# | [15](15_deep_networks.py) | why did twenty layers learn nothing? |
# | [16](16_it_does_not_learn.py) | and if it still does not learn? |
# | [17](17_what_it_sees.py) | what does it look at? |
# | [18](18_a_class_for_each_pixel.py) | where does a thing begin and end? |
# | [19](19_few_images.py) | and if there are only a few images? |
# | [20](20_videos_and_volumes.py) | and if the image moves? |
#
# Next: what does a convolution compute? [Chapter 1](01_cross_correlation.py).
