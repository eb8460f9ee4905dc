// Kernels of vectors in double precision: products, combinations, triangles. A part of
// kernels_impl.hpp.
#pragma once

#include <cstddef>
#include <cstdint>

#include "common/kernels.hpp"
#include "common/simd.hpp"

namespace hullspace {
namespace {

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
