// The kernel of units of a network. A part of kernels_impl.hpp.
#pragma once

#include <cstddef>
#include <cstdint>

#include "common/simd.hpp"

namespace hullspace {
namespace {

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

}  // namespace
}  // namespace hullspace
