// What a scan in single precision may leave out.
#pragma once

#include <cmath>

#include "decide/basics.hpp"

namespace hullspace::decide {

// The smallest float that is not below x: a rounded threshold must not lose points.
HULLSPACE_DECIDE float rounded_up(double x) {
  const auto rounded = static_cast<float>(x);
  const bool is_enough = static_cast<double>(rounded) >= x;
  return is_enough ? rounded : nextafterf(rounded, static_cast<float>(kInfinity));
}

// Rounding aside, no point that scores above this ties with the lowest score.
HULLSPACE_DECIDE double tie_level(double lowest, double point_error) {
  return lowest + 2.0 * point_error;
}

// Whether a list has all points up to the level, given what those that it lacks score at least.
HULLSPACE_DECIDE bool is_complete(double level, double unlisted) { return level < unlisted; }

// A direction's coordinate times a power of two, which keeps sums finite and changes no digit.
HULLSPACE_DECIDE double near_one(double x, double largest) {
  return largest > 0.0 ? scalbn(x, -ilogb(largest)) : 0.0;
}

}  // namespace hullspace::decide
