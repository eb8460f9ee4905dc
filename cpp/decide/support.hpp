// The support of a nearest point: which points may enter, how far a step goes, which points leave.
#pragma once

#include <cmath>
#include <cstdint>

#include "common/tolerances.hpp"
#include "decide/basics.hpp"

namespace hullspace {

// What a place of a pool of points holds: nothing, a point that carries no weight, or one that
// does.
enum class Occupant : std::int8_t { kNone, kIdle, kSupport };

namespace decide {

// A column is made orthogonal to others up to so many times. A third time is never needed in exact
// "twice is enough"; it only costs when rounding says so.
inline constexpr int kMostProjections = 3;

// From the squares of a column's length after and before it was projected.
HULLSPACE_DECIDE bool is_orthogonal(double square, double before) {
  return square > tolerances::kReorthogonalize * before;
}

// Whether a column of this square depends on others, which leave this length of it.
HULLSPACE_DECIDE bool is_dependent(double length, double square) {
  return !(length > tolerances::kDependent * std::sqrt(square));
}

// Whether a residual that a share of its coordinates has left needs no second look at them: a whole
// step leaves it orthogonal to the support, which rounding spoils when little is left.
HULLSPACE_DECIDE bool is_clear(double share, double distance, double before) {
  return share < 1.0 || !(distance <= tolerances::kCancellation * before) || distance == 0.0;
}

// What the residual is multiplied by to be the direction from the query to the nearest point.
HULLSPACE_DECIDE double direction_factor(double distance) {
  return distance > 0.0 ? -1.0 / distance : 0.0;
}

// Whether a weight stays positive through a whole step, and the share of the step that it allows.
HULLSPACE_DECIDE bool stays_positive(double weight, double step) { return weight + step > 0.0; }
HULLSPACE_DECIDE double share_to_zero(double weight, double step) { return weight / -step; }

// A point that has just entered stays if the step gives it weight, any other one while it has some.
HULLSPACE_DECIDE bool gains_weight(double step) { return step > 0.0; }
HULLSPACE_DECIDE bool leaves(double weight, bool is_last) { return weight <= 0.0 && !is_last; }

}  // namespace decide
}  // namespace hullspace
