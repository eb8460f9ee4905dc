// What kernels call: the part of CUDA's device functions that the library uses.
#ifndef HULLSPACE_EMULATED_DEVICE_FUNCTIONS_H
#define HULLSPACE_EMULATED_DEVICE_FUNCTIONS_H

#include <bit>
#include <cmath>
#include <concepts>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <type_traits>
#include <utility>

#define __global__
#define __device__
#define __host__
#define __constant__
#define __shared__ static  // blocks run one after the other
#define __forceinline__ inline __attribute__((always_inline))
#define __launch_bounds__(...)
#define __align__(n) __attribute__((aligned(n)))
#define __grid_constant__

// Vectors.
#define EMULATED_VECTORS(type, name, unit)                                      \
  struct __align__(2 * unit) name##2 { type x, y; };                            \
  struct name##3 { type x, y, z; };                                             \
  struct __align__(4 * unit > 16 ? 16 : 4 * unit) name##4 { type x, y, z, w; }; \
  inline name##2 make_##name##2(type x, type y) { return {x, y}; }              \
  inline name##3 make_##name##3(type x, type y, type z) { return {x, y, z}; }   \
  inline name##4 make_##name##4(type x, type y, type z, type w) { return {x, y, z, w}; }
EMULATED_VECTORS(float, float, 4)
EMULATED_VECTORS(double, double, 8)
EMULATED_VECTORS(int, int, 4)
EMULATED_VECTORS(unsigned, uint, 4)
EMULATED_VECTORS(long long, longlong, 8)
EMULATED_VECTORS(unsigned long long, ulonglong, 8)
#undef EMULATED_VECTORS

struct dim3 {
  unsigned x = 1, y = 1, z = 1;
  constexpr dim3(unsigned x_ = 1, unsigned y_ = 1, unsigned z_ = 1) : x(x_), y(y_), z(z_) {}
};

extern uint3 threadIdx, blockIdx;  // of the fiber that runs
extern dim3 blockDim, gridDim;
inline constexpr int warpSize = 32;

namespace hullspace::emulation {

[[noreturn]] void fail(const char* format, ...) __attribute__((format(printf, 1, 2)));

// Give memory the contents that it has before anybody writes to it: NaN as float and as double, and
// a large integer.
void fill_unset(void* memory, std::size_t n_bytes);

// Wait until all threads of the block have come here; the sum of their values.
int meet_block(const char* what, int value);

inline constexpr int kLaneBytes = 512;  // the most that a lane can show
// Show `n_bytes` of `mine` to the other lanes of `mask` once all have come here. What lane i showed
// is at the result + kLaneBytes * i, until the calling thread's next collective.
const unsigned char* meet_warp(const char* what, unsigned mask, const void* mine, int n_bytes);

// What every lane of a warp showed.
template <class T>
class Lanes {
 public:
  Lanes(const char* what, unsigned mask, const T& mine)
      : what_(what), mask_(mask), shown_(meet_warp(what, mask, &mine, sizeof(T))) {
    static_assert(sizeof(T) <= kLaneBytes && std::is_trivially_copyable_v<T>);
  }
  T operator[](int lane) const {
    if ((mask_ >> static_cast<unsigned>(lane) & 1U) == 0) {
      fail("%s reads lane %d, which is not in its mask %#x", what_, lane, mask_);
    }
    T value;
    std::memcpy(static_cast<void*>(&value), shown_ + kLaneBytes * lane, sizeof(T));
    return value;
  }

 private:
  const char* what_;
  unsigned mask_;
  const unsigned char* shown_;
};

// For what has no counterpart below, such as products of matrix fragments:
//   const auto lanes = hullspace::emulation::exchange("mma", mine);  ... lanes[i] ...
template <class T>
Lanes<T> exchange(const char* what, const T& mine, unsigned mask = 0xffffffffU) {
  return {what, mask, mine};
}

// The lane of the warp that the calling thread is.
inline int own_lane() {
  const unsigned row = threadIdx.y + threadIdx.z * blockDim.y;
  return static_cast<int>((threadIdx.x + row * blockDim.x) % 32U);
}

template <class T>
concept Shuffled =
    std::same_as<T, int> || std::same_as<T, unsigned> || std::same_as<T, long> ||
    std::same_as<T, unsigned long> || std::same_as<T, long long> ||
    std::same_as<T, unsigned long long> || std::same_as<T, float> || std::same_as<T, double>;
template <class T>
concept AtomicInteger =
    std::same_as<T, int> || std::same_as<T, unsigned> || std::same_as<T, unsigned long long>;
template <class T>
concept AtomicNumber = AtomicInteger<T> || std::same_as<T, float> || std::same_as<T, double>;

// What a shuffle takes from lane `from`, or the thread's own if that is outside the segment.
template <class T>
T shuffled(const char* what, unsigned mask, T mine, int from, int first, int last) {
  const Lanes<T> lanes(what, mask, mine);
  return from < first || from > last ? mine : lanes[from];
}

template <class T>
T replace(T* place, T value) {
  return std::exchange(*place, value);
}

}  // namespace hullspace::emulation

namespace hullspace::cuda {
unsigned char* emulated_block_memory();
}

// Barriers and collectives.
inline void __syncthreads() { hullspace::emulation::meet_block("__syncthreads", 0); }
inline int __syncthreads_count(int yes) {
  return hullspace::emulation::meet_block("__syncthreads_count", yes != 0 ? 1 : 0);
}
inline int __syncthreads_or(int yes) {
  return hullspace::emulation::meet_block("__syncthreads_or", yes != 0 ? 1 : 0) > 0 ? 1 : 0;
}
inline int __syncthreads_and(int yes) {
  return hullspace::emulation::meet_block("__syncthreads_and", yes != 0 ? 0 : 1) == 0 ? 1 : 0;
}
inline void __syncwarp(unsigned mask = 0xffffffffU) {
  hullspace::emulation::meet_warp("__syncwarp", mask, nullptr, 0);
}
inline unsigned __ballot_sync(unsigned mask, int yes) {
  const hullspace::emulation::Lanes<int> lanes("__ballot_sync", mask, yes);
  unsigned ballot = 0;
  for (unsigned rest = mask; rest != 0; rest &= rest - 1) {
    const int lane = std::countr_zero(rest);
    ballot |= (lanes[lane] != 0 ? 1U : 0U) << static_cast<unsigned>(lane);
  }
  return ballot;
}
inline int __any_sync(unsigned mask, int yes) { return __ballot_sync(mask, yes) != 0 ? 1 : 0; }
inline int __all_sync(unsigned mask, int yes) { return __ballot_sync(mask, yes) == mask ? 1 : 0; }

template <hullspace::emulation::Shuffled T>
T __shfl_sync(unsigned mask, T mine, int from, int width = 32) {
  const int first = hullspace::emulation::own_lane() & -width;
  from = first + (from & (width - 1));
  return hullspace::emulation::shuffled("__shfl_sync", mask, mine, from, first, first + width - 1);
}
template <hullspace::emulation::Shuffled T>
T __shfl_xor_sync(unsigned mask, T mine, int step, int width = 32) {
  const int lane = hullspace::emulation::own_lane();
  const int last = (lane & -width) + width - 1;  // lower segments may be read
  return hullspace::emulation::shuffled("__shfl_xor_sync", mask, mine, lane ^ step, 0, last);
}
template <hullspace::emulation::Shuffled T>
T __shfl_down_sync(unsigned mask, T mine, unsigned step, int width = 32) {
  const int lane = hullspace::emulation::own_lane();
  const int from = lane + static_cast<int>(step);
  const int last = (lane & -width) + width - 1;
  return hullspace::emulation::shuffled("__shfl_down_sync", mask, mine, from, 0, last);
}
template <hullspace::emulation::Shuffled T>
T __shfl_up_sync(unsigned mask, T mine, unsigned step, int width = 32) {
  const int lane = hullspace::emulation::own_lane();
  const int from = lane - static_cast<int>(step);
  return hullspace::emulation::shuffled("__shfl_up_sync", mask, mine, from, lane & -width, 31);
}

// Atomics: fibers change over nowhere else than above.
template <hullspace::emulation::AtomicNumber T>
T atomicAdd(T* place, std::type_identity_t<T> value) {
  return hullspace::emulation::replace<T>(place, *place + value);
}
template <hullspace::emulation::AtomicInteger T>
T atomicMin(T* place, std::type_identity_t<T> value) {
  return hullspace::emulation::replace<T>(place, value < *place ? value : *place);
}
template <hullspace::emulation::AtomicInteger T>
T atomicMax(T* place, std::type_identity_t<T> value) {
  return hullspace::emulation::replace<T>(place, value > *place ? value : *place);
}
template <hullspace::emulation::AtomicInteger T>
T atomicOr(T* place, std::type_identity_t<T> value) {
  return hullspace::emulation::replace<T>(place, *place | value);
}
template <hullspace::emulation::AtomicInteger T>
T atomicAnd(T* place, std::type_identity_t<T> value) {
  return hullspace::emulation::replace<T>(place, *place & value);
}
template <hullspace::emulation::AtomicNumber T>
  requires(!std::same_as<T, double>)
T atomicExch(T* place, std::type_identity_t<T> value) {
  return hullspace::emulation::replace<T>(place, value);
}
template <hullspace::emulation::AtomicInteger T>
T atomicCAS(T* place, std::type_identity_t<T> expected, std::type_identity_t<T> value) {
  return hullspace::emulation::replace<T>(place, *place == expected ? value : *place);
}
inline void __threadfence() {}
inline void __threadfence_block() {}
inline void __threadfence_system() {}

// Numbers.
inline int __popc(unsigned x) { return std::popcount(x); }
inline int __popcll(unsigned long long x) { return std::popcount(x); }
inline int __clz(int x) { return std::countl_zero(static_cast<unsigned>(x)); }
inline int __clzll(long long x) { return std::countl_zero(static_cast<unsigned long long>(x)); }
inline int __ffs(int x) { return x == 0 ? 0 : 1 + std::countr_zero(static_cast<unsigned>(x)); }
inline int __ffsll(long long x) {
  return x == 0 ? 0 : 1 + std::countr_zero(static_cast<unsigned long long>(x));
}
template <class T>
T __ldg(const T* place) {
  return *place;
}
inline int __float_as_int(float x) { return std::bit_cast<int>(x); }
inline float __int_as_float(int x) { return std::bit_cast<float>(x); }
inline unsigned __float_as_uint(float x) { return std::bit_cast<unsigned>(x); }
inline float __uint_as_float(unsigned x) { return std::bit_cast<float>(x); }
inline long long __double_as_longlong(double x) { return std::bit_cast<long long>(x); }
inline double __longlong_as_double(long long x) { return std::bit_cast<double>(x); }
inline float __fmaf_rn(float x, float y, float z) { return std::fma(x, y, z); }
inline double __fma_rn(double x, double y, double z) { return std::fma(x, y, z); }
inline float rsqrtf(float x) { return 1.0F / std::sqrt(x); }
inline double rsqrt(double x) { return 1.0 / std::sqrt(x); }

#define EMULATED_EXTREMES(type)                             \
  inline type min(type a, type b) { return b < a ? b : a; } \
  inline type max(type a, type b) { return a < b ? b : a; }
EMULATED_EXTREMES(int)
EMULATED_EXTREMES(unsigned)
EMULATED_EXTREMES(long)
EMULATED_EXTREMES(unsigned long)
EMULATED_EXTREMES(long long)
EMULATED_EXTREMES(unsigned long long)
#undef EMULATED_EXTREMES
// The number, if one of them is not.
inline float min(float a, float b) { return std::fmin(a, b); }
inline float max(float a, float b) { return std::fmax(a, b); }
inline double min(double a, double b) { return std::fmin(a, b); }
inline double max(double a, double b) { return std::fmax(a, b); }

#endif
