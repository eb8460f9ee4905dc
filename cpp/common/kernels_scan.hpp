// Kernels of scans: tiles of scores, in single precision and in bytes. A part of kernels_impl.hpp.
#pragma once

#include <cstddef>
#include <cstdint>

#include "common/kernels.hpp"
#include "common/simd.hpp"

namespace hullspace {
namespace {

using Accumulators = Floats[Floats::kTileDirections][Floats::kTileVectors];

// Dot products of kTileVectors vectors of points, starting at `panel`, with a tile of directions.
inline void accumulate(const float* panel, const float* tile, std::ptrdiff_t n_rows,
                       Accumulators& sums) {
  HULLSPACE_UNROLL
  for (int j = 0; j < Floats::kTileDirections; ++j) {
    HULLSPACE_UNROLL
    for (int v = 0; v < Floats::kTileVectors; ++v) sums[j][v] = Floats::zero();
  }
  for (std::ptrdiff_t k = 0; k < n_rows; ++k) {
    Floats points[Floats::kTileVectors];
    HULLSPACE_UNROLL
    for (int v = 0; v < Floats::kTileVectors; ++v) {
      points[v] = Floats::load(panel + k * kPanelPoints + v * Floats::kWidth);
    }
    HULLSPACE_UNROLL
    for (int j = 0; j < Floats::kTileDirections; ++j) {
      const Floats coordinate = Floats::broadcast(tile[k * Floats::kTileDirections + j]);
      HULLSPACE_UNROLL
      for (int v = 0; v < Floats::kTileVectors; ++v) sums[j][v].add_product(points[v], coordinate);
    }
  }
}

std::uint32_t score_tile(const float* panel, const float* tile, std::ptrdiff_t n_rows,
                         const float* thresholds, float* scores, std::uint64_t* hits) {
  constexpr int kStep = Floats::kTileVectors * Floats::kWidth;
  static_assert(kPanelPoints % kStep == 0);
  HULLSPACE_UNROLL
  for (int j = 0; j < Floats::kTileDirections; ++j) hits[j] = 0;
  for (int first = 0; first < kPanelPoints; first += kStep) {
    Accumulators sums;
    accumulate(panel + first, tile, n_rows, sums);
    HULLSPACE_UNROLL
    for (int j = 0; j < Floats::kTileDirections; ++j) {
      const Floats threshold = Floats::broadcast(thresholds[j]);
      std::uint64_t below = 0;
      HULLSPACE_UNROLL
      for (int v = 0; v < Floats::kTileVectors; ++v) {
        below |= sums[j][v].below(threshold) << (v * Floats::kWidth);
      }
      if (below == 0) continue;
      hits[j] |= below << first;
      HULLSPACE_UNROLL
      for (int v = 0; v < Floats::kTileVectors; ++v) {
        sums[j][v].store(scores + j * kPanelPoints + first + v * Floats::kWidth);
      }
    }
  }
  std::uint32_t mask = 0;
  HULLSPACE_UNROLL
  for (int j = 0; j < Floats::kTileDirections; ++j) {
    if (hits[j] != 0) mask |= 1U << j;
  }
  return mask;
}

#if defined(__AVX512VNNI__)

constexpr int kByteVectors = kPanelPoints / 16;
using ByteTotals = __m512i[Floats::kTileDirections][kByteVectors];

// Write the sums of the directions that have any below its threshold, which negative totals are.
inline std::uint32_t store_hits(const ByteTotals& totals, const std::int32_t* thresholds,
                                std::int32_t* sums, std::uint64_t* hits) {
  std::uint32_t mask = 0;
  HULLSPACE_UNROLL
  for (int j = 0; j < Floats::kTileDirections; ++j) {
    __m512i any = totals[j][0];
    HULLSPACE_UNROLL
    for (int v = 1; v < kByteVectors; ++v) any = _mm512_or_si512(any, totals[j][v]);
    hits[j] = 0;
    if (_mm512_movepi32_mask(any) == 0) continue;
    mask |= 1U << j;
    HULLSPACE_UNROLL
    for (int v = 0; v < kByteVectors; ++v) {
      hits[j] |= static_cast<std::uint64_t>(_mm512_movepi32_mask(totals[j][v])) << (v * 16);
      _mm512_storeu_si512(sums + j * kPanelPoints + v * 16,
                          _mm512_add_epi32(totals[j][v], _mm512_set1_epi32(thresholds[j])));
    }
  }
  return mask;
}

std::uint32_t score_byte_tile(const std::uint8_t* panel, const std::int8_t* tile,
                              std::ptrdiff_t n_groups, const std::int32_t* thresholds,
                              std::int32_t* sums, std::uint64_t* hits) {
  constexpr int kDirections = Floats::kTileDirections;
  // Sums start from minus the threshold, so that their sign says whether they are below it.
  ByteTotals totals;
  HULLSPACE_UNROLL
  for (int j = 0; j < kDirections; ++j) {
    HULLSPACE_UNROLL
    for (int v = 0; v < kByteVectors; ++v) totals[j][v] = _mm512_set1_epi32(-thresholds[j]);
  }
  for (std::ptrdiff_t g = 0; g < n_groups; ++g) {
    __m512i points[kByteVectors];
    HULLSPACE_UNROLL
    for (int v = 0; v < kByteVectors; ++v) {
      points[v] = _mm512_loadu_si512(panel + (g * kPanelPoints + v * 16) * 4);
    }
    HULLSPACE_UNROLL
    for (int j = 0; j < kDirections; ++j) {
      std::int32_t four;
      __builtin_memcpy(&four, tile + (g * kDirections + j) * 4, 4);
      const __m512i coordinates = _mm512_set1_epi32(four);
      HULLSPACE_UNROLL
      for (int v = 0; v < kByteVectors; ++v) {
        totals[j][v] = _mm512_dpbusd_epi32(totals[j][v], points[v], coordinates);
      }
    }
  }
  return store_hits(totals, thresholds, sums, hits);
}

#else

constexpr auto score_byte_tile = nullptr;

#endif

}  // namespace
}  // namespace hullspace
