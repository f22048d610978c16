"""Running CUDA source on the processor: threads, barriers, warps, and errors where a GPU would hang."""

import numpy as np
import pytest

from tests.kernels.cuda_on_cpu import read_parameter_types, run

I = np.int32


def test_every_thread_of_every_block_runs_with_its_own_index():
    source = """
    extern "C" __global__ void number(int* out, int count) {
        int i = (blockIdx.y * gridDim.x + blockIdx.x) * blockDim.x + threadIdx.x;
        if (i < count) out[i] = 100 * blockIdx.y + 10 * blockIdx.x + threadIdx.x;
    }"""
    out = np.full(13, -1, "i")
    run(source, "number", (2, 2), (3,), (out, I(11)))
    assert out.tolist() == [0, 1, 2, 10, 11, 12, 100, 101, 102, 110, 111, -1, -1]


def test_threads_of_a_block_exchange_through_shared_memory():
    source = """
    extern "C" __global__ void reverse(const float* x, float* out) {
        __shared__ float tile[64];
        tile[threadIdx.x] = x[blockIdx.x * 64 + threadIdx.x];
        __syncthreads();
        out[blockIdx.x * 64 + threadIdx.x] = tile[63 - threadIdx.x];
    }"""
    x = np.arange(128, dtype="f")
    out = np.empty_like(x)
    run(source, "reverse", (2,), (64,), (x, out))
    assert out.tolist() == [*x[63::-1], *x[:63:-1]]


def test_warp_shuffles_and_dynamic_shared_memory_sum_rows():
    source = """
    typedef double T;
    __device__ T warp_sum(T v) {
        for (int lanes = 16; lanes; lanes /= 2) v += __shfl_xor_sync(0xffffffffu, v, lanes);
        return v;
    }
    extern "C" __global__ void __launch_bounds__(96) sum_rows(const T* __restrict__ x, T* out, int n) {
        extern __shared__ double parts[];
        T v = 0;
        for (int i = threadIdx.x; i < n; i += blockDim.x) v += x[blockIdx.x * n + i];
        v = warp_sum(v);
        if (threadIdx.x % 32 == 0) parts[threadIdx.x / 32] = v;
        __syncthreads();
        if (threadIdx.x < 32) {
            v = warp_sum(threadIdx.x < blockDim.x / 32 ? parts[threadIdx.x] : T(0));
            if (threadIdx.x == 0) out[blockIdx.x] = v;
        }
    }"""
    x = np.random.default_rng(0).standard_normal((3, 1000))
    out = np.empty(3)
    run(source, "sum_rows", (3,), (96,), (x, out, I(1000)), shared_mem=3 * 8)
    np.testing.assert_allclose(out, x.sum(1), rtol=1e-12)


def test_threads_that_return_early_do_not_block_a_barrier():
    source = """
    extern "C" __global__ void early(int* out) {
        if (threadIdx.x >= 40) return;
        unsigned votes = __ballot_sync(threadIdx.x < 32 ? 0xffffffffu : 0xffu, threadIdx.x % 2);
        __syncthreads();
        out[threadIdx.x] = __popc(votes);
    }"""
    out = np.zeros(64, "i")
    run(source, "early", (1,), (64,), (out,))
    assert out.tolist() == [16] * 32 + [4] * 8 + [0] * 24


def test_mismatched_barriers_raise_instead_of_hanging():
    source = """
    extern "C" __global__ void hang(int* out) {
        if (threadIdx.x < 7) __syncthreads();
        else
            __syncthreads();
        out[threadIdx.x] = 1;
    }"""
    with pytest.raises(RuntimeError, match="threads of one block wait at different __syncthreads"):
        run(source, "hang", (1,), (32,), (np.zeros(32, "i"),))


def test_a_number_of_another_type_than_the_kernel_declares_is_refused():
    source = 'extern "C" __global__ void fill(float* out, const float value, long long n) { out[0] = value; }'
    assert read_parameter_types(source, "fill") == ["float*", "const float", "long long"]
    out = np.zeros(1, "f")
    run(source, "fill", (1,), (1,), (out, np.float32(2), np.int64(1)))
    assert out[0] == 2
    with pytest.raises(AssertionError, match="const float takes 4 bytes, got float64 of 8"):
        run(source, "fill", (1,), (1,), (out, np.float64(2), np.int64(1)))
    with pytest.raises(AssertionError, match="fill takes 3 arguments, got 2"):
        run(source, "fill", (1,), (1,), (out, np.float32(2)))


def test_a_block_or_grid_that_is_too_large_is_refused():
    source = 'extern "C" __global__ void nothing(int* out) {}'
    with pytest.raises(AssertionError, match="a block of"):
        run(source, "nothing", (1,), (2048,), (np.zeros(1, "i"),))
    with pytest.raises(AssertionError, match="a grid of"):
        run(source, "nothing", (1, 70000), (32,), (np.zeros(1, "i"),))
