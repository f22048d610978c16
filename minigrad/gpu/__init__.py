"""CUDA kernels of our own, and the code that launches, captures and replays them.

Nothing here is needed to understand the library. Other packages define what is computed; for arrays on a GPU these
kernels compute the same in fewer and quicker launches (`backend.KERNELS`).

To read it, begin with one kernel and its launch, and go on to those whose threads work together:

1. `launch.py`, then `pooling.py`: one thread for each element of the result.
2. `floats.py`, then `rows.py` (softmax) and `sums.py`: the threads of a row or a channel share a sum.
3. `elementwise.py`, with `placement.py` and `cuda_c.py`: a compiler from a NumPy expression to a kernel. `formula.py`
   and `optimizers.py` do the same for an optimizer's rule.
4. `cublas.py`, `blas.py` and `products.py` (matrix products), `capture.py` (CUDA graphs), `philox.py` (random numbers).

`served.py` lists which function each of them serves. The kernels of convolution are in `kernels/fast/cuda*.py`.
"""
