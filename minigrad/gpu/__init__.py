"""The GPU's own wing: CUDA kernels, and what launches, records and replays them.

Nothing here is needed to understand the library. A heart's function says what is computed; where its
arrays are on a GPU, a seam with a name lets this wing compute the same in fewer and quicker launches.
"""
