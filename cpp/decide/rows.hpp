// Constraints made ready for the solvers: rows of unit length and bounds near one.
#pragma once

#include <cmath>
#include <cstdint>

#include "common/tolerances.hpp"
#include "decide/basics.hpp"

namespace hullspace::decide {

// Whether a sum of squares neither overflowed nor lost what matters.
HULLSPACE_DECIDE bool is_plain_square(double square) {
  return square > tolerances::kTinySquare && square < tolerances::kHugeSquare;
}

// What a bound is multiplied by where its row, of this length, is divided by that; zero for a row
// of zeros, which binds nothing.
HULLSPACE_DECIDE double row_scale(double length) { return length > 0.0 ? 1.0 / length : 0.0; }

// Multiplying with such an inverse would lose the row: it has to be divided.
HULLSPACE_DECIDE bool must_divide(double scale) { return std::isinf(scale) || scale == 0.0; }

// A row of zeros whose bound says that no point is feasible.
HULLSPACE_DECIDE bool is_contradiction(double scale, double bound) {
  return scale == 0.0 && bound < 0.0;
}

// The unit's exponent is that of the first quartile of the bounds' sizes, as bounds that are far
// away say little about the size of the polyhedron, and not beyond this.
inline constexpr int kMostExponent = 1000;
HULLSPACE_DECIDE std::int64_t quartile(std::int64_t n_sizes) { return n_sizes / 4; }
// Bounds that are zero or were infinite have no size.
HULLSPACE_DECIDE bool has_size(double bound) { return std::isfinite(bound) && bound != 0.0; }

// Where to start along a feature of which single rows say that it lies between these: in the
// middle, or where it is unbounded on the side that is bounded, or at zero if that is feasible.
HULLSPACE_DECIDE double start_between(double low, double high) {
  if (std::isfinite(low) && std::isfinite(high)) return 0.5 * low + 0.5 * high;
  const double top = larger(low, high);
  return 0.0 < low ? low : (top < 0.0 ? top : 0.0);
}

}  // namespace hullspace::decide
