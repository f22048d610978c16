"""CUDA C source for `cuda_product.py`: reordering the weight, two tiled products, and sums computed without padding."""

from __future__ import annotations

from minigrad.kernels.fast.cuda_parts import StructKernel

# One thread per element: the weight as (groups, strips, DEEP, outputs), outputs and channels padded with zeros.
PACK = StructKernel(
    "pack_kernel",
    """
extern "C" __global__ void pack_kernel(
    const T* w, T* packed, int* seen, int count, int O, int C, int KH, int KW, int padded_O, int steps,
    int wg, int wo, int wc, int wa, int wb)
{
    int i = blockIdx.x * blockDim.x + threadIdx.x;
    if (i == 0) *seen = 0;
    if (i >= count) return;
    int o = i % padded_O, deep = i / padded_O % 8, step = i / (padded_O * 8) % steps, g = i / (padded_O * 8) / steps;
    int c = step / (KH * KW) * 8 + deep, a = step / KW % KH, b = step % KW;
    packed[i] = o < O && c < C ? w[g * wg + o * wo + c * wc + a * wa + b * wb] : T(0);
}
""",
)
# Both products: a thread has 8 x 8 sums, four squares of 4 x 4 apart from one another; a warp's threads are 4 x 8.
SQUARES = """
#define THREADS (BM * BN / 64)
struct __align__(16) Four { T v[4]; };
__device__ void multiply(const T* left, const T* right, T sum[8][8]) {
    T row[8], col[8];
    *(Four*)row = *(const Four*)left, *(Four*)(row + 4) = *(const Four*)(left + 16);
    *(Four*)col = *(const Four*)right, *(Four*)(col + 4) = *(const Four*)(right + 32);
    #pragma unroll
    for (int i = 0; i < 8; i++) {
        #pragma unroll
        for (int j = 0; j < 8; j++) sum[i][j] += row[i] * col[j];
    }
}
"""
PRODUCT = """
extern "C" __global__ void __launch_bounds__(THREADS, 512 / THREADS) product(
    const T* __restrict__ x, const T* __restrict__ packed, const T* __restrict__ bias,
    T* __restrict__ out, int* seen,
    int count, int C, int H, int W, int O, int Ho, int Wo, int padded_O, int steps, int KH, int KW,
    int sh, int sw, int ph, int pw, int dh, int dw, int xn, int xc, int xh, int xw)
{
    __align__(16) __shared__ T left[2][8][BM], right[2][8][BN];
    int tiles = padded_O / BM, group = blockIdx.y, first = blockIdx.x % tiles * BM, start = blockIdx.x / tiles * BN;
    // what this thread loads: PER channels of one window, and the weight by four elements
    const int PER = 8 * BN / THREADS;
    int mine = threadIdx.x % BN, deep = threadIdx.x / BN * PER, window = start + mine;
    int n = window / Wo / Ho, top = window / Wo % Ho * sh - ph, from = window % Wo * sw - pw;
    const T* image = x + (n * xn + (group * C + deep) * xc);
    const T* weights = packed + group * steps * 8 * padded_O + first;
    // what it multiplies: where its squares begin
    int warp = threadIdx.x / 32, lane = threadIdx.x % 32;
    int down = warp % (BM / 32) * 32 + lane / 8 * 4, across = warp / (BM / 32) * 64 + lane % 8 * 4;

    T sum[8][8] = {}, pixel[PER];
    Four weight[128 / BN];
    int c = 0, a = 0, b = 0;
    for (int step = 0; step <= steps; step++) {
        if (step < steps) {
            int row = top + a * dh, col = from + b * dw;
            bool inside = window < count && row >= 0 && row < H && col >= 0 && col < W;
            const T* source = image + (c * xc + row * xh + col * xw);
            #pragma unroll
            for (int k = 0; k < PER; k++) pixel[k] = inside && c + deep + k < C ? source[k * xc] : T(0);
            #pragma unroll
            for (int k = 0; k < 128 / BN; k++) {
                int four = threadIdx.x + k * THREADS;
                weight[k] = *(const Four*)(weights + (step * 8 + four / (BM / 4)) * padded_O + four % (BM / 4) * 4);
            }
            if (++b == KW) { b = 0; if (++a == KH) { a = 0; c += 8; } }
        }
        if (step) {
            #pragma unroll
            for (int k = 0; k < 8; k++)
                multiply(&left[(step - 1) % 2][k][down], &right[(step - 1) % 2][k][across], sum);
        }
        if (step < steps) {
            #pragma unroll
            for (int k = 0; k < PER; k++) right[step % 2][deep + k][mine] = pixel[k];
            #pragma unroll
            for (int k = 0; k < 128 / BN; k++) {
                int four = threadIdx.x + k * THREADS;
                *(Four*)&left[step % 2][four / (BM / 4)][four % (BM / 4) * 4] = weight[k];
            }
            __syncthreads();
        }
    }
    bool has_nan = false;
    int size = Ho * Wo;
    #pragma unroll
    for (int half = 0; half < 2; half++) {
        int j = start + across + half * 32;  // four windows side by side
        if (j >= count) continue;
        bool aligned = size % 4 == 0;
        #pragma unroll
        for (int i = 0; i < 8; i++) {
            int o = first + down + i % 4 + i / 4 * 16;
            if (o >= O) continue;
            T* four = &sum[i][half * 4], more = bias ? bias[group * O + o] : T(0);
            #pragma unroll
            for (int k = 0; k < 4; k++) four[k] += more, has_nan |= four[k] != four[k];
            T* target = out + ((j / size * gridDim.y + group) * O + o) * size + j % size;
            if (aligned) *(Four*)target = *(const Four*)four;
            else {
                #pragma unroll
                for (int k = 0; k < 4; k++) {
                    int n = (j + k) / size;
                    if (j + k < count) out[((n * gridDim.y + group) * O + o) * size + (j + k) % size] = four[k];
                }
            }
        }
    }
    if (has_nan) *seen = 1;
}
"""
# If any output is NaN, computes all that are NaN again, without the padding.
MEND = StructKernel(
    "mend",
    """
extern "C" __global__ void mend(
    const T* x, const T* w, T* out, const int* seen, int count, int C, int H, int W, int O, int Ho, int Wo,
    int KH, int KW, int groups, int ph, int pw, int dh, int dw,
    int xn, int xc, int xh, int xw, int wg, int wo, int wc, int wa, int wb)
{
    if (!*seen) return;
    for (int i = blockIdx.x * blockDim.x + threadIdx.x; i < count; i += gridDim.x * blockDim.x) {
        if (out[i] == out[i]) continue;
        int u = i % Wo, t = i / Wo % Ho, o = i / (Ho * Wo) % O, image = i / (Ho * Wo) / O, g = image % groups;
        T sum = T(0);
        for (int c = 0; c < C; c++)
            for (int a = 0; a < KH; a++)
                for (int b = 0; b < KW; b++) {
                    int row = t - ph + a * dh, col = u - pw + b * dw;
                    if (row < 0 || row >= H || col < 0 || col >= W) continue;
                    T weight = w[g * wg + o * wo + c * wc + a * wa + b * wb];
                    sum += weight * x[image / groups * xn + (g * C + c) * xc + row * xh + col * xw];
                }
        out[i] = sum;
    }
}
""",
)
WEIGHTS = """
extern "C" __global__ void __launch_bounds__(THREADS, 512 / THREADS) product_of_windows(
    const T* __restrict__ x, const T* __restrict__ g, T* __restrict__ parts,
    int count, int share, int C, int H, int W, int O, int Ho, int Wo, int KH, int KW,
    int sh, int sw, int ph, int pw, int dh, int dw, int xn, int xc, int xh, int xw, int gn, int go, int gh, int gw)
{
    __align__(16) __shared__ T left[2][16][BM + 4], right[2][16][BN + 4];
    __shared__ int place[BN], rows[BN], cols[BN];  // for each column of the tile: its first pixel, and its tap
    int K = C * KH * KW, tiles = (K + BN - 1) / BN, group = blockIdx.z;
    int first = blockIdx.x / tiles * BM, start = blockIdx.x % tiles * BN;
    for (int k = threadIdx.x; k < BN; k += THREADS) {
        int c = (start + k) / (KH * KW), a = (start + k) / KW % KH * dh, b = (start + k) % KW * dw;
        rows[k] = start + k < K ? a : 1 << 30;  // after the last column no pixel is inside
        cols[k] = b, place[k] = (group * C + c) * xc + a * xh + b * xw;
    }
    __syncthreads();
    // what this thread loads: every 16th window, and every (THREADS / 16)-th line of each tile
    int mine = threadIdx.x % 16, line = threadIdx.x / 16, window = blockIdx.y * share + mine;
    int end = min(count, (int)(blockIdx.y + 1) * share);
    int n = window / Wo / Ho, t = window / Wo % Ho, u = window % Wo;
    int warp = threadIdx.x / 32, lane = threadIdx.x % 32;
    int down = warp % (BM / 32) * 32 + lane / 8 * 4, across = warp / (BM / 32) * 64 + lane % 8 * 4;

    T sum[8][8] = {}, cotangent[1024 / BN], pixel[1024 / BM];
    int steps = (end - (int)blockIdx.y * share + 15) / 16;
    for (int step = 0; step <= steps; step++) {
        if (step < steps) {
            const T* from = g + (n * gn + (group * O + first + line) * go + t * gh + u * gw);
            #pragma unroll
            for (int k = 0; k < 1024 / BN; k++) {
                int down = k * (THREADS / 16);
                cotangent[k] = window < end && first + line + down < O ? from[down * go] : T(0);
            }
            int top = t * sh - ph, side = u * sw - pw;
            const T* image = x + (n * xn + top * xh + side * xw);
            #pragma unroll
            for (int k = 0; k < 1024 / BM; k++) {
                int column = line + k * (THREADS / 16), row = top + rows[column], col = side + cols[column];
                bool inside = window < end && row >= 0 && row < H && col >= 0 && col < W;
                pixel[k] = inside ? image[place[column]] : T(0);
            }
            window += 16, u += 16;
            while (u >= Wo) { u -= Wo; if (++t == Ho) { t = 0; n++; } }
        }
        if (step) {
            #pragma unroll
            for (int k = 0; k < 16; k++)
                multiply(&left[(step - 1) % 2][k][down], &right[(step - 1) % 2][k][across], sum);
        }
        if (step < steps) {
            #pragma unroll
            for (int k = 0; k < 1024 / BN; k++) left[step % 2][mine][line + k * (THREADS / 16)] = cotangent[k];
            #pragma unroll
            for (int k = 0; k < 1024 / BM; k++) right[step % 2][mine][line + k * (THREADS / 16)] = pixel[k];
            __syncthreads();
        }
    }
    T* part = parts + (size_t)(blockIdx.y * gridDim.z + group) * O * K;
    #pragma unroll
    for (int i = 0; i < 8; i++) {
        int o = first + down + i % 4 + i / 4 * 16;
        #pragma unroll
        for (int j = 0; j < 8; j++) {
            int k = start + across + j % 4 + j / 4 * 32;
            if (o < O && k < K) part[o * K + k] = sum[i][j];
        }
    }
}
"""
