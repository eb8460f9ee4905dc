// The coordinates that a set's points, queries and answers are computed in.
#pragma once

#include <cmath>

#include "common/tolerances.hpp"
#include "decide/basics.hpp"

namespace hullspace::decide {

// Coordinates are (x - center) * high * low. The unit is a power of two and may itself overflow.
struct Unit {
  double high = 1.0;
  double low = 1.0;

  HULLSPACE_DECIDE double to_set(double length) const { return length * high * low; }
  HULLSPACE_DECIDE double to_data(double length) const { return length / high / low; }
};

// The middle of a side of the bounding box. Halving first cannot overflow; equal ends give exactly
// that value unless it is subnormal.
HULLSPACE_DECIDE double middle(double low, double high) {
  return low == high ? low : 0.5 * low + 0.5 * high;
}
HULLSPACE_DECIDE double half_width(double low, double high, double middle) {
  return larger(high - middle, middle - low);
}

// The unit that brings near one how far points reach from the center. A set that is one point has
// no extent of its own: its unit is its distance from the origin, along the farthest coordinate.
inline Unit unit_of(double reach, double offset) {
  if (reach == 0.0) reach = offset > 0.0 ? offset : 1.0;
  int exponent = 0;
  static_cast<void>(std::frexp(reach, &exponent));
  const int half = exponent / 2;
  return {std::ldexp(1.0, -half), std::ldexp(1.0, half - exponent)};
}

// The radius of such a set, which counts as far from zero as it is; the square is the center's.
inline double lone_radius(double square, const Unit& unit) {
  return square > 0.0 ? std::sqrt(square) : unit.to_set(1.0);
}

// A query's coordinate. Quarters cannot overflow; queries that are so far out do not notice the
// lost last bits.
HULLSPACE_DECIDE double quarter_offset(double x, double center) { return 0.25 * x - 0.25 * center; }
HULLSPACE_DECIDE double query_coordinate(double x, double center, const Unit& unit) {
  const double difference = x - center;
  const bool is_finite = difference - difference == 0.0;
  return is_finite ? unit.to_set(difference) : 4.0 * unit.to_set(quarter_offset(x, center));
}

// A query with a coordinate beyond this is far: it is moved in along its ray until that is there.
HULLSPACE_DECIDE double farthest_coordinate(double radius) {
  return tolerances::kFarthestQuery * radius;
}
HULLSPACE_DECIDE bool is_far(double largest_quarter, double farthest, const Unit& unit) {
  return unit.to_data(0.25 * farthest) < largest_quarter;
}
HULLSPACE_DECIDE double moved_in(double quarter, double largest_quarter, double farthest) {
  return quarter / largest_quarter * farthest;
}
// The data's length of a unit of its coordinates then.
HULLSPACE_DECIDE double far_unit(double largest_quarter, double farthest) {
  return largest_quarter / (0.25 * farthest);
}

// Lengths of an answer in the data's units, where its query really is; far_unit is 0 if it was not
// moved.
struct AnswerUnits {
  Unit unit;
  double far_unit;

  // A query that was moved in sees the set shrunk by as much.
  HULLSPACE_DECIDE double shrink() const {
    return far_unit > 0.0 ? unit.to_data(1.0) / far_unit : 1.0;
  }
  HULLSPACE_DECIDE double distance(double length) const {
    return far_unit > 0.0 ? length * far_unit : unit.to_data(length);
  }
  // Moving a query out again multiplies its separation, up to the set's extent seen from there.
  HULLSPACE_DECIDE double margin(double length) const {
    const double moved =
        far_unit > 0.0 ? tolerances::kFarMargin * length * far_unit : unit.to_data(length);
    return smaller(moved, kLargest);
  }
  // A distance is never wrong by more than itself.
  HULLSPACE_DECIDE double gap(double length, double distance) const {
    return smaller(unit.to_data(length), distance);
  }
};

}  // namespace hullspace::decide
