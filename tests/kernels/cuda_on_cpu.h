// What a CUDA kernel needs of CUDA, for a C++ compiler: `cuda_on_cpu.py` puts a kernel's source after this.
//
// Every thread of a block is a fiber (ucontext): it runs until it waits, at a barrier of its block or of
// its warp, and then the next one runs. A block that nobody can release is an error, as is a block whose
// threads wait at different `__syncthreads` lines; a GPU would hang or compute nonsense there.
// Blocks run one after another, so `__shared__` is memory of the whole program.
#include <algorithm>
#include <cmath>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <functional>
#include <ucontext.h>
#include <vector>
using namespace std;

#define __global__
#define __device__
#define __host__
#define __forceinline__ inline
#define __noinline__
#define __restrict__
#define __grid_constant__
#define __constant__ static
#define __shared__ static
#define __launch_bounds__(...)
#define __align__(n) alignas(n)
#define __CUDA_ON_CPU__ 1

struct uint3 { unsigned x, y, z; };
static uint3 threadIdx, blockIdx;
struct dim3 { unsigned x, y, z; };
static dim3 blockDim, gridDim;
static const int warpSize = 32;

#define VECTOR(T, name) \
    struct alignas(2 * sizeof(T)) name##2 { T x, y; }; \
    struct name##3 { T x, y, z; }; \
    struct alignas(4 * sizeof(T) > 16 ? 16 : 4 * sizeof(T)) name##4 { T x, y, z, w; }; \
    static inline name##2 make_##name##2(T x, T y) { return {x, y}; } \
    static inline name##4 make_##name##4(T x, T y, T z, T w) { return {x, y, z, w}; }
VECTOR(float, float)
VECTOR(double, double)
VECTOR(int, int)
VECTOR(long long, longlong)
VECTOR(unsigned long long, ulonglong)
VECTOR(short, short)
VECTOR(unsigned char, uchar)
VECTOR(signed char, char)
struct alignas(8) uint2 { unsigned x, y; };
struct alignas(16) uint4 { unsigned x, y, z, w; };
static inline uint2 make_uint2(unsigned x, unsigned y) { return {x, y}; }
static inline uint4 make_uint4(unsigned x, unsigned y, unsigned z, unsigned w) { return {x, y, z, w}; }

// ---- threads of a block -------------------------------------------------------------------------
enum Waits { RUNS, AT_BLOCK, AT_WARP, ENDED };
struct Fiber {
    ucontext_t context;
    vector<char> stack;
    Waits waits;
    int line;
    unsigned mask;
    unsigned long long slot;  // what it offers to its warp
};
static vector<Fiber> fibers;
static ucontext_t scheduler;
static unsigned current;
static function<void()> body;
static char* dynamic_shared;
static const char* failure;

static void wait_for(Waits what, int line, unsigned mask) {
    unsigned self = current;
    fibers[self].waits = what, fibers[self].line = line, fibers[self].mask = mask;
    swapcontext(&fibers[self].context, &scheduler);
}
static void thread_main() {
    body();
    fibers[current].waits = ENDED;
    swapcontext(&fibers[current].context, &scheduler);
}
#define __syncthreads() wait_for(AT_BLOCK, __LINE__, 0)
#define __threadfence()
#define __threadfence_block()
static void __syncwarp(unsigned mask = 0xffffffffu) { wait_for(AT_WARP, 0, mask); }

template <class T> static T exchange(unsigned mask, T value, unsigned lane) {
    unsigned warp = current / 32 * 32;
    memcpy(&fibers[current].slot, &value, sizeof(T));
    wait_for(AT_WARP, 0, mask);
    unsigned source = warp + lane;
    T got = value;
    if (lane < 32 && source < fibers.size()) memcpy(&got, &fibers[source].slot, sizeof(T));
    wait_for(AT_WARP, 0, mask);
    return got;
}
template <class T> static T __shfl_sync(unsigned mask, T v, int lane, int width = 32) {
    return exchange(mask, v, current % 32 / width * width + lane % width);
}
template <class T> static T __shfl_xor_sync(unsigned mask, T v, int lanes, int = 32) { return exchange(mask, v, (current % 32) ^ lanes); }
template <class T> static T __shfl_down_sync(unsigned mask, T v, int by, int width = 32) {
    int lane = current % 32;
    return exchange(mask, v, lane % width + by < width ? lane + by : lane);
}
template <class T> static T __shfl_up_sync(unsigned mask, T v, int by, int width = 32) {
    int lane = current % 32;
    return exchange(mask, v, lane % width >= by ? lane - by : lane);
}
static unsigned __ballot_sync(unsigned mask, int predicate) {
    unsigned votes = 0, warp = current / 32 * 32;
    fibers[current].slot = predicate != 0;
    wait_for(AT_WARP, 0, mask);
    for (unsigned lane = 0; lane < 32 && warp + lane < fibers.size(); lane++)
        if (mask >> lane & 1 && fibers[warp + lane].waits != ENDED && fibers[warp + lane].slot) votes |= 1u << lane;
    wait_for(AT_WARP, 0, mask);
    return votes;
}
static int __any_sync(unsigned mask, int p) { return __ballot_sync(mask, p) != 0; }
static int __all_sync(unsigned mask, int p) { return __ballot_sync(mask, !p) == 0; }
static int __syncthreads_or(int p) {
    static int any;
    if (current == 0) any = 0;
    wait_for(AT_BLOCK, -1, 0);
    any |= p != 0;
    wait_for(AT_BLOCK, -2, 0);
    int got = any;
    wait_for(AT_BLOCK, -3, 0);
    return got;
}

// Releases whoever may go on; false where nobody may.
static bool release() {
    bool released = false, all_at_block = true;
    int line = 0;
    for (unsigned first = 0; first < fibers.size(); first += 32) {
        unsigned end = min<unsigned>(first + 32, fibers.size());
        for (unsigned i = first; i < end; i++) {
            if (fibers[i].waits == ENDED) continue;
            if (fibers[i].waits != AT_BLOCK) { all_at_block = false; continue; }
            if (line && line != fibers[i].line) failure = "threads of one block wait at different __syncthreads()";
            line = fibers[i].line;
        }
        for (unsigned i = first; i < end; i++) {
            if (fibers[i].waits != AT_WARP) continue;
            bool complete = true;
            for (unsigned j = first; j < end; j++)
                if (fibers[i].mask >> (j - first) & 1 && fibers[j].waits != AT_WARP && fibers[j].waits != ENDED) complete = false;
            if (!complete) continue;
            for (unsigned j = first; j < end; j++)
                if (fibers[i].mask >> (j - first) & 1 && fibers[j].waits == AT_WARP) fibers[j].waits = RUNS, released = true;
        }
    }
    if (all_at_block && line)
        for (auto& fiber : fibers)
            if (fiber.waits == AT_BLOCK) fiber.waits = RUNS, released = true;
    return released;
}
static void run_block() {
    for (auto& fiber : fibers) {
        getcontext(&fiber.context);
        fiber.waits = RUNS;
        fiber.context.uc_stack.ss_sp = fiber.stack.data();
        fiber.context.uc_stack.ss_size = fiber.stack.size();
        fiber.context.uc_link = nullptr;
        makecontext(&fiber.context, thread_main, 0);
    }
    for (bool alive = true; alive && !failure;) {
        alive = false;
        for (current = 0; current < fibers.size(); current++) {
            Fiber& fiber = fibers[current];
            if (fiber.waits != RUNS) continue;
            threadIdx = {current % blockDim.x, current / blockDim.x % blockDim.y, current / (blockDim.x * blockDim.y)};
            swapcontext(&scheduler, &fiber.context);
        }
        for (auto& fiber : fibers) alive |= fiber.waits != ENDED;
        if (alive && !release()) failure = "threads wait for each other for ever";
    }
}
// threadIdx belongs to whoever runs: a fiber that was resumed has its own again.
static const char* launch_all(const unsigned* grid, const unsigned* block, size_t shared, bool barriers, function<void()> kernel) {
    gridDim = {grid[0], grid[1], grid[2]}, blockDim = {block[0], block[1], block[2]};
    unsigned threads = block[0] * block[1] * block[2];
    vector<unsigned long long> memory(shared / 8 + 4);
    dynamic_shared = reinterpret_cast<char*>((reinterpret_cast<uintptr_t>(memory.data()) + 15) / 16 * 16);
    body = kernel, failure = nullptr;
    fibers.resize(barriers ? threads : 1);
    for (auto& fiber : fibers) fiber.stack.resize(barriers ? 65536 : 16);
    for (blockIdx.z = 0; blockIdx.z < grid[2]; blockIdx.z++)
        for (blockIdx.y = 0; blockIdx.y < grid[1]; blockIdx.y++)
            for (blockIdx.x = 0; blockIdx.x < grid[0] && !failure; blockIdx.x++) {
                fill(memory.begin(), memory.end(), 0x7ff8dead7fc0deadull);  // NaN, as float and as double: nothing is zero by itself
                if (barriers) { run_block(); continue; }
                for (unsigned i = 0; i < threads; i++) {
                    threadIdx = {i % block[0], i / block[0] % block[1], i / (block[0] * block[1])};
                    kernel();
                }
            }
    return failure;
}

// ---- numbers ------------------------------------------------------------------------------------
template <class T> static inline T __ldg(const T* p) { return *p; }
template <class T> static inline T __ldcs(const T* p) { return *p; }
template <class T> static inline void __stcs(T* p, T v) { *p = v; }
template <class T> static inline T atomicAdd(T* p, T v) { T old = *p; *p = old + v; return old; }
template <class T> static inline T atomicMax(T* p, T v) { T old = *p; if (v > old) *p = v; return old; }
template <class T> static inline T atomicMin(T* p, T v) { T old = *p; if (v < old) *p = v; return old; }
static inline unsigned __umulhi(unsigned a, unsigned b) { return (unsigned)((unsigned long long)a * b >> 32); }
static inline int __clz(int x) { return x ? __builtin_clz(x) : 32; }
static inline int __popc(unsigned x) { return __builtin_popcount(x); }
static inline int __ffs(int x) { return __builtin_ffs(x); }
static inline int __float_as_int(float x) { int i; memcpy(&i, &x, 4); return i; }
static inline unsigned __float_as_uint(float x) { unsigned i; memcpy(&i, &x, 4); return i; }
static inline float __int_as_float(int x) { float f; memcpy(&f, &x, 4); return f; }
static inline float __uint_as_float(unsigned x) { float f; memcpy(&f, &x, 4); return f; }
static inline long long __double_as_longlong(double x) { long long i; memcpy(&i, &x, 8); return i; }
static inline double __longlong_as_double(long long x) { double d; memcpy(&d, &x, 8); return d; }
static inline float __fadd_rn(float a, float b) { return a + b; }
static inline float __fsub_rn(float a, float b) { return a - b; }
static inline float __fmul_rn(float a, float b) { return a * b; }
static inline float __fdiv_rn(float a, float b) { return a / b; }
static inline float __fdividef(float a, float b) { return a / b; }
static inline float __frcp_rn(float a) { return 1.0f / a; }
static inline float __fsqrt_rn(float a) { return sqrtf(a); }
static inline float __fmaf_rn(float a, float b, float c) { return fmaf(a, b, c); }
static inline double __dadd_rn(double a, double b) { return a + b; }
static inline double __dmul_rn(double a, double b) { return a * b; }
static inline double __ddiv_rn(double a, double b) { return a / b; }
static inline double __dsqrt_rn(double a) { return sqrt(a); }
static inline double __fma_rn(double a, double b, double c) { return fma(a, b, c); }
#define __expf expf  // the C library has functions of these names
#define __logf logf
#define __sinf sinf
#define __cosf cosf
#define __sincosf sincosf
static inline float rsqrtf(float x) { return 1.0f / sqrtf(x); }
static inline double rsqrt(double x) { return 1.0 / std::sqrt(x); }
static inline float rsqrt(float x) { return rsqrtf(x); }
static inline void sincospif(float x, float* s, float* c) { *s = (float)std::sin(M_PI * (double)x), *c = (float)std::cos(M_PI * (double)x); }
static inline void sincospi(double x, double* s, double* c) { *s = std::sin(M_PI * x), *c = std::cos(M_PI * x); }
static inline float sinpif(float x) { return (float)std::sin(M_PI * (double)x); }
static inline float cospif(float x) { return (float)std::cos(M_PI * (double)x); }
static inline float saturate(float x) { return x < 0 ? 0 : x > 1 ? 1 : x; }
template <class A, class B> static inline auto max(A a, B b) -> decltype(a + b) { return a > b ? a : b; }
template <class A, class B> static inline auto min(A a, B b) -> decltype(a + b) { return a < b ? a : b; }
typedef _Float16 half;
typedef _Float16 __half;
static inline float __half2float(half x) { return (float)x; }
static inline half __float2half(float x) { return (half)x; }
static inline half __float2half_rn(float x) { return (half)x; }
#define CUDART_INF_F __builtin_inff()
