// What all decisions use. The formulas of this folder say what an answer is and when it is known.
// They stand here once, for the CPU and for devices; who goes through what in which order stands
// with each of them. Where a number is none, no formula says that something is proven.
#pragma once

#include <limits>

#include "common/host_device.hpp"

namespace hullspace::decide {

inline constexpr double kInfinity = std::numeric_limits<double>::infinity();
inline constexpr double kLargest = std::numeric_limits<double>::max();

// As std::max and std::min, the first where none is larger.
HULLSPACE_DECIDE double larger(double a, double b) { return a < b ? b : a; }
HULLSPACE_DECIDE double smaller(double a, double b) { return b < a ? b : a; }

}  // namespace hullspace::decide
