// The kernels, written once. Each kernels_<set>.cpp includes this and is compiled for its set.
#pragma once

#include <cstddef>
#include <cstdint>

#include "common/kernels.hpp"
#include "common/simd.hpp"
#include "decide/simplex.hpp"

// Loops over a tile must be unrolled early, or the compiler keeps the tile's sums in memory.
#define HULLSPACE_UNROLL _Pragma("GCC unroll 8")

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

std::uint32_t score_byte_tile(const std::uint8_t* panel, const std::int8_t* tile,
                              std::ptrdiff_t n_groups, const std::int32_t* thresholds,
                              std::int32_t* sums, std::uint64_t* hits) {
  constexpr int kVectors = kPanelPoints / 16;
  constexpr int kDirections = Floats::kTileDirections;
  // Sums start from minus the threshold, so that their sign says whether they are below it.
  __m512i totals[kDirections][kVectors];
  HULLSPACE_UNROLL
  for (int j = 0; j < kDirections; ++j) {
    HULLSPACE_UNROLL
    for (int v = 0; v < kVectors; ++v) totals[j][v] = _mm512_set1_epi32(-thresholds[j]);
  }
  for (std::ptrdiff_t g = 0; g < n_groups; ++g) {
    __m512i points[kVectors];
    HULLSPACE_UNROLL
    for (int v = 0; v < kVectors; ++v) {
      points[v] = _mm512_loadu_si512(panel + (g * kPanelPoints + v * 16) * 4);
    }
    HULLSPACE_UNROLL
    for (int j = 0; j < kDirections; ++j) {
      std::int32_t four;
      __builtin_memcpy(&four, tile + (g * kDirections + j) * 4, 4);
      const __m512i coordinates = _mm512_set1_epi32(four);
      HULLSPACE_UNROLL
      for (int v = 0; v < kVectors; ++v) {
        totals[j][v] = _mm512_dpbusd_epi32(totals[j][v], points[v], coordinates);
      }
    }
  }
  std::uint32_t mask = 0;
  HULLSPACE_UNROLL
  for (int j = 0; j < kDirections; ++j) {
    __m512i any = totals[j][0];
    HULLSPACE_UNROLL
    for (int v = 1; v < kVectors; ++v) any = _mm512_or_si512(any, totals[j][v]);
    hits[j] = 0;
    if (_mm512_movepi32_mask(any) == 0) continue;
    mask |= 1U << j;
    HULLSPACE_UNROLL
    for (int v = 0; v < kVectors; ++v) {
      hits[j] |= static_cast<std::uint64_t>(_mm512_movepi32_mask(totals[j][v])) << (v * 16);
      _mm512_storeu_si512(sums + j * kPanelPoints + v * 16,
                          _mm512_add_epi32(totals[j][v], _mm512_set1_epi32(thresholds[j])));
    }
  }
  return mask;
}

#else

constexpr auto score_byte_tile = nullptr;

#endif

// Dot products of up to four columns with each of some vectors, `x_stride` apart, which go to
// outputs `out_stride` apart. The compiler's own reductions go through memory.
template <int kColumns, int kVectors>
inline void dot_tile(const double* columns, std::ptrdiff_t stride, const double* x,
                     std::ptrdiff_t x_stride, std::ptrdiff_t length, double* out,
                     std::ptrdiff_t out_stride) {
  Doubles sums[kVectors][4];
  HULLSPACE_UNROLL
  for (int v = 0; v < kVectors; ++v) {
    HULLSPACE_UNROLL
    for (int j = 0; j < 4; ++j) sums[v][j] = Doubles::zero();
  }
  std::ptrdiff_t i = 0;
  for (; i + Doubles::kWidth <= length; i += Doubles::kWidth) {
    Doubles factors[kVectors];
    HULLSPACE_UNROLL
    for (int v = 0; v < kVectors; ++v) factors[v] = Doubles::load(x + v * x_stride + i);
    HULLSPACE_UNROLL
    for (int j = 0; j < kColumns; ++j) {
      const Doubles column = Doubles::load(columns + j * stride + i);
      HULLSPACE_UNROLL
      for (int v = 0; v < kVectors; ++v) sums[v][j].add_product(column, factors[v]);
    }
  }
  HULLSPACE_UNROLL
  for (int v = 0; v < kVectors; ++v) {
    double totals[4];
    Doubles::store_sums(sums[v][0], sums[v][1], sums[v][2], sums[v][3], totals);
    for (std::ptrdiff_t k = i; k < length; ++k) {
      HULLSPACE_UNROLL
      for (int j = 0; j < kColumns; ++j) totals[j] += columns[j * stride + k] * x[v * x_stride + k];
    }
    HULLSPACE_UNROLL
    for (int j = 0; j < kColumns; ++j) out[v * out_stride + j] = totals[j];
  }
}

template <int kVectors>
inline void dot_tiles(const double* columns, std::ptrdiff_t stride, std::ptrdiff_t count,
                      const double* x, std::ptrdiff_t x_stride, std::ptrdiff_t length, double* out,
                      std::ptrdiff_t out_stride) {
  for (; count >= 4; count -= 4, columns += 4 * stride, out += 4) {
    dot_tile<4, kVectors>(columns, stride, x, x_stride, length, out, out_stride);
  }
  if (count == 3) dot_tile<3, kVectors>(columns, stride, x, x_stride, length, out, out_stride);
  if (count == 2) dot_tile<2, kVectors>(columns, stride, x, x_stride, length, out, out_stride);
  if (count == 1) dot_tile<1, kVectors>(columns, stride, x, x_stride, length, out, out_stride);
}

void dots(const double* columns, std::ptrdiff_t stride, std::ptrdiff_t count, const double* x,
          std::ptrdiff_t length, double* out) {
  dot_tiles<1>(columns, stride, count, x, 0, length, out, 0);
}

// As many vectors at a time as leave their sums in registers.
void dots_of_many(const double* columns, std::ptrdiff_t stride, std::ptrdiff_t count,
                  const double* x, std::ptrdiff_t x_stride, std::ptrdiff_t n_x,
                  std::ptrdiff_t length, double* out, std::ptrdiff_t out_stride) {
  constexpr int kMost = Doubles::kDotVectors;
  std::ptrdiff_t v = 0;
  for (; v + kMost <= n_x; v += kMost) {
    dot_tiles<kMost>(columns, stride, count, x + v * x_stride, x_stride, length,
                     out + v * out_stride, out_stride);
  }
  for (; v + 2 <= n_x; v += 2) {
    dot_tiles<2>(columns, stride, count, x + v * x_stride, x_stride, length, out + v * out_stride,
                 out_stride);
  }
  if (v < n_x) dots(columns, stride, count, x + v * x_stride, length, out + v * out_stride);
}

// Add the combination to kVectors vectors of x, which stay in registers.
template <int kVectors>
inline void combine_part(const double* columns, std::ptrdiff_t stride, std::ptrdiff_t count,
                         const double* coefficients, double* x) {
  Doubles sums[kVectors];
  HULLSPACE_UNROLL
  for (int v = 0; v < kVectors; ++v) sums[v] = Doubles::load(x + v * Doubles::kWidth);
  for (std::ptrdiff_t j = 0; j < count; ++j) {
    const Doubles coefficient = Doubles::broadcast(coefficients[j]);
    HULLSPACE_UNROLL
    for (int v = 0; v < kVectors; ++v) {
      sums[v].add_product(Doubles::load(columns + j * stride + v * Doubles::kWidth), coefficient);
    }
  }
  HULLSPACE_UNROLL
  for (int v = 0; v < kVectors; ++v) sums[v].store(x + v * Doubles::kWidth);
}

void combine(const double* columns, std::ptrdiff_t stride, std::ptrdiff_t count,
             const double* coefficients, double* x, std::ptrdiff_t length) {
  constexpr int kStep = 8 * Doubles::kWidth;
  std::ptrdiff_t i = 0;
  for (; i + kStep <= length; i += kStep) {
    combine_part<8>(columns + i, stride, count, coefficients, x + i);
  }
  for (; i + Doubles::kWidth <= length; i += Doubles::kWidth) {
    combine_part<1>(columns + i, stride, count, coefficients, x + i);
  }
  for (; i < length; ++i) {
    for (std::ptrdiff_t j = 0; j < count; ++j) x[i] += coefficients[j] * columns[j * stride + i];
  }
}

constexpr int kProductVectors = 3;
constexpr int kProductRows = Doubles::kProductRows;

void add_product(const double* a, const double* b, std::ptrdiff_t depth, double* c,
                 std::ptrdiff_t stride) {
  Doubles sums[kProductRows][kProductVectors];
  HULLSPACE_UNROLL
  for (int i = 0; i < kProductRows; ++i) {
    HULLSPACE_UNROLL
    for (int v = 0; v < kProductVectors; ++v) sums[i][v] = Doubles::zero();
  }
  for (std::ptrdiff_t k = 0; k < depth; ++k) {
    Doubles columns[kProductVectors];
    HULLSPACE_UNROLL
    for (int v = 0; v < kProductVectors; ++v) {
      columns[v] = Doubles::load(b + (k * kProductVectors + v) * Doubles::kWidth);
    }
    HULLSPACE_UNROLL
    for (int i = 0; i < kProductRows; ++i) {
      const Doubles factor = Doubles::broadcast(a[k * kProductRows + i]);
      HULLSPACE_UNROLL
      for (int v = 0; v < kProductVectors; ++v) sums[i][v].add_product(columns[v], factor);
    }
  }
  HULLSPACE_UNROLL
  for (int i = 0; i < kProductRows; ++i) {
    HULLSPACE_UNROLL
    for (int v = 0; v < kProductVectors; ++v) {
      double* out = c + i * stride + v * Doubles::kWidth;
      Doubles sum = Doubles::load(out);
      sum.add_product(sums[i][v], Doubles::broadcast(1.0));
      sum.store(out);
    }
  }
}

void solve_upper(const double* r, std::ptrdiff_t stride, std::ptrdiff_t size, double* rhs) {
  for (std::ptrdiff_t j = size - 1; j >= 0; --j) {
    const double* column = r + j * stride;
    const double x = rhs[j] * column[j];
    rhs[j] = x;
#pragma omp simd
    for (std::ptrdiff_t i = 0; i < j; ++i) rhs[i] -= x * column[i];
  }
}

// kColumns columns of R from the first on that the solution is not known for.
template <int kColumns>
inline void solve_columns(const double* r, std::ptrdiff_t stride, std::ptrdiff_t first,
                          double* rhs) {
  double sums[4];
  dot_tile<kColumns, 1>(r + first * stride, stride, rhs, 0, first, sums, 0);
  HULLSPACE_UNROLL
  for (int j = 0; j < kColumns; ++j) {
    const double* column = r + (first + j) * stride + first;
    double x = rhs[first + j] - sums[j];
    HULLSPACE_UNROLL
    for (int i = 0; i < j; ++i) x -= column[i] * rhs[first + i];
    rhs[first + j] = x * column[j];
  }
}

void solve_upper_transposed(const double* r, std::ptrdiff_t stride, std::ptrdiff_t size,
                            double* rhs) {
  std::ptrdiff_t i = 0;
  for (; i + 4 <= size; i += 4) solve_columns<4>(r, stride, i, rhs);
  if (size - i == 3) solve_columns<3>(r, stride, i, rhs);
  if (size - i == 2) solve_columns<2>(r, stride, i, rhs);
  if (size - i == 1) solve_columns<1>(r, stride, i, rhs);
}

template <class T>
void center_row(const T* row, const double* center, double high, double low, double* out,
                std::ptrdiff_t length) {
#pragma omp simd
  for (std::ptrdiff_t i = 0; i < length; ++i) {
    out[i] = (static_cast<double>(row[i]) - center[i]) * high * low;
  }
}

std::ptrdiff_t blocking_row(const double* slacks, const double* speeds, std::ptrdiff_t count,
                            double least, double noise) {
  constexpr double kNever = decide::kInfinity;
  double first = kNever;
#pragma omp simd reduction(min : first)
  for (std::ptrdiff_t i = 0; i < count; ++i) {
    const double limit = decide::blocking_step(slacks[i], speeds[i], least, noise);
    first = limit < first ? limit : first;
  }
  if (first == kNever) return -1;
  const double last = decide::last_step(first);
  double fastest = 0.0;
#pragma omp simd reduction(max : fastest)
  for (std::ptrdiff_t i = 0; i < count; ++i) {
    const double speed = decide::stops_by(slacks[i], speeds[i], last) ? speeds[i] : 0.0;
    const double usable = speed > least ? speed : 0.0;
    fastest = usable > fastest ? usable : fastest;
  }
  for (std::ptrdiff_t i = 0; i < count; ++i) {
    if (speeds[i] == fastest && decide::stops_by(slacks[i], speeds[i], last)) return i;
  }
  return -1;
}

std::ptrdiff_t steepest_edge(const double* multipliers, const double* squares, std::ptrdiff_t count,
                             double least) {
  double steepest = 0.0;
#pragma omp simd reduction(max : steepest)
  for (std::ptrdiff_t i = 0; i < count; ++i) {
    const double square = decide::steepness(multipliers[i], squares[i]);
    steepest = square > steepest ? square : steepest;
  }
  if (!decide::is_steep(steepest, least)) return -1;
  for (std::ptrdiff_t i = 0; i < count; ++i) {
    if (decide::steepness(multipliers[i], squares[i]) == steepest) return i;
  }
  return -1;
}

// Subtract a multiple of `row` from four rows; returns nothing, but their squares.
template <int kRows>
inline void pivot_rows(double* rows, std::ptrdiff_t stride, const double* row,
                       const double* factors, double* squares) {
  Doubles sums[4];
  HULLSPACE_UNROLL
  for (int j = 0; j < 4; ++j) sums[j] = Doubles::zero();
  Doubles multiples[kRows];
  HULLSPACE_UNROLL
  for (int j = 0; j < kRows; ++j) multiples[j] = Doubles::broadcast(-factors[j]);
  for (std::ptrdiff_t i = 0; i < stride; i += Doubles::kWidth) {
    const Doubles part = Doubles::load(row + i);
    HULLSPACE_UNROLL
    for (int j = 0; j < kRows; ++j) {
      Doubles x = Doubles::load(rows + j * stride + i);
      x.add_product(part, multiples[j]);
      x.store(rows + j * stride + i);
      sums[j].add_product(x, x);
    }
  }
  double totals[4];
  Doubles::store_sums(sums[0], sums[1], sums[2], sums[3], totals);
  HULLSPACE_UNROLL
  for (int j = 0; j < kRows; ++j) squares[j] = totals[j];
}

void pivot(double* rows, std::ptrdiff_t stride, std::ptrdiff_t count, std::ptrdiff_t k,
           const double* factors, double* squares) {
  double* pivot_row = rows + k * stride;
  const double inverse = 1.0 / factors[k];
  for (std::ptrdiff_t i = 0; i < stride; ++i) pivot_row[i] *= inverse;
  const double square = squares[k] * inverse * inverse;
  // The pivot row itself must stay as it is: the rows before it, then those after it.
  for (std::ptrdiff_t first = 0, last = k; first < count; first = k + 1, last = count) {
    std::ptrdiff_t j = first;
    for (; j + 4 <= last; j += 4) {
      const double* f = factors + j;
      if (f[0] == 0.0 && f[1] == 0.0 && f[2] == 0.0 && f[3] == 0.0) continue;
      pivot_rows<4>(rows + j * stride, stride, pivot_row, f, squares + j);
    }
    for (; j < last; ++j) {
      if (factors[j] == 0.0) continue;
      pivot_rows<1>(rows + j * stride, stride, pivot_row, factors + j, squares + j);
    }
    if (last == count) break;
  }
  squares[k] = square;
}

// kRows coordinates, or n_rows of them if that is zero.
template <int kRows>
inline void bound_units_of(const double* planes, std::ptrdiff_t stride, std::ptrdiff_t n_rows,
                           std::ptrdiff_t count, const double* point, double share,
                           const double* errors, const double* sizes, double* highest,
                           double* lowest, double* surest) {
  const std::ptrdiff_t n = kRows > 0 ? kRows : n_rows;
#pragma omp simd
  for (std::ptrdiff_t i = 0; i < count; ++i) {
    double value = 0.0;
    HULLSPACE_UNROLL
    for (std::ptrdiff_t c = 0; c < n; ++c) value += point[c] * planes[c * stride + i];
    // The smallest normal number covers what underflow loses.
    const double doubt = errors[i] + share * sizes[i] + 0x1p-1022;
    const double above = value - doubt;
    const double below = value + doubt;
    const double clear = (value < 0.0 ? -value : value) - doubt;
    const double sure = clear == clear ? clear : -__builtin_inf();  // not a number is not sure
    highest[i] = above > highest[i] ? above : highest[i];
    lowest[i] = below < lowest[i] ? below : lowest[i];
    surest[i] = sure < surest[i] ? sure : surest[i];
  }
}

void bound_units(const double* planes, std::ptrdiff_t stride, std::ptrdiff_t n_rows,
                 std::ptrdiff_t count, const double* point, double share, const double* errors,
                 const double* sizes, double* highest, double* lowest, double* surest) {
  const auto bound = n_rows == 2   ? &bound_units_of<2>
                     : n_rows == 3 ? &bound_units_of<3>
                     : n_rows == 4 ? &bound_units_of<4>
                     : n_rows == 5 ? &bound_units_of<5>
                     : n_rows == 6 ? &bound_units_of<6>
                     : n_rows == 7 ? &bound_units_of<7>
                                   : &bound_units_of<0>;
  bound(planes, stride, n_rows, count, point, share, errors, sizes, highest, lowest, surest);
}

void rotate(double* a, double* b, std::ptrdiff_t length, double c, double s) {
#pragma omp simd
  for (std::ptrdiff_t i = 0; i < length; ++i) {
    const double x = a[i];
    const double y = b[i];
    a[i] = c * x + s * y;
    b[i] = c * y - s * x;
  }
}

}  // namespace
}  // namespace hullspace

#define HULLSPACE_DEFINE_KERNELS(table, label)              \
  namespace hullspace {                                     \
  extern const Kernels table;                               \
  const Kernels table = {label,                             \
                         Floats::kTileDirections,           \
                         &score_tile,                       \
                         score_byte_tile,                   \
                         &dots,                             \
                         &dots_of_many,                     \
                         &combine,                          \
                         kProductRows,                      \
                         kProductVectors * Doubles::kWidth, \
                         &add_product,                      \
                         &solve_upper,                      \
                         &solve_upper_transposed,           \
                         &center_row<float>,                \
                         &center_row<double>,               \
                         &blocking_row,                     \
                         &steepest_edge,                    \
                         &pivot,                            \
                         &bound_units,                      \
                         &rotate};                          \
  }
