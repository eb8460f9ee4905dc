// What formulas that decide say around their thresholds.
#pragma once

#include <cmath>
#include <limits>

#include "decide/basics.hpp"

namespace tests {

using hullspace::decide::kInfinity;
inline constexpr double kNaN = std::numeric_limits<double>::quiet_NaN();
inline constexpr double kLeast = std::numeric_limits<double>::denorm_min();

inline double above(double x) { return std::nextafter(x, kInfinity); }
inline double below(double x) { return std::nextafter(x, -kInfinity); }

// The answer of a yes-or-no formula just below a number, at it and just above it.
struct Around {
  bool before;
  bool at;
  bool after;
  bool operator==(const Around&) const = default;
};
template <class Formula>
Around around(double x, const Formula& formula) {
  return {formula(below(x)), formula(x), formula(above(x))};
}

inline constexpr Around kUpTo{true, true, false};
inline constexpr Around kBelow{true, false, false};
inline constexpr Around kFrom{false, true, true};
inline constexpr Around kAbove{false, false, true};

}  // namespace tests
