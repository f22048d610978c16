"""CUDA kernels of our own, and the code that launches, captures and replays them.

Nothing here is needed to understand the library. Other packages define what is computed; for arrays on a GPU these
kernels compute the same in fewer and quicker launches (`backend.KERNELS`).
"""
