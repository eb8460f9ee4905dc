// A ray whose last point in a hull is sought. Steps are lengths along its unit direction; the slope
// of a hyperplane says how fast scores against it fall along the ray.
#pragma once

#include <cmath>

#include "common/tolerances.hpp"
#include "decide/basics.hpp"

namespace hullspace::decide {

// The step of the origin, which is at this distance and this far along the direction. From far away
// steps are counted from where the ray comes closest, so that they stay sharp.
HULLSPACE_DECIDE double first_step(double distance, double along, double radius) {
  return distance > tolerances::kFarOrigin * radius ? smaller(0.0, along) : 0.0;
}

// The step at which a ray that passes `base` leaves the box along one coordinate, which has a
// slope.
HULLSPACE_DECIDE double step_to_wall(double half_width, double slack, double base, double slope) {
  return (std::copysign(tolerances::kBoxSlack * half_width + slack, slope) - base) / slope;
}

// How far behind the box its walls stand for certain, beside what kBoxSlack gives.
HULLSPACE_DECIDE double wall_slack(double radius, double smallest_tolerance) {
  return smallest_tolerance * radius;
}

// The coordinate, of those of the wall's direction, that is not zero.
HULLSPACE_DECIDE double wall_direction(double slope) { return slope > 0.0 ? -1.0 : 1.0; }

// Of a ray from very far away only the origin's direction is known: it misses the hull if it goes
// away from it. The margin is much less than is true, which leaves room for the rounding of numbers
// of this size.
HULLSPACE_DECIDE bool misses_from_afar(double along) { return along >= 0.0; }
HULLSPACE_DECIDE double margin_from_afar(double distance) { return 0.5 * distance; }

// The step at which the hyperplane that keeps the margin from the query, at `step`, cuts the ray:
// no larger one leads to a point of the hull.
HULLSPACE_DECIDE double cut(double slope, double margin, double step, double first) {
  return slope > 0.0 ? larger(first, step - margin / slope) : kInfinity;
}

// What rounding may do to scores is bounded for norms of up to this.
HULLSPACE_DECIDE double ray_extent(double radius, double query_norm, double step, double first) {
  return radius + query_norm + step - first;
}

// The margin that a hyperplane keeps from all of the ray, whose scores rise from the origin on.
HULLSPACE_DECIDE double margin_at_origin(double margin, double slope, double step, double first,
                                         double rounding) {
  return margin - slope * (step - first) - rounding;
}

// If scores fall on the way from the origin, the hyperplane rules that part out, and the one that
// proved the bound, along which they fall by `fall`, the rest. Combined so that they are level
// along the ray, they separate all of it: a coordinate of the normal, and the margin for its
// length.
HULLSPACE_DECIDE double level_normal(double fall, double direction, double slope, double exit) {
  return fall * direction - slope * exit;
}
HULLSPACE_DECIDE double level_margin(double fall, double margin, double slope, double rounding,
                                     double length) {
  return (fall * margin + 4.0 * slope * rounding) / length;
}

// Tilted by more than its rounding, a normal does not score lower anywhere along the ray.
HULLSPACE_DECIDE double ray_tilt(double smallest_tolerance) { return 2.0 * smallest_tolerance; }

}  // namespace hullspace::decide
