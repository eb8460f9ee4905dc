// The largest ball in a polyhedron, from multipliers of its rows, which have unit length.
#pragma once

#include "common/tolerances.hpp"
#include "decide/basics.hpp"
#include "hullspace/status.hpp"

namespace hullspace::decide {

// What multipliers say of the radius: an upper bound, and how much of it may be rounding.
struct RadiusBound {
  double radius;
  double rounding;
};

// From the multipliers' sum, those of the bounds and of their sizes that they weigh, and the norm
// of the center.
HULLSPACE_DECIDE RadiusBound radius_bound(double sum, double total, double size, double reach) {
  if (sum == 0.0) return {kInfinity, 0.0};
  return {total / sum, tolerances::kBalance * (size / sum + reach)};
}

HULLSPACE_DECIDE bool seems_empty(const RadiusBound& bound) {
  return bound.radius < -bound.rounding;
}

// Whether such a bound proves that there is no feasible point: whether the rows that it comes from
// cancel but for the misfit. `value` is the weighed sum of bounds, of which the farthest is used.
HULLSPACE_DECIDE bool proves_empty(double misfit, double value, double sum, double farthest,
                                   double n_features) {
  return misfit <= tolerances::kCancelled * (n_features + 4.0) * sum ||
         tolerances::kFarProved * farthest * misfit <= -value;
}

// Of an unbounded polyhedron: whether there is a ball of positive radius around the point that was
// reached, and else how far along the ray, on which radii grow with this speed, there is one.
HULLSPACE_DECIDE bool is_inside(double radius) { return radius > 0.0; }
HULLSPACE_DECIDE double step_inside(double radius, double speed) {
  return (1.0 - 2.0 * radius) / speed;
}

// A radius below zero by rounding alone is zero.
HULLSPACE_DECIDE double ball_radius(double radius, double rounding) {
  return radius <= rounding ? larger(0.0, radius) : radius;
}
HULLSPACE_DECIDE double ball_gap(double bound, double radius) {
  return larger(0.0, bound - radius);
}

HULLSPACE_DECIDE Status ball_status(bool found_optimum, bool seems_empty) {
  return found_optimum && !seems_empty ? Status::kOptimal : Status::kLimit;
}

}  // namespace hullspace::decide
