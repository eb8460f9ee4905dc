// One vector of floats and one of doubles of the instruction set that the including file is
// compiled for. Only kernel translation units include this; everything has internal linkage.
#pragma once

#include <cstdint>

#if defined(__AVX512F__) || defined(__AVX2__) || defined(__SSE2__)
// GCC 12 takes the intrinsics' own undefined values for uses of uninitialized ones (its bug
// 105593).
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wuninitialized"
#ifndef __clang__
#pragma GCC diagnostic ignored "-Wmaybe-uninitialized"
#endif
#include <immintrin.h>
#pragma GCC diagnostic pop
#elif defined(__ARM_NEON)
#include <arm_neon.h>
#endif

// Loops over a tile must be unrolled early, or the compiler keeps the tile's sums in memory.
#define HULLSPACE_UNROLL _Pragma("GCC unroll 8")

namespace hullspace {
namespace {

#if defined(__AVX512F__)

struct Floats {
  static constexpr int kWidth = 16;
  static constexpr int kTileVectors = 3;
  static constexpr int kTileDirections = 8;
  __m512 value;

  static Floats zero() { return {_mm512_setzero_ps()}; }
  static Floats broadcast(float x) { return {_mm512_set1_ps(x)}; }
  static Floats load(const float* x) { return {_mm512_loadu_ps(x)}; }
  void store(float* x) const { _mm512_storeu_ps(x, value); }
  void add_product(Floats a, Floats b) { value = _mm512_fmadd_ps(a.value, b.value, value); }
  std::uint64_t below(Floats t) const { return _mm512_cmp_ps_mask(value, t.value, _CMP_LT_OQ); }
};

struct Doubles {
  static constexpr int kWidth = 8;
  static constexpr int kDotVectors = 6;
  static constexpr int kProductRows = 8;
  __m512d value;

  static Doubles zero() { return {_mm512_setzero_pd()}; }
  static Doubles broadcast(double x) { return {_mm512_set1_pd(x)}; }
  static Doubles load(const double* x) { return {_mm512_loadu_pd(x)}; }
  void store(double* x) const { _mm512_storeu_pd(x, value); }
  void add_product(Doubles a, Doubles b) { value = _mm512_fmadd_pd(a.value, b.value, value); }
  static void store_sums(Doubles a, Doubles b, Doubles c, Doubles d, double* out) {
    const __m512d ab =
        _mm512_add_pd(_mm512_unpacklo_pd(a.value, b.value), _mm512_unpackhi_pd(a.value, b.value));
    const __m512d cd =
        _mm512_add_pd(_mm512_unpacklo_pd(c.value, d.value), _mm512_unpackhi_pd(c.value, d.value));
    const __m256d half_ab =
        _mm256_add_pd(_mm512_castpd512_pd256(ab), _mm512_extractf64x4_pd(ab, 1));
    const __m256d half_cd =
        _mm256_add_pd(_mm512_castpd512_pd256(cd), _mm512_extractf64x4_pd(cd, 1));
    _mm256_storeu_pd(out, _mm256_add_pd(_mm256_permute2f128_pd(half_ab, half_cd, 0x20),
                                        _mm256_permute2f128_pd(half_ab, half_cd, 0x31)));
  }
};

#elif defined(__AVX2__)

struct Floats {
  static constexpr int kWidth = 8;
  static constexpr int kTileVectors = 2;
  static constexpr int kTileDirections = 6;
  __m256 value;

  static Floats zero() { return {_mm256_setzero_ps()}; }
  static Floats broadcast(float x) { return {_mm256_set1_ps(x)}; }
  static Floats load(const float* x) { return {_mm256_loadu_ps(x)}; }
  void store(float* x) const { _mm256_storeu_ps(x, value); }
  void add_product(Floats a, Floats b) { value = _mm256_fmadd_ps(a.value, b.value, value); }
  std::uint64_t below(Floats t) const {
    return static_cast<std::uint64_t>(
        _mm256_movemask_ps(_mm256_cmp_ps(value, t.value, _CMP_LT_OQ)));
  }
};

struct Doubles {
  static constexpr int kWidth = 4;
  static constexpr int kDotVectors = 2;
  static constexpr int kProductRows = 4;
  __m256d value;

  static Doubles zero() { return {_mm256_setzero_pd()}; }
  static Doubles broadcast(double x) { return {_mm256_set1_pd(x)}; }
  static Doubles load(const double* x) { return {_mm256_loadu_pd(x)}; }
  void store(double* x) const { _mm256_storeu_pd(x, value); }
  void add_product(Doubles a, Doubles b) { value = _mm256_fmadd_pd(a.value, b.value, value); }
  static void store_sums(Doubles a, Doubles b, Doubles c, Doubles d, double* out) {
    const __m256d ab = _mm256_hadd_pd(a.value, b.value);
    const __m256d cd = _mm256_hadd_pd(c.value, d.value);
    _mm256_storeu_pd(out, _mm256_add_pd(_mm256_permute2f128_pd(ab, cd, 0x20),
                                        _mm256_permute2f128_pd(ab, cd, 0x31)));
  }
};

#elif defined(__SSE2__)

struct Floats {
  static constexpr int kWidth = 4;
  static constexpr int kTileVectors = 3;
  static constexpr int kTileDirections = 4;
  __m128 value;

  static Floats zero() { return {_mm_setzero_ps()}; }
  static Floats broadcast(float x) { return {_mm_set1_ps(x)}; }
  static Floats load(const float* x) { return {_mm_loadu_ps(x)}; }
  void store(float* x) const { _mm_storeu_ps(x, value); }
  void add_product(Floats a, Floats b) { value = _mm_add_ps(value, _mm_mul_ps(a.value, b.value)); }
  std::uint64_t below(Floats t) const {
    return static_cast<std::uint64_t>(_mm_movemask_ps(_mm_cmplt_ps(value, t.value)));
  }
};

struct Doubles {
  static constexpr int kWidth = 2;
  static constexpr int kDotVectors = 2;
  static constexpr int kProductRows = 4;
  __m128d value;

  static Doubles zero() { return {_mm_setzero_pd()}; }
  static Doubles broadcast(double x) { return {_mm_set1_pd(x)}; }
  static Doubles load(const double* x) { return {_mm_loadu_pd(x)}; }
  void store(double* x) const { _mm_storeu_pd(x, value); }
  void add_product(Doubles a, Doubles b) {
    value = _mm_add_pd(value, _mm_mul_pd(a.value, b.value));
  }
  static void store_sums(Doubles a, Doubles b, Doubles c, Doubles d, double* out) {
    _mm_storeu_pd(out,
                  _mm_add_pd(_mm_unpacklo_pd(a.value, b.value), _mm_unpackhi_pd(a.value, b.value)));
    _mm_storeu_pd(out + 2,
                  _mm_add_pd(_mm_unpacklo_pd(c.value, d.value), _mm_unpackhi_pd(c.value, d.value)));
  }
};

#elif defined(__ARM_NEON)

struct Floats {
  static constexpr int kWidth = 4;
  static constexpr int kTileVectors = 4;
  static constexpr int kTileDirections = 6;
  float32x4_t value;

  static Floats zero() { return {vdupq_n_f32(0.0F)}; }
  static Floats broadcast(float x) { return {vdupq_n_f32(x)}; }
  static Floats load(const float* x) { return {vld1q_f32(x)}; }
  void store(float* x) const { vst1q_f32(x, value); }
  void add_product(Floats a, Floats b) { value = vfmaq_f32(value, a.value, b.value); }
  std::uint64_t below(Floats t) const {
    const uint32x4_t bits = {1, 2, 4, 8};
    return vaddvq_u32(vandq_u32(vcltq_f32(value, t.value), bits));
  }
};

struct Doubles {
  static constexpr int kWidth = 2;
  static constexpr int kDotVectors = 4;
  static constexpr int kProductRows = 4;
  float64x2_t value;

  static Doubles zero() { return {vdupq_n_f64(0.0)}; }
  static Doubles broadcast(double x) { return {vdupq_n_f64(x)}; }
  static Doubles load(const double* x) { return {vld1q_f64(x)}; }
  void store(double* x) const { vst1q_f64(x, value); }
  void add_product(Doubles a, Doubles b) { value = vfmaq_f64(value, a.value, b.value); }
  static void store_sums(Doubles a, Doubles b, Doubles c, Doubles d, double* out) {
    vst1q_f64(out, vpaddq_f64(a.value, b.value));
    vst1q_f64(out + 2, vpaddq_f64(c.value, d.value));
  }
};

#else

struct Floats {
  static constexpr int kWidth = 1;
  static constexpr int kTileVectors = 8;
  static constexpr int kTileDirections = 4;
  float value;

  static Floats zero() { return {0.0F}; }
  static Floats broadcast(float x) { return {x}; }
  static Floats load(const float* x) { return {*x}; }
  void store(float* x) const { *x = value; }
  void add_product(Floats a, Floats b) { value += a.value * b.value; }
  std::uint64_t below(Floats t) const { return value < t.value ? 1U : 0U; }
};

struct Doubles {
  static constexpr int kWidth = 1;
  static constexpr int kDotVectors = 2;
  static constexpr int kProductRows = 4;
  double value;

  static Doubles zero() { return {0.0}; }
  static Doubles broadcast(double x) { return {x}; }
  static Doubles load(const double* x) { return {*x}; }
  void store(double* x) const { *x = value; }
  void add_product(Doubles a, Doubles b) { value += a.value * b.value; }
  static void store_sums(Doubles a, Doubles b, Doubles c, Doubles d, double* out) {
    out[0] = a.value;
    out[1] = b.value;
    out[2] = c.value;
    out[3] = d.value;
  }
};

#endif

}  // namespace
}  // namespace hullspace
