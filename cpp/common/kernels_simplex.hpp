// Kernels of the simplex method. A part of kernels_impl.hpp.
#pragma once

#include <cstddef>
#include <cstdint>

#include "common/simd.hpp"
#include "decide/simplex.hpp"

namespace hullspace {
namespace {

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

}  // namespace
}  // namespace hullspace
