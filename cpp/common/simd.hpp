// One vector of floats of the instruction set that the including file is compiled for.
// Only kernel translation units include this; everything has internal linkage.
#pragma once

#include <cstdint>

#if defined(__AVX512F__) || defined(__AVX2__) || defined(__SSE2__)
#include <immintrin.h>
#elif defined(__ARM_NEON)
#include <arm_neon.h>
#endif

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

#endif

}  // namespace
}  // namespace hullspace
